//! What this machine can do at best: check signatures in batches on both cores, and make one write durable.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use verifier::signature::{Claim, PublicKey, SecretKey, all_hold};

use crate::bench::{BadBench, Bench};
use crate::maker::{Maker, signed};
use crate::row::Row;

/// Signatures checked together; larger batches gain little.
const BATCH: usize = 1_024;
/// Batches that each core checks.
const BATCHES: usize = 24;
/// Writes of which the middle one counts.
const WRITES: usize = 201;
/// Bytes of one write.
const BYTES: usize = 1_024;

/// The machine's limits.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Events a second of which both cores do nothing but check the signature.
    pub verify: f64,
    /// The same on one core.
    pub verify_one: f64,
    /// Seconds that one write takes until it is durable.
    pub fsync: f64,
}

impl Limits {
    /// Measures them; the file goes into the folder where the ledgers will lie.
    pub fn measure(folder: &Path) -> Result<Self, BadBench> {
        let keys: Vec<SecretKey> = Maker::pens();
        let notes = signed(&keys, BATCH);
        let publics: Vec<PublicKey> =
            keys.iter().map(|key| PublicKey::new(&key.vkey()).expect("a key made here")).collect();
        let check = || {
            for _ in 0..BATCHES {
                let claims: Vec<Claim> = notes
                    .iter()
                    .enumerate()
                    .map(|(n, note)| {
                        let public = &publics[n % publics.len()];
                        Claim::new(public, note.text.as_bytes(), &note.signatures[0].signature).expect("well formed")
                    })
                    .collect();
                assert!(all_hold(&claims), "what was signed here holds");
            }
        };
        let rate = |cores: usize| {
            let since = Instant::now();
            std::thread::scope(|scope| (0..cores).for_each(|_| drop(scope.spawn(check))));
            (cores * BATCHES * BATCH) as f64 / since.elapsed().as_secs_f64()
        };
        let verify_one = rate(1);
        let cores = std::thread::available_parallelism().map_or(2, |n| n.get().min(2));
        Ok(Self { verify: rate(cores), verify_one, fsync: fsync(folder)? })
    }
}

/// The middle of many writes, each made durable by a call of its own.
fn fsync(folder: &Path) -> Result<f64, BadBench> {
    let path = folder.join("fsync");
    let bad = |source| BadBench::File { path: path.clone(), source };
    let mut file = OpenOptions::new().create(true).append(true).open(&path).map_err(bad)?;
    let mut times = Vec::with_capacity(WRITES);
    for _ in 0..WRITES {
        let since = Instant::now();
        file.write_all(&[7; BYTES]).map_err(bad)?;
        ledger::files::sync(&file, folder);
        times.push(since.elapsed().as_secs_f64());
    }
    Ok(middle(&mut times))
}

/// The middle of some times.
pub fn middle(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// The rows.
pub fn run(bench: &mut Bench) -> Result<Vec<Row>, BadBench> {
    let limits = bench.limits()?;
    Ok(vec![
        Row::new("limits", "signatures checked in batches of 1,024, one core", limits.verify_one, "events/s"),
        Row::new("limits", "signatures checked in batches of 1,024, both cores (the limit)", limits.verify, "events/s"),
        Row::new("limits", "one write of 1 KiB made durable, middle of 201", limits.fsync * 1e6, "us"),
    ])
}
