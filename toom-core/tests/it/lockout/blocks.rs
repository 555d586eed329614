//! When a block begins and ends.

use core::time::Duration;

use proptest::prelude::*;
use toom_core::{LoginError, Policy, Timestamp};

use super::schedule::{Base, Length, Party, Step, default_config};
use super::world::{Answer, PASSWORDS, WRONG, World};

/// Who is blocked.
#[derive(Clone, Copy, Debug)]
enum Who {
    Strangers,
    Familiar,
    Nobody,
}

/// What happens while a block holds.
#[derive(Clone, Debug)]
enum Meanwhile {
    Guess { source: u8, password: usize },
    WallClock(i64),
    HostClockBack(Duration),
    Expire,
    Put,
}

fn meanwhile() -> impl Strategy<Value = Meanwhile> {
    prop_oneof![
        4 => (1..9_u8, 0..PASSWORDS.len()).prop_map(|(source, password)| Meanwhile::Guess { source, password }),
        1 => (Timestamp::MIN.unix_micros()..=Timestamp::MAX.unix_micros()).prop_map(Meanwhile::WallClock),
        1 => (0..100_000_u64).prop_map(|millis| Meanwhile::HostClockBack(Duration::from_millis(millis))),
        1 => Just(Meanwhile::Expire),
        1 => Just(Meanwhile::Put),
    ]
}

/// Lengths of blocks: those next to 10 seconds, the shortest, and any.
fn blocks() -> impl Strategy<Value = Duration> {
    prop_oneof![
        Just(Duration::from_millis(9_999)),
        Just(Duration::from_secs(10)),
        Just(Duration::from_millis(10_001)),
        Just(Duration::from_micros(2)),
        (2..100_000_000_u64).prop_map(Duration::from_micros),
    ]
}

fn wait(world: &mut World, length: Duration) {
    world.wait(Length { base: Base::Some(length), off: 0 });
}

fn guess(world: &mut World, user: usize, source: u8, password: usize) -> Answer {
    let begun = world.take(Party::Owner, &Step::Begin { user, source, password });
    if begun == Answer::Begun { world.take(Party::Owner, &Step::Finish { which: 0 }) } else { begun }
}

/// Fails as often as it takes; the last answer must tell of the block.
fn fill(world: &mut World, user: usize, source: impl Fn(u8) -> u8) -> Result<(), TestCaseError> {
    let attempts = world.config.policy.attempts.get();
    for number in 1..=attempts {
        let blocked = (number == attempts).then_some(world.config.policy.block);
        let answer = guess(world, user, source(number), WRONG);
        prop_assert_eq!(answer, Answer::Refused(LoginError::WrongPassword { blocked }), "failure {}", number);
    }
    Ok(())
}

proptest! {
    /// The Nth failure and no earlier one begins a block. Until a microsecond before its end every guess is refused, with exactly
    /// the time that is left, whatever was tried meanwhile, whatever the wall clock shows, and though the host's monotonic
    /// clock goes back; from the very microsecond of its end on, guesses are taken, N of them. And so again and again.
    ///
    /// Catches: `<=` in `end_block` becomes `<`, or the block's end is off by any amount; `begin` lengthens the block when it refuses;
    /// strangers are counted by source; `put` ends a block; names that nobody bears are not counted.
    #[test]
    fn a_block_ends_at_its_microsecond_whatever_happens_meanwhile(
        attempts in 1..=5_u8,
        block in blocks(),
        who in prop_oneof![Just(Who::Strangers), Just(Who::Familiar), Just(Who::Nobody)],
        meanwhile in prop::collection::vec((meanwhile(), 0..u64::MAX), 0..20),
        rounds in 1..3_u8,
    ) {
        let config = default_config(attempts);
        let mut world = World::with_accounts(toom_core::Config { policy: Policy { block, ..config.policy }, ..config }, 1);
        let (user, home) = match who {
            Who::Strangers => (0, None),
            Who::Familiar => (0, Some(77)),
            Who::Nobody => (1, None),
        };
        if let Some(home) = home {
            prop_assert_eq!(guess(&mut world, 0, home, 0), Answer::LoggedIn("obiwan".to_owned()));
        }
        let from = |source| home.unwrap_or(source);
        let tick = Duration::from_micros(1);
        for _ in 0..rounds {
            // The first round begins any time, the others in the very microsecond in which the block before has ended.
            fill(&mut world, user, from)?;
            let mut left = block;
            for (what, share) in &meanwhile {
                let micros = u64::try_from(left.as_micros()).expect("a block of less than a thousand years");
                let passed = Duration::from_micros(share % micros);
                wait(&mut world, passed);
                left -= passed;
                meddle(&mut world, user, what);
                let refused = Answer::Refused(LoginError::Blocked { left });
                prop_assert_eq!(guess(&mut world, user, from(5), 0), refused, "after {:?}", what);
            }
            wait(&mut world, left - tick);
            prop_assert_eq!(guess(&mut world, user, from(1), 0), Answer::Refused(LoginError::Blocked { left: tick }));
            wait(&mut world, tick);
        }
        fill(&mut world, user, from)?;
    }
}

/// Something happens at once. A clock that goes back is made to show the right time again.
fn meddle(world: &mut World, user: usize, what: &Meanwhile) {
    match *what {
        Meanwhile::Guess { source, password } => {
            guess(world, user, source, password);
        }
        Meanwhile::WallClock(micros) => {
            world.take(Party::Owner, &Step::WallClock(micros));
        }
        Meanwhile::HostClockBack(by) => {
            let by = by.min(world.now().mono.elapsed());
            world.take(Party::Owner, &Step::HostClockBack(by));
            guess(world, user, 5, 0);
            wait(world, by);
        }
        Meanwhile::Expire => {
            world.take(Party::Owner, &Step::Expire);
        }
        Meanwhile::Put => world.put(0, 0, true),
    }
}

/// Catches: `<=` in `end_block` becomes `<`; the default block is another one, or is not as long as it says.
#[test]
fn a_block_of_ten_seconds_holds_at_9_999_ms_and_is_over_at_10_000_ms_and_10_001_ms() {
    for (millis, left) in [(9_999, Some(1)), (10_000, None), (10_001, None)] {
        let mut world = World::with_accounts(default_config(3), 1);
        fill(&mut world, 0, |source| source).unwrap();
        wait(&mut world, Duration::from_millis(millis));
        let expected = match left {
            Some(left) => Answer::Refused(LoginError::Blocked { left: Duration::from_millis(left) }),
            None => Answer::LoggedIn("obiwan".to_owned()),
        };
        assert_eq!(guess(&mut world, 0, 9, 0), expected, "{millis} ms");
    }
}

/// Three checks that nobody finishes are wrong when their time is over, and the block is counted from then, though nobody
/// looks until it has ended.
///
/// Catches: `expire` settles guesses at the time at which it is called instead of their deadline; `begin_login` does not call it.
#[test]
fn the_block_of_checks_that_nobody_finished_begins_at_their_deadline() {
    for looked in [false, true] {
        let mut world = World::with_accounts(default_config(3), 1);
        (1..=3).for_each(|source| {
            world.take(Party::Stranger, &Step::Begin { user: 0, source, password: 0 });
        });
        wait(&mut world, Duration::from_mins(1));
        if looked {
            world.take(Party::Owner, &Step::Expire);
        }
        wait(&mut world, Duration::from_millis(9_999));
        let left = Duration::from_millis(1);
        assert_eq!(guess(&mut world, 0, 9, 0), Answer::Refused(LoginError::Blocked { left }));
        wait(&mut world, left);
        assert_eq!(guess(&mut world, 0, 9, 0), Answer::LoggedIn("obiwan".to_owned()));
        let late = world.take(Party::Stranger, &Step::Finish { which: 0 });
        assert_eq!(late, Answer::Refused(LoginError::WrongPassword { blocked: None }));
    }
}

/// Catches: `withdraw_login` does not call `expire`, so that it depends on the host's calls whether the guess counts.
#[test]
fn a_guess_that_is_withdrawn_after_its_time_counts() {
    let mut world = World::with_accounts(default_config(1), 1);
    world.take(Party::Stranger, &Step::Begin { user: 0, source: 1, password: 0 });
    wait(&mut world, Duration::from_mins(1));
    world.take(Party::Stranger, &Step::Withdraw { which: 0 });
    let left = Duration::from_secs(10);
    assert_eq!(guess(&mut world, 0, 9, 0), Answer::Refused(LoginError::Blocked { left }));
}
