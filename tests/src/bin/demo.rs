//! `cargo run --release --bin demo`: the whole system on the sample country, no server needed.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use schemas::visible::Show as _;
use tests::demo::{self, BadDemo, Places};
use verifier::terminal;

/// Builds the sample country's ledger on a virtual clock, verifies its bundle, judges it, and shows the pages.
#[derive(Parser)]
#[command(name = "demo", version, max_term_width = 100)]
struct Arguments {
    /// A country's folder: parties.csv, profile.toml, registers/. The sample country Velmora if not given.
    #[arg(long, value_name = "DIR")]
    scenario: Option<PathBuf>,
    /// Folder for everything made; one that the demo made before is made anew.
    #[arg(long, value_name = "DIR", default_value = "demo-out")]
    out: PathBuf,
    /// Do not serve the pages; end when all is written.
    #[arg(long)]
    no_serve: bool,
    /// Port on loopback.
    #[arg(long, default_value_t = 8080)]
    port: u16,
}

/// What one thread takes and another gives back is a third of the work with the system's own.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // A store is opened and scanned in a child process first; that child is this program again.
    ledger::probe::take_over();
    terminal::run("demo", || match terminal::parse().map(run) {
        Ok(Ok(())) => 0,
        Ok(Err((why, unfinished))) => {
            verifier::tell!("{}", terminal::reasons(&why));
            if let Some(out) = unfinished {
                let out = out.shown();
                verifier::tell!("{out} is not finished: the same command goes on from there; or remove the folder");
            }
            let refused = matches!(why, BadDemo::Registers(_) | BadDemo::Refused(_) | BadDemo::NotVerified(_));
            if refused { 1 } else { 2 }
        }
        Err(code) => code,
    })
}

/// What went wrong, with the folder that it left unfinished, if it did.
fn run(arguments: Arguments) -> Result<(), (BadDemo, Option<PathBuf>)> {
    let sample = || {
        let here = PathBuf::from("tests/scenario/velmora");
        let there = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scenario/velmora");
        if here.is_dir() { here } else { there }
    };
    let places = Places { scenario: arguments.scenario.unwrap_or_else(sample), out: arguments.out };
    let ends = |why| (why, Some(places.out.clone()).filter(|_| places.is_unfinished()));
    make(&places).map_err(ends)?;
    if arguments.no_serve {
        return Ok(());
    }
    demo::serve(&places, arguments.port, &mut |line| verifier::say!("{line}")).map_err(|why| (why.into(), None))
}

fn make(places: &Places) -> Result<(), BadDemo> {
    let mut say = |line: &str| verifier::say!("{line}");
    say("An access and oversight ledger: registers -> signed log -> bundle -> findings -> pages");
    demo::build(places, &mut say)?;
    let steps = demo::next_steps(places).map_err(BadDemo::Sample)?;
    say(&format!("\n{steps}"));
    Ok(())
}
