//! The world in one process: the demo, and what the tests that cross crates share.
//!
//! [`world`] makes a small country and its bundle by the same way as a real ledger; [`memory`]
//! holds a bundle where it can be bent; [`forge`] is the operator who lies, and [`packs`] what it
//! hands to one party; [`services`] is all of it as processes that can be killed.

pub mod demo;
pub mod dice;
pub mod forge;
pub mod lawful;
pub mod memory;
pub mod packs;
pub mod services;
pub mod world;
