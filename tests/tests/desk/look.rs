//! Every page in a browser: on a telephone and on a wide screen, in three languages, light and dark, with axe-core.

use crate::chrome::Chrome;
use crate::common::Prison;

/// Pages that are looked at: their names below the desk's path.
const PAGES: [&str; 11] = [
    "",
    "record",
    "record/visit.completed",
    "record/access.request.denied",
    "record/measure.imposed",
    "file",
    "records",
    "approve",
    "owed",
    "line",
    "help",
];

/// What is wrong with the page that is shown, a line each.
const STRUCTURE: &str = r"(() => {
  const wrong = [];
  const root = document.scrollingElement;
  if (root.scrollWidth > root.clientWidth) {
    wrong.push(`scrolls sideways: ${root.scrollWidth} px on a screen of ${root.clientWidth}`);
    for (const one of document.querySelectorAll('main *')) {
      const box = one.getBoundingClientRect();
      if (box.right > root.clientWidth + 1 || box.left < -1) { wrong.push(`sticks out: ${one.outerHTML.slice(0, 120)}`); break; }
    }
  }
  if (document.querySelectorAll('h1').length !== 1) wrong.push('has not one h1');
  let before = 0;
  for (const heading of document.querySelectorAll('h1, h2, h3')) {
    const level = Number(heading.tagName[1]);
    if (level > before + 1) wrong.push(`skips a level before ${heading.textContent}`);
    before = level;
  }
  for (const field of document.querySelectorAll('main input:not([type=hidden]), main select, main textarea')) {
    if (!field.labels?.length) wrong.push(`has no label: ${field.outerHTML.slice(0, 120)}`);
  }
  for (const one of document.querySelectorAll('[aria-describedby]')) {
    for (const id of one.getAttribute('aria-describedby').split(' ')) {
      if (!document.getElementById(id)) wrong.push(`is described by ${id}, which is not there`);
    }
  }
  const ids = [...document.querySelectorAll('[id]')].map((one) => one.id);
  if (new Set(ids).size < ids.length) wrong.push('has an id twice');
  return wrong.join('\n');
})()";

#[cfg(feature = "axe")]
fn accused(chrome: &mut Chrome) -> String {
    let axe = std::env::var("AXE").expect("AXE names the file axe.min.js; tests/run sets it");
    chrome.ask(&(std::fs::read_to_string(axe).unwrap() + "; true"));
    chrome.text(
        "axe.run(document, { runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] },
           rules: { 'target-size': { enabled: true } } })
         .then((found) => found.violations.flatMap((rule) => rule.nodes.slice(0, 3).map((node) => `${rule.id}: ${node.target.join(' ')}: ${node.failureSummary}`)).join('\\n'))",
    )
}

#[test]
fn every_page_reads_well_in_every_language_on_every_screen() {
    let prison = Prison::open("en");
    let mut chrome = Chrome::start(1280);
    chrome.go(&prison.link());
    let base = chrome.text("location.origin + '/' + location.pathname.split('/')[1]");
    let mut wrong = Vec::new();
    for (language, direction) in [("en", "ltr"), ("fr", "ltr"), ("ar", "rtl")] {
        chrome.screen(1280);
        chrome.go(&format!("{base}/"));
        chrome.press(&format!(".languages button[value={language}]"));
        assert_eq!(
            chrome.text("document.documentElement.lang + document.documentElement.dir"),
            format!("{language}{direction}")
        );
        for page in PAGES {
            for width in [320, 1280] {
                chrome.screen(width);
                chrome.go(&format!("{base}/{page}"));
                let name = format!("{page:?} in {language} at {width} px");
                let told = chrome.text(STRUCTURE);
                wrong.extend(told.lines().map(|line| format!("{name} {line}")));
                #[cfg(feature = "axe")]
                {
                    let told = accused(&mut chrome);
                    wrong.extend(told.lines().map(|line| format!("{name} {line}")));
                }
                if let Ok(folder) = std::env::var("PICTURES") {
                    let file = format!(
                        "{}-{language}-{width}.png",
                        if page.is_empty() { "home" } else { page }.replace('/', "-")
                    );
                    std::fs::write(std::path::Path::new(&folder).join(file), chrome.picture()).unwrap();
                }
            }
        }
    }
    wrong.extend(chrome.console.iter().cloned());
    assert!(wrong.is_empty(), "{} things are wrong:\n{}", wrong.len(), wrong.join("\n"));
}
