//! How many wrong passwords one source may send, over all names.

use core::num::NonZeroU32;
use core::time::Duration;

use proptest::prelude::*;
use toom_core::{Config, Limits, LoginError, UserName};

use super::schedule::{Base, Length, Party, default_config};
use super::world::{WRONG, World, name};

fn world(failures: u32, refill: Duration) -> World {
    let config = default_config(5);
    let limits = Limits {
        source_failures_max: NonZeroU32::new(failures).expect("1 or more"),
        source_refill: refill,
        familiar_sources_max: 0,
        ..config.limits
    };
    World::with_accounts(Config { limits, ..config }, 1)
}

fn wait(world: &mut World, length: Duration) {
    world.wait(Length { base: Base::Some(length), off: 0 });
}

/// Names of strangers, each guessed once, so that no block comes in between.
struct Names(u32);

impl Names {
    fn guess(&mut self, world: &mut World, source: u8) -> Result<(), LoginError> {
        self.0 += 1;
        let name = UserName::parse(&format!("stranger{}", self.0)).expect("it is a name");
        let number = world.begin(Party::Stranger, &name, source, WRONG)?;
        world.finish(number).expect_err("nobody bears the name");
        Ok(())
    }
}

proptest! {
    /// A source may fail `limit` times at once. The next guess is refused, with exactly the time until one more attempt is
    /// earned; a nanosecond before it still is; then it is one, and after `k` refills `k`, but never more than `limit`.
    /// Other sources are not concerned.
    ///
    /// Catches: `>=` in `wait` becomes `>`; a refused guess is spent; a wrong one is given back; the budget is asked for accounts
    /// only, not spent, or not refilled.
    #[test]
    fn the_budget_of_a_source_is_exact(
        limit in 1..20_u32,
        refill in 2..5_000_000_000_u64,
        passed in 0..u64::MAX,
        refills in 1..25_u32,
    ) {
        let tick = Duration::from_nanos(1);
        let (refill, passed) = (Duration::from_nanos(refill), Duration::from_nanos(passed % refill));
        let (mut world, mut names) = (world(limit, refill), Names(0));
        for number in 0..limit {
            prop_assert_eq!(names.guess(&mut world, 1), Ok(()), "guess {} of {}", number + 1, limit);
        }
        wait(&mut world, passed);
        let left = refill - passed;
        prop_assert_eq!(names.guess(&mut world, 1), Err(LoginError::Throttled { left }));
        prop_assert_eq!(names.guess(&mut world, 2), Ok(()));
        wait(&mut world, left - tick);
        prop_assert_eq!(names.guess(&mut world, 1), Err(LoginError::Throttled { left: tick }));
        wait(&mut world, tick);
        prop_assert_eq!(names.guess(&mut world, 1), Ok(()));
        prop_assert_eq!(names.guess(&mut world, 1), Err(LoginError::Throttled { left: refill }));
        wait(&mut world, refill * refills);
        for number in 0..refills.min(limit) {
            prop_assert_eq!(names.guess(&mut world, 1), Ok(()), "guess {} after {} refills", number + 1, refills);
        }
        prop_assert_eq!(names.guess(&mut world, 1), Err(LoginError::Throttled { left: refill }));
    }

    /// A guess is spent as soon as it begins, so that as many as `limit` can be under way; it is given back when it was right or is
    /// withdrawn, not when it was wrong. So a source that knows its passwords is never throttled.
    ///
    /// Catches: `give_back` does nothing; a wrong guess is given back; a refused one is spent; `>=` in `wait` becomes `>`.
    #[test]
    fn only_wrong_guesses_stay_spent(limit in 1..5_u32, rounds in 1..20_u32, ends in prop::collection::vec(0..3_u8, 5)) {
        let (mut world, mut names) = (world(limit, Duration::from_secs(2)), Names(0));
        let begin = |world: &mut World, password| world.begin(Party::Owner, &name(0), 1, password);
        for _ in 0..rounds {
            let number = begin(&mut world, 0).unwrap();
            world.finish(number).unwrap();
            let number = begin(&mut world, 0).unwrap();
            world.withdraw(number);
        }
        let numbers: Vec<_> = (0..limit).map(|_| begin(&mut world, 0).unwrap()).collect();
        let left = Duration::from_secs(2);
        prop_assert_eq!(names.guess(&mut world, 1), Err(LoginError::Throttled { left }));
        let mut free = 0;
        for (number, end) in numbers.into_iter().zip(ends) {
            match end {
                0 => drop(world.finish(number)),
                1 => world.withdraw(number),
                // Nobody finishes it: it counts as wrong.
                _ => free -= 1,
            }
            free += 1;
        }
        for _ in 0..free {
            prop_assert_eq!(names.guess(&mut world, 1), Ok(()));
        }
        prop_assert_eq!(names.guess(&mut world, 1), Err(LoginError::Throttled { left }));
    }
}

/// Catches: dividing by a refill of no time; taking it for one that never comes.
#[test]
fn a_refill_of_no_time_never_throttles() {
    let (mut world, mut names) = (world(1, Duration::ZERO), Names(0));
    for _ in 0..10 {
        assert_eq!(names.guess(&mut world, 1), Ok(()));
    }
}
