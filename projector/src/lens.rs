//! The second door: nothing leaves by a page, a report or a release unless a [`Lens`] made it.

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
}
