//! Pages for people without a computer: words, numbers and a QR code. FORMAT.md 10.6; feature `paper`.

use std::fmt::Write as _;

use qrcodegen::{QrCode, QrCodeEcc};
use schemas::catalogue::{Catalogue, Field, Kind};
use schemas::currency;
use schemas::event::RefValue;
use schemas::fingerprint::Fingerprint;
use schemas::value::Value;
use schemas::visible;

use crate::doubt::Doubtful;
use crate::head::SignedHead;
use crate::pack::{Extent, PackReport, Record};
use crate::receipt::ReceiptReport;

/// Blank modules that a QR code needs around it. ISO/IEC 18004.
const QUIET: i32 = 4;
/// A code of more bytes has modules so small that it must be printed larger.
const DENSE_BYTES: usize = 500;

const STYLE: &str = "\
@page{size:A4;margin:18mm}body{font:12pt/1.45 system-ui,sans-serif;color:#111;background:#fff;max-width:42rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.5rem;margin:0 0 .3rem}h2{font-size:1.05rem;margin:1.6rem 0 .3rem}p{margin:.3rem 0}\
table{border-collapse:collapse;width:100%;margin:.4rem 0}th,td{text-align:start;vertical-align:top;padding:.25rem .8rem .25rem 0;border-bottom:1px solid #bbb}\
th{font-weight:600;width:11rem}.words{font:600 1.25rem/1.6 ui-monospace,monospace;letter-spacing:.02em}.numbers{font:1rem/1.5 ui-monospace,monospace}\
svg{width:58mm;height:58mm}.dense svg{width:118mm;height:118mm}caption{text-align:start}.codes{display:flex;gap:10mm;flex-wrap:wrap;align-items:start}figure{margin:.6rem 0}figcaption{font-size:.85rem}\
code{font:.8rem/1.4 ui-monospace,monospace;overflow-wrap:anywhere}.small{font-size:.85rem}";

/// A page for a receipt that was checked: what was recorded, and six words to compare.
pub fn receipt(checked: &ReceiptReport, text: &str) -> Option<String> {
    let (head, entry, leaf) = (checked.report.head.as_ref()?, checked.entry.as_ref()?, checked.leaf?);
    let event = &entry.signed.event;
    let summary = Catalogue::built_in().event(&event.kind).map_or("", |kind| kind.summary.as_str());
    let mut page = begin("Receipt", &format!("{}. Keep this page.", checked.report.word()));
    page.push_str("<table><caption class=small>What was recorded</caption>");
    for (name, value) in [
        ("What", format!("{summary} ({})", event.kind)),
        ("By", event.by.clone()),
        ("Said to have happened", event.at().to_string()),
        ("Received by the ledger", entry.received_at.to_string()),
        ("Entry", format!("{} of {}", checked.index, head.checkpoint.size)),
        ("Record", event.address()),
        ("Ledger", head.checkpoint.origin.to_string()),
        ("Seen by", seen_by(head)),
    ] {
        row(&mut page, name, &value);
    }
    page.push_str("</table>");
    rests(
        &mut page,
        &[
            "That the entry with these words is in the ledger is proven by the ledger's signature and by the proof in the \
             receipt.",
            "Who signed the record is not proven here: it rests on the operator until you check a bundle, or a pack about \
             you.",
            "Whether what was recorded is true nobody can prove with files.",
        ],
    );
    print_of(&mut page, "Words of this record", Fingerprint::of(&leaf));
    print_of(&mut page, "Words of the ledger's state", Fingerprint::of_checkpoint(&head.checkpoint));
    print_of(&mut page, "Words of the ledger's key", Fingerprint::of_key(&head.log_key));
    page.push_str(
        "<p class=small>Anyone who holds the ledger can find the entry by its number and must get the same words. If they \
         are others, or the entry is not there, this page and the file behind it are the proof.</p><div class=codes>",
    );
    code(&mut page, &head.checkpoint.to_text(), "The ledger's state: name, size, root");
    code(&mut page, text, "The whole receipt, for `verifier check` or verify.html");
    page.push_str("</div>");
    Some(end(page, &leaf.to_hex()))
}

/// A page for a checkpoint that was checked: to be compared by telephone, or hung on a wall. `word` is the verdict's.
pub fn checkpoint(head: &SignedHead, word: &str) -> String {
    let checkpoint = &head.checkpoint;
    let lead = format!("{word}. Compare the six words with what others were shown: on paper, or by telephone.");
    let mut page = begin("State of the ledger", &lead);
    page.push_str("<table><caption class=small>Checkpoint</caption>");
    for (name, value) in [
        ("Ledger", checkpoint.origin.to_string()),
        ("Entries", checkpoint.size.to_string()),
        ("Seen by", seen_by(head)),
    ] {
        row(&mut page, name, &value);
    }
    page.push_str("</table>");
    rests(
        &mut page,
        &[
            "That the ledger's key signed this number of entries under this root is proven.",
            "What stands in them rests on the operator until somebody checks the bundle; that others are shown the same \
             rests on whoever compares these words.",
        ],
    );
    print_of(&mut page, "Words of this state", Fingerprint::of_checkpoint(checkpoint));
    print_of(&mut page, "Words of the ledger's key", Fingerprint::of_key(&head.log_key));
    page.push_str("<div class=codes>");
    code(&mut page, &checkpoint.to_text(), "Name, size, root");
    code(&mut page, &head.note.to_text(), "The same, signed");
    page.push_str("</div>");
    end(page, &checkpoint.root.to_base64())
}

/// Witnesses of the reader's policy that have cosigned.
fn seen_by(head: &SignedHead) -> String {
    let names: Vec<&str> = head.witnesses.iter().map(|(name, _)| name.as_str()).collect();
    if names.is_empty() {
        "no witness whom the policy names: no other than the operator vouches that all are shown the same".to_owned()
    } else {
        names.join(", ")
    }
}

/// What is proven, and on whose word the rest is.
fn rests(page: &mut String, lines: &[&str]) {
    page.push_str("<h2>What is proven, and what rests on whose word</h2>");
    for line in lines {
        let _ = write!(page, "<p>{line}</p>");
    }
}

/// A page for a pack that was checked: every record of it, and of each what it does not show, and why. `verdict` is what
/// the check said.
pub fn pack(checked: &PackReport, verdict: &str) -> Option<String> {
    let head = checked.report.head.as_ref()?;
    let lead = "Every record that the pack holds, and of each what it does not show. It was checked when this was printed; \
                the paper proves nothing by itself, the file does: keep it, and compare the words.";
    let mut page = begin("Records", lead);
    let _ = write!(page, "<p>{}</p><table><caption class=small>The pack</caption>", escaped(verdict));
    let count = |extent| checked.records.iter().filter(|record| record.extent() == extent).count();
    let [full, partly, withheld] = [Extent::Full, Extent::Partly, Extent::Withheld].map(count);
    for (name, value) in [
        ("Ledger", head.checkpoint.origin.to_string()),
        ("About", checked.stream.clone()),
        ("For, as it says", checked.audience.clone()),
        ("Under", format!("{} entries", head.checkpoint.size)),
        ("Seen by", seen_by(head)),
        (
            "Records",
            format!(
                "{}: {full} shown in full, {partly} in part, {withheld} without their hidden values",
                checked.records.len()
            ),
        ),
    ] {
        row(&mut page, name, &value);
    }
    page.push_str("</table>");
    rests(
        &mut page,
        &[
            "That these records are in the ledger, and signed with keys that it admitted, is proven by the file.",
            "On whose word no record is missing, and the ledger could admit each (that no key had been revoked before, \
             elsewhere), stands in the verdict above; whether what was recorded is true nobody can prove with files.",
        ],
    );
    print_of(&mut page, "Words of the ledger's state", Fingerprint::of_checkpoint(&head.checkpoint));
    print_of(&mut page, "Words of the ledger's key", Fingerprint::of_key(&head.log_key));
    for (number, one) in (1..).zip(&checked.records) {
        let doubt = checked.report.doubtful.iter().find(|doubt| doubt.position == one.entry.position);
        record(&mut page, number, one, doubt);
    }
    page.push_str("<div class=codes>");
    code(&mut page, &head.note.to_text(), "The ledger's state, signed");
    page.push_str("</div>");
    Some(end(page, &head.checkpoint.root.to_base64()))
}

/// One record of a pack, and who casts doubt on it.
fn record(page: &mut String, number: usize, record: &Record, doubt: Option<&Doubtful>) {
    let event = &record.entry.signed.event;
    let kind = Catalogue::built_in().event(&event.kind).filter(|kind| kind.v == event.v);
    let field = |name: &str| kind.and_then(|kind| kind.field(name));
    let summary = kind.map_or("", |kind| kind.summary.as_str());
    let title = format!("{number}. {summary} ({})", event.kind);
    let _ = write!(
        page,
        "<h2>{}</h2><table><caption class=small>Entry {}</caption>",
        escaped(&title),
        record.entry.position
    );
    for (name, value) in [
        ("By", event.by.clone()),
        ("Said to have happened", event.at().to_string()),
        ("Received by the ledger", record.entry.received_at.to_string()),
        ("Record", event.address()),
    ] {
        row(page, name, &value);
    }
    for (name, value) in &event.data {
        row(page, &label(name), &said(value, field(name)));
    }
    for (name, target) in &event.refs {
        row(page, &format!("Refers to ({name})"), &RefValue::targets(target).join(", "));
    }
    for (name, value) in &record.opened.values {
        row(page, &format!("{} (not public)", label(name)), &said(value, field(name)));
    }
    for name in record.opened.withheld.iter() {
        let why = if record.sealed.contains(name) {
            "sealed: oversight alone can read it"
        } else {
            "not shown in this pack: withheld, or left out on the way"
        };
        row(page, &label(name), why);
    }
    for (name, by) in &record.opened.erased {
        row(page, &label(name), &format!("erased by rule: entry {by}"));
    }
    let signers: Vec<&str> = record.entry.signed.note.signatures.iter().map(|line| line.name.as_str()).collect();
    row(page, "Signed by", &signers.join(", "));
    if let Some(doubt) = doubt {
        let why =
            format!("{} may have been in other hands since {}: entry {}", doubt.key, doubt.from, doubt.revoked_by);
        row(page, "In doubt", &why);
    }
    let shown = kind.map_or(0, |kind| kind.slots().len());
    let empty =
        shown.saturating_sub(record.opened.values.len() + record.opened.withheld.len() + record.opened.erased.len());
    if empty > 0 {
        row(page, "Left empty", &format!("{empty} hidden values"));
    }
    page.push_str("</table>");
}

/// A field's name as people read it.
fn label(name: &str) -> String {
    name.replace('_', " ")
}

/// A value as people read it.
fn said(value: &Value, field: Option<&Field>) -> String {
    let kind = field.map(|field| field.kind);
    match value {
        Value::Bool(truth) => if *truth { "yes" } else { "no" }.to_owned(),
        Value::Integer(n) if kind == Some(Kind::Percent) => format!("{}.{} %", n / 10, n % 10),
        Value::Integer(n) => match kind {
            Some(Kind::Minutes) => format!("{n} minutes"),
            Some(Kind::Hours) => format!("{n} hours"),
            Some(Kind::Days) => format!("{n} days"),
            _ => n.to_string(),
        },
        Value::Text(text) if kind == Some(Kind::Code) => label(text),
        Value::Text(text) => text.clone(),
        Value::List(all) => all.iter().map(|one| said(one, field)).collect::<Vec<_>>().join(", "),
        Value::Object(members) => {
            let text = |name: &str| members.get(name).and_then(Value::as_text);
            let amount = members.get("amount").and_then(Value::as_integer);
            match (text("text"), amount, text("currency")) {
                (Some(text), ..) => text.to_owned(),
                (None, Some(amount), Some(currency)) => currency::shown(amount, currency),
                _ => value.to_json(),
            }
        }
    }
}

fn begin(title: &str, lead: &str) -> String {
    format!(
        "<!doctype html><html lang=en><head><meta charset=utf-8>\
         <meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <meta name=viewport content=\"width=device-width\"><title>{title}</title><style>{STYLE}</style></head>\
         <body><main><h1>{title}</h1><p>{}</p>",
        escaped(lead)
    )
}

fn end(mut page: String, hash: &str) -> String {
    let _ = write!(page, "<p class=small>In full: <code>{}</code></p></main></body></html>", escaped(hash));
    page + "\n"
}

fn row(page: &mut String, name: &str, value: &str) {
    let (name, value) = (escaped(name), escaped(value));
    let _ = write!(page, "<tr><th scope=row>{name}</th><td><bdi>{value}</bdi></td></tr>");
}

fn print_of(page: &mut String, title: &str, print: Fingerprint) {
    let (words, numbers) = (print.words(), print.numbers());
    let _ = write!(
        page,
        "<h2>{title}</h2><p class=words dir=ltr><bdi>{words}</bdi></p><p class=numbers dir=ltr><bdi>{numbers}</bdi></p>"
    );
}

/// A QR code with its caption; where the text is too long for one, a line that says so.
fn code(page: &mut String, text: &str, caption: &str) {
    match svg(text) {
        Some(svg) => {
            let dense = if text.len() > DENSE_BYTES { " class=dense" } else { "" };
            let _ = write!(page, "<figure{dense}>{svg}<figcaption>{caption}</figcaption></figure>");
        }
        None => {
            let _ = write!(page, "<p class=small>{caption}: too long for a QR code; it is in the file.</p>");
        }
    }
}

/// The text as a QR code, of medium correction where that fits.
fn svg(text: &str) -> Option<String> {
    let levels = [QrCodeEcc::Medium, QrCodeEcc::Low];
    let code = levels.into_iter().find_map(|level| QrCode::encode_binary(text.as_bytes(), level).ok())?;
    let (size, mut path) = (code.size(), String::new());
    for y in 0..size {
        for x in 0..size {
            if code.get_module(x, y) {
                let _ = write!(path, "M{},{}h1v1h-1z", x + QUIET, y + QUIET);
            }
        }
    }
    let side = size + 2 * QUIET;
    Some(format!(
        "<svg viewBox=\"0 0 {side} {side}\" role=img aria-label=\"QR code\" shape-rendering=crispEdges>\
         <path fill=#fff d=\"M0 0h{side}v{side}H0z\"/><path fill=#000 d=\"{path}\"/></svg>"
    ))
}

fn escaped(text: &str) -> String {
    visible::page(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
