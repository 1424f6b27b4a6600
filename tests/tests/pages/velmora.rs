//! The demo's folders.

use std::path::PathBuf;

use tempfile::TempDir;
use tests::demo::{self, Places};

/// Everything that the demo makes, for as long as this lives.
pub struct Velmora {
    /// Where what stands.
    pub places: Places,
    _folder: TempDir,
}

/// Runs the demo on the sample country.
pub fn velmora() -> Velmora {
    let folder = TempDir::new().unwrap();
    let scenario = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scenario").join("velmora");
    let places = Places { scenario, out: folder.path().join("out") };
    demo::build(&places, &mut |_| ()).unwrap();
    Velmora { places, _folder: folder }
}
