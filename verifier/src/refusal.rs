//! Why an event is kept out. The *reporter* must act; sending it again will not help.

use schemas::catalogue::{BadValue, Role};
use schemas::entry::BadEntry;
use schemas::hash::Hash;
use schemas::note::KeyId;
use schemas::time::{Date, Timestamp};

use crate::signature::BadKey;

/// Why an event is kept out, with the number that FORMAT.md 11 gives it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // the messages say what each field is
pub enum Refusal {
    #[error("{0}")]
    Malformed(#[from] BadEntry),
    #[error("the event is for the ledger {found}, this is {here}: sign it for this one")]
    OtherLedger { found: String, here: String },
    #[error("the catalogue has no type {kind:?} in version {v}")]
    UnknownType { kind: String, v: i64 },
    #[error("{kind} has no field {field:?}")]
    UnknownField { kind: String, field: String },
    #[error("the field {field:?} is hidden: its value must stand in an opening, never in the log")]
    HiddenInPublic { field: String },
    #[error("the field {field:?} is required")]
    MissingField { field: String },
    #[error("the field {field:?}: {why}")]
    BadField { field: String, why: BadValue },
    #[error("{field:?} names {party:?}, which is not shown by name: it must stand in an opening, not in the log")]
    NotNamed { field: String, party: String },
    #[error("the type {kind} {} hidden slots, the event does not fit that", if *has { "has" } else { "has no" })]
    Slots { kind: String, has: bool },
    #[error("the key {name} ({id}) is not enrolled")]
    UnknownKey { name: String, id: KeyId },
    #[error("the key {name} is not in force at {at}")]
    NotInForce { name: String, at: Timestamp },
    #[error("signature {number} is not one by {name} over this text")]
    BadSignature { number: usize, name: String },
    #[error("the first signature is by {name}, not by a holder of {by}")]
    NotTheAuthor { name: String, by: String },
    #[error("{by} is {}; {kind} is not for that role to report", role_name(*.role))]
    WrongRole { by: String, role: Option<Role>, kind: String },
    #[error("{kind} takes at most {max} signature lines, there are {got}")]
    TooManySignatures { kind: String, max: usize, got: usize },
    #[error(
        "the key {name} has used the number {seq} already, at another place or in a lost copy: import the same row again, which takes the next free number by itself"
    )]
    NumberUsed { name: String, seq: i64 },
    #[error("there is already a record at {address}")]
    AddressUsed { address: String },
    #[error("there is already a {kind} with the id {id}")]
    IdUsed { kind: String, id: String },
    #[error("{kind} {}", if *wants { "creates a thing and needs an id" } else { "creates nothing and has no id" })]
    IdPresence { kind: String, wants: bool },
    #[error("the ref {name:?} is missing")]
    MissingRef { name: String },
    #[error("{kind} has no ref {name:?}, or not in this form")]
    UnknownRef { kind: String, name: String },
    #[error("the ref {name:?} points at {target:?}, which is not in the log as {wanted}")]
    NoTarget { name: String, target: String, wanted: String },
    #[error("it says that it happened on {at}, after it was received ({received_at})")]
    InTheFuture { at: Date, received_at: Timestamp },
    #[error("it is said to be received at {received_at}, before the entry before it ({last})")]
    WentBack { received_at: Timestamp, last: Timestamp },
    #[error("{kind} needs {needs}")]
    Trust { kind: String, needs: TrustNeed },
    #[error("{what}")]
    NotYours { what: Own },
    #[error("the seal says {field} = {found}, the log says {want}")]
    Seal { field: &'static str, found: String, want: String },
}

/// What an event with effect on trust lacks. FORMAT.md 11, 14.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustNeed {
    /// Two holders.
    #[error("the signatures of two different holders")]
    TwoHolders,
    /// One signature and no more.
    #[error("exactly one signature")]
    OneHolder,
    /// The second holder is of another institution than the catalogue asks.
    #[error("a second signature by {0}")]
    Cosigner(&'static str),
    /// Two keys: one and the same is one holder, whatever names it bears.
    #[error("two keys: one key under two names is not two holders")]
    TwoKeys,
    /// A key that is in force for some time.
    #[error("a valid_to after valid_from and after its receipt: a key that is over already can sign nothing")]
    Over,
    /// To be the first entry, and nothing else to be.
    #[error("to be the first entry of the log, and the first entry to be it")]
    First,
    /// The log's own key names.
    #[error("keys named after this ledger and the party: {0}")]
    KeyName(String),
    /// A key that can be taken.
    #[error("a key that can be taken: {0}")]
    Key(BadKey),
    /// A public key.
    #[error("a public key (public_key)")]
    PublicKey,
    /// The party itself, or oversight for oversight.
    #[error("to be reported by the institution whose key it is")]
    OwnKey,
    /// One role for one party.
    #[error("the role that the party already has: {0}")]
    OneRole(&'static str),
    /// The operator alone is operator.
    #[error("to leave the role operator to the operator named in genesis")]
    OneOperator,
    /// A signature of oversight that stands already.
    #[error("a signature by a key of oversight that is in force already")]
    Oversight,
    /// A holder without a key in force.
    #[error("a holder without a key in force: rotate the key instead")]
    Rotate,
    /// A key that is known.
    #[error("a key that is enrolled and still in force")]
    KnownKey,
    /// Two that the operator has already, or oversight.
    #[error("signatures of two other holders of the operator, or of an oversight body and the operator")]
    OperatorKey,
    /// The writer in office.
    #[error("to be signed by the writer in office: {0}")]
    Writer(String),
    /// Not the writer: its key lies on a server.
    #[error("another key: the writer's signs seals and nothing else")]
    SealsAlone,
    /// Another writer first.
    #[error("another writer first (ledger.epoch.opened): nobody could seal after it")]
    InOffice,
    /// A number that rises.
    #[error("a number above that of the epoch before it, {0}")]
    Epoch(i64),
    /// What was signed last.
    #[error("size and root of the log as last sealed: {size} entries, {root}")]
    SealedHead {
        /// Entries.
        size: u64,
        /// Root over them.
        root: Hash,
    },
    /// Somebody who can seal from now on.
    #[error("a writer, holder of the operator, whose key is in force without end and has signed nothing yet: {0}")]
    NextWriter(String),
    /// To follow genesis.
    #[error("to be the second entry of the log: what a log goes on from cannot be said later")]
    Second,
    /// A log that went before.
    #[error("the origin of another log, and a size above 0")]
    Predecessor,
}

/// Whose act it is not. FORMAT.md 11, 15.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Own {
    /// Correction of another's record.
    #[error("only {author} may correct or retract its own record; dispute it instead")]
    Record {
        /// The record's author.
        author: String,
    },
    /// Writing in another's name.
    #[error("{by} may write only about itself in {field:?}, not about {found}")]
    Itself {
        /// The author.
        by: String,
        /// The field.
        field: String,
        /// Whom it names.
        found: String,
    },
    /// A request of another.
    #[error("only the requester, {requester}, may do this")]
    Requester {
        /// Who asked.
        requester: String,
    },
    /// A case of another facility.
    #[error("only {facility}, the facility of the case, or the administration may do this")]
    Case {
        /// Facility of the case.
        facility: String,
    },
    /// An inspection of an external kind.
    #[error("an inspection of an external kind is for oversight to report")]
    Inspection,
    /// The end of a dispute.
    #[error(
        "a dispute is resolved by oversight, or by both sides together: first {facility}, the facility of the visit, \
         then {organisation}, who disputed it"
    )]
    Dispute {
        /// The facility of the visit.
        facility: String,
        /// Who disputed it.
        organisation: String,
    },
}

fn role_name(role: Option<Role>) -> &'static str {
    role.map_or("not known to the log", Role::as_str)
}

impl Refusal {
    /// Whether another catalogue might allow it: the type, or what its fields are. FORMAT.md 4.5.
    pub(crate) fn is_of_the_catalogue(&self) -> bool {
        matches!(self.number(), 3 | 4)
    }

    /// The number in FORMAT.md 11.
    pub fn number(&self) -> u8 {
        match self {
            Self::Malformed(_) => 1,
            Self::OtherLedger { .. } => 2,
            Self::UnknownType { .. } => 3,
            Self::UnknownField { .. }
            | Self::HiddenInPublic { .. }
            | Self::MissingField { .. }
            | Self::BadField { .. }
            | Self::NotNamed { .. }
            | Self::Slots { .. } => 4,
            Self::UnknownKey { .. } | Self::NotInForce { .. } => 5,
            Self::BadSignature { .. } => 6,
            Self::NotTheAuthor { .. } => 7,
            Self::WrongRole { .. } => 8,
            Self::TooManySignatures { .. } => 9,
            Self::NumberUsed { .. } => 10,
            Self::AddressUsed { .. } | Self::IdUsed { .. } | Self::IdPresence { .. } => 11,
            Self::MissingRef { .. } | Self::UnknownRef { .. } | Self::NoTarget { .. } => 12,
            Self::InTheFuture { .. } | Self::WentBack { .. } => 13,
            Self::Trust { .. } => 14,
            Self::NotYours { .. } => 15,
            Self::Seal { .. } => 16,
        }
    }
}
