//! A ledger in a folder, and whoever types commands there.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use schemas::policy::Policy;
use tempfile::TempDir;
use verifier::bundle::{self, NoVisitor};
use verifier::files::Folder;
use verifier::report::{Report, Verdict};

use crate::typed;

/// A command that does not end within this time waits for somebody.
const PATIENCE: Duration = Duration::from_secs(60);

const PARTIES: &str = "\
party,role,display_name,identity_mode,languages,holders
op,operator,Ledger Office,named,en,o1;o2
min,ministry,Ministry of Justice,named,fr,m1
npm,oversight,Preventive Mechanism,named,fr,n1
cso-x,cso,Open Hands,named,fr,x1;x2
cso-y,cso,Blue House,pseudonym,ar,y1
";

/// The folder, with a ledger `my` and keys in `keys`.
pub struct Place {
    folder: TempDir,
}

/// Copies a folder.
pub fn copy(from: &Path, to: &Path) {
    verifier::output::create_folders(to, verifier::output::Readers::Owner).unwrap();
    for found in std::fs::read_dir(from).unwrap() {
        let path = found.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() { copy(&path, &target) } else { assert!(std::fs::copy(&path, target).is_ok()) }
    }
}

impl Place {
    /// With a ledger of these parties.
    pub fn of(parties: &str) -> Self {
        let place = Self { folder: TempDir::new().unwrap() };
        place.write("parties.csv", parties);
        place.good("init my --origin a.example/log --parties parties.csv --keys keys");
        place
    }

    /// Writes a file, and the folders above it.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        verifier::output::create_folders(path.parent().unwrap(), verifier::output::Readers::Owner).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// With two holders of cso-x.
    pub fn new() -> Self {
        let place = Self::of(PARTIES);
        place.good("key enrol my --party cso-x --holder x1 --role cso --keys keys --make-key");
        place.good("key enrol my --party cso-x --holder x2 --by cso-x:x1 --keys keys");
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, line: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ledger"));
        command.args(line.split(' ')).current_dir(self.folder.path()).stdin(Stdio::null()).output().unwrap()
    }

    /// Runs a command that must end by itself; one that does not is killed. Gives its code and what it said.
    pub fn ends(&self, line: &str) -> (Option<i32>, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ledger"));
        command.args(line.split(' ')).current_dir(self.folder.path()).stdin(Stdio::null());
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let number = child.id().to_string();
        let (say, said) = std::sync::mpsc::channel();
        std::thread::spawn(move || drop(say.send(child.wait_with_output())));
        let Ok(out) = said.recv_timeout(PATIENCE) else {
            let _ = Command::new("kill").args(["-9", &number]).status();
            panic!("{line}: it waits for somebody");
        };
        let out = out.unwrap();
        (out.status.code(), String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned())
    }

    /// Runs a command that must succeed; gives what it printed.
    #[track_caller]
    pub fn good(&self, line: &str) -> String {
        typed::good(line, &self.run(line))
    }

    /// Runs a command that must end with that code and these words.
    #[track_caller]
    pub fn bad(&self, line: &str, code: i32, words: &str) {
        typed::bad(line, &self.run(line), code, words);
    }

    pub fn remove(&self, name: &str) {
        std::fs::remove_file(self.path(name)).unwrap();
    }

    pub fn move_to(&self, from: &str, to: &str) {
        verifier::output::create_folders(self.path(to).parent().unwrap(), verifier::output::Readers::Owner).unwrap();
        std::fs::rename(self.path(from), self.path(to)).unwrap();
    }

    pub fn policy(&self, ledger: &str) -> Policy {
        Policy::parse(&std::fs::read_to_string(self.path(ledger).join("policy")).unwrap()).unwrap()
    }

    /// What an auditor says of the ledger.
    pub fn check(&self, ledger: &str) -> Report {
        let bundle = format!("{ledger}-bundle");
        self.good(&format!("export {ledger} --out {bundle}"));
        let report = bundle::check(&mut Folder::new(&self.path(&bundle)), &self.policy(ledger), None, &mut NoVisitor);
        assert_eq!(report.verdict(), Verdict::Verified, "{:?}", report.faults);
        // Packs stand on the same keys: rotated, revoked, of a later epoch.
        for stream in ["organisation/op", "organisation/cso-x"] {
            self.good(&format!("pack {ledger} {stream} --for public --out {ledger}.pack"));
            let bytes = std::fs::read(self.path(&format!("{ledger}.pack"))).unwrap();
            let checked = verifier::pack::check(&bytes, &self.policy(ledger), &[]);
            assert_eq!(checked.report.exit_code(), 0, "{stream}: {:?}", checked.report.faults);
        }
        report
    }

    /// The only draft that waits, as a path for a command.
    pub fn draft(&self, ledger: &str) -> String {
        let waiting = self.drafts(ledger);
        assert_eq!(waiting.len(), 1, "{waiting:?}");
        waiting[0].clone()
    }

    pub fn drafts(&self, ledger: &str) -> Vec<String> {
        let folder = Path::new(ledger).join("drafts");
        let names = std::fs::read_dir(self.path(folder.to_str().unwrap())).unwrap();
        let mut paths: Vec<String> =
            names.map(|e| folder.join(e.unwrap().file_name()).to_str().unwrap().to_owned()).collect();
        paths.sort();
        paths
    }
}
