//! How much history is kept.

use core::time::Duration;

use crate::Timestamp;

/// How much history a store keeps. Whole files are dropped from the old end, so it keeps at least what is said here and
/// about an eighth more. Rooms, and the numbers that messages had, are kept for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Messages younger than this are kept; `None`, the default: all.
    ///
    /// The age is counted back from the newest message, not from a clock: a clock that jumps drops nothing, and neither does a
    /// store that nobody writes to.
    pub keep_for: Option<Duration>,
    /// The newest messages that fill so many bytes on disk are kept; `None`, the default: all.
    pub keep_bytes: Option<u64>,
}

impl Retention {
    /// How many of the oldest files may go: `files` are the bytes and the last time of each, oldest first; `newest` is the time of
    /// the newest message.
    pub(super) fn outlived(&self, files: &[(u64, Timestamp)], newest: Timestamp) -> usize {
        let mut left: u64 = files.iter().map(|(bytes, _)| bytes).sum();
        files
            .iter()
            .take_while(|(bytes, last_at)| {
                left -= bytes;
                self.is_too_old(*last_at, newest) || self.is_enough(left)
            })
            .count()
    }

    fn is_too_old(&self, at: Timestamp, newest: Timestamp) -> bool {
        let age = u128::from(newest.unix_micros().abs_diff(at.unix_micros()));
        self.keep_for.is_some_and(|kept| at < newest && age >= kept.as_micros())
    }

    fn is_enough(&self, bytes: u64) -> bool {
        self.keep_bytes.is_some_and(|kept| bytes >= kept)
    }

    /// The largest file worth making: dropping it must not drop much at once.
    pub(super) fn file_bytes_max(&self) -> u64 {
        const MAX: u64 = 64 << 30;
        self.keep_bytes.map_or(MAX, |kept| (kept / 8).min(MAX))
    }

    /// The most microseconds that a file should cover.
    pub(super) fn file_span_max(&self) -> u64 {
        self.keep_for.map_or(u64::MAX, |kept| u64::try_from(kept.as_micros() / 8).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_unix_micros(second * 1_000_000).unwrap()
    }

    const FILES: [(u64, i64); 4] = [(10, 100), (20, 200), (30, 300), (40, 400)];

    fn outlived(retention: Retention, newest: i64) -> usize {
        retention.outlived(&FILES.map(|(bytes, second)| (bytes, at(second))), at(newest))
    }

    #[test]
    fn everything_is_kept_when_nothing_is_asked_for() {
        assert_eq!(outlived(Retention::default(), i64::from(u32::MAX)), 0);
    }

    #[test]
    fn a_file_goes_once_its_newest_message_is_as_old_as_is_asked_for() {
        let kept = Retention { keep_for: Some(Duration::from_secs(100)), keep_bytes: None };
        for (newest, gone) in [(100, 0), (199, 0), (200, 1), (400, 3), (499, 3), (500, 4)] {
            assert_eq!(outlived(kept, newest), gone, "the newest is of second {newest}");
        }
    }

    #[test]
    fn the_file_with_the_newest_message_stays_however_little_time_is_asked_for() {
        let kept = Retention { keep_for: Some(Duration::ZERO), keep_bytes: None };
        assert_eq!(outlived(kept, 400), 3);
    }

    #[test]
    fn a_file_goes_once_the_younger_ones_are_enough() {
        for (keep, gone) in [(0, 4), (1, 3), (40, 3), (41, 2), (70, 2), (71, 1), (90, 1), (91, 0), (1000, 0)]
        {
            let kept = Retention { keep_for: None, keep_bytes: Some(keep) };
            assert_eq!(outlived(kept, 400), gone, "{keep} bytes are to be kept");
        }
    }

    #[test]
    fn no_file_is_more_than_an_eighth_of_what_is_kept() {
        let kept = Retention { keep_for: Some(Duration::from_secs(8)), keep_bytes: Some(800) };
        assert_eq!((kept.file_bytes_max(), kept.file_span_max()), (100, 1_000_000));
    }
}
