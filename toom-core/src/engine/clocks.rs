//! The clocks of an engine: stamps that never fall, and monotonic time that does not either.

use crate::digest::Canonical;
use crate::{Mono, Now, Timestamp};

/// How far ahead of a login stamps are reserved. A store is asked for it at most once in so long, however many log in; and where an
/// engine ends and another is opened at once, its first stamps are ahead of the wall clock by no more than this.
const RESERVED_MICROS: i64 = 1_000_000;

/// The latest times the engine has seen or given out.
#[derive(Debug)]
pub(super) struct Clocks {
    /// The last stamp that was used, or may have been.
    stamped: Option<Timestamp>,
    /// Nobody is told of a stamp that is later than this: up to here the store keeps, as a record's time or by itself, that stamps
    /// are used. When nobody knows what it holds, this is where it was known last.
    kept: Option<Timestamp>,
    /// When the store last refused to keep more.
    refused: Option<Mono>,
    mono: Mono,
}

impl Clocks {
    /// Clocks that go on behind `kept`, the last stamp that a store knows.
    pub(super) fn behind(kept: Option<Timestamp>) -> Self {
        Self { stamped: kept, kept, refused: None, mono: Mono::ZERO }
    }

    /// Goes on with a store that was opened anew. What of its reservation was not used yet is not lost: who reserved it is still here.
    pub(super) fn reopen(&mut self, last_at: Option<Timestamp>, reserved: Option<Timestamp>) {
        self.stamped = self.stamped.max(last_at);
        self.kept = last_at.max(reserved);
        self.refused = None;
    }

    /// Monotonic time, also if the host's clock is not.
    pub(super) fn advance(&mut self, now: Now) -> Mono {
        self.mono = self.mono.max(now.mono);
        self.mono
    }

    /// Up to where the store has to keep that stamps are used before anybody logs in; `None` if it keeps enough, or has just refused.
    pub(super) fn reservation_due(&self, now: Now) -> Option<Timestamp> {
        let at = next_stamp(self.stamped, now).unwrap_or(Timestamp::MAX);
        let is_due = self.kept < Some(at) && self.refused != Some(self.mono);
        is_due.then(|| {
            Timestamp::from_unix_micros(at.unix_micros() + RESERVED_MICROS).unwrap_or(Timestamp::MAX)
        })
    }

    /// The store keeps that stamps are used up to `until`.
    pub(super) fn reserved(&mut self, until: Timestamp) {
        self.kept = self.kept.max(Some(until));
        self.refused = None;
    }

    pub(super) fn refused(&mut self, when: Mono) {
        self.refused = Some(when);
    }

    /// The stamp of a record that is decided now, behind one that is staged; `None` at the end of time.
    pub(super) fn next_record(&self, staged: Option<Timestamp>, now: Now) -> Option<Timestamp> {
        next_stamp(self.stamped.max(staged), now)
    }

    /// The store keeps records, the last of the time `at`.
    pub(super) fn stored(&mut self, at: Option<Timestamp>) {
        self.stamped = self.stamped.max(at);
        self.kept = self.kept.max(at);
    }

    /// The store may keep records, the last of the time `at`: their stamps are used up. Who logs in before that is known must be told of none
    /// so late, for to him they come later if they come at all.
    pub(super) fn perhaps_stored(&mut self, at: Option<Timestamp>) {
        self.kept = self.kept.min(self.stamped);
        self.stamped = self.stamped.max(at);
    }

    /// The stamp of a login. It comes in the order of the messages, so that what is posted later is later; but where the store does
    /// not keep so late a stamp, it is the last that the store does keep.
    pub(super) fn stamp_login(&mut self, now: Now) -> Timestamp {
        let next = next_stamp(self.stamped, now).unwrap_or(Timestamp::MAX);
        let at = next.min(self.kept.unwrap_or(Timestamp::MIN));
        self.stamped = self.stamped.max(Some(at));
        at
    }

    /// All but what the store keeps.
    pub(super) fn digest(&self, into: &mut Canonical) {
        into.number(self.stamped.map_or(0, |at| at.unix_micros().cast_unsigned()));
        into.number(self.mono.elapsed().as_nanos());
    }
}

/// The stamp of what is accepted now, behind the stamp `last`; `None` at the end of time.
fn next_stamp(last: Option<Timestamp>, now: Now) -> Option<Timestamp> {
    match last {
        Some(last) => last.next().map(|next| next.max(now.wall)),
        None => Some(now.wall),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_unix_micros(micros).unwrap()
    }

    fn now(micros: i64) -> Now {
        Now { wall: at(micros), mono: Mono::ZERO }
    }

    #[test]
    fn a_store_is_asked_to_keep_stamps_only_when_a_login_would_be_told_of_a_later_one_than_it_keeps() {
        let mut clocks = Clocks::behind(Some(at(10)));
        assert_eq!(clocks.reservation_due(now(5)), Some(at(11 + RESERVED_MICROS)));
        clocks.reserved(at(20));
        assert_eq!(clocks.reservation_due(now(20)), None, "the last that it keeps");
        assert_eq!(clocks.reservation_due(now(21)), Some(at(21 + RESERVED_MICROS)));
        assert_eq!(clocks.stamp_login(now(20)), at(20));
        assert_eq!(clocks.reservation_due(now(20)), Some(at(21 + RESERVED_MICROS)));
    }
}
