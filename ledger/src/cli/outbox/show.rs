//! `outbox status`, `outbox receipts`.

use schemas::visible::Show as _;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use ledger::failure::Failure;
use ledger::files;
use ledger::outpost::{Held, Outpost, Sight, State, Undeclared};

use verifier::output::{Readers, Unfinished};

use super::super::Ended;
use super::Place;

/// Hex digits of an event's id in the name of a file.
const ID_DIGITS: usize = 16;

/// Arguments of `outbox status`.
#[derive(Args)]
pub struct Status {
    #[command(flatten)]
    place: Place,
    /// Print every record as a JSON line; `state` is recorded, received, covered, refused (somebody must look at it), or
    /// settled (refused, and signed again since).
    #[arg(long)]
    json: bool,
    /// List every record, not only those that somebody must look at.
    #[arg(long)]
    all: bool,
}

impl Status {
    pub fn run(self) -> Result<(), Ended> {
        let outpost = self.place.open()?;
        let pack = outpost.checked_pack()?;
        let sights = pack.as_ref().map_or_else(BTreeMap::new, |pack| outpost.sights(pack));
        let sight = |held: &Held| sights.get(&held.signed.event.address());
        let settled = outpost.settled();
        if self.json {
            for held in outpost.held() {
                verifier::say!("{}", json(held, settled.contains(&held.id), sight(held)));
            }
            return Ok(());
        }
        let (mut counts, mut mended) = ([0usize; 4], 0usize);
        for held in outpost.held() {
            let (at, words) = match &held.state {
                State::Recorded => (0, "recorded here, not handed in".to_owned()),
                State::Received { position, .. } => {
                    (1, format!("received: entry {position}, by the ledger's word; no receipt yet"))
                }
                State::Covered { position, size, .. } => {
                    (2, format!("covered: entry {position} under the checkpoint of {size}"))
                }
                State::Refused { why, .. } if settled.contains(&held.id) => {
                    mended += 1;
                    (3, format!("refused, and signed again since: {why}"))
                }
                State::Refused { why, .. } => (3, format!("refused: {why}")),
            };
            let open = at == 3 && !settled.contains(&held.id);
            counts[at] += 1;
            let seen = match sight(held) {
                Some(Sight::Countersigned { by }) => format!("; countersigned by entry {by}"),
                Some(Sight::Disputed { by }) => format!("; DISPUTED by entry {by}"),
                None => String::new(),
            };
            let disputed = matches!(sight(held), Some(Sight::Disputed { .. }));
            if self.all || open || disputed {
                verifier::say!("{}  {words}{seen}", held.parcel.source);
            }
        }
        let [recorded, received, covered, refused] = counts;
        let (refused, mended) = (
            refused - mended,
            if mended == 0 { String::new() } else { format!(" ({mended} more were signed again since)") },
        );
        verifier::say!(
            "{recorded} recorded here, {received} received by the ledger's word alone, {covered} covered by a checkpoint, {refused} refused{mended}"
        );
        let countersigned = sights.values().filter(|sight| matches!(sight, Sight::Countersigned { .. })).count();
        verifier::say!(
            "{countersigned} countersigned, {} disputed, as the newest pack shows",
            sights.len() - countersigned
        );
        pack.iter().for_each(|pack| super::say_not_here(&outpost, pack));
        verifier::say!("{} drafts wait for a second signature (outbox cosign)", outpost.waiting().count());
        if let Some(outage) = outpost.outages().last().filter(|outage| outage.until.is_none()) {
            verifier::say!("the ledger is not reached since {}", outage.from);
        }
        if let Some(Undeclared { from, until, of }) = outpost.undeclared()? {
            let how = of.map_or_else(
                || "declare it with `outbox propose … outage`".to_owned(),
                |id| format!("it is declared without its end: `outbox propose … outage-ended --id {id}`"),
            );
            verifier::say!("the ledger was not reached from {from} to {until}: {how}");
        }
        Ok(())
    }
}

fn json(held: &Held, settled: bool, sight: Option<&Sight>) -> serde_json::Value {
    let mut all = serde_json::json!({
        "event": held.id.to_hex(), "row": held.parcel.source, "recorded_at": held.recorded_at.to_string(),
    });
    let state = match &held.state {
        State::Recorded => serde_json::json!({"state": "recorded"}),
        State::Received { position, at } => {
            serde_json::json!({"state": "received", "position": position, "answered_at": at.to_string()})
        }
        State::Covered { position, size, received_at } => serde_json::json!({
            "state": "covered", "position": position, "size": size, "received_at": received_at.to_string()
        }),
        State::Refused { number, why, at } => {
            let (state, at) = (if settled { "settled" } else { "refused" }, at.to_string());
            serde_json::json!({"state": state, "number": number, "why": why, "refused_at": at})
        }
    };
    let sight = match sight {
        Some(Sight::Countersigned { by }) => serde_json::json!({"countersigned_by": by}),
        Some(Sight::Disputed { by }) => serde_json::json!({"disputed_by": by}),
        None => serde_json::json!({}),
    };
    if let serde_json::Value::Object(members) = &mut all {
        for more in [state, sight] {
            members.extend(more.as_object().cloned().unwrap_or_default());
        }
    }
    all
}

/// Arguments of `outbox receipts`.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Example:
  ledger outbox receipts outbox shown --key-file k
  verifier print shown/receipts/cso-league/visit.disputed/r0001.tlog-proof --policy velmora.policy --out receipt.html
  verifier compare --mine shown cso-league.pack --policy velmora.policy

What is written lies in the clear: remove it when you are done."
)]
pub struct Receipts {
    #[command(flatten)]
    place: Place,
    /// Folder to write, which does not exist yet.
    out: PathBuf,
}

impl Receipts {
    pub fn run(self) -> Result<(), Ended> {
        let outpost = self.place.open()?;
        if self.out.exists() {
            return Err(Ended::Refused(format!("{} is there already: choose another folder", self.out.shown())));
        }
        let io = |source| Failure::Io { doing: "write", path: self.out.clone(), source };
        let draft = Unfinished::folder(&self.out, Readers::Owner).map_err(io)?;
        let (records, papers) = write(&outpost, draft.path())?;
        let pack = outpost.pack()?;
        if let Some(pack) = &pack {
            files::write_again(&draft.path().join(NEWEST), pack)?;
        }
        draft.put_folder().map_err(io)?;
        verifier::say!(
            "{records} records, {papers} receipts, refusals and stamps in {}, in the clear",
            self.out.shown()
        );
        if pack.is_some() {
            let path = self.out.join(NEWEST);
            verifier::say!("the newest pack about {} in {}", outpost.standing().party, path.shown());
        }
        Ok(())
    }
}

/// Name of the newest pack beside the records.
const NEWEST: &str = "newest.pack";

/// Writes an outbox as FORMAT.md 20 has it, with receipts below it.
fn write(outpost: &Outpost, out: &Path) -> Result<(usize, usize), Ended> {
    files::create_folder(out)?;
    let lines: String = outpost.held().iter().map(|held| held.parcel.to_line() + "\n").collect();
    files::write_again(&out.join("000001.jsonl"), lines.as_bytes())?;
    let receipts = ledger::receipts::Receipts::beside(out);
    let mut papers = 0;
    for held in outpost.held() {
        let path = receipts.path(&held.parcel.source);
        let id = &held.id.to_hex()[..ID_DIGITS];
        let named = |ending: &str| path.with_extension(format!("{id}.{ending}"));
        files::create_folder(path.parent().unwrap_or(out))?;
        if let Some(receipt) = &held.receipt {
            let refused = matches!(held.state, State::Refused { .. });
            let to = if refused { named("refusal") } else { path.clone() };
            files::write_again(&to, receipt.as_bytes())?;
            papers += 1;
        }
        for (number, stamp) in (1..).zip(&held.stamps) {
            files::write_again(&named(&format!("{number}.stamp")), stamp.to_text().as_bytes())?;
            papers += 1;
        }
    }
    Ok((outpost.held().len(), papers))
}
