//! The sample country.
use std::path::Path;

use super::*;

fn velmora() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/scenario/velmora")
}

#[test]
fn the_sample_country_is_read() {
    let options = Options { replay: true, ..Options::default() };
    let import = read_folder(&velmora(), &options, &Nothing);
    assert_eq!(render(&import.problems), "");
    assert_eq!(import.drafts.len(), 3_502);
    assert_eq!(import.warnings.len(), 1, "{}", render(&import.warnings));
}
