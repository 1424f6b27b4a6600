//! Bytes that nobody meant: whatever stands in a file, reading ends with an answer.

use std::path::{Path, PathBuf};

use ledger::import::{Limits, Nothing, Options, Parties, read_files, render};

use super::sample::sample;

/// A small generator with a seed (SplitMix64): the same noise on every run.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    /// A few changes: bytes flipped, cut out, doubled, or replaced by what parsers trip over.
    fn spoil(&mut self, bytes: &mut Vec<u8>) {
        const TRAPS: [&[u8]; 16] = [
            b"\"",
            b"\r",
            b"\n",
            b",",
            b";",
            b"\xff",
            b"\0",
            b"\xef\xbb\xbf",
            b"/",
            b"\xe2\x80\x8b",
            b"\xd9\xa1",
            b":",
            b"-",
            b"99999999999999999999",
            b"9999-12-31",
            b"\xf0\x9f\x98\x80",
        ];
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            let end = (at + self.below(12)).min(bytes.len());
            match self.below(4) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                1 => drop(bytes.drain(at..end)),
                2 => {
                    let part = bytes[at..end].to_vec();
                    bytes.splice(at..at, part);
                }
                _ => drop(bytes.splice(at..end, TRAPS[self.below(TRAPS.len())].iter().copied())),
            }
        }
    }
}

fn registers() -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    for party in std::fs::read_dir(sample().join("registers")).unwrap().flatten() {
        for file in std::fs::read_dir(party.path()).unwrap().flatten() {
            found.push((party.file_name().to_string_lossy().into_owned(), file.path()));
        }
    }
    found.sort();
    found
}

#[test]
fn no_bytes_stop_the_reader() {
    let csv = std::fs::read(sample().join("parties.csv")).unwrap();
    let (parties, _) = Parties::read("parties.csv", &csv, &Limits::default());
    let folder = tempfile::tempdir().unwrap();
    let mut noise = Noise(2_025);
    let options = Options { replay: true, ..Options::default() };
    for (party, path) in registers() {
        let mut whole = std::fs::read(&path).unwrap();
        whole.truncate(4_000);
        let copy = folder.path().join(Path::new(path.file_name().unwrap()));
        for _ in 0..6 {
            let mut bytes = whole.clone();
            noise.spoil(&mut bytes);
            std::fs::write(&copy, &bytes).unwrap();
            let import = read_files(std::slice::from_ref(&copy), &party, &parties, &options, &Nothing);
            // Whatever it was, it can be told, and what is told is told in one line each.
            let lines = render(&import.problems).lines().count();
            assert!(lines <= import.problems.len(), "{}", render(&import.problems));
            assert!(import.drafts.len() <= bytes.len());
        }
    }
}

#[test]
fn no_bytes_stop_the_readers_beside_it() {
    let csv = std::fs::read(sample().join("parties.csv")).unwrap();
    let map = b"dates = \"D/M/Y\"\n[event.\"visit.completed\".columns]\nDate = \"visited_on\"\n".to_vec();
    let mut noise = Noise(7);
    for _ in 0..2_000 {
        let mut bytes = csv.clone();
        noise.spoil(&mut bytes);
        let (parties, problems) = Parties::read("parties.csv", &bytes, &Limits::default());
        assert!(parties.len() + problems.len() > 0);
        let mut bytes = map.clone();
        noise.spoil(&mut bytes);
        let _ = ledger::import::Mapping::read("map.toml", &bytes);
        let mut bytes: Vec<u8> = (0..noise.below(60)).map(|_| noise.next() as u8).collect();
        noise.spoil(&mut bytes);
        let _ = Parties::read("parties.csv", &bytes, &Limits::default());
        if let Ok(text) = String::from_utf8(bytes) {
            let _ = (schemas::lint::lint_folded(&text), schemas::lint::words(&text), ledger::import::shown(&text));
        }
    }
}
