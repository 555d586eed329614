//! What a success forgives, and that the order of finishing does not matter.

use core::time::Duration;

use proptest::prelude::*;
use toom_core::{Config, Limits, LoginError};

use super::schedule::{Base, Length, Party, Step, configs, default_config, steps};
use super::world::{Answer, NAMES, WRONG, World};

proptest! {
    /// After any schedule all checks under way are finished at one moment, in one order or another. What follows is answered
    /// the same.
    ///
    /// Catches: `settle` puts a failure at the end, in the order of ending, not back into its place; `begin` counts failures
    /// only, or lets a refused guess take a place.
    #[test]
    fn the_order_in_which_checks_are_finished_does_not_matter(
        config in configs(),
        before in prop::collection::vec(steps(), 1..60),
        order in Just((0..4 * NAMES.len() * 5).collect::<Vec<_>>()).prop_shuffle(),
        after in prop::collection::vec(steps(), 1..60),
    ) {
        // Which source is the least familiar one does depend on who finished first, so all are remembered.
        let limits = Limits { familiar_sources_max: 8, ..config.limits };
        let config = Config { limits, ..config };
        let (mut one, mut two) = (World::with_accounts(config, 3), World::with_accounts(config, 3));
        for step in &before {
            prop_assert_eq!(one.take(Party::Owner, step), two.take(Party::Owner, step));
        }
        while one.take(Party::Owner, &Step::Finish { which: 0 }) != Answer::Nothing {}
        for which in order {
            two.take(Party::Owner, &Step::Finish { which });
        }
        while two.take(Party::Owner, &Step::Finish { which: 0 }) != Answer::Nothing {}
        for step in &after {
            if let Step::Wait(length) = step {
                let length = one.wait(*length);
                two.wait(Length { base: Base::Some(length), off: 0 });
            } else {
                prop_assert_eq!(one.take(Party::Owner, step), two.take(Party::Owner, step), "{:?}", step);
            }
        }
    }

    /// After fewer failures than N and a success, N failures are needed for a block, at the source of the success as anywhere else.
    ///
    /// Catches: `forgive_before` does nothing; `settle` does not put failures back into their places.
    #[test]
    fn a_success_resets_the_count(attempts in 1..=5_u8, failures in 0..5_u8, later_source in 1..3_u8) {
        let mut world = World::with_accounts(default_config(attempts), 1);
        for _ in 0..failures.min(attempts - 1) {
            prop_assert_eq!(guess(&mut world, 1, WRONG), wrong(None));
        }
        prop_assert_eq!(guess(&mut world, 1, 0), Answer::LoggedIn("obiwan".to_owned()));
        for _ in 1..attempts {
            prop_assert_eq!(guess(&mut world, later_source, WRONG), wrong(None));
        }
        prop_assert_eq!(guess(&mut world, later_source, WRONG), wrong(Some(Duration::from_secs(10))));
    }

    /// Guesses under way that a success forgives keep their places until they end: N can be under way, and no more.
    ///
    /// Catches: `forgive_before` frees forgiven guesses of their places; a refused guess takes a place.
    #[test]
    fn a_forgiven_guess_keeps_its_place_until_it_ends(attempts in 1..=5_u8) {
        let mut world = World::with_accounts(default_config(attempts), 1);
        let begin = |world: &mut World, source, password| {
            world.take(Party::Owner, &Step::Begin { user: 0, source, password })
        };
        for _ in 1..attempts {
            prop_assert_eq!(begin(&mut world, 1, WRONG), Answer::Begun);
        }
        prop_assert_eq!(begin(&mut world, 1, 0), Answer::Begun);
        let success = world.take(Party::Owner, &Step::Finish { which: usize::from(attempts) - 1 });
        prop_assert_eq!(success, Answer::LoggedIn("obiwan".to_owned()));
        let full = Answer::Refused(LoginError::Blocked { left: Duration::from_secs(10) });
        for _ in 1..attempts {
            prop_assert_eq!(begin(&mut world, 2, WRONG), Answer::Begun);
            prop_assert_eq!(begin(&mut world, 2, WRONG), full.clone());
            prop_assert_eq!(world.take(Party::Owner, &Step::Finish { which: 0 }), wrong(None));
        }
        prop_assert_eq!(begin(&mut world, 2, WRONG), Answer::Begun);
        prop_assert_eq!(begin(&mut world, 2, WRONG), full);
    }

    /// A success forgives guesses that began before it, failed or still under way, and none that began later, whichever
    /// ends first.
    ///
    /// Catches: `forgive_before` does nothing, or forgives guesses that began later too; `settle` puts failures at the end; a success
    /// forgives what another count holds.
    #[test]
    fn a_success_forgives_what_began_earlier_and_nothing_else(earlier in 0..3_u8, later in 0..3_u8, at_once: bool) {
        let attempts = earlier + later + 1;
        let mut world = World::with_accounts(default_config(attempts), 1);
        let begin = |world: &mut World, password| {
            let answer = world.take(Party::Owner, &Step::Begin { user: 0, source: 1, password });
            prop_assert_eq!(answer, Answer::Begun);
            Ok(())
        };
        (0..earlier).try_for_each(|_| begin(&mut world, WRONG))?;
        begin(&mut world, 0)?;
        (0..later).try_for_each(|_| begin(&mut world, WRONG))?;
        let success = usize::from(earlier);
        if at_once {
            let answer = world.take(Party::Owner, &Step::Finish { which: success });
            prop_assert_eq!(answer, Answer::LoggedIn("obiwan".to_owned()));
        } else {
            for number in (success + 1..=success + usize::from(later)).rev() {
                prop_assert_eq!(world.take(Party::Owner, &Step::Finish { which: number }), wrong(None));
            }
        }
        while world.take(Party::Owner, &Step::Finish { which: 0 }) != Answer::Nothing {}
        // From a source that the success did not make familiar, so that the count is the same.
        let free = attempts - later;
        for number in 1..=free {
            let blocked = (number == free).then_some(Duration::from_secs(10));
            prop_assert_eq!(guess(&mut world, 2, WRONG), wrong(blocked), "{} of {}", number, free);
        }
    }
}

fn guess(world: &mut World, source: u8, password: usize) -> Answer {
    let begun = world.take(Party::Owner, &Step::Begin { user: 0, source, password });
    if begun == Answer::Begun { world.take(Party::Owner, &Step::Finish { which: 0 }) } else { begun }
}

fn wrong(blocked: Option<Duration>) -> Answer {
    Answer::Refused(LoginError::WrongPassword { blocked })
}
