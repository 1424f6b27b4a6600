//! The two pages: what everyone may see of how prisons answer civil society (`index.html`), and
//! which recorded duties were not met (`accountability.html`).
//!
//! [`render`] is a function from data to bytes: no clock, no disk, no network, and the same bytes
//! on every machine. The pages hold no script and load nothing; each has a table beside every
//! chart and a download beside every table. [`write()`] is the thin rim that puts them on a disk.
//!
//! A newcomer's map: [`input`] is what the pages are made from; [`disclose`] what the public may
//! see of it; `transparency` and `accountability` are the two pages; `erased` a section of the latter; `figures` the charts' data;
//! `chart` the drawing; `shell` what stands around a page; [`notices`] what a service puts on top of one.

mod accountability;
mod chart;
mod csv;
pub mod disclose;
mod downloads;
mod erased;
mod figure;
mod figures;
pub mod input;
mod matrix;
pub mod notices;
mod others;
mod series;
mod sheet;
mod shell;
mod stories;
mod story;
mod text;
mod title;
mod transparency;

use schemas::visible::Show as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use verifier::output::{self, Readers, Unfinished};

use crate::lens::Disclosed;

use input::Site;

/// Path of a file below the site's folder, with `/` between its parts, and its bytes.
pub type SiteFile = (&'static str, Vec<u8>);

/// Why a site could not be written. The operator must act; writing again is safe.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {source}; check that the folder exists and has room", path.shown())]
pub struct Unwritten {
    /// The file or folder.
    pub path: PathBuf,
    /// What the system said.
    pub source: std::io::Error,
}

/// Why files were not written.
#[derive(Debug, thiserror::Error)]
pub enum BadWrite {
    /// The disk.
    #[error(transparent)]
    Unwritten(#[from] Unwritten),
    /// They hold hidden values, and others could read them there.
    #[error(transparent)]
    Exposed(#[from] output::Exposed),
}

/// Both pages and the downloads that they make themselves, in a fixed order.
///
/// The pages also link `data/findings.csv`, `data/undetermined-by-date.csv` and `data/measures.csv`, which the report
/// writes.
pub fn render(disclosed: &Disclosed<Site>) -> Vec<SiteFile> {
    let site = disclosed.get();
    let series = series::Series::new(&site.measures);
    let figures = figures::all(site, &series);
    let mut files = vec![
        ("index.html", transparency::page(site, &series, &figures).into_string().into_bytes()),
        ("accountability.html", accountability::page(site).into_string().into_bytes()),
    ];
    files.extend(figures.into_iter().map(|figure| (figure.path, figure.csv)));
    files.extend(downloads::all(site));
    files
}

/// Writes files below a folder: all of them, or what was there before stays. A folder that holds something keeps what is
/// not replaced.
///
/// # Errors
/// [`BadWrite`] names the first file or folder that could not be written.
pub fn write(folder: &Path, files: &[SiteFile], readers: Readers) -> Result<(), BadWrite> {
    let is_empty = std::fs::read_dir(folder).is_ok_and(|mut inside| inside.next().is_none());
    if is_empty || !folder.exists() {
        let failed = |source| Unwritten { path: folder.to_owned(), source };
        let draft = Unfinished::folder(folder, readers).map_err(failed)?;
        begin(draft.path(), files, readers)?
            .into_iter()
            .try_for_each(|(path, draft)| draft.put_unflushed().map_err(|source| Unwritten { path, source }))?;
        return Ok(draft.put_folder().map_err(failed)?);
    }
    if readers == Readers::Owner {
        output::refuse_exposed(folder)?;
    }
    // Nothing is replaced before all of it is there.
    let drafts = begin(folder, files, readers)?;
    drafts
        .into_iter()
        .try_for_each(|(path, draft)| draft.put_unflushed().map_err(|source| Unwritten { path, source }))?;
    Ok(())
}

/// Writes files beside their places.
fn begin(folder: &Path, files: &[SiteFile], readers: Readers) -> Result<Vec<(PathBuf, Unfinished)>, Unwritten> {
    let mut drafts = Vec::with_capacity(files.len());
    for (path, bytes) in files {
        let path = folder.join(path);
        let failed = |source| Unwritten { path: path.clone(), source };
        if let Some(parent) = path.parent() {
            output::create_folders(parent, readers).map_err(failed)?;
        }
        let (draft, mut file) = Unfinished::file(&path, readers).map_err(failed)?;
        file.write_all(bytes).map_err(failed)?;
        drafts.push((path, draft));
    }
    Ok(drafts)
}
