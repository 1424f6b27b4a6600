//! Ledger, witness, projector and desk as four processes, each killed in turn under load.

mod malformed;
mod names;
mod outputs;
mod paths;

use std::path::Path;

use tests::services::{Feed, Services};

#[test]
fn each_of_the_four_is_killed_in_turn_and_nothing_answered_is_lost() {
    let programs = Path::new(env!("CARGO_BIN_EXE_demo")).parent().unwrap();
    let feed = Feed { config: String::new(), arguments: Vec::new() };
    Services::start(programs, "services.example/log", feed).kill_each_in_turn(6, || {});
}
