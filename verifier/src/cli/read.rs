//! Reading what the commands are given, and telling what it is.

use std::collections::BTreeSet;
use std::io::{Read as _, Seek as _};
use std::path::Path;

use schemas::hash::Hash;
use schemas::note::{ALG_ED25519, Vkey};
use schemas::policy::{POLICY_BYTES_MAX, Policy};
use schemas::visible::Show as _;
use verifier::Verified;
use verifier::archive::Archive;
use verifier::bundle::{self, Opened, Source, Visitor};
use verifier::erasures::Target;
use verifier::files::{self, Folder, Links};
use verifier::follower::Accepted;
use verifier::levels::Levels;
use verifier::output;
use verifier::report::Report;
use verifier::threads::Threads;
use verifier::transit;
use verifier::unseal::Identity;

use super::CannotBegin;

/// Longest pack that is read, in bytes.
const PACK_BYTES_MAX: u64 = schemas::pack::PACK_BYTES_MAX;
/// Longest other file that people carry, in bytes: receipts, checkpoints and evidence are far shorter, saved as UTF-16
/// too.
const CARRIED_BYTES_MAX: u64 = 2 << 20;
/// So many bytes tell what a file is.
const HEAD_BYTES: u64 = 128 << 10;

/// What a path holds, told from its content.
pub enum Kind {
    /// A bundle, as a folder or an archive.
    Bundle(Box<dyn Source>),
    /// A pack.
    Pack(Vec<u8>),
    /// A receipt.
    Receipt(Vec<u8>),
    /// The receipt of a refusal.
    Refusal(Vec<u8>),
    /// Evidence of a fork.
    Fork(Vec<u8>),
    /// A checkpoint.
    Checkpoint(Vec<u8>),
}

/// Reads a path and tells what it holds.
pub fn kind(path: &Path) -> Result<Kind, CannotBegin> {
    let bad = |why: String| CannotBegin::File { path: path.shown().to_string(), why };
    if path.is_dir() {
        let folder = files::bundle(path).map_err(|why| bad(why.to_string()))?;
        return Ok(Kind::Bundle(Box::new(folder)));
    }
    let mut file = files::open(path, Links::Followed).map_err(|e| bad(e.to_string()))?;
    let mut head = Vec::new();
    (&mut file).take(HEAD_BYTES).read_to_end(&mut head).map_err(|e| bad(e.to_string()))?;
    if head.get(257..262) == Some(b"ustar") {
        let archive = Archive::open(path).map_err(|e| bad(e.why))?;
        return Ok(Kind::Bundle(Box::new(archive)));
    }
    // What it is shows at its beginning: only of a pack more is read than the others can have.
    let length = file.metadata().map_err(|e| bad(e.to_string()))?.len();
    if length > CARRIED_BYTES_MAX && transit::kind_of_changed(&head) != Some(transit::Kind::Pack) {
        return Err(bad(too_long(&head, length)));
    }
    file.rewind().map_err(|e| bad(e.to_string()))?;
    let bytes = files::read_all(file, PACK_BYTES_MAX).map_err(|e| bad(e.to_string()))?;
    Ok(match transit::kind_of_changed(&bytes) {
        Some(transit::Kind::Pack) => Kind::Pack(bytes),
        Some(transit::Kind::Receipt) => Kind::Receipt(bytes),
        Some(transit::Kind::Refusal) => Kind::Refusal(bytes),
        Some(transit::Kind::Fork) => Kind::Fork(bytes),
        Some(transit::Kind::Checkpoint) => Kind::Checkpoint(bytes),
        other => return Err(bad(neither(other, &bytes))),
    })
}

/// Why a file is not even read, told from its beginning.
fn too_long(head: &[u8], length: u64) -> String {
    use transit::Kind::{Checkpoint, Fork, Receipt, Refusal};
    let what = match transit::kind_of_changed(head) {
        Some(Receipt) => "receipt",
        Some(Refusal) => "receipt of a refusal",
        Some(Fork) => "evidence of a fork",
        Some(Checkpoint) => "checkpoint",
        other => return neither(other, head.trim_ascii()),
    };
    format!(
        "it begins as a {what}, and is longer than {CARRIED_BYTES_MAX} bytes ({length}), which none is: get it again"
    )
}

/// Why a file is none that can be checked, and what to do with it.
fn neither(kind: Option<transit::Kind>, bytes: &[u8]) -> String {
    let what = match kind {
        Some(transit::Kind::Policy) => "it is a policy, which nothing can verify: give it with --policy, beside a file",
        Some(transit::Kind::Vkey) => "it is a key: a policy names it, or --auditor does",
        Some(transit::Kind::Statement) => {
            "it is an auditor's statement: a pack carries it, and --auditor names its key"
        }
        Some(transit::Kind::Manifest) => "it is the manifest of a bundle: give the whole folder",
        Some(transit::Kind::Openings) => "it is a file of openings: give the bundle, and the folder with --openings",
        Some(transit::Kind::Parcels) => "it holds parcels of an outbox: `ledger take-in` takes the stick in",
        Some(transit::Kind::Answers) => "it holds answers to an outbox: `ledger outbox take-in` takes the stick in",
        _ => {
            return transit::instead(bytes).map_or_else(
                || {
                    "neither a bundle (folder or .tar), nor a pack, receipt, checkpoint or evidence of a fork"
                        .to_owned()
                },
                |what| what.to_string(),
            );
        }
    };
    what.to_owned()
}

/// The openings beside a bundle.
pub fn openings(folder: &Path) -> Result<Folder, CannotBegin> {
    let bad = |why: String| CannotBegin::File { path: folder.shown().to_string(), why };
    if !folder.is_dir() {
        return Err(bad("no folder".to_owned()));
    }
    files::openings(folder).map_err(|why| bad(why.to_string()))
}

/// Reads a small file.
pub fn file(path: &Path, max: u64) -> Result<Vec<u8>, CannotBegin> {
    let bad = |why: String| CannotBegin::File { path: path.shown().to_string(), why };
    files::read(path, max, Links::Followed).map_err(|e| bad(e.to_string()))
}

/// Reads the file of the policy that the reader holds.
pub fn policy_bytes(path: &Path) -> Result<Vec<u8>, CannotBegin> {
    let bad = |e: std::io::Error| CannotBegin::Policy { path: path.shown().to_string(), why: e.to_string() };
    files::read(path, POLICY_BYTES_MAX as u64, Links::Followed).map_err(bad)
}

/// Reads the policy that the reader holds.
pub fn policy(path: &Path) -> Result<Policy, CannotBegin> {
    let bad = |why: String| CannotBegin::Policy { path: path.shown().to_string(), why };
    let (policy, _) = files::policy(path).map_err(bad)?;
    if policy.logs.is_empty() {
        return Err(bad("it names no log, so there is nothing to check against".to_owned()));
    }
    Ok(policy)
}

/// Reads the policy that the reader holds, which none of what is checked may have brought.
pub fn policy_apart(path: &Path, checked: &[&Path]) -> Result<Policy, CannotBegin> {
    files::apart(path, checked)?;
    policy(path)
}

/// Reads an identity of oversight.
pub fn identity(path: &Path) -> Result<Identity, CannotBegin> {
    let bad = |why: String| CannotBegin::File { path: path.shown().to_string(), why };
    let bytes = output::read_secret(path, 65_536).map_err(|e| bad(e.to_string()))?;
    let bytes = bytes.ok_or_else(|| bad("no such file".to_owned()))?;
    Identity::parse(std::str::from_utf8(&bytes).unwrap_or_default()).map_err(|e| bad(e.to_string()))
}

/// Keys of auditors, each given as a vkey or as a file that holds one.
pub fn auditors(given: &[String]) -> Result<Vec<Vkey>, CannotBegin> {
    let one = |text: &String| {
        let bad = |why: String| CannotBegin::File { path: text.clone(), why };
        let vkey = match Vkey::parse(text) {
            Ok(vkey) => vkey,
            Err(_) => {
                let bytes = file(Path::new(text), 4_096)?;
                transit::vkey(&bytes).map_err(bad)?
            }
        };
        if vkey.alg == ALG_ED25519 { Ok(vkey) } else { Err(bad("an auditor's key is of type 01".to_owned())) }
    };
    given.iter().map(one).collect()
}

/// What is kept of a bundle that was checked, to set other files against it.
pub struct Gathered {
    /// All its hashes.
    pub levels: Levels,
    /// What its lawful erasures name, each with its erasure's position.
    pub erased: BTreeSet<(u64, Target)>,
}

/// Checks a bundle and keeps what other files are set against.
pub fn bundle_beside(source: &mut dyn Source, policy: &Policy) -> (Report, Gathered) {
    let gathered = Gathered { levels: Levels::default(), erased: BTreeSet::new() };
    let mut gather = Gather { gathered, bars: Bars::new() };
    let report = bundle::judge(source, policy, None, &mut gather, &Threads::new());
    gather.bars.finish();
    (report, gather.gathered)
}

/// Gathers the leaves of a bundle while it is checked.
struct Gather {
    gathered: Gathered,
    bars: Bars,
}

impl Visitor for Gather {
    fn entry(&mut self, entry: &Verified<Accepted>, _opened: &Opened) {
        self.gathered.levels.push(entry.get().leaf);
    }

    fn erased(&mut self, by: u64, target: &Target) {
        self.gathered.erased.insert((by, target.clone()));
    }

    fn document(&mut self, _digest: Hash, _bytes: &[u8]) {}

    fn progress(&mut self, step: &'static str, done: u64, total: u64) {
        self.bars.progress(step, done, total);
    }
}

/// Progress on a terminal, none in a pipe.
pub struct Bars {
    bar: indicatif::ProgressBar,
}

impl Bars {
    /// A bar that shows nothing yet.
    pub fn new() -> Self {
        let bar = indicatif::ProgressBar::new(0);
        let style = indicatif::ProgressStyle::with_template("{msg:8} {bar:40} {human_pos} of {human_len}");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        Self { bar }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Visitor for Bars {
    fn progress(&mut self, step: &'static str, done: u64, total: u64) {
        self.bar.set_message(step);
        self.bar.set_length(total);
        self.bar.set_position(done);
    }
}
