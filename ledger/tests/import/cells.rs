//! One cell is wrong: the message names file, line, row and column, and says what to write.

use super::country::*;

/// Register, cells that are changed, column told, code, and words that must be told.
type Case<'a> = (Sheet<'a>, &'a [(&'a str, &'a str)], &'a str, &'a str, &'a [&'a str]);

#[test]
fn a_good_country_has_no_problem() {
    let import = Country::good().with(CORRECTION, &[]).read();
    assert_eq!((ledger::import::render(&import.problems), import.drafts.len()), (String::new(), 9));
    assert!(import.warnings.is_empty());
}

#[test]
fn every_bad_cell_is_told() {
    let long_text = "é".repeat(4_097);
    let many = (0..257).map(|n| format!("a{n}")).collect::<Vec<_>>().join(";");
    let cases: &[Case<'_>] = &[
        // Names.
        (VISIT, &[("row_id", "")], "row_id", "cell.missing", &["required"]),
        (VISIT, &[("row_id", "r 1")], "row_id", "cell.form", &["\"r 1\" is not an id"]),
        (VISIT, &[("id", "")], "id", "id.missing", &["visit"]),
        (VISIT, &[("id", "vi/1")], "id", "cell.form", &["letters, digits"]),
        (REGISTRATION, &[("id", "x")], "id", "id.unasked", &["empty the cell"]),
        // Times.
        (VISIT, &[("occurred_at", "")], "occurred_at", "cell.missing", &[]),
        (
            VISIT,
            &[("occurred_at", "4 March")],
            "occurred_at",
            "cell.form",
            &["a day or an instant", "2025-03-04T09:30:00Z"],
        ),
        (VISIT, &[("occurred_at", "2025-03-04T09:30:00+01:00")], "occurred_at", "cell.form", &["UTC"]),
        (VISIT, &[("visited_on", "")], "visited_on", "cell.missing", &[]),
        (VISIT, &[("visited_on", "04/03/2025")], "visited_on", "cell.form", &["2025-03-04 or 2025-04-03", "mapping"]),
        (VISIT, &[("visited_on", "25.03.2025")], "visited_on", "cell.form", &["write 2025-03-25"]),
        (VISIT, &[("visited_on", "2025-3-4")], "visited_on", "cell.form", &["write 2025-03-04"]),
        (VISIT, &[("visited_on", "2025-02-30")], "visited_on", "cell.form", &["a day"]),
        (VISIT, &[("entered_at", "2025-03-04")], "entered_at", "cell.form", &["2025-03-04T09:30:00Z"]),
        (
            VISIT,
            &[("entered_at", "2025-03-04 09:00:00")],
            "entered_at",
            "cell.form",
            &["write 2025-03-04T09:00:00Z if that is UTC"],
        ),
        (
            VISIT,
            &[("entered_at", "2025-03-04T09:00:00+01:00")],
            "entered_at",
            "cell.form",
            &["write 2025-03-04T08:00:00Z"],
        ),
        // Numbers.
        (VISIT, &[("wait", "")], "wait", "cell.missing", &[]),
        (VISIT, &[("wait", "12 min")], "wait", "cell.form", &["\"12 min\" is not a whole number of minutes; write 12"]),
        (VISIT, &[("wait", "012")], "wait", "cell.form", &["write 12"]),
        (VISIT, &[("wait", "12.0")], "wait", "cell.form", &["write 12"]),
        (VISIT, &[("wait", "1 200")], "wait", "cell.form", &["write 1200"]),
        (VISIT, &[("wait", "١٢")], "wait", "cell.form", &["write 12"]),
        (VISIT, &[("wait", "-3")], "wait", "cell.form", &["digits alone"]),
        (VISIT, &[("wait", "12.5")], "wait", "cell.form", &["digits alone"]),
        (VISIT, &[("wait", "1h30")], "wait", "cell.form", &["digits alone"]),
        (VISIT, &[("wait", "99999999999999999999")], "wait", "cell.form", &["the value is not"]),
        (VISIT, &[("wait", " 12")], "wait", "cell.form", &["write 12"]),
        (VISIT, &[("team_in", "two")], "team_in", "cell.form", &["a whole number of persons"]),
        (APPROVAL, &[("visits_granted", "x")], "visits_granted", "cell.form", &["a whole number of visits"]),
        (REGISTRATION, &[("state_funding", "12.25")], "state_funding", "cell.form", &["one decimal"]),
        (REGISTRATION, &[("state_funding", "12,5 %")], "state_funding", "cell.form", &["write 12.5"]),
        (REGISTRATION, &[("state_funding", "100.1")], "state_funding", "cell.form", &["0 to 100"]),
        (REGISTRATION, &[("state_funding", ".5")], "state_funding", "cell.form", &[]),
        (REGISTRATION, &[("state_funding", "5.")], "state_funding", "cell.form", &[]),
        // Truth and codes.
        (VISIT, &[("private_interviews_refused", "TRUE")], "private_interviews_refused", "cell.form", &["write true"]),
        (VISIT, &[("private_interviews_refused", "non")], "private_interviews_refused", "cell.form", &["write false"]),
        (
            VISIT,
            &[("private_interviews_refused", "maybe")],
            "private_interviews_refused",
            "cell.form",
            &["true or false"],
        ),
        (
            VISIT,
            &[("completion", "Normal")],
            "completion",
            "cell.code",
            &["\"Normal\"", "did you mean normal?", "cso_no_show"],
        ),
        (VISIT, &[("completion", "xyz")], "completion", "cell.code", &["\"xyz\"", "normal"]),
        // Lists.
        (REGISTRATION, &[("languages", "fr; ar")], "languages", "cell.list", &["nothing between"]),
        (REGISTRATION, &[("languages", "fr;")], "languages", "cell.list", &[]),
        (REGISTRATION, &[("languages", "fr;fr")], "languages", "cell.list", &["twice"]),
        (REGISTRATION, &[("languages", &many)], "languages", "cell.list", &["256"]),
        (REGISTRATION, &[("languages", "fr,ar")], "languages", "cell.form", &["an id"]),
        (VISIT, &[("areas_refused", "yard;attic")], "areas_refused", "cell.code", &["\"attic\""]),
        // Parties.
        (VISIT, &[("organisation", "cso-z")], "organisation", "cell.party", &["did you mean cso-x?"]),
        (VISIT, &[("organisation", "Open Hands")], "organisation", "cell.form", &["the value is not a party id"]),
        (INSPECTION, &[("facility", "cso-x")], "facility", "cell.facility", &["its role is cso"]),
        (VISIT, &[("signer", "")], "signer", "cell.missing", &[]),
        (VISIT, &[("signer", "desk1")], "signer", "cell.holder", &["fac-a", "did you mean desk-1?"]),
        (VISIT, &[("signer", "Anselme Torvic")], "signer", "cell.holder", &["the value is no holder"]),
        (DENIAL, &[("cosigner", "chief-1")], "cosigner", "cell.holder", &["fac-b"]),
        (DENIAL, &[("cosigner", "npm:nobody")], "cosigner", "cell.holder", &["npm"]),
        (DENIAL, &[("cosigner", "nowhere:dir-1")], "cosigner", "cell.party", &["nowhere"]),
        (VISIT, &[("cosigner", "dir-1")], "cosigner", "cell.cosigner", &["one signature", "empty the cell"]),
        (KEY, &[("cosigner", "")], "cosigner", "cell.cosigner", &["second holder"]),
        (KEY, &[("cosigner", "desk-1")], "cosigner", "cell.cosigner", &["two different"]),
        (KEY, &[("cosigner", "dir-1")], "cosigner", "cell.cosigner", &["the operator"]),
        (KEY, &[("public_key", "abc")], "public_key", "cell.form", &["verifier key"]),
        (KEY, &[("role", "cso")], "role", "own.key", &["write facility"]),
        (KEY, &[("holder", "desk-9")], "holder", "cell.holder", &["did you mean desk-1?"]),
        (KEY, &[("organisation", "fac-b")], "organisation", "own.key", &["write fac-a"]),
        // Texts and amounts.
        (REGISTRATION, &[("name_lang", "french!")], "name", "cell.form", &["BCP 47"]),
        (REGISTRATION, &[("name", "  ")], "name", "cell.blank", &[]),
        (REGISTRATION, &[("name", &long_text)], "name", "cell.long", &["8192"]),
        (REGISTRATION, &[("name", "a\u{7}b")], "name", "cell.control", &[]),
        (VISIT, &[("wait", "1\u{0}2")], "wait", "cell.control", &[]),
        // What is signed is what was read: nothing hides in a text or in a name.
        (
            REGISTRATION,
            &[("name", "Refus \u{202e}drug\u{202c}")],
            "name",
            "cell.control",
            &["a direction control (U+202E, character 7)", "type the cell anew"],
        ),
        (REGISTRATION, &[("name", "\u{2067}a\u{2069}")], "name", "cell.control", &["U+2067, character 1"]),
        (REGISTRATION, &[("name", "\u{628}\u{200f}")], "name", "cell.control", &["U+200F, character 2"]),
        (REGISTRATION, &[("name", "Re\u{200b}fus")], "name", "cell.control", &["an invisible character (U+200B"]),
        (REGISTRATION, &[("name", "Refus\u{feff}")], "name", "cell.control", &["U+FEFF"]),
        (REGISTRATION, &[("name", "Refus\u{e0041}")], "name", "cell.control", &["U+E0041"]),
        (REGISTRATION, &[("name", "so\u{ad}ft")], "name", "cell.control", &["U+00AD"]),
        (REGISTRATION, &[("name", "a\u{85}b")], "name", "cell.control", &["a control character (U+0085"]),
        (REGISTRATION, &[("name", "a\u{2028}b")], "name", "cell.control", &["U+2028"]),
        (REGISTRATION, &[("name", "a\u{2029}b")], "name", "cell.control", &["U+2029"]),
        (REGISTRATION, &[("name", "a\u{ffff}")], "name", "cell.control", &["a code that is no character (U+FFFF"]),
        (REGISTRATION, &[("name", "ab\u{200c}cd")], "name", "cell.control", &["U+200C, character 3"]),
        (REGISTRATION, &[("row_id", "r1\u{202e}")], "row_id", "cell.control", &["U+202E"]),
        (VISIT, &[("visited_on", "2025-03-04\u{200e}")], "visited_on", "cell.control", &["U+200E"]),
        (FUNDING, &[("amount_amount", "12.50")], "amount_amount", "cell.form", &["minor units", "1250"]),
        (FUNDING, &[("amount_currency", "")], "amount_amount", "cell.money", &["both cells"]),
        (FUNDING, &[("amount_amount", "")], "amount_amount", "cell.money", &["both cells"]),
        (FUNDING, &[("amount_currency", "eur")], "amount_amount", "cell.form", &["ISO 4217"]),
    ];
    for (sheet, changes, column, code, words) in cases {
        let import = Country::good().with(*sheet, changes).read();
        let place = format!("{}:2", path(*sheet));
        let told: Vec<_> = import.problems.iter().filter(|p| p.to_string().starts_with(&place)).collect();
        let what = format!("{} {changes:?}: {}", sheet.1, ledger::import::render(&import.problems));
        let found = told.iter().find(|p| p.what.code() == *code && p.column.as_deref() == Some(column));
        let found = found.unwrap_or_else(|| panic!("{what}")).to_string();
        for word in *words {
            assert!(found.contains(word), "{found}");
        }
        let row = changes.iter().find(|(c, _)| *c == "row_id");
        assert!(row.is_some() || found.starts_with(&format!("{place} (r1), column {column}: ")), "{found}");
        let own = import.drafts.iter().any(|d| d.party == sheet.0 && d.event == sheet.1);
        assert!(!own && import.refused > 0, "{what}");
        // One mistake is one problem, apart from the rows that hang on this one.
        let others = told.iter().filter(|p| p.what.code() != "ref.unknown").count();
        assert_eq!(others, 1, "{what}");
    }
}

#[test]
fn every_digest_has_one_spelling() {
    let report: Sheet<'_> = (
        "cso-x",
        "consultation.input.submitted",
        &[
            ("signer", "office-1"),
            ("id", "in-1"),
            ("consultation", "co-1"),
            ("organisation", "cso-x"),
            ("doc", DIGEST),
            ("is_public", "true"),
        ],
    );
    for (doc, word) in [
        (DIGEST.to_uppercase(), "the same digits in lower case"),
        (DIGEST[1..].to_owned(), "64 digits"),
        ("g".repeat(64), "64 digits"),
    ] {
        let import = Country::good().with(report, &[("doc", &doc)]).read();
        let told = import.problems.iter().find(|p| p.column.as_deref() == Some("doc")).unwrap().to_string();
        assert!(told.contains(word), "{told}");
    }
}

#[test]
fn values_take_the_form_of_the_format() {
    use schemas::value::Value;
    let text = |s: &str| Value::Text(s.to_owned());
    for (sheet, column, cell, want) in [
        (REGISTRATION, "state_funding", "0", Value::Integer(0)),
        (REGISTRATION, "state_funding", "12.5", Value::Integer(125)),
        (REGISTRATION, "state_funding", "100", Value::Integer(1_000)),
        (REGISTRATION, "languages", "fr;ar-Latn", Value::List(vec![text("fr"), text("ar-Latn")])),
        (REGISTRATION, "name", "Deux\nlignes, \"citées\"", Value::localised("en", "Deux\nlignes, \"citées\"")),
        (VISIT, "wait", "0", Value::Integer(0)),
        (VISIT, "areas_refused", "yard", Value::List(vec![text("yard")])),
        // A time asked for twice is asked for.
        (
            REQUEST,
            "slots",
            "2025-03-04T09:00:00Z;2025-03-04T09:00:00Z",
            Value::List(vec![text("2025-03-04T09:00:00Z")]),
        ),
    ] {
        let import = Country::good().with(sheet, &[(column, cell)]).read();
        let draft = import.drafts.iter().find(|d| d.party == sheet.0 && d.event == sheet.1);
        let draft = draft.unwrap_or_else(|| panic!("{}", ledger::import::render(&import.problems)));
        assert_eq!(draft.fields[column], want, "{cell}");
    }
    // No language: the author's first.
    let import = Country::good().with(REGISTRATION, &[("name_lang", "")]).read();
    let draft = import.drafts.iter().find(|d| d.event == "organisation.registered").unwrap();
    assert_eq!(draft.fields["name"], Value::localised("fr", "Open Hands"));
}

#[test]
fn what_joins_letters_is_spelling_and_stays() {
    for name in ["می\u{200c}روم", "क्\u{200d}ष", "two\r\nlines\tand a tab", "\u{2764}\u{fe0f}"] {
        let import = Country::good().with(REGISTRATION, &[("name", name)]).read();
        assert_eq!(ledger::import::render(&import.problems), "", "{name:?}");
    }
}
