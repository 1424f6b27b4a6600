//! C2SP tlog-policy: whom a reader trusts. FORMAT.md 12.

use std::collections::BTreeMap;

use crate::note::{ALG_COSIGNATURE, ALG_ED25519, BadVkey, Origin, Vkey};

/// Longest policy file, in bytes.
pub const POLICY_BYTES_MAX: usize = 1 << 20;

/// Most logs, witnesses and groups that a policy may name, each.
pub const NAMES_MAX: usize = 64;

/// Whom a reader trusts to sign checkpoints, and how many witnesses must have seen one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Keys of logs; the key name is the origin.
    pub logs: Vec<Vkey>,
    /// Witnesses by their name in this file.
    pub witnesses: Vec<(String, Vkey)>,
    /// Where witnesses are asked, by their name in this file: the address before `/add-checkpoint`.
    pub addresses: BTreeMap<String, String>,
    /// Groups in order of definition.
    pub groups: Vec<Group>,
    /// Name of the witness or group that must have cosigned; `None` where no one must.
    pub quorum: Option<String>,
}

/// A set of witnesses or groups of which some must have cosigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// How many members must have cosigned.
    pub threshold: usize,
    /// Names of its members.
    pub members: Vec<String>,
}

/// Why a policy cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the policy: {what}")]
pub struct BadPolicy {
    /// Line, from 1; 0 for the whole file.
    pub line: usize,
    /// What is wrong with it.
    pub what: PolicyProblem,
}

/// What can be wrong with a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyProblem {
    /// A line that the format does not have.
    #[error("a line reads log, witness, group or quorum")]
    Line,
    /// The last line has no line end: a part may have been cut off.
    #[error("the last line has no line end; the file may be cut off")]
    End,
    /// A control character.
    #[error("a control character")]
    Control,
    /// A key that cannot be read.
    #[error(transparent)]
    Key(#[from] BadVkey),
    /// A key of a type that this line cannot take, or a log name that is no origin.
    #[error("the key is not of the type that this line takes")]
    KeyType,
    /// A key or name defined twice.
    #[error("defined twice")]
    Twice,
    /// A name that no line before defines, or a member named twice.
    #[error("{0:?} is not defined before, or is used twice")]
    Name(String),
    /// A threshold beyond the members.
    #[error("the threshold is not between 1 and the number of members")]
    Threshold,
    /// Not exactly one quorum line.
    #[error("exactly one quorum line is needed (quorum none, where nobody must cosign)")]
    Quorum,
    /// Too many names.
    #[error("more than {NAMES_MAX} logs, witnesses or groups")]
    TooMany,
}

impl Policy {
    /// Reads a policy file.
    ///
    /// # Errors
    /// [`BadPolicy`] names the line.
    pub fn parse(text: &str) -> Result<Self, BadPolicy> {
        let mut policy = Self {
            logs: Vec::new(),
            witnesses: Vec::new(),
            addresses: BTreeMap::new(),
            groups: Vec::new(),
            quorum: None,
        };
        let mut quorums = 0;
        let mut used = Vec::new();
        if !text.ends_with('\n') {
            return Err(BadPolicy { line: text.split('\n').count(), what: PolicyProblem::End });
        }
        for (line, raw) in (1..).zip(text.split('\n')) {
            let bad = |what| BadPolicy { line, what };
            if raw.bytes().any(|b| (b < 0x20 && b != b'\t') || b == 0x7f) {
                return Err(bad(PolicyProblem::Control));
            }
            let words: Vec<&str> = raw.split([' ', '\t']).filter(|w| !w.is_empty()).collect();
            match words.as_slice() {
                [] => {}
                [first, ..] if first.starts_with('#') => {}
                ["log", key, url @ ..] if url.len() <= 1 => policy.add_log(key).map_err(bad)?,
                ["witness", name, key, url @ ..] if url.len() <= 1 => {
                    policy.add_witness(name, key).map_err(bad)?;
                    policy.addresses.extend(url.iter().map(|url| ((*name).to_owned(), (*url).to_owned())));
                }
                ["group", name, threshold, members @ ..] if !members.is_empty() => {
                    policy.add_group(name, threshold, members, &mut used).map_err(bad)?;
                }
                ["quorum", name] => {
                    quorums += 1;
                    if *name != "none" && !policy.has(name) {
                        return Err(bad(PolicyProblem::Name((*name).to_owned())));
                    }
                    policy.quorum = (*name != "none").then(|| (*name).to_owned());
                }
                _ => return Err(bad(PolicyProblem::Line)),
            }
        }
        if quorums != 1 {
            return Err(BadPolicy { line: 0, what: PolicyProblem::Quorum });
        }
        Ok(policy)
    }

    fn has(&self, name: &str) -> bool {
        self.witnesses.iter().any(|(n, _)| n == name) || self.groups.iter().any(|g| g.name == name)
    }

    fn add_log(&mut self, key: &str) -> Result<(), PolicyProblem> {
        let key = Vkey::parse(key)?;
        if key.alg != ALG_ED25519 || Origin::parse(&key.name).is_none() {
            return Err(PolicyProblem::KeyType);
        }
        if self.logs.iter().any(|k| k.key == key.key) {
            return Err(PolicyProblem::Twice);
        }
        self.logs.push(key);
        if self.logs.len() > NAMES_MAX { Err(PolicyProblem::TooMany) } else { Ok(()) }
    }

    fn add_witness(&mut self, name: &str, key: &str) -> Result<(), PolicyProblem> {
        let key = Vkey::parse(key)?;
        if key.alg != ALG_COSIGNATURE {
            return Err(PolicyProblem::KeyType);
        }
        if name == "none" || self.has(name) || self.witnesses.iter().any(|(_, k)| k.key == key.key) {
            return Err(PolicyProblem::Twice);
        }
        self.witnesses.push((name.to_owned(), key));
        if self.witnesses.len() > NAMES_MAX { Err(PolicyProblem::TooMany) } else { Ok(()) }
    }

    fn add_group(
        &mut self,
        name: &str,
        threshold: &str,
        members: &[&str],
        used: &mut Vec<String>,
    ) -> Result<(), PolicyProblem> {
        if name == "none" || self.has(name) {
            return Err(PolicyProblem::Twice);
        }
        for member in members {
            if !self.has(member) || used.iter().any(|u| u == member) {
                return Err(PolicyProblem::Name((*member).to_owned()));
            }
            used.push((*member).to_owned());
        }
        let threshold = match threshold {
            "any" => 1,
            "all" => members.len(),
            k => crate::base::from_decimal(k).and_then(|k| usize::try_from(k).ok()).unwrap_or(0),
        };
        if !(1..=members.len()).contains(&threshold) {
            return Err(PolicyProblem::Threshold);
        }
        let members = members.iter().map(|m| (*m).to_owned()).collect();
        self.groups.push(Group { name: name.to_owned(), threshold, members });
        if self.groups.len() > NAMES_MAX { Err(PolicyProblem::TooMany) } else { Ok(()) }
    }

    /// Whether the quorum is reached when these witnesses, by name, have cosigned.
    pub fn quorum_reached(&self, cosigned: &[&str]) -> bool {
        let Some(quorum) = &self.quorum else { return true };
        let mut seen: Vec<&str> = cosigned.to_vec();
        for group in &self.groups {
            if group.members.iter().filter(|m| seen.contains(&m.as_str())).count() >= group.threshold {
                seen.push(&group.name);
            }
        }
        seen.contains(&quorum.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quorum_counts_groups_of_groups() {
        let group = |name: &str, threshold, members: &[&str]| Group {
            name: name.to_owned(),
            threshold,
            members: members.iter().map(|m| (*m).to_owned()).collect(),
        };
        let groups =
            vec![group("x", 2, &["x1", "x2", "x3"]), group("y", 1, &["y1", "y2"]), group("both", 2, &["x", "y"])];
        let policy = |quorum: Option<&str>| Policy {
            logs: Vec::new(),
            witnesses: Vec::new(),
            addresses: BTreeMap::new(),
            groups: groups.clone(),
            quorum: quorum.map(str::to_owned),
        };
        for (quorum, cosigned, want) in [
            (None, vec![], true),
            (Some("x1"), vec!["x1"], true),
            (Some("x1"), vec!["x2", "y1"], false),
            (Some("x"), vec!["x1", "x3"], true),
            (Some("x"), vec!["x1", "x1"], false),
            (Some("both"), vec!["x1", "x2", "y2"], true),
            (Some("both"), vec!["x1", "x2", "x3"], false),
            (Some("both"), vec!["x1", "y1", "y2"], false),
            (Some("both"), vec!["nobody"], false),
        ] {
            assert_eq!(policy(quorum).quorum_reached(&cosigned), want, "{quorum:?} {cosigned:?}");
        }
    }
}
