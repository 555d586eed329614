//! How fast a transfer goes, and how long it will take.

use core::time::Duration;
use std::collections::VecDeque;

use tokio::time::Instant;

/// How long the stretch is over which the rate is taken.
const STRETCH: Duration = Duration::from_secs(5);

/// Between two looks that are kept.
const STEP: Duration = Duration::from_millis(200);

/// Progress is told this often, unless it is a tenth further earlier.
const SLOW: Duration = Duration::from_secs(10);

/// It is told no more often than this.
const FAST: Duration = Duration::from_secs(1);

/// How far a transfer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// The bytes behind it.
    pub bytes_done: u64,
    /// All bytes.
    pub bytes_total: u64,
    /// Bytes a second, of late; `None` until it is known.
    pub rate: Option<u64>,
    /// How long it will take at that rate.
    pub left: Option<Duration>,
}

impl Pace {
    /// How much is behind it, in hundredths. What is empty is done.
    #[must_use]
    pub fn percent(&self) -> u64 {
        self.parts(100)
    }

    /// How many of `parts` equal parts are behind it.
    #[must_use]
    pub fn parts(&self, parts: u64) -> u64 {
        let done = u128::from(self.bytes_done) * u128::from(parts);
        let full = done.checked_div(self.bytes_total.into()).unwrap_or(parts.into());
        u64::try_from(full).map_or(parts, |full| full.min(parts))
    }
}

/// What was seen of a transfer, a while back.
#[derive(Debug, Default)]
pub(super) struct Meter {
    looks: VecDeque<(Instant, u64)>,
}

impl Meter {
    /// Takes note of how far it is.
    pub(super) fn note(&mut self, bytes_done: u64, now: Instant) {
        if let Some((at, _)) = self.looks.back()
            && now.duration_since(*at) < STEP
        {
            return;
        }
        // It may have begun anew: another stage counts from zero.
        if self.looks.back().is_some_and(|(_, before)| *before > bytes_done) {
            self.looks.clear();
        }
        self.looks.push_back((now, bytes_done));
        while self.looks.get(1).is_some_and(|(at, _)| now.duration_since(*at) >= STRETCH) {
            self.looks.pop_front();
        }
    }

    /// Forgets what was seen: what comes is another stage.
    pub(super) fn begin(&mut self) {
        self.looks.clear();
    }

    /// How far it is, and how fast it went.
    pub(super) fn pace(&self, bytes_done: u64, bytes_total: u64, now: Instant) -> Pace {
        let rate = self.looks.front().and_then(|(at, before)| {
            let millis = now.duration_since(*at).as_millis();
            let bytes = u128::from(bytes_done.saturating_sub(*before));
            if millis < STEP.as_millis() { None } else { u64::try_from(bytes * 1000 / millis).ok() }
        });
        let to_go = bytes_total.saturating_sub(bytes_done);
        let left = rate.filter(|rate| *rate > 0).map(|rate| Duration::from_secs(to_go.div_ceil(rate)));
        Pace { bytes_done, bytes_total, rate, left }
    }
}

/// When progress is told: not each time that it is looked at.
#[derive(Debug)]
pub(super) struct Turns {
    told: Instant,
    tenths: u64,
}

impl Turns {
    /// Something begins at `now`.
    pub(super) const fn begin(now: Instant) -> Self {
        Self { told: now, tenths: 0 }
    }

    /// Whether `pace` is told now.
    pub(super) fn take(&mut self, pace: &Pace, now: Instant) -> bool {
        let since = now.duration_since(self.told);
        let tenths = pace.parts(10);
        let due = since >= SLOW || (since >= FAST && tenths > self.tenths);
        if due {
            (self.told, self.tenths) = (now, tenths);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        let start = Instant::now();
        let mut meter = Meter::default();
        meter.note(0, start);
        assert_eq!(meter.pace(0, 100, start), Pace { bytes_total: 100, ..Pace::default() });
        // A second a hundred bytes, and later ten.
        for second in 1..=20_u64 {
            let bytes = if second <= 10 { second * 100 } else { 1000 + (second - 10) * 10 };
            meter.note(bytes, start + Duration::from_secs(second));
            let pace = meter.pace(bytes, 2000, start + Duration::from_secs(second));
            match second {
                5 => assert_eq!((pace.rate, pace.left), (Some(100), Some(Duration::from_secs(15)))),
                20 => assert_eq!((pace.rate, pace.left), (Some(10), Some(Duration::from_secs(90)))),
                _ => {}
            }
        }
        assert!(meter.looks.len() <= 8, "{}", meter.looks.len());
    }

    #[test]
    fn what_stands_still_has_no_time_left_to_tell() {
        let start = Instant::now();
        let mut meter = Meter::default();
        meter.note(5, start);
        let pace = meter.pace(5, 10, start + Duration::from_secs(3));
        assert_eq!((pace.rate, pace.left), (Some(0), None));
    }

    #[test]
    fn progress_is_told_at_each_tenth_but_at_most_once_a_second_and_else_every_ten_seconds() {
        let start = Instant::now();
        let mut turns = Turns::begin(start);
        let pace = |bytes_done| Pace { bytes_done, bytes_total: 100, ..Pace::default() };
        for (millis, bytes, told) in [
            (500, 50, false),
            (1000, 50, true),
            (2500, 59, false),
            (3000, 60, true),
            (3500, 90, false),
            (4000, 90, true),
            (13_900, 91, false),
            (14_000, 91, true),
        ] {
            let now = start + Duration::from_millis(millis);
            assert_eq!(turns.take(&pace(bytes), now), told, "{millis}");
        }
    }
}
