//! What a server counts.
//!
//! Each thread counts in plain numbers that are its own, and publishes a copy when it is about to wait: counting costs
//! those who are served next to nothing.

use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};

/// What a server has counted since it was started, and, where a text says *now*, how things stand.
///
/// The three parts are told by different threads, each of a moment of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metrics {
    /// By the thread that owns the sockets.
    pub connections: ConnectionMetrics,
    /// By the thread that owns the engine.
    pub engine: EngineMetrics,
    /// By the thread that reads the history.
    pub reads: ReadMetrics,
}

/// What came of connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionMetrics {
    /// Connections that are open now.
    pub open: u64,
    /// Connections that are open now and not logged in, nor having their password checked.
    pub strangers: u64,
    /// Connections that were taken.
    pub opened: u64,
    /// Connections that were turned away: there were as many as there may be.
    pub refused_all: u64,
    /// Connections that were turned away: their address had as many as it may have.
    pub refused_address: u64,
    /// Connections that were turned away: their address connected too often.
    pub refused_rate: u64,
    /// Connections that were ended before the login, to make room: there were as many as there may be.
    pub strangers_dropped_all: u64,
    /// Connections that were ended before the login, to make room for others from their address: it had as many as it may have.
    pub strangers_dropped_address: u64,
    /// How often the system gave no connection, as it does when it has no file handle left.
    pub accept_failed: u64,
    /// Connections that were ended: the peer did not speak TLS, or not as it must.
    pub handshakes_failed: u64,
    /// Connections that were ended: nobody logged in in time.
    pub login_timeouts: u64,
    /// Sessions that were ended: they were silent for too long.
    pub idle_timeouts: u64,
    /// Connections that were ended: a line was too long.
    pub lines_too_long: u64,
    /// Connections that were ended: a long line came before the login, when too many others had one.
    pub early_long_lines: u64,
    /// Connections that were ended: the peer did not read what could not be left out.
    pub slow: u64,
    /// Lines that were taken from peers.
    pub lines: u64,
    /// Posts that were refused: the session posted too often.
    pub posts_throttled: u64,
    /// How often a connection was not read on because as many of its requests were unanswered as may be.
    pub waits_in_flight: u64,
    /// How often a connection was not read on because its peer had not read what waited for it.
    pub waits_outbox: u64,
    /// Messages that were put into the outbox of a session, once for each session.
    pub deliveries: u64,
    /// Messages that were left out because their session read too slowly.
    pub left_out: u64,
    /// Requests that wait for the engine now.
    pub queued: u64,
    /// Files that go from client to client.
    pub transfers: TransferMetrics,
}

/// What came of files that were offered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TransferMetrics {
    /// Transfers that there are now, from the offer to the end.
    pub open: u64,
    /// Those of them that go through the server now.
    pub relays: u64,
    /// Files that were offered.
    pub offers: u64,
    /// Files that have arrived.
    pub done: u64,
    /// Transfers that went through the server, from wherever they were.
    pub relays_begun: u64,
    /// Bytes of files that went through the server.
    pub relayed_bytes: u64,
    /// Offers and acceptances that were refused: the session had as many transfers as it may have.
    pub refused_session: u64,
    /// Offers that ended: nobody answered in time.
    pub offers_unanswered: u64,
    /// Relays that were refused: there are to be none.
    pub relays_off: u64,
    /// Relays that were refused: there were as many as there may be.
    pub relays_refused: u64,
    /// Transfers through the server that ended: they stood still.
    pub relays_still: u64,
    /// Pieces that were refused for now: too much went through the server.
    pub pieces_throttled: u64,
    /// Pieces that were refused for now: the other side had not taken those before them, or did not want them yet.
    pub pieces_early: u64,
}

/// What the engine was asked to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EngineMetrics {
    /// Sessions that there are now.
    pub sessions: u64,
    /// Logins that succeeded.
    pub logins: u64,
    /// Logins that were refused: the name or the password was wrong.
    pub logins_wrong: u64,
    /// Logins that were refused: the account was blocked.
    pub logins_blocked: u64,
    /// Logins that were refused: too many wrong passwords came from the address.
    pub logins_throttled: u64,
    /// Logins that were refused: too many password checks were under way.
    pub logins_crowded: u64,
    /// Logins that were refused for another reason: too many sessions.
    pub logins_refused: u64,
    /// Blocks that began.
    pub blocks: u64,
    /// Password checks that are under way now, those that wait included.
    pub checks_under_way: u64,
    /// Messages that were posted to everyone.
    pub broadcasts: u64,
    /// Messages that were posted to rooms.
    pub room_posts: u64,
    /// Rooms that were built.
    pub rooms_created: u64,
    /// Batches that the store failed to keep.
    pub appends_failed: u64,
    /// Whether the store failed to keep the latest batch: it may be full, or it has to be opened again.
    pub refuses_writes: bool,
    /// How many bytes the history takes on disk now; 0 for a store that cannot tell.
    pub store_bytes: u64,
    /// The number of the first broadcast that is kept now: it rises when retention drops older ones.
    pub broadcast_floor: u64,
    /// How long the store took to keep a batch.
    pub append_time: Histogram,
    /// How many writes a batch had.
    pub batch_writes: Histogram,
}

/// What was read from the history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadMetrics {
    /// Pages that could not be read.
    pub failed: u64,
    /// How long a page took.
    pub page_time: Histogram,
}

/// How many measurements had which size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    counts: [u64; Self::BUCKETS],
    sum: u64,
}

impl Histogram {
    /// How many buckets there are. Bucket `i` holds what is at most 4^i; the last one holds all that is more.
    pub const BUCKETS: usize = 13;

    pub(super) fn add(&mut self, measured: u64) {
        let bucket = measured.checked_next_power_of_two().map_or(u32::MAX, |power| power.ilog2().div_ceil(2));
        let bucket = usize::try_from(bucket).unwrap_or(usize::MAX).min(Self::BUCKETS - 1);
        if let Some(count) = self.counts.get_mut(bucket) {
            *count += 1;
        }
        self.sum = self.sum.saturating_add(measured);
    }

    /// Adds a time, in microseconds.
    pub(super) fn add_time(&mut self, measured: Duration) {
        self.add(u64::try_from(measured.as_micros()).unwrap_or(u64::MAX));
    }

    /// The measurements of each bucket with the most that one of them can have been; `None` for the last: any more.
    pub fn buckets(&self) -> impl Iterator<Item = (Option<u64>, u64)> {
        let last = Self::BUCKETS - 1;
        self.counts
            .into_iter()
            .enumerate()
            .map(move |(place, count)| ((place < last).then(|| 1 << (2 * place)), count))
    }

    /// All measurements together: microseconds, where times were measured.
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.sum
    }

    /// How many measurements there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

/// The latest copy of what a thread has counted.
#[derive(Clone, Debug, Default)]
pub(super) struct Published<T>(Arc<Mutex<T>>);

impl<T: Copy> Published<T> {
    pub(super) fn publish(&self, counts: T) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = counts;
    }

    pub(super) fn read(&self) -> T {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the threads of a server publish.
#[derive(Clone, Debug, Default)]
pub(super) struct Board {
    pub(super) connections: Published<ConnectionMetrics>,
    pub(super) engine: Published<EngineMetrics>,
    pub(super) reads: Published<ReadMetrics>,
}

impl Board {
    pub(super) fn read(&self) -> Metrics {
        Metrics { connections: self.connections.read(), engine: self.engine.read(), reads: self.reads.read() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measurement_is_counted_in_the_first_bucket_that_is_not_smaller() {
        for (measured, bound) in [
            (0, Some(1)),
            (1, Some(1)),
            (2, Some(4)),
            (4, Some(4)),
            (5, Some(16)),
            (16, Some(16)),
            (17, Some(64)),
            (1 << 22, Some(1 << 22)),
            ((1 << 22) + 1, None),
            (u64::MAX, None),
        ] {
            let mut histogram = Histogram::default();
            histogram.add(measured);
            let counted: Vec<_> = histogram.buckets().filter(|(_, count)| *count > 0).collect();
            assert_eq!(counted, [(bound, 1)], "{measured}");
            assert_eq!((histogram.sum(), histogram.count()), (measured, 1));
        }
    }

    #[test]
    fn measurements_are_counted_and_summed_up() {
        let mut histogram = Histogram::default();
        assert_eq!((histogram.sum(), histogram.count()), (0, 0));
        for measured in [3, 4, 100] {
            histogram.add(measured);
        }
        assert_eq!((histogram.sum(), histogram.count()), (107, 3));
        histogram.add(u64::MAX);
        assert_eq!((histogram.sum(), histogram.count()), (u64::MAX, 4));
    }

    #[test]
    fn times_are_counted_in_microseconds() {
        let mut histogram = Histogram::default();
        histogram.add_time(Duration::from_millis(3));
        assert_eq!(histogram.sum(), 3000);
    }
}
