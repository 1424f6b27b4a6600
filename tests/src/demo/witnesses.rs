//! Three witnesses on the demo's clock, two of which must have seen every checkpoint.
//!
//! They run in this process, so here they only show how it works: real ones run elsewhere, in hands
//! of their own. Their keys and state files are left, so that `verifier witness serve` goes on.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use ledger::files;
use ledger::keys;
use ledger::witness::local::LocalWitness;
use ledger::witness::{Panel, Witness};
use ledger::writer::Writer;
use schemas::note::Vkey;
use schemas::policy::Policy;
use verifier::signature::SecretKey;
use verifier::witness::records::Records;
use verifier::witness::service::state_file::StateFile;

use super::{BadDemo, Places};

/// Name in the policy, name of the key, port at which the next steps start it.
pub const WITNESSES: [(&str, &str, u16); 3] = [
    ("archive", "archive.example/witness", 7801),
    ("bar", "bar.example/witness", 7802),
    ("university", "university.example/witness", 7803),
];

type Shared = Arc<Mutex<LocalWitness>>;

/// The witnesses of one run.
pub struct Witnesses {
    folder: PathBuf,
    members: Vec<(&'static str, SecretKey, Shared)>,
    policy: String,
}

impl Witnesses {
    /// Makes their keys where there are none, and the policy that names them.
    ///
    /// # Errors
    /// [`BadDemo`] if a key can be neither read nor made.
    pub fn new(places: &Places, writer: &Writer) -> Result<Self, BadDemo> {
        let folder = places.witnesses();
        files::create_folder(&folder)?;
        let log = keys::read(&places.home().log_key())?.vkey();
        let mut policy = format!("log {log}\n");
        let mut members = Vec::new();
        for (name, key_name, port) in WITNESSES {
            let path = folder.join(format!("{name}.key"));
            let key = if path.exists() { keys::read(&path)? } else { keys::generate(&path, key_name)? };
            let _ = writeln!(policy, "witness {name} {} http://127.0.0.1:{port}", key.cosigner_vkey());
            members.push((name, key.clone(), Self::one(key, &log)));
        }
        let names: Vec<&str> = WITNESSES.iter().map(|(name, ..)| *name).collect();
        let _ = write!(policy, "group two-of-three 2 {}\nquorum two-of-three\n", names.join(" "));
        files::replace(&writer.home().policy(), policy.as_bytes())?;
        Ok(Self { folder, members, policy })
    }

    fn one(key: SecretKey, log: &Vkey) -> Shared {
        let records = Records::new(key.cosigner_vkey());
        let witness = LocalWitness::new(key, log, records).expect("the log's own key is a good one");
        Arc::new(Mutex::new(witness))
    }

    /// The policy's text.
    pub fn policy(&self) -> &str {
        &self.policy
    }

    /// Those who are asked.
    pub fn panel(&self) -> Panel {
        let policy = Policy::parse(&self.policy).expect("made a moment ago");
        let of = |name: &str| self.members.iter().find(|(n, ..)| *n == name);
        let way = |name: &str| of(name).map(|(.., shared)| Box::new(shared.clone()) as Box<dyn Witness>);
        Panel::new(policy, way).expect("keys made a moment ago")
    }

    /// Leaves what they have cosigned in their state files.
    ///
    /// # Errors
    /// [`BadDemo`] if one cannot be written.
    pub fn leave(self) -> Result<(), BadDemo> {
        for (name, key, shared) in self.members {
            let file = |ending: &str| self.folder.join(format!("{name}.{ending}"));
            let (state, _) = StateFile::begin(&file("state"), &file("key"), &key)?;
            let witness = shared.lock().expect("nobody panics while asking");
            state.keep(witness.records())?;
        }
        Ok(())
    }
}
