//! A figure: its finding as a title, what was measured, the picture, the table, and where it
//! comes from. And a table that scrolls by itself on a narrow screen.

use maud::{Markup, html};

use super::input::Site;
use super::text;

/// One figure of the public page.
pub struct Figure {
    /// Fragment name, such as `requests`.
    pub anchor: &'static str,
    /// Measures shown, such as `T2`.
    pub measures: &'static [&'static str],
    /// The finding, one sentence computed from the data.
    pub title: Markup,
    /// The measure and its unit.
    pub subtitle: String,
    /// The panels, or why there are none.
    pub picture: Markup,
    /// The same data as a table.
    pub table: Markup,
    /// What else a reader must know.
    pub note: Option<Markup>,
    /// Path of the download, such as `data/requests.csv`.
    pub path: &'static str,
    /// Its bytes.
    pub csv: Vec<u8>,
}

impl Figure {
    /// As it stands on the page.
    pub fn markup(&self, site: &Site, number: usize) -> Markup {
        html! {
            section.figure id=(self.anchor) aria-labelledby={ (self.anchor) "-title" } {
                div.plate {
                    p.figure-number { "Figure " (number) }
                    h3 id={ (self.anchor) "-title" } { (self.title) }
                    p.subtitle { (self.subtitle) }
                    (self.picture)
                }
                div.below {
                    (self.table)
                    div.aside {
                        @if let Some(note) = &self.note { p.note { (note) } }
                        (provenance(site, self.measures, self.path))
                    }
                }
            }
        }
    }
}

/// Panels that share a scale, each under its name.
pub fn panels(panels: impl IntoIterator<Item = (Markup, String, Markup)>) -> Markup {
    html! {
        div.panels {
            @for (name, aside, chart) in panels {
                div.panel {
                    p.panel-name { strong { (name) } span { (aside) } }
                    (chart)
                }
            }
        }
    }
}

/// A table in a region that scrolls sideways by keyboard too.
pub fn table(anchor: &str, caption: &Markup, head: &Markup, body: &Markup) -> Markup {
    html! {
        div.scroll role="region" tabindex="0" aria-labelledby={ (anchor) "-caption" } {
            table {
                caption id={ (anchor) "-caption" } { span { (caption) } }
                thead { (head) }
                tbody { (body) }
            }
        }
    }
}

/// Where a figure comes from and how to make it again.
pub fn provenance(site: &Site, measures: &[&str], path: &str) -> Markup {
    html! {
        dl.provenance {
            div { dt { "As of" } dd {
                (text::day(site.as_of_day())) ", " (text::entries(site)) ", fingerprint "
                a href="index.html#log" { (text::hash_start(&site.log.root)) }
            } }
            @for id in measures {
                @if let Some(info) = site.measure(id) {
                    div { dt { "Definition" } dd {
                        code { (id) } ": " (text::quoted(info.definition.trim_end_matches('.'))) "." @if !info.unit.is_empty() { " Unit: " (text::visible(&info.unit)) "." }
                    } }
                }
            }
            div { dt { "Data" } dd {
                a href=(path) { (path.trim_start_matches("data/")) }
                @if !measures.is_empty() { ", and in " a href="data/measures.csv" { "measures.csv" } }
            } }
            div { dt { "Recompute" } dd {
                "Make the data again from the log as " a href="index.html#verify" { "step 3" } " shows, and compare "
                @if measures.is_empty() { "the files." }
                @else { "the rows of " @for (i, id) in measures.iter().enumerate() { @if i > 0 { " and " } code { (id) } } "." }
            } }
        }
    }
}
