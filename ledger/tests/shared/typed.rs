//! What a command said that was typed, for the suites that type them.

use std::process::Output;

/// Of one that must succeed: what it printed.
#[track_caller]
pub fn good(line: &str, out: &Output) -> String {
    let (said, why) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert_eq!(out.status.code(), Some(0), "{line}\n{said}{why}");
    said.into_owned()
}

/// Of one that must end with that code and these words.
#[track_caller]
pub fn bad(line: &str, out: &Output, code: i32, words: &str) {
    let why = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.code() == Some(code) && why.contains(words), "{line}\n{:?} {why}", out.status.code());
}
