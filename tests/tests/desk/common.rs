//! A prison with a desk, a real ledger, and a line between them that can be cut.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use ledger::clock::Clock;
use ledger::desk::office::Office;
use ledger::desk::{Desk, Listening, serve};
use ledger::enrol::enrol;
use ledger::folder::{Held, SignOptions, found, sign_into};
use ledger::import::{Limits, Options, Parties, read_folder};
use ledger::keys::KeyFolder;
use ledger::outbox::Outbox;
use ledger::outpost::{Client, Outpost, Secret, Standing};
use ledger::pseudonym::Pseudonyms;
use ledger::settings::Settings;
use ledger::submit;
use ledger::writer::{Home, Writer};
use schemas::note::Origin;
use tempfile::TempDir;
use tests::world::PARTIES;
use tokio::sync::oneshot;

pub use crate::cable::Wire;
use crate::cable::{Cable, Served};

/// A prison and its desk.
pub struct Prison {
    /// Everything that this one has on disks.
    folder: TempDir,
    cable: Cable,
    ledger: Served,
    /// Where the desk listens.
    pub address: SocketAddr,
    links: Box<dyn Fn() -> Option<Result<String, ledger::keys::BadKeyFile>>>,
    stop: Option<oneshot::Sender<()>>,
    runtime: Option<tokio::runtime::Runtime>,
}

const PROFILE: &str =
    "[profile]\nid = \"prison-1\"\n[calendar]\nutc_offset_minutes = 60\nweekend = [\"sat\", \"sun\"]\nholidays = []\n";

impl Prison {
    /// Founds a ledger, has an organisation ask for access, and opens the desk of `fac-a`, whose first language is
    /// `language`.
    pub fn open(language: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let origin = Origin::parse("prison.example/log").unwrap();
        let list = PARTIES.replace("Prison A,named,fr;ar", &format!("Prison A,named,{language}"));
        let (parties, bad) = Parties::read("parties.csv", list.as_bytes(), &Limits::default());
        assert!(bad.is_empty(), "{bad:?}");
        let writer = lay_down(folder.path(), &origin, &list, &parties);
        let policy = std::fs::read_to_string(writer.home().policy()).unwrap();

        // The officer's key lies on the desk's machine, the second person's on a stick of their own.
        let all = folder.path().join("keys");
        let (desk_keys, stick) = (folder.path().join("desk-keys"), folder.path().join("stick"));
        for (holder, to) in [("d1", &desk_keys), ("d2", &stick)] {
            let name = format!("fac-a.{holder}.key");
            ledger::keys::copy(&all.join(&name), &to.join(&name)).unwrap();
        }
        let recipients: Vec<String> =
            writer.log().recipients().in_force(Clock::System.now()).into_iter().map(str::to_owned).collect();
        let pseudonyms = std::fs::read_to_string(writer.home().pseudonyms()).unwrap();
        let readings = folder.path().join("readings");
        ledger::keys::copy(&all.join("op.o1.key"), &readings.join("op.o1.key")).unwrap();
        let home = writer.home().folder().to_owned();
        drop(writer);
        let served = Served::start(&home, &readings);
        let cable = Cable::to(served.address);
        let standing = Standing {
            origin,
            party: "fac-a".to_owned(),
            address: Some(format!("http://{}", cable.address)),
            utc_offset_minutes: 60,
            policy,
            parties: list,
            pseudonyms,
            recipients,
            device: None,
            // The enrolments of these keys were signed elsewhere.
            first_number: 100,
        };
        let secret = Secret::KeyFile(folder.path().join("stick/outbox.key"));
        let outpost = Outpost::create(&folder.path().join("desk"), &secret, &standing).unwrap();
        let mut prison = Self {
            folder,
            cable,
            ledger: served,
            address: "127.0.0.1:0".parse().unwrap(),
            links: Box::new(|| None),
            stop: None,
            runtime: None,
        };
        prison.serve(outpost);
        prison
    }

    /// Closes the desk and opens it again over the same outbox.
    pub fn restart(&mut self) {
        drop(self.stop.take());
        self.links = Box::new(|| None);
        self.runtime.take().unwrap().shutdown_timeout(std::time::Duration::from_secs(60));
        let secret = Secret::KeyFile(self.folder.path().join("stick/outbox.key"));
        // Whoever carries has it until the last word is said.
        let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
        let outpost = loop {
            match Outpost::open(&self.folder.path().join("desk"), &secret) {
                Ok(outpost) => break outpost,
                Err(why) => assert!(std::time::Instant::now() < end, "{why}"),
            }
        };
        self.serve(outpost);
    }

    fn serve(&mut self, outpost: Outpost) {
        let office = Office::of(&outpost, &self.folder.path().join("desk-keys"), Some(PROFILE.as_bytes())).unwrap();
        let desk = Desk::new(office, Arc::new(Mutex::new(outpost)), Clock::System, true).unwrap();
        let key = ledger::keys::read(&self.first_key()).unwrap();
        let line = Client::new(&format!("http://{}", self.cable.address), key);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let listening = runtime.block_on(Listening::at(any, desk, Some(Box::new(line)))).unwrap();
        (self.address, self.links) = (listening.address(), Box::new(listening.links()));
        let (stop, stopped) = oneshot::channel();
        runtime.spawn(serve(listening, async {
            let _ = stopped.await;
        }));
        (self.stop, self.runtime) = (Some(stop), Some(runtime));
    }

    /// A new link that opens the desk once.
    pub fn link(&self) -> String {
        (self.links)().unwrap().unwrap()
    }

    /// Cuts the line, or mends it.
    pub fn wire(&self, wire: Wire) {
        self.cable.set(wire);
    }

    /// Events of that type in the published log.
    pub fn count(&self, kind: &str) -> usize {
        self.ledger.count(&format!("\"type\":\"{kind}\""))
    }

    /// Events of the prison in the published log.
    pub fn own(&self) -> usize {
        self.ledger.count("\"by\":\"fac-a\"")
    }

    /// The second person's key file.
    pub fn second_key(&self) -> PathBuf {
        self.folder.path().join("stick/fac-a.d2.key")
    }

    /// The officer's own.
    pub fn first_key(&self) -> PathBuf {
        self.folder.path().join("desk-keys/fac-a.d1.key")
    }

    /// The key file of somebody else.
    pub fn other_key(&self) -> PathBuf {
        self.folder.path().join("keys/cso-x.x1.key")
    }

    /// A file of the officer's.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Prison {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A ledger with everybody's keys, and one request for access to `fac-a`.
fn lay_down(folder: &Path, origin: &Origin, list: &str, parties: &Parties) -> Writer {
    let now = Clock::System.now();
    let home = Home::new(&folder.join("ledger"));
    std::fs::create_dir_all(home.folder()).unwrap();
    let keys = folder.join("keys");
    let mut key_folder = KeyFolder::new(&keys, origin.clone());
    let mut writer = found(&home, origin, parties, &mut key_folder, now.plus_seconds(-2)).unwrap();
    ledger::folder::settle(&writer, list.as_bytes(), Some(PROFILE.as_bytes())).unwrap();
    let mut outbox = Outbox::open(&home.outbox()).unwrap();
    let pseudonyms = Pseudonyms::load(&home.pseudonyms(), parties).unwrap();
    enrol(&mut writer, &mut outbox, parties, key_folder, &pseudonyms, now.plus_seconds(-1), false).unwrap();

    let mut key_folder = KeyFolder::new(&keys, origin.clone());
    for (party, holder) in [("fac-a", "d1"), ("fac-a", "d2"), ("cso-x", "x1")] {
        key_folder.get_or_make(party, holder).unwrap();
    }
    let day = now.date(60);
    let header = "row_id,occurred_at,signer,cosigner,id";
    let sheet = |path: &str, text: String| {
        let path = folder.join("registers-in/registers").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let enrolled = |party: &str, holder: &str, role: &str| {
        format!(
            "k-{holder},{day},{holder},op:o1,key-{party}-{holder},{party},{holder},{role},ed25519,{}",
            now.plus_seconds(-1)
        )
    };
    let key = format!("{header},organisation,holder,role,alg,valid_from");
    let both = [enrolled("fac-a", "d1", "facility"), enrolled("fac-a", "d2", "facility")].join("\n");
    sheet("fac-a/key.enrolled.csv", format!("{key}\n{both}\n"));
    sheet("cso-x/key.enrolled.csv", format!("{key}\n{}\n", enrolled("cso-x", "x1", "cso")));
    let fields = "facility,organisation,purpose,target,private_interviews";
    let request = format!("r1,{day},x1,,rq-1,fac-a,cso-x,monitoring,all,true");
    sheet("cso-x/access.request.submitted.csv", format!("{header},{fields}\n{request}\n"));
    std::fs::write(folder.join("registers-in/parties.csv"), list).unwrap();

    let options = Options { now: Some(now), utc_offset_minutes: 60, ..Options::default() };
    let held = Held::of(&outbox, &pseudonyms, parties).unwrap();
    let import = read_folder(&folder.join("registers-in"), &options, &held);
    assert!(import.problems.is_empty(), "{}", ledger::import::render(&import.problems));
    let (keyring, recipients) = (writer.log().keyring().clone(), writer.log().recipients().clone());
    let settings = Settings { utc_offset_minutes: 60, ..Settings::default() };
    let options = SignOptions {
        keyring: &keyring,
        keys: &keys,
        drafts: home.drafts(),
        intake: home.intake(),
        settings: &settings,
        recipients: &recipients,
        now,
        replay: false,
    };
    let signed = sign_into(&mut outbox, import, &pseudonyms, &options, &mut |_, _| {}).unwrap();
    assert!(signed.waiting.is_empty());
    let parcels = outbox.parcels().unwrap();
    let outcome = submit::submit(&mut writer, parcels, &outbox.receipts(), Clock::System, &mut |_, _| {}).unwrap();
    assert!(outcome.refused.is_empty(), "{:?}", outcome.refused);
    writer
}
