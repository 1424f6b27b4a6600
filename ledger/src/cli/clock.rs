//! `clock`: the operator's word that the clock is right.

use std::path::PathBuf;

use clap::Subcommand;
use ledger::clock;
use ledger::lead;
use ledger::writer::Home;

use super::{Ended, open};

/// What is said of the clock.
#[derive(Subcommand)]
pub enum Clock {
    /// Say that the machine's clock is right. A ledger records nothing when the clock is more than a day ahead of
    /// its last entry, because time in a log never goes back: look at another clock first. The word holds for a day,
    /// and by then something was recorded. A clock that was set back needs no word: time stands still until it has
    /// caught up.
    Confirm {
        /// Folder of the ledger.
        ledger: PathBuf,
    },
}

impl Clock {
    pub fn run(self) -> Result<(), Ended> {
        let Self::Confirm { ledger } = self;
        let home = Home::new(&ledger);
        let writer = open(&home)?;
        let now = clock::Clock::System.now();
        lead::confirm(&home, now)?;
        if let Some(last) = writer.log().last_received() {
            println!("the last entry was received at {last}");
        }
        println!("confirmed: it is {now} now");
        Ok(())
    }
}
