//! `pack` and `receipt`: what people carry away.

use std::path::{Path, PathBuf};

use clap::Args;
use ledger::access::{self, Reading};
use ledger::failure::Failure;
use ledger::files;
use ledger::import::{Holder, Parties};
use ledger::keys::KeyFolder;
use ledger::outbox::Outbox;
use ledger::pack::{self, Request};
use ledger::pseudonym::Pseudonyms;
use ledger::receipts;
use ledger::writer::Writer;
use schemas::catalogue::Role;
use schemas::note::Note;
use schemas::visible::Show as _;

use super::{Ended, Start, open, parties, record};

/// Longest statement, in bytes.
const STATEMENT_BYTES_MAX: usize = 16 << 10;

/// Arguments of `pack`.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Examples:
  ledger pack my-ledger organisation/cso-league --for cso-league --keys keys --out cso-league.pack
  ledger pack my-ledger programme/adm-prisons/P-1 --for public --out P-1.pack
  ledger pack my-ledger organisation/cso-league --for cso-league --keys keys --since 1842 --out newer.pack

The pack holds every record of the stream with its proof, and proves that there is none beside them. Hidden
values are in it as far as its reader may have them. Whoever gets it checks it with `verifier check`, or by
opening verify.html (it is in every bundle) and dropping the file there."
)]
pub struct Pack {
    /// Folder of the ledger.
    ledger: PathBuf,
    /// The stream: organisation/PARTY, facility/PARTY, or the kind and id of a case.
    stream: String,
    /// Whose pack: a party, or `public`.
    #[arg(long = "for", value_name = "PARTY")]
    audience: String,
    /// File to write.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Size of an older pack or checkpoint that the reader holds: the new one proves that it goes on from it.
    #[arg(long, value_name = "SIZE")]
    since: Vec<u64>,
    /// Why the party gets hidden values: finding_review, complaint_handling, statistics, audit, legal_duty or
    /// support. The log records it first (data.exported); not needed for `public`.
    #[arg(long, value_name = "CODE", default_value = "audit")]
    purpose: String,
    /// Folder of holders' keys, for that record.
    #[arg(long, value_name = "DIR")]
    keys: Option<PathBuf>,
    /// Who signs that record: a holder of the operator, or PARTY:HOLDER of oversight.
    #[arg(long, value_name = "HOLDER")]
    signer: Option<String>,
    /// An auditor's statement that the index was recomputed (`verifier attest`).
    #[arg(long, value_name = "FILE")]
    statement: Vec<PathBuf>,
    #[command(flatten)]
    start: Start,
}

impl Pack {
    pub fn run(self) -> Result<(), Ended> {
        let statements = self.statement.iter().map(|path| note(path)).collect::<Result<Vec<_>, _>>()?;
        let home = super::home(&self.ledger)?;
        let mut opened = if self.audience == "public" { open(&home)? } else { record(&home, &self.start)?.0 };
        let writer = opened.whole();
        let list = parties(&home.parties())?;
        let pseudonyms = super::pseudonyms(writer, &list, &Outbox::open(&home.outbox())?)?;
        let (stream, audience) = (pseudonyms.inside(&self.stream), pseudonyms.party(&self.audience).to_owned());
        let request = Request { stream: &stream, audience: &audience, since: &self.since, statements: &statements };
        let bad = |why| match why {
            pack::BadRequest::Failure(failure) => Ended::from(failure),
            other => Ended::Refused(other.to_string()),
        };
        if audience != "public" {
            let unknown = |why| Ended::Refused(format!("--for {why}; give one, or `public`"));
            list.named(&self.audience).map_err(unknown)?;
            let (at_hand, signer) = self.signer(writer, &list)?;
            // What cannot be given is not recorded as given.
            pack::make(writer, &request).map_err(bad)?;
            files::try_out(&self.out)?;
            self.record(writer, &pseudonyms, at_hand, signer)?;
        }
        let pack = pack::make(writer, &request).map_err(bad)?;
        let text = pack.to_text();
        files::write_out(&self.out, text.as_bytes())?;
        let records = pack.items.len();
        let (size, bytes) = (pack.seal.index + 1, text.len());
        verifier::say!("{}: {records} records of {} at {size} entries, {bytes} bytes", self.out.shown(), self.stream);
        if records == 0 {
            verifier::say!("there is no such stream: the pack proves that the index has no record about it");
        }
        verifier::say!("check it: verifier check {} --policy POLICY", self.out.shown());
        Ok(())
    }
}

impl Pack {
    /// Who says in the log that somebody gets hidden values.
    fn signer(&self, writer: &Writer, list: &Parties) -> Result<(KeyFolder, Holder), Ended> {
        let needed = || {
            Ended::Refused(format!(
                "a pack for {} holds hidden values: the log records first who gets them, so name the folder of the \
                 operator's keys with --keys (a pack --for public needs none)",
                self.audience
            ))
        };
        let at_hand = KeyFolder::new(self.keys.as_ref().ok_or_else(needed)?, writer.log().origin().clone());
        let signer = super::export::signer(self.signer.as_deref(), list, &at_hand, Role::Operator)?;
        Ok((at_hand, signer))
    }

    /// Says in the log who gets hidden values, before anything is written.
    fn record(
        &self,
        writer: &mut Writer,
        pseudonyms: &Pseudonyms,
        at_hand: KeyFolder,
        signer: Holder,
    ) -> Result<(), Ended> {
        let (_, scope) = access::audience(writer, pseudonyms, &self.audience);
        let rows = writer.log().sealed_items(&pseudonyms.inside(&self.stream)).len() as u64;
        let (reader, purpose) = (self.audience.as_str(), self.purpose.as_str());
        let reading = Reading { event: "data.exported", reader, purpose, scope, rows, signer };
        let mut outbox = Outbox::open(&writer.home().outbox())?;
        let address = access::record(writer, &mut outbox, at_hand, pseudonyms, &reading).map_err(super::reading)?;
        verifier::say!("recorded in the log: {address}");
        super::publish::ask(writer)
    }
}

fn note(path: &Path) -> Result<Note, Ended> {
    let absent = || Failure::Absent { what: "statement", path: path.to_owned() };
    let bytes = files::read(path, STATEMENT_BYTES_MAX)?.ok_or_else(absent)?;
    Note::parse(&bytes).map_err(|why| Ended::Refused(format!("{}: no signed note: {why}", path.shown())))
}

/// Arguments of `receipt`.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Examples:
  ledger receipt my-ledger cso-league/access.request.submitted/r0001
  ledger receipt my-ledger 2114 --out entry-2114.tlog-proof

Without --out it is printed. To print it on paper, with words and a QR code: `verifier print`."
)]
pub struct Receipt {
    /// Folder of the ledger.
    ledger: PathBuf,
    /// The record: its address PARTY/TYPE/ROW as the log has it, or its position.
    record: String,
    /// File to write.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Receipt {
    pub fn run(self) -> Result<(), Ended> {
        let writer = open(&super::home(&self.ledger)?)?;
        let position = schemas::base::from_decimal(&self.record).or_else(|| writer.log().record(&self.record));
        let size = writer.log().size();
        let receipt = match position {
            Some(position) => receipts::receipt(&writer, position)?,
            None => None,
        };
        let absent = || Ended::Refused(format!("{}: the log has no such record at {size} entries", self.record));
        let text = receipt.ok_or_else(absent)?.to_text();
        match &self.out {
            Some(path) => {
                files::write_out(path, text.as_bytes())?;
                verifier::say!("{}: check it with: verifier check {0} --policy POLICY", path.shown());
            }
            None => verifier::terminal::say(format_args!("{text}")),
        }
        Ok(())
    }
}
