//! A small log that is followed while it grows, and what a feed may do with it.

use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use projector::live::Live;
use projector::live::tiles::Tiles;
use projector::serve::follow::{Follow, StateFolder, Step};
use projector::serve::notice::Notice;
use schemas::hash::Hash;
use schemas::note::Note;
use schemas::policy::Policy;
use schemas::value::Value;
use tests::forge::{Forge, Forged, Pages};
use tests::memory::Memory;
use tests::world::World;
use verifier::bundle::{Source, Unreadable};

/// The golden country, built once: its keys and its records.
pub static WORLD: LazyLock<World> = LazyLock::new(World::golden);
/// Its log under a rule profile that the projector can read.
pub static LOG: LazyLock<Forged> = LazyLock::new(|| forge().build());

/// The golden log in the hands of its operator, with a rule profile that the projector can read.
pub fn forge() -> Forge<'static> {
    let mut forge = Forge::of(&WORLD);
    let at = forge.at("npm/rule.profile.adopted/r1");
    let profile = projector::profile::DEFAULT.replacen("default-profile-1", PROFILE, 1).into_bytes();
    let digest = Hash::of(&[&profile]).to_hex();
    let mut event = forge.records[at].event();
    event.data.insert("profile".to_owned(), Value::Text(digest.clone()));
    let text = event.to_text();
    if let Some(opening) = &mut forge.records[at].opening {
        opening.event = Hash::of(&[text.as_bytes()]);
    }
    let signatures = ["n1", "n2"].map(|holder| forge.key("npm", holder).sign(&text)).to_vec();
    forge.records[at].note = Note { text, signatures };
    forge.side.put(&format!("documents/{digest}"), profile);
    forge
}

/// Id of that profile.
pub const PROFILE: &str = "small-profile-1";

/// Sizes of the log at which a checkpoint was kept, in order.
pub fn sizes(bundle: &Memory) -> Vec<u64> {
    let kept = bundle.names().into_iter().filter_map(|path| path.strip_prefix("checkpoints/")?.parse().ok());
    let mut sizes: Vec<u64> = kept.collect();
    sizes.sort_unstable();
    sizes
}

/// The bundle as it was when the log had so many entries.
pub fn at(bundle: &Memory, size: u64) -> Memory {
    let mut pages = Pages::of(bundle);
    pages.entries.truncate(usize::try_from(size).unwrap());
    let note = bundle.get(&format!("checkpoints/{size}")).to_vec();
    assert!(!note.is_empty(), "no checkpoint was kept at {size}");
    pages.side.put("checkpoint", note);
    pages.bundle()
}

/// Files that change while they are followed.
#[derive(Clone, Debug)]
pub struct Changing(Arc<Mutex<Memory>>);

impl Changing {
    pub fn new(files: Memory) -> Self {
        Self(Arc::new(Mutex::new(files)))
    }

    pub fn set(&self, files: Memory) {
        *self.0.lock().unwrap() = files;
    }

    /// A feed of them.
    pub fn feed(&self) -> Tiles<Self> {
        Tiles::new(self.clone(), "memory")
    }
}

impl Source for Changing {
    fn paths(&mut self) -> Result<Vec<String>, Unreadable> {
        self.0.lock().unwrap().paths()
    }

    fn read(&mut self, path: &str) -> Result<Option<Vec<u8>>, Unreadable> {
        self.0.lock().unwrap().read(path)
    }
}

/// A projector's state in a folder, without listeners.
pub struct Projector {
    pub follow: Follow,
    _folder: StateFolder,
}

impl Projector {
    pub fn open(state: &Path, policy: &Policy) -> Self {
        let folder = StateFolder::open(state).unwrap();
        let follow = Follow::resume(&folder, policy, None, &mut |_, _| true).unwrap();
        Self { follow, _folder: folder }
    }

    /// One question.
    pub fn step(&mut self, feed: &mut dyn Live) -> Step {
        self.follow.step(feed, Duration::ZERO).unwrap()
    }

    /// Asks until nothing more comes; gives the last answer, and publishes what came.
    pub fn all(&mut self, feed: &mut dyn Live) -> Step {
        loop {
            let step = self.step(feed);
            if step != Step::Advanced {
                self.publish();
                return step;
            }
        }
    }

    /// Writes the book, as the service does before anyone sees anything.
    pub fn publish(&mut self) {
        if let Some(book) = self.follow.book([("index.html".to_owned(), b"page".to_vec())].into()) {
            book.write(self.follow.folder()).unwrap();
        }
    }

    /// Where it is, and with which state digest.
    pub fn digest(&mut self) -> (u64, Hash) {
        (self.follow.size(), self.follow.build().digest())
    }
}

/// The digest at every size at which a checkpoint was kept, of a projector that sees one after the other.
pub fn digests(bundle: &Memory) -> Vec<(u64, Hash)> {
    let folder = tempfile::tempdir().unwrap();
    let mut projector = Projector::open(folder.path(), &WORLD.policy);
    let files = Changing::new(Memory::default());
    let mut feed = files.feed();
    let follow = |size: u64| {
        files.set(at(bundle, size));
        assert_eq!(projector.step(&mut feed), Step::Advanced, "at {size}");
        projector.digest()
    };
    sizes(bundle).into_iter().map(follow).collect()
}

/// What a notice says.
pub fn said(step: &Step) -> String {
    match step {
        Step::Troubled(notice) => format!("{}: {}", notice.word(), notice.text()),
        other => format!("{other:?}"),
    }
}

/// Why a projector has stopped.
pub fn stopped(projector: &Projector) -> &Notice {
    projector.follow.stopped().expect("it has stopped")
}
