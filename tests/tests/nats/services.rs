//! Ledger, witness, projector and desk as four processes with a broker between them, each killed in turn under load.

use std::path::Path;

use ledger::nats::Identity;
use schemas::note::Origin;
use tests::services::{Feed, Services};

use crate::server::Server;

const ORIGIN: &str = "services-nats.example/log";

#[test]
fn each_of_the_five_is_killed_in_turn_and_nothing_answered_is_lost() {
    let programs = Path::new(env!("CARGO_BIN_EXE_demo")).parent().unwrap();
    let mut server = Server::start(&Origin::parse(ORIGIN).unwrap());
    let password = server.password().to_str().unwrap().to_owned();
    let config = format!(
        "[nats]\nservers = [\"nats://127.0.0.1:{}\"]\nuser = \"ledger\"\npassword_file = \"{password}\"\nreplicas = 1\nack_seconds = 2\n",
        server.port
    );
    let arguments = ["--feed", &format!("nats://projector@127.0.0.1:{}", server.port), "--password-file", &password];
    let feed = Feed { config, arguments: arguments.map(str::to_owned).to_vec() };
    let services = Services::before(programs, ORIGIN, feed, |writer| {
        let (settings, identity) = (server.settings("setup"), Identity::of(writer).unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(ledger::nats::set_up(&settings, &identity)).unwrap();
    });
    services.kill_each_in_turn(6, || {
        server.kill();
        server.again();
    });
}
