//! How a program begins, speaks and ends: the same for all of them. Feature `terminal`.
//!
//! What cannot be said must not stop what is being done: a reader who has gone (`| head -1`) is nobody's failure, and a
//! standard output that cannot be written is told at the end, when the work is done, with exit code 2. Nothing ends
//! with another code than 0, 1 or 2.

use std::error::Error;
use std::fmt;
use std::io::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::{LazyLock, Mutex};

use schemas::visible;

use crate::output;

/// What has become of the standard output.
enum Output {
    /// Everything was taken.
    Whole,
    /// Whoever read it has gone: nothing more is said.
    Closed,
    /// It took no more, for this reason.
    Failed(io::Error),
}

static OUTPUT: Mutex<Output> = Mutex::new(Output::Whole);

/// Words of the command line, and values in them, that break a line: hardly anybody has any.
static GIVEN: LazyLock<Vec<String>> = LazyLock::new(|| {
    let words: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let values = words.iter().filter_map(|word| Some(word.split_once('=')?.1.to_owned()));
    words.iter().cloned().chain(values).filter(|word| word.contains('\n')).collect()
});

/// What is said, with no line begun by a word that was given.
fn unbroken(said: String, given: &[String]) -> String {
    given.iter().fold(said, |said, word| said.replace(word, &visible::line(word)))
}

/// Says a line on the standard output.
#[macro_export]
macro_rules! say {
    () => { $crate::terminal::say(::std::format_args!("\n")) };
    ($($what:tt)*) => { $crate::terminal::say(::std::format_args!("{}\n", ::std::format_args!($($what)*))) };
}

/// Says a line on the standard error.
#[macro_export]
macro_rules! tell {
    ($($what:tt)*) => { $crate::terminal::tell(::std::format_args!($($what)*)) };
}

/// Says lines on the standard output. What hides in them or steers a terminal is a sign, whoever put it there.
pub fn say(what: fmt::Arguments<'_>) {
    let text = unbroken(what.to_string(), &GIVEN);
    note(|| io::stdout().lock().write_all(visible::lines(&text).as_bytes()));
}

/// Says bytes on the standard output as they are.
pub fn say_bytes(bytes: &[u8]) {
    note(|| io::stdout().lock().write_all(bytes));
}

/// Says a line on the standard error. There is nobody to tell if it cannot be said.
pub fn tell(what: fmt::Arguments<'_>) {
    let mut line = visible::lines(&unbroken(what.to_string(), &GIVEN)).into_owned();
    if line.is_empty() {
        return;
    }
    if !line.ends_with('\n') {
        line.push('\n');
    }
    let _ = io::stderr().lock().write_all(line.as_bytes());
}

fn note(write: impl FnOnce() -> io::Result<()>) {
    let mut output = OUTPUT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if !matches!(*output, Output::Whole) {
        return;
    }
    match write() {
        Ok(()) => {}
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => *output = Output::Closed,
        Err(e) => *output = Output::Failed(e),
    }
}

/// What is wrong, with the reason that the system or a library gave, where the words before do not have it yet.
pub fn reasons(why: &(dyn Error + 'static)) -> String {
    let (mut text, mut next) = (why.to_string(), why.source());
    while let Some(cause) = next {
        let words = cause.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        next = cause.source();
    }
    text
}

/// Reads the arguments of the command line. What ends here, with a code, has been said: help, or what is wrong.
///
/// # Errors
/// The exit code.
pub fn parse<A: clap::Parser>() -> Result<A, u8> {
    A::try_parse().map_err(|why| {
        let is_wrong = why.use_stderr();
        if is_wrong {
            // It repeats words that were given: as they are shown.
            let shown = std::env::args_os().map(|word| visible::line(&word.to_string_lossy()).into_owned());
            tell!("{}", A::try_parse_from(shown).err().unwrap_or(why));
        } else {
            note(|| why.print().and_then(|()| io::stdout().flush()));
        }
        u8::from(is_wrong) * 2
    })
}

/// Runs a program: what it makes is its owner's alone ([`output::guard`]), and its code is 0, 1 or 2 whatever happens.
pub fn run(program: &str, body: impl FnOnce() -> u8) -> ExitCode {
    output::guard();
    outlive();
    let code = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|_| {
        tell!(
            "could not: {program} has a mistake in itself, which shows above. What was recorded before stands; run the \
             command again, and if it ends the same way send the lines above to whoever gave you the program"
        );
        2
    });
    ExitCode::from(ended(code))
}

/// A file that may grow no further (`ulimit -f`) is an error of its write, as a full disk is, and not the program's end.
/// [`run`] begins with it.
pub fn outlive() {
    #[cfg(unix)]
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, std::sync::Arc::default());
}

/// The code to end with, once all has been said.
fn ended(code: u8) -> u8 {
    note(|| io::stdout().flush());
    let output = OUTPUT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let Output::Failed(why) = &*output else { return code };
    let else_code = if code == 2 { String::new() } else { format!(" (else this would end with {code})") };
    tell!(
        "could not write to the standard output: {why}. What the command was to do is done, but not all of what it says \
         was written{else_code}"
    );
    2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_ends_with_its_code_or_with_two() {
        let code = |code: u8| format!("{:?}", ExitCode::from(code));
        assert_eq!(format!("{:?}", run("x", || 0)), code(0));
        assert_eq!(format!("{:?}", run("x", || 1)), code(1));
        assert_eq!(format!("{:?}", run("x", || panic!("a mistake of ours"))), code(2));
    }

    #[test]
    fn no_word_that_was_given_begins_a_line() {
        let said = unbroken("no \u{1b}a\nVerified here\nnothing".to_owned(), &["\u{1b}a\nVerified".to_owned()]);
        assert_eq!(said, "no \u{27e8}U+001B\u{27e9}a\u{27e8}U+000A\u{27e9}Verified here\nnothing");
    }

    #[test]
    fn reasons_are_told_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot write x{}", if *.0 { ": the disk" } else { "" })]
        struct Outer(bool, #[source] Inner);
        #[derive(Debug, thiserror::Error)]
        #[error("the disk")]
        struct Inner;
        for says in [true, false] {
            assert_eq!(reasons(&Outer(says, Inner)), "cannot write x: the disk");
        }
    }
}
