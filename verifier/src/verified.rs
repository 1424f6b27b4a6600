//! The first door.

/// A value that this crate has checked; the function that returns it says how. No other crate
/// can make one, and there is no way round, not even for tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(value)
    }

    /// The value.
    pub fn get(&self) -> &T {
        &self.0
    }

    /// The value, out of the door; what becomes of it is no longer vouched for.
    pub fn into_inner(self) -> T {
        self.0
    }
}
