//! The second door: nothing leaves by a page, a report or a release unless a [`Lens`] made it.

use crate::site::disclose;
use crate::site::input::Site;

/// Who is looking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Audience {
    /// Anyone: what the public log itself says.
    Public,
    /// An oversight body: everything that its openings show.
    Oversight,
}

/// Something that this audience may see. Pages, reports and releases accept nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disclosed<T>(T);

impl<T> Disclosed<T> {
    /// What may be seen.
    pub fn get(&self) -> &T {
        &self.0
    }
}

/// Decides what an audience may see. The only maker of [`Disclosed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lens {
    audience: Audience,
}

impl Lens {
    /// A lens for one audience.
    pub fn new(audience: Audience) -> Self {
        Self { audience }
    }

    /// For whom.
    pub fn audience(&self) -> Audience {
        self.audience
    }

    /// What this audience may see of the two pages.
    ///
    /// The public sees no indicator, nothing that rests on a hidden value, and no finding before
    /// its addressee had time to answer; the pages say what is held back and why. Oversight sees
    /// everything.
    pub fn site(&self, exact: &Site) -> Disclosed<Site> {
        Disclosed(match self.audience {
            Audience::Public => disclose::public(exact),
            Audience::Oversight => disclose::oversight(exact),
        })
    }
}
