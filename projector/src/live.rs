//! Feeds that go on: where a service gets the log from, piece by piece.
//!
//! A feed is transport and nothing more. It says which checkpoint is the newest and hands over the bytes of entries;
//! whether either is to be believed is decided by [`crate::serve::follow`]. So a feed may be slow, cut, stale or hostile, and
//! the worst that it can do is to give nothing.
//!
//! A new feed is an implementation of [`Live`].

pub mod event_stream;
pub mod http;
pub mod nats;
pub mod tiles;

use std::time::Duration;

use schemas::hash::Hash;

/// Why a feed gave nothing of use. Asking again later is right; nobody is accused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Disturbed {
    /// A file, an address or a stream did not answer, or answered with something else.
    #[error("{place}: {why}")]
    Silent {
        /// Which.
        place: String,
        /// What was said.
        why: String,
    },
    /// It stopped before the last entry that its checkpoint covers.
    #[error("{place}: it ends before entry {position}, which its checkpoint covers")]
    Short {
        /// Which.
        place: String,
        /// The first entry that is missing.
        position: u64,
    },
    /// What came is not in the form that this feed has.
    #[error("{place}: {what}")]
    Malformed {
        /// Which.
        place: String,
        /// What is wrong.
        what: String,
    },
}

/// Whether more entries are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Go {
    /// Yes.
    On,
    /// No: the feed stops, and nothing is wrong with it.
    Stop,
}

/// A feed that goes on.
pub trait Live: Send {
    /// The note of the newest checkpoint at hand. Where nothing seems to have come beyond `size` entries, the feed may
    /// wait for news, at most about `patience`; `None` if there was none.
    ///
    /// # Errors
    /// [`Disturbed`].
    fn checkpoint(&mut self, size: u64, patience: Duration) -> Result<Option<Vec<u8>>, Disturbed>;

    /// Hands over the entries from position `from` up to `to`, in order, until `take` has had enough.
    ///
    /// # Errors
    /// [`Disturbed`].
    fn entries(&mut self, from: u64, to: u64, take: &mut dyn FnMut(&[u8]) -> Go) -> Result<(), Disturbed>;

    /// A document that an entry adopts; `None` where this feed does not have it.
    ///
    /// # Errors
    /// [`Disturbed`].
    fn document(&mut self, digest: &Hash) -> Result<Option<Vec<u8>>, Disturbed>;

    /// What was handed over is not what the checkpoint covers: it is to be fetched anew.
    fn reset(&mut self) {}

    /// Everything up to here is on our disk: `size` entries in `batches` batches.
    fn kept(&mut self, _size: u64, _batches: u64) {}
}

/// A feed whose documents lie elsewhere, or there too.
pub struct WithDocuments {
    /// The feed.
    pub feed: Box<dyn Live>,
    /// Where documents are that it does not have.
    pub documents: Box<dyn Live>,
}

impl Live for WithDocuments {
    fn checkpoint(&mut self, size: u64, patience: Duration) -> Result<Option<Vec<u8>>, Disturbed> {
        self.feed.checkpoint(size, patience)
    }

    fn entries(&mut self, from: u64, to: u64, take: &mut dyn FnMut(&[u8]) -> Go) -> Result<(), Disturbed> {
        self.feed.entries(from, to, take)
    }

    fn document(&mut self, digest: &Hash) -> Result<Option<Vec<u8>>, Disturbed> {
        match self.feed.document(digest) {
            Ok(Some(found)) => Ok(Some(found)),
            _ => self.documents.document(digest),
        }
    }

    fn reset(&mut self) {
        self.feed.reset();
    }

    fn kept(&mut self, size: u64, batches: u64) {
        self.feed.kept(size, batches);
    }
}
