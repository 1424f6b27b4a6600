//! What the operator has: figures, health, one configuration file, a unit for systemd.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::common::World;

fn serve(world: &World, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ledger"));
    command.arg("serve").arg(world.home.folder()).args(arguments).output().unwrap()
}

#[test]
fn the_configuration_is_printed_and_a_bad_one_refused() {
    let printed = Command::new(env!("CARGO_BIN_EXE_ledger")).args(["serve", "--print-config"]).output().unwrap();
    let committed = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("service/ledger.toml")).unwrap();
    assert_eq!(String::from_utf8(printed.stdout).unwrap(), committed);
    let world = World::new();
    let file = world.path("bad.toml");
    let path = file.to_str().unwrap();
    for (text, code, says) in [
        ("[listen]\nport = 1\n", 1, "unknown field `port`"),
        ("[listen]\naddress = \"127.0.0.1:0\"\n[tls]\ncertificate = \"a.pem\"\n", 1, "both certificate and key"),
        ("[tls]\ncertificate = \"no.pem\"\nkey = \"no.key\"\n", 2, "no.pem"),
        ("[readings]\nkeys = \"nowhere\"\n", 1, "no key of a holder of the operator"),
        ("[listen]\naddress = \"192.0.2.1:7370\"\n", 2, "cannot listen on 192.0.2.1:7370"),
    ] {
        fs::write(&file, text).unwrap();
        let output = serve(&world, &["--config", path]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{text}: {said}");
        assert!(said.contains(says), "{text}: {said}");
    }
    let output = serve(&world, &["--config", "/no/such/file"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn figures_count_and_name_nobody() {
    let mut world = World::new();
    let server = world.serve("");
    let parcels = [world.attempt("cso-x", "x1"), world.attempt_by("cso-x", &world.key("cso-x", "stranger"))];
    assert_eq!(server.post(&world.key("cso-x", "x1"), &parcels).status, 200);
    assert_eq!(server.get("/receipts/xyz").status, 400);
    let figures = server.get("/metrics");
    assert!(figures.field("content-type").starts_with("application/openmetrics-text"));
    let text = figures.text();
    for line in [
        "ledger_events_total{outcome=\"fresh\"} 1",
        "ledger_events_total{outcome=\"refused\"} 1",
        "ledger_requests_total{path=\"/events\",method=\"POST\",status=\"2xx\"} 1",
        "ledger_problems_total{name=\"bad-request\"} 1",
        "ledger_requests_now 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}:\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
    for name in ["cso", "x1", "xyz", "127.0.0.1"] {
        assert!(!text.contains(name), "{name}");
    }
    drop(server);
    let elsewhere = world.serve("[metrics]\naddresses = []\n");
    assert_eq!((elsewhere.get("/metrics").status, elsewhere.get("/healthz").status), (403, 200));
}

#[test]
fn a_proxy_is_believed_only_where_it_is_configured() {
    let world = World::new();
    let fields = [("X-Forwarded-For", "198.51.100.7")];
    let server = world.serve("");
    assert_eq!(server.ask("GET", "/metrics", &fields, b"").unwrap().status, 200);
    drop(server);
    let server = world.serve("[proxy]\naddresses = [\"127.0.0.1\"]\ntls = false\n");
    assert_eq!(server.ask("GET", "/metrics", &fields, b"").unwrap().status, 403);
    assert_eq!(server.get("/metrics").status, 200);
}

#[test]
fn the_document_names_what_is_there() {
    let world = World::new();
    let server = world.serve("");
    let document = server.get("/openapi.json");
    assert_eq!((document.status, document.field("content-type")), (200, "application/json"));
    let document = document.json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    for (path, methods) in document["paths"].as_object().unwrap() {
        // Every path of the document is known: something else is wrong with such a request, or nothing.
        let target = path.replace("{index}", "000").replace("{level}", "0").replace("{size}", "1");
        let target = target.replace("{digest}", &"0".repeat(64)).replace("{event}", &"0".repeat(64));
        for method in methods.as_object().unwrap().keys().filter(|_| path != "/feed") {
            let answer = server.ask(&method.to_ascii_uppercase(), &target, &[], b"").unwrap();
            assert!(!matches!(answer.problem().as_str(), "no-such-path" | "method" | "failure"), "{method} {path}");
        }
    }
}

#[test]
fn the_unit_is_one_that_systemd_takes() {
    let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join("service/ledger.service");
    let text = fs::read_to_string(&unit).unwrap();
    for hardening in ["NoNewPrivileges=true", "ProtectSystem=strict", "CapabilityBoundingSet=\n", "PrivateTmp=true"] {
        assert!(text.contains(hardening), "{hardening}");
    }
    for line in text.lines().filter(|line| !(line.is_empty() || line.starts_with('#') || line.starts_with('['))) {
        assert!(
            line.split_once('=').is_some_and(|(name, _)| name.bytes().all(|b| b.is_ascii_alphanumeric())),
            "{line}"
        );
    }
    // Where systemd is at hand it says itself what it thinks of it.
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().join("ledger.service");
    fs::write(&here, text.replace("/usr/local/bin/ledger", env!("CARGO_BIN_EXE_ledger"))).unwrap();
    if let Ok(output) = Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&here).output() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let ours: Vec<&str> = said.lines().filter(|line| line.contains("ledger.service")).collect();
        assert!(ours.is_empty(), "{ours:?}");
    }
}
