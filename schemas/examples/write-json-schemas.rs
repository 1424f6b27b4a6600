//! Writes `schemas/json/` again from the catalogue: `cargo run -p schemas --example write-json-schemas`.

use std::path::Path;

use schemas::catalogue::Catalogue;
use schemas::json_schema;

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("json");
    std::fs::create_dir_all(&folder)?;
    let all = json_schema::all(Catalogue::built_in());
    for file in std::fs::read_dir(&folder)? {
        let name = file?.file_name().to_string_lossy().into_owned();
        if name.ends_with(json_schema::ENDING) && !all.iter().any(|(known, _)| *known == name) {
            std::fs::remove_file(folder.join(name))?;
        }
    }
    for (name, text) in &all {
        std::fs::write(folder.join(name), text)?;
    }
    println!("{} schemas in {}", all.len(), folder.display());
    Ok(())
}
