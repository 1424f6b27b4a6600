//! What follows from the log: feeds -> follower -> views (pure folds) -> rules (pure) -> lens -> pages and reports.
//!
//! A newcomer's map:
//! * a new view: a file in `views/`, and a member of [`views::Views`];
//! * a new rule: a file in `rules/`, and a line in [`rules::RULES`];
//! * a new figure: a function in `site/figures.rs`, and a line in its list;
//! * a new measure: a file in `measures/`, and a line in [`measures::MEASURES`];
//! * a new feed: an implementation of [`feed::Feed`] for a log read once, of [`live::Live`] for one that goes on;
//! * the service: `serve/`, of which [`serve::follow`] decides what is believed.

pub mod calendar;
mod cell;
pub mod digest;
pub mod erasures;
pub mod feed;
pub mod finding;
pub mod fold;
pub mod input;
pub mod lens;
pub mod live;
pub mod measure;
pub mod measures;
pub mod output;
pub mod profile;
pub mod projection;
pub mod ratio;
pub mod record;
pub mod report;
pub mod rules;
pub mod serve;
pub mod site;
pub mod statistics;
pub mod views;

#[cfg(test)]
mod small_log;
