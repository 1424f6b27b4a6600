//! Text that looks like personal data: what rule V-09 finds and an importer refuses.
//!
//! On NFC text, a value matches if one of two things stands in it:
//!
//! - [`Lint::Person`] (L1): a word such as *prisoner*, *détenue* or *mr*, in any case, then a full
//!   stop or none, blanks, and two words that each begin with an upper-case letter and go on with
//!   at least one lower-case letter;
//! - [`Lint::Number`] (L2): a number sign (`n°`, `nº`, `no.`, `nr.`, `№`, `#`, `رقم`), blanks or
//!   none, and then two digits, a hyphen and four digits; or a letter, four digits and two
//!   letters; or six or more digits.
//!
//! What arrives from outside is also looked at after [`fold`], so that full-width letters,
//! digits of another script or invisible characters hide nothing. The lint is a net with wide
//! meshes: it catches slips, not intent, and a text that passes is not thereby free of names.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use crate::visible;

/// Which part of the lint matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lint {
    /// L1: a word for a person, and two words written like a name.
    Person,
    /// L2: a number sign and a number like those of prison registers.
    Number,
}

impl Lint {
    /// `L1` or `L2`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "L1",
            Self::Number => "L2",
        }
    }
}

/// The words of L1, in lower case and NFC.
const PERSON_WORDS: [&str; 22] = [
    "prisoner",
    "inmate",
    "detainee",
    "convict",
    "détenu",
    "détenue",
    "prisonnier",
    "prisonnière",
    "monsieur",
    "madame",
    "mr",
    "mrs",
    "ms",
    "mme",
    "заключённый",
    "заключенный",
    "заключённая",
    "заключенная",
    "осуждённый",
    "осужденный",
    "осуждённая",
    "осужденная",
];
/// One more word of L1; apart from the others for it stands for any citizen.
const CITIZEN: &str = "гражданин";

/// What a column about one person is called, folded, without blanks and signs. The first
/// seven are the rule's; the others are the same words in the other languages of L1.
const PERSON_COLUMNS: [&str; 15] = [
    "prisoner",
    "inmate",
    "detainee",
    "detenu",
    "personname",
    "prisonerno",
    "pnomis",
    "convict",
    "prisonnier",
    "ecrou",
    "заключен",
    "осужден",
    "سجين",
    "نزيل",
    "معتقل",
];
/// Another of the rule's; French for "names" as well, hence only at the start of a word.
const NOMS: &str = "noms";

/// The digit nought of each script that has decimal digits (general category Nd, Unicode 16),
/// apart from those that NFKC already makes ASCII.
const NOUGHTS: [u32; 68] = [
    0x30, 0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xDE6, 0xE50, 0xED0,
    0xF20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620,
    0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10, 0x104A0, 0x10D30, 0x10D40, 0x11066, 0x110F0, 0x11136,
    0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650, 0x116C0, 0x116D0, 0x116DA, 0x11730, 0x118E0, 0x11950, 0x11BF0,
    0x11C50, 0x11D50, 0x11DA0, 0x11F50, 0x16A60, 0x16AC0, 0x16B50, 0x16D70, 0x1E140, 0x1E2F0, 0x1E4F0, 0x1E5F1,
    0x1E950,
];

/// Looks at a text as it stands, in NFC: what V-09 asks.
pub fn lint(text: &str) -> Option<Lint> {
    find(&text.nfc().collect::<Vec<_>>())
}

/// Looks at a text as it stands and as it reads after [`fold`]: what intake asks.
pub fn lint_folded(text: &str) -> Option<Lint> {
    lint(text).or_else(|| find(&fold(text).chars().collect::<Vec<_>>()))
}

/// The text in NFKC, with the digits of every script as ASCII, dashes as hyphens, and without
/// characters that nobody sees. Number signs stay number signs.
pub fn fold(text: &str) -> String {
    // NFKC would make "No" of "№" and "no" of "nº": words without the sign that they are.
    let sign = |c| match c {
        '№' => '#',
        'º' | '˚' => '°',
        c => c,
    };
    let plain = |c| match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' => '-',
        c => digit(c).and_then(|d| char::from_digit(d, 10)).unwrap_or(c),
    };
    text.chars().map(sign).filter(|c| !is_invisible(*c)).nfkc().map(plain).collect()
}

/// The words of a text after [`fold`], in lower case and parted by one blank each: two texts
/// that read alike are equal.
pub fn words(text: &str) -> String {
    let folded = fold(text).to_lowercase();
    let parts = folded.split(|c: char| !is_word(c)).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(" ")
}

/// Whether a column is named like one that tells who a person in custody is, however it is
/// spelled: `Prisoner No`, `prisonerNo`, `PRISONER-NO` and `Numéro du détenu` are all.
pub fn is_personal_column(name: &str) -> bool {
    let bare = |text: &str| fold(text).nfd().filter(|c| !is_combining_mark(*c)).collect::<String>();
    let bare = bare(name);
    let mut parted = String::new();
    let mut after_lower = false;
    for c in bare.chars() {
        if !c.is_alphanumeric() || (after_lower && c.is_uppercase()) {
            parted.push(' ');
        }
        after_lower = c.is_lowercase();
        parted.extend(c.is_alphanumeric().then_some(c).into_iter().flat_map(char::to_lowercase));
    }
    let joined: String = parted.split(' ').collect();
    PERSON_COLUMNS.iter().any(|word| joined.contains(word)) || parted.split(' ').any(|part| part.starts_with(NOMS))
}

/// Whether a text holds a number that has the form of L2, with or without a number sign. A
/// message that quotes what it refuses asks this first.
pub fn has_number(text: &str) -> bool {
    let chars: Vec<char> = fold(text).chars().collect();
    (0..chars.len()).any(|at| number(&chars[at..]))
}

fn find(text: &[char]) -> Option<Lint> {
    for at in 0..text.len() {
        let starts = at == 0 || !is_word(text[at - 1]);
        if starts && person(&text[at..]) {
            return Some(Lint::Person);
        }
        if let Some(length) = sign(&text[at..], starts)
            && number(skip_blanks(&text[at + length..]))
        {
            return Some(Lint::Number);
        }
    }
    None
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c) || c == '_'
}

/// L1 at the start of a word.
fn person(text: &[char]) -> bool {
    let length = text.iter().take_while(|c| is_word(**c)).count();
    // The longest word of the list has 11 letters; anything longer need not be copied.
    if length == 0 || length > 16 {
        return false;
    }
    let word: String = text[..length].iter().flat_map(|c| c.to_lowercase()).collect();
    if !PERSON_WORDS.contains(&word.as_str()) && word != CITIZEN {
        return false;
    }
    let rest = &text[length..];
    let rest = rest.strip_prefix(&['.']).unwrap_or(rest);
    let first = skip_blanks(rest);
    if first.len() == rest.len() || !is_name(first) {
        return false;
    }
    let rest = &first[name_part(first).len()..];
    let second = skip_blanks(rest);
    second.len() < rest.len() && is_name(second)
}

/// An upper-case letter, and a lower-case one later in the same word: O'Brien is a name too.
fn is_name(text: &[char]) -> bool {
    name_part(text)
        .split_first()
        .is_some_and(|(first, rest)| first.is_uppercase() && rest.iter().any(|c| c.is_lowercase()))
}

fn name_part(text: &[char]) -> &[char] {
    let inside = |c: &&char| is_word(**c) || matches!(c, '\'' | '’' | '-' | '\u{2010}' | '\u{2011}');
    &text[..text.iter().take_while(inside).count()]
}

fn skip_blanks(text: &[char]) -> &[char] {
    &text[text.iter().take_while(|c| c.is_whitespace()).count()..]
}

/// Length of the number sign that the text begins with. A sign made of letters is one only
/// where a word begins: "casino." is none. Arabic writes prefixes in one with the word.
fn sign(text: &[char], starts: bool) -> Option<usize> {
    match text {
        ['№' | '#', ..] => Some(1),
        ['ر', 'ق', 'م', ..] => Some(3),
        ['n' | 'N', '°' | 'º', ..] if starts => Some(2),
        ['n' | 'N', 'o' | 'O' | 'r' | 'R', '.', ..] if starts => Some(3),
        _ => None,
    }
}

fn number(text: &[char]) -> bool {
    let digits =
        |from: usize, n: usize| text.get(from..from + n).is_some_and(|part| part.iter().all(|c| digit(*c).is_some()));
    let letter = |at: usize| text.get(at).is_some_and(|c| c.is_alphabetic());
    let hyphen = |at: usize| text.get(at).is_some_and(|c| matches!(c, '-' | '\u{2010}' | '\u{2011}'));
    digits(0, 2) && hyphen(2) && digits(3, 4) || letter(0) && digits(1, 4) && letter(5) && letter(6) || digits(0, 6)
}

/// The value of a decimal digit of any script.
fn digit(c: char) -> Option<u32> {
    let c = u32::from(c);
    let at = NOUGHTS.partition_point(|nought| *nought <= c);
    at.checked_sub(1).map(|at| c - NOUGHTS[at]).filter(|value| *value < 10)
}

/// Characters without width: what hides but for controls, joiners, variation selectors; and the
/// Arabic stretching stroke.
fn is_invisible(c: char) -> bool {
    let hides = matches!(visible::kind(c), Some(visible::Kind::Direction | visible::Kind::Invisible));
    hides || visible::is_joiner(c) || visible::is_selector(c) || c == '\u{640}'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_found() {
        use Lint::{Number, Person};
        for (text, want) in [
            ("Le détenu Anselme Torvic s'y oppose.", Some(Person)),
            ("LE DÉTENU Anselme Torvic", Some(Person)),
            ("le de\u{301}tenu Anselme Torvic", Some(Person)),
            ("Mr. John O'Brien", Some(Person)),
            ("Mr. John Brien", Some(Person)),
            ("mr\u{a0}Jean-Pierre Dupont", Some(Person)),
            ("ex-detainee John\nSmith", Some(Person)),
            ("гражданин Иван Петров", Some(Person)),
            ("осуждённая Анна Каренина", Some(Person)),
            ("Mr.John Smith", None),
            ("Mr John", None),
            ("Mr John smith", None),
            ("Mr John, Smith", None),
            ("mr JOHN SMITH", None),
            ("the prisoners John Smith", None),
            ("Hmr John Smith", None),
            ("John Smith", None),
            ("(n° 44-1182)", Some(Number)),
            ("N°44-1182", Some(Number)),
            ("nº  A1234BC", Some(Number)),
            ("No. 123456", Some(Number)),
            ("nr. 1234567", Some(Number)),
            ("№ 12-3456", Some(Number)),
            ("#A1234bc", Some(Number)),
            ("بالرقم ١٢٣٤٥٦", Some(Number)),
            ("no 123456", None),
            ("casino. 123456", None),
            ("n° 12345", None),
            ("n° 4-1182", None),
            ("n° A123BC", None),
            ("44-1182", None),
            ("Loi pénitentiaire 2011-7, art. 18", None),
            ("", None),
            ("n°", None),
            ("mr", None),
        ] {
            assert_eq!(lint(text), want, "{text:?}");
        }
    }

    /// A long text of whatever makes a net with wide meshes look far ahead: each character is looked at a few times, and
    /// not once for each before it, or this would take an hour. The last is of a megabyte.
    #[test]
    fn long_texts_take_no_longer_than_they_are() {
        let filled = |part: &str| part.repeat((1 << 17) / part.len());
        for part in [
            "# ",
            "#",
            " ",
            "n° ",
            "no. ",
            "رقم ",
            "mr ",
            "mr A",
            "mr. Ab-",
            "Mr A'",
            "a",
            "A",
            "\u{301}",
            "e\u{301}",
            "_",
            "1",
            "12-345",
            "№\u{200b}",
            "ﷺ",
            "مـ",
        ] {
            let text = filled(part);
            for text in [format!("mr {text}"), format!("# {text}")] {
                let _ = (lint_folded(&text), has_number(&text), is_personal_column(&text), words(&text));
            }
        }
        assert_eq!(lint_folded(&(filled("# ") + "mr John Smith")), Some(Lint::Person));
        assert_eq!(lint_folded(&("mr ".repeat(350_000) + "n° 44-1182")), Some(Lint::Number));
    }

    #[test]
    fn folding_undoes_what_hides() {
        for (text, want) in [
            ("Ｍｒ Ｊｏｈｎ Ｓｍｉｔｈ", Some(Lint::Person)),
            ("Mr Jo\u{200b}hn Sm\u{ad}ith", Some(Lint::Person)),
            ("m\u{2060}r John Smith", Some(Lint::Person)),
            ("n\u{200d}° 44\u{2011}1182", Some(Lint::Number)),
            ("n˚ 44–1182", Some(Lint::Number)),
            ("№ ４４－１１８２", Some(Lint::Number)),
            ("رقـم ۱۲۳۴۵۶", Some(Lint::Number)),
            ("＃123456", Some(Lint::Number)),
            ("there were no 100000 visitors", None),
            // Folding takes nothing away that was found without it.
            ("x\u{200b}Mr John Smith", Some(Lint::Person)),
        ] {
            assert_eq!(lint_folded(text), want, "{text:?}");
        }
        assert_eq!(fold("१२٣４ ²"), "1234 2");
        assert_eq!(words("  Faith &\u{200b} Ｄialogue—Réseau "), "faith dialogue réseau");
    }

    #[test]
    fn every_nought_begins_ten_digits() {
        assert!(NOUGHTS.is_sorted());
        for nought in NOUGHTS {
            let c = |n: u32| char::from_u32(nought + n).unwrap();
            assert_eq!((digit(c(0)), digit(c(9))), (Some(0), Some(9)), "{nought:x}");
        }
        for c in ['/', ':', 'a', '½', '²', '\u{65f}', '\u{66a}'] {
            assert_eq!(digit(c), None, "{c:?}");
        }
    }

    #[test]
    fn columns_about_a_person_are_known_in_any_spelling() {
        for name in [
            "prisoner_no",
            "Prisoner No",
            "PRISONER-NO",
            "prisonerNo",
            "inmate",
            "Detainee ID",
            "Numéro du détenu",
            "De\u{301}tenue",
            "person_name",
            "PersonName",
            "person name",
            "pnomis",
            "pNOMIS",
            "noms",
            "NOMS_id",
            "nomsNumber",
            "offender noms",
            "N° d'écrou",
            "Номер заключённого",
            "رقم السجين",
            "ｐｒｉｓｏｎｅｒ",
            "pri\u{200b}soner",
        ] {
            assert!(is_personal_column(name), "{name}");
        }
        for name in ["wait", "team_names", "persons_list", "name", "economs", "personnel", "", "row_id", "pronoms"] {
            assert!(!is_personal_column(name), "{name}");
        }
        let catalogue = crate::catalogue::Catalogue::built_in();
        for event in catalogue.events().chain(catalogue.inners()) {
            let names = event.fields.iter().map(|f| &f.name).chain(event.refs.iter().map(|r| &r.name));
            assert_eq!(names.filter(|name| is_personal_column(name)).count(), 0, "{}", event.name);
        }
    }

    #[test]
    fn numbers_are_seen_without_a_sign() {
        for (text, want) in
            [("x 44-1182", true), ("A1234BC", true), ("123456", true), ("12 min", false), ("04/03/2025", false)]
        {
            assert_eq!(has_number(text), want, "{text}");
        }
    }
}
