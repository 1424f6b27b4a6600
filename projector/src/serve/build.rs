//! Everything that follows from the entries: follower, views, and what could not be folded. Made anew from the copy at
//! every start and rebuild, and grown by what comes.

use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use schemas::catalogue::Catalogue;
use schemas::entry::Entry;
use schemas::hash::Hash;
use schemas::note::Origin;
use verifier::bundle::Opened;
use verifier::fault::Fault;
use verifier::files::{Links, read};
use verifier::follower::{Accepted, Follower};
use verifier::output::{self, Readers};
use verifier::times::Times;

use super::copy::Reading;
use super::notice::{Unfolded, Why};
use super::openings::Openings;
use crate::digest::Digests;
use crate::fold::Fold;
use crate::profile::{PROFILE_BYTES_MAX, Profile};
use crate::projection::When;

/// Openings that do not fit and are kept as notices; more are counted by nobody.
const MISFITS_MAX: usize = 100;

/// Why a build cannot go on.
#[derive(Debug)]
pub enum Halt {
    /// The log was caught lying.
    Fault(Fault),
    /// It says something that this program does not know.
    Unfolded(Unfolded),
}

/// Documents that were fetched, in the state folder: a rebuild must find what the first run found.
#[derive(Clone, Debug)]
pub struct Documents(PathBuf);

impl Documents {
    /// Those in a state folder.
    pub fn new(state: &Path) -> Self {
        Self(state.join("documents"))
    }

    /// The document of that digest, if it was fetched.
    pub fn read(&self, digest: &Hash) -> Option<Vec<u8>> {
        read(&self.0.join(digest.to_hex()), PROFILE_BYTES_MAX as u64, Links::Followed)
            .ok()
            .filter(|bytes| Hash::of(&[bytes]) == *digest)
    }

    /// Keeps a document, if it is the one of that digest; says whether it is.
    ///
    /// # Errors
    /// What the system says.
    pub fn keep(&self, digest: &Hash, bytes: &[u8]) -> io::Result<bool> {
        if bytes.len() > PROFILE_BYTES_MAX || Hash::of(&[bytes]) != *digest {
            return Ok(false);
        }
        output::create_folders(&self.0, Readers::Owner)?;
        super::book::replace(&self.0, &digest.to_hex(), bytes)?;
        Ok(true)
    }
}

/// Follower and views over the first so many entries.
#[derive(Debug)]
pub struct Build {
    follower: Follower,
    fold: Fold,
    digests: Digests,
    documents: Documents,
    openings: Option<Openings>,
    /// What could not be folded, by position.
    unfolded: BTreeMap<u64, Unfolded>,
    /// Openings that do not fit, for oversight.
    misfits: Vec<String>,
    /// Documents that are wanted and not at hand.
    wanted: Vec<Hash>,
}

impl Build {
    /// Before the first entry.
    pub fn new(origin: Origin, documents: Documents, openings: Option<Openings>) -> Self {
        Self {
            follower: Follower::new(origin),
            fold: Fold::new(When::Live, openings.is_some()),
            digests: Digests::default(),
            documents,
            openings,
            unfolded: BTreeMap::new(),
            misfits: Vec::new(),
            wanted: Vec::new(),
        }
    }

    /// Entries taken.
    pub fn size(&mut self) -> u64 {
        self.follower.state().size()
    }

    /// Their root.
    pub fn root(&mut self) -> Hash {
        self.follower.state().root()
    }

    /// Batches that they form.
    pub fn batches(&mut self) -> u64 {
        self.follower.state().batches()
    }

    /// The fold.
    pub fn fold(&mut self) -> &mut Fold {
        &mut self.fold
    }

    /// The state digest.
    pub fn digest(&mut self) -> Hash {
        self.digests.of(self.fold.views())
    }

    /// What could not be folded, in log order.
    pub fn unfolded(&self) -> impl Iterator<Item = &Unfolded> {
        self.unfolded.values()
    }

    /// Openings that do not fit, in words.
    pub fn misfits(&self) -> &[String] {
        &self.misfits
    }

    /// Documents that entries have adopted and that are not at hand.
    pub fn wanted(&self) -> &[Hash] {
        &self.wanted
    }

    /// Whether it can do with this program what it reads openings with.
    pub fn reads_openings(&self) -> bool {
        self.openings.is_some()
    }

    /// Takes the entries between two places of a copy, the last of which ends a batch. `times` are those of the
    /// witnesses; `get` fetches a document that an entry adopts; `done` hears how far it is and says whether to go on.
    ///
    /// # Errors
    /// The outer for the disk, the inner where the build cannot go on: then it is of no use any more.
    pub fn take(
        &mut self,
        copy: &Path,
        range: (u64, u64),
        mut times: Option<Times>,
        get: &mut dyn FnMut(&Hash) -> Option<Vec<u8>>,
        done: &mut dyn FnMut(u64) -> bool,
    ) -> io::Result<Result<(), Halt>> {
        let mut reading = Reading::open(copy, range.0, range.1)?;
        let mut taken = self.size();
        while let Some(entry) = reading.entry()? {
            let pushed = self.follower.push(entry);
            let ready = self.follower.ready();
            if let Err(halt) = self.fold_all(&ready, times.as_mut(), get) {
                return Ok(Err(halt));
            }
            if let Err(fault) = pushed {
                let entry = entry.to_vec();
                return self.halt(fault, &entry, &mut reading, times.as_mut()).map(Err);
            }
            taken += 1;
            if taken.is_multiple_of(4096) && !done(taken) {
                return Err(io::ErrorKind::Interrupted.into());
            }
        }
        let ready = match self.follower.drain() {
            Ok(ready) => ready,
            Err(fault) => return Ok(Err(Halt::Fault(fault))),
        };
        if let Err(halt) = self.fold_all(&ready, times.as_mut(), get) {
            return Ok(Err(halt));
        }
        let state = self.follower.state();
        if state.size() > 0 && !state.is_sealed() {
            let position = state.size().saturating_sub(1);
            return Ok(Err(Halt::Fault(Fault::NotSealed { position })));
        }
        Ok(Ok(()))
    }

    /// What another catalogue may allow is no lie where the log has adopted it. Of that entry and those after it what hangs
    /// on no catalogue is asked all the same.
    fn halt(
        &mut self,
        fault: Fault,
        entry: &[u8],
        after: &mut Reading,
        mut times: Option<&mut Times>,
    ) -> io::Result<Halt> {
        let Some(parsed) = Entry::parse(entry).ok().filter(|_| self.follower.is_beyond()) else {
            return Ok(Halt::Fault(fault));
        };
        let unfolded = Unfolded {
            position: parsed.position,
            kind: parsed.signed.event.kind.clone(),
            why: Why::UnknownType { v: parsed.signed.event.v },
        };
        let mut pass = |bytes: &[u8]| {
            self.follower.pass(bytes)?;
            let late = Entry::parse(bytes).ok().and_then(|entry| times.as_mut()?.see(&entry));
            late.map_or(Ok(()), Err)
        };
        let mut passed = pass(entry);
        while passed.is_ok()
            && let Some(next) = after.entry()?
        {
            passed = pass(next);
        }
        let passed = passed.and_then(|()| self.follower.end_passing());
        Ok(passed.map_or_else(Halt::Fault, |()| Halt::Unfolded(unfolded)))
    }

    fn fold_all(
        &mut self,
        entries: &[verifier::Verified<Accepted>],
        mut times: Option<&mut Times>,
        get: &mut dyn FnMut(&Hash) -> Option<Vec<u8>>,
    ) -> Result<(), Halt> {
        for entry in entries {
            let accepted = entry.get();
            if let Some(fault) = times.as_mut().and_then(|times| times.see(&accepted.entry)) {
                return Err(Halt::Fault(fault));
            }
            self.adopt(accepted, get);
            let opened = match &mut self.openings {
                Some(openings) => {
                    let (opened, misfit) = openings.of(accepted);
                    if let Some(misfit) = misfit.filter(|_| self.misfits.len() < MISFITS_MAX) {
                        self.misfits.push(misfit.to_string());
                    }
                    opened
                }
                None => Opened::default(),
            };
            // A fold that fails is a fault of this program; the entry is named, and nothing after it is folded.
            let folded = catch_unwind(AssertUnwindSafe(|| self.fold.entry(entry, &opened)));
            if folded.is_err() {
                let (position, kind) = (accepted.entry.position, accepted.entry.signed.event.kind.clone());
                return Err(Halt::Unfolded(Unfolded { position, kind, why: Why::Failed }));
            }
        }
        Ok(())
    }

    /// What an entry adopts is fetched before it is folded; what cannot be had is told.
    fn adopt(&mut self, accepted: &Accepted, get: &mut dyn FnMut(&Hash) -> Option<Vec<u8>>) {
        let event = &accepted.entry.signed.event;
        let digest = |field| event.text(field).and_then(Hash::from_hex);
        let why = match event.kind.as_str() {
            "schema.adopted" => {
                let Some(digest) = digest("catalogue").filter(|d| *d != Catalogue::built_in().digest()) else { return };
                Why::Catalogue { digest }
            }
            "rule.profile.adopted" => {
                let Some(digest) = digest("profile") else { return };
                if self.fold.has_profile(&digest) {
                    return;
                }
                let found = self.documents.read(&digest).or_else(|| get(&digest));
                match found.map(|bytes| (Profile::parse(&bytes), bytes)) {
                    Some((Ok(_), bytes)) => {
                        self.fold.document(&digest, &bytes);
                        return;
                    }
                    Some((Err(why), _)) => Why::Profile { digest, why },
                    None => {
                        self.wanted.push(digest);
                        Why::Missing { digest }
                    }
                }
            }
            _ => return,
        };
        let (position, kind) = (accepted.entry.position, event.kind.clone());
        self.unfolded.insert(position, Unfolded { position, kind, why });
    }
}
