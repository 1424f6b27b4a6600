//! The officer's day: a form, a file with mistakes, a second person, the line cut and back again.

use crate::chrome::Chrome;
use crate::common::{Prison, Wire};

fn at_the_desk(language: &str, width: u32) -> (Prison, Chrome) {
    let prison = Prison::open(language);
    let mut chrome = Chrome::start(width);
    chrome.go(&prison.link());
    (prison, chrome)
}

/// Loads the page again and again until a script says yes.
fn until(chrome: &mut Chrome, what: &str, script: &str) {
    for _ in 0..200 {
        if chrome.ask(script) == true {
            return;
        }
        // The page itself waits, so that nobody here sleeps.
        chrome.ask("new Promise((done) => setTimeout(done, 50)).then(() => 1)");
        chrome.follow("location.reload()");
    }
    panic!("waited for {what}: {}", chrome.main());
}

fn base(chrome: &mut Chrome) -> String {
    chrome.text("location.origin + '/' + location.pathname.split('/')[1]")
}

/// Fills in an acknowledgement of the one request, from the list of what is owed.
fn acknowledge(chrome: &mut Chrome) {
    until(chrome, "the pack", "document.body.innerText.includes('due')");
    chrome.press("nav a[href$='/owed']");
    chrome.press("a[href*='record/access.request.acknowledged/for/']");
    let today = chrome.text("document.getElementsByName('f.occurred_at')[0].value");
    assert_eq!(chrome.text("document.getElementsByName('f.request')[0].value"), "rq-1", "the form knows the request");
    assert_eq!(chrome.text("document.getElementsByName('f.organisation')[0].value"), "cso-x");
    chrome.fill("f.received_on", &today);
    chrome.fill("f.decision_due_on", "2031-01-01");
}

#[test]
fn a_form_is_recorded_here_and_then_goes_its_way() {
    let (prison, mut chrome) = at_the_desk("en", 1280);
    acknowledge(&mut chrome);
    chrome.press("button.main");
    assert!(chrome.address().contains("/records/"), "{}", chrome.main());
    assert!(chrome.main().contains("Recorded here"));
    until(&mut chrome, "the receipt", "document.querySelectorAll('.ladder .done').length === 3");
    assert!(chrome.main().contains("it holds"), "the receipt was checked: {}", chrome.main());
    assert_eq!(prison.count("access.request.acknowledged"), 1);
    // Six words stand on the page and on the paper.
    let words = chrome.text("document.querySelector('.words').textContent");
    assert_eq!(words.split_whitespace().count(), 6, "{words}");
    chrome.press("a[href$='/paper']");
    assert!(chrome.text("document.body.innerText").contains(&words));
    // What was owed is answered; the decision is owed still.
    let base = base(&mut chrome);
    chrome.go(&format!("{base}/owed"));
    until(&mut chrome, "the answer", "!document.querySelector('main').innerText.includes('Confirm')");
    assert!(chrome.main().contains("Approve or deny a request"));
    assert_eq!(chrome.console, Vec::<String>::new());
}

#[test]
fn what_is_wrong_stands_where_it_is_wrong_and_nothing_is_lost() {
    let (prison, mut chrome) = at_the_desk("en", 800);
    let before = prison.own();
    acknowledge(&mut chrome);
    chrome.fill("f.decision_due_on", "");
    chrome.fill("f.request", "rq-404");
    chrome.press("button.main");
    let main = chrome.main();
    assert!(main.contains("2 things must be mended") && main.contains("Nothing was recorded"), "{main}");
    let told = "[...document.querySelectorAll('.field.wrong [id]')].map((one) => one.id).filter((id) => id.endsWith('-told')).join(' ')";
    assert_eq!(chrome.text(told), "f-request-told f-decision_due_on-told");
    assert_eq!(chrome.text("document.getElementsByName('f.request')[0].value"), "rq-404", "what was written stays");
    assert_eq!(chrome.text("document.getElementById('f-request').getAttribute('aria-invalid')"), "true");
    // What looks like a person is not printed for ever.
    let base = base(&mut chrome);
    chrome.go(&format!("{base}/record/facility.status.changed"));
    assert_eq!(
        chrome.ask("document.querySelector('input[readonly]').value"),
        "Prison A",
        "a prison writes about itself"
    );
    assert_eq!(prison.own(), before);
    // The browser remarks on the status with which a form is turned back, and on nothing else.
    assert!(chrome.console.iter().all(|line| line.contains("422 (Unprocessable")), "{:?}", chrome.console);
}

#[test]
fn a_file_is_tried_first_and_each_error_stands_in_its_place() {
    let (prison, mut chrome) = at_the_desk("en", 1280);
    until(&mut chrome, "the pack", "document.body.innerText.includes('due')");
    let today = ledger::clock::Clock::System.now().date(60);
    let text = format!(
        "row_id,occurred_at,signer,cosigner,id,request,facility,organisation,received_on,decision_due_on\n\
         a1,{today},d1,,,rq-1,fac-a,cso-x,{today},2031-01-01\n\
         a2,{today},d9,,,rq-1,fac-a,cso-x,03/04/2025,2031-01-01\n"
    );
    let file = prison.file("access.request.acknowledged.csv", &text);
    chrome.press("nav a[href$='/file']");
    chrome.choose("#file", &[file]);
    chrome.press("button.main");
    let main = chrome.main();
    assert!(main.contains("1 row cannot be recorded") && main.contains("1 row is good"), "{main}");
    assert!(main.contains("line 3") && main.contains("received_on") && main.contains("d1?"), "{main}");
    assert_eq!(chrome.ask("document.querySelectorAll('.cells .wrong').length"), 2, "both cells are marked");
    // All or nothing, unless somebody says so.
    chrome.press("main .record button.main");
    assert!(chrome.main().contains("1 row cannot be recorded"));
    chrome.fill("good", "yes");
    chrome.press("main .record button.main");
    assert!(chrome.main().contains("1 row is recorded here"), "{}", chrome.main());
    // The same file again adds nothing.
    let file = prison
        .file("access.request.acknowledged.csv", &text.lines().take(2).map(|l| format!("{l}\n")).collect::<String>());
    chrome.press("a[href$='/file']");
    chrome.choose("#file", &[file]);
    chrome.press("button.main");
    assert!(chrome.main().contains("1 row is here already"), "{}", chrome.main());
    // A file that says who a prisoner is is refused whole, and nothing of it is shown.
    let file = prison.file("visit.completed.csv", "row_id,prisoner_number\nr1,A1234BC\n");
    chrome.press("nav a[href$='/file']");
    chrome.choose("#file", &[file]);
    chrome.press("button.main");
    let main = chrome.main();
    assert!(main.contains("refused whole") && !main.contains("A1234BC"), "{main}");
    // The browser remarks on the status with which a file is turned back, and on nothing else.
    assert!(chrome.console.iter().all(|line| line.contains("422 (Unprocessable")), "{:?}", chrome.console);
}

#[test]
fn a_second_person_approves_with_a_key_of_their_own() {
    let (prison, mut chrome) = at_the_desk("en", 1280);
    until(&mut chrome, "the pack", "document.body.innerText.includes('due')");
    let base = base(&mut chrome);
    chrome.press("nav a[href$='/owed']");
    chrome.press("a[href*='record/access.request.denied/for/']");
    for (name, value) in [
        ("f.reason", "security_incident"),
        ("f.individual_assessment", "true"),
        ("f.justification_given", "true"),
        ("f.justification", "A lockdown after an incident."),
        ("f.auto", "false"),
    ] {
        chrome.fill(name, value);
    }
    // Never the same holder twice.
    chrome.fill("f.cosigner", "d1");
    chrome.press("button.main");
    assert!(chrome.main().contains("two different holders"), "{}", chrome.main());
    chrome.fill("f.cosigner", "d2");
    chrome.press("button.main");
    assert!(chrome.address().contains("/approve/"), "{}", chrome.main());
    assert!(chrome.main().contains("A lockdown after an incident."), "the second person reads all of it");
    let approving = chrome.address();
    for (key, told) in [
        (None, "No key file was chosen"),
        (Some(prison.first_key()), "signed first"),
        (Some(prison.other_key()), "This draft asks for"),
        (Some(prison.file("bad.key", "hello")), "no key file"),
    ] {
        chrome.go(&approving);
        if let Some(key) = key {
            chrome.choose("#key", &[key]);
        }
        chrome.press("button.main");
        assert!(chrome.main().contains(told), "{told}: {}", chrome.main());
    }
    assert_eq!(prison.count("access.request.denied"), 0, "nothing is sent with one signature");
    // A key file that a passphrase locks.
    let key = std::fs::read(prison.second_key()).unwrap();
    let locked = ledger::seal::lock(&key, "three small boats").unwrap();
    let path = prison.file("locked.key", "");
    std::fs::write(&path, locked).unwrap();
    chrome.choose("#key", std::slice::from_ref(&path));
    chrome.fill("passphrase", "three small boots");
    chrome.press("button.main");
    assert!(chrome.main().contains("passphrase is not its own"), "{}", chrome.main());
    chrome.choose("#key", &[path]);
    chrome.fill("passphrase", "three small boats");
    chrome.press("button.main");
    assert!(chrome.address().contains("/records/"), "{}", chrome.main());
    until(&mut chrome, "the receipt", "document.querySelectorAll('.ladder .done').length === 3");
    chrome.go(&format!("{base}/approve"));
    assert!(chrome.main().contains("Nothing waits for a second person"));
    chrome.go(&approving);
    assert!(chrome.main().contains("waits no more"));
}

#[test]
fn the_line_is_cut_in_the_middle_and_comes_back() {
    let (prison, mut chrome) = at_the_desk("en", 1280);
    acknowledge(&mut chrome);
    // What is sent arrives, and the answer is lost: here nobody can know.
    prison.wire(Wire::AnswersLost);
    chrome.press("button.main");
    let record = chrome.address();
    until(&mut chrome, "the cut", "document.querySelector('.banner').innerText.includes('is down since')");
    let banner = chrome.text("document.querySelector('.banner').innerText");
    assert!(banner.contains("1 record waits here since") || banner.contains("1 record waits here"), "{banner}");
    assert!(banner.contains("Nothing is lost"), "{banner}");
    assert_eq!(chrome.ask("document.querySelectorAll('.ladder .done').length"), 1, "recorded here, no more");
    assert_eq!(prison.count("access.request.acknowledged"), 1, "the ledger has it");
    // Recording goes on.
    prison.wire(Wire::Cut);
    let base = base(&mut chrome);
    chrome.go(&format!("{base}/record/facility.status.changed"));
    let today = chrome.text("document.getElementsByName('f.occurred_at')[0].value");
    for (name, value) in [("f.status", "partial"), ("f.reason", "staffing"), ("f.from", &format!("{today}T00:00"))] {
        chrome.fill(name, value);
    }
    chrome.press("button.main");
    assert!(chrome.main().contains("Recorded here"), "{}", chrome.main());
    assert!(chrome.text("document.querySelector('.banner').innerText").contains("2 records wait here"));
    // The line is back: both go on, neither is there twice.
    prison.wire(Wire::Whole);
    chrome.press(".banner button");
    chrome.go(&record);
    until(&mut chrome, "the receipt", "document.querySelectorAll('.ladder .done').length === 3");
    assert!(chrome.text("document.querySelector('.banner').innerText").contains("Nothing waits here"));
    for kind in ["access.request.acknowledged", "facility.status.changed"] {
        assert_eq!(prison.count(kind), 1, "{kind}");
    }
}

#[test]
fn the_keyboard_alone_suffices() {
    let (_prison, mut chrome) = at_the_desk("en", 1280);
    // The skip link is the first stop, and it works.
    chrome.key("Tab");
    assert_eq!(chrome.text("document.activeElement.className"), "skip");
    chrome.key("Enter");
    assert_eq!(chrome.text("document.activeElement.id"), "main");
    let base = base(&mut chrome);
    chrome.go(&format!("{base}/record/visit.cancelled"));
    // Every control is a stop, in the order of the page, and each stop can be seen.
    let controls = "[...document.querySelectorAll('main input:not([type=hidden]), main select, main textarea, main button, main summary')]";
    let visible = format!("{controls}.filter((one) => one.checkVisibility()).length");
    let wanted = chrome.ask(&visible).as_u64().unwrap();
    chrome.ask("document.getElementById('main').focus()");
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..(wanted * 4 + 40) {
        chrome.key("Tab");
        let place = format!("{controls}.indexOf(document.activeElement)");
        if let Some(place) = chrome.ask(&place).as_i64().filter(|place| *place >= 0) {
            seen.insert(place);
            let ring = chrome.text("getComputedStyle(document.activeElement).outlineStyle");
            assert_ne!(ring, "none", "{}", chrome.text("document.activeElement.outerHTML"));
        }
    }
    // Radio buttons of one question are one stop.
    let radios = chrome.ask("(() => { const all = [...document.querySelectorAll('main input[type=radio]')].filter((one) => one.checkVisibility()); return all.length - new Set(all.map((one) => one.name)).size; })()").as_u64().unwrap();
    assert_eq!(seen.len() as u64, wanted - radios);
}
