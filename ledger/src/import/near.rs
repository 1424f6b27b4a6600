//! "Did you mean": the candidate nearest to a word that is none of them.

use schemas::lint;

/// The nearest candidate, as the end of an advice: `; did you mean wait?`, or nothing.
pub(crate) fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, candidates).map_or_else(String::new, |near| format!("; did you mean {near}?"))
}

/// The candidate that differs least from the word, where it differs little. Case, accents'
/// width, blanks and signs are no difference.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = plain(word);
    let length = word.len();
    if length == 0 || length > 64 {
        return None;
    }
    let distance = |candidate: &str| edits(&word, &plain(candidate));
    let scored = candidates.into_iter().map(|c| (distance(c), c));
    scored.filter(|(d, _)| *d <= (length / 3).max(1)).min_by_key(|(d, _)| *d).map(|(_, c)| c)
}

fn plain(text: &str) -> Vec<char> {
    lint::words(text).chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Levenshtein's distance.
fn edits(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let keep = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = keep.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_find_their_word() {
        let words = ["wait", "duration", "visited_on", "facility"];
        for (slip, want) in [
            ("Wait", Some("wait")),
            ("visited on", Some("visited_on")),
            ("visitedOn", Some("visited_on")),
            ("faclity", Some("facility")),
            ("durations", Some("duration")),
            ("prisoner_no", None),
            ("", None),
            ("x", None),
        ] {
            assert_eq!(nearest(slip, words), want, "{slip:?}");
        }
    }
}
