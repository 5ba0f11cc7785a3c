//! How well commitments were kept: met ÷ (met + missed), never without the number of cases and the
//! interval that says how much that number can bear.

use serde::Serialize;

/// The 97.5th percentile of the normal distribution: 95 % lie within ± this many standard errors.
const Z: f64 = 1.959_963_984_540_054;

text_enum! {
    /// What attainment can be asked by.
    Dimension {
        /// Each vendor apart.
        Vendor = "vendor",
        /// Each contract apart.
        Contract = "contract",
        /// Each metric apart.
        Metric = "metric",
        /// Each code of a severity apart.
        Severity = "severity",
        /// Each month apart, by the contract's zone.
        Month = "month",
    }
}

/// A share of commitments kept, with its 95 % interval; all three from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Attainment {
    /// Met ÷ (met + missed).
    pub share: f64,
    /// Lower end of the interval, at most `share`.
    pub low: f64,
    /// Upper end of the interval, at least `share`.
    pub high: f64,
}

impl Attainment {
    /// The attainment of so many commitments met and missed; none without a single case, for what
    /// never happened is not scored.
    ///
    /// The interval is Wilson's score interval without correction for continuity: the shares *p* for
    /// which the observed share lies within *z* standard errors √(*p*(1 − *p*) ÷ *n*) of *p*. Source:
    /// E. B. Wilson, Probable inference, the law of succession, and statistical inference, Journal of
    /// the American Statistical Association 22 (1927), 209–212. Unlike the plain ± *z* standard errors
    /// it stays inside 0 to 1 and has a width also when everything or nothing was met.
    pub fn of(met: u64, missed: u64) -> Option<Self> {
        let cases = met.checked_add(missed).filter(|cases| *cases > 0)?;
        let n = cases as f64;
        let share = met as f64 / n;
        let widened = 1.0 + Z * Z / n;
        let centre = (share + Z * Z / (2.0 * n)) / widened;
        let half = Z / widened * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
        Some(Self {
            share,
            // At the ends the formula gives exactly 0 and 1, and floating point almost.
            low: if met == 0 {
                0.0
            } else {
                (centre - half).clamp(0.0, share)
            },
            high: if missed == 0 {
                1.0
            } else {
                (centre + half).clamp(share, 1.0)
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn intervals_agree_with_published_ones() {
        // R. G. Newcombe, Statistics in Medicine 17 (1998), 857–872, table I, method 3.
        let table = [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0000, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ];
        for (met, cases, low, high) in table {
            let found = Attainment::of(met, cases - met).unwrap();
            assert!(
                (found.low - low).abs() < 0.000_05,
                "{met}/{cases} {found:?}"
            );
            assert!(
                (found.high - high).abs() < 0.000_05,
                "{met}/{cases} {found:?}"
            );
        }
    }

    #[test]
    fn what_never_happened_is_not_scored() {
        assert_eq!(Attainment::of(0, 0), None);
        assert_eq!(Attainment::of(u64::MAX, 1), None);
    }

    #[test]
    fn everything_met_is_one_and_still_has_an_interval() {
        let all = Attainment::of(14, 0).unwrap();
        assert_eq!((all.share, all.high), (1.0, 1.0));
        assert!((all.low - 0.7847).abs() < 0.000_05, "{all:?}");
    }

    proptest! {
        #[test]
        fn the_interval_holds_the_share_and_mirrors_when_met_and_missed_are_swapped(
            met in 0_u64..100_000, missed in 0_u64..100_000
        ) {
            prop_assume!(met + missed > 0);
            let found = Attainment::of(met, missed).unwrap();
            prop_assert!(0.0 <= found.low && found.low <= found.share);
            prop_assert!(found.share <= found.high && found.high <= 1.0);
            let other = Attainment::of(missed, met).unwrap();
            prop_assert!((found.low + other.high - 1.0).abs() < 1e-9);
            // The ends are the shares that lie exactly z standard errors from the observed one.
            let n = (met + missed) as f64;
            for end in [found.low, found.high] {
                if end > 0.0 && end < 1.0 {
                    let errors = (found.share - end).abs() / (end * (1.0 - end) / n).sqrt();
                    prop_assert!((errors - Z).abs() < 1e-6, "{errors}");
                }
            }
        }

        #[test]
        fn more_cases_of_the_same_share_narrow_it(met in 0_u64..1_000, missed in 0_u64..1_000) {
            prop_assume!(met + missed > 0);
            let (few, many) = (Attainment::of(met, missed).unwrap(), Attainment::of(3 * met, 3 * missed).unwrap());
            prop_assert!(many.high - many.low < few.high - few.low);
        }

        #[test]
        fn one_more_met_never_lowers_it(met in 0_u64..10_000, missed in 0_u64..10_000) {
            prop_assume!(met + missed > 0);
            let (before, after) = (Attainment::of(met, missed).unwrap(), Attainment::of(met + 1, missed).unwrap());
            prop_assert!(after.share >= before.share && after.low >= before.low && after.high >= before.high - 1e-12);
        }
    }
}
