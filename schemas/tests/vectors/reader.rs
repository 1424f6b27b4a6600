//! Reads vector files. FORMAT.md 21. Both crates that run vectors include this file.

use std::path::Path;

/// One vector file.
pub struct Vector {
    /// `<kind>/<name>`, for messages.
    pub name: String,
    /// `ok`, or what else the kind has.
    pub expect: String,
    /// Why it is so.
    pub comment: String,
    /// The opening line that belongs to an event.
    pub opening: Option<String>,
    /// What is tested.
    pub body: Vec<u8>,
}

impl Vector {
    /// Every file of a kind; none is listed anywhere, so a new file is a new test.
    pub fn read_all(kind: &str) -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/vectors").join(kind);
        let listing = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        let mut paths: Vec<_> = listing.map(|file| file.unwrap().path()).collect();
        paths.sort();
        assert!(!paths.is_empty(), "{} has no vectors", folder.display());
        let read = |path: &std::path::PathBuf| {
            let name = format!("{kind}/{}", path.file_name().unwrap().to_str().unwrap());
            let bytes = std::fs::read(path).unwrap();
            Self::parse(&name, &bytes).unwrap_or_else(|what| panic!("{name}: {what}"))
        };
        paths.iter().map(read).collect()
    }

    fn parse(name: &str, bytes: &[u8]) -> Result<Self, String> {
        let split = bytes.windows(2).position(|two| two == b"\n\n").ok_or("no empty line after the header")?;
        let header = std::str::from_utf8(&bytes[..split]).map_err(|e| e.to_string())?;
        let body = &bytes[split + 2..];
        let mut lines = header.split('\n').peekable();
        let mut take = |name: &str| {
            let line = lines.peek().and_then(|line| line.strip_prefix(name)?.strip_prefix(": "))?;
            lines.next();
            Some(line.to_owned())
        };
        let expect = take("expect").ok_or("the first line is not expect:")?;
        let comment = take("comment").ok_or("the second line is not comment:")?;
        let body = match take("encoding").as_deref() {
            None => body.to_vec(),
            Some("hex") => from_hex(body).ok_or("the body is not hex")?,
            Some(other) => return Err(format!("unknown encoding {other:?}")),
        };
        let opening = take("opening");
        match lines.next() {
            None => Ok(Self { name: name.to_owned(), expect, comment, opening, body }),
            Some(line) => Err(format!("the header line {line:?} is unknown, or not in its place")),
        }
    }
}

/// Hex digits; line ends between them do not count.
fn from_hex(text: &[u8]) -> Option<Vec<u8>> {
    let digits: String = std::str::from_utf8(text).ok()?.split('\n').collect();
    schemas::base::from_hex(&digits)
}
