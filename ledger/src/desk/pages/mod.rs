//! The pages of the desk, drawn on this side: no page needs a script to be read or used.

pub mod approve;
pub mod file;
pub mod form;
pub mod home;
pub mod line;
pub mod owed;
pub mod record;
pub mod records;
pub mod shell;
mod show;
pub mod told;
pub mod value;

pub(super) use show::Show;
