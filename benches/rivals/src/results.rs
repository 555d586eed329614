//! The figures of a run.

use std::collections::BTreeMap;

use crate::{Kind, Measure};

/// A figure for every measure of every store that takes part in it, in the measure's unit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Results {
    figures: BTreeMap<(Measure, Kind), f64>,
}

impl Results {
    /// Notes the figure of `kind`.
    pub fn note(&mut self, measure: Measure, kind: Kind, figure: f64) {
        self.figures.insert((measure, kind), figure);
    }

    /// The figure of `kind`, if it was measured.
    #[must_use]
    pub fn figure(&self, measure: Measure, kind: Kind) -> Option<f64> {
        self.figures.get(&(measure, kind)).copied()
    }

    /// Every store that has a figure, in the order of the table.
    #[must_use]
    pub fn kinds(&self) -> Vec<Kind> {
        let measured = |kind: &Kind| self.figures.keys().any(|(_, of)| of == kind);
        Kind::ALL.into_iter().filter(measured).collect()
    }

    /// The best figure of any rival.
    #[must_use]
    pub fn best_rival(&self, measure: Measure) -> Option<f64> {
        let figures = Kind::ALL.into_iter().filter(|kind| kind.is_rival());
        let figures = figures.filter_map(|kind| self.figure(measure, kind));
        if measure.unit().more_is_better() { figures.reduce(f64::max) } else { figures.reduce(f64::min) }
    }
}

/// The middle one of `samples`; of an even number, the lower of the two.
pub(crate) fn median(samples: &mut [f64]) -> Option<f64> {
    quantile(samples, 500)
}

/// What `per_mille` of 1,000 samples are no greater than, by nearest rank; `None` where there are none.
pub(crate) fn quantile(samples: &mut [f64], per_mille: usize) -> Option<f64> {
    samples.sort_by(f64::total_cmp);
    let rank = (samples.len() * per_mille).div_ceil(1000);
    samples.get(rank.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_the_nearest_whatever_the_order() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&mut [4.0, 1.0, 3.0, 2.0]), Some(2.0));
        assert_eq!(median(&mut []), None);
        let mut thousand: Vec<f64> = (1..=1000).rev().map(f64::from).collect();
        assert_eq!(quantile(&mut thousand, 999), Some(999.0));
        assert_eq!(quantile(&mut thousand, 1000), Some(1000.0));
    }

    #[test]
    fn the_best_rival_has_the_most_messages_a_second_and_the_least_time() {
        let mut results = Results::default();
        for (kind, figure) in
            [(Kind::Sqlite, 2.0), (Kind::Redb, 3.0), (Kind::Zeroed, 1.0), (Kind::Growing, 9.0)]
        {
            results.note(Measure::Durable16, kind, figure);
            results.note(Measure::Durable1, kind, figure);
        }
        assert_eq!(results.best_rival(Measure::Durable16), Some(3.0));
        assert_eq!(results.best_rival(Measure::Durable1), Some(2.0));
        assert_eq!(results.best_rival(Measure::Long), None);
    }
}
