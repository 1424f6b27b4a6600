//! Exact fractions. Nothing that decides is ever rounded; rounding is for print. `rules/RULES.md` 1, "Statistics".

use std::cmp::Ordering;

/// Most decimals that a profile's number may have, so that products stay within 128 bits.
pub const DECIMALS_MAX: usize = 9;
/// Largest whole part of a profile's number.
pub const WHOLE_MAX: i64 = 1_000_000_000;

/// A fraction with a positive denominator. Comparison is by value: 1/2 equals 2/4.
#[derive(Clone, Copy, Debug)]
pub struct Ratio {
    num: i64,
    den: i64,
}

impl Ratio {
    /// `num` of `den`; `None` where `den` is not positive.
    pub fn new(num: i64, den: i64) -> Option<Self> {
        if den > 0 { Some(Self { num, den }) } else { None }
    }

    /// A whole number.
    pub fn whole(n: i64) -> Self {
        Self { num: n, den: 1 }
    }

    /// Reads a decimal such as `0.25` exactly: digits, then perhaps a point and 1 to 9 digits. No
    /// sign, no exponent.
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, decimals) = text.split_once('.').map_or((text, None), |(w, d)| (w, Some(d)));
        let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
        let decimals_fit = decimals.is_none_or(|d| digits(d) && d.len() <= DECIMALS_MAX);
        if !digits(whole) || !decimals_fit {
            return None;
        }
        let whole: i64 = whole.parse().ok().filter(|n| *n <= WHOLE_MAX)?;
        let decimals = decimals.unwrap_or("");
        let den = 10_i64.pow(u32::try_from(decimals.len()).ok()?);
        let part: i64 = if decimals.is_empty() { 0 } else { decimals.parse().ok()? };
        Some(Self { num: whole.checked_mul(den)?.checked_add(part)?, den })
    }

    /// The fraction in tenths, rounded half away from zero: for print alone.
    pub fn tenths(self) -> i64 {
        let (num, den) = (i128::from(self.num) * 10, i128::from(self.den));
        let away = (2 * num.abs() + den) / (2 * den);
        (away * num.signum()) as i64
    }

    /// Numerator and denominator as they stand.
    pub fn parts(self) -> (i64, i64) {
        (self.num, self.den)
    }
}

impl PartialEq for Ratio {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ratio {}

impl PartialOrd for Ratio {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ratio {
    fn cmp(&self, other: &Self) -> Ordering {
        let product = |a: i64, b: i64| i128::from(a) * i128::from(b);
        product(self.num, other.den).cmp(&product(other.num, self.den))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_exactly() {
        for (text, want) in [
            ("0", Some((0, 1))),
            ("3", Some((3, 1))),
            ("0.01", Some((1, 100))),
            ("0.850", Some((850, 1000))),
            ("1000000000", Some((1_000_000_000, 1))),
            ("1000000001", None),
            ("", None),
            (".5", None),
            ("1.", None),
            ("-1", None),
            ("+1", None),
            ("1e3", None),
            ("1_000", None),
            ("0.1234567890", None),
            ("nan", None),
            ("0,5", None),
        ] {
            assert_eq!(Ratio::parse(text).map(Ratio::parts), want, "{text:?}");
        }
    }

    #[test]
    fn comparison_is_by_value() {
        let r = |n, d| Ratio::new(n, d).unwrap();
        assert_eq!(r(1, 2), r(2, 4));
        assert!(r(i64::MAX, i64::MAX - 1) > r(1, 1));
        assert!(r(-1, 3) < r(0, 5));
        // 0.2 as a decimal is exactly a fifth: a share of exactly a fifth is not above it.
        assert_eq!(r(10, 50), Ratio::parse("0.2").unwrap());
        assert!(Ratio::new(1, 0).is_none() && Ratio::new(1, -1).is_none());
    }

    #[test]
    fn print_rounds_half_away_from_zero() {
        for (num, den, tenths) in
            [(1, 3, 3), (1, 20, 1), (-1, 20, -1), (3, 20, 2), (100, 3, 333), (0, 7, 0), (i64::MAX, i64::MAX, 10)]
        {
            assert_eq!(Ratio::new(num, den).unwrap().tenths(), tenths, "{num}/{den}");
        }
    }
}
