//! What the parts share: the folder, the machine's limits, the grown log.

use std::path::{Path, PathBuf};
use std::time::Instant;

use ledger::clock::Clock;
use ledger::failure::Failure;
use ledger::keys::BadKeyFile;
use ledger::plan::Rejection;
use ledger::probe::Probe;
use ledger::sequencer::{Delivery, Halted, Reply, Running, Sequencer};
use ledger::writer::{BadLedger, Home, Writer};

use crate::Arguments;
use crate::limits::Limits;
use crate::maker::Maker;

/// Events that one caller hands in at a time, where it hands in many.
pub const PARCEL: usize = 256;
/// Callers that hand in many.
const CALLERS: usize = 8;
/// Events made ahead of an append; the log grows by so many between two pauses of the clock.
const AHEAD: usize = 32_768;

/// Why the bench ended.
#[derive(Debug, thiserror::Error)]
pub enum BadBench {
    /// A ledger cannot be made or opened.
    #[error(transparent)]
    Ledger(#[from] BadLedger),
    /// The disk.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// A key.
    #[error(transparent)]
    Key(#[from] BadKeyFile),
    /// Nobody records readings.
    #[error(transparent)]
    Readings(#[from] ledger::http::readings::BadReadings),
    /// The sequencer stopped.
    #[error(transparent)]
    Halted(#[from] Halted),
    /// An event that was made was refused: the figures would mean nothing.
    #[error("an event was refused: {0}")]
    Refused(Rejection),
    /// A receipt is missing.
    #[error("event {position} was answered without a receipt")]
    NoReceipt {
        /// Its position.
        position: u64,
    },
    /// The server could not be measured.
    #[error(transparent)]
    Http(#[from] crate::http::BadHttp),
    /// A pack could not be measured.
    #[error(transparent)]
    Packs(#[from] crate::packs::BadPacks),
    /// No such part.
    #[error("there is no part {0:?}; `bench --help` lists them")]
    Part(String),
    /// A file of the bench's own.
    #[error("{}: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
}

/// What the parts share.
pub struct Bench {
    /// As called.
    pub arguments: Arguments,
    folder: PathBuf,
    kept: bool,
    limits: Option<Limits>,
    grown: Option<Grown>,
}

/// A closed ledger of as many entries as the arguments say.
#[derive(Clone)]
pub struct Grown {
    /// Its folder.
    pub home: Home,
    /// Entries.
    pub entries: u64,
    /// Events and seconds of each stretch whose time was taken, with the size of the log at its end.
    pub stretches: Vec<(u64, usize, f64)>,
}

impl Bench {
    /// In a folder that is not there yet.
    pub fn new(arguments: &Arguments) -> Result<Self, BadBench> {
        let folder = arguments.out.clone().unwrap_or_else(|| PathBuf::from(format!("bench-{}", std::process::id())));
        std::fs::create_dir(&folder).map_err(|source| BadBench::File { path: folder.clone(), source })?;
        let kept = arguments.out.is_some();
        Ok(Self { arguments: arguments.clone(), folder, kept, limits: None, grown: None })
    }

    /// A place in its folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The machine's limits, measured once a run.
    pub fn limits(&mut self) -> Result<Limits, BadBench> {
        if self.limits.is_none() {
            self.limits = Some(Limits::measure(&self.folder)?);
        }
        Ok(self.limits.expect("measured a moment ago"))
    }

    /// A new ledger in a folder of that name.
    pub fn found(&self, name: &str) -> Result<(Maker, Writer), BadBench> {
        Maker::found(&self.folder.join(name))
    }

    /// The grown log, made once a run.
    pub fn grown(&mut self) -> Result<Grown, BadBench> {
        if self.grown.is_none() {
            let (maker, writer) = self.found("grown")?;
            self.grown = Some(grow(maker, writer, &self.folder.join("grown"), self.arguments.entries)?);
        }
        Ok(self.grown.clone().expect("grown a moment ago"))
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        if !self.kept {
            let _ = std::fs::remove_dir_all(&self.folder); // what is left is only in the way
        }
    }
}

impl Grown {
    /// Opens it again.
    pub fn open(&self) -> Result<Writer, BadBench> {
        Ok(Writer::open(&self.home, &Probe::of_this_program()?)?)
    }
}

/// Grows a log to so many entries; the time is taken of every stretch, and making the events is no part of it.
fn grow(mut maker: Maker, writer: Writer, folder: &Path, entries: u64) -> Result<Grown, BadBench> {
    let mut size = writer.log().size();
    let (sequencer, running) = start(writer)?;
    let mut stretches = Vec::new();
    while size < entries {
        let some = maker.amendments(AHEAD.min(usize::try_from(entries - size).unwrap_or(AHEAD)));
        let count = some.len();
        let seconds = append_all(&sequencer, some)?;
        size = sequencer.watch().borrow().size;
        stretches.push((size, count, seconds));
    }
    stop(&sequencer, running)?.stop()?;
    Ok(Grown { home: Home::new(&folder.join("ledger")), entries: size, stretches })
}

/// A sequencer over a writer.
pub fn start(writer: Writer) -> Result<(Sequencer, Running), BadBench> {
    Ok(Sequencer::start(writer, Clock::Virtual(Maker::start()))?)
}

/// Stops a sequencer.
pub fn stop(sequencer: &Sequencer, running: Running) -> Result<Writer, BadBench> {
    sequencer.stop();
    Ok(running.join()?)
}

/// Hands all in by a few callers, each of which waits for its answers before it hands in more; gives the seconds
/// from the first byte to the last receipt.
pub fn append_all(sequencer: &Sequencer, events: Vec<Delivery>) -> Result<f64, BadBench> {
    let mut shares: Vec<Vec<Vec<Delivery>>> = (0..CALLERS).map(|_| Vec::new()).collect();
    let mut events = events.into_iter();
    for turn in (0..CALLERS).cycle() {
        let parcel: Vec<Delivery> = events.by_ref().take(PARCEL).collect();
        if parcel.is_empty() {
            break;
        }
        shares[turn].push(parcel);
    }
    let since = Instant::now();
    std::thread::scope(|scope| {
        let callers: Vec<_> = shares
            .into_iter()
            .map(|share| {
                scope.spawn(move || {
                    for parcel in share {
                        check(sequencer.append_blocking(parcel)?)?;
                    }
                    Ok(())
                })
            })
            .collect();
        callers.into_iter().try_for_each(|caller| caller.join().expect("a caller does not panic"))
    })
    .map(|()| since.elapsed().as_secs_f64())
}

/// Every event was taken, and has its receipt.
pub fn check(replies: Vec<Reply>) -> Result<(), BadBench> {
    for reply in replies {
        match reply {
            Reply::Stands { receipt: Some(_), .. } => {}
            Reply::Stands { position, receipt: None, .. } => return Err(BadBench::NoReceipt { position }),
            Reply::Refused { why, .. } => return Err(BadBench::Refused(why)),
        }
    }
    Ok(())
}
