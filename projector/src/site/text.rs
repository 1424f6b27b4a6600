//! Numbers, days, names and hashes as people read them.

use std::borrow::Cow;

use maud::{Markup, html};
use schemas::catalogue::is_language;
use schemas::time::{Date, Timestamp};

use super::input::{Name, Site};

/// Longest part of an id that is kept on one line: on a narrow screen more would not fit.
const ID_PART_MAX: usize = 36;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// An integer with commas: `2,120`.
pub fn count(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut text = String::from(if n < 0 { "-" } else { "" });
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things as `count` writes it.
pub fn size(n: usize) -> String {
    count(i64::try_from(n).unwrap_or(i64::MAX))
}

/// `1 request`, `2 requests`.
pub fn things(n: usize, one: &str, many: &str) -> String {
    format!("{} {}", size(n), if n == 1 { one } else { many })
}

/// Tenths with one decimal, none where it is zero: `12`, `21.8`.
pub fn tenths(n: i64) -> String {
    let whole = count(n / 10);
    if n % 10 == 0 { whole } else { format!("{whole}.{}", (n % 10).abs()) }
}

/// `30 June 2026`.
pub fn day_words(day: Date) -> String {
    let month = MONTHS.get((day.month() - 1) as usize).copied().unwrap_or_default();
    format!("{} {month} {}", day.day(), day.year())
}

/// `30 Jun`, for labels of charts that name the year apart.
pub fn day_short(day: Date) -> String {
    let month = MONTHS.get((day.month() - 1) as usize).copied().unwrap_or_default();
    format!("{} {}", day.day(), &month[..month.len().min(3)])
}

/// A day for people and machines.
pub fn day(day: Date) -> Markup {
    html! { time datetime=(day) { (day_words(day)) } }
}

/// An instant to the second, in the local time of the profile's calendar.
pub fn instant(site: &Site, at: Timestamp) -> Markup {
    let minutes = site.log.utc_offset_minutes;
    let local = at.plus_seconds(i64::from(minutes) * 60).to_string();
    let clock = local.get(11..19).unwrap_or_default();
    let sign = if minutes < 0 { '\u{2212}' } else { '+' };
    let (hours, rest) = (minutes.abs() / 60, minutes.abs() % 60);
    html! { time datetime=(at) { (day_words(site.day(at))) ", " (clock) " (UTC" (sign) (format!("{hours:02}:{rest:02}")) ")" } }
}

/// The quarter in a period such as `2025-Q3`.
pub fn quarter(period: &str) -> Option<(&str, &str)> {
    let (year, quarter) = period.split_once('-')?;
    let form = year.len() == 4 && quarter.len() == 2 && quarter.starts_with('Q');
    form.then_some((year, quarter))
}

/// A period in a table head: `2025 Q3`.
pub fn period(period: &str) -> Cow<'_, str> {
    match quarter(period) {
        Some((year, quarter)) => format!("{year} {quarter}").into(),
        None => visible(period),
    }
}

/// A period in a sentence: `the third quarter of 2025`.
pub fn period_words(text: &str) -> Cow<'_, str> {
    let Some((year, quarter)) = quarter(text) else { return visible(text) };
    let ordinal = match quarter {
        "Q1" => "first",
        "Q2" => "second",
        "Q3" => "third",
        "Q4" => "fourth",
        _ => return visible(text),
    };
    format!("the {ordinal} quarter of {year}").into()
}

/// How many entries the log had: `4,213 entries`.
pub fn entries(site: &Site) -> String {
    format!("{} {}", count(site.log.size as i64), if site.log.size == 1 { "entry" } else { "entries" })
}

/// A code of a code list as words: `security_assessment` is `security assessment`.
pub fn code(text: &str) -> String {
    visible(text).replace('_', " ")
}

/// The same text with a capital first letter, and with what hides made visible.
pub fn capital(text: &str) -> String {
    let shown = visible(text);
    let mut chars = shown.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

pub use schemas::visible::line as visible;

/// A root hash as the checkpoint writes it, in groups of four, which wrap and which a copy does not tear apart.
pub fn hash(text: &str) -> Markup {
    let chars: Vec<char> = visible(text).chars().collect();
    html! {
        code.hash { bdi dir="ltr" {
            @for (i, group) in chars.chunks(4).enumerate() {
                @if i > 0 { wbr; }
                span { (group.iter().collect::<String>()) }
            }
        } }
    }
}

/// The beginning of a hash, for places that say where the rest stands.
pub fn hash_start(text: &str) -> Markup {
    let start: String = text.chars().take(16).collect();
    html! { (hash(&start)) "\u{2026}" }
}

/// An id, an address or a stream, always from left to right.
///
/// It wraps after `/` and `:` only: a hyphen at a line's end would read as a division.
pub fn id(text: &str) -> Markup {
    let shown = visible(text);
    let parts = || shown.split_inclusive(['/', ':']);
    let short = parts().all(|part| part.len() <= ID_PART_MAX);
    html! { bdi dir="ltr" { code.id[short] {
        @for (i, part) in parts().enumerate() { @if i > 0 { wbr; } (part) }
    } } }
}

/// Text that someone else wrote, kept from turning what stands around it.
pub fn quoted(text: &str) -> Markup {
    html! { bdi { (visible(text)) } }
}

/// A name in its own language.
pub fn name(name: &Name) -> Markup {
    html! { bdi lang=[is_language(&name.lang).then_some(&name.lang)] { (visible(&name.text)) } }
}

/// A facility's name, else its id.
pub fn facility(site: &Site, id: &str) -> Markup {
    match site.facilities.get(id) {
        Some(known) => name(known),
        None => self::id(id),
    }
}

/// An organisation's name, else the pseudonym under which the log prints it.
pub fn organisation(site: &Site, id: &str) -> Markup {
    match site.organisations.get(id) {
        Some(known) => name(known),
        None => html! { "an organisation that is not named (" (self::id(id)) ")" },
    }
}

/// The same for a cell of a table or a heading.
pub fn organisation_short(site: &Site, id: &str) -> Markup {
    match site.organisations.get(id) {
        Some(known) => name(known),
        None => html! { "unnamed organisation " (self::id(id)) },
    }
}

/// A rule's title; empty where the pack does not know it.
pub fn rule_title<'a>(site: &'a Site, id: &str) -> Cow<'a, str> {
    visible(site.rule(id).map_or("", |info| info.title.as_str()))
}

/// A facility's name as plain text, for labels of charts and cells of downloads.
pub fn facility_text<'a>(site: &'a Site, id: &'a str) -> Cow<'a, str> {
    visible(site.facilities.get(id).map_or(id, |known| known.text.as_str()))
}

/// Text as part of a fragment name: letters, digits, `-` and `.`; what else occurs becomes `.`.
pub fn anchor(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '.' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        for (n, want) in [(0, "0"), (12, "12"), (999, "999"), (1000, "1,000"), (-2_120_000, "-2,120,000")] {
            assert_eq!(count(n), want);
        }
        for (n, want) in [(0, "0"), (1000, "100"), (218, "21.8"), (12345, "1,234.5")] {
            assert_eq!(tenths(n), want);
        }
    }

    #[test]
    fn quarters_are_read_or_left_alone() {
        for (text, want) in
            [("2025-Q3", "the third quarter of 2025"), ("2025", "2025"), ("2025-H2", "2025-H2"), ("2025-Q9", "2025-Q9")]
        {
            assert_eq!(period_words(text), want);
        }
    }

    #[test]
    fn a_hash_keeps_its_bytes_together() {
        let text = hash("00112233aabb").into_string();
        assert_eq!(
            text.replace("<wbr>", "").replace("</span><span>", ""),
            "<code class=\"hash\"><bdi dir=\"ltr\"><span>00112233aabb</span></bdi></code>"
        );
    }
}
