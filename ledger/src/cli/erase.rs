//! `erase`: values destroyed for good.

use std::path::PathBuf;

use clap::Args;
use ledger::erase::{self, BadErase};

use super::{Ended, open};

/// Arguments of `erase`.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Examples:
  ledger erase my-ledger 2201
  ledger erase my-ledger op-ledger/erasure.executed/r0007

First the log must say so: erasure.requested, erasure.decided (granted), then erasure.executed by the
operator, cosigned by an oversight body. Keys and values are then destroyed in this ledger's files; every
proof still holds, and the place reads \"erased by entry 2201\"."
)]
pub struct Erase {
    /// Folder of the ledger.
    ledger: PathBuf,
    /// Position or address of an erasure.executed.
    entry: String,
}

impl Erase {
    pub fn run(self) -> Result<(), Ended> {
        let writer = open(&super::home(&self.ledger)?)?;
        let erased = match erase::erase(&writer, &self.entry) {
            Ok(erased) => erased,
            Err(why @ (BadErase::NoEntry { .. } | BadErase::Unlawful { .. } | BadErase::Fault(_))) => {
                return Err(Ended::Refused(why.to_string()));
            }
            Err(BadErase::Failure(why)) => return Err(why.into()),
        };
        for (address, field) in &erased.slots {
            verifier::say!("erased by entry {}: {field} of {address}", erased.by);
        }
        if !erased.changed {
            verifier::say!("nothing was left of it: it had been carried out before");
        }
        verifier::say!(
            "Not reached: openings that were handed out, packs, the reporter's own files, and copies of opening-keys/"
        );
        verifier::say!("made before now. Destroy those copies; ask those who have the others to delete them.");
        Ok(())
    }
}
