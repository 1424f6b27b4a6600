//! Handing in over lines that fail, to ledgers that are busy, ignorant or lying.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use ledger::answer::{AnswerLine, Said};
use ledger::clock::Clock;
use ledger::desk::Desk;
use ledger::desk::office::Office;
use ledger::keys;
use ledger::outpost::{Client, Outpost, Progress, State, Trouble};
use schemas::hash::Hash;

use crate::place::{Place, covered, register};
use crate::server::{Cut, Server, Turn, line};

fn client(place: &Place, url: &str) -> Client {
    Client::patient(url, keys::read(&place.path("keys/cso-x.x1.key")).unwrap(), 20)
}

fn submit(outpost: &mut Outpost, client: &mut Client) -> Progress {
    outpost.submit(client, &|| Clock::System.now(), &mut |_, _| {}).unwrap()
}

#[test]
fn a_line_that_is_cut_anywhere_loses_nothing_and_doubles_nothing() {
    let place = Place::new();
    let server = Server::new(place.writer());
    let mut outpost = place.outpost("outbox");
    assert_eq!(place.sign(&mut outpost, 1, 6).recorded, 6);
    let all = usize::MAX;
    let cuts = [(0, all), (40, all), (3_000, all), (all, 0), (all, 20), (all, 200), (all, 5_000)];
    let cuts: Vec<Cut> = cuts.into_iter().map(|(there, back)| Cut { there, back }).collect();
    let count = cuts.len();
    let address = line(server.address, cuts);
    // The host that is signed is the server's: a line in between changes no byte.
    let mut client = client(&place, &format!("http://{address}"));
    client.speak_for(&server.address.to_string());
    for round in 0..count {
        let done = submit(&mut outpost, &mut client);
        let stopped = done.stopped.expect("the line was cut");
        assert!(matches!(stopped.why, Trouble::Line(_)), "{round}: {stopped:?}");
        assert_eq!((stopped.left, covered(&outpost).len()), (6, 0), "{round}");
    }
    let outage = *outpost.outages().last().unwrap();
    assert_eq!((outpost.outages().len(), outage.until), (1, None));
    let done = submit(&mut outpost, &mut client);
    assert_eq!((done.stopped, done.taken.covered, covered(&outpost).len()), (None, 6, 6));
    assert!(outpost.outages()[0].until.is_some_and(|until| until >= outage.from));
    assert_eq!(server.attempts(), 6, "each stands once");
    let mut positions = covered(&outpost);
    positions.dedup();
    assert!(positions.is_sorted() && positions.len() == 6, "in the order in which they were recorded: {positions:?}");
    // What is proven is not handed in again.
    assert_eq!(submit(&mut outpost, &mut client).sent, 0);
    drop(outpost);
    assert_eq!(covered(&place.again("outbox")).len(), 6, "on the disk");
}

/// Another machine with the same key, set up with the first number of one whose three records stand.
fn second(place: &Place, client: &mut Client) -> Outpost {
    let mut first = place.outpost("first");
    place.sign(&mut first, 1, 3);
    assert_eq!(submit(&mut first, client).taken.covered, 3);
    place.outpost("second")
}

#[test]
fn a_refusal_is_kept_and_blocks_nothing_behind_it() {
    let place = Place::new();
    let server = Server::new(place.writer());
    let mut client = client(&place, &server.url());
    let mut second = second(&place, &mut client);
    place.sign(&mut second, 4, 8);
    let done = submit(&mut second, &mut client);
    assert_eq!((done.stopped, done.taken.covered, done.taken.refused.len()), (None, 2, 3));
    let states: Vec<u8> = second
        .held()
        .iter()
        .map(|held| match &held.state {
            State::Refused { number, .. } => *number,
            State::Covered { .. } => 99,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(states, [10, 10, 10, 99, 99], "their numbers were used");
    assert!(second.held()[0].receipt.as_deref().is_some_and(|note| note.starts_with("oversight-refusal/v1\n")));
    assert_eq!(submit(&mut second, &mut client).sent, 0, "a refusal is final for these bytes");
    // The row may be signed anew, under a fresh number.
    assert_eq!(place.sign(&mut second, 4, 4).recorded, 1);
    assert_eq!(submit(&mut second, &mut client).taken.covered, 1);
}

#[test]
fn what_the_ledger_does_not_even_read_blocks_nothing() {
    let place = Place::new();
    let server = Server::new(place.writer());
    let mut outpost = place.outpost("outbox");
    place.sign(&mut outpost, 1, 3);
    let mut odd = outpost.held()[0].parcel.clone();
    place.sign(&mut outpost, 4, 5);
    let text = odd.note.replacen("\"seq\":10", "\"seq\":99", 1);
    odd.note = text;
    odd.source = "cso-x/visit.attempted/unreadable".to_owned();
    outpost.record(&[odd], Clock::System.now()).unwrap();
    place.sign(&mut outpost, 6, 7);
    let done = submit(&mut outpost, &mut client(&place, &server.url()));
    assert_eq!((done.stopped, done.taken.covered, covered(&outpost).len()), (None, 7, 7));
    assert_eq!(done.unread.len(), 1, "{:?}", done.unread);
}

#[test]
fn busy_ledgers_wrong_clocks_and_strangers() {
    let place = Place::new();
    let server = Server::new(place.writer());
    let mut outpost = place.outpost("outbox");
    place.sign(&mut outpost, 1, 2);
    let mut theirs = client(&place, &server.url());
    server.next(Turn::Busy);
    let stopped = submit(&mut outpost, &mut theirs).stopped.unwrap();
    assert!(matches!(stopped.why, Trouble::Busy { .. }) && stopped.why.passes());
    assert!(outpost.outages().is_empty(), "a busy ledger is no outage");
    // A key that the log does not know: somebody must act, and trying again does not help.
    let stranger = verifier::signature::SecretKey::new("a.example/log/cso-x/x9", &[9; 32]);
    let stopped = submit(&mut outpost, &mut Client::new(&server.url(), stranger)).stopped.unwrap();
    assert!(matches!(stopped.why, Trouble::Refused { status: 401, .. }) && !stopped.why.passes(), "{stopped:?}");
    // This machine's clock is two hours behind, as the ledger sees it.
    *server.ahead.lock().unwrap() = 7_200;
    assert_eq!(submit(&mut outpost, &mut theirs).taken.covered, 2);
    // And then it falls behind by two more.
    *server.ahead.lock().unwrap() = 14_400;
    place.sign(&mut outpost, 3, 3);
    assert_eq!(submit(&mut outpost, &mut theirs).taken.covered, 1);
}

#[test]
fn an_answer_that_does_not_hold_changes_nothing() {
    let place = Place::new();
    let server = Server::new(place.writer());
    let mut client = client(&place, &server.url());
    let mut outpost = place.outpost("outbox");
    place.sign(&mut outpost, 1, 2);
    assert_eq!(submit(&mut outpost, &mut client).taken.covered, 2);
    let others = outpost.held()[0].receipt.clone().unwrap();
    place.sign(&mut outpost, 3, 3);
    let (event, first) = (outpost.held()[2].id, outpost.held()[0].id);
    let said = |said: Said| AnswerLine { event, said };
    let bent = others.replacen("index 6", "index 7", 1);
    for (answer, lies) in [
        (said(Said::Stands { position: 1, receipt: others.clone() }), 1),
        (said(Said::Stands { position: 1, receipt: bent }), 1),
        (said(Said::Stands { position: 1, receipt: String::new() }), 1),
        (said(Said::Refused { why: "we do not like it".to_owned(), receipt: None }), 1),
        (said(Said::Refused { why: "we do not like it".to_owned(), receipt: Some("no note".to_owned()) }), 1),
        (AnswerLine { event: Hash::of(&[b"other"]), said: Said::Waits { position: 1 } }, 0),
        // What is proven cannot be taken back.
        (AnswerLine { event: first, said: Said::Refused { why: "on second thoughts".to_owned(), receipt: None } }, 1),
    ] {
        server.next(Turn::Says(answer.to_line() + "\n"));
        let done = submit(&mut outpost, &mut client);
        assert_eq!((done.taken.lies.len(), done.taken.covered), (lies, 0), "{answer:?}");
        assert_eq!(outpost.held()[2].state, State::Recorded, "{answer:?}");
        assert!(matches!(outpost.held()[0].state, State::Covered { .. }));
    }
    for text in ["", "{}\n", "<html>", "\u{0}\n"] {
        server.next(Turn::Says(text.to_owned()));
        let stopped = submit(&mut outpost, &mut client).stopped.unwrap();
        assert!(matches!(stopped.why, Trouble::Garbage { .. }), "{text:?}: {stopped:?}");
    }
    // In the log by its word: it is asked for the receipt later.
    server.next(Turn::Says(said(Said::Waits { position: 9 }).to_line() + "\n"));
    let done = submit(&mut outpost, &mut client);
    assert_eq!((done.taken.received, done.taken.covered), (1, 1), "it did not know it, and got it once more");
    assert_eq!(submit(&mut outpost, &mut client).sent, 0);
    assert_eq!(covered(&outpost).len(), 3);
}

#[test]
fn a_server_that_has_just_begun_is_asked_once_more() {
    let place = Place::new();
    let server = Server::new(place.writer());
    let mut outpost = place.outpost("outbox");
    place.sign(&mut outpost, 1, 2);
    let mut client = client(&place, &server.url());
    server.next(Turn::Fresh);
    let done = submit(&mut outpost, &mut client);
    assert_eq!((done.stopped, done.taken.covered), (None, 2));
    // Twice is no beginning.
    place.sign(&mut outpost, 3, 3);
    server.next(Turn::Fresh);
    server.next(Turn::Fresh);
    let stopped = submit(&mut outpost, &mut client).stopped.unwrap();
    assert!(matches!(stopped.why, Trouble::Refused { status: 401, .. }), "{stopped:?}");
}

#[test]
fn that_no_pack_is_given_is_said_and_shows_in_the_end() {
    let place = Place::new();
    let server = Server::new(place.writer());
    place.sign(&mut place.outpost("outbox"), 1, 2);
    let command = format!(
        "outbox submit outbox --key-file stick.key --keys keys --holder x1 --keep-trying --address {}",
        server.url()
    );
    place.bad(
        &command,
        2,
        "everything is handed in, but the newest pack about us was not given: the ledger answered 403",
    );
    assert_eq!(covered(&place.again("outbox")).len(), 2);
    // Who signs with a key that the log does not know is told which.
    place.good("keygen --origin a.example/log --party cso-x --holder x9 --keys keys");
    place.sign(&mut place.again("outbox"), 3, 3);
    place.bad(&command.replace("x1", "x9"), 2, "(the request was signed with the key a.example/log/cso-x/x9+");
}

#[test]
fn nothing_is_believed_under_another_policy() {
    let place = Place::new();
    let server = Server::new(place.writer());
    let mut outpost = place.outpost("outbox");
    let stranger = verifier::signature::SecretKey::new("a.example/log", &[1; 32]);
    let mut standing = outpost.standing().clone();
    standing.policy = format!("log {}\nquorum none\n", stranger.vkey());
    outpost.settle(standing.clone()).unwrap();
    place.sign(&mut outpost, 1, 2);
    let mut client = client(&place, &server.url());
    let done = submit(&mut outpost, &mut client);
    assert_eq!((done.taken.covered, done.taken.lies.len()), (0, 2));
    assert!(outpost.held().iter().all(|held| held.state == State::Recorded));
    // A quorum that has not seen it.
    let witness = verifier::signature::SecretKey::new("w.example", &[2; 32]);
    standing.policy =
        place.policy().replace("quorum none", &format!("witness w {}\nquorum w", witness.cosigner_vkey()));
    outpost.settle(standing.clone()).unwrap();
    assert_eq!(submit(&mut outpost, &mut client).taken.lies.len(), 2);
    standing.policy = place.policy();
    outpost.settle(standing).unwrap();
    assert_eq!(submit(&mut outpost, &mut client).taken.covered, 2, "the same bytes, the same place");
    assert_eq!(server.attempts(), 2);
}

#[test]
fn killed_while_the_ledger_works() {
    let place = Place::new();
    let server = Server::new(place.writer());
    let mut outpost = place.outpost("outbox");
    place.sign(&mut outpost, 1, 4);
    drop(outpost);
    let command = format!(
        "outbox submit outbox --key-file stick.key --keys keys --holder x1 --no-pack --address {}",
        server.url()
    );
    for _ in 0..3 {
        server.next(Turn::Silent);
        let mut child = place.command(&command).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        server.seen.recv().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert_eq!(covered(&place.again("outbox")).len(), 0, "no answer came");
    let said = place.good(&command);
    assert!(said.contains("4 proven by a receipt"), "{said}");
    assert_eq!((covered(&place.again("outbox")).len(), server.attempts()), (4, 4));
    assert!(place.good("outbox status outbox --key-file stick.key").contains("4 covered by a checkpoint"));
}

#[test]
fn an_outage_is_asked_for_until_it_is_declared_whole() {
    let place = Place::new();
    place.good("key enrol my --party fac-a --holder a1 --role facility --keys keys --make-key");
    let key = keys::read(&place.path("keys/fac-a.a1.key")).unwrap();
    let policy = "--policy my/policy --parties parties.csv --key-file stick.key";
    for (office, first, party) in [("whole", 100, "fac-a"), ("open", 200, "fac-a"), ("cso", 300, "cso-x")] {
        place.good(&format!("outbox init {office} --party {party} --first-number {first} {policy}"));
    }
    let server = Server::new(place.writer());
    let status = |office: &str| place.good(&format!("outbox status {office} --key-file stick.key"));
    let propose = |office: &str, what: &str| {
        place.good(&format!("outbox propose {office} {what} --signer a1 --key-file stick.key"))
    };
    let append = |office: &str, event: &str| {
        std::fs::write(place.path("event.json"), event).unwrap();
        place.good(&format!("outbox append {office} event.json --key-file stick.key --keys keys"));
    };
    for office in ["whole", "open", "cso"] {
        let mut outpost = place.again(office);
        if office == "cso" {
            place.sign(&mut outpost, 1, 1);
        } else {
            drop(outpost);
            append(office, &propose(office, &format!("device --id {office}")));
            outpost = place.again(office);
        }
        for (url, holds) in [("http://127.0.0.1:9", false), (&server.url(), true)] {
            let done = submit(&mut outpost, &mut Client::patient(url, key.clone(), 20));
            assert_eq!(done.stopped.is_none(), holds, "{office}: {done:?}");
        }
        drop(outpost);
        assert_eq!(status(office).contains("declare it with"), office != "cso", "only who may declare it is asked");
    }
    append("whole", &propose("whole", "outage --id o1"));
    assert!(!status("whole").contains("was not reached"), "{}", status("whole"));
    let mut event: serde_json::Value = serde_json::from_str(&propose("open", "outage --id o2")).unwrap();
    event.as_object_mut().unwrap().remove("until").unwrap();
    append("open", &event.to_string());
    assert!(status("open").contains("outage-ended --id o2"), "{}", status("open"));
    append("open", &propose("open", "outage-ended --id o2"));
    assert!(!status("open").contains("was not reached"), "{}", status("open"));
}

#[test]
fn a_refusal_that_was_settled_asks_for_nobody() {
    let place = Place::new();
    let server = Server::new(place.writer());
    let mut client = client(&place, &server.url());
    let mut second = second(&place, &mut client);
    place.sign(&mut second, 4, 6);
    assert_eq!(submit(&mut second, &mut client).taken.refused.len(), 3);
    assert!(second.settled().is_empty());
    // One row is signed again, what another was to create is recorded under another row, the third waits.
    place.sign(&mut second, 4, 4);
    let file = ("visit.attempted.csv".to_owned(), register(5, 5).replace("\nr5,", "\nr50,").into_bytes());
    place.sign_file(&mut second, file);
    let refused: Vec<_> = second.held()[..3].iter().map(|held| held.id).collect();
    assert_eq!(second.settled().into_iter().collect::<BTreeSet<_>>(), refused[..2].iter().copied().collect());
    assert_eq!(submit(&mut second, &mut client).taken.covered, 2);
    // The desk's banner counts the same.
    let office = Office::of(&second, &place.path("keys"), None).unwrap();
    let desk = Desk::new(office, Arc::new(Mutex::new(second)), Clock::System, false).unwrap();
    assert_eq!((desk.standing().refused, desk.settled().len()), (1, 2));
    drop(desk);
    let said = place.good("outbox status second --json --key-file stick.key");
    let state = |state: &str| said.matches(&format!("\"state\":\"{state}\"")).count();
    assert_eq!((state("settled"), state("refused"), state("covered")), (2, 1, 2), "{said}");
    let said = place.good("outbox status second --key-file stick.key");
    assert!(said.contains("1 refused (2 more were signed again since)"), "{said}");
    assert_eq!(said.lines().filter(|line| line.contains("refused: ")).count(), 1, "{said}");
}
