//! A small ledger that is worked with as its commands work.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use ledger::clock::Clock;
use ledger::enrol::enrol;
use ledger::export;
use ledger::folder::{self, BadFolder, Held, SignOptions, SignedFolder};
use ledger::import::{self, Limits, Options, Parties};
use ledger::keys::{KeyFolder, read_identity};
use ledger::outbox::Outbox;
use ledger::pseudonym::Pseudonyms;
use ledger::queue::{BadBatch, Closed, Queue};
use ledger::settings::Settings;
use ledger::sign::{Adopted, Channel, Signer};
use ledger::submit::{self, Outcome};
use ledger::writer::{Home, Writer};
use schemas::note::Origin;
use schemas::policy::Policy;
use schemas::time::Timestamp;
use tempfile::TempDir;
use verifier::bundle::{NoVisitor, check};
use verifier::files::Folder;
use verifier::report::Report;
use verifier::unseal::{Identity, Unsealed};

const PARTIES: &str = include_str!("../shared/parties.csv");

/// A moment in a week, on a Wednesday.
pub fn noon() -> Timestamp {
    Timestamp::parse("2031-03-05T12:00:00Z").unwrap()
}

/// A ledger with all its keys.
pub struct Ledger {
    pub folder: TempDir,
    pub home: Home,
    pub keys: PathBuf,
    pub writer: Writer,
    pub outbox: Outbox,
    pub settings: Settings,
    parties: Parties,
    now: Timestamp,
}

impl Ledger {
    /// A new ledger; its oversight body has an age key if `sealing`.
    pub fn new(sealing: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(&folder.path().join("home"));
        let keys = folder.path().join("keys");
        let (parties, problems) = Parties::read("parties.csv", PARTIES.as_bytes(), &Limits::default());
        assert!(problems.is_empty());
        let origin = Origin::parse("small.example/log").unwrap();
        let mut key_folder = KeyFolder::new(&keys, origin.clone());
        let mut writer = folder::found(&home, &origin, &parties, &mut key_folder, noon()).unwrap();
        folder::settle(&writer, PARTIES.as_bytes(), None).unwrap();
        let mut outbox = Outbox::open(&home.outbox()).unwrap();
        let pseudonyms = Pseudonyms::load(&home.pseudonyms(), &parties).unwrap();
        if sealing {
            let enrolled = enrol(&mut writer, &mut outbox, &parties, key_folder, &pseudonyms, noon(), false).unwrap();
            assert_eq!((enrolled.bodies.len(), enrolled.left.len()), (1, 0));
        }
        let settings = Settings { sealed_batch_size: 3, ..Settings::default() };
        Self { folder, home, keys, writer, outbox, settings, parties, now: noon() }
    }

    pub fn pseudonyms(&self) -> Pseudonyms {
        Pseudonyms::load(&self.home.pseudonyms(), &self.parties).unwrap()
    }

    /// The identity of the oversight body.
    pub fn identity(&self) -> Identity {
        read_identity(&self.keys.join("npm.sealed.identity")).unwrap()
    }

    /// Signs a register of one party as `ledger import` does, and submits it.
    pub fn import(&mut self, party: &str, event: &str, rows: &str) -> Result<(SignedFolder, Outcome), BadFolder> {
        let path = self.folder.path().join(format!("{event}.csv"));
        fs::write(&path, rows).unwrap();
        let pseudonyms = self.pseudonyms();
        let held = Held::of(&self.outbox, &pseudonyms, &self.parties).unwrap();
        let import = import::read_files(std::slice::from_ref(&path), party, &self.parties, &Options::default(), &held);
        assert!(import.problems.is_empty(), "{}", import::render(&import.problems));
        fs::remove_file(&path).unwrap();
        let (keyring, recipients) = (self.writer.log().keyring().clone(), self.writer.log().recipients().clone());
        let options = SignOptions {
            keyring: &keyring,
            keys: &self.keys,
            drafts: self.home.drafts(),
            intake: self.home.intake(),
            settings: &self.settings,
            recipients: &recipients,
            now: self.now,
            replay: false,
        };
        let signed = folder::sign_into(&mut self.outbox, import, &pseudonyms, &options, &mut |_, _| {})?;
        let parcels = self.outbox.parcels().unwrap();
        let outcome = submit::submit(
            &mut self.writer,
            parcels.clone(),
            &self.outbox.receipts(),
            Clock::Virtual(self.now),
            &mut |_, _| {},
        )
        .unwrap();
        Ok((signed, outcome))
    }

    /// The same where every row must come in.
    pub fn take(&mut self, party: &str, event: &str, rows: &str) {
        let (signed, outcome) = self.import(party, event, rows).unwrap_or_else(|why| panic!("{event}: {why}"));
        assert!(outcome.refused.is_empty() && signed.waiting.is_empty(), "{event}: {outcome:?}");
    }

    /// Closes the week of that day, as `ledger intake` does.
    pub fn close_week(&mut self, now: &str) -> Result<Closed, BadBatch> {
        let now = Timestamp::parse(now).unwrap();
        let (keyring, recipients) = (self.writer.log().keyring().clone(), self.writer.log().recipients().clone());
        let pseudonyms = self.pseudonyms();
        let mut signer = Signer {
            keys: KeyFolder::new(&self.keys, keyring.origin().clone()),
            numbers: folder::numbers_used(&self.outbox, &self.writer.home().drafts(), &keyring).unwrap(),
            origin: keyring.origin().clone(),
            pseudonyms: &pseudonyms,
            utc_offset_minutes: 0,
            adopted: Adopted::default(),
            make_keys: false,
            channel: Channel::Cli,
            recipients: &recipients,
            now,
        };
        let size = self.settings.sealed_batch_size;
        let queue = Queue::at(&self.home.intake());
        let closed = queue.close_week(&mut self.writer, &mut self.outbox, &mut signer, "npm", size);
        self.now = now;
        closed
    }

    pub fn policy(&self) -> Policy {
        Policy::parse(&folder::policy(self.writer.log())).unwrap()
    }

    /// Exports the public bundle.
    pub fn bundle(&self, name: &str) -> PathBuf {
        let out = self.folder.path().join(name);
        export::bundle(&self.writer, &folder::policy(self.writer.log()), 0, &out, &mut |_, _| {}).unwrap();
        out
    }

    /// Checks a bundle with openings beside it, read with the identity where one is given.
    pub fn check(&self, bundle: &Path, openings: &Path, identity: Option<&Identity>) -> Report {
        let (mut source, beside) = (Folder::new(bundle), Folder::new(openings));
        match identity {
            Some(identity) => {
                let mut unsealed = Unsealed { source: beside, identity };
                check(&mut source, &self.policy(), Some(&mut unsealed), &mut NoVisitor)
            }
            None => {
                let mut beside = beside;
                check(&mut source, &self.policy(), Some(&mut beside), &mut NoVisitor)
            }
        }
    }
}

/// All files below a folder, by path.
pub fn files_below(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let Ok(entries) = fs::read_dir(&next) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(folder).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// Copies a folder.
pub fn copy(from: &Path, to: &Path) {
    for (path, bytes) in files_below(from) {
        let target = to.join(path);
        verifier::output::create_folders(target.parent().unwrap(), verifier::output::Readers::Owner).unwrap();
        verifier::output::write(&target, &bytes, verifier::output::Readers::Owner).unwrap();
    }
}

/// Paths of the files that hold these bytes.
pub fn holding(folder: &Path, needle: &[u8]) -> Vec<PathBuf> {
    let has = |bytes: &Vec<u8>| bytes.windows(needle.len()).any(|window| window == needle);
    files_below(folder).into_iter().filter(|(_, bytes)| has(bytes)).map(|(path, _)| path).collect()
}

/// An inspection with a sealed value, and how it was obstructed, with a restricted text.
pub const INSPECTION: &str = "row_id,occurred_at,signer,cosigner,id,facility,kind,unannounced,chosen_by,started_on,ended_on,\
team,women_in_team,team_two_or_more,women_present,health_professional,full_access,private_interviews,cooperation,followup_of_reprisal\n\
r1,2031-03-04,n1,,is-1,fac-a,npm,true,body,2031-03-03,2031-03-04,3,2,true,true,true,true,held,full,true\n";
/// The mark to look for.
pub const MARK: &str = "the deputy at the second gate, Quillfeather shift";
/// Its register.
pub fn obstruction() -> String {
    format!(
        "row_id,occurred_at,signer,cosigner,id,inspection,facility,what,delay,by_role,by_role_lang\n\
         r1,2031-03-04,n1,,,is-1,fac-a,entry_delayed,45,\"{MARK}\",en\n"
    )
}
