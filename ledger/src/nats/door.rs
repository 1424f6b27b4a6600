//! Submission by request and reply: the same lines as by HTTP, the same answers. FORMAT.md 23.5.
//!
//! Events are signed themselves; who may knock here at all is said by the accounts of the servers.

use std::sync::Arc;
use std::time::Duration;

use async_nats::{Client, HeaderMap, Message};
use schemas::batch::Names;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_stream::StreamExt as _;

use super::HEADER_BYTES_MAX;
use super::link::Link;
use super::settings::NatsSettings;
use super::wire::Patience;
use crate::handing::{self, JSONL};
use crate::http::problem::{Kind, PROBLEM_TYPE, Problem};
use crate::sequencer::{Halted, Sequencer};

/// All ledgers of one name share the requests. There is one; a second process would be told that it cannot write.
const QUEUE: &str = "ledger";
/// Most events in one request. FORMAT.md 23.5.
const LINES_MAX: usize = 256;
/// Longest wait, at the end, for what is being worked on.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// Who takes submissions.
pub struct Door {
    names: Names,
    sequencer: Sequencer,
    link: Link,
    /// Submissions that may be worked on.
    places: Arc<Semaphore>,
    places_max: u32,
    /// Events that may still come in this second.
    rate: Arc<Semaphore>,
}

impl Door {
    /// One that is not open yet.
    pub fn new(names: Names, settings: &NatsSettings, sequencer: Sequencer, link: Link) -> Self {
        Self {
            names,
            sequencer,
            link,
            places: Arc::new(Semaphore::new(settings.submissions_max)),
            places_max: settings.submissions_max as u32,
            rate: Arc::new(Semaphore::new(settings.events_per_second as usize)),
        }
    }

    /// Takes submissions until told to end; what is worked on then is still answered.
    pub async fn run(mut self, mut ending: watch::Receiver<bool>) {
        let mut patience = Patience::new();
        while !is_told(&ending) {
            self.stand_open(&mut ending).await;
            tokio::select! {
                () = sleep(patience.wait()) => {}
                () = self.link.back() => {}
                () = told(&mut ending) => {}
            }
        }
        let _ = timeout(LAST_WORDS, self.places.acquire_many(self.places_max)).await;
        if let Some(client) = self.link.made() {
            let _ = timeout(LAST_WORDS, client.flush()).await; // what was answered is on its way
        }
    }

    /// Takes submissions as long as there is a connection; the library renews it and asks for the subject again.
    async fn stand_open(&mut self, ending: &mut watch::Receiver<bool>) {
        let client = tokio::select! {
            client = self.link.client() => client,
            () = told(ending) => return, // a server that says nothing keeps nobody from ending
        };
        let Ok(client) = client else { return };
        let Ok(mut requests) = client.queue_subscribe(self.names.submit(), QUEUE.to_owned()).await else { return };
        loop {
            let request = tokio::select! {
                request = requests.next() => request,
                () = told(ending) => {
                    let _ = requests.unsubscribe().await;
                    return;
                }
            };
            let Some(request) = request else { return };
            match Arc::clone(&self.places).try_acquire_owned() {
                Ok(place) => {
                    let (client, sequencer, rate) = (client.clone(), self.sequencer.clone(), Arc::clone(&self.rate));
                    tokio::spawn(work(client, sequencer, rate, request, place));
                }
                Err(_) => respond(&client, &request, Err(Halted::Busy.into())).await,
            }
        }
    }
}

/// Waits until told to end.
async fn told(ending: &mut watch::Receiver<bool>) {
    let _ = ending.wait_for(|ends| *ends).await; // who could tell is gone: that tells it too
}

fn is_told(ending: &watch::Receiver<bool>) -> bool {
    *ending.borrow() || ending.has_changed().is_err()
}

fn too_fast() -> Problem {
    let detail = "more events come in than are taken in a second; nothing was taken. Send the same again in a second";
    Problem::new(Kind::TooFast, detail)
}

/// Works on one submission, and answers it.
async fn work(
    client: Client,
    sequencer: Sequencer,
    rate: Arc<Semaphore>,
    request: Message,
    place: OwnedSemaphorePermit,
) {
    let bytes_max = client.max_payload().saturating_sub(HEADER_BYTES_MAX);
    let answer = submit(&sequencer, rate, &request, bytes_max).await;
    respond(&client, &request, answer).await;
    drop(place);
}

async fn submit(
    sequencer: &Sequencer,
    rate: Arc<Semaphore>,
    request: &Message,
    bytes_max: usize,
) -> Result<Vec<u8>, Problem> {
    let body = request.payload.clone();
    let read = tokio::task::spawn_blocking(move || handing::read(&body, LINES_MAX))
        .await
        .map_err(|_| Problem::internal())??;
    let taken = rate.try_acquire_many_owned(read.deliveries.len() as u32).map_err(|_| too_fast())?;
    // They count for one second, whenever they are answered.
    tokio::spawn(async move {
        sleep(Duration::from_secs(1)).await;
        drop(taken);
    });
    let replies = sequencer.append(read.deliveries).await.map_err(Problem::from)?;
    let write = move || handing::write(&replies, &read.ids, bytes_max);
    tokio::task::spawn_blocking(write).await.map_err(|_| Problem::internal())
}

/// Answers, where an answer is wanted. Who has left loses the answer, not the event.
async fn respond(client: &Client, request: &Message, answer: Result<Vec<u8>, Problem>) {
    let Some(reply) = request.reply.clone() else { return };
    let mut headers = HeaderMap::new();
    let body = match answer {
        Ok(lines) => {
            headers.insert("Content-Type", JSONL);
            lines
        }
        Err(problem) => {
            let details = problem.details();
            headers.insert("Content-Type", PROBLEM_TYPE);
            // As services on NATS say that they failed: ADR-32.
            headers.insert("Nats-Service-Error-Code", details.status.to_string());
            headers.insert("Nats-Service-Error", details.title.as_str());
            serde_json::to_vec(&details).unwrap_or_default() // nothing in it that could not be written
        }
    };
    let _ = client.publish_with_headers(reply, headers, body.into()).await;
}
