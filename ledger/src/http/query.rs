//! Queries: `name=value` joined by `&`, each name one that the path knows.

use super::problem::{Kind, Problem};

/// The parts of a query.
#[derive(Debug)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query that may have these names.
    ///
    /// # Errors
    /// A problem names what is not known or not well escaped.
    pub fn parse(query: Option<&str>, names: &[&str]) -> Result<Self, Problem> {
        let bad = |detail: String| Problem::new(Kind::BadRequest, detail);
        let mut pairs = Vec::new();
        for part in query.unwrap_or_default().split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            if !names.contains(&name) {
                let known = if names.is_empty() { "this path has no query".to_owned() } else { names.join(", ") };
                return Err(bad(format!("the query has a name that is not known here; known: {known}")));
            }
            let value = unescape(value).ok_or_else(|| bad(format!("the value of {name} is not well escaped UTF-8")))?;
            pairs.push((name.to_owned(), value));
        }
        Ok(Self(pairs))
    }

    /// All values of a name.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The one value of a name.
    ///
    /// # Errors
    /// A problem if there is none, or more than one.
    pub fn one(&self, name: &str) -> Result<&str, Problem> {
        self.maybe(name)?.ok_or_else(|| Problem::new(Kind::BadRequest, format!("the query lacks {name}")))
    }

    /// The value of a name that may be left out.
    ///
    /// # Errors
    /// A problem if there is more than one.
    pub fn maybe(&self, name: &str) -> Result<Option<&str>, Problem> {
        let mut values = self.all(name);
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(Problem::new(Kind::BadRequest, format!("the query has {name} more than once"))),
            (value, None) => Ok(value),
        }
    }

    /// A number, without sign or leading zero.
    ///
    /// # Errors
    /// A problem if it is none.
    pub fn number(&self, name: &str) -> Result<u64, Problem> {
        number(name, self.one(name)?)
    }

    /// A number that may be left out.
    ///
    /// # Errors
    /// A problem if it is none.
    pub fn maybe_number(&self, name: &str) -> Result<Option<u64>, Problem> {
        self.maybe(name)?.map(|text| number(name, text)).transpose()
    }
}

/// Reads a number.
///
/// # Errors
/// A problem that names it.
pub fn number(name: &str, text: &str) -> Result<u64, Problem> {
    let bad = || Problem::new(Kind::BadRequest, format!("{name} must be a whole number without sign or leading zero"));
    schemas::base::from_decimal(text).ok_or_else(bad)
}

fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'%' => {
                let (digits, after) = rest.split_first_chunk::<2>()?;
                let digits = std::str::from_utf8(digits).ok()?.to_ascii_lowercase();
                bytes.push(*schemas::base::from_hex(&digits)?.first()?);
                rest = after;
            }
            b'+' => bytes.push(b' '),
            other => bytes.push(*other),
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_or_refused() {
        for (query, want) in [
            (Some("a=1"), Ok("1")),
            (Some("a=organisation%2Fcso"), Ok("organisation/cso")),
            (Some("a=organisation/cso&b="), Ok("organisation/cso")),
            (Some("a=%c3%A9+x"), Ok("é x")),
            (Some("a"), Ok("")),
            (Some(""), Err("lacks a")),
            (None, Err("lacks a")),
            (Some("a=1&a=2"), Err("more than once")),
            (Some("c=1"), Err("known: a, b")),
            (Some("a=%"), Err("not well escaped")),
            (Some("a=%ff"), Err("not well escaped")),
            (Some("a=%+1"), Err("not well escaped")),
        ] {
            let got = Query::parse(query, &["a", "b"]).and_then(|q| q.one("a").map(str::to_owned));
            match (got, want) {
                (Ok(got), Ok(want)) => assert_eq!(got, want, "{query:?}"),
                (Err(why), Err(want)) => assert!(why.detail.contains(want), "{query:?}: {}", why.detail),
                (got, _) => panic!("{query:?}: {got:?}"),
            }
        }
        for (text, want) in [("0", true), ("17", true), ("017", false), ("-1", false), ("+1", false), ("", false)] {
            assert_eq!(number("n", text).is_ok(), want, "{text:?}");
        }
    }
}
