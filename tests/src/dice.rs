//! Chance that can be repeated.

/// A small generator, so that a failing run can be repeated: xorshift64.
pub struct Dice(pub u64);

impl Dice {
    /// A number below that one.
    pub fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}
