//! Many callers, one writer: what is answered stands, in order, once, and on the disk.

mod appends;
mod clock;
mod common;
mod quorum;

/// Not a test of its own: what this executable does when another test lets it try a store.
#[test]
fn child() {
    ledger::probe::take_over();
}
