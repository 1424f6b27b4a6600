//! The world in one process: the demo, and what the tests that cross crates share.

pub mod demo;
