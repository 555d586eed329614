//! The bounds of an engine, and the rules a host may choose.

use core::num::{NonZeroU32, NonZeroUsize};
use core::time::Duration;

use crate::Seed;

/// Every bound of an engine, with defaults that suit a server for a company.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest body, in bytes. 4,096: four screens of text; at most [`Body::BYTES_MAX`](crate::Body::BYTES_MAX) counts.
    pub body_bytes_max: usize,
    /// The most members of a room, its builder included. 256: a `SRB` of such a room still fits a line.
    pub members_max: usize,
    /// The most rooms that one user is a member of. 1,000: what a read over all rooms has to look at.
    pub rooms_per_user_max: usize,
    /// The most sessions open at once. 200,000.
    pub sessions_max: usize,
    /// The most sessions of one account open at once. 64: a person's devices and scripts, with room to spare.
    pub sessions_per_account_max: usize,
    /// The most messages of one page. 1,000.
    pub page_messages_max: NonZeroUsize,
    /// When a page ends because of its size: once its bodies have this many bytes. 131,072; a page holds at least one message.
    pub page_bytes_max: usize,
    /// How many familiar sources of an account are remembered, the latest ones. 8.
    pub familiar_sources_max: usize,
    /// How long a source stays familiar after a login from it; one that is blocked then, until that is over. 30 days.
    pub familiar_for: Duration,
    /// How many wrong passwords one source may send, over all accounts, before it is throttled. 100: several
    /// classrooms behind one address. A source that is familiar to the account is never throttled.
    pub source_failures_max: NonZeroU32,
    /// How long it takes a source to earn one more attempt. 2 seconds.
    pub source_refill: Duration,
    /// When a password check that was begun and never finished counts as failed. 60 seconds.
    pub check_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes_max: 4096,
            members_max: 256,
            rooms_per_user_max: 1000,
            sessions_max: 200_000,
            sessions_per_account_max: 64,
            page_messages_max: NonZeroUsize::MIN.saturating_add(999),
            page_bytes_max: 131_072,
            familiar_sources_max: 8,
            familiar_for: Duration::from_hours(30 * 24),
            source_failures_max: NonZeroU32::MIN.saturating_add(99),
            source_refill: Duration::from_secs(2),
            check_timeout: Duration::from_mins(1),
        }
    }
}

/// How many consecutive failures block an account: 1 to 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempts(u8);

impl Attempts {
    /// The fewest.
    pub const MIN: u8 = 1;
    /// The most.
    pub const MAX: u8 = 5;

    /// `attempts` failures; `None` outside 1 to 5.
    #[must_use]
    pub const fn new(attempts: u8) -> Option<Self> {
        if attempts < Self::MIN || attempts > Self::MAX { None } else { Some(Self(attempts)) }
    }

    /// The number of failures.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl Default for Attempts {
    /// 3.
    fn default() -> Self {
        Self(3)
    }
}

/// Who may be named as a member of a new room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Members {
    /// Users who are active.
    #[default]
    Active,
    /// Users who have an account.
    Exist,
}

/// The rules that a host may choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How many consecutive failures block an account.
    pub attempts: Attempts,
    /// How long a block lasts. 10 seconds.
    pub block: Duration,
    /// Who may be named as a member of a new room.
    pub members: Members,
    /// After how long without an operation a session expires; `None`, the default: never.
    pub session_idle: Option<Duration>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            attempts: Attempts::default(),
            block: Duration::from_secs(10),
            members: Members::default(),
            session_idle: None,
        }
    }
}

/// Everything that a host settles when it opens an engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The rules.
    pub policy: Policy,
    /// The bounds.
    pub limits: Limits,
    /// What keeps the places in bounded tables unguessable: draw it at random, and anew for each engine.
    pub seed: Seed,
}
