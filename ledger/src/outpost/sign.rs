//! From checked rows to records: signed with the keys at hand, numbered, and on the disk.

use schemas::event::SignedEvent;
use schemas::hash::Hash;
use schemas::time::Timestamp;
use verifier::recipients::Recipients;
use verifier::signature::SecretKey;

use super::{BadOutpost, Outpost};
use crate::import::{Draft, Place};
use crate::keys::KeyFolder;
use crate::outbox::Parcel;
use crate::sign::{Adopted, BadSigning, Channel, Signed, Signer};

/// What signing came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignedHere {
    /// Records that are new.
    pub recorded: usize,
    /// Rows that were signed before and are passed over.
    pub again: usize,
    /// Drafts that wait for a second signature.
    pub waiting: Vec<Hash>,
}

/// Why rows were not signed; none of them was.
#[derive(Debug, thiserror::Error)]
pub enum BadRows {
    /// Rows cannot be signed: all of them are listed.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Signing(Vec<BadSigning>),
    /// A row of the sealed stream.
    #[error(
        "{place}: a record of the sealed stream does not go through an institution's outbox, which would show that there \
         is one: it is given to an oversight body (ledger intake)"
    )]
    Sealed {
        /// Where the row stands.
        place: Place,
    },
    /// A draft that is not here.
    #[error("no draft {} waits here", .event.to_hex())]
    NoDraft {
        /// Its id.
        event: Hash,
    },
    /// The key is not the one that is asked for.
    #[error("the draft waits for {wants}, not for {name}")]
    OtherKey {
        /// Name of the key that is asked for.
        wants: String,
        /// Name of the key that was given.
        name: String,
    },
    /// The outpost.
    #[error(transparent)]
    Outpost(#[from] BadOutpost),
}

impl Outpost {
    /// Signs rows; they are on the disk when this returns. Rows that are here already are passed over, so that an
    /// interrupted run goes on where it stopped.
    ///
    /// # Errors
    /// [`BadRows`]; nothing was recorded.
    pub fn sign(
        &mut self,
        drafts: &[Draft],
        keys: KeyFolder,
        channel: Channel,
        now: Timestamp,
    ) -> Result<SignedHere, BadRows> {
        if let Some(draft) = drafts.iter().find(|draft| draft.inner) {
            return Err(BadRows::Sealed { place: draft.place.clone() });
        }
        let (mut done, mut complete, mut waiting) = (SignedHere::default(), Vec::new(), Vec::new());
        let sources = self.sources();
        let fresh: Vec<&Draft> = drafts.iter().filter(|draft| !sources.contains(draft.address().as_str())).collect();
        done.again = drafts.len() - fresh.len();
        for signed in self.signed(&fresh, keys, channel, now)? {
            match signed {
                Signed::Complete(parcel) => complete.push(parcel),
                Signed::Waiting(parcel, holder) => waiting.push((parcel, holder)),
            }
        }
        for (parcel, holder) in &waiting {
            self.wait(parcel, holder, now)?;
            done.waiting.extend(SignedEvent::parse(parcel.note.as_bytes()).ok().map(|signed| signed.id()));
        }
        done.recorded = self.record(&complete, now)?;
        Ok(done)
    }

    /// Signs rows, in order; nothing is kept.
    pub(super) fn signed(
        &self,
        drafts: &[&Draft],
        keys: KeyFolder,
        channel: Channel,
        now: Timestamp,
    ) -> Result<Vec<Signed>, BadRows> {
        let pseudonyms = self.pseudonyms()?;
        let recipients = Recipients::told(self.standing().recipients.iter().map(String::as_str));
        let mut numbers = self.numbers()?;
        for draft in drafts {
            let (party, holder) = (&draft.signer.party, &draft.signer.holder);
            let name = (pseudonyms.party(party).to_owned(), pseudonyms.inside(holder));
            let highest = numbers.entry(name).or_insert(0);
            *highest = (*highest).max(self.standing().first_number - 1);
        }
        let mut signer = Signer {
            origin: self.standing().origin.clone(),
            keys: keys.under(&pseudonyms),
            pseudonyms: &pseudonyms,
            utc_offset_minutes: self.standing().utc_offset_minutes,
            adopted: Adopted::default(),
            make_keys: false,
            channel,
            recipients: &recipients,
            now,
            numbers,
        };
        for holder in drafts.iter().flat_map(|draft| std::iter::once(&draft.signer).chain(&draft.cosigner)) {
            signer.keys.use_newest(pseudonyms.party(&holder.party), &pseudonyms.inside(&holder.holder));
        }
        let (mut done, mut bad) = (Vec::new(), Vec::new());
        for draft in drafts {
            // At a desk the second person signs with a key of their own, even where it lies beside the first one's.
            let signed = if channel == Channel::Desk { signer.sign_first(draft) } else { signer.sign(draft) };
            match signed {
                Ok(signed) => done.push(signed),
                Err(why) => bad.push(why),
            }
        }
        if bad.is_empty() { Ok(done) } else { Err(BadRows::Signing(bad)) }
    }

    /// Gives a draft its second signature and keeps it as a record.
    ///
    /// # Errors
    /// [`BadRows`]; the draft is then as it was.
    pub fn cosign(&mut self, event: &Hash, key: &SecretKey, now: Timestamp) -> Result<Parcel, BadRows> {
        let draft = self.draft(event).ok_or(BadRows::NoDraft { event: *event })?;
        let pseudonyms = self.pseudonyms()?;
        let (party, holder) = (pseudonyms.party(&draft.holder.party), pseudonyms.inside(&draft.holder.holder));
        let (wants, name) = (self.standing().origin.holder_key_name(party, &holder), key.vkey().name);
        if wants != name {
            return Err(BadRows::OtherKey { wants, name });
        }
        let (mut note, mut parcel) = (draft.signed.note.clone(), draft.parcel.clone());
        note.signatures.push(key.sign(&note.text));
        parcel.note = note.to_text();
        self.record(std::slice::from_ref(&parcel), now)?;
        Ok(parcel)
    }
}
