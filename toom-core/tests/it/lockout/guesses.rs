//! How many wrong passwords get through, told from the log of guesses alone.

use core::time::Duration;

use proptest::prelude::*;
use toom_core::{Config, Limits, LoginError};

use super::schedule::{Party, Step, clocks, configs, guesses};
use super::world::{NAMES, PASSWORDS, WRONG, World, name};

/// A guess that was let in and not withdrawn.
#[derive(Clone, Debug)]
struct Guess {
    user: usize,
    source: u8,
    /// Whether its source had logged in to the account before, and so is counted by itself.
    familiar: bool,
    began: Duration,
    /// When it was answered, or its time was over.
    settled: Duration,
    right: bool,
}

proptest! {
    /// Take the wrong guesses that share a count: same name, and either all from one source that had logged in to it before, or
    /// all from sources that had not. Leave out those that a success of the same count, begun later, has forgiven. Then no
    /// stretch of time shorter than a block touches more than N of them, each lasting from when it began until it was settled.
    ///
    /// In particular no more than N can be completed within the length of a block, on however many connections, and
    /// however slow the checks are. It is said of guesses that begin, too, because the N + 1st must not even be checked.
    ///
    /// Catches: `begin` looks at the failures only and not at all places; `>=` there becomes `>`; `settle` does not put failures
    /// back into their places; a block is shorter than it should be, or a new password ends it; a success forgives what began after
    /// it, or what another count holds; strangers are counted by source; familiar sources are not told apart; `Clocks::advance` lets
    /// monotonic time go back.
    #[test]
    fn no_stretch_shorter_than_a_block_sees_more_than_n_wrong_guesses(
        config in configs(),
        schedule in prop::collection::vec(
            prop_oneof![
                10 => guesses(0..NAMES.len(), 0..4, 0..PASSWORDS.len()),
                10 => guesses(0..1, 0..4, 0..PASSWORDS.len()),
                8 => clocks(),
                1 => (0..2_usize).prop_map(|password| Step::Put { user: 0, password, shouted: false }),
            ],
            1..120,
        ),
    ) {
        // Sources stay familiar, so that the log tells who is; no budget comes in between.
        let limits = Limits {
            familiar_sources_max: 8,
            familiar_for: Duration::MAX,
            source_failures_max: Limits::default().source_failures_max.saturating_add(1000),
            ..config.limits
        };
        let config = Config { limits, ..config };
        let log = log_of(config, &schedule);
        let (most, block) = (usize::from(config.policy.attempts.get()), config.policy.block);
        for guess in unforgiven(&log) {
            let touched = unforgiven(&log).filter(|other| {
                shares_count(guess, other) && other.settled >= guess.settled && other.began < guess.settled + block
            });
            prop_assert!(touched.count() <= most, "more than {} from {:?} on: {:#?}", most, guess, log);
        }
    }

    /// N guesses can be under way at a time and no more, from however many sources, of an account as of a name that nobody
    /// bears; each that is withdrawn makes room for another one.
    ///
    /// Catches: `places.len() >=` in `begin` becomes `>`; only failures are counted there; counts are kept by source; `withdraw`
    /// keeps the place; what is refused for it is told another time than the whole block.
    #[test]
    fn exactly_n_guesses_can_be_under_way(attempts in 1..=5_u8, user in 0..2_usize, withdrawn in 0..6_usize) {
        let mut world = World::with_accounts(super::schedule::default_config(attempts), 1);
        let name = name(user);
        let full = LoginError::Blocked { left: Duration::from_secs(10) };
        let begin = |world: &mut World, count: u8| {
            let begun = (0..count).map(|source| world.begin(Party::Stranger, &name, source, WRONG));
            begun.filter(|begun| begun.as_ref().map_err(|error| assert_eq!(*error, full)).is_ok()).count()
        };
        prop_assert_eq!(begin(&mut world, 50), usize::from(attempts));
        let withdrawn = withdrawn.min(usize::from(attempts));
        for _ in 0..withdrawn {
            world.take(Party::Stranger, &Step::Withdraw { which: 0 });
        }
        prop_assert_eq!(begin(&mut world, 50), withdrawn);
    }
}

fn unforgiven(log: &[Guess]) -> impl Iterator<Item = &Guess> {
    let wrong = log.iter().enumerate().filter(|(_, guess)| !guess.right);
    wrong
        .filter(|(number, guess)| {
            !log.iter().skip(number + 1).any(|later| later.right && shares_count(guess, later))
        })
        .map(|(_, guess)| guess)
}

fn shares_count(one: &Guess, two: &Guess) -> bool {
    one.user == two.user && one.familiar == two.familiar && (!one.familiar || one.source == two.source)
}

/// The guesses of a schedule, in the order in which they began.
fn log_of(config: Config, schedule: &[Step]) -> Vec<Guess> {
    let mut world = World::with_accounts(config, 3);
    let mut log: Vec<Option<Guess>> = Vec::new();
    let mut logged_in = Vec::new();
    let mut now = Duration::ZERO;
    for step in schedule {
        now = now.max(world.now().mono.elapsed());
        match *step {
            Step::Begin { user, source, password } => {
                if world.begin(Party::Owner, &name(user), source, password).is_ok() {
                    let familiar = logged_in.contains(&(user, source));
                    let settled = now + config.limits.check_timeout;
                    log.push(Some(Guess { user, source, familiar, began: now, settled, right: false }));
                }
            }
            Step::Finish { which } => {
                let Some(number) = world.pick(Party::Owner, which) else { continue };
                let right = world.finish(number).is_ok();
                let guess = log.get_mut(number).and_then(Option::as_mut).expect("it was begun");
                guess.settled = guess.settled.min(now);
                guess.right = right;
                if right {
                    logged_in.push((guess.user, guess.source));
                }
            }
            Step::Withdraw { which } => {
                let Some(number) = world.pick(Party::Owner, which) else { continue };
                world.withdraw(number);
                let place = log.get_mut(number).expect("it was begun");
                *place = place.take().filter(|guess| guess.settled <= now);
            }
            _ => {
                world.take(Party::Owner, step);
            }
        }
    }
    log.into_iter().flatten().collect()
}
