//! What an auditor refuses the offline page refuses too, at the same entry and under the same number of FORMAT.md 11;
//! what the one names as doubtful the other names. The tables are those of the files beside.

use serde_json::{Value, json};
use tests::forge::{Forge, Record};
use tests::memory::Memory;
use verifier::bundle::{NoVisitor, check};
use verifier::fault::Fault;

use crate::common::golden;
use crate::driven::{Page, bytes};
use crate::{admission, keys, operator, sides};

/// Bundles that one start of the browser is given.
const TOGETHER: usize = 40;

/// What is said of a bundle: the verdict; what is refused first, by its number in 11, and where; entries in doubt.
fn told(bundle: &Memory) -> String {
    let report = check(&mut bundle.clone(), &golden().policy, None, &mut NoVisitor);
    let fault = report.faults.first();
    let refused = match fault {
        Some(Fault::Admission { position, refusal, .. }) => format!("{} at {position}", refusal.number()),
        _ => "-".to_owned(),
    };
    let doubts: Vec<String> =
        report.doubtful.iter().map(|one| format!("{}<{}", one.position, one.revoked_by)).collect();
    format!("{} {refused} {}", report.verdict().code(), doubts.join(","))
}

const SCRIPT: &str = "
    const lines = [];
    for (const files of given.bundles) {
        const found = new Map(files.map(([path, text]) => [path, raw(text)]));
        const report = await checkBundle(found, trustOf(given.policy));
        const [fault] = report.faults;
        const { section } = fault ?? {};
        const ofAdmission = fault && (['11', '3.4'].includes(section) || (section === '9' && fault.code.startsWith('seal-') && fault.code !== 'seal-not-last') || ['other-ledger', 'time-back'].includes(fault.code));
        const refused = ofAdmission ? `${numberOf(fault.code)} at ${fault.entry}` : '-';
        const doubts = (report.doubts?.list ?? []).map(({ entry, by }) => `${entry}<${by}`);
        lines.push(`${report.verdict} ${refused} ${doubts.join(',')}`);
    }
    return lines;";

/// A bundle without its page, which is large and which nothing here is about.
fn bare(mut bundle: Memory) -> Memory {
    bundle.remove("verify.html");
    bundle.manifest();
    bundle
}

fn sealed_row(say: fn(&mut Forge<'_>) -> Record) -> Memory {
    let mut log = Forge::of(golden());
    let record = say(&mut log);
    log.records.push(Record { kept: true, ..record });
    log.seal();
    log.build().bundle
}

#[test]
fn the_page_admits_and_refuses_as_every_auditor_does() {
    let rows = [admission::ROWS, sides::ROWS, keys::ROWS].concat();
    let mut cases: Vec<(&str, Memory)> = rows.iter().map(|(what, _, _, say)| (*what, sealed_row(*say))).collect();
    for (what, _, tell) in operator::LIES {
        cases.push((what, tell(&mut Forge::of(golden())).bundle));
    }
    for (what, _, say) in keys::COMPROMISES {
        let mut log = Forge::of(golden());
        say(&mut log);
        log.seal();
        cases.push((what, log.build().bundle));
    }
    assert!(cases.len() > 250, "{} cases", cases.len());
    let mut page = Vec::new();
    let driven = Page::open();
    for some in cases.chunks(TOGETHER) {
        let files = |bundle: &Memory| {
            let bundle = bare(bundle.clone());
            let file = |path: String| json!([path, bytes(bundle.get(&path))]);
            Value::Array(bundle.names().into_iter().map(file).collect())
        };
        let bundles: Vec<Value> = some.iter().map(|(_, bundle)| files(bundle)).collect();
        let policy = String::from_utf8(golden().bundle.get("policy").to_vec()).unwrap();
        page.extend(driven.run(SCRIPT, &json!({ "bundles": bundles, "policy": policy })));
    }
    assert_eq!(page.len(), cases.len());
    let mut wrong = Vec::new();
    for ((what, bundle), page) in cases.iter().zip(&page) {
        let ours = told(&bare(bundle.clone()));
        if ours != *page {
            wrong.push(format!("{what}: an auditor says {ours:?}, the page {page:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
