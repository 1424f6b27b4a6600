//! The durable rim with real files and real kills: store, probe, vault and anchor.

mod common;
mod damage;
mod disk;
mod lines;
mod stop;
mod store;

use std::path::PathBuf;

/// Not a test of its own: what this executable does when another test has started it as a child.
#[test]
fn child() {
    ledger::probe::take_over();
    let Ok(role) = std::env::var(common::ROLE) else { return };
    let folder = PathBuf::from(std::env::var_os(common::FOLDER).unwrap());
    match role.as_str() {
        "commit" => store::commit_for_ever(&folder),
        "hold" => store::hold(&folder),
        "open" => store::try_open(&folder),
        "sync" => store::sync_pipe(&folder),
        "live" => disk::live(&folder),
        "anchor" => lines::anchor_for_ever(&folder),
        "append" => lines::append_for_ever(&folder),
        "replace" => lines::replace_for_ever(&folder),
        other => panic!("no such role: {other}"),
    }
}
