//! What this project is built from: licences that let anyone use and pass on, and one public registry.
//!
//! `cargo deny` says the same with more care and takes minutes to install; this needs nothing. Both read the list
//! of licences in `.deny.toml`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn toml(name: &str) -> toml::Table {
    std::fs::read_to_string(root().join(name)).unwrap().parse().unwrap()
}

fn allowed() -> BTreeSet<String> {
    let licences = toml(".deny.toml")["licenses"]["allow"].as_array().unwrap().clone();
    licences.iter().map(|licence| licence.as_str().unwrap().to_owned()).collect()
}

/// Whether an SPDX expression can be met with these licences. SPDX 2.3 annex D; `/` is an old way to write OR.
fn is_met(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let met = any(&mut rest, allowed);
    met == Some(true) && rest.is_empty()
}

fn any(rest: &mut &[&str], allowed: &BTreeSet<String>) -> Option<bool> {
    let mut met = all(rest, allowed)?;
    while let Some(("OR", after)) = rest.split_first().map(|(word, after)| (*word, after)) {
        *rest = after;
        met |= all(rest, allowed)?;
    }
    Some(met)
}

fn all(rest: &mut &[&str], allowed: &BTreeSet<String>) -> Option<bool> {
    let mut met = one(rest, allowed)?;
    while let Some(("AND", after)) = rest.split_first().map(|(word, after)| (*word, after)) {
        *rest = after;
        met &= one(rest, allowed)?;
    }
    Some(met)
}

fn one(rest: &mut &[&str], allowed: &BTreeSet<String>) -> Option<bool> {
    let (word, after) = rest.split_first()?;
    *rest = after;
    match *word {
        "(" => {
            let met = any(rest, allowed)?;
            let (close, after) = rest.split_first()?;
            *rest = after;
            (*close == ")").then_some(met)
        }
        ")" | "OR" | "AND" | "WITH" => None,
        licence => match rest {
            ["WITH", exception, after @ ..] => {
                let licence = format!("{licence} WITH {exception}");
                *rest = after;
                Some(allowed.contains(&licence))
            }
            _ => Some(allowed.contains(licence)),
        },
    }
}

#[test]
fn an_expression_is_met_or_not() {
    let allowed = ["MIT", "Apache-2.0", "BSD-3-Clause", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned).into();
    for (expression, want) in [
        ("MIT", true),
        ("MIT OR Apache-2.0", true),
        ("GPL-3.0-only OR MIT", true),
        ("MIT/Apache-2.0", true),
        ("(MIT OR GPL-2.0-only) AND BSD-3-Clause", true),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("GPL-3.0-only", false),
        ("MIT AND GPL-3.0-only", false),
        ("MIT AND (GPL-2.0-only OR GPL-3.0-only)", false),
        ("GPL-3.0-only OR GPL-2.0-only AND MIT", false),
        ("MIT WITH Some-exception", false),
        ("mit", false),
        ("", false),
        ("MIT OR", false),
        ("MIT Apache-2.0", false),
        ("(MIT", false),
        ("MIT)", false),
        ("()", false),
        ("AND MIT", false),
    ] {
        assert_eq!(is_met(expression, &allowed), want, "{expression:?}");
    }
}

#[test]
fn every_licence_is_one_of_the_list() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let rustc = Command::new("rustc").arg("-vV").output().unwrap();
    let version = String::from_utf8(rustc.stdout).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    // What is built here; it is on the disk already, so no network is needed.
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", host])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 50, "{} packages", packages.len());
    let allowed = allowed();
    for package in packages {
        let licence = package["license"].as_str().unwrap_or_default();
        assert!(is_met(licence, &allowed), "{} {}: licence {licence:?}", package["name"], package["version"]);
    }
}

#[test]
fn every_crate_comes_from_one_registry_with_its_checksum() {
    let lock = toml("Cargo.lock");
    let packages = lock["package"].as_array().unwrap();
    let text = |package: &toml::Value, key: &str| package.get(key).and_then(|v| v.as_str()).map(str::to_owned);
    let foreign: Vec<&toml::Value> = packages.iter().filter(|p| p.get("source").is_some()).collect();
    let sources: BTreeSet<_> = foreign.iter().filter_map(|p| text(p, "source")).collect();
    assert!(sources.len() == 1 && sources.iter().all(|s| s.starts_with("registry+")), "{sources:?}");
    for package in &foreign {
        assert!(text(package, "checksum").is_some_and(|sum| sum.len() == 64), "{package:?}");
    }
    let own: BTreeSet<_> =
        packages.iter().filter(|p| p.get("source").is_none()).filter_map(|p| text(p, "name")).collect();
    let members = toml("Cargo.toml")["workspace"]["members"].as_array().unwrap().clone();
    assert_eq!(own, members.iter().map(|member| member.as_str().unwrap().to_owned()).collect());
}
