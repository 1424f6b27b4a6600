//! `append`, `cosign`, `submit`: one event at a time.

use std::path::{Path, PathBuf};

use clap::Args;
use ledger::again::{Beside, beside};
use ledger::clock::Clock;
use ledger::cosign::{self, BadDraft, Draft};
use ledger::failure::Failure;
use ledger::files;
use ledger::folder::{self, Held, SignOptions};
use ledger::import::{self, Known, Options, Without, render};
use ledger::keys::KeyFolder;
use ledger::outbox::{Outbox, Parcel};
use ledger::submit;
use ledger::trust;

use schemas::catalogue::Catalogue;
use schemas::event::SignedEvent;
use schemas::note::Origin;
use schemas::value::Value;
use schemas::visible::Show as _;

use super::{Ended, Recording, Start, bar, parties, present, record, refusal, say, say_queued, settings};

/// Longest event given as JSON, in bytes.
const JSON_BYTES_MAX: usize = 1 << 20;

/// Arguments of `append`.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = r#"The JSON has the columns of a register row, by name:
  {"type":"visit.attempted","party":"cso-league","signer":"office-1","id":"at-77","occurred_at":"2026-07-01T08:00:00Z",
   "facility":"fac-talbera","organisation":"cso-league","attempted_on":"2026-07-01","arrived_at":"2026-07-01T08:00:00Z",
   "outcome":"turned_away","wait":20,"stated_reason":"lockdown"}
`ledger template TYPE` names the columns. A list is a JSON list; a text with a language is {"lang":"fr","text":"..."};
money is {"amount":125000,"currency":"XTS"} in minor units. row_id is made if it is not given."#
)]
pub struct Append {
    /// Folder of the ledger.
    ledger: PathBuf,
    /// File with the event, - for standard input.
    event: PathBuf,
    /// Folder of holders' keys, PARTY.HOLDER.key.
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
    #[command(flatten)]
    start: Start,
}

impl Append {
    pub fn run(self) -> Result<(), Ended> {
        let home = super::home(&self.ledger)?;
        let text = read_event(&self.event)?;
        let given = csv_of(&text)?;
        let Given { party, kind, csv, .. } = &given;
        let settings = settings(&home)?;
        let list = parties(&home.parties())?;
        // The ledger's lock first: two that sign at once would use one number twice.
        let mut writer = record(&home, &self.start)?;
        let mut outbox = Outbox::open(&home.outbox())?;
        let pseudonyms = super::pseudonyms(&writer, &list, &outbox)?;
        let held = Held::of(&outbox, &pseudonyms, &list)?.beside(writer.log(), &outbox, &pseudonyms);
        let now = Some(Clock::System.now());
        let options = Options { now, utc_offset_minutes: settings.utc_offset_minutes, ..Options::default() };
        // One row is checked exactly as a register of one row would be.
        let file = (format!("{kind}.csv"), csv.as_bytes().to_vec());
        let first = import::read_bytes(vec![file.clone()], party, &list, &options, &given.without(&held));
        let mut import = import::read_bytes(vec![file], party, &list, &options, &held);
        if let Some(draft) = first.drafts.first() {
            let standing = outbox.receipts().offered(outbox.parcels()?);
            let drafts = cosign::drafts(&home.drafts())?;
            let waiting = drafts.iter().map(|(path, one)| (&one.parcel, Some((&one.holder, path))));
            let all = standing.iter().map(|parcel| (parcel, None)).chain(waiting);
            for (parcel, waits) in all {
                let second = waits.map(|(holder, _)| holder);
                let Some(beside) = beside(draft, parcel, second, &pseudonyms, settings.utc_offset_minutes) else {
                    continue;
                };
                if given.is_it(&parcel.source, &beside) {
                    let waits = waits.map(|(_, path)| {
                        format!("in {}  (ledger cosign; who takes it back removes that file)", path.shown())
                    });
                    given.again(&parcel.source, &beside, waits.as_deref())?;
                    // Signed once, and stopped before the log had it: it is handed in now.
                    let signed = SignedEvent::parse(parcel.note.as_bytes()).ok();
                    let is_in = |signed: SignedEvent| writer.log().record(&signed.event.address()).is_some();
                    if waits.is_some() || signed.is_some_and(is_in) {
                        return Ok(());
                    }
                    verifier::say!("it is not in the log yet: handed in now");
                    return hand_in(&mut writer, &outbox);
                }
            }
        }
        for problem in import.problems.iter_mut().chain(&mut import.warnings) {
            problem.file = self.event.shown().to_string();
            problem.line = None;
        }
        if !import.problems.is_empty() {
            return Err(Ended::Refused(format!("{}nothing was recorded", render(&import.problems))));
        }
        if !import.warnings.is_empty() {
            verifier::tell!("{}", render(&import.warnings).trim_end());
        }
        let keyring = writer.log().keyring().clone();
        let recipients = writer.log().recipients().clone();
        let options = SignOptions {
            keyring: &keyring,
            keys: &self.keys,
            drafts: home.drafts(),
            intake: home.intake(),
            settings: &settings,
            recipients: &recipients,
            now: Clock::System.now(),
            replay: false,
        };
        let signed = folder::sign_into(&mut outbox, import, &pseudonyms, &options, &mut |_, _| {})?;
        for path in &signed.waiting {
            verifier::say!("waits for a second signature: {}  (ledger cosign)", path.shown());
        }
        say_queued(&signed.queued, &home);
        hand_in(&mut writer, &outbox)
    }
}

/// Hands in what the outbox holds.
fn hand_in(writer: &mut Recording, outbox: &Outbox) -> Result<(), Ended> {
    let outcome = submit::submit(writer, outbox.parcels()?, &outbox.receipts(), Clock::System, &mut |_, _| {})?;
    say(&outcome, writer, outbox)
}

/// Arguments of `cosign`.
#[derive(Args)]
pub struct Cosign {
    /// Folder of the ledger.
    ledger: PathBuf,
    /// The draft files; those that belong together, such as a new writer's, in one go.
    #[arg(required = true)]
    drafts: Vec<PathBuf>,
    /// Folder of holders' keys, PARTY.HOLDER.key.
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
    /// Show what would be signed, and sign nothing.
    #[arg(long)]
    show: bool,
    /// Sign the draft itself and submit nothing: where the ledger is not at hand. LEDGER is then not looked at.
    #[arg(long)]
    only_sign: bool,
    #[command(flatten)]
    start: Start,
}

impl Cosign {
    pub fn run(self) -> Result<(), Ended> {
        // Given again after it was signed, a draft is gone and its record is there; `--show` has nothing else to show.
        let (there, gone): (Vec<&PathBuf>, Vec<&PathBuf>) =
            self.drafts.iter().partition(|path| path.symlink_metadata().is_ok() || self.show || self.only_sign);
        for path in &there {
            Self::print(path)?;
        }
        if self.show {
            return Ok(());
        }
        if self.only_sign {
            for path in &self.drafts {
                let ledger = cosign::read_draft(path)?.signed.event.ledger;
                let origin = Origin::parse(&ledger).ok_or_else(|| Ended::Refused(format!("no ledger: {ledger:?}")))?;
                cosign::countersign(path, &mut KeyFolder::new(&self.keys, origin))?;
                verifier::say!("signed: {}  (give it back to who sent it)", path.shown());
            }
            return Ok(());
        }
        let home = super::home(&self.ledger)?;
        let mut writer = record(&home, &self.start)?;
        let mut outbox = Outbox::open(&home.outbox())?;
        let standing = outbox.receipts().offered(outbox.parcels()?);
        for path in gone {
            let is_it =
                |parcel: &&Parcel| path.file_name().is_some_and(|name| *name == *cosign::file_name(&parcel.source));
            let Some(parcel) = standing.iter().find(is_it) else {
                return Err(Failure::Absent { what: "draft", path: path.clone() }.into());
            };
            verifier::say!("signed and recorded before: {}", parcel.source);
        }
        let pseudonyms = super::pseudonyms(&writer, &parties(&home.parties())?, &outbox)?;
        let keys = KeyFolder::new(&self.keys, writer.log().origin().clone()).under(&pseudonyms);
        let now = present(&writer);
        let mut drafts = Vec::new();
        for path in there {
            let draft = cosign::complete(path, &keys, &pseudonyms, (writer.log().keyring(), now))?;
            // A copy of it that was carried back twice; another event of the same row is no repeat of it.
            match standing.iter().find(|parcel| parcel.source == draft.parcel.source) {
                Some(parcel) if cosign::is_of(parcel, &draft) => {
                    cosign::hand_over(path, &draft, &mut outbox)?;
                    verifier::say!("signed and recorded before: {}", parcel.source);
                }
                Some(parcel) => {
                    return Err(Ended::Refused(format!(
                        "{}: another event of {} was recorded already; nothing was signed. Remove the file, and correct a \
                         mistake with record.corrected",
                        path.shown(),
                        parcel.source
                    )));
                }
                None => drafts.push((path, draft)),
            }
        }
        // What the log would refuse stays a draft: in the outbox it would be handed in for ever.
        let catalogue = Catalogue::built_in();
        let is_trust = |draft: &&Draft| catalogue.event(&draft.signed.event.kind).is_some_and(|kind| kind.trust);
        let parcels: Vec<Parcel> =
            drafts.iter().map(|(_, draft)| draft).filter(is_trust).map(|draft| draft.parcel.clone()).collect();
        trust::rehearse(writer.log(), &parcels, now).map_err(refusal)?;
        for (path, draft) in &drafts {
            cosign::hand_over(path, draft, &mut outbox)?;
        }
        hand_in(&mut writer, &outbox)
    }

    /// Shows what would be signed.
    fn print(path: &Path) -> Result<(), Ended> {
        let draft = cosign::read_draft(path).map_err(|why| match why {
            BadDraft::Hidden { .. } => Ended::Refused(why.to_string()),
            why => why.into(),
        })?;
        verifier::say!("{}", cosign::shown(&draft.signed, &draft.parcel.opening).trim_end());
        verifier::say!(
            "signed by {}; asked for: {} of {}",
            draft.signed.note.signatures[0].name,
            draft.holder.holder,
            draft.holder.party
        );
        Ok(())
    }
}

/// Arguments of `submit`.
#[derive(Args)]
pub struct Submit {
    /// Folder of the ledger.
    ledger: PathBuf,
    #[command(flatten)]
    start: Start,
}

impl Submit {
    pub fn run(self) -> Result<(), Ended> {
        let home = super::home(&self.ledger)?;
        let mut writer = record(&home, &self.start)?;
        let outbox = Outbox::open(&home.outbox())?;
        let outcome =
            submit::submit(&mut writer, outbox.parcels()?, &outbox.receipts(), Clock::System, &mut bar("submitting"))?;
        say(&outcome, &mut writer, &outbox)
    }
}

pub(super) fn read_event(path: &Path) -> Result<String, Ended> {
    let bytes = if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut std::io::Read::take(std::io::stdin(), JSON_BYTES_MAX as u64), &mut bytes)?;
        bytes
    } else {
        let absent = || Failure::Absent { what: "event", path: path.to_owned() };
        files::read(path, JSON_BYTES_MAX)?.ok_or_else(absent)?
    };
    String::from_utf8(bytes).map_err(|_| Ended::Refused(format!("{}: not UTF-8", path.shown())))
}

/// The register row that the JSON stands for: its party, its type, header and row.
pub(super) fn csv_of(text: &str) -> Result<Given, Ended> {
    let bad = |what: String| Ended::Refused(format!("the event: {what}"));
    let json: Value = serde_json::from_str(text).map_err(|e| bad(e.to_string()))?;
    let Value::Object(mut members) = json else { return Err(bad("expected a JSON object".to_owned())) };
    let mut word = |name: &str| match members.remove(name) {
        Some(Value::Text(text)) => Ok(text),
        _ => Err(bad(format!("it needs {name:?}, a string"))),
    };
    let (kind, party) = (word("type")?, word("party")?);
    let catalogue = Catalogue::built_in();
    if catalogue.event(&kind).or_else(|| catalogue.inner(&kind)).is_none() {
        return Err(bad(format!("there is no event type {kind:?}; `ledger template` helps")));
    }
    // Two events of one second are two rows.
    let random = schemas::base::to_hex(&ledger::keys::random_bytes::<4>()?);
    let is_made = !members.contains_key("row_id");
    let made = format!("c{}-{random}", Clock::System.now().unix());
    let row = plain(&members.remove("row_id").unwrap_or(Value::Text(made)));
    let id = members.get("id").map(plain);
    let mut cells: Vec<(String, String)> = vec![("row_id".to_owned(), row.clone())];
    for (name, value) in members {
        match (value.get("lang"), value.get("amount")) {
            (Some(lang), _) => {
                cells.push((name.clone(), value.get("text").map(plain).unwrap_or_default()));
                cells.push((format!("{name}_lang"), plain(lang)));
            }
            (_, Some(amount)) => {
                cells.push((format!("{name}_amount"), plain(amount)));
                cells.push((format!("{name}_currency"), value.get("currency").map(plain).unwrap_or_default()));
            }
            _ => cells.push((name, plain(&value))),
        }
    }
    // Every column of the register, in its order; what is not a column is named as unknown.
    let header = import::template(&kind).unwrap_or_default();
    for column in header.trim_end().split(',') {
        if !cells.iter().any(|(name, _)| name == column) {
            cells.push((column.to_owned(), String::new()));
        }
    }
    let place = |name: &str| header.trim_end().split(',').position(|column| column == name).unwrap_or(usize::MAX);
    cells.sort_by_key(|(name, _)| place(name));
    let quoted = |cell: &str| format!("\"{}\"", cell.replace('"', "\"\""));
    let columns: Vec<String> = cells.iter().map(|(name, _)| quoted(name)).collect();
    let cells_of_row: Vec<String> = cells.iter().map(|(_, cell)| quoted(cell)).collect();
    let csv = format!("{}\n{}\n", columns.join(","), cells_of_row.join(","));
    Ok(Given { party, kind, csv, row, is_made, id })
}

/// An event that was given as JSON, as the register row that it stands for.
pub(super) struct Given {
    /// Its party.
    pub party: String,
    /// Its type.
    pub kind: String,
    /// Header and row.
    pub csv: String,
    row: String,
    /// Whether its row id was made here: then the same event given twice has two.
    is_made: bool,
    id: Option<String>,
}

impl Given {
    /// What is known, but for what was recorded from this very event before.
    pub fn without<'a>(&'a self, known: &'a dyn Known) -> Without<'a> {
        let kind = Catalogue::built_in().event(&self.kind).and_then(|kind| kind.id_of.as_deref());
        Without { known, row: (&self.party, &self.kind, &self.row), thing: kind.zip(self.id.as_deref()) }
    }

    /// Whether the record of that row is what is given now: by its row id, or where it has none of its own, by all that
    /// it says.
    pub fn is_it(&self, source: &str, beside: &Beside) -> bool {
        if self.is_made {
            beside.differs.is_empty()
        } else {
            source == format!("{}/{}/{}", self.party, self.kind, self.row)
        }
    }

    /// Says what was recorded from it before, and where it waits for its second signature, if it does.
    pub fn again(&self, source: &str, beside: &Beside, waits: Option<&str>) -> Result<(), Ended> {
        let Beside { differs, sealed } = beside;
        let own = "for what happened besides, give the event a row_id of its own";
        let waits = waits.map(|place| format!("; it waits for its second signature {place}")).unwrap_or_default();
        if !differs.is_empty() {
            return Err(Ended::Refused(format!(
                "{source} was recorded already, and says something else in: {}; nothing was recorded{waits}. Correct a \
                 mistake with record.corrected; {own}",
                differs.join(", ")
            )));
        }
        if !sealed.is_empty() && self.is_made {
            return Err(Ended::Refused(format!(
                "{source} was recorded already, and may be the same: what is sealed ({}) cannot be compared here; nothing \
                 was recorded{waits}; {own}",
                sealed.join(", ")
            )));
        }
        verifier::say!("recorded before, as {source}: nothing was added{waits}; {own}");
        Ok(())
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::List(items) => items.iter().map(plain).collect::<Vec<_>>().join(";"),
        other => other.to_json(),
    }
}
