//! `cargo run --release --bin bench -- 1000000`: a log of that many entries, written, closed, opened, exported, checked.
//!
//! Timings stand here and never in tests. The rows are made, the path is the real one: signed, planned, committed with
//! fsync, one batch of 256 a commit.

#[path = "bench/packs.rs"]
mod packs;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use ledger::export;
use ledger::failure::Failure;
use ledger::folder;
use ledger::keys::{BadKeyFile, KeyFolder, random_bytes};
use ledger::outbox::Opening;
use ledger::plan::{Genesis, Submission};
use ledger::probe::Probe;
use ledger::writer::{BadLedger, Home, Writer};
use schemas::catalogue::{Catalogue, Role};
use schemas::event::{Event, Head};
use schemas::note::{Note, Origin};
use schemas::opening::{Disclosure, hidden_root};
use schemas::policy::Policy;
use schemas::time::Timestamp;
use schemas::value::Value;
use verifier::bundle::{NoVisitor, check};
use verifier::files::Folder;
use verifier::signature::SecretKey;

/// Events in one commit.
const BATCH: usize = 256;
/// Organisations that report, and facilities that they report about.
const PARTIES: usize = 50;

/// Writes a made log of many entries, and measures what is done with it.
#[derive(Parser)]
#[command(name = "bench", version)]
struct Arguments {
    /// Entries to write.
    #[arg(default_value_t = 100_000)]
    entries: u64,
    /// Folder for the log; it must not exist, and is left behind.
    #[arg(long, default_value = "bench-out")]
    out: PathBuf,
    /// Measures packs instead; meant for 1000000 entries.
    #[arg(long)]
    packs: bool,
}

#[derive(Debug, thiserror::Error)]
enum BadBench {
    #[error(transparent)]
    Ledger(#[from] BadLedger),
    #[error(transparent)]
    Failure(#[from] Failure),
    #[error(transparent)]
    Key(#[from] BadKeyFile),
    #[error(transparent)]
    Packs(#[from] packs::BadPacks),
    #[error("a target was not met")]
    NotMet,
    #[error("the bundle does not verify: {0}")]
    NotVerified(String),
}

fn main() -> ExitCode {
    ledger::probe::take_over();
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), BadBench> {
    if arguments.packs {
        let figures = packs::run(&arguments.out, arguments.entries)?;
        return if figures.iter().all(|figure| figure.met != Some(false)) { Ok(()) } else { Err(BadBench::NotMet) };
    }
    let origin = Origin::parse("bench.example/log").expect("an origin");
    let home = Home::new(&arguments.out.join("ledger"));
    let start = Timestamp::parse("2025-01-01T00:00:00Z").expect("an instant");
    let mut keys = KeyFolder::new(&arguments.out.join("keys"), origin.clone());
    let operator_key = keys.get_or_make("op", "ops-1")?;
    let facts = Genesis {
        operator: "op",
        registrar: ("op", Role::Operator),
        operator_keys: vec![operator_key.vkey().to_string()],
        registrar_keys: Vec::new(),
        oversight_keys: Vec::new(),
    };
    let mut writer = Writer::create(&home, &origin, &facts, start)?;
    let mut maker = Maker { origin, made: 0, start };
    let mut pens = Vec::new();
    let mut enrolments = Vec::new();
    for n in 0..PARTIES {
        let (party, pen) = (format!("cso-{n}"), keys.get_or_make(&format!("cso-{n}"), "office-1")?);
        enrolments.push(maker.enrolment(&party, &pen, &operator_key)?);
        pens.push((party, pen));
    }
    writer.commit(&enrolments, start)?;
    let mut signing = 0.0;
    let since = Instant::now();
    while writer.log().size() < arguments.entries {
        let before = Instant::now();
        let batch: Vec<Submission> = (0..BATCH).map(|n| maker.attempt(&pens[n % PARTIES])).collect::<Result<_, _>>()?;
        signing += before.elapsed().as_secs_f64();
        let at = batch.last().map_or(start, |s| s.received_at);
        writer.commit(&batch, at)?;
    }
    let append = since.elapsed().as_secs_f64() - signing;
    let (size, streams, policy) = (writer.log().size(), writer.log().streams(), folder::policy(writer.log()));
    let rate = size as f64 / append;
    println!(
        "appended  {size} entries, {streams} streams: {append:.2} s, {rate:.0} events/s (signing {signing:.2} s apart)"
    );
    drop(writer);
    let since = Instant::now();
    let writer = Writer::open(&home, &Probe::of_this_program()?)?;
    println!("opened    {:.2} s, probe in a child process and full replay included", since.elapsed().as_secs_f64());
    let since = Instant::now();
    let bundle = arguments.out.join("bundle");
    let exported = export::bundle(&writer, &policy, 0, &bundle, &mut |_, _| {})?;
    println!(
        "exported  {:.2} s, {} MB in {} files",
        since.elapsed().as_secs_f64(),
        exported.bytes / 1_000_000,
        exported.files
    );
    drop(writer);
    let since = Instant::now();
    let policy = Policy::parse(&policy).expect("made a moment ago");
    let report = check(&mut Folder::new(&bundle), &policy, None, &mut NoVisitor);
    println!("checked   {:.2} s, {}", since.elapsed().as_secs_f64(), report.verdict().as_str());
    if report.exit_code() == 0 { Ok(()) } else { Err(BadBench::NotVerified(format!("{:?}", report.faults.first()))) }
}

/// Makes events one after the other.
struct Maker {
    origin: Origin,
    made: i64,
    start: Timestamp,
}

impl Maker {
    fn submission(&mut self, mut event: Event, pens: &[&SecretKey]) -> Result<Submission, BadKeyFile> {
        let kind = Catalogue::built_in().event(&event.kind).expect("a type of the catalogue");
        let mut slots = Vec::new();
        for name in kind.slots() {
            let value = (name == "arrived_at").then(|| Value::Text(self.start.to_string()));
            slots.push(Disclosure { salt: random_bytes()?, name: name.to_owned(), value });
        }
        let digests: Vec<_> = slots.iter().map(Disclosure::digest).collect();
        event.hidden = Some(hidden_root(&digests).to_base64());
        let text = event.to_text();
        let note = Note { signatures: pens.iter().map(|pen| pen.sign(&text)).collect(), text };
        let slots = slots.iter().map(Disclosure::to_text).collect();
        Ok(Submission {
            note: note.to_text().into_bytes(),
            opening: Opening::open(slots),
            received_at: self.start.plus_seconds(self.made),
        })
    }

    fn event(&mut self, kind: &str, by: &str, data: &[(&str, Value)]) -> Event {
        self.made += 1;
        let (row, at) = (format!("r{}", self.made), self.start.date(0));
        let mut event = Event::new(&Head { kind: (kind, 1), ledger: &self.origin, by, row: &row, seq: self.made, at });
        event.data = data.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        event.id = Some(format!("{by}/n{}", self.made));
        event
    }

    fn enrolment(&mut self, party: &str, pen: &SecretKey, operator: &SecretKey) -> Result<Submission, BadKeyFile> {
        let text = |s: &str| Value::Text(s.to_owned());
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

    fn attempt(&mut self, (party, pen): &(String, SecretKey)) -> Result<Submission, BadKeyFile> {
        let text = |s: &str| Value::Text(s.to_owned());
        let facility = format!("fac-{}", self.made % 50);
        let data = [
            ("facility", text(&facility)),
            ("organisation", text(party)),
            ("attempted_on", text(&self.start.date(0).to_string())),
            ("outcome", text("turned_away")),
            ("wait", Value::Integer(20)),
            ("stated_reason", text("lockdown")),
        ];
        let event = self.event("visit.attempted", party, &data);
        self.submission(event, &[pen])
    }
}
