//! The age keys of the oversight bodies of a new ledger: enrolled right after genesis, which can carry
//! none, so that the first sealed value finds somebody to read it. FORMAT.md 15.5.

use std::collections::BTreeMap;

use schemas::catalogue::Role;
use schemas::event::SignedEvent;
use schemas::time::Timestamp;
use schemas::value::Value;
use verifier::recipients::ALG;

use crate::folder::{BadFolder, numbers_used};
use crate::import::{Claim, Draft, Holder, Parties, Place};
use crate::keys::KeyFolder;
use crate::outbox::{Outbox, Parcel};
use crate::plan::{Answer, Submission};
use crate::pseudonym::Pseudonyms;
use crate::sign::{Adopted, Channel, Signed, Signer};
use crate::writer::Writer;

/// Holder name of the age key that a new ledger enrols for each oversight body.
pub const SEALED_HOLDER: &str = "sealed";

/// What enrolling came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Enrolled {
    /// Bodies whose age key the log has now, or had before.
    pub bodies: Vec<String>,
    /// Bodies whose enrolment could not be signed here: their key, or the operator's, is elsewhere.
    pub left: Vec<String>,
}

/// Enrols an age key, made where none is at hand, for each oversight body whose own key is at hand;
/// a holder of the operator whose key is at hand cosigns. Doing it again adds nothing. With `replay` the parcels
/// bring their time of receipt.
///
/// # Errors
/// [`BadFolder`] if a key, the outbox or the commit fails.
pub fn enrol(
    writer: &mut Writer,
    outbox: &mut Outbox,
    parties: &Parties,
    mut keys_at: KeyFolder,
    pseudonyms: &Pseudonyms,
    at: Timestamp,
    replay: bool,
) -> Result<Enrolled, BadFolder> {
    let mut enrolled = Enrolled::default();
    let recipients = writer.log().recipients().clone();
    keys_at.follow(writer.log().keyring())?;
    let mut signer = Signer {
        origin: writer.log().origin().clone(),
        keys: keys_at,
        pseudonyms,
        utc_offset_minutes: 0,
        adopted: Adopted::default(),
        make_keys: false,
        channel: Channel::Cli,
        recipients: &recipients,
        now: at,
        numbers: numbers_used(outbox, &writer.home().drafts(), writer.log().keyring())?,
    };
    let holders = |party: &crate::import::Party| {
        let id = party.id.clone();
        party.holders.iter().map(move |holder| Holder { party: id.clone(), holder: holder.clone() }).collect::<Vec<_>>()
    };
    let operators: Vec<Holder> = parties.iter().filter(|p| p.role == Role::Operator).flat_map(holders).collect();
    let mut parcels = Vec::new();
    for body in parties.iter().filter(|p| p.role == Role::Oversight) {
        if recipients.all().iter().any(|one| one.holder.party == body.id) {
            enrolled.bodies.push(body.id.clone());
            continue;
        }
        let Some(holder) = body.holders.iter().find(|holder| signer.keys.has(&body.id, holder)) else {
            enrolled.left.push(body.id.clone());
            continue;
        };
        let Some(second) = operators.iter().find(|second| signer.keys.has(&second.party, &second.holder)) else {
            enrolled.left.push(body.id.clone());
            continue;
        };
        let draft = draft(&body.id, holder, second, at, replay);
        if !outbox.has(&draft.address()) {
            match signer.sign(&draft).map_err(|why| BadFolder::Signing(vec![why]))? {
                Signed::Complete(parcel) => parcels.push(parcel),
                Signed::Waiting(..) => {
                    enrolled.left.push(body.id.clone());
                    continue;
                }
            }
        }
        enrolled.bodies.push(body.id.clone());
    }
    pseudonyms.keep()?;
    outbox.add(&parcels)?;
    let wanted = |parcel: &Parcel| parcel.source.ends_with(&format!("/key.enrolled/{SEALED_HOLDER}"));
    let submissions: Vec<Submission> = outbox
        .parcels()?
        .into_iter()
        .filter(|parcel| wanted(parcel) && !is_there(writer, parcel))
        .map(|p| Submission { note: p.note.into_bytes(), opening: p.opening, received_at: at })
        .collect();
    if !submissions.is_empty() {
        for answer in writer.commit(&submissions, at)?.answers {
            if let Answer::Refused(why) = answer {
                return Err(BadFolder::Refused(why));
            }
        }
    }
    Ok(enrolled)
}

fn is_there(writer: &Writer, parcel: &Parcel) -> bool {
    SignedEvent::parse(parcel.note.as_bytes()).is_ok_and(|signed| writer.log().position_of(&signed).is_some())
}

fn draft(party: &str, holder: &str, second: &Holder, at: Timestamp, replay: bool) -> Draft {
    let text = |text: &str| Value::Text(text.to_owned());
    let fields = [
        ("organisation", party),
        ("holder", SEALED_HOLDER),
        ("role", Role::Oversight.as_str()),
        ("alg", ALG),
        ("valid_from", &at.to_string()),
    ];
    Draft {
        party: party.to_owned(),
        event: "key.enrolled".to_owned(),
        inner: false,
        row_id: SEALED_HOLDER.to_owned(),
        occurred: Claim::Day(at.date(0)),
        received_at: replay.then_some(at),
        signer: Holder { party: party.to_owned(), holder: holder.to_owned() },
        cosigner: Some(second.clone()),
        id: Some(format!("key-{party}-{SEALED_HOLDER}")),
        refs: BTreeMap::new(),
        fields: fields.map(|(name, value)| (name.to_owned(), text(value))).into(),
        named: false,
        place: Place { file: "age key".to_owned(), line: 0 },
    }
}
