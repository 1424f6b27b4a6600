//! Downloads: RFC 4180, UTF-8, `\n`, one fact a row.

use super::text;

/// One cell.
pub enum Cell<'a> {
    /// An id, a code, a date or a number: written as it is, so that programs read what was meant.
    Exact(&'a str),
    /// Text that someone typed: kept from being run as a formula by a spreadsheet.
    Free(&'a str),
    /// An integer.
    Number(i64),
    /// Nothing.
    Empty,
}

/// Writes a table. Quotes only where RFC 4180 needs them.
pub fn write<'a>(head: &[&str], rows: impl IntoIterator<Item = Vec<Cell<'a>>>) -> Vec<u8> {
    let mut out = head.join(",");
    out.push('\n');
    for row in rows {
        for (i, cell) in row.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            match cell {
                Cell::Exact(text) => push(&mut out, text),
                Cell::Free(text) => push(&mut out, &unformula(text)),
                Cell::Number(n) => out.push_str(&n.to_string()),
                Cell::Empty => {}
            }
        }
        out.push('\n');
    }
    out.into_bytes()
}

/// Puts an apostrophe before text that a spreadsheet would take for a formula.
/// OWASP, "CSV Injection".
fn unformula(text: &str) -> String {
    let shown = text::visible(text);
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if formula { format!("'{shown}") } else { shown.into_owned() }
}

fn push(out: &mut String, text: &str) {
    if text.contains([',', '"', '\n', '\r']) {
        out.push('"');
        out.push_str(&text.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells() {
        for (cell, want) in [
            (Cell::Exact("fac-talbera"), "fac-talbera"),
            (Cell::Exact("-12.5"), "-12.5"),
            (Cell::Exact("a,b"), "\"a,b\""),
            (Cell::Free("=cmd|' /C calc'!A0"), "'=cmd|' /C calc'!A0"),
            (Cell::Free("@SUM(1+1)"), "'@SUM(1+1)"),
            (Cell::Free("say \"no\""), "\"say \"\"no\"\"\""),
            (Cell::Free("\r\n=1"), "'\u{27e8}U+000D\u{27e9}\u{27e8}U+000A\u{27e9}=1"),
            (Cell::Number(-3), "-3"),
            (Cell::Empty, ""),
        ] {
            let got = write(&["head"], [vec![cell]]);
            assert_eq!(String::from_utf8(got).unwrap(), format!("head\n{want}\n"));
        }
    }
}
