//! The two pages, made from the sample country's expected findings and figures.

mod html;
mod velmora;

use std::collections::BTreeSet;
use std::path::PathBuf;

use html::Node;
use projector::lens::{Audience, Lens};
use projector::site::input::{Read, Site};
use projector::site::{SiteFile, render, write};

fn public(site: &Site) -> Vec<SiteFile> {
    render(&Lens::new(Audience::Public).site(site))
}

fn oversight(site: &Site) -> Vec<SiteFile> {
    render(&Lens::new(Audience::Oversight).site(site))
}

fn text<'a>(files: &'a [SiteFile], path: &str) -> &'a str {
    let (_, bytes) = files.iter().find(|(name, _)| *name == path).unwrap();
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn written_for_a_browser() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("site");
    for (name, files) in [
        ("public", public(&velmora::site(Read::PublicLog))),
        ("oversight", oversight(&velmora::site(Read::Openings))),
    ] {
        write(&folder.join(name), &files).unwrap();
        assert!(folder.join(name).join("accountability.html").is_file());
    }
}
