//! Whose pen may write what: signatures, and what is not one's own. Admission refuses the
//! same; here the officer sees it before anything is signed.

use schemas::catalogue::{Cosigner, Role};
use verifier::erasures::ERASURE;

use super::columns::Use;
use super::echo::shown;
use super::parties::holder_or_near;
use super::problem::{Problems, What};
use super::row::{Row, World};

/// Checks that need nothing but the row.
pub(crate) fn check(row: &mut Row<'_>, world: &World<'_>, told: &mut Problems) {
    signatures(row, world, told);
    let party = row.sheet.party.clone();
    let event = row.sheet.event;
    let role = world.role_of(&party);
    for (writes, field) in [(Role::Cso, "organisation"), (Role::Facility, "facility")] {
        if role == Some(writes) && row.text(field).is_some_and(|about| about != party) {
            row.tell(told, row.column(field), What::NotOwnField { party: party.clone() });
        }
    }
    let about = row.text("organisation").map(str::to_owned);
    match event.name.as_str() {
        "key.enrolled" | "key.rotated" | "key.revoked" => keys(row, world, about, told),
        "inspection.conducted" if role != Some(Role::Oversight) => {
            if let Some(kind) = row.text("kind").filter(|kind| !matches!(*kind, "internal" | "followup")) {
                let what = What::InspectionKind { shown: shown(kind) };
                row.tell(told, row.column("kind"), what);
            }
        }
        "record.corrected" | "record.retracted" => {
            let target = row.bare.first().and_then(|(_, items)| items.first());
            let of = target.and_then(|address| address.split('/').next()).unwrap_or(&party).to_owned();
            if of != party {
                row.tell(told, Some(Use::Ref(0)), What::NotOwnTarget { party: of });
            }
        }
        _ => {}
    }
}

/// Each party enrols, rotates and revokes its own keys, oversight those of oversight; a key bears
/// the role of its party and the name of one of its holders.
fn keys(row: &mut Row<'_>, world: &World<'_>, about: Option<String>, told: &mut Problems) {
    let author = row.sheet.party.clone();
    let Some(party) = about else { return };
    let oversight = |party: &str| world.role_of(party) == Some(Role::Oversight);
    let enrols = row.sheet.event.name == "key.enrolled";
    // What a CSO writes about another party was told already.
    let told_already = world.role_of(&author) == Some(Role::Cso);
    if party != author && !told_already && !(enrols && oversight(&party) && oversight(&author)) {
        row.tell(told, row.column("organisation"), What::KeyOfAnother { party: author });
    }
    if let Some(role) = world.role_of(&party)
        && row.text("role").is_some_and(|given| given != role.as_str())
    {
        row.tell(told, row.column("role"), What::KeyRole { party: party.clone(), role: role.as_str() });
    }
    let holder = row.text("holder").unwrap_or_default().to_owned();
    if let Some(known) = world.parties.get(&party)
        && !holder.is_empty()
        && let Err(near) = holder_or_near(known, &holder)
    {
        row.tell(told, row.column("holder"), What::NotAHolder { shown: shown(&holder), party, near });
    }
}

/// A second signature is wanted, or not; only where trust hangs on it is a missing one refused, or one by the same
/// holder: elsewhere rule V-03 makes that public. One by whom the catalogue does not name is refused here as admission
/// would (FORMAT.md 11.14.3), before anything is signed.
fn signatures(row: &mut Row<'_>, world: &World<'_>, told: &mut Problems) {
    let event = row.sheet.event;
    let name = || event.name.clone();
    let Some(from) = event.cosigner else {
        if row.cosigner.is_some() && event.name != "visit.dispute.resolved" {
            row.tell(told, Some(Use::Cosigner), What::CosignerUnasked { event: name() });
        }
        return;
    };
    let is_free = row.cosigner.is_none() || row.cosigner == row.signer || event.name == ERASURE;
    if !event.trust && is_free {
        return;
    }
    let party = &row.sheet.party;
    let wanted = match from {
        Cosigner::Same => party.clone(),
        Cosigner::Organisation => row.text("organisation").unwrap_or("the organisation").to_owned(),
        Cosigner::Operator => "the operator".to_owned(),
        Cosigner::Oversight => "an oversight body".to_owned(),
    };
    let what = match &row.cosigner {
        // A cell that holds no holder was told already.
        None if row.sheet.header.at(Use::Cosigner).is_some() && row.refused => return,
        None => What::CosignerMissing { event: name() },
        some if *some == row.signer => What::CosignerSame { event: name() },
        Some(holder) => {
            let fits = match from {
                Cosigner::Same | Cosigner::Organisation => holder.party == wanted,
                Cosigner::Operator => world.role_of(&holder.party) == Some(Role::Operator),
                Cosigner::Oversight => world.role_of(&holder.party) == Some(Role::Oversight),
            };
            if fits {
                return;
            }
            What::CosignerWrong { event: name(), wanted }
        }
    };
    row.tell(told, Some(Use::Cosigner), what);
}

const DECIDES: [&str; 6] = [
    "access.request.acknowledged",
    "access.clarification.requested",
    "access.request.approved",
    "access.request.denied",
    "access.approval.suspended",
    "access.approval.revoked",
];

/// Checks that need the rows referred to: `cases` are the facilities that they name, each with
/// the place of the ref.
pub(crate) fn check_refs(row: &mut Row<'_>, cases: &[(usize, String)], world: &World<'_>, told: &mut Problems) {
    let event = row.sheet.event;
    let party_of =
        |row: &Row<'_>, name: &str| Some(row.refs.get(name)?.first()?.split('/').next().unwrap_or_default().to_owned());
    match event.name.as_str() {
        "access.request.withdrawn" | "access.clarification.supplied" => {
            let of = party_of(row, "request");
            if let Some(party) = of.filter(|of| *of != row.sheet.party) {
                row.tell(told, Some(Use::Ref(0)), What::NotRequester { party });
            }
        }
        "visit.dispute.resolved" if world.role_of(&row.sheet.party) != Some(Role::Oversight) => {
            // Who disputed is the other side, and a visit is recorded by its facility.
            let (Some(organisation), Some(facility)) = (party_of(row, "dispute"), party_of(row, "visit")) else {
                return;
            };
            let other = row.cosigner.as_ref().map(|c| c.party.as_str());
            if row.sheet.party != facility || other != Some(organisation.as_str()) {
                row.tell(told, Some(Use::Cosigner), What::DisputeSides { facility, organisation });
            }
        }
        name if DECIDES.contains(&name) => {
            let is_case = |n: usize| matches!(event.refs[n].name.as_str(), "request" | "approval");
            let Some((n, party)) = cases.iter().find(|(n, _)| is_case(*n)).cloned() else { return };
            if row.text("facility").is_some_and(|facility| facility != party) {
                row.tell(told, Some(Use::Ref(n)), What::NotOwnCase { party });
            }
        }
        _ => {}
    }
}
