//! Every case of `schemas/vectors`, answered by the page.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use crate::page::{Page, bytes};

/// Kinds that the page must know; a folder more is run too.
const KINDS: [&str; 19] = [
    "bundle",
    "checkpoint",
    "disclosure",
    "entry",
    "erasure",
    "event",
    "index",
    "inner",
    "log",
    "manifest",
    "note",
    "opening",
    "pack",
    "policy",
    "receipt",
    "signature",
    "tree",
    "value",
    "vkey",
];

fn cases() -> Vec<Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/vectors");
    let mut cases = Vec::new();
    for kind in std::fs::read_dir(root).unwrap().map(|kind| kind.unwrap().path()).filter(|kind| kind.is_dir()) {
        for case in std::fs::read_dir(&kind).unwrap().map(|case| case.unwrap().path()) {
            let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
            cases.push(json!([name(&kind), name(&case), bytes(&std::fs::read(&case).unwrap())]));
        }
    }
    cases
}

#[test]
fn the_page_agrees_with_every_vector() {
    let cases = cases();
    let kinds: BTreeSet<&str> = cases.iter().filter_map(|case| case[0].as_str()).collect();
    assert!(KINDS.iter().all(|kind| kinds.contains(kind)), "{kinds:?}");
    let page = Page::open();
    let script = "
        const lines = [];
        for (const [kind, name, text] of given) {
            const differs = await window.verifier.vector(kind, raw(text));
            if (differs !== null) lines.push(`${kind}/${name}: ${differs}`);
        }
        lines.push(`ran ${given.length}, browser's own Ed25519: ${await crypto.subtle.generateKey('Ed25519', false, ['sign']).then(() => 'yes', () => 'no')}`);
        return lines;";
    let mut lines = page.run(script, &json!(cases));
    let last = lines.pop().unwrap();
    assert!(last.starts_with(&format!("ran {},", cases.len())), "{last}");
    assert!(lines.is_empty(), "the page says otherwise:\n{}", lines.join("\n"));
    // The same without the browser's help: our own arithmetic decides alone.
    let alone = "
        Object.defineProperty(crypto, 'subtle', { value: undefined });
        const lines = [];
        for (const [kind, name, text] of given) {
            const differs = await window.verifier.vector(kind, raw(text));
            if (differs !== null) lines.push(`${kind}/${name}: ${differs}`);
        }
        return lines.length ? lines : ['all'];";
    let signatures: Vec<&Value> = cases.iter().filter(|case| case[0] == "signature").collect();
    assert_eq!(page.run(alone, &json!(signatures)), ["all"]);
}

/// Nothing hides on the page, by the same table as everywhere else.
#[test]
fn the_page_shows_what_hides_as_every_program_does() {
    let table: Value = serde_json::from_str(include_str!("../../../schemas/tests/visible.json")).unwrap();
    // Every character alone, but for halves of pairs and what a page of HTML cannot carry.
    let codes = (1..0x3100).chain(0xf900..0x11000).chain(0xe0000..0xe1010).filter_map(char::from_u32);
    let alone: String = codes.filter(|c| schemas::visible::line(&c.to_string()) != c.to_string()).collect();
    let rows = table.as_array().unwrap().len();
    let script = "
        const lines = [];
        for (const [text, shown] of given[0]) {
            if (window.verifier.visible(text) !== shown) lines.push(`${JSON.stringify(text)}: ${window.verifier.visible(text)}`);
        }
        const hides = new Set(given[1]);
        for (const [from, to] of [[1, 0x3100], [0xf900, 0x11000], [0xe0000, 0xe1010]]) {
            for (let code = from; code < to; code++) {
                const char = String.fromCodePoint(code);
                if ((window.verifier.visible(char) !== char) !== hides.has(char)) lines.push(`U+${code.toString(16)}`);
            }
        }
        return [...lines, `ran ${given[0].length}`];";
    assert_eq!(Page::open().run(script, &json!([table, alone.chars().collect::<Vec<_>>()])), [format!("ran {rows}")]);
}

#[test]
fn a_wrong_vector_is_seen() {
    let page = Page::open();
    let script = "return [String(await window.verifier.vector('value', raw(given)))];";
    let wrong = bytes(b"expect: refused json\ncomment: it is good\n\n{}");
    assert_eq!(page.run(script, &wrong), ["ok, expected refused json"]);
}
