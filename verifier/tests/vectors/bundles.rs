//! Bundles of a few entries, under the policy of their reader. FORMAT.md 13.3, 21.6.

use std::collections::BTreeMap;

use schemas::base::from_base64;
use schemas::policy::Policy;
use verifier::bundle::{NoVisitor, Source, Unreadable, check};
use verifier::fault::Fault;

use crate::logs;
use crate::reader::Vector;

/// A bundle in memory.
#[derive(Default)]
pub struct Files(pub BTreeMap<String, Vec<u8>>);

impl Source for Files {
    fn paths(&mut self) -> Result<Vec<String>, Unreadable> {
        Ok(self.0.keys().cloned().collect())
    }

    fn read(&mut self, path: &str) -> Result<Option<Vec<u8>>, Unreadable> {
        Ok(self.0.get(path).cloned())
    }
}

fn word(fault: &Fault) -> String {
    let reason = match fault {
        Fault::FileChanged { .. } => "file-changed",
        Fault::CheckpointSignature { .. } => "checkpoint-signature",
        Fault::LogKey { .. } => "log-key",
        Fault::Quorum { .. } => "quorum",
        Fault::Root { .. } => "root",
        Fault::CheckpointSize { .. } => "size",
        Fault::Ahead { .. } => "ahead",
        Fault::Chain { .. } => "chain",
        Fault::NotSealed { .. } => "not-sealed",
        Fault::ClockAhead { .. } => "time",
        other => return logs::word(other),
    };
    format!("refused {reason}")
}

#[test]
fn bundles() {
    let mut wrong = Vec::new();
    for vector in Vector::read_all("bundle") {
        let text = std::str::from_utf8(&vector.body).unwrap();
        let (mut policy, mut files) = (None, BTreeMap::new());
        for line in text.lines() {
            if let Some(word) = line.strip_prefix("policy: ") {
                policy = Some(Policy::parse(std::str::from_utf8(&from_base64(word).unwrap()).unwrap()).unwrap());
            } else {
                let (path, word) = line.strip_prefix("file: ").and_then(|rest| rest.split_once(' ')).unwrap();
                files.insert(path.to_owned(), from_base64(word).unwrap());
            }
        }
        let report = check(&mut Files(files), &policy.unwrap(), None, &mut NoVisitor);
        let got = match (report.faults.first(), report.unknown.is_empty()) {
            (Some(fault), _) => word(fault),
            (None, true) => "ok".to_owned(),
            (None, false) => "cannot-tell".to_owned(),
        };
        if got != vector.expect {
            wrong.push(format!("{}: {got}, expected {} ({})", vector.name, vector.expect, vector.comment));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
