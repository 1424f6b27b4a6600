//! Events that say who may sign: enrolment, rotation and revocation of keys, another writer,
//! another log. FORMAT.md 11, 18. When to use which: `KEYS.md`.

use std::collections::BTreeMap;

use schemas::catalogue::{Catalogue, Role};
use schemas::event::{Event, Head};
use schemas::hash::Hash;
use schemas::note::{Note, Origin};
use schemas::opening::{Disclosure, SALT_BYTES, hidden_root};
use schemas::time::Timestamp;
use schemas::value::Value;
use verifier::admit::{EPOCH, RESEEDED};
use verifier::keyring;
use verifier::refusal::Refusal;
use verifier::signature::SecretKey;
use verifier::state::State;

use crate::failure::Failure;
use crate::import::Holder;
use crate::intake::{self, BadIntake};
use crate::keys::{self, BadKeyFile, KeyFolder};
use crate::outbox::{Opening, Parcel};
use crate::plan::Rejection;
use crate::pseudonym::Pseudonyms;
use crate::sign::Signed;
use crate::writer::Home;

/// Why such an event cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum BadTrust {
    /// A key is missing or broken.
    #[error(transparent)]
    Key(#[from] BadKeyFile),
    /// The disk.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// The log would refuse it; nothing was recorded.
    #[error("the log would refuse this, so nothing was recorded: {0}")]
    Refused(Rejection),
    /// No holder of the operator can be the second signature.
    #[error(
        "no holder of the operator has a key in force that could give the second signature: see KEYS.md, \"the operator\""
    )]
    NoOperator,
    /// The author must be named.
    #[error("{what} is signed by {whom}: name who signs with --by PARTY:HOLDER")]
    By {
        /// What is done.
        what: &'static str,
        /// Who may sign it.
        whom: &'static str,
    },
    /// The party's role is not known yet.
    #[error("the log does not know {party} yet: say its role with --role")]
    Role {
        /// The party.
        party: String,
    },
    /// The keys of the holder are revoked already.
    #[error(
        "{holder} of {party} has no key in force: what it had is revoked already, and stands so in the log. Nothing was recorded; \
         where it ended earlier than was said, --since says so"
    )]
    Ended {
        /// The party.
        party: String,
        /// The holder.
        holder: String,
    },
    /// The ledger's writer is not to be named again.
    #[error(
        "{holder} has a key already that seals, sealed or signed something: choose a new holder's name for the writer, such as ledger-2"
    )]
    Writer {
        /// The holder.
        holder: String,
    },
}

/// What is at hand where such an event is made.
pub struct Desk<'a> {
    /// The ledger's folder, which holds the keys of seals.
    pub home: &'a Home,
    /// What the log says.
    pub log: &'a State,
    /// How it names each party.
    pub pseudonyms: &'a Pseudonyms,
    /// Keys of holders at hand.
    pub keys: KeyFolder,
    /// Highest number that each key has used in the outbox or a draft, by party and holder.
    pub numbers: BTreeMap<(String, String), i64>,
    /// The present.
    pub now: Timestamp,
    /// Offset of local days from UTC, in minutes.
    pub utc_offset_minutes: i32,
}

/// The new key of an enrolment or rotation.
pub struct NewKey {
    /// The vkey, or an age recipient.
    pub text: String,
    /// The secret half, where it is at hand.
    pub secret: Option<SecretKey>,
}

/// An event in the making: its type, its public fields, and which hidden ones are filled.
#[derive(Clone)]
struct Saying {
    kind: &'static str,
    id: Option<String>,
    fields: Vec<(&'static str, Value)>,
    hidden: Vec<(&'static str, Value)>,
}

fn text(s: &str) -> Value {
    Value::Text(s.to_owned())
}

fn number(n: u64) -> Value {
    Value::Integer(i64::try_from(n).unwrap_or(i64::MAX))
}

impl Desk<'_> {
    /// A holder as the log names it.
    pub fn shown(&self, holder: &Holder) -> Holder {
        self.pseudonyms.shown(holder)
    }

    /// A key for a holder that the log does not know yet: from its file, else made. It is made for the operator, where a key
    /// of the same party lies at hand, or where that was asked for in words: never for another party otherwise.
    ///
    /// # Errors
    /// [`BadTrust`] if it can be neither read nor made.
    pub fn new_key(&mut self, holder: &Holder, make: bool) -> Result<NewKey, BadTrust> {
        let own = self.log.role(&holder.party) == Some(Role::Operator);
        let make = make || own || self.key(holder).is_ok() || self.colleague(holder).is_some();
        let (vkey, secret) = self.keys.fresh(&holder.party, &holder.holder, self.log.keyring(), make)?;
        Ok(NewKey { text: vkey.to_string(), secret })
    }

    /// Enrols a key. Without an author the new key signs for itself.
    ///
    /// # Errors
    /// [`BadTrust`].
    pub fn enrol(
        &mut self,
        holder: &Holder,
        role: Option<Role>,
        key: &NewKey,
        by: Option<&Holder>,
        second: Option<&Holder>,
    ) -> Result<Signed, BadTrust> {
        let shown = self.shown(holder);
        let unknown = || BadTrust::Role { party: holder.party.clone() };
        let role = role.or_else(|| self.log.role(&shown.party)).ok_or_else(unknown)?;
        let author = by.map_or_else(|| shown.clone(), |by| self.shown(by));
        let own = by.is_none().then(|| key.secret.clone()).flatten();
        match (role, by, &own) {
            (Role::Operator, None, _) => {
                let whom = "another holder of the operator, or an oversight body";
                return Err(BadTrust::By { what: "an enrolment for the operator", whom });
            }
            (Role::Oversight, None, _) => {
                let whom = "a holder of oversight with a key in force";
                return Err(BadTrust::By { what: "an enrolment for oversight", whom });
            }
            (_, None, None) => {
                let whom = "the new key, which is not at hand, or another holder of the party";
                return Err(BadTrust::By { what: "an enrolment", whom });
            }
            _ => {}
        }
        let alg = if key.text.starts_with("age1") { "age_x25519" } else { "ed25519" };
        let hides = self.pseudonyms.hides(&holder.party);
        let saying = Saying {
            kind: "key.enrolled",
            id: Some(format!("key-{}-{}-{}", shown.party, shown.holder, self.now.unix())),
            fields: vec![
                ("organisation", text(&shown.party)),
                ("holder", text(&shown.holder)),
                ("role", text(role.as_str())),
                ("alg", text(alg)),
                ("public_key", text(&key.text)),
                ("valid_from", text(&self.now.to_string())),
            ],
            hidden: if hides { vec![("party_id", text(&holder.party))] } else { Vec::new() },
        };
        self.say(&saying, &author, own, second, &shown)
    }

    /// Gives a holder a new key in place of its present one.
    ///
    /// # Errors
    /// [`BadTrust`].
    pub fn rotate(
        &mut self,
        holder: &Holder,
        key: &NewKey,
        reason: &str,
        since: Option<Timestamp>,
        by: Option<&Holder>,
        second: Option<&Holder>,
    ) -> Result<Signed, BadTrust> {
        let shown = self.shown(holder);
        let author = self.shown(by.unwrap_or(holder));
        let saying = Saying {
            kind: "key.rotated",
            id: None,
            fields: vec![
                ("organisation", text(&shown.party)),
                ("holder", text(&shown.holder)),
                ("public_key", text(&key.text)),
                ("valid_from", text(&since.unwrap_or(self.now).to_string())),
                ("reason", text(reason)),
            ],
            hidden: Vec::new(),
        };
        self.say(&saying, &author, None, second, &shown)
    }

    /// Ends all keys of a holder.
    ///
    /// # Errors
    /// [`BadTrust`].
    pub fn revoke(
        &mut self,
        holder: &Holder,
        reason: &str,
        since: Option<Timestamp>,
        by: Option<&Holder>,
        second: Option<&Holder>,
    ) -> Result<Signed, BadTrust> {
        let shown = self.shown(holder);
        let mut own = self.log.keyring().keys().iter().filter(|key| of_key(&key.holder) == shown).peekable();
        if own.peek().is_some() && own.all(|key| key.until.is_some_and(|until| since.unwrap_or(self.now) >= until)) {
            return Err(BadTrust::Ended { party: holder.party.clone(), holder: holder.holder.clone() });
        }
        let author = match by {
            Some(by) => self.shown(by),
            None => self.colleague(&shown).unwrap_or_else(|| shown.clone()),
        };
        let saying = Saying {
            kind: "key.revoked",
            id: None,
            fields: vec![
                ("organisation", text(&shown.party)),
                ("holder", text(&shown.holder)),
                ("revoked_at", text(&since.unwrap_or(self.now).to_string())),
                ("reason", text(reason)),
            ],
            hidden: Vec::new(),
        };
        self.say(&saying, &author, None, second, &shown)
    }

    /// Names another writer: its enrolment, where the log does not know it, and the epoch, to be
    /// submitted together. The secret key lies with the ledger's own.
    ///
    /// # Errors
    /// [`BadTrust`].
    pub fn epoch(&mut self, writer: &str, by: &Holder, second: Option<&Holder>) -> Result<Vec<Signed>, BadTrust> {
        let holder = Holder { party: by.party.clone(), holder: writer.to_owned() };
        let name = self.log.origin().holder_key_name(&holder.party, writer);
        let path = self.home.seal_key_of(writer);
        let used = || BadTrust::Writer { holder: writer.to_owned() };
        let is_holder = self.log.keyring().keys().iter().any(|key| key.public().vkey().name == name);
        let key = match (path.exists(), is_holder) {
            (true, _) => keys::read(&path)?,
            (false, true) => return Err(used()),
            (false, false) => keys::generate(&path, &name)?,
        };
        let mut signed = Vec::new();
        if self.log.keyring().find_vkey(&key.vkey()).is_none() {
            if is_holder {
                return Err(used());
            }
            let new = NewKey { text: key.vkey().to_string(), secret: None };
            signed.push(self.enrol(&holder, Some(Role::Operator), &new, Some(by), second)?);
        }
        let (size, root) = self.log.sealed_head();
        let saying = Saying {
            kind: EPOCH,
            id: None,
            fields: vec![
                ("epoch", number(u64::try_from(self.log.epoch()).unwrap_or_default() + 1)),
                ("writer", text(writer)),
                ("size", number(size)),
                ("root", text(&root.to_hex())),
            ],
            hidden: Vec::new(),
        };
        signed.push(self.say(&saying, by, None, second, &holder)?);
        Ok(signed)
    }

    /// Another holder of the same party whose key is in force and at hand.
    fn colleague(&mut self, of: &Holder) -> Option<Holder> {
        let known = self.log.keyring().keys().iter();
        let others = known.filter(|key| key.holder.party == of.party && key.holder.name != of.holder);
        let others: Vec<Holder> = others.map(|key| of_key(&key.holder)).collect();
        others.into_iter().find(|holder| !self.is_writer(holder) && self.key(holder).is_ok())
    }

    /// Who gives the second signature where nobody is named: a holder of the operator, best one
    /// whose key is at hand.
    fn operator(&mut self, author: &Holder, about: &Holder) -> Result<Holder, BadTrust> {
        let keys = self.log.keyring().keys().iter();
        let keys = keys.filter(|key| key.role == Role::Operator && key.in_force(self.now));
        let all: Vec<Holder> = keys.map(|key| of_key(&key.holder)).collect();
        let fit = |holder: &Holder| holder != author && holder != about && !self.is_writer(holder);
        let fits: Vec<Holder> = all.into_iter().filter(fit).collect();
        let at_hand = fits.iter().find(|holder| self.key(holder).is_ok()).cloned();
        if let Some(holder) = at_hand.or_else(|| fits.into_iter().next()) {
            return Ok(holder);
        }
        // The last resort: oversight enrols a key of the operator, and the writer seconds it.
        let by_oversight = self.log.role(&author.party) == Some(Role::Oversight);
        let of_operator = self.log.role(&about.party) == Some(Role::Operator);
        let writer = self.log.writer().filter(|_| by_oversight && of_operator);
        writer.map(|key| of_key(&key.holder)).ok_or(BadTrust::NoOperator)
    }

    fn is_writer(&self, holder: &Holder) -> bool {
        self.log.writer().is_some_and(|key| of_key(&key.holder) == *holder)
    }

    /// The secret key of a holder that is in force.
    fn key(&mut self, holder: &Holder) -> Result<SecretKey, BadKeyFile> {
        if self.is_writer(holder) {
            let vkey = self.log.writer().map(|key| key.public().vkey().clone());
            for path in self.home.seal_keys()? {
                let key = keys::read(&path)?;
                if Some(key.vkey()) == vkey {
                    return Ok(key);
                }
            }
        }
        self.keys.in_force(&holder.party, &holder.holder, self.log.keyring(), self.now)
    }

    /// Signs what is said, by its author and the second holder, as far as keys are at hand.
    fn say(
        &mut self,
        saying: &Saying,
        author: &Holder,
        own: Option<SecretKey>,
        second: Option<&Holder>,
        about: &Holder,
    ) -> Result<Signed, BadTrust> {
        let second = match second {
            Some(second) => self.shown(second),
            None => self.operator(author, about)?,
        };
        let key = match own {
            Some(key) => key,
            None => self.key(author)?,
        };
        let slot = (author.party.clone(), author.holder.clone());
        let in_log = self.log.keyring().find_vkey(&key.vkey());
        let next = in_log.map_or(1, |n| self.log.keyring().key(n).next_number());
        let seq = next.max(self.numbers.get(&slot).copied().unwrap_or(0) + 1);
        self.numbers.insert(slot, seq);
        let day = self.now.date(self.utc_offset_minutes);
        let row = format!("{}-{}-{seq}", about.holder, self.now.unix());
        let id = saying.id.as_ref().map(|id| format!("{id}-{seq}"));
        let saying = &Saying { id, ..saying.clone() };
        let (note, slots) = note(self.log.origin(), saying, (author, &row, seq), day, &key)?;
        let parcel = |note: &Note| Parcel {
            note: note.to_text(),
            opening: Opening::open(slots.iter().map(Disclosure::to_text).collect()),
            received_at: None,
            source: format!("{}/{}/{row}", author.party, saying.kind),
        };
        match self.key(&second) {
            Ok(key) => {
                let mut note = note;
                note.signatures.push(key.sign(&note.text));
                Ok(Signed::Complete(parcel(&note)))
            }
            Err(BadKeyFile::Absent { .. }) => Ok(Signed::Waiting(parcel(&note), second)),
            Err(other) => Err(other.into()),
        }
    }
}

/// What a successor says of the log before it, signed by its operator; the second signature, of
/// oversight, where its key is at hand. Keys are those that genesis will name.
///
/// # Errors
/// [`BadTrust`].
pub fn reseed(
    origin: &Origin,
    keys: &mut KeyFolder,
    (operator, oversight): (&Holder, &Holder),
    (before, size, root): (&Origin, u64, Hash),
    reason: &str,
    now: Timestamp,
) -> Result<Signed, BadTrust> {
    let saying = Saying {
        kind: RESEEDED,
        id: None,
        fields: vec![
            ("previous_origin", Value::localised("zxx", before.as_str())),
            ("size", number(size)),
            ("root", text(&root.to_hex())),
            ("reason", text(reason)),
        ],
        hidden: Vec::new(),
    };
    let key = keys.get(&operator.party, &operator.holder)?;
    let (mut note, _) = note(origin, &saying, (operator, "reseeded", 1), now.date(0), &key)?;
    let second = keys.get(&oversight.party, &oversight.holder);
    let parcel = |note: &Note| Parcel {
        note: note.to_text(),
        opening: Opening::default(),
        received_at: None,
        source: format!("{}/{RESEEDED}/reseeded", operator.party),
    };
    match second {
        Ok(key) => {
            note.signatures.push(key.sign(&note.text));
            Ok(Signed::Complete(parcel(&note)))
        }
        Err(BadKeyFile::Absent { .. }) => Ok(Signed::Waiting(parcel(&note), oversight.clone())),
        Err(other) => Err(other.into()),
    }
}

/// The note with its first signature, and the disclosures of its slots.
fn note(
    origin: &Origin,
    saying: &Saying,
    (author, row, seq): (&Holder, &str, i64),
    at: schemas::time::Date,
    key: &SecretKey,
) -> Result<(Note, Vec<Disclosure>), BadKeyFile> {
    let kind = Catalogue::built_in().event(saying.kind).expect("a type of the catalogue");
    let head = Head { kind: (&kind.name, kind.v), ledger: origin, by: &author.party, row, seq, at };
    let mut event = Event::new(&head);
    event.channel = Some("cli".to_owned());
    event.id = saying.id.as_ref().map(|id| format!("{}/{id}", author.party));
    event.data = saying.fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let mut slots = Vec::new();
    for name in kind.slots() {
        let value = saying.hidden.iter().find(|(n, _)| *n == name).map(|(_, value)| value.clone());
        slots.push(Disclosure { salt: keys::random_bytes::<SALT_BYTES>()?, name: name.to_owned(), value });
    }
    if kind.hides {
        event.hidden = Some(hidden_root(&slots.iter().map(Disclosure::digest).collect::<Vec<_>>()).to_base64());
    }
    let text = event.to_text();
    Ok((Note { signatures: vec![key.sign(&text)], text }, slots))
}

fn of_key(holder: &keyring::Holder) -> Holder {
    Holder { party: holder.party.clone(), holder: holder.name.clone() }
}

/// Whether the log would take these, one after the other, now. What it refuses shall not lie in an
/// outbox, from where it would be handed in again for ever.
///
/// # Errors
/// [`BadTrust::Refused`] says why it would not.
pub fn rehearse(log: &State, parcels: &[Parcel], now: Timestamp) -> Result<(), BadTrust> {
    let mut state = log.clone();
    let at = log.last_received().map_or(now, |last| last.max(now));
    for parcel in parcels {
        let signed = schemas::event::SignedEvent::parse(parcel.note.as_bytes());
        let signed = signed.map_err(|e| BadTrust::Refused(Refusal::from(schemas::entry::BadEntry::from(e)).into()))?;
        let refused = |why: Refusal| BadTrust::Refused(why.into());
        let sealing = !state.recipients().in_force(at).is_empty();
        state.check_form(&signed.event).map_err(refused)?;
        intake::check(&signed.event, signed.id(), parcel.opening.clone())
            .and_then(|beside| beside.check(sealing))
            .map_err(|why: BadIntake| BadTrust::Refused(why.into()))?;
        let opened = state.keyring().open(signed).map_err(refused)?;
        state.admit(&opened, at).map_err(refused)?;
    }
    Ok(())
}
