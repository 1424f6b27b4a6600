//! Erasures in small logs. FORMAT.md 17, 21.5.

use verifier::erasures::{Erasures, Unlawful};

use crate::logs::Body;
use crate::reader::Vector;

#[test]
fn erasures() {
    let mut wrong = Vec::new();
    for vector in Vector::read_all("erasure") {
        let body = Body::of(&vector.body);
        let (mut follower, all) = body.follow();
        let all = all.unwrap_or_else(|fault| panic!("{}: {fault}", vector.name));
        let mut erasures = Erasures::default();
        for accepted in &all {
            let (accepted, state) = (accepted.get(), follower.state());
            erasures.see(&accepted.entry, accepted.roles(), &|address| state.record(address));
        }
        let line = std::str::from_utf8(body.rest).unwrap().strip_prefix("erased: ").unwrap().trim_end();
        let words: Vec<&str> = line.split(' ').collect();
        let [position, slot, by] = words[..] else { panic!("{}: {line}", vector.name) };
        let target = (position.parse::<u64>().unwrap(), slot.to_owned());
        let got = match erasures.lawful(by.parse().unwrap()) {
            Ok(targets) if targets.contains(&target) => "ok",
            Ok(_) => "refused target",
            Err(Unlawful::NotErasure { .. }) => "refused not-erasure",
            Err(Unlawful::Cosigner) => "refused cosigner",
            Err(Unlawful::Public { .. }) => "refused public",
            Err(Unlawful::NotGranted { .. }) => "refused granted",
            Err(Unlawful::Evidence { .. }) => "refused evidence",
        };
        if got != vector.expect {
            wrong.push(format!("{}: {got}, expected {} ({})", vector.name, vector.expect, vector.comment));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
