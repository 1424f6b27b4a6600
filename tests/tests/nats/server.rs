//! A nats-server in a folder of its own, with the very configuration that the ledger prints.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use async_nats::{Client, ConnectOptions, HeaderMap};
use ledger::nats::{NatsSettings, server_configuration};
use schemas::base;
use schemas::note::Origin;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use verifier::output::{self, Readers};

/// Everybody's password here.
const PASSWORD: &str = "known to every test";
/// One who may do everything, added to the ledger's account.
const ROOT: &str = "{ user: root, password: $NATS_ROOT }\n      # Makes the streams";

/// A server; it ends with this.
pub struct Server {
    folder: TempDir,
    pub port: u16,
    route: u16,
    child: Option<Child>,
}

impl Server {
    /// With the configuration as it is printed.
    pub fn start(origin: &Origin) -> Self {
        Self::bent(origin, |text| text)
    }

    /// With a configuration that someone has changed.
    pub fn bent(origin: &Origin, bend: impl FnOnce(String) -> String) -> Self {
        let mut server = Self::away(origin, bend);
        server.again();
        server
    }

    /// Ready to be started.
    pub fn away(origin: &Origin, bend: impl FnOnce(String) -> String) -> Self {
        let folder = TempDir::new().unwrap();
        let free = || TcpListener::bind("127.0.0.1:0").unwrap();
        let ports = [free(), free()].map(|listener| listener.local_addr().unwrap().port());
        let [port, route] = ports;
        let store = folder.path().join("store");
        let printed = server_configuration(origin);
        let text = printed
            .replace("127.0.0.1:4222", &format!("127.0.0.1:{port}"))
            .replace("/var/lib/nats", store.to_str().unwrap())
            .replace("# Makes the streams", ROOT);
        assert_eq!(text.matches("NATS_ROOT").count(), 1, "{printed}");
        std::fs::write(folder.path().join("nats.conf"), bend(text)).unwrap();
        let password = format!("{PASSWORD}\n");
        output::write(&folder.path().join("password"), password.as_bytes(), Readers::Owner).unwrap();
        Self { folder, port, route, child: None }
    }

    /// Changes its configuration, for the next start.
    pub fn bend(&mut self, bend: impl FnOnce(String) -> String) {
        let path = self.folder.path().join("nats.conf");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(path, bend(text)).unwrap();
    }

    /// The port for other servers, where it has any beside it.
    pub fn route(&self) -> u16 {
        self.route
    }

    /// Starts it on the same store and port, and waits until it says that it is ready.
    pub fn again(&mut self) {
        let program = std::env::var_os("NATS_SERVER").expect("NATS_SERVER names the server; run `bash tests/run`");
        let mut command = Command::new(program);
        for user in ["ADMIN", "SETUP", "LEDGER", "PROJECTOR", "REPORTER", "ROOT"] {
            command.env(format!("NATS_{user}"), format!("\"{PASSWORD}\""));
        }
        let config = self.folder.path().join("nats.conf");
        let mut child = command.arg("-c").arg(&config).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        let ready = lines.by_ref().map_while(Result::ok).any(|line| {
            said.push(line);
            said.last().is_some_and(|line| line.ends_with("Server is ready"))
        });
        assert!(ready, "{}", said.join("\n"));
        // What it says later is read on, or it would stop once the pipe is full.
        std::thread::spawn(move || lines.for_each(drop));
        self.child = Some(child);
    }

    /// Ends it as a loss of power to the process would: no last words.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap(); // SIGKILL
            child.wait().unwrap();
        }
    }

    pub fn password(&self) -> std::path::PathBuf {
        self.folder.path().join("password")
    }

    /// Settings of a user of this one server.
    pub fn settings(&self, user: &str) -> NatsSettings {
        settings(self.port, user, &self.password())
    }

    /// One who may do everything.
    pub async fn root(&self) -> Root {
        Root(self.client("root", "_INBOX").await)
    }

    /// One that passes on what the server complains of.
    pub async fn client_that_tells(&self, user: &str) -> (Client, UnboundedReceiver<String>) {
        let (tell, told) = unbounded_channel();
        let options = ConnectOptions::with_user_and_password(user.to_owned(), PASSWORD.to_owned());
        let options = options.event_callback(move |event| {
            drop(tell.send(event.to_string()));
            std::future::ready(())
        });
        (options.connect(format!("127.0.0.1:{}", self.port)).await.unwrap(), told)
    }

    pub async fn client(&self, user: &str, inbox: &str) -> Client {
        let options = ConnectOptions::with_user_and_password(user.to_owned(), PASSWORD.to_owned());
        options.custom_inbox_prefix(inbox).connect(format!("127.0.0.1:{}", self.port)).await.unwrap()
    }
}

/// Settings that fit a server which stands alone.
pub fn settings(port: u16, user: &str, password: &Path) -> NatsSettings {
    NatsSettings {
        servers: vec![format!("nats://127.0.0.1:{port}")],
        user: user.to_owned(),
        password_file: password.to_owned(),
        replicas: 1,
        ack_seconds: 2,
        ..NatsSettings::default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// One who may do everything.
pub struct Root(pub Client);

impl Root {
    /// Asks JetStream; the answer is as it comes.
    pub async fn ask(&self, subject: &str, body: Value) -> Value {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let message = self.0.request(format!("$JS.API.{subject}"), body.into()).await.unwrap();
        serde_json::from_slice(&message.payload).unwrap()
    }

    /// The settings of a stream.
    pub async fn config(&self, stream: &str) -> Value {
        self.ask(&format!("STREAM.INFO.{stream}"), Value::Null).await["config"].clone()
    }

    /// How many messages a stream has had.
    pub async fn last(&self, stream: &str) -> u64 {
        self.ask(&format!("STREAM.INFO.{stream}"), Value::Null).await["state"]["last_seq"].as_u64().unwrap()
    }

    /// Takes a stream away, and makes another of that name.
    pub async fn remake(&self, config: &Value) {
        let stream = config["name"].as_str().unwrap();
        self.ask(&format!("STREAM.DELETE.{stream}"), Value::Null).await;
        let made = self.ask(&format!("STREAM.CREATE.{stream}"), config.clone()).await;
        assert!(made.get("error").is_none(), "{made} {config}");
    }

    /// A message of a stream: headers and bytes.
    pub async fn message(&self, stream: &str, sequence: u64) -> (String, Vec<u8>) {
        let which = json!({ "seq": sequence });
        let mut found = self.ask(&format!("STREAM.MSG.GET.{stream}"), which.clone()).await;
        // Without a leader for a moment the servers say so; that a message is not there they may not say.
        while found.get("error").is_some_and(|error| error["code"] == 503) {
            found = self.ask(&format!("STREAM.MSG.GET.{stream}"), which.clone()).await;
        }
        assert!(found.get("error").is_none(), "{stream} {sequence}: {found}");
        let part = |name: &str| base::from_base64(found["message"][name].as_str().unwrap_or_default()).unwrap();
        (String::from_utf8(part("hdrs")).unwrap(), part("data"))
    }

    /// Publishes and waits for the acknowledgement.
    pub async fn publish(&self, subject: String, id: Option<&str>, text: &str) -> Value {
        let mut headers = HeaderMap::new();
        if let Some(id) = id {
            headers.insert("Nats-Msg-Id", id);
        }
        let acked = self.0.request_with_headers(subject, headers, text.to_owned().into()).await.unwrap();
        serde_json::from_slice(&acked.payload).unwrap()
    }
}
