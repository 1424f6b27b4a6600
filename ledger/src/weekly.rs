//! The sealed stream's weekly batches: constant in number, quiet weeks too. FORMAT.md 15.4.

use std::collections::BTreeMap;

use schemas::catalogue::Catalogue;
use schemas::time::{Date, Timestamp};
use schemas::value::Value;

use crate::import::{Claim, Draft, Holder, Place};
use crate::keys::{self, BadKeyFile};
use schemas::sealed::INTAKE_HOLDER;

/// Records that one week's batch may hold; a profile says how many it does.
pub const BATCH_RECORDS_MAX: usize = 1024;

/// Rows of one week with the instant at which all of them arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Week {
    /// When the batch arrives.
    pub received_at: Timestamp,
    /// Rows and padding, shuffled.
    pub rows: Vec<Draft>,
}

/// Groups the sealed rows of a replay into weekly batches of `size` records, from the week of
/// `first` to that of `last`. Rows that do not fit wait for the next week.
///
/// # Errors
/// [`BadKeyFile`] if the system gives no random numbers.
pub fn batches(
    rows: Vec<Draft>,
    intake: &str,
    size: usize,
    (first, last): (Timestamp, Timestamp),
    utc_offset_minutes: i32,
) -> Result<Vec<Week>, BadKeyFile> {
    let size = size.clamp(1, BATCH_RECORDS_MAX);
    let monday = |t: Timestamp| {
        let day = t.date(utc_offset_minutes);
        day.plus_days(-i64::from(day.weekday()))
    };
    let mut by_week: BTreeMap<Date, Vec<Draft>> = BTreeMap::new();
    for row in rows {
        let received_at = row.received_at.unwrap_or(last);
        by_week.entry(monday(received_at)).or_default().push(row);
    }
    let into_week = |week: Date, t: Timestamp| t.unix() - week.start(utc_offset_minutes).unix();
    let latest =
        |week: Date, rows: &[Draft]| rows.iter().filter_map(|r| r.received_at).map(|t| into_week(week, t)).max();
    // A quiet week's batch comes when the others do: at the latest hour of any; Friday 18:00 without one.
    let usual = by_week.iter().filter_map(|(week, rows)| latest(*week, rows)).max().unwrap_or(4 * 86_400 + 18 * 3600);
    let mut weeks = Vec::new();
    let mut waiting: Vec<Draft> = Vec::new();
    let mut week = monday(first);
    while week <= monday(last) || !waiting.is_empty() {
        let fresh = by_week.remove(&week).unwrap_or_default();
        let offset = latest(week, &fresh).unwrap_or(usual);
        let received_at = week.start(utc_offset_minutes).plus_seconds(offset);
        waiting.extend(fresh);
        if received_at >= first && (received_at <= last || !waiting.is_empty()) {
            let mut rows: Vec<Draft> = waiting.drain(..waiting.len().min(size)).collect();
            for number in rows.len()..size {
                rows.push(padding(intake, week, number, received_at));
            }
            shuffle(&mut rows)?;
            weeks.push(Week { received_at, rows });
        }
        week = week.plus_days(7);
    }
    Ok(weeks)
}

/// A record that says nothing, so that the number of those that do stays hidden.
pub(crate) fn padding(intake: &str, week: Date, number: usize, received_at: Timestamp) -> Draft {
    let kind = Catalogue::built_in().inner("padding").expect("the catalogue has padding");
    Draft {
        party: intake.to_owned(),
        event: kind.name.clone(),
        inner: true,
        row_id: format!("filler-{week}-{number}"),
        occurred: Claim::Instant(received_at),
        received_at: Some(received_at),
        signer: Holder { party: intake.to_owned(), holder: INTAKE_HOLDER.to_owned() },
        cosigner: None,
        id: None,
        refs: BTreeMap::new(),
        fields: BTreeMap::from([("intake_at".to_owned(), Value::Text(received_at.to_string()))]),
        named: false,
        place: Place { file: "padding".to_owned(), line: 0 },
    }
}

/// Fisher-Yates with the system's random numbers.
pub(crate) fn shuffle<T>(rows: &mut [T]) -> Result<(), BadKeyFile> {
    for last in (1..rows.len()).rev() {
        let random = u64::from_be_bytes(keys::random_bytes()?);
        rows.swap(last, (random % (last as u64 + 1)) as usize);
    }
    Ok(())
}
