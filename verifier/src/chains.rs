//! Which items belong to one stream: links back from each to the one before it.

use crate::index::StreamNumber;

/// No item before this one. There are never so many: places are counted in a `u32` that must hold their end.
const NONE: u32 = u32::MAX;

/// For every item the one before it in its stream, and for every stream its last: 4 bytes each. Places
/// count the items of all streams, in the order of the log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chains {
    before: Vec<u32>,
    last: Vec<u32>,
}

impl Chains {
    /// The links of items whose streams are known, in the order of the log.
    pub(crate) fn of(streams: &[StreamNumber]) -> Self {
        let mut chains = Self { before: Vec::with_capacity(streams.len()), last: Vec::new() };
        streams.iter().for_each(|stream| chains.push(*stream));
        chains
    }

    /// Adds an item to a stream.
    pub(crate) fn push(&mut self, stream: StreamNumber) {
        let (place, stream) =
            (u32::try_from(self.before.len()).expect("fewer than 2^32 stream items"), stream as usize);
        if self.last.len() <= stream {
            self.last.resize(stream + 1, NONE);
        }
        self.before.push(std::mem::replace(&mut self.last[stream], place));
    }

    /// Places of a stream's items, the last first.
    pub(crate) fn back(&self, stream: StreamNumber) -> impl Iterator<Item = u32> {
        let there = |place: &u32| *place != NONE;
        let last = self.last.get(stream as usize).copied().filter(there);
        std::iter::successors(last, move |place| self.before.get(*place as usize).copied().filter(there))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_found_back_whatever_stands_between_its_items() {
        let mut chains = Chains::default();
        let streams = [0, 1, 1, 0, 3, 0, 1];
        streams.iter().for_each(|stream| chains.push(*stream));
        for stream in 0..5 {
            let want: Vec<u32> = streams
                .iter()
                .enumerate()
                .filter(|(_, s)| **s == stream)
                .map(|(n, _)| u32::try_from(n).unwrap())
                .rev()
                .collect();
            assert_eq!(chains.back(stream).collect::<Vec<_>>(), want, "stream {stream}");
        }
    }
}
