//! A witness as a server: its key file, its one state file, HTTP. Feature `witness`.

pub mod key_file;
pub mod server;
pub mod state_file;
