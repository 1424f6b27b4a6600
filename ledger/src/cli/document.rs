//! `document`.

use std::path::PathBuf;

use clap::Args;
use ledger::failure::Failure;
use ledger::files;
use ledger::settings::Settings;
use ledger::writer::{DOCUMENT_BYTES_MAX, keep_document};
use schemas::catalogue::TEXT;
use schemas::visible::Show as _;

use super::Ended;

/// Arguments of `document`.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Example, before the oversight body adopts the profile of the new year:
  ledger document my-ledger profile-2027.toml

Prints the digest that the register row of rule.profile.adopted (column profile) or schema.adopted (column catalogue)
names. The ledger takes no event that adopts a document which is not kept here, as nobody could read it later. It may
be done while the ledger serves. A profile counts from its adoption in the log, not from here."
)]
pub struct Document {
    /// Folder of the ledger.
    ledger: PathBuf,
    /// The profile (TOML) or catalogue.
    file: PathBuf,
}

impl Document {
    pub fn run(self) -> Result<(), Ended> {
        let home = super::home(&self.ledger)?;
        if !home.documents().is_dir() {
            return Err(Failure::Absent { what: "ledger", path: self.ledger }.into());
        }
        let absent = || Failure::Absent { what: "document", path: self.file.clone() };
        let bytes = files::read(&self.file, DOCUMENT_BYTES_MAX)?.ok_or_else(absent)?;
        let (kind, column) = if bytes == TEXT.as_bytes() {
            ("the event catalogue", "schema.adopted, catalogue")
        } else {
            let bad = |why| Ended::Refused(format!("{}: no rule profile: {why}", self.file.shown()));
            Settings::take(&bytes).map_err(bad)?;
            ("a rule profile", "rule.profile.adopted, profile")
        };
        let digest = keep_document(&home, &bytes)?;
        verifier::say!("kept: {kind} of {} bytes, to be adopted by its digest ({column}):", bytes.len());
        verifier::say!("{}", digest.to_hex());
        Ok(())
    }
}
