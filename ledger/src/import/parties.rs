//! `parties.csv`: who takes part, in which role, and who holds their pens.

use std::collections::{BTreeMap, BTreeSet};

use schemas::catalogue::{ID_BYTES_MAX, Role, is_id, is_language};
use schemas::lint;
use schemas::visible::{self, Show as _};

use super::near::did_you_mean;
use super::problem::{Problem, Problems, What};
use super::table::{self, Charset};
use super::{Limits, is_harmless};

/// The header of `parties.csv`.
pub const COLUMNS: [&str; 6] = ["party", "role", "display_name", "identity_mode", "languages", "holders"];
const HEADER: &str = "party,role,display_name,identity_mode,languages,holders";

/// How the public log names a party.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityMode {
    /// Under its own id.
    Named,
    /// Under a pseudonym.
    Pseudonym,
    /// Under a pseudonym; in views it is counted and nothing more.
    AggregateOnly,
}

impl IdentityMode {
    /// Reads the code of the code list `identity_mode`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "named" => Some(Self::Named),
            "pseudonym" => Some(Self::Pseudonym),
            "aggregate_only" => Some(Self::AggregateOnly),
            _ => None,
        }
    }

    /// Whether the log prints the party's own id.
    pub fn is_named(self) -> bool {
        self == Self::Named
    }
}

/// One institution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// Its id.
    pub id: String,
    /// Its role.
    pub role: Role,
    /// Its name, as people write it.
    pub display_name: String,
    /// How the public log names it.
    pub identity_mode: IdentityMode,
    /// Its languages, BCP 47; the first is that of its texts unless they say otherwise.
    pub languages: Vec<String>,
    /// Its holders, in the order in which their keys are made.
    pub holders: Vec<String>,
}

/// All institutions of a country.
#[derive(Clone, Debug, Default)]
pub struct Parties {
    list: Vec<Party>,
    places: BTreeMap<String, usize>,
    refused: BTreeSet<String>,
    unnamed: Vec<Unnamed>,
}

/// No line of the list has that id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: no such party in the ledger's list of parties{near}", id.shown())]
pub struct NoParty {
    id: String,
    near: String,
}

/// What no public text may hold: id and name of a party, as [`lint::words`] writes them.
#[derive(Clone, Debug)]
struct Unnamed {
    id: String,
    name: String,
}

impl Parties {
    /// Reads `parties.csv`. Lines that cannot be used are left out and told of.
    pub fn read(file: &str, bytes: &[u8], limits: &Limits) -> (Self, Vec<Problem>) {
        let mut parties = Self::default();
        let mut problems = Problems::new(limits.problems);
        parties.fill(file, bytes, limits, &mut problems);
        (parties, problems.finish().0)
    }

    fn fill(&mut self, file: &str, bytes: &[u8], limits: &Limits, problems: &mut Problems) {
        let text = match Charset::Utf8.decode(bytes) {
            Ok(text) => text,
            Err((line, what)) => return problems.push(Problem { line, ..Problem::of_file(file, what) }),
        };
        let records = match table::records(&text, limits) {
            Ok(records) => records,
            Err((line, what)) => return problems.push(Problem::of_file(file, what).at_line(line)),
        };
        let Some((header, rows)) = records.split_first() else {
            return problems.push(Problem::of_file(file, What::Empty {}));
        };
        if header.cells != COLUMNS {
            let what = What::PartyColumns { expected: HEADER };
            return problems.push(Problem::of_file(file, what).at_line(header.line));
        }
        let mut lines = BTreeMap::new();
        for row in rows {
            let here = Problem::of_file(file, What::Empty {}).at_line(row.line);
            if row.cells.len() != COLUMNS.len() {
                let what = What::Ragged { found: row.cells.len(), expected: COLUMNS.len() };
                self.refused.extend(row.cells.first().cloned());
                problems.push(Problem { what, ..here });
                continue;
            }
            let id = row.cells[0].clone();
            if let Some(line) = lines.insert(id.clone(), row.line) {
                problems.push(Problem { what: What::PartyTwice { line }, ..here }.in_column(COLUMNS[0]));
                continue;
            }
            match party(&row.cells) {
                Ok(party) => self.add(party),
                Err(bad) => {
                    self.refused.insert(id);
                    problems.extend(
                        bad.into_iter().map(|(column, what)| Problem { what, ..here.clone() }.in_column(column)),
                    );
                }
            }
        }
    }

    fn add(&mut self, party: Party) {
        if !party.identity_mode.is_named() {
            self.unnamed.push(Unnamed { id: lint::words(&party.id), name: lint::words(&party.display_name) });
        }
        self.places.insert(party.id.clone(), self.list.len());
        self.list.push(party);
    }

    /// The party of that id.
    pub fn get(&self, id: &str) -> Option<&Party> {
        self.places.get(id).map(|at| &self.list[*at])
    }

    /// The party of that id, for whoever names one in words.
    ///
    /// # Errors
    /// That there is none, with the id that is nearest.
    pub fn named(&self, id: &str) -> Result<&Party, NoParty> {
        let near = || did_you_mean(id, self.list.iter().map(|party| party.id.as_str()));
        self.get(id).ok_or_else(|| NoParty { id: id.to_owned(), near: near() })
    }

    /// All parties, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Party> {
        self.list.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether the log prints this id as it is; so for ids that the file does not have.
    pub fn is_named(&self, id: &str) -> bool {
        self.get(id).is_none_or(|party| party.identity_mode.is_named())
    }

    /// Whether the party has a line that cannot be used.
    pub(crate) fn is_refused(&self, id: &str) -> bool {
        self.refused.contains(id)
    }

    /// Whether a text holds the id or the name of a party that is not to be named, in any
    /// case and with any signs between the words.
    pub fn names_unnamed(&self, text: &str) -> bool {
        self.names_unnamed_but(text, None)
    }

    /// The same, but for one party, which may be named there.
    pub fn names_unnamed_but(&self, text: &str, but: Option<&str>) -> bool {
        if self.unnamed.is_empty() {
            return false;
        }
        let text = format!(" {} ", lint::words(text));
        let holds = |words: &str| !words.is_empty() && text.contains(&format!(" {words} "));
        let but = but.map(lint::words);
        self.unnamed
            .iter()
            .filter(|party| Some(&party.id) != but.as_ref())
            .any(|party| holds(&party.id) || holds(&party.name))
    }
}

/// Reads one line, or says all that is wrong with it.
fn party(cells: &[String]) -> Result<Party, Vec<(&'static str, What)>> {
    let mut bad = Vec::new();
    let mut check = |column: usize, good: bool, expected: &'static str| {
        if !good {
            bad.push((COLUMNS[column], What::BadParty { expected }));
        }
    };
    let list = |cell: &str| cell.split(';').map(str::to_owned).collect::<Vec<_>>();
    let once = |items: &[String]| items.iter().collect::<BTreeSet<_>>().len() == items.len();
    check(0, is_name(&cells[0]), "a party id: letters, digits and . _ -, the first a letter or digit, at most 128");
    let role = Role::parse(&cells[1]);
    check(1, role.is_some(), "a role of the catalogue, such as facility, cso or oversight");
    let name = &cells[2];
    check(
        2,
        !name.trim().is_empty() && name.len() <= ID_BYTES_MAX * 2 && visible::hidden_in_line(name).is_none(),
        "a name of at most 256 bytes, without line breaks and characters that nobody sees (direction controls among them)",
    );
    let identity_mode = IdentityMode::parse(&cells[3]);
    check(3, identity_mode.is_some(), "named, pseudonym or aggregate_only");
    let languages = list(&cells[4]);
    let fit = languages.iter().all(|l| is_language(l)) && once(&languages);
    check(4, fit, "a list of BCP 47 languages joined by ;, such as fr;ar");
    let holders = list(&cells[5]);
    let fit = holders.iter().all(|h| is_name(h)) && once(&holders);
    check(5, fit, "a list of holder names joined by ;, each once: letters, digits and . _ -");
    match (role, identity_mode) {
        (Some(role), Some(identity_mode)) if bad.is_empty() => {
            Ok(Party { id: cells[0].clone(), role, display_name: name.clone(), identity_mode, languages, holders })
        }
        _ => Err(bad),
    }
}

/// An id that can stand in `<party>:<holder>` and as the name of a folder.
fn is_name(text: &str) -> bool {
    is_id(text) && !text.contains(':') && text.as_bytes()[0].is_ascii_alphanumeric()
}

/// The holder that a cell names, or the end of an advice that may help.
pub(crate) fn holder_or_near<'a>(party: &'a Party, name: &str) -> Result<&'a str, String> {
    let holders = || party.holders.iter().map(String::as_str);
    holders()
        .find(|h| *h == name)
        .ok_or_else(|| if is_harmless(name) || name.is_empty() { did_you_mean(name, holders()) } else { String::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rows: &str) -> (Parties, Vec<String>) {
        let (parties, problems) =
            Parties::read("parties.csv", format!("{HEADER}\n{rows}").as_bytes(), &Limits::default());
        (parties, problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn parties_are_read_in_order() {
        let (parties, problems) =
            read("b,cso,Bü,pseudonym,fr;ar,desk-1;desk-2\na,facility,\"A, first\",named,en,desk-1\n");
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(parties.iter().map(|p| p.id.as_str()).collect::<Vec<_>>(), ["b", "a"]);
        let b = parties.get("b").unwrap();
        assert_eq!((b.role, b.identity_mode, b.languages[0].as_str()), (Role::Cso, IdentityMode::Pseudonym, "fr"));
        assert_eq!(b.holders, ["desk-1", "desk-2"]);
        assert_eq!((parties.is_named("a"), parties.is_named("b")), (true, false));
    }

    #[test]
    fn every_bad_line_is_told_with_its_column() {
        let good = ["p", "cso", "P", "named", "fr", "desk-1"];
        for (column, cell) in [
            (0, ""),
            (0, "p q"),
            (0, "p:q"),
            (0, ".."),
            (0, "p/q"),
            (1, ""),
            (1, "CSO"),
            (2, ""),
            (2, " "),
            (2, "a\u{7}b"),
            (3, "hidden"),
            (4, ""),
            (4, "fr;"),
            (4, "fr;fr"),
            (4, "french!"),
            (5, ""),
            (5, "a;a"),
            (5, "a b"),
            (5, "a:b"),
        ] {
            let mut cells = good;
            cells[column] = cell;
            let (parties, problems) = read(&format!("{}\n", cells.join(",")));
            assert_eq!(problems.len(), 1, "{cell:?} {problems:?}");
            let place = format!("parties.csv:2, column {}: ", COLUMNS[column]);
            assert!(problems[0].starts_with(&place), "{}", problems[0]);
            assert!(parties.is_empty() && parties.is_refused(cells[0]));
        }
        for (rows, place, code) in [
            ("p,cso\n", "parties.csv:2: ", "has 2 cells"),
            ("p,cso,P,named,fr,d\np,cso,P,named,fr,d\n", "parties.csv:3, column party: ", "line 2"),
        ] {
            let (_, problems) = read(rows);
            assert!(problems[0].starts_with(place) && problems[0].contains(code), "{problems:?}");
        }
        // All at once.
        assert_eq!(read("p,x,,y,,\nq,cso\n").1.len(), 6);
        let (_, problems) = Parties::read("parties.csv", b"party,role\n", &Limits::default());
        assert!(problems[0].to_string().contains(HEADER));
    }

    #[test]
    fn the_names_of_the_unnamed_are_found() {
        let (parties, _) = read("cso-x,cso,Blue Women's House,pseudonym,fr,d\ncso-y,cso,Open Hands,named,fr,d\n");
        for (text, want) in [
            ("a session with cso-x", true),
            ("CSO X said", true),
            ("Blue Women’s House", true),
            ("the BLUE\u{200b} women's  house.", true),
            ("cso-xy", false),
            ("Blue Women", false),
            ("Open Hands and cso-y", false),
            ("", false),
        ] {
            assert_eq!(parties.names_unnamed(text), want, "{text:?}");
        }
    }
}
