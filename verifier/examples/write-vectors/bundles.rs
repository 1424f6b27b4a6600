//! Bundles of a few entries, under a policy that their reader holds. FORMAT.md 13.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use schemas::base::to_base64;
use schemas::checkpoint::Checkpoint;
use schemas::hash::Hash;
use schemas::manifest::Manifest;
use schemas::note::{Note, Origin};
use schemas::tile::{Tile, bundle_bytes};
use verifier::signature::SecretKey;
use verifier::tree::root_of;

use crate::Made;
use crate::events::ORIGIN;
use crate::log::{Log, SEALS, Who, log_key};

/// A bundle in the making: its entries, who signs its checkpoints, and the reader's policy.
struct Bundle {
    entries: Vec<Vec<u8>>,
    files: BTreeMap<String, Vec<u8>>,
    policy: String,
}

const WITNESS: &str = "witness.example/one";

fn witness() -> SecretKey {
    SecretKey::new(WITNESS, &Hash::of(&[b"test vector key ", WITNESS.as_bytes()]).0)
}

pub fn other_key() -> SecretKey {
    SecretKey::new(ORIGIN, &Hash::of(&[b"test vector key, another of the log"]).0)
}

pub fn policy(keys: &[SecretKey]) -> String {
    keys.iter().map(|key| format!("log {}\n", key.vkey())).collect::<String>() + "quorum none\n"
}

fn witnessed() -> String {
    let (log, one) = (log_key().vkey(), witness().cosigner_vkey());
    format!("log {log}\nwitness one {one}\nquorum one\n")
}

/// Genesis and its seal, then two enrolments, a request and their seal.
pub fn small() -> Log {
    let mut log = Log::begun();
    let seal = log.seal();
    log.say(seal, &[SEALS]);
    for (party, role) in [("fac-one", "facility"), ("cso-one", "cso")] {
        let who: Who = (party, "desk");
        let enrolled = log.enrolment(who, role);
        log.say(enrolled, &[who, ("op", "one")]);
    }
    let request = log.request();
    log.say(request, &[("cso-one", "desk")]);
    let seal = log.seal();
    log.say(seal, &[SEALS]);
    log
}

impl Bundle {
    fn of(log: &Log) -> Self {
        let mut bundle = Self { entries: log.entries().to_vec(), files: BTreeMap::new(), policy: policy(&[log_key()]) };
        bundle.files.insert("policy".to_owned(), bundle.policy.clone().into_bytes());
        bundle.built(&[log_key()])
    }

    fn small() -> Self {
        Self::of(&small())
    }

    /// Tiles, checkpoints and manifest of the entries.
    fn built(mut self, keys: &[SecretKey]) -> Self {
        let leaves: Vec<Hash> = self.entries.iter().map(|bytes| Hash::leaf(bytes)).collect();
        for tile in Tile::all(leaves.len() as u64) {
            let bytes = match tile.level {
                None => bundle_bytes(self.entries.iter().map(Vec::as_slice)),
                Some(_) => leaves.iter().flat_map(|leaf| leaf.0).collect(),
            };
            self.files.insert(tile.path(), bytes);
        }
        self = self.checkpoint("checkpoint", leaves.len(), root_of(&leaves), keys);
        self.listed()
    }

    fn checkpoint(mut self, path: &str, size: usize, root: Hash, keys: &[SecretKey]) -> Self {
        let origin = Origin::parse(ORIGIN).expect("an origin");
        let text = Checkpoint { origin, size: size as u64, root }.to_text();
        let signatures = keys.iter().map(|key| key.sign(&text)).collect();
        self.files.insert(path.to_owned(), Note { text, signatures }.to_text().into_bytes());
        self.listed()
    }

    /// With the checkpoint over the first entries kept, and that root.
    fn keeping(self, size: usize, root: Option<Hash>, keys: &[SecretKey]) -> Self {
        let leaves: Vec<Hash> = self.entries.iter().take(size).map(|bytes| Hash::leaf(bytes)).collect();
        self.checkpoint(&format!("checkpoints/{size}"), size, root.unwrap_or_else(|| root_of(&leaves)), keys)
    }

    fn cosigned(self, time: u64) -> Self {
        self.cosigned_over(|text| text, time)
    }

    fn cosigned_wrong(self) -> Self {
        self.cosigned_over(|_| "another text\n", 1_930_000_000)
    }

    fn cosigned_over(mut self, text: fn(&str) -> &str, time: u64) -> Self {
        let bytes = self.files.remove("checkpoint").expect("a checkpoint");
        let mut note = Note::parse(&bytes).expect("a note");
        note.signatures.push(witness().cosign(text(&note.text), time));
        self.files.insert("checkpoint".to_owned(), note.to_text().into_bytes());
        self.under(witnessed()).listed()
    }

    fn under(mut self, policy: String) -> Self {
        self.policy = policy;
        self
    }

    fn listed(mut self) -> Self {
        self.files.remove("manifest");
        let digests = self.files.iter().map(|(path, bytes)| (path.clone(), Hash::of(&[bytes]))).collect();
        self.files.insert("manifest".to_owned(), Manifest(digests).to_text().into_bytes());
        self
    }

    /// With a file bent after the manifest was written.
    fn bent(mut self, path: &str, bend: fn(&mut Vec<u8>)) -> Self {
        bend(self.files.get_mut(path).expect("a file"));
        self
    }

    fn body(&self) -> String {
        let mut body = format!("policy: {}\n", to_base64(self.policy.as_bytes()));
        for (path, bytes) in &self.files {
            let _ = writeln!(body, "file: {path} {}", to_base64(bytes)); // a string takes it all
        }
        body
    }
}

type Case = (&'static str, &'static str, &'static str, fn() -> Bundle);

static CASES: &[Case] = &[
    ("ok", "ok", "six entries in two batches", Bundle::small),
    ("ok-kept", "ok", "with the checkpoint of the first batch", || Bundle::small().keeping(2, None, &[log_key()])),
    ("ok-two-keys", "ok", "signed by two keys of the policy, one of them genesis's", || {
        Bundle::small().built(&[other_key(), log_key()]).under(policy(&[other_key(), log_key()]))
    }),
    ("ok-witness", "ok", "cosigned by the witness that the policy asks for", || {
        Bundle::small().cosigned(1_930_384_800)
    }),
    ("changed", "refused file-changed", "a byte of the entries, after the manifest", || {
        Bundle::small().bent("tile/entries/000.p/6", |bytes| bytes[400] ^= 1)
    }),
    ("no-signature", "refused checkpoint-signature", "signed by a key that the policy does not have", || {
        Bundle::small().built(&[other_key()])
    }),
    ("log-key", "refused log-key", "signed by a key of the policy that genesis does not name", || {
        Bundle::small().built(&[other_key()]).under(policy(&[log_key(), other_key()]))
    }),
    ("log-key-kept", "refused log-key", "so for a checkpoint that was kept", || {
        Bundle::small().keeping(2, None, &[other_key()]).under(policy(&[log_key(), other_key()]))
    }),
    ("quorum", "cannot-tell", "no witness has seen it, or its line was lost", || Bundle::small().under(witnessed())),
    ("quorum-forged", "refused quorum", "the line of the witness is over another text", || {
        Bundle::small().under(witnessed()).cosigned_wrong()
    }),
    ("other-log", "cannot-tell", "the policy has no key for this log", || {
        let other = SecretKey::new("other.example/log", &[9; 32]);
        Bundle::small().under(policy(&[other]))
    }),
    ("root", "refused root", "a checkpoint of another root", || {
        let bundle = Bundle::small();
        let size = bundle.entries.len();
        bundle.checkpoint("checkpoint", size, Hash::leaf(b"another"), &[log_key()])
    }),
    ("root-kept", "refused root", "a kept checkpoint of another root", || {
        Bundle::small().keeping(2, Some(Hash::leaf(b"another")), &[log_key()])
    }),
    ("kept-unsealed", "refused size", "a kept checkpoint in the middle of a batch", || {
        Bundle::small().keeping(4, None, &[log_key()])
    }),
    ("ahead", "refused ahead", "a kept checkpoint of more entries", || {
        Bundle::small().checkpoint("checkpoints/7", 7, Hash::leaf(b"x"), &[log_key()])
    }),
    ("unsealed", "refused not-sealed", "the last entry is no seal", || Bundle::of(&Log::with_request())),
    ("chain", "refused chain", "an entry that does not follow the one before it", || {
        let mut bundle = Bundle::small();
        let text = String::from_utf8(bundle.entries[3].clone()).expect("text");
        let prev = text.split(['\n', ' ']).nth(3).expect("the leaf before").to_owned();
        bundle.entries[3] = text.replacen(&prev, &Hash::leaf(b"another").to_base64(), 1).into_bytes();
        bundle.built(&[log_key()])
    }),
    ("admission", "refused 5 at 4", "an entry by a key that nobody enrolled", || {
        let mut log = Log::begun();
        let seal = log.seal();
        log.say(seal, &[SEALS]);
        for (party, role) in [("fac-one", "facility"), ("cso-one", "cso")] {
            let who: Who = (party, "desk");
            let enrolled = log.enrolment(who, role);
            log.say(enrolled, &[who, ("op", "one")]);
        }
        let request = log.request();
        log.say(request, &[("cso-one", "two")]);
        Bundle::of(&log)
    }),
    ("time", "refused time", "received a day after a witness had seen it", || Bundle::small().cosigned(1_930_298_400)),
];

pub fn all() -> Vec<Made> {
    let made = |(name, expect, comment, bundle): &Case| {
        crate::vector(&format!("bundle/{name}"), expect, &format!("test keys: {comment}"), &bundle().body())
    };
    CASES.iter().map(made).collect()
}
