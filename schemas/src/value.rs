//! The values that an event may hold, and their one JSON spelling. FORMAT.md 2.
//!
//! RFC 8785 without floats and null: objects with sorted names, no blanks, integers within
//! +-2^53. What is read must be spelled exactly as it would be written.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap as _, SerializeSeq as _, Serializer};

/// Largest magnitude of an integer: 2^53, so that every JSON reader sees the same number.
pub const INTEGER_MAX: i64 = 1 << 53;
/// Deepest nesting of arrays and objects.
pub const DEPTH_MAX: usize = 8;

/// One value of an event. FORMAT.md 2.2 says which catalogue type takes which form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `true` or `false`.
    Bool(bool),
    /// An integer within +-2^53.
    Integer(i64),
    /// A string: an id, a party, a date, an instant, a code, a digest, a key.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// An object: a text with its language, or an amount with its currency.
    Object(BTreeMap<String, Value>),
}

/// Why bytes are not a canonical value. FORMAT.md 2.1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadJson {
    /// Not JSON, or JSON that holds what the format has no place for.
    #[error("not JSON of the permitted kind: {0}")]
    Syntax(String),
    /// The bytes differ from the one spelling that the value has.
    #[error("not in canonical form (RFC 8785): the spelling differs at byte {at}")]
    NotCanonical {
        /// Offset of the first byte that differs, from 0.
        at: usize,
    },
}

impl Value {
    /// Reads canonical JSON.
    ///
    /// # Errors
    /// [`BadJson`] for anything else, a second spelling of the same value included.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadJson> {
        parse_canonical(bytes)
    }

    /// The canonical JSON of the value.
    pub fn to_json(&self) -> String {
        to_canonical(self)
    }

    /// The string, where it is one.
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The integer, where it is one.
    pub fn as_integer(&self) -> Option<i64> {
        if let Self::Integer(n) = self { Some(*n) } else { None }
    }

    /// The truth value, where it is one.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(b) = self { Some(*b) } else { None }
    }

    /// The list, where it is one.
    pub fn as_list(&self) -> Option<&[Self]> {
        if let Self::List(list) = self { Some(list) } else { None }
    }

    /// The member of that name, where it is an object that has one.
    pub fn get(&self, name: &str) -> Option<&Self> {
        if let Self::Object(members) = self { members.get(name) } else { None }
    }

    /// A text in a language: `{"lang":…,"text":…}`.
    pub fn localised(lang: &str, text: &str) -> Self {
        Self::Object(BTreeMap::from([
            ("lang".to_owned(), Self::Text(lang.to_owned())),
            ("text".to_owned(), Self::Text(text.to_owned())),
        ]))
    }

    /// An amount in minor units: `{"amount":…,"currency":…}`.
    pub fn money(amount: i64, currency: &str) -> Self {
        Self::Object(BTreeMap::from([
            ("amount".to_owned(), Self::Integer(amount)),
            ("currency".to_owned(), Self::Text(currency.to_owned())),
        ]))
    }
}

/// Reads a type whose canonical JSON is what `serde_json` writes for it.
pub(crate) fn parse_canonical<T: for<'a> Deserialize<'a> + Serialize>(bytes: &[u8]) -> Result<T, BadJson> {
    let value: T = serde_json::from_slice(bytes).map_err(|e| BadJson::Syntax(e.to_string()))?;
    // Written again against what was read: nothing is kept, and the first byte that differs ends it.
    let mut again = Again { read: bytes, at: 0 };
    match serde_json::to_writer(&mut again, &value) {
        Ok(()) if again.at == bytes.len() => Ok(value),
        _ => Err(BadJson::NotCanonical { at: again.at }),
    }
}

/// What breaks 2.1 is told before what a kind asks for beside it: whether these bytes are no value at all. Only for
/// bytes that are refused already.
pub(crate) fn no_value(bytes: &[u8]) -> Option<BadJson> {
    Value::parse(bytes).err().filter(|bad| matches!(bad, BadJson::Syntax(_)))
}

/// Compares what is written with what was read.
struct Again<'a> {
    read: &'a [u8],
    at: usize,
}

impl std::io::Write for Again<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let rest = self.read.get(self.at..).unwrap_or_default();
        if rest.starts_with(bytes) {
            self.at += bytes.len();
            return Ok(bytes.len());
        }
        self.at += bytes.iter().zip(rest).take_while(|(a, b)| a == b).count();
        Err(std::io::ErrorKind::InvalidData.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

pub(crate) fn to_canonical<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("string keys and finite values always have a JSON form")
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool(b) => s.serialize_bool(*b),
            Self::Integer(n) => s.serialize_i64(*n),
            Self::Text(text) => s.serialize_str(text),
            Self::List(list) => {
                let mut seq = s.serialize_seq(Some(list.len()))?;
                for item in list {
                    seq.serialize_element(item)?;
                }
                seq.end()
            }
            Self::Object(members) => {
                // RFC 8785 sorts by UTF-16 units; the names of this format are ASCII, where
                // that is byte order. `Seed` refuses other names.
                let mut map = s.serialize_map(Some(members.len()))?;
                for (name, value) in members {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        de::DeserializeSeed::deserialize(Seed { depth: 0 }, d)
    }
}

/// Carries the depth downwards, so that nesting has a limit.
#[derive(Clone, Copy)]
struct Seed {
    depth: usize,
}

impl<'de> de::DeserializeSeed<'de> for Seed {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Value, D::Error> {
        if self.depth > DEPTH_MAX {
            return Err(de::Error::custom(format!("nested deeper than {DEPTH_MAX}")));
        }
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true, false, an integer, a string, a list or an object")
    }

    fn visit_bool<E: de::Error>(self, b: bool) -> Result<Value, E> {
        Ok(Value::Bool(b))
    }

    fn visit_i64<E: de::Error>(self, n: i64) -> Result<Value, E> {
        if n.unsigned_abs() <= INTEGER_MAX.unsigned_abs() {
            Ok(Value::Integer(n))
        } else {
            Err(E::custom(format!("{n} is beyond +-2^53")))
        }
    }

    fn visit_u64<E: de::Error>(self, n: u64) -> Result<Value, E> {
        i64::try_from(n).map_err(|_| E::custom(format!("{n} is beyond +-2^53"))).and_then(|n| self.visit_i64(n))
    }

    fn visit_f64<E: de::Error>(self, x: f64) -> Result<Value, E> {
        Err(E::custom(format!("{x} is not an integer; write tenths or minor units instead")))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Err(E::custom("null has no place here; leave the member out"))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = seq.next_element_seed(Seed { depth: self.depth + 1 })? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            if !name.is_ascii() {
                return Err(de::Error::custom(format!("the name {name:?} is not ASCII")));
            }
            let value = map.next_value_seed(Seed { depth: self.depth + 1 })?;
            if members.insert(name.clone(), value).is_some() {
                return Err(de::Error::custom(format!("the name {name:?} stands twice")));
            }
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_again() {
        for good in [
            "true",
            "-9007199254740992",
            r#"{"amount":12,"currency":"XTS"}"#,
            r#"["a","\u0001\b\t\n\f\r\"\\/","é\u007f"]"#.replace("\\u007f", "\u{7f}").as_str(),
            r#"{"lang":"ar","text":"السجل"}"#,
            "[]",
        ] {
            assert_eq!(Value::parse(good.as_bytes()).map(|v| v.to_json()).as_deref(), Ok(good));
        }
    }

    #[test]
    fn a_second_spelling_is_refused() {
        for bad in [
            "1.0",
            "1e3",
            "-0",
            "0.5",
            "null",
            "9007199254740993",
            "18446744073709551616",
            " 1",
            "1 ",
            r#"{"b":1,"a":2}"#,
            r#"{"a":1,"a":1}"#,
            r#"{"a": 1}"#,
            r#""\u00e9""#,
            r#""\/""#,
            r#""\u000A""#,
            "[[[[[[[[[[1]]]]]]]]]]",
            r#"{"é":1}"#,
            "\"\u{feff}",
            "NaN",
            "",
            "[1,]",
        ] {
            assert!(Value::parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
        assert!(Value::parse(b"\"\xff\"").is_err());
        assert_eq!(Value::parse(br#"{"a": 1}"#), Err(BadJson::NotCanonical { at: 5 }));
    }
}
