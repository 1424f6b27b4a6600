//! Whoever signs second reads what they sign, and finds their key under the name that the log has for them.

use ledger::import::Holder;
use ledger::outbox::Parcel;
use ledger::outpost::{Outpost, Secret};
use schemas::event::SignedEvent;
use schemas::opening::{Disclosure, Slot, digest_of, hidden_root};
use schemas::time::Timestamp;
use schemas::value::Value;

use crate::again::{ATTEMPT, PARTIES, register, with};
use crate::place::{Place, copy};

/// What nobody sees, and may turn what stands beside it around.
const HIDDEN: [char; 5] = ['\u{202e}', '\u{2066}', '\u{200b}', '\u{1b}', '\u{a0}'];

/// A ledger in which `cso-y` has two holders, the key of the second in `office` alone. Gives the party's pseudonym.
fn place() -> (Place, String) {
    let place = Place::of(PARTIES);
    let pseudonyms = std::fs::read_to_string(place.path("my/pseudonyms")).unwrap();
    let name = pseudonyms.trim().strip_prefix("cso-y ").unwrap().to_owned();
    place.good("key enrol my --party cso-y --holder y1 --role cso --keys keys --make-key");
    place.good(&format!("keygen --origin a.example/log --party {name} --holder y2 --keys office"));
    std::fs::copy(place.path(&format!("office/{name}.y2.vkey")), place.path(&format!("keys/{name}.y2.vkey"))).unwrap();
    place.good("key enrol my --party cso-y --holder y2 --by cso-y:y1 --keys keys");
    (place, name)
}

/// An attempt at the gate, and its correction that `y2` signs second.
fn registers(place: &Place, number: &str) {
    let (row, id, target) = (format!("r{number}"), format!("at-{number}"), format!("cso-y/visit.attempted/r{number}"));
    let attempt = [("row_id", row.as_str()), ("id", &id), ("signer", "y1"), ("organisation", "cso-y")];
    register(place, "visit.attempted.csv", "visit.attempted", &[&with(&ATTEMPT, &attempt)]);
    let correction = [
        ("row_id", row.as_str()),
        ("signer", "y1"),
        ("cosigner", "y2"),
        ("occurred_at", "2025-03-05"),
        ("target", &target),
        ("field_name", "wait"),
        ("new_value_public", "31"),
        ("new_value_public_lang", "en"),
        ("reason", "typo"),
        ("note", "read twice"),
        ("note_lang", "en"),
    ];
    register(place, "record.corrected.csv", "record.corrected", &[&correction]);
}

/// The parcel with something hidden in a public text and in a hidden one, so that its hidden values fit it.
fn with_hidden(parcel: &Parcel, also: char) -> Parcel {
    let mut parcel = parcel.clone();
    let mut signed = SignedEvent::parse(parcel.note.as_bytes()).unwrap();
    for (slot, digest) in parcel.opening.slots.iter_mut().zip(&mut parcel.opening.digests) {
        let Slot::Open(text) = slot else { continue };
        let mut one = Disclosure::parse(text).unwrap();
        if one.value.as_ref().is_some_and(|value| value.get("text").is_some()) {
            one.value = Some(Value::localised("en", &format!("read {also}twice")));
            *text = one.to_text();
            *digest = digest_of(text);
        }
    }
    signed.event.hidden = Some(hidden_root(&parcel.opening.digests).to_base64());
    signed.event.data.insert("new_value_public".to_owned(), Value::localised("en", &format!("{also}13")));
    signed.note.text = signed.event.to_text();
    parcel.note = signed.note.to_text();
    parcel
}

/// Nothing of it is raw, and it is a sign.
fn is_shown(said: &str, hidden: char) {
    assert!(!said.contains(hidden), "{hidden:?} is raw in {said}");
    let code = u32::from(hidden);
    // JSON has a spelling of its own for the first of them.
    let sign = if code < 0x20 { format!("\\u{code:04x}") } else { format!("\u{27e8}U+{code:04X}\u{27e9}") };
    let found = said.lines().filter(|line| line.contains(&sign)).count();
    assert_eq!(found, 2, "{sign} in the public text and in the hidden one: {said}");
}

#[test]
fn an_unnamed_party_signs_second_where_the_ledger_is_and_where_it_is_not() {
    let (place, name) = place();
    let import = |number: &str| {
        registers(&place, number);
        place.good("import my visit.attempted.csv --party cso-y --keys keys");
        let said = place.good("import my record.corrected.csv --party cso-y --keys keys");
        assert!(said.contains("waits for a second signature: my/drafts/"), "{said}");
        place.draft("my")
    };
    let at_home = |draft: &str, keys: &str| {
        let said = place.good(&format!("cosign my {draft} --keys {keys}"));
        assert!(said.contains("1 in the log") && said.contains(&format!("asked for: y2 of {name}")), "{said}");
        for shown in [
            "\"new_value_public\":{\"lang\":\"en\",\"text\":\"31\"}",
            "hidden note: {\"lang\":\"en\",\"text\":\"read twice\"}",
        ] {
            assert!(said.contains(shown), "{said}");
        }
    };
    at_home(&import("1"), "office");
    // A draft of before, with the name that the registers have.
    let draft = import("2");
    let text = std::fs::read_to_string(place.path(&draft)).unwrap();
    assert!(text.ends_with(&format!("\n{name} y2\n")), "{text}");
    place.write(&draft, &text.replace(&format!("\n{name} y2\n"), "\ncso-y y2\n"));
    let said = place.good(&format!("cosign my {draft} --keys office"));
    assert!(said.contains("1 in the log"), "{said}");
    // Carried to where the ledger is not, and back.
    let draft = import("3");
    copy(&place.path("my/drafts"), &place.path("stick"));
    let carried = draft.replace("my/drafts", "stick");
    place.bad(
        &format!("cosign - {carried} --keys keys --only-sign"),
        2,
        &format!("no key for a.example/log/{name}/y2"),
    );
    let said = place.good(&format!("cosign - {carried} --keys office --only-sign"));
    assert!(said.contains("hidden note: ") && said.contains("signed: stick/"), "{said}");
    std::fs::copy(place.path(&carried), place.path(&draft)).unwrap();
    at_home(&draft, "keys");
    place.check("my");
}

#[test]
fn what_is_signed_second_is_what_was_read() {
    let (place, name) = place();
    registers(&place, "1");
    place.good("import my visit.attempted.csv --party cso-y --keys keys");
    place.good("import my record.corrected.csv --party cso-y --keys keys");
    let draft = place.draft("my");
    let text = std::fs::read_to_string(place.path(&draft)).unwrap();
    let parcel = Parcel::parse(text.lines().next().unwrap()).unwrap();
    for (number, hidden) in HIDDEN.into_iter().enumerate() {
        let forged = format!("forged-{number}.draft");
        place.write(&forged, &format!("{}\n{name} y2\n", with_hidden(&parcel, hidden).to_line()));
        is_shown(&place.good(&format!("cosign - {forged} --keys office --show")), hidden);
        is_shown(&place.good(&format!("cosign - {forged} --keys office --only-sign")), hidden);
    }
    // Hidden values that are shown and are not those that would be signed.
    let other = with_hidden(&parcel, 'x');
    let mut values = parcel.clone();
    values.opening.slots = other.opening.slots.clone();
    let mut digests = parcel.clone();
    digests.opening = other.opening;
    let mut fewer = parcel.clone();
    fewer.opening.slots.pop();
    let mut none = parcel.clone();
    none.opening = ledger::outbox::Opening::default();
    for (number, forged) in [values, digests, fewer, none].into_iter().enumerate() {
        let file = format!("other-{number}.draft");
        let text = format!("{}\n{name} y2\n", forged.to_line());
        place.write(&file, &text);
        for line in
            ["cosign - @ --keys office --show", "cosign - @ --keys office --only-sign", "cosign my @ --keys office"]
        {
            place.bad(&line.replace('@', &file), 1, "are not those that it commits to");
        }
        assert_eq!(std::fs::read_to_string(place.path(&file)).unwrap(), text, "nothing was signed");
    }

    // In the outbox of an institution: shown before it is signed, with no name given and with one.
    place.good(
        "outbox init outbox --policy my/policy --party cso-y --parties parties.csv --pseudonyms my/pseudonyms \
         --key-file k --first-number 20",
    );
    registers(&place, "5");
    place.good("outbox import outbox visit.attempted.csv --key-file k --keys keys");
    let import = "outbox import outbox record.corrected.csv --key-file k --keys keys";
    assert!(place.good(import).contains("waits for a second signature, by y2 of cso-y: "));
    let said = place.good(import);
    assert!(said.contains("0 signed and recorded here") && said.contains("1 were there already"), "{said}");
    let open = || Outpost::open(&place.path("outbox"), &Secret::KeyFile(place.path("k"))).unwrap();
    let honest = open().waiting().next().unwrap().clone();
    let whose = Holder { party: "cso-y".to_owned(), holder: "y2".to_owned() };
    let now = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
    let forged = with_hidden(&honest.parcel, HIDDEN[0]);
    open().wait(&forged, &whose, now).unwrap();
    let all = place.good("outbox cosign outbox --key-file k");
    is_shown(&all, HIDDEN[0]);
    let ids: Vec<String> = open().waiting().map(|one| one.id.to_hex()).collect();
    place.bad(&format!("outbox cosign outbox {} --key-file k --keys keys", ids[0]), 2, &format!("/{name}/y2"));
    for id in ids {
        let said = place.good(&format!("outbox cosign outbox {id} --key-file k --keys office"));
        if id == honest.id.to_hex() {
            assert!(said.contains("hidden note: {\"lang\":\"en\",\"text\":\"read twice\"}"), "{said}");
        } else {
            is_shown(&said, HIDDEN[0]);
        }
        assert!(said.ends_with("signed and recorded here: cso-y/record.corrected/r5\n"), "{said}");
    }
}

#[test]
fn a_key_file_that_its_way_changed_is_taken_or_told() {
    let place = Place::of(PARTIES);
    let key = "keys/fac-a.d1.key";
    place.good("key enrol my --party fac-a --holder d1 --role facility --keys keys --make-key");
    let good = std::fs::read_to_string(place.path(key)).unwrap();
    let (head, seed) = good.trim_end().rsplit_once('\n').unwrap();
    let name = head.split_once('\n').unwrap().1;
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    // How it came, whether it is taken as it is, and a word of what is said.
    let told = [
        ("as it was", good.clone().into_bytes(), true, ""),
        ("CR LF", good.replace('\n', "\r\n").into_bytes(), true, ""),
        ("no last line end", good.trim_end().as_bytes().to_vec(), true, ""),
        ("a byte order mark", [b"\xef\xbb\xbf", good.as_bytes()].concat(), false, "changed on its way"),
        ("UTF-16", [b"\xff\xfe".to_vec(), utf16].concat(), false, "changed on its way"),
        ("a second last line end", format!("{good}\n").into_bytes(), false, "changed on its way"),
        ("blanks at the end", format!("{head}\n{seed}  \n").into_bytes(), false, "changed on its way"),
        ("a blank before", format!(" {good}").into_bytes(), false, "key file"),
        ("cut", good.as_bytes()[..good.len() - 12].to_vec(), false, "key file"),
        ("cut to two lines", format!("{head}\n").into_bytes(), false, "key file"),
        ("empty", Vec::new(), false, "key file"),
        ("zeros", vec![0; good.len()], false, "key file"),
        ("twice", format!("{good}{good}").into_bytes(), false, "key file"),
        ("a web page", b"<!DOCTYPE html><html></html>".to_vec(), false, "key file"),
        (
            "quoted in a mail",
            good.lines().map(|line| format!("> {line}\n")).collect::<String>().into_bytes(),
            false,
            "key file",
        ),
        ("its public half", format!("{name}+00000000+AAAA\n").into_bytes(), false, "key file"),
    ];
    for (number, (what, bytes, is_taken, words)) in told.into_iter().enumerate() {
        std::fs::write(place.path(key), &bytes).unwrap();
        let (row, id) = (format!("s{number}"), format!("2025-03-04T{number:02}:00:00Z"));
        let status = [
            ("row_id", row.as_str()),
            ("occurred_at", "2025-03-04"),
            ("signer", "d1"),
            ("facility", "fac-a"),
            ("status", "partial"),
            ("reason", "staffing"),
            ("from", &id),
        ];
        register(&place, "facility.status.changed.csv", "facility.status.changed", &[&status]);
        let (code, said) = place.ends("import my facility.status.changed.csv --party fac-a --keys keys");
        let want = if is_taken { (Some(0), "1 in the log") } else { (Some(2), words) };
        assert!(code == want.0 && said.contains(want.1), "{what}: {code:?} {said}");
        assert!(is_taken || said.contains("fac-a.d1.key"), "{what}: {said}");
        assert!(!said.contains(seed), "{what}: the secret is printed");
    }
}
