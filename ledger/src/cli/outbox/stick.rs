//! `outbox pack-up`, `outbox take-in`, and the ledger's own `take-in`: what travels on a stick.

use std::path::{Path, PathBuf};

use clap::Args;
use ledger::answer::{AnswerLine, Said};
use ledger::clock::Clock;
use ledger::keys;
use ledger::lead;
use ledger::outbox::Parcel;
use ledger::outpost::stick::{Packed, Stick};
use ledger::plan::{Answer, Submission};
use ledger::prepare::prepare;
use ledger::receipts;
use ledger::submit::BATCH_EVENTS_MAX;
use ledger::writer::Writer;
use schemas::hash::Hash;
use schemas::note::Note;
use schemas::time::Timestamp;
use schemas::visible::{self, Show as _};

use super::super::{Ended, Start, publish, record};
use super::{Place, say_taken};

/// Arguments of `outbox pack-up`.
#[derive(Args)]
pub struct PackUp {
    #[command(flatten)]
    place: Place,
    /// Folder of the stick.
    stick: PathBuf,
    /// Age key (age1…) of whoever shall read it, such as the ledger's office (`ledger keygen --age`); once for each.
    #[arg(long = "to", value_name = "KEY")]
    to: Vec<String>,
}

impl PackUp {
    pub fn run(self) -> Result<(), Ended> {
        let outpost = self.place.open()?;
        match outpost.pack_up(&Stick::at(&self.stick), &self.to.iter().map(String::as_str).collect::<Vec<_>>())? {
            Some((path, count)) => {
                verifier::say!("{count} records in {}", path.shown());
                if self.to.is_empty() {
                    verifier::say!(
                        "what is restricted lies there in the clear, as in a register: carry it so, or use --to"
                    );
                }
            }
            None => verifier::say!("nothing to carry: everything is proven or refused"),
        }
        Ok(())
    }
}

/// Arguments of `outbox take-in`.
#[derive(Args)]
pub struct TakeIn {
    #[command(flatten)]
    place: Place,
    /// Folder of the stick.
    stick: PathBuf,
}

impl TakeIn {
    pub fn run(self) -> Result<(), Ended> {
        let mut outpost = self.place.open()?;
        let back = outpost.take_in(&Stick::at(&self.stick), Clock::System.now())?;
        verifier::say!("{} stamps and {} packs kept", back.stamps, back.packs);
        for (path, why) in &back.bad_packs {
            verifier::tell!("{}: not kept: {why}", path.shown());
        }
        for (path, how) in &back.changed {
            verifier::tell!(
                "{}: changed on its way: {how}; what is signed in it was taken as far as it holds",
                path.shown()
            );
        }
        say_strays(&Stick::at(&self.stick))?;
        if back.unread > 0 {
            verifier::tell!("{} lines on the stick are no answers", back.unread);
        }
        say_taken(&back.taken)
    }
}

/// Arguments of the ledger's own `take-in`.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Example, at the ledger's office:
  ledger take-in my-ledger /media/stick

Takes in what institutions packed up (`ledger outbox pack-up`) and writes receipts and refusals back to the stick.
The same stick twice adds nothing. While the ledger serves over HTTP, hand the stick in there instead:
`ledger outbox carry /media/stick --address URL …`."
)]
pub struct Office {
    /// Folder of the ledger.
    ledger: PathBuf,
    /// Folder of the stick.
    stick: PathBuf,
    /// Identity of the office, where institutions encrypt to it (`ledger keygen --age`).
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
    #[command(flatten)]
    start: Start,
}

impl Office {
    pub fn run(self) -> Result<(), Ended> {
        let mut writer = record(&super::super::home(&self.ledger)?, &self.start)?;
        let stick = Stick::at(&self.stick);
        let files = parcels(&stick, self.identity.as_deref())?;
        if files.is_empty() {
            return Err(no_parcels(&self.stick));
        }
        let mut answered = Vec::new();
        for file in &files {
            answered.push((file, commit(&mut writer, &file.parcels)?));
        }
        publish::ask(&mut writer)?;
        let mut refused = 0;
        for (file, answers) in answered {
            let mut lines = Vec::new();
            for (parcel, (answer, at)) in file.parcels.iter().zip(answers) {
                let line = line(&writer, parcel, answer, at)?;
                if let Some(AnswerLine { said: Said::Refused { why, .. }, .. }) = &line {
                    verifier::say!("refused {}: {why}", parcel.source);
                    refused += 1;
                }
                lines.extend(line);
            }
            let path = stick.answer(&file.name, &lines)?;
            verifier::say!("{} answers in {}", lines.len(), path.shown());
        }
        verifier::say!(
            "the log has {} entries; {refused} events were refused, each with its receipt",
            writer.log().size()
        );
        Ok(())
    }
}

/// The parcels on a stick; what is not for us, and lines that are none, are named.
pub fn parcels(stick: &Stick, identity: Option<&Path>) -> Result<Vec<Packed>, Ended> {
    let identity = identity.map(keys::read_identity).transpose()?;
    let (files, closed) = stick.parcels(identity.as_ref())?;
    for name in closed {
        verifier::tell!("{name}: encrypted for somebody else; --identity FILE opens what is for you");
    }
    say_strays(stick)?;
    for file in &files {
        if let Some(how) = &file.changed {
            verifier::tell!(
                "{}: changed on its way: {how}; what is signed in it was taken as far as it holds",
                file.name
            );
        }
        for line in &file.unread {
            verifier::tell!("{}, line {line}: no parcel (FORMAT.md 20)", file.name);
        }
    }
    Ok(files)
}

fn commit(writer: &mut Writer, parcels: &[Parcel]) -> Result<Vec<(Answer, Timestamp)>, Ended> {
    let mut answers = Vec::new();
    for batch in parcels.chunks(BATCH_EVENTS_MAX) {
        let now = lead::now(writer, Clock::System)?;
        let submission = |parcel: &Parcel| Submission {
            note: parcel.note.clone().into_bytes(),
            opening: parcel.opening.clone(),
            received_at: now,
        };
        let submissions: Vec<Submission> = batch.iter().map(submission).collect();
        // A stick that brings nothing new adds nothing, not even a seal.
        let prepared = prepare(submissions, writer.log().keyring())?;
        answers.extend(writer.commit_prepared(prepared, now)?.answers.into_iter().map(|answer| (answer, now)));
    }
    Ok(answers)
}

/// Names what lies among ours and is none of it.
fn say_strays(stick: &Stick) -> Result<(), Ended> {
    let strays = stick.strays()?;
    if !strays.is_empty() {
        let shown = strays.iter().take(8).map(|name| visible::line(name)).collect::<Vec<_>>().join(", ");
        let more = if strays.len() > 8 { ", …" } else { "" };
        verifier::tell!(
            "not ours, and not read: {} in {} ({shown}{more})",
            strays.len(),
            ledger::outpost::stick::FOLDER
        );
    }
    Ok(())
}

/// Nobody walks to an office with an empty stick.
pub fn no_parcels(stick: &Path) -> Ended {
    Ended::Refused(format!(
        "no parcels on {}: an institution puts them there with `ledger outbox pack-up`, each in a file of its folder",
        stick.shown()
    ))
}

/// The answer as a line; none to what has no id, as it is no note.
fn line(writer: &Writer, parcel: &Parcel, answer: Answer, at: Timestamp) -> Result<Option<AnswerLine>, Ended> {
    let Ok(note) = Note::parse(parcel.note.as_bytes()) else { return Ok(None) };
    let event = Hash::of(&[note.text.as_bytes()]);
    let said = match answer {
        Answer::Accepted { position } | Answer::Already { position } => match receipts::receipt(writer, position) {
            Ok(Some(receipt)) => Said::Stands { position, receipt: receipt.to_text() },
            Ok(None) | Err(ledger::failure::Failure::Unpublished(_)) => Said::Waits { position },
            Err(why) => return Err(why.into()),
        },
        Answer::Refused(why) => {
            let receipt = receipts::refusal(writer, parcel.note.as_bytes(), &why, at).map(|note| note.to_text());
            Said::Refused { why: why.to_string(), receipt }
        }
    };
    Ok(Some(AnswerLine { event, said }))
}
