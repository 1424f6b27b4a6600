//! Logs of few entries: the last one is admitted, or refused under its number of FORMAT.md 11.

use schemas::hash::Hash;
use schemas::time::Timestamp;
use schemas::value::Value;
use verifier::signature::SecretKey;

use crate::Made;
use crate::events::ORIGIN;
use crate::log::{Draft, Log, SEALS, Who, key, log_key, twin, twin_seed};

/// Name, number (0: admitted), why, what is said last, and after what.
type Case = (&'static str, u8, &'static str, fn() -> Log);

const CSO: Who = ("cso-one", "desk");
const FAC: Who = ("fac-one", "desk");
const OP: Who = ("op", "one");
const OP_2: Who = ("op", "two");
const NPM: Who = ("npm", "one");
const NPM_2: Who = ("npm", "two");
const MIN: Who = ("min", "one");
const REQUEST: &str = "cso-one/request-4";

static CASES: &[Case] = &[
    ("00-ok-genesis", 0, "genesis alone", Log::begun),
    ("00-ok-request", 0, "two enrolments and a request", Log::with_request),
    // 1
    ("01-head", 1, "the entry's first line is another's", || bytes(|text| text.replacen("entry/v1", "entry/v2", 1))),
    ("01-position-zero", 1, "a position with a leading nought", || bytes(|text| text.replacen("\n4 ", "\n04 ", 1))),
    ("01-blank", 1, "a blank in the event's JSON", || bytes(|text| text.replacen("{\"at\"", "{ \"at\"", 1))),
    ("01-member", 1, "a member that 4.1 does not name", || {
        bytes(|text| text.replacen("{\"at\"", "{\"aa\":1,\"at\"", 1))
    }),
    ("01-cut", 1, "the last line end is missing", || bytes(|text| text.trim_end().to_owned())),
    ("01-unsigned", 1, "no signature line", || {
        bytes(|text| text[..=text.find("\n\n").unwrap_or_default() + 1].to_owned())
    }),
    // 2
    ("02-request", 2, "an event of another log", || {
        request(|d| d.but(|e| "vectors.example/log2".clone_into(&mut e.ledger)))
    }),
    ("02-shorter", 2, "a name that begins as this one's does", || {
        request(|d| d.but(|e| "vectors.example".clone_into(&mut e.ledger)))
    }),
    ("02-genesis", 2, "the genesis of another log", || {
        let mut log = Log::empty();
        let draft = log.genesis().but(|e| "other.example/log".clone_into(&mut e.ledger));
        log.say(draft, &[SEALS]);
        log
    }),
    ("02-seal", 2, "a seal of another log", || seal(|d| d.but(|e| "other.example/log".clone_into(&mut e.ledger)))),
    // 3
    ("03-unknown", 3, "a type that the catalogue does not have", || kind("access.request.repeated")),
    ("03-capital", 3, "a type in other letters", || kind("access.request.Submitted")),
    ("03-inner", 3, "a type of the sealed stream, in the open", || kind("padding")),
    ("03-version", 3, "another version", || request(|d| d.but(|e| e.v = 2))),
    // 4
    ("04-field", 4, "a field that the type does not have", || request(|d| d.value("wait", Value::Integer(1)))),
    ("04-missing", 4, "a required field is not there", || request(|d| d.but(|e| drop(e.data.remove("purpose"))))),
    ("04-code", 4, "a code that the list does not have", || request(|d| d.with("purpose", "curiosity"))),
    ("04-type", 4, "a number where a code stands", || request(|d| d.value("purpose", Value::Integer(1)))),
    ("04-hidden", 4, "a restricted value in public", || request(|d| d.with("target", "all"))),
    ("04-empty-list", 4, "a list without items", || request(|d| d.value("languages", Value::List(Vec::new())))),
    ("04-ok-no-name", 0, "an update without a name, of a party of which nothing was said", || updated("", None)),
    ("04-name-before", 4, "the name of a party before any identity_mode", || updated("name", None)),
    ("04-ok-name-named", 0, "the name of a party that the same event names", || updated("name", Some("named"))),
    ("04-name-hidden", 4, "the name of a party that the same event hides", || updated("name", Some("pseudonym"))),
    ("04-ok-name-after", 0, "a name after an update that allows it", || named_then("named")),
    ("04-name-after", 4, "a name after an update that forbids it", || named_then("aggregate_only")),
    // 5
    ("05-unknown", 5, "a key that nobody enrolled", || signed_with(&[SecretKey::new(&key(CSO).vkey().name, &[7; 32])])),
    ("05-log-key", 5, "the key of checkpoints is no holder's", || signed_with(&[log_key()])),
    ("05-early", 5, "a key a second before its valid_from", || in_force("2031-03-04T10:00:01Z", None)),
    ("05-ok-from", 0, "a key at its valid_from", || in_force("2031-03-04T10:00:00Z", None)),
    ("05-over", 5, "a key at its valid_to", || in_force("2031-03-04T00:00:00Z", Some("2031-03-04T10:00:01Z"))),
    ("05-revoked", 5, "a key at its revoked_at", || revoked("2031-03-04T10:00:00Z", CSO)),
    ("05-ok-revoked-later", 0, "a key before its revoked_at", || revoked("2031-03-04T10:00:01Z", CSO)),
    ("05-second", 5, "an approver whom nobody enrolled", || {
        let mut log = Log::with_request();
        let draft = denial(&mut log);
        log.say(draft, &[FAC, ("fac-one", "head")]);
        log
    }),
    // 6
    ("06-other-text", 6, "a signature over another text", || broken(|note| note.replacen("family", "legal", 1))),
    ("06-another-s", 6, "another signature by the same key", || {
        let mut log = Log::with_request();
        let (one, other) = (log.request(), log.request());
        let mut note = crate::log::note_of(one, &[key(CSO)]);
        note.signatures = crate::log::note_of(other, &[key(CSO)]).signatures;
        log.push(&note.to_text());
        log
    }),
    ("06-long", 6, "a signature of 65 bytes", || {
        let mut log = Log::with_request();
        let mut note = crate::log::note_of(log.request(), &[key(CSO)]);
        note.signatures[0].signature.push(0);
        log.push(&note.to_text());
        log
    }),
    ("06-second", 6, "the approver's is not over this text", || {
        let mut log = Log::with_request();
        let draft = revocation(&mut log);
        let mut note = crate::log::note_of(draft, &[key(CSO), key(OP)]);
        note.signatures[1] = key(OP).sign("another text\n");
        log.push(&note.to_text());
        log
    }),
    // 7
    ("07-facility", 7, "a facility in an organisation's name", || signed_with(&[key(FAC)])),
    ("07-operator", 7, "the operator in an organisation's name", || signed_with(&[key(OP)])),
    ("07-oversight", 7, "oversight in an organisation's name", || signed_with(&[key(NPM)])),
    ("07-order", 7, "the approver signs first", || said(revocation, &[OP, CSO])),
    // 8
    ("08-facility", 8, "a facility requests access", || {
        said(|log| by(log, "access.request.submitted", "fac-one", REQUESTED), &[FAC])
    }),
    ("08-operator", 8, "the operator requests an erasure", || {
        said(
            |log| {
                by(log, "erasure.requested", "op", ERASED)
                    .about_all("targets", &["cso-one/access.request.submitted/r4"])
            },
            &[OP],
        )
    }),
    ("08-cso", 8, "an organisation acknowledges its own request", || {
        said(|log| by(log, "access.request.acknowledged", "cso-one", ACKNOWLEDGED).to("request", REQUEST), &[CSO])
    }),
    ("08-oversight", 8, "oversight seals", || {
        let mut log = Log::with_request();
        let draft = log.seal().but(|e| "npm".clone_into(&mut e.by));
        log.say(draft, &[NPM]);
        log
    }),
    // 9
    ("09-request", 9, "two lines where the type has one", || signed_with(&[key(CSO), key(OP)])),
    ("09-same", 9, "the same line twice", || signed_with(&[key(CSO), key(CSO)])),
    ("09-seal", 9, "a seal with a second line", || {
        let mut log = Log::with_request();
        let draft = log.seal();
        log.say(draft, &[SEALS, OP]);
        log
    }),
    ("09-inspection", 9, "an inspection by two of oversight", || {
        said(|log| inspection(log, "npm", "npm"), &[NPM, NPM_2])
    }),
    // 10
    ("10-used", 10, "the number of the request again", || request(|d| d.but(|e| e.seq = 2))),
    ("10-enrolment", 10, "the number of the enrolment that the key signed itself", || {
        request(|d| d.but(|e| e.seq = 1))
    }),
    ("10-operator", 10, "a number of the operator again", || {
        let mut log = Log::begun();
        for _ in 0..2 {
            let draft = by(&mut log, "data.accessed", "op", ACCESSED).but(|e| e.seq = 9);
            log.say(draft, &[OP]);
        }
        log
    }),
    ("10-ok-other-holder", 0, "the same number by another holder", || {
        let mut log = Log::begun();
        for who in [OP, OP_2] {
            let draft = by(&mut log, "data.accessed", "op", ACCESSED).but(|e| e.seq = 9);
            log.say(draft, &[who]);
        }
        log
    }),
    ("10-ok-lower", 0, "a number below the highest, unused", || request(|d| d.but(|e| e.seq = 0))),
    ("10-beyond", 10, "a number used out of order", || {
        let mut log = Log::with_request();
        for seq in [50, 7, 50] {
            let draft = log.request().but(|e| e.seq = seq);
            log.say(draft, &[CSO]);
        }
        log
    }),
    // 11
    ("11-row", 11, "a row that has a record", || request(|d| d.but(|e| "r4".clone_into(&mut e.row)))),
    ("11-id", 11, "an id that is in use", || request(|d| d.but(|e| e.id = Some(REQUEST.to_owned())))),
    ("11-no-id", 11, "no id where a thing is made", || request(|d| d.but(|e| e.id = None))),
    ("11-an-id", 11, "an id where nothing is made", || {
        said(|log| acknowledged(log).but(|e| e.id = Some("fac-one/a-1".to_owned())), &[FAC])
    }),
    ("11-ok-row-of-another-type", 0, "the same row of another type", || {
        said(|log| acknowledged(log).but(|e| "r4".clone_into(&mut e.row)), &[FAC])
    }),
    // 12
    ("12-ok", 0, "a ref to the request", || said(acknowledged, &[FAC])),
    ("12-missing", 12, "the ref is not there", || said(|log| acknowledged(log).but(|e| e.refs.clear()), &[FAC])),
    ("12-nothing", 12, "a ref to nothing", || {
        said(|log| acknowledged(log).to("request", "cso-one/request-99"), &[FAC])
    }),
    ("12-list", 12, "a list where one is asked for", || {
        said(|log| acknowledged(log).about_all("request", &[REQUEST]), &[FAC])
    }),
    ("12-unknown", 12, "a ref that the type does not have", || {
        said(|log| acknowledged(log).to("visit", REQUEST), &[FAC])
    }),
    ("12-other-type", 12, "a ref to a thing of another type", || {
        said(|log| acknowledged(log).to("request", "cso-one/key-cso-one-desk"), &[FAC])
    }),
    ("12-twice", 12, "a list with one ref twice", || {
        said(
            |log| {
                let address = "cso-one/access.request.submitted/r4";
                by(log, "erasure.requested", "npm", ERASED).about_all("targets", &[address, address])
            },
            &[NPM],
        )
    }),
    // 13
    ("13-ok-tomorrow", 0, "tomorrow, where it is tomorrow already", || request(|d| Log::on(d, "2031-03-05"))),
    ("13-after-tomorrow", 13, "the day after tomorrow", || request(|d| Log::on(d, "2031-03-06"))),
    ("13-tomorrow-too-early", 13, "tomorrow, a second before it is anywhere", || {
        let mut log = Log::begun_at("2031-03-04T09:59:59Z");
        let draft = Log::on(by(&mut log, "data.accessed", "op", ACCESSED), "2031-03-05");
        log.say(draft, &[OP]);
        log
    }),
    ("13-back", 13, "received a second before the entry before it", || {
        let mut log = Log::with_request();
        let draft = log.request();
        log.at = log.at.plus_seconds(-1);
        log.say(draft, &[CSO]);
        log
    }),
    ("13-ok-same", 0, "received at the same second", || said(Log::request, &[CSO])),
    ("13-year", 13, "a year ahead", || request(|d| Log::on(d, "2032-03-04"))),
    // 14
    ("14-genesis-second", 14, "a second genesis", || {
        let mut log = Log::begun();
        let draft = log.genesis().but(|e| e.seq = 9);
        log.say(draft, &[OP]);
        log
    }),
    ("14-one-holder", 14, "a profile by one holder", || said(profile, &[NPM])),
    ("14-same-holder", 14, "a profile by one holder twice", || said(profile, &[NPM, NPM])),
    ("14-ok-two", 0, "a profile by two holders of oversight", || said(profile, &[NPM, NPM_2])),
    ("14-other-party", 14, "a profile that the operator seconds", || said(profile, &[NPM, OP])),
    ("14-no-operator", 14, "an enrolment without the operator", || {
        said(|log| log.enrolment(("cso-one", "two"), "cso"), &[("cso-one", "two"), CSO])
    }),
    ("14-role", 14, "a party in a second role", || {
        said(|log| log.enrolment(("cso-one", "two"), "funder"), &[("cso-one", "two"), OP])
    }),
    ("14-oversight", 14, "an oversight key that no oversight key signs", || {
        said(|log| log.enrolment(("npm", "new"), "oversight"), &[("npm", "new"), OP])
    }),
    ("14-operator-key", 14, "a key of the operator by one holder and itself", || {
        said(|log| log.enrolment(("op", "new"), "operator"), &[OP, ("op", "new")])
    }),
    ("14-of-another", 14, "a key of another party", || {
        said(
            |log| {
                log.enrolment(("cso-one", "two"), "cso").but(|e| {
                    "fac-one".clone_into(&mut e.by);
                    e.id = Some("fac-one/key-x".to_owned());
                    e.seq = 9;
                })
            },
            &[FAC, OP],
        )
    }),
    ("14-in-force", 14, "a holder whose key is in force", || {
        said(
            |log| {
                let draft = log.enrolment(("cso-one", "desk"), "cso");
                draft
                    .with("public_key", &twin(CSO, ("cso-one", "two")).vkey().to_string())
                    .but(|e| e.id = Some("cso-one/k2".to_owned()))
            },
            &[CSO, OP],
        )
    }),
    ("14-over", 14, "an enrolment whose valid_to is its receipt", || {
        said(|log| log.enrolment(("cso-one", "two"), "cso").with("valid_to", "2031-03-04T10:00:00Z"), &[CSO, OP])
    }),
    ("14-ok-not-over", 0, "an enrolment whose valid_to is a second later", || {
        said(|log| log.enrolment(("cso-one", "two"), "cso").with("valid_to", "2031-03-04T10:00:01Z"), &[CSO, OP])
    }),
    ("14-one-key", 14, "one key under two names signs both lines", || {
        let mut log = Log::begun();
        let same = twin(("npm", "four"), ("npm", "three"));
        for (who, vkey) in [(("npm", "three"), key(("npm", "three"))), (("npm", "four"), same.clone())] {
            let draft = log.enrolment(who, "oversight").with("public_key", &vkey.vkey().to_string());
            log.say(draft, &[NPM, OP]);
        }
        let draft = profile(&mut log);
        log.say_with(draft, &[key(("npm", "three")), same]);
        log
    }),
    ("14-seal-key", 14, "the key of seals signs another event", || {
        said(|log| by(log, "data.accessed", "op", ACCESSED), &[SEALS])
    }),
    ("14-seal-key-second", 14, "the key of seals approves what another signed", || said(denial, &[FAC, SEALS])),
    ("14-seal-key-checkpoints", 14, "a genesis whose log_key is the key of seals, under the log's name", || {
        let mut log = Log::empty();
        let seals = SecretKey::new(ORIGIN, &twin_seed(SEALS));
        let genesis = log.genesis().with("log_key", &seals.vkey().to_string());
        log.say(genesis, &[SEALS]);
        log
    }),
    ("14-record-stranger", 14, "a denial that the administration's minister seconds", || said(denial, &[FAC, MIN])),
    ("14-ok-record-alone", 0, "a denial that nobody seconds: rule V-03 tells of it", || said(denial, &[FAC])),
    ("14-ok-record-same", 0, "a denial that the same holder seconds: rule V-03 tells of it", || {
        said(denial, &[FAC, FAC])
    }),
    // 15
    ("15-about-another", 15, "an organisation about another", || request(|d| d.with("organisation", "cso-two"))),
    ("15-facility", 15, "a facility about another", || {
        said(|log| by(log, "outage.declared", "fac-one", OUTAGE).but(|e| e.id = Some("fac-one/o-1".to_owned())), &[FAC])
    }),
    ("15-corrected", 15, "a correction of another's record", || {
        said(
            |log| by(log, "record.corrected", "fac-one", CORRECTED).to("target", "cso-one/access.request.submitted/r4"),
            &[FAC],
        )
    }),
    ("15-inspection", 15, "an inspection of an external kind by the ministry's side", || {
        let mut log = Log::with_request();
        let draft = log.enrolment(("adm-one", "desk"), "administration");
        log.say(draft, &[("adm-one", "desk"), OP]);
        let draft = inspection(&mut log, "adm-one", "external");
        log.say(draft, &[("adm-one", "desk")]);
        log
    }),
    ("15-case", 15, "another facility acknowledges", || {
        let mut log = with_second_facility();
        let draft = by(&mut log, "access.request.acknowledged", "fac-two", ACKNOWLEDGED).with("facility", "fac-two");
        log.say(draft.to("request", REQUEST), &[("fac-two", "desk")]);
        log
    }),
    ("15-ok-dispute-sides", 0, "a dispute closed by both sides, whomever the resolution names", || {
        resolved("cso-two", FAC, Some(CSO))
    }),
    ("15-ok-dispute-oversight", 0, "a dispute closed by oversight", || resolved("cso-one", NPM, None)),
    ("15-dispute-alone", 15, "a dispute closed by the facility alone", || resolved("cso-one", FAC, None)),
    ("15-dispute-named", 15, "a dispute closed with the organisation that the resolution names", || {
        resolved("cso-two", FAC, Some(("cso-two", "desk")))
    }),
    ("15-dispute-facility", 15, "a dispute closed by another facility and the organisation", || {
        resolved("cso-one", ("fac-two", "desk"), Some(CSO))
    }),
    // 16
    ("16-ok", 0, "a seal", || seal(|d| d)),
    ("16-batch", 16, "a seal of another batch", || seal(|d| d.value("batch", Value::Integer(2)))),
    ("16-size", 16, "a seal of another size", || seal(|d| d.value("size", Value::Integer(3)))),
    ("16-map", 16, "a seal of another map", || seal(|d| d.with("map_root", &Hash::default().to_hex()))),
    ("16-streams", 16, "a seal of other streams", || seal(|d| d.value("streams", Value::Integer(1)))),
    ("16-row", 16, "a seal in another row", || seal(|d| d.but(|e| "b2".clone_into(&mut e.row)))),
    ("16-ok-second", 0, "the seal of the second batch", || {
        let mut log = sealed();
        let draft = log.seal();
        log.say(draft, &[SEALS]);
        log
    }),
    // 18
    ("18-ok-epoch", 0, "an epoch over the last seal, of a writer that has signed nothing", || {
        epoch(|d| d, &[OP, OP_2])
    }),
    ("18-epoch-number", 14, "an epoch of number 0", || epoch(|d| d.value("epoch", Value::Integer(0)), &[OP, OP_2])),
    ("18-epoch-size", 14, "an epoch over another size", || epoch(|d| d.value("size", Value::Integer(1)), &[OP, OP_2])),
    ("18-epoch-root", 14, "an epoch over another root", || {
        epoch(|d| d.with("root", &Hash::default().to_hex()), &[OP, OP_2])
    }),
    ("18-epoch-writer", 14, "an epoch of a holder without a key", || {
        epoch(|d| d.with("writer", "ledger-3"), &[OP, OP_2])
    }),
    ("18-epoch-signed", 14, "an epoch of a holder that has signed events", || {
        epoch(|d| d.with("writer", "one"), &[OP, OP_2])
    }),
    ("18-epoch-office", 14, "an epoch that the writer in office signs", || epoch(|d| d, &[OP, SEALS])),
    ("18-ok-seal-after", 0, "the next writer's seal", || after_epoch(("op", "ledger-2"))),
    ("18-seal-before", 5, "a seal by the writer before", || after_epoch(SEALS)),
    ("18-ok-reseeded", 0, "a log that goes on from another", || reseeded(|d| d, 0, &[OP, NPM])),
    ("18-reseeded-late", 14, "the third entry", || reseeded(|d| d, 1, &[OP, NPM])),
    ("18-reseeded-alone", 14, "without oversight", || reseeded(|d| d, 0, &[OP, OP_2])),
    ("18-reseeded-itself", 14, "a log that goes on from itself", || {
        reseeded(|d| d.value("previous_origin", Value::localised("en", "vectors.example/log")), 0, &[OP, NPM])
    }),
    ("18-reseeded-empty", 14, "a log that goes on from nothing", || {
        reseeded(|d| d.value("size", Value::Integer(0)), 0, &[OP, NPM])
    }),
];

const REQUESTED: &str = r#"{"facility":"fac-one","organisation":"cso-one","purpose":"family"}"#;
const ACKNOWLEDGED: &str =
    r#"{"decision_due_on":"2031-03-24","facility":"fac-one","organisation":"cso-one","received_on":"2031-03-04"}"#;
const ERASED: &str = r#"{"basis":"retention_end","fields":["team"]}"#;
const ACCESSED: &str = r#"{"purpose":"audit","reader":"op","scope":"full_export"}"#;
const OUTAGE: &str = r#"{"cause":"power","facility":"fac-two","from":"2031-03-04T01:00:00Z"}"#;
const CORRECTED: &str = r#"{"field_name":"purpose","new_value_public":{"lang":"en","text":"legal"},"reason":"typo"}"#;

impl Log {
    fn begun_at(at: &str) -> Self {
        let mut log = Self::empty();
        log.at = Timestamp::parse(at).expect("an instant");
        let genesis = log.genesis();
        log.say(genesis, &[SEALS]);
        log
    }
}

fn said(what: fn(&mut Log) -> Draft, signers: &[Who]) -> Log {
    let mut log = Log::with_request();
    let draft = what(&mut log);
    log.say(draft, signers);
    log
}

fn request(bend: fn(Draft) -> Draft) -> Log {
    let mut log = Log::with_request();
    let draft = bend(log.request());
    log.say(draft, &[CSO]);
    log
}

fn signed_with(keys: &[SecretKey]) -> Log {
    let mut log = Log::with_request();
    let draft = log.request();
    log.say_with(draft, keys);
    log
}

fn kind(name: &'static str) -> Log {
    let mut log = Log::with_request();
    let draft = log.request().but(|e| name.clone_into(&mut e.kind));
    log.say(draft, &[CSO]);
    log
}

fn bytes(bend: fn(&str) -> String) -> Log {
    let mut log = Log::with_request();
    let draft = log.request();
    let text = log.bytes(draft, &[CSO]);
    log.push_bytes(bend(&text).into_bytes());
    log
}

fn broken(bend: fn(&str) -> String) -> Log {
    let mut log = Log::with_request();
    let draft = log.request();
    let note = crate::log::note_of(draft, &[key(CSO)]).to_text();
    log.push(&bend(&note));
    log
}

fn by(log: &mut Log, kind: &str, party: &str, fields: &str) -> Draft {
    let draft = log.draft(kind, party).all(fields);
    let makes = schemas::catalogue::Catalogue::built_in().event(kind).is_some_and(|k| k.id_of.is_some());
    let id = format!("{party}/{}", draft.0.row);
    draft.but(|e| e.id = makes.then_some(id))
}

fn acknowledged(log: &mut Log) -> Draft {
    by(log, "access.request.acknowledged", "fac-one", ACKNOWLEDGED).to("request", REQUEST)
}

fn denial(log: &mut Log) -> Draft {
    let fields = r#"{"auto":false,"facility":"fac-one","individual_assessment":false,"justification_given":false,"organisation":"cso-one","reason":"capacity"}"#;
    by(log, "access.request.denied", "fac-one", fields).to("request", REQUEST)
}

fn inspection(log: &mut Log, party: &str, kind: &str) -> Draft {
    let fields = r#"{"chosen_by":"body","cooperation":"full","ended_on":"2031-03-04","facility":"fac-one","full_access":true,"health_professional":true,"private_interviews":"held","started_on":"2031-03-04","team_two_or_more":true,"unannounced":true,"women_present":true}"#;
    by(log, "inspection.conducted", party, fields).with("kind", kind)
}

fn profile(log: &mut Log) -> Draft {
    let draft = by(log, "rule.profile.adopted", "npm", r#"{"effective_on":"2031-03-04","profile_id":"p-1"}"#);
    draft.with("profile", &Hash::default().to_hex())
}

fn revocation(log: &mut Log) -> Draft {
    let fields =
        r#"{"holder":"desk","organisation":"cso-one","reason":"compromise","revoked_at":"2031-03-04T10:00:00Z"}"#;
    by(log, "key.revoked", "cso-one", fields).to("key", "cso-one/key-cso-one-desk")
}

fn revoked(at: &'static str, who: Who) -> Log {
    let mut log = Log::with_request();
    let draft = revocation(&mut log).with("revoked_at", at);
    log.say(draft, &[who, OP]);
    let draft = log.request();
    log.say(draft, &[who]);
    log
}

fn in_force(from: &str, to: Option<&str>) -> Log {
    let mut log = Log::with_request();
    let mut draft = log.enrolment(("cso-one", "two"), "cso").with("valid_from", from);
    if let Some(to) = to {
        draft = draft.with("valid_to", to);
    }
    log.say(draft, &[CSO, OP]);
    if let Some(to) = to {
        log.at = Timestamp::parse(to).expect("an instant");
    }
    let draft = log.request();
    log.say(draft, &[("cso-one", "two")]);
    log
}

fn update(log: &mut Log) -> Draft {
    by(log, "organisation.updated", "min", r#"{"effective_on":"2031-03-04","organisation":"cso-one"}"#)
}

fn updated(name: &str, mode: Option<&str>) -> Log {
    let mut log = Log::begun();
    let mut draft = update(&mut log);
    if !name.is_empty() {
        draft = draft.value(name, Value::localised("en", "First Organisation"));
    }
    if let Some(mode) = mode {
        draft = draft.with("identity_mode", mode);
    }
    log.say(draft, &[MIN]);
    log
}

fn named_then(mode: &str) -> Log {
    let mut log = updated("", Some(mode));
    let draft = update(&mut log).value("name", Value::localised("en", "First Organisation"));
    log.say(draft, &[MIN]);
    log
}

fn with_second_facility() -> Log {
    let mut log = Log::with_request();
    for (party, role) in [("fac-two", "facility"), ("cso-two", "cso")] {
        let draft = log.enrolment((party, "desk"), role);
        log.say(draft, &[(party, "desk"), OP]);
    }
    log
}

/// cso-one disputes a visit of fac-one; how that ends.
fn resolved(organisation: &str, first: Who, second: Option<Who>) -> Log {
    let mut log = with_second_facility();
    let visit = r#"{"completion":"normal","duration":60,"facility":"fac-one","organisation":"cso-one","private_interviews_refused":false,"staff_present_at_interviews":false,"visited_on":"2031-03-03","wait":5}"#;
    let draft = by(&mut log, "visit.completed", "fac-one", visit).but(|e| e.id = Some("fac-one/visit-1".to_owned()));
    log.say(draft, &[FAC]);
    let dispute = r#"{"disputed":["duration"],"facility":"fac-one","organisation":"cso-one"}"#;
    let draft = by(&mut log, "visit.disputed", "cso-one", dispute).but(|e| e.id = Some("cso-one/dispute-1".to_owned()));
    log.say(draft.to("visit", "fac-one/visit-1"), &[CSO]);
    let facility = if first.0 == "fac-two" { "fac-two" } else { "fac-one" };
    let draft = by(&mut log, "visit.dispute.resolved", first.0, r#"{"outcome":"mixed"}"#).with("facility", facility);
    let draft = draft.with("organisation", organisation).to("visit", "fac-one/visit-1");
    let signers: Vec<Who> = std::iter::once(first).chain(second).collect();
    log.say(draft.to("dispute", "cso-one/dispute-1"), &signers);
    log
}

fn seal(bend: fn(Draft) -> Draft) -> Log {
    let mut log = Log::begun();
    let draft = bend(log.seal());
    log.say(draft, &[SEALS]);
    log
}

fn sealed() -> Log {
    seal(|draft| draft)
}

fn opened(bend: fn(Draft) -> Draft, signers: &[Who]) -> Log {
    let mut log = sealed();
    let next = ("op", "ledger-2");
    let draft = log.enrolment(next, "operator");
    log.say(draft, &[OP, OP_2]);
    let draft = log.seal();
    log.say(draft, &[SEALS]);
    let (size, root) = log.state().sealed_head();
    let draft = by(&mut log, "ledger.epoch.opened", "op", r#"{"epoch":1,"writer":"ledger-2"}"#);
    let draft =
        draft.value("size", Value::Integer(i64::try_from(size).expect("a small log"))).with("root", &root.to_hex());
    log.say(bend(draft), signers);
    log
}

fn epoch(bend: fn(Draft) -> Draft, signers: &[Who]) -> Log {
    opened(bend, signers)
}

fn after_epoch(who: Who) -> Log {
    let mut log = opened(|draft| draft, &[OP, OP_2]);
    let draft = log.seal();
    log.say(draft, &[who]);
    log
}

fn reseeded(bend: fn(Draft) -> Draft, between: usize, signers: &[Who]) -> Log {
    let mut log = Log::begun();
    for _ in 0..between {
        let draft = by(&mut log, "data.accessed", "op", ACCESSED);
        log.say(draft, &[OP]);
    }
    let draft = by(&mut log, "ledger.reseeded", "op", r#"{"reason":"handover","size":1}"#);
    let draft = draft.value("previous_origin", Value::localised("en", "vectors.example/before"));
    log.say(bend(draft.with("root", &Hash::default().to_hex())), signers);
    log
}

pub fn all() -> Vec<Made> {
    let made = |(name, number, comment, log): &Case| {
        let log = log();
        let expect = if *number == 0 { "ok".to_owned() } else { format!("refused {number} at {}", log.size() - 1) };
        log.made(&format!("log/{name}"), &expect, &format!("test keys: {comment}"), "")
    };
    CASES.iter().map(made).collect()
}
