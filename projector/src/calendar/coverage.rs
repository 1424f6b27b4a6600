//! "No X within n": the fold over what should come again and again. `rules/RULES.md` 1, "Coverage rules".

use schemas::time::Date;

/// One X in log order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Local day of its receipt.
    pub received: Date,
    /// The day on which it happened, by its author's claim.
    pub claimed: Date,
}

/// A re-opening, at which the count begins anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restart {
    /// First day of the closure.
    pub closed_on: Date,
    /// First day open again.
    pub reopened_on: Date,
}

/// From where a window is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// Nothing yet: the first day that counts.
    Start(Date),
    /// A re-opening, by its number: its day.
    Restart(usize, Date),
    /// An X, by its number: its claimed day.
    After(usize, Date),
}

/// A window in which no X came in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// From where it was counted.
    pub base: Base,
    /// The last day in time, T.
    pub due: Date,
    /// The X that ended it, by its number; `None` while it goes on.
    pub ended_by: Option<usize>,
}

/// What is folded.
#[derive(Clone, Debug)]
pub struct Coverage<'a> {
    /// The first day that counts.
    pub start: Date,
    /// Re-openings after it, in order.
    pub restarts: &'a [Restart],
    /// The X, in log order.
    pub seen: &'a [Seen],
    /// The day of evaluation.
    pub today: Date,
}

impl Base {
    /// The base day: an X's claimed day, or the day before the first day that counts.
    pub fn day(self) -> Date {
        match self {
            Self::Start(first) | Self::Restart(_, first) => first.plus_days(-1),
            Self::After(_, day) => day,
        }
    }

    /// The last day of a window of `n` months.
    pub fn plus_months(self, n: i64) -> Date {
        match self {
            Self::Start(first) | Self::Restart(_, first) => first.plus_months(n).plus_days(-1),
            Self::After(_, day) => day.plus_months(n),
        }
    }
}

impl Coverage<'_> {
    /// The gaps, in order. `due` gives the last day in time of a window; `None`: it never ends.
    ///
    /// At a re-opening the count begins anew. A breach that was there before the closure began
    /// stays until the next X (closing a door for a day wipes nothing out); one that only arose
    /// while closed falls away.
    pub fn gaps(&self, due: impl Fn(Base) -> Option<Date>) -> Vec<Gap> {
        let mut gaps: Vec<Gap> = Vec::new();
        let mut base = Base::Start(self.start);
        let mut restarts = self.restarts.iter().enumerate().filter(|(_, r)| r.reopened_on > self.start).peekable();
        // The breaches of earlier segments that no X has ended yet.
        let mut pending: Vec<Gap> = Vec::new();
        let mut restart_until = |day: Date, base: &mut Base, pending: &mut Vec<Gap>| {
            while let Some((number, restart)) = restarts.next_if(|(_, r)| r.reopened_on <= day) {
                if restart.reopened_on.plus_days(-1) <= base.day() {
                    continue; // something later was already counted from
                }
                if let Some(due) = due(*base).filter(|due| *due < restart.closed_on) {
                    pending.push(Gap { base: *base, due, ended_by: None });
                }
                *base = Base::Restart(number, restart.reopened_on);
            }
        };
        for (number, x) in self.seen.iter().enumerate() {
            restart_until(x.received, &mut base, &mut pending);
            let ended = pending.extract_if(.., |gap| x.claimed > gap.base.day());
            gaps.extend(ended.map(|gap| Gap { ended_by: Some(number), ..gap }));
            if x.claimed <= base.day() {
                continue;
            }
            if let Some(due) = due(base).filter(|due| x.received > *due) {
                gaps.push(Gap { base, due, ended_by: Some(number) });
            }
            base = Base::After(number, x.claimed);
        }
        restart_until(self.today, &mut base, &mut pending);
        gaps.append(&mut pending);
        gaps.extend(due(base).filter(|due| self.today > *due).map(|due| Gap { base, due, ended_by: None }));
        gaps
    }
}
