//! From a folder of registers into the outbox: read, check, sign. Nothing is submitted here.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use schemas::catalogue::{Catalogue, Role, TEXT};
use schemas::event::SignedEvent;
use schemas::hash::Hash;
use schemas::note::{Origin, Vkey};
use schemas::sealed::INTAKE_HOLDER;
use schemas::time::Timestamp;
use schemas::visible::Show as _;
use verifier::keyring::Keyring;
use verifier::recipients::Recipients;
use verifier::state::State;

use crate::cosign;
use crate::failure::Failure;
use crate::files;
use crate::import::{Draft, Import, Known, Parties};
use crate::keys::{BadKeyFile, KeyFolder};
use crate::order;
use crate::outbox::{Outbox, Parcel};
use crate::plan::{Genesis, Rejection, Submission};
use crate::pseudonym::Pseudonyms;
use crate::queue::{BadBatch, Queue};
use crate::settings::{NO_PROFILE, Settings};
use crate::sign::{Adopted, BadSigning, Channel, Signed, Signer};
use crate::weekly;
use crate::writer::{BadLedger, Home, Writer};

/// Most parties that a message names.
const UNLISTED_SHOWN: usize = 8;
/// Parcels written to the outbox at a time.
const PARCELS_A_FILE: usize = 2_000;

/// What the log and the outbox hold already, under the register's own ids.
#[derive(Debug, Default)]
pub struct Held {
    things: HashMap<(String, String), String>,
    addresses: HashSet<String>,
    sources: HashSet<String>,
    roles: HashMap<String, Role>,
    /// Whether a party is shown by name, where it was said.
    named: HashMap<String, bool>,
}

impl Held {
    /// What these parcels say; pseudonyms are taken off.
    ///
    /// # Errors
    /// [`Failure`] if the outbox cannot be read.
    pub fn of(outbox: &Outbox, pseudonyms: &Pseudonyms, parties: &Parties) -> Result<Self, Failure> {
        let mut held = Self::default();
        for party in parties.iter() {
            held.roles.insert(party.id.clone(), party.role);
        }
        for parcel in outbox.receipts().offered(outbox.parcels()?) {
            held.add(&parcel, pseudonyms);
        }
        Ok(held)
    }

    /// With what the log says of who is shown by name, where no parcel here says it later.
    #[must_use]
    pub fn beside(mut self, log: &State, outbox: &Outbox, pseudonyms: &Pseudonyms) -> Self {
        let waits = |party: &str| {
            let parcels = outbox.parcels().unwrap_or_default();
            parcels.iter().filter_map(|parcel| SignedEvent::parse(parcel.note.as_bytes()).ok()).any(|signed| {
                signed.event.text("identity_mode").is_some()
                    && signed.event.text("organisation") == Some(party)
                    && log.position_of(&signed).is_none()
            })
        };
        let parties: Vec<String> = self.roles.keys().cloned().collect();
        for id in parties {
            let party = pseudonyms.party(&id);
            if let Some(named) = log.identity(party).map(|unnamed| !unnamed)
                && self.named.get(&id) != Some(&named)
                && !waits(party)
            {
                self.named.insert(id, named);
            }
        }
        self
    }

    /// With drafts that wait for their second signature: the same row again is the same record. What they say of who is
    /// shown by name does not count before it is signed.
    #[must_use]
    pub fn and_drafts(mut self, drafts: &[(PathBuf, cosign::Draft)], pseudonyms: &Pseudonyms) -> Self {
        let named = self.named.clone();
        drafts.iter().for_each(|(_, draft)| self.add(&draft.parcel, pseudonyms));
        Self { named, ..self }
    }

    fn add(&mut self, parcel: &Parcel, pseudonyms: &Pseudonyms) {
        let Ok(signed) = SignedEvent::parse(parcel.note.as_bytes()) else { return };
        let event = &signed.event;
        let kind = Catalogue::built_in().event(&event.kind);
        if let (Some(id_of), Some(id)) = (kind.and_then(|k| k.id_of.clone()), &event.id) {
            let id = pseudonyms.outside(id);
            if let Some((party, bare)) = id.split_once('/') {
                self.things.insert((id_of, bare.to_owned()), party.to_owned());
            }
        }
        if let (Some(party), Some(mode)) = (event.text("organisation"), event.text("identity_mode")) {
            let party = pseudonyms.outside(party);
            self.named.insert(party, mode == "named");
        }
        self.addresses.insert(pseudonyms.outside(&event.address()));
        self.sources.insert(parcel.source.clone());
    }
}

impl Known for Held {
    fn author_of(&self, kind: &str, id: &str) -> Option<String> {
        self.things.get(&(kind.to_owned(), id.to_owned())).cloned()
    }

    fn has_address(&self, address: &str) -> bool {
        self.addresses.contains(address)
    }

    fn has_row(&self, party: &str, event: &str, row_id: &str) -> bool {
        self.sources.contains(&format!("{party}/{event}/{row_id}"))
    }

    fn role_of(&self, party: &str) -> Option<Role> {
        self.roles.get(party).copied()
    }

    fn is_named(&self, party: &str) -> Option<bool> {
        self.named.get(party).copied()
    }
}

/// Lays down a new ledger for these parties. Its genesis names all holders of the operator, of the
/// registrar (the first ministry, else the operator) and of the oversight bodies, and an intake
/// key for each of the latter; keys that are not at hand are made.
///
/// # Errors
/// [`BadFolder`] if no party is the operator, or the ledger cannot be made.
pub fn found(
    home: &Home,
    origin: &Origin,
    parties: &Parties,
    keys: &mut KeyFolder,
    at: Timestamp,
) -> Result<Writer, BadFolder> {
    found_with(home, origin, parties, keys, &[], at)
}

/// The same, with events that stand in the first batch, after genesis.
///
/// # Errors
/// [`BadFolder`] as above, or if one of them is refused.
pub fn found_with(
    home: &Home,
    origin: &Origin,
    parties: &Parties,
    keys: &mut KeyFolder,
    beside: &[Submission],
    at: Timestamp,
) -> Result<Writer, BadFolder> {
    let operator = parties.iter().find(|p| p.role == Role::Operator).ok_or(BadFolder::NoOperator)?;
    let registrar = parties.iter().find(|p| p.role == Role::Ministry).unwrap_or(operator);
    let operator_keys = vkeys(keys, &operator.id, &operator.holders)?;
    let registrar_keys =
        if registrar.id == operator.id { Vec::new() } else { vkeys(keys, &registrar.id, &registrar.holders)? };
    let mut oversight_keys = Vec::new();
    for body in parties.iter().filter(|p| p.role == Role::Oversight) {
        oversight_keys.extend(vkeys(keys, &body.id, &body.holders)?);
        if !body.holders.iter().any(|h| h == INTAKE_HOLDER) {
            oversight_keys.extend(vkeys(keys, &body.id, &[INTAKE_HOLDER.to_owned()])?);
        }
    }
    let facts = Genesis {
        operator: &operator.id,
        registrar: (&registrar.id, registrar.role),
        operator_keys,
        registrar_keys,
        oversight_keys,
    };
    Ok(Writer::create_with(home, origin, &facts, beside, at)?)
}

/// Keeps beside a new ledger what its commands need later: the parties and the profile.
///
/// # Errors
/// [`Failure`] if a file cannot be written.
pub fn settle(writer: &Writer, parties: &[u8], profile: Option<&[u8]>) -> Result<(), Failure> {
    let home = writer.home();
    if let Some(profile) = profile {
        writer.keep_document(profile)?;
    }
    // There also where none was given: that it is gone shows.
    files::replace(&home.profile(), profile.unwrap_or(NO_PROFILE))?;
    files::replace(&home.parties(), parties)
}

/// The policy file of a log that no witness cosigns yet. FORMAT.md 12.
pub fn policy(log: &State) -> String {
    let key = log.genesis().map_or_else(String::new, |g| g.log_key.to_string());
    format!("log {key}\nquorum none\n")
}

fn vkeys(keys: &mut KeyFolder, party: &str, holders: &[String]) -> Result<Vec<String>, BadKeyFile> {
    holders.iter().map(|holder| Ok(keys.public_or_make(party, holder)?.to_string())).collect()
}

/// Parties that the log or the list of pseudonyms knows and the list of parties lacks, by their own ids: a list that was
/// cut at the end of a line, or put back from an older copy, can be read like any other.
pub fn unlisted(log: &State, parties: &Parties, pseudonyms: &Pseudonyms) -> Vec<String> {
    let in_log = log.keyring().holders().into_iter().map(|holder| pseudonyms.outside(&holder.party));
    let known: BTreeSet<String> = in_log.chain(pseudonyms.ids().map(str::to_owned)).collect();
    known.into_iter().filter(|id| parties.get(id).is_none()).collect()
}

/// The same in words for the operator; nothing where the list has them all.
pub fn unlisted_in_words(writer: &Writer, parties: &Parties, pseudonyms: &Pseudonyms) -> Option<String> {
    let lacks = unlisted(writer.log(), parties, pseudonyms);
    let shown: Vec<String> = lacks.iter().take(UNLISTED_SHOWN).map(|id| id.shown().to_string()).collect();
    let more = if lacks.len() > UNLISTED_SHOWN { ", …" } else { "" };
    (!lacks.is_empty()).then(|| {
        format!(
            "it lacks {} that the log or the list of pseudonyms knows ({}{more}): unless they were never in it, it was cut or is an \
             older one, so put its newest copy back; who leaves keeps a line there",
            lacks.len(),
            shown.join(", ")
        )
    })
}

/// How a folder is signed.
pub struct SignOptions<'a> {
    /// Keys that the log knows: its origin, and which numbers were used elsewhere.
    pub keyring: &'a Keyring,
    /// Folder of holders' keys.
    pub keys: &'a Path,
    /// Folder for events that wait for a second signature.
    pub drafts: PathBuf,
    /// Folder in which rows of the sealed stream wait for the week's batch; not used in a replay.
    pub intake: PathBuf,
    /// Offset, batch size and the moments of a replay.
    pub settings: &'a Settings,
    /// Keys of oversight to which sealed values are encrypted, as the log has them.
    pub recipients: &'a Recipients,
    /// When rows are signed that bring no time of their own.
    pub now: Timestamp,
    /// Whether this replays a scenario: missing keys and digests are filled in.
    pub replay: bool,
}

/// Why a folder cannot be signed, or a ledger not be laid down for it.
#[derive(Debug, thiserror::Error)]
pub enum BadFolder {
    /// No operator among the parties.
    #[error("parties.csv names no party with the role operator: somebody must keep the ledger")]
    NoOperator,
    /// The ledger cannot be made or opened.
    #[error(transparent)]
    Ledger(#[from] BadLedger),
    /// Rows cannot be signed: all of them are listed.
    #[error("{}", lines(.0))]
    Signing(Vec<BadSigning>),
    /// The disk.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// A key.
    #[error(transparent)]
    Key(#[from] BadKeyFile),
    /// The log does not take what the ledger itself made.
    #[error("the log does not take it: {0}")]
    Refused(Rejection),
    /// A row of the sealed stream cannot be put where it waits.
    #[error(transparent)]
    Queue(#[from] Box<BadBatch>),
}

fn lines(all: &[BadSigning]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// What signing a folder came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct SignedFolder {
    /// Events now in the outbox.
    pub signed: usize,
    /// Events that wait for their second signature, as files.
    pub waiting: Vec<PathBuf>,
    /// Rows of the sealed stream that now wait for the week's batch: register row, and the tag under
    /// which the receipt will lie.
    pub queued: Vec<(String, String)>,
}

/// Signs every draft of an import into the outbox. Rows that are there already are passed over, so
/// that an interrupted run goes on where it stopped.
///
/// # Errors
/// [`BadFolder`]; what was written before stays in the outbox.
pub fn sign_into(
    outbox: &mut Outbox,
    import: Import,
    pseudonyms: &Pseudonyms,
    options: &SignOptions<'_>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<SignedFolder, BadFolder> {
    let adopted = Adopted {
        profile: import.profile.as_deref().filter(|_| options.replay).map(|p| Hash::of(&[p])),
        catalogue: options.replay.then(|| Hash::of(&[TEXT.as_bytes()])),
    };
    let mut signer = Signer {
        origin: options.keyring.origin().clone(),
        keys: KeyFolder::new(options.keys, options.keyring.origin().clone()).under(pseudonyms),
        pseudonyms,
        utc_offset_minutes: options.settings.utc_offset_minutes,
        adopted,
        make_keys: options.replay,
        channel: Channel::Import,
        recipients: options.recipients,
        now: options.now,
        numbers: numbers_used(outbox, &options.drafts, options.keyring)?,
    };
    signer.keys.follow(options.keyring)?;
    pseudonyms.keep()?;
    for parcel in outbox.parcels()? {
        let Ok(signed) = SignedEvent::parse(parcel.note.as_bytes()) else { continue };
        if let ("key.rotated", Some(party), Some(holder)) =
            (signed.event.kind.as_str(), signed.event.text("organisation"), signed.event.text("holder"))
            && !is_in_log(&signed, options.keyring)
        {
            signer.keys.rotate(party, holder);
        }
    }
    let (inner, plain): (Vec<Draft>, Vec<Draft>) = import.drafts.into_iter().partition(|d| d.inner);
    let plain = order::by_shown_names(plain, pseudonyms);
    let intake = import.parties.iter().find(|p| p.role == Role::Oversight).map(|p| p.id.clone());
    let mut result = SignedFolder::default();
    let inner = if options.replay {
        inner
    } else {
        result.queued = enqueue(&inner, intake.is_some(), &mut signer, &Queue::at(&options.intake))?;
        Vec::new()
    };
    let weeks = sealed_weeks(inner, &plain, intake.as_deref(), options)?;
    let total = (plain.len() + weeks.iter().map(|w| w.rows.len()).sum::<usize>()) as u64;
    let mut work: Vec<(Option<Timestamp>, usize, Work)> = Vec::new();
    work.extend(plain.into_iter().enumerate().map(|(n, d)| (d.received_at, n, Work::Plain(d))));
    for week in weeks {
        let at = options.replay.then_some(week.received_at);
        work.extend(week.rows.into_iter().enumerate().map(|(n, d)| (at, n, Work::Sealed(d, week.received_at))));
    }
    if options.replay {
        work.sort_by_key(|(at, number, work)| (*at, matches!(work, Work::Sealed(..)), *number));
    }
    let (mut done, mut bad) = (0, Vec::new());
    for chunk in work.chunks(PARCELS_A_FILE) {
        let mut parcels = Vec::new();
        for (at, _, one) in chunk {
            let draft = one.draft();
            done += 1;
            if outbox.has(&draft.address()) {
                continue;
            }
            let signed = match one {
                Work::Plain(draft) => signer.sign(draft),
                Work::Sealed(draft, received_at) => {
                    let day = received_at.date(options.settings.utc_offset_minutes);
                    let intake = intake.as_deref().unwrap_or_default();
                    signer.seal(draft, intake, *at, day).map(Signed::Complete)
                }
            };
            match signed {
                Ok(Signed::Complete(parcel)) => parcels.push(parcel),
                Ok(Signed::Waiting(parcel, holder)) => {
                    // As the log names them: so are the key and its file named, wherever the draft is signed.
                    let holder = pseudonyms.shown(&holder);
                    result.waiting.push(cosign::write_draft(&options.drafts, &parcel, &holder)?);
                }
                Err(why) => bad.push(why),
            }
            if done % 64 == 0 {
                progress(done, total);
            }
        }
        if !bad.is_empty() {
            return Err(BadFolder::Signing(bad));
        }
        result.signed += parcels.len();
        outbox.add(&parcels)?;
    }
    progress(total, total);
    Ok(result)
}

/// Whether the log has the key that an event brings.
fn is_in_log(event: &SignedEvent, keyring: &Keyring) -> bool {
    let vkey = event.event.text("public_key").and_then(|text| Vkey::parse(text).ok());
    vkey.is_some_and(|vkey| keyring.find_vkey(&vkey).is_some())
}

/// Rows of the sealed stream go into no log at once, or their number and hour would show: they wait,
/// encrypted. None is put there if one cannot be.
fn enqueue(
    rows: &[Draft],
    has_intake: bool,
    signer: &mut Signer<'_>,
    queue: &Queue,
) -> Result<Vec<(String, String)>, BadFolder> {
    let (mut enclosed, mut bad) = (Vec::new(), Vec::new());
    for draft in rows {
        if !has_intake {
            bad.push(BadSigning::NoIntake { place: draft.place.clone() });
            continue;
        }
        let before = signer.earlier_tags(draft).map_err(|why| BadFolder::Signing(vec![why]))?;
        if before.iter().try_fold(false, |any, tag| Ok::<_, Failure>(any || queue.has(tag)?))? {
            continue;
        }
        match signer.tag(draft).and_then(|tag| Ok((tag, signer.enclose(draft, None)?))) {
            Ok((tag, opening)) => enclosed.push((draft.row_id.clone(), tag, opening)),
            Err(why) => bad.push(why),
        }
    }
    if !bad.is_empty() {
        return Err(BadFolder::Signing(bad));
    }
    let mut queued = Vec::new();
    for (row, tag, opening) in enclosed {
        if queue.add(&tag, &opening).map_err(Box::new)? {
            queued.push((row, tag));
        }
    }
    Ok(queued)
}

enum Work {
    Plain(Draft),
    Sealed(Draft, Timestamp),
}

impl Work {
    fn draft(&self) -> &Draft {
        match self {
            Self::Plain(draft) | Self::Sealed(draft, _) => draft,
        }
    }
}

/// The batches of the sealed stream in a replay, week by week.
fn sealed_weeks(
    inner: Vec<Draft>,
    plain: &[Draft],
    intake: Option<&str>,
    options: &SignOptions<'_>,
) -> Result<Vec<weekly::Week>, BadFolder> {
    let Some(intake) = intake else {
        let no_intake = |draft: &Draft| BadSigning::NoIntake { place: draft.place.clone() };
        return if inner.is_empty() {
            Ok(Vec::new())
        } else {
            Err(BadFolder::Signing(inner.iter().map(no_intake).collect()))
        };
    };
    let settings = options.settings;
    let times = || plain.iter().chain(&inner).filter_map(|d| d.received_at);
    let (Some(first), Some(last)) = (times().min(), times().max()) else { return Ok(Vec::new()) };
    let last = settings.last_instant().map_or(last, |end| end.max(last));
    Ok(weekly::batches(inner, intake, settings.sealed_batch_size, (first, last), settings.utc_offset_minutes)?)
}

/// The highest number that each key has used so far, by pseudonym and holder: in the log, in the outbox, and in
/// drafts that wait for a second signature.
///
/// # Errors
/// [`Failure`] if a file cannot be read.
pub fn numbers_used(
    outbox: &Outbox,
    drafts: &Path,
    keyring: &Keyring,
) -> Result<BTreeMap<(String, String), i64>, Failure> {
    let mut numbers: BTreeMap<(String, String), i64> = BTreeMap::new();
    for (holder, highest) in keyring.highest_numbers() {
        let slot = numbers.entry((holder.party.clone(), holder.name.clone())).or_insert(0);
        *slot = (*slot).max(highest);
    }
    let mut parcels = outbox.parcels()?;
    parcels.extend(cosign::drafts(drafts)?.into_iter().map(|(_, draft)| draft.parcel));
    for parcel in parcels {
        let Ok(signed) = SignedEvent::parse(parcel.note.as_bytes()) else { continue };
        let Some((party, holder)) = keyring.origin().holder_of(&signed.note.signatures[0].name) else { continue };
        let slot: &mut i64 = numbers.entry((party.to_owned(), holder.to_owned())).or_insert(0);
        *slot = (*slot).max(signed.event.seq);
    }
    Ok(numbers)
}
