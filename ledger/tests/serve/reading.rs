//! What is read over HTTP is what the bundle holds, and each reads what it may.

use ledger::export;
use ledger::probe::Probe;
use ledger::writer::Writer;
use schemas::base;
use schemas::checkpoint::Checkpoint;
use schemas::hash::Hash;
use schemas::note::Note;
use schemas::opening::{OpeningLine, Slot};
use schemas::pack::Pack;
use verifier::bundle::{NoVisitor, Source as _, check};
use verifier::files::Folder;
use verifier::tree::{check_consistency, check_inclusion};

use crate::common::{Running, World};

fn size(server: &Running) -> u64 {
    Checkpoint::parse(&Note::parse(&server.get("/checkpoint").body).unwrap().text).unwrap().size
}

#[test]
fn every_file_of_the_bundle_is_there_byte_for_byte() {
    let mut world = World::begun(|world, writer| {
        for _ in 0..3 {
            let parcels = world.attempts(200);
            world.commit(writer, &parcels);
        }
    });
    let mut server = world.serve("[rate]\naddress_requests_burst = 100000\n");
    assert_eq!(server.post(&world.key("cso-x", "x1"), &[world.attempt("cso-x", "x1")]).status, 200);
    server.terminate();
    assert_eq!(server.ended().0, Some(0));
    let probe = Probe::of(env!("CARGO_BIN_EXE_ledger").into());
    let writer = Writer::open(&world.home, &probe).unwrap();
    let bundle = world.path("bundle");
    let policy = ledger::publish::policy_text(&writer).unwrap();
    export::bundle(&writer, &policy, 0, &bundle, &mut |_, _| {}).unwrap();
    drop(writer);
    let server = world.serve("[rate]\naddress_requests_burst = 100000\n");
    let mut source = Folder::new(&bundle);
    assert_eq!(check(&mut source, &world.policy, None, &mut NoVisitor).exit_code(), 0);
    for path in source.paths().unwrap() {
        if path == "manifest" {
            continue;
        }
        let answer = server.get(&format!("/{path}"));
        assert_eq!(answer.status, 200, "{path}");
        assert!(Some(&answer.body) == source.read(&path).unwrap().as_ref(), "{path}");
        let (kind, cache) = match path.split('/').next().unwrap() {
            "tile" | "documents" => ("application/octet-stream", "public, max-age=31536000, immutable"),
            "checkpoint" => ("text/plain; charset=utf-8", "no-cache"),
            "verify.html" => ("text/html; charset=utf-8", "public, max-age=300"),
            _ => ("text/plain; charset=utf-8", "public, max-age=300"),
        };
        assert_eq!((answer.field("content-type"), answer.field("cache-control")), (kind, cache), "{path}");
        let head = server.ask("HEAD", &format!("/{path}"), &[], b"").unwrap();
        assert_eq!(
            (head.status, head.field("content-length"), head.body.len()),
            (200, answer.field("content-length"), 0)
        );
    }
}

#[test]
fn proofs_hold_in_the_published_tree() {
    let world = World::begun(|world, writer| {
        for _ in 0..5 {
            let parcels = world.attempts(3);
            world.commit(writer, &parcels);
        }
    });
    let server = world.serve("");
    let root = |size: u64| {
        let note = server.get(&format!("/checkpoints/{size}"));
        Checkpoint::parse(&Note::parse(&note.body).unwrap().text).unwrap().root
    };
    let hashes = |target: String| -> Vec<Hash> {
        let answer = server.get(&target);
        assert_eq!((answer.status, answer.field("content-type")), (200, "application/json"), "{target}");
        let hashes = answer.json()["hashes"].as_array().unwrap().clone();
        hashes.iter().map(|hash| Hash::from_base64(hash.as_str().unwrap()).unwrap()).collect()
    };
    let size = size(&server);
    let entries = server.get(&format!("/tile/entries/000.p/{size}")).body;
    let entries = schemas::tile::split_bundle(&entries, size).unwrap();
    for index in [0, 1, 7, size - 1] {
        let proof = hashes(format!("/proofs/inclusion?index={index}&size={size}"));
        check_inclusion(&proof, index, Hash::leaf(entries[index as usize]), size, root(size)).unwrap();
    }
    let old = size - 4;
    let proof = hashes(format!("/proofs/consistency?from={old}&to={size}"));
    check_consistency(&proof, old, root(old), size, root(size)).unwrap();
}

#[test]
fn each_party_reads_its_own_and_the_log_says_so_first() {
    let mut world = World::begun(|world, writer| {
        let parcels = [world.attempt("cso-x", "x1"), world.attempt("cso-y", "y1"), world.attempt("cso-x", "x1")];
        world.commit(writer, &parcels);
    });
    let server = world.serve(&format!("[readings]\nkeys = {:?}\n", world.path("keys")));
    let (x, y, n) = (world.key("cso-x", "x1"), world.key("cso-y", "y1"), world.key("npm", "n1"));
    let pack = |key, audience: &str| {
        let target = format!("/packs?stream=organisation/cso-x&audience={audience}&since=1");
        let answer = match key {
            Some(key) => server.signed(key, "GET", &target, None),
            None => server.get(&target),
        };
        assert_eq!(answer.status, 200, "{}", answer.text());
        let report = verifier::pack::check(&answer.body, &world.policy, &[]).report;
        assert!(report.faults.is_empty(), "{audience}: {:?}", report.faults);
        Pack::parse(answer.text()).unwrap()
    };
    let shown = |pack: &Pack| {
        let slots = pack.items.iter().flat_map(|item| &item.slots);
        slots.filter(|slot| matches!(slot, Slot::Open(_))).count()
    };
    let before = size(&server);
    let public = pack(None, "public");
    assert_eq!((public.items.len() >= 2, shown(&public)), (true, 0));
    assert_eq!(size(&server), before, "what anybody may read is not recorded");
    let own = pack(Some(&x), "cso-x");
    assert!(shown(&own) >= 2);
    assert_eq!(size(&server), before + 2, "an entry that says who read, and a seal");
    assert!(shown(&pack(Some(&n), "oversight")) >= shown(&own));
    // The record names who, why and how much, and stands under the very checkpoint of the pack.
    let entries = server.get(&format!("/tile/entries/000.p/{}", size(&server))).body;
    let entries = schemas::tile::split_bundle(&entries, size(&server)).unwrap();
    let record = schemas::entry::Entry::parse(entries[before as usize]).unwrap().signed.event;
    assert_eq!(
        (record.kind.as_str(), record.text("purpose"), record.text("scope")),
        ("data.exported", Some("audit"), Some("own_record"))
    );
    let openings = |key, target: &str| {
        let answer = server.signed(key, "GET", target, None);
        assert_eq!((answer.status, answer.field("content-type")), (200, "application/jsonl"), "{}", answer.text());
        let lines = answer.text().lines().map(|line| OpeningLine::parse(line).unwrap()).collect::<Vec<_>>();
        let open = lines.iter().filter(|line| line.slots.iter().any(|slot| matches!(slot, Slot::Open(_)))).count();
        (lines.len(), open, answer.field("content-range").to_owned())
    };
    let before = size(&server);
    let (all, of_x, range) = openings(&x, "/openings?from=0&limit=1000");
    assert_eq!(range, format!("entries 0-{}/{before}", before - 1));
    assert_eq!(size(&server), before + 2);
    let (_, of_y, _) = openings(&y, "/openings?from=0&limit=1000&purpose=legal_duty");
    let (_, of_n, _) = openings(&n, "/openings?from=0&limit=1000");
    assert!(of_x >= 3 && of_y >= 2 && of_x != of_y && of_n >= all, "{of_x} {of_y} {of_n} of {all}");
    let (few, ..) = openings(&x, "/openings?from=4&limit=1");
    assert!(few <= 1);
    for (key, target, status, problem) in [
        (&x, "/openings?from=0&limit=0", 400, "bad-request"),
        (&x, "/openings?from=999999&limit=1", 404, "not-published"),
        (&x, "/openings?from=0&limit=1&purpose=curiosity", 400, "bad-request"),
        (&x, "/openings?from=0&limit=18446744073709551615", 200, ""),
        (&y, "/packs?stream=organisation/cso-x&audience=cso-x", 403, "not-yours"),
        (&n, "/packs?stream=organisation/cso-x&audience=cso-x", 403, "not-yours"),
    ] {
        let answer = server.signed(key, "GET", target, None);
        assert_eq!((answer.status, answer.problem().as_str()), (status, problem), "{target}");
    }
    let parcel = world.attempt("cso-x", "x1");
    assert_eq!(server.post(&x, &[parcel]).status, 200);
}

#[test]
fn readings_that_an_earlier_server_answered_are_not_answered_again() {
    let world = World::new();
    let config = format!("[readings]\nkeys = {:?}\n", world.path("keys"));
    let server = world.serve(&config);
    let x = world.key("cso-x", "x1");
    let mut signing = crate::common::Signing::now(server.address, &x);
    signing.created = signing.created.plus_seconds(8); // dated ahead, as much as clocks may differ
    signing.seconds = 300;
    let target = "/openings?from=0&limit=4";
    let first = signing.request("GET", target, None);
    assert_eq!(crate::common::send(server.address, &first).unwrap().status, 200);
    let address = server.address;
    server.kill();
    let again = world.serve(&format!("{config}[requests]\nhead_seconds = 5\n"));
    // The signature is for another port now; what is refused first is its age, whatever the name it was made for.
    let moved = crate::common::Signing { address: again.address, ..signing.clone() };
    let answer = crate::common::send(again.address, &moved.request("GET", target, None)).unwrap();
    assert_eq!((answer.status, answer.problem().as_str()), (401, "bad-signature"), "{address}");
    assert!(answer.text().contains("older than this server's memory"), "{}", answer.text());
    assert!(base::from_decimal(answer.field("retry-after")).is_some_and(|seconds| seconds < 30));
}
