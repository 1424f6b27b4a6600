//! Files and folders that cannot be taken as they are.

use ledger::import::{Charset, Limits, Mapping, Nothing, Options, Parties, read_files, render, template};
use schemas::value::Value;

use super::country::*;

const PLACE: &str = "registers/fac-a/visit.completed.csv";

#[test]
fn a_folder_is_told_what_does_not_belong() {
    for (file, text, code, words) in [
        ("registers/fac-c/visit.completed.csv", "", "folder.party", "registers/fac-c/: parties.csv has no party"),
        ("registers/fac-c/visit.completed.csv", "", "folder.party", "did you mean fac-a?"),
        ("registers/fac-a/visit.complete.csv", "", "folder.type", "did you mean visit.completed?"),
        ("registers/fac-a/visit.completed.CSV", "", "folder.stray", "registers/<party>/<event.type>.csv"),
        ("registers/fac-a/notes.txt", "", "folder.stray", ""),
        ("registers/fac-a/old/visit.completed.csv", "", "folder.stray", "registers/fac-a/old/: "),
        ("registers/visit.completed.csv", "", "folder.stray", ""),
        ("visit.completed.csv", "", "folder.stray", ""),
        ("more/x.csv", "", "folder.stray", "more/: "),
        ("registers/fac-a/ledger.index.sealed.csv", "row_id\n", "folder.ledger", "written by the ledger itself"),
        ("registers/npm/sealed.record.appended.csv", "row_id\n", "folder.ledger", "written by the ledger itself"),
        ("registers/cso-x/visit.completed.csv", &csv(VISIT, &[&[]]), "folder.role", "only facility may"),
        ("profile.toml", "[calendar", "folder.profile", "profile.toml: "),
        ("profile.toml", "[calendar]\nutc_offset_minutes = 1000", "folder.profile", "-840 to 840"),
    ] {
        let import = Country::empty().file(file, text).read();
        let told = render(&import.problems);
        let found = import.problems.iter().find(|p| p.what.code() == code).unwrap_or_else(|| panic!("{file}: {told}"));
        assert!(found.to_string().contains(words), "{told}");
        assert!(import.drafts.is_empty());
    }
    for file in [
        "plants.csv",
        "expected/findings.csv",
        "refused/a.csv",
        "README.md",
        ".DS_Store",
        "registers/fac-a/.~lock.x.csv#",
    ] {
        let import = Country::good().file(file, "anything").read();
        assert_eq!((render(&import.problems), import.drafts.len()), (String::new(), 8), "{file}");
    }
    for (file, named) in [
        ("Thumbs.db", "Thumbs.db"),
        ("desktop.ini", "desktop.ini"),
        ("lost+found/x", "lost+found/"),
        ("System Volume Information/IndexerVolumeGuid", "System Volume Information/"),
        ("registers/.DS_Store", "registers/.DS_Store"),
        ("registers/$RECYCLE.BIN/visit.completed.csv", "registers/$RECYCLE.BIN/"),
        ("registers/4913/visit.completed.csv", "registers/4913/"),
        ("registers/fac-a/Thumbs.db", "registers/fac-a/Thumbs.db"),
        ("registers/fac-a/~$visit.completed.csv", "registers/fac-a/~$visit.completed.csv"),
        ("registers/fac-a/._visit.completed.csv", "registers/fac-a/._visit.completed.csv"),
        ("registers/fac-a/.visit.completed.csv", "registers/fac-a/.visit.completed.csv"),
        ("registers/fac-a/visit.completed.csv~", "registers/fac-a/visit.completed.csv~"),
        ("registers/fac-a/.visit.completed.csv.swp", "registers/fac-a/.visit.completed.csv.swp"),
        ("registers/fac-a/visit.completed.csv.crdownload", "registers/fac-a/visit.completed.csv.crdownload"),
    ] {
        let import = Country::good().file(file, "anything").read();
        assert_eq!((render(&import.problems), import.drafts.len()), (String::new(), 8), "{file}");
        // Beside what keeps an empty folder.
        assert_eq!(import.left_behind.iter().filter(|left| *left != "registers/.keep").collect::<Vec<_>>(), [named]);
    }
    // What is content is never taken for what was left behind, whatever its name looks like.
    let parties = PARTIES.replace("fac-a,", "4913,");
    let moved = Country::empty().file("parties.csv", &parties).file("registers/4913/visit.completed.csv", "row_id\n");
    assert!(moved.read().problems.iter().any(|problem| problem.file == "registers/4913/visit.completed.csv"));
    let mut country = Country::good();
    country.files.remove("parties.csv");
    assert_eq!(
        country.read().problems[0].to_string(),
        "parties.csv: parties.csv is missing; put it in the folder that is read"
    );
    let mut country = Country::empty();
    country.files.remove("registers/.keep");
    assert_eq!(country.read().problems[0].what.code(), "folder.missing");
    let options = Options { replay: true, ..Options::default() };
    assert_eq!(
        Country::empty().options(options).read().problems[0].to_string(),
        "profile.toml: profile.toml is missing; put it in the folder that is read"
    );
}

#[test]
fn a_bad_line_of_parties_csv_is_told_once_and_its_rows_wait() {
    let parties = PARTIES.replace("fac-a,facility", "fac-a,prison");
    let import = Country::good().file("parties.csv", &parties).read();
    let told: Vec<_> = import.problems.iter().map(|p| (p.file.as_str(), p.what.code())).collect();
    assert_eq!(
        told,
        [
            ("parties.csv", "parties.cell"),
            ("registers/adm/inspection.conducted.csv", "cell.party"),
            ("registers/cso-x/access.request.submitted.csv", "cell.party"),
            ("registers/fac-a/", "folder.refused-party"),
        ]
    );
}

#[test]
fn a_file_is_told_what_breaks_it() {
    let good = csv(VISIT, &[&[]]);
    let (header, row) = good.trim_end().split_once('\n').unwrap();
    for (text, line, code, words) in [
        (String::new(), None, "file.empty", "ledger template"),
        (good.replace(',', ";"), Some(1), "file.separator", "semicolons"),
        (good.replace(',', "\t"), Some(1), "file.separator", "tabs"),
        (format!("{header}\n{row},\n"), Some(2), "row.ragged", "21 cells where the header has 20"),
        (format!("{header}\nr1,2025-03-04\n"), Some(2), "row.ragged", "2 cells"),
        (good.replace("normal", "\"normal"), Some(2), "file.quote", "never closed"),
        (good.replace("normal", "nor\"mal"), Some(2), "file.quote", "RFC 4180"),
        (good.replace('\n', "\r"), Some(1), "file.newline", "\\r\\n"),
        (good.replacen("wait", "wayt", 1), Some(1), "column.unknown", "did you mean wait?"),
        (good.replacen(",wait,", ",", 1), Some(1), "column.missing", "wait"),
        (good.replacen("wait", "duration", 1), Some(1), "column.twice", "delete one"),
        (
            good.replacen("signer,", "signer,received_at,", 1).replacen("desk-1,", "desk-1,2025-03-04T10:00:00Z,", 1),
            Some(1),
            "column.received-at",
            "the ledger's own clock",
        ),
    ] {
        let import = Country::good().file(PLACE, &text).read();
        let told = render(&import.problems);
        let found = import.problems.iter().find(|p| p.what.code() == code).unwrap_or_else(|| panic!("{code}: {told}"));
        assert_eq!((found.file.as_str(), found.line), (PLACE, line), "{told}");
        assert!(found.to_string().contains(words), "{told}");
        assert!(!import.drafts.iter().any(|d| d.event == "visit.completed"), "{told}");
    }
    // All at once: two columns and a cell.
    let text = good.replacen("wait", "wayt", 1).replacen("completion", "complete", 1).replacen(",60,", ",sixty,", 1);
    let import = Country::good().file(PLACE, &text).read();
    let codes: Vec<_> = import.problems.iter().map(|p| p.what.code()).collect();
    assert_eq!(codes, ["column.unknown", "column.unknown", "column.missing", "column.missing", "cell.form"]);
    // Both line ends, blank lines at the end, and a row of commas.
    for text in [good.replace('\n', "\r\n"), format!("{good}\n\n"), good.trim_end().to_owned()] {
        assert_eq!(render(&Country::good().file(PLACE, &text).read().problems), "");
    }
    let import = Country::good().file(PLACE, &format!("{good}{}\n", ",".repeat(19))).read();
    assert_eq!((import.problems.len(), import.warnings[0].what.code(), import.drafts.len()), (0, "row.empty", 8));
    let swapped = "row_id,signer,occurred_at,cosigner,id,organisation,effective_on,identity_mode\n";
    let import = Country::good().file("registers/min/organisation.updated.csv", swapped).read();
    assert_eq!((import.problems.len(), import.warnings[0].what.code()), (0, "column.order"));
}

#[test]
fn names_of_persons_in_a_header_are_refused_in_any_spelling() {
    for column in [
        "prisoner_no",
        "Prisoner No",
        "INMATE",
        "Numéro du détenu",
        "detainee-id",
        "person name",
        "pNOMIS",
        "noms_number",
        "ｐｒｉｓｏｎｅｒ",
    ] {
        let text = csv(VISIT, &[&[(column, "44-1182")]]);
        let import = Country::good().file(PLACE, &text).read();
        let told = render(&import.problems);
        assert_eq!(import.problems.iter().filter(|p| p.what.code() == "column.personal").count(), 1, "{told}");
        assert!(told.contains("nothing of it was recorded") && !told.contains("1182"), "{told}");
        assert!(!import.drafts.iter().any(|d| d.event == "visit.completed"));
    }
    // A file without a header: its first row is no message either.
    let import = Country::good().file(PLACE, "r1,2025-03-04,Anselme Torvic,44-1182\n").read();
    let told = render(&import.problems);
    assert!(!told.contains("Torvic") && !told.contains("1182"), "{told}");
}

#[test]
fn encodings_are_named_not_guessed() {
    let text = csv(REGISTRATION, &[&[("name", "Société d'été")]]);
    let file = path(REGISTRATION);
    let latin: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let bom = [b"\xef\xbb\xbf", text.as_bytes()].concat();
    let read = |bytes: &[u8], charset: &str| {
        let options = Options { charset: Charset::parse(charset).unwrap(), ..Options::default() };
        Country::empty().bytes(&file, bytes).options(options).read()
    };
    for (bytes, charset, want) in [
        (&latin, "utf-8", Err(":2: the byte 0xe9 is not UTF-8; save the file as UTF-8, or name its encoding")),
        (&bom, "utf-8", Err("save it as UTF-8 without BOM, or name its encoding as utf-8-with-bom")),
        (&latin, "windows-1252", Ok(())),
        (&bom, "utf-8-with-bom", Ok(())),
        (&text.clone().into_bytes(), "utf-8-with-bom", Ok(())),
    ] {
        let import = read(bytes, charset);
        match want {
            Ok(()) => assert_eq!(import.drafts[0].fields["name"], Value::localised("en", "Société d'été")),
            Err(words) => assert!(import.problems[0].to_string().contains(words), "{}", import.problems[0]),
        }
    }
}

#[test]
fn limits_hold() {
    let rows: Vec<Vec<(&str, &str)>> =
        (0..4).map(|n| vec![("row_id", ["a", "b", "c", "d"][n]), ("id", ["a", "b", "c", "d"][n])]).collect();
    let rows: Vec<&[(&str, &str)]> = rows.iter().map(Vec::as_slice).collect();
    let country = || Country::good().file(PLACE, &csv(VISIT, &rows));
    for (limits, code) in [
        (Limits { rows: 3, ..Limits::default() }, "file.rows"),
        (Limits { columns: 16, ..Limits::default() }, "file.columns"),
        (Limits { cell_bytes: 16, ..Limits::default() }, "cell.long"),
        (Limits { file_bytes: 400, ..Limits::default() }, "file.size"),
        (Limits { files: 2, ..Limits::default() }, "folder.files"),
    ] {
        let import = country().options(Options { limits, ..Options::default() }).read();
        assert!(import.problems.iter().any(|p| p.what.code() == code), "{code}: {}", render(&import.problems));
    }
    assert_eq!(country().read().drafts.len(), 11);
    // Problems past the limit are counted, and the rows are refused all the same.
    let bad: Vec<Vec<(&str, &str)>> = rows.iter().map(|row| [*row, &[("wait", "x")]].concat()).collect();
    let bad: Vec<&[(&str, &str)]> = bad.iter().map(Vec::as_slice).collect();
    let limits = Limits { problems: 3, ..Limits::default() };
    let import =
        Country::good().file(PLACE, &csv(VISIT, &bad)).options(Options { limits, ..Options::default() }).read();
    assert_eq!((import.refused, import.problems.len()), (4, 4));
    assert!(
        render(&import.problems)
            .ends_with("1 further problems are not listed; mend those listed and read the files again\n")
    );
}

#[test]
fn nothing_happens_in_the_future() {
    let now = schemas::time::Timestamp::parse("2025-03-03T12:00:00Z");
    let import = Country::empty().with(REGISTRATION, &[]).options(Options { now, ..Options::default() }).read();
    assert!(import.problems[0].to_string().contains("after 2025-03-03, the day of receipt"), "{}", import.problems[0]);
}

#[test]
fn a_mapping_reads_a_foreign_file() {
    let mapping = r#"
        dates = "D/M/Y"
        decimal_comma = true
        utc_offset_minutes = 60
        [event."visit.completed".columns]
        "Date de visite" = "visited_on"
        "Entrée" = "entered_at"
        "Attente (min)" = "wait"
        "Détenus H" = "participants_m_adult"
        [event."visit.completed".values.completion]
        "normale" = "normal"
        [event."visit.completed".values.private_interviews_refused]
        "NON" = "false"
    "#;
    let mapping = Mapping::read("map.toml", mapping.as_bytes()).unwrap();
    let mut text = csv(
        VISIT,
        &[&[
            ("visited_on", "04/03/2025"),
            ("entered_at", "4/3/2025 10:00"),
            ("completion", "normale"),
            ("private_interviews_refused", "NON"),
            ("participants_m_adult", "7"),
        ]],
    );
    for (ours, foreign) in [
        ("visited_on", "Date de visite"),
        ("entered_at", "Entrée"),
        ("wait", "Attente (min)"),
        ("participants_m_adult", "Détenus H"),
    ] {
        text = text.replacen(ours, foreign, 1);
    }
    let options = Options { mapping: Some(mapping), ..Options::default() };
    let import = Country::good().file(PLACE, &text).options(options.clone()).read();
    assert_eq!(render(&import.problems), "");
    let visit = import.drafts.iter().find(|d| d.event == "visit.completed").unwrap();
    let field = |name: &str| visit.fields[name].to_json();
    assert_eq!(field("visited_on"), "\"2025-03-04\"");
    assert_eq!(field("entered_at"), "\"2025-03-04T09:00:00Z\"");
    assert_eq!(
        (
            field("completion").as_str(),
            field("private_interviews_refused").as_str(),
            field("participants_m_adult").as_str()
        ),
        ("\"normal\"", "false", "7")
    );
    // Messages name the column as the officer's file does.
    let import = Country::good().file(PLACE, &text.replace(",10,", ",soon,")).options(options.clone()).read();
    assert!(
        import.problems[0].to_string().contains("column Attente (min): \"soon\" is not a whole number of minutes"),
        "{}",
        import.problems[0]
    );
    // A mapping opens no door for a column about a person.
    let text = csv(VISIT, &[&[("Numéro détenu", "44-1182")]]);
    let import = Country::good().file(PLACE, &text).options(options).read();
    assert_eq!(import.problems[0].what.code(), "column.personal");
}

#[test]
fn the_mapping_of_the_manual_can_be_used() {
    let manual = include_str!("../../IMPORT.md");
    let example = manual.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    assert_eq!(Mapping::read("IMPORT.md", example.as_bytes()).map(drop), Ok(()));
}

#[test]
fn single_files_are_read_for_one_party() {
    let folder = Country::empty()
        .file("visit.completed.2025-03.csv", &csv(VISIT, &[&[("approval", "")]]))
        .file("visit.csv", "x\n")
        .write();
    let (parties, _) = Parties::read("parties.csv", PARTIES.as_bytes(), &Limits::default());
    let read = |name: &str, party: &str| {
        let import = read_files(&[folder.path().join(name)], party, &parties, &Options::default(), &Nothing);
        (import.drafts.len(), import.problems.first().map(|p| p.what.code()))
    };
    assert_eq!(read("visit.completed.2025-03.csv", "fac-a"), (1, None));
    assert_eq!(read("visit.completed.2025-03.csv", "cso-x"), (0, Some("folder.role")));
    assert_eq!(read("visit.completed.2025-03.csv", "nobody"), (0, Some("folder.party")));
    assert_eq!(read("visit.csv", "fac-a"), (0, Some("folder.type")));
    assert_eq!(read("parties.csv", "fac-a"), (0, Some("folder.type")));
    assert_eq!(read("visit.attempted.csv", "cso-x"), (0, Some("file.read")));
    // The same rows in two files are the same rows.
    let twice = vec![folder.path().join("visit.completed.2025-03.csv"); 2];
    let import = read_files(&twice, "fac-a", &parties, &Options::default(), &Nothing);
    assert_eq!((import.drafts.len(), import.problems[0].what.code()), (1, "row.twice"));
}

#[test]
fn a_template_is_a_header_row() {
    let header = template("visit.countersigned").unwrap();
    assert_eq!(
        header,
        "row_id,occurred_at,signer,cosigner,id,visit,facility,organisation,statement,reservations,note,note_lang\n"
    );
    assert!(template("complaint.lodged").unwrap().starts_with("row_id,occurred_at,signer,cosigner,id,intake_at,"));
    for none in ["visit.complete", "ledger.index.sealed", "sealed.record.appended", ""] {
        assert_eq!(template(none), None, "{none}");
    }
}
