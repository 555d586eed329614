//! How many wrong passwords one source may send over all accounts: a token bucket.

use core::num::NonZeroU32;
use core::time::Duration;

use crate::{Config, Mono};

/// What one source has spent of its budget. Attempts are spent when they begin, and given back when they succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Budget {
    spent: u32,
    refilled: Mono,
}

impl Budget {
    pub(crate) fn full(now: Mono) -> Self {
        Self { spent: 0, refilled: now }
    }

    /// How long until an attempt can be spent; `None`: now.
    pub(crate) fn wait(&mut self, config: &Config, now: Mono) -> Option<Duration> {
        self.refill(config.limits.source_refill, now);
        let exhausted =
            NonZeroU32::new(self.spent).is_some_and(|spent| spent >= config.limits.source_failures_max);
        exhausted.then(|| config.limits.source_refill.saturating_sub(now.since(self.refilled)))
    }

    pub(crate) fn spend(&mut self) {
        self.spent = self.spent.saturating_add(1);
    }

    pub(crate) fn give_back(&mut self) {
        self.spent = self.spent.saturating_sub(1);
    }

    pub(crate) fn is_full(&self) -> bool {
        self.spent == 0
    }

    /// Whether all of it will have been earned back at `now`.
    pub(crate) fn is_full_by(mut self, config: &Config, now: Mono) -> bool {
        self.refill(config.limits.source_refill, now);
        self.is_full()
    }

    fn refill(&mut self, each: Duration, now: Mono) {
        let earned = now.since(self.refilled).as_nanos().checked_div(each.as_nanos()).unwrap_or(u128::MAX);
        let earned = u32::try_from(earned).unwrap_or(u32::MAX);
        self.spent = self.spent.saturating_sub(earned);
        self.refilled = if self.spent == 0 { now } else { self.refilled.after(each.saturating_mul(earned)) };
    }

    pub(crate) fn digest(&self, into: &mut crate::digest::Canonical) {
        into.number(self.spent).number(self.refilled.elapsed().as_nanos());
    }
}
