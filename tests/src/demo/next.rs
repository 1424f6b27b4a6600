//! What to try next, for each of the three kinds of user.

use ledger::clock::Clock;

use super::Places;
use schemas::visible::Show as _;
use verifier::output::{self, Readers};

/// Commands to paste, with the folders of this run. Writes the sample event and register that two of them use.
///
/// # Errors
/// The error of writing that file.
pub fn steps(places: &Places) -> std::io::Result<String> {
    let out = places.out.shown();
    let event = places.out.join("turned-away.json");
    output::write(&event, TURNED_AWAY.as_bytes(), Readers::Owner)?;
    let register = places.out.join("facility.status.changed.csv");
    output::write(&register, CLOSED.as_bytes(), Readers::Owner)?;
    Ok(format!(
        r"Try next (paste them in this order, from the project's folder)

 An oversight body verifies the whole log, offline, with files and a public key:
   cargo run --release --bin verifier -- check {out}/bundle --policy {out}/policy --openings {out}/openings
 Break one byte, and see it found (entry and file are named, exit code 1):
   cp -r {out}/bundle {out}/broken
   printf '#' | dd of={out}/broken/tile/entries/003 bs=1 seek=20000 conv=notrunc status=none
   cargo run --release --bin verifier -- check {out}/broken --policy {out}/policy
 Judge at another date:
   cargo run --release --bin projector -- report --bundle {out}/bundle --policy {out}/policy --openings {out}/openings --as-of 2025-09-30T22:59:59Z --audience oversight --out {out}/report-of-september

 A prison administration imports registers. A column that looks like prisoners' numbers refuses the file, whole:
   mkdir -p {out}/try && cp {scenario}/refused/visit.completed.prisoner-number.csv {out}/try/visit.completed.csv
   cargo run --release --bin ledger -- import {out}/ledger {out}/try/visit.completed.csv --party fac-talbera --keys {out}/keys --dry-run
 A register that is in order, checked and not recorded (without --dry-run it is):
   cargo run --release --bin ledger -- import {out}/ledger {register} --party fac-talbera --keys {out}/keys --dry-run
 The header row of any register, ready to be filled in:
   cargo run --release --bin ledger -- template visit.completed

 An organisation puts on record that it was turned away at the gate. Nothing is recorded before two of three witnesses
 were asked what they know of the log, and nobody is handed a record before they have seen it. Start two of them (sample
 keys; real witnesses run elsewhere, in hands of their own):
   cargo run --release --bin verifier -- witness serve --listen 127.0.0.1:7801 --key {out}/witnesses/archive.key --state {out}/witnesses/archive.state --policy {out}/policy &
   cargo run --release --bin verifier -- witness serve --listen 127.0.0.1:7802 --key {out}/witnesses/bar.key --state {out}/witnesses/bar.state --policy {out}/policy &
 The sample log ends long ago, and time in a log never goes back, so somebody looks at another clock first, and types
 the date that it shows:
   cargo run --release --bin ledger -- clock confirm {out}/ledger --date {today}
   cargo run --release --bin ledger -- append {out}/ledger {event} --keys {out}/keys
 Who has seen it:
   cargo run --release --bin ledger -- publish {out}/ledger
 Then the log is exported and checked again:
   cargo run --release --bin ledger -- export {out}/ledger --out {out}/bundle
   cargo run --release --bin verifier -- check {out}/bundle --policy {out}/policy
",
        scenario = places.scenario.shown(),
        event = event.shown(),
        today = Clock::System.now().date(0),
        register = register.shown(),
    ))
}

/// A register of one row, as a prison keeps it.
const CLOSED: &str = "\
row_id,occurred_at,signer,cosigner,id,facility,status,reason,from,until,areas
r9001,2026-07-01T06:00:00Z,visits-desk-1,,,fac-talbera,closed,holiday,2026-07-03T23:00:00Z,2026-07-04T22:59:59Z,
";

/// A record that only the organisation itself would write.
const TURNED_AWAY: &str = r#"{
  "type": "visit.attempted",
  "party": "cso-league",
  "signer": "office-1",
  "id": "at-next-1",
  "occurred_at": "2026-07-01T08:00:00Z",
  "facility": "fac-talbera",
  "organisation": "cso-league",
  "attempted_on": "2026-07-01",
  "arrived_at": "2026-07-01T08:00:00Z",
  "outcome": "turned_away",
  "wait": 20,
  "stated_reason": "lockdown"
}
"#;
