//! Random schedules: what users, hosts and clocks may do, and in which proportions.

use core::num::NonZeroU32;
use core::time::Duration;

use proptest::prelude::*;
use toom_core::{Attempts, Config, Limits, Policy, Timestamp};

use super::world::{NAMES, PASSWORDS};

/// On whose behalf something is done: each side finishes its own checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Party {
    Owner,
    Stranger,
}

/// One thing that happens.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Begin {
        user: usize,
        source: u8,
        password: usize,
    },
    Finish {
        which: usize,
    },
    Withdraw {
        which: usize,
    },
    Expire,
    Wait(Length),
    /// Somebody sets the wall clock.
    WallClock(i64),
    /// The host's monotonic clock goes back, which it must not.
    HostClockBack(Duration),
    Put {
        user: usize,
        password: usize,
        shouted: bool,
    },
    Remove {
        user: usize,
    },
    Logout {
        session: u64,
    },
}

/// A length of time, such that the edges of the rules are met often.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Length {
    pub(crate) base: Base,
    /// How much longer, or shorter, in nanoseconds.
    pub(crate) off: i64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Base {
    Nothing,
    Some(Duration),
    Block,
    Refill,
    CheckTimeout,
    Familiar,
    /// What the last refusal said.
    Left,
}

impl Length {
    pub(crate) fn of(self, config: &Config, left: Duration) -> Duration {
        let base = match self.base {
            Base::Nothing => Duration::ZERO,
            Base::Some(length) => length,
            Base::Block => config.policy.block,
            Base::Refill => config.limits.source_refill,
            Base::CheckTimeout => config.limits.check_timeout,
            Base::Familiar => config.limits.familiar_for,
            Base::Left => left,
        };
        let off = Duration::from_nanos(self.off.unsigned_abs());
        if self.off < 0 { base.saturating_sub(off) } else { base + off }
    }
}

fn lengths() -> impl Strategy<Value = Length> {
    let base = prop_oneof![
        4 => Just(Base::Nothing),
        2 => (0..20_000_u64).prop_map(|millis| Base::Some(Duration::from_millis(millis))),
        2 => Just(Base::Block),
        2 => Just(Base::Refill),
        1 => Just(Base::CheckTimeout),
        4 => Just(Base::Left),
    ];
    (base, offs()).prop_map(|(base, off)| Length { base, off })
}

fn offs() -> impl Strategy<Value = i64> {
    prop_oneof![4 => Just(0), 2 => Just(-1000), 2 => Just(1000), 1 => Just(-1), 1 => Just(1)]
}

/// Durations round those that matter, so that each comes before and after each other.
fn spans() -> impl Strategy<Value = Duration> {
    prop_oneof![
        1 => Just(Duration::ZERO),
        1 => Just(Duration::from_micros(1)),
        2 => Just(Duration::from_secs(2)),
        4 => Just(Duration::from_secs(10)),
        1 => Just(Duration::from_millis(9_999)),
        1 => Just(Duration::from_mins(1)),
        1 => Just(Duration::from_hours(30 * 24)),
    ]
}

/// Rules and bounds that are small enough to be met: one to five attempts, a few familiar sources, short budgets.
pub(crate) fn configs() -> impl Strategy<Value = Config> {
    let numbers = (Attempts::MIN..=Attempts::MAX, 0..4_usize, 1..12_u32);
    (numbers, spans(), spans(), spans(), spans()).prop_map(
        |((attempts, familiar, failures), block, source_refill, check_timeout, familiar_for)| {
            let attempts = Attempts::new(attempts).expect("1 to 5");
            let limits = Limits {
                familiar_sources_max: familiar,
                source_failures_max: NonZeroU32::new(failures).expect("1 or more"),
                sessions_per_account_max: usize::MAX,
                source_refill,
                check_timeout,
                familiar_for,
                ..Limits::default()
            };
            let policy = Policy { attempts, block, ..Policy::default() };
            Config { policy, limits, ..Config::default() }
        },
    )
}

/// The rules as hosts have them, with this many attempts.
pub(crate) fn default_config(attempts: u8) -> Config {
    let attempts = Attempts::new(attempts).expect("1 to 5");
    let limits = Limits { sessions_per_account_max: usize::MAX, ..Limits::default() };
    Config { policy: Policy { attempts, ..Policy::default() }, limits, ..Config::default() }
}

/// Guesses: begun, finished in any order, withdrawn, or left to themselves.
pub(crate) fn guesses(
    users: core::ops::Range<usize>,
    sources: core::ops::Range<u8>,
    passwords: core::ops::Range<usize>,
) -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (users, sources, passwords)
            .prop_map(|(user, source, password)| Step::Begin { user, source, password }),
        7 => (0..8_usize).prop_map(|which| Step::Finish { which }),
        1 => (0..8_usize).prop_map(|which| Step::Withdraw { which }),
    ]
}

/// What clocks do: advance, stall, be set, and go wrong; and whether the host calls `expire` meanwhile.
pub(crate) fn clocks() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => lengths().prop_map(Step::Wait),
        1 => (Timestamp::MIN.unix_micros()..=Timestamp::MAX.unix_micros()).prop_map(Step::WallClock),
        1 => (0..100_000_u64).prop_map(|millis| Step::HostClockBack(Duration::from_millis(millis))),
        2 => Just(Step::Expire),
    ]
}

/// What the host does to accounts and sessions.
pub(crate) fn accounts() -> impl Strategy<Value = Step> {
    let users = 0..NAMES.len();
    prop_oneof![
        4 => (users.clone(), 0..PASSWORDS.len() - 1, any::<bool>())
            .prop_map(|(user, password, shouted)| Step::Put { user, password, shouted }),
        1 => users.prop_map(|user| Step::Remove { user }),
        1 => (0..20_u64).prop_map(|session| Step::Logout { session }),
    ]
}

/// Everything at once, much of it at one account, and days without anything, until sources are not familiar any more.
pub(crate) fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => guesses(0..NAMES.len(), 0..5, 0..PASSWORDS.len()),
        12 => guesses(0..1, 0..3, 0..PASSWORDS.len()),
        9 => clocks(),
        1 => offs().prop_map(|off| Step::Wait(Length { base: Base::Familiar, off })),
        2 => accounts(),
    ]
}
