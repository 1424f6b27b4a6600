//! What an institution goes by where the ledger is not: whose outbox it is, which log it is for, whom it trusts.

use std::collections::BTreeMap;

use schemas::catalogue::is_id;
use schemas::note::Origin;
use schemas::policy::Policy;
use schemas::recipient::is_recipient;
use schemas::value::Value;

use super::BadOutpost;
use crate::import::{self, Limits, Parties};
use crate::pseudonym::Pseudonyms;

/// Settings of an outpost; they lie encrypted beside its journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Name of the log.
    pub origin: Origin,
    /// The institution, by its id in the list of parties.
    pub party: String,
    /// Where the ledger answers, `http://…` or `https://…`; nothing where only sticks travel.
    pub address: Option<String>,
    /// Offset of local days from UTC, in minutes.
    pub utc_offset_minutes: i32,
    /// Text of the policy that the institution holds from elsewhere: no answer is believed without it.
    pub policy: String,
    /// List of parties, as `parties.csv` has it.
    pub parties: String,
    /// Pseudonyms that this institution knows, a line `<id> <pseudonym>` each.
    pub pseudonyms: String,
    /// Age keys of oversight to which sealed values are encrypted.
    pub recipients: Vec<String>,
    /// The device of this outbox, `device.enrolled`, if it is enrolled.
    pub device: Option<String>,
    /// Number that this device's keys use first: above all that the same keys used elsewhere.
    pub first_number: i64,
}

impl Standing {
    /// The policy, read.
    ///
    /// # Errors
    /// [`BadOutpost::Standing`].
    pub fn policy(&self) -> Result<Policy, BadOutpost> {
        let policy = Policy::parse(&self.policy).map_err(|why| bad(format!("the policy: {why}")))?;
        if policy.logs.iter().any(|key| key.name == self.origin.as_str()) {
            return Ok(policy);
        }
        Err(bad(format!("the policy has no key of the log {}: no answer of it could be checked", self.origin)))
    }

    /// Refuses what no outpost could work with.
    pub(super) fn check(&self) -> Result<(), BadOutpost> {
        self.policy()?;
        if !is_id(&self.party) {
            return Err(bad(format!("the party {:?}: letters, digits and . _ : - only", self.party)));
        }
        if let Some(address) = &self.address
            && !(address.starts_with("http://") || address.starts_with("https://"))
        {
            return Err(bad(format!("the address {address:?} begins with neither http:// nor https://")));
        }
        if let Some(key) = self.recipients.iter().find(|key| !is_recipient(key)) {
            return Err(bad(format!("{key:?} is not an age recipient (age1…)")));
        }
        if !(1..=1 << 52).contains(&self.first_number) {
            return Err(bad(format!("the first number {}: from 1 on", self.first_number)));
        }
        Ok(())
    }

    /// The parties that the institution knows.
    ///
    /// # Errors
    /// [`BadOutpost::Standing`] if the list cannot be read.
    pub fn parties(&self) -> Result<Parties, BadOutpost> {
        let (parties, problems) = Parties::read("parties.csv", self.parties.as_bytes(), &Limits::default());
        if problems.is_empty() {
            return Ok(parties);
        }
        Err(BadOutpost::Standing { what: import::render(&problems) })
    }

    /// How the log names parties that it does not name openly.
    ///
    /// # Errors
    /// [`BadOutpost::Standing`] if one of the list has no pseudonym here.
    pub fn pseudonyms(&self) -> Result<Pseudonyms, BadOutpost> {
        let what = "a party of the list is not named in public, and its pseudonym is not known here: ask the ledger's \
                    office for its file `pseudonyms` and give it with --pseudonyms FILE, or leave the party out of the list";
        Pseudonyms::told(&self.pseudonyms, &self.parties()?)
            .ok_or_else(|| BadOutpost::Standing { what: what.to_owned() })
    }

    pub(super) fn to_value(&self) -> Value {
        let text = |text: &str| Value::Text(text.to_owned());
        let mut members = BTreeMap::from([
            ("first_number".to_owned(), Value::Integer(self.first_number)),
            ("origin".to_owned(), text(self.origin.as_str())),
            ("parties".to_owned(), text(&self.parties)),
            ("party".to_owned(), text(&self.party)),
            ("policy".to_owned(), text(&self.policy)),
            ("pseudonyms".to_owned(), text(&self.pseudonyms)),
            ("recipients".to_owned(), Value::List(self.recipients.iter().map(|key| text(key)).collect())),
            ("utc_offset_minutes".to_owned(), Value::Integer(i64::from(self.utc_offset_minutes))),
        ]);
        members.extend(self.address.as_ref().map(|address| ("address".to_owned(), text(address))));
        members.extend(self.device.as_ref().map(|device| ("device".to_owned(), text(device))));
        Value::Object(members)
    }

    pub(super) fn of_value(value: &Value) -> Option<Self> {
        let text = |name: &str| value.get(name).and_then(Value::as_text).map(str::to_owned);
        let number = |name: &str| value.get(name).and_then(Value::as_integer);
        let recipients = value.get("recipients")?.as_list()?.iter().map(|key| key.as_text().map(str::to_owned));
        Some(Self {
            origin: Origin::parse(&text("origin")?)?,
            party: text("party")?,
            address: text("address"),
            utc_offset_minutes: i32::try_from(number("utc_offset_minutes")?).ok()?,
            policy: text("policy")?,
            parties: text("parties")?,
            pseudonyms: text("pseudonyms")?,
            recipients: recipients.collect::<Option<_>>()?,
            device: text("device"),
            first_number: number("first_number")?,
        })
    }
}

fn bad(what: String) -> BadOutpost {
    BadOutpost::Standing { what }
}
