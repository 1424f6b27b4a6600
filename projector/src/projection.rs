//! One pass over a feed: entries are folded into views, and rules are asked at each date.

use std::collections::{BTreeMap, BTreeSet};

use schemas::hash::Hash;
use schemas::time::Timestamp;
use schemas::value::Value;
use verifier::Verified;
use verifier::bundle::Opened;
use verifier::follower::Accepted;
use verifier::head::SignedHead;

use crate::erasures::Erasure;
use crate::feed::{BadFeed, Feed, Sink};
use crate::fold::Fold;
use crate::lens::Audience;
use crate::measure::Row;
use crate::measures::{self, MEASURES};
use crate::rules::{self, AsOfPassed, Evaluation, RULES, Reader};
use crate::site::input;

/// When rules are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// At the evaluation dates of the adopted profiles; at the last seal where they name none.
    Profile,
    /// At one instant, no later than the last seal.
    At(Timestamp),
    /// At the evaluation dates of the adopted profiles as they pass, and at the last seal: for a log that goes on.
    Live,
}

/// Why a projection cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum BadProjection {
    /// The feed did not end well.
    #[error(transparent)]
    Feed(#[from] BadFeed),
    /// The log has not come as far as the date that was asked for.
    #[error(
        "the log's last seal is of {last}: {asked} lies after it, and nobody can say yet what it will hold by then"
    )]
    Future {
        /// The instant asked for.
        asked: Timestamp,
        /// The last seal.
        last: Timestamp,
    },
    /// The log has no entry.
    #[error("the log holds nothing yet")]
    Empty,
    /// A date was passed.
    #[error(transparent)]
    AsOf(#[from] AsOfPassed),
}

/// What one audience's openings let the rules say, at each date.
#[derive(Clone, Debug)]
pub struct Judged {
    /// Results at each date, in order.
    pub evaluations: Vec<Evaluation>,
    /// Measures at the last of them.
    pub measures: Vec<Row>,
    /// The instant of the last.
    pub as_of: Timestamp,
    pub(crate) read: input::Read,
    pub(crate) profile: input::ProfileFacts,
    pub(crate) utc_offset_minutes: i32,
}

/// Everything that was computed from a log: for everyone, and for who holds the openings.
#[derive(Clone, Debug)]
pub struct Projection {
    /// The checkpoint that covers it.
    pub head: SignedHead,
    /// From public fields alone.
    pub public: Judged,
    /// With the openings at hand.
    pub opened: Judged,
    pub(crate) names: Names,
    pub(crate) erasures: Vec<Erasure>,
}

/// Follows a feed to its end and asks every rule.
///
/// # Errors
/// [`BadProjection`]; nothing is given from a log that does not verify.
pub fn project(
    feed: &mut dyn Feed,
    when: When,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Projection, BadProjection> {
    let mut folding = Folding { fold: Fold::new(when, true), progress };
    let head = feed.follow(&mut folding)?;
    folding.fold.projection(&head)
}

/// The sink that folds.
struct Folding<'a> {
    fold: Fold,
    progress: &'a mut dyn FnMut(u64, u64),
}

impl Sink for Folding<'_> {
    fn entry(&mut self, entry: &Verified<Accepted>, opened: &Opened) {
        self.fold.entry(entry, opened);
    }

    fn document(&mut self, digest: Hash, bytes: &[u8]) {
        // Other documents, such as the catalogue, are no profiles; one that should be and is not
        // shows as a note of the evaluation.
        self.fold.document(&digest, bytes);
    }

    fn progress(&mut self, done: u64, total: u64) {
        (self.progress)(done, total);
    }
}

/// Names that the public log itself prints, and how many entries there are of each type.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    operator: String,
    genesis: Option<Timestamp>,
    /// When the newest entry was received, which is when its checkpoint was signed.
    last: Option<Timestamp>,
    facilities: BTreeMap<String, input::Name>,
    organisations: BTreeMap<String, input::Name>,
    parties: BTreeSet<String>,
    entries: BTreeMap<String, u64>,
}

impl Names {
    pub(crate) fn apply(&mut self, accepted: &Accepted) {
        let event = &accepted.entry.signed.event;
        match self.entries.get_mut(&event.kind) {
            Some(count) => *count += 1,
            None => drop(self.entries.insert(event.kind.clone(), 1)),
        }
        if !self.parties.contains(&event.by) {
            self.parties.insert(event.by.clone());
        }
        self.genesis.get_or_insert(accepted.entry.received_at);
        self.last = Some(accepted.entry.received_at);
        let text = |field: &str| event.text(field).unwrap_or_default().to_owned();
        let name = || {
            let name = event.data.get("name")?;
            let word = |member: &str| name.get(member).and_then(Value::as_text).unwrap_or_default().to_owned();
            Some(input::Name { text: word("text"), lang: word("lang") })
        };
        match event.kind.as_str() {
            "ledger.genesis" => self.operator = text("operator"),
            "facility.registered" => {
                self.facilities.extend(name().map(|name| (text("facility"), name)));
            }
            "organisation.registered" | "organisation.updated" => {
                self.organisations.extend(name().map(|name| (text("organisation"), name)));
            }
            _ => {}
        }
    }
}

impl Projection {
    /// What was computed for an audience.
    pub fn judged(&self, audience: Audience) -> &Judged {
        match audience {
            Audience::Public => &self.public,
            Audience::Oversight => &self.opened,
        }
    }

    /// The input of the pages for an audience; a lens must look at it before anyone sees it.
    pub fn site(&self, audience: Audience) -> input::Site {
        let judged = self.judged(audience);
        let names = &self.names;
        let offset = judged.utc_offset_minutes;
        let unnamed = input::Name { text: names.operator.clone(), lang: String::new() };
        let known = |party: &String| names.facilities.contains_key(party) || names.organisations.contains_key(party);
        input::Site {
            log: input::LogFacts {
                origin: self.head.checkpoint.origin.to_string(),
                operator: names.organisations.get(&names.operator).cloned().unwrap_or(unnamed),
                size: self.head.checkpoint.size,
                root: self.head.checkpoint.root.to_base64(),
                checkpoint_at: names.last.unwrap_or(judged.as_of),
                as_of: judged.as_of,
                genesis: names.genesis.unwrap_or(judged.as_of).date(offset),
                utc_offset_minutes: offset,
                entries: names.entries.clone(),
            },
            profile: judged.profile.clone(),
            evaluations: judged.evaluations.iter().map(|e| evaluation(e, judged.read)).collect(),
            measures: judged.measures.clone(),
            rules: RULES.iter().map(rule_info).collect(),
            measure_info: MEASURES.iter().map(measure_info).collect(),
            facilities: names.facilities.clone(),
            organisations: names.organisations.clone(),
            authorities: names.parties.iter().filter(|p| !known(p)).cloned().collect(),
            erasures: self.erasures.clone(),
            audience,
            withheld: input::Withheld::default(),
        }
    }
}

fn evaluation(evaluation: &Evaluation, read: input::Read) -> input::Evaluation {
    let undetermined = evaluation.undetermined.iter().map(|u| input::Undetermined {
        rule: u.rule.to_owned(),
        facility: u.facility.clone(),
        organisation: u.organisation.clone(),
        subject: u.subject.clone(),
        missing: u.missing.iter().cloned().collect(),
    });
    input::Evaluation {
        as_of: evaluation.as_of,
        read,
        findings: evaluation.findings.clone(),
        undetermined: undetermined.collect(),
    }
}

fn rule_info(rule: &rules::Rule) -> input::RuleInfo {
    let readers = match rule.reader {
        Reader::Public => input::Readers::Anyone,
        Reader::Partly(fields) => input::Readers::Holders(fields.iter().map(|f| (*f).to_owned()).collect()),
    };
    input::RuleInfo {
        id: rule.id.to_owned(),
        title: rule.title.to_owned(),
        kind: rule.kind,
        duty: rule.duty.to_owned(),
        source: rule.source.to_owned(),
        readers,
    }
}

fn measure_info(measure: &measures::Measure) -> input::MeasureInfo {
    input::MeasureInfo {
        id: measure.id.to_owned(),
        title: measure.title.to_owned(),
        definition: measure.definition.to_owned(),
        unit: measure.unit.to_owned(),
    }
}
