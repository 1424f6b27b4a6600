//! A country small enough to stand on a page, and how to spoil it.

use std::collections::BTreeMap;

use ledger::import::{Import, Known, Nothing, Options, read_folder, template};
use tempfile::TempDir;

pub const PARTIES: &str = "\
party,role,display_name,identity_mode,languages,holders
op,operator,Ledger Office,named,en,ops-1;ops-2
adm,administration,Prison Administration,named,fr,reg-1;dir-1
min,ministry,Ministry of Justice,named,fr,cab-1;sec-1
npm,oversight,Preventive Mechanism,named,fr,insp-1;chief-1
fac-a,facility,Prison A,named,fr;ar,desk-1;dir-1
fac-b,facility,Prison B,named,ar;fr,desk-1;dir-1
cso-x,cso,Open Hands,named,fr,office-1;office-2
cso-y,cso,Blue House,pseudonym,fr,office-1
";

pub const DIGEST: &str = "d1a17fcebc502444c7c1bb985dac710e52565dff768f73bcafbac8487a1df1fb";

/// A register of one row: the party, the type, and the cells by column.
pub type Sheet<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

const EVENT: [(&str, &str); 5] =
    [("row_id", "r1"), ("occurred_at", "2025-03-04"), ("signer", ""), ("cosigner", ""), ("id", "")];

pub const REQUEST: Sheet<'_> = (
    "cso-x",
    "access.request.submitted",
    &[
        ("signer", "office-1"),
        ("id", "rq-1"),
        ("facility", "fac-a"),
        ("organisation", "cso-x"),
        ("purpose", "family"),
        ("target", "all"),
        ("slots", ""),
        ("private_interviews", "false"),
        ("languages", "fr"),
    ],
);
pub const APPROVAL: Sheet<'_> = (
    "fac-a",
    "access.request.approved",
    &[
        ("signer", "desk-1"),
        ("id", "ap-1"),
        ("request", "rq-1"),
        ("appeal", ""),
        ("facility", "fac-a"),
        ("organisation", "cso-x"),
        ("valid_from", "2025-03-05"),
        ("valid_to", "2025-04-05"),
        ("visits_granted", "1"),
        ("private_interviews", "granted"),
        ("auto", "false"),
    ],
);
pub const DENIAL: Sheet<'_> = (
    "fac-b",
    "access.request.denied",
    &[
        ("signer", "desk-1"),
        ("cosigner", "dir-1"),
        ("id", "dn-1"),
        ("request", "rq-2"),
        ("facility", "fac-b"),
        ("organisation", "cso-y"),
        ("reason", "security_incident"),
        ("legal_basis", ""),
        ("legal_basis_lang", ""),
        ("individual_assessment", "true"),
        ("justification_given", "true"),
        ("justification", ""),
        ("justification_lang", ""),
        ("auto", "false"),
    ],
);
pub const REQUEST_B: Sheet<'_> = (
    "cso-y",
    "access.request.submitted",
    &[
        ("signer", "office-1"),
        ("id", "rq-2"),
        ("facility", "fac-b"),
        ("organisation", "cso-y"),
        ("purpose", "family"),
        ("target", "all"),
        ("private_interviews", "false"),
    ],
);
pub const VISIT: Sheet<'_> = (
    "fac-a",
    "visit.completed",
    &[
        ("signer", "desk-1"),
        ("id", "vi-1"),
        ("approval", "ap-1"),
        ("agreement", ""),
        ("notice_ref", ""),
        ("facility", "fac-a"),
        ("organisation", "cso-x"),
        ("visited_on", "2025-03-04"),
        ("entered_at", "2025-03-04T09:00:00Z"),
        ("left_at", "2025-03-04T10:00:00Z"),
        ("duration", "60"),
        ("wait", "10"),
        ("team_in", ""),
        ("areas_refused", ""),
        ("private_interviews_refused", "false"),
        ("staff_present_at_interviews", "false"),
        ("completion", "normal"),
    ],
);
pub const REGISTRATION: Sheet<'_> = (
    "min",
    "organisation.registered",
    &[
        ("signer", "cab-1"),
        ("organisation", "cso-x"),
        ("kind", "cso"),
        ("name", "Open Hands"),
        ("name_lang", "en"),
        ("registry_id", "XV-1"),
        ("founded_on", "2009-03-02"),
        ("founded_by_state", "false"),
        ("board_size", ""),
        ("officials_over_half", "false"),
        ("state_funding", "12.5"),
        ("identity_mode", "named"),
        ("languages", "fr;ar"),
    ],
);
pub const AGREEMENT: Sheet<'_> = (
    "min",
    "agreement.concluded",
    &[
        ("signer", "cab-1"),
        ("cosigner", "cso-x:office-1"),
        ("id", "ag-1"),
        ("organisation", "cso-x"),
        ("facilities", "fac-a"),
        ("scope", "monitoring"),
        ("access_regime", "notice_only"),
        ("private_interviews", "true"),
        ("valid_from", "2025-03-05"),
        ("publication_clause", "none"),
        ("confidentiality", "respected"),
        ("termination_notice", "30"),
        ("doc", DIGEST),
    ],
);
pub const KEY: Sheet<'_> = (
    "fac-a",
    "key.enrolled",
    &[
        ("signer", "desk-1"),
        ("cosigner", "op:ops-1"),
        ("id", "key-fac-a-desk-1"),
        ("organisation", "fac-a"),
        ("holder", "desk-1"),
        ("role", "facility"),
        ("alg", "ed25519"),
        ("public_key", ""),
        ("valid_from", "2025-01-01T04:00:00Z"),
    ],
);
pub const CORRECTION: Sheet<'_> = (
    "fac-a",
    "record.corrected",
    &[
        ("signer", "desk-1"),
        ("cosigner", "dir-1"),
        ("target", "fac-a/visit.completed/r1"),
        ("field_name", "wait"),
        ("new_value_public", "12"),
        ("new_value_public_lang", ""),
        ("new_value_restricted", ""),
        ("new_value_restricted_lang", ""),
        ("new_value_sealed", ""),
        ("new_value_sealed_lang", ""),
        ("reason", "typo"),
        ("note", ""),
        ("note_lang", ""),
    ],
);
pub const FUNDING: Sheet<'_> = (
    "cso-x",
    "funding.expended",
    &[
        ("signer", "office-1"),
        ("commitment", "fc-1"),
        ("organisation", "cso-x"),
        ("period_from", "2025-01-01"),
        ("period_to", "2025-03-01"),
        ("amount_amount", "1250"),
        ("amount_currency", "XTS"),
    ],
);
pub const COMPLAINT: Sheet<'_> = (
    "npm",
    "complaint.lodged",
    &[
        ("signer", "insp-1"),
        ("id", "cm-1"),
        ("intake_at", "2025-03-04T09:00:00Z"),
        ("about", "conditions"),
        ("complainant_kind", "organisation"),
        ("organisation", "cso-y"),
        ("addressee", "adm"),
        ("consent_to_share", "false"),
        ("narrative", ""),
        ("narrative_lang", ""),
        ("risk", "low"),
    ],
);
pub const INSPECTION: Sheet<'_> = (
    "adm",
    "inspection.conducted",
    &[
        ("signer", "reg-1"),
        ("id", "is-1"),
        ("follows", ""),
        ("facility", "fac-a"),
        ("kind", "internal"),
        ("unannounced", "true"),
        ("chosen_by", "body"),
        ("started_on", "2025-03-03"),
        ("ended_on", "2025-03-04"),
        ("team", "3"),
        ("women_in_team", "1"),
        ("team_two_or_more", "true"),
        ("women_present", "true"),
        ("health_professional", "true"),
        ("full_access", "true"),
        ("private_interviews", "held"),
        ("cooperation", "full"),
    ],
);

/// A folder on its way to be read.
pub struct Country {
    pub files: BTreeMap<String, Vec<u8>>,
    pub options: Options,
}

impl Country {
    /// Nobody but the parties.
    pub fn empty() -> Self {
        let files =
            BTreeMap::from([("parties.csv".to_owned(), PARTIES.into()), ("registers/.keep".to_owned(), Vec::new())]);
        Self { files, options: Options::default() }
    }

    /// A request, its approval and the visit, and one register of most other kinds of value.
    pub fn good() -> Self {
        let sheets = [REQUEST, REQUEST_B, APPROVAL, VISIT, REGISTRATION, KEY, COMPLAINT, INSPECTION];
        sheets.into_iter().fold(Self::empty(), |country, sheet| country.with(sheet, &[]))
    }

    /// With a register, some of its cells changed; a column that it lacks is added.
    pub fn with(self, sheet: Sheet<'_>, changes: &[(&str, &str)]) -> Self {
        let text = csv(sheet, &[changes]);
        self.file(&path(sheet), &text)
    }

    /// With a file as it is.
    pub fn file(mut self, path: &str, text: &str) -> Self {
        self.files.insert(path.to_owned(), text.as_bytes().to_vec());
        self
    }

    pub fn bytes(mut self, path: &str, bytes: &[u8]) -> Self {
        self.files.insert(path.to_owned(), bytes.to_vec());
        self
    }

    pub fn options(self, options: Options) -> Self {
        Self { options, ..self }
    }

    pub fn write(&self) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, bytes) in &self.files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        folder
    }

    pub fn read(&self) -> Import {
        self.read_with(&Nothing)
    }

    pub fn read_with(&self, known: &dyn Known) -> Import {
        read_folder(self.write().path(), &self.options, known)
    }
}

pub fn path(sheet: Sheet<'_>) -> String {
    format!("registers/{}/{}.csv", sheet.0, sheet.1)
}

/// The text of a register with one row for each set of changes; columns stand in their order.
pub fn csv(sheet: Sheet<'_>, rows: &[&[(&str, &str)]]) -> String {
    let mut order: Vec<String> = template(sheet.1).unwrap().trim_end().split(',').map(str::to_owned).collect();
    order.insert(2, "received_at".to_owned());
    let named = |name: &String| {
        let all = EVENT.iter().chain(sheet.2).chain(rows.iter().copied().flatten());
        all.into_iter().any(|(column, _)| column == name)
    };
    order.retain(named);
    for (column, _) in rows.iter().copied().flatten() {
        if !order.iter().any(|name| name == column) {
            order.push((*column).to_owned());
        }
    }
    let quoted = |cell: &str| {
        if cell.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", cell.replace('"', "\"\""))
        } else {
            cell.to_owned()
        }
    };
    let mut text = order.join(",") + "\n";
    for changes in rows {
        let all: BTreeMap<&str, &str> = EVENT.iter().chain(sheet.2).chain(*changes).copied().collect();
        let cells: Vec<_> = order.iter().map(|name| quoted(all.get(name.as_str()).copied().unwrap_or(""))).collect();
        text += &(cells.join(",") + "\n");
    }
    text
}
