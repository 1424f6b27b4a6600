//! The sample country's pages as a reader gets them: made again from files alone, and, where there is a browser,
//! opened in it.

mod again;
#[cfg(feature = "browser")]
mod browser;
#[cfg(feature = "browser")]
mod look;
mod velmora;
