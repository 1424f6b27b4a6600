//! Whom the page trusts is for the reader to say: nothing that came along is trusted, nothing of hers replaced.

use serde_json::json;

use crate::page::{Page, bytes, sample};

/// A policy of somebody else's key, under the name of the samples' log.
fn stranger() -> String {
    let own = String::from_utf8(sample("policy")).unwrap();
    let key = own.lines().find_map(|line| line.strip_prefix("log ")).unwrap();
    let name = key.split('+').next().unwrap();
    let key = verifier::signature::SecretKey::new(name, &[9; 32]).vkey();
    format!("log {key}\nquorum none\n")
}

#[test]
fn what_came_along_is_asked_about() {
    let page = Page::open();
    let script = "
        const lines = [];
        const say = (what) => lines.push(`${what}: ${result()?.dataset.verdict ?? '-'}, asked ${document.querySelectorAll('.asked').length}, mine ${document.querySelector('.trust .said').textContent.includes('mine')}`);
        const done = () => settled(() => !document.querySelector('progress') && result(), 'a verdict');
        const button = (how) => document.querySelector(`[id^=asked-${how}-]`);
        choose('choose', [['good.pack', given.good], ['policy', given.policy]]);
        await done();
        say('dropped along');
        button('leave').click();
        await done();
        say('left');
        choose('choose', [['policy', given.policy]]);
        await settled(() => button('use'), 'the question');
        button('use').click();
        await settled(() => result()?.dataset.verdict === 'verified', 'trust');
        say('used');
        press('again');
        // Hers is a stranger's: no file makes her page turn green.
        choose('policy', [['mine', given.stranger]]);
        await settled(() => shown().includes('You gave the policy mine'), 'her policy');
        choose('choose', [['good.pack', given.good], ['policy', given.policy]]);
        await done();
        say('hers differs');
        lines.push(`replaces: ${document.querySelector('.asked').textContent.includes('mine')}`);
        button('leave').click();
        await done();
        say('hers stays');
        choose('policy', [['another', given.policy]]);
        await settled(() => button('use'), 'the question');
        say('given herself');
        button('use').click();
        await settled(() => result()?.dataset.verdict === 'verified', 'trust');
        say('replaced');
        press('again');
        // A key that she typed stays too.
        document.getElementById('key').value = given.key;
        document.getElementById('key').dispatchEvent(new Event('input'));
        press('use-keys');
        choose('choose', [['good.pack', given.good], ['policy', given.policy]]);
        await done();
        say('typed key');
        press('again');
        // Whose a key is, is asked.
        choose('choose', [['good.pack', given.good], ['auditor', given.auditor]]);
        await done();
        lines.push(`auditors: ${document.getElementById('auditors').value.length}`);
        button('auditor').click();
        await done();
        lines.push(`auditors: ${document.getElementById('auditors').value.length > 20}, key: ${document.getElementById('key').value.length}`);
        press('sample-policy');
        await settled(() => result()?.dataset.verdict === 'verified', 'trust');
        lines.push(`complete: ${shown().includes('Complete: auditor.example/samples')}`);
        return lines;";
    let key = stranger().lines().next().unwrap().strip_prefix("log ").unwrap().to_owned();
    let given = json!({
        "good": bytes(&sample("good.pack")),
        "policy": bytes(&sample("policy")),
        "stranger": bytes(stranger().as_bytes()),
        "auditor": bytes(&sample("auditor")),
        "key": key,
    });
    let wanted = [
        "dropped along: cannot_tell, asked 1, mine false",
        "left: cannot_tell, asked 0, mine false",
        "used: verified, asked 0, mine false",
        "hers differs: not_verified, asked 1, mine true",
        "replaces: true",
        "hers stays: not_verified, asked 0, mine true",
        "given herself: not_verified, asked 1, mine true",
        "replaced: verified, asked 0, mine false",
        "typed key: not_verified, asked 1, mine false",
        "auditors: 0",
        "auditors: true, key: 0",
        "complete: true",
    ];
    assert_eq!(page.run(script, &given), wanted);
}

#[test]
fn the_worst_of_several_comes_first() {
    let page = Page::open();
    let script = "
        choose('policy', [['mine', given.policy]]);
        choose('choose', given.files);
        await settled(() => document.querySelectorAll('.result').length === given.files.length && !document.querySelector('progress'), 'verdicts');
        const words = [...document.querySelectorAll('.result')].map((r) => r.dataset.verdict);
        const status = document.getElementById('status').textContent;
        return [words.join(' '), status, `focus: ${document.activeElement === document.querySelector('.word')}`, `shown: ${document.querySelector('.summary').textContent === status}`];";
    let files: Vec<_> =
        ["visit.tlog-proof", "swapped.pack", "good.pack", "fork"].map(|n| json!([n, bytes(&sample(n))])).into();
    let said = page.run(script, &json!({ "files": files, "policy": bytes(&sample("policy")) }));
    let status = "4 files, the worst first: swapped.pack: Not verified. fork: Proven: this log signed two histories. \
                  good.pack: Verified; that none is missing, and that the log could admit each, rests on the operator. \
                  visit.tlog-proof: In the log; who signed the record rests on the operator";
    assert_eq!(said, ["not_verified proven verified verified", status, "focus: true", "shown: true"]);
}

#[test]
fn a_saved_verdict_holds_no_hidden_value() {
    let page = Page::open();
    let script = "
        let saved = null;
        URL.createObjectURL = (blob) => {
            saved = blob;
            return 'about:blank';
        };
        HTMLAnchorElement.prototype.click = () => {};
        choose('choose', [['good.pack', given]]);
        await checked();
        const hidden = 'A. Example, B. Example, C. Example';
        document.querySelector('[id^=export-]').click();
        const text = await saved.text();
        const { records } = JSON.parse(text);
        const values = records.flatMap((record) => record.hidden).filter((slot) => 'value' in slot);
        return [`on the page: ${shown().includes(hidden)}`, `saved: ${text.includes(hidden)}`, `values: ${values.length} of ${records.flatMap((r) => r.hidden).length > 10}`];";
    let said = page.run(script, &bytes(&sample("good.pack")));
    assert_eq!(said, ["on the page: true", "saved: false", "values: 0 of true"]);
}

#[test]
fn every_record_is_printed() {
    let page = Page::open();
    let script = "
        const box = document.createElement('article');
        box.className = 'result';
        const one = (n) => ({ index: n, type: 'x', summary: '', at: '2031-01-01', receivedAt: '2031-01-01T00:00:00Z', by: 'a', address: `a/x/r${n}`, id: null, refs: [], fields: [], hidden: [], signers: [], marks: [] });
        box.append(timelineOf({ records: Array.from({ length: 1234 }, (_, n) => one(n)), faults: [] }));
        document.getElementById('page').append(box);
        const before = box.querySelectorAll('.record').length;
        window.dispatchEvent(new Event('beforeprint'));
        const closed = [...box.querySelectorAll('details')].filter((details) => !details.open).length;
        return [`${before}`, `${box.querySelectorAll('.record').length}`, `closed: ${closed}`];";
    assert_eq!(page.run(script, &json!(null)), ["200", "1234", "closed: 0"]);
}

#[test]
fn sums_are_shown_as_iso_4217_has_them() {
    let page = Page::open();
    let script = "
        const lines = [];
        for (const lang of ['en', 'fr', 'ar']) {
            words.lang = lang;
            for (const currency of given) lines.push(money({ amount: 1234567, currency }).replace(/[^0-9A-Z]/g, ' '));
        }
        return lines;";
    // Every currency that a browser knows, and every one of the standard that is not of hundredths.
    let all = page.run("return Intl.supportedValuesOf('currency');", &json!(null));
    assert!(all.len() > 100, "{}", all.len());
    let own = schemas::currency::EXPONENTS.iter().map(|(code, _)| (*code).to_owned());
    let codes: std::collections::BTreeSet<String> = all.into_iter().chain(own).collect();
    let said = page.run(script, &json!(codes));
    for (currency, line) in codes.iter().cycle().zip(&said) {
        let parts: Vec<&str> = line.split_whitespace().collect();
        let digits = usize::from(schemas::currency::exponent(currency));
        assert_eq!(parts.last(), Some(&currency.as_str()), "{line}");
        let number: String = parts[..parts.len() - 1].concat();
        assert_eq!(number, "1234567", "{currency}: nothing is rounded: {line}");
        let whole = 7 - digits;
        let leading: Vec<usize> = parts[..parts.len() - 1].iter().map(|part| part.len()).collect();
        let point = if digits == 0 { 7 } else { leading[..leading.len() - 1].iter().sum() };
        assert_eq!(point, whole, "{currency}: {line}");
    }
    assert_eq!(said.len(), 3 * codes.len());
}
