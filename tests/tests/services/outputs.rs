//! What every program writes, on disks and on its streams: who may read it, what a full disk leaves, and the code it ends
//! with. One country of a few rows, and every command that writes something.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

const PARTIES: &str = "\
party,role,display_name,identity_mode,languages,holders
op,operator,Ledger Office,named,en,o1
min,ministry,Ministry of Justice,named,en,m1
npm,oversight,Preventive Mechanism,named,en,n1;n2
Fac.A,facility,Prison A,named,en,d1
cso-x,cso,Open Hands,named,en,x1
";
const ATTEMPTS: &str = "\
row_id,occurred_at,signer,cosigner,id,facility,organisation,attempted_on,arrived_at,outcome,wait
r1,2025-03-04,x1,,at-1,Fac.A,cso-x,2025-03-04,2025-03-04T09:00:00Z,turned_away,30
R1,2025-03-04,x1,,at-2,Fac.A,cso-x,2025-03-04,2025-03-04T09:00:00Z,turned_away,30
a:b,2025-03-04,x1,,at-3,Fac.A,cso-x,2025-03-04,2025-03-04T09:00:00Z,turned_away,30
con,2025-03-04,x1,,at-4,Fac.A,cso-x,2025-03-04,2025-03-04T09:00:00Z,turned_away,30
";
const MORE: &str = "\
row_id,occurred_at,signer,cosigner,id,facility,organisation,attempted_on,arrived_at,outcome,wait
r9,2025-03-05,x1,,at-9,Fac.A,cso-x,2025-03-05,2025-03-05T09:00:00Z,turned_away,10
";

/// Every command that writes something, in an order in which each has what it needs. `KEYS` are folders of keys.
const WRITING: &[(&str, &str)] = &[
    ("ledger", "init my --origin a.example/log --parties parties.csv --keys keys"),
    ("ledger", "keygen --origin a.example/log --party cso-x --holder x1 --keys pens"),
    ("ledger", "keygen --origin a.example/log --party npm --holder sealed --age --keys pens"),
    ("ledger", "key enrol my --party cso-x --holder x1 --role cso --keys keys --make-key"),
    ("ledger", "key rotate my --party cso-x --holder x1 --keys keys"),
    ("ledger", "import my visit.attempted.csv --party cso-x --keys keys"),
    ("ledger", "export my --out bundle --archive bundle.tar"),
    ("ledger", "export my --openings openings --for npm --purpose audit --keys keys"),
    ("ledger", "export my --out bundle --backup copies/openings"),
    ("ledger", "export my --backup-keys copies/keys"),
    ("ledger", "pack my organisation/cso-x --for cso-x --keys keys --out cso-x.pack"),
    ("ledger", "receipt my cso-x/visit.attempted/r1 --out one.tlog-proof"),
    ("ledger", "outbox init office --key-file stick/office.key --policy my/policy --party cso-x --parties parties.csv"),
    ("ledger", "outbox import office more/visit.attempted.csv --key-file stick/office.key --keys keys"),
    ("ledger", "outbox pack-up office stick --key-file stick/office.key"),
    ("ledger", "take-in my stick"),
    ("ledger", "outbox receipts office mine --key-file stick/office.key"),
    ("verifier", "witness keygen --name w.example/w --out witness.key"),
    ("verifier", "attest bundle --policy my/policy --key keys/npm.n1.key --out npm.statement"),
    ("verifier", "print bundle/checkpoint --policy my/policy --out state.html"),
    ("projector", "report --bundle bundle --policy my/policy --audience oversight --out report"),
    ("projector", "site --bundle bundle --policy my/policy --out site"),
];

/// What is for everyone, and everything in it.
const FOR_EVERYONE: [&str; 4] = ["bundle", "bundle.tar", "site", "mirror"];

struct Place(TempDir);

/// Where a program's standard output goes.
enum Out {
    Heard,
    /// Nobody reads it any more.
    Closed,
    /// As on a full disk.
    Full,
}

struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

fn program(name: &str) -> PathBuf {
    let demo = Path::new(env!("CARGO_BIN_EXE_demo"));
    let path = demo.with_file_name(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(path.exists(), "{} is not there: run `cargo build --bins` first, as tests/run does", path.display());
    path
}

impl Place {
    fn new() -> Self {
        let place = Self(TempDir::new().unwrap());
        for (name, text) in
            [("parties.csv", PARTIES), ("visit.attempted.csv", ATTEMPTS), ("more/visit.attempted.csv", MORE)]
        {
            let path = place.path(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        fs::create_dir(place.path("stick")).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn spawn(&self, umask: &str, before: &str, program_name: &str, line: &str, out: &Out) -> Child {
        let mut command = Command::new("bash");
        command.args(["-c", &format!("umask {umask}; {before} exec \"$0\" \"$@\"")]);
        command.arg(program(program_name)).args(line.split(' ')).current_dir(self.0.path()).stdin(Stdio::null());
        command.stdout(match out {
            Out::Heard => Stdio::piped(),
            Out::Full => fs::OpenOptions::new().write(true).open("/dev/full").unwrap().into(),
            Out::Closed => std::io::pipe().map(|(_, writer)| writer).unwrap().into(),
        });
        command.stderr(Stdio::piped()).spawn().unwrap()
    }

    fn run(&self, umask: &str, before: &str, program: &str, line: &str, out: &Out) -> Ended {
        let output = self.spawn(umask, before, program, line, out).wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    #[track_caller]
    fn good(&self, program: &str, line: &str) -> String {
        let ended = self.run("022", "", program, line, &Out::Heard);
        assert_eq!(ended.code, Some(0), "{program} {line}\n{}{}", ended.out, ended.err);
        ended.out
    }

    /// Files and folders, all of them.
    fn all(&self) -> Vec<PathBuf> {
        let (mut found, mut folders) = (Vec::new(), vec![self.0.path().to_owned()]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path.clone());
                }
                found.push(path.strip_prefix(self.0.path()).unwrap().to_owned());
            }
        }
        found.sort();
        found
    }

    /// Paths whose readers are others than they should be.
    fn astray(&self, given: &[PathBuf]) -> Vec<String> {
        let mut told = Vec::new();
        for path in self.all().iter().filter(|path| !given.contains(path)) {
            let found = fs::metadata(self.0.path().join(path)).unwrap();
            let top = path.iter().next().unwrap().to_str().unwrap();
            let is_public = FOR_EVERYONE.contains(&top) || top == "mirror.lock" || top == "mirror.next";
            let want = match (is_public, found.is_dir()) {
                (true, true) => 0o755,
                (true, false) => 0o644,
                (false, true) => 0o700,
                (false, false) => 0o600,
            };
            let mode = found.permissions().mode() & 0o777;
            if mode != want {
                told.push(format!("{} is {mode:o}, not {want:o}", path.display()));
            }
        }
        told
    }
}

/// Kills a server when the test is over.
struct Server(Child);

impl Server {
    /// Until it has said its first line.
    fn started(mut child: Child) -> Self {
        let mut byte = [0];
        let said = child.stdout.as_mut().unwrap().read(&mut byte).unwrap();
        assert!(said > 0, "it ended: {}", std::io::read_to_string(child.stderr.take().unwrap()).unwrap());
        Self(child)
    }

    /// As systemd ends it; its exit code.
    fn ended(mut self) -> Option<i32> {
        assert!(Command::new("kill").arg(self.0.id().to_string()).status().unwrap().success());
        self.0.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const SERVING: &[(&str, &str)] = &[
    ("ledger", "serve my --listen 127.0.0.1:0 --readings keys --mirror mirror"),
    ("verifier", "witness serve --listen 127.0.0.1:0 --key witness.key --state witness.state --policy my/policy"),
    ("projector", "serve --feed bundle:bundle --policy my/policy --state state --listen 127.0.0.1:0"),
];

#[test]
fn only_bundles_and_sites_are_for_everyone_whatever_the_umask() {
    for umask in ["000", "077"] {
        let place = Place::new();
        // A folder that is there already, open to all: it is closed before anything is put into it.
        fs::create_dir(place.path("my")).unwrap();
        fs::set_permissions(place.path("my"), fs::Permissions::from_mode(0o777)).unwrap();
        let given: Vec<PathBuf> = place.all().into_iter().filter(|path| !path.starts_with("my")).collect();
        for round in 0..2 {
            for (program, line) in WRITING {
                let once = line.starts_with("init") || line.contains("keygen") || line.contains("outbox init");
                if round == 1 && (once || line.starts_with("key ") || line.contains("receipts office")) {
                    continue;
                }
                let ended = place.run(umask, "", program, line, &Out::Heard);
                assert_eq!(ended.code, Some(0), "{umask} {program} {line}\n{}{}", ended.out, ended.err);
            }
            let astray = place.astray(&given);
            assert!(astray.is_empty(), "umask {umask}, round {round}:\n{}", astray.join("\n"));
        }
        for (program, line) in SERVING {
            let server = Server::started(place.spawn(umask, "", program, line, &Out::Heard));
            assert_eq!(server.ended(), Some(0), "{program} {line}: asked to end, it ends well");
        }
        let astray = place.astray(&given);
        assert!(astray.is_empty(), "umask {umask}, served:\n{}", astray.join("\n"));
        assert!(place.path("mirror/manifest").exists() || place.path("mirror.lock").exists());
        // Names that other systems do not take, or take for one another, have become some that they do.
        let names: Vec<String> = place.all().iter().map(|path| path.to_str().unwrap().to_owned()).collect();
        let lower: std::collections::BTreeSet<String> = names.iter().map(|name| name.to_lowercase()).collect();
        assert_eq!(names.len(), lower.len(), "no two differ in case alone");
        assert!(names.iter().all(|name| !name.contains([':', '\\', '*', '?', '"', '<', '>', '|'])), "{names:?}");
        for row in ["r1", "%521", "a%3ab", "%63on"] {
            let path = format!("my/outbox/receipts/cso-x/visit.attempted/{row}.tlog-proof");
            assert!(place.path(&path).exists(), "{path}");
        }
    }
}

/// A place where everything has been written once.
fn full_place() -> Place {
    let place = Place::new();
    WRITING.iter().for_each(|(program, line)| drop(place.good(program, line)));
    place
}

#[test]
fn what_others_can_read_is_refused_with_the_command_that_mends_it() {
    let place = full_place();
    let open = |name: &str, mode: u32| {
        fs::set_permissions(place.path(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    for (name, mode, program, line) in [
        ("my", 0o755, "ledger", "fsck my"),
        ("my", 0o750, "ledger", "export my --out bundle"),
        ("my", 0o701, "ledger", "serve my --listen 127.0.0.1:0"),
        ("my/keys/log.key", 0o644, "ledger", "fsck my"),
        ("my/keys/seal.key", 0o640, "ledger", "submit my"),
        ("keys", 0o755, "ledger", "import my visit.attempted.csv --party cso-x --keys keys"),
        ("keys/cso-x.x1.2.key", 0o604, "ledger", "key rotate my --party cso-x --holder x1 --keys keys"),
        ("keys/op.o1.key", 0o644, "ledger", "pack my organisation/cso-x --for cso-x --keys keys --out cso-x.pack"),
        ("pens", 0o755, "ledger", "keygen --origin a.example/log --party cso-x --holder x7 --keys pens"),
        ("office", 0o755, "ledger", "outbox status office --key-file stick/office.key"),
        ("stick/office.key", 0o644, "ledger", "outbox status office --key-file stick/office.key"),
        (
            "pens/npm.sealed.identity",
            0o644,
            "verifier",
            "check bundle --policy my/policy --openings openings --key pens/npm.sealed.identity",
        ),
        (
            "keys/npm.n1.key",
            0o644,
            "verifier",
            "attest bundle --policy my/policy --key keys/npm.n1.key --out npm.statement",
        ),
        (
            "witness.key",
            0o644,
            "verifier",
            "witness serve --listen 127.0.0.1:0 --key witness.key --state witness.state --policy my/policy",
        ),
        (
            "pens/npm.sealed.identity",
            0o644,
            "projector",
            "report --bundle bundle --policy my/policy --openings openings --key pens/npm.sealed.identity --audience oversight --out report",
        ),
        (
            "report",
            0o755,
            "projector",
            "report --bundle bundle --policy my/policy --openings openings --audience oversight --out report",
        ),
    ] {
        let before = fs::metadata(place.path(name)).unwrap().permissions().mode() & 0o777;
        open(name, mode);
        let ended = place.run("022", "", program, line, &Out::Heard);
        let wanted = format!("chmod {} {name}", if place.path(name).is_dir() { "700" } else { "600" });
        assert!(ended.code == Some(2) && ended.err.contains(&wanted), "{line}: {:?}\n{}", ended.code, ended.err);
        open(name, before);
    }
}

#[test]
fn a_reader_who_has_gone_stops_nothing_and_a_full_disk_is_told() {
    for (out, code) in [(Out::Closed, 0), (Out::Full, 2)] {
        let place = Place::new();
        for (program, line) in WRITING {
            let ended = place.run("022", "", program, line, &out);
            assert_eq!(ended.code, Some(code), "{program} {line}\n{}", ended.err);
            assert!(code == 0 || ended.err.contains("No space left on device"), "{program} {line}\n{}", ended.err);
        }
        // All of it was done, though nobody heard.
        assert!(place.good("ledger", "fsck my").contains("sound"));
        for (program, line) in [
            ("verifier", "check bundle --policy my/policy"),
            ("verifier", "check cso-x.pack --policy my/policy"),
            ("verifier", "check cso-x.pack --policy my/policy --json"),
            ("verifier", "compare bundle bundle --policy my/policy"),
            ("ledger", "template visit.completed"),
            ("ledger", "receipt my cso-x/visit.attempted/r1"),
            ("ledger", "fsck my"),
            ("ledger", "serve --print-config"),
            ("ledger", "nats setup my --print"),
            ("ledger", "outbox status office --key-file stick/office.key"),
            ("ledger", "--help"),
            ("ledger", "--version"),
            ("verifier", "--help"),
            ("projector", "report --help"),
            ("demo", "--help"),
        ] {
            let ended = place.run("022", "", program, line, &out);
            assert_eq!(ended.code, Some(code), "{program} {line}\n{}", ended.err);
            // Nor does it matter who hears what goes wrong.
            let ended = place.run("022", "exec 2>&-;", program, line, &out);
            assert_eq!(ended.code, Some(code), "{program} {line}, without a standard error");
        }
        for (program, line, code) in [
            ("ledger", "fsck nowhere", 2),
            ("ledger", "template no.such", 1),
            ("ledger", "no-such-command", 2),
            ("verifier", "check nowhere --policy my/policy", 2),
            ("projector", "site --bundle nowhere --policy my/policy --out site", 2),
        ] {
            for before in ["", "exec 2>&-;", "exec 2>/dev/full;"] {
                let ended = place.run("022", before, program, line, &out);
                assert_eq!(ended.code, Some(code), "{before} {program} {line}\n{}", ended.err);
            }
        }
    }
}

#[test]
fn a_result_is_whole_or_not_there_and_the_reason_is_the_systems_own() {
    let place = full_place();
    let results = [
        ("verifier", "attest bundle --policy my/policy --key keys/npm.n1.key --out OUT", 0),
        ("verifier", "print bundle/checkpoint --policy my/policy --out OUT", 1),
        ("projector", "report --bundle bundle --policy my/policy --audience oversight --out OUT", 1),
        ("projector", "report --bundle bundle --policy my/policy --audience public --out OUT", 1),
        ("projector", "site --bundle bundle --policy my/policy --out OUT", 1),
    ];
    fs::create_dir(place.path("outs")).unwrap();
    let names =
        || -> Vec<PathBuf> { place.all().into_iter().filter(|path| path.starts_with("outs")).skip(1).collect() };
    for (program, line, kilobytes) in results {
        let to = line.replace("OUT", "outs/new");
        // No file grows beyond what the limit says: as on a full disk, but for the reason.
        let ended = place.run("022", &format!("ulimit -f {kilobytes};"), program, &to, &Out::Heard);
        assert!(ended.code == Some(2) && ended.err.contains("File too large"), "{to}: {:?} {}", ended.code, ended.err);
        assert_eq!(names(), Vec::<PathBuf>::new(), "{to}");
        // What was there before stays as it was.
        place.good(program, &to);
        let before: Vec<(PathBuf, Option<Vec<u8>>)> =
            names().into_iter().map(|path| (path.clone(), fs::read(place.0.path().join(&path)).ok())).collect();
        let ended = place.run("022", &format!("ulimit -f {kilobytes};"), program, &to, &Out::Heard);
        assert_eq!(ended.code, Some(2), "{to}: {}", ended.err);
        let after: Vec<(PathBuf, Option<Vec<u8>>)> =
            names().into_iter().map(|path| (path.clone(), fs::read(place.0.path().join(&path)).ok())).collect();
        assert!(before == after, "{to}: {:?}", names());
        // A device is written to, and not replaced.
        if !line.starts_with("report") && !line.starts_with("site") {
            let ended = place.run("022", "", program, &line.replace("OUT", "/dev/full"), &Out::Heard);
            let told = ended.err.contains("No space left on device");
            assert!(ended.code == Some(2) && told, "{line}: {:?} {}", ended.code, ended.err);
        }
        let out = place.path("outs/new");
        if out.is_dir() {
            fs::remove_dir_all(out).unwrap();
        } else {
            fs::remove_file(out).unwrap();
        }
        let ended = place.run("022", "", program, &line.replace("OUT", "parties.csv/new"), &Out::Heard);
        assert!(
            ended.code == Some(2) && ["Not a directory", "File exists"].iter().any(|why| ended.err.contains(why)),
            "{}",
            ended.err
        );
    }
}

/// A country of one row and one key, at the end of the profile's time.
fn scenario(place: &Place) {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenario/velmora/profile.toml");
    let attempt = ATTEMPTS.lines().nth(1).unwrap().replace("2025-03-04", "2026-06-29").replace("Fac.A", "fac-a");
    let attempt = attempt.replacen("2026-06-29,", "2026-06-29,2026-06-29T12:00:00Z,", 1);
    for (name, text) in [
        ("country/profile.toml", fs::read_to_string(sample).unwrap()),
        ("country/parties.csv", PARTIES.replace("Fac.A", "fac-a")),
        (
            "country/registers/cso-x/key.enrolled.csv",
            "row_id,occurred_at,received_at,signer,cosigner,id,organisation,holder,role,alg,valid_from\n\
             k1,2026-06-28T04:00:00Z,2026-06-28T05:00:00Z,x1,op:o1,k1,cso-x,x1,cso,ed25519,2026-06-28T04:00:00Z\n"
                .to_owned(),
        ),
        (
            "country/registers/cso-x/visit.attempted.csv",
            format!("{}\n{attempt}\n", ATTEMPTS.lines().next().unwrap().replacen("_at,", "_at,received_at,", 1)),
        ),
    ] {
        let path = place.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

#[test]
fn a_demo_that_finds_no_room_says_what_it_leaves_and_goes_on_from_there() {
    let place = Place::new();
    scenario(&place);
    let line = "--scenario country --no-serve --out OUT";
    // What it makes, but for the ledger itself, which also keeps how it was begun.
    let made = |out: &str| -> Vec<PathBuf> {
        let all = contents(&place.path(out)).into_iter().map(|(path, _)| path);
        let all = all.map(|path| path.strip_prefix(place.path(out)).unwrap().to_owned());
        all.filter(|path| !path.starts_with("ledger")).collect()
    };
    let drafts = || -> Vec<PathBuf> {
        let is_draft = |path: &PathBuf| {
            path.extension().is_some_and(|e| ["new", "unfinished", "replaced"].iter().any(|d| e == *d))
        };
        place.all().into_iter().filter(is_draft).collect()
    };
    place.good("demo", &line.replace("OUT", "whole"));
    let whole = made("whole");
    assert!(whole.len() > 40, "{whole:?}");
    for kilobytes in [0, 1, 64, 256, 700] {
        let (out, line) = (format!("out-{kilobytes}"), line.replace("OUT", &format!("out-{kilobytes}")));
        for _ in 0..2 {
            let ended = place.run("022", &format!("ulimit -f {kilobytes};"), "demo", &line, &Out::Heard);
            let told = ended.code == Some(2) && ended.err.contains("File too large");
            assert!(told, "{kilobytes}: {:?} {}", ended.code, ended.err);
            let names = ended.err.contains(&format!("{out} is not finished: the same command goes on"));
            assert_eq!(names, place.path(&out).exists(), "{kilobytes}: what stays is named: {}", ended.err);
            assert_eq!(drafts(), Vec::<PathBuf>::new(), "{kilobytes}");
        }
        place.good("demo", &line);
        assert_eq!(made(&out), whole, "{kilobytes}");
    }
    // The sample event is a result like any other.
    let sample = place.path("taken/turned-away.json");
    fs::create_dir_all(&sample).unwrap();
    fs::copy(place.path("whole/made-by-the-demo"), place.path("taken/made-by-the-demo")).unwrap();
    let ended = place.run("022", "", "demo", &line.replace("OUT", "taken"), &Out::Heard);
    assert!(ended.code == Some(2) && ended.err.contains("sample event"), "{:?} {}", ended.code, ended.err);
    place.good("demo", &line.replace("OUT", "taken"));
    assert_eq!(made("taken"), whole);
}

/// Files of a folder, or the file itself, with their bytes.
fn contents(path: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    if path.is_file() {
        return vec![(path.to_owned(), fs::read(path).unwrap())];
    }
    let (mut found, mut folders) = (Vec::new(), vec![path.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push((path.clone(), fs::read(path).unwrap())) }
        }
    }
    found.sort();
    found
}

#[test]
fn openings_that_were_killed_at_any_moment_are_whole_or_absent() {
    let place = Place::new();
    for (program, line) in WRITING.iter().take(7) {
        place.good(program, line);
    }
    let line = "export my --openings killed --for npm --purpose audit --keys keys";
    let (out, draft, old) = (place.path("killed"), place.path("killed.unfinished"), place.path("killed.replaced"));
    let remove = |path: &Path| drop(fs::remove_dir_all(path));
    // What `check --openings` says of a folder beside the whole log.
    let check = |folder: &str| {
        place.good("ledger", "export my --out bundle");
        place.run("022", "", "verifier", &format!("check bundle --policy my/policy --openings {folder}"), &Out::Heard)
    };
    let written = |path: &str| fs::read_dir(place.path(path)).map_or(0, Iterator::count);
    let records = || {
        fs::read_dir(place.path("my/outbox"))
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|f| Some(f.metadata().ok()?.len()))
    };
    // Moments, as they can be seen from outside: each comes after those before it.
    let moments: [(&str, &dyn Fn(u64) -> bool); 5] = [
        ("at its beginning", &|_| true),
        ("when its record is signed", &|before| records().sum::<u64>() > before),
        ("when the folder is begun", &|_| draft.exists()),
        ("when a file is in it", &|_| written("killed.unfinished") > 0),
        ("when the old one is moved away", &|_| old.exists()),
    ];
    // Whatever a killed run has left beside the place: the next one goes through.
    for (what, is_folder) in [("a folder that was begun", true), ("a file that was tried out", false)] {
        if is_folder {
            fs::create_dir(&draft).unwrap();
            fs::write(draft.join("000"), "half").unwrap();
        } else {
            fs::write(&draft, "").unwrap();
        }
        place.good("ledger", line);
        assert!(out.is_dir() && !draft.exists(), "{what}");
        remove(&out);
    }
    let mut in_the_middle = 0;
    for older in [false, true] {
        for (when, is_there) in &moments {
            for _ in 0..2 {
                [&out, &draft, &old].into_iter().for_each(|path| remove(path));
                if older {
                    place.good("ledger", line);
                }
                let (stood, before) = (if older { contents(&out) } else { Vec::new() }, records().sum());
                let mut child = place.spawn("022", "", "ledger", line, &Out::Closed);
                while !is_there(before) && child.try_wait().unwrap().is_none() {
                    std::thread::yield_now();
                }
                child.kill().unwrap();
                child.wait().unwrap();
                let what = format!("{when}, {}", if older { "with an older one" } else { "with nothing there" });
                // In its place is nothing, what stood there, or all of the new one; half of it is only beside it.
                if out.exists() && contents(&out) != stood {
                    let ended = check("killed");
                    assert_eq!(ended.code, Some(0), "{what}: {}", ended.out + &ended.err);
                }
                if older && !out.exists() {
                    let moved: Vec<Vec<u8>> = contents(&old).into_iter().map(|(_, bytes)| bytes).collect();
                    assert!(moved.iter().eq(stood.iter().map(|(_, bytes)| bytes)), "{what}: the older one is lost");
                }
                if draft.exists() {
                    in_the_middle += 1;
                    // Taken for what it is not by nobody: none of it, a part of it, or all of it.
                    let ended = check("killed.unfinished");
                    let all = contents(&draft).iter().any(|(_, bytes)| !bytes.is_empty());
                    assert!(
                        ended.code == Some(2) || all && ended.code == Some(0),
                        "{what}: {}",
                        ended.out + &ended.err
                    );
                }
                // The next one goes through, and leaves nothing beside it.
                place.good("ledger", line);
                assert!(!draft.exists() && !old.exists(), "{what}");
            }
        }
        let ended = check("killed");
        assert_eq!(ended.code, Some(0), "{}", ended.out + &ended.err);
    }
    assert!(in_the_middle > 0, "it was never killed in the middle");
    place.good("ledger", "fsck my");
    // What a kill would leave of a larger one, wherever it breaks off.
    let whole = fs::read(out.join("000")).unwrap();
    let ends: Vec<usize> = (0..whole.len()).filter(|at| whole[*at] == b'\n').map(|at| at + 1).collect();
    for cut in [0, 1, ends[0], ends[1] - 1, ends[ends.len() / 2], ends[ends.len() - 2], whole.len() - 1] {
        fs::write(out.join("000"), &whole[..cut]).unwrap();
        let ended = check("killed");
        assert_eq!(ended.code, Some(2), "cut to {cut} of {}: {}", whole.len(), ended.out + &ended.err);
    }
}

#[test]
fn what_is_killed_in_the_middle_leaves_nothing_that_looks_whole() {
    let place = Place::new();
    for (program, line) in WRITING.iter().take(12) {
        place.good(program, line);
    }
    for (program, line, out) in [
        ("ledger", "export my --out killed", "killed"),
        ("ledger", "export my --backup killed", "killed"),
        ("ledger", "export my --backup-keys killed", "killed"),
        ("ledger", "pack my organisation/cso-x --for public --out killed.pack", "killed.pack"),
        ("verifier", "print bundle/checkpoint --policy my/policy --out killed.html", "killed.html"),
        ("projector", "report --bundle bundle --policy my/policy --audience oversight --out killed", "killed"),
        ("projector", "site --bundle bundle --policy my/policy --out killed", "killed"),
    ] {
        let (out, draft) = (place.path(out), place.path(&format!("{out}.unfinished")));
        let clear = || {
            for path in [&out, &draft] {
                let _ = fs::remove_dir_all(path).or_else(|_| fs::remove_file(path));
            }
        };
        place.good(program, line);
        let whole = contents(&out);
        // First with nothing there, then with an older one that must stay; pages are put file by file into a folder of theirs.
        for older in [false, true].into_iter().filter(|older| !older || program != "projector") {
            let (mut killed, mut rounds) = (0, 0);
            while killed < 2 && rounds < 60 {
                rounds += 1;
                if !older {
                    clear();
                }
                let mut child = place.spawn("022", "", program, line, &Out::Closed);
                while !draft.exists() && child.try_wait().unwrap().is_none() {
                    std::thread::yield_now();
                }
                killed += u32::from(draft.exists());
                child.kill().unwrap();
                child.wait().unwrap();
                // Beside its place half of it may lie; in its place stands all of it, or nothing.
                let there = if out.exists() { contents(&out) } else { Vec::new() };
                let is_whole = there.len() == whole.len() && there.iter().zip(&whole).all(|(a, b)| a.0 == b.0);
                assert!(is_whole || there.is_empty() && !older, "{program} {line}: {there:?}");
            }
            assert!(killed > 0, "{program} {line}: it was never killed in the middle");
            // And what was left behind is in nobody's way.
            place.good(program, line);
            assert_eq!(contents(&out).len(), whole.len(), "{program} {line}");
            assert!(!draft.exists(), "{program} {line}");
        }
        clear();
    }
}
