//! What readers get: the pages that were published last, and what they must be told beside them. Whoever publishes
//! puts a whole set in the place of another; no reader ever sees half of one.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use axum::body::Bytes;
use schemas::hash::Hash;
use schemas::time::Timestamp;
use schemas::value::Value;
use verifier::files::{Links, read};

use super::book::Book;
use super::follow::EVIDENCE;
use super::notice::Notice;
use crate::digest::VIEWS_VERSION;
use crate::lens::{Audience, Lens};
use crate::site::notices;

/// Longest file of evidence that is served, in bytes: two checkpoints, or two packs.
const EVIDENCE_BYTES_MAX: u64 = 64 << 20;

/// What was published: under which checkpoint, and the files by path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edition {
    /// Entries under the checkpoint.
    pub size: u64,
    /// Root of the checkpoint.
    pub root: Hash,
    /// The checkpoint's note.
    pub checkpoint: String,
    /// The state digest.
    pub digest: Hash,
    /// Which code made the views.
    pub views: u32,
    /// The last seal.
    pub as_of: Option<Timestamp>,
    /// Pages and data for anyone.
    pub public: BTreeMap<String, Vec<u8>>,
    /// Pages and data for oversight; never on the disk.
    pub oversight: BTreeMap<String, Vec<u8>>,
}

impl Edition {
    /// What the book says was shown last.
    pub fn of(book: &Book, root: Hash) -> Self {
        Self {
            size: book.kept.size,
            root,
            checkpoint: book.checkpoint.clone(),
            digest: book.digest,
            views: book.views,
            as_of: Some(book.as_of),
            public: book.files.clone(),
            oversight: BTreeMap::new(),
        }
    }
}

/// What readers are told, by what it comes from: each is set and taken back by one place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Why nothing more is taken.
    pub stopped: Option<Notice>,
    /// What is wrong with the feed.
    pub feed: Option<Notice>,
    /// What is wrong with this projector.
    pub own: Option<Notice>,
    /// That views are made anew in the place of none.
    pub building: Option<Notice>,
    /// That views made anew were others.
    pub differs: Option<Notice>,
    /// What could not be folded, and openings that do not fit.
    pub entries: Vec<Notice>,
}

impl Standing {
    fn all(&self) -> Vec<Notice> {
        let single = [&self.stopped, &self.own, &self.feed, &self.building, &self.differs];
        single.into_iter().flatten().chain(&self.entries).cloned().collect()
    }
}

/// A file as it is served.
#[derive(Clone, Debug)]
pub struct File {
    /// Its bytes.
    pub bytes: Bytes,
    /// Its media type.
    pub kind: &'static str,
    /// Its entity tag.
    pub tag: String,
}

/// Everything that one listener serves.
#[derive(Debug, Default)]
pub struct Served {
    files: BTreeMap<String, File>,
    /// Whether there are pages.
    pub ready: bool,
    /// `/healthz`.
    pub health: String,
    /// `/state`.
    pub state: String,
}

impl Served {
    /// The file at a path without its leading `/`.
    pub fn file(&self, path: &str) -> Option<&File> {
        self.files.get(if path.is_empty() { "index.html" } else { path })
    }
}

/// What is counted.
#[derive(Debug, Default)]
pub struct Numbers {
    /// Editions published since the start.
    pub published: AtomicU64,
    /// Times that a feed gave nothing of use.
    pub disturbed: AtomicU64,
    /// Rebuilds finished.
    pub rebuilt: AtomicU64,
    /// Requests answered with 2xx or 304, 4xx, 5xx.
    pub answered: [AtomicU64; 3],
}

#[derive(Debug, Default)]
struct Inner {
    edition: Option<Edition>,
    standing: Standing,
}

/// What the follower and the listeners share.
#[derive(Debug)]
pub struct Shown {
    inner: Mutex<Inner>,
    public: RwLock<Arc<Served>>,
    oversight: RwLock<Arc<Served>>,
    evidence: std::path::PathBuf,
    /// What is counted.
    pub numbers: Numbers,
    rebuild: AtomicBool,
    stop: Mutex<bool>,
    stopping: Condvar,
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whoever panicked with it has left whole values behind: they are only ever replaced.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shown {
    /// Nothing yet; evidence lies in this state folder.
    pub fn new(state: &Path) -> Self {
        let shown = Self {
            inner: Mutex::default(),
            public: RwLock::default(),
            oversight: RwLock::default(),
            evidence: state.join(EVIDENCE),
            numbers: Numbers::default(),
            rebuild: AtomicBool::new(false),
            stop: Mutex::new(false),
            stopping: Condvar::new(),
        };
        shown.tell(|_| {});
        shown
    }

    /// Puts this edition in the place of the last, and says what readers must be told with it.
    pub fn publish(&self, edition: Edition, tell: impl FnOnce(&mut Standing)) {
        let mut inner = held(&self.inner);
        tell(&mut inner.standing);
        inner.edition = Some(edition);
        self.serve(&inner);
    }

    /// Changes what readers are told.
    pub fn tell(&self, tell: impl FnOnce(&mut Standing)) {
        let mut inner = held(&self.inner);
        let before = inner.standing.clone();
        tell(&mut inner.standing);
        if inner.standing != before || inner.edition.is_none() {
            self.serve(&inner);
        }
    }

    /// What readers are told now.
    pub fn notices(&self) -> Vec<Notice> {
        held(&self.inner).standing.all()
    }

    /// Position, root and state digest of what is shown.
    pub fn at(&self) -> Option<(u64, Hash, Hash)> {
        held(&self.inner).edition.as_ref().map(|e| (e.size, e.root, e.digest))
    }

    fn serve(&self, inner: &Inner) {
        let all = inner.standing.all();
        for (audience, door) in [(Audience::Public, &self.public), (Audience::Oversight, &self.oversight)] {
            let served = Arc::new(self.served(audience, inner, &all));
            *door.write().unwrap_or_else(PoisonError::into_inner) = served;
        }
    }

    fn served(&self, audience: Audience, inner: &Inner, all: &[Notice]) -> Served {
        let told = Lens::new(audience).notices(all);
        let mut files = BTreeMap::new();
        let none = BTreeMap::new();
        let edition = inner.edition.as_ref();
        let pages = match (edition, audience) {
            (Some(edition), Audience::Public) => &edition.public,
            (Some(edition), Audience::Oversight) => &edition.oversight,
            (None, _) => &none,
        };
        let from = edition.and_then(|edition| Some((edition.size, edition.as_of?)));
        for (path, bytes) in pages {
            let bytes = if is_page(path) { notices::on_top(bytes, &told, from) } else { bytes.clone() };
            files.insert(path.clone(), file(path, bytes));
        }
        let ready = !pages.is_empty();
        if !ready {
            files.insert("index.html".to_owned(), file("index.html", notices::alone(&told)));
        }
        if let Some(edition) = edition {
            files.insert("checkpoint".to_owned(), file("checkpoint", edition.checkpoint.clone().into_bytes()));
        }
        for notice in told.get() {
            let Notice::Fault { evidence, .. } = notice else { continue };
            for name in evidence {
                // The names are ours; one that is not leads nowhere.
                let plain = !name.contains(['/', '\\']) && !name.starts_with('.');
                if let Some(bytes) =
                    plain.then(|| read(&self.evidence.join(name), EVIDENCE_BYTES_MAX, Links::Followed).ok()).flatten()
                {
                    files.insert(format!("evidence/{name}"), file(name, bytes));
                }
            }
        }
        let (health, state) = (health(told.get(), edition), state(told.get(), edition));
        Served { files, ready, health, state }
    }

    /// What a listener serves now.
    pub fn door(&self, audience: Audience) -> Arc<Served> {
        let door = match audience {
            Audience::Public => &self.public,
            Audience::Oversight => &self.oversight,
        };
        door.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What is counted, as Prometheus reads it.
    pub fn metrics(&self) -> String {
        let inner = held(&self.inner);
        let edition = inner.edition.as_ref();
        let load = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let mut text = String::new();
        let mut one = |name: &str, kind: &str, help: &str, values: &[(&str, u64)]| {
            // Writing to a string does not fail.
            let _ = write!(text, "# HELP projector_{name} {help}\n# TYPE projector_{name} {kind}\n");
            for (labels, value) in values {
                let _ = writeln!(text, "projector_{name}{labels} {value}");
            }
        };
        let unix = edition.and_then(|e| e.as_of).map_or(0, |t| u64::try_from(t.unix()).unwrap_or_default());
        one("entries", "gauge", "Entries under the checkpoint that is shown.", &[("", edition.map_or(0, |e| e.size))]);
        one("as_of_seconds", "gauge", "The last seal that is shown, in Unix seconds.", &[("", unix)]);
        let all = inner.standing.all();
        let stopped = u64::from(all.iter().any(Notice::stops));
        one("stopped", "gauge", "1 while nothing newer is published.", &[("", stopped)]);
        one("notices", "gauge", "What readers are told beside the pages.", &[("", all.len() as u64)]);
        one("published_total", "counter", "Editions published.", &[("", load(&self.numbers.published))]);
        one(
            "disturbed_total",
            "counter",
            "Times that the feed gave nothing of use.",
            &[("", load(&self.numbers.disturbed))],
        );
        one("rebuilt_total", "counter", "Rebuilds finished.", &[("", load(&self.numbers.rebuilt))]);
        let [good, theirs, ours] = &self.numbers.answered;
        let labelled =
            [("{class=\"ok\"}", load(good)), ("{class=\"4xx\"}", load(theirs)), ("{class=\"5xx\"}", load(ours))];
        one("requests_total", "counter", "Requests answered.", &labelled);
        text
    }

    /// Asks for a rebuild.
    pub fn ask_rebuild(&self) {
        self.rebuild.store(true, Ordering::Relaxed);
        self.stopping.notify_all();
    }

    /// Whether one was asked for since the last question.
    pub(super) fn rebuild_asked(&self) -> bool {
        self.rebuild.swap(false, Ordering::Relaxed)
    }

    /// Asks the follower to end.
    pub fn stop(&self) {
        *held(&self.stop) = true;
        self.stopping.notify_all();
    }

    /// Whether it is to end.
    pub fn is_stopping(&self) -> bool {
        *held(&self.stop)
    }

    /// Waits so long, or until somebody asks for something; says whether it is to end.
    pub(super) fn wait(&self, time: Duration) -> bool {
        let guard = held(&self.stop);
        if *guard {
            return true;
        }
        let waited = self.stopping.wait_timeout(guard, time);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

fn is_page(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|ending| ending == "html")
}

fn file(path: &str, bytes: Vec<u8>) -> File {
    let kind = match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "csv" => "text/csv; charset=utf-8",
        _ => "text/plain; charset=utf-8",
    };
    let tag = format!("\"{}\"", &Hash::of(&[&bytes]).to_hex()[..32]);
    File { bytes: bytes.into(), kind, tag }
}

fn object(members: Vec<(&str, Value)>) -> Value {
    Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn number(n: u64) -> Value {
    Value::Integer(i64::try_from(n).unwrap_or(i64::MAX))
}

/// One word, and what is wrong.
fn health(notices: &[Notice], edition: Option<&Edition>) -> String {
    let worst = notices.iter().find(|notice| notice.stops()).or(notices.first());
    let word = worst.map_or(if edition.is_some() { "ok" } else { "empty" }, Notice::word);
    let list = notices.iter().map(Notice::to_value).collect();
    let size = edition.map_or(0, |e| e.size);
    object(vec![("notices", Value::List(list)), ("position", number(size)), ("status", text(word))]).to_json() + "\n"
}

/// Position, head, digest.
fn state(notices: &[Notice], edition: Option<&Edition>) -> String {
    let mut members = vec![
        ("notices", Value::List(notices.iter().map(Notice::to_value).collect())),
        ("views", number(u64::from(VIEWS_VERSION))),
    ];
    if let Some(edition) = edition {
        members.extend([
            ("checkpoint", text(&edition.checkpoint)),
            ("digest", text(&edition.digest.to_hex())),
            ("position", number(edition.size)),
            ("root", text(&edition.root.to_base64())),
            ("shown_views", number(u64::from(edition.views))),
        ]);
        if let Some(as_of) = edition.as_of {
            members.push(("as_of", text(&as_of.to_string())));
        }
    }
    object(members).to_json() + "\n"
}
