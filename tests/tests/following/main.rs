//! The projector as a service: what it believes of a feed, what a kill leaves behind, what readers are shown.

mod common;
mod faults;
mod feeds;
mod kill;
mod pages;
mod program;
