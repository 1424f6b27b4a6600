//! Sends the published batches in order: message n is batch n, and nothing is ever overwritten. `FORMAT.md` 23.4.
//!
//! Whether the servers are there changes nothing for who appends. A batch that was sent and not acknowledged is sent
//! again with the same bytes until its fate is known: within the window of duplicates the servers know it by its id,
//! later they refuse it because the stream has moved on, and then the message in its place is compared.

use std::time::Duration;

use async_nats::{Client, HeaderMap, Subscriber};
use schemas::batch::{BadBatch, Batch, Names};
use schemas::checkpoint::Checkpoint;
use schemas::note::Note;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_stream::StreamExt as _;

use super::batches;
use super::letter::{Fate, Letter, fate};
use super::link::Link;
use super::settings::NatsSettings;
use super::status::Teller;
use super::stream::{self, Owner};
use super::trouble::{BadNats, Broken, Trouble};
use super::wire::{self, Answer, Patience};
use super::{HEADER_BYTES_MAX, server};
use crate::failure::Failure;
use crate::sequencer::{Halted, Published, Sequencer};
use crate::writer::Writer;

/// Bytes of batches that may wait for their acknowledgement at a time.
const IN_FLIGHT_BYTES_MAX: usize = 8 << 20;
/// How often something that only the operator can mend is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// How often servers and streams are looked at although nothing has happened: who may, may have changed them.
const LOOK_OVER: Duration = Duration::from_secs(600);

/// What the stream holds, as far as this process knows.
#[derive(Clone, Copy, Debug)]
struct Held {
    /// Number of the last batch.
    number: u64,
    /// Where the next begins.
    size: u64,
}

/// Who sends.
pub struct Courier {
    names: Names,
    owner: Owner,
    settings: NatsSettings,
    sequencer: Sequencer,
    published: watch::Receiver<Published>,
    link: Link,
    teller: Teller,
    held: Option<Held>,
    seen: Option<Note>,
    attempt: u64,
}

impl Courier {
    /// One that has sent nothing yet.
    pub fn new(
        names: Names,
        owner: Owner,
        settings: NatsSettings,
        sequencer: Sequencer,
        link: Link,
        teller: Teller,
    ) -> Self {
        let published = sequencer.watch();
        Self { names, owner, settings, sequencer, published, link, teller, held: None, seen: None, attempt: 0 }
    }

    /// Sends until the ledger ends, or until the stream is caught at something.
    pub async fn run(mut self) {
        let mut patience = Patience::new();
        loop {
            let before = self.held.map(|held| held.number);
            let Err(trouble) = self.session().await else { return };
            if self.held.map(|held| held.number) != before {
                patience = Patience::new();
            }
            self.count(&self.published.borrow());
            self.teller.tell(|status| status.stopped(&trouble));
            let pause = match trouble {
                Trouble::Away(_) => patience.wait(),
                Trouble::Bad(_) => LOOK_AGAIN,
                Trouble::Broken(_) => {
                    // Is it another copy of this ledger that has written there? What cannot be asked now changes nothing.
                    if let Ok(client) = self.link.client().await {
                        let _ = self.hold(&client).await;
                    }
                    return;
                }
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.link.back() => patience = Patience::new(), // why wait
                () = ended(&mut self.published) => return,
            }
        }
    }

    /// Makes sure of servers and streams, and tells how it stands.
    pub async fn look(&mut self) -> Result<(), Trouble> {
        let client = self.link.client().await;
        let looked = match client {
            Ok(client) => self.begin(&client).await,
            Err(trouble) => Err(trouble),
        };
        if let Err(trouble) = &looked {
            self.teller.tell(|status| status.stopped(trouble));
        }
        looked
    }

    /// Makes sure of servers and streams, then sends what is published until something fails. Ends well only with
    /// the ledger.
    async fn session(&mut self) -> Result<(), Trouble> {
        let client = self.link.client().await?;
        self.begin(&client).await?;
        self.count(&self.published.borrow());
        self.well();
        let inbox = client.new_inbox();
        let away = |e: async_nats::SubscribeError| Trouble::Away(e.to_string());
        let mut acks = client.subscribe(format!("{inbox}.*.*")).await.map_err(away)?;
        loop {
            let published = self.published.borrow_and_update().clone();
            self.count(&published);
            while self.held.is_some_and(|held| held.size < published.size) {
                self.send(&client, &inbox, &mut acks, published.size).await?;
                self.count(&published);
            }
            self.send_seen(&client, published.note).await?;
            self.well();
            tokio::select! {
                changed = self.published.changed() => if changed.is_err() { return Ok(()) },
                () = self.link.lost() => return Err(Trouble::Away("the connection to NATS is lost".to_owned())),
                () = tokio::time::sleep(LOOK_OVER) => self.begin(&client).await?,
            }
        }
    }

    /// Demands of servers and streams what must be; at first also that the stream's end is one of this log's batches.
    async fn begin(&mut self, client: &Client) -> Result<(), Trouble> {
        server::greeted(client)?;
        let wanted = stream::commits(&self.names, &self.owner, &self.settings);
        let standing = stream::demand(client, &wanted).await?;
        let wanted = stream::seen(&self.names, &self.owner, &self.settings);
        let mut peers = stream::demand(client, &wanted).await?.peers;
        peers.extend(standing.peers.iter().cloned());
        server::demand_flushing(client, &peers).await?;
        let stream = self.names.stream();
        if let Some(number) = standing.gap {
            return Err(Broken::Lost { stream, number }.into());
        }
        match self.held {
            Some(held) if standing.last < held.number => Err(Broken::Lost { stream, number: standing.last + 1 }.into()),
            Some(_) => Ok(()),
            None => self.resume(client, standing.last).await,
        }
    }

    /// Finds the stream's end in the own log. FORMAT.md 23.4.
    async fn resume(&mut self, client: &Client, last: u64) -> Result<(), Trouble> {
        let stream = self.names.stream();
        // A server that was away at the start, or whose streams another copy of the ledger has written to since.
        let held = self.hold(client).await?;
        let (own, first, next) = self
            .on_log(move |writer| {
                let store = writer.store();
                Ok((writer.log().batches(), batches::find(store, last)?, batches::find(store, last + 1)?))
            })
            .await?;
        let ahead = Broken::Ahead { stream: stream.clone(), found: last, own };
        let next = next.ok_or_else(|| ahead.clone())?;
        if last > 0 {
            let first = first.ok_or(ahead)?;
            let letter = self.letter(first).await?.ok_or(Broken::Foreign { stream, number: last })?;
            self.compare(client, &letter).await?;
        }
        held.map_err(|why| Broken::Contradicted { why })?;
        self.held = Some(Held { number: last, size: next });
        let seen = wire::last_message(client, &self.names.seen_stream(), &self.names.seen()).await?;
        self.seen = seen.and_then(|message| Note::parse(&message.payload).ok());
        Ok(())
    }

    /// Holds what the streams hold last against the log; where that bears the log's signature and contradicts it, nothing
    /// is recorded any more.
    async fn hold(&self, client: &Client) -> Result<Result<(), String>, Trouble> {
        let shown = super::last(client, &self.names).await?;
        let against = move |writer: &Writer| super::hold(writer, shown).map(drop);
        self.sequencer.hold("the NATS stream", against).await.map_err(halted)
    }

    /// Sends the next batches at once and settles their fates in order. The first whose fate is not known ends the
    /// session; the next session sends it again, with all after it.
    async fn send(&mut self, client: &Client, inbox: &str, acks: &mut Subscriber, until: u64) -> Result<(), Trouble> {
        let letters = self.letters(client, until).await?;
        // Acknowledgements of an earlier attempt come to another address and are not mistaken for these.
        self.attempt += 1;
        let inbox = format!("{inbox}.{}", self.attempt);
        for letter in &letters {
            let sent = client.publish_with_reply_and_headers(
                self.names.commit(),
                format!("{inbox}.{}", letter.number),
                letter.headers(&self.names.stream()),
                letter.text.clone(),
            );
            sent.await.map_err(|e| Trouble::Away(e.to_string()))?;
        }
        let mut answers: Vec<Option<Answer>> = letters.iter().map(|_| None).collect();
        for (at, letter) in letters.iter().enumerate() {
            while answers[at].is_none() {
                let (number, answer) = self.acknowledgement(acks, &inbox).await?;
                let place = letters.iter().position(|letter| letter.number == number);
                if let Some(place) = place {
                    answers[place] = Some(answer);
                }
            }
            let Some(answer) = &answers[at] else { continue };
            match fate(letter.number, answer) {
                Fate::Stands => {}
                Fate::Look => self.compare(client, letter).await?,
                Fate::Again(why) => return Err(Trouble::Away(format!("batch {} was not taken: {why}", letter.number))),
                Fate::Misplaced(found) => {
                    return Err(Broken::Misplaced { stream: self.names.stream(), number: letter.number, found }.into());
                }
            }
            self.held = Some(Held { number: letter.number, size: letter.size });
        }
        Ok(())
    }

    /// The next acknowledgement of this attempt, and which batch it is for.
    async fn acknowledgement(&mut self, acks: &mut Subscriber, inbox: &str) -> Result<(u64, Answer), Trouble> {
        let wait = Duration::from_secs(self.settings.ack_seconds);
        loop {
            let message = tokio::select! {
                message = timeout(wait, acks.next()) => message,
                () = self.link.lost() => {
                    return Err(Trouble::Away("the connection to NATS broke before a batch was acknowledged".to_owned()));
                }
            };
            let silent = |_| Trouble::Away(format!("no acknowledgement within {} s", wait.as_secs()));
            let message =
                message.map_err(silent)?.ok_or_else(|| Trouble::Away("the connection to NATS ended".to_owned()))?;
            let number = message.subject.strip_prefix(inbox).and_then(|rest| rest.strip_prefix('.')?.parse().ok());
            let Some(number) = number else { continue };
            if message.status.is_some() {
                return Err(Trouble::Away("no server keeps the stream just now".to_owned()));
            }
            return Ok((number, wire::answer(&message.payload)));
        }
    }

    /// The next batches up to a size of the log, as many as may be under way.
    async fn letters(&self, client: &Client, until: u64) -> Result<Vec<Letter>, Trouble> {
        let mut next = self.held.map_or(0, |held| held.size);
        let (mut letters, mut bytes) = (Vec::new(), 0);
        while next < until && letters.len() < self.settings.in_flight_max && bytes < IN_FLIGHT_BYTES_MAX {
            let Some(letter) = self.letter(next).await? else { break };
            let (length, limit) = (letter.text.len() + HEADER_BYTES_MAX, client.max_payload());
            if length > limit {
                if letters.is_empty() {
                    return Err(BadNats::TooLong { number: letter.number, bytes: length, limit }.into());
                }
                break; // those before it go first
            }
            next = letter.size;
            bytes += length;
            letters.push(letter);
        }
        Ok(letters)
    }

    /// The batch that begins at a position of the log.
    async fn letter(&self, first: u64) -> Result<Option<Letter>, Trouble> {
        let cut = self.on_log(move |writer| batches::read(writer, first)).await?;
        let unread = |e: BadBatch| Trouble::Broken(Broken::Unread { why: e.to_string() });
        cut.as_ref().map(Letter::seal).transpose().map_err(unread)
    }

    /// Holds the message in a batch's place against the batch.
    async fn compare(&self, client: &Client, letter: &Letter) -> Result<(), Trouble> {
        let (stream, number) = (self.names.stream(), letter.number);
        match wire::message_at(client, &stream, number).await? {
            Some(stored) if stored.payload == letter.text && stored.subject == self.names.commit() => Ok(()),
            Some(_) => Err(Broken::Foreign { stream, number }.into()),
            // The stream ends before this place, or a late copy is on its way: the next session asks where it stands.
            None => Err(Trouble::Away(format!("the stream does not hold message {number} yet"))),
        }
    }

    /// Sends the published checkpoint, once the batches under it are in their stream.
    async fn send_seen(&mut self, client: &Client, note: Option<Note>) -> Result<(), Trouble> {
        let Some(note) = note.filter(|note| self.seen.as_ref() != Some(note)) else { return Ok(()) };
        let covered = self.held.is_some_and(|held| size(&note) <= held.size);
        if !covered || self.seen.as_ref().is_some_and(|before| size(before) > size(&note)) {
            return Ok(());
        }
        let text = note.to_text();
        let mut headers = HeaderMap::new();
        headers.insert(async_nats::header::NATS_MESSAGE_ID, Batch::message_id(text.as_bytes()));
        headers.insert(async_nats::header::NATS_EXPECTED_STREAM, self.names.seen_stream());
        let sent = client.request_with_headers(self.names.seen(), headers, text.into()).await;
        let message = sent.map_err(|e| Trouble::Away(format!("{}: {e}", self.names.seen())))?;
        wire::answer(&message.payload)
            .map_err(|e| Trouble::Away(format!("{}: {}", self.names.seen_stream(), e.words)))?;
        self.seen = Some(note);
        Ok(())
    }

    fn well(&self) {
        let seen = self.seen.as_ref().map_or(0, size);
        self.teller.tell(|status| status.sending(seen));
    }

    fn count(&self, published: &Published) {
        if let Some(held) = self.held {
            let (sent, waiting) = (held.number, published.size.saturating_sub(held.size));
            self.teller.tell(|status| status.count(sent, waiting));
        }
    }

    /// Reads the log. The one way in, so that another way to read it is a change of this alone.
    async fn on_log<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Writer) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Trouble> {
        let read = self.sequencer.with(move |writer| read(writer)).await.map_err(halted)?;
        read.map_err(|e| Trouble::Broken(Broken::Unread { why: e.to_string() }))
    }
}

fn halted(halted: Halted) -> Trouble {
    match halted {
        Halted::Busy => Trouble::Away("the ledger is busy".to_owned()),
        stopped => Trouble::Broken(Broken::Unread { why: stopped.to_string() }),
    }
}

/// Entries under a checkpoint.
fn size(note: &Note) -> u64 {
    Checkpoint::parse(&note.text).map_or(0, |checkpoint| checkpoint.size)
}

/// Waits until the ledger has ended.
async fn ended(published: &mut watch::Receiver<Published>) {
    while published.changed().await.is_ok() {}
}
