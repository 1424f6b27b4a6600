//! Reads a whole ledger and verifies it as an auditor would, signatures included.

use schemas::catalogue::Catalogue;
use schemas::opening::{BadOpening, OpeningLine};
use verifier::fault::Fault;
use verifier::follower::{Accepted, Follower};

use crate::failure::Failure;
use crate::writer::Writer;

/// What a check of the whole ledger found.
#[derive(Debug, Default)]
pub struct Found {
    /// Entries read.
    pub entries: u64,
    /// Signatures checked.
    pub signatures: u64,
    /// Opening lines checked.
    pub lines: u64,
    /// What is wrong.
    pub problems: Vec<Fault>,
}

/// Checks everything: entries with their signatures, the root against the last checkpoint, every
/// opening against what was committed.
///
/// # Errors
/// [`Failure`] if something cannot be read at all.
pub fn check(writer: &Writer, progress: &mut dyn FnMut(u64, u64)) -> Result<Found, Failure> {
    let mut follower = Follower::new(writer.log().origin().clone());
    let mut lines = writer.vault().lines(0);
    let mut found = Found::default();
    let total = writer.log().size();
    for entry in writer.store().entries(0) {
        let (position, bytes) = entry?;
        if let Err(fault) = follower.push(&bytes) {
            found.problems.push(fault);
            return Ok(found);
        }
        if position + 1 == total || (position + 1).is_multiple_of(1024) {
            match follower.drain() {
                Ok(accepted) => {
                    for entry in accepted {
                        let Some(line) = lines.next() else { break };
                        found.lines += 1;
                        found.problems.extend(check_line(entry.get(), &line?.1).err());
                    }
                }
                Err(fault) => {
                    found.problems.push(fault);
                    return Ok(found);
                }
            }
            progress(position + 1, total);
        }
    }
    found.entries = follower.state().size();
    found.signatures = follower.signatures();
    let root = follower.state().root();
    if root != writer.log().root() {
        let path = writer.home().checkpoint().display().to_string();
        found.problems.push(Fault::Root { path, stated: writer.log().root(), found: root });
    }
    Ok(found)
}

fn check_line(accepted: &Accepted, line: &str) -> Result<(), Fault> {
    let event = &accepted.entry.signed.event;
    let position = accepted.entry.position;
    let bad = |what| Fault::Opening { position, address: event.address(), what };
    let (Some(root), Some(kind)) = (event.hidden_root(), Catalogue::built_in().event(&event.kind)) else {
        return if line.is_empty() { Ok(()) } else { Err(bad(BadOpening::OtherEntry)) };
    };
    // An empty line: the ledger was restored without this opening; the value is withheld.
    if line.is_empty() {
        return Ok(());
    }
    let parsed = OpeningLine::parse(line).map_err(bad)?;
    if parsed.entry != position || parsed.event != accepted.entry.signed.id() {
        return Err(bad(BadOpening::OtherEntry));
    }
    parsed.check(root, kind).map(drop).map_err(bad)
}
