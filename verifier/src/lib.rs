//! What anyone may *believe*.
//!
//! Signatures, keyring, tree, index, admission, the follower of a log and the check of a bundle.
//! Pure: no clock, no disk, no network; only the feature `files` adds the reading of folders.
//!
//! [`Verified`] is the first door: no other crate can make one, so nothing that a feed or a
//! reporter merely says can reach the planner or a view.

pub mod admit;
#[cfg(feature = "files")]
pub mod archive;
pub mod audience;
pub mod bundle;
mod chains;
pub mod compare;
pub mod crew;
pub mod door;
pub mod doubt;
pub mod epoch;
pub mod erasures;
pub mod fault;
#[cfg(feature = "files")]
pub mod files;
#[cfg(feature = "files")]
mod find;
pub mod follower;
pub mod given;
pub mod head;
pub mod http_request;
pub mod index;
mod kept;
pub mod keyring;
pub mod levels;
#[cfg(feature = "listen")]
pub mod listen;
pub mod mine;
mod names;
#[cfg(feature = "files")]
pub mod output;
pub mod pack;
#[cfg(feature = "paper")]
pub mod paper;
mod place;
pub mod receipt;
pub mod recipients;
pub mod refusal;
pub mod report;
pub mod signature;
pub mod state;
pub mod statement;
pub mod succession;
#[cfg(feature = "terminal")]
pub mod terminal;
#[cfg(feature = "files")]
pub mod threads;
mod tiles;
pub mod times;
pub mod transit;
pub mod tree;
#[cfg(feature = "age")]
pub mod unseal;
mod verified;
pub mod witness;

pub use verified::Verified;

/// The page that verifies offline, one file; every bundle carries it as [`PAGE_NAME`].
pub const PAGE: &str = include_str!("../web/verify.html");
/// Pages of releases: lines of a SHA-256 in hex and the release.
const PAGES_RELEASED: &str = include_str!("../web/released");

/// Whether a file of that digest is the page of this version, or of a release that it knows. FORMAT.md 13.
pub fn is_known_page(digest: &schemas::hash::Hash) -> bool {
    let released = |line: &str| line.split_once(' ').and_then(|(hash, _)| schemas::hash::Hash::from_hex(hash));
    *digest == schemas::hash::Hash::of(&[PAGE.as_bytes()])
        || PAGES_RELEASED.lines().filter(|line| !line.starts_with('#')).any(|line| released(line) == Some(*digest))
}

/// Where the page lies in a bundle. FORMAT.md 13.
pub const PAGE_NAME: &str = "verify.html";
