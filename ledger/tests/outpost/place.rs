//! A ledger's office, an institution with its outbox, and the commands that both type.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ledger::clock::Clock;
use ledger::import::{self, Options};
use ledger::keys::KeyFolder;
use ledger::outpost::{Outpost, Secret, SignedHere, Standing, State};
use ledger::probe::Probe;
use ledger::sign::Channel;
use ledger::writer::{Home, Writer};
use schemas::note::Origin;
use tempfile::TempDir;

use crate::typed;

const PARTIES: &str = "\
party,role,display_name,identity_mode,languages,holders
op,operator,Ledger Office,named,en,o1;o2
min,ministry,Ministry of Justice,named,fr,m1
npm,oversight,Preventive Mechanism,named,fr,n1
cso-x,cso,Open Hands,named,fr,x1;x2
fac-a,facility,Talbera Prison,named,fr,a1
";

/// Words that stand in records and settings of these tests, and must not be found in the folder.
pub const SECRETS: [&str; 9] = [
    "cso-x",
    "fac-a",
    "Open Hands",
    "visit.attempted",
    "turned_away",
    "a.example",
    "rendezvous",
    "quorum",
    "oversight",
];

/// A folder with a ledger `my`, keys in `keys`, and room for outboxes.
pub struct Place {
    folder: TempDir,
}

impl Place {
    pub fn new() -> Self {
        let place = Self { folder: TempDir::new().unwrap() };
        std::fs::write(place.path("parties.csv"), PARTIES).unwrap();
        place.good("init my --origin a.example/log --parties parties.csv --keys keys");
        place.good("key enrol my --party cso-x --holder x1 --role cso --keys keys --make-key");
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ledger"));
        command.args(line.split(' ')).current_dir(self.folder.path());
        command
    }

    pub fn run(&self, line: &str) -> Output {
        self.command(line).output().unwrap()
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

    pub fn writer(&self) -> Writer {
        let probe = Probe::of(PathBuf::from(env!("CARGO_BIN_EXE_ledger")));
        Writer::open(&Home::new(&self.path("my")), &probe).unwrap()
    }

    pub fn policy(&self) -> String {
        std::fs::read_to_string(self.path("my/policy")).unwrap()
    }

    pub fn origin() -> Origin {
        Origin::parse("a.example/log").unwrap()
    }

    pub fn keys(&self) -> KeyFolder {
        KeyFolder::new(&self.path("keys"), Self::origin())
    }

    pub fn standing(&self) -> Standing {
        Standing {
            origin: Self::origin(),
            party: "cso-x".to_owned(),
            address: None,
            utc_offset_minutes: 0,
            policy: self.policy(),
            parties: PARTIES.to_owned(),
            pseudonyms: String::new(),
            recipients: Vec::new(),
            device: None,
            first_number: 10,
        }
    }

    pub fn secret(&self) -> Secret {
        Secret::KeyFile(self.path("stick.key"))
    }

    pub fn outpost(&self, name: &str) -> Outpost {
        Outpost::create(&self.path(name), &self.secret(), &self.standing()).unwrap()
    }

    pub fn again(&self, name: &str) -> Outpost {
        Outpost::open(&self.path(name), &self.secret()).unwrap()
    }

    /// Signs rows `first` to `last` into an outbox.
    pub fn sign(&self, outpost: &mut Outpost, first: usize, last: usize) -> SignedHere {
        self.sign_file(outpost, ("visit.attempted.csv".to_owned(), register(first, last).into_bytes()))
    }

    /// Signs the rows of a file into an outbox.
    pub fn sign_file(&self, outpost: &mut Outpost, file: (String, Vec<u8>)) -> SignedHere {
        let (parties, known) = (outpost.parties().unwrap(), outpost.known().unwrap());
        let read = import::read_bytes(vec![file], "cso-x", &parties, &Options::default(), &known);
        assert!(read.problems.is_empty(), "{}", import::render(&read.problems));
        outpost.sign(&read.drafts, self.keys(), Channel::Outbox, Clock::System.now()).unwrap()
    }
}

/// A register of attempts at the gate.
pub fn register(first: usize, last: usize) -> String {
    let header = import::template("visit.attempted").unwrap();
    let mut text = header.clone();
    for n in first..=last {
        let cell = |column: &str| match column {
            "row_id" => format!("r{n}"),
            "signer" => "x1".to_owned(),
            "id" => format!("at-{n}"),
            "occurred_at" | "arrived_at" => "2026-07-01T08:00:00Z".to_owned(),
            "facility" => "fac-a".to_owned(),
            "organisation" => "cso-x".to_owned(),
            "attempted_on" => "2026-07-01".to_owned(),
            "outcome" => "turned_away".to_owned(),
            "wait" => n.to_string(),
            "stated_reason" => "lockdown".to_owned(),
            _ => String::new(),
        };
        let cells: Vec<String> = header.trim_end().split(',').map(cell).collect();
        text += &(cells.join(",") + "\n");
    }
    text
}

/// Positions of what is proven, in the order of the outbox.
pub fn covered(outpost: &Outpost) -> Vec<u64> {
    let position = |held: &ledger::outpost::Held| match held.state {
        State::Covered { position, .. } => Some(position),
        _ => None,
    };
    outpost.held().iter().filter_map(position).collect()
}

/// All files below a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { all.extend(files(&path)) } else { all.push(path) }
    }
    all
}
