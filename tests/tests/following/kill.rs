//! Killed at any moment, it comes to the same state: what lies on its disk is true after every kill, and the state digest
//! at the end is that of a run that nobody killed.

use std::collections::BTreeMap;

use projector::serve::book::Book;
use projector::serve::copy;
use tests::dice::Dice;

use crate::common::{WORLD, at, digests, forge};
use crate::program::{Program, mirror};

/// Rounds, each of which ends with a kill.
const KILLS: usize = 16;
/// Batches that the log has beside those of the golden country.
const BATCHES: usize = 60;

#[test]
fn killed_at_any_moment_it_comes_to_the_same_state() {
    let mut forge = forge();
    (0..BATCHES).for_each(|_| forge.seal());
    let bundle = forge.build().bundle;
    let want: BTreeMap<u64, String> =
        digests(&bundle).into_iter().map(|(size, digest)| (size, digest.to_hex())).collect();
    let place = tempfile::tempdir().unwrap();
    let [folder, state, policy] = ["mirror", "state", "policy"].map(|name| place.path().join(name));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(&policy, WORLD.bundle.get("policy")).unwrap();
    let feed = format!("bundle:{}", folder.display());
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    // The log grows all the time: each round begins where the last one ended, and ends some batches later.
    let mut sizes = want.keys().copied();
    let (mut last, mut moved) = (0, 0);
    for round in 0..KILLS {
        mirror(&at(&bundle, sizes.next().unwrap()), &folder);
        let mut program = Program::start(&feed, &policy, &state, &[]);
        match dice.roll(4) {
            0 => {}
            1 => drop(program.address("listens")),
            _ => {
                drop(program.tells("published"));
                mirror(&at(&bundle, sizes.next().unwrap()), &folder);
            }
        }
        (0..dice.roll(8_000_000)).for_each(|_| std::hint::spin_loop());
        program.kill();
        // Whatever the moment was: the book is whole, says no less than before, and the copy holds what it counts.
        let Some(book) = Book::read(&state).unwrap() else { continue };
        assert!(book.kept.size >= last, "round {round}: it went back");
        assert_eq!(Some(&book.digest.to_hex()), want.get(&book.kept.size), "round {round}");
        let length = std::fs::metadata(state.join(copy::NAME)).unwrap().len();
        assert!(length >= book.kept.bytes, "round {round}: the book counts what is not there");
        moved += usize::from(book.kept.size > last);
        last = book.kept.size;
    }
    assert!(moved > 2, "the log grew between kills");
    mirror(&bundle, &folder);
    let program = Program::start(&feed, &policy, &state, &[]);
    let (size, digest) = want.last_key_value().unwrap();
    assert_eq!(program.publishes(*size), *digest);
}
