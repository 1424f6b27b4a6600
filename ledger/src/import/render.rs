//! Problems for people: one line each, and a summary where there are many.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::problem::{Problem, Severity};

/// From this number on, problems of one kind in one column of one file are told together.
pub const GROUP_FROM: usize = 50;

/// One line a problem; more than `GROUP_FROM` are grouped, each group with its first place.
pub fn table(problems: &[Problem]) -> String {
    let mut text = String::new();
    let mut line = |problem: &Problem, more: usize| {
        let mark = if problem.severity() == Severity::Warning { "warning: " } else { "" };
        let more = if more > 0 { format!(" (and {more} more rows like it)") } else { String::new() };
        let _ = writeln!(text, "{mark}{problem}{more}");
    };
    if problems.len() <= GROUP_FROM {
        for problem in problems {
            line(problem, 0);
        }
        return text;
    }
    // By file, kind and column: the place of the first in the list, the first, how many.
    let mut groups = BTreeMap::new();
    for (order, problem) in problems.iter().enumerate() {
        let key = (problem.file.as_str(), problem.what.code(), problem.column.as_deref());
        groups.entry(key).or_insert((order, problem, 0)).2 += 1;
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by_key(|(order, _, _)| *order);
    for (_, problem, count) in groups {
        line(problem, count - 1);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::What;

    #[test]
    fn many_problems_of_one_kind_are_one_line() {
        let one = |line| Problem::of_file("a.csv", What::Missing {}).at_line(line).in_column("wait");
        let few: Vec<_> = (2..4).map(one).collect();
        assert_eq!(
            table(&few),
            "a.csv:2, column wait: the cell is empty; fill it in; the column is required\n\
             a.csv:3, column wait: the cell is empty; fill it in; the column is required\n"
        );
        let many: Vec<_> = (2..62).map(one).chain([Problem::of_file("b.csv", What::ColumnOrder {})]).collect();
        let text = table(&many);
        assert_eq!(text.lines().count(), 2);
        assert!(
            text.starts_with("a.csv:2, column wait: ") && text.contains("(and 59 more rows like it)\nwarning: b.csv: "),
            "{text}"
        );
    }

    #[test]
    fn a_program_reads_the_same() {
        let problem = Problem::of_file("a.csv", What::Missing {}).at_line(2).in_column("wait");
        let json = serde_json::to_value(&problem).unwrap();
        for (name, want) in
            [("severity", "refuse-row"), ("code", "cell.missing"), ("column", "wait"), ("what", "the cell is empty")]
        {
            assert_eq!(json[name], want);
        }
        assert_eq!((json["line"].as_u64(), json["row"].is_null()), (Some(2), true));
    }
}
