//! The witness as people run it: a process, its files, and what they answer over HTTP.

mod common;
mod kill;
mod paths;
mod serve;
