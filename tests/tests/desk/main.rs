//! The desk of an institution: what it says is owed is what the rules judge, and, where there is a browser, its
//! pages in it, with the line cut, a second person, wrong files and hostile requests.

#[cfg(feature = "browser")]
mod cable;
#[cfg(feature = "browser")]
mod chrome;
#[cfg(feature = "browser")]
mod common;
mod duties;
#[cfg(feature = "browser")]
mod hostile;
#[cfg(feature = "browser")]
mod look;
#[cfg(feature = "browser")]
mod use_it;
