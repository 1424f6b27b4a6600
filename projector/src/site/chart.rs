//! Small charts as inline SVG: no script, no font of their own, colours from the page's stylesheet.
//!
//! Every panel is [`PANEL`] units wide and is drawn at about that many pixels, so its text keeps
//! the size of the text around it; a figure is a grid of panels that share a scale.

use maud::{Markup, html};

/// Width of a panel, in user units (about pixels).
const PANEL: f64 = 288.0;
/// Height of the plotting area of a column chart.
const PLOT: f64 = 84.0;
/// Widest column step, so that two columns do not look like two posters.
const STEP_MAX: f64 = 56.0;

/// One column of a small chart.
#[derive(Clone, Debug)]
pub struct Column {
    /// Below it, first line, such as `Q3`.
    pub label: String,
    /// Below that, where a group of columns begins, such as `2025`.
    pub group: Option<String>,
    /// Its height in the unit of the scale; `None` where there is nothing to show.
    pub value: Option<f64>,
    /// What stands above it.
    pub text: String,
    /// What it was counted from, such as `14/16`; empty where the value is the count itself.
    pub n: String,
}

/// How columns are filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// A count: the column alone.
    Count,
    /// A share of 100: the rest is shown, hatched, because the rest is what was missed.
    Missed,
    /// A share of 100: the rest is only an outline, because it is no failure.
    Plain,
}

/// One line of a dot chart.
#[derive(Clone, Debug)]
pub struct Dots {
    /// At the left.
    pub label: String,
    /// Median and 95th percentile, with their texts; `None` where there is nothing to show.
    pub values: Option<[(f64, String); 2]>,
    /// How many cases.
    pub n: String,
}

/// One bar of a sorted chart.
#[derive(Clone, Debug)]
pub struct Bar {
    /// Above it.
    pub label: String,
    /// Its length in the unit of the scale.
    pub value: f64,
    /// At its end.
    pub text: String,
}

/// Columns from zero to `top`. `name` is read out instead of the picture.
pub fn columns(name: &str, columns: &[Column], top: f64, fill: Fill) -> Markup {
    let step = (PANEL / columns.len().max(1) as f64).min(STEP_MAX);
    let width = (step * 0.66).min(34.0);
    let has_n = columns.iter().any(|column| !column.n.is_empty());
    let head = 18.0;
    let base = head + PLOT;
    let line = |i: f64| base + 14.0 + 13.0 * i;
    let (label_y, group_y) = if has_n { (line(1.0), line(2.0)) } else { (line(0.0), line(1.0)) };
    let height = group_y + 5.0;
    let y = |value: f64| base - PLOT * (value / top.max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
    let full = y(100.0);
    html! {
        svg.chart viewBox={ "0 0 " (u(PANEL)) " " (u(height)) } role="img" aria-label=(name) {
            @for (i, column) in columns.iter().enumerate() {
                @let middle = step * (i as f64 + 0.5);
                @let left = middle - width / 2.0;
                @if let Some(value) = column.value {
                    @let tip = y(value);
                    @if fill != Fill::Count && value < 100.0 {
                        rect.rest.missed[fill == Fill::Missed] x=(u(left)) y=(u(full)) width=(u(width)) height=(u(base - full)) {}
                    }
                    rect.bar.share[fill != Fill::Count] x=(u(left)) y=(u(tip)) width=(u(width)) height=(u(base - tip)) {}
                    @let text_y = if fill == Fill::Count { tip } else { tip.min(full) };
                    text.value.strong[fill == Fill::Missed && value < 100.0] x=(u(middle)) y=(u(text_y - 5.0)) { (column.text) }
                } @else {
                    text.none x=(u(middle)) y=(u(base - 5.0)) { (column.text) }
                }
                @if has_n { text.n x=(u(middle)) y=(u(line(0.0))) { (column.n) } }
                text.label x=(u(middle)) y=(u(label_y)) { (column.label) }
                @if let Some(group) = &column.group {
                    text.group x=(u(middle)) y=(u(group_y)) { (group) }
                }
            }
            line.axis x1="0" y1=(u(base)) x2=(u(step * columns.len() as f64)) y2=(u(base)) {}
        }
    }
}

/// Median and 95th percentile on one line each, from zero to `top`, with a labelled limit.
pub fn dots(name: &str, rows: &[Dots], top: f64, limit: Option<(f64, &str)>) -> Markup {
    let (left, right, head, step) = (54.0, 44.0, 34.0, 22.0);
    let bottom = head + step * rows.len() as f64;
    let x = |value: f64| left + (PANEL - left - right) * (value / top.max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
    let heads = rows.iter().find_map(|row| row.values.as_ref());
    html! {
        svg.chart viewBox={ "0 0 " (u(PANEL)) " " (u(bottom + 18.0)) } role="img" aria-label=(name) {
            @if let Some([(half, _), (most, _)]) = heads {
                text.head.end x=(u(x(*half) - 3.0)) y=(u(head - 4.0)) { "half" }
                text.head.start x=(u(x(*most) + 3.0)) y=(u(head - 4.0)) { "95%" }
            }
            text.head.end x=(u(PANEL)) y=(u(head - 4.0)) { "n" }
            @if let Some((value, label)) = limit {
                line.limit x1=(u(x(value))) y1="14" x2=(u(x(value))) y2=(u(bottom)) {}
                text.limit-label x=(u(x(value))) y="10" { (label) }
            }
            @for (i, row) in rows.iter().enumerate() {
                @let middle = head + step * (i as f64 + 0.5);
                text.label.start x="0" y=(u(middle + 4.0)) { (row.label) }
                line.grid x1=(u(left)) y1=(u(middle)) x2=(u(PANEL - right)) y2=(u(middle)) {}
                @if let Some([(half, half_text), (most, most_text)]) = &row.values {
                    line.span x1=(u(x(*half))) y1=(u(middle)) x2=(u(x(*most))) y2=(u(middle)) {}
                    circle.dot cx=(u(x(*half))) cy=(u(middle)) r="4.5" {}
                    circle.ring cx=(u(x(*most))) cy=(u(middle)) r="4.5" {}
                    text.value.end x=(u(x(*half) - 9.0)) y=(u(middle + 4.0)) { (half_text) }
                    text.value.start x=(u(x(*most) + 9.0)) y=(u(middle + 4.0)) { (most_text) }
                } @else {
                    text.none.start x=(u(left)) y=(u(middle + 4.0)) { "no decision" }
                }
                text.n.end x=(u(PANEL)) y=(u(middle + 4.0)) { (row.n) }
            }
            line.axis x1=(u(left)) y1=(u(bottom)) x2=(u(PANEL - right)) y2=(u(bottom)) {}
            text.head.middle x=(u(left)) y=(u(bottom + 13.0)) { "0" }
            text.head.middle x=(u(PANEL - right)) y=(u(bottom + 13.0)) { (u(top)) " days" }
        }
    }
}

/// Bars from zero to `top`, one below the other, each under its label.
pub fn bars(name: &str, bars: &[Bar], top: f64) -> Markup {
    let (step, thick, right) = (32.0, 11.0, 34.0);
    let length = |value: f64| (PANEL - right) * (value / top.max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
    html! {
        svg.chart viewBox={ "0 0 " (u(PANEL)) " " (u(step * bars.len() as f64 + 4.0)) } role="img" aria-label=(name) {
            @for (i, bar) in bars.iter().enumerate() {
                @let upper = step * i as f64;
                text.label.start x="0" y=(u(upper + 12.0)) { (bar.label) }
                rect.bar x="0" y=(u(upper + 17.0)) width=(u(length(bar.value))) height=(u(thick)) {}
                line.axis x1="0" y1=(u(upper + 15.0)) x2="0" y2=(u(upper + 30.0)) {}
                text.value.start x=(u(length(bar.value) + 6.0)) y=(u(upper + 26.5)) { (bar.text) }
            }
        }
    }
}

/// A round number at or above `value`, so that the tallest column stays below the top.
pub fn top(value: f64) -> f64 {
    let mut step = 1.0;
    loop {
        for factor in [1.0, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0] {
            if factor * step >= value || step > 1e15 {
                return factor * step;
            }
        }
        step *= 10.0;
    }
}

/// A coordinate with one decimal at most, the same on every machine.
fn u(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_ends_on_a_round_number() {
        for (value, want) in
            [(0.0, 1.0), (1.0, 1.0), (7.0, 8.0), (21.8, 25.0), (31.0, 40.0), (71.0, 80.0), (100.0, 100.0)]
        {
            assert!((top(value) - want).abs() < 1e-9, "{value}");
        }
    }

    #[test]
    fn a_bar_starts_at_zero() {
        let column = |value| Column {
            label: "Q1".into(),
            group: None,
            value: Some(value),
            text: String::new(),
            n: String::new(),
        };
        let text = columns("x", &[column(0.0), column(50.0), column(100.0)], 100.0, Fill::Count).into_string();
        for height in ["height=\"0\"", "height=\"42\"", "height=\"84\""] {
            assert!(text.contains(height), "{height} in {text}");
        }
    }
}
