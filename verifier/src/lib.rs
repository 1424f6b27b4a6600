//! What anyone may *believe*.
//!
//! Signatures, keyring, tree, index, admission, the follower of a log and the check of a bundle.
//! Pure: no clock, no disk, no network; only the feature `files` adds the reading of folders.
//!
//! [`Verified`] is the first door: no other crate can make one, so nothing that a feed or a
//! reporter merely says can reach the planner or a view.

pub mod admit;
pub mod audience;
pub mod bundle;
pub mod erasures;
pub mod fault;
#[cfg(feature = "files")]
pub mod files;
pub mod follower;
pub mod head;
pub mod index;
pub mod keyring;
mod place;
pub mod recipients;
pub mod refusal;
pub mod report;
pub mod signature;
pub mod state;
mod tiles;
pub mod tree;
#[cfg(feature = "age")]
pub mod unseal;
mod verified;

pub use verified::Verified;
