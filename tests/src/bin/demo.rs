//! tmp
use ledger::folder::{Held, SignOptions, found, sign_into};
use ledger::import::{Options, read_folder};
use ledger::keys::KeyFolder;
use ledger::outbox::Outbox;
use ledger::pseudonym::Pseudonyms;
use ledger::settings::Settings;
use ledger::submit::{Cuts, replay};
use ledger::writer::Home;
use schemas::note::Origin;
use std::path::Path;
use std::time::Instant;

fn main() {
    ledger::probe::take_over();
    let scenario = Path::new("tests/scenario/velmora");
    let out = Path::new("demo-out");
    let _ = std::fs::remove_dir_all(out);
    std::fs::create_dir_all(out).unwrap();
    let t = Instant::now();
    let profile = std::fs::read(scenario.join("profile.toml")).unwrap();
    let settings = Settings::read(&profile).unwrap();
    let home = Home::new(&out.join("ledger"));
    std::fs::create_dir_all(home.folder()).unwrap();
    let options = Options { replay: true, utc_offset_minutes: settings.utc_offset_minutes, ..Options::default() };
    let mut outbox = Outbox::open(&home.outbox()).unwrap();
    let import = read_folder(scenario, &options, &Held::default());
    println!(
        "read {} drafts, {} problems, {} warnings {:?}",
        import.drafts.len(),
        import.problems.len(),
        import.warnings.len(),
        t.elapsed()
    );
    for p in import.problems.iter().take(10) {
        println!("{p}");
    }
    let origin = Origin::parse("velmora.example/access-ledger").unwrap();
    let pseudonyms = Pseudonyms::load(&home.pseudonyms(), &import.parties).unwrap();
    let keys = out.join("keys");
    let first = import.drafts.iter().filter_map(|d| d.received_at).min().unwrap();
    let last = settings.last_instant().unwrap();
    let mut folder = KeyFolder::new(&keys, origin.clone());
    let mut writer = found(&home, &origin, &import.parties, &mut folder, first).unwrap();
    writer.keep_document(&profile).unwrap();
    println!("founded {:?}", t.elapsed());
    let so = SignOptions { origin: &origin, keys: &keys, drafts: home.drafts(), settings: &settings, replay: true };
    let signed = sign_into(&mut outbox, import, &pseudonyms, &so, &mut |_, _| {}).unwrap();
    println!("signed {} waiting {} {:?}", signed.signed, signed.waiting.len(), t.elapsed());
    let cuts = Cuts::new(first.date(60), last.date(60), 60, &settings.evaluations);
    let outcome = replay(&mut writer, &outbox.parcels().unwrap(), &cuts, &mut |_, _| {}).unwrap();
    println!(
        "accepted {} already {} refused {} {:?}",
        outcome.accepted,
        outcome.already,
        outcome.refused.len(),
        t.elapsed()
    );
    for r in outcome.refused.iter().take(10) {
        println!("{} {}", r.0, r.1);
    }
    let policy = format!("log {}\nquorum none\n", writer.log().genesis().unwrap().log_key);
    let e = ledger::export::bundle(&writer, &policy, 60, &out.join("bundle"), &mut |_, _| {}).unwrap();
    ledger::export::openings(&writer, &out.join("openings")).unwrap();
    println!("{e:?} {:?}", t.elapsed());
    let policy = schemas::policy::Policy::parse(&policy).unwrap();
    let mut source = verifier::files::Folder::new(&out.join("bundle"));
    let mut o = verifier::files::Folder::new(&out.join("openings"));
    let report = verifier::bundle::check(&mut source, &policy, Some(&mut o), &mut verifier::bundle::NoVisitor);
    for s in &report.steps {
        println!("{} {} {:?} {}", s.section, s.title, s.outcome, s.counted);
    }
    for f in &report.faults {
        println!("FAULT {f}");
    }
    println!("{:?} {} {:?}", report.verdict(), report.unknown.join(","), t.elapsed());
}
