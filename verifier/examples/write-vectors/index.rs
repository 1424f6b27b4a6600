//! The map over streams: roots, presence and absence. FORMAT.md 8.

use schemas::hash::Hash;
use schemas::stream;
use verifier::index::{Index, MapProof};

use crate::{Made, vector};

/// Position, stream.
const ITEMS: [(u64, &str); 14] = [
    (0, "organisation/op-one"),
    (1, "organisation/cso-one"),
    (2, "organisation/npm-one"),
    (3, "facility/fac-one"),
    (3, "organisation/cso-one"),
    (3, "request/cso-one/request-1"),
    (4, "facility/fac-two"),
    (5, "sealed/npm-one"),
    (6, "facility/fac-one"),
    (6, "organisation/cso-one"),
    (6, "visit/fac-one/visit-1"),
    (7, "organisation/cso-two"),
    (9, "organisation/cso-one"),
    (9, "visit/fac-one/visit-1"),
];

fn leaf(position: u64) -> Hash {
    Hash::leaf(format!("entry {position}").as_bytes())
}

fn grown(items: &[(u64, &str)]) -> Index {
    let mut index = Index::default();
    for (position, stream) in items {
        index.append(stream, *position, &leaf(*position));
    }
    index
}

fn root(name: &str, comment: &str, items: &[(u64, &str)]) -> Made {
    let lines: String = items.iter().map(|(n, stream)| format!("item: {n} {} {stream}\n", leaf(*n))).collect();
    let body = format!("prove: root\n{lines}root: {}\n", grown(items).root());
    vector(&format!("index/root-{name}"), "ok", comment, &body)
}

fn proof(name: &str, expect: &str, comment: &str, stream: &str, root: Hash, proof: &MapProof) -> Made {
    let leaf = proof.leaf.map_or_else(String::new, |(key, head)| format!("leaf: {key} {head}\n"));
    let steps: String = proof.path.iter().map(|(bit, hash)| format!("step: {bit} {hash}\n")).collect();
    let body = format!("prove: map\nstream: {stream}\nroot: {root}\n{leaf}{steps}");
    vector(&format!("index/{name}"), expect, comment, &body)
}

pub fn all() -> Vec<Made> {
    let mut all = vec![
        root("none", "no stream: H(04)", &[]),
        root("one", "one stream: the root is its leaf", &ITEMS[..1]),
        root("two", "two streams: one node", &ITEMS[..2]),
        root("many", "several items in a stream, several streams for an entry", &ITEMS),
    ];
    let mut index = grown(&ITEMS);
    let top = index.root();
    for (number, name) in ["organisation/cso-one", "sealed/npm-one", "visit/fac-one/visit-1"].into_iter().enumerate() {
        all.push(proof(
            &format!("present-{}", number + 1),
            "ok present",
            "a stream that is there",
            name,
            top,
            &index.prove(name),
        ));
    }
    for (number, name) in
        ["organisation/cso-three", "facility/cso-one", "visit/fac-one/visit-2"].into_iter().enumerate()
    {
        all.push(proof(
            &format!("absent-{}", number + 1),
            "ok absent",
            "a stream that is not there",
            name,
            top,
            &index.prove(name),
        ));
    }
    let mut empty = Index::default();
    let mut one = grown(&ITEMS[..1]);
    let lone = "organisation/op-one";
    let nobody = "organisation/nobody";
    let (empty_root, one_root) = (empty.root(), one.root());
    all.push(proof(
        "absent-from-none",
        "ok absent",
        "an empty map has no stream",
        nobody,
        empty_root,
        &empty.prove(nobody),
    ));
    all.push(proof("absent-from-one", "ok absent", "the only leaf is another's", nobody, one_root, &one.prove(nobody)));
    all.push(proof("present-alone", "ok present", "the only leaf", lone, one_root, &one.prove(lone)));

    let asked = "organisation/cso-one";
    let good = index.prove(asked);
    // Another leaf that the key's own bits do not lead to, with its own good path.
    let other = index.prove("facility/fac-one");
    let key = stream::key(asked);
    let bent = |bend: &dyn Fn(&mut MapProof)| {
        let mut bent = good.clone();
        bend(&mut bent);
        bent
    };
    let head = |items: &[(u64, &str)]| grown(items).prove(asked).leaf;
    for (name, reason, comment, bad) in [
        ("head-shorter", "root", "a head that leaves out the last item", bent(&|p| p.leaf = head(&ITEMS[..12]))),
        ("head-value", "root", "another head", bent(&|p| p.leaf = Some((key, leaf(0))))),
        ("sibling", "root", "a sibling changed", bent(&|p| p.path[0].1.0[0] ^= 1)),
        ("step-missing", "root", "the first step is missing", bent(&|p| p.path = p.path[1..].to_vec())),
        ("last-step-missing", "root", "the last step is missing", bent(&|p| p.path.truncate(p.path.len() - 1))),
        ("step-more", "root", "a step too many", bent(&|p| p.path.push((255, leaf(0))))),
        ("steps-reversed", "order", "from the leaf up", bent(&|p| p.path.reverse())),
        ("bit-twice", "order", "a bit is asked twice", bent(&|p| p.path.insert(0, p.path[0]))),
        (
            "bit-other",
            "root",
            "the last bit is another one of the same side",
            bent(&|p| {
                let last = p.path.len() - 1;
                let (bit, sibling) = p.path[last];
                let same = (bit + 1..=255).find(|n| stream::bit(&key, *n) == stream::bit(&key, bit));
                p.path[last] = (same.expect("half of all"), sibling);
            }),
        ),
        ("absence-by-another", "turn", "absence claimed with a leaf that lies elsewhere", other.clone()),
        ("leaf-of-another", "turn", "another stream's leaf on this one's path", bent(&|p| p.leaf = other.leaf)),
        (
            "absence-by-silence",
            "root",
            "no leaf and no path, though the map has streams",
            MapProof { path: vec![], leaf: None },
        ),
        ("absence-without-leaf", "root", "a path without a leaf", bent(&|p| p.leaf = None)),
    ] {
        all.push(proof(&format!("bad-{name}"), &format!("refused {reason}"), comment, asked, top, &bad));
    }
    all.push(proof("bad-root", "refused root", "the root of another map", asked, one_root, &good));
    all.push(proof(
        "bad-empty-root",
        "refused root",
        "a leaf under the root of the empty map",
        asked,
        empty_root,
        &good,
    ));
    all
}
