//! Strangers cannot lock the owner out.

use core::time::Duration;

use proptest::prelude::*;
use toom_core::{Config, Limits};

use super::schedule::{Base, Length, Party, Step, clocks, configs, guesses};
use super::world::{Answer, PASSWORDS, WRONG, World};

const OWNER_AT_HOME: u8 = 0;

proptest! {
    /// The owner of `obiwan` has logged in from home. Strangers then try wrong passwords for `obiwan` from any other source, and
    /// anything at all for other names, from the owner's own address too; they have accounts themselves. Every answer that the owner gets at
    /// home is, to the nanosecond, the one there would have been without them.
    ///
    /// Catches: `begin` takes the strangers' count for familiar sources too, or holds them to the source's budget; a success does not
    /// make its source familiar; `Account::familiar` finds another source than the one asked for; `begin_login` or `finish_login`
    /// leaves it to whoever comes next to expire checks.
    #[test]
    fn the_owner_at_home_is_answered_as_if_there_were_no_strangers(
        config in configs(),
        schedule in prop::collection::vec(
            prop_oneof![
                4 => guesses(0..1, OWNER_AT_HOME..1, 0..PASSWORDS.len()).prop_map(|step| (Party::Owner, step)),
                4 => guesses(0..1, 1..6, WRONG..WRONG + 1).prop_map(|step| (Party::Stranger, step)),
                3 => guesses(1..4, 0..6, 0..PASSWORDS.len()).prop_map(|step| (Party::Stranger, step)),
                4 => clocks().prop_map(|step| (Party::Stranger, step)),
            ],
            1..100,
        ),
    ) {
        let check_timeout = config.limits.check_timeout.max(Duration::from_secs(1));
        let limits =
            Limits { familiar_for: Duration::MAX, familiar_sources_max: 8, check_timeout, ..config.limits };
        let config = Config { limits, ..config };
        let (mut noisy, mut quiet) = (World::with_accounts(config, 3), World::with_accounts(config, 3));
        let begin = Step::Begin { user: 0, source: OWNER_AT_HOME, password: 0 };
        for step in [begin.clone(), Step::Finish { which: 0 }] {
            prop_assert_eq!(noisy.take(Party::Owner, &step), quiet.take(Party::Owner, &step));
        }
        for (party, step) in schedule {
            match (party, &step) {
                (Party::Owner, step) => {
                    let answer = noisy.take(party, step);
                    prop_assert_eq!(answer, quiet.take(party, step), "{:?}", step);
                }
                (_, Step::Wait(length)) => {
                    let length = noisy.wait(*length);
                    quiet.wait(Length { base: Base::Some(length), off: 0 });
                }
                (_, Step::Begin { .. } | Step::Finish { .. } | Step::Withdraw { .. }) => {
                    noisy.take(party, &step);
                }
                (_, clock) => {
                    noisy.take(party, clock);
                    quiet.take(party, clock);
                }
            }
        }
    }

    /// However often strangers fail, now and until the block of their making ends, the owner's right password is taken at home
    /// at any moment; away from home it is refused as long as the block holds, and no longer.
    ///
    /// Catches: a familiar source is counted with strangers; strangers are counted by source; a success at home ends the block of
    /// strangers; `<=` in `end_block` becomes `<`; a refused guess lengthens the block.
    #[test]
    fn the_owner_gets_in_at_home_while_strangers_are_blocked(
        attempts in 1..=5_u8,
        sources in prop::collection::vec(1..200_u8, 5..60),
        pause in 0..10_000_000_u64,
    ) {
        let mut world = World::with_accounts(super::schedule::default_config(attempts), 1);
        let log_in = |world: &mut World, source| {
            let begun = world.take(Party::Owner, &Step::Begin { user: 0, source, password: 0 });
            if begun == Answer::Begun { world.take(Party::Owner, &Step::Finish { which: 0 }) } else { begun }
        };
        let welcome = Answer::LoggedIn("obiwan".to_owned());
        prop_assert_eq!(log_in(&mut world, OWNER_AT_HOME), welcome.clone());
        for source in sources {
            world.take(Party::Stranger, &Step::Begin { user: 0, source, password: WRONG });
            world.take(Party::Stranger, &Step::Finish { which: 0 });
            prop_assert_eq!(log_in(&mut world, OWNER_AT_HOME), welcome.clone());
        }
        world.wait(Length { base: Base::Some(Duration::from_micros(pause)), off: 0 });
        prop_assert_eq!(log_in(&mut world, OWNER_AT_HOME), welcome.clone());
        prop_assert!(matches!(log_in(&mut world, 255), Answer::Refused(_)));
        world.wait(Length { base: Base::Left, off: 0 });
        prop_assert_eq!(log_in(&mut world, 255), welcome);
    }
}
