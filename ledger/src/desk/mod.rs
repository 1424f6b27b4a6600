//! The desk: a local web page for the officer of an institution without IT staff.
//!
//! A newcomer's map: `door` says who may come in; `http` is the server; `work` is what can be done; `form` makes a
//! form of an event type and a register row of what was typed; `pages/` draws; `words` and `text/` hold what the
//! desk says; `seen` is what it knows of the log; `carry` sends what waits.
//!
//! Everything is put on this machine's disk before anything is sent, so that all of it works with the line cut.

pub mod carry;
pub mod door;
pub mod form;
pub mod held;
pub mod http;
pub mod office;
pub mod pages;
pub mod posted;
pub mod seen;
pub mod words;
pub mod work;

pub use http::{BadDesk, Listening, serve};
pub use work::Desk;
