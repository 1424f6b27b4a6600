//! Three servers, as a ledger that matters has them: the leader of the stream is killed while batches come.

use ledger::nats::{self, NatsSettings, Stand, Trouble};
use serde_json::Value;

use crate::server::Server;
use crate::small::{Ledger, names, origin, soon};

#[tokio::test(flavor = "multi_thread")]
async fn three_servers_go_on_without_the_one_that_led() {
    let mut servers: Vec<Server> = (0..3).map(|_| Server::away(&origin(), |text| text)).collect();
    let routes: Vec<String> = servers.iter().map(|server| format!("nats://127.0.0.1:{}", server.route())).collect();
    for (number, server) in servers.iter_mut().enumerate() {
        let route = server.route();
        let routes = routes.join(", ");
        let own = format!(
            "server_name: n{number}\ncluster {{ name: c, listen: \"127.0.0.1:{route}\", routes: [ {routes} ] }}\n"
        );
        server.bend(|text| own + &text);
        server.again();
    }
    let addresses: Vec<String> = servers.iter().map(|server| format!("nats://127.0.0.1:{}", server.port)).collect();
    let settings = |user: &str| NatsSettings { servers: addresses.clone(), replicas: 3, ..servers[0].settings(user) };
    let (setup, own) = (settings("setup"), settings("ledger"));
    let mut ledger = Ledger::new();
    let made = async {
        // Until the three have agreed who leads, nobody answers.
        while let Err(trouble) = ledger.set_up(&setup).await {
            assert!(matches!(trouble, Trouble::Away(_) | Trouble::Bad(nats::BadNats::Uncreated { .. })), "{trouble}");
        }
    };
    soon("a leader", made).await;
    let nats = nats::start(own, &ledger.sequencer).await.unwrap();
    let mut status = nats.status();
    ledger.commits(5).await;
    ledger.all_sent(&mut status).await;
    let led = {
        let root = servers[0].root().await;
        let info = root.ask(&format!("STREAM.INFO.{}", names().stream()), Value::Null).await;
        let name = info["cluster"]["leader"].as_str().unwrap().to_owned();
        name.strip_prefix('n').unwrap().parse::<usize>().unwrap()
    };
    servers[led].kill();
    ledger.commits(20).await; // nobody waits
    ledger.all_sent(&mut status).await;
    assert_eq!(status.borrow().stand, Stand::Sending);
    ledger.holds_against(&servers[(led + 1) % 3].root().await).await;
    nats.stop().await;
}
