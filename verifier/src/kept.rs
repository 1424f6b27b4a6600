//! How a state is written down and read again: every part one after the other, numbers big-endian, texts
//! and lists led by their length.
//!
//! This is nobody's format but the program's own: it may change with every release, and whoever reads it
//! must know that nobody else wrote it. Reading stays within bounds whatever the bytes are.

use std::io::{Read, Write};

use schemas::catalogue::Role;
use schemas::hash::Hash;
use schemas::note::{Origin, Vkey};
use schemas::time::Timestamp;

/// Bytes that are read or written at a time.
const PIECE: usize = 1 << 18;

/// Where parts are written to; what goes wrong is told at the end.
pub struct Out<'a> {
    to: &'a mut dyn Write,
    piece: Vec<u8>,
    outcome: std::io::Result<()>,
}

impl<'a> Out<'a> {
    /// To there.
    pub fn new(to: &'a mut dyn Write) -> Self {
        Self { to, piece: Vec::with_capacity(PIECE), outcome: Ok(()) }
    }

    fn put(&mut self, bytes: &[u8]) {
        if self.piece.len() + bytes.len() > PIECE {
            self.flush();
        }
        self.piece.extend_from_slice(bytes);
    }

    fn flush(&mut self) {
        if self.outcome.is_ok() {
            self.outcome = self.to.write_all(&self.piece);
        }
        self.piece.clear();
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// The first thing that went wrong.
    pub fn finish(mut self) -> std::io::Result<()> {
        self.flush();
        self.outcome
    }
}

/// Where parts are read from.
pub struct In<'a> {
    from: &'a mut dyn Read,
    piece: Vec<u8>,
    at: usize,
    /// Bytes that are still to come after the piece.
    rest: u64,
}

impl<'a> In<'a> {
    /// From there, so many bytes.
    pub fn new(from: &'a mut dyn Read, bytes: u64) -> Self {
        Self { from, piece: Vec::new(), at: 0, rest: bytes }
    }

    /// Bytes that are still to come.
    fn left(&self) -> u64 {
        self.rest + (self.piece.len() - self.at) as u64
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        if self.piece.len() - self.at < N {
            self.fill(N)?;
        }
        let bytes = self.piece.get(self.at..self.at + N)?.try_into().ok()?;
        self.at += N;
        Some(bytes)
    }

    /// Has at least so many bytes in the piece.
    #[cold]
    fn fill(&mut self, bytes: usize) -> Option<()> {
        self.piece.drain(..self.at);
        self.at = 0;
        let (had, more) = (self.piece.len(), self.rest.min(PIECE.max(bytes) as u64));
        self.piece.resize(had + usize::try_from(more).ok()?, 0);
        self.from.read_exact(&mut self.piece[had..]).ok()?;
        self.rest -= more;
        (self.piece.len() >= bytes).then_some(())
    }

    /// Whether everything was read.
    pub fn is_done(&self) -> bool {
        self.left() == 0
    }
}

/// A part of what is kept.
pub trait Kept: Sized {
    /// Writes it down.
    fn keep(&self, out: &mut Out<'_>);
    /// Reads it again; nothing if it is not what would have been written.
    fn read(from: &mut In<'_>) -> Option<Self>;
}

macro_rules! numbers {
    ($($number:ident)*) => {
        $(impl Kept for $number {
            fn keep(&self, out: &mut Out<'_>) {
                out.put(&self.to_be_bytes());
            }

            fn read(from: &mut In<'_>) -> Option<Self> {
                from.take().map(Self::from_be_bytes)
            }
        })*
    };
}

numbers!(u8 u16 u32 u64 i64);

impl Kept for bool {
    fn keep(&self, out: &mut Out<'_>) {
        u8::from(*self).keep(out);
    }

    fn read(from: &mut In<'_>) -> Option<Self> {
        match u8::read(from)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl<const N: usize> Kept for [u8; N] {
    fn keep(&self, out: &mut Out<'_>) {
        out.put(self);
    }

    fn read(from: &mut In<'_>) -> Option<Self> {
        from.take()
    }
}

impl Kept for Hash {
    fn keep(&self, out: &mut Out<'_>) {
        out.put(&self.0);
    }

    fn read(from: &mut In<'_>) -> Option<Self> {
        from.take().map(Self)
    }
}

impl<T: Kept> Kept for Vec<T> {
    fn keep(&self, out: &mut Out<'_>) {
        (self.len() as u64).keep(out);
        self.iter().for_each(|item| item.keep(out));
    }

    fn read(from: &mut In<'_>) -> Option<Self> {
        let count = u64::read(from)?;
        // Every item is at least a byte, so a length that was made up takes no more than the bytes there are.
        let mut items =
            Vec::with_capacity(usize::try_from(count.min(from.left() / size_of::<T>().max(1) as u64)).ok()?);
        for _ in 0..count {
            items.push(T::read(from)?);
        }
        Some(items)
    }
}

impl Kept for String {
    fn keep(&self, out: &mut Out<'_>) {
        (self.len() as u64).keep(out);
        out.put(self.as_bytes());
    }

    fn read(from: &mut In<'_>) -> Option<Self> {
        Self::from_utf8(Kept::read(from)?).ok()
    }
}

impl<T: Kept> Kept for Option<T> {
    fn keep(&self, out: &mut Out<'_>) {
        self.is_some().keep(out);
        if let Some(item) = self {
            item.keep(out);
        }
    }

    fn read(from: &mut In<'_>) -> Option<Self> {
        if bool::read(from)? { T::read(from).map(Some) } else { Some(None) }
    }
}

macro_rules! rows {
    ($(($($part:ident)*))*) => {
        $(impl<$($part: Kept),*> Kept for ($($part,)*) {
            #[allow(non_snake_case)]
            fn keep(&self, out: &mut Out<'_>) {
                let ($($part,)*) = self;
                $($part.keep(out);)*
            }

            fn read(from: &mut In<'_>) -> Option<Self> {
                Some(($($part::read(from)?,)*))
            }
        })*
    };
}

rows!((A B) (A B C) (A B C D));

impl Kept for Timestamp {
    fn keep(&self, out: &mut Out<'_>) {
        self.unix().keep(out);
    }

    fn read(from: &mut In<'_>) -> Option<Self> {
        let seconds = i64::read(from)?;
        let instant = Self::from_unix(seconds);
        (instant.unix() == seconds).then_some(instant)
    }
}

impl Kept for Role {
    fn keep(&self, out: &mut Out<'_>) {
        self.as_str().to_owned().keep(out);
    }

    fn read(from: &mut In<'_>) -> Option<Self> {
        Self::parse(&String::read(from)?)
    }
}

impl Kept for Origin {
    fn keep(&self, out: &mut Out<'_>) {
        self.as_str().to_owned().keep(out);
    }

    fn read(from: &mut In<'_>) -> Option<Self> {
        Self::parse(&String::read(from)?)
    }
}

impl Kept for Vkey {
    fn keep(&self, out: &mut Out<'_>) {
        self.to_string().keep(out);
    }

    fn read(from: &mut In<'_>) -> Option<Self> {
        Self::parse(&String::read(from)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Sample = (Vec<(u32, Hash)>, Option<String>, Vec<u8>);

    #[test]
    fn what_is_kept_is_read_again_and_nothing_else_is() {
        let sample: Sample =
            ((0..4_000).map(|n| (n, Hash([7; 32]))).collect(), Some("two".to_owned()), vec![1; 300_000]);
        let mut bytes = Vec::new();
        let mut out = Out::new(&mut bytes);
        sample.keep(&mut out);
        out.finish().unwrap();
        let read = |bytes: &[u8]| {
            let mut source = bytes;
            let mut from = In::new(&mut source, bytes.len() as u64);
            Sample::read(&mut from).filter(|_| from.is_done())
        };
        assert_eq!(read(&bytes).as_ref(), Some(&sample));
        for cut in (0..bytes.len()).step_by(9_973) {
            assert_eq!(read(&bytes[..cut]), None, "{cut}");
        }
        bytes.push(0);
        assert_eq!(read(&bytes), None);
        // A length that was made up asks for no memory.
        assert_eq!(read(&[0xff; 8]), None);
    }
}
