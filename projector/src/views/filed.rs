//! How views keep records: in log order, by kind or by the case they belong to.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use super::Amendments;
use crate::digest::{Canon, Canonical};
use crate::record::Record;

/// A record with its address at hand. Cheap to keep in several places.
#[derive(Clone, Debug)]
pub struct Filed(Arc<(Record, String)>);

impl Filed {
    /// Files a record.
    pub(crate) fn new(record: Record) -> Self {
        let address = record.address();
        Self(Arc::new((record, address)))
    }

    /// `<party>/<event.type>/<row>`.
    pub fn address(&self) -> &str {
        &self.0.1
    }
}

impl Deref for Filed {
    type Target = Record;
    fn deref(&self) -> &Record {
        &self.0.0
    }
}

/// Records in log order. Retracted ones are still in it: readers say whether they want them.
#[derive(Clone, Debug, Default)]
pub struct Shelf(Vec<Filed>);

impl Canonical for Shelf {
    fn put(&self, into: &mut Canon<'_>) {
        self.0.put(into);
    }
}

static EMPTY: Shelf = Shelf(Vec::new());

impl Shelf {
    pub(super) fn push(&mut self, record: &Filed) {
        self.0.push(record.clone());
    }

    /// Those that no retraction took away, in log order: what every rule reads but the self-checks.
    pub fn live<'a>(&'a self, amendments: &'a Amendments) -> impl DoubleEndedIterator<Item = &'a Filed> {
        self.0.iter().filter(|record| !amendments.is_retracted(record.address()))
    }

    /// All of them, the retracted ones too, in log order: for the self-checks of the ledger.
    pub fn even_retracted(&self) -> &[Filed] {
        &self.0
    }
}

/// Records by the qualified id of a case.
#[derive(Clone, Debug, Default)]
pub struct ByCase(BTreeMap<String, Shelf>);

impl Canonical for ByCase {
    fn put(&self, into: &mut Canon<'_>) {
        self.0.put(into);
    }
}

impl ByCase {
    pub(super) fn push(&mut self, case: Option<&str>, record: &Filed) {
        if let Some(case) = case {
            self.0.entry(case.to_owned()).or_default().push(record);
        }
    }

    /// The records of one case.
    pub fn of(&self, case: &str) -> &Shelf {
        self.0.get(case).unwrap_or(&EMPTY)
    }
}
