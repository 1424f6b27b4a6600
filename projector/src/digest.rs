//! The state digest: one hash over everything that the views hold, in one canonical form.
//!
//! Two projectors whose views hold the same have the same digest, whichever feed they follow, however often they were
//! started, and whenever they looked. It is SHA-256 over `oversight-projector-state/v1\n`, the number of
//! [`VIEWS_VERSION`] as below, and the value of [`Views`] as the public log alone makes them, written like this (all
//! numbers big-endian):
//!
//! | value | bytes |
//! |---|---|
//! | nothing | `0` |
//! | a number | `n`, i64 |
//! | a text, in UTF-8 | `t`, its length as u64, its bytes |
//! | a list | `l`, its length as u64, its items |
//! | a map | `m`, its length as u64, each key (a text) and value, in byte order of the keys |
//! | a structure | `s`, its number of members as u64, the name (a text) and value of each, as its type declares them |
//! | a record | `r`, SHA-256 of its members as a structure |
//!
//! Truth values are the numbers 0 and 1, instants Unix seconds, days texts, hidden values what a reader is told of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use schemas::catalogue::Role;
use schemas::hash::{Hash, Hasher};
use schemas::time::{Date, Timestamp};
use schemas::value::Value;

use crate::record::{Hidden, Holder, Record};
use crate::views::{Filed, Views};

/// What the first bytes say.
const MAGIC: &str = "oversight-projector-state/v1\n";

/// Raised whenever the same log would give other views, so that state of an older program is not taken for one's own.
pub const VIEWS_VERSION: u32 = 1;

/// Something that has one canonical form.
pub(crate) trait Canonical {
    /// Writes it.
    fn put(&self, into: &mut Canon<'_>);
}

/// Gives a structure its canonical form, member by member. A member that is not listed does not compile.
macro_rules! canonical {
    ($kind:ident { $($member:ident),+ $(,)? }) => {
        impl $crate::digest::Canonical for $kind {
            fn put(&self, into: &mut $crate::digest::Canon<'_>) {
                let Self { $($member),+ } = self;
                into.structure(&[$((stringify!($member), $member as &dyn $crate::digest::Canonical)),+]);
            }
        }
    };
}
pub(crate) use canonical;

/// Takes canonical bytes.
pub(crate) struct Canon<'a> {
    hasher: Hasher,
    known: &'a mut HashMap<u64, Hash>,
}

impl Canon<'_> {
    fn count(&mut self, tag: u8, n: usize) {
        self.hasher.update(&[tag]);
        self.hasher.update(&(n as u64).to_be_bytes());
    }

    /// Nothing.
    pub fn nothing(&mut self) {
        self.hasher.update(b"0");
    }

    /// A number.
    pub fn number(&mut self, n: i64) {
        self.hasher.update(b"n");
        self.hasher.update(&n.to_be_bytes());
    }

    /// A text.
    pub fn text(&mut self, text: &str) {
        self.count(b't', text.len());
        self.hasher.update(text.as_bytes());
    }

    /// A structure with these members.
    pub fn structure(&mut self, members: &[(&str, &dyn Canonical)]) {
        self.count(b's', members.len());
        for (name, value) in members {
            self.text(name);
            value.put(self);
        }
    }

    /// A record, whose hash is kept for the next time: what stands in the log does not change.
    fn record(&mut self, record: &Record) {
        let hash = match self.known.get(&record.position) {
            Some(hash) => *hash,
            None => {
                let mut own = Canon { hasher: Hasher::default(), known: &mut *self.known };
                put_record(record, &mut own);
                let hash = own.hasher.finish();
                self.known.insert(record.position, hash);
                hash
            }
        };
        self.hasher.update(b"r");
        self.hasher.update(&hash.0);
    }
}

fn put_record(record: &Record, into: &mut Canon<'_>) {
    let Record {
        position,
        received_at,
        by,
        role,
        kind,
        row,
        id,
        at,
        occurred_at,
        refs,
        fields,
        hidden,
        signer,
        approver,
    } = record;
    into.structure(&[
        ("position", position),
        ("received_at", received_at),
        ("by", by),
        ("role", role),
        ("kind", kind),
        ("row", row),
        ("id", id),
        ("at", at),
        ("occurred_at", occurred_at),
        ("refs", refs),
        ("fields", fields),
        ("hidden", &**hidden),
        ("signer", signer),
        ("approver", approver),
    ]);
}

canonical!(Holder { party, name });

impl Canonical for Filed {
    fn put(&self, into: &mut Canon<'_>) {
        into.record(self);
    }
}

impl Canonical for u64 {
    fn put(&self, into: &mut Canon<'_>) {
        // A log of 2^63 entries is none of ours.
        into.number(i64::try_from(*self).unwrap_or(i64::MAX));
    }
}

impl Canonical for String {
    fn put(&self, into: &mut Canon<'_>) {
        into.text(self);
    }
}

impl Canonical for Timestamp {
    fn put(&self, into: &mut Canon<'_>) {
        into.number(self.unix());
    }
}

impl Canonical for Date {
    fn put(&self, into: &mut Canon<'_>) {
        into.text(&self.to_string());
    }
}

impl Canonical for Role {
    fn put(&self, into: &mut Canon<'_>) {
        into.text(self.as_str());
    }
}

impl Canonical for Hidden {
    fn put(&self, into: &mut Canon<'_>) {
        into.text(&self.to_string());
    }
}

impl Canonical for Value {
    fn put(&self, into: &mut Canon<'_>) {
        match self {
            Self::Bool(b) => into.number(i64::from(*b)),
            Self::Integer(n) => into.number(*n),
            Self::Text(text) => into.text(text),
            Self::List(items) => items.put(into),
            Self::Object(members) => members.put(into),
        }
    }
}

impl<T: Canonical> Canonical for Option<T> {
    fn put(&self, into: &mut Canon<'_>) {
        match self {
            Some(value) => value.put(into),
            None => into.nothing(),
        }
    }
}

impl<A: Canonical, B: Canonical> Canonical for (A, B) {
    fn put(&self, into: &mut Canon<'_>) {
        into.count(b'l', 2);
        self.0.put(into);
        self.1.put(into);
    }
}

impl<T: Canonical> Canonical for Vec<T> {
    fn put(&self, into: &mut Canon<'_>) {
        into.count(b'l', self.len());
        self.iter().for_each(|item| item.put(into));
    }
}

impl<T: Canonical> Canonical for BTreeSet<T> {
    fn put(&self, into: &mut Canon<'_>) {
        into.count(b'l', self.len());
        self.iter().for_each(|item| item.put(into));
    }
}

impl<T: Canonical> Canonical for BTreeMap<String, T> {
    fn put(&self, into: &mut Canon<'_>) {
        into.count(b'm', self.len());
        for (key, value) in self {
            into.text(key);
            value.put(into);
        }
    }
}

/// Makes state digests, and remembers the hashes of records for the next.
#[derive(Clone, Debug, Default)]
pub struct Digests {
    known: HashMap<u64, Hash>,
}

impl Digests {
    /// The digest of these views. One `Digests` serves the views of one log, which only grow.
    pub fn of(&mut self, views: &Views) -> Hash {
        let mut canon = Canon { hasher: Hasher::default(), known: &mut self.known };
        canon.hasher.update(MAGIC.as_bytes());
        canon.number(i64::from(VIEWS_VERSION));
        views.put(&mut canon);
        canon.hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::small_log;

    const LOG: &str = "2025-03-03T10 cso-a access.request.submitted rq-1 facility=fac-a organisation=cso-a purpose=family \
         target=women\n2025-03-05T09 fac-a access.request.acknowledged - request=cso-a/rq-1 facility=fac-a \
         organisation=cso-a received_on=2025-03-03";

    fn digest(text: &str) -> Hash {
        Digests::default().of(&small_log::folded(&[], text, "2025-12-31").0)
    }

    #[test]
    fn equal_views_have_equal_digests_and_no_others() {
        assert_eq!(digest(LOG), digest(LOG));
        let mut seen = BTreeSet::from([digest(LOG).to_hex()]);
        for (from, to) in [
            ("2025-03-05T09", "2025-03-05T10"),
            ("purpose=family", "purpose=monitoring"),
            ("target=women", "target=juveniles"),
            ("rq-1 facility", "rq-2 facility"),
            ("received_on=2025-03-03", "received_on=2025-03-04"),
            ("received_on=2025-03-03", "received_on=2025-03-03 @signer=fac-a:two"),
            ("received_on=2025-03-03", "received_on=2025-03-03 @at=2025-03-04"),
            ("target=women", "target=women @hide=slots"),
            ("target=women", "target=women @erase=slots:9"),
        ] {
            let text = LOG.replacen(from, to, 1);
            assert_ne!(text, LOG, "{from}");
            assert!(seen.insert(digest(&text).to_hex()), "{to}: the digest does not show it");
        }
        let shorter = LOG.lines().next().unwrap();
        assert!(seen.insert(digest(shorter).to_hex()), "an entry less");
    }

    #[test]
    fn what_is_remembered_changes_nothing() {
        let mut digests = Digests::default();
        let half = LOG.lines().next().unwrap();
        digests.of(&small_log::folded(&[], half, "2025-12-31").0);
        assert_eq!(digests.of(&small_log::folded(&[], LOG, "2025-12-31").0), digest(LOG));
    }
}
