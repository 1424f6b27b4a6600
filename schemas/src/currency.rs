//! Sums of money as people read them. ISO 4217: how many decimals the minor unit of a currency has.

/// Currencies whose minor unit is not a hundredth, with its exponent (ISO 4217, list one). Those without a minor unit
/// (metals, bond units, test and none) stand in whole units. Sorted by code.
pub const EXPONENTS: [(&str, u8); 38] = [
    ("BHD", 3),
    ("BIF", 0),
    ("CLF", 4),
    ("CLP", 0),
    ("DJF", 0),
    ("GNF", 0),
    ("IQD", 3),
    ("ISK", 0),
    ("JOD", 3),
    ("JPY", 0),
    ("KMF", 0),
    ("KRW", 0),
    ("KWD", 3),
    ("LYD", 3),
    ("OMR", 3),
    ("PYG", 0),
    ("RWF", 0),
    ("TND", 3),
    ("UGX", 0),
    ("UYI", 0),
    ("UYW", 4),
    ("VND", 0),
    ("VUV", 0),
    ("XAF", 0),
    ("XAG", 0),
    ("XAU", 0),
    ("XBA", 0),
    ("XBB", 0),
    ("XBC", 0),
    ("XBD", 0),
    ("XDR", 0),
    ("XOF", 0),
    ("XPD", 0),
    ("XPF", 0),
    ("XPT", 0),
    ("XSU", 0),
    ("XUA", 0),
    ("XXX", 0),
];

/// Decimals of a currency's minor unit; two where nothing else is said.
pub fn exponent(currency: &str) -> u8 {
    EXPONENTS.binary_search_by_key(&currency, |(code, _)| code).map_or(2, |place| EXPONENTS[place].1)
}

/// A sum of minor units in whole units, such as `1250.000 BHD`.
pub fn shown(amount: i64, currency: &str) -> String {
    format!("{} {currency}", decimal(amount, exponent(currency)))
}

/// An integer with its last digits after the point.
fn decimal(amount: i64, digits: u8) -> String {
    let sign = if amount < 0 { "-" } else { "" };
    let (amount, unit) = (amount.unsigned_abs(), 10_u64.pow(digits.into()));
    match digits {
        0 => format!("{sign}{amount}"),
        digits => format!("{sign}{}.{:0>width$}", amount / unit, amount % unit, width = usize::from(digits)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_follow_the_standard() {
        assert!(EXPONENTS.is_sorted_by_key(|(code, _)| code), "they are searched");
        assert!(EXPONENTS.iter().all(|(code, digits)| code.len() == 3 && *digits != 2 && *digits <= 4));
        for (amount, currency, want) in [
            (125_000, "EUR", "1250.00 EUR"),
            (5, "EUR", "0.05 EUR"),
            (-5, "EUR", "-0.05 EUR"),
            (1_250_000, "BHD", "1250.000 BHD"),
            (1_250, "KRW", "1250 KRW"),
            (12_345, "IRR", "123.45 IRR"),
            (12_345, "LBP", "123.45 LBP"),
            (12_345, "YER", "123.45 YER"),
            (12_345, "IQD", "12.345 IQD"),
            (1, "UYW", "0.0001 UYW"),
            (1 << 53, "TND", "9007199254740.992 TND"),
            (7, "QQQ", "0.07 QQQ"),
            (7, "XTS", "0.07 XTS"),
        ] {
            assert_eq!(shown(amount, currency), want);
        }
    }
}
