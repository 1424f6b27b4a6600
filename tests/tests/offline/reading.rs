//! How people use the page: in three languages, without a mouse, on any screen, and without a network.

use serde_json::json;

use crate::page::{Page, bytes, sample};

#[test]
fn verified_is_said_only_after_trust_was_stated() {
    let page = Page::open();
    let script = "
        const lines = [];
        const word = () => result().querySelector('.word').textContent;
        for (const lang of ['en', 'fr', 'ar']) {
            press(`lang-${lang}`);
            press('sample-good-pack');
            await checked();
            const root = document.documentElement;
            lines.push(`${root.lang} ${root.dir} ${result().dataset.verdict}: ${word()}`);
            lines.push(`focus on the verdict: ${document.activeElement === result().querySelector('.word')}`);
            result().querySelector('.same input').click();
            await settled(() => result()?.dataset.verdict === 'verified', 'trust');
            lines.push(word());
            press('again');
        }
        return lines;";
    let said = page.run(script, &json!(null));
    let wanted = [
        "en ltr cannot_tell: Cannot tell",
        "focus on the verdict: true",
        "Verified; that none is missing, and that the log could admit each, rests on the operator",
        "fr ltr cannot_tell: Indéterminé",
        "focus on the verdict: true",
        "Vérifié ; qu’il n’en manque aucun, et que le journal pouvait les admettre, repose sur l’opérateur",
        "ar rtl cannot_tell: لا يمكن الجزم",
        "focus on the verdict: true",
        "تم التحقق؛ أما أنه لا ينقص منها شيء، وأن السجل كان له أن يقبلها، فعلى ذمة المشغّل",
    ];
    assert_eq!(said, wanted);
}

#[test]
fn files_are_taken_from_the_reader_and_set_against_each_other() {
    let page = Page::open();
    let script = "
        const lines = [];
        const say = () => [...document.querySelectorAll('.result')].map((r) => `${r.dataset.kind} ${r.dataset.verdict}`).join(', ');
        choose('choose', [['a.pack', given.good], ['b.pack', given.older]]);
        await checked();
        lines.push(say());
        choose('policy', [['mine', given.policy]]);
        await settled(() => result()?.dataset.verdict === 'verified', 'trust');
        lines.push(say());
        lines.push(`extends: ${shown().includes('It extends the older file of size 14')}`);
        lines.push(`dispute: ${shown().includes('disputes this: entry 15')}`);
        lines.push(`index: ${shown().includes('Complete if the index is honest')}`);
        document.getElementById('auditors').value = given.auditor;
        document.getElementById('auditors').dispatchEvent(new Event('input'));
        press('use-keys');
        await settled(() => shown().includes('Complete: auditor.example/samples'), 'the auditor');
        lines.push(say());
        choose('choose', [['broken', given.swapped]]);
        await settled(() => document.querySelectorAll('.result').length === 3, 'a third file');
        lines.push(say());
        lines.push(result().querySelector('.named').textContent);
        return lines;";
    let given = json!({
        "good": bytes(&sample("good.pack")),
        "older": bytes(&sample("older.pack")),
        "swapped": bytes(&sample("swapped.pack")),
        "policy": bytes(&sample("policy")),
        "auditor": String::from_utf8(sample("auditor")).unwrap(),
    });
    let wanted = [
        "pack cannot_tell, pack cannot_tell",
        "pack verified, pack verified",
        "extends: true",
        "dispute: true",
        "index: true",
        "pack verified, pack verified",
        "pack not_verified, pack verified, pack verified",
        "First broken record: entry 10, 3 February 2031: An organisation asks for access to a facility",
    ];
    assert_eq!(page.run(script, &given), wanted);
}

#[test]
fn text_of_a_file_stays_text() {
    let page = Page::open();
    let script = "
        const lines = [];
        for (const text of given) {
            choose('choose', [['<img src=x onerror=alert(1)>', text]]);
            await settled(() => result() && !document.querySelector('progress'), 'a verdict');
            lines.push(`${result().dataset.kind} ${result().dataset.verdict}`);
            press('again');
        }
        lines.push(`elements: ${document.querySelectorAll('img, iframe, object, link, base').length}`);
        return lines;";
    let evil = String::from_utf8(sample("good.pack")).unwrap().replace("organisation/cso-league", "<script>alert(1)//");
    let files = [
        bytes(evil.as_bytes()),
        bytes(b"<b>hello</b>"),
        bytes(b""),
        bytes(b"c2sp.org/tlog-proof@v1\n<b>"),
        bytes(b"oversight-refusal/v1\n\n\xe2\x80\x94"),
        bytes(b"{\"fork\":\"<b>\"}\n"),
    ];
    // A pack that is about no stream has not its form, which nobody signs.
    let wanted = [
        "pack cannot_tell",
        "unknown cannot_tell",
        "unknown cannot_tell",
        "receipt not_verified",
        "refusal not_verified",
        "fork not_proven",
        "elements: 0",
    ];
    assert_eq!(page.run(script, &json!(files)), wanted);
}

#[test]
fn the_keyboard_is_enough() {
    let page = Page::open();
    let script = "
        const lines = [];
        press('sample-good-pack');
        await checked();
        for (const details of document.querySelectorAll('details')) details.open = true;
        const all = [...document.querySelectorAll('button, input, textarea, summary, a, [onclick]')];
        for (const element of all) {
            element.focus({ focusVisible: true });
            const name = element.id || element.textContent;
            const { width, height } = element.getBoundingClientRect();
            if (document.activeElement !== element) lines.push(`cannot be reached: ${name}`);
            if (getComputedStyle(element).outlineStyle === 'none') lines.push(`focus is not seen: ${name}`);
            if (width < 24 || height < 24) lines.push(`too small: ${name} ${width} x ${height}`);
            if (element.tabIndex !== 0) lines.push(`out of order: ${name}`);
        }
        lines.push(`${all.length > 25}`);
        return lines;";
    assert_eq!(page.run(script, &json!(null)), ["true"]);
}

#[test]
fn every_word_is_there_in_every_language() {
    let page = Page::open();
    let script = "
        const texts = JSON.parse(document.getElementById('texts').textContent);
        const [en, ...others] = ['en', 'fr', 'ar'].map((lang) => [lang, JSON.parse(texts[lang])]);
        const filled = (text) => [...new Set(JSON.stringify(text).match(/[{]\\\\w+[}]/g) ?? [])].sort().join();
        const lines = [];
        for (const [lang, words] of others) {
            for (const name of Object.keys(en[1])) {
                if (!(name in words)) lines.push(`${lang}: no ${name}`);
                else if (filled(words[name]) !== filled(en[1][name])) lines.push(`${lang}: ${name} fills in other values`);
            }
            for (const name of Object.keys(words)) if (!(name in en[1])) lines.push(`${lang}: ${name} is nowhere else`);
        }
        lines.push(`${Object.keys(en[1]).length > 200}`);
        return lines;";
    assert_eq!(page.run(script, &json!(null)), ["true"]);
}

#[test]
fn nothing_is_cut_off_on_a_narrow_screen() {
    let page = Page::open();
    // A frame is as narrow as it is asked to be; a window is not.
    let script = "
        if (window.parent !== window) {
            for (const lang of ['en', 'ar']) {
                press(`lang-${lang}`);
                press('sample-false-erasure-pack');
                await checked();
                for (const details of document.querySelectorAll('details')) details.open = true;
                const wide = document.documentElement.scrollWidth - window.innerWidth;
                parent.postMessage(`${lang} ${window.innerWidth}: ${wide > 0 ? `${wide} too wide` : 'fits'}`, '*');
            }
            return [];
        }
        const lines = [];
        window.addEventListener('message', (event) => lines.push(event.data));
        // 320 pixels are what WCAG 2.2 1.4.10 asks for: a screen of 1280 at 400 percent.
        const frame = document.createElement('iframe');
        frame.width = 320;
        frame.height = 900;
        frame.style.border = '0';
        frame.src = location.href;
        document.body.append(frame);
        await settled(() => lines.length === 2, 'the frame');
        return lines;";
    assert_eq!(page.run(script, &json!(null)), ["en 320: fits", "ar 320: fits"]);
}

#[test]
fn the_page_asks_for_nothing_and_lets_nothing_in() {
    let page = Page::open();
    let seen = page.look(page.html(), 1200);
    assert!(seen.dom.contains("Network: none used."), "its own script runs under its own policy");
    assert_eq!(seen.console, [""; 0]);
    // What is put into it does not run, and cannot ask.
    let more = "<script>document.title = 'ran'</script><img src=\"https://elsewhere.invalid/x.png\"></body>";
    let seen = page.look(&page.html().replace("</body>", more), 1200);
    let console = seen.console.join("\n");
    assert!(console.contains("elsewhere.invalid") && console.contains("script"), "{console}");
    assert!(!seen.dom.contains("<title>ran</title>"));
}

#[cfg(feature = "axe")]
#[test]
fn axe_has_nothing_against_the_page() {
    let page = Page::open();
    let axe = std::fs::read_to_string(std::env::var("AXE").expect("AXE names the file axe.min.js; tests/run sets it"))
        .unwrap();
    let script = "
        (0, eval)(raw(given).reduce((text, byte) => text + String.fromCharCode(byte), ''));
        const lines = [];
        const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
        const options = { runOnly: { type: 'tag', values: tags }, rules: { 'target-size': { enabled: true } } };
        const ask = async (what) => {
            const found = await axe.run(document, options);
            for (const rule of found.violations) for (const node of rule.nodes.slice(0, 3)) lines.push(`${what}: ${rule.id}: ${rule.help}: ${node.target.join(' ')}`);
        };
        await ask('at first');
        for (const [lang, name] of [['en', 'rewritten-pack'], ['ar', 'erased-pack'], ['fr', 'good-pack']]) {
            press(`lang-${lang}`);
            press(`sample-${name}`);
            await checked();
            for (const details of document.querySelectorAll('details')) details.open = true;
            await ask(`${lang} ${name}`);
        }
        lines.push('asked');
        return lines;";
    for (width, dark) in [(1200, "1"), (1200, "0"), (500, "1")] {
        let dark = format!("--blink-settings=preferredColorScheme={dark}");
        let lines = page.run_at(script, &bytes(axe.as_bytes()), width, &[&dark]);
        assert_eq!(lines, ["asked"], "at {width} px");
    }
}
