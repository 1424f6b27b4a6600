//! One pass over a feed: entries are folded into views, and rules are asked at each date.

use std::collections::{BTreeMap, BTreeSet};

use schemas::catalogue::Catalogue;
use schemas::hash::Hash;
use schemas::time::Timestamp;
use schemas::value::Value;
use verifier::Verified;
use verifier::bundle::Opened;
use verifier::follower::Accepted;
use verifier::head::SignedHead;

use crate::erasures::{Erasure, Erasures};
use crate::feed::{BadFeed, Feed, Sink};
use crate::lens::Audience;
use crate::measure::Row;
use crate::measures::{self, MEASURES};
use crate::profile::Profiles;
use crate::profile::param::{self, Whole};
use crate::record::{Links, Record};
use crate::rules::{self, AsOfPassed, Evaluation, Question, RULES, Reader};
use crate::site::input;
use crate::views::Views;

/// When rules are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// At the evaluation dates of the adopted profiles; at the last seal where they name none.
    Profile,
    /// At one instant, no later than the last seal.
    At(Timestamp),
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
    read: input::Read,
    profile: input::ProfileFacts,
    utc_offset_minutes: i32,
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
    names: Names,
    erasures: Vec<Erasure>,
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
    let mut folding = Folding {
        when,
        public: Judge::new(input::Read::PublicLog),
        opened: Judge::new(input::Read::Openings),
        profiles: Profiles::new(),
        dates: BTreeSet::new(),
        names: Names::default(),
        erasures: Erasures::default(),
        last: None,
        passed: None,
        progress,
    };
    if let When::At(instant) = when {
        folding.dates.insert(instant);
    }
    let head = feed.follow(&mut folding)?;
    let last = folding.last.ok_or(BadProjection::Empty)?;
    if let When::At(asked) = when
        && asked > last
    {
        return Err(BadProjection::Future { asked, last });
    }
    let due: Vec<Timestamp> = folding.dates.iter().copied().filter(|date| *date <= last).collect();
    let due = if due.is_empty() && folding.public.evaluations.is_empty() { vec![last] } else { due };
    folding.ask(&due);
    if let Some(passed) = folding.passed {
        return Err(passed.into());
    }
    let (public, opened) = (folding.public.judged, folding.opened.judged);
    let (Some(public), Some(opened)) = (public, opened) else { return Err(BadProjection::Empty) };
    Ok(Projection { head, public, opened, names: folding.names, erasures: folding.erasures.into_all() })
}

/// The sink that folds.
struct Folding<'a> {
    when: When,
    public: Judge,
    opened: Judge,
    profiles: Profiles,
    /// Dates at which rules are still to be asked.
    dates: BTreeSet<Timestamp>,
    names: Names,
    erasures: Erasures,
    last: Option<Timestamp>,
    passed: Option<AsOfPassed>,
    progress: &'a mut dyn FnMut(u64, u64),
}

impl Folding<'_> {
    /// Asks at each of these dates; the views hold what was received by then.
    fn ask(&mut self, due: &[Timestamp]) {
        for date in due {
            self.dates.remove(date);
            for judge in [&mut self.public, &mut self.opened] {
                if let Err(passed) = judge.ask(&self.profiles, *date) {
                    self.passed.get_or_insert(passed);
                }
            }
        }
    }
}

impl Sink for Folding<'_> {
    fn entry(&mut self, entry: &Verified<Accepted>, opened: &Opened) {
        let received_at = entry.get().entry.received_at;
        let due: Vec<Timestamp> = self.dates.range(..received_at).copied().collect();
        // A date before the first entry has nothing to judge.
        if self.last.is_none() {
            for date in &due {
                self.dates.remove(date);
            }
        } else {
            self.ask(&due);
        }
        self.names.apply(entry.get());
        self.public.apply(entry, &all_withheld(entry.get()));
        self.opened.apply(entry, opened);
        let accepted = entry.get();
        self.erasures.apply(&accepted.entry, accepted.approver_role, &self.opened.links);
        self.last = Some(received_at);
    }

    fn document(&mut self, digest: Hash, bytes: &[u8]) {
        // Other documents, such as the catalogue, are no profiles; one that should be and is not
        // shows as a note of the evaluation.
        if self.profiles.add(bytes).is_ok()
            && self.when == When::Profile
            && let Some(profile) = self.profiles.get(&digest)
        {
            self.dates.extend(profile.evaluation().iter().map(|(_, instant)| *instant));
        }
    }

    fn progress(&mut self, done: u64, total: u64) {
        (self.progress)(done, total);
    }
}

/// What a reader without openings has of an entry.
fn all_withheld(accepted: &Accepted) -> Opened {
    let kind = Catalogue::built_in().event(&accepted.entry.signed.event.kind);
    let withheld = kind.map(|k| k.slots().into_iter().map(str::to_owned).collect()).unwrap_or_default();
    Opened { withheld, ..Opened::default() }
}

/// Views of one reader, and what the rules said to it.
struct Judge {
    read: input::Read,
    views: Views,
    links: Links,
    evaluations: Vec<Evaluation>,
    judged: Option<Judged>,
}

impl Judge {
    fn new(read: input::Read) -> Self {
        Self { read, views: Views::new(), links: Links::default(), evaluations: Vec::new(), judged: None }
    }

    fn apply(&mut self, entry: &Verified<Accepted>, opened: &Opened) {
        self.views.apply(&Record::read(entry, opened, &mut self.links));
    }

    fn ask(&mut self, profiles: &Profiles, as_of: Timestamp) -> Result<(), AsOfPassed> {
        let question = Question::new(&self.views, profiles, as_of)?;
        self.evaluations.push(rules::answer(&question));
        let profile = question.profile_at(as_of);
        let days = |name: Whole| u32::try_from(profile.whole(name)).ok();
        self.judged = Some(Judged {
            evaluations: self.evaluations.clone(),
            measures: measures::answer(&question),
            as_of,
            read: self.read,
            profile: input::ProfileFacts {
                name: format!("{} {}", profile.id(), profile.version()),
                acknowledge_working_days: days(param::ACK_WORKING_DAYS),
                decision_days: days(param::DECISION_DAYS),
                reply_days: days(param::REPLY_DAYS).unwrap_or_default(),
            },
            utc_offset_minutes: profile.calendar().utc_offset_minutes(),
        });
        Ok(())
    }
}

/// Names that the public log itself prints, and how many entries there are of each type.
#[derive(Clone, Debug, Default)]
struct Names {
    operator: String,
    genesis: Option<Timestamp>,
    facilities: BTreeMap<String, input::Name>,
    organisations: BTreeMap<String, input::Name>,
    parties: BTreeSet<String>,
    entries: BTreeMap<String, u64>,
}

impl Names {
    fn apply(&mut self, accepted: &Accepted) {
        let event = &accepted.entry.signed.event;
        *self.entries.entry(event.kind.clone()).or_insert(0) += 1;
        self.parties.insert(event.by.clone());
        self.genesis.get_or_insert(accepted.entry.received_at);
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
                checkpoint_at: judged.as_of,
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
