//! What the server writes to stderr: JSON, one object a line, for whoever keeps the machine.
//!
//! Who asks for what is nobody's business: no line has an address, a party, a key, an id, a path as it was asked
//! for, a query, or anything else that a client sent. A request is named by its route.

use std::io::{self, Write};

use schemas::visible;
use tracing_subscriber::filter::LevelFilter;

use super::config::Level;

/// Begins to log; at most once in a process, later calls change nothing.
pub fn begin(level: Level) {
    let filter = match level {
        Level::Off => LevelFilter::OFF,
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
    };
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_target(false)
        .with_max_level(filter)
        .with_writer(|| Visible)
        // It would tell on the very stream that took nothing, and end the program.
        .log_internal_errors(false)
        .finish();
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// Lines of JSON in which nothing hides that a terminal would act on.
struct Visible;

impl Write for Visible {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::stderr().write_all(visible::json(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
