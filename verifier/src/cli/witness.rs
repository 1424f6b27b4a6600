//! `verifier witness`: who watches logs and cosigns what it has seen.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, Subcommand};
use schemas::base;
use schemas::hash::Hash;
use schemas::note::{ALG_ED25519, Origin, Vkey};
use schemas::visible::Show as _;
use verifier::listen::stopped;
use verifier::signature::BadKey;
use verifier::witness::answer::Answer;
use verifier::witness::ratchet::Ratchet;
use verifier::witness::service::key_file::{self, BadKeyFile};
use verifier::witness::service::server::{self, BadService, News};
use verifier::witness::service::state_file::{BadState, StateFile};

/// Arguments of `witness`.
#[derive(Subcommand)]
pub enum Witness {
    /// Make the key of a new witness and print the line for policies.
    ///
    /// The name stands in every cosignature and cannot be changed: a new name is a new witness. The secret key
    /// goes into FILE, which only its owner may read; keep a copy of it, but never run it twice.
    ///
    /// Example:  verifier witness keygen --name archive.example/witness --out witness.key
    #[command(verbatim_doc_comment)]
    Keygen {
        /// Name of the witness, such as archive.example/witness.
        #[arg(long)]
        name: String,
        /// New file for the secret key.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Watch logs: cosign their checkpoints, and never two that contradict each other (C2SP tlog-witness).
    ///
    /// Answers POST /add-checkpoint, GET /<SHA-256 of the origin>/checkpoint and GET /healthz. Put a server that
    /// speaks TLS before it where it must be reached from outside. What it has cosigned is in the state file, on
    /// the disk before each answer. The state file must never be lost, shared or set back: a witness that forgets
    /// must get a new key. Ctrl-C or SIGTERM ends it after the requests under way.
    ///
    /// Example:
    ///   verifier witness serve --listen 127.0.0.1:7380 --key witness.key --state witness.state --policy velmora.policy
    #[command(verbatim_doc_comment)]
    Serve(Serve),
}

/// Arguments of `witness serve`.
#[derive(Args)]
pub struct Serve {
    /// Address and port; port 0 takes a free one, which is printed.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// Key file, as `witness keygen` made it.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// State file; made at the first start of a key that `witness keygen` made.
    #[arg(long, value_name = "FILE")]
    state: PathBuf,
    /// Begin a state file although nothing says that the key is new: it has never cosigned anything, anywhere.
    #[arg(long)]
    never_cosigned: bool,
    /// Public key of a log to watch; may be given several times.
    #[arg(long = "log", value_name = "VKEY", required_unless_present = "policy")]
    logs: Vec<String>,
    /// Policy file whose logs are watched.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
}

/// Why a witness could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum BadWitness {
    /// A key to watch is none.
    #[error("--log {text:?}: {why}; give the log's public key, name+id+base64, of type 01")]
    Log {
        /// What was given.
        text: String,
        /// What is wrong.
        why: String,
    },
    /// The policy came with a bundle.
    #[error(transparent)]
    CameAlong(#[from] verifier::files::CameAlong),
    /// The policy cannot be used.
    #[error("{}: {why}", .path.shown())]
    Policy {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A log's key cannot be taken.
    #[error("a log's key cannot be used: {0}")]
    Key(#[from] BadKey),
    /// The witness's key file.
    #[error(transparent)]
    KeyFile(#[from] BadKeyFile),
    /// The state file.
    #[error(transparent)]
    State(#[from] BadState),
    /// The server.
    #[error(transparent)]
    Service(#[from] BadService),
    /// No threads to serve with.
    #[error("cannot start: {0}")]
    Runtime(std::io::Error),
}

impl Witness {
    /// Runs it.
    ///
    /// # Errors
    /// [`BadWitness`] says what to do.
    pub fn run(self) -> Result<(), BadWitness> {
        match self {
            Self::Keygen { name, out } => {
                let key = key_file::generate(&out, &name)?;
                let vkey = key.cosigner_vkey();
                say(&format!("secret  {}  (keep it, show it to nobody)", out.shown()));
                say("line for policies (a name of your choice, the key, the address at which you are asked):");
                say(&format!("witness NAME {vkey} http://ADDRESS:PORT"));
                say(&vkey.to_string());
                Ok(())
            }
            Self::Serve(arguments) => arguments.run(),
        }
    }
}

impl Serve {
    fn run(self) -> Result<(), BadWitness> {
        let logs = self.logs()?;
        let key = key_file::read(&self.key)?;
        let vkey = key.cosigner_vkey();
        let open = if self.never_cosigned { StateFile::begin } else { StateFile::open };
        let (state, records) = open(&self.state, &self.key, &key)?;
        let ratchet = Ratchet::new(key, &logs, records)?;
        let evidence = state.evidence();
        let tell = move |news: News| tell(&news, &evidence);
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(BadWitness::Runtime)?;
        runtime.block_on(async {
            let stopped = stopped().map_err(BadWitness::Runtime)?;
            say(&format!("witness  {vkey}"));
            for origin in ratchet.origins() {
                let known = ratchet.records().get(origin).map_or(0, |record| record.checkpoint.size);
                let path = Hash::of(&[origin.as_bytes()]);
                say(&format!("watches  {origin}  from size {known}  /{path}/checkpoint"));
            }
            Ok::<_, BadWitness>(server::serve(self.listen, ratchet, state, now, tell, stopped).await?)
        })?;
        say("stopped; everything cosigned is in the state file");
        Ok(())
    }

    fn logs(&self) -> Result<Vec<Vkey>, BadWitness> {
        let mut logs = Vec::new();
        for text in &self.logs {
            let bad = |why: &dyn std::fmt::Display| BadWitness::Log { text: text.clone(), why: why.to_string() };
            let vkey = Vkey::parse(text).map_err(|e| bad(&e))?;
            if vkey.alg != ALG_ED25519 || Origin::parse(&vkey.name).is_none() {
                return Err(bad(&"it is not the key of a log"));
            }
            logs.push(vkey);
        }
        if let Some(path) = &self.policy {
            let bad = |why: &dyn std::fmt::Display| BadWitness::Policy { path: path.clone(), why: why.to_string() };
            verifier::files::apart(path, &[])?;
            let (policy, _) = verifier::files::policy(path).map_err(|e| bad(&e))?;
            if policy.logs.is_empty() && logs.is_empty() {
                return Err(bad(&"it names no log to watch"));
            }
            logs.extend(policy.logs.into_iter().filter(|vkey| !self.logs.contains(&vkey.to_string())));
        }
        Ok(logs)
    }
}

/// Seconds since 1970 by this machine's clock.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn say(line: &str) {
    verifier::say!("{line}");
}

fn tell(news: &News, evidence: &Path) {
    match news {
        News::Listening(address) => say(&format!("listens  http://{address}/add-checkpoint")),
        News::Cosigned { origin, size } => say(&format!("cosigned {origin} {size}")),
        News::Fork(answer @ Answer::Fork { size, notes }) => {
            let origin = notes[0].text.lines().next().unwrap_or_default();
            let digest = base::to_hex(&Hash::of(&[notes[1].text.as_bytes()]).0[..4]);
            verifier::tell!(
                "FORK: {origin} has signed two different trees of size {size} (the second: {digest}). The evidence is in \
                 {}; show it to everyone who relies on this log. Answered {}.",
                evidence.shown(),
                answer.status()
            );
        }
        News::Fork(answer) | News::Refused(answer) => {
            verifier::tell!("refused, {}: {}", answer.status(), answer.body().trim_end());
        }
        News::Fewer(words) => verifier::tell!("{words}"),
        News::Unkept(why) => verifier::tell!("the evidence could not be kept: {why}"),
        News::Stopped(why) => {
            verifier::tell!(
                "STOPPED: {why}. Nothing is cosigned any more; mend the disk, then start this witness again."
            );
        }
    }
}
