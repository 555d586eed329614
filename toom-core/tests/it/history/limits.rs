//! Each bound at the bound and one beyond, the clocks, and the lease of a session.

use core::num::NonZeroUsize;
use core::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use toom_core::{
    Answer, Attempts, Body, BroadcastError, Config, Conversation, CreateRoomError, Effect, Engine, Limits,
    LoginError, Members, Mono, Now, Outcome, Password, Policy, PostError, Reading, Receipt, SessionEnd,
    SessionId, Since, Source, Storage, Timestamp, UserName,
};

use crate::history::faulty::{Fault, FaultyStorage};
use crate::history::schedule::{Deed, Order, Step, Tick, Write, tick};
use crate::history::world::{World, user};

const IDLE: Duration = Duration::from_secs(30);
const LUKE: SessionId = SessionId::new(0);

fn with(limits: Limits) -> World {
    let policy = Policy { members: Members::Exist, ..Policy::default() };
    World::new(Config { policy, limits, ..Config::default() }, None)
}

fn order(session: SessionId, write: Write) -> Order {
    Order { session, key: None, write }
}

fn say(bytes: usize) -> Order {
    order(LUKE, Write::Broadcast(Body::parse(&"x".repeat(bytes)).unwrap()))
}

fn build(session: u64, others: &[&str]) -> Order {
    let others = others.iter().map(|name| user(name)).collect();
    order(SessionId::new(session), Write::CreateRoom(others))
}

fn refusal(answer: Answer) -> CreateRoomError {
    let Answer::CreateRoom(Err(error)) = answer else { unreachable!("{answer:?}") };
    error
}

fn login(world: &mut World, name: &str, session: u64) -> Result<usize, LoginError> {
    let (name, password, session) = (user(name), Password::new("secret"), SessionId::new(session));
    let answer = world.engine.authenticate(&name, &password, Source::new(1), session, world.now);
    answer.map(|outcome| outcome.reply.ordinal)
}

#[test]
fn a_body_may_have_as_many_bytes_as_the_limit() {
    let mut world = with(Limits { body_bytes_max: 10, ..Limits::default() });
    assert!(matches!(world.single(&say(10)), Answer::Broadcast(Ok(_))));
    let Answer::Broadcast(Err(error)) = world.single(&say(11)) else { unreachable!() };
    assert!(matches!(error, BroadcastError::BodyTooLong { size: 11, limit: 10 }));
    assert_eq!(error.to_string(), "the message is 11 bytes, the limit is 10");
}

#[test]
fn a_room_may_have_as_many_members_as_the_limit() {
    let mut world = with(Limits { members_max: 3, ..Limits::default() });
    assert!(matches!(world.single(&build(0, &["leia", "luke", "hans", "leia"])), Answer::CreateRoom(Ok(_))));
    let error = refusal(world.single(&build(0, &["leia", "hans", "yoda"])));
    assert!(matches!(error, CreateRoomError::TooManyMembers { limit: 3 }));
}

#[test]
fn every_member_may_be_in_as_many_rooms_as_the_limit() {
    let mut world = with(Limits { rooms_per_user_max: 2, ..Limits::default() });
    // The bound holds over what is stored and what its own batch builds.
    let answers = world.batch(&[build(0, &["leia"]), build(0, &["hans"]), build(0, &["yoda"])]);
    let kinds: Vec<_> = answers.iter().map(|answer| matches!(answer, Answer::CreateRoom(Ok(_)))).collect();
    assert_eq!(kinds, [true, true, false]);
    for order in [build(0, &["obiwan"]), build(2, &["luke", "leia"])] {
        assert!(matches!(refusal(world.single(&order)), CreateRoomError::TooManyRooms { limit: 2 }));
    }
    assert!(matches!(world.single(&build(1, &["hans"])), Answer::CreateRoom(Ok(_))));
    assert!(matches!(
        refusal(world.single(&build(1, &["yoda"]))),
        CreateRoomError::TooManyRooms { limit: 2 }
    ));
}

#[test]
fn an_account_may_have_as_many_sessions_as_its_limit_and_an_engine_as_its_own() {
    let mut world = with(Limits { sessions_max: 5, sessions_per_account_max: 2, ..Limits::default() });
    assert_eq!(login(&mut world, "luke", 3), Ok(4));
    assert_eq!(login(&mut world, "luke", 4), Err(LoginError::TooManySessions { limit: 2 }));
    assert_eq!(login(&mut world, "leia", 3), Err(LoginError::SessionInUse));
    assert_eq!(login(&mut world, "leia", 4), Ok(5));
    assert_eq!(login(&mut world, "hans", 5), Err(LoginError::TooManySessions { limit: 5 }));
    let now = world.now;
    assert!(world.engine.logout(LUKE, now).is_ok());
    assert_eq!(login(&mut world, "luke", 5), Ok(5));
}

#[test]
fn a_page_ends_at_the_smaller_of_its_bounds() {
    let page_messages_max = NonZeroUsize::new(4).unwrap();
    let mut world = with(Limits { page_messages_max, page_bytes_max: 30, ..Limits::default() });
    for bytes in [1, 1, 1, 1, 1, 10, 10, 10, 10, 31, 1] {
        let _ = world.single(&say(bytes));
    }
    let page = |world: &mut World, after: u64, limit: usize| {
        let since = Since::Number(toom_core::MessageNumber::new(after));
        let reading = Reading::Conversation { conversation: Conversation::Broadcast, since };
        let page = world.page(LUKE, reading, NonZeroUsize::new(limit).unwrap()).unwrap();
        (page.messages().count(), page.is_end())
    };
    assert_eq!(page(&mut world, 0, 3), (3, false));
    assert_eq!(page(&mut world, 0, 4), (4, false));
    assert_eq!(page(&mut world, 0, 5), (4, false), "the engine's own bound");
    assert_eq!(page(&mut world, 5, 9), (3, false), "30 bytes");
    assert_eq!(page(&mut world, 9, 9), (1, false), "more bytes than a page may have, in one message");
    assert_eq!(page(&mut world, 7, 2), (2, false));
    assert_eq!(page(&mut world, 10, 1), (1, true), "as many as there are");
    assert_eq!(page(&mut world, 11, 1), (0, true));
}

#[test]
fn at_the_end_of_time_nothing_is_accepted_but_logins() {
    let mut world = World::roomy();
    world.now.wall = Timestamp::MAX;
    let Answer::Broadcast(Ok(last)) = world.single(&say(1)) else { unreachable!() };
    assert_eq!(last.reply.at, Timestamp::MAX);
    let room = toom_core::RoomId::FIRST;
    assert!(matches!(world.single(&say(1)), Answer::Broadcast(Err(BroadcastError::EndOfTime))));
    assert!(matches!(refusal(world.single(&build(0, &["leia"]))), CreateRoomError::EndOfTime));
    let body = Body::parse("x").unwrap();
    let post = world.single(&order(LUKE, Write::PostRoom(room, body)));
    assert!(matches!(post, Answer::PostRoom(Err(PostError::NoSuchRoom))));
    assert_eq!(login(&mut world, "yoda", 3), Ok(4));
    let yoda = SessionId::new(3);
    assert!(world.engine.active_users(yoda, world.now).is_ok());
    world.now.wall = Timestamp::MIN;
    assert!(matches!(world.single(&say(1)), Answer::Broadcast(Err(BroadcastError::EndOfTime))));
}

#[test]
fn accounts_are_listed_in_order_of_name_as_they_are_spelled() {
    let mut world = World::roomy();
    world.put_account(&user("LUKE"));
    let listed: Vec<_> = world.engine.accounts().map(UserName::as_str).collect();
    assert_eq!(listed, ["hans", "leia", "LUKE", "obiwan", "yoda"]);
    assert_eq!(world.engine.epoch(), world.engine.storage().epoch());
    assert_eq!(world.engine.epoch().get(), 7);
}

#[test]
fn the_store_that_an_engine_gives_back_holds_what_was_said() {
    let mut world = World::roomy();
    let _ = world.single(&say(3));
    let mut storage = world.engine.into_storage();
    assert_eq!(storage.recover().unwrap().tails.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the clock does, each stamp is the clock's time or, where that is not later, the microsecond after the
    /// last stamp; logins are stamped in the same sequence as messages and rooms.
    ///
    /// It catches: a stamp that is the wall clock's alone; `>=` for `>`; logins with a sequence of their own.
    #[test]
    fn stamps_strictly_increase_whatever_the_clock_does(ticks in vec((tick(), 0_u8..3), 1..60)) {
        let mut world = World::roomy();
        let mut last = world.model.stamped.unwrap();
        let mut next_session = 100;
        for (tick, kind) in ticks {
            world.now = tick.after(world.now);
            let at = match kind {
                0 => {
                    let (name, password) = (user("yoda"), Password::new("secret"));
                    let session = SessionId::new(next_session);
                    next_session += 1;
                    let login = world.engine.authenticate(&name, &password, Source::new(1), session, world.now);
                    let at = login.unwrap().reply.at;
                    let _ = world.engine.logout(session, world.now).unwrap();
                    at
                }
                1 => world.engine.broadcast(LUKE, Body::parse("x").unwrap(), None, world.now).unwrap().reply.at,
                _ => {
                    let name: UserName = format!("user{next_session}").parse().unwrap();
                    next_session += 1;
                    world.engine.put_account(name.clone(), toom_core::Secret::plain("secret").unwrap());
                    let session = SessionId::new(99);
                    let (password, source) = (Password::new("secret"), Source::new(2));
                    let login = world.engine.authenticate(&name, &password, source, session, world.now).unwrap();
                    let room = world.engine.create_room(LUKE, &[name], None, world.now).unwrap().reply;
                    let _ = world.engine.logout(session, world.now).unwrap();
                    prop_assert_eq!(login.reply.at, last.next().unwrap().max(world.now.wall));
                    last = login.reply.at;
                    room.at
                }
            };
            prop_assert_eq!(at, last.next().unwrap().max(world.now.wall));
            last = at;
        }
    }

    /// Whatever the clock does, whatever the store refuses and however often the host starts anew: a message that comes after a stamp that was
    /// told, of a message or of a login, bears a later one, and a login none that is earlier. What an append that failed left behind comes
    /// after all that was told before it was found.
    ///
    /// It catches: logins whose stamps no store keeps; a reservation that is not recovered, or that counts though it was refused; logins
    /// that are told of a later stamp than that of a record that may yet turn out to be stored.
    #[test]
    fn no_stamp_is_earlier_than_one_that_was_told_before(steps in vec((tick(), 0_u8..12), 1..100)) {
        let mut engine = Engine::open(FaultyStorage::new(None), Config::default()).unwrap();
        let mut now = Now { wall: Timestamp::from_unix_micros(1_659_603_741_000_000).unwrap(), mono: Mono::ZERO };
        let (mut told, mut session, mut posts) = (Timestamp::MIN, SessionId::new(0), 0_u64);
        engine.put_account(user("luke"), toom_core::Secret::plain("secret").unwrap());
        for (tick, kind) in steps {
            now = tick.after(now);
            match kind {
                0..4 => {
                    let _ = engine.logout(session, now);
                    session = SessionId::new(session.get() + 1);
                    let login =
                        engine.authenticate(&user("luke"), &Password::new("secret"), Source::new(1), session, now);
                    let at = login.unwrap().reply.at;
                    prop_assert!(at >= told, "a login is of {:?}, behind {:?}", at, told);
                    told = at;
                }
                4..7 => {
                    let posted = engine.broadcast(session, Body::parse("x").unwrap(), None, now);
                    let Ok(Outcome { reply: Receipt { at, .. }, .. }) = posted else { continue };
                    prop_assert!(at > told, "a post is of {:?}, behind {:?}", at, told);
                    (told, posts) = (at, posts + 1);
                }
                7..10 => {
                    let fault = [Fault::Full, Fault::FailedKept, Fault::FailedLost][usize::from(kind - 7)];
                    engine.storage().set_fault(Some(fault));
                }
                _ => {
                    let mut storage = engine.storage().open();
                    let found = storage.recover().unwrap().tails.pop();
                    if kind == 10 {
                        engine.reopen(storage).unwrap();
                    } else {
                        engine = Engine::open(storage, Config::default()).unwrap();
                        engine.put_account(user("luke"), toom_core::Secret::plain("secret").unwrap());
                    }
                    let Some(found) = found.filter(|found| found.number.get() > posts) else { continue };
                    prop_assert!(found.at > told, "{:?} was found, behind {:?}", found, told);
                    (told, posts) = (found.at, found.number.get());
                }
            }
        }
    }

    /// A host that calls `expire` when `next_deadline` says, and only then, sees each session end at the very nanosecond at which it
    /// has been idle for long enough, in the order in which they fell idle; a session that is used before is not ended.
    ///
    /// It catches: a lease that begins at the login only, or that use does not renew; `<` for `<=`; a deadline that is forgotten
    /// when another session ends; an order of ids instead of leases.
    #[test]
    fn idle_sessions_end_exactly_when_due_and_used_ones_do_not(
        uses in vec((0_u64..5, 0_u64..10_000), 0..40),
        leaves in prop::option::of(0_u64..5),
    ) {
        let policy = Policy { session_idle: Some(IDLE), attempts: Attempts::default(), ..Policy::default() };
        let mut world = World::new(Config { policy, ..Config::default() }, None);
        for (id, name) in [(3, "yoda"), (4, "luke")] {
            world.login(&user(name), SessionId::new(id));
        }
        let mut used = [Duration::ZERO; 5];
        let mut clock = Duration::ZERO;
        for (id, millis) in uses {
            clock += Duration::from_millis(millis);
            let open = used[usize::try_from(id).unwrap()] + IDLE > clock;
            let now = Now { mono: Mono::new(clock), ..world.now };
            let answer = world.engine.active_users(SessionId::new(id), now);
            prop_assert_eq!(answer.is_ok(), open, "a session that was used {:?} before", clock);
            if open {
                used[usize::try_from(id).unwrap()] = clock;
            }
        }
        let mut due: Vec<_> = used.iter().zip(0..).map(|(used, id)| (*used + IDLE, id)).collect();
        if let Some(id) = leaves {
            let now = Now { mono: Mono::new(clock), ..world.now };
            if world.engine.logout(SessionId::new(id), now).is_ok() {
                due.retain(|(_, other)| *other != id);
            }
        }
        due.sort_unstable();
        // Those that were over before the host looked are ended when it looks.
        let expected: Vec<_> = due.into_iter().map(|(end, id)| (end.max(clock), id)).collect();
        let mut ended = Vec::new();
        let mut looks = 0;
        while let Some(deadline) = world.engine.next_deadline() {
            if let Some(early) = deadline.elapsed().checked_sub(Duration::from_nanos(1)).filter(|early| *early >= clock) {
                let now = Now { mono: Mono::new(early), ..world.now };
                prop_assert_eq!(world.engine.expire(now).effects, []);
            }
            clock = clock.max(deadline.elapsed());
            let now = Now { mono: Mono::new(clock), ..world.now };
            for effect in world.engine.expire(now).effects {
                let Effect::SessionEnded { session, reason: SessionEnd::Idle } = effect else {
                    unreachable!("{effect:?}")
                };
                prop_assert!(world.engine.logout(session, now).is_err());
                ended.push((clock, session.get()));
            }
            looks += 1;
            prop_assert!(looks < 20, "a deadline that nothing comes of, again and again");
        }
        prop_assert_eq!(ended, expected);
    }
}

#[test]
fn without_a_lease_no_session_ends_by_itself() {
    let mut world = World::roomy();
    let tick = Tick { wall: 0, mono: Duration::from_hours(10_000) };
    world.step(&Step { tick, deed: Deed::Expire });
    assert_eq!(world.engine.next_deadline(), None);
    assert!(matches!(world.single(&say(1)), Answer::Broadcast(Ok(_))));
}

#[test]
fn a_clock_that_goes_back_neither_ends_a_lease_nor_stretches_it() {
    let policy = Policy { session_idle: Some(IDLE), ..Policy::default() };
    let mut world = World::new(Config { policy, ..Config::default() }, None);
    let at = |seconds, world: &World| Now { mono: Mono::new(Duration::from_secs(seconds)), ..world.now };
    assert!(world.engine.active_users(LUKE, at(20, &world)).is_ok());
    assert!(world.engine.active_users(LUKE, at(5, &world)).is_ok(), "as if it were still 20");
    assert!(world.engine.active_users(LUKE, at(49, &world)).is_ok());
    assert!(world.engine.active_users(LUKE, at(79, &world)).is_err());
}

#[test]
fn sessions_that_are_found_idle_together_end_in_the_order_in_which_they_fell_idle() {
    let policy = Policy { session_idle: Some(IDLE), ..Policy::default() };
    let mut world = World::new(Config { policy, ..Config::default() }, None);
    let at = |seconds, world: &World| Now { mono: Mono::new(Duration::from_secs(seconds)), ..world.now };
    // Luke's first lease is over first, but he was the last to do something.
    for (seconds, id) in [(1, 2), (2, 1), (3, 0)] {
        assert!(world.engine.active_users(SessionId::new(id), at(seconds, &world)).is_ok());
    }
    let ended = |id| Effect::SessionEnded { session: SessionId::new(id), reason: SessionEnd::Idle };
    assert_eq!(world.engine.expire(at(100, &world)).effects, [2, 1, 0].map(ended));
}
