//! Clients that ask for more than their share: what one key or one address takes is not taken from the others.

use std::io::Write as _;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use ledger::probe::Probe;
use ledger::writer::Writer;
use schemas::checkpoint::Checkpoint;
use schemas::entry::Entry;
use schemas::event::Event;
use schemas::note::Note;
use schemas::opening::{Disclosure, OpeningLine, Slot};
use verifier::signature::SecretKey;

use crate::common::{Running, Signing, World, connect, lines, read, request};

/// From another address of this machine.
const ELSEWHERE: &str = "127.0.0.9";

fn size(server: &Running) -> u64 {
    Checkpoint::parse(&Note::parse(&server.get("/checkpoint").body).unwrap().text).unwrap().size
}

fn served(server: &Running, world: &mut World) {
    let parcel = world.attempt("cso-x", "x1");
    let answer = server.post(&world.key("cso-x", "x1"), &[parcel]);
    assert_eq!((answer.status, answer.lines()[0]["status"].as_str()), (200, Some("stands")));
}

/// A signed body that is announced as so long, and of which these bytes come.
fn begun(server: &Running, key: &SecretKey, announced: usize, come: &[u8]) -> TcpStream {
    let fields = Signing::now(server.address, key).fields("POST", "/events", Some(b"something else"));
    let mut fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let announced = announced.to_string();
    fields.extend([("Content-Type", "application/jsonl"), ("Content-Length", &announced)]);
    let mut stream = connect(ELSEWHERE, server.address);
    stream.write_all(&request(server.address, "POST", "/events", &fields, b"")).unwrap();
    let _ = stream.write_all(come); // a server that has heard enough hangs up
    stream
}

/// Connections of so many addresses, so many each, on which nothing is ever said.
fn silent(server: &Running, addresses: usize, of_each: usize) -> Vec<TcpStream> {
    let of = |number: usize| connect(&format!("127.0.3.{}", number % addresses + 1), server.address);
    (0..addresses * of_each).map(of).collect()
}

#[test]
fn silent_connections_shut_nobody_out_and_end_no_server() {
    for (what, files, config, addresses, of_each) in [
        ("each its share", None, "connections_max = 24\nconnections_of_address_max = 8\n", 3, 8),
        ("each more than its share", None, "connections_max = 24\nconnections_of_address_max = 8\n", 4, 12),
        ("more than there are files", Some(320), "connections_max = 1024\nconnections_of_address_max = 100\n", 10, 36),
        ("the defaults", Some(256), "head_seconds = 15\n", 10, 30),
    ] {
        let mut world = World::new();
        let config = format!("[requests]\n{config}");
        let mut server = match files {
            None => world.serve(&config),
            Some(files) => world.serve_with_files(files, &config),
        };
        let held = silent(&server, addresses, of_each);
        for _ in 0..3 {
            served(&server, &mut world);
            assert_eq!(server.get("/healthz").text(), "ok\n", "{what}");
        }
        // Whoever comes again and again is what gives way.
        let more = silent(&server, addresses, of_each);
        served(&server, &mut world);
        drop((held, more));
        assert_eq!(world.log().contains("may not open enough files"), files.is_some(), "{what}: {}", world.log());
        server.terminate();
        assert_eq!(server.ended().0, Some(0), "{what}");
    }
}

#[test]
fn what_is_announced_takes_no_place() {
    let mut world = World::new();
    let server = world.serve("");
    let key = world.key("cso-y", "y1");
    // All the room that there is, announced by one key, and never sent.
    let _held: Vec<TcpStream> = (0..12).map(|_| begun(&server, &key, 16 << 20, b"x")).collect();
    (0..3).for_each(|_| served(&server, &mut world));
}

#[test]
fn what_arrives_takes_the_room_of_its_key_and_no_more() {
    let mut world = World::new();
    let config = "[events]\nbytes_of_key_max = 131072\nbytes_of_address_max = 262144\nbytes_at_once_max = 1048576\n";
    let server = world.serve(config);
    let (y, d) = (world.key("cso-y", "y1"), world.key("fac-a", "d1"));
    let much = vec![b' '; 128 << 10];
    // A key may have 128 KiB under way beyond the first 64 of each body: so much comes, and then the rest of neither.
    let mut full: Vec<TcpStream> = (0..2).map(|_| begun(&server, &y, 1 << 20, &much)).collect();
    let over = |stream: &mut TcpStream| {
        let answer = read(stream).unwrap();
        assert_eq!((answer.status, answer.problem().as_str()), (429, "too-fast"), "{}", answer.text());
        assert!(answer.field("retry-after").parse::<u64>().is_ok());
    };
    over(&mut begun(&server, &y, 1 << 20, &vec![b' '; 256 << 10]));
    // Another key at the same address still has its own.
    let mut other = begun(&server, &d, 1 << 20, &much);
    served(&server, &mut world);
    // A small body needs no room, even of the key that has none left.
    let parcel = world.attempt("cso-y", "y1");
    assert_eq!(server.post(&y, &[parcel]).status, 200);
    for stream in full.iter_mut().chain([&mut other]) {
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let _ = read(stream);
    }
    // What was under way and broke off gives its room back.
    let parcels: Vec<_> = (0..100).map(|_| world.attempt("cso-y", "y1")).collect();
    assert!(lines(&parcels).len() > 64 << 10);
    assert_eq!(server.post(&y, &parcels).status, 200);
}

#[test]
fn reading_again_and_again_does_not_make_the_log_grow() {
    let world = World::begun(|world, writer| {
        let parcels = [world.attempt("cso-x", "x1"), world.attempt("cso-y", "y1"), world.attempt("cso-x", "x1")];
        world.commit(writer, &parcels);
    });
    let mut server =
        world.serve(&format!("[readings]\nkeys = {:?}\n[rate]\naddress_requests_burst = 100000\n", world.path("keys")));
    let x = world.key("cso-x", "x1");
    let own = "/packs?stream=organisation/cso-x&audience=cso-x";
    let before = size(&server);
    // Nothing hidden is given, so nothing is recorded.
    for (method, target, status) in [
        ("HEAD", "/openings?from=0&limit=100", 405),
        ("HEAD", own, 405),
        ("HEAD", "/packs?stream=organisation/cso-x&audience=public", 200),
        ("GET", "/packs?stream=organisation/cso-x&audience=public", 200),
        ("GET", "/openings?from=0&limit=1", 200),
        ("GET", "/openings?from=0&limit=0", 400),
        ("GET", "/openings?from=999999&limit=1", 404),
        ("GET", "/openings?from=18446744073709551615&limit=18446744073709551615", 404),
        ("GET", "/packs?stream=programme/cso-x/none&audience=cso-x", 200),
    ] {
        for _ in 0..5 {
            assert_eq!(server.signed(&x, method, target, None).status, status, "{method} {target}");
        }
    }
    assert_eq!(size(&server), before);
    // One record for each stream, and one for openings, however often they are read.
    for (target, grown) in [(own, 2), ("/openings?from=8&limit=3", 4), ("/openings?from=10&limit=1", 4)] {
        for _ in 0..10 {
            assert_eq!(server.signed(&x, "GET", target, None).status, 200);
        }
        assert_eq!(size(&server), before + grown, "{target}: a record and a seal each");
    }
    // What else is read within that minute is recorded when it is over, or the server ends.
    let answer = server.signed(&x, "GET", "/openings?from=0&limit=8", None);
    assert_eq!((answer.status, size(&server)), (200, before + 4));
    server.terminate();
    assert_eq!(server.ended().0, Some(0));
    let writer = Writer::open(&world.home, &Probe::of(env!("CARGO_BIN_EXE_ledger").into())).unwrap();
    let events: Vec<_> =
        writer.entries(before).map(|entry| Entry::parse(&entry.unwrap().1).unwrap().signed.event).collect();
    let is_record = |event: &&Event| event.kind == "data.exported";
    let records: Vec<_> = events.iter().filter(is_record).collect();
    assert_eq!(records.len(), 3, "the pack, the openings, and what else was read of them");
    // How many rows were read is hidden from the public.
    let positions = (before..).zip(&events).filter(|(_, event)| is_record(event)).map(|(position, _)| position);
    let rows: Vec<i64> = positions
        .map(|position| {
            let line = OpeningLine::parse(&writer.reader().vault().line(position).unwrap().unwrap()).unwrap();
            let shown = line.slots.iter().filter_map(|slot| match slot {
                Slot::Open(disclosure) => Disclosure::parse(disclosure),
                _ => None,
            });
            shown.filter(|one| one.name == "rows").find_map(|one| one.value.as_ref()?.as_integer()).unwrap()
        })
        .collect();
    assert_eq!(rows[1..], [2, 1], "its two attempts, and its enrolment");
}

#[test]
fn what_was_read_is_recorded_whoever_kills_the_server() {
    for (what, targets, grown) in [
        ("what stands in a record", vec!["/openings?from=8&limit=3", "/openings?from=9&limit=1"], 0),
        ("what else was read", vec!["/openings?from=10&limit=1", "/openings?from=0&limit=10"], 2),
        ("for two purposes", vec!["/openings?from=8&limit=1&purpose=statistics", "/openings?from=0&limit=11"], 0),
        (
            "each of two purposes",
            vec![
                "/openings?from=8&limit=1&purpose=statistics",
                "/openings?from=0&limit=11&purpose=statistics",
                "/openings?from=8&limit=1",
                "/openings?from=0&limit=11",
            ],
            4,
        ),
    ] {
        let world = World::begun(|world, writer| {
            let parcels = [world.attempt("cso-x", "x1"), world.attempt("cso-y", "y1"), world.attempt("cso-x", "x1")];
            world.commit(writer, &parcels);
        });
        let config = format!("[readings]\nkeys = {:?}\n[rate]\naddress_requests_burst = 100000\n", world.path("keys"));
        let server = world.serve(&config);
        let x = world.key("cso-x", "x1");
        for target in targets {
            assert_eq!(server.signed(&x, "GET", target, None).status, 200, "{what} {target}");
        }
        let before = size(&server);
        server.kill();
        // One that records nothing leaves what is owed as it is.
        let mut server = world.serve("");
        assert_eq!(size(&server), before, "{what}");
        assert_eq!(world.log().contains("not recorded yet"), grown > 0, "{what}");
        server.terminate();
        assert_eq!(server.ended().0, Some(0));
        for _ in 0..2 {
            let mut server = world.serve(&config);
            assert_eq!((server.get("/healthz").status, size(&server)), (200, before + grown), "{what}");
            server.terminate();
            assert_eq!(server.ended().0, Some(0));
        }
        assert!(!world.home.readings_owed().exists(), "{what}");
    }
}

#[test]
fn what_is_owed_and_cannot_be_read_is_told_and_not_lost() {
    let world = World::begun(|world, writer| {
        let parcels = [world.attempt("cso-x", "x1")];
        world.commit(writer, &parcels);
    });
    let owed = world.home.readings_owed();
    let file = world.path("owed.toml");
    std::fs::write(
        &file,
        format!("[listen]\naddress = \"127.0.0.1:0\"\n[readings]\nkeys = {:?}\n", world.path("keys")),
    )
    .unwrap();
    let whole = "2 own_record audit cso-x\n";
    let second = |line: &[u8]| [whole.as_bytes(), line].concat();
    for (what, bytes, says) in [
        ("cut within its last line", second(b"1 own_record audit cs"), "line 2 does not say who read how much"),
        ("cut before its last line end", second(b"1 own_record audit cso-y"), "line 2"),
        ("cut to a word", b"2".to_vec(), "line 1"),
        ("zeros", vec![0; 512], "line 1"),
        ("zeros after it", second(&[0; 512]), "line 2"),
        ("line ends of Windows", b"2 own_record audit cso-x\r\n".to_vec(), "line 1"),
        ("a byte order mark", [b"\xef\xbb\xbf", whole.as_bytes()].concat(), "line 1"),
        ("not UTF-8", second(b"1 own_record audit \xff\xfe\n"), "line 2"),
        ("another program's", b"{\"owed\":2}\n".to_vec(), "line 1"),
        ("nothing in a line", second(b"\n"), "line 2"),
        ("more than can be", second(b"99999999999999999999 own_record audit cso-x\n"), "line 2"),
        ("a scope that nobody has", second(b"1 everything audit cso-x\n"), "line 2"),
        ("a purpose that nobody has", second(b"1 own_record curiosity cso-x\n"), "line 2"),
        ("a reader whom the log does not know", second(b"1 own_record audit cso-nobody\n"), "line 2"),
    ] {
        std::fs::write(&owed, &bytes).unwrap();
        let (code, said) = refused(&world, &file);
        let says = said.contains(says) && said.contains("readings-owed") && said.contains("note what it shows");
        assert!(code == Some(2) && says, "{what}: {code:?} {said}");
        assert_eq!(std::fs::read(&owed).unwrap(), bytes, "{what}: it is as it was");
    }
    std::fs::remove_file(&owed).unwrap();
    // What cannot be read at all: whatever stands in its place stays there.
    std::fs::create_dir(world.path("folder")).unwrap();
    assert!(Command::new("mkfifo").arg(world.path("fifo")).status().unwrap().success());
    std::os::unix::fs::symlink("/dev/zero", world.path("device")).unwrap();
    std::fs::File::create(world.path("long")).unwrap().set_len(100 << 30).unwrap();
    std::fs::write(world.path("closed"), whole).unwrap();
    std::fs::set_permissions(world.path("closed"), std::fs::Permissions::from_mode(0o000)).unwrap();
    let is_root = std::fs::File::open(world.path("closed")).is_ok(); // nothing is closed to it
    for (name, says) in [
        ("folder", "folder"),
        ("fifo", "named pipe"),
        ("device", "device"),
        ("long", "longer than"),
        ("closed", "denied"),
    ] {
        if name == "closed" && is_root {
            continue;
        }
        std::fs::rename(world.path(name), &owed).unwrap();
        let (code, said) = refused(&world, &file);
        assert!(code == Some(2) && said.contains(says) && said.contains("readings-owed"), "{name}: {code:?} {said}");
        std::fs::rename(&owed, world.path(name)).unwrap();
    }
    // Put right, it is recorded.
    std::fs::write(&owed, whole).unwrap();
    let mut server = world.serve(&format!("[readings]\nkeys = {:?}\n", world.path("keys")));
    server.terminate();
    assert_eq!(server.ended().0, Some(0));
    assert!(!owed.exists());
}

/// A server that does not start: its exit code, and what it said.
fn refused(world: &World, config: &Path) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ledger"));
    let done = command.arg("serve").arg(world.home.folder()).arg("--config").arg(config).output().unwrap();
    (done.status.code(), String::from_utf8_lossy(&done.stderr).into_owned())
}

#[test]
fn one_key_that_reads_stops_no_reader() {
    let mut world = World::begun(|world, writer| {
        for _ in 0..4 {
            let parcels = world.attempts(200);
            world.commit(writer, &parcels);
        }
    });
    let config = format!(
        "[readings]\nkeys = {:?}\n[rate]\naddress_requests_burst = 100000\nkey_requests_burst = 100000\n",
        world.path("keys")
    );
    let server = world.serve(&config);
    let (x, y) = (world.key("cso-x", "x1"), world.key("cso-y", "y1"));
    for target in [
        "/openings?from=0&limit=4096",
        "/packs?stream=organisation/cso-x&audience=cso-x",
        "/packs?stream=facility/fac-a&audience=cso-x",
    ] {
        // On a busy machine all of them may come one after the other: then once more.
        let told_to_wait = (0..20).any(|_| {
            // All at once: what is signed is signed before.
            let requests: Vec<_> =
                (0..32).map(|_| Signing::now(server.address, &x).request("GET", target, None)).collect();
            let mut asked: Vec<TcpStream> = requests.iter().map(|_| connect(ELSEWHERE, server.address)).collect();
            asked.iter_mut().zip(&requests).for_each(|(stream, request)| stream.write_all(request).unwrap());
            // Those who hang up free no place before what they asked for is done.
            drop(asked.split_off(24));
            for (key, honest) in [
                (None, "/tile/entries/000"),
                (None, "/packs?stream=organisation/cso-y&audience=public"),
                (Some(&y), "/openings?from=0&limit=16"),
                (Some(&y), "/packs?stream=organisation/cso-y&audience=cso-y"),
            ] {
                let answer = key.map_or_else(|| server.get(honest), |key| server.signed(key, "GET", honest, None));
                assert_eq!(answer.status, 200, "{target}: {honest}: {}", answer.text());
            }
            served(&server, &mut world);
            let answers: Vec<_> = asked.iter_mut().map(|stream| read(stream).unwrap()).collect();
            for answer in &answers {
                let later = matches!(answer.status, 429 | 503) && answer.field("retry-after").parse::<u64>().is_ok();
                assert!(answer.status == 200 || later, "{target}: {}", answer.status);
            }
            // The place may have been that of one who hung up: afterwards the key is served again.
            let served_again = |_| server.signed(&x, "GET", target, None).status == 200;
            assert!(answers.iter().any(|answer| answer.status == 200) || (0..50).any(served_again), "{target}");
            answers.iter().any(|answer| answer.status == 429)
        });
        assert!(told_to_wait, "{target}");
    }
}

#[test]
fn public_packs_wait_in_a_short_line_and_signed_ones_in_another() {
    let world = World::begun(|world, writer| {
        for _ in 0..4 {
            let parcels = world.attempts(200);
            world.commit(writer, &parcels);
        }
    });
    let config = format!("[readings]\nkeys = {:?}\n[requests]\npacks_waiting_max = 4\n", world.path("keys"));
    let server = world.serve(&config);
    // Many at once for many streams: what finds no place is told when to come again.
    let mut asked: Vec<TcpStream> = (0..40)
        .map(|number| {
            let target = format!("/packs?audience=public&stream=organisation/cso-x&since={}", number + 1);
            let mut stream = connect(&format!("127.0.0.{}", 20 + number % 20), server.address);
            stream.write_all(&request(server.address, "GET", &target, &[], b"")).unwrap();
            stream
        })
        .collect();
    let own = "/packs?stream=organisation/cso-x&audience=cso-x";
    assert_eq!(server.signed(&world.key("cso-x", "x1"), "GET", own, None).status, 200);
    let answers: Vec<_> = asked.iter_mut().map(|stream| read(stream).unwrap()).collect();
    for answer in &answers {
        let busy = answer.status == 503 && answer.field("retry-after") == "2";
        assert!(answer.status == 200 || busy, "{}", answer.status);
    }
    assert!(answers.iter().any(|answer| answer.status == 200));
    // What was made is kept, and is what would be made anew.
    let target = "/packs?audience=public&stream=organisation/cso-y";
    let (first, again) = (server.get(target), server.get(target));
    assert_eq!((first.status, first.body == again.body), (200, true));
    let report = verifier::pack::check(&again.body, &world.policy, &[]).report;
    assert!(report.faults.is_empty(), "{:?}", report.faults);
}

#[test]
fn one_address_has_its_share_of_what_is_worked_on() {
    let mut world = World::new();
    let server = world.serve("[requests]\nat_once_max = 8\nat_once_of_address_max = 4\nbody_pause_seconds = 2\n");
    let key = world.key("cso-y", "y1");
    let mut held: Vec<TcpStream> = (0..6).map(|_| begun(&server, &key, 1 << 16, b"x")).collect();
    served(&server, &mut world);
    // Four of them are worked on until their time is over, and two are not.
    let mut told: Vec<(u16, String)> =
        held.iter_mut().map(|stream| read(stream).unwrap()).map(|answer| (answer.status, answer.problem())).collect();
    told.sort();
    let want = [(408, "too-slow"); 4].into_iter().chain([(429, "too-fast"); 2]);
    assert_eq!(told, want.map(|(status, name)| (status, name.to_owned())).collect::<Vec<_>>());
}
