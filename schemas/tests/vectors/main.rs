//! Runs every file of `schemas/vectors` whose kind this crate can read. FORMAT.md 21.
//!
//! What is good is printed again byte for byte; what is bad is refused for the reason that the
//! file gives, not for another one.

mod golden;
mod limits;
mod parsers;
mod properties;
mod reader;
mod reason;

use reader::Vector;

#[test]
fn every_vector() {
    for vector in parsers::KINDS.into_iter().flat_map(Vector::read_all) {
        assert!(!vector.comment.is_empty(), "{}: say why in the comment", vector.name);
        let kind = vector.name.split('/').next().unwrap();
        match parsers::read(kind, &vector.body) {
            Ok(again) => {
                assert_eq!(vector.expect, "ok", "{} was taken ({})", vector.name, vector.comment);
                assert_eq!(again, vector.body, "{} is printed otherwise", vector.name);
            }
            Err(reason) => assert_eq!(vector.expect, format!("refused {reason}"), "{}", vector.name),
        }
    }
}

#[test]
fn no_kind_is_forgotten() {
    const AT_THE_VERIFIER: [&str; 7] = ["bundle", "erasure", "index", "log", "pack", "signature", "tree"];
    let format = include_str!("../../FORMAT.md");
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/vectors")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let known = parsers::KINDS.contains(&name.as_str()) || AT_THE_VERIFIER.contains(&name.as_str());
        assert!(known || name == ".gitattributes", "nothing runs vectors/{name}");
        assert!(!known || format.contains(&format!("| `{name}` |")), "FORMAT.md 21 does not name the kind {name}");
    }
}
