//! What a ledger's folder has lost beside its log, or what was put back from an older copy, is told by whoever needs it,
//! and never begun anew.

use std::fs;

use crate::place::{Place, copy};

/// With an organisation that the log does not name, records of its own, and a complaint that waits.
const PARTIES: &str = "\
party,role,display_name,identity_mode,languages,holders
op,operator,Ledger Office,named,en,o1;o2
min,ministry,Ministry of Justice,named,en,m1
npm,oversight,Preventive Mechanism,named,en,n1
fac-a,facility,Prison A,named,en,d1
cso-x,cso,Open Hands,pseudonym,en,x1
cso-y,cso,Blue House,pseudonym,en,y1
";
const COMPLAINT: &str = "row_id,occurred_at,signer,cosigner,id,intake_at,about,complainant_kind,facility,addressee,consent_to_share,narrative,narrative_lang,risk
ROW,2025-03-04T09:12:13Z,n1,,cm-ROW,2025-03-04T09:12:13Z,ill_treatment,person_in_custody,fac-a,npm,false,They came at night.,en,high
";

pub fn attempt(row: &str) -> String {
    format!(
        "row_id,occurred_at,signer,cosigner,id,facility,organisation,attempted_on,arrived_at,outcome,wait\n\
         {row},2025-03-04,x1,,at-{row},fac-a,cso-x,2025-03-04,2025-03-04T09:00:00Z,turned_away,30\n"
    )
}

fn import(place: &Place, party: &str, event: &str, rows: &str) {
    place.write(&format!("{event}.csv"), rows);
    place.good(&format!("import my {event}.csv --party {party} --keys keys"));
}

pub fn busy() -> Place {
    let place = Place::of(PARTIES);
    place.good("key enrol my --party cso-x --holder x1 --role cso --keys keys --make-key");
    import(&place, "cso-x", "visit.attempted", &attempt("r1"));
    import(&place, "npm", "complaint.lodged", &COMPLAINT.replace("ROW", "c1"));
    place
}

/// One way to lose something.
enum Loss {
    Gone(&'static str),
    Emptied(&'static str),
    /// Put back from the copy that was made before the last import.
    Older(&'static str),
    /// Without its last line.
    Cut(&'static str),
}
use Loss::{Cut, Emptied, Gone, Older};

impl Loss {
    fn inflict(&self, place: &Place) {
        let clear = |name: &str| {
            let path = place.path(name);
            if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
        };
        match self {
            Gone(name) => clear(name),
            Emptied(name) if place.path(name).is_dir() => {
                clear(name);
                fs::create_dir(place.path(name)).unwrap();
            }
            Emptied(name) => fs::write(place.path(name), "").unwrap(),
            Older(name) => {
                clear(name);
                let from = place.path(&name.replacen("my", "older", 1));
                if from.is_dir() {
                    copy(&from, &place.path(name));
                } else {
                    assert!(fs::copy(from, place.path(name)).is_ok());
                }
            }
            Cut(name) => {
                let text = fs::read_to_string(place.path(name)).unwrap();
                let end = text.trim_end().rfind('\n').map_or(0, |end| end + 1);
                fs::write(place.path(name), &text[..end]).unwrap();
            }
        }
    }
}

#[test]
fn what_is_lost_beside_the_log_is_told_and_never_begun_anew() {
    let place = busy();
    copy(&place.path("my"), &place.path("older"));
    import(&place, "cso-x", "visit.attempted", &attempt("r2"));
    import(&place, "npm", "complaint.lodged", &COMPLAINT.replace("ROW", "c2"));
    copy(&place.path("my"), &place.path("whole"));
    place.write("visit.attempted.csv", &attempt("r3"));
    place.write("complaint.lodged.csv", &COMPLAINT.replace("ROW", "c3"));
    let dry = "import my visit.attempted.csv --party cso-x --keys keys --dry-run";
    let wet = "import my visit.attempted.csv --party cso-x --keys keys";
    let pack = "pack my organisation/cso-x --for cso-x --keys keys --out x.pack";
    let key = "key enrol my --party cso-y --holder y1 --role cso --keys keys --make-key";
    let intake = "intake my --keys keys";
    let complain = "import my complaint.lodged.csv --party npm --keys keys";
    for (loss, words, lines) in [
        (Gone("my/pseudonyms"), "my/pseudonyms: the list of pseudonyms", &[dry, wet, pack, key, intake][..]),
        (
            Emptied("my/pseudonyms"),
            "lacks 1 of those that stand there; the outbox still tells the lines `cso-x anon-",
            &[dry, wet, pack, key, intake],
        ),
        (Gone("my/outbox"), "my/outbox.reached: the folder beside it was emptied", &[dry, wet, pack, key, intake]),
        (Emptied("my/outbox"), "0 of", &[dry, wet, pack]),
        (Older("my/outbox"), "put back from an older copy", &[dry, wet, pack]),
        (Gone("my/outbox.reached"), "my/outbox.reached: it is gone", &[dry, wet]),
        (Emptied("my/outbox.reached"), "my/outbox.reached: it is empty or cut", &[dry, wet]),
        (Cut("my/outbox.reached"), "my/outbox.reached: it is empty or cut", &[dry, wet]),
        (Gone("my/intake"), "my/intake.reached: the folder beside it was emptied", &[complain, intake]),
        (Gone("my/intake/waiting/00000002"), "1 of 2 (waiting)", &[complain, intake]),
        (Older("my/intake"), "1 of 2 (waiting)", &[complain, intake]),
        (Gone("my/intake.reached"), "my/intake.reached: it is gone", &[complain, intake]),
        (Emptied("my/intake.reached"), "my/intake.reached: it is empty or cut", &[complain, intake]),
        (Gone("my/policy"), "my/policy: the policy", &["export my --out b", pack, wet]),
        (Gone("my/profile.toml"), "my/profile.toml: the rule profile", &[dry, wet, key, intake]),
        (
            Emptied("my/profile.toml"),
            "my/profile.toml: the rule profile",
            &[dry, wet, key, intake, "export my --out b"],
        ),
        (
            Gone("my/places"),
            "my/places: the list of mirrors and bundles",
            &[wet, pack, key, intake, "fsck my", "submit my"],
        ),
        (Emptied("my/places"), "my/places: it is empty", &[wet, pack, key, intake, "fsck my", "submit my"]),
        (Cut("my/places"), "my/places: it is empty", &[wet, "export my --out b"]),
        (Gone("my/parties.csv"), "there is no list of parties at my/parties.csv", &[dry, wet, key, intake, pack]),
    ] {
        fs::remove_dir_all(place.path("my")).unwrap();
        copy(&place.path("whole"), &place.path("my"));
        loss.inflict(&place);
        let names = place.path("my/pseudonyms");
        let before = fs::read(&names).ok();
        for line in lines {
            place.bad(line, 2, words);
        }
        assert_eq!(fs::read(&names).ok(), before, "{words}: a list was written");
    }
    // The way out: what is gone is accepted in so many words, and the ledger goes on.
    fs::remove_dir_all(place.path("my")).unwrap();
    copy(&place.path("whole"), &place.path("my"));
    Gone("my/outbox").inflict(&place);
    Gone("my/intake").inflict(&place);
    place.good("fsck my --accept-loss");
    place.good(wet);
    place.good(complain);
    place.good(intake);
    place.check("my");
}

#[test]
fn a_week_is_not_closed_twice_with_what_was_lost_in_between() {
    let place = busy();
    place.good("intake my --keys keys");
    let done = fs::read_dir(place.path("my/intake/done")).unwrap().next().unwrap().unwrap().path();
    fs::remove_file(&done).unwrap();
    place.write("complaint.lodged.csv", &COMPLAINT.replace("ROW", "c2"));
    // Without it a complaint that is in the log would be taken in again.
    place.bad("import my complaint.lodged.csv --party npm --keys keys", 2, "(done)");
}
