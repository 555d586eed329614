//! How often something may happen.

use core::time::Duration;

use toom_core::Mono;

/// How often something may happen: `burst` times in a row, and from then on `per_second` times a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many times a second in the long run; 0: as often as it likes.
    pub per_second: u32,
    /// How many times in a row after a pause; 0 counts as 1.
    pub burst: u32,
}

impl Rate {
    /// As often as it likes.
    pub const UNBOUNDED: Self = Self { per_second: 0, burst: 0 };

    /// What so many times cost; `None`: nothing.
    fn price(self, times: u32) -> Option<Duration> {
        Duration::from_secs(times.into()).checked_div(self.per_second)
    }
}

/// What is left of a [`Rate`]: a token bucket, kept as the moment at which it is full again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bucket {
    full: Mono,
}

impl Bucket {
    /// Spends one time, or says how long it takes until there is one to spend.
    pub(super) fn take(&mut self, rate: Rate, now: Mono) -> Result<(), Duration> {
        self.take_many(1, rate, now)
    }

    /// Spends so many times at once, or says how long it takes until there are as many to spend. More than the burst are as many as the burst.
    pub(super) fn take_many(&mut self, times: u32, rate: Rate, now: Mono) -> Result<(), Duration> {
        let burst = rate.burst.max(1);
        let (Some(price), Some(all)) = (rate.price(times.min(burst)), rate.price(burst)) else {
            return Ok(());
        };
        let full = self.full.max(now).after(price);
        let missing = full.since(now.after(all));
        if missing > Duration::ZERO {
            return Err(missing);
        }
        self.full = full;
        Ok(())
    }
}

/// Whole seconds, rounded up: after them it is over. At least 1.
pub(super) fn whole_seconds(left: Duration) -> u64 {
    left.as_secs().saturating_add(u64::from(left.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Mono {
        Mono::new(Duration::from_millis(millis))
    }

    #[test]
    fn after_the_burst_there_is_one_each_interval_and_the_wait_is_told_exactly() {
        let rate = Rate { per_second: 10, burst: 3 };
        let mut bucket = Bucket::default();
        for _ in 0..3 {
            assert_eq!(bucket.take(rate, at(0)), Ok(()));
        }
        assert_eq!(bucket.take(rate, at(0)), Err(Duration::from_millis(100)));
        assert_eq!(bucket.take(rate, at(99)), Err(Duration::from_millis(1)), "a refusal costs nothing");
        assert_eq!(bucket.take(rate, at(100)), Ok(()));
        assert_eq!(bucket.take(rate, at(100)), Err(Duration::from_millis(100)));
    }

    #[test]
    fn a_pause_gives_back_the_burst_and_no_more() {
        let rate = Rate { per_second: 10, burst: 3 };
        let mut bucket = Bucket::default();
        for start in [0, 300, 100_000] {
            for _ in 0..3 {
                assert_eq!(bucket.take(rate, at(start)), Ok(()), "{start}");
            }
            assert!(bucket.take(rate, at(start)).is_err(), "{start}");
        }
    }

    #[test]
    fn many_at_once_cost_as_much_as_one_by_one_and_never_more_than_there_can_be() {
        let rate = Rate { per_second: 1000, burst: 1000 };
        let mut bucket = Bucket::default();
        assert_eq!(bucket.take_many(600, rate, at(0)), Ok(()));
        assert_eq!(bucket.take_many(600, rate, at(0)), Err(Duration::from_millis(200)));
        assert_eq!(bucket.take_many(400, rate, at(0)), Ok(()), "a refusal costs nothing");
        assert_eq!(bucket.take_many(5000, rate, at(999)), Err(Duration::from_millis(1)));
        assert_eq!(bucket.take_many(5000, rate, at(1000)), Ok(()));
    }

    #[test]
    fn no_rate_and_no_burst_are_as_often_as_it_likes_and_one_at_a_time() {
        let mut bucket = Bucket::default();
        for _ in 0..10_000 {
            assert_eq!(bucket.take(Rate::UNBOUNDED, at(0)), Ok(()));
        }
        let rate = Rate { per_second: 1, burst: 0 };
        assert_eq!(bucket.take(rate, at(0)), Ok(()));
        assert_eq!(bucket.take(rate, at(0)), Err(Duration::from_secs(1)));
    }

    #[test]
    fn seconds_left_are_whole_rounded_up_and_never_zero() {
        for (millis, left) in [(0, 1), (1, 1), (999, 1), (1000, 1), (1001, 2), (10_000, 10)] {
            assert_eq!(whole_seconds(Duration::from_millis(millis)), left, "{millis}");
        }
    }
}
