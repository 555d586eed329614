//! Who learns of a room, and which rooms there can be.

use core::num::NonZeroUsize;
use core::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use toom_core::{
    Answer, Conversation, CreateRoomError, Cursor, Page, Reading, RoomId, SessionId, Since, Timestamp,
    UserName,
};

use crate::history::schedule::{Deed, Order, Step, Tick, Write, body, key, name};
use crate::history::world::{World, behind, tell, user};

/// Who looks: yoda, in rooms 1 and 2 only.
const OUTSIDER: SessionId = SessionId::new(3);

fn create(session: u64, others: &[UserName]) -> Order {
    Order { session: SessionId::new(session), key: None, write: Write::CreateRoom(others.to_vec()) }
}

fn world() -> World {
    let mut world = World::roomy();
    world.login(&user("yoda"), OUTSIDER);
    for other in ["luke", "leia"] {
        let _ = world.single(&create(3, &[user(other)]));
    }
    world
}

/// What insiders do among themselves: they build rooms without yoda, and post there.
fn hidden() -> impl Strategy<Value = Order> {
    let insider = prop::sample::select(&["luke", "leia", "hans"][..]).prop_map(user);
    let write = prop_oneof![
        vec(insider, 1..4).prop_map(Write::CreateRoom),
        (3_u32..6, body()).prop_map(|(room, body)| Write::PostRoom(RoomId::new(room).unwrap(), body)),
    ];
    ((0_u64..3).prop_map(SessionId::new), prop::option::of(key()), write)
        .prop_map(|(session, key, write)| Order { session, key, write })
}

/// What yoda tries. Rooms that are really built are left out: their numbers tell how many there are, to everybody.
#[derive(Clone, Debug)]
enum Look {
    Order(Order),
    Read(Reading),
    Cursor(String),
    Lists,
}

/// Whom yoda names in vain: two rooms exist, and the others cannot be.
const NO_ROOM: [&[&str]; 5] = [&["luke"], &["Leia", "yoda"], &["yoda"], &[], &["nobody"]];

fn look() -> impl Strategy<Value = Look> {
    let post = (1_u32..7, body()).prop_map(|(room, body)| Write::PostRoom(RoomId::new(room).unwrap(), body));
    let no_room = prop::sample::select(&NO_ROOM[..]);
    let write = prop_oneof![
        4 => post,
        2 => body().prop_map(Write::Broadcast),
        1 => no_room.prop_map(|others| Write::CreateRoom(others.iter().map(|name| user(name)).collect())),
    ];
    let order = (prop::option::of(key()), write)
        .prop_map(|(key, write)| Look::Order(Order { session: OUTSIDER, key, write }));
    let since = (0_i64..100).prop_map(|seconds| {
        Timestamp::from_unix_micros(1_659_603_741_000_000 + seconds * 1_000_000).unwrap()
    });
    let one = (1_u32..7, since.clone()).prop_map(|(room, since)| {
        let conversation = Conversation::Room(RoomId::new(room).unwrap());
        Look::Read(Reading::Conversation { conversation, since: Since::Time(since) })
    });
    prop_oneof![
        4 => order,
        2 => one,
        4 => since.prop_map(|since| Look::Read(Reading::Rooms { since })),
        1 => (1_u32..7, 0_u64..9).prop_map(|(room, number)| Look::Cursor(format!("r.{room}.{number}"))),
        1 => Just(Look::Lists),
    ]
}

/// Everything that yoda is told, to the letter, cursors too.
fn answer(world: &mut World, look: &Look) -> String {
    let (limit, now) = (NonZeroUsize::new(2).unwrap(), world.now);
    match look {
        Look::Order(order) => {
            let answer = world.single(order);
            let heard = |audience: &_| world.engine.audience(audience);
            match answer {
                Answer::Broadcast(answer) => tell(&answer, &heard),
                Answer::PostRoom(answer) => tell(&answer, &heard),
                Answer::CreateRoom(answer) => tell(&answer, &heard),
            }
        }
        Look::Read(reading) => pages(world, *reading, limit),
        Look::Cursor(cursor) => pages(world, Reading::Next(cursor.parse::<Cursor>().unwrap()), limit),
        Look::Lists => {
            let rooms = world.engine.rooms(OUTSIDER, now);
            format!("{rooms:?} {:?}", world.engine.active_users(OUTSIDER, now))
        }
    }
}

fn pages(world: &mut World, first: Reading, limit: NonZeroUsize) -> String {
    let (mut next, mut pages, mut told) = (Some(first), 0, Vec::new());
    while let Some(reading) = next {
        let page = world.page(OUTSIDER, reading, limit);
        let cursor = page.as_ref().ok().and_then(Page::next);
        told.push(format!("{page:?} {:?}", cursor.map(|cursor| cursor.to_string())));
        next = page.ok().and_then(|page| behind(&page, &mut pages));
    }
    told.join("\n")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Two engines, one of them with rooms among others that are built and posted to all the time: who is not in them gets the same
    /// answers from both, to the byte. (Two things are everybody's by design: the number that a new room gets, and that a
    /// member has as many rooms as one may have.)
    ///
    /// It catches: another refusal for a room that exists; a page, or a cursor, that depends on what others say among
    /// themselves; keys that are looked up over all users; an effect that reaches an outsider.
    #[test]
    fn an_outsider_cannot_tell_whether_a_room_exists(
        schedule in vec((vec(hidden(), 0..4), look()), 1..30),
    ) {
        let (mut with, mut without) = (world(), world());
        for (hidden, look) in &schedule {
            for order in hidden {
                // The clock goes on, so that no stamp has to be moved out of another's way.
                for world in [&mut with, &mut without] {
                    world.now = Tick { wall: 1_000_000, mono: Duration::from_millis(1) }.after(world.now);
                }
                let answer = with.single(order);
                prop_assert!(!hears(&with, &answer), "the outsider hears of {:?}", answer);
            }
            for world in [&mut with, &mut without] {
                world.now = Tick { wall: 1_000_000, mono: Duration::from_millis(1) }.after(world.now);
            }
            prop_assert_eq!(answer(&mut with, look), answer(&mut without, look));
        }
    }

    /// The members of a room never get a second one, however they are named: in any order, spelling, twice, with or
    /// without the builder, by whichever of them, in the same batch, or after a recovery. Other members do.
    ///
    /// It catches: members that are compared in the order in which they were named, or as they are spelled; doubles that count; a
    /// batch that does not see its own rooms; recovery that forgets who is in a room.
    #[test]
    fn the_same_members_never_make_two_rooms(
        tries in vec((0_u64..3, vec(name(), 0..5), 0_u8..4), 1..30),
    ) {
        let mut world = World::roomy();
        for (id, name) in [(3, "yoda"), (4, "obiwan")] {
            world.login(&user(name), SessionId::new(id));
        }
        let mut sets: Vec<Vec<UserName>> = Vec::new();
        for (session, others, how) in tries {
            let mut members = others.clone();
            members.push(user(["luke", "leia", "hans"][usize::try_from(session).unwrap()]));
            members.sort();
            members.dedup();
            let order = create(session, &others);
            let answers = match how {
                0 => world.batch(&[order.clone(), order]),
                1 => {
                    world.recover();
                    for (id, name) in ["luke", "leia", "hans", "yoda", "obiwan"].into_iter().enumerate() {
                        world.login(&user(name), SessionId::new(id as u64));
                    }
                    vec![world.single(&order)]
                }
                _ => vec![world.single(&order)],
            };
            for answer in answers {
                let Answer::CreateRoom(answer) = answer else { unreachable!() };
                let known = sets.iter().position(|known| *known == members);
                match answer {
                    Ok(outcome) => {
                        prop_assert!(known.is_none() && members.len() > 1);
                        sets.push(members.clone());
                        prop_assert_eq!(outcome.reply.id.number() as usize, sets.len());
                    }
                    Err(CreateRoomError::RoomExists { room }) => {
                        prop_assert_eq!(Some(room.number() as usize - 1), known);
                    }
                    Err(error) => {
                        prop_assert!(members.len() == 1, "{:?}", error);
                        prop_assert!(matches!(error, CreateRoomError::NoMembers));
                    }
                }
            }
        }
    }
}

fn hears(world: &World, answer: &Answer) -> bool {
    let effects = match answer {
        Answer::Broadcast(Ok(outcome)) | Answer::PostRoom(Ok(outcome)) => &outcome.effects,
        Answer::CreateRoom(Ok(outcome)) => &outcome.effects,
        _ => return false,
    };
    effects.iter().any(|effect| match effect {
        toom_core::Effect::Deliver { audience, .. } | toom_core::Effect::RoomOpened { audience, .. } => {
            world.engine.audience(audience).contains(&OUTSIDER)
        }
        toom_core::Effect::SessionEnded { session, .. } => *session == OUTSIDER,
    })
}

#[test]
fn a_foreign_room_and_no_room_are_refused_in_the_same_words() {
    let mut world = world();
    let _ = world.single(&create(0, &[user("leia")]));
    let step = Step { tick: Tick { wall: 1, mono: Duration::ZERO }, deed: Deed::Expire };
    world.step(&step);
    let told = |world: &mut World, room: u32| {
        let id = RoomId::new(room).unwrap();
        let body = toom_core::Body::parse("psst").unwrap();
        let post = Order { session: OUTSIDER, key: None, write: Write::PostRoom(id, body) };
        let conversation = Conversation::Room(id);
        let looks = [
            Look::Order(post),
            Look::Read(Reading::Conversation { conversation, since: Since::Time(Timestamp::MIN) }),
            Look::Read(Reading::Conversation { conversation, since: Since::Number(None) }),
            Look::Cursor(format!("r.{room}.1")),
        ];
        looks.map(|look| answer(world, &look))
    };
    let foreign = told(&mut world, 3);
    assert_eq!(foreign, told(&mut world, 99));
    assert!(foreign.iter().all(|told| told.contains("NoSuchRoom")), "{foreign:?}");
}

#[test]
fn a_cursor_over_all_rooms_does_not_tell_when_others_spoke() {
    let mut world = world();
    let say = |session, room| Order {
        session: SessionId::new(session),
        key: None,
        write: Write::PostRoom(RoomId::new(room).unwrap(), toom_core::Body::parse("x").unwrap()),
    };
    let _ = world.single(&create(0, &[user("leia")]));
    for _ in 0..2 {
        let _ = world.single(&say(3, 1));
    }
    let cursor = |world: &mut World| {
        let reading = Reading::Rooms { since: Timestamp::MIN };
        let page = world.page(OUTSIDER, reading, NonZeroUsize::MIN).unwrap();
        page.next().unwrap().to_string()
    };
    let before = cursor(&mut world);
    let _ = world.single(&say(0, 3));
    assert_eq!(cursor(&mut world), before);
}
