//! Mishaps at random: kill, a copy put back, a clock that jumps, a disk that is full, a torn file, a witness that is away;
//! before a mirror, a witness and two institutions. `SEED=7 ROUNDS=400` for more than the short run.
//!
//! Whoever plays the operator does what the messages say and nothing else. After each round everything that an
//! institution recorded is proven by a receipt, each position that was ever told holds that event, and the mirror
//! verifies; a start from a copy that is older than what was acknowledged was refused.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use ledger::clock::Clock;
use ledger::outbox::Parcel;
use ledger::outpost::{Client, Outpost, Secret, Standing, State};
use schemas::hash::Hash;
use schemas::policy::Policy;
use tests::services::small::PARTIES;
use verifier::Verified;
use verifier::bundle::{Opened, Visitor, check};
use verifier::files::Folder;
use verifier::follower::Accepted;
use verifier::levels::Levels;

use crate::place::{Place, copy, text};

/// Rounds of the short run.
const ROUNDS: usize = 16;
/// Copies of the folder that are kept.
const COPIES_MAX: usize = 4;
/// Longest wait for receipts; nothing takes nearly as long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Numbers from a seed. SplitMix64.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// What strikes while it serves and is handed events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blow {
    Kill,
    Stop,
    Full,
    /// The clock jumps by so many seconds.
    Clock(i64),
    WitnessGone,
}

/// What happens to the folder while nothing runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Damage {
    None,
    /// An older copy is put in its place.
    PutBack,
    /// An older copy is laid over it.
    LaidOver,
    /// A file that can be had again is torn.
    Torn,
    /// The store is torn.
    Store,
}

const BLOWS: [Blow; 10] = [
    Blow::Kill,
    Blow::Kill,
    Blow::Stop,
    Blow::Full,
    Blow::Clock(200),
    Blow::Clock(72_000),
    Blow::Clock(300_000_000),
    Blow::Clock(-7_200),
    Blow::Clock(-90_000),
    Blow::WitnessGone,
];
const DAMAGES: [Damage; 9] = [
    Damage::None,
    Damage::None,
    Damage::PutBack,
    Damage::PutBack,
    Damage::PutBack,
    Damage::LaidOver,
    Damage::Torn,
    Damage::Torn,
    Damage::Store,
];

struct Institution {
    party: &'static str,
    holder: &'static str,
    outpost: Outpost,
}

struct Rounds {
    place: Place,
    dice: Dice,
    /// The folder that is served now.
    home: PathBuf,
    homes: usize,
    copies: Vec<(PathBuf, u64)>,
    institutions: Vec<Institution>,
    /// Where each event was ever told to stand.
    told: BTreeMap<Hash, u64>,
    positions: BTreeMap<u64, Hash>,
    /// Every published checkpoint that was shown, by size.
    heads: BTreeMap<u64, String>,
    story: Vec<String>,
}

#[test]
fn whatever_happens_nothing_acknowledged_is_lost_or_told_twice() {
    let number = |name: &str, usual| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual);
    let (seed, rounds) = (number("SEED", 1), number("ROUNDS", ROUNDS as u64));
    let mut all = Rounds::new(seed);
    for round in 1..=rounds {
        all.story.push(format!("round {round} of seed {seed}"));
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| all.round()));
        if let Err(panic) = done {
            let kept = all.story.len().saturating_sub(40);
            eprintln!("{}\nthe ledger said: {}", all.story[kept..].join("\n"), all.place.log());
            std::panic::resume_unwind(panic);
        }
        if rounds > ROUNDS as u64 && round % 20 == 0 {
            eprintln!("{round} rounds, {} events acknowledged", all.told.len());
        }
    }
}

impl Rounds {
    fn new(seed: u64) -> Self {
        let place = Place::new(true);
        let institutions = [("cso-x", "x1"), ("cso-y", "y1")].map(|(party, holder)| {
            let standing = Standing {
                origin: place.small.origin.clone(),
                party: party.to_owned(),
                address: Some(format!("http://{}", place.ledger)),
                utc_offset_minutes: 0,
                policy: fs::read_to_string(&place.small.policy).unwrap(),
                parties: PARTIES.to_owned(),
                pseudonyms: String::new(),
                recipients: Vec::new(),
                device: None,
                first_number: place.small.next_number(),
            };
            let secret = Secret::KeyFile(place.path(&format!("{party}.stick")));
            let outpost = Outpost::create(&place.path(&format!("{party}.outbox")), &secret, &standing).unwrap();
            Institution { party, holder, outpost }
        });
        let home = place.home();
        let mut rounds = Self {
            place,
            dice: Dice(seed),
            home,
            homes: 0,
            copies: Vec::new(),
            institutions: institutions.into(),
            told: BTreeMap::new(),
            positions: BTreeMap::new(),
            heads: BTreeMap::new(),
            story: Vec::new(),
        };
        rounds.start();
        rounds
    }

    fn round(&mut self) {
        let blow = *self.dice.of(&BLOWS);
        self.under_load(blow);
        self.end(blow);
        let damage = *self.dice.of(&DAMAGES);
        self.damage(damage);
        self.start();
        self.settle();
        if self.dice.below(2) == 0 {
            self.keep_copy();
        }
    }

    /// Both institutions record and hand in, and in the middle of it something strikes.
    fn under_load(&mut self, blow: Blow) {
        let after = self.dice.below(6);
        let plans: Vec<usize> = (0..self.institutions.len()).map(|_| 2 + self.dice.below(4)).collect();
        self.story.push(format!("{blow:?} after {after} answers"));
        let (place, institutions) = (&mut self.place, &mut self.institutions);
        let address = format!("http://{}", place.ledger);
        let (tell, told) = channel();
        let mut process = place.serving.take();
        let mut witness = place.witness.take();
        std::thread::scope(|scope| {
            for (institution, batches) in institutions.iter_mut().zip(&plans) {
                let (small, address, tell) = (&place.small, &address, tell.clone());
                scope.spawn(move || {
                    let pen = small.key(institution.party, institution.holder);
                    let mut line = Client::patient(address, pen.clone(), 5);
                    for number in 0..*batches {
                        let parcels: Vec<Parcel> =
                            (0..=number).map(|_| small.attempt(institution.party, &pen)).collect();
                        institution.outpost.record(&parcels, Clock::System.now()).unwrap();
                        let now = || Clock::System.now();
                        let progress = institution.outpost.submit(&mut line, &now, &mut |_, _| {}).unwrap();
                        let _ = tell.send(());
                        if progress.stopped.is_some() {
                            return; // what is recorded goes along the next time
                        }
                    }
                });
            }
            drop(tell);
            for () in told.iter().take(after) {}
            match blow {
                Blow::Kill => process.take().expect("it serves").kill(),
                Blow::Stop => {
                    let _ = process.take().expect("it serves").ended_as_asked();
                }
                Blow::Full => fs::write(place.path("full"), b"").unwrap(),
                Blow::Clock(seconds) => fs::write(place.path("clock"), seconds.to_string()).unwrap(),
                Blow::WitnessGone => witness.take().expect("it runs").kill(),
            }
        });
        place.serving = process;
        place.witness = witness;
        self.listen();
    }

    /// Everything ends, one way or the other; the disk has room again and the clock is right.
    fn end(&mut self, blow: Blow) {
        let gently = blow == Blow::WitnessGone || self.dice.below(2) == 0;
        if let Some(process) = self.place.serving.take() {
            if gently && !matches!(blow, Blow::Full) {
                let _ = process.ended_as_asked();
            } else {
                process.kill();
            }
        }
        let _ = fs::remove_file(self.place.path("full"));
        let _ = fs::remove_file(self.place.path("clock"));
    }

    fn damage(&mut self, damage: Damage) {
        match damage {
            Damage::None => {}
            Damage::PutBack | Damage::LaidOver => {
                if self.copies.is_empty() {
                    return;
                }
                let (copy_of, size) = self.copies[self.dice.below(self.copies.len())].clone();
                self.story.push(format!("{damage:?}: a copy of {size} entries, {} were told", self.known()));
                let newest = self.fresh();
                copy(&self.home, &newest);
                if damage == Damage::PutBack {
                    copy(&copy_of, &self.home);
                } else {
                    let over =
                        std::process::Command::new("cp").arg("-a").arg(copy_of.join(".")).arg(&self.home).status();
                    assert!(over.unwrap().success());
                }
                self.refused_or_newest(&newest, size);
            }
            Damage::Torn => self.tear(),
            Damage::Store => {
                // Only where the mirror has everything: what was never copied is lost with its disk.
                let anchored = size_in(&self.home.join("checkpoint")).max(size_in(&self.home.join("checkpoint.2")));
                if size_in(&self.place.path("mirror/checkpoint")) < anchored {
                    return;
                }
                let store = fs::read_dir(self.home.join("store")).unwrap();
                let files: Vec<PathBuf> = store.map(|entry| entry.unwrap().path()).filter(|p| p.is_file()).collect();
                let path = files.iter().max_by_key(|path| fs::metadata(path).unwrap().len()).unwrap().clone();
                self.story.push(format!("{} is torn", path.display()));
                let length = fs::metadata(&path).unwrap().len();
                fs::File::options().write(true).open(&path).unwrap().set_len(length / 3).unwrap();
            }
        }
    }

    /// A copy that is older than what is known must be refused; then the newest is put in its place again, or the mirror
    /// is restored from.
    fn refused_or_newest(&mut self, newest: &Path, size: u64) {
        if size >= self.known() {
            return;
        }
        if size >= self.seen() {
            // Answered, and seen by nobody yet: nothing at hand can know. Whoever has the newest copy puts it back.
            copy(newest, &self.home);
            return;
        }
        if self.place.witness.is_none() {
            self.place.start_witness();
        }
        match self.try_start() {
            Ok(()) => panic!("a copy of {size} entries is served, and {} were acknowledged", self.known()),
            Err((code, said)) => {
                assert_eq!(code, Some(2), "{said}");
                assert!(
                    said.contains("older copy") || said.contains("another history") || said.contains("ledger restore"),
                    "{said}"
                );
            }
        }
        let whole = size_in(&self.place.path("mirror/checkpoint")) >= self.known();
        if whole && self.dice.below(2) == 0 && self.restore(newest) {
            return;
        }
        self.story.push("the newest copy is put in its place again".to_owned());
        copy(newest, &self.home);
    }

    /// What can be had again is cut, emptied, or changed.
    fn tear(&mut self) {
        let mut files: Vec<PathBuf> = ["checkpoint", "published", "places", "served"].map(|n| self.home.join(n)).into();
        files.extend(fs::read_dir(self.home.join("state")).into_iter().flatten().map(|entry| entry.unwrap().path()));
        files.extend(["tile/0/000", "tile/entries/000", "policy"].map(|n| self.place.path("mirror").join(n)));
        files.retain(|path| path.is_file());
        let path = self.dice.of(&files).clone();
        let mut bytes = fs::read(&path).unwrap();
        match self.dice.below(3) {
            0 => bytes.clear(),
            1 => bytes.truncate(bytes.len() / 2),
            _ => {
                let at = self.dice.below(bytes.len().max(1));
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 0x20;
                }
            }
        }
        self.story.push(format!("{} is torn: {} bytes", path.display(), bytes.len()));
        // Files of the mirror are linked: the other bundle must not be torn with it.
        fs::remove_file(&path).unwrap();
        fs::write(&path, bytes).unwrap();
    }

    fn try_start(&mut self) -> Result<(), (Option<i32>, String)> {
        let (home, mirror) = (self.home.clone(), text(&self.place.path("mirror")));
        self.place.serve(&home, &["--mirror", &mirror])
    }

    /// The operator starts it, and does what the messages say until it serves.
    fn start(&mut self) {
        for _ in 0..6 {
            if self.place.witness.is_none() {
                self.place.start_witness();
            }
            let Err((code, said)) = self.try_start() else { return };
            self.story.push(format!("it says, {code:?}: {}", said.trim()));
            assert_eq!(code, Some(2), "{said}");
            if said.contains("ledger clock confirm") {
                // The clock was looked at, and is right.
                let day = Clock::System.now().date(0).to_string();
                let home = text(&self.home);
                let done = self.place.run(&["clock", "confirm", &home, "--date", &day]);
                assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
            } else if said.contains("/places: ") && said.contains("--accept-loss") {
                // It is no copy that was put back; the mirror is named by the command that starts.
                let _ = self.place.run(&["fsck", &text(&self.home), "--accept-loss"]);
            } else if said.contains("ledger restore") {
                let home = self.home.clone();
                assert!(self.restore(&home), "no way out");
            } else {
                assert!(said.contains("no space left") || said.contains("start the ledger again"), "{said}");
            }
        }
        panic!("it does not start");
    }

    /// Restores from the mirror into a new folder; false where that is behind what is known.
    fn restore(&mut self, openings_of: &Path) -> bool {
        let (fresh, home) = (self.fresh(), text(&self.home));
        let (mirror, policy) = (text(&self.place.path("mirror")), text(&self.place.small.policy));
        let (openings, keys) = (text(&openings_of.join("openings")), text(&openings_of.join("opening-keys")));
        let arguments = [
            "restore",
            &text(&fresh),
            "--bundle",
            &mirror,
            "--backup",
            &openings,
            "--backup-keys",
            &keys,
            "--policy",
            &policy,
            "--from",
            &home,
        ];
        let done = self.place.run(&arguments);
        self.story.push(format!("restore: {}", String::from_utf8_lossy(&done.stderr).trim()));
        if done.status.success() {
            self.home = fresh;
        }
        done.status.success()
    }

    fn fresh(&mut self) -> PathBuf {
        self.homes += 1;
        self.place.path(&format!("home-{}", self.homes))
    }

    /// A copy of the folder, taken while nobody writes.
    fn keep_copy(&mut self) {
        self.place.stop();
        let size = size_in(&self.home.join("checkpoint")).max(size_in(&self.home.join("checkpoint.2")));
        let to = self.fresh();
        copy(&self.home, &to);
        self.copies.push((to, size));
        if self.copies.len() > COPIES_MAX {
            let _ = fs::remove_dir_all(self.copies.remove(0).0);
        }
        self.start();
    }

    /// Entries that the mirror or the witness knows.
    fn seen(&self) -> u64 {
        let state = fs::read_to_string(self.place.path("witness.state")).unwrap_or_default();
        let origin = self.place.small.origin.to_string();
        let mut lines = state.lines().skip_while(|line| *line != origin).skip(1);
        let witnessed = lines.next().and_then(|size| size.parse().ok()).unwrap_or(0);
        size_in(&self.place.path("mirror/checkpoint")).max(witnessed)
    }

    /// One more than the last position that was told.
    fn known(&self) -> u64 {
        self.positions.keys().next_back().map_or(0, |last| last + 1)
    }

    /// Takes down what institutions were told, which never changes.
    fn listen(&mut self) {
        for institution in &self.institutions {
            for held in institution.outpost.held() {
                let at = match held.state {
                    State::Received { position, .. } | State::Covered { position, .. } => position,
                    State::Recorded => continue,
                    State::Refused { ref why, .. } => panic!("refused: {why}"),
                };
                assert_eq!(*self.told.entry(held.id).or_insert(at), at, "told another position");
                assert_eq!(*self.positions.entry(at).or_insert(held.id), held.id, "a position was given twice");
            }
        }
    }

    /// All that was recorded is handed in and proven; then everything that was ever told is held against the mirror.
    fn settle(&mut self) {
        let address = format!("http://{}", self.place.ledger);
        let begun = Instant::now();
        for institution in &mut self.institutions {
            let pen = self.place.small.key(institution.party, institution.holder);
            let mut line = Client::new(&address, pen);
            while institution.outpost.held().iter().any(ledger::outpost::Held::is_open) {
                let now = || Clock::System.now();
                let progress = institution.outpost.submit(&mut line, &now, &mut |_, _| {}).unwrap();
                assert!(progress.taken.lies.is_empty(), "{:?}", progress.taken.lies);
                assert!(begun.elapsed() < PATIENCE, "no receipts: {:?}", progress.stopped);
            }
        }
        self.listen();
        assert_eq!(self.place.get("/healthz").status, 200);
        let head = String::from_utf8(self.place.get("/checkpoint").body).unwrap();
        let size: u64 = head.lines().nth(1).unwrap().parse().unwrap();
        let root = head.lines().nth(2).unwrap().to_owned();
        assert_eq!(*self.heads.entry(size).or_insert(root.clone()), root, "two trees of {size} entries");
        assert!(self.heads.keys().next_back() == Some(&size), "what is published never shrinks");
        assert!(size >= self.known());
        while self.place.figure("ledger_mirrored_entries").is_none_or(|mirrored| mirrored < size) {
            assert!(begun.elapsed() < PATIENCE, "the mirror does not come up");
        }
        self.hold_against_mirror();
    }

    fn hold_against_mirror(&self) {
        let policy = Policy::parse(&fs::read_to_string(&self.place.small.policy).unwrap()).unwrap();
        let mut seen = Seen::default();
        let report = check(&mut Folder::new(&self.place.path("mirror")), &policy, None, &mut seen);
        assert_eq!(report.exit_code(), 0, "{:?}", report.faults);
        for (event, at) in &self.told {
            assert_eq!(seen.ids.get(*at as usize), Some(event), "an acknowledged event is lost");
        }
        for (size, root) in &self.heads {
            assert_eq!(seen.levels.root(*size).unwrap().to_base64(), *root, "a fork at {size}");
        }
    }
}

#[derive(Default)]
struct Seen {
    ids: Vec<Hash>,
    levels: Levels,
}

impl Visitor for Seen {
    fn entry(&mut self, entry: &Verified<Accepted>, _: &Opened) {
        self.ids.push(entry.get().entry.signed.id());
        self.levels.push(entry.get().leaf);
    }
}

fn size_in(checkpoint: &Path) -> u64 {
    let text = fs::read_to_string(checkpoint).unwrap_or_default();
    text.lines().nth(1).and_then(|line| line.parse().ok()).unwrap_or(0)
}
