//! Packs that rest on keys and erasures which an honest log could, or could not, have admitted. Each is as good as whoever
//! holds the log's key and that of seals can make it: entries, index, seal and checkpoint fit one another.

use std::collections::BTreeMap;

use schemas::checkpoint::Checkpoint;
use schemas::entry::Entry;
use schemas::event::RefValue;
use schemas::hash::Hash;
use schemas::note::Note;
use schemas::opening::Slot;
use schemas::pack::{Pack, Proven};
use schemas::value::Value;
use verifier::admit::SEAL;
use verifier::signature::SecretKey;

use crate::forge::{Draft, Forge, Pages, Said, lines};
use crate::packs::Desk;
use crate::world::World;

/// The stream of all these packs, and its party.
pub const STREAM: &str = "organisation/cso-x";
/// The party.
pub const PARTY: &str = "cso-x";

/// A pack, and what it is worth in the words of the page: `verified`, `partly`, `not_verified`.
pub struct Case {
    /// What is the matter with it.
    pub what: &'static str,
    /// The pack.
    pub pack: Pack,
    /// The policy under which it is read.
    pub policy: String,
    /// Its verdict.
    pub verdict: &'static str,
    /// Leaves of the whole log behind it.
    pub leaves: Vec<Hash>,
}

/// The golden log with something said at its end.
struct Liar<'a> {
    world: &'a World,
    forge: Forge<'a>,
    /// What was said, and whether the index puts it into the stream.
    said: Vec<(Said, bool)>,
}

impl<'a> Liar<'a> {
    fn new(world: &'a World) -> Self {
        Self { world, forge: Forge::of(world), said: Vec::new() }
    }

    /// Says something, signed by these keys; `shown` puts it into the stream.
    fn say(&mut self, draft: Draft, keys: &[&SecretKey], shown: bool) {
        self.said.push((draft.signed(keys), shown));
    }

    fn enrolment(&mut self, by: &str, holder: &str, role: &str, key: &SecretKey) -> Draft {
        let draft = self.forge.draft("key.enrolled", by).id(&format!("key-{holder}")).with("organisation", by);
        let draft = draft.with("holder", holder).with("role", role).with("alg", "ed25519");
        draft.with("public_key", &key.vkey().to_string()).with("valid_from", "2025-03-01T00:00:00Z")
    }

    /// A record about the party.
    fn record(&mut self, by: &str) -> Draft {
        match by {
            PARTY => self.forge.draft("access.request.submitted", by).id("new").with("organisation", by),
            _ => self.accessed(by),
        }
    }

    fn accessed(&mut self, by: &str) -> Draft {
        self.forge.draft("data.accessed", by).with("reader", PARTY).with("purpose", "audit").with("scope", "row")
    }

    /// The pack, of a log that ends with a seal over an index that fits, and the leaves of that log.
    fn pack(self) -> (Pack, Vec<Hash>) {
        let mut entries = Pages::of(&self.world.bundle).entries;
        let mut openings = lines(&self.world.openings);
        let honest = Desk::new(
            &self.world.origin,
            entries.clone(),
            openings.clone(),
            Note { text: String::new(), signatures: Vec::new() },
            "",
        );
        let now = self.forge.now();
        let mut chain = |note: &Note, opening: Option<String>| {
            let prev = entries.last().map_or(Hash::default(), |bytes| Hash::leaf(bytes));
            let position = entries.len() as u64;
            entries.push(Entry::bytes(position, now, prev, note.to_text().as_bytes()));
            openings.push(opening.unwrap_or_default());
            position
        };
        let mut streams: BTreeMap<String, Vec<u64>> = honest.streams.clone();
        // The seal that ended the honest log entered the operator's stream after it.
        streams.entry("organisation/op".to_owned()).or_default().push(honest.size() - 1);
        let mut beside = Vec::new();
        for (said, shown) in &self.said {
            let opening = said.opening.clone();
            let position = entries_len(&honest, &beside, &streams);
            let line = opening.map(|line| schemas::opening::OpeningLine { entry: position, ..line }.to_json());
            let position = chain(&said.note, line);
            if *shown {
                streams.entry(STREAM.to_owned()).or_default().push(position);
            } else {
                beside.push(position);
            }
        }
        let bare = desk(self.world, entries.clone(), openings.clone());
        let mut index = bare.index_of(&streams);
        let number = |n: u64| Value::Integer(i64::try_from(n).expect("a small log"));
        let mut forge = self.forge;
        let seal = forge.draft(SEAL, "op").value("batch", number(bare.state().batches() + 1));
        let seal = seal.with("map_root", &index.root().to_hex()).value("size", number(bare.size()));
        let seal = seal.value("streams", number(streams.len() as u64)).signed(&[&forge.seal_key()]);
        let prev = entries.last().map_or(Hash::default(), |bytes| Hash::leaf(bytes));
        entries.push(Entry::bytes(bare.size(), now, prev, seal.note.to_text().as_bytes()));
        openings.push(String::new());
        let leaves = entries.iter().map(|bytes| Hash::leaf(bytes)).collect();
        let told = desk(self.world, entries, openings);
        let mut pack = told.pack_with(STREAM, PARTY, &mut index, &streams[STREAM]);
        bring(&mut pack, &told, beside);
        (pack, leaves)
    }
}

/// Where the next entry will stand.
fn entries_len(honest: &Desk, beside: &[u64], streams: &BTreeMap<String, Vec<u64>>) -> u64 {
    let added = streams[STREAM].iter().filter(|position| **position >= honest.size()).count();
    honest.size() + (beside.len() + added) as u64
}

/// Brings these entries too, beside the records.
fn bring(pack: &mut Pack, desk: &Desk, positions: Vec<u64>) {
    let mut keys: BTreeMap<u64, Proven> = pack.keys.drain(..).map(|proven| (proven.index, proven)).collect();
    keys.extend(positions.into_iter().map(|position| (position, desk.proven(position))));
    pack.keys = keys.into_values().collect();
}

fn desk(world: &World, entries: Vec<Vec<u8>>, openings: Vec<String>) -> Desk {
    let leaves: Vec<Hash> = entries.iter().map(|bytes| Hash::leaf(bytes)).collect();
    let root = verifier::tree::root_of(&leaves);
    let text = Checkpoint { origin: world.origin.clone(), size: entries.len() as u64, root }.to_text();
    let note = Note { signatures: vec![world.log_key.sign(&text)], text };
    Desk::new(&world.origin, entries, openings, note, &policy(world))
}

fn policy(world: &World) -> String {
    format!("log {}\nquorum none\n", world.log_key.vkey())
}

/// A key of a holder whom the log does not know.
fn stranger(world: &World, party: &str, holder: &str) -> SecretKey {
    SecretKey::new(&world.origin.holder_key_name(party, holder), &[77; 32])
}

/// Says that the slot of a record was erased by the entry of that type which was said last.
fn erase(pack: &mut Pack, kind: &str, slot: &str) {
    let read = |proven: &Proven| Entry::parse(&proven.entry).expect("an entry").signed.event;
    let by = pack.items.iter().rev().find(|item| read(&item.proven).kind == "erasure.executed").expect("an erasure");
    let by = by.proven.index;
    let item = pack.items.iter_mut().find(|item| read(&item.proven).kind == kind).expect("a record of that type");
    let names = schemas::catalogue::Catalogue::built_in().event(kind).expect("a type").slots();
    let place = names.iter().position(|name| *name == slot).expect("a slot");
    item.slots[place] = Slot::ErasedBy(by);
}

/// Packs on keys.
pub fn keys(world: &World) -> Vec<Case> {
    let case = |what, verdict, say: &dyn Fn(&mut Liar<'_>)| {
        let mut liar = Liar::new(world);
        say(&mut liar);
        let (pack, leaves) = liar.pack();
        Case { what, pack, policy: policy(world), verdict, leaves }
    };
    let key = |party: &str, holder: &str| Forge::of(world).key(party, holder);
    let (o1, o2, n1, x1, m1) =
        (key("op", "o1"), key("op", "o2"), key("npm", "n1"), key("cso-x", "x1"), key("min", "m1"));
    let new = |party: &str| stranger(world, party, "new");
    let enrolled =
        |liar: &mut Liar<'_>, by: &str, role: &str, signers: &[&SecretKey], bend: &dyn Fn(Draft) -> Draft| {
            let key = new(by);
            let draft = liar.enrolment(by, "new", role, &key);
            liar.say(bend(draft), signers, by == PARTY);
            let record = liar.record(by);
            liar.say(record, &[&key], true);
        };
    let as_is = |draft: Draft| draft;
    let mut cases = vec![
        case("as the log admits it", "verified", &|l| enrolled(l, PARTY, "cso", &[&new(PARTY), &o1], &as_is)),
        case("by a key of its party", "verified", &|l| enrolled(l, PARTY, "cso", &[&x1, &o1], &as_is)),
        case("by the new key alone", "not_verified", &|l| enrolled(l, PARTY, "cso", &[&new(PARTY)], &as_is)),
        case("by the new key alone, in another's name", "not_verified", &|l| {
            enrolled(l, "min", "ministry", &[&new("min")], &as_is);
        }),
        case("by the operator alone", "not_verified", &|l| enrolled(l, "op", "operator", &[&o1], &as_is)),
        case("seconded by a ministry", "not_verified", &|l| enrolled(l, PARTY, "cso", &[&new(PARTY), &m1], &as_is)),
        case("one holder on both lines", "not_verified", &|l| {
            enrolled(l, PARTY, "cso", &[&new(PARTY), &new(PARTY)], &as_is);
        }),
        case("the operator first", "not_verified", &|l| enrolled(l, PARTY, "cso", &[&o1, &new(PARTY)], &as_is)),
        case("another role than its party has", "not_verified", &|l| {
            enrolled(l, PARTY, "ministry", &[&new(PARTY), &o1], &as_is);
        }),
        case("a second operator", "not_verified", &|l| enrolled(l, PARTY, "operator", &[&x1, &o1], &as_is)),
        case("a party that its enrolment makes operator", "not_verified", &|l| {
            enrolled(l, "nobody", "operator", &[&new("nobody"), &o1], &as_is);
        }),
        case("oversight that its enrolment makes", "not_verified", &|l| {
            enrolled(l, "nobody", "oversight", &[&new("nobody"), &o1], &as_is);
        }),
        case("oversight's, by the new key and the operator", "not_verified", &|l| {
            enrolled(l, "npm", "oversight", &[&new("npm"), &o1], &as_is);
        }),
        case("oversight's, by one that stands", "verified", &|l| {
            enrolled(l, "npm", "oversight", &[&n1, &o1], &as_is);
        }),
        case("the operator's, by itself and one other", "not_verified", &|l| {
            enrolled(l, "op", "operator", &[&new("op"), &o1], &as_is);
        }),
        case("the operator's, by two others", "verified", &|l| enrolled(l, "op", "operator", &[&o1, &o2], &as_is)),
        case("with the writer's key as second", "not_verified", &|l| {
            let seal = l.forge.seal_key();
            enrolled(l, PARTY, "cso", &[&new(PARTY), &seal], &as_is);
        }),
        case("a key under another holder's name", "not_verified", &|l| {
            enrolled(l, PARTY, "cso", &[&x1, &o1], &|draft| draft.with("holder", "else"));
        }),
        case("enrolled for another institution", "not_verified", &|l| {
            enrolled(l, PARTY, "cso", &[&x1, &o1], &|draft| {
                draft.with("organisation", "fac-a").with("role", "facility")
            });
        }),
        case("not as the catalogue says", "not_verified", &|l| {
            enrolled(l, PARTY, "cso", &[&x1, &o1], &|draft| draft.with("alg", "rsa"));
        }),
        case("without what the catalogue requires", "not_verified", &|l| {
            enrolled(l, PARTY, "cso", &[&x1, &o1], &|draft| {
                draft.but(|event| {
                    event.data.remove("alg");
                })
            });
        }),
        case("over when it is enrolled", "not_verified", &|l| {
            enrolled(l, PARTY, "cso", &[&x1, &o1], &|draft| draft.with("valid_to", "2025-03-02T00:00:00Z"));
        }),
        case("with an end to come", "verified", &|l| {
            enrolled(l, PARTY, "cso", &[&x1, &o1], &|draft| draft.with("valid_to", "2035-03-02T00:00:00Z"));
        }),
        case("one key under two names, as two holders", "not_verified", &|l| {
            let twin = SecretKey::new(&world.origin.holder_key_name(PARTY, "twin"), &[77; 32]);
            let (draft, key) = (l.enrolment(PARTY, "new", "cso", &new(PARTY)), new(PARTY));
            l.say(draft, &[&key, &o1], true);
            let draft = l.enrolment(PARTY, "twin", "cso", &twin);
            l.say(draft, &[&twin, &o1], true);
            let draft = l.forge.draft("record.corrected", PARTY).to("target", "cso-x/access.request.submitted/r1");
            l.say(draft.with("field_name", "purpose").with("reason", "typo"), &[&key, &twin], true);
        }),
        case("the writer's key signs more than seals", "not_verified", &|l| {
            let (record, seal) = (l.record("op"), l.forge.seal_key());
            l.say(record, &[&seal], true);
        }),
        case("reported by a role that may not", "not_verified", &|l| {
            let record = l.accessed(PARTY);
            l.say(record, &[&x1], true);
        }),
        case("a number that its key used before", "not_verified", &|l| {
            let mut twice = [l.record("op"), l.record("op")];
            twice[1].event.seq = twice[0].event.seq;
            let [first, second] = twice;
            l.say(first, &[&o1], true);
            l.say(second, &[&o1], true);
        }),
    ];
    for (what, verdict, signers) in [
        ("a rotation by one that stands", "verified", [&x1, &o1]),
        ("a rotation by the key that it brings", "not_verified", [&new_x1(world), &o1]),
        ("a rotation seconded by a ministry", "not_verified", [&x1, &m1]),
    ] {
        cases.push(case(what, verdict, &|l| {
            let new = new_x1(world);
            let draft = l.forge.draft("key.rotated", PARTY).with("organisation", PARTY).with("holder", "x1");
            let draft = draft.with("public_key", &new.vkey().to_string()).with("reason", "rotation");
            l.say(draft.with("valid_from", "2025-03-01T00:00:00Z"), &signers, true);
            let record = l.record(PARTY);
            l.say(record, &[&new], true);
        }));
    }
    cases.extend(genesis(world));
    cases
}

/// Packs whose own entries open a window of doubt, or none, and how many of their entries are doubtful.
pub fn doubts(world: &World) -> Vec<(Case, u64)> {
    let key = |party: &str, holder: &str| Forge::of(world).key(party, holder);
    let (o1, n1, x2) = (key("op", "o1"), key("npm", "n1"), key(PARTY, "x2"));
    let case = |what, by: &str, since: &str, author: &SecretKey, shown: bool| {
        let mut liar = Liar::new(world);
        let draft = liar.forge.draft("key.revoked", by).with("organisation", PARTY).with("holder", "x1");
        let draft = draft.with("revoked_at", since).with("reason", "compromise");
        liar.say(draft, &[author, &o1], shown);
        let (pack, leaves) = liar.pack();
        Case { what, pack, policy: policy(world), verdict: "verified", leaves }
    };
    let stolen = "2025-03-04T00:00:00Z";
    vec![
        (case("by the party itself", PARTY, stolen, &x2, true), 1),
        (case("beside the records", PARTY, stolen, &x2, false), 1),
        (case("from the day of the revocation on", PARTY, "2025-03-20T00:00:00Z", &x2, true), 0),
        (case("by oversight, which looks forward alone", "npm", stolen, &n1, true), 0),
    ]
}

/// Packs with what only a newer catalogue has, and words of the reason.
pub fn foreign(world: &World) -> Vec<(Case, &'static str)> {
    let key = |party: &str, holder: &str| Forge::of(world).key(party, holder);
    let (x1, o1, n1) = (key(PARTY, "x1"), key("op", "o1"), key("npm", "n1"));
    let told = |what, verdict, say: &dyn Fn(&mut Liar<'_>)| {
        let mut liar = Liar::new(world);
        say(&mut liar);
        let (pack, leaves) = liar.pack();
        Case { what, pack, policy: policy(world), verdict, leaves }
    };
    let newer = |l: &mut Liar<'_>, by: &SecretKey, shown: bool| {
        let draft = l.record(PARTY).but(|event| event.v = 2);
        l.say(draft, &[by], shown);
    };
    let case = |what, bend: fn(Draft) -> Draft| {
        told(what, "cannot_tell", &|l| {
            let draft = l.record(PARTY);
            l.say(bend(draft), &[&x1], true);
        })
    };
    let unknown = stranger(world, PARTY, "new");
    let before_a_stranger = |shown| {
        let (newer, x1, unknown) = (&newer, &x1, &unknown);
        move |l: &mut Liar<'_>| {
            newer(l, x1, shown);
            let draft = l.accessed("op");
            l.say(draft, &[unknown], true);
        }
    };
    let mut erased = told("a newer version before a lawful erasure", "cannot_tell", &|l| {
        newer(l, &x1, true);
        let many = |mut draft: Draft| {
            let all = RefValue::Many(vec!["cso-x/access.request.submitted/r1".to_owned()]);
            draft.event.refs.insert("targets".to_owned(), all);
            draft
        };
        let fields = || Value::List(vec![Value::Text("target".to_owned())]);
        let draft = l.forge.draft("erasure.requested", "npm").id("e1").with("basis", "data_subject_request");
        l.say(many(draft.value("fields", fields())), &[&n1], true);
        let draft = l.forge.draft("erasure.decided", "npm").with("decision", "granted").to("erasure", "npm/e1");
        l.say(draft, &[&n1], true);
        let draft = l.forge.draft("erasure.executed", "op").value("fields", fields()).to("erasure", "npm/e1");
        l.say(many(draft), &[&o1, &n1], true);
    });
    erase(&mut erased.pack, "access.request.submitted", "target");
    vec![
        (
            case("a newer type", |draft| draft.but(|event| "access.request.repeated".clone_into(&mut event.kind))),
            "no type",
        ),
        (case("a newer version", |draft| draft.but(|event| event.v = 2)), "in version 2"),
        (erased, "in version 2"),
        (
            told("a newer version before a record by a stranger", "not_verified", &before_a_stranger(true)),
            "in version 2",
        ),
        (
            told("a newer version beside the records, before a stranger's", "not_verified", &before_a_stranger(false)),
            "in version 2",
        ),
        (told("a newer version by a stranger", "not_verified", &|l| newer(l, &unknown, true)), "in version 2"),
        (
            told("a newer version, altered", "not_verified", &|l| {
                newer(l, &x1, true);
                let (said, _) = l.said.last_mut().expect("what was said");
                said.note.text = said.note.text.replace("\"v\":2", "\"v\":3");
            }),
            "in version 3",
        ),
    ]
}

fn new_x1(world: &World) -> SecretKey {
    stranger(world, PARTY, "x1")
}

/// Packs that do not go back to genesis, or to another than signed.
fn genesis(world: &World) -> Vec<Case> {
    let honest = || Liar::new(world).pack().0;
    let mut without = honest();
    without.keys.retain(|proven| proven.index != 0);
    let other = SecretKey::new(world.origin.as_str(), &[78; 32]);
    let mut resigned = honest();
    resigned.checkpoint.signatures = vec![other.sign(&resigned.checkpoint.text)];
    let both = format!("log {}\nlog {}\nquorum none\n", world.log_key.vkey(), other.vkey());
    let mut signed_twice = honest();
    signed_twice.checkpoint.signatures.push(other.sign(&signed_twice.checkpoint.text));
    let case =
        |what, pack, policy: &str, verdict| Case { what, pack, policy: policy.to_owned(), verdict, leaves: Vec::new() };
    vec![
        case("without genesis", without, &policy(world), "not_verified"),
        case("a checkpoint by another key of the policy than genesis names", resigned, &both, "not_verified"),
        case("a checkpoint by that and another key", signed_twice, &both, "verified"),
    ]
}

/// Packs with an erased value.
pub fn erasures(world: &World) -> Vec<Case> {
    const REQUEST: &str = "cso-x/access.request.submitted/r1";
    const VISIT: &str = "fac-a/visit.completed/r1";
    let key = |party: &str, holder: &str| Forge::of(world).key(party, holder);
    let (o1, o2, n1, x1) = (key("op", "o1"), key("op", "o2"), key("npm", "n1"), key("cso-x", "x1"));
    let many = |name: &'static str, all: &[&str]| {
        let all: Vec<String> = all.iter().map(|one| (*one).to_owned()).collect();
        move |draft: Draft| {
            draft.but(|event| {
                event.refs.insert(name.to_owned(), RefValue::Many(all));
            })
        }
    };
    let fields = |all: &[&str]| Value::List(all.iter().map(|one| Value::Text((*one).to_owned())).collect());
    let request = |l: &mut Liar<'_>, target: &str, basis: &str, shown: bool| {
        let draft = l
            .forge
            .draft("erasure.requested", "npm")
            .id("e1")
            .with("basis", basis)
            .value("fields", fields(&["target"]));
        l.say(many("targets", &[target])(draft), &[&n1], shown);
    };
    let decide = |l: &mut Liar<'_>, decision: &str, shown: bool| {
        let draft = l.forge.draft("erasure.decided", "npm").with("decision", decision).to("erasure", "npm/e1");
        l.say(draft, &[&n1], shown);
    };
    let execute = |l: &mut Liar<'_>, names: &[&str], keys: &[&SecretKey]| {
        let draft = l.forge.draft("erasure.executed", "op").value("fields", fields(names)).to("erasure", "npm/e1");
        l.say(many("targets", &[REQUEST])(draft), keys, true);
    };
    let case = |what, verdict, say: &dyn Fn(&mut Liar<'_>)| {
        let mut liar = Liar::new(world);
        say(&mut liar);
        let (mut pack, leaves) = liar.pack();
        erase(&mut pack, "access.request.submitted", "target");
        Case { what, pack, policy: policy(world), verdict, leaves }
    };
    let lawful = |l: &mut Liar<'_>| {
        request(l, REQUEST, "data_subject_request", true);
        decide(l, "granted", true);
        execute(l, &["target"], &[&o1, &n1]);
    };
    vec![
        case("lawful", "partly", &lawful),
        case("lawful, asked for in another stream", "partly", &|l| {
            request(l, VISIT, "data_subject_request", false);
            decide(l, "granted", false);
            execute(l, &["target"], &[&o1, &n1]);
        }),
        case("lawful, evidence of a finding whose closing is in another stream", "partly", &|l| {
            let finding = l.forge.draft("finding.issued", "npm").id("f1");
            l.say(many("evidence", &[REQUEST])(finding), &[&n1], true);
            let closed = l.forge.draft("finding.closed", "npm").to("finding", "npm/f1").with("outcome", "remedied");
            l.say(closed, &[&n1], false);
            lawful(l);
        }),
        case("nobody decided", "not_verified", &|l| {
            request(l, REQUEST, "data_subject_request", true);
            execute(l, &["target"], &[&o1, &n1]);
        }),
        case("refused", "not_verified", &|l| {
            request(l, REQUEST, "data_subject_request", true);
            decide(l, "refused", true);
            execute(l, &["target"], &[&o1, &n1]);
        }),
        case("decided afterwards", "not_verified", &|l| {
            request(l, REQUEST, "data_subject_request", true);
            execute(l, &["target"], &[&o1, &n1]);
            decide(l, "granted", true);
        }),
        case("not asked for", "not_verified", &|l| execute(l, &["target"], &[&o1, &n1])),
        case("a lint, of what is no text", "not_verified", &|l| {
            request(l, REQUEST, "pii_lint", true);
            execute(l, &["target"], &[&o1, &n1]);
        }),
        case("two holders of the operator", "not_verified", &|l| {
            request(l, REQUEST, "data_subject_request", true);
            decide(l, "granted", true);
            execute(l, &["target"], &[&o1, &o2]);
        }),
        case("the party itself as second", "not_verified", &|l| {
            request(l, REQUEST, "data_subject_request", true);
            decide(l, "granted", true);
            execute(l, &["target"], &[&o1, &x1]);
        }),
        case("a public field among them", "not_verified", &|l| {
            request(l, REQUEST, "data_subject_request", true);
            decide(l, "granted", true);
            execute(l, &["target", "purpose"], &[&o1, &n1]);
        }),
        case("another field", "not_verified", &|l| {
            request(l, REQUEST, "data_subject_request", true);
            decide(l, "granted", true);
            execute(l, &["team"], &[&o1, &n1]);
        }),
        case("oversight whose key could not be admitted", "not_verified", &|l| {
            let new = stranger(world, "npm", "new");
            let draft = l.enrolment("npm", "new", "oversight", &new);
            l.say(draft, &[&new], false);
            request(l, REQUEST, "data_subject_request", true);
            decide(l, "granted", true);
            execute(l, &["target"], &[&o1, &new]);
        }),
    ]
}
