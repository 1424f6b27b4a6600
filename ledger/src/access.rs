//! The trace of reading: before hidden values leave the ledger, an event in the log says who reads
//! them, why, and how much. `data.exported`, `data.accessed`.

use std::collections::BTreeMap;

use schemas::base;
use schemas::catalogue::Catalogue;
use schemas::value::Value;
use verifier::audience::Audience;

use crate::clock::Clock;
use crate::export;
use crate::failure::Failure;
use crate::folder::numbers_used;
use crate::import::{Claim, Draft, Holder, Place};
use crate::keys::{self, BadKeyFile, KeyFolder};
use crate::outbox::Outbox;
use crate::plan::Rejection;
use crate::pseudonym::Pseudonyms;
use crate::sign::{Adopted, BadSigning, Channel, Signed, Signer};
use crate::submit;
use crate::writer::Writer;

/// What is about to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading<'a> {
    /// `data.exported` or `data.accessed`.
    pub event: &'a str,
    /// Who reads, by the register's name.
    pub reader: &'a str,
    /// Why: a code of `access_purpose`.
    pub purpose: &'a str,
    /// How much: a code of `access_scope`.
    pub scope: &'a str,
    /// Of how many entries.
    pub rows: u64,
    /// Who signs it.
    pub signer: Holder,
}

/// Why nothing was shown.
#[derive(Debug, thiserror::Error)]
pub enum BadReading {
    /// A code that the catalogue does not have.
    #[error("{field}: {why}")]
    Code {
        /// The field.
        field: &'static str,
        /// What it wants.
        why: schemas::catalogue::BadValue,
    },
    /// The log did not take the event.
    #[error("the log does not take the record of this reading, so nothing is shown: {0}")]
    Refused(Rejection),
    /// It cannot be signed.
    #[error(transparent)]
    Signing(#[from] BadSigning),
    /// A key.
    #[error(transparent)]
    Key(#[from] BadKeyFile),
    /// The disk.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Whether a field of the record may have that code.
///
/// # Errors
/// [`BadReading::Code`].
pub fn is_code(event: &str, field: &'static str, code: &str) -> Result<(), BadReading> {
    let kind = Catalogue::built_in().event(event).expect("the catalogue has both");
    let known = kind.field(field).map_or(Ok(()), |f| f.check(&Value::Text(code.to_owned())));
    known.map_err(|why| BadReading::Code { field, why })
}

/// Puts the reading into the log; only when this returns may anything be shown. Gives the address
/// of the event.
///
/// # Errors
/// [`BadReading`]; then nothing may be shown.
pub fn record(
    writer: &mut Writer,
    outbox: &mut Outbox,
    mut keys: KeyFolder,
    pseudonyms: &Pseudonyms,
    reading: &Reading<'_>,
) -> Result<String, BadReading> {
    for (field, code) in [("purpose", reading.purpose), ("scope", reading.scope)] {
        is_code(reading.event, field, code)?;
    }
    let now = Clock::System.now();
    let text = |text: &str| Value::Text(text.to_owned());
    let draft = Draft {
        party: reading.signer.party.clone(),
        event: reading.event.to_owned(),
        inner: false,
        row_id: format!("r{}", base::to_hex(&keys::random_bytes::<8>()?)),
        occurred: Claim::Instant(now),
        received_at: None,
        signer: reading.signer.clone(),
        cosigner: None,
        id: None,
        refs: BTreeMap::new(),
        fields: BTreeMap::from([
            ("reader".to_owned(), text(reading.reader)),
            ("purpose".to_owned(), text(reading.purpose)),
            ("scope".to_owned(), text(reading.scope)),
            ("rows".to_owned(), Value::Integer(i64::try_from(reading.rows).unwrap_or(i64::MAX))),
        ]),
        named: false,
        place: Place { file: reading.event.to_owned(), line: 0 },
    };
    let recipients = writer.log().recipients().clone();
    keys.follow(writer.log().keyring())?;
    let mut signer = Signer {
        origin: writer.log().origin().clone(),
        keys,
        pseudonyms,
        utc_offset_minutes: 0,
        adopted: Adopted::default(),
        make_keys: false,
        channel: Channel::Cli,
        recipients: &recipients,
        now,
        numbers: numbers_used(outbox, &writer.home().drafts(), writer.log().keyring())?,
    };
    let parcel = match signer.sign(&draft)? {
        Signed::Complete(parcel) | Signed::Waiting(parcel, _) => parcel,
    };
    pseudonyms.keep()?;
    outbox.add(std::slice::from_ref(&parcel))?;
    let outcome = submit::submit(writer, vec![parcel.clone()], &outbox.receipts(), Clock::System, &mut |_, _| {})?;
    match outcome.refused.into_iter().next() {
        Some((_, why)) => Err(BadReading::Refused(why)),
        None => Ok(parcel.source),
    }
}

/// The audience that a party is, by the name that the log has for it; and the code of what it gets.
pub fn audience(writer: &Writer, pseudonyms: &Pseudonyms, party: &str) -> (Audience, &'static str) {
    let name = pseudonyms.party(party);
    let audience = Audience::of(name, writer.log().role(name));
    let scope = if audience == Audience::Oversight { "full_export" } else { "own_record" };
    (audience, scope)
}

/// Of how many entries an audience would get values.
///
/// # Errors
/// [`Failure`] if something cannot be read.
pub fn rows(writer: &Writer, audience: &Audience) -> Result<u64, Failure> {
    Ok(export::count(writer, audience)?.entries)
}
