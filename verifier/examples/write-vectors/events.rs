//! The golden events: one for each type of value, and one for each shape that an event can have.

use schemas::catalogue::Catalogue;
use schemas::event::{Event, Head, RefValue};
use schemas::hash::Hash;
use schemas::note::{Note, Origin};
use schemas::opening::{Disclosure, OpeningLine, hidden_root};
use schemas::time::Date;
use schemas::value::Value;
use verifier::signature::SecretKey;

use crate::Made;

/// Origin of the log that no one keeps.
pub const ORIGIN: &str = "vectors.example/log";
/// Secret bytes of the author's test key; worth nothing, for everybody knows them.
pub const AUTHOR_SEED: [u8; 32] = [0x01; 32];
/// Secret bytes of the approver's test key.
pub const APPROVER_SEED: [u8; 32] = [0x02; 32];

/// What a golden event says.
pub struct Golden {
    pub name: &'static str,
    comment: &'static str,
    kind: &'static str,
    by: &'static str,
    /// Party and holder of the second signature.
    approver: Option<(&'static str, &'static str)>,
    id: Option<&'static str>,
    refs: &'static [(&'static str, &'static [&'static str])],
    /// Values as canonical JSON.
    fields: &'static [(&'static str, &'static str)],
    lang: Option<&'static str>,
    channel: Option<&'static str>,
}

const PLAIN: Golden = Golden {
    name: "",
    comment: "",
    kind: "",
    by: "",
    approver: None,
    id: None,
    refs: &[],
    fields: &[],
    lang: None,
    channel: None,
};

static GOLDEN: [Golden; 20] = [
    Golden {
        name: "id",
        comment: "an id in public, an id and a code that are hidden",
        kind: "community.concern.recorded",
        by: "cso-one",
        id: Some("concern-1"),
        fields: &[("region", r#""XX-01""#), ("locality", r#""place:7""#), ("concern", r#""stigma""#)],
        ..PLAIN
    },
    Golden {
        name: "party",
        comment: "a party in public, a sealed text",
        kind: "restriction.reported",
        by: "cso-one",
        fields: &[
            ("organisation", r#""cso-one""#),
            ("kind", r#""surveillance""#),
            ("narrative", r#"{"lang":"en","text":"A car stood before the office for three days."}"#),
        ],
        ..PLAIN
    },
    Golden {
        name: "facility",
        comment: "a facility, and a ref to what it did",
        kind: "visit.countersigned",
        by: "cso-one",
        refs: &[("visit", &["fac-one/visit-1"])],
        fields: &[("facility", r#""fac-one""#), ("organisation", r#""cso-one""#), ("statement", r#""agree""#)],
        ..PLAIN
    },
    Golden {
        name: "code",
        comment: "a code of a code list; a facility that is optional and absent",
        kind: "recommendation.progress.reported",
        by: "adm-one",
        refs: &[("recommendation", &["npm-one/rec-1"])],
        fields: &[("status", r#""claimed_done""#)],
        channel: Some("cli"),
        ..PLAIN
    },
    Golden {
        name: "vkey",
        comment: "a verifier key; signed by the holder's former key and by the operator",
        kind: "key.rotated",
        by: "cso-one",
        approver: Some(("op-one", "desk")),
        refs: &[("key", &["op-one/key-cso-one-desk"])],
        fields: &[
            ("organisation", r#""cso-one""#),
            ("holder", r#""desk""#),
            (
                "public_key",
                r#""vectors.example/log/cso-one/desk+4ae970df+Ae1JKMYo0cLG6ukDOJBZlWEpWSc6XGP5NjbBRhSshzfR""#,
            ),
            ("valid_from", r#""2031-03-05T00:00:00Z""#),
            ("reason", r#""rotation""#),
        ],
        ..PLAIN
    },
    Golden {
        name: "date",
        comment: "a day",
        kind: "measure.ended",
        by: "fac-one",
        refs: &[("measure", &["fac-one/measure-1"])],
        fields: &[("facility", r#""fac-one""#), ("ended_on", r#""2031-03-04""#)],
        ..PLAIN
    },
    Golden {
        name: "time",
        comment: "an instant in public; the hidden occurred_at too is one",
        kind: "outage.ended",
        by: "fac-one",
        refs: &[("outage", &["fac-one/outage-1"])],
        fields: &[
            ("facility", r#""fac-one""#),
            ("ended_at", r#""2031-03-04T09:30:00Z""#),
            ("occurred_at", r#""2031-03-04T09:30:00Z""#),
            ("recorded_at", r#""2031-03-04T09:41:07Z""#),
        ],
        ..PLAIN
    },
    Golden {
        name: "count",
        comment: "a count; the event creates an id",
        kind: "device.enrolled",
        by: "fac-one",
        id: Some("device-1"),
        fields: &[("facility", r#""fac-one""#), ("first_seq", "9007199254740992")],
        ..PLAIN
    },
    Golden {
        name: "persons",
        comment: "numbers of persons, hidden, some of them absent: every slot is committed, the empty ones as null",
        kind: "visit.completed",
        by: "fac-one",
        id: Some("visit-1"),
        refs: &[("approval", &["fac-one/approval-1"])],
        fields: &[
            ("facility", r#""fac-one""#),
            ("organisation", r#""cso-one""#),
            ("visited_on", r#""2031-03-04""#),
            ("entered_at", r#""2031-03-04T09:55:00Z""#),
            ("left_at", r#""2031-03-04T11:25:00Z""#),
            ("duration", "90"),
            ("wait", "25"),
            ("team_in", "3"),
            ("private_interviews_refused", "false"),
            ("staff_present_at_interviews", "true"),
            ("interviews", "0"),
            ("participants_m_adult", "12"),
            ("completion", r#""normal""#),
        ],
        ..PLAIN
    },
    Golden {
        name: "minutes",
        comment: "minutes; a sealed text, and an optional ref that is there",
        kind: "visit.attempted",
        by: "cso-one",
        id: Some("attempt-1"),
        refs: &[("agreement", &["adm-one/agreement-1"]), ("notice_ref", &["cso-one/notice-1"])],
        fields: &[
            ("facility", r#""fac-one""#),
            ("organisation", r#""cso-one""#),
            ("attempted_on", r#""2031-03-04""#),
            ("arrived_at", r#""2031-03-04T09:30:00Z""#),
            ("outcome", r#""turned_away""#),
            ("wait", "110"),
            ("stated_reason", r#""staff_shortage""#),
            ("official", r#"{"lang":"fr","text":"Le chef de poste."}"#),
        ],
        ..PLAIN
    },
    Golden {
        name: "hours",
        comment: "hours; a field may bear the name of a member",
        kind: "visit.cancelled",
        by: "fac-one",
        refs: &[("slot", &["fac-one/slot-1"])],
        fields: &[
            ("facility", r#""fac-one""#),
            ("organisation", r#""cso-one""#),
            ("planned_on", r#""2031-03-06""#),
            ("by", r#""facility""#),
            ("reason", r#""staff_shortage""#),
            ("notice", "48"),
        ],
        ..PLAIN
    },
    Golden {
        name: "days",
        comment: "days, and nought of them",
        kind: "funding.refused",
        by: "fund-one",
        fields: &[
            ("organisation", r#""cso-one""#),
            ("reason", r#""budget_cut""#),
            ("notice", "0"),
            ("effective_on", r#""2031-03-04""#),
        ],
        ..PLAIN
    },
    Golden {
        name: "percent",
        comment: "tenths of a percent: 12.5 % is 125; the name is public, for the party is named, and its slot is null",
        kind: "organisation.registered",
        by: "op-one",
        fields: &[
            ("organisation", r#""cso-one""#),
            ("kind", r#""cso""#),
            ("name", r#"{"lang":"en","text":"First Organisation"}"#),
            ("registry_id", r#""R-1""#),
            ("founded_on", r#""2012-02-29""#),
            ("founded_by_state", "false"),
            ("board_size", "7"),
            ("officials_over_half", "false"),
            ("state_funding", "125"),
            ("identity_mode", r#""named""#),
            ("languages", r#"["en","fr"]"#),
        ],
        ..PLAIN
    },
    Golden {
        name: "money",
        comment: "an amount in minor units and its currency",
        kind: "funding.received",
        by: "cso-one",
        refs: &[("commitment", &["fund-one/grant-1"]), ("disbursement", &["fund-one/payment-1"])],
        fields: &[
            ("organisation", r#""cso-one""#),
            ("received_on", r#""2031-03-04""#),
            ("amount", r#"{"amount":1250050,"currency":"XTS"}"#),
        ],
        ..PLAIN
    },
    Golden {
        name: "text",
        comment: "a text with its language; only quotation mark, backslash and controls are escaped",
        kind: "finding.answered",
        by: "adm-one",
        refs: &[("finding", &["npm-one/finding-1"])],
        fields: &[("reply", r#"{"lang":"ar","text":"السجل صحيح.\nÉcrit \"tel quel\": a/b \\ 😀"}"#)],
        lang: Some("ar"),
        ..PLAIN
    },
    Golden {
        name: "digest",
        comment: "a digest of a document",
        kind: "visit.report.submitted",
        by: "cso-one",
        id: Some("report-1"),
        fields: &[
            ("facility", r#""fac-one""#),
            ("organisation", r#""cso-one""#),
            ("doc", r#""e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855""#),
            ("recommendations", "4"),
        ],
        ..PLAIN
    },
    Golden {
        name: "bool",
        comment: "a truth value",
        kind: "access.clarification.requested",
        by: "fac-one",
        id: Some("clarification-1"),
        refs: &[("request", &["cso-one/request-1"])],
        fields: &[
            ("facility", r#""fac-one""#),
            ("organisation", r#""cso-one""#),
            ("items", r#"["dates"]"#),
            ("tolls", "true"),
        ],
        ..PLAIN
    },
    Golden {
        name: "list",
        comment: "a list of facilities and one of codes, in the author's order",
        kind: "training.delivered",
        by: "prov-one",
        id: Some("training-1"),
        fields: &[
            ("facilities", r#"["fac-two","fac-one"]"#),
            ("topics", r#"["mandela_rules","cso_cooperation"]"#),
            ("audience", r#""mixed""#),
            ("delivered_on", r#""2031-03-04""#),
            ("hours", "6"),
            ("attendees_f", "9"),
            ("valid", "365"),
        ],
        ..PLAIN
    },
    Golden {
        name: "shape-address",
        comment: "a ref to any event is its address; two holders of one party sign",
        kind: "record.retracted",
        by: "cso-one",
        approver: Some(("cso-one", "lead")),
        refs: &[("target", &["cso-one/visit.countersigned/r-7"])],
        fields: &[("reason", r#""typo""#)],
        channel: Some("import"),
        ..PLAIN
    },
    Golden {
        name: "shape-no-slots",
        comment: "what the ledger's own clock writes hides nothing: no member hidden, no opening",
        kind: "ledger.index.sealed",
        by: "op-one",
        fields: &[
            ("batch", "1"),
            ("map_root", r#""e52d9c508c502347344d8c07ad91cbd6068afc75ff6292f062a09ca381c89e71""#),
            ("size", "12"),
            ("streams", "0"),
        ],
        ..PLAIN
    },
];

impl Golden {
    /// The golden event of that name.
    pub fn named(name: &str) -> &'static Self {
        GOLDEN.iter().find(|golden| golden.name == name).expect("a golden event")
    }

    /// The event, and its opening line where the type has slots.
    pub fn event(&self) -> (Event, Option<Vec<Disclosure>>) {
        let kind = Catalogue::built_in().event(self.kind).expect("a type of the catalogue");
        let mut event = Event::new(&Head {
            kind: (self.kind, kind.v),
            ledger: &Origin::parse(ORIGIN).expect("an origin"),
            by: self.by,
            row: "r-1",
            seq: 1,
            at: Date::parse("2031-03-04").expect("a day"),
        });
        event.id = self.id.map(|id| format!("{}/{id}", self.by));
        event.lang = self.lang.map(str::to_owned);
        event.channel = self.channel.map(str::to_owned);
        for (name, targets) in self.refs {
            let targets: Vec<String> = targets.iter().map(|t| (*t).to_owned()).collect();
            let many = kind.reference(name).is_some_and(|r| r.many);
            let value = if many { RefValue::Many(targets) } else { RefValue::One(targets[0].clone()) };
            event.refs.insert((*name).to_owned(), value);
        }
        let value = |json: &str| Value::parse(json.as_bytes()).unwrap_or_else(|e| panic!("{json}: {e}"));
        for (name, json) in self.fields {
            if kind.field(name).is_some_and(schemas::catalogue::Field::is_public) {
                event.data.insert((*name).to_owned(), value(json));
            }
        }
        if !kind.hides {
            return (event, None);
        }
        let slot = |name: &&str| Disclosure {
            salt: Hash::of(&[b"test vector salt ", self.name.as_bytes(), b" ", name.as_bytes()]).0,
            name: (*name).to_owned(),
            value: self
                .fields
                .iter()
                .find(|(field, _)| field == name && !event.data.contains_key(*name))
                .map(|(_, json)| value(json)),
        };
        let slots: Vec<Disclosure> = kind.slots().iter().map(slot).collect();
        event.hidden = Some(hidden_root(&slots.iter().map(Disclosure::digest).collect::<Vec<_>>()).to_base64());
        (event, Some(slots))
    }

    /// The note that says a text in this event's place, signed by the test keys.
    pub fn sign(&self, text: &str) -> Note {
        let name = |party: &str, holder: &str| format!("{ORIGIN}/{party}/{holder}");
        let mut signatures = vec![SecretKey::new(&name(self.by, "desk"), &AUTHOR_SEED).sign(text)];
        if let Some((party, holder)) = self.approver {
            signatures.push(SecretKey::new(&name(party, holder), &APPROVER_SEED).sign(text));
        }
        Note { text: text.to_owned(), signatures }
    }
}

pub fn all() -> Vec<Made> {
    let mut all = Vec::new();
    for golden in &GOLDEN {
        let (event, slots) = golden.event();
        let text = event.to_text();
        let line = slots.map_or_else(String::new, |slots| {
            let line = OpeningLine::open(1, Hash::of(&[text.as_bytes()]), &slots).to_json();
            format!("opening: {line}\n")
        });
        let keys = if golden.approver.is_some() {
            "test keys, author 32 bytes 01, approver 32 bytes 02"
        } else {
            "test key, 32 bytes 01"
        };
        let note = golden.sign(&text).to_text();
        all.push(Made {
            path: format!("event/{}", golden.name),
            text: format!("expect: ok\ncomment: test vector ({keys}): {}\n{line}\n{note}", golden.comment),
        });
    }
    all
}
