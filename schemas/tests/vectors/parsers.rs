//! One door to every parser, by kind of vector. FORMAT.md 21.

use schemas::checkpoint::Checkpoint;
use schemas::entry::Entry;
use schemas::event::SignedEvent;
use schemas::manifest::Manifest;
use schemas::note::{Note, Vkey};
use schemas::opening::{Disclosure, OpeningLine};
use schemas::policy::Policy;
use schemas::receipt::Receipt;
use schemas::sealed::Inner;
use schemas::value::Value;

use crate::reason;

/// The kinds that this crate can read.
pub const KINDS: [&str; 12] = [
    "checkpoint",
    "disclosure",
    "entry",
    "event",
    "inner",
    "manifest",
    "note",
    "opening",
    "policy",
    "receipt",
    "value",
    "vkey",
];

/// What the parser of a kind makes of a body: the bytes that it would write, or a reason.
pub fn read(kind: &str, body: &[u8]) -> Result<Vec<u8>, String> {
    // Whoever reads such a file refuses bytes that are no text.
    let text = || std::str::from_utf8(body).map_err(|_| "utf8".to_owned());
    let printed = match kind {
        "value" => Value::parse(body).map_err(|e| reason::json(&e))?.to_json(),
        "note" => Note::parse(body).map_err(reason::note)?.to_text(),
        "event" => {
            let signed = SignedEvent::parse(body).map_err(|e| reason::event(&e))?;
            assert_eq!(signed.event.to_text(), signed.note.text, "what is signed is what is printed");
            signed.note.to_text()
        }
        "entry" => return Entry::parse(body).map(|e| e.to_bytes()).map_err(|e| reason::entry(&e)),
        "vkey" => Vkey::parse(text()?).map_err(reason::vkey)?.to_string(),
        "checkpoint" => Checkpoint::parse(text()?).map_err(reason::checkpoint)?.to_text(),
        "disclosure" => Disclosure::parse(text()?).ok_or("disclosure")?.to_text(),
        "opening" => OpeningLine::parse(text()?).map_err(|e| reason::opening(&e))?.to_json(),
        "inner" => Inner::parse(text()?).map_err(|e| reason::inner(&e))?.to_text(),
        "receipt" => Receipt::parse(text()?).map_err(reason::receipt)?.to_text(),
        "manifest" => Manifest::parse(text()?).map_err(|e| format!("line {}", e.line))?.to_text(),
        // A policy has many spellings, so none is printed: blanks and comments are its author's.
        "policy" => {
            Policy::parse(text()?).map(|_| text().unwrap_or_default().to_owned()).map_err(|e| reason::policy(&e))?
        }
        other => panic!("no parser for {other}"),
    };
    Ok(printed.into_bytes())
}
