//! Roots of the map, presence and absence. FORMAT.md 8.

use std::collections::BTreeMap;

use schemas::base::from_decimal;
use schemas::stream;
use verifier::index::{BadMapProof, Index, MapProof, check_map_proof, root_from_heads};

use crate::reader::Vector;
use crate::{Lines, hash};

#[test]
fn the_index() {
    for vector in Vector::read_all("index") {
        let mut lines = Lines::of(&vector);
        let got = match lines.take("prove") {
            "root" => root(&mut lines),
            "map" => map(&mut lines),
            other => panic!("{}: nothing proves {other}", vector.name),
        };
        lines.end();
        assert_eq!(got, vector.expect, "{} ({})", vector.name, vector.comment);
    }
}

fn root(lines: &mut Lines<'_>) -> &'static str {
    let mut index = Index::default();
    let mut names = Vec::new();
    for item in lines.all("item") {
        let mut words = item.splitn(3, ' ');
        let mut word = || words.next().unwrap();
        let (position, leaf, name) = (from_decimal(word()).unwrap(), hash(word()), word());
        index.append(name, position, &leaf);
        names.push(name);
    }
    let value = |name: &str| index.head(name).unwrap().value(&stream::key(name));
    let heads: BTreeMap<_, _> = names.iter().map(|name| (stream::key(name), value(name))).collect();
    let defined = root_from_heads(&heads);
    assert_eq!(index.root(), defined, "grown and defined");
    if lines.hash("root") == defined { "ok" } else { "refused root" }
}

fn map(lines: &mut Lines<'_>) -> &'static str {
    let (name, root) = (lines.take("stream"), lines.hash("root"));
    let two = |text: &str| text.split_once(' ').map(|(a, b)| (a.to_owned(), hash(b))).unwrap();
    let leaf = lines.if_any("leaf").map(two).map(|(key, head)| (hash(&key), head));
    let path = lines.all("step").into_iter().map(two).map(|(bit, hash)| (bit.parse().unwrap(), hash)).collect();
    match check_map_proof(&MapProof { path, leaf }, name, root) {
        Ok(true) => "ok present",
        Ok(false) => "ok absent",
        Err(BadMapProof::Order) => "refused order",
        Err(BadMapProof::Turn) => "refused turn",
        Err(BadMapProof::Root) => "refused root",
    }
}
