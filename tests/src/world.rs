//! Countries built by the real way: registers, import, signing, outbox, batches, export.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use ledger::enrol::enrol;
use ledger::folder::{Held, SignOptions, found, sign_into};
use ledger::import::{Options, read_folder};
use ledger::keys::{KeyFolder, read_identity};
use ledger::outbox::Outbox;
use ledger::pseudonym::Pseudonyms;
use ledger::settings::Settings;
use ledger::submit::{Cuts, replay};
use ledger::writer::Home;
use schemas::note::Origin;
use schemas::policy::Policy;
use tempfile::TempDir;
use verifier::audience::Audience;
use verifier::bundle::{NoVisitor, check};
use verifier::report::Report;
use verifier::signature::SecretKey;

use crate::memory::Memory;

/// Who takes part in the golden country. One of its organisations stands under a pseudonym.
pub const PARTIES: &str = "\
party,role,display_name,identity_mode,languages,holders
op,operator,Ledger Office,named,en,o1;o2
min,ministry,Ministry of Justice,named,fr,m1;m2
adm,administration,Prison Administration,named,fr,a1;a2
npm,oversight,Preventive Mechanism,named,fr,n1;n2
fac-a,facility,Prison A,named,fr;ar,d1;d2
fac-b,facility,Prison B,named,ar,d1
cso-x,cso,Open Hands,named,fr,x1;x2
cso-y,cso,Blue House,pseudonym,ar,y1
eva,evaluator,Measure,named,en,e1
";

/// Its profile: a week that ends on a Saturday, two sealed records a week.
pub const PROFILE: &str = "\
[profile]
id = \"golden-1\"

[scenario]
evaluation_dates = [\"2025-03-08\"]

[calendar]
utc_offset_minutes = 60

[param.sealed_batch_size]
value = 2
";

/// A register: party, type, columns after the common ones, rows.
pub type Sheet<'a> = (&'a str, &'a str, &'a str, &'a [&'a str]);

/// Its registers: party, type, columns after the common ones, rows. The rows of a sheet bear the
/// common columns `row_id,occurred_at,received_at,signer,cosigner,id` first.
const SHEETS: &[Sheet<'_>] = &[
    (
        "adm",
        "key.enrolled",
        KEY,
        &[
            "r1,2025-03-03,2025-03-03T07:00:01Z,a1,op:o1,key-adm-a1,adm,a1,administration,ed25519,2025-03-03T06:00:00Z",
            "r2,2025-03-03,2025-03-03T07:00:02Z,a2,op:o1,key-adm-a2,adm,a2,administration,ed25519,2025-03-03T06:00:00Z",
        ],
    ),
    (
        "fac-a",
        "key.enrolled",
        KEY,
        &[
            "r1,2025-03-03,2025-03-03T07:00:03Z,d1,op:o1,key-fac-a-d1,fac-a,d1,facility,ed25519,2025-03-03T06:00:00Z",
            "r2,2025-03-03,2025-03-03T07:00:04Z,d2,op:o1,key-fac-a-d2,fac-a,d2,facility,ed25519,2025-03-03T06:00:00Z",
        ],
    ),
    (
        "fac-b",
        "key.enrolled",
        KEY,
        &["r1,2025-03-03,2025-03-03T07:00:05Z,d1,op:o1,key-fac-b-d1,fac-b,d1,facility,ed25519,2025-03-03T06:00:00Z"],
    ),
    (
        "cso-x",
        "key.enrolled",
        KEY,
        &[
            "r1,2025-03-03,2025-03-03T07:00:06Z,x1,op:o1,key-cso-x-x1,cso-x,x1,cso,ed25519,2025-03-03T06:00:00Z",
            "r2,2025-03-03,2025-03-03T07:00:07Z,x2,op:o1,key-cso-x-x2,cso-x,x2,cso,ed25519,2025-03-03T06:00:00Z",
        ],
    ),
    (
        "cso-y",
        "key.enrolled",
        KEY,
        &["r1,2025-03-03,2025-03-03T07:00:08Z,y1,op:o1,key-cso-y-y1,cso-y,y1,cso,ed25519,2025-03-03T06:00:00Z"],
    ),
    (
        "eva",
        "key.enrolled",
        KEY,
        &["r1,2025-03-03,2025-03-03T07:00:09Z,e1,op:o1,key-eva-e1,eva,e1,evaluator,ed25519,2025-03-03T06:00:00Z"],
    ),
    (
        "op",
        "schema.adopted",
        "catalogue_id,catalogue,effective_on",
        &[
            "r1,2025-03-03,2025-03-03T08:00:00Z,o1,o2,sc-1,access-ledger-catalogue-1.0.0,d1a17fcebc502444c7c1bb985dac710e52565dff768f73bcafbac8487a1df1fb,2025-03-03",
        ],
    ),
    (
        "npm",
        "rule.profile.adopted",
        "profile_id,profile,effective_on",
        &[
            "r1,2025-03-03,2025-03-03T08:01:00Z,n1,n2,pf-1,golden-1,d1a17fcebc502444c7c1bb985dac710e52565dff768f73bcafbac8487a1df1fb,2025-03-03",
        ],
    ),
    (
        "adm",
        "facility.registered",
        "facility,name,name_lang,locode,holds_sex,age_bands,security_level,capacity,vep_unit,opened_on",
        &[
            "r1,2025-03-03,2025-03-03T08:02:00Z,a1,a2,,fac-a,Maison d'arrêt A,fr,XVAAA,m,adult,high,200,false,1990-01-01",
            "r2,2025-03-03,2025-03-03T08:02:00Z,a1,a2,,fac-b,السجن الثاني,ar,XVBBB,f,juvenile;adult,low,40,,2001-05-06",
        ],
    ),
    (
        "min",
        "organisation.registered",
        "organisation,kind,name,name_lang,registry_id,founded_on,founded_by_state,board_size,officials_over_half,state_funding,identity_mode,languages",
        &[
            "r1,2025-03-03,2025-03-03T08:03:00Z,m1,,,cso-x,cso,Open Hands,en,XV-1,2009-03-02,false,7,false,12.5,named,fr",
            "r2,2025-03-03,2025-03-03T08:03:01Z,m1,,,cso-y,cso,البيت الأزرق,ar,XV-2,2010-03-02,false,,false,0,pseudonym,ar",
        ],
    ),
    (
        "cso-x",
        "access.request.submitted",
        REQUEST,
        &[
            "r1,2025-03-04T07:10:00Z,2025-03-04T07:30:00Z,x1,,rq-1,fac-a,cso-x,family,women,2025-03-06T09:00:00Z,2,false,fr",
        ],
    ),
    (
        "cso-y",
        "access.request.submitted",
        REQUEST,
        &["r1,2025-03-04,2025-03-04T08:00:00Z,y1,,rq-2,fac-b,cso-y,monitoring,all,,3,true,ar"],
    ),
    (
        "npm",
        "complaint.lodged",
        "intake_at,about,complainant_kind,organisation,addressee,consent_to_share,narrative,narrative_lang,risk",
        &[
            "r1,2025-03-04T09:00:00Z,2025-03-04T18:00:00Z,n1,,cm-1,2025-03-04T09:00:00Z,conditions,organisation,cso-y,adm,false,Опис умов,uk,low",
        ],
    ),
    (
        "fac-a",
        "access.request.acknowledged",
        "request,facility,organisation,received_on,decision_due_on",
        &["r1,2025-03-05,2025-03-05T08:00:00Z,d1,,,rq-1,fac-a,cso-x,2025-03-04,2025-03-24"],
    ),
    (
        "fac-a",
        "access.request.approved",
        "request,facility,organisation,valid_from,valid_to,visits_granted,conditions,team_cleared,private_interviews,auto",
        &[
            "r1,2025-03-05T08:00:00Z,2025-03-05T09:00:00Z,d1,,ap-1,rq-1,fac-a,cso-x,2025-03-05,2025-04-05,1,escort,2,granted,false",
        ],
    ),
    // One holder where two should be: accepted as what it is, and found by rule V-03.
    (
        "fac-b",
        "access.request.denied",
        "request,facility,organisation,reason,legal_basis,legal_basis_lang,individual_assessment,justification_given,justification,justification_lang,auto",
        &[
            "r1,2025-03-05,2025-03-05T10:00:00Z,d1,d1,dn-1,rq-2,fac-b,cso-y,security_incident,المادة ٤٤,ar,false,true,安全上の理由,ja,false",
        ],
    ),
    (
        "fac-a",
        "visit.completed",
        "approval,facility,organisation,visited_on,entered_at,left_at,duration,wait,team_in,private_interviews_refused,staff_present_at_interviews,participants_f_adult,completion",
        &[
            "r1,2025-03-06T11:00:00Z,2025-03-06T12:00:00Z,d2,,vi-1,ap-1,fac-a,cso-x,2025-03-06,2025-03-06T09:00:00Z,2025-03-06T10:00:00Z,60,10,2,false,true,3,normal",
        ],
    ),
    (
        "cso-x",
        "visit.disputed",
        "visit,facility,organisation,disputed,cso_duration,narrative,narrative_lang",
        &[
            "r1,2025-03-06,2025-03-06T15:00:00Z,x2,,dp-1,vi-1,fac-a,cso-x,duration,20,Nous sommes restés vingt minutes.,fr",
        ],
    ),
    (
        "fac-a",
        "record.corrected",
        "target,field_name,new_value_public,new_value_public_lang,reason,note,note_lang",
        &["r1,2025-03-07,2025-03-07T08:00:00Z,d1,d2,,fac-a/visit.completed/r1,wait,12,fr,typo,Δώδεκα,el"],
    ),
    (
        "fac-a",
        "key.rotated",
        "key,organisation,holder,valid_from,reason",
        &["r1,2025-03-07,2025-03-07T09:00:00Z,d1,op:o1,,key-fac-a-d2,fac-a,d2,2025-03-07T08:30:00Z,rotation"],
    ),
    (
        "fac-a",
        "outage.declared",
        "facility,from,cause",
        &["r1,2025-03-07,2025-03-07T10:00:00Z,d2,,ou-1,fac-a,2025-03-07T09:30:00Z,network"],
    ),
    (
        "adm",
        "programme.adopted",
        "title,title_lang,aim,facilities,partners,delivery,sustained,voluntary,gender_plan,age_plan,indicators,starts_on,planned_sessions,target,planned_participants,budget_amount,budget_currency",
        &[
            "r1,2025-03-07,2025-03-07T11:00:00Z,a1,a2,P-1,Діалог \u{2014} 対話,uk,education,fac-a;fac-b,cso-x;cso-y,mixed,true,true,true,true,attendance,2025-03-10,12,all,20,250000,XTS",
        ],
    ),
    (
        "adm",
        "evaluation.commissioned",
        "programme,evaluator,independent,cso_participation,women_participation,due_on",
        &["r1,2025-03-07,2025-03-07T11:30:00Z,a1,,eo-1,P-1,eva,true,true,true,2025-12-01"],
    ),
    (
        "eva",
        "evaluation.completed",
        "evaluation_order,programme,doc,publish,recommendations,overall",
        &[
            "r1,2025-03-08,2025-03-08T09:00:00Z,e1,,ev-1,eo-1,P-1,e4756f31fd44a085620a959b43431e888d353d2db9cd23c429697ab399f8cda1,summary,2,continue",
        ],
    ),
    (
        "npm",
        "inspection.conducted",
        "follows,facility,kind,unannounced,chosen_by,started_on,ended_on,team,women_in_team,team_two_or_more,women_present,health_professional,full_access,private_interviews,cooperation",
        &[
            "r1,2025-03-08,2025-03-08T10:00:00Z,n2,,is-1,,fac-b,npm,true,body,2025-03-07,2025-03-07,3,2,true,true,true,true,held,full",
        ],
    ),
];

const KEY: &str = "organisation,holder,role,alg,valid_from";
const REQUEST: &str = "facility,organisation,purpose,target,slots,team,private_interviews,languages";
const COMMON: &str = "row_id,occurred_at,received_at,signer,cosigner,id";

/// A country with its bundle, all its openings and all its keys, in memory.
#[derive(Debug)]
pub struct World {
    /// Key that signs checkpoints.
    pub log_key: SecretKey,
    /// Key that signs seals.
    pub seal_key: SecretKey,
    /// Holders' keys by file name: `<party>.<holder>`, and `<party>.<holder>.2` after a rotation.
    keys: BTreeMap<String, SecretKey>,
    /// Its log's name.
    pub origin: Origin,
    /// Whom a reader trusts: the log's key, no witnesses.
    pub policy: Policy,
    /// How the log names each party.
    pub pseudonyms: Pseudonyms,
    /// The bundle.
    pub bundle: Memory,
    /// The openings beside it.
    pub openings: Memory,
}

impl World {
    /// The golden country: few parties, some thirty rows, all that a log may hold of each sort.
    pub fn golden() -> Self {
        Self::golden_as("golden.example/log")
    }

    /// The same under another name.
    pub fn golden_as(origin: &str) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let scenario = folder.path().join("scenario");
        write_golden(&scenario);
        Self::build(&folder, &scenario, origin)
    }

    /// The golden country with more registers: party, type, columns after the common ones, rows.
    pub fn golden_and(sheets: &[Sheet<'_>]) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let scenario = folder.path().join("scenario");
        write_golden(&scenario);
        sheets.iter().for_each(|sheet| write_sheet(&scenario, sheet));
        Self::build(&folder, &scenario, "golden.example/log")
    }

    /// The same country again, under the name of another log and with other keys.
    pub fn other() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let scenario = folder.path().join("scenario");
        write_golden(&scenario);
        Self::build(&folder, &scenario, "other.example/log")
    }

    /// The sample country.
    pub fn velmora() -> Self {
        let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenario/velmora");
        Self::build(&TempDir::new().expect("a temporary folder"), &scenario, "velmora.example/access-ledger")
    }

    fn build(folder: &TempDir, scenario: &Path, origin: &str) -> Self {
        let origin = Origin::parse(origin).expect("an origin");
        let profile = fs::read(scenario.join("profile.toml")).expect("a profile");
        let settings = Settings::read(&profile).expect("a profile that can be read");
        let home = Home::new(&folder.path().join("ledger"));
        fs::create_dir_all(home.folder()).expect("a folder for the ledger");
        let offset = settings.utc_offset_minutes;
        let options = Options { replay: true, utc_offset_minutes: offset, ..Options::default() };
        let import = read_folder(scenario, &options, &Held::default());
        assert!(import.problems.is_empty(), "{}", ledger::import::render(&import.problems));
        let first = import.drafts.iter().filter_map(|d| d.received_at).min().expect("at least one row");
        let last = settings.last_instant().expect("an evaluation date");
        let keys = folder.path().join("keys");
        let mut key_folder = KeyFolder::new(&keys, origin.clone());
        let mut writer = found(&home, &origin, &import.parties, &mut key_folder, first).expect("a new ledger");
        writer.keep_document(&profile).expect("a document");
        let pseudonyms = Pseudonyms::load(&home.pseudonyms(), &import.parties).expect("pseudonyms");
        let mut outbox = Outbox::open(&home.outbox()).expect("an outbox");
        enrol(&mut writer, &mut outbox, &import.parties, key_folder, &pseudonyms, first, true).expect("an age key");
        let (keyring, recipients) = (writer.log().keyring().clone(), writer.log().recipients().clone());
        let options = SignOptions {
            keyring: &keyring,
            keys: &keys,
            drafts: home.drafts(),
            intake: home.intake(),
            settings: &settings,
            recipients: &recipients,
            now: first,
            replay: true,
        };
        let signed = sign_into(&mut outbox, import, &pseudonyms, &options, &mut |_, _| {}).expect("signed rows");
        assert_eq!(signed.waiting, Vec::<PathBuf>::new());
        let cuts = Cuts::new(first.date(offset), last.date(offset), offset, &settings.evaluations);
        let parcels = outbox.parcels().expect("parcels");
        let outcome = replay(&mut writer, &parcels, &cuts, &mut |_, _| {}).expect("a replay");
        assert!(outcome.refused.is_empty(), "{:?}", outcome.refused);
        let text = format!("log {}\nquorum none\n", writer.log().genesis().expect("a genesis").log_key);
        let (bundle, openings) = (folder.path().join("bundle"), folder.path().join("openings"));
        ledger::export::bundle(&writer, &text, offset, &bundle, &mut |_, _| {}).expect("a bundle");
        let identity = read_identity(&keys.join("npm.sealed.identity")).expect("an identity");
        ledger::export::openings(&writer, &Audience::Oversight, Some(&identity), &openings).expect("openings");
        Self {
            policy: Policy::parse(&text).expect("a policy"),
            bundle: Memory::load(&bundle).expect("a bundle that can be read"),
            openings: Memory::load(&openings).expect("openings that can be read"),
            log_key: ledger::keys::read(&home.log_key()).expect("the log's key"),
            seal_key: ledger::keys::read(&home.seal_key()).expect("the key of seals"),
            keys: read_keys(&keys),
            origin,
            pseudonyms,
        }
    }

    /// The key of a holder, by the register's name of its party; `generation` counts from 1.
    pub fn key(&self, party: &str, holder: &str, generation: u32) -> SecretKey {
        let number = if generation == 1 { String::new() } else { format!(".{generation}") };
        let name = format!("{}.{holder}{number}", self.pseudonyms.party(party));
        self.keys.get(&name).unwrap_or_else(|| panic!("no key {name}")).clone()
    }

    /// The check of a bundle under this world's policy, without openings.
    pub fn check(&self, bundle: &Memory) -> Report {
        check(&mut bundle.clone(), &self.policy, None, &mut NoVisitor)
    }

    /// The same with the openings beside it.
    pub fn check_open(&self, bundle: &Memory, openings: &Memory) -> Report {
        check(&mut bundle.clone(), &self.policy, Some(&mut openings.clone()), &mut NoVisitor)
    }
}

fn read_keys(folder: &Path) -> BTreeMap<String, SecretKey> {
    let files = fs::read_dir(folder).expect("a folder of keys").map(|entry| entry.expect("a file").path());
    let read = |path: PathBuf| {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        (name, ledger::keys::read(&path).expect("a key"))
    };
    files.filter(|path| path.extension().is_some_and(|ending| ending == "key")).map(read).collect()
}

fn write_golden(scenario: &Path) {
    let write = |path: &str, text: &str| {
        let full = scenario.join(path);
        fs::create_dir_all(full.parent().expect("a folder")).expect("a folder");
        fs::write(full, text).expect("a file");
    };
    write("parties.csv", PARTIES);
    write("profile.toml", PROFILE);
    SHEETS.iter().for_each(|sheet| write_sheet(scenario, sheet));
}

fn write_sheet(scenario: &Path, (party, kind, columns, rows): &Sheet<'_>) {
    let folder = scenario.join("registers").join(party);
    fs::create_dir_all(&folder).expect("a folder");
    let text = format!("{COMMON},{columns}\n{}\n", rows.join("\n"));
    fs::write(folder.join(format!("{kind}.csv")), text).expect("a file");
}
