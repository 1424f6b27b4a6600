//! The folder of a ledger: what lies where.

use std::path::{Path, PathBuf};

use schemas::file_name::encode_part;

use crate::failure::Failure;
use crate::files;

/// Where the parts of a ledger lie within its folder.
#[derive(Clone, Debug)]
pub struct Home(PathBuf);

impl Home {
    /// The ledger in this folder.
    pub fn new(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// The folder itself.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// The sled store.
    pub fn store(&self) -> PathBuf {
        self.0.join("store")
    }

    /// There while the ledger is begun, and never afterwards.
    pub(crate) fn begun(&self) -> PathBuf {
        self.0.join("begun")
    }

    /// A key of the ledger's own that lies where none has begun, and that no beginning which was cut short has made. Where
    /// more is left of a ledger, that says more.
    ///
    /// # Errors
    /// [`Failure`] if the folder of keys cannot be read.
    pub fn earlier_key(&self) -> Result<Option<PathBuf>, Failure> {
        if self.begun().exists() || self.used().exists() || self.checkpoint().exists() || self.holds_something() {
            return Ok(None);
        }
        let mut own = std::iter::once(self.log_key()).chain(self.seal_keys()?);
        Ok(own.find(|path| path.exists()))
    }

    /// Whether anything is there that only a ledger writes.
    pub(crate) fn holds_something(&self) -> bool {
        let own = [self.store(), self.openings(), self.published(), self.state(), self.served(), self.evidence()];
        own.iter().any(|path| path.exists())
    }

    /// The first thing in the folder that is no ledger's, where no ledger is or was.
    ///
    /// # Errors
    /// [`Failure`] if the folder cannot be read.
    pub fn strange(&self) -> Result<Option<PathBuf>, Failure> {
        if !self.0.is_dir() || self.checkpoint().exists() || self.begun().exists() || self.holds_something() {
            return Ok(None);
        }
        // What may be laid there beforehand.
        let own = ["keys", "ledger.toml", "lost+found", "policy"];
        let io = |source| Failure::Io { doing: "read", path: self.0.clone(), source };
        for entry in std::fs::read_dir(&self.0).map_err(io)? {
            let entry = entry.map_err(io)?;
            if !own.iter().any(|name| entry.file_name() == *name) {
                return Ok(Some(entry.path()));
            }
        }
        Ok(None)
    }

    /// Openings beside the log.
    pub fn openings(&self) -> PathBuf {
        self.0.join("openings")
    }

    /// Keys of the openings, a file apart from them and from every backup of them.
    pub fn opening_keys(&self) -> PathBuf {
        self.0.join("opening-keys")
    }

    /// Which entries are erasures, and how far the log was searched for them; made again where it is not there.
    pub(crate) fn erasures(&self) -> PathBuf {
        self.0.join("erasures")
    }

    /// The last signed checkpoint, apart from the store.
    pub fn checkpoint(&self) -> PathBuf {
        self.0.join("checkpoint")
    }

    /// What the last stop left, so that the next start need not read the whole log. It may be removed at any time.
    pub fn state(&self) -> PathBuf {
        self.0.join("state")
    }

    /// Adopted catalogues and profiles, named by their digests.
    pub fn documents(&self) -> PathBuf {
        self.0.join("documents")
    }

    /// Key that signs checkpoints.
    pub fn log_key(&self) -> PathBuf {
        self.0.join("keys").join("log.key")
    }

    /// Key that signs seals.
    pub fn seal_key(&self) -> PathBuf {
        self.0.join("keys").join("seal.key")
    }

    /// All keys of seals, one an epoch that this ledger wrote: `seal.key`, then `seal.<writer>.key`.
    ///
    /// # Errors
    /// [`Failure`] if the folder cannot be read.
    pub fn seal_keys(&self) -> Result<Vec<PathBuf>, Failure> {
        let folder = self.0.join("keys");
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        let ends = |name: &str| name.strip_suffix(".key").is_some();
        files::list(&folder, |name| name == "seal.key" || (name.starts_with("seal.") && ends(name)))
    }

    /// Key that signs seals once that writer has taken over.
    pub fn seal_key_of(&self, writer: &str) -> PathBuf {
        self.0.join("keys").join(format!("seal.{}.key", encode_part(writer)))
    }

    /// What the importer has signed.
    pub fn outbox(&self) -> PathBuf {
        self.0.join("outbox")
    }

    /// Events that wait for a second signature.
    pub fn drafts(&self) -> PathBuf {
        self.0.join("drafts")
    }

    /// Sealed records that wait for the weekly batch, and which outer record each became.
    pub fn intake(&self) -> PathBuf {
        self.0.join("intake")
    }

    /// Where a command puts what it has been given, while it reads it.
    pub fn incoming(&self) -> PathBuf {
        self.0.join("incoming")
    }

    /// The country's rule profile, as the ledger was begun with it.
    pub fn profile(&self) -> PathBuf {
        self.0.join("profile.toml")
    }

    /// The parties, as the ledger was begun with them.
    pub fn parties(&self) -> PathBuf {
        self.0.join("parties.csv")
    }

    /// The policy to hand to whoever verifies the log.
    pub fn policy(&self) -> PathBuf {
        self.0.join("policy")
    }

    /// The newest checkpoint that reached the policy's quorum, with its cosignatures.
    pub fn published(&self) -> PathBuf {
        self.0.join("published")
    }

    /// Where this ledger has put what bears its log's signature.
    pub fn places(&self) -> PathBuf {
        self.0.join("places")
    }

    /// Copies of what contradicted this ledger.
    pub fn evidence(&self) -> PathBuf {
        self.0.join("evidence")
    }

    /// There once the log's key has signed: whoever finds the keys alone knows that a log was signed with them.
    pub(crate) fn used(&self) -> PathBuf {
        self.0.join("keys").join("used")
    }

    /// Signed requests that were taken, for as long as one could come again.
    pub fn requests(&self) -> PathBuf {
        self.0.join("requests")
    }

    /// By when at the latest all signed requests that were taken expire.
    pub fn served(&self) -> PathBuf {
        self.0.join("served")
    }

    /// What was read and no record speaks of yet.
    pub fn readings_owed(&self) -> PathBuf {
        self.0.join("readings-owed")
    }

    /// When the operator confirmed last that the clock is right.
    pub fn clock(&self) -> PathBuf {
        self.0.join("clock-confirmed")
    }

    /// There while a clock that jumped is not believed: what it should have shown, and what it showed.
    pub fn clock_doubt(&self) -> PathBuf {
        self.0.join("clock-doubt")
    }

    /// Pseudonyms of parties that are not named.
    pub fn pseudonyms(&self) -> PathBuf {
        self.0.join("pseudonyms")
    }
}
