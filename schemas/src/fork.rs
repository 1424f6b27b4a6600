//! Evidence that a log signed two histories. FORMAT.md 14.3.

use std::collections::BTreeMap;

use crate::hash::Hash;
use crate::note::Note;
use crate::value::Value;

/// What the first line says of itself.
pub const MAGIC: &str = "oversight-fork/v1";
/// Most hashes of the proof.
const PROOF_MAX: usize = 64;

/// Two checkpoints of one log that are not prefixes of each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fork {
    /// The checkpoint of the smaller tree.
    pub first: Note,
    /// The other.
    pub second: Note,
    /// Where the sizes differ: root of the second's tree at the first's size, and its consistency
    /// proof to the second.
    pub prefix: Option<(Hash, Vec<Hash>)>,
}

impl Fork {
    /// The evidence as a file.
    pub fn to_text(&self) -> String {
        let line =
            |name: &str, value: Value| Value::Object(BTreeMap::from([(name.to_owned(), value)])).to_json() + "\n";
        let note = |note: &Note| line("checkpoint", Value::Text(note.to_text()));
        let prefix = self.prefix.as_ref().map_or_else(String::new, |(root, proof)| {
            let proof = Value::List(proof.iter().map(|h| Value::Text(h.to_base64())).collect());
            let root = Value::Text(root.to_base64());
            line("prefix", Value::Object(BTreeMap::from([("proof".to_owned(), proof), ("root".to_owned(), root)])))
        });
        line("fork", Value::Text(MAGIC.to_owned())) + &note(&self.first) + &note(&self.second) + &prefix
    }

    /// Reads evidence; only the canonical spelling.
    pub fn parse(text: &str) -> Option<Self> {
        let values: Option<Vec<Value>> =
            text.strip_suffix('\n')?.split('\n').take(5).map(|line| Value::parse(line.as_bytes()).ok()).collect();
        let values = values?;
        let note = |value: &Value| Note::parse(value.get("checkpoint")?.as_text()?.as_bytes()).ok();
        let (first, second, prefix) = match values.as_slice() {
            [_, first, second] => (note(first)?, note(second)?, None),
            [_, first, second, prefix] => {
                let body = prefix.get("prefix")?;
                let list = body.get("proof")?.as_list().filter(|l| l.len() <= PROOF_MAX)?;
                let proof = list.iter().map(|h| Hash::from_base64(h.as_text()?)).collect::<Option<_>>()?;
                (note(first)?, note(second)?, Some((Hash::from_base64(body.get("root")?.as_text()?)?, proof)))
            }
            _ => return None,
        };
        let fork = Self { first, second, prefix };
        (fork.to_text() == text).then_some(fork)
    }
}
