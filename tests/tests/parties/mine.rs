//! A party's own outbox and receipts against packs about it: who is accused, and what cannot be told. FORMAT.md 20.3.

use std::path::{Path, PathBuf};
use std::process::Command;

use schemas::entry::Entry;
use schemas::event::SignedEvent;
use schemas::note::{Note, Vkey};
use schemas::receipt::Receipt;
use schemas::refusal::RefusalReceipt;
use schemas::time::Timestamp;
use schemas::value::Value;
use verifier::mine::{self, Asked, Compared, Difference, Own, Weight};
use verifier::signature::SecretKey;

use crate::common::{PARTY, STREAM, checked, desk, earlier, golden};
use crate::lies::{back_dated, false_index, resigned};
use tests::forge::Forge;
use tests::packs::Desk;

const REQUEST: &str = "cso-x/access.request.submitted/r1";
const DISPUTE: &str = "cso-x/visit.disputed/r1";
const ASKED: Asked = Asked { late_days: 7, no_other_keys: false };

fn position(desk: &Desk, address: &str) -> u64 {
    let is_it = |bytes: &Vec<u8>| Entry::parse(bytes).unwrap().signed.event.address() == address;
    desk.entries.iter().position(is_it).expect("it is in the log") as u64
}

fn own(address: &str) -> Own {
    let desk = desk();
    Own::new(Entry::parse(&desk.entries[position(&desk, address) as usize]).unwrap().signed)
}

/// All that the party signed, but enrolments, which are signed at the ledger's office.
fn all() -> Vec<Own> {
    let entries = desk().entries;
    let signed = entries.iter().map(|bytes| Entry::parse(bytes).unwrap().signed);
    signed.filter(|s| s.event.by == PARTY && s.event.kind != "key.enrolled").map(Own::new).collect()
}

/// What another signs under the address of the party's request: with that key.
fn other_request(key: &SecretKey) -> SignedEvent {
    let mut event = own(REQUEST).signed.event;
    event.data.insert("team".to_owned(), Value::Integer(9));
    let text = event.to_text();
    let note = Note { signatures: vec![key.sign(&text)], text };
    SignedEvent::parse(note.to_text().as_bytes()).unwrap()
}

fn compare(desk: &Desk, own: &[Own], asked: Asked) -> Compared {
    mine::compare(&[checked(&desk.pack(STREAM, PARTY))], own, asked)
}

fn weights(compared: &Compared) -> Vec<Weight> {
    let mut all: Vec<Weight> = compared.found.iter().map(Difference::weight).collect();
    all.sort();
    all
}

#[test]
fn all_that_was_kept_is_there_and_the_keys_that_signed_it_are_ones_own() {
    let compared = compare(&desk(), &all(), ASKED);
    assert_eq!(compared.covered, all().len());
    assert!(compared.elsewhere.is_empty() && compared.parties.iter().eq([PARTY]));
    let by = position(&desk(), DISPUTE);
    let disputed = Difference::Disputed { address: "fac-a/visit.completed/r1".to_owned(), by };
    assert_eq!(compared.found, [disputed], "nothing but the dispute itself");
    let late = compare(&desk(), &all(), Asked { late_days: -1, ..ASKED });
    assert!(late.found.iter().any(|one| matches!(one, Difference::Late { .. })));
    assert_eq!(late.of(Weight::Lie) + late.of(Weight::Unsettled), 0);
}

/// What is compared: its name, whose desk it is, her own files, what is asked, what is said then, and how grave it is.
type Case<'a> = (&'a str, &'a Desk, Vec<Own>, Asked, &'a str, Weight);

#[test]
fn only_what_nobody_honest_can_have_done_is_a_lie() {
    let now = desk();
    let old = earlier(3);
    let at = position(&now, DISPUTE);
    assert!(at >= old.size(), "the older pack ends before the dispute");
    let hidden = Forge::of(golden()).key(PARTY, "x1");
    let stranger = SecretKey::new(&golden().origin.holder_key_name(PARTY, "x9"), &[7; 32]);
    let with = |change: &dyn Fn(&mut Own)| {
        let mut kept = all();
        kept.iter_mut().filter(|one| one.signed.event.address() == DISPUTE).for_each(change);
        kept
    };
    let without =
        |address: &str| -> Vec<Own> { all().into_iter().filter(|one| one.signed.event.address() != address).collect() };
    let as_of = checked(&old.pack(STREAM, PARTY)).report.as_of.unwrap();
    let carried = |days: i64| with(&|one| one.carried = Some(("npm".to_owned(), as_of.plus_seconds(86_400 * days))));
    // The key's own enrolment says that it is one's own.
    let mut by_own_key = without(REQUEST);
    by_own_key.push(own("cso-x/key.enrolled/r1"));
    let mut kept_other = without(REQUEST);
    kept_other.push(Own::new(other_request(&hidden)));
    let mut refused_other = kept_other.clone();
    refused_other.last_mut().unwrap().refused = Some("the address is used".to_owned());
    let mut both = all();
    both.push(Own::new(other_request(&hidden)));
    let mut by_nobody = without(REQUEST);
    by_nobody.push(Own::new(other_request(&stranger)));
    let x2 = |one: &Own| one.signed.note.signatures[0].name.ends_with("/x2");
    let of_x2: Vec<Own> = all().into_iter().filter(x2).collect();
    let only = Asked { no_other_keys: true, ..ASKED };
    let cases: Vec<Case<'_>> = vec![
        (
            "an older pack than the receipt",
            &old,
            with(&|o| o.receipted = [at].into()),
            ASKED,
            "older pack",
            Weight::Unsettled,
        ),
        ("no receipt and not in it", &old, all(), ASKED, "not in it", Weight::Unsettled),
        ("refused", &old, with(&|o| o.refused = Some("no".to_owned())), ASKED, "refused", Weight::Look),
        ("carried after it", &old, carried(1), ASKED, "on its way", Weight::Unsettled),
        ("carried the day before", &old, carried(-1), ASKED, "on its way", Weight::Unsettled),
        ("carried long before", &old, carried(-30), ASKED, "ignored", Weight::Lie),
        ("receipted within it", &old, with(&|o| o.receipted = [old.size() - 2].into()), ASKED, "hidden", Weight::Lie),
        ("by one's own key elsewhere", &now, by_own_key, ASKED, "elsewhere", Weight::Unsettled),
        ("another by one's own key", &now, kept_other, ASKED, "elsewhere", Weight::Unsettled),
        ("the same, refused", &now, refused_other, ASKED, "elsewhere", Weight::Unsettled),
        ("signed twice, one is there", &now, both, ASKED, "disputed", Weight::Look),
        ("by a key that no pack brings", &now, by_nobody, ASKED, "", Weight::Unsettled),
        ("by a colleague's key", &now, of_x2.clone(), ASKED, "other key", Weight::Unsettled),
        ("by a key that was never ours", &now, of_x2, only, "not yours", Weight::Lie),
    ];
    for (name, desk, kept, asked, word, weight) in cases {
        let compared = compare(desk, &kept, asked);
        let said: Vec<String> = compared.found.iter().map(ToString::to_string).collect();
        assert!(said.iter().any(|line| line.starts_with(word)), "{name}: {word} in {said:#?}");
        assert_eq!(weights(&compared).last(), Some(&weight), "{name}: {said:#?}");
        assert!(weight != Weight::Unsettled || !compared.advice().is_empty(), "{name}: what to do");
    }
}

#[test]
fn another_under_ones_address_by_a_key_that_is_not_ones_own_is_altered() {
    // The operator enrols a key in the party's name, and signs with it what the party has signed otherwise.
    let now = desk();
    let mine = SecretKey::new(&golden().origin.holder_key_name(PARTY, "x2"), &[9; 32]);
    let x2: Vec<Own> = all().into_iter().filter(|one| one.signed.note.signatures[0].name.ends_with("/x2")).collect();
    let mut kept = x2;
    assert_eq!(mine::is_as_signed(&[checked(&now.pack(STREAM, PARTY))], &other_request(&mine)), None);
    kept.push(Own::new(other_request(&Forge::of(golden()).key(PARTY, "x2"))));
    let compared = compare(&now, &kept, ASKED);
    let at = position(&now, REQUEST);
    let altered = |one: &Difference| matches!(one, Difference::Altered { position, .. } if *position == at);
    assert!(compared.found.iter().any(altered), "{:#?}", compared.found);
    let told = |one: &&Difference| one.to_string().contains(&format!("entry {at} "));
    assert_eq!(compared.found.iter().filter(told).count(), 1, "not said twice");
}

/// The log's own seals and genesis stand in the operator's name and in nobody's outbox.
#[test]
fn the_logs_own_entries_are_not_the_operators_records() {
    let desk = desk();
    let entries = desk.entries.iter().map(|bytes| Entry::parse(bytes).unwrap().signed);
    let kept: Vec<Own> =
        entries.filter(|s| s.event.by == "op" && s.event.kind == "key.enrolled").map(Own::new).collect();
    let operators: Vec<Own> = if kept.is_empty() {
        let entries = desk.entries.iter().map(|bytes| Entry::parse(bytes).unwrap().signed);
        let is_own = |s: &SignedEvent| s.event.by == "op" && !s.event.kind.starts_with("ledger.");
        entries.filter(is_own).map(Own::new).collect()
    } else {
        kept
    };
    assert!(!operators.is_empty());
    let pack = checked(&desk.pack("organisation/op", "op"));
    let seals = pack.records.iter().filter(|r| r.entry.signed.event.kind == verifier::admit::SEAL).count();
    assert!(seals > 0, "they are in the operator's stream");
    let compared = mine::compare(&[pack], &operators, ASKED);
    let about =
        |one: &Difference| one.to_string().contains("ledger.index.sealed") || one.to_string().contains("genesis");
    assert!(!compared.found.iter().any(about), "{:#?}", compared.found);
    assert_eq!(compared.of(Weight::Lie), 0);
}

#[test]
fn a_stamp_is_its_carriers_alone() {
    let origin = &golden().origin;
    let key = |name: &str| SecretKey::new(name, &[5; 32]);
    let event = own(REQUEST).signed.id();
    let at = Timestamp::parse("2025-03-09T10:00:00Z").unwrap();
    let theirs = key(&origin.holder_key_name("npm", "chief-1"));
    let (stamp, note) = ledger::outpost::stick::stamp(origin, event, "npm", &theirs, at);
    assert_eq!(mine::stamp(&note, &[theirs.vkey()]), Some(stamp));
    let other = SecretKey::new(&theirs.vkey().name, &[6; 32]);
    let witness = Vkey { alg: schemas::note::ALG_COSIGNATURE, ..theirs.vkey() };
    for keys in [vec![], vec![other.vkey()], vec![witness], vec![key(&origin.holder_key_name("cso-x", "x1")).vkey()]] {
        assert_eq!(mine::stamp(&note, &keys), None, "{keys:?}");
    }
    // Signed by another party's key in the carrier's name.
    let posing = key(&origin.holder_key_name("fac-a", "a1"));
    let (_, note) = ledger::outpost::stick::stamp(origin, event, "npm", &posing, at);
    assert_eq!(mine::stamp(&note, &[posing.vkey()]), None);
}

/// What the command is given, in a folder of its own.
pub(crate) struct Given {
    folder: tempfile::TempDir,
}

impl Given {
    pub(crate) fn new() -> Self {
        let given = Self { folder: tempfile::tempdir().unwrap() };
        given.write("policy", format!("log {}\nquorum none\n", golden().log_key.vkey()).as_bytes());
        for (name, desk, stream) in [
            ("mine.pack", desk(), STREAM),
            ("older.pack", earlier(3), STREAM),
            ("facility.pack", desk(), "facility/fac-a"),
            ("ministry.pack", desk(), "organisation/min"),
            ("wrong-kind.pack", desk(), "facility/cso-x"),
        ] {
            given.write(name, desk.pack(stream, PARTY).to_text().as_bytes());
        }
        let desk = desk();
        for own in all() {
            given.receipt(&desk, &own.signed.event.address());
        }
        given.write("mine/000001.jsonl", &lines(&all()));
        given
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::create_dir_all(self.at(name).parent().unwrap()).unwrap();
        std::fs::write(self.at(name), bytes).unwrap();
    }

    /// Puts a receipt beside the others, as that log gives it.
    fn receipt(&self, desk: &Desk, address: &str) {
        let index = position(desk, address);
        let shown = desk.proven(index);
        let receipt =
            Receipt { entry: Some(shown.entry), index, proof: shown.proof, checkpoint: desk.checkpoint.clone() };
        self.write(&format!("mine/receipts/{index}.tlog-proof"), receipt.to_text().as_bytes());
    }

    /// A pack that goes on from [`earlier`], and leaves out a record of the party's own that was shown there.
    pub(crate) fn dropping(&self) {
        let own = position(&desk(), REQUEST);
        let number = desk().items(STREAM).iter().position(|at| *at == own);
        let (desk, mut pack, _) = false_index(number);
        self.write("dropping-bare.pack", pack.to_text().as_bytes());
        pack.since = vec![desk.since(earlier(3).size())];
        self.write("dropping.pack", pack.to_text().as_bytes());
    }

    /// A pack whose proof that it goes on from [`earlier`] fails: the log was told otherwise before.
    pub(crate) fn told_otherwise(&self) {
        let told = back_dated();
        let mut pack = told.pack(STREAM, PARTY);
        pack.since = vec![told.since(earlier(3).size())];
        self.write("told.pack", pack.to_text().as_bytes());
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.at(name)).unwrap()
    }

    fn without_receipts(&self) {
        std::fs::remove_dir_all(self.at("mine/receipts")).unwrap();
    }

    pub(crate) fn run(&self, arguments: &str) -> (Option<i32>, String) {
        let program =
            Path::new(env!("CARGO_BIN_EXE_demo")).with_file_name(format!("verifier{}", std::env::consts::EXE_SUFFIX));
        assert!(
            program.exists(),
            "{} is not there: run `cargo build --bins` first, as tests/run does",
            program.display()
        );
        let mut run = Command::new(program);
        run.current_dir(self.folder.path()).args(arguments.split(' ')).args(["--policy", "policy"]);
        let done = run.output().unwrap();
        (done.status.code(), String::from_utf8(done.stdout).unwrap() + &String::from_utf8(done.stderr).unwrap())
    }
}

fn lines(own: &[Own]) -> Vec<u8> {
    let line = |one: &Own| {
        let event = Value::Text(one.signed.note.to_text());
        Value::Object([("event".to_owned(), event)].into()).to_json() + "\n"
    };
    own.iter().map(line).collect::<String>().into_bytes()
}

/// What happens to one's own files, what is given, the exit code, and what is said of it.
type Mishap = (&'static str, fn(&Given), &'static str, i32, &'static [&'static str]);

const MISHAPS: [Mishap; 19] = [
    ("nothing", |_| {}, "mine.pack --mine mine", 0, &["nothing else in your name", "rests on the operator"]),
    ("nothing, without receipts", Given::without_receipts, "mine.pack --mine mine", 0, &["nothing else in your name"]),
    (
        "the first cut",
        |g| cut(g, 40),
        "mine.pack --mine mine",
        2,
        &["000001.jsonl, line 1: it breaks off", "nobody's lie"],
    ),
    (
        "a cut, without receipts",
        |g| {
            g.without_receipts();
            cut(g, g.read("mine/000001.jsonl").len() - 40);
        },
        "mine.pack --mine mine",
        2,
        &["it breaks off", "with a --mine of its own", "Nothing here is evidence"],
    ),
    ("emptied", |g| g.write("mine/000001.jsonl", b""), "mine.pack --mine mine", 2, &["it is empty"]),
    ("zeroed", |g| g.write("mine/000001.jsonl", &[0; 900]), "mine.pack --mine mine", 2, &["zeros alone"]),
    (
        "emptied, without receipts",
        |g| {
            g.without_receipts();
            g.write("mine/000001.jsonl", b"");
        },
        "mine.pack --mine mine",
        2,
        &["nothing of it can be read", "it is empty"],
    ),
    ("a flipped bit in what was signed", |g| flip(g, b"access.request"), "mine.pack --mine mine", 2, &["line"]),
    (
        "the same, without receipts",
        |g| {
            g.without_receipts();
            flip(g, b"row");
        },
        "mine.pack --mine mine",
        2,
        &["damaged", "Nothing here is evidence"],
    ),
    (
        "doubled",
        |g| g.write("mine/000001 (copy).jsonl", &g.read("mine/000001.jsonl")),
        "mine.pack --mine mine",
        0,
        &["nothing else in your name"],
    ),
    (
        "what a Mac left",
        |g| g.write("mine/._000001.jsonl", b"\x00\x05\x16\x07"),
        "mine.pack --mine mine",
        0,
        &["nothing else in your name"],
    ),
    (
        "a receipt cut",
        |g| g.write("mine/receipts/z.tlog-proof", b"c2sp.org/tlog-proof@v1\nind"),
        "mine.pack --mine mine",
        2,
        &["z.tlog-proof: no receipt that holds"],
    ),
    (
        "an older pack",
        |_| {},
        "older.pack --mine mine",
        2,
        &["the pack ends at", "ask the ledger's office for a newer one"],
    ),
    ("an older and the newer", |_| {}, "older.pack mine.pack --mine mine", 0, &["nothing else in your name"]),
    (
        "a facility's",
        |_| {},
        "facility.pack --mine mine",
        2,
        &["Cannot tell: the pack is about facility/fac-a", "ask for the pack about organisation/cso-x"],
    ),
    ("a ministry's", |_| {}, "ministry.pack --mine mine", 2, &["about organisation/min", "organisation/cso-x"]),
    (
        "one about no facility",
        |_| {},
        "wrong-kind.pack --mine mine",
        2,
        &["about facility/cso-x", "organisation/cso-x"],
    ),
    (
        "one's own beside another's",
        |_| {},
        "mine.pack facility.pack --mine mine --party cso-x",
        0,
        &["nothing else in your name"],
    ),
    ("of nobody", |_| {}, "mine.pack --mine mine --party npm", 2, &["given with --party"]),
];

fn cut(given: &Given, at: usize) {
    let bytes = given.read("mine/000001.jsonl");
    given.write("mine/000001.jsonl", &bytes[..at]);
}

fn flip(given: &Given, at: &[u8]) {
    let mut bytes = given.read("mine/000001.jsonl");
    let found = bytes.windows(at.len()).position(|window| window == at).unwrap();
    bytes[found + 2] ^= 2;
    given.write("mine/000001.jsonl", &bytes);
}

/// Runs a case, and sees that it ends and says as its row says; gives its name, the code, all words and the files.
fn compared((name, change, arguments, code, said): &Mishap) -> (&'static str, i32, String, Given) {
    let given = Given::new();
    change(&given);
    let (ended, words) = given.run(&format!("compare {arguments}"));
    assert_eq!(ended, Some(*code), "{name}: {words}");
    for part in *said {
        assert!(words.contains(part), "{name}: {part:?} in {words}");
    }
    (name, *code, words, given)
}

#[test]
fn what_a_stick_did_to_ones_own_files_accuses_nobody_and_a_pack_of_others_says_nothing() {
    for case in MISHAPS {
        let (name, code, words, _) = compared(&case);
        let counted = format!("{} events of your own", all().len());
        assert!(code == 2 || words.contains(&counted), "{name}: {words}");
    }
}

#[test]
fn two_machines_of_one_party_are_compared_together() {
    let given = Given::new();
    given.without_receipts();
    let (first, second): (Vec<Own>, Vec<Own>) =
        all().into_iter().partition(|own| own.signed.event.address() == REQUEST);
    given.write("mine/000001.jsonl", &lines(&first));
    given.write("office/000001.jsonl", &lines(&second));
    let (ended, words) = given.run("compare mine.pack --mine mine");
    assert!(ended == Some(2) && words.contains("with a --mine of its own"), "{words}");
    let (ended, words) = given.run("compare mine.pack --mine mine --mine office");
    assert!(ended == Some(0) && words.contains("nothing else in your name"), "{words}");
    // A refusal that the log signed settles what is not there.
    let dropped = other_request(&Forge::of(golden()).key(PARTY, "x1"));
    given.write("office/000002.jsonl", &lines(&[Own::new(dropped.clone())]));
    let at = Timestamp::parse("2025-03-09T10:00:00Z").unwrap();
    let origin = golden().origin.clone();
    let words = "the address is used".to_owned();
    let text = RefusalReceipt { origin, event: dropped.id(), at, number: 11, words }.to_text();
    let note = Note { signatures: vec![golden().log_key.sign(&text)], text };
    given.write("office/receipts/r1.refusal", note.to_text().as_bytes());
    let (ended, words) = given.run("compare mine.pack --mine mine --mine office");
    assert_eq!(ended, Some(0), "{words}");
}

/// The log as it is told to others, one record of the party in other words: of the same size.
fn bent() -> Desk {
    resigned(&Forge::of(golden()).key(PARTY, "x1"))
}

fn bent_pack(given: &Given, stream: &str) {
    given.write("bent.pack", bent().pack(stream, PARTY).to_text().as_bytes());
}

/// What lies beside one's own, what is given, the exit code, and what is said of it.
const TOGETHER: [Mishap; 17] = [
    (
        "two of one size with other roots",
        |g| bent_pack(g, STREAM),
        "mine.pack bent.pack --mine mine",
        1,
        &["Proven: this log signed two histories, at size", "(mine.pack and bent.pack)", "--evidence FILE"],
    ),
    (
        "the same, in the other order, with evidence",
        |g| bent_pack(g, STREAM),
        "bent.pack mine.pack --mine mine --evidence fork.jsonl",
        1,
        &["Proven: this log signed two histories", "The evidence is in fork.jsonl"],
    ),
    (
        "the same about two streams",
        |g| {
            g.without_receipts();
            bent_pack(g, "facility/fac-a");
        },
        "mine.pack bent.pack --mine mine",
        1,
        &["Proven: this log signed two histories"],
    ),
    (
        "the same, one changed on its way",
        |g| {
            bent_pack(g, STREAM);
            let text = String::from_utf8(g.read("bent.pack")).unwrap();
            g.write("bent.pack", text.replace('\n', "\r\n").as_bytes());
        },
        "bent.pack mine.pack --mine mine",
        1,
        &["Proven: this log signed two histories"],
    ),
    (
        "the newer leaves out what the older shows",
        |g| {
            g.without_receipts();
            g.dropping();
        },
        "older.pack dropping.pack --mine mine",
        1,
        &["older.pack and dropping.pack are both about organisation/cso-x", "One of the two lies", "hides it"],
    ),
    (
        "the same without a proof between them",
        |g| {
            g.without_receipts();
            g.dropping();
        },
        "dropping-bare.pack older.pack --mine mine",
        1,
        &["older.pack and dropping-bare.pack are both about", "One of the two lies"],
    ),
    (
        "the same, receipted, with the older",
        |g| g.dropping(),
        "older.pack dropping.pack --mine mine",
        1,
        &["hidden       ", "your receipt proves entry"],
    ),
    ("the same, receipted, alone", |g| g.dropping(), "dropping.pack --mine mine", 1, &["hidden       "]),
    (
        "the proof between them fails",
        Given::told_otherwise,
        "told.pack older.pack --mine mine",
        1,
        &["told.pack brings a proof", "(older.pack)", "the proof fails"],
    ),
    (
        "a receipt of the pack's size with another root",
        |g| {
            g.without_receipts();
            g.receipt(&bent(), DISPUTE);
        },
        "mine.pack --mine mine",
        1,
        &["Proven: this log signed two histories", "mine.pack and mine/receipts/"],
    ),
    (
        "a receipt of another place",
        |g| {
            g.without_receipts();
            g.receipt(&back_dated(), DISPUTE);
        },
        "mine.pack --mine mine",
        1,
        &["moved        cso-x/visit.disputed/r1: your receipts and the packs prove it at entries"],
    ),
    (
        "two receipts of two places",
        |g| {
            g.without_receipts();
            g.receipt(&back_dated(), DISPUTE);
            g.receipt(&desk(), DISPUTE);
        },
        "older.pack --mine mine",
        1,
        &["moved        cso-x/visit.disputed/r1"],
    ),
    (
        "two receipts of one size with other roots",
        |g| g.receipt(&bent(), DISPUTE),
        "older.pack mine.pack --mine mine",
        1,
        &["Proven: this log signed two histories"],
    ),
    (
        "two packs, and nothing of one's own that can be read",
        |g| {
            g.without_receipts();
            g.write("mine/000001.jsonl", b"");
            bent_pack(g, STREAM);
        },
        "mine.pack bent.pack --mine mine",
        1,
        &["Proven: this log signed two histories"],
    ),
    (
        "honest: a newer with its proof, and one about another",
        |g| {
            let now = desk();
            let mut pack = now.pack(STREAM, PARTY);
            pack.since = vec![now.since(earlier(3).size())];
            g.write("newer.pack", pack.to_text().as_bytes());
        },
        "newer.pack facility.pack older.pack --mine mine --party cso-x",
        0,
        &["nothing else in your name"],
    ),
    (
        "honest: receipts of an earlier size",
        |g| {
            let (now, old) = (desk(), earlier(3));
            let mut pack = now.pack(STREAM, PARTY);
            pack.since = vec![now.since(old.size())];
            g.write("newer.pack", pack.to_text().as_bytes());
            g.receipt(&old, REQUEST);
        },
        "newer.pack older.pack --mine mine",
        0,
        &["nothing else in your name"],
    ),
    (
        "honest: receipts of a later size than the pack",
        |g| {
            let old = earlier(3);
            g.without_receipts();
            let mut shown: Vec<Own> =
                all().into_iter().filter(|own| position(&desk(), &own.signed.event.address()) < old.size()).collect();
            shown.push(own("cso-x/key.enrolled/r2"));
            g.write("mine/000001.jsonl", &lines(&shown));
            g.receipt(&desk(), REQUEST);
        },
        "older.pack --mine mine",
        0,
        &["nothing else in your name"],
    ),
];

#[test]
fn what_packs_and_receipts_prove_together_is_a_lie_though_each_holds_alone() {
    for case in TOGETHER {
        let (name, code, words, given) = compared(&case);
        let calm = ["are in the log, unaltered", "Nothing altered or hidden", "Nothing here is evidence"];
        assert_eq!(calm.iter().any(|part| words.contains(part)), code == 0, "{name}: {words}");
        if case.2.contains("--evidence") {
            let (ended, words) = given.run("check fork.jsonl");
            assert_eq!(ended, Some(1), "it convinces anyone: {words}");
        }
    }
}
