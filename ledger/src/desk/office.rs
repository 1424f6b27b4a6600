//! Whose desk it is: the institution, its people, and what it goes by.

use std::path::{Path, PathBuf};

use schemas::calendar::Calendar;
use schemas::catalogue::{Catalogue, EventType};
use schemas::note::Origin;
use schemas::policy::Policy;
use schemas::time::{Date, Timestamp};

use super::seen::Seen;
use super::words::Language;
use crate::duties::{BadWindows, Windows};
use crate::import::folder::is_of_the_ledger;
use crate::import::{Parties, Party};
use crate::keys::KeyFolder;
use crate::outpost::{BadOutpost, Outpost};
use crate::pseudonym::Pseudonyms;

/// Forms that are offered first.
const OFTEN: usize = 6;

/// An institution at its desk.
#[derive(Debug)]
pub struct Office {
    /// Name of the log.
    pub origin: Origin,
    /// The institution.
    pub party: Party,
    /// Everybody who takes part.
    pub parties: Parties,
    /// How the log names those who are not named.
    pub pseudonyms: Pseudonyms,
    /// Windows and calendar of the profile in force.
    pub windows: Windows,
    /// Whose signatures the institution trusts; without one, receipts and packs cannot be checked.
    pub policy: Option<Policy>,
    /// Folder of the keys of this machine's holders.
    pub keys: PathBuf,
}

/// Why an outbox is no office.
#[derive(Debug, thiserror::Error)]
pub enum BadOffice {
    /// The outbox.
    #[error(transparent)]
    Outpost(#[from] BadOutpost),
    /// The rule profile.
    #[error(transparent)]
    Windows(#[from] BadWindows),
    /// The profile's days begin elsewhere than those of the outbox, which says what day a record is of.
    #[error(
        "the profile's local time is {profile} minutes east of UTC and the outbox's is {outbox}: a form would show one day and \
         sign another. Which is right? `ledger outbox set FOLDER --profile FILE` takes the profile's"
    )]
    Offset {
        /// By the profile, in minutes.
        profile: i32,
        /// By the outbox.
        outbox: i32,
    },
    /// The institution is not among the parties.
    #[error("{party} is not in the list of parties of this outbox: `ledger outbox set --parties FILE`")]
    Unknown {
        /// The institution.
        party: String,
    },
}

impl Office {
    /// The institution of an outbox; without a profile the default one counts, at the offset that the outbox has.
    ///
    /// # Errors
    /// [`BadOffice`] names what is wrong.
    pub fn of(outpost: &Outpost, keys: &Path, profile: Option<&[u8]>) -> Result<Self, BadOffice> {
        let (standing, parties) = (outpost.standing(), outpost.parties()?);
        let unknown = || BadOffice::Unknown { party: standing.party.clone() };
        let party = parties.get(&standing.party).cloned().ok_or_else(unknown)?;
        let windows = match profile {
            Some(profile) => Windows::read(profile)?,
            None => Windows::built_in().at_offset(standing.utc_offset_minutes)?,
        };
        let (profile, outbox) = (windows.calendar.utc_offset_minutes(), standing.utc_offset_minutes);
        if profile != outbox {
            return Err(BadOffice::Offset { profile, outbox });
        }
        Ok(Self {
            origin: standing.origin.clone(),
            party,
            parties,
            pseudonyms: outpost.pseudonyms()?,
            windows,
            policy: Some(outpost.policy().clone()),
            keys: keys.to_owned(),
        })
    }

    /// The language that the institution is met in.
    pub fn language(&self) -> Language {
        Language::of_tags(self.party.languages.iter().map(String::as_str))
    }

    /// Local days.
    pub fn calendar(&self) -> &Calendar {
        &self.windows.calendar
    }

    /// The local day of an instant.
    pub fn day(&self, at: Timestamp) -> Date {
        self.calendar().day(at)
    }

    /// An instant as a clock on the wall shows it: day, hour, minute.
    pub fn clock(&self, at: Timestamp) -> String {
        let local = at.plus_seconds(i64::from(self.calendar().utc_offset_minutes()) * 60).to_string();
        local.get(..16).unwrap_or_default().replace('T', " ")
    }

    /// How far its clocks are from UTC, such as `UTC+05:00`.
    pub fn offset(&self) -> String {
        let minutes = self.calendar().utc_offset_minutes();
        let sign = if minutes < 0 { '-' } else { '+' };
        format!("UTC{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
    }

    /// A party as people write it.
    pub fn name<'a>(&'a self, party: &'a str) -> &'a str {
        self.parties.get(party).map_or(party, |party| party.display_name.as_str())
    }

    /// Holders whose key lies on this machine.
    pub fn pens(&self) -> Vec<&str> {
        let keys = KeyFolder::new(&self.keys, self.origin.clone()).under(&self.pseudonyms);
        let party = self.pseudonyms.party(&self.party.id);
        let has = |holder: &&str| keys.has(party, &self.pseudonyms.inside(holder));
        self.party.holders.iter().map(String::as_str).filter(has).collect()
    }

    /// Every type of event that the institution may author.
    pub fn types(&self) -> impl Iterator<Item = &'static EventType> + '_ {
        Catalogue::built_in().events().filter(|kind| kind.authors.contains(&self.party.role) && !is_of_the_ledger(kind))
    }

    /// One of them.
    pub fn kind(&self, name: &str) -> Option<&'static EventType> {
        self.types().find(|kind| kind.name == name)
    }

    /// The types that this institution uses most; where it has used few, those that fewest others may author.
    pub fn often(&self, seen: &Seen) -> Vec<&'static EventType> {
        let used = |kind: &EventType| {
            let mine = |record: &&super::seen::Record| self.pseudonyms.outside(&record.event.by) == self.party.id;
            seen.records().iter().filter(mine).filter(|record| record.event.kind == kind.name).count()
        };
        // Keys, devices and corrections are no daily work.
        let aside = |kind: &EventType| kind.trust || ["registry", "ledger"].contains(&kind.family.as_str());
        let mut all: Vec<(usize, &EventType)> = self.types().map(|kind| (used(kind), kind)).collect();
        all.sort_by(|(a, x), (b, y)| {
            b.cmp(a).then(aside(x).cmp(&aside(y))).then(x.authors.len().cmp(&y.authors.len()))
        });
        all.into_iter().take(OFTEN).map(|(_, kind)| kind).collect()
    }
}
