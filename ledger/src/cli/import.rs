//! `import`: registers into the log.

use schemas::visible::{self, Show as _};
use std::collections::HashSet;
use std::path::PathBuf;

use clap::Args;
use ledger::again;
use ledger::clock::Clock;
use ledger::cosign::{self, Draft};
use ledger::failure::Failure;
use ledger::files;
use ledger::folder::{self, Held, SignOptions};
use ledger::import::{self, Charset, Import, MAPPING_BYTES_MAX, Mapping, Options, Parties, render};
use ledger::outbox::Outbox;
use ledger::pseudonym::Pseudonyms;
use ledger::submit;
use ledger::writer::{Home, Writer};

use super::{Ended, Start, bar, parties, record, say, say_queued, settings};

/// Arguments of `import`.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Examples:
  ledger import my-ledger registers-of-march --keys keys --dry-run
  ledger import my-ledger visit.completed.csv --party fac-talbera --keys keys --encoding windows-1256

A folder holds parties.csv and registers/PARTY/EVENT.TYPE.csv. All problems are listed at once, with file,
line, column and what to do. Importing the same rows again adds nothing. See IMPORT.md of this program."
)]
pub struct Arguments {
    /// Folder of the ledger.
    ledger: PathBuf,
    /// A country's folder, or register files of one party (then with --party).
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// The party whose register files are given.
    #[arg(long)]
    party: Option<String>,
    /// Folder of holders' keys, PARTY.HOLDER.key.
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
    /// Check everything and say what would happen; record nothing.
    #[arg(long)]
    dry_run: bool,
    /// Take the good rows even if others are refused; otherwise one bad row keeps all out.
    #[arg(long)]
    accept_valid: bool,
    /// Encoding of the files, such as windows-1252 or windows-1256; UTF-8 if not given.
    #[arg(long)]
    encoding: Option<String>,
    /// Mapping of foreign column names, codes and dates (TOML).
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// Print problems as JSON lines.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    start: Start,
}

impl Arguments {
    pub fn run(self) -> Result<(), Ended> {
        let home = super::home(&self.ledger)?;
        let settings = settings(&home)?;
        // Who records holds the ledger's lock from here on: two imports at once would sign twice.
        let writer = if self.dry_run { None } else { Some(record(&home, &self.start)?) };
        let mut outbox = Outbox::open(&home.outbox())?;
        let drafts = cosign::drafts(&home.drafts())?;
        let (mut import, pseudonyms) =
            self.read(&home, &outbox, &drafts, writer.as_deref(), settings.utc_offset_minutes)?;
        let standing = outbox.receipts().offered(outbox.parcels()?);
        let waiting = drafts.iter().map(|(_, draft)| (&draft.parcel, Some(&draft.holder)));
        let recorded = standing.iter().map(|parcel| (parcel, None)).chain(waiting);
        again::tell_changed(&mut import, recorded, &pseudonyms, settings.utc_offset_minutes);
        self.show(&import);
        let again_rows: HashSet<String> = import.again.iter().map(import::Draft::address).collect();
        let rows = import.drafts.len();
        let (refused, again) = (import.refused, import.skipped.len());
        if !import.problems.is_empty() && !self.accept_valid {
            return Err(super::nothing_recorded(refused, rows));
        }
        let Some(mut writer) = writer else {
            verifier::say!(
                "dry run: {rows} rows would be recorded, {again} are there already, {refused} refused; nothing was recorded"
            );
            return if import.problems.is_empty() { Ok(()) } else { Err(Ended::Refused(String::new())) };
        };
        let keyring = writer.log().keyring().clone();
        let recipients = writer.log().recipients().clone();
        let options = SignOptions {
            keyring: &keyring,
            keys: &self.keys,
            drafts: home.drafts(),
            intake: home.intake(),
            settings: &settings,
            recipients: &recipients,
            now: Clock::System.now(),
            replay: false,
        };
        let bad = !import.problems.is_empty();
        let signed = folder::sign_into(&mut outbox, import, &pseudonyms, &options, &mut bar("signing"))?;
        verifier::say!("{} signed into the outbox, {again} were there already", signed.signed);
        say_queued(&signed.queued, &home);
        let still = drafts.iter().filter(|(_, draft)| again_rows.contains(&draft.parcel.source));
        for path in signed.waiting.iter().chain(still.map(|(path, _)| path)) {
            verifier::say!("waits for a second signature: {}  (ledger cosign)", path.shown());
        }
        let outcome =
            submit::submit(&mut writer, outbox.parcels()?, &outbox.receipts(), Clock::System, &mut bar("submitting"))?;
        say(&outcome, &mut writer, &outbox)?;
        if bad {
            Err(Ended::Refused(format!("{refused} rows refused, as listed above; the good ones are recorded")))
        } else {
            Ok(())
        }
    }

    fn read(
        &self,
        home: &Home,
        outbox: &Outbox,
        drafts: &[(PathBuf, Draft)],
        writer: Option<&Writer>,
        utc_offset_minutes: i32,
    ) -> Result<(Import, Pseudonyms), Ended> {
        let mapping = match &self.mapping {
            Some(path) => {
                let absent = || Failure::Absent { what: "mapping file", path: path.clone() };
                let bytes = files::read(path, MAPPING_BYTES_MAX)?.ok_or_else(absent)?;
                Some(Mapping::read(&path.shown().to_string(), &bytes).map_err(|p| Ended::Refused(render(&p)))?)
            }
            None => None,
        };
        let charset = match &self.encoding {
            Some(label) => Charset::parse(label).map_err(|e| Ended::Refused(e.to_string()))?,
            None => Charset::default(),
        };
        let now = Some(Clock::System.now());
        let options = Options { mapping, charset, now, utc_offset_minutes, ..Options::default() };
        let held = |list: &Parties| -> Result<(Held, Pseudonyms), Ended> {
            let log = writer.map(Writer::log);
            let pseudonyms = Pseudonyms::of_ledger(&home.pseudonyms(), list, log, outbox)?;
            let held = Held::of(outbox, &pseudonyms, list)?.and_drafts(drafts, &pseudonyms);
            Ok(match log {
                Some(log) => (held.beside(log, outbox, &pseudonyms), pseudonyms),
                None => (held, pseudonyms),
            })
        };
        match (&self.party, self.paths.as_slice()) {
            (None, [folder]) if folder.is_dir() => {
                let list =
                    if folder.join("parties.csv").exists() { folder.join("parties.csv") } else { home.parties() };
                let list = parties(&list)?;
                let (held, pseudonyms) = held(&list)?;
                Ok((import::read_folder(folder, &options, &held), pseudonyms))
            }
            (Some(party), files) => {
                let list = parties(&home.parties())?;
                let (held, pseudonyms) = held(&list)?;
                Ok((import::read_files(files, party, &list, &options, &held), pseudonyms))
            }
            (None, _) => {
                Err(Ended::Refused("give one folder, or register files together with --party PARTY".to_owned()))
            }
        }
    }

    fn show(&self, import: &Import) {
        if !import.left_behind.is_empty() {
            let (count, more) = (import.left_behind.len(), if import.left_behind.len() > 8 { ", …" } else { "" });
            let shown =
                import.left_behind.iter().take(8).map(|name| visible::line(name)).collect::<Vec<_>>().join(", ");
            verifier::tell!("left behind by systems or hidden, and not read: {count} ({shown}{more})");
        }
        let all: Vec<_> = import.problems.iter().chain(&import.warnings).collect();
        if self.json {
            for problem in all {
                verifier::say!("{}", serde_json::to_string(problem).unwrap_or_default());
            }
            return;
        }
        if !import.problems.is_empty() {
            verifier::tell!("{}", render(&import.problems));
        }
        if !import.warnings.is_empty() {
            verifier::tell!("{}", render(&import.warnings));
        }
    }
}
