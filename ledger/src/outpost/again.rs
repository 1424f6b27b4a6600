//! What is here already of a row that is given again.

use schemas::event::SignedEvent;
use schemas::hash::Hash;

use super::{BadOutpost, Outpost, State};
use crate::again::{Beside, beside, tell_changed};
use crate::import::{Draft, Holder, Import};
use crate::outbox::Parcel;

/// A record that is here already, beside a row that is given now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Before {
    /// Id of the event that is here.
    pub id: Hash,
    /// Address of the register row that it was made from.
    pub source: String,
    /// Whether it waits for its second signature.
    pub waits: bool,
    /// How they differ.
    pub beside: Beside,
}

impl Outpost {
    /// The record that was made from the same register row, if there is one that was not refused.
    ///
    /// # Errors
    /// [`BadOutpost`] if the parties cannot be read.
    pub fn before(&self, draft: &Draft) -> Result<Option<Before>, BadOutpost> {
        let address = draft.address();
        self.find_before(draft, |parcel, _| parcel.source == address)
    }

    /// A record from any row that says the same, as far as that can be known here.
    ///
    /// # Errors
    /// [`BadOutpost`] if the parties cannot be read.
    pub fn alike(&self, draft: &Draft) -> Result<Option<Before>, BadOutpost> {
        self.find_before(draft, |_, beside| beside.differs.is_empty())
    }

    /// Warns of rows that were recorded here before and say something else now; see [`tell_changed`].
    ///
    /// # Errors
    /// [`BadOutpost`] if the parties cannot be read.
    pub fn tell_changed(&self, import: &mut Import) -> Result<(), BadOutpost> {
        let offset = self.standing().utc_offset_minutes;
        tell_changed(import, self.standing_parcels(), &self.pseudonyms()?, offset);
        Ok(())
    }

    /// Records that were not refused, and drafts with who signs second.
    fn standing_parcels(&self) -> impl Iterator<Item = (&Parcel, Option<&Holder>)> {
        let held = self.held().iter().filter(|held| !matches!(held.state, State::Refused { .. }));
        let waiting = self.waiting().map(|one| (&one.parcel, Some(&one.holder)));
        held.map(|held| (&held.parcel, None)).chain(waiting)
    }

    fn find_before(
        &self,
        draft: &Draft,
        wanted: impl Fn(&Parcel, &Beside) -> bool,
    ) -> Result<Option<Before>, BadOutpost> {
        let (pseudonyms, offset) = (self.pseudonyms()?, self.standing().utc_offset_minutes);
        let kind = format!("/{}/", draft.event);
        for (parcel, second) in self.standing_parcels().filter(|(parcel, _)| parcel.source.contains(&kind)) {
            let waits = second.is_some();
            let Some(beside) = beside(draft, parcel, second, &pseudonyms, offset) else { continue };
            let Some(signed) = SignedEvent::parse(parcel.note.as_bytes()).ok().filter(|_| wanted(parcel, &beside))
            else {
                continue;
            };
            return Ok(Some(Before { id: signed.id(), source: parcel.source.clone(), waits, beside }));
        }
        Ok(None)
    }
}
