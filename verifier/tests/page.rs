//! The committed page is what its parts give.

#[path = "../examples/write-page/page.rs"]
mod page;

use std::path::Path;

use schemas::hash::Hash;

fn committed() -> (String, String) {
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
    let html = std::fs::read_to_string(web.join("verify.html")).unwrap();
    (html, page::assemble(&web).unwrap())
}

#[test]
fn the_page_is_what_its_parts_give() {
    let (html, parts) = committed();
    let lines = html.lines().zip(parts.lines());
    let differs = lines.enumerate().find(|(_, (there, given))| there != given).map(|(n, _)| n + 1);
    assert!(
        html == parts,
        "verifier/web/verify.html is not what its parts give (first at line {differs:?}): \
         run cargo run -p verifier --example write-page"
    );
}

#[test]
fn nothing_but_its_own_script_and_style_may_run() {
    let (html, _) = committed();
    let between = |from: &str, to: &str| html.split_once(from).unwrap().1.split_once(to).unwrap().0;
    let policy = between("http-equiv=\"Content-Security-Policy\" content=\"", "\"");
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    for (kind, element) in [("script", between("<script>", "</script>")), ("style", between("<style>", "</style>"))] {
        let hash = format!("{kind}-src 'sha256-{}'", Hash::of(&[element.as_bytes()]).to_base64());
        assert!(policy.contains(&hash), "{hash} in {policy}");
    }
    // The only addresses in it are names of things, never asked for.
    for word in ["fetch(", "XMLHttpRequest", "WebSocket", "import(", "src=\"http", "href=\"http", "innerHTML", "eval("]
    {
        assert!(!html.contains(word), "{word}");
    }
}
