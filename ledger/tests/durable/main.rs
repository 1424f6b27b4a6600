//! The durable rim with real files and real kills: store, probe, vault and anchor.

mod common;
mod damage;
mod store;
mod vault;

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
        "anchor" => vault::anchor_for_ever(&folder),
        "append" => vault::append_for_ever(&folder),
        "replace" => vault::replace_for_ever(&folder),
        other => panic!("no such role: {other}"),
    }
}
