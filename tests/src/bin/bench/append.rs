//! Signed bytes in, durable entries and receipts out.

use std::time::Instant;

use ledger::sequencer::{Delivery, Sequencer};

use crate::bench::{BadBench, Bench, append_all, check, start, stop};
use crate::limits::middle;
use crate::row::{Row, Target};

/// Callers who hand in one event each and wait for its receipt.
const CALLERS: usize = 64;
/// Events handed in one after the other, of which the middle one counts.
const ALONE: usize = 201;
const OF_VERIFY: &str = "of the limit";

/// The rows.
pub fn run(bench: &mut Bench) -> Result<Vec<Row>, BadBench> {
    let limits = bench.limits()?;
    let events = bench.arguments.events;
    let (mut maker, writer) = bench.found("append")?;
    let (with, without) = (maker.amendments(events), maker.changes(events));
    let (many, alone) = (maker.amendments(events), maker.amendments(ALONE));
    let bytes = with.iter().map(|d| d.note.len()).sum::<usize>() as f64 / events as f64;
    let (sequencer, running) = start(writer)?;
    let with = append_all(&sequencer, with)?;
    let without = append_all(&sequencer, without)?;
    let callers = one_each(&sequencer, many)?;
    let alone = one_by_one(&sequencer, alone)?;
    stop(&sequencer, running)?;
    let rate = |what: &str, seconds: f64, least| {
        Row::new("append", what, events as f64 / seconds, "events/s")
            .of(limits.verify, OF_VERIFY)
            .target(Target::AtLeast(least))
    };
    let most = 3.0 * limits.fsync * 1e6 + 2_000.0;
    Ok(vec![
        Row::new("append", "a signed note with 5 subjects among 10,000, on average", bytes, "bytes"),
        rate("four restricted slots an event, 256 at a time", with, 0.25),
        rate("no slots but the two times that every event has, 256 at a time", without, 0.35),
        rate("64 callers, each waiting for its one receipt", callers, 0.12),
        Row::new("append", "one event alone until its receipt, middle of 201", alone * 1e6, "us")
            .target(Target::AtMost(most)),
    ])
}

/// The same while the log grows.
pub fn growth(bench: &mut Bench) -> Result<Vec<Row>, BadBench> {
    let limits = bench.limits()?;
    let grown = bench.grown()?;
    let mut rows = Vec::new();
    let mut first = None;
    for decade in [10_000, 100_000, 1_000_000, 10_000_000] {
        // The stretch that ends nearest beyond the decade.
        let Some((size, events, seconds)) = grown.stretches.iter().find(|(size, ..)| *size >= decade) else { break };
        let each = seconds / *events as f64 * 1e6;
        let row = Row::new("growth", format!("an append in a log of {size}, on both cores"), each, "us");
        let one = 1e6 / limits.verify;
        rows.push(match first {
            None => row.of(one, "of checking it"),
            Some(smallest) => row.of(smallest, "of that in the smallest"),
        });
        first = first.or(Some(each));
    }
    Ok(rows)
}

/// Many callers, each with one event at a time.
fn one_each(sequencer: &Sequencer, events: Vec<Delivery>) -> Result<f64, BadBench> {
    let mut shares: Vec<Vec<Delivery>> = (0..CALLERS).map(|_| Vec::new()).collect();
    for (number, event) in events.into_iter().enumerate() {
        shares[number % CALLERS].push(event);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build();
    let runtime = runtime.map_err(|source| BadBench::File { path: "tokio".into(), source })?;
    let since = Instant::now();
    runtime.block_on(async {
        let mut callers = Vec::new();
        for share in shares {
            let sequencer = sequencer.clone();
            callers.push(tokio::spawn(async move {
                for event in share {
                    check(sequencer.append(vec![event]).await?)?;
                }
                Ok::<_, BadBench>(())
            }));
        }
        for caller in callers {
            caller.await.expect("a caller does not panic")?;
        }
        Ok(since.elapsed().as_secs_f64())
    })
}

/// One caller, one event at a time.
fn one_by_one(sequencer: &Sequencer, events: Vec<Delivery>) -> Result<f64, BadBench> {
    let mut times = Vec::with_capacity(events.len());
    for event in events {
        let since = Instant::now();
        check(sequencer.append_blocking(vec![event])?)?;
        times.push(since.elapsed().as_secs_f64());
    }
    Ok(middle(&mut times))
}
