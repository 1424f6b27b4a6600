//! Packs of one stream of a small log, under a policy that their reader holds. FORMAT.md 14.2.

use schemas::base::to_base64;
use schemas::checkpoint::Checkpoint;
use schemas::hash::Hash;
use schemas::note::{Note, Origin};
use schemas::pack::{Item, Pack, Proven, Shown};
use schemas::stream::Head;
use verifier::levels::Levels;
use verifier::signature::SecretKey;

use crate::Made;
use crate::bundles::{other_key, policy, small};
use crate::events::ORIGIN;
use crate::log::{Log, log_key};

/// A pack, and the policy of its reader.
struct Carried {
    pack: Pack,
    policy: String,
}

impl Carried {
    /// The pack of a stream, with nothing opened, as an honest ledger makes it.
    fn of(log: &Log, stream: &str) -> Self {
        let mut state = log.state();
        let levels: Levels = log.entries().iter().map(|bytes| Hash::leaf(bytes)).collect();
        let size = log.size();
        let origin = Origin::parse(ORIGIN).expect("an origin");
        let root = levels.root(size).expect("its own size");
        let text = Checkpoint { origin: origin.clone(), size, root }.to_text();
        let proven = |index: u64| {
            let proof = levels.inclusion(index, size).expect("an entry of the log");
            Proven { entry: log.entries()[usize::try_from(index).expect("a small log")].clone(), index, proof }
        };
        let (proof, head) = state.prove_sealed(stream).expect("a sealed log");
        let shown = match (head, proof.leaf) {
            (Some(Head { count, last, root }), _) => Shown::Present { count, last, root },
            (None, Some((key, head))) => Shown::Absent { key, head },
            (None, None) => panic!("a map with streams"),
        };
        let items = state.sealed_items(stream);
        // Genesis and the two enrolments; what is an item is no key line.
        let keys = [0, 2, 3].into_iter().filter(|index| !items.contains(index)).map(proven).collect();
        let item = |index| Item { proven: proven(index), digests: Vec::new(), slots: Vec::new() };
        let pack = Pack {
            audience: "public".to_owned(),
            ledger: origin,
            stream: stream.to_owned(),
            checkpoint: Note { signatures: vec![log_key().sign(&text)], text },
            policy: policy(&[log_key()]),
            seal: proven(size - 1),
            shown,
            path: proof.path,
            since: Vec::new(),
            statements: Vec::new(),
            items: items.iter().map(|index| item(*index)).collect(),
            keys,
        };
        Self { pack, policy: policy(&[log_key()]) }
    }

    fn small() -> Self {
        Self::of(&small(), "organisation/cso-one")
    }

    fn but(mut self, bend: fn(&mut Pack)) -> Self {
        bend(&mut self.pack);
        self
    }

    fn under(mut self, keys: &[SecretKey]) -> Self {
        self.policy = policy(keys);
        self
    }

    fn signed(mut self, keys: &[SecretKey]) -> Self {
        let text = self.pack.checkpoint.text.clone();
        self.pack.checkpoint.signatures = keys.iter().map(|key| key.sign(&text)).collect();
        self
    }
}

type Case = (&'static str, &'static str, &'static str, fn() -> Carried);

static CASES: &[Case] = &[
    ("ok", "ok", "the stream of an organisation: its key, and its request", Carried::small),
    ("ok-absent", "ok", "a stream that the log does not have", || Carried::of(&small(), "organisation/cso-nine")),
    ("ok-facility", "ok", "the stream of a facility", || Carried::of(&small(), "facility/fac-one")),
    ("dropped", "refused record-count", "a record is left out", || Carried::small().but(|pack| drop(pack.items.pop()))),
    ("dropped-and-counted", "refused map", "a record is left out, and the count is less", || {
        Carried::small().but(|pack| {
            pack.items.pop();
            if let Shown::Present { count, .. } = &mut pack.shown {
                *count -= 1;
            }
        })
    }),
    ("hidden", "refused map", "a stream is told to be absent", || {
        let absent = Carried::of(&small(), "organisation/cso-nine").pack;
        let mut carried = Carried::small();
        (carried.pack.shown, carried.pack.path) = (absent.shown, absent.path);
        carried.pack.items.clear();
        carried
    }),
    ("another-entry", "refused proof", "an entry that the tree does not have", || {
        Carried::small().but(|pack| pack.items[1].proven.entry[200] ^= 1)
    }),
    ("other-entry", "refused records-other", "another entry of the log in a record's place", || {
        let other = Carried::of(&small(), "facility/fac-one").pack.items[0].clone();
        let mut carried = Carried::small();
        carried.pack.items[0] = other;
        carried.pack.keys.retain(|key| key.index != 2);
        carried
    }),
    ("no-signature", "refused checkpoint-signature", "signed by a key that the policy does not have", || {
        Carried::small().signed(&[other_key()])
    }),
    ("other-log", "cannot-tell", "the policy has no key for this log", || {
        Carried::small().under(&[SecretKey::new("other.example/log", &[9; 32])])
    }),
    ("header", "refused other-log", "the header names another log than the checkpoint", || {
        Carried::small().but(|pack| pack.ledger = Origin::parse("other.example/log").expect("an origin"))
    }),
    ("early-seal", "refused not-sealed", "another entry in the seal's place", || {
        Carried::small().but(|pack| pack.seal = pack.items[1].proven.clone())
    }),
];

pub fn all() -> Vec<Made> {
    let made = |(name, expect, comment, carried): &Case| {
        let carried = carried();
        let body = format!("policy: {}\n{}", to_base64(carried.policy.as_bytes()), carried.pack.to_text());
        crate::vector(&format!("pack/{name}"), expect, &format!("test keys: {comment}"), &body)
    };
    CASES.iter().map(made).collect()
}
