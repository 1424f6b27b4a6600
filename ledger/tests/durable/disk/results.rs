//! The command itself on such a disk: what it was asked to write is whole or not there, and a folder that cannot be synced
//! serves for results and for no records.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use super::{ENOSPC, library};

const PARTIES: &str = include_str!("../../shared/parties.csv");
const EVENT: &str = "\
row_id,occurred_at,signer,cosigner,id,facility,organisation,attempted_on,arrived_at,outcome,wait
r1,2025-03-04,x1,,at-1,fac-a,cso-x,2025-03-04,2025-03-04T09:00:00Z,turned_away,30
";

struct Place {
    folder: TempDir,
    library: PathBuf,
}

impl Place {
    /// A ledger on a good disk, and a folder `stick` on another.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let library = library(folder.path());
        fs::create_dir(folder.path().join("stick")).unwrap();
        fs::write(folder.path().join("parties.csv"), PARTIES).unwrap();
        fs::write(folder.path().join("visit.attempted.csv"), EVENT).unwrap();
        let place = Self { folder, library };
        place.good("init my --origin a.example/log --parties parties.csv --keys keys");
        place.good("key enrol my --party cso-x --holder x1 --role cso --keys keys --make-key");
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a line; `STICK` in it is the folder on the other disk.
    fn run(&self, line: &str, variables: &[(&str, &str)]) -> Output {
        let stick = self.path("stick").display().to_string();
        let mut command = Command::new(env!("CARGO_BIN_EXE_ledger"));
        command.args(line.split(' ').map(|word| word.replace("STICK", &stick))).current_dir(self.folder.path());
        if !variables.is_empty() {
            command.env("LD_PRELOAD", &self.library).env("DISK_ROOT", stick).envs(variables.iter().copied());
        }
        command.output().unwrap()
    }

    fn good(&self, line: &str) {
        ends(&self.run(line, &[]), 0, "", line);
    }

    fn on_stick(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.path("stick"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

#[track_caller]
fn ends(output: &Output, code: i32, words: &str, line: &str) {
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(code) && why.contains(words), "{line}: {:?}\n{why}", output.status);
}

/// Every file below a folder, or the file itself.
fn contents(path: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    if !path.is_dir() {
        return fs::read(path).map(|bytes| vec![(path.to_owned(), bytes)]).unwrap_or_default();
    }
    let mut found: Vec<_> = fs::read_dir(path).unwrap().flat_map(|entry| contents(&entry.unwrap().path())).collect();
    found.sort();
    found
}

#[test]
fn whichever_operation_fails_no_half_made_result_stays() {
    let place = Place::new();
    for (line, step) in [
        ("receipt my 1 --out STICK/out", 1),
        ("pack my organisation/cso-x --for public --out STICK/out", 1),
        ("export my --backup-keys STICK/out --out bundle", 1),
        ("export my --backup STICK/out --out bundle", 1),
        ("export my --out STICK/out", 9),
        ("export my --out bundle --archive STICK/out", 21),
    ] {
        let out = place.path("stick/out");
        for before in [false, true] {
            if before {
                place.good(line);
            }
            let there = contents(&out);
            let mut failed = 0;
            for at in (1..).step_by(step) {
                let ended = place.run(line, &[("DISK_FAIL_AT", &at.to_string()), ("DISK_ERRNO", ENOSPC)]);
                if ended.status.success() {
                    break;
                }
                failed += 1;
                ends(&ended, 2, "No space left on device", line);
                let names = place.on_stick();
                assert!(names.is_empty() || names == ["out"], "{line}, operation {at}: {names:?}");
                // Old or new, and whole; after the last rename it is the new one.
                assert!(contents(&out).len() >= there.len() || !before, "{line}, operation {at}: the old one is gone");
                if !before && out.is_dir() {
                    fs::remove_dir_all(&out).unwrap();
                } else if !before {
                    let _ = fs::remove_file(&out);
                }
            }
            assert!(failed > 2 || step > 1, "{line}: the disk was watched");
            if !before && out.is_dir() {
                fs::remove_dir_all(&out).unwrap();
            } else if !before {
                fs::remove_file(&out).unwrap();
            }
        }
        if out.is_dir() { fs::remove_dir_all(&out).unwrap() } else { fs::remove_file(&out).unwrap() }
    }
}

#[test]
fn a_folder_that_cannot_be_synced_serves_for_results_and_for_no_records() {
    let place = Place::new();
    let such: &[(&str, &str)] = &[("DISK_NO_FOLDER_SYNC", "1")];
    for line in [
        "init STICK/my --origin b.example/log --parties parties.csv --keys keys-b",
        "outbox init STICK/office --key-file office.key --policy my/policy --party cso-x --parties parties.csv",
    ] {
        let ended = place.run(line, such);
        ends(&ended, 2, "cannot make the names of files durable (fsync of a folder: Invalid argument", line);
        assert_eq!(place.on_stick(), Vec::<String>::new(), "{line}");
    }
    for line in [
        "keygen --origin a.example/log --party cso-x --holder x2 --keys STICK/keys",
        "export my --out STICK/bundle --archive STICK/bundle.tar",
        "export my --out STICK/bundle --backup STICK/openings",
        "export my --backup-keys STICK/opening-keys",
        "export my --openings STICK/for-npm --for npm --purpose audit --keys keys",
        "pack my organisation/cso-x --for public --out STICK/cso-x.pack",
        "receipt my 1 --out STICK/one.tlog-proof",
        "outbox init office --key-file STICK/office.key --policy my/policy --party cso-x --parties parties.csv",
        "outbox import office visit.attempted.csv --key-file STICK/office.key --keys keys",
        "outbox pack-up office STICK --key-file STICK/office.key",
        "take-in my STICK",
        "outbox take-in office STICK --key-file STICK/office.key",
        "outbox receipts office STICK/mine --key-file STICK/office.key",
    ] {
        ends(&place.run(line, such), 0, "", line);
    }
    // A ledger that was moved to such a place is not opened there.
    fs::rename(place.path("my"), place.path("stick/my")).unwrap();
    ends(&place.run("submit STICK/my", such), 2, "own disk", "submit");
    ends(&place.run("submit STICK/my", &[]), 0, "", "submit");
}
