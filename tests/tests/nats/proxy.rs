//! A line between the ledger and the server that breaks when a test says so. It passes whole messages on and notes
//! what it saw, so a test can say what went over it.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The line; it ends with this.
pub struct Proxy {
    pub port: u16,
    switch: Arc<Switch>,
    task: tokio::task::JoinHandle<()>,
}

/// What the ends of the line share.
struct Switch {
    /// Whether it carries anything at all.
    up: watch::Sender<bool>,
    /// To break when the server's answer to this subject's next message has come as far as here: it is lost.
    cut_at: Mutex<Option<String>>,
    /// Whether it was broken so.
    cut: watch::Sender<bool>,
    /// All that the server said.
    said: Mutex<Vec<u8>>,
    /// All that the ledger sent.
    sent: Mutex<Vec<u8>>,
}

impl Proxy {
    pub async fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let switch = Arc::new(Switch {
            up: watch::Sender::new(true),
            cut_at: Mutex::default(),
            cut: watch::Sender::new(false),
            said: Mutex::default(),
            sent: Mutex::default(),
        });
        let task = tokio::spawn(accept(listener, server, Arc::clone(&switch)));
        Self { port, switch, task }
    }

    /// Loses the server's next answer to a message on this subject, and the line with it; nothing passes until
    /// [`Proxy::mend`].
    pub fn lose_answer_to(&self, subject: &str) -> watch::Receiver<bool> {
        *self.switch.cut_at.lock().unwrap() = Some(format!("HPUB {subject} "));
        self.switch.cut.send_replace(false);
        self.switch.cut.subscribe()
    }

    pub fn mend(&self) {
        self.switch.up.send_replace(true);
    }

    /// How often the ledger sent something.
    pub fn times_sent(&self, what: &str) -> usize {
        count(&self.switch.sent.lock().unwrap(), what)
    }

    /// How often the server said something.
    pub fn times_said(&self, what: &str) -> usize {
        count(&self.switch.said.lock().unwrap(), what)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn count(bytes: &[u8], what: &str) -> usize {
    bytes.windows(what.len()).filter(|window| *window == what.as_bytes()).count()
}

async fn accept(listener: TcpListener, server: u16, switch: Arc<Switch>) {
    while let Ok((client, _)) = listener.accept().await {
        if *switch.up.borrow() {
            let server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
            tokio::spawn(carry(client, server, Arc::clone(&switch)));
        } // else it is dropped, as by a line that is cut
    }
}

async fn carry(client: TcpStream, server: TcpStream, switch: Arc<Switch>) {
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let armed = Arc::new(Mutex::new(false));
    tokio::select! {
        () = up(from_client, to_server, &switch, &armed) => {}
        () = down(from_server, to_client, &switch, &armed) => {}
    }
}

/// From the ledger to the server: everything.
async fn up(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, switch: &Switch, armed: &Mutex<bool>) {
    let mut piece = vec![0; 65_536];
    while let Ok(length @ 1..) = from.read(&mut piece).await {
        switch.sent.lock().unwrap().extend_from_slice(&piece[..length]);
        if let Some(mark) = &*switch.cut_at.lock().unwrap() {
            // Set before the message is passed on, so before the server can answer it.
            *armed.lock().unwrap() |= count(&piece[..length], mark) > 0;
        }
        if to.write_all(&piece[..length]).await.is_err() {
            return;
        }
    }
}

/// From the server to the ledger: everything, up to an answer that is to be lost.
async fn down(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, switch: &Switch, armed: &Mutex<bool>) {
    let mut piece = vec![0; 65_536];
    while let Ok(length @ 1..) = from.read(&mut piece).await {
        if *armed.lock().unwrap() && count(&piece[..length], "\"seq\":") > 0 {
            *switch.cut_at.lock().unwrap() = None;
            switch.up.send_replace(false);
            switch.cut.send_replace(true);
            return;
        }
        switch.said.lock().unwrap().extend_from_slice(&piece[..length]);
        if to.write_all(&piece[..length]).await.is_err() {
            return;
        }
    }
}
