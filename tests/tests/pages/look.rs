//! Each page in a browser: nothing runs, nothing is loaded, nothing is cut off or printed over something else.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::browser::Browser;
use crate::velmora::velmora;

/// Widths of screens: the narrowest that WCAG 2.2 1.4.10 asks for, a telephone, a tablet, a desk.
const WIDTHS: [u32; 4] = [320, 390, 768, 1280];

/// A page with everything wrong that is looked for: what finds nothing there would find nothing anywhere.
fn bad() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/pages/bad.html")
}

/// A page of frames that holds `pages` at every width, and looks at them.
fn frames(pages: &[(&str, &Path)]) -> String {
    let mut html = String::from("<!DOCTYPE html><meta charset=\"utf-8\"><title>frames</title>\n");
    for (name, page) in pages {
        for width in WIDTHS {
            let _ = writeln!(
                html,
                "<iframe data-name=\"{name}\" width=\"{width}\" height=\"900\" style=\"border: 0\" src=\"file://{}\"></iframe>",
                page.display()
            );
        }
    }
    html + "<pre id=\"result\"></pre>\n<script>" + include_str!("look.js") + "</script>\n"
}

/// What is wrong in the layout of these pages.
fn looked(browser: &Browser, folder: &Path, pages: &[(&str, &Path)]) -> Vec<String> {
    let file = folder.join("frames.html");
    std::fs::write(&file, frames(pages)).unwrap();
    let mut lines = browser.open(&file, 1400, &["--allow-file-access-from-files"]).result();
    assert_eq!(lines.pop(), Some(format!("looked at {}", pages.len() * WIDTHS.len())));
    lines
}

/// What axe-core has against a page; its copy is without the policy that lets no script run.
#[cfg(feature = "axe")]
fn accused(browser: &Browser, folder: &Path, page: &Path, width: u32, dark: bool) -> Vec<String> {
    let axe = std::env::var("AXE").expect("AXE names the file axe.min.js; tests/run sets it");
    let html = std::fs::read_to_string(page).unwrap();
    let (before, after) = html.split_once("<meta http-equiv=\"Content-Security-Policy\"").unwrap();
    let (_, after) = after.split_once('>').unwrap();
    let script = format!("<script src=\"file://{axe}\"></script><script>{}</script>", include_str!("rules.js"));
    let file = folder.join("asked.html");
    std::fs::write(&file, format!("{before}{after}{script}")).unwrap();
    let dark = if dark { "--blink-settings=preferredColorScheme=0" } else { "--blink-settings=preferredColorScheme=1" };
    let mut lines = browser.open(&file, width, &["--virtual-time-budget=60000", dark]).result();
    let asked = lines.pop().unwrap();
    assert!(asked.starts_with("asked "), "{}: {asked}", page.display());
    lines
}

#[test]
fn what_is_wrong_is_seen() {
    let (browser, folder) = (Browser::find(), tempfile::TempDir::new().unwrap());
    let console = browser.open(&bad(), 800, &[]).console.join("\n");
    for wanted in ["script", "elsewhere.invalid"] {
        assert!(console.contains(wanted), "{wanted} in {console:?}");
    }
    let lines = looked(&browser, folder.path(), &[("bad", &bad())]).join("\n");
    for wanted in [
        "bad at 320 px holds a <script>",
        "holds a <img>",
        "skips a level before <h3>",
        "has no table with a caption in figure bare",
        "has no download in figure bare",
        "bad at 1280 px scrolls sideways",
        "sticks out: <div> \"Too wide.\"",
        "labels overlap: <text> \"first label\" and <text> \"second label\"",
        "a label leaves its chart: <text> \"leaves its chart\"",
    ] {
        assert!(lines.contains(wanted), "{wanted} in\n{lines}");
    }
    #[cfg(feature = "axe")]
    {
        let lines = accused(&browser, folder.path(), &bad(), 800, false).join("\n");
        for wanted in ["color-contrast", "image-alt", "html-has-lang"] {
            assert!(lines.contains(wanted), "{wanted} in\n{lines}");
        }
    }
}

#[test]
fn every_page_reads_well_in_a_browser() {
    let velmora = velmora();
    let (browser, folder) = (Browser::find(), tempfile::TempDir::new().unwrap());
    let (site, report) = (velmora.places.site(), velmora.places.report());
    let pages = [
        ("transparency", site.join("index.html"), "How prisons answer civil society"),
        ("accountability", site.join("accountability.html"), "Duties not met"),
        ("transparency for oversight", report.join("index.html"), "How prisons answer civil society"),
        ("accountability for oversight", report.join("accountability.html"), "Duties not met"),
    ];
    let mut wrong = Vec::new();
    for (name, page, title) in &pages {
        let seen = browser.open(page, 1280, &[]);
        assert!(seen.dom.contains(&format!("<h1>{title}</h1>")), "{name}");
        assert!(!seen.dom.contains("<script"), "{name}");
        wrong.extend(seen.console.iter().map(|line| format!("{name}: {line}")));
        #[cfg(feature = "axe")]
        for (width, dark) in [(1280, false), (1280, true), (320, false)] {
            let lines = accused(&browser, folder.path(), page, width, dark);
            let scheme = if dark { "dark" } else { "light" };
            wrong.extend(lines.iter().map(|line| format!("{name} at {width} px, {scheme}: {line}")));
        }
    }
    let of_layout: Vec<(&str, &Path)> = pages.iter().map(|(name, page, _)| (*name, page.as_path())).collect();
    wrong.extend(looked(&browser, folder.path(), &of_layout));
    assert!(wrong.is_empty(), "{} things are wrong:\n{}", wrong.len(), wrong.join("\n"));
}
