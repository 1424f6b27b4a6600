//! Admission: may this event stand in this log, here, now? FORMAT.md 11.
//!
//! One function, run by the ledger before it commits and replayed by every auditor: the ledger
//! never accepts what an auditor would reject. It looks at log bytes alone.

use schemas::catalogue::{Cosigner, EventType, Kind, Role, Targets};
use schemas::entry::{BadEntry, ENTRY_BYTES_MAX, Entry};
use schemas::event::{Event, RefValue, SignedEvent};
use schemas::hash::Hash;
use schemas::note::{ALG_ED25519, Vkey};
use schemas::recipient::is_recipient;
use schemas::time::Timestamp;
use schemas::value::Value;

use crate::epoch::{Predecessor, Writer};
use crate::fault::Fault;
use crate::keyring::{Holder, KeyNumber, brought_key};
use crate::refusal::{Own, Refusal, TrustNeed};
use crate::signature::PublicKey;
use crate::state::{Genesis, State};
use crate::verified::Verified;

/// The type that closes every batch. FORMAT.md 9.
pub const SEAL: &str = "ledger.index.sealed";
/// The type that names another writer. FORMAT.md 18.
pub const EPOCH: &str = "ledger.epoch.opened";
/// The type that names the log which went before. FORMAT.md 18.
pub const RESEEDED: &str = "ledger.reseeded";
/// The type of the first entry.
pub const GENESIS: &str = "ledger.genesis";
/// The type by which an organisation disputes a visit record.
pub const DISPUTE: &str = "visit.disputed";
/// The type that ends a dispute; the one that may bear more signatures than its type asks for.
const RESOLUTION: &str = "visit.dispute.resolved";
/// Types without effect on trust that tell the registry who is what.
const REGISTERING: [&str; 3] = ["facility.registered", "organisation.registered", "organisation.updated"];
/// A claimed day may lie this far after the day of receipt in UTC: no place on earth is further ahead.
const AHEAD_SECONDS: i64 = 14 * 3600;

/// An admitted event in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Its place.
    pub position: u64,
    /// The entry's bytes.
    pub bytes: Vec<u8>,
    /// The entry's leaf.
    pub leaf: Hash,
}

/// What an admitted event does to the registry.
enum Effect {
    None,
    Genesis(Box<Genesis>, (String, Role), Vec<(PublicKey, Holder, Role)>),
    Enrol { key: Option<Box<PublicKey>>, holder: Holder, role: Role, from: Timestamp, until: Option<Timestamp> },
    Rotate { key: Box<PublicKey>, old: Vec<KeyNumber>, holder: Holder, role: Role, from: Timestamp },
    Revoke { keys: Vec<KeyNumber>, at: Timestamp },
    Epoch { writer: Writer, at: Timestamp },
    Reseed(Box<Predecessor>),
    Facility(String),
    Mode(String, bool),
}

impl State {
    /// Admits the next event and takes it in. `received_at` must not go back; the caller holds
    /// the clock still where it would.
    ///
    /// # Errors
    /// [`Refusal`]; the state is as it was before.
    pub fn admit(&mut self, signed: &Verified<SignedEvent>, received_at: Timestamp) -> Result<Placed, Refusal> {
        self.place(signed.get(), received_at)
    }

    /// Takes in an entry that this ledger has admitted before. The bytes are hashed into chain and
    /// tree; what they say was checked when they were admitted and is not checked again, but for
    /// what changes the registry. So the caller must compare the root with the last signed
    /// checkpoint before it uses the state: equal roots say that these are the admitted bytes.
    ///
    /// # Errors
    /// [`Fault`] names the entry.
    pub fn replay(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let position = self.size();
        let entry = Entry::reread(bytes).map_err(|what| Fault::Entry { position, what })?;
        let event = &entry.signed.event;
        let address = || Some(event.address());
        if entry.position != position {
            return Err(Fault::Position { position, address: address(), found: entry.position });
        }
        if entry.prev != self.last_leaf() {
            return Err(Fault::Chain { position, address: address() });
        }
        let admission = |refusal| Fault::Admission { position, address: event.address(), refusal };
        let kind = self.catalogue.event(&event.kind).filter(|k| k.v == event.v);
        let unknown = || admission(Refusal::UnknownType { kind: event.kind.clone(), v: event.v });
        let kind = kind.ok_or_else(unknown)?;
        if kind.trust || REGISTERING.contains(&kind.name.as_str()) {
            let (_, effect) = self.check(&entry.signed, entry.received_at).map_err(admission)?;
            self.apply(effect);
        }
        if entry.signed.note.signatures.first().is_none_or(|line| self.keyring.find(line).is_none()) {
            let line = &entry.signed.note.signatures[0];
            return Err(admission(Refusal::UnknownKey { name: line.name.clone(), id: line.id }));
        }
        self.take(&entry.signed, kind, Hash::leaf(bytes), entry.received_at);
        Ok(())
    }

    /// What a pack asks of one of its entries (FORMAT.md 14.2): its signature lines, and where it changes the registry its
    /// admission, as far as the entries seen before it tell. Gives who signed each line; the signatures themselves are
    /// the caller's to check. For a state [`State::in_part`] alone.
    ///
    /// # Errors
    /// [`Refusal`]; the state is as it was before.
    pub(crate) fn see_shown(&mut self, entry: &Entry) -> Result<Vec<Signer>, Refusal> {
        let (signed, at) = (&entry.signed, entry.received_at);
        let event = &signed.event;
        let kind = self.catalogue.event(&event.kind).filter(|k| k.v == event.v);
        let kind = kind.ok_or_else(|| Refusal::UnknownType { kind: event.kind.clone(), v: event.v })?;
        let trust = |needs| Refusal::Trust { kind: kind.name.clone(), needs };
        if (kind.name == GENESIS) != (entry.position == 0) {
            return Err(trust(TrustNeed::First));
        }
        if kind.name == RESEEDED && entry.position != 1 {
            return Err(trust(TrustNeed::Second));
        }
        // Which fields may be public depends on what other entries said of a party; not so where it changes the registry.
        if kind.trust && kind.fields.iter().all(|field| !field.restricted_unless_named) {
            self.check_fields(event, kind)?;
        }
        let (signers, effect) = if kind.name == GENESIS {
            (Vec::new(), self.check_genesis(signed, kind, at)?)
        } else {
            let signers = self.check_signers(signed, kind, at)?;
            let effect = self.check_trust(signed, kind, &signers, at)?;
            if kind.name == SEAL {
                self.check_sealer(signed, kind)?;
            }
            (signers, effect)
        };
        self.apply(effect);
        if let Some(author) = self.keyring.find(&signed.note.signatures[0]) {
            self.keyring.use_number(author, event.seq);
        }
        Ok(signers)
    }

    /// Admits an event whose signatures the caller checks in a batch afterwards.
    fn place(&mut self, signed: &SignedEvent, received_at: Timestamp) -> Result<Placed, Refusal> {
        let position = self.size();
        let note = signed.note.to_text();
        let bytes = Entry::bytes(position, received_at, self.last_leaf(), note.as_bytes());
        if bytes.len() > ENTRY_BYTES_MAX {
            return Err(BadEntry::TooLong.into());
        }
        let leaf = Hash::leaf(&bytes);
        self.place_leaf(signed, received_at, leaf)?;
        Ok(Placed { position, bytes, leaf })
    }

    /// The same, where the entry's leaf is at hand.
    pub(crate) fn place_leaf(
        &mut self,
        signed: &SignedEvent,
        received_at: Timestamp,
        leaf: Hash,
    ) -> Result<(), Refusal> {
        let (kind, effect) = self.check(signed, received_at)?;
        self.apply(effect);
        self.take(signed, kind, leaf, received_at);
        Ok(())
    }

    /// What can be said of an event before its signatures are looked at: FORMAT.md 11, 2 to 4.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn check_form(&self, event: &Event) -> Result<&'static EventType, Refusal> {
        if event.ledger != self.origin().as_str() {
            return Err(Refusal::OtherLedger { found: event.ledger.clone(), here: self.origin().to_string() });
        }
        let kind = self.catalogue.event(&event.kind).filter(|k| k.v == event.v);
        let kind = kind.ok_or_else(|| Refusal::UnknownType { kind: event.kind.clone(), v: event.v })?;
        self.check_fields(event, kind)?;
        Ok(kind)
    }

    fn check(&mut self, signed: &SignedEvent, received_at: Timestamp) -> Result<(&'static EventType, Effect), Refusal> {
        let event = &signed.event;
        let kind = self.check_form(event)?;
        let (first, genesis) = (self.size() == 0, kind.name == GENESIS);
        // Genesis brings its own keys: nobody could be asked before it.
        let signers = if first && genesis { Vec::new() } else { self.check_signers(signed, kind, received_at)? };
        self.check_unused(signed, kind)?;
        self.check_refs(event, kind)?;
        let latest = received_at.plus_seconds(AHEAD_SECONDS).date(0);
        if event.at() > latest {
            return Err(Refusal::InTheFuture { at: event.at(), received_at });
        }
        if let Some(last) = self.last_received().filter(|last| received_at < *last) {
            return Err(Refusal::WentBack { received_at, last });
        }
        let effect = match (first, genesis) {
            (true, true) => self.check_genesis(signed, kind, received_at)?,
            (false, false) => self.check_trust(signed, kind, &signers, received_at)?,
            _ => return Err(Refusal::Trust { kind: kind.name.clone(), needs: TrustNeed::First }),
        };
        self.check_own(event, kind, &signers)?;
        if kind.name == SEAL {
            self.check_seal(signed, kind)?;
        }
        Ok((kind, effect))
    }

    /// FORMAT.md 11, 4.
    fn check_fields(&self, event: &Event, kind: &EventType) -> Result<(), Refusal> {
        if kind.hides != event.hidden.is_some() {
            return Err(Refusal::Slots { kind: kind.name.clone(), has: kind.hides });
        }
        let party = event.text("organisation").unwrap_or_default();
        let unnamed = event.text("identity_mode").map_or_else(|| self.is_unnamed(party), |mode| mode != "named");
        for (name, value) in &event.data {
            let unknown = || Refusal::UnknownField { kind: kind.name.clone(), field: name.clone() };
            let field = kind.field(name).ok_or_else(unknown)?;
            if !field.is_public() {
                return Err(Refusal::HiddenInPublic { field: name.clone() });
            }
            if field.restricted_unless_named && unnamed {
                return Err(Refusal::NotNamed { field: name.clone(), party: party.to_owned() });
            }
            field.check(value).map_err(|why| Refusal::BadField { field: name.clone(), why })?;
        }
        let missing = kind.fields.iter().find(|f| {
            let needed = f.required && f.is_public() && !(f.restricted_unless_named && unnamed);
            needed && !event.data.contains_key(&f.name)
        });
        missing.map_or(Ok(()), |f| Err(Refusal::MissingField { field: f.name.clone() }))
    }

    /// FORMAT.md 11, 5 and 7 to 10; the signatures themselves are checked by [`crate::keyring::Keyring::open`].
    fn check_signers(&self, signed: &SignedEvent, kind: &EventType, at: Timestamp) -> Result<Vec<Signer>, Refusal> {
        let (event, lines) = (&signed.event, &signed.note.signatures);
        let mut signers = Vec::new();
        for line in lines {
            let signer = match self.keyring.find(line) {
                Some(number) => {
                    let key = self.keyring.key(number);
                    if !key.in_force(at) {
                        return Err(Refusal::NotInForce { name: line.name.clone(), at });
                    }
                    Signer { key: Some(number), bytes: key.bytes(), holder: key.holder.clone(), role: Some(key.role) }
                }
                None => match self.origin().holder_of(&line.name).zip(brought_key(signed, line)) {
                    Some(((party, name), brought)) => {
                        let holder = Holder { party: party.to_owned(), name: name.to_owned() };
                        Signer { key: None, bytes: brought.vkey().key, role: self.role(party), holder }
                    }
                    _ => return Err(Refusal::UnknownKey { name: line.name.clone(), id: line.id }),
                },
            };
            signers.push(signer);
        }
        let author = &signers[0];
        if author.holder.party != event.by {
            return Err(Refusal::NotTheAuthor { name: lines[0].name.clone(), by: event.by.clone() });
        }
        let role = author.role.or_else(|| if author.key.is_none() { enrolled_role(event) } else { None });
        if role.is_none_or(|role| !kind.authors.contains(&role)) {
            return Err(Refusal::WrongRole { by: event.by.clone(), role, kind: kind.name.clone() });
        }
        let max = if kind.name == RESOLUTION { 2 } else { usize::from(kind.signatures) };
        if lines.len() > max {
            return Err(Refusal::TooManySignatures { kind: kind.name.clone(), max, got: lines.len() });
        }
        if let Some(key) = author.key
            && self.keyring.number_used(key, event.seq)
        {
            return Err(Refusal::NumberUsed { name: lines[0].name.clone(), seq: event.seq });
        }
        Ok(signers)
    }

    /// FORMAT.md 11, 11.
    fn check_unused(&self, signed: &SignedEvent, kind: &EventType) -> Result<(), Refusal> {
        if kind.id_of.is_some() != signed.event.id.is_some() {
            return Err(Refusal::IdPresence { kind: kind.name.clone(), wants: kind.id_of.is_some() });
        }
        if self.record_of(&signed.event).is_some() {
            return Err(Refusal::AddressUsed { address: signed.event.address() });
        }
        match (&kind.id_of, &signed.event.id) {
            (Some(id_of), Some(id)) if self.has_thing(id_of, id) => {
                Err(Refusal::IdUsed { kind: id_of.clone(), id: id.clone() })
            }
            _ => Ok(()),
        }
    }

    /// FORMAT.md 11, 12.
    fn check_refs(&self, event: &Event, kind: &EventType) -> Result<(), Refusal> {
        for reference in &kind.refs {
            if !reference.optional && !event.refs.contains_key(&reference.name) {
                return Err(Refusal::MissingRef { name: reference.name.clone() });
            }
        }
        for (name, value) in &event.refs {
            let unknown = || Refusal::UnknownRef { kind: kind.name.clone(), name: name.clone() };
            let reference = kind.reference(name).ok_or_else(unknown)?;
            let targets = value.targets();
            let form = match value {
                RefValue::One(_) => !reference.many,
                RefValue::Many(_) => {
                    let most = schemas::catalogue::LIST_ITEMS_MAX;
                    let different = targets.iter().collect::<std::collections::BTreeSet<_>>().len() == targets.len();
                    reference.many && (1..=most).contains(&targets.len()) && different
                }
            };
            if !form {
                return Err(unknown());
            }
            for target in targets {
                let found = match &reference.targets {
                    Targets::Any => self.record(target).is_some(),
                    Targets::Types(types) => self.target(types, target).is_some(),
                };
                if !found {
                    let wanted = match &reference.targets {
                        Targets::Any => "a record".to_owned(),
                        Targets::Types(types) => types.join(" or "),
                    };
                    return Err(Refusal::NoTarget { name: name.clone(), target: target.clone(), wanted });
                }
            }
        }
        Ok(())
    }

    /// FORMAT.md 11, 15.
    fn check_own(&self, event: &Event, kind: &EventType, signers: &[Signer]) -> Result<(), Refusal> {
        let not = |what| Err(Refusal::NotYours { what });
        let role = self.role(&event.by);
        let only = match role {
            Some(Role::Cso) => Some(("organisation", Kind::Party)),
            Some(Role::Facility) => Some(("facility", Kind::Facility)),
            _ => None,
        };
        if let Some((name, _)) = only
            && let Some(found) = event.text(name).filter(|found| *found != event.by)
        {
            return not(Own::Itself { by: event.by.clone(), field: name.to_owned(), found: found.to_owned() });
        }
        match kind.name.as_str() {
            "record.corrected" | "record.retracted" => {
                let target = event.refs.get("target").and_then(|t| t.targets().first()).map_or("", String::as_str);
                let author = target.split('/').next().unwrap_or_default();
                if author != event.by {
                    return not(Own::Record { author: author.to_owned() });
                }
            }
            "access.request.withdrawn" | "access.clarification.supplied" => {
                let request = event.refs.get("request").and_then(|t| t.targets().first()).map_or("", String::as_str);
                let requester = request.split('/').next().unwrap_or_default();
                if requester != event.by {
                    return not(Own::Requester { requester: requester.to_owned() });
                }
            }
            "access.request.acknowledged"
            | "access.clarification.requested"
            | "access.request.approved"
            | "access.request.denied"
            | "access.approval.suspended"
            | "access.approval.revoked" => {
                let facility = |name: &&str| self.facility_of(self.referred(event, kind, name)?);
                let case = ["request", "approval"].iter().find_map(facility);
                if let Some(facility) = case.filter(|f| Some(*f) != event.text("facility")) {
                    return not(Own::Case { facility: facility.to_owned() });
                }
            }
            "inspection.conducted" => {
                let external = !matches!(event.text("kind"), Some("internal" | "followup"));
                if external && role != Some(Role::Oversight) {
                    return not(Own::Inspection);
                }
            }
            RESOLUTION if role != Some(Role::Oversight) => {
                // The sides are those of the dispute and its visit, as they stand in the log: whoever writes the
                // resolution could name anybody.
                let dispute = event.refs.get("dispute").and_then(|d| d.targets().first()).map_or("", String::as_str);
                let organisation = dispute.split('/').next().unwrap_or_default();
                let visit = self.referred(event, kind, "dispute").and_then(|thing| self.facility_of(thing));
                let facility = visit.unwrap_or_default();
                let both =
                    matches!(signers, [_, second] if event.by == facility && second.holder.party == organisation);
                if !both {
                    let (facility, organisation) = (facility.to_owned(), organisation.to_owned());
                    return not(Own::Dispute { facility, organisation });
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// FORMAT.md 9 and 11, 16.
    fn check_seal(&mut self, signed: &SignedEvent, kind: &EventType) -> Result<(), Refusal> {
        let event = &signed.event;
        let number = |n: u64| Value::Integer(i64::try_from(n).unwrap_or(i64::MAX));
        let batch = self.batches() + 1;
        let want = [
            ("batch", number(batch)),
            ("map_root", Value::Text(self.map_root().to_hex())),
            ("size", number(self.size())),
            ("streams", number(self.streams())),
        ];
        for (field, want) in want {
            let found = event.data.get(field);
            if found != Some(&want) {
                let found = found.map_or_else(String::new, Value::to_json);
                return Err(Refusal::Seal { field, found, want: want.to_json() });
            }
        }
        self.check_sealer(signed, kind)?;
        let want = format!("b{batch}");
        if event.row != want || event.seq != i64::try_from(batch).unwrap_or(i64::MAX) {
            return Err(Refusal::Seal { field: "row", found: event.row.clone(), want });
        }
        Ok(())
    }

    /// FORMAT.md 9: seals are signed by the writer in office.
    fn check_sealer(&self, signed: &SignedEvent, kind: &EventType) -> Result<(), Refusal> {
        let key = self.keyring.find(&signed.note.signatures[0]);
        if key.is_none() || key != self.writer.map(|writer| writer.key) {
            let needs = TrustNeed::Writer(self.writer().map_or_else(String::new, |key| key.holder.name.clone()));
            return Err(Refusal::Trust { kind: kind.name.clone(), needs });
        }
        Ok(())
    }

    /// FORMAT.md 11, 14: genesis.
    fn check_genesis(&self, signed: &SignedEvent, kind: &EventType, at: Timestamp) -> Result<Effect, Refusal> {
        let event = &signed.event;
        let bad = |needs| Refusal::Trust { kind: kind.name.clone(), needs };
        let text = |name: &str| event.text(name).unwrap_or_default().to_owned();
        let key_name = |name: &str| bad(TrustNeed::KeyName(name.to_owned()));
        let log_key = Vkey::parse(&text("log_key")).map_err(|_| key_name("log_key"))?;
        if log_key.name != self.origin().as_str() || log_key.alg != ALG_ED25519 {
            return Err(key_name("log_key"));
        }
        PublicKey::new(&log_key).map_err(|e| bad(TrustNeed::Key(e)))?;
        let (operator, registrar) = (text("operator"), text("registrar"));
        let registrar_role = Role::parse(&text("registrar_role")).ok_or_else(|| bad(TrustNeed::OneOperator))?;
        if event.by != operator || ((registrar == operator) != (registrar_role == Role::Operator)) {
            return Err(bad(TrustNeed::OneOperator));
        }
        let mut keys: Vec<(PublicKey, Holder, Role)> = Vec::new();
        for (field, role, party) in [
            ("operator_keys", Role::Operator, Some(&operator)),
            ("registrar_keys", registrar_role, Some(&registrar)),
            ("oversight_keys", Role::Oversight, None),
        ] {
            for item in event.data.get(field).and_then(Value::as_list).unwrap_or_default() {
                let vkey = item.as_text().and_then(|k| Vkey::parse(k).ok()).ok_or_else(|| key_name(field))?;
                let named = self.origin().holder_of(&vkey.name).filter(|(p, _)| party.is_none_or(|want| p == want));
                let (owner, name) = named.filter(|_| vkey.alg == ALG_ED25519).ok_or_else(|| key_name(field))?;
                let clash = keys.iter().any(|(_, h, r)| h.party == owner && (*r != role || h.name == name));
                if clash {
                    return Err(bad(TrustNeed::OneRole("each holder once, each party in one role")));
                }
                let holder = Holder { party: owner.to_owned(), name: name.to_owned() };
                keys.push((PublicKey::new(&vkey).map_err(|e| bad(TrustNeed::Key(e)))?, holder, role));
            }
        }
        let seal_key = keys.first().map(|(k, _, _)| k.vkey().clone()).ok_or_else(|| bad(TrustNeed::PublicKey))?;
        // Under whatever name: a key is its 32 bytes.
        if seal_key.key == log_key.key {
            return Err(bad(TrustNeed::SealsAlone));
        }
        let [line] = signed.note.signatures.as_slice() else { return Err(bad(TrustNeed::OneHolder)) };
        if line.name != seal_key.name || line.id != seal_key.id() {
            return Err(key_name("the first of operator_keys signs genesis"));
        }
        let catalogue = Hash::from_hex(&text("catalogue")).unwrap_or_default();
        let genesis = Genesis { operator, log_key, seal_key, received_at: at, catalogue };
        Ok(Effect::Genesis(Box::new(genesis), (registrar, registrar_role), keys))
    }

    /// FORMAT.md 11, 14: the other types with effect on trust, and what an event tells the registry.
    fn check_trust(
        &self,
        signed: &SignedEvent,
        kind: &EventType,
        signers: &[Signer],
        at: Timestamp,
    ) -> Result<Effect, Refusal> {
        let event = &signed.event;
        let bad = |needs| Refusal::Trust { kind: kind.name.clone(), needs };
        self.check_writer(event, kind, signers).map_err(bad)?;
        check_second(event, kind, signers).map_err(bad)?;
        match kind.name.as_str() {
            "key.enrolled" => self.check_enrolment(event, signers, at).map_err(bad),
            "key.rotated" => self.check_rotation(event).map_err(bad),
            "key.revoked" => self.check_revocation(event, signers, at).map_err(bad),
            EPOCH => self.check_epoch(event, at).map(|writer| Effect::Epoch { writer, at }).map_err(bad),
            RESEEDED => self.check_reseeding(signed).map(|p| Effect::Reseed(Box::new(p))).map_err(bad),
            "facility.registered" => {
                Ok(event.text("facility").map_or(Effect::None, |f| Effect::Facility(f.to_owned())))
            }
            "organisation.registered" | "organisation.updated" => {
                let (party, mode) = (event.text("organisation"), event.text("identity_mode"));
                Ok(party.zip(mode).map_or(Effect::None, |(p, m)| Effect::Mode(p.to_owned(), m != "named")))
            }
            _ => Ok(Effect::None),
        }
    }

    fn check_enrolment(&self, event: &Event, signers: &[Signer], at: Timestamp) -> Result<Effect, TrustNeed> {
        let text = |name: &str| event.text(name).unwrap_or_default();
        let (party, holder) = (text("organisation").to_owned(), text("holder").to_owned());
        let role = Role::parse(text("role")).ok_or(TrustNeed::OneRole("one of the catalogue's"))?;
        if let Some(known) = self.role(&party).filter(|known| *known != role) {
            return Err(TrustNeed::OneRole(known.as_str()));
        }
        if role == Role::Operator && self.genesis.as_ref().is_none_or(|g| g.operator != party) {
            return Err(TrustNeed::OneOperator);
        }
        let author = &signers[0];
        let by_oversight = author.key.is_some() && author.role == Some(Role::Oversight);
        let of_oversight = role == Role::Oversight && author.role == Some(Role::Oversight);
        if party != event.by && !of_oversight && !(role == Role::Operator && by_oversight) {
            return Err(TrustNeed::OwnKey);
        }
        if role == Role::Oversight && (author.key.is_none() || !of_oversight) {
            return Err(TrustNeed::Oversight);
        }
        let from = Timestamp::parse(text("valid_from")).ok_or(TrustNeed::PublicKey)?;
        let until = Timestamp::parse(text("valid_to"));
        if until.is_some_and(|until| until <= from.max(at)) {
            return Err(TrustNeed::Over);
        }
        let holder = Holder { party, name: holder };
        if text("alg") == crate::recipients::ALG {
            // A recipient signs nothing, this enrolment no more than any other event.
            if !is_recipient(text("public_key")) || signers.iter().any(|signer| signer.key.is_none()) {
                return Err(TrustNeed::PublicKey);
            }
            if role != Role::Oversight {
                return Err(TrustNeed::Oversight);
            }
            if self.recipients.of(&holder).any(|one| one.in_force(at)) {
                return Err(TrustNeed::Rotate);
            }
            return Ok(Effect::Enrol { key: None, holder, role, from, until });
        }
        let key = self.take_key(text("public_key"), &holder)?;
        let same = self.keyring.find_vkey(key.vkey()).is_some();
        // Or whoever has one key of the operator would make itself a second, and be two holders.
        let two = signers.iter().all(|s| s.role == Some(Role::Operator) && s.holder != holder);
        let stand = signers.iter().all(|s| s.key.is_some());
        if role == Role::Operator && !same && !(stand && (by_oversight || two)) {
            return Err(TrustNeed::OperatorKey);
        }
        // In a part of a log the entry that ended the holder's key before may not be shown.
        let holds = !self.in_part && self.keyring.in_force(&holder, at).next().is_some();
        if !same && (self.keyring.has_id(key.vkey()) || holds) {
            return Err(TrustNeed::Rotate);
        }
        Ok(Effect::Enrol { key: (!same).then(|| Box::new(key)), holder, role, from, until })
    }

    fn check_rotation(&self, event: &Event) -> Result<Effect, TrustNeed> {
        let text = |name: &str| event.text(name).unwrap_or_default();
        let holder = Holder { party: text("organisation").to_owned(), name: text("holder").to_owned() };
        if holder.party != event.by {
            return Err(TrustNeed::OwnKey);
        }
        let role = self.role(&holder.party).ok_or(TrustNeed::KnownKey)?;
        let old: Vec<KeyNumber> = (0..self.keyring.keys().len())
            .filter(|n| self.keyring.key(*n).holder == holder && self.keyring.key(*n).until.is_none())
            .collect();
        if old.is_empty() {
            return Err(TrustNeed::KnownKey);
        }
        if old.iter().any(|n| self.is_writer(*n)) {
            return Err(TrustNeed::InOffice);
        }
        let key = self.take_key(text("public_key"), &holder)?;
        if self.keyring.has_id(key.vkey()) {
            return Err(TrustNeed::Rotate);
        }
        let from = Timestamp::parse(text("valid_from")).ok_or(TrustNeed::PublicKey)?;
        Ok(Effect::Rotate { key: Box::new(key), old, holder, role, from })
    }

    fn check_revocation(&self, event: &Event, signers: &[Signer], at: Timestamp) -> Result<Effect, TrustNeed> {
        let text = |name: &str| event.text(name).unwrap_or_default();
        let holder = Holder { party: text("organisation").to_owned(), name: text("holder").to_owned() };
        let own = holder.party == event.by;
        if !own && signers[0].role != Some(Role::Oversight) {
            return Err(TrustNeed::OwnKey);
        }
        let keys: Vec<KeyNumber> =
            (0..self.keyring.keys().len()).filter(|n| self.keyring.key(*n).holder == holder).collect();
        if keys.is_empty() && self.recipients.of(&holder).next().is_none() && !self.in_part {
            return Err(TrustNeed::KnownKey);
        }
        if keys.iter().any(|n| self.is_writer(*n)) {
            return Err(TrustNeed::InOffice);
        }
        let revoked_at = Timestamp::parse(text("revoked_at")).ok_or(TrustNeed::KnownKey)?;
        // Only a party itself casts doubt on what it signed: another's revocation looks forward alone.
        Ok(Effect::Revoke { keys, at: if own { revoked_at } else { revoked_at.max(at) } })
    }

    fn take_key(&self, text: &str, holder: &Holder) -> Result<PublicKey, TrustNeed> {
        if text.is_empty() {
            return Err(TrustNeed::PublicKey);
        }
        let want = self.origin().holder_key_name(&holder.party, &holder.name);
        let vkey = Vkey::parse(text).ok().filter(|k| k.alg == ALG_ED25519 && k.name == want);
        PublicKey::new(&vkey.ok_or(TrustNeed::KeyName(want))?).map_err(TrustNeed::Key)
    }

    fn apply(&mut self, effect: Effect) {
        match effect {
            Effect::None => {}
            Effect::Genesis(genesis, (registrar, registrar_role), keys) => {
                // What genesis says of them holds, whether it brings keys of theirs or not.
                self.set_role(&genesis.operator, Role::Operator);
                self.set_role(&registrar, registrar_role);
                for (key, holder, role) in keys {
                    self.set_role(&holder.party, role);
                    self.keyring.add(key, holder, role, genesis.received_at, None);
                }
                self.genesis = Some(*genesis);
                self.writer = Some(Writer { epoch: 0, key: 0 });
                self.keyring.begin_sealing(0);
            }
            Effect::Enrol { key, holder, role, from, until } => {
                self.set_role(&holder.party, role);
                if let Some(key) = key {
                    self.keyring.add(*key, holder, role, from, until);
                }
            }
            Effect::Rotate { key, old, holder, role, from } => {
                for number in old {
                    self.keyring.end(number, from);
                }
                self.keyring.add(*key, holder, role, from, None);
            }
            Effect::Revoke { keys, at } => keys.into_iter().for_each(|number| self.keyring.end(number, at)),
            Effect::Epoch { writer, at } => {
                // Whoever holds the key of the writer before could else go on as one of the operator.
                let before = self.writer.map(|before| self.keyring.same_bytes(before.key).collect::<Vec<_>>());
                before.into_iter().flatten().for_each(|key| self.keyring.end(key, at));
                self.writer = Some(writer);
                self.keyring.begin_sealing(writer.key);
            }
            Effect::Reseed(predecessor) => self.predecessor = Some(*predecessor),
            // In a part of a log a key before it may have said another role first.
            Effect::Facility(_) if self.in_part => {}
            Effect::Facility(party) => self.set_role(&party, Role::Facility),
            Effect::Mode(party, unnamed) => self.set_unnamed(&party, unnamed),
        }
        self.note_keys();
    }
}

/// Who signed a line; `key` is `None` for a key that the event itself brings.
pub(crate) struct Signer {
    pub key: Option<KeyNumber>,
    pub bytes: [u8; 32],
    pub holder: Holder,
    pub role: Option<Role>,
}

/// The role that an enrolment gives its own author.
fn enrolled_role(event: &Event) -> Option<Role> {
    (event.kind == "key.enrolled").then(|| event.text("role").and_then(Role::parse)).flatten()
}

/// FORMAT.md 11.14: who may sign second. Where trust hangs on it, exactly those must who the catalogue says; elsewhere
/// the second line may be missing, or be the same holder's, which rule V-03 makes public.
fn check_second(event: &Event, kind: &EventType, signers: &[Signer]) -> Result<(), TrustNeed> {
    if let [author, approver] = signers
        && author.bytes == approver.bytes
        && author.holder != approver.holder
    {
        return Err(TrustNeed::TwoKeys);
    }
    match (kind.trust, kind.signatures, signers) {
        (true, 1, [_]) | (false, ..=1, _) | (false, _, [] | [_]) => Ok(()),
        (true, 1, _) => Err(TrustNeed::OneHolder),
        (true, _, [author, approver]) if author.holder != approver.holder => check_cosigner(event, kind, approver),
        (true, ..) => Err(TrustNeed::TwoHolders),
        // Whoever signed an erasure, that it was recorded must stay to be seen; it erases nothing (FORMAT.md 17).
        (false, ..) if kind.name == crate::erasures::ERASURE => Ok(()),
        (false, _, [author, approver, ..]) if author.holder == approver.holder => Ok(()),
        (false, _, [_, approver, ..]) => check_cosigner(event, kind, approver),
    }
}

/// Whether the second holder is of the institution that the catalogue asks for.
fn check_cosigner(event: &Event, kind: &EventType, approver: &Signer) -> Result<(), TrustNeed> {
    let (fits, whose) = match kind.cosigner {
        Some(Cosigner::Same) => (approver.holder.party == event.by, "the author's own institution"),
        Some(Cosigner::Organisation) => {
            (Some(approver.holder.party.as_str()) == event.text("organisation"), "the organisation concerned")
        }
        Some(Cosigner::Operator) => (approver.role == Some(Role::Operator), "the operator"),
        Some(Cosigner::Oversight) => (approver.role == Some(Role::Oversight), "an oversight body"),
        None => (true, ""),
    };
    if fits { Ok(()) } else { Err(TrustNeed::Cosigner(whose)) }
}

#[cfg(test)]
mod tests {
    use schemas::catalogue::Catalogue;
    use schemas::event::Head;
    use schemas::note::Origin;
    use schemas::time::Date;

    use super::*;

    fn signer(party: &str, name: &str, role: Option<Role>, byte: u8) -> Signer {
        let holder = Holder { party: party.to_owned(), name: name.to_owned() };
        Signer { key: None, bytes: [byte; 32], holder, role }
    }

    #[test]
    fn whoever_the_catalogue_names_may_sign_second_and_nobody_else() {
        let ledger = Origin::parse("x.example/log").unwrap();
        let at = Date::parse("2031-03-04").unwrap();
        let author = || signer("fac-1", "a", Some(Role::Facility), 1);
        for kind in Catalogue::built_in().events() {
            let mut event =
                Event::new(&Head { kind: (&kind.name, 1), ledger: &ledger, by: "fac-1", row: "r", seq: 1, at });
            event.data.insert("organisation".to_owned(), Value::Text("cso-1".to_owned()));
            let fits = |signers: &[Signer]| check_second(&event, kind, signers).is_ok();
            assert_eq!(fits(&[author()]), !kind.trust || kind.signatures == 1, "{} alone", kind.name);
            let Some(from) = kind.cosigner else { continue };
            let open = kind.name == crate::erasures::ERASURE;
            for (party, role, names) in [
                ("fac-1", Some(Role::Facility), Cosigner::Same),
                ("cso-1", Some(Role::Cso), Cosigner::Organisation),
                ("op", Some(Role::Operator), Cosigner::Operator),
                ("npm", Some(Role::Oversight), Cosigner::Oversight),
            ] {
                let second = signer(party, "b", role, 2);
                assert_eq!(fits(&[author(), second]), open || from == names, "{} with {party}", kind.name);
                // One key under two names, whoever the second name is.
                assert!(!fits(&[author(), signer(party, "b", role, 1)]), "{} with itself as {party}", kind.name);
            }
            assert_eq!(
                fits(&[author(), signer("cso-2", "b", Some(Role::Cso), 2)]),
                open,
                "{} with a stranger",
                kind.name
            );
            assert_eq!(fits(&[author(), author()]), !kind.trust, "{} by one holder twice", kind.name);
        }
    }
}
