//! What most, nearly all, and all samples stay below.

use core::fmt;
use core::time::Duration;

/// The middle, the tail and the worst of some durations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Percentiles {
    /// Half are no longer.
    pub p50: Duration,
    /// 99 of 100 are no longer.
    pub p99: Duration,
    /// 999 of 1,000 are no longer.
    pub p999: Duration,
    /// None is longer.
    pub max: Duration,
}

impl Percentiles {
    /// Those of `samples`, by nearest rank; all zero where there are none.
    #[must_use]
    pub fn of(mut samples: Vec<Duration>) -> Self {
        samples.sort_unstable();
        let at = |per_mille: usize| {
            let rank = (samples.len() * per_mille).div_ceil(1000);
            samples.get(rank.saturating_sub(1)).copied().unwrap_or_default()
        };
        Self { p50: at(500), p99: at(990), p999: at(999), max: at(1000) }
    }
}

impl fmt::Display for Percentiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { p50, p99, p999, max } = self;
        write!(f, "p50 {p50:.1?}, p99 {p99:.1?}, p99.9 {p999:.1?}, max {max:.1?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(millis: impl IntoIterator<Item = u64>) -> [u128; 4] {
        let found = Percentiles::of(millis.into_iter().map(Duration::from_millis).collect());
        [found.p50, found.p99, found.p999, found.max].map(|duration| duration.as_millis())
    }

    #[test]
    fn ranks_are_the_nearest_whatever_the_order() {
        assert_eq!(of((1..=1000).rev()), [500, 990, 999, 1000]);
        assert_eq!(of(1..=10), [5, 10, 10, 10]);
        assert_eq!(of([7]), [7; 4]);
        assert_eq!(of([]), [0; 4]);
    }
}
