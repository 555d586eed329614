//! How many wrong passwords an address has sent, over all names.

use core::time::Duration;

use toom_core::{Limits, Mono};

/// What an address has spent and not yet earned again.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Budget {
    spent: u32,
    earns_since: Mono,
}

impl Budget {
    pub(super) const fn spent(&self) -> u32 {
        self.spent
    }

    /// How long it waits for an attempt, if it has none.
    pub(super) fn wait(&mut self, limits: &Limits, now: Mono) -> Option<Duration> {
        self.earn(limits, now);
        let is_spent = self.spent >= limits.source_failures_max.get();
        is_spent.then(|| self.earns_since.after(limits.source_refill).since(now))
    }

    pub(super) fn spend(&mut self, limits: &Limits, now: Mono) {
        self.earn(limits, now);
        self.spent += 1;
    }

    pub(super) fn give_back(&mut self, limits: &Limits, now: Mono) {
        self.earn(limits, now);
        self.spent = self.spent.saturating_sub(1);
    }

    fn earn(&mut self, limits: &Limits, now: Mono) {
        while self.spent > 0 && self.earns_since.after(limits.source_refill) <= now {
            self.spent -= 1;
            self.earns_since = self.earns_since.after(limits.source_refill);
        }
        if self.spent == 0 {
            self.earns_since = now;
        }
    }
}
