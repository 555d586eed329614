//! Points in time, as arguments: the engine never asks a clock.

use core::time::Duration;
use std::time::SystemTime;

/// A point in wall time: whole microseconds since 1970-01-01T00:00:00Z, leap seconds not counted (POSIX time).
///
/// It lies in the years 0000 to 9999, which is what RFC 3339 can write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 0000-01-01T00:00:00.000000Z.
    pub const MIN: Self = Self(-62_167_219_200_000_000);
    /// 9999-12-31T23:59:59.999999Z.
    pub const MAX: Self = Self(253_402_300_799_999_999);

    /// The time `micros` microseconds after the Unix epoch; `None` outside [`MIN`](Self::MIN)`..=`[`MAX`](Self::MAX).
    #[must_use]
    pub const fn from_unix_micros(micros: i64) -> Option<Self> {
        if micros < Self::MIN.0 || micros > Self::MAX.0 { None } else { Some(Self(micros)) }
    }

    /// What a host's wall clock shows, down to the microsecond; the nearest that can be told where the clock is set to a year
    /// that RFC 3339 cannot write.
    #[must_use]
    pub fn from_system_time(clock: SystemTime) -> Self {
        let micros = match clock.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
            Err(before) => {
                i64::try_from(before.duration().as_nanos().div_ceil(1000)).map_or(i64::MIN, |micros| -micros)
            }
        };
        Self(micros.clamp(Self::MIN.0, Self::MAX.0))
    }

    /// Microseconds since the Unix epoch.
    #[must_use]
    pub const fn unix_micros(self) -> i64 {
        self.0
    }

    /// The next microsecond; `None` at [`MAX`](Self::MAX).
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        Self::from_unix_micros(self.0 + 1)
    }
}

/// A point on a clock that never goes back and that nobody can set: time since any fixed moment, such as the
/// start of the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mono(Duration);

impl Mono {
    /// The moment the clock counts from.
    pub const ZERO: Self = Self(Duration::ZERO);

    /// The moment `elapsed` after [`ZERO`](Self::ZERO).
    #[must_use]
    pub const fn new(elapsed: Duration) -> Self {
        Self(elapsed)
    }

    /// Time since [`ZERO`](Self::ZERO).
    #[must_use]
    pub const fn elapsed(self) -> Duration {
        self.0
    }

    /// The moment `wait` later, or the last that can be told.
    #[must_use]
    pub const fn after(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(wait))
    }

    /// How long after `earlier` this is; zero if it is not after it.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// Both clocks at the moment of an operation, as the host read them.
///
/// Wall time may stall, jump and run backwards: it stamps messages for people, and the engine keeps stamps
/// strictly increasing whatever it does. Monotonic time drives blocks and leases; a host whose monotonic clock
/// goes back is treated as if it had stood still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// The wall clock.
    pub wall: Timestamp,
    /// The monotonic clock.
    pub mono: Mono,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wall_clock_is_read_down_to_the_microsecond_on_both_sides_of_the_epoch() {
        let read = |clock| Timestamp::from_system_time(clock).unix_micros();
        let epoch = SystemTime::UNIX_EPOCH;
        assert_eq!(read(epoch + Duration::from_nanos(1_999)), 1);
        assert_eq!(read(epoch), 0);
        assert_eq!(read(epoch - Duration::from_nanos(1)), -1);
        assert_eq!(read(epoch - Duration::from_micros(1)), -1);
        assert_eq!(read(epoch - Duration::from_nanos(1_001)), -2);
    }

    #[test]
    fn a_clock_beyond_the_year_9999_shows_its_last_microsecond() {
        let clock = SystemTime::UNIX_EPOCH + Duration::from_hours(24 * 366 * 9000);
        assert_eq!(Timestamp::from_system_time(clock), Timestamp::MAX);
        assert_eq!(Timestamp::MAX.next(), None);
        assert_eq!(Timestamp::from_unix_micros(Timestamp::MAX.unix_micros() + 1), None);
        assert_eq!(Timestamp::from_unix_micros(Timestamp::MIN.unix_micros() - 1), None);
    }

    #[test]
    fn monotonic_time_neither_wraps_nor_goes_below_zero() {
        let (early, late) = (Mono::new(Duration::from_secs(1)), Mono::new(Duration::from_secs(3)));
        assert_eq!(late.since(early), Duration::from_secs(2));
        assert_eq!(early.since(late), Duration::ZERO);
        assert_eq!(late.after(Duration::MAX).elapsed(), Duration::MAX);
    }
}
