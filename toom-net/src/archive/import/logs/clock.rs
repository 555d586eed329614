//! What a clock on the wall showed, as times that never go back.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use toom_core::Timestamp;

/// The clock by which one log was written.
#[derive(Debug)]
pub(super) struct Clock<'z> {
    zone: &'z TimeZone,
    latest: Option<Timestamp>,
}

impl<'z> Clock<'z> {
    pub(super) fn new(zone: &'z TimeZone) -> Self {
        Self { zone, latest: None }
    }

    /// The time that `shown` tells, and that time or the latest before it, whichever is later.
    ///
    /// An hour that the clock showed twice is taken for the first one, unless that would go back.
    pub(super) fn read(&mut self, shown: DateTime) -> Option<(Timestamp, Timestamp)> {
        let ambiguous = self.zone.to_ambiguous_timestamp(shown);
        let time = |time: Result<jiff::Timestamp, jiff::Error>| {
            Timestamp::from_unix_micros(time.ok()?.as_microsecond())
        };
        let mut told = time(ambiguous.compatible())?;
        if Some(told) < self.latest && ambiguous.is_ambiguous() {
            told = time(ambiguous.later())?;
        }
        let at = self.latest.map_or(told, |latest| latest.max(told));
        self.latest = Some(at);
        Some((told, at))
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    const HOUR: i64 = 3_600_000_000;

    /// When the clocks of Berlin went back, 2022-10-30T03:00 CEST.
    const CHANGE: i64 = 1_667_091_600_000_000;

    fn read(clock: &mut Clock<'_>, hour: i8, minute: i8) -> (i64, i64) {
        let (told, at) = clock.read(date(2022, 10, 30).at(hour, minute, 0, 0)).unwrap();
        (told.unix_micros() - CHANGE, at.unix_micros() - CHANGE)
    }

    #[test]
    fn an_hour_that_comes_twice_is_told_apart_by_what_stands_before() {
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let mut clock = Clock::new(&zone);
        assert_eq!(read(&mut clock, 2, 30), (-HOUR / 2, -HOUR / 2));
        assert_eq!(read(&mut clock, 2, 0), (0, 0));
        assert_eq!(read(&mut clock, 3, 0), (HOUR, HOUR));
    }

    #[test]
    fn a_clock_that_was_set_back_stands_still() {
        let zone = TimeZone::UTC;
        let mut clock = Clock::new(&zone);
        let (_, noon) = read(&mut clock, 12, 0);
        assert_eq!(read(&mut clock, 11, 0), (noon - HOUR, noon));
        assert_eq!(read(&mut clock, 12, 1).1, noon + HOUR / 60);
    }

    #[test]
    fn an_hour_that_never_was_is_taken_for_the_next() {
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let mut clock = Clock::new(&zone);
        let (told, _) = clock.read(date(2022, 3, 27).at(2, 30, 0, 0)).unwrap();
        let (later, _) = clock.read(date(2022, 3, 27).at(3, 30, 0, 0)).unwrap();
        assert_eq!(told, later);
    }

    #[test]
    fn times_before_the_year_0_are_none() {
        assert_eq!(Clock::new(&TimeZone::UTC).read(date(-1, 12, 31).at(0, 0, 0, 0)), None);
    }
}
