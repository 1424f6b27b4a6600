//! Logs of few entries, replayed as an auditor does and as the ledger does. FORMAT.md 11, 18, 21.4.

use schemas::event::SignedEvent;
use schemas::note::Origin;
use verifier::Verified;
use verifier::fault::Fault;
use verifier::follower::{Accepted, Follower};
use verifier::state::State;

use crate::reader::Vector;

/// A log in a body: its origin, its entries, and the lines after them.
pub struct Body<'a> {
    pub origin: Origin,
    pub entries: Vec<&'a [u8]>,
    pub rest: &'a [u8],
}

impl<'a> Body<'a> {
    pub fn of(bytes: &'a [u8]) -> Self {
        let mut rest = bytes;
        let mut line = |name: &str| {
            let end = rest.iter().position(|b| *b == b'\n')?;
            let value = std::str::from_utf8(&rest[..end]).unwrap().strip_prefix(name)?.strip_prefix(": ")?.to_owned();
            rest = &rest[end + 1..];
            Some(value)
        };
        let origin = Origin::parse(&line("origin").expect("an origin")).expect("an origin");
        let mut entries = Vec::new();
        loop {
            let mut take = |name: &str| {
                let end = rest.iter().position(|b| *b == b'\n')?;
                let value = std::str::from_utf8(&rest[..end]).ok()?.strip_prefix(name)?.strip_prefix(": ")?;
                let length: usize = value.parse().unwrap();
                let entry = &rest[end + 1..end + 1 + length];
                rest = &rest[end + 1 + length..];
                Some(entry)
            };
            let Some(entry) = take("entry") else { break };
            entries.push(entry);
        }
        Self { origin, entries, rest }
    }

    /// All entries, checked; or what stands against the first that is at fault.
    pub fn follow(&self) -> (Follower, Result<Vec<Verified<Accepted>>, Fault>) {
        let mut follower = Follower::new(self.origin.clone());
        let pushed = self.entries.iter().try_for_each(|bytes| follower.push(bytes));
        let all = pushed.and_then(|()| follower.drain());
        (follower, all)
    }
}

/// What FORMAT.md 21 says of a fault: its number in 11, and the entry.
pub fn word(fault: &Fault) -> String {
    match fault {
        Fault::Admission { position, refusal, .. } => format!("refused {} at {position}", refusal.number()),
        Fault::Entry { position, .. } => format!("refused 1 at {position}"),
        other => format!("refused {other}"),
    }
}

/// What the ledger would answer whoever hands in the last event.
fn answer(body: &Body<'_>) -> Option<u8> {
    let (last, before) = body.entries.split_last().unwrap();
    let mut state = State::new(body.origin.clone());
    before.iter().for_each(|bytes| state.replay(bytes).unwrap());
    let entry = schemas::entry::Entry::parse(last).ok()?;
    let signed = SignedEvent::parse(entry.signed.note.to_text().as_bytes()).unwrap();
    let form = state.check_form(&signed.event).map(drop);
    let opened = form.and_then(|()| state.keyring().open(signed));
    Some(
        opened
            .and_then(|opened| state.admit(&opened, entry.received_at))
            .map_or_else(|refusal| refusal.number(), |_| 0),
    )
}

#[test]
fn logs() {
    let mut rules = std::collections::BTreeMap::new();
    let mut wrong = Vec::new();
    for vector in Vector::read_all("log") {
        let body = Body::of(&vector.body);
        assert!(body.rest.is_empty(), "{}: what follows the entries?", vector.name);
        let got = match body.follow().1 {
            Ok(_) => "ok".to_owned(),
            Err(fault) => word(&fault),
        };
        if got != vector.expect {
            wrong.push(format!("{}: {got}, expected {} ({})", vector.name, vector.expect, vector.comment));
            continue;
        }
        // The ledger never accepts what an auditor would reject, nor the other way round.
        if let Some(number) = answer(&body) {
            let here =
                if number == 0 { "ok".to_owned() } else { format!("refused {number} at {}", body.entries.len() - 1) };
            assert_eq!(here, got, "{}: the ledger says otherwise", vector.name);
        }
        if got != "ok" {
            let rule = vector.name.split(['/', '-']).nth(1).unwrap().to_owned();
            *rules.entry(rule).or_insert(0) += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let want: Vec<String> = (1..=16).chain([18]).map(|number| format!("{number:02}")).collect();
    let few: Vec<&String> = want.iter().filter(|rule| rules.get(*rule).copied().unwrap_or(0) < 4).collect();
    assert!(few.is_empty(), "fewer than four for {few:?}");
}
