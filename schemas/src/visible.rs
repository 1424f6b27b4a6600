//! What hides in a text, made visible.
//!
//! A file name with terminal escapes can make a failed check read "Verified"; a text with direction
//! controls reads otherwise than it was signed; a zero-width character makes two contents look like
//! one. So whatever a program did not write itself is printed through one of these:
//!
//! - [`fn@line`]: a name, a path, a code, a value inside a line. Line breaks too become signs, so that
//!   nobody else's text begins a line of ours;
//! - [`lines`]: a text of several lines, and whole outputs at the door of a program; [`page`] for a page, [`json`] for
//!   JSON;
//! - [`exact`]: what somebody is about to sign or to approve: two different contents never look the
//!   same because of what cannot be seen.
//!
//! A sign is `⟨U+202E⟩`: the character's number in brackets. [`fn@line`] and [`lines`] leave signs as
//! they are, so a text may pass through both; [`exact`] tells a sign that stands in the text from
//! one that it made. [`hidden`] says what a text that is about to be written must not have.
//!
//! Joiners (U+200C, U+200D) between letters of scripts that join them, and inside emoji, are
//! spelling: Persian cannot be written without. They stay everywhere but in [`exact`].
//! Unicode TR36 (3), TR39 (5), TR9 (2). `verifier/web/src/visible.js` is the same table.

use std::borrow::Cow;
use std::fmt;
use std::fmt::Write as _;
use std::path::Path;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Why a character is shown as a sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// It steers a terminal or breaks a line: C0, DEL, C1 (NEL among them), U+2028, U+2029.
    Control,
    /// It turns the direction of what stands around it: Bidi_Control of Unicode.
    Direction,
    /// Nobody sees it: zero-width characters, soft hyphens, fillers, tags, annotations; a joiner or a
    /// variation selector where it joins or varies nothing.
    Invisible,
    /// It is no character and never will be one, such as U+FFFF.
    Noncharacter,
}

impl Kind {
    /// What it is, in a message: `a direction control`.
    pub fn words(self) -> &'static str {
        match self {
            Self::Control => "a control character",
            Self::Direction => "a direction control",
            Self::Invisible => "an invisible character",
            Self::Noncharacter => "a code that is no character",
        }
    }
}

/// Something that hides in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hidden {
    /// What it is.
    pub kind: Kind,
    /// The character.
    pub c: char,
    /// Its place, counted in characters from 1.
    pub at: usize,
}

impl fmt::Display for Hidden {
    /// `a direction control (U+202E, character 7)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (U+{:04X}, character {})", self.kind.words(), u32::from(self.c), self.at)
    }
}

/// A text as it may stand inside a line: whatever hides, line breaks and tabs too, is a sign.
pub fn line(text: &str) -> Cow<'_, str> {
    show(text, |_| false)
}

/// Somebody else's words inside a line: the first `chars_max` characters, with [`fn@line`] applied.
pub fn start(text: &str, chars_max: usize) -> String {
    let end = text.char_indices().nth(chars_max).map_or(text.len(), |(at, _)| at);
    line(&text[..end]).into_owned()
}

/// A text of several lines: U+000A stays, whatever else hides is a sign.
pub fn lines(text: &str) -> Cow<'_, str> {
    show(text, |c| c == '\n')
}

/// A page or a file of text as a whole: line breaks and tabs stay as they are, whatever else hides is a sign.
pub fn page(text: &str) -> Cow<'_, str> {
    show(text, |c| matches!(c, '\n' | '\r' | '\t'))
}

/// The first thing that hides in a text, where a text may have tabs and line breaks (also U+000D).
pub fn hidden(text: &str) -> Option<Hidden> {
    first(text, |c| matches!(c, '\n' | '\r' | '\t'))
}

/// The first thing that hides in a name or any other text of one line.
pub fn hidden_in_line(text: &str) -> Option<Hidden> {
    first(text, |_| false)
}

/// A text as whoever signs or approves it must see it. Beyond what [`fn@line`] shows, these are signs: each
/// joiner and selector; blanks other than U+0020, and U+0020 at either end or beside another; what a
/// text that is not in NFC spells otherwise than NFC would; and the brackets of signs that stand in the
/// text. A line break is a sign, and then breaks the line.
pub fn exact(text: &str) -> Cow<'_, str> {
    let chars: Vec<char> = text.chars().collect();
    let composed = text.nfc().eq(chars.iter().copied());
    let odd = |at: usize| {
        let c = chars[at];
        match c {
            ' ' => at == 0 || at + 1 == chars.len() || chars[at - 1] == ' ' || chars[at - 1] == '\n',
            '\u{27e8}' => chars[at + 1..].starts_with(&['U', '+']),
            '\u{2800}' => true,
            c => {
                kind(c).is_some()
                    || is_joiner(c)
                    || is_selector(c)
                    || c.is_whitespace()
                    || !composed && (is_combining_mark(c) || !std::iter::once(c).nfc().eq(std::iter::once(c)))
            }
        }
    };
    if !(0..chars.len()).any(odd) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for (at, c) in chars.iter().enumerate() {
        if odd(at) {
            sign(&mut shown, *c);
        } else {
            shown.push(*c);
        }
        if *c == '\n' {
            shown.push('\n');
        }
    }
    Cow::Owned(shown)
}

/// JSON in which whatever hides is written as an escape: the values are the same, and a terminal or a log that shows
/// the text is not steered by them.
pub fn json(text: &str) -> Cow<'_, str> {
    let escaped = |c: char| kind(c).is_some() && !c.is_ascii_control() || c == '\u{7f}';
    if !text.contains(escaped) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if escaped(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// What a character hides, wherever it stands; joiners and variation selectors depend on their place.
pub fn kind(c: char) -> Option<Kind> {
    match c {
        ' '..='~' => None,
        c if c.is_control() => Some(Kind::Control),
        '\u{2028}' | '\u{2029}' => Some(Kind::Control),
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            Some(Kind::Direction)
        }
        c if is_selector(c) => None,
        '\u{ad}'
        | '\u{34f}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180e}'
        | '\u{200b}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffc}'
        | '\u{13430}'..='\u{1343f}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}' => Some(Kind::Invisible),
        '\u{fdd0}'..='\u{fdef}' => Some(Kind::Noncharacter),
        c if u32::from(c) & 0xFFFE == 0xFFFE => Some(Kind::Noncharacter),
        _ => None,
    }
}

/// U+200C and U+200D.
pub fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// Variation selectors: of emoji and symbols, of ideographs, of Mongolian.
pub fn is_selector(c: char) -> bool {
    matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' | '\u{180b}'..='\u{180d}' | '\u{180f}')
}

/// A path, a file name or a text as it may stand inside a line of output.
pub trait Show {
    /// It, with [`fn@line`] applied; bytes that are no UTF-8 are signs such as `⟨0xFF⟩`.
    fn shown(&self) -> Shown<'_>;
}

impl Show for str {
    fn shown(&self) -> Shown<'_> {
        Shown(line(self))
    }
}

impl Show for Path {
    fn shown(&self) -> Shown<'_> {
        let bytes = self.as_os_str().as_encoded_bytes();
        match std::str::from_utf8(bytes) {
            Ok(text) => text.shown(),
            Err(_) => {
                let mut shown = String::new();
                for chunk in bytes.utf8_chunks() {
                    shown.push_str(&line(chunk.valid()));
                    for byte in chunk.invalid() {
                        let _ = write!(shown, "\u{27e8}0x{byte:02X}\u{27e9}");
                    }
                }
                Shown(Cow::Owned(shown))
            }
        }
    }
}

/// What [`Show::shown`] gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown<'a>(Cow<'a, str>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

fn show(text: &str, stays: impl Fn(char) -> bool) -> Cow<'_, str> {
    // Nearly all that is ever printed.
    if text.bytes().all(|b| matches!(b, b' '..=b'~') || stays(char::from(b)) && b.is_ascii()) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::new();
    let mut done = 0;
    let mut before = None;
    let mut rest = text.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        if !stays(c) && hides(before, c, rest.peek().map(|(_, c)| *c)).is_some() {
            shown.push_str(&text[done..at]);
            sign(&mut shown, c);
            done = at + c.len_utf8();
        }
        before = Some(c);
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    shown.push_str(&text[done..]);
    Cow::Owned(shown)
}

fn first(text: &str, stays: impl Fn(char) -> bool) -> Option<Hidden> {
    let mut before = None;
    let mut rest = text.chars().peekable();
    let mut at = 0;
    while let Some(c) = rest.next() {
        at += 1;
        if let Some(kind) = hides(before, c, rest.peek().copied()).filter(|_| !stays(c)) {
            return Some(Hidden { kind, c, at });
        }
        before = Some(c);
    }
    None
}

fn sign(shown: &mut String, c: char) {
    let _ = write!(shown, "\u{27e8}U+{:04X}\u{27e9}", u32::from(c));
}

/// What a character hides between those beside it.
fn hides(before: Option<char>, c: char, after: Option<char>) -> Option<Kind> {
    let lawful = if is_joiner(c) {
        let letters = before.is_some_and(joins) && after.is_some_and(joins);
        letters || c == '\u{200d}' && before.is_some_and(is_emoji) && after.is_some_and(is_emoji)
    } else if is_selector(c) {
        before.is_some_and(|before| varies(before, c))
    } else {
        return kind(c);
    };
    if lawful { None } else { Some(Kind::Invisible) }
}

/// Letters and marks of scripts in which joiners are spelling: Arabic, Syriac, those of India and
/// around, Myanmar, Khmer, Mongolian.
fn joins(c: char) -> bool {
    let script = matches!(
        c,
        '\u{600}'..='\u{77f}' | '\u{7c0}'..='\u{7ff}' | '\u{840}'..='\u{dff}' | '\u{1000}'..='\u{109f}'
            | '\u{1780}'..='\u{18af}' | '\u{a840}'..='\u{a8ff}' | '\u{fb50}'..='\u{fdcf}' | '\u{fe70}'..='\u{fefc}'
            | '\u{10a00}'..='\u{10a5f}' | '\u{11000}'..='\u{11fff}' | '\u{1e900}'..='\u{1e95f}'
    );
    script && (c.is_alphabetic() || is_combining_mark(c)) && !is_selector(c)
}

/// What is joined to one picture, a selector of one included.
fn is_emoji(c: char) -> bool {
    matches!(c, '\u{fe0f}' | '\u{2190}'..='\u{21ff}' | '\u{2600}'..='\u{27bf}' | '\u{2b00}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}')
}

/// Whether a variation selector may follow.
fn varies(before: char, selector: char) -> bool {
    match selector {
        '\u{fe0e}' | '\u{fe0f}' => {
            matches!(before, '#' | '*' | '0'..='9' | '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}')
                || matches!(before, '\u{2122}'..='\u{27bf}' | '\u{2900}'..='\u{2bff}' | '\u{3030}'..='\u{303d}')
                || matches!(before, '\u{3297}' | '\u{3299}' | '\u{1f000}'..='\u{1faff}')
        }
        '\u{fe00}'..='\u{fe0d}' => false,
        '\u{180b}'..='\u{180f}' => matches!(before, '\u{1820}'..='\u{18aa}'),
        _ => matches!(before, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3fffd}'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// Rows of `tests/visible.json`: a text, and what [`fn@line`] and [`exact`] make of it. The offline page
    /// reads the same file.
    fn table() -> Vec<[String; 3]> {
        serde_json::from_str::<Vec<[String; 3]>>(include_str!("../tests/visible.json")).unwrap()
    }

    #[test]
    fn what_hides_is_a_sign() {
        for [text, in_line, to_sign] in table() {
            assert_eq!(line(&text), in_line, "line {text:?}");
            assert_eq!(exact(&text), to_sign, "exact {text:?}");
            assert_eq!(line(&in_line), in_line, "a text may pass twice");
            assert_eq!(hidden_in_line(&text).is_some(), in_line != text, "hidden {text:?}");
            let breaks = in_line.replace("\u{27e8}U+000A\u{27e9}", "\n");
            assert_eq!(lines(&text), breaks, "lines {text:?}");
        }
    }

    #[test]
    fn no_two_contents_look_the_same() {
        let mut seen = std::collections::BTreeMap::new();
        let rows = table().into_iter().flatten();
        for text in rows {
            let shown = exact(&text).into_owned();
            assert!(!shown.contains(|c| c != '\n' && hides(None, c, None).is_some()), "{shown:?}");
            if let Some(before) = seen.insert(shown.clone(), text.clone()) {
                assert_eq!(before, text, "both are {shown:?}");
            }
        }
    }

    #[test]
    fn every_character_of_the_kinds_is_shown_alone_and_inside() {
        let kinds = [
            0..=0x1f,
            0x7f..=0x9f,
            0x2028..=0x202e,
            0x2066..=0x2069,
            0x200b..=0x200f,
            0xfff0..=0xfffc,
            0x1_3430..=0x1_343f,
        ]
        .into_iter()
        .chain([0xe_0000..=0xe_007f, 0xfdd0..=0xfdef, 0xfffe..=0xffff, 0x0010_fffe..=0x0010_ffff, 0xad..=0xad]);
        for code in kinds.flatten() {
            let c = char::from_u32(code).unwrap();
            for text in [c.to_string(), format!("a{c}b"), format!("{c}{c}")] {
                for shown in [line(&text), lines(&text.replace('\n', "\r")), exact(&text)] {
                    assert!(!shown.replace('\n', "").contains(c), "{text:?}: {shown:?}");
                }
            }
        }
        // What the lint looks through without its being seen is shown.
        for c in '\u{0}'..=char::MAX {
            let through = lint_looks_through(c) && c != '\u{640}';
            assert!(!through || exact(&c.to_string()) != c.to_string(), "{c:?}");
        }
    }

    fn lint_looks_through(c: char) -> bool {
        crate::lint::fold(&format!("a{c}b")) == "ab"
    }

    #[test]
    fn a_message_says_what_and_where() {
        for (text, want) in [
            ("Refus \u{202e}drug", Some("a direction control (U+202E, character 7)")),
            ("\u{7}", Some("a control character (U+0007, character 1)")),
            ("a\u{e0041}", Some("an invisible character (U+E0041, character 2)")),
            ("a\u{ffff}", Some("a code that is no character (U+FFFF, character 2)")),
            ("two\r\nlines\tand a tab", None),
            ("می\u{200c}روم", None),
        ] {
            assert_eq!(hidden(text).map(|h| h.to_string()).as_deref(), want, "{text:?}");
        }
    }

    #[test]
    fn json_says_the_same_with_nothing_raw() {
        for [text, ..] in table() {
            let (plain, value) = (Value::String(text.clone()).to_string(), Value::String(text));
            let shown = json(&plain);
            assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), value);
            assert!(!shown.contains(|c| kind(c).is_some()), "{shown:?}");
        }
        assert_eq!(json("{\"a\":\"b\u{9b}\u{e0041}\"}\n"), "{\"a\":\"b\\u009b\\udb40\\udc41\"}\n");
    }

    #[cfg(unix)]
    #[test]
    fn paths_are_shown_byte_by_byte() {
        use std::os::unix::ffi::OsStrExt as _;
        for (bytes, want) in [
            (&b"bundle/Verified\x1b[2J"[..], "bundle/Verified\u{27e8}U+001B\u{27e9}[2J"),
            (b"a\nVerified: 4 entries", "a\u{27e8}U+000A\u{27e9}Verified: 4 entries"),
            (b"\xff\xfe\xc2", "\u{27e8}0xFF\u{27e9}\u{27e8}0xFE\u{27e9}\u{27e8}0xC2\u{27e9}"),
            ("données".as_bytes(), "données"),
        ] {
            assert_eq!(Path::new(std::ffi::OsStr::from_bytes(bytes)).shown().to_string(), want);
        }
    }

    #[test]
    fn the_table_has_no_second_row_for_a_text() {
        let rows: Vec<Value> = serde_json::from_str(include_str!("../tests/visible.json")).unwrap();
        let texts: std::collections::BTreeSet<String> = rows.iter().map(|row| row[0].to_string()).collect();
        assert_eq!(texts.len(), rows.len());
    }
}
