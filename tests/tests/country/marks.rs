//! Marks that hidden values bear, and the search for them in bytes, however they are spelled.

use std::cell::Cell;

use schemas::base;
use schemas::time::{Date, Timestamp};

/// Stands in every hidden text and id. No word of any language, no digest, no key.
const TEXT: &str = "zqxjkvwybmhd";
/// Every hidden number begins so; with its last five digits it is below 2^53.
const NUMBER: &str = "71828182845";
/// Every hidden instant lies in these days.
const TIME: &str = "1871-07-1";
/// Every hidden day is one of these.
const DATE: &str = "1873-07-1";
/// Everything with an exact time happened at this one.
const MOMENT: &str = "T03:17:41Z";

/// Gives marks, and remembers them.
#[derive(Debug, Default)]
pub struct Marks {
    /// Every value given, as it stands in a cell.
    pub given: Vec<String>,
    next: u32,
}

impl Marks {
    fn number_of_next(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    fn give(&mut self, text: String) -> String {
        self.given.push(text.clone());
        text
    }

    /// A text with signs that JSON, HTML and URLs escape.
    pub fn text(&mut self) -> String {
        let n = self.number_of_next();
        self.give(format!("«{TEXT}{n:05}» \"é\\/<&> Ω %"))
    }

    /// An id.
    pub fn id(&mut self) -> String {
        let n = self.number_of_next();
        self.give(format!("{TEXT}-{n:05}"))
    }

    /// A number of persons that no prison holds.
    pub fn number(&mut self) -> String {
        let n = self.number_of_next();
        self.give(format!("{NUMBER}{n:05}"))
    }

    /// An instant.
    pub fn time(&mut self) -> String {
        let n = i64::from(self.number_of_next());
        let first = Timestamp::parse("1871-07-10T00:00:07Z").expect("an instant");
        self.give(first.plus_seconds(n * 61).to_string())
    }

    /// A day.
    pub fn date(&mut self) -> String {
        let n = self.number_of_next() % 10;
        self.give(format!("{DATE}{n}"))
    }

    /// The exact time on a day whose date is public.
    pub fn moment_on(&mut self, day: Date) -> String {
        self.give(format!("{day}{MOMENT}"))
    }
}

/// What all marks of a sort have in common.
pub fn common() -> [&'static str; 5] {
    [TEXT, NUMBER, TIME, DATE, MOMENT]
}

/// One spelling of a word that is looked for.
#[derive(Debug)]
pub struct Needle {
    /// The word and how it is spelled.
    pub what: String,
    bytes: Vec<u8>,
    /// Whether case makes no difference.
    folded: bool,
    /// How often it was found.
    pub found: Cell<usize>,
}

/// All spellings of a word in which it could hide in a file.
pub fn needles(word: &str) -> Vec<Needle> {
    let folded = |how: &str, text: String| Needle {
        what: format!("{word:?} {how}"),
        bytes: text.to_ascii_lowercase().into_bytes(),
        folded: true,
        found: Cell::new(0),
    };
    let each = |form: &dyn Fn(u8) -> String| word.bytes().map(form).collect::<String>();
    let mut all = vec![
        folded("plain", word.to_owned()),
        folded("in hex", base::to_hex(word.as_bytes())),
        folded("in percent signs", each(&|b| format!("%{b:02x}"))),
        folded("escaped for JSON", each(&|b| format!("\\u{b:04x}"))),
        folded("escaped for HTML", each(&|b| format!("&#{b};"))),
        folded("escaped for HTML in hex", each(&|b| format!("&#x{b:x};"))),
        folded("in UTF-16", each(&|b| format!("{}\0", char::from(b)))),
        folded("backwards", word.chars().rev().collect()),
    ];
    for (name, encode) in
        [("base64", base::to_base64 as fn(&[u8]) -> String), ("base64url", base::to_base64url as fn(&[u8]) -> String)]
    {
        for shift in 0..3 {
            // The characters whose six bits are the word's own, whatever stands around it.
            let bytes: Vec<u8> = std::iter::repeat_n(0, shift).chain(word.bytes()).collect();
            let own = (shift * 8).div_ceil(6)..bytes.len() * 8 / 6;
            let what = format!("{word:?} in {name}, {shift} bytes on");
            let bytes = encode(&bytes).as_bytes()[own].to_vec();
            all.push(Needle { what, bytes, folded: false, found: Cell::new(0) });
        }
    }
    all
}

/// Looks for needles in bytes; gives what was found.
pub fn search<'n>(needles: &'n [Needle], haystack: &[u8]) -> Vec<&'n Needle> {
    let lower = haystack.to_ascii_lowercase();
    let holds = |needle: &&Needle| {
        let haystack = if needle.folded { &lower } else { haystack };
        let first = needle.bytes[0];
        let mut at = 0;
        while let Some(step) = haystack[at..].iter().position(|b| *b == first) {
            at += step;
            if haystack[at..].starts_with(&needle.bytes) {
                needle.found.set(needle.found.get() + 1);
                return true;
            }
            at += 1;
        }
        false
    };
    needles.iter().filter(holds).collect()
}

#[test]
fn every_spelling_is_found() {
    let word = "Needle-7";
    let around = |text: &str| format!("some bytes{text}and more").into_bytes();
    let all = needles(word);
    let found = |haystack: &[u8]| search(&all, haystack).len();
    assert_eq!(found(b"nothing here but hay, hay, hay"), 0);
    for hidden in [
        "needle-7".to_owned(),
        base::to_hex(word.as_bytes()).to_ascii_uppercase(),
        "%4E%65%65%64%6C%65%2D%37".to_owned(),
        "\\u004E\\u0065\\u0065\\u0064\\u006c\\u0065\\u002d\\u0037".to_owned(),
        "&#78;&#101;&#101;&#100;&#108;&#101;&#45;&#55;".to_owned(),
    ] {
        assert_eq!(found(&around(&hidden)), 1, "{hidden}");
    }
    for before in ["", "x", "xy", "xyz"] {
        let text = format!("{before}{word} after");
        assert!(found(&around(&base::to_base64(text.as_bytes()))) >= 1, "{text}");
        assert!(found(&around(&base::to_base64url(text.as_bytes()))) >= 1, "{text}");
    }
}
