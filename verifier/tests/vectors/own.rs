//! The key of seals, and that of checkpoints, sign nothing else: whatever else is signed with them, under whatever name,
//! counts for nobody. FORMAT.md 9. Events, approvals, genesis and epochs: `log/14-seal-key…`; requests: `http_request`.

use schemas::base::{from_base64, to_base64};
use schemas::checkpoint::Checkpoint;
use schemas::hash::Hash;
use schemas::manifest::Manifest;
use schemas::note::Vkey;
use schemas::pack::Pack;
use schemas::policy::Policy;
use verifier::bundle::{self, NoVisitor};
use verifier::output::{self, Readers};
use verifier::pack::{self, Complete};
use verifier::report::Verdict;
use verifier::signature::SecretKey;
use verifier::statement::Statement;

use crate::bundles::Files;
use crate::reader::Vector;

const ORIGIN: &str = "vectors.example/log";
const SEALS: &str = "vectors.example/log/op/ledger";

/// A key of the vectors' log, under another name.
fn named(name: &str, of: &str) -> SecretKey {
    SecretKey::new(name, &Hash::of(&[b"test vector key ", of.as_bytes()]).0)
}

/// Whose key signs, and whether it is one that may.
fn signers(name: &str) -> [(SecretKey, bool); 4] {
    [
        (named(name, "an auditor, a witness or a carrier"), true),
        (named(name, "vectors.example/log/npm/one"), true),
        (named(name, SEALS), false),
        (named(name, ORIGIN), false),
    ]
}

fn decoded(word: &str) -> String {
    String::from_utf8(from_base64(word).unwrap()).unwrap()
}

fn vector(kind: &str) -> Vector {
    Vector::read_all(kind).into_iter().find(|vector| vector.name == format!("{kind}/ok")).unwrap()
}

fn sound_pack() -> (String, Pack) {
    let text = String::from_utf8(vector("pack").body).unwrap();
    let (policy, pack) = text.split_once('\n').unwrap();
    (decoded(policy.strip_prefix("policy: ").unwrap()), Pack::parse(pack).unwrap())
}

fn sound_bundle() -> (String, Files) {
    let text = String::from_utf8(vector("bundle").body).unwrap();
    let (mut policy, mut files) = (String::new(), Files::default());
    for line in text.lines() {
        match line.strip_prefix("file: ").and_then(|rest| rest.split_once(' ')) {
            Some((path, word)) => drop(files.0.insert(path.to_owned(), from_base64(word).unwrap())),
            None => policy = decoded(line.strip_prefix("policy: ").unwrap()),
        }
    }
    (policy, files)
}

/// A policy with that witness, whose word is enough.
fn with_witness(policy: &str, witness: &Vkey) -> Policy {
    Policy::parse(&policy.replace("quorum none\n", &format!("witness w {witness}\nquorum w\n"))).unwrap()
}

#[test]
fn a_statement_by_a_key_of_the_log_is_no_auditors() {
    for (key, counts) in signers("auditor.example/one") {
        let (policy, mut pack) = sound_pack();
        let checkpoint = Checkpoint::parse(&pack.checkpoint.text).unwrap();
        pack.statements.push((Statement { checkpoint }.sign(&key), Vec::new()));
        let policy = Policy::parse(&policy).unwrap();
        let checked = pack::check(pack.to_text().as_bytes(), &policy, &[key.vkey()]);
        assert_eq!(checked.report.faults, [], "{}", key.vkey());
        assert_eq!(matches!(checked.complete, Complete::Stated(_)), counts, "{}", key.vkey());
        let told = checked.report.left_out.iter().any(|line| line.contains("a key of the log itself"));
        assert_eq!((told, checked.report.is_of_the_log(&key.vkey())), (!counts, !counts), "{}", key.vkey());
    }
}

#[test]
fn a_cosignature_by_a_key_of_the_log_is_no_witness() {
    for (key, counts) in signers("witness.example/w") {
        let want = if counts { Verdict::Verified } else { Verdict::CannotTell };
        let (policy, mut pack) = sound_pack();
        let line = key.cosign(&pack.checkpoint.text, 1_930_384_900);
        pack.checkpoint.signatures.push(line);
        let report = pack::check(pack.to_text().as_bytes(), &with_witness(&policy, &key.cosigner_vkey()), &[]).report;
        assert_eq!(report.verdict(), want, "a pack, {}: {:?}", key.vkey(), report.unknown);

        let (policy, mut files) = sound_bundle();
        let mut note = schemas::note::Note::parse(&files.0["checkpoint"]).unwrap();
        let line = key.cosign(&note.text, 1_930_384_900);
        note.signatures.push(line);
        files.0.insert("checkpoint".to_owned(), note.to_text().into_bytes());
        let mut manifest = Manifest::parse(std::str::from_utf8(&files.0["manifest"]).unwrap()).unwrap();
        manifest.0.insert("checkpoint".to_owned(), Hash::of(&[&files.0["checkpoint"]]));
        files.0.insert("manifest".to_owned(), manifest.to_text().into_bytes());
        let policy = with_witness(&policy, &key.cosigner_vkey());
        let report = bundle::check(&mut files, &policy, None, &mut NoVisitor);
        assert_eq!(report.verdict(), want, "a bundle, {}: {:?} {:?}", key.vkey(), report.faults, report.unknown);
    }
}

/// What the command signs and takes: an auditor's statement, and a carrier's stamp.
#[test]
fn the_command_takes_no_key_of_the_log_for_another() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (policy, files) = sound_bundle();
    std::fs::write(at("policy"), policy).unwrap();
    for (path, bytes) in files.0 {
        let path = at("bundle").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    std::fs::write(at("pack"), sound_pack().1.to_text()).unwrap();
    std::fs::create_dir(at("mine")).unwrap();
    let run = |line: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_verifier"));
        let done = command.args(line.split(' ')).current_dir(folder.path()).output().unwrap();
        (done.status.code(), String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned())
    };
    for (key, counts) in signers("vectors.example/log/npm/carrier") {
        let vkey = key.vkey();
        let (code, said) = run(&format!("compare pack --policy policy --mine mine --carrier {vkey}"));
        assert_eq!((code, said.contains("a key of the log itself")), (Some(2), !counts), "{vkey}: {said}");
    }
    for (of, counts) in [("an auditor", true), (SEALS, false), (ORIGIN, false)] {
        let seed = Hash::of(&[b"test vector key ", of.as_bytes()]).0;
        let text = format!("oversight-secret-key/v1\nvectors.example/log/npm/auditor\n{}\n", to_base64(&seed));
        output::write(&at("key"), text.as_bytes(), Readers::Owner).unwrap();
        let (code, said) = run("attest bundle --policy policy --key key --out statement");
        assert_eq!((code, at("statement").exists()), (Some(if counts { 0 } else { 2 }), counts), "{of}: {said}");
        let _ = std::fs::remove_file(at("statement"));
    }
}
