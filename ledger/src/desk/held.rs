//! What an institution holds, as the outbox has it, with a name for each in the addresses of the desk.

use schemas::catalogue::{Catalogue, EventType};
use schemas::hash::Hash;

pub use crate::outpost::{Held, State, Waiting};

/// Hex digits by which a record is named in an address of the desk.
const NAME_DIGITS: usize = 16;

/// The name of a record in an address of the desk: the first digits of its event's id, which a second signature does
/// not change.
pub fn name(event: &Hash) -> String {
    event.to_hex()[..NAME_DIGITS].to_owned()
}

/// The type of a record.
pub fn kind(held: &Held) -> Option<&'static EventType> {
    Catalogue::built_in().event(&held.signed.event.kind)
}

/// Whether a record was refused.
pub fn is_refused(held: &Held) -> bool {
    matches!(held.state, State::Refused { .. })
}
