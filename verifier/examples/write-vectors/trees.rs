//! Roots and proofs of RFC 6962 trees. FORMAT.md 7.
//!
//! The eight leaves and their roots are those that the reference implementation of Certificate
//! Transparency tests with.

use schemas::hash::Hash;
use verifier::tree::{consistency, empty_root, inclusion, root_of};

use crate::{Made, vector};

/// Data of the leaves, hex.
const LEAVES: [&str; 8] =
    ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];

/// Published roots of the trees of 0 to 8 leaves.
const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

fn leaves() -> Vec<Hash> {
    LEAVES.iter().map(|hex| Hash::leaf(&schemas::base::from_hex(hex).expect("hex"))).collect()
}

fn root(size: usize) -> Hash {
    Hash::from_hex(ROOTS[size]).expect("a hash")
}

pub fn all() -> Vec<Made> {
    let mut all = Vec::new();
    for (size, root) in ROOTS.iter().enumerate() {
        let data: String = LEAVES[..size].iter().map(|leaf| format!("data: {leaf}\n")).collect();
        let body = format!("prove: root\n{data}root: {root}\n");
        all.push(vector(&format!("tree/root-{size}"), "ok", "published with Certificate Transparency", &body));
    }
    let body = format!("prove: root\ndata: {}\ndata: {}\nroot: {}\n", LEAVES[1], LEAVES[0], ROOTS[2]);
    all.push(vector("tree/bad-root-order", "refused root", "the leaves have an order", &body));
    let body = format!("prove: root\ndata: {}\nroot: {}\n", LEAVES[0], ROOTS[0]);
    all.push(vector("tree/bad-root-empty", "refused root", "a leaf without data is not a tree without leaves", &body));
    all.extend(inclusions());
    all.extend(consistencies());
    all
}

struct Inclusion {
    index: u64,
    size: u64,
    leaf: Hash,
    root: Hash,
    proof: Vec<Hash>,
}

fn inclusions() -> Vec<Made> {
    let all = leaves();
    let proof = |index: u64, size: usize| Inclusion {
        index,
        size: size as u64,
        leaf: all[index as usize],
        root: root(size),
        proof: inclusion(&all[..size], index).expect("a leaf of the tree"),
    };
    let made = |name: &str, expect: &str, comment: &str, p: &Inclusion| {
        let hashes: String = p.proof.iter().map(|hash| format!("hash: {hash}\n")).collect();
        let Inclusion { index, size, leaf, root, .. } = p;
        let body = format!("prove: inclusion\nindex: {index}\nsize: {size}\nleaf: {leaf}\nroot: {root}\n{hashes}");
        vector(&format!("tree/{name}"), expect, comment, &body)
    };
    let mut out = Vec::new();
    for (index, size) in [(0, 1), (0, 2), (1, 2), (2, 3), (0, 5), (4, 5), (6, 7), (0, 8), (5, 8), (7, 8)] {
        out.push(made(
            &format!("inclusion-{index}-of-{size}"),
            "ok",
            "from the leaf's sibling up",
            &proof(index, size),
        ));
    }
    let bent = |bend: &dyn Fn(&mut Inclusion)| {
        let mut bent = proof(5, 8);
        bend(&mut bent);
        bent
    };
    let comment =
        "7 leaves of which the last has the hash of a node: a proof binds no size, the signed checkpoint does";
    out.push(made("inclusion-binds-no-size", "ok", comment, &bent(&|p| p.size = 7)));
    let (node, odd) = (Hash::node(&all[4], &all[5]), proof(4, 5));
    for (name, reason, comment, p) in [
        ("leaf", "root", "another leaf", bent(&|p| p.leaf = all[4])),
        ("index", "root", "another index", bent(&|p| p.index = 4)),
        ("index-is-size", "out-of-tree", "leaf 8 of 8: they count from 0", bent(&|p| p.index = 8)),
        ("index-huge", "out-of-tree", "2^64 - 1", bent(&|p| p.index = u64::MAX)),
        ("size-larger", "length", "a tree of 9 has a longer one", bent(&|p| p.size = 9)),
        ("size-huge", "length", "a tree of 2^64 - 1 too", bent(&|p| p.size = u64::MAX)),
        ("root", "root", "another root", bent(&|p| p.root = root(7))),
        ("hash", "root", "a hash of the proof changed", bent(&|p| p.proof[1].0[0] ^= 1)),
        ("order", "root", "from the root down", bent(&|p| p.proof.reverse())),
        ("one-less", "length", "the last hash is missing", bent(&|p| p.proof.truncate(p.proof.len() - 1))),
        ("first-missing", "length", "the first hash is missing", bent(&|p| p.proof = p.proof[1..].to_vec())),
        ("one-more", "length", "a hash too many", bent(&|p| p.proof.push(all[0]))),
        ("none", "length", "no hashes", bent(&|p| p.proof.clear())),
        (
            "node-as-leaf",
            "length",
            "an inner node is no leaf, though its proof would lead to the root",
            bent(&|p| {
                p.leaf = node;
                p.index = 2;
                p.proof.remove(0);
            }),
        ),
        (
            "one-more-at-the-edge",
            "length",
            "leaf 4 of 5 has one hash",
            Inclusion { proof: vec![odd.proof[0], all[0]], ..odd },
        ),
        (
            "empty-tree",
            "out-of-tree",
            "a tree without leaves has none",
            Inclusion { index: 0, size: 0, leaf: all[0], root: empty_root(), proof: vec![] },
        ),
        ("single-one-more", "length", "the only leaf is the root", Inclusion { proof: vec![all[1]], ..proof(0, 1) }),
    ] {
        out.push(made(&format!("bad-inclusion-{name}"), &format!("refused {reason}"), comment, &p));
    }
    out
}

struct Consistency {
    old: (u64, Hash),
    new: (u64, Hash),
    proof: Vec<Hash>,
}

fn consistencies() -> Vec<Made> {
    let all = leaves();
    let proof = |old: usize, new: usize| Consistency {
        old: (old as u64, root(old)),
        new: (new as u64, root(new)),
        proof: consistency(&all[..new], old as u64).expect("no more than all"),
    };
    let made = |name: &str, expect: &str, comment: &str, p: &Consistency| {
        let hashes: String = p.proof.iter().map(|hash| format!("hash: {hash}\n")).collect();
        let ((old, old_root), (new, new_root)) = (p.old, p.new);
        let body = format!(
            "prove: consistency\nold-size: {old}\nold-root: {old_root}\nsize: {new}\nroot: {new_root}\n{hashes}"
        );
        vector(&format!("tree/{name}"), expect, comment, &body)
    };
    let mut out = Vec::new();
    for (old, new) in [(0, 0), (0, 8), (1, 1), (1, 8), (2, 5), (3, 7), (4, 8), (6, 8), (7, 8), (8, 8)] {
        out.push(made(&format!("consistency-{old}-to-{new}"), "ok", "RFC 6962 2.1.2", &proof(old, new)));
    }
    let bent = |old, new, bend: &dyn Fn(&mut Consistency)| {
        let mut bent = proof(old, new);
        bend(&mut bent);
        bent
    };
    let comment =
        "7 leaves of which the last has the hash of a node: a proof binds no size, the signed checkpoint does";
    out.push(made("consistency-binds-no-size", "ok", comment, &bent(6, 8, &|p| p.new.0 = 7)));
    let forged = root_of(&[all[1], all[0], all[2], all[3], all[4], all[5]]);
    for (name, reason, comment, p) in [
        ("backwards", "out-of-tree", "a tree does not shrink", bent(6, 8, &|p| std::mem::swap(&mut p.old, &mut p.new))),
        ("old-root", "root", "the old tree had its first leaves in another order", bent(6, 8, &|p| p.old.1 = forged)),
        ("new-root", "root", "the new tree is another one", bent(6, 8, &|p| p.new.1 = root(7))),
        ("old-size", "length", "5 leaves, not 6", bent(6, 8, &|p| p.old.0 = 5)),
        ("hash", "root", "a hash of the proof changed", bent(6, 8, &|p| p.proof[1].0[0] ^= 1)),
        ("order", "root", "the hashes have an order", bent(6, 8, &|p| p.proof.reverse())),
        ("one-less", "length", "the last hash is missing", bent(6, 8, &|p| p.proof.truncate(p.proof.len() - 1))),
        ("one-more", "length", "a hash too many", bent(6, 8, &|p| p.proof.push(all[0]))),
        ("none", "length", "no hashes", bent(6, 8, &|p| p.proof.clear())),
        (
            "power-of-two-with-root",
            "length",
            "the old root is not repeated where the old tree is whole",
            bent(4, 8, &|p| p.proof.insert(0, root(4))),
        ),
        ("same-size-other-root", "root", "two trees of one size: a fork", bent(8, 8, &|p| p.old.1 = forged)),
        ("same-size-proof", "length", "nothing is to be proved", bent(8, 8, &|p| p.proof.push(all[0]))),
        ("from-nothing-root", "root", "a tree without leaves has one root", bent(0, 8, &|p| p.old.1 = root(1))),
        ("from-nothing-proof", "length", "nothing is to be proved", bent(0, 8, &|p| p.proof.push(root(8)))),
        ("size-huge", "length", "2^64 - 1 leaves", bent(6, 8, &|p| p.new.0 = u64::MAX)),
    ] {
        out.push(made(&format!("bad-consistency-{name}"), &format!("refused {reason}"), comment, &p));
    }
    out
}
