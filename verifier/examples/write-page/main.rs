//! Writes `verifier/web/verify.html` again: `cargo run -p verifier --example write-page`.
//!
//! The page is the modules of `web/src/`, the words of `web/text/`, the samples of `web/samples/` and the catalogue,
//! one after the other in one file. Nothing is made smaller: whoever opens the file can read what runs.

mod page;

use std::path::Path;

fn main() -> std::io::Result<()> {
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
    let html = page::assemble(&web)?;
    let file = web.join("verify.html");
    std::fs::write(&file, &html)?;
    println!("{} bytes in {}", html.len(), file.display());
    Ok(())
}
