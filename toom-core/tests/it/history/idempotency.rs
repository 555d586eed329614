//! A keyed request that is repeated has one effect and one answer.

use proptest::collection::vec;
use proptest::prelude::*;
use toom_core::{
    Answer, Body, BroadcastError, CreateRoomError, IdempotencyKey, PostError, RoomId, SessionId, UserName,
};

use crate::history::schedule::{Order, Write, body};
use crate::history::world::{World, user};

/// The answer of an order that was accepted, in words; whether others heard of it.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    Done { reply: String, heard: bool },
    KeyReused,
    Refused,
}

fn told(answer: &Answer) -> Told {
    match answer {
        Answer::Broadcast(Ok(outcome)) | Answer::PostRoom(Ok(outcome)) => {
            Told::Done { reply: format!("{:?}", outcome.reply), heard: !outcome.effects.is_empty() }
        }
        Answer::CreateRoom(Ok(outcome)) => {
            Told::Done { reply: format!("{:?}", outcome.reply), heard: !outcome.effects.is_empty() }
        }
        Answer::Broadcast(Err(BroadcastError::KeyReused))
        | Answer::PostRoom(Err(PostError::KeyReused))
        | Answer::CreateRoom(Err(CreateRoomError::KeyReused)) => Told::KeyReused,
        _ => Told::Refused,
    }
}

/// Luke and leia have two sessions each, and are in room 1 together with hans.
fn world() -> World {
    let mut world = World::roomy();
    log_in(&mut world);
    let others = vec![user("leia"), user("hans")];
    let order = Order { session: SessionId::new(0), key: None, write: Write::CreateRoom(others) };
    assert!(matches!(told(&world.single(&order)), Told::Done { .. }));
    world
}

fn log_in(world: &mut World) {
    for (id, name) in [(0, "luke"), (1, "leia"), (2, "hans"), (3, "yoda"), (4, "luke"), (5, "leia")] {
        world.login(&user(name), SessionId::new(id));
    }
}

fn number(raw: usize) -> IdempotencyKey {
    IdempotencyKey::parse(&format!("key-{raw}")).unwrap()
}

/// Something that is accepted when it is asked for first. No two rooms have the same members.
fn write() -> impl Strategy<Value = Write> {
    let rooms: &[&[&str]] = &[&["yoda"], &["hans", "yoda"]];
    let names = |names: &&[&str]| names.iter().map(|name| user(name)).collect::<Vec<UserName>>();
    prop_oneof![
        3 => body().prop_map(Write::Broadcast),
        3 => body().prop_map(|body| Write::PostRoom(RoomId::FIRST, body)),
        1 => prop::sample::select(rooms.iter().map(names).collect::<Vec<_>>()).prop_map(Write::CreateRoom),
    ]
}

/// How a request is made.
#[derive(Clone, Copy, Debug)]
enum How {
    Single,
    Batch,
    Reopened,
    Recovered,
}

fn how() -> impl Strategy<Value = How> {
    prop_oneof![4 => Just(How::Single), 2 => Just(How::Batch), 1 => Just(How::Reopened), 1 => Just(How::Recovered)]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Requests with keys, each asked for many times, in any order, from both sessions of its user, alone or in batches, with
    /// reopening and recovery between: the first is done and heard of, each later one gets its answer and nobody hears of
    /// it; the same key for something else is refused; and the same key of another user is another key.
    ///
    /// It catches: a key that is remembered by session, over all users, or not by the store; a retry that is delivered, stored or
    /// stamped again; a request that is compared in part.
    #[test]
    fn a_repeated_request_has_one_effect_and_one_answer(
        requests in vec(write(), 1..6),
        asked in vec((0_usize..6, 0_usize..6, any::<bool>(), any::<bool>(), how()), 1..40),
    ) {
        let mut world = world();
        // What each of the two users has under each key: what was asked for, and what was answered.
        let mut done: Vec<(bool, usize, Write, String)> = Vec::new();
        for (key, nth, leia, other_session, how) in asked {
            let write = requests[nth % requests.len()].clone();
            let session = SessionId::new(u64::from(leia) + if other_session { 4 } else { 0 });
            let order = Order { session, key: Some(number(key)), write: write.clone() };
            let stored = world.model.accepted.len();
            let answer = match how {
                How::Batch => world.batch(core::slice::from_ref(&order)).remove(0),
                How::Single => world.single(&order),
                How::Reopened => { world.reopen(); world.single(&order) }
                How::Recovered => { world.recover(); log_in(&mut world); world.single(&order) }
            };
            let more = world.model.accepted.len() - stored;
            let answer = told(&answer);
            let earlier = done.iter().find(|(by, under, ..)| (*by, *under) == (leia, key));
            match (earlier, answer) {
                (Some((.., first, reply)), answer) if same(first, &write) => {
                    prop_assert_eq!(answer, Told::Done { reply: reply.clone(), heard: false });
                    prop_assert_eq!(more, 0);
                }
                (Some(_), answer) => prop_assert_eq!((answer, more), (Told::KeyReused, 0)),
                (None, Told::Done { reply, heard }) => {
                    prop_assert_eq!((heard, more), (true, 1));
                    done.push((leia, key, write, reply));
                }
                // Another key has built this room already, or the text is too long.
                (None, refused) => prop_assert_eq!((refused, more), (Told::Refused, 0)),
            }
        }
    }
}

fn same(one: &Write, two: &Write) -> bool {
    match (one, two) {
        (Write::Broadcast(one), Write::Broadcast(two)) => one == two,
        (Write::PostRoom(one_room, one), Write::PostRoom(two_room, two)) => {
            (one_room, one) == (two_room, two)
        }
        (Write::CreateRoom(one), Write::CreateRoom(two)) => one == two,
        _ => false,
    }
}

/// Luke's `n`-th request.
fn nth(n: usize) -> Order {
    let body = Body::parse(&format!("message {n}")).unwrap();
    let write =
        if n.is_multiple_of(2) { Write::Broadcast(body) } else { Write::PostRoom(RoomId::FIRST, body) };
    Order { session: SessionId::new(0), key: Some(number(n)), write }
}

/// It catches: a memory that is shorter by one, that is shared between users, that a batch fills differently, or that the store keeps
/// shorter than the engine.
#[test]
fn the_last_256_keys_of_a_user_are_remembered_and_survive_recovery() {
    let mut world = world();
    let first: Vec<_> = (0..100).map(|n| told(&world.single(&nth(n)))).collect();
    let rest = world.batch(&(100..256).map(nth).collect::<Vec<_>>());
    let answers: Vec<_> = first.into_iter().chain(rest.iter().map(told)).collect();
    // Others fill their own memory.
    let by_leia = |order: Order| Order { session: SessionId::new(1), ..order };
    let of_leia: Vec<_> = (0..300).map(|n| told(&world.single(&by_leia(nth(n))))).collect();
    assert!(of_leia.iter().all(|told| matches!(told, Told::Done { heard: true, .. })));

    let stored = world.model.accepted.len();
    for recovered in [false, true] {
        if recovered {
            world.recover();
            log_in(&mut world);
        }
        for (n, first) in answers.iter().enumerate() {
            let Told::Done { reply, heard: true } = first else { unreachable!("{first:?}") };
            let again = Told::Done { reply: reply.clone(), heard: false };
            assert_eq!(told(&world.single(&nth(n))), again, "request {n}, recovered: {recovered}");
        }
    }
    assert_eq!(world.model.accepted.len(), stored);
}

/// It catches: a memory without a bound; one that forgets another than the oldest, or forgets a key that was used anew for its
/// first use.
#[test]
fn the_257th_key_pushes_the_oldest_out_and_no_other() {
    let mut world = world();
    let _ = world.batch(&(0..=256).map(nth).collect::<Vec<_>>());
    let done_again =
        |world: &mut World, n| matches!(told(&world.single(&nth(n))), Told::Done { heard: true, .. });
    assert!(!done_again(&mut world, 1), "the second key was forgotten");
    assert!(done_again(&mut world, 0), "the first key is still remembered");
    assert!(!done_again(&mut world, 0), "the first key was not remembered anew");
    assert!(!done_again(&mut world, 2), "more than one key was forgotten for one");
    assert!(done_again(&mut world, 1), "the second key is still remembered");
    world.recover();
    log_in(&mut world);
    assert!(!done_again(&mut world, 0) && !done_again(&mut world, 1));
}

/// Members are compared as a set of users.
#[test]
fn a_room_is_the_same_request_in_any_order_and_spelling_of_its_members() {
    let mut world = world();
    let order = |others: &[&str]| Order {
        session: SessionId::new(0),
        key: Some(number(1)),
        write: Write::CreateRoom(others.iter().map(|name| user(name)).collect()),
    };
    let Told::Done { reply, heard: true } = told(&world.single(&order(&["yoda", "leia"]))) else {
        unreachable!()
    };
    for others in [&["yoda", "leia"][..], &["Leia", "yoda"], &["leia", "YODA", "luke", "leia"]] {
        assert_eq!(told(&world.single(&order(others))), Told::Done { reply: reply.clone(), heard: false });
    }
    for others in [&["yoda"][..], &["yoda", "leia", "hans"], &["yoda", "hans"], &[]] {
        assert_eq!(told(&world.single(&order(others))), Told::KeyReused, "{others:?}");
    }
}

/// Whose room is no longer to be had is told before the key is looked at: a key tells nothing of rooms.
#[test]
fn a_key_opens_no_room() {
    let mut world = world();
    let post = |session, room| Order {
        session: SessionId::new(session),
        key: Some(number(1)),
        write: Write::PostRoom(RoomId::new(room).unwrap(), Body::parse("a").unwrap()),
    };
    assert!(matches!(told(&world.single(&post(0, 1))), Told::Done { .. }));
    assert_eq!(told(&world.single(&post(3, 1))), Told::Refused);
    assert_eq!(told(&world.single(&post(0, 2))), Told::Refused);
}

#[test]
fn a_request_that_is_repeated_in_one_batch_has_one_effect_and_one_answer() {
    let body = |text: &str| Body::parse(text).unwrap();
    for write in [
        Write::Broadcast(body("hello")),
        Write::PostRoom(RoomId::FIRST, body("hello")),
        Write::CreateRoom(vec![user("yoda")]),
    ] {
        let mut world = world();
        let order =
            |write: &Write| Order { session: SessionId::new(0), key: Some(number(1)), write: write.clone() };
        let other = order(&Write::Broadcast(body("something else")));
        let answers = world.batch(&[order(&write), order(&write), other]);
        let [first, second, other] = answers.iter().map(told).collect::<Vec<_>>().try_into().unwrap();
        let Told::Done { reply, heard: true } = first else { panic!("{write:?}: {first:?}") };
        assert_eq!(second, Told::Done { reply, heard: false }, "{write:?}");
        assert_eq!(other, Told::KeyReused, "{write:?}");
    }
}
