//! The fold itself: believed entries in, one after the other; at any moment a [`Projection`] out.

use std::collections::BTreeSet;

use schemas::hash::Hash;
use schemas::time::Timestamp;
use verifier::Verified;
use verifier::bundle::Opened;
use verifier::follower::Accepted;
use verifier::head::SignedHead;

use crate::erasures::Erasures;
use crate::measures;
use crate::profile::Profiles;
use crate::profile::param::{self, Whole};
use crate::projection::{BadProjection, Judged, Names, Projection, When};
use crate::record::{Links, Record};
use crate::rules::{self, AsOfPassed, Evaluation, Question};
use crate::site::input;
use crate::views::{Filed, Views};

/// Everything that was folded so far.
#[derive(Debug)]
pub struct Fold {
    when: When,
    public: Judge,
    /// With the openings at hand; nobody where there are none.
    opened: Option<Judge>,
    profiles: Profiles,
    /// Dates at which rules are still to be asked.
    dates: BTreeSet<Timestamp>,
    names: Names,
    erasures: Erasures,
    last: Option<Timestamp>,
    passed: Option<AsOfPassed>,
}

impl Fold {
    /// Before the first entry. Without `openings` there is one reader, who has the public log alone.
    pub fn new(when: When, openings: bool) -> Self {
        let dates = if let When::At(instant) = when { BTreeSet::from([instant]) } else { BTreeSet::new() };
        Self {
            when,
            public: Judge::new(input::Read::PublicLog),
            opened: openings.then(|| Judge::new(input::Read::Openings)),
            profiles: Profiles::new(),
            dates,
            names: Names::default(),
            erasures: Erasures::default(),
            last: None,
            passed: None,
        }
    }

    /// Takes a document that entries may adopt; says whether it is a rule profile. Its dates that have passed
    /// already are not asked any more: the views have gone on.
    pub fn document(&mut self, digest: &Hash, bytes: &[u8]) -> bool {
        if self.profiles.add(bytes).is_err() {
            return false;
        }
        if !matches!(self.when, When::At(_))
            && let Some(profile) = self.profiles.get(digest)
        {
            let dates = profile.evaluation().iter().map(|(_, instant)| *instant);
            self.dates.extend(dates.filter(|date| self.last.is_none_or(|last| *date >= last)));
        }
        true
    }

    /// Whether the profile of that digest was taken.
    pub fn has_profile(&self, digest: &Hash) -> bool {
        self.profiles.get(digest).is_some()
    }

    /// Takes the next entry, with the openings at hand.
    pub fn entry(&mut self, entry: &Verified<Accepted>, opened: &Opened) {
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
        let accepted = entry.get();
        self.names.apply(accepted);
        let shown = Opened::nothing_of(&accepted.entry.signed.event.kind);
        let record = self.public.read(entry, &shown);
        self.public.views.file(&record);
        let links = match &mut self.opened {
            Some(judge) => {
                // Where no opening says more, both readers have one and the same record.
                let same = opened.is_closed() && judge.links.is_empty() && opened.withheld == shown.withheld;
                let record = if same { record } else { judge.read(entry, opened) };
                judge.views.file(&record);
                &judge.links
            }
            None => &self.public.links,
        };
        self.erasures.apply(&accepted.entry, accepted.roles(), links);
        self.last = Some(received_at);
    }

    /// Asks at each of these dates; the views hold what was received by then.
    fn ask(&mut self, due: &[Timestamp]) {
        for date in due {
            self.dates.remove(date);
            for judge in std::iter::once(&mut self.public).chain(&mut self.opened) {
                match judge.ask(&self.profiles, *date) {
                    Ok((evaluation, figures)) => {
                        judge.evaluations.push(evaluation);
                        judge.figures = Some(figures);
                    }
                    Err(passed) => {
                        self.passed.get_or_insert(passed);
                    }
                }
            }
        }
    }

    /// What follows from everything folded so far, which `head` covers.
    ///
    /// # Errors
    /// [`BadProjection`] where nothing was folded, or a date cannot be asked.
    pub fn projection(&mut self, head: &SignedHead) -> Result<Projection, BadProjection> {
        let last = self.last.ok_or(BadProjection::Empty)?;
        if let When::At(asked) = self.when
            && asked > last
        {
            return Err(BadProjection::Future { asked, last });
        }
        if self.when != When::Live {
            let due: Vec<Timestamp> = self.dates.iter().copied().filter(|date| *date <= last).collect();
            let due = if due.is_empty() && self.public.evaluations.is_empty() { vec![last] } else { due };
            self.ask(&due);
        }
        if let Some(passed) = self.passed.take() {
            return Err(passed.into());
        }
        let live = (self.when == When::Live).then_some(last);
        let public = self.public.judged(&self.profiles, live)?;
        let opened = match &self.opened {
            Some(judge) => judge.judged(&self.profiles, live)?,
            None => public.clone(),
        };
        let erasures = self.erasures.all().to_vec();
        Ok(Projection { head: head.clone(), public, opened, names: self.names.clone(), erasures })
    }

    /// What the public log alone has made of the views.
    pub fn views(&self) -> &Views {
        &self.public.views
    }

    /// When the last entry was received.
    pub fn last(&self) -> Option<Timestamp> {
        self.last
    }
}

/// Measures and the profile at one date.
#[derive(Clone, Debug)]
struct Figures {
    as_of: Timestamp,
    measures: Vec<crate::measure::Row>,
    profile: input::ProfileFacts,
    utc_offset_minutes: i32,
}

/// Views of one reader, and what the rules said to it.
#[derive(Debug)]
struct Judge {
    read: input::Read,
    views: Views,
    links: Links,
    evaluations: Vec<Evaluation>,
    figures: Option<Figures>,
}

impl Judge {
    fn new(read: input::Read) -> Self {
        Self { read, views: Views::new(), links: Links::default(), evaluations: Vec::new(), figures: None }
    }

    fn read(&mut self, entry: &Verified<Accepted>, opened: &Opened) -> Filed {
        Filed::new(Record::read(entry, opened, &mut self.links))
    }

    fn ask(&self, profiles: &Profiles, as_of: Timestamp) -> Result<(Evaluation, Figures), AsOfPassed> {
        let question = Question::new(&self.views, profiles, as_of)?;
        let evaluation = rules::answer(&question);
        let profile = question.profile_at(as_of);
        let days = |name: Whole| u32::try_from(profile.whole(name)).ok();
        let figures = Figures {
            as_of,
            measures: measures::answer(&question),
            profile: input::ProfileFacts {
                name: format!("{} {}", profile.id(), profile.version()),
                acknowledge_working_days: days(param::ACK_WORKING_DAYS),
                decision_days: days(param::DECISION_DAYS),
                reply_days: days(param::REPLY_DAYS).unwrap_or_default(),
            },
            utc_offset_minutes: profile.calendar().utc_offset_minutes(),
        };
        Ok((evaluation, figures))
    }

    /// What was said at the dates that have passed, and at the instant `live` on top, which is not kept.
    fn judged(&self, profiles: &Profiles, live: Option<Timestamp>) -> Result<Judged, BadProjection> {
        let mut evaluations = self.evaluations.clone();
        let mut figures = self.figures.clone();
        if let Some(last) = live.filter(|last| figures.as_ref().is_none_or(|f| f.as_of != *last)) {
            let (evaluation, now) = self.ask(profiles, last)?;
            evaluations.push(evaluation);
            figures = Some(now);
        }
        let figures = figures.ok_or(BadProjection::Empty)?;
        Ok(Judged {
            evaluations,
            measures: figures.measures,
            as_of: figures.as_of,
            read: self.read,
            profile: figures.profile,
            utc_offset_minutes: figures.utc_offset_minutes,
        })
    }
}
