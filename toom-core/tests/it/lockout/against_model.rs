//! The engine answers what the notebook says.

use proptest::prelude::*;
use toom_core::Mono;

use super::model::Model;
use super::schedule::{Party, Step, configs, steps};
use super::world::{Answer, World};

proptest! {
    /// Every answer of every schedule, the durations in it included, and after each step the accounts and the next deadline.
    ///
    /// Catches: whatever changes an answer. It failed for every change that `docs/testing.md` lists without a *, and for what only it
    /// catches: `refill` loses the part of a refill that has passed; a familiar guess is spent.
    #[test]
    fn every_answer_is_the_one_that_the_notebook_gives(
        config in configs(),
        schedule in prop::collection::vec(steps(), 1..100),
    ) {
        let mut world = World::new(config);
        let mut model = Model::new(config);
        for step in [Step::Put { user: 0, password: 0, shouted: false }, Step::Put { user: 1, password: 1, shouted: true }]
            .into_iter()
            .chain(schedule)
        {
            let expected = expect(&mut model, &world, &step);
            prop_assert_eq!(world.take(Party::Owner, &step), expected, "{:?}", step);
            let accounts: Vec<_> = world.engine.accounts().map(|name| name.as_str().to_owned()).collect();
            prop_assert_eq!(accounts, model.accounts());
            if let Step::Begin { .. } | Step::Finish { .. } | Step::Withdraw { .. } | Step::Expire = step {
                let deadline = world.engine.next_deadline().map(Mono::elapsed);
                prop_assert_eq!(deadline, model.next_deadline(), "{:?}", step);
            }
        }
    }
}

/// What the notebook says to the step that `world` is about to take.
fn expect(model: &mut Model, world: &World, step: &Step) -> Answer {
    let now = world.now().mono.elapsed();
    let mut answer = Answer::Nothing;
    match *step {
        Step::Begin { user, source, password } => {
            model.look_at_the_clock(now);
            answer = model.begin(user, source, password).map_or_else(Answer::Refused, |_| Answer::Begun);
        }
        Step::Finish { which } => {
            if let Some(number) = world.pick(Party::Owner, which) {
                model.look_at_the_clock(now);
                answer = model.finish(number).map_or_else(Answer::Refused, Answer::LoggedIn);
            }
        }
        Step::Withdraw { which } => {
            if let Some(number) = world.pick(Party::Owner, which) {
                model.look_at_the_clock(now);
                model.withdraw(number);
            }
        }
        Step::Expire | Step::HostClockBack(_) | Step::Logout { .. } => model.look_at_the_clock(now),
        Step::Put { user, password, shouted } => model.put(user, password, shouted),
        Step::Remove { user } => model.remove(user),
        // Nobody tells the engine.
        Step::Wait(_) | Step::WallClock(_) => {}
    }
    answer
}
