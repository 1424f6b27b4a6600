//! `pack` and `receipt`: what people carry away.

use std::path::{Path, PathBuf};

use clap::Args;
use ledger::failure::Failure;
use ledger::files;
use ledger::pack::{self, Request};
use ledger::receipts;
use ledger::writer::Home;
use schemas::note::Note;

use super::{Ended, open};

/// Longest statement, in bytes.
const STATEMENT_BYTES_MAX: usize = 16 << 10;

/// Arguments of `pack`.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Examples:
  ledger pack my-ledger organisation/cso-league --for cso-league --out cso-league.pack
  ledger pack my-ledger programme/adm-prisons/P-1 --for public --out P-1.pack
  ledger pack my-ledger organisation/cso-league --for cso-league --since 1842 --out newer.pack

The pack holds every record of the stream with its proof, and proves that there is none beside them. Hidden
values are in it as far as its reader may have them. Whoever gets it checks it with `verifier check`, or by
opening verify.html (it is in every bundle) and dropping the file there."
)]
pub struct Pack {
    /// Folder of the ledger.
    ledger: PathBuf,
    /// The stream: organisation/PARTY, facility/PARTY, or the kind and id of a case.
    stream: String,
    /// Whose pack: a party, `oversight`, or `public`.
    #[arg(long = "for", value_name = "PARTY")]
    audience: String,
    /// File to write.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Size of an older pack or checkpoint that the reader holds: the new one proves that it goes on from it.
    #[arg(long, value_name = "SIZE")]
    since: Vec<u64>,
    /// An auditor's statement that the index was recomputed (`verifier attest`).
    #[arg(long, value_name = "FILE")]
    statement: Vec<PathBuf>,
}

impl Pack {
    pub fn run(self) -> Result<(), Ended> {
        let statements = self.statement.iter().map(|path| note(path)).collect::<Result<Vec<_>, _>>()?;
        let home = Home::new(&self.ledger);
        let mut writer = open(&home)?;
        let request =
            Request { stream: &self.stream, audience: &self.audience, since: &self.since, statements: &statements };
        let pack = match pack::make(&mut writer, &request) {
            Ok(pack) => pack,
            Err(pack::BadRequest::Failure(failure)) => return Err(failure.into()),
            Err(other) => return Err(Ended::Refused(other.to_string())),
        };
        let text = pack.to_text();
        files::replace(&self.out, text.as_bytes())?;
        let records = pack.items.len();
        let (size, bytes) = (pack.seal.index + 1, text.len());
        println!("{}: {records} records of {} at {size} entries, {bytes} bytes", self.out.display(), self.stream);
        if records == 0 {
            println!("there is no such stream: the pack proves that the log has no record about it");
        }
        println!("check it: verifier check {} --policy POLICY", self.out.display());
        Ok(())
    }
}

fn note(path: &Path) -> Result<Note, Ended> {
    let absent = || Failure::Absent { what: "statement", path: path.to_owned() };
    let bytes = files::read(path, STATEMENT_BYTES_MAX)?.ok_or_else(absent)?;
    Note::parse(&bytes).map_err(|why| Ended::Refused(format!("{}: no signed note: {why}", path.display())))
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
        let writer = open(&Home::new(&self.ledger))?;
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
                files::replace(path, text.as_bytes())?;
                println!("{}: check it with: verifier check {0} --policy POLICY", path.display());
            }
            None => print!("{text}"),
        }
        Ok(())
    }
}
