//! One line of the table.

use std::fmt::{self, Write as _};

use schemas::value::Value;

use crate::Arguments;

/// What a path should reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// No less than that.
    AtLeast(f64),
    /// No more than that.
    AtMost(f64),
}

/// One measurement, beside the limit that it is held against.
#[derive(Clone, Debug)]
pub struct Row {
    path: &'static str,
    what: String,
    figure: f64,
    unit: &'static str,
    ratio: Option<(f64, &'static str)>,
    target: Option<(Target, bool)>,
    said: Option<(String, Option<bool>)>,
}

impl Row {
    /// So much of a unit.
    pub fn new(path: &'static str, what: impl Into<String>, figure: f64, unit: &'static str) -> Self {
        Self { path, what: what.into(), figure, unit, ratio: None, target: None, said: None }
    }

    /// What a part says in its own words, and whether that is as it should be.
    pub fn said(path: &'static str, what: impl Into<String>, words: String, met: Option<bool>) -> Self {
        Self { said: Some((words, met)), ..Self::new(path, what, 0.0, "") }
    }

    /// The figure as a share of a limit, in words such as "of the batch-verify limit".
    pub fn of(mut self, limit: f64, words: &'static str) -> Self {
        self.ratio = Some((self.figure / limit, words));
        self
    }

    /// What the share should reach, where there is one, else the figure.
    pub fn target(mut self, target: Target) -> Self {
        self.target = Some((target, self.ratio.is_some()));
        self
    }

    /// Whether the target is met; nothing where there is none.
    pub fn met(&self) -> Option<bool> {
        if let Some((_, met)) = self.said {
            return met;
        }
        let (target, of_ratio) = self.target?;
        let got = self.ratio.filter(|_| of_ratio).map_or(self.figure, |(ratio, _)| ratio);
        Some(match target {
            Target::AtLeast(least) => got >= least,
            Target::AtMost(most) => got <= most,
        })
    }

    fn target_text(&self) -> String {
        match self.target {
            None => String::new(),
            Some((Target::AtLeast(least), _)) => format!(">= {}", short(least)),
            Some((Target::AtMost(most), _)) => format!("<= {}", short(most)),
        }
    }
}

/// A number with three or four digits that matter.
fn short(number: f64) -> String {
    match number.abs() {
        n if n >= 1_000.0 => format!("{number:.0}"),
        n if n >= 10.0 => format!("{number:.1}"),
        _ => format!("{number:.3}"),
    }
}

/// The head of the table.
pub fn head() -> String {
    format!(
        "{:<10} {:<66} {:>12} {:<10} {:>8} {:<26} {:>10} met",
        "path", "what", "figure", "unit", "ratio", "of", "target"
    )
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((words, met)) = &self.said {
            let met = met.map_or("", |met| if met { "yes" } else { "NO" });
            return write!(f, "{:<10} {:<66} {words:<70} {met}", self.path, self.what);
        }
        let (ratio, of) = self.ratio.map_or((String::new(), ""), |(ratio, of)| (format!("{ratio:.3}"), of));
        let met = self.met().map_or("", |met| if met { "yes" } else { "NO" });
        let (figure, target) = (short(self.figure), self.target_text());
        write!(
            f,
            "{:<10} {:<66} {figure:>12} {:<10} {ratio:>8} {of:<26} {target:>10} {met}",
            self.path, self.what, self.unit
        )
    }
}

/// All rows as JSON, one a line, with the arguments of the run.
pub fn json(arguments: &Arguments, rows: &[Row]) -> String {
    let quoted = |text: &str| Value::Text(text.to_owned()).to_json();
    let one = |row: &Row| {
        if let Some((words, met)) = &row.said {
            let met = met.map_or_else(String::new, |met| format!(",\"met\":{met}"));
            let (path, what) = (quoted(row.path), quoted(&row.what));
            return format!("{{\"path\":{path},\"what\":{what},\"said\":{}{met}}}", quoted(words));
        }
        let mut text = format!(
            "{{\"path\":{},\"what\":{},\"figure\":{},\"unit\":{}",
            quoted(row.path),
            quoted(&row.what),
            row.figure,
            quoted(row.unit)
        );
        if let Some((ratio, of)) = row.ratio {
            let _ = write!(text, ",\"ratio\":{ratio},\"of\":{}", quoted(of)); // a string takes it all
        }
        if let (Some(_), Some(met)) = (row.target, row.met()) {
            let _ = write!(text, ",\"target\":{},\"met\":{met}", quoted(&row.target_text())); // a string takes it all
        }
        text + "}"
    };
    let rows: Vec<String> = rows.iter().map(one).collect();
    format!(
        "{{\"entries\":{},\"events\":{},\"flush_delay_ms\":{},\"rows\":[\n{}\n]}}\n",
        arguments.entries,
        arguments.events,
        arguments.flush_delay_ms,
        rows.join(",\n")
    )
}
