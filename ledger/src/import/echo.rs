//! What a message may repeat of a cell that it refuses.
//!
//! A cell in the wrong column may hold a person's name or number, and messages travel: onto
//! screens, into logs, into mails to a help desk. So a message quotes only what plainly is no
//! such thing, and says "the value" of everything else.

use schemas::catalogue::{Field, Kind, Visibility};
use schemas::lint;
use schemas::visible;

/// Longest value that is quoted, in characters.
const SHOWN_CHARS_MAX: usize = 40;

/// The value in quotation marks, or the words "the value".
pub fn shown(value: &str) -> String {
    if is_harmless(value) { format!("{value:?}") } else { "the value".to_owned() }
}

/// The same for a cell of a field: what is sealed, and texts, are never repeated.
pub(crate) fn shown_of(field: &Field, value: &str) -> String {
    if field.visibility == Visibility::Sealed || field.kind == Kind::Text {
        "the value".to_owned()
    } else {
        shown(value)
    }
}

/// Whether a value is short and has neither a word written like a name nor a long number.
pub(crate) fn is_harmless(value: &str) -> bool {
    let named = |word: &str| {
        let mut chars = word.chars();
        let upper = chars.next().is_some_and(char::is_uppercase);
        // Scripts without cases tell us nothing: their words are not repeated either.
        let caseless = word.chars().any(|c| c.is_alphabetic() && !c.is_uppercase() && !c.is_lowercase());
        caseless || (upper && word.chars().count() > 1 && !is_marker(word))
    };
    value.chars().count() <= SHOWN_CHARS_MAX
        && visible::hidden_in_line(value).is_none()
        && lint::lint_folded(value).is_none()
        && !lint::has_number(value)
        && !value.split(|c: char| !c.is_alphabetic()).any(named)
}

/// Words with upper-case letters that spreadsheets write.
fn is_marker(word: &str) -> bool {
    ["TRUE", "FALSE", "True", "False", "VRAI", "FAUX", "Vrai", "Faux", "NA", "KO", "OK", "Yes", "No", "Oui", "Non"]
        .contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_not_repeated() {
        for value in ["12 min", "fac-nowhere", "normall", "TRUE", "04/03/2025", "-3", "1.25", "", "2025-3-4T9:00Z"] {
            assert!(is_harmless(value), "{value}");
        }
        for value in [
            "Anselme Torvic",
            "TORVIC",
            "Torvic",
            "44-1182",
            "A1234BC",
            "20250304",
            "n° 44-1182",
            "أنس",
            "a\nb",
            &"x".repeat(41),
        ] {
            assert!(!is_harmless(value), "{value}");
        }
    }
}
