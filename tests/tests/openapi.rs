//! The server's OpenAPI document before a public validator. Feature `foreign`; the variable `FOREIGN` names the folder
//! with `openapi-spec-validator`, as `tests/run` installs it.
#![cfg(feature = "foreign")]

use std::path::PathBuf;
use std::process::{Command, Output};

fn validated(document: &str) -> Output {
    let folder = std::env::var_os("FOREIGN").expect("FOREIGN names the folder of the tools; run `bash tests/run`");
    let file = tempfile::NamedTempFile::with_suffix(".json").unwrap();
    std::fs::write(file.path(), document).unwrap();
    let tool = PathBuf::from(folder).join("bin/openapi-spec-validator");
    Command::new(&tool).arg(file.path()).output().unwrap_or_else(|e| panic!("{}: {e}", tool.display()))
}

#[test]
fn the_document_is_one_that_others_accept() {
    let document = ledger::http::openapi::text();
    let output = validated(&document);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    // It does look: a document that says something else is refused.
    let bent = document.replacen("\"responses\"", "\"answers\"", 1).replacen("\"info\"", "\"information\"", 1);
    assert!(bent != document && !validated(&bent).status.success());
}
