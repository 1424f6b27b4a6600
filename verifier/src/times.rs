//! Times of receipt, bounded by what witnesses saw. FORMAT.md 10.5.
//!
//! The log's own clock dates entries; nobody else stood beside it. But a witness signs when it saw a
//! checkpoint, and every entry under it was there by then.

use schemas::entry::Entry;
use schemas::policy::Policy;
use schemas::time::Timestamp;

use crate::fault::Fault;
use crate::report::{Outcome, Step};

/// How far the log's clock may lead that of the witnesses, in seconds.
pub const CLOCK_SECONDS: i64 = 300;
/// An entry is bounded if witnesses saw it so soon after its time of receipt, in seconds.
pub const BOUND_SECONDS: i64 = 86_400;
/// Spans that are named; the rest are counted.
const SPANS_MAX: usize = 20;

/// A checkpoint that the reader's witnesses have seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Entries under it.
    pub size: u64,
    /// When, by the witnesses' clocks.
    pub time: Timestamp,
    /// Its file.
    pub path: String,
}

impl Seen {
    /// The earliest time by which witnesses that reach the policy's quorum had cosigned; nothing if
    /// they do not. With `quorum none` one of the policy's witnesses is enough.
    pub fn by(policy: &Policy, witnesses: &[(String, u64)], size: u64, path: &str) -> Option<Self> {
        let mut by_time: Vec<&(String, u64)> = witnesses.iter().collect();
        by_time.sort_by_key(|(_, time)| *time);
        let mut names = Vec::new();
        let time = by_time.into_iter().find_map(|(name, time)| {
            names.push(name.as_str());
            policy.quorum_reached(&names).then_some(*time)
        })?;
        let time = Timestamp::from_unix(i64::try_from(time).unwrap_or(i64::MAX));
        Some(Self { size, time, path: path.to_owned() })
    }
}

/// Entries that nobody saw within a day of their time of receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Span {
    first: u64,
    last: u64,
    said: (Timestamp, Timestamp),
    /// When the first of them was seen, if ever.
    seen: Option<Timestamp>,
}

/// A fold over entries in order, against the checkpoints that witnesses have seen.
#[derive(Clone, Debug)]
pub struct Times {
    /// By size; each with the earliest time at which it or a larger one was seen.
    seen: Vec<Seen>,
    /// Why nothing can be bounded, where that is so.
    unwatched: Option<&'static str>,
    next: usize,
    entries: u64,
    bounded: u64,
    spans: Vec<Span>,
    fault: bool,
}

impl Times {
    /// Against these checkpoints, in any order.
    pub fn new(policy: &Policy, mut seen: Vec<Seen>) -> Self {
        let unwatched = if policy.witnesses.is_empty() {
            Some("the policy names no witness: the log's clock alone dates entries")
        } else if seen.is_empty() {
            Some("no checkpoint was seen by the policy's witnesses: the log's clock alone dates entries")
        } else {
            None
        };
        seen.sort_by_key(|s| s.size);
        // Who has seen a larger tree has seen the smaller one.
        for at in (1..seen.len()).rev() {
            if seen[at].time < seen[at - 1].time {
                let (time, path) = (seen[at].time, seen[at].path.clone());
                seen[at - 1] = Seen { size: seen[at - 1].size, time, path };
            }
        }
        Self { seen, unwatched, next: 0, entries: 0, bounded: 0, spans: Vec::new(), fault: false }
    }

    /// Takes the next entry. The first that claims to come later than it was seen is a fault.
    pub fn see(&mut self, entry: &Entry) -> Option<Fault> {
        let (position, received_at) = (entry.position, entry.received_at);
        let seen = self.place(position, received_at)?;
        Some(Fault::ClockAhead {
            position,
            address: entry.signed.event.address(),
            received_at,
            seen: seen.time,
            path: seen.path,
        })
    }

    /// Counts the entry; gives the checkpoint that contradicts it, if one does for the first time.
    fn place(&mut self, position: u64, received_at: Timestamp) -> Option<Seen> {
        self.entries += 1;
        while self.seen.get(self.next).is_some_and(|seen| seen.size <= position) {
            self.next += 1;
        }
        let seen = self.seen.get(self.next);
        let time = seen.map(|s| s.time);
        let early = time.map(|t| received_at.unix() - t.unix());
        match early {
            Some(early) if early > CLOCK_SECONDS => {
                let first = !std::mem::replace(&mut self.fault, true);
                return seen.filter(|_| first).cloned();
            }
            Some(early) if -early <= BOUND_SECONDS => self.bounded += 1,
            _ => match self.spans.last_mut() {
                Some(span) if span.last + 1 == position && span.seen == time => {
                    span.last = position;
                    span.said.1 = received_at;
                }
                _ => {
                    let said = (received_at, received_at);
                    self.spans.push(Span { first: position, last: position, said, seen: time });
                }
            },
        }
        None
    }

    /// The step, and in words what could not be bounded.
    pub(crate) fn finish(&self) -> (Step, Vec<String>) {
        let (entries, bounded) = (self.entries, self.bounded);
        let (outcome, counted) = match self.unwatched {
            Some(why) => (Outcome::NotChecked, why.to_owned()),
            None if self.fault => (Outcome::Fault, String::new()),
            None => (Outcome::Holds, format!("{bounded} of {entries} entries within a day")),
        };
        let mut words = Vec::new();
        if self.unwatched.is_none() {
            for span in self.spans.iter().take(SPANS_MAX) {
                let seen = span.seen.map_or("never".to_owned(), |t| t.to_string());
                words.push(format!(
                    "times of receipt of entries {} to {}, said {} to {}: witnesses saw them first {seen}",
                    span.first, span.last, span.said.0, span.said.1
                ));
            }
            if self.spans.len() > SPANS_MAX {
                words.push(format!("times of receipt in {} more spans", self.spans.len() - SPANS_MAX));
            }
        }
        (Step { section: "10.5", title: "times of receipt are bounded by witnesses", outcome, counted }, words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::note::{ALG_COSIGNATURE, Vkey};

    fn policy(quorum: &str) -> Policy {
        let witness = |n: u8| {
            let vkey = Vkey { name: format!("w{n}.example"), alg: ALG_COSIGNATURE, key: [n; 32] };
            format!("witness w{n} {vkey}\n")
        };
        let lines: String = (1..=3).map(witness).collect();
        Policy::parse(&format!("{lines}group g 2 w1 w2 w3\nquorum {quorum}\n")).unwrap()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(1_000_000 + seconds)
    }

    #[test]
    fn a_checkpoint_is_seen_when_the_quorum_has() {
        let said = |all: &[(&str, u64)]| all.iter().map(|(n, t)| ((*n).to_owned(), *t)).collect::<Vec<_>>();
        for (quorum, witnesses, want) in [
            ("g", said(&[("w1", 50), ("w2", 30), ("w3", 40)]), Some(40)),
            ("g", said(&[("w1", 50), ("w3", 40)]), Some(50)),
            ("g", said(&[("w1", 50)]), None),
            ("w2", said(&[("w1", 10), ("w2", 30)]), Some(30)),
            ("w2", said(&[("w1", 10)]), None),
            ("none", said(&[("w1", 50), ("w2", 30)]), Some(30)),
            ("none", said(&[]), None),
            ("w2", said(&[("w2", u64::MAX)]), Some(Timestamp::from_unix(i64::MAX).unix())),
        ] {
            let seen = Seen::by(&policy(quorum), &witnesses, 9, "checkpoint");
            assert_eq!(seen.map(|s| s.time.unix()), want, "{quorum} {witnesses:?}");
        }
    }

    /// Received times of entries 0, 1, …; sizes with the times at which they were seen; what comes of it:
    /// entries bounded, the first at fault, spans that are not bounded.
    type Case = (&'static str, &'static [i64], &'static [(u64, i64)], u64, Option<u64>, &'static [(u64, u64)]);

    #[test]
    fn every_time_is_bounded_from_both_sides_or_named() {
        const DAY: i64 = BOUND_SECONDS;
        let cases: &[Case] = &[
            ("seen at once", &[0, 10, 20], &[(3, 20)], 3, None, &[]),
            ("seen a day later", &[0, 1], &[(2, DAY)], 2, None, &[]),
            ("seen a second more than a day later", &[0, 1, 2], &[(3, DAY + 1)], 2, None, &[(0, 0)]),
            ("the log's clock leads a little", &[0, 300], &[(2, 0)], 2, None, &[]),
            ("the log's clock leads too much", &[0, 301, 302], &[(3, 0)], 1, Some(1), &[]),
            ("only the first of many is named", &[400, 401], &[(2, 0)], 0, Some(0), &[]),
            ("never seen", &[0, 1, 2], &[(1, 0)], 1, None, &[(1, 2)]),
            ("a week without a witness", &[0, DAY, 2 * DAY, 7 * DAY], &[(1, 0), (4, 7 * DAY)], 2, None, &[(1, 2)]),
            (
                "two spans, told apart",
                &[0, 1, 5 * DAY, 9 * DAY],
                &[(2, 4 * DAY), (4, 9 * DAY)],
                1,
                None,
                &[(0, 1), (2, 2)],
            ),
            // A larger tree was seen earlier than a smaller one: the earlier time counts for both.
            ("a witness that came late to a small one", &[0, 1], &[(1, 9 * DAY), (2, 1)], 2, None, &[]),
            ("the same where the log lies", &[0, 500], &[(1, 9 * DAY), (2, 1)], 1, Some(1), &[]),
        ];
        for (what, received, seen, bounded, fault, spans) in cases {
            let seen = seen.iter().map(|(size, t)| Seen { size: *size, time: at(*t), path: String::new() }).collect();
            let mut times = Times::new(&policy("g"), seen);
            let mut faults = Vec::new();
            for (position, received_at) in (0..).zip(*received) {
                if times.place(position, at(*received_at)).is_some() {
                    faults.push(position);
                }
            }
            let found: Vec<(u64, u64)> = times.spans.iter().map(|s| (s.first, s.last)).collect();
            assert_eq!(
                (times.bounded, faults.first().copied(), found.as_slice()),
                (*bounded, *fault, *spans),
                "{what}"
            );
            assert!(faults.len() <= 1, "{what}");
            let (step, words) = times.finish();
            assert_eq!(step.outcome == Outcome::Fault, fault.is_some(), "{what}");
            assert_eq!(words.len(), spans.len(), "{what}");
        }
    }

    #[test]
    fn nothing_is_claimed_without_witnesses() {
        let seen = vec![Seen { size: 9, time: at(0), path: String::new() }];
        let none = Policy::parse("quorum none\n").unwrap();
        for (policy, seen) in [(none, seen), (policy("g"), Vec::new())] {
            let mut times = Times::new(&policy, seen);
            times.place(0, at(-500));
            assert_eq!(times.finish().0.outcome, Outcome::NotChecked);
        }
    }

    #[test]
    fn spans_are_named_up_to_a_number() {
        let seen = (1..=60).map(|n| Seen { size: n, time: at(10 * BOUND_SECONDS * n as i64), path: String::new() });
        let mut times = Times::new(&policy("g"), seen.collect());
        for position in 0..60 {
            times.place(position, at(10 * BOUND_SECONDS * position as i64));
        }
        let (step, words) = times.finish();
        assert_eq!(step.counted, "0 of 60 entries within a day");
        assert_eq!((words.len(), words.last().unwrap().as_str()), (21, "times of receipt in 40 more spans"));
        assert!(words[0].contains("entries 0 to 0"), "{}", words[0]);
    }
}
