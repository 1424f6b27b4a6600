//! Packs in a long log: made by a ledger that is open, and checked. A million entries and 100,000 subjects are what
//! they are meant for; what a pack costs must follow its records, and of the log's length no more than the logarithm.

use std::path::Path;
use std::time::{Duration, Instant};

use ledger::export;
use ledger::failure::Failure;
use ledger::folder;
use ledger::keys::{BadKeyFile, KeyFolder};
use ledger::outbox::Opening;
use ledger::pack::{self, BadRequest, Request};
use ledger::plan::{Answer, Genesis, Rejection, Submission};
use ledger::probe::Probe;
use ledger::writer::{BadLedger, Home, Writer};
use schemas::catalogue::{Catalogue, Role};
use schemas::event::{self, Event};
use schemas::hash::Hash;
use schemas::note::{Note, Origin};
use schemas::opening::{Disclosure, hidden_root};
use schemas::pack::{Line, Shown};
use schemas::policy::Policy;
use schemas::stream::Head;
use schemas::time::Timestamp;
use schemas::value::Value;
use verifier::report::Verdict;
use verifier::signature::SecretKey;

use crate::bench::{BadBench, Bench};
use crate::row::Row;

/// Events in one commit.
const BATCH: u64 = 256;
/// Facilities that organisations report about: the subjects.
const SUBJECTS: u64 = 100_000;
/// Organisations that report.
const ORGANISATIONS: u64 = 50;
/// Records of the organisation whose pack is measured.
const RECORDS: u64 = 1_000;
/// Its name.
const MEASURED: &str = "cso-measured";
/// How often each is done; the middle one counts.
const TIMES: usize = 5;
/// Streams whose map proofs are looked at.
const PROOFS: u64 = 1_000;
/// Batches that wait for witnesses, where some do.
const WAITING: [u64; 2] = [1, 100];

/// Longest that a pack of [`RECORDS`] may take to make, and to check.
const MADE_MAX: Duration = Duration::from_secs(1);
const CHECKED_MAX: Duration = Duration::from_millis(500);
/// Bytes of a step of a map proof: a bit and a sibling.
const STEP_BYTES: usize = 33;
/// Longest map proof, in bytes.
const PROOF_BYTES_MAX: usize = 1_000;

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub enum BadPacks {
    /// A ledger cannot be made or opened.
    #[error(transparent)]
    Ledger(#[from] BadLedger),
    /// The disk.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// A key.
    #[error(transparent)]
    Key(#[from] BadKeyFile),
    /// A pack cannot be made.
    #[error(transparent)]
    Pack(#[from] BadRequest),
    /// An event that was made was refused: the figures would mean nothing.
    #[error("an event was refused: {0}")]
    Refused(Rejection),
    /// A pack does not verify.
    #[error("the pack of {stream} does not verify")]
    NotVerified {
        /// Its stream.
        stream: String,
    },
}

/// The rows.
pub fn run(bench: &mut Bench) -> Result<Vec<Row>, BadBench> {
    Ok(measure(&bench.path("packs"), bench.arguments.entries)?)
}

/// Makes a log of that many entries in a folder, which must not exist, and measures its packs. The folder is left
/// with the log, the pack and a bundle of its first tenth as an archive, for the page in a browser.
///
/// # Errors
/// [`BadPacks`].
fn measure(folder: &Path, entries: u64) -> Result<Vec<Row>, BadPacks> {
    let mut figures = Vec::new();
    let mut say = |what: String, value: String, met: Option<bool>| {
        figures.push(Row::said("packs", what, value, met));
    };
    let (mut maker, mut writer) = Maker::found(folder, entries)?;
    let home = writer.home().clone();
    for size in [entries / 10, entries] {
        let since = Instant::now();
        let before = writer.log().size();
        maker.grow(&mut writer, size)?;
        let rate = (writer.log().size() - before) as f64 / since.elapsed().as_secs_f64();
        let streams = writer.log().streams();
        say(format!("{} entries, {streams} streams", writer.log().size()), format!("{rate:.0} events/s"), None);
        if let Some(bytes) = memory() {
            let each = bytes / writer.log().size();
            say("  memory of the process".to_owned(), format!("{} MB, {each} bytes an entry", bytes >> 20), None);
        }
        let streams = [
            (format!("organisation/{MEASURED}"), MEASURED),
            ("facility/fac-7".to_owned(), "public"),
            ("facility/nowhere".to_owned(), "public"),
        ];
        for (stream, audience) in streams {
            let request = Request { stream: &stream, audience, since: &[], statements: &[] };
            let (made, took) = middle(|| pack::make(&mut writer, &request))?;
            let records = made.items.len();
            let asked = (records as u64 >= RECORDS).then_some(took <= MADE_MAX);
            say(format!("  pack of {stream}, {records} records: made"), milliseconds(took), asked);
            let text = made.to_text();
            let policy = Policy::parse(&folder::policy(writer.log())).expect("made by the ledger");
            let (verdict, took) = middle(|| Ok(verifier::pack::check(text.as_bytes(), &policy, &[]).report.verdict()))?;
            if verdict != Verdict::Verified {
                return Err(BadPacks::NotVerified { stream });
            }
            let asked = (records as u64 >= RECORDS).then_some(took <= CHECKED_MAX);
            say(format!("    {} bytes, checked", text.len()), milliseconds(took), asked);
            if size == entries {
                let name = format!("{}.pack", stream.replace('/', "-"));
                ledger::files::replace(&folder.join(name), text.as_bytes())?;
            }
        }
        let (longest, line) = longest_proof(&mut writer);
        let what = format!("  longest map proof of {PROOFS} streams, its line in a pack");
        say(what, format!("{longest} bytes, {line} bytes"), Some(longest <= PROOF_BYTES_MAX));
        if size < entries {
            let policy = folder::policy(writer.log());
            let (bundle, archive) = (folder.join("bundle"), folder.join("bundle.tar"));
            export::bundle(&writer, &policy, 0, &bundle, &mut |_, _| {})?;
            let bytes = export::archive(&bundle, &archive)?;
            ledger::files::replace(&folder.join("policy"), policy.as_bytes())?;
            say("  archive for the page".to_owned(), format!("{} MB", bytes / 1_000_000), None);
        }
    }
    waiting(&mut maker, &mut writer, &mut say)?;
    drop(writer);
    let since = Instant::now();
    drop(Writer::open(&home, &Probe::of_this_program()?)?);
    say("opening the ledger, replayed".to_owned(), milliseconds(since.elapsed()), None);
    Ok(figures)
}

/// What a pack's share of the index costs while batches wait for witnesses.
fn waiting(
    maker: &mut Maker,
    writer: &mut Writer,
    say: &mut impl FnMut(String, String, Option<bool>),
) -> Result<(), BadPacks> {
    for batches in WAITING {
        let published = writer.log().size();
        for _ in 0..batches {
            maker.batch(writer)?;
        }
        let stream = format!("organisation/{MEASURED}");
        let mut prove = || {
            let since = Instant::now();
            let (state, levels) = writer.state_and_levels();
            let shown = state.prove_earlier(&stream, published, &|position| levels.leaf(position));
            assert!(shown.is_some(), "the log has all its leaves");
            since.elapsed()
        };
        let (first, again) = (prove(), prove());
        let what = format!("  index as it was {batches} batches ago: first pack, second");
        say(what, format!("{}, {}", milliseconds(first), milliseconds(again)), Some(first <= MADE_MAX));
    }
    Ok(())
}

/// Does it [`TIMES`] times; gives the last result and the middle time.
fn middle<T>(mut act: impl FnMut() -> Result<T, BadRequest>) -> Result<(T, Duration), BadPacks> {
    let mut times = Vec::with_capacity(TIMES);
    loop {
        let since = Instant::now();
        let result = act()?;
        times.push(since.elapsed());
        if times.len() == TIMES {
            times.sort_unstable();
            return Ok((result, times[TIMES / 2]));
        }
    }
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

/// Bytes of the longest map proof among many streams, and of its line in a pack.
fn longest_proof(writer: &mut Writer) -> (usize, usize) {
    let state = writer.state();
    let bytes = |n: u64| {
        let (proof, head) = state.prove_sealed(&facility_stream(n * (SUBJECTS / PROOFS)))?;
        let (Head { count, last, root }, steps) = (head?, proof.path.len());
        let line = Line::Map(Shown::Present { count, last, root }, proof.path).to_json();
        Some((STEP_BYTES * steps, line.len()))
    };
    (0..PROOFS).filter_map(bytes).max().unwrap_or_default()
}

/// Resident memory of this process, where the system tells.
fn memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? << 10)
}

/// Makes events one after the other; nothing is random.
struct Maker {
    origin: Origin,
    pens: Vec<(String, SecretKey)>,
    made: u64,
    /// One in so many is by the organisation whose pack is measured.
    every: u64,
    start: Timestamp,
}

fn facility_stream(n: u64) -> String {
    format!("facility/fac-{}", n % SUBJECTS)
}

impl Maker {
    fn found(folder: &Path, entries: u64) -> Result<(Self, Writer), BadPacks> {
        let origin = Origin::parse("bench.example/packs").expect("an origin");
        let start = Timestamp::parse("2025-01-01T00:00:00Z").expect("an instant");
        let operator = KeyFolder::new(&folder.join("keys"), origin.clone()).get_or_make("op", "ops-1")?;
        let facts = Genesis {
            operator: "op",
            registrar: ("op", Role::Operator),
            operator_keys: vec![operator.vkey().to_string()],
            registrar_keys: Vec::new(),
            oversight_keys: Vec::new(),
        };
        let mut writer = Writer::create(&Home::new(&folder.join("ledger")), &origin, &facts, start)?;
        let names = (0..ORGANISATIONS).map(|n| format!("cso-{n}")).chain([MEASURED.to_owned()]);
        let pen = |party: &str| {
            SecretKey::new(&origin.holder_key_name(party, "office-1"), &Hash::of(&[b"bench pen", party.as_bytes()]).0)
        };
        let pens: Vec<_> = names.map(|party| (party.clone(), pen(&party))).collect();
        let mut maker = Self { origin, pens, made: 0, every: (entries / (RECORDS + RECORDS / 20)).max(2), start };
        let pens = maker.pens.clone();
        let enrolments: Vec<Submission> =
            pens.iter().map(|(party, pen)| maker.enrolment(party, pen, &operator)).collect();
        commit(&mut writer, &enrolments, start)?;
        Ok((maker, writer))
    }

    /// Lets the log grow by whole batches, each with its seal, as long as it stays within a size.
    fn grow(&mut self, writer: &mut Writer, size: u64) -> Result<(), BadPacks> {
        while writer.log().size() + BATCH < size {
            self.batch(writer)?;
        }
        Ok(())
    }

    fn batch(&mut self, writer: &mut Writer) -> Result<(), BadPacks> {
        let batch: Vec<Submission> = (0..BATCH).map(|_| self.attempt()).collect();
        let at = batch.last().map_or(self.start, |submission| submission.received_at);
        commit(writer, &batch, at)
    }

    fn submission(&self, mut event: Event, pens: &[&SecretKey]) -> Submission {
        let kind = Catalogue::built_in().event(&event.kind).expect("a type of the catalogue");
        let slot = |(number, name): (usize, &str)| {
            let salt = Hash::of(&[b"bench salt", &self.made.to_be_bytes(), &number.to_be_bytes()]).0;
            let value = (name == "arrived_at").then(|| Value::Text(self.start.to_string()));
            Disclosure { salt, name: name.to_owned(), value }
        };
        let slots: Vec<Disclosure> = kind.slots().into_iter().enumerate().map(slot).collect();
        let digests: Vec<Hash> = slots.iter().map(Disclosure::digest).collect();
        event.hidden = Some(hidden_root(&digests).to_base64());
        let text = event.to_text();
        let note = Note { signatures: pens.iter().map(|pen| pen.sign(&text)).collect(), text };
        let slots = slots.iter().map(Disclosure::to_text).collect();
        let received_at = self.start.plus_seconds(self.made as i64);
        Submission { note: note.to_text().into_bytes(), opening: Opening::open(slots), received_at }
    }

    fn event(&mut self, kind: &str, by: &str, data: &[(&str, Value)]) -> Event {
        self.made += 1;
        let (row, at) = (format!("r{}", self.made), self.start.date(0));
        let seq = self.made as i64;
        let head = event::Head { kind: (kind, 1), ledger: &self.origin, by, row: &row, seq, at };
        let mut event = Event::new(&head);
        event.data = data.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        event.id = Some(format!("{by}/n{}", self.made));
        event
    }

    fn enrolment(&mut self, party: &str, pen: &SecretKey, operator: &SecretKey) -> Submission {
        let data = [
            ("organisation", text(party)),
            ("holder", text("office-1")),
            ("role", text("cso")),
            ("alg", text("ed25519")),
            ("public_key", text(&pen.vkey().to_string())),
            ("valid_from", text(&self.start.to_string())),
        ];
        let event = self.event("key.enrolled", party, &data);
        self.submission(event, &[pen, operator])
    }

    fn attempt(&mut self) -> Submission {
        let measured = self.pens.len() - 1;
        let at = if self.made.is_multiple_of(self.every) { measured } else { (self.made % ORGANISATIONS) as usize };
        let (party, pen) = self.pens[at].clone();
        // A step that shares no factor with the number of facilities: each has its turn.
        let facility = format!("fac-{}", self.made * 7_919 % SUBJECTS);
        let data = [
            ("facility", text(&facility)),
            ("organisation", text(&party)),
            ("attempted_on", text(&self.start.date(0).to_string())),
            ("outcome", text("turned_away")),
            ("wait", Value::Integer(20)),
            ("stated_reason", text("lockdown")),
        ];
        let event = self.event("visit.attempted", &party, &data);
        self.submission(event, &[&pen])
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn commit(writer: &mut Writer, batch: &[Submission], at: Timestamp) -> Result<(), BadPacks> {
    for answer in writer.commit(batch, at)?.answers {
        if let Answer::Refused(why) = answer {
            return Err(BadPacks::Refused(why));
        }
    }
    Ok(())
}
