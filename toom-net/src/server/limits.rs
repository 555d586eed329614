//! The bounds of a server.

use core::num::NonZeroUsize;
use core::time::Duration;

use super::Rate;

/// Every bound of a server, with defaults that suit a server for a company. Those of the engine are [`toom_core::Limits`]; the
/// longest line is the protocol's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerLimits {
    /// The most connections open at once, logged in or not. 10,000: what the usual limit of open files can be raised to. When there
    /// are as many, one that is not logged in goes for one that comes, and only where all are logged in is one turned away.
    pub connections_max: usize,
    /// The most connections from one address, an IPv6 address counting by its first 64 bits. 1,000: several classrooms share
    /// one address.
    pub connections_per_address_max: usize,
    /// The most connections from one address that are not logged in. 200: a classroom that comes at once; who types a password has 10
    /// seconds for it at least, however fast others connect. One more makes the oldest of them go.
    pub strangers_per_address_max: NonZeroUsize,
    /// Whether connections from the same machine count for their address.
    pub loopback: Loopback,
    /// How often one address may connect; what counts for its address is what [`loopback`](Self::loopback) says. 20 a second after
    /// 200 in a row: a classroom comes at once, and a flood of 500 a second is cut to 20.
    pub connections_per_address: Rate,
    /// How long a peer may take to log in. 30 seconds: a person types a password in that time.
    pub login_time: Duration,
    /// How long a peer that is logged in may send no line before its session ends; clients learn it from the greeting and send `PING`
    /// in time. 10 minutes, 1 second at least: nobody is shown as active much longer than that after the net has swallowed them.
    pub idle_time: Duration,
    /// How often one session may post, build a room or offer a file, before it is told `throttled`. 50 a second after 1,000 in a row: with
    /// 1,000 receivers, that is one hundredth of a core.
    pub posts: Rate,
    /// How many peers that are not logged in may be in the middle of a line that is longer than 1,024 bytes. 16: no line of
    /// theirs has to be, so all others of them hold less than 8 KiB.
    pub early_long_lines_max: usize,
    /// How many requests of one connection may be unanswered; `RDM` and `ATU`, whose replies are long, count as half of
    /// them. 64: enough to fill a batch from afar.
    pub requests_in_flight_max: NonZeroUsize,
    /// How many bytes may wait for a peer that does not read, before messages are replaced by `LAG` and no more of its requests
    /// are read. 262,144: a second of a busy chat.
    pub outbox_bytes_max: usize,
    /// How many passwords are checked at once. 2: each takes a core and 19 MiB.
    pub password_checks_at_once: NonZeroUsize,
    /// How many password checks may wait; who comes then is told `throttled`. 64: a second or two of waiting.
    pub password_checks_waiting_max: usize,
    /// How many TLS handshakes are done at once, each on a thread of its own. 1: another core is left for what is said.
    #[cfg(feature = "tls")]
    pub handshakes_at_once: NonZeroUsize,
    /// How many files one session may offer and receive at a time. 8: more at once go no faster.
    pub transfers_per_session_max: usize,
    /// How long an offer waits for an answer. 5 minutes: the receiver is a person.
    pub offer_time: Duration,
    /// Whether files may go through the server where the two clients do not reach each other.
    pub relay_files: RelayFiles,
    /// How many files go through the server at a time. 64: each gets a quarter of a megabyte a second at least.
    pub relays_max: usize,
    /// How many bytes of files go through the server in a second, all together, and at once after a pause; 0: as many as come. 16,777,216: an eighth
    /// of what a gigabit carries.
    pub relay_bytes_per_second: u32,
    /// How long a file that goes through the server may stand still. 1 minute.
    pub relay_time: Duration,
    /// How long a connection that ends, and a server that shuts down, waits for peers to read what is left. 2 seconds.
    pub closing_time: Duration,
}

/// Whether connections from the same machine count for their address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Loopback {
    /// They do not: they are the operator's own, or a proxy's that stands for many peers.
    #[default]
    Exempt,
    /// They count like any other.
    Counted,
}

/// Whether files may go through the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RelayFiles {
    /// They may.
    #[default]
    On,
    /// They may not: they go from client to client, or not at all.
    Off,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            connections_per_address_max: 1_000,
            strangers_per_address_max: NonZeroUsize::MIN.saturating_add(199),
            loopback: Loopback::default(),
            connections_per_address: Rate { per_second: 20, burst: 200 },
            login_time: Duration::from_secs(30),
            idle_time: Duration::from_mins(10),
            posts: Rate { per_second: 50, burst: 1000 },
            early_long_lines_max: 16,
            requests_in_flight_max: NonZeroUsize::MIN.saturating_add(63),
            outbox_bytes_max: 256 * 1024,
            password_checks_at_once: NonZeroUsize::MIN.saturating_add(1),
            password_checks_waiting_max: 64,
            #[cfg(feature = "tls")]
            handshakes_at_once: NonZeroUsize::MIN,
            transfers_per_session_max: 8,
            offer_time: Duration::from_mins(5),
            relay_files: RelayFiles::default(),
            relays_max: 64,
            relay_bytes_per_second: 16 * 1024 * 1024,
            relay_time: Duration::from_mins(1),
            closing_time: Duration::from_secs(2),
        }
    }
}

impl ServerLimits {
    /// How many password checks may be under way, those that wait included.
    pub(crate) fn checks_max(&self) -> usize {
        self.password_checks_at_once.get().saturating_add(self.password_checks_waiting_max)
    }
}
