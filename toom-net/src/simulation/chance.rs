//! All that is left to chance.

use core::time::Duration;

use fastrand::Rng;

/// Draws, the same for the same seed.
#[derive(Debug)]
pub(super) struct Chance(Rng);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(Rng::with_seed(seed))
    }

    /// One of so many, from 0; 0 if there are none.
    pub(super) fn below(&mut self, options: usize) -> usize {
        if options == 0 { 0 } else { self.0.usize(..options) }
    }

    /// One of `from` to `to`, both included.
    pub(super) fn between(&mut self, from: usize, to: usize) -> usize {
        self.0.usize(from..=to.max(from))
    }

    /// Whether something happens that happens so many times in a thousand.
    pub(super) fn permille(&mut self, times: usize) -> bool {
        self.0.usize(..1000) < times
    }

    /// Whether something happens that happens so many times in ten thousand.
    pub(super) fn rarely(&mut self, times: usize) -> bool {
        self.0.usize(..10_000) < times
    }

    pub(super) fn bits(&mut self) -> u64 {
        self.0.u64(..)
    }

    /// At most `longest`, and mostly much less.
    pub(super) fn duration(&mut self, longest: Duration) -> Duration {
        let micros = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX);
        let scale = self.0.u32(0..12);
        Duration::from_micros(self.0.u64(0..=micros >> scale))
    }

    /// One of them, if there are any.
    pub(super) fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len()))
    }

    pub(super) fn shuffle<T>(&mut self, all: &mut [T]) {
        self.0.shuffle(all);
    }

    /// The place of one of them, each as likely as its weight says; `None` if all are 0.
    pub(super) fn weighted(&mut self, weights: &[usize]) -> Option<usize> {
        let mut drawn = self.below(weights.iter().sum());
        weights.iter().position(|weight| {
            let here = drawn < *weight;
            drawn = drawn.saturating_sub(*weight);
            here
        })
    }
}
