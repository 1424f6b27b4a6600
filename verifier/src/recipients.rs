//! To whom sealed values are encrypted: the age keys that the oversight bodies enrolled. FORMAT.md
//! 11 and 15.5. They sign nothing, so they are kept apart from the keyring.

use schemas::catalogue::Role;
use schemas::event::Event;
use schemas::recipient::is_recipient;
use schemas::time::Timestamp;

use crate::kept::{In, Kept, Out};
use crate::keyring::Holder;

/// The code of an age key's algorithm.
pub const ALG: &str = "age_x25519";

/// One enrolled recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// The key, `age1…`.
    pub key: String,
    /// Whose it is.
    pub holder: Holder,
    /// First instant in force.
    pub from: Timestamp,
    /// First instant no longer in force.
    pub until: Option<Timestamp>,
}

impl Recipient {
    /// Whether it is in force at an instant.
    pub fn in_force(&self, at: Timestamp) -> bool {
        self.from <= at && self.until.is_none_or(|until| at < until)
    }
}

/// All recipients that the log knows, in order of enrolment.
#[derive(Clone, Debug, Default)]
pub struct Recipients(Vec<Recipient>);

impl Recipients {
    /// Keys that somebody was told where the log is not at hand; they count as in force.
    pub fn told<'a>(keys: impl IntoIterator<Item = &'a str>) -> Self {
        let holder = Holder { party: String::new(), name: String::new() };
        let one = |key: &str| Recipient {
            key: key.to_owned(),
            holder: holder.clone(),
            from: Timestamp::from_unix(0),
            until: None,
        };
        Self(keys.into_iter().filter(|key| is_recipient(key)).map(one).collect())
    }

    /// All of them.
    pub fn all(&self) -> &[Recipient] {
        &self.0
    }

    /// Keys in force at an instant, each once.
    pub fn in_force(&self, at: Timestamp) -> Vec<&str> {
        let mut keys: Vec<&str> = Vec::new();
        for one in self.0.iter().filter(|one| one.in_force(at)) {
            if !keys.contains(&one.key.as_str()) {
                keys.push(&one.key);
            }
        }
        keys
    }

    /// Keys of a holder.
    pub fn of<'a>(&'a self, holder: &'a Holder) -> impl Iterator<Item = &'a Recipient> {
        self.0.iter().filter(move |one| one.holder == *holder)
    }

    /// Takes in an admitted event: an enrolment by oversight adds, a revocation ends.
    pub(crate) fn see(&mut self, event: &Event) {
        let text = |name: &str| event.text(name).unwrap_or_default();
        let holder = || Holder { party: text("organisation").to_owned(), name: text("holder").to_owned() };
        match event.kind.as_str() {
            "key.enrolled" if text("alg") == ALG && text("role") == Role::Oversight.as_str() => {
                let key = text("public_key");
                let (Some(from), true) = (Timestamp::parse(text("valid_from")), is_recipient(key)) else { return };
                let until = Timestamp::parse(text("valid_to"));
                self.0.push(Recipient { key: key.to_owned(), holder: holder(), from, until });
            }
            "key.revoked" => {
                let (Some(at), holder) = (Timestamp::parse(text("revoked_at")), holder()) else { return };
                for one in self.0.iter_mut().filter(|one| one.holder == holder) {
                    one.until = Some(one.until.map_or(at, |until| until.min(at)));
                }
            }
            _ => {}
        }
    }
}

impl Kept for Recipient {
    fn keep(&self, out: &mut Out<'_>) {
        self.key.keep(out);
        self.holder.keep(out);
        (self.from, self.until).keep(out);
    }

    fn read(from: &mut In<'_>) -> Option<Self> {
        let (key, holder) = (Kept::read(from)?, Kept::read(from)?);
        let (from_then, until) = Kept::read(from)?;
        Some(Self { key, holder, from: from_then, until })
    }
}

impl Kept for Recipients {
    fn keep(&self, out: &mut Out<'_>) {
        self.0.keep(out);
    }

    fn read(from: &mut In<'_>) -> Option<Self> {
        Kept::read(from).map(Self)
    }
}
