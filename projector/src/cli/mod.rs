//! The parts of the command that have a file of their own.

pub mod serve;
