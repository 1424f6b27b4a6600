//! TLS by the server itself.

use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, Stream, crypto::ring};

use crate::common::{Signing, World, connect, lines, request};

/// Made for these tests with `openssl`, good for localhost until 2125; its key is known to everybody.
fn file(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/serve/localhost").join(name)
}

#[test]
fn clients_that_trust_the_certificate_are_served_and_plain_ones_are_not() {
    let mut world = World::new();
    let (certificate, key) = (file("certificate.pem"), world.path("server.pem"));
    std::fs::copy(file("key.pem"), &key).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap(); // everybody has the other
    let server =
        world.serve(&format!("[tls]\ncertificate = {certificate:?}\nkey = {key:?}\n[requests]\nhead_seconds = 2\n"));
    let mut trusted = RootCertStore::empty();
    trusted.add(CertificateDer::from_pem_file(&certificate).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(trusted)
        .with_no_client_auth();
    let config = Arc::new(config);
    let said = |bytes: &[u8], and_no_more: bool| {
        let mut connection =
            ClientConnection::new(Arc::clone(&config), ServerName::try_from("localhost").unwrap()).unwrap();
        let mut socket = connect("127.0.0.1", server.address);
        let mut stream = Stream::new(&mut connection, &mut socket);
        stream.write_all(bytes).unwrap();
        if and_no_more {
            stream.conn.send_close_notify();
            stream.flush().unwrap();
            stream.sock.shutdown(Shutdown::Write).unwrap();
        }
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8(answer).unwrap()
    };
    let ask = |bytes: &[u8]| said(bytes, false);
    assert!(ask(&request(server.address, "GET", "/healthz", &[], b"")).ends_with("ok\n"));
    let x = world.key("cso-x", "x1");
    let body = lines(&[world.attempt("cso-x", "x1")]);
    let answer = ask(&Signing::now(server.address, &x).request("POST", "/events", Some(&body)));
    assert!(answer.contains("\"status\":\"stands\""), "{answer}");
    let body = lines(&[world.attempt("cso-x", "x1")]);
    let answer = said(&Signing::now(server.address, &x).request("POST", "/events", Some(&body)), true);
    assert!(answer.contains("\"status\":\"stands\""), "who says no more is answered: {answer}");
    // Without TLS, or with a greeting that never ends, there is no answer, and others are served.
    let mut plain = connect("127.0.0.1", server.address);
    plain.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut told = Vec::new();
    let _ = plain.read_to_end(&mut told);
    assert!(!told.starts_with(b"HTTP"), "{told:?}");
    let mut silent = connect("127.0.0.1", server.address);
    assert!(ask(&request(server.address, "GET", "/healthz", &[], b"")).ends_with("ok\n"));
    let _ = silent.read_to_end(&mut told);
}
