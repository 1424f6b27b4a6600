//! Medians and percentiles on exact numbers. `rules/RULES.md` 1, "Statistics".

use crate::ratio::Ratio;

/// The middle value, or the mean of the two middle ones; `None` of nothing.
pub fn median(values: &mut [i64]) -> Option<Ratio> {
    values.sort_unstable();
    let n = values.len();
    if n % 2 == 1 {
        Some(Ratio::whole(values[n / 2]))
    } else {
        Ratio::new(values.get(n / 2)? + values.get((n / 2).checked_sub(1)?)?, 2)
    }
}

/// The percentile of `percent` of 100, by linear interpolation between ranks (type 7); `None` of nothing.
pub fn percentile(values: &mut [i64], percent: u32) -> Option<Ratio> {
    values.sort_unstable();
    let hundredths = values.len().checked_sub(1)? * percent.min(100) as usize;
    let (rank, part) = (hundredths / 100, (hundredths % 100) as i64);
    let low = *values.get(rank)?;
    let high = values.get(rank + 1).copied().unwrap_or(low);
    Ratio::new(low.checked_mul(100)?.checked_add((high - low).checked_mul(part)?)?, 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_percentiles() {
        for (values, median_tenths, p95_tenths) in [
            (&[][..], None, None),
            (&[7][..], Some(70), Some(70)),
            (&[4, 1][..], Some(25), Some(39)),
            (&[9, 1, 4][..], Some(40), Some(85)),
            (&[0, 0, 0, 0][..], Some(0), Some(0)),
            (&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 100][..], Some(110), Some(200)),
            // 1 + 0.95 * 0.5 is 1.475; print is 1.5.
            (&[1, 1, 1, 1, 1, 1, 1, 1, 1, 2][..], Some(10), Some(16)),
        ] {
            let mut values = values.to_vec();
            assert_eq!(median(&mut values).map(Ratio::tenths), median_tenths, "median of {values:?}");
            assert_eq!(percentile(&mut values, 95).map(Ratio::tenths), p95_tenths, "p95 of {values:?}");
        }
    }
}
