//! What these tests share: a small ledger, three witnesses, policies.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use ledger::plan::Genesis;
use ledger::witness::local::LocalWitness;
use ledger::witness::{Panel, Response, Silence, Witness};
use ledger::writer::{Home, Writer};
use schemas::catalogue::Role;
use schemas::note::Origin;
use schemas::policy::Policy;
use schemas::time::Timestamp;
use tempfile::TempDir;
use tests::memory::Memory;
use verifier::bundle::{NoVisitor, check};
use verifier::report::Report;
use verifier::signature::SecretKey;
use verifier::witness::records::Records;
use verifier::witness::request::Request;

/// So many seconds after the ledger began.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::parse("2025-03-03T08:00:00Z").unwrap().plus_seconds(seconds)
}

/// The key of witness 1, 2 or 3.
pub fn key(number: u8) -> SecretKey {
    SecretKey::new(&format!("w{number}.example/witness"), &[40 + number; 32])
}

/// A ledger with its genesis, in a folder of its own.
pub struct Small {
    pub folder: TempDir,
    pub writer: Writer,
}

impl Small {
    pub fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let facts = Genesis {
            operator: "op",
            registrar: ("op", Role::Operator),
            operator_keys: Vec::new(),
            registrar_keys: Vec::new(),
            oversight_keys: Vec::new(),
        };
        let origin = Origin::parse("witnessed.example/log").unwrap();
        let writer = Writer::create(&Home::new(&folder.path().join("ledger")), &origin, &facts, at(0)).unwrap();
        Self { folder, writer }
    }

    /// A policy of this log with three witnesses at these addresses, and puts it into the ledger.
    pub fn policy(&self, quorum: &str, addresses: &BTreeMap<u8, String>) -> Policy {
        let log = ledger::keys::read(&self.writer.home().log_key()).unwrap().vkey();
        let mut text = format!("log {log}\n");
        for number in 1..=3 {
            let address = addresses.get(&number).map_or("", String::as_str);
            let _ = writeln!(text, "witness w{number} {} {address}", key(number).cosigner_vkey());
        }
        let _ = write!(text, "group two 2 w1 w2 w3\nquorum {quorum}\n");
        ledger::files::replace(&self.writer.home().policy(), text.as_bytes()).unwrap();
        Policy::parse(&text).unwrap()
    }

    /// Three witnesses in this process.
    pub fn local(&self) -> Locals {
        let log = ledger::keys::read(&self.writer.home().log_key()).unwrap().vkey();
        let one = |number| {
            let records = Records::new(key(number).cosigner_vkey());
            let witness = LocalWitness::new(key(number), &log, records).unwrap();
            let switched = Switched { witness, up: Arc::new(AtomicBool::new(true)) };
            (format!("w{number}"), Arc::new(Mutex::new(switched)))
        };
        Locals((1..=3).map(one).collect())
    }

    /// One commit without events: a seal.
    pub fn commit(&mut self, seconds: i64) {
        self.writer.commit(&[], at(seconds)).unwrap();
    }

    /// The bundle that is handed out now.
    pub fn export(&self) -> Result<Memory, ledger::failure::Failure> {
        let out: PathBuf = self.folder.path().join("bundle");
        let policy = ledger::publish::policy_text(&self.writer)?;
        ledger::export::bundle(&self.writer, &policy, 0, &out, &mut |_, _| {})?;
        Ok(Memory::load(&out).unwrap())
    }
}

/// A witness that can be switched off.
pub struct Switched {
    witness: LocalWitness,
    pub up: Arc<AtomicBool>,
}

impl Witness for Switched {
    fn add_checkpoint(&mut self, request: &Request, now: Timestamp) -> Result<Response, Silence> {
        if self.up.load(Ordering::Relaxed) {
            self.witness.add_checkpoint(request, now)
        } else {
            Err(Silence::Unreachable("connection refused".to_owned()))
        }
    }
}

/// Three witnesses in this process, by name.
pub struct Locals(BTreeMap<String, Arc<Mutex<Switched>>>);

impl Locals {
    pub fn switch(&self, name: &str, up: bool) {
        self.0[name].lock().unwrap().up.store(up, Ordering::Relaxed);
    }

    pub fn panel(&self, policy: &Policy) -> Panel {
        let way = |name: &str| self.0.get(name).map(|w| Box::new(w.clone()) as Box<dyn Witness>);
        Panel::new(policy.clone(), way).unwrap()
    }
}

/// The check of a bundle under a policy.
pub fn checked(bundle: &Memory, policy: &Policy) -> Report {
    check(&mut bundle.clone(), policy, None, &mut NoVisitor)
}
