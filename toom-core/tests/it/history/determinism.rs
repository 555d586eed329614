//! The same inputs give the same outputs and the same state.

use core::time::Duration;

use proptest::prelude::*;
use toom_core::{Body, Config, IdempotencyKey, Now, RoomId, SessionId, Timestamp};

use crate::history::schedule::{Deed, Order, Step, Tick, Write, config, deed, fault, kept_max, steps};
use crate::history::world::{World, user};

const STALL: Tick = Tick { wall: 0, mono: Duration::ZERO };

/// A world after its steps, with the digest behind each.
fn played(config: Config, kept: Option<usize>, steps: &[Step]) -> (World, Vec<toom_core::Digest>) {
    let mut world = World::new(config, kept);
    let digests = steps.iter().map(|step| {
        world.step(step);
        world.engine.digest()
    });
    let digests = digests.collect();
    (world, digests)
}

/// Everybody leaves, the clock goes past all stamps, and three come back: so worlds with the same history, the same accounts and the
/// same clock look alike to all who talk to them.
fn fresh_morning(world: &mut World, wall: Timestamp) {
    for id in 0..8 {
        world.step(&Step { tick: STALL, deed: Deed::Logout(SessionId::new(id)) });
    }
    for name in ["luke", "leia", "hans"] {
        world.put_account(&user(name));
    }
    world.now = Tick { wall: 0, mono: Duration::from_hours(1) }.after(Now { wall, ..world.now });
    world.step(&Step { tick: STALL, deed: Deed::Expire });
    world.transcript.clear();
    for (id, name) in [(0, "luke"), (1, "leia"), (2, "hans")] {
        world.login(&user(name), SessionId::new(id));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// A schedule that is played twice gives the same answers and, after each step, the same digest.
    ///
    /// It catches: anything that is drawn from a clock, from chance, or from the order of a hash table.
    #[test]
    fn the_same_inputs_give_the_same_outputs_and_state(
        config in config(),
        kept in kept_max(),
        steps in steps(prop_oneof![8 => deed(), 1 => fault().prop_map(Deed::Fault)], 60),
    ) {
        let (one, one_digests) = played(config, kept, &steps);
        let (two, two_digests) = played(config, kept, &steps);
        prop_assert_eq!(one.transcript, two.transcript);
        prop_assert_eq!(one_digests, two_digests);
    }

    /// Reopening a store that works changes nothing: all answers are the same, and so is the whole state.
    ///
    /// It catches: a store that recovers less than it was given; a clock that goes back when the store is opened again; sessions that
    /// reopening ends.
    #[test]
    fn reopening_a_store_that_works_changes_nothing(
        config in config(),
        kept in kept_max(),
        steps in steps(deed(), 40),
    ) {
        let (plain, plain_digests) = played(config, kept, &steps);
        let mut world = World::new(config, kept);
        for (step, digest) in steps.iter().zip(plain_digests) {
            world.step(step);
            world.reopen();
            prop_assert_eq!(world.engine.digest(), digest);
        }
        prop_assert_eq!(world.transcript, plain.transcript);
    }

    /// An engine that was recovered has the history of the one that wrote, and goes on like it.
    ///
    /// It catches: recovery that is another function than applying; rooms, ends or keys that are recovered in part.
    #[test]
    fn a_recovered_engine_goes_on_like_the_one_that_wrote(
        config in config(),
        kept in kept_max(),
        before in steps(deed(), 60),
        // Blocks are not stored: what guesses come to is another matter.
        after in steps(deed().prop_filter("a guess", |deed| !matches!(deed, Deed::Guess)), 30),
    ) {
        let (mut wrote, _) = played(config, kept, &before);
        let (mut recovered, _) = played(config, kept, &before);
        recovered.recover();
        prop_assert_eq!(recovered.engine.history_digest(), wrote.engine.history_digest());
        let late = [&wrote, &recovered].map(|world| world.model.stamped.max(Some(world.now.wall)).unwrap());
        let morning = late.into_iter().max().unwrap().next().unwrap();
        for world in [&mut wrote, &mut recovered] {
            fresh_morning(world, morning);
        }
        for step in &after {
            wrote.step(step);
            recovered.step(step);
            prop_assert_eq!(recovered.engine.history_digest(), wrote.engine.history_digest());
        }
        prop_assert_eq!(recovered.transcript, wrote.transcript);
    }

    /// A batch is answered as its operations are one by one, and leaves the same state.
    ///
    /// It catches: a batch that decides on what is stored alone; numbers, keys, members or limits that are not looked up in what
    /// is staged; an order of records that is not the order of the operations.
    #[test]
    fn a_batch_is_answered_as_its_operations_one_by_one(
        config in config(),
        kept in kept_max(),
        steps in steps(deed(), 60),
    ) {
        let one_by_one = steps.iter().flat_map(|step| match &step.deed {
            Deed::Batch(orders) => orders
                .iter()
                .enumerate()
                .map(|(nth, order)| Step {
                    tick: if nth == 0 { step.tick } else { STALL },
                    deed: Deed::Single(order.clone()),
                })
                .chain(orders.is_empty().then_some(Step { tick: step.tick, deed: Deed::Batch(Vec::new()) }))
                .collect(),
            _ => vec![step.clone()],
        });
        let one_by_one: Vec<_> = one_by_one.collect();
        let (batched, _) = played(config, kept, &steps);
        let (single, _) = played(config, kept, &one_by_one);
        prop_assert_eq!(&batched.engine.digest(), &single.engine.digest());
        prop_assert_eq!(batched.transcript, single.transcript);
    }
}

#[test]
fn the_digest_tells_states_apart() {
    let tick = |wall, mono| Tick { wall, mono: Duration::from_secs(mono) };
    let deeds: [(Tick, Deed); 6] = [
        (STALL, Deed::Expire),
        (tick(0, 1), Deed::Expire),
        (STALL, Deed::Guess),
        (STALL, Deed::Logout(SessionId::new(0))),
        (STALL, Deed::Login(user("Luke"), SessionId::new(5))),
        (tick(0, 1), Deed::ActiveUsers(SessionId::new(0))),
    ];
    let after = |(tick, deed): (Tick, Deed)| {
        let mut world = World::roomy();
        world.step(&Step { tick, deed });
        world.engine.digest()
    };
    let mut digests: Vec<_> = deeds.into_iter().map(after).collect();
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), 6);
}

/// One history for each thing that a history can differ in.
fn histories() -> Vec<Vec<(i64, Deed)>> {
    let key = |raw: &str| (!raw.is_empty()).then(|| IdempotencyKey::parse(raw).unwrap());
    let order = |session, raw: &str, write| {
        Deed::Single(Order { session: SessionId::new(session), key: key(raw), write })
    };
    let body = |text: &str| Body::parse(text).unwrap();
    let say = |session, raw: &str, text: &str| order(session, raw, Write::Broadcast(body(text)));
    let post = |room, text: &str| order(0, "", Write::PostRoom(RoomId::new(room).unwrap(), body(text)));
    let build = |session, raw: &str, others: &[&str]| {
        order(session, raw, Write::CreateRoom(others.iter().map(|name| user(name)).collect()))
    };
    let two_rooms = || vec![(9, build(0, "", &["leia"])), (9, build(0, "", &["hans"]))];
    let and = |mut deeds: Vec<(i64, Deed)>, deed| {
        deeds.push((9, deed));
        deeds
    };
    vec![
        vec![],
        vec![(9, say(0, "", "a"))],
        vec![(10, say(0, "", "a"))],
        vec![(5, say(0, "", "a")), (5, say(0, "", "a"))],
        vec![(9, say(0, "k1", "a"))],
        vec![(9, say(0, "k2", "a"))],
        vec![(9, say(0, "k1", "b"))],
        vec![(9, say(1, "k1", "a"))],
        vec![(9, build(0, "", &["leia"]))],
        vec![(10, build(0, "", &["leia"]))],
        vec![(9, build(0, "k1", &["leia"]))],
        vec![(9, build(1, "", &["luke"]))],
        vec![(9, build(0, "", &["hans"]))],
        vec![(9, build(0, "", &["leia", "hans"]))],
        vec![(9, Deed::PutAccount(user("LEIA"))), (0, build(0, "", &["leia"]))],
        two_rooms(),
        and(two_rooms(), post(1, "a")),
        and(two_rooms(), post(2, "a")),
        and(two_rooms(), say(0, "", "a")),
    ]
}

/// It catches: a digest that leaves out a time, a number, who is in a room and how the name is spelled, or what was asked for under
/// which key by whom.
#[test]
fn the_history_digest_tells_histories_apart() {
    let after = |deeds: Vec<(i64, Deed)>| {
        let mut world = World::roomy();
        for (wall, deed) in deeds {
            world.step(&Step { tick: Tick { wall, mono: Duration::ZERO }, deed });
        }
        world.engine.history_digest()
    };
    let digests: Vec<_> = histories().into_iter().map(after).collect();
    for (nth, digest) in digests.iter().enumerate() {
        let first = digests.iter().position(|other| other == digest);
        assert_eq!(first, Some(nth), "two histories have the same digest");
    }
}
