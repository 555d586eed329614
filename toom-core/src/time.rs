//! Points in time, as arguments: the engine never asks a clock.

use core::time::Duration;

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
