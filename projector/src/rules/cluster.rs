//! Events that crowd together. `rules/RULES.md` 1, "Cluster".

use std::collections::BTreeSet;

use schemas::time::Date;

/// What makes a cluster.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crowd {
    /// At least so many members,
    pub members: i64,
    /// at so many places,
    pub places: i64,
    /// on days that span at most so many.
    pub days: i64,
}

/// One candidate: its day and its place.
pub(crate) type Member<'a> = (Date, &'a str);

impl Crowd {
    /// The numbers of all members of the clusters in which candidate `at` is; empty where it is in none.
    pub fn around(self, all: &[Member<'_>], at: usize) -> BTreeSet<usize> {
        let day = all[at].0;
        let mut crowd = BTreeSet::new();
        // Every largest cluster begins on the day of a member.
        for (first, _) in all.iter().filter(|(first, _)| *first <= day && day <= first.plus_days(self.days)) {
            let inside = |d: Date| *first <= d && d <= first.plus_days(self.days);
            let members: Vec<usize> = (0..all.len()).filter(|i| inside(all[*i].0)).collect();
            let places: BTreeSet<&str> = members.iter().map(|i| all[*i].1).collect();
            if members.len() as i64 >= self.members && places.len() as i64 >= self.places {
                crowd.extend(members);
            }
        }
        crowd
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_needs_members_places_and_nearness() {
        let crowd = Crowd { members: 3, places: 2, days: 60 };
        let member = |text: &str| (Date::parse(&text[..10]).unwrap(), if text.ends_with('a') { "a" } else { "b" });
        for (all, at, want) in [
            (&["2025-01-01a", "2025-02-01b", "2025-03-02a"][..], 0, &[0, 1, 2][..]),
            // Exactly 60 days from first to last is in, 61 is out.
            (&["2025-01-01a", "2025-02-01b", "2025-03-03a"][..], 0, &[][..]),
            // One place alone is none, however many.
            (&["2025-01-01a", "2025-01-02a", "2025-01-03a", "2025-01-04a"][..], 1, &[][..]),
            (&["2025-01-01a", "2025-01-02b"][..], 0, &[][..]),
            // In some cluster: the middle one belongs to both.
            (&["2025-01-01a", "2025-02-20b", "2025-02-25a", "2025-04-20b"][..], 1, &[0, 1, 2, 3][..]),
            (&["2025-01-01a", "2025-02-20b", "2025-02-25a", "2025-04-20b"][..], 0, &[0, 1, 2][..]),
        ] {
            let all: Vec<_> = all.iter().map(|t| member(t)).collect();
            assert_eq!(crowd.around(&all, at), want.iter().copied().collect(), "{all:?} {at}");
        }
    }
}
