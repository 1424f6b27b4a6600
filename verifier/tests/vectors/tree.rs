//! Roots and proofs of trees. FORMAT.md 7.

use schemas::hash::Hash;
use verifier::tree::{BadProof, Frontier, check_consistency, check_inclusion, root_of};

use crate::reader::Vector;
use crate::{Lines, hash};

#[test]
fn trees() {
    for vector in Vector::read_all("tree") {
        let mut lines = Lines::of(&vector);
        let outcome = match lines.take("prove") {
            "root" => root(&mut lines),
            "inclusion" => {
                let (index, size) = (lines.number("index"), lines.number("size"));
                let (leaf, root) = (lines.hash("leaf"), lines.hash("root"));
                check_inclusion(&hashes(&mut lines), index, leaf, size, root)
            }
            "consistency" => {
                let old = (lines.number("old-size"), lines.hash("old-root"));
                let new = (lines.number("size"), lines.hash("root"));
                check_consistency(&hashes(&mut lines), old.0, old.1, new.0, new.1)
            }
            other => panic!("{}: nothing proves {other}", vector.name),
        };
        lines.end();
        let got = match outcome {
            Ok(()) => "ok",
            Err(BadProof::OutOfTree { .. }) => "refused out-of-tree",
            Err(BadProof::Length) => "refused length",
            Err(BadProof::Root { .. }) => "refused root",
        };
        assert_eq!(got, vector.expect, "{} ({})", vector.name, vector.comment);
    }
}

fn root(lines: &mut Lines<'_>) -> Result<(), BadProof> {
    let data: Vec<Vec<u8>> = lines.all("data").into_iter().map(|hex| schemas::base::from_hex(hex).unwrap()).collect();
    let want = lines.hash("root");
    let leaves: Vec<Hash> = data.iter().map(|data| Hash::leaf(data)).collect();
    let mut grown = Frontier::default();
    for leaf in &leaves {
        grown.push(*leaf);
    }
    assert_eq!(grown.root(), root_of(&leaves));
    if grown.root() == want { Ok(()) } else { Err(BadProof::Root { reached: grown.root() }) }
}

fn hashes(lines: &mut Lines<'_>) -> Vec<Hash> {
    lines.all("hash").into_iter().map(hash).collect()
}
