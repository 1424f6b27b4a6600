//! The connection to the servers: made when they are there, renewed by the library; each loss and each return is told.

use std::sync::Arc;

use async_nats::connection::State;
use async_nats::{Client, ConnectErrorKind, Event};
use tokio::sync::{Mutex, watch};

use super::settings::NatsSettings;
use super::trouble::{BadNats, Trouble};

/// A handle to the one connection.
#[derive(Clone)]
pub struct Link {
    settings: Arc<NatsSettings>,
    client: Arc<Mutex<Option<Client>>>,
    losses: watch::Sender<u64>,
    lost: watch::Receiver<u64>,
    returns: watch::Sender<u64>,
    back: watch::Receiver<u64>,
}

impl Link {
    /// Not connected yet.
    pub fn new(settings: &NatsSettings) -> Self {
        let ((losses, lost), (returns, back)) = (watch::channel(0), watch::channel(0));
        Self { settings: Arc::new(settings.clone()), client: Arc::default(), losses, lost, returns, back }
    }

    /// The connection; made if there is none.
    pub async fn client(&mut self) -> Result<Client, Trouble> {
        self.lost.mark_unchanged();
        self.back.mark_unchanged();
        let mut kept = self.client.lock().await;
        if let Some(client) = &*kept {
            // What is sent into a connection that is lost would wait there, and go out much later.
            let up = client.connection_state() == State::Connected;
            let away = || Trouble::Away("the connection to NATS is lost".to_owned());
            return up.then(|| client.clone()).ok_or_else(away);
        }
        let (losses, returns) = (self.losses.clone(), self.returns.clone());
        let options = self.settings.options()?.event_callback(move |event| {
            match event {
                Event::Connected => returns.send_modify(|count| *count += 1),
                Event::Disconnected | Event::Closed => losses.send_modify(|count| *count += 1),
                _ => {}
            }
            std::future::ready(())
        });
        let connected = options.connect(self.settings.servers.as_slice()).await;
        let client = connected.map_err(|why| match why.kind() {
            ConnectErrorKind::ServerParse => {
                Trouble::Bad(BadNats::Setting { name: "servers", why: format!("{why}; they read nats://HOST:PORT") })
            }
            ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
                Trouble::Bad(BadNats::Login { why: why.to_string() })
            }
            _ => Trouble::Away(format!("no NATS server can be reached at {}: {why}", self.settings.servers.join(", "))),
        })?;
        *kept = Some(client.clone());
        Ok(client)
    }

    /// The connection, if there is one.
    pub fn made(&self) -> Option<Client> {
        self.client.try_lock().ok().and_then(|kept| kept.clone())
    }

    /// Waits until the connection was lost since [`Link::client`] was called last.
    pub async fn lost(&mut self) {
        let _ = self.lost.changed().await; // the sender is here too
    }

    /// Waits until a connection was made since then.
    pub async fn back(&mut self) {
        let _ = self.back.changed().await;
    }
}
