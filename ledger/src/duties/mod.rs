//! What an institution still owes an answer to, and by when: out of the records about it that it holds, and
//! the rule profile. Pure; the rules of the projector judge the same duties of everyone afterwards
//! (`projector/rules/RULES.md` ACC-01, ACC-02, REC-01, MEA-02), and a test holds the two against each other.

mod history;
mod windows;

use schemas::calendar::Stops;
use schemas::catalogue::Role;
use schemas::entry::Entry;
use schemas::time::{Date, Timestamp};

use history::{History, target, text};
pub use windows::{BadWindows, Windows};

/// What is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Duty {
    /// To confirm that a request was received. ACC-01.
    Acknowledge,
    /// To approve or deny a request. ACC-02.
    Decide,
    /// To answer a recommendation. REC-01.
    AnswerRecommendation,
    /// To review a measure, or end it. MEA-02.
    ReviewMeasure,
    /// To reply to a finding of oversight.
    ReplyToFinding,
}

impl Duty {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Acknowledge, Self::Decide, Self::AnswerRecommendation, Self::ReviewMeasure, Self::ReplyToFinding];

    /// A short name, for texts and tests.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Decide => "decide",
            Self::AnswerRecommendation => "answer-recommendation",
            Self::ReviewMeasure => "review-measure",
            Self::ReplyToFinding => "reply-to-finding",
        }
    }

    /// The rule that judges it, where one does.
    pub fn rule(self) -> Option<&'static str> {
        match self {
            Self::Acknowledge => Some("ACC-01"),
            Self::Decide => Some("ACC-02"),
            Self::AnswerRecommendation => Some("REC-01"),
            Self::ReviewMeasure => Some("MEA-02"),
            Self::ReplyToFinding => None,
        }
    }

    /// Types of event by which an institution meets it, the usual one first.
    pub fn answers(self) -> &'static [&'static str] {
        match self {
            Self::Acknowledge => &["access.request.acknowledged", "access.clarification.requested"],
            Self::Decide => &["access.request.approved", "access.request.denied"],
            Self::AnswerRecommendation => &["recommendation.answered"],
            Self::ReviewMeasure => &["measure.reviewed", "measure.ended"],
            Self::ReplyToFinding => &["finding.answered"],
        }
    }

    /// The ref by which an answer names what it answers.
    pub fn reference(self) -> &'static str {
        match self {
            Self::Acknowledge | Self::Decide => "request",
            Self::AnswerRecommendation => "recommendation",
            Self::ReviewMeasure => "measure",
            Self::ReplyToFinding => "finding",
        }
    }
}

/// One duty that nobody has met yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed {
    /// What is owed.
    pub duty: Duty,
    /// Position of the record that asks for it.
    pub position: u64,
    /// Qualified id of what is to be answered, `<party>/<id>`.
    pub case: String,
    /// The other side: who asked, who recommended.
    pub by: String,
    /// When the ledger received it.
    pub received_at: Timestamp,
    /// The last day in time; nothing while time stands still.
    pub due: Option<Date>,
}

impl Owed {
    /// Whether its day has passed.
    pub fn is_late(&self, today: Date) -> bool {
        self.due.is_some_and(|due| due < today)
    }
}

/// Everything that a party owes as of an instant, by due day; `role_of` says which role a party has.
///
/// `entries` are those that the party holds, usually those of its own pack; what it does not hold it
/// cannot be told of here.
pub fn owed(
    party: &str,
    entries: &[Entry],
    windows: &Windows,
    as_of: Timestamp,
    role_of: &dyn Fn(&str) -> Option<Role>,
) -> Vec<Owed> {
    let history = History::new(entries, windows);
    let is_facility = role_of(party) == Some(Role::Facility);
    let stops = if is_facility { history.stops(party, as_of) } else { Stops::NONE };
    let asked = Asked { party, history: &history, stops: &stops, as_of, role_of };
    let mut all = Vec::new();
    asked.requests(&mut all);
    asked.recommendations(&mut all);
    asked.findings(&mut all);
    asked.measures(&mut all);
    all.sort_by_key(|owed| (owed.due.is_none(), owed.due, owed.position, owed.duty));
    all
}

struct Asked<'q, 'a> {
    party: &'q str,
    history: &'q History<'a>,
    stops: &'q Stops,
    as_of: Timestamp,
    role_of: &'q dyn Fn(&str) -> Option<Role>,
}

const WITHDRAWN: &str = "access.request.withdrawn";
const CLARIFICATION: &str = "access.clarification.requested";

impl<'a> Asked<'_, 'a> {
    fn owed(duty: Duty, record: &Entry, due: Option<Date>) -> Owed {
        let event = &record.signed.event;
        Owed {
            duty,
            position: record.position,
            case: event.id.clone().unwrap_or_default(),
            by: event.by.clone(),
            received_at: record.received_at,
            due,
        }
    }

    fn is_mine(&self, record: &'a Entry, field: &str) -> bool {
        self.history.value(record, field, self.as_of).is_some_and(|party| party == self.party)
    }

    fn requests(&self, all: &mut Vec<Owed>) {
        let history = self.history;
        let windows = history.windows;
        for request in history.all("access.request.submitted").filter(|r| self.is_mine(r, "facility")) {
            let of = |kind| history.of(kind, "request", request);
            let clarifications: Vec<&Entry> = of(CLARIFICATION).collect();
            let decided = of("access.request.approved").chain(of("access.request.denied"));
            let ends: Vec<&Entry> = decided.chain(of(WITHDRAWN)).collect();
            let shows_receipt = |e: &&Entry| {
                let event = &e.signed.event;
                event.kind == WITHDRAWN
                    || event.by == self.party
                    || (self.role_of)(&event.by) == Some(Role::Administration)
            };
            let mut answers =
                of("access.request.acknowledged").chain(clarifications.iter().copied()).chain(ends.iter().copied());
            if !answers.any(|e| shows_receipt(&e)) {
                let from = history.received_on(request);
                let due = windows.calendar.due_working(from, windows.ack_working_days, self.stops);
                all.push(Self::owed(Duty::Acknowledge, request, due));
            }
            if ends.is_empty() {
                let inputs: Vec<_> = clarifications.iter().map(|c| (*c, "tolls")).collect();
                let due = history.due(request, &inputs, |t| {
                    let tolled = history.tolled(request, &clarifications, t, self.as_of);
                    history.days_after(request, windows.decision_days, &self.stops.and_days(tolled))
                });
                all.push(Self::owed(Duty::Decide, request, due));
            }
        }
    }

    fn recommendations(&self, all: &mut Vec<Owed>) {
        let history = self.history;
        for issued in history.all("recommendation.issued").filter(|r| self.is_mine(r, "addressee")) {
            let advice = history.value(issued, "advice", self.as_of);
            let answered = history.of("recommendation.answered", "recommendation", issued).next().is_some();
            if advice.as_deref() != Some("false") || answered {
                continue;
            }
            let due = history.due(issued, &[(issued, "response_due")], |t| {
                let named = history.date(issued, "response_due", t);
                let days = history.windows.answer_days;
                named.map_or_else(|| history.days_after(issued, days, self.stops), |day| self.stops.next_running(day))
            });
            all.push(Self::owed(Duty::AnswerRecommendation, issued, due));
        }
    }

    fn findings(&self, all: &mut Vec<Owed>) {
        let history = self.history;
        for issued in history.all("finding.issued").filter(|r| self.is_mine(r, "addressee")) {
            let of = |kind| history.of(kind, "finding", issued);
            if of("finding.answered").chain(of("finding.closed")).next().is_some() {
                continue;
            }
            let due = history.due(issued, &[(issued, "reply_due")], |t| {
                let named = history.date(issued, "reply_due", t);
                named.or_else(|| history.days_after(issued, history.windows.reply_days, &Stops::NONE))
            });
            all.push(Self::owed(Duty::ReplyToFinding, issued, due));
        }
    }

    fn measures(&self, all: &mut Vec<Owed>) {
        let history = self.history;
        let longest = history.windows.review_max_days;
        for imposed in history.all("measure.imposed").filter(|m| self.is_mine(m, "facility")) {
            let reviews: Vec<&'a Entry> = history.of("measure.reviewed", "measure", imposed).collect();
            let ended = history.of("measure.ended", "measure", imposed).next().is_some()
                || reviews.iter().any(|r| history.value(r, "outcome", self.as_of).as_deref() == Some("ended"));
            if ended {
                continue;
            }
            let due = match reviews.last() {
                None => history.due(imposed, &[(imposed, "review_on")], |t| {
                    let named = history.date(imposed, "review_on", t);
                    named.map_or_else(
                        || history.days_after(imposed, longest, self.stops),
                        |day| self.stops.next_running(day),
                    )
                }),
                Some(last) => history.due(last, &[(*last, "next_review_on")], |t| {
                    let named = history.date(last, "next_review_on", t).and_then(|day| self.stops.next_running(day));
                    [named, history.days_after(last, longest, self.stops)].into_iter().flatten().min()
                }),
            };
            all.push(Self::owed(Duty::ReviewMeasure, imposed, due));
        }
    }
}

/// Whether an event meets a duty: its type, and what it refers to.
pub fn meets(owed: &Owed, kind: &str, refers_to: Option<&str>) -> bool {
    owed.duty.answers().contains(&kind) && refers_to == Some(owed.case.as_str())
        || owed.duty == Duty::Acknowledge && Duty::Decide.answers().contains(&kind) && refers_to == Some(&owed.case)
}

/// The organisation that a record is about, for a list.
pub fn about(entry: &Entry) -> Option<&str> {
    text(entry, "organisation")
}

/// What a record refers to by a ref of that name.
pub fn reference<'a>(entry: &'a Entry, name: &str) -> Option<&'a str> {
    target(entry, name)
}
