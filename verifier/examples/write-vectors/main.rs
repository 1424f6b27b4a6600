//! Writes the vectors that are computed: golden events, entries, signatures, trees, the index and
//! small logs.
//!
//! `cargo run -p verifier --example write-vectors`. The files are committed and frozen: this
//! program shows how they came about, and a difference that it makes is a difference of the format.

mod bad_events;
mod bundles;
mod erasures;
mod events;
mod index;
mod log;
mod logs;
mod packs;
mod signatures;
mod trees;

use std::path::Path;

/// A vector file: `<kind>/<name>` and its bytes.
pub struct Made {
    path: String,
    text: String,
}

/// The file of a vector. FORMAT.md 21.
pub fn vector(path: &str, expect: &str, comment: &str, body: &str) -> Made {
    Made { path: path.to_owned(), text: format!("expect: {expect}\ncomment: {comment}\n\n{body}") }
}

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/vectors");
    let all = [
        events::all(),
        bad_events::all(),
        signatures::all(),
        trees::all(),
        index::all(),
        logs::all(),
        erasures::all(),
        bundles::all(),
        packs::all(),
    ];
    for made in all.into_iter().flatten() {
        let path = folder.join(&made.path);
        std::fs::create_dir_all(path.parent().expect("a kind and a name"))?;
        std::fs::write(path, made.text)?;
    }
    Ok(())
}
