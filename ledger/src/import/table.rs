//! Bytes to rows of cells, strictly as RFC 4180 says.
//!
//! Written out here because the usual readers are lenient where an audit cannot be: they take
//! a quotation mark that is never closed as the rest of the file, and so swallow its rows
//! without a word.

use encoding_rs::Encoding;

use super::problem::What;
use super::{Limits, shown};

/// How the bytes of a file become text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Charset {
    /// UTF-8 without a byte order mark, as the register files have it.
    #[default]
    Utf8,
    /// UTF-8 that may begin with a byte order mark, as spreadsheets write it.
    Utf8WithBom,
    /// Another encoding of the WHATWG Encoding Standard.
    Other(&'static Encoding),
}

/// An encoding that nobody knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{label} is no encoding; write utf-8, utf-8-with-bom, or one such as windows-1252 or windows-1256")]
pub struct BadCharset {
    /// What was written, if it can be repeated.
    pub label: String,
}

impl Charset {
    /// Reads `utf-8`, `utf-8-with-bom` or a label of the WHATWG Encoding Standard.
    ///
    /// # Errors
    /// [`BadCharset`] where no encoding has that label, or one that is not for files.
    pub fn parse(label: &str) -> Result<Self, BadCharset> {
        let bad = || BadCharset { label: shown(label) };
        match label.to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" => Ok(Self::Utf8),
            "utf-8-with-bom" | "utf-8-sig" => Ok(Self::Utf8WithBom),
            other => {
                let encoding = Encoding::for_label_no_replacement(other.as_bytes()).ok_or_else(bad)?;
                if encoding == encoding_rs::UTF_8 { Ok(Self::Utf8) } else { Ok(Self::Other(encoding)) }
            }
        }
    }

    /// The text of the bytes.
    ///
    /// # Errors
    /// What is wrong and, where it is known, on which line.
    pub(crate) fn decode(self, bytes: &[u8]) -> Result<String, (Option<u64>, What)> {
        if let Self::Other(encoding) = self {
            if bytes.starts_with(b"\xef\xbb\xbf") {
                return Err((None, What::ByteOrderMark {}));
            }
            let (text, bad) = encoding.decode_with_bom_removal(bytes);
            if bad {
                return Err((None, What::NotEncoded { encoding: encoding.name() }));
            }
            return Ok(text.into_owned());
        }
        if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
            return Err((None, What::Utf16 {}));
        }
        let bytes = match (bytes.strip_prefix(b"\xef\xbb\xbf"), self) {
            (Some(rest), Self::Utf8WithBom) => rest,
            (Some(_), _) => return Err((None, What::ByteOrderMark {})),
            (None, _) => bytes,
        };
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(error) => {
                let at = error.valid_up_to();
                let line = 1 + line_breaks(&bytes[..at]);
                Err((Some(line), What::NotUtf8 { byte: bytes[at] }))
            }
        }
    }
}

fn line_breaks(bytes: &[u8]) -> u64 {
    bytes.split(|b| *b == b'\n').count() as u64 - 1
}

/// One record of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// The line on which it begins, from 1.
    pub line: u64,
    /// Its cells.
    pub cells: Vec<String>,
}

/// Reads all records. Lines without any character are passed over.
///
/// # Errors
/// What is wrong and on which line; what follows it cannot be read either.
pub(crate) fn records(text: &str, limits: &Limits) -> Result<Vec<Record>, (u64, What)> {
    let mut records = Vec::new();
    let mut reader = Reader { text, at: 0, line: 1 };
    while reader.at < text.len() {
        let line = reader.line;
        let cells = reader.record(limits)?;
        if cells.len() == 1 && cells[0].is_empty() {
            continue;
        }
        if records.len() > limits.rows {
            return Err((line, What::TooManyRows { max: limits.rows }));
        }
        records.push(Record { line, cells });
    }
    Ok(records)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    line: u64,
}

impl Reader<'_> {
    fn record(&mut self, limits: &Limits) -> Result<Vec<String>, (u64, What)> {
        let mut cells = Vec::new();
        loop {
            if cells.len() == limits.columns {
                return Err((self.line, What::TooManyColumns { max: limits.columns }));
            }
            cells.push(self.cell()?);
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'\n') => {
                    self.at += 1;
                    self.line += 1;
                    return Ok(cells);
                }
                Some(b'\r') if self.text.as_bytes().get(self.at + 1) == Some(&b'\n') => {
                    self.at += 2;
                    self.line += 1;
                    return Ok(cells);
                }
                Some(b'\r') => return Err((self.line, What::LoneReturn {})),
                Some(_) => return Err((self.line, What::StrayQuote {})),
                None => return Ok(cells),
            }
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// One cell, up to the byte that ends it. All bytes looked for are ASCII, so no cut falls
    /// inside a character.
    fn cell(&mut self) -> Result<String, (u64, What)> {
        if self.peek() == Some(b'"') {
            return self.quoted();
        }
        let rest = &self.text[self.at..];
        let length = rest.find([',', '\n', '\r', '"']).unwrap_or(rest.len());
        self.at += length;
        Ok(rest[..length].to_owned())
    }

    fn quoted(&mut self) -> Result<String, (u64, What)> {
        let opened = self.line;
        let mut cell = String::new();
        self.at += 1;
        loop {
            let rest = &self.text[self.at..];
            let Some(length) = rest.find('"') else { return Err((opened, What::OpenQuote {})) };
            cell.push_str(&rest[..length]);
            self.line += line_breaks(&rest.as_bytes()[..length]);
            self.at += length + 1;
            if self.peek() != Some(b'"') {
                return Ok(cell);
            }
            cell.push('"');
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Record>, (u64, What)> {
        records(text, &Limits { rows: 3, columns: 3, ..Limits::default() })
    }

    #[test]
    fn records_are_read_as_rfc_4180_says() {
        let row = |line, cells: &[&str]| Record { line, cells: cells.iter().map(|c| (*c).to_owned()).collect() };
        for (text, want) in [
            ("", vec![]),
            ("a,b\n", vec![row(1, &["a", "b"])]),
            ("a,b\r\nc,d", vec![row(1, &["a", "b"]), row(2, &["c", "d"])]),
            ("a,\n,b\n", vec![row(1, &["a", ""]), row(2, &["", "b"])]),
            ("\n\na\n\n", vec![row(3, &["a"])]),
            ("\"a,\"\"b\"\"\",c\n", vec![row(1, &["a,\"b\"", "c"])]),
            ("\"a\nb\r\nc\",d\ne\n", vec![row(1, &["a\nb\r\nc", "d"]), row(4, &["e"])]),
            ("\"\"\n", vec![]),
            (" a ,é\n", vec![row(1, &[" a ", "é"])]),
        ] {
            assert_eq!(read(text), Ok(want), "{text:?}");
        }
    }

    #[test]
    fn what_breaks_the_form_is_refused_with_its_line() {
        for (text, line, code) in [
            ("a\n\"b\nc\nd\n", 2, "file.quote"),
            ("a\nb\"c\n", 2, "file.quote"),
            ("a\n\"b\"c\n", 2, "file.quote"),
            ("a\rb\n", 1, "file.newline"),
            ("\"a\"\r\"b\"", 1, "file.newline"),
            ("a,b,c,d\n", 1, "file.columns"),
            ("a\nb\nc\nd\ne\n", 5, "file.rows"),
        ] {
            let (at, what) = read(text).unwrap_err();
            assert_eq!((at, what.code()), (line, code), "{text:?}");
        }
    }

    #[test]
    fn encodings_are_taken_only_by_name() {
        let latin = Charset::parse("windows-1252").unwrap();
        let arabic = Charset::parse("Windows-1256").unwrap();
        let bom = Charset::parse("utf-8-with-bom").unwrap();
        for (charset, bytes, want) in [
            (Charset::Utf8, &b"\xc3\xa9"[..], Ok("é")),
            (Charset::Utf8, b"a\nb\xe9", Err((Some(2), "file.encoding"))),
            (Charset::Utf8, b"\xef\xbb\xbfa", Err((None, "file.bom"))),
            (Charset::Utf8, b"\xff\xfea\0", Err((None, "file.utf16"))),
            (bom, b"\xef\xbb\xbfa", Ok("a")),
            (bom, b"a", Ok("a")),
            (latin, b"\xe9", Ok("é")),
            (latin, b"\xef\xbb\xbfa", Err((None, "file.bom"))),
            (arabic, b"\xd3", Ok("س")),
            (Charset::parse("shift_jis").unwrap(), b"\xff", Err((None, "file.encoding"))),
        ] {
            let got = charset.decode(bytes).map_err(|(line, what)| (line, what.code()));
            assert_eq!(got.as_deref(), want.as_ref().map(|s| *s), "{bytes:?}");
        }
        for label in ["", "latin", "utf-7", "replacement"] {
            assert!(Charset::parse(label).is_err(), "{label}");
        }
    }
}
