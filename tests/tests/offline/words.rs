//! The words of verdicts: the page and the command say the same first, and end alike.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::page::{Page, bytes, sample};

/// A sample, the command's first words and exit code, the page's words.
const WORDS: [(&str, &str, i32, &str); 12] = [
    (
        "good.pack",
        "Verified; that none is missing, and that the log could admit each, rests on the operator. 9 records about",
        0,
        "Verified; that none is missing, and that the log could admit each, rests on the operator",
    ),
    (
        "erased.pack",
        "Partly: erased by rule; that none is missing, that the log could admit each, and that no open finding needed what was \
         erased, rests on the operator. 10 records about",
        0,
        "Partly: erased by rule; that none is missing, that the log could admit each, and that no open finding needed what was \
         erased, rests on the operator",
    ),
    (
        "absent.pack",
        "Absent from the index; that the index is honest rests on the operator. No record about",
        0,
        "Absent from the index; that the index is honest rests on the operator",
    ),
    (
        "visit.tlog-proof",
        "In the log; who signed the record rests on the operator. fac-harvane/visit.completed/r14 is entry 14",
        0,
        "In the log; who signed the record rests on the operator",
    ),
    (
        "refusal",
        "Proven: this log refused; whether rightly rests on the operator. velmora.example/samples refused the event",
        0,
        "Proven: this log refused; whether rightly rests on the operator",
    ),
    ("fork", "Proven: this log signed two histories. Trust neither", 1, "Proven: this log signed two histories"),
    ("unseen-fork", "Proven: this log signed two histories. Trust neither", 1, "Proven: this log signed two histories"),
    ("swapped.pack", "Not verified:", 1, "Not verified"),
    ("dropped.pack", "Not verified:", 1, "Not verified"),
    ("rewritten.pack", "Not verified:", 1, "Not verified"),
    ("no-fork", "Not proven:", 2, "Not proven"),
    (
        "checkpoint",
        "Signed by the log; what is under it rests on the operator. velmora.example/samples signed 19 entries",
        0,
        "Signed by the log; what is under it rests on the operator",
    ),
];

/// A file of these tests: a sample, or made from one.
fn file(name: &str) -> Vec<u8> {
    let text = |name: &str| String::from_utf8(sample(name)).unwrap();
    match name {
        // Two checkpoints of one size that are the same: nothing is proven by them.
        "no-fork" => {
            let fork = text("fork");
            let lines: Vec<&str> = fork.lines().collect();
            format!("{}\n{}\n{}\n", lines[0], lines[1], lines[1]).into_bytes()
        }
        // Nobody has seen it: the log's own signature is enough, whatever quorum the reader's policy asks for.
        "unseen-fork" => {
            let fork = text("fork");
            let seen = |line: &&str| line.starts_with("— witness.");
            assert_eq!(fork.split("\\n").filter(seen).count(), 2);
            fork.split("\\n").filter(|line| !seen(line)).collect::<Vec<_>>().join("\\n").into_bytes()
        }
        "checkpoint" => {
            let receipt = text("visit.tlog-proof");
            receipt.split_once("\n\n").unwrap().1.as_bytes().to_vec()
        }
        name => sample(name),
    }
}

fn verifier(arguments: &[&Path]) -> (Option<i32>, String) {
    let program =
        Path::new(env!("CARGO_BIN_EXE_demo")).with_file_name(format!("verifier{}", std::env::consts::EXE_SUFFIX));
    assert!(program.exists(), "{} is not there: run `cargo build --bins` first, as tests/run does", program.display());
    let done = Command::new(program).arg("check").args(arguments).output().unwrap();
    (done.status.code(), String::from_utf8(done.stdout).unwrap() + &String::from_utf8(done.stderr).unwrap())
}

#[test]
fn the_page_and_the_command_say_the_same_first() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("mine");
    std::fs::write(&policy, sample("policy")).unwrap();
    let script = "
        choose('policy', [['mine', given.policy]]);
        await settled(() => shown().includes('You gave the policy mine'), 'her policy');
        const green = document.body.appendChild(document.createElement('section'));
        green.className = 'verdict verified';
        const lines = [getComputedStyle(green).color];
        for (const [name, text] of given.files) {
            choose('choose', [[name, text]]);
            await settled(() => result() && !document.querySelector('progress'), 'a verdict');
            const { color } = getComputedStyle(result().querySelector('.verdict'));
            lines.push(`${result().querySelector('.word').textContent}|${color}|${document.getElementById('status').textContent}`);
            state.files = [];
            render();
        }
        return lines;";
    let files: Vec<_> = WORDS.iter().map(|(name, ..)| json!([name, bytes(&file(name))])).collect();
    let mut said = Page::open().run(script, &json!({ "files": files, "policy": bytes(&sample("policy")) }));
    let green = said.remove(0);
    for ((name, ours, code, theirs), said) in WORDS.iter().zip(&said) {
        let path = folder.path().join(name);
        std::fs::write(&path, file(name)).unwrap();
        let (ended, printed) = verifier(&[&path, Path::new("--policy"), &policy]);
        assert_eq!(ended, Some(*code), "{name}: {printed}");
        assert!(printed.lines().any(|line| line.starts_with(ours)), "{name}: {ours:?} in {printed}");
        let parts: Vec<&str> = said.split('|').collect();
        assert_eq!(parts[0], *theirs, "{name}");
        assert_ne!(parts[1], green, "{name}: what rests on a word is not shown as if it were verified");
        assert_eq!(parts[2], format!("{name}: {theirs}"), "a screen reader is told");
    }
}

#[test]
fn every_verdict_has_its_words_in_every_language() {
    let page = Page::open();
    let script = "
        const lines = [];
        for (const lang of ['en', 'fr', 'ar']) {
            press(`lang-${lang}`);
            choose('policy', [['mine', given.policy]]);
            await settled(() => shown().includes('mine'), 'her policy');
            const words = [];
            for (const [name, text] of given.files) {
                choose('choose', [[name, text]]);
                await settled(() => result() && !document.querySelector('progress'), 'a verdict');
                words.push(result().querySelector('.word').textContent);
                state.files = [];
                render();
            }
            if (words.some((word) => !word || /^(word|verdict)-/.test(word))) lines.push(`${lang}: ${words}`);
            lines.push(`${lang} ${new Set(words).size}`);
        }
        return lines;";
    let files: Vec<_> = WORDS.iter().map(|(name, ..)| json!([name, bytes(&file(name))])).collect();
    let said = page.run(script, &json!({ "files": files, "policy": bytes(&sample("policy")) }));
    assert_eq!(said, ["en 9", "fr 9", "ar 9"]);
}

#[test]
fn a_policy_that_came_along_vouches_for_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("bundle");
    std::fs::create_dir_all(bundle.join("packs")).unwrap();
    let put = |name: &str, bytes: Vec<u8>| {
        let path = bundle.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let (inside, pack, checkpoint) = (
        put("policy", sample("policy")),
        put("packs/good.pack", sample("good.pack")),
        put("checkpoint", file("checkpoint")),
    );
    put("manifest", Vec::new());
    let linked = folder.path().join("linked");
    std::os::unix::fs::symlink(&inside, &linked).unwrap();
    let (dots, flag) = (bundle.join("../bundle/policy"), Path::new("--policy"));
    for (what, path, policy) in [
        ("a bundle", &bundle, &inside),
        ("a bundle, by a link", &bundle, &linked),
        ("a bundle, by a way around", &bundle, &dots),
        ("a pack that lies in it", &pack, &inside),
        ("its checkpoint", &checkpoint, &inside),
    ] {
        let (code, said) = verifier(&[path, flag, policy]);
        assert_eq!(code, Some(2), "{what}: {said}");
        assert!(said.contains("the policy lies inside") && said.contains("from elsewhere"), "{what}: {said}");
    }
    let apart = folder.path().join("apart");
    std::fs::write(&apart, sample("policy")).unwrap();
    assert_eq!(verifier(&[&pack, flag, &apart]).0, Some(0));
}

/// Every command that judges by a policy, whatever of what it judges is named there.
#[test]
fn no_command_takes_a_policy_that_came_along() {
    let folder = tempfile::tempdir().unwrap();
    for (path, bytes) in [
        ("bundle/policy", sample("policy")),
        ("bundle/checkpoint", file("checkpoint")),
        ("bundle/manifest", Vec::new()),
        ("bundle/tile/entries/000", Vec::new()),
        ("stick/policy", sample("policy")),
        ("good.pack", sample("good.pack")),
    ] {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    std::fs::write(folder.path().join("apart"), sample("policy")).unwrap();
    for (program, line) in [
        ("verifier", "check bundle --policy bundle/policy"),
        ("verifier", "check good.pack --policy bundle/policy"),
        ("verifier", "check good.pack --policy bundle/policy --index bundle"),
        ("verifier", "compare good.pack bundle --policy bundle/policy"),
        ("verifier", "compare --mine stick good.pack --policy bundle/policy"),
        ("verifier", "print good.pack --policy bundle/policy --out out"),
        ("verifier", "attest bundle --policy bundle/policy --key none --out out"),
        ("verifier", "succession bundle --policy bundle/policy --predecessor bundle --predecessor-policy apart"),
        ("verifier", "succession bundle --policy apart --predecessor bundle --predecessor-policy bundle/policy"),
        ("verifier", "witness serve --listen 127.0.0.1:0 --key none --state none --policy bundle/policy"),
        ("projector", "report --bundle bundle --policy bundle/policy --audience oversight --out out"),
        ("projector", "site --bundle bundle --policy bundle/policy --out out"),
        ("projector", "serve --feed bundle:bundle --policy bundle/policy --state state"),
        ("projector", "serve --feed http://127.0.0.1:1 --policy bundle/policy --state state"),
        ("projector", "serve --feed http://127.0.0.1:1 --documents bundle --policy bundle/policy --state state"),
        ("ledger", "restore new --bundle bundle --policy bundle/policy --from old"),
        (
            "ledger",
            "succeed new --origin b.example/log --from bundle --from-policy bundle/policy --reason loss --parties none --keys \
             none",
        ),
        ("ledger", "witness my --policy bundle/policy"),
        ("ledger", "outbox init office --key-file key --policy bundle/policy --party a --parties none"),
        ("ledger", "outbox set office --key-file key --policy bundle/policy"),
        ("ledger", "outbox carry stick --policy stick/policy --key none"),
    ] {
        let done = Command::new(program_at(program)).args(line.split_whitespace()).current_dir(folder.path()).output();
        let done = done.unwrap();
        let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
        assert_eq!(done.status.code(), Some(2), "{program} {line}: {said}");
        assert!(said.contains("lies inside") && said.contains("from elsewhere"), "{program} {line}: {said}");
    }
    for made in ["out", "state", "new", "office"] {
        assert!(!folder.path().join(made).exists(), "{made} was made");
    }
}

fn program_at(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_BIN_EXE_demo")).with_file_name(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}
