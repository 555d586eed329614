//! What pages hold together, while others post.

use core::num::NonZeroUsize;

use proptest::collection::vec;
use proptest::prelude::*;
use toom_core::{
    Body, Config, Conversation, Cursor, Limits, ReadError, Reading, RoomId, SessionId, Since, Storage,
    Timestamp, UserName,
};

use crate::history::model::Line;
use crate::history::schedule::{
    Deed, Order, Step, Tick, What, Write, body, kept_max, mark, order, steps, tick,
};
use crate::history::world::{World, behind, owned, user};

/// Luke, who reads. He is in rooms 1, 2 and 4, not in 3.
const READER: SessionId = SessionId::new(0);

fn world(page: usize, page_bytes_max: usize, kept: Option<usize>) -> World {
    let page_messages_max = NonZeroUsize::new(page).unwrap();
    let limits = Limits { page_messages_max, page_bytes_max, ..Limits::default() };
    let mut world = World::new(Config { limits, ..Config::default() }, kept);
    for (builder, others) in [(0, &["leia"][..]), (0, &["hans"]), (1, &["hans"]), (2, &["leia", "luke"])] {
        let write = Write::CreateRoom(others.iter().map(|name| user(name)).collect());
        let order = Order { session: SessionId::new(builder), key: None, write };
        let tick = Tick { wall: 1, mono: core::time::Duration::ZERO };
        world.step(&Step { tick, deed: Deed::Single(order) });
    }
    world
}

fn posts(at_most: usize) -> impl Strategy<Value = Vec<Step>> {
    let write = prop_oneof![
        1 => body().prop_map(Write::Broadcast),
        3 => (1_u32..5, body()).prop_map(|(room, body)| Write::PostRoom(RoomId::new(room).unwrap(), body)),
    ];
    let post = ((0_u64..3).prop_map(SessionId::new), write);
    let deed = post.prop_map(|(session, write)| Order { session, key: None, write });
    let deed = prop_oneof![
        5 => deed.clone().prop_map(Deed::Single),
        1 => vec(deed, 1..4).prop_map(Deed::Batch),
        1 => Just(Deed::Reopen),
    ];
    vec((tick(), deed).prop_map(|(tick, deed)| Step { tick, deed }), 0..at_most)
}

/// A page's bound, how it is asked for, and what is posted behind it.
fn pages() -> impl Strategy<Value = Vec<(NonZeroUsize, Vec<Step>)>> {
    vec(((1_usize..6).prop_map(|limit| NonZeroUsize::new(limit).unwrap()), posts(6)), 1..8)
}

fn numbers(lines: &[Line], of: Conversation) -> Vec<u64> {
    let number = |line: &Line| match line {
        Line::Message { conversation, number, .. } if *conversation == of => Some(*number),
        _ => None,
    };
    lines.iter().filter_map(number).collect()
}

/// Reads page by page until the end, with posts between, and calls `each` with every page while it is what the world shows.
fn read_on(
    world: &mut World,
    first: Reading,
    asked: &[(NonZeroUsize, Vec<Step>)],
    each: &mut dyn FnMut(&World, &[Line]),
) {
    let mut asked = asked.iter();
    let (mut next, mut pages) = (Some(first), 0);
    while let Some(reading) = next {
        let (limit, between) =
            asked.next().map_or((NonZeroUsize::MIN, &[][..]), |(limit, posts)| (*limit, posts));
        let page = world.page(READER, reading, limit).unwrap();
        let lines: Vec<_> = page.rows().map(owned).collect();
        // A window may end with a page of nothing, if the next one has something.
        let promised = pages > 0 && page.is_end() && world.model.kept_max.is_none();
        assert!(!promised || !lines.is_empty(), "more was promised than there is");
        each(world, &lines);
        next = behind(&page, &mut pages);
        if next.is_some() {
            world.run(between);
        }
    }
}

/// Where a read of one conversation has to begin: behind the last number that is not later.
fn begin(world: &World, conversation: Conversation, since: Timestamp) -> u64 {
    world.model.messages(conversation).iter().filter(|message| message.at <= since).count() as u64
}

/// How far the pages of a conversation have come, if each goes on where the one before ended.
fn cover(world: &World, conversation: Conversation, seen: u64, lines: &[Line]) -> u64 {
    let dropped = world.model.dropped(conversation);
    lines.iter().fold(seen, |seen, line| match line {
        Line::Message { conversation: of, number, .. } if *of == conversation => {
            assert_eq!(*number, seen + 1, "in {conversation:?}");
            *number
        }
        Line::Gone { conversation: of, first, last } if *of == conversation => {
            assert!(*first <= seen + 1 && seen < *last, "{first} to {last} are told as gone behind {seen}");
            assert!(*last <= dropped, "{last} is told as gone, {dropped} is the last that is");
            *last
        }
        _ => seen,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Pages of one conversation are together exactly the messages later than the time, once each, in order, with those that
    /// are posted while the pages are read.
    ///
    /// It catches: a page that begins at its number instead of behind it; a cursor that resolves the time again; an end
    /// that is told while more is there; a bound that loses the message which crosses it.
    #[test]
    fn pages_of_a_conversation_hold_what_is_later_once_and_in_order(
        (page, bytes) in (1_usize..6, 1_usize..30),
        before in posts(30),
        room in prop::option::of(select_room()),
        mark in mark(),
        pages in pages(),
    ) {
        let mut world = world(page, bytes, None);
        world.run(&before);
        let conversation = room.map_or(Conversation::Broadcast, Conversation::Room);
        let first = world.reading(What::Conversation(conversation, mark));
        let Reading::Conversation { since, .. } = first else { unreachable!() };
        let mut read = Vec::new();
        read_on(&mut world, first, &pages, &mut |_, lines| read.extend_from_slice(lines));
        prop_assert_eq!(read, world.model.read(&user("luke"), conversation, since).unwrap());
    }

    /// Pages of all rooms begin with what was there when the first was read, room by room, and go on with what was posted
    /// meanwhile; together they are exactly the messages of the user's rooms that are later than the time, once each, and each
    /// room's in order.
    ///
    /// It catches: a room that was passed and is not looked at again; a window that moves while it is read, or that has its
    /// last message twice; a page that ends at the end of a room and forgets the next one.
    #[test]
    fn pages_of_all_rooms_leave_nothing_out_of_a_room_that_was_passed(
        (page, bytes) in (1_usize..6, 1_usize..30),
        before in posts(30),
        mark in mark(),
        pages in pages(),
    ) {
        let mut world = world(page, bytes, None);
        world.run(&before);
        let first = world.reading(What::Rooms(mark));
        let Reading::Rooms { since } = first else { unreachable!() };
        let at_first = world.model.read_rooms(&user("luke"), since);
        let mut read = Vec::new();
        read_on(&mut world, first, &pages, &mut |_, lines| read.extend_from_slice(lines));
        prop_assert_eq!(&read[..at_first.len()], &at_first[..]);
        let mut room_by_room = read.clone();
        room_by_room.sort_by_key(|line| match line {
            Line::Message { conversation, .. } | Line::Gone { conversation, .. } => *conversation,
        });
        prop_assert_eq!(room_by_room, world.model.read_rooms(&user("luke"), since));
    }

    /// A plan that is carried out later, when others have posted, shows the page as it was when the plan was made.
    ///
    /// It catches: an end that is looked up when the page is read; a time in the future that lets later messages in.
    #[test]
    fn a_plan_shows_what_was_stored_when_it_was_made(
        (page, bytes) in (1_usize..6, 1_usize..30),
        before in posts(30),
        of in prop::option::of(prop::option::of(select_room())),
        mark in mark(),
        limit in 1_usize..6,
        after in posts(10),
    ) {
        let mut world = world(page, bytes, None);
        world.run(&before);
        let conversation = |room: Option<RoomId>| room.map_or(Conversation::Broadcast, Conversation::Room);
        let what = of.map_or(What::Rooms(mark), |room| What::Conversation(conversation(room), mark));
        let (mut next, mut pages, mut plans) = (Some(world.reading(what)), 0, Vec::new());
        let limit = NonZeroUsize::new(limit).unwrap();
        while let Some(reading) = next {
            let page = world.page(READER, reading, limit).unwrap();
            next = behind(&page, &mut pages);
            plans.push((page, world.engine.plan_read(READER, reading, limit, world.now).unwrap()));
        }
        world.run(&after);
        for (page, plan) in plans {
            let mut lines = Vec::new();
            let end = plan.read(&world.engine.storage().reader(), |row| lines.push(owned(row))).unwrap();
            prop_assert_eq!(lines, page.rows().map(owned).collect::<Vec<_>>());
            prop_assert_eq!((end.count, end.next), (page.messages().count(), page.next()));
        }
    }

    /// With retention going on between the pages as well: every number behind the time is either shown, or told as gone when it is;
    /// nothing that is kept is told as gone, and nothing is shown twice.
    ///
    /// It catches: dropped messages that are passed over in silence; a gone row that reaches into what is kept; a page that
    /// begins again at the floor.
    #[test]
    fn what_retention_dropped_is_told_and_nothing_else(
        (page, bytes, kept) in (1_usize..6, 1_usize..30, 1_usize..5),
        before in posts(40),
        of in prop::option::of(prop_oneof![
            Just(Conversation::Broadcast),
            select_room().prop_map(Conversation::Room),
        ]),
        mark in mark(),
        pages in pages(),
    ) {
        let mut world = world(page, bytes, Some(kept));
        world.run(&before);
        let what = of.map_or(What::Rooms(mark), |conversation| What::Conversation(conversation, mark));
        let first = world.reading(what);
        let (Reading::Rooms { since } | Reading::Conversation { since: Since::Time(since), .. }) = first else {
            unreachable!()
        };
        let of = match of {
            Some(conversation) => vec![conversation],
            None => world.model.rooms_of(&user("luke")).iter().map(|room| Conversation::Room(room.id)).collect(),
        };
        let mut seen: Vec<_> =
            of.into_iter().map(|conversation| (conversation, begin(&world, conversation, since))).collect();
        read_on(&mut world, first, &pages, &mut |world, lines| {
            for (conversation, seen) in &mut seen {
                *seen = cover(world, *conversation, *seen, lines);
            }
        });
        for (conversation, seen) in seen {
            let end = world.model.messages(conversation).len() as u64;
            prop_assert_eq!(seen, end, "{:?}", conversation);
        }
    }

    /// A cursor that somebody made up shows nothing but messages that its user may read, never panics, and its pages come to an
    /// end.
    ///
    /// It catches: a right that is checked when a cursor is made and not when it is used; arithmetic on a cursor's numbers that
    /// overflows.
    #[test]
    fn a_made_up_cursor_shows_nothing_that_may_not_be_read(
        kept in kept_max(),
        before in posts(30),
        cursor in made_up(),
        name in 0_u64..3,
        limit in 1_usize..6,
    ) {
        let mut world = world(3, 20, kept);
        world.run(&before);
        let session = SessionId::new(name);
        let me = world.model.user(session, world.now).unwrap();
        let cursor: Cursor = cursor.parse().unwrap();
        let mut next = Some(Reading::Next(cursor));
        let mut pages = 0;
        while let Some(reading) = next {
            let page = match world.page(session, reading, NonZeroUsize::new(limit).unwrap()) {
                Err(error) => {
                    prop_assert!(matches!(error, ReadError::NoSuchRoom));
                    prop_assert!(!may_read(&world, &me, cursor.of_conversation().unwrap()));
                    break;
                }
                Ok(page) => page,
            };
            for line in page.rows().map(owned) {
                let (Line::Message { conversation, .. } | Line::Gone { conversation, .. }) = line;
                prop_assert!(may_read(&world, &me, conversation));
                prop_assert!(cursor.of_conversation().is_none_or(|of| of == conversation));
            }
            next = behind(&page, &mut pages);
        }
    }

    /// Whatever word somebody sends: it is a cursor or an error, and a cursor is written as it was read.
    #[test]
    fn a_word_is_a_cursor_or_an_error(word in "[brsx0-9.-]{0,24}|\\PC{0,12}") {
        if let Ok(cursor) = word.parse::<Cursor>() {
            let again = cursor.to_string().parse::<Cursor>();
            prop_assert_eq!(again, Ok(cursor));
        }
    }

    /// Numbers are 1, 2, 3, … in every conversation, times rise with them, and whoever may read sees the same.
    ///
    /// It catches: a number that a refused, failed or repeated request used up; numbers that are counted over all rooms.
    #[test]
    fn numbers_have_no_gaps(steps in steps(prop_oneof![order().prop_map(Deed::Single), vec(order(), 0..6).prop_map(Deed::Batch)], 60)) {
        let mut world = world(1000, 100_000, None);
        world.run(&steps);
        for session in [0, 1, 2].map(SessionId::new) {
            let me = world.model.user(session, world.now).unwrap();
            let mine = world.model.rooms_of(&me);
            let mut all: Vec<_> = mine.iter().map(|room| Conversation::Room(room.id)).collect();
            all.push(Conversation::Broadcast);
            for conversation in all {
                let reading = Reading::Conversation { conversation, since: Since::Number(None) };
                let page = world.page(session, reading, NonZeroUsize::new(1000).unwrap()).unwrap();
                let lines: Vec<_> = page.rows().map(owned).collect();
                let expected: Vec<_> = (1..=lines.len() as u64).collect();
                prop_assert_eq!(numbers(&lines, conversation), expected);
                prop_assert!(page.messages().map(|message| message.at).is_sorted_by(|one, two| one < two));
            }
        }
    }
}

fn may_read(world: &World, me: &UserName, conversation: Conversation) -> bool {
    match conversation {
        Conversation::Broadcast => true,
        Conversation::Room(id) => world.model.rooms_of(me).iter().any(|room| room.id == id),
    }
}

fn select_room() -> impl Strategy<Value = RoomId> {
    prop::sample::select(&[1, 2, 4][..]).prop_map(|number| RoomId::new(number).unwrap())
}

/// The words of cursors, with numbers and times that lie near what there is, or at the ends of what can be written.
fn made_up() -> impl Strategy<Value = String> {
    const START: i64 = 1_659_603_741_000_000;
    let number = prop_oneof![0_u64..12, Just(u64::MAX), Just(u64::MAX - 1)];
    let room = prop_oneof![1_u32..7, Just(u32::MAX)];
    let time = prop_oneof![
        4 => START - 10_000_000..START + 100_000_000,
        1 => Just(Timestamp::MIN.unix_micros()),
        1 => Just(Timestamp::MAX.unix_micros()),
    ];
    let horizon = prop_oneof![1 => Just("x".to_owned()), 3 => time.clone().prop_map(|time| time.to_string())];
    prop_oneof![
        1 => number.clone().prop_map(|number| format!("b.{number}")),
        2 => (room.clone(), number.clone()).prop_map(|(room, number)| format!("r.{room}.{number}")),
        4 => (time, horizon, room, number)
            .prop_map(|(time, horizon, room, number)| format!("s.{time}.{horizon}.{room}.{number}")),
    ]
}

/// A plan holds a number, not a time, where its room ends: a time would not be found any more.
#[test]
fn a_plan_tells_what_retention_dropped_before_it_was_carried_out() {
    let mut world = world(5, 1000, Some(1));
    let say = |world: &mut World, text: &str| {
        let write = Write::PostRoom(RoomId::FIRST, Body::parse(text).unwrap());
        let _ = world.single(&Order { session: READER, key: None, write });
    };
    say(&mut world, "one");
    let reading = Reading::Rooms { since: Timestamp::MIN };
    let plan = world.engine.plan_read(READER, reading, NonZeroUsize::MIN, world.now).unwrap();
    for text in ["two", "three"] {
        say(&mut world, text);
    }
    let mut lines = Vec::new();
    let end = plan.read(&world.engine.storage().reader(), |row| lines.push(owned(row))).unwrap();
    assert_eq!(lines, [Line::Gone { conversation: Conversation::Room(RoomId::FIRST), first: 1, last: 1 }]);
    assert_eq!((end.count, end.next), (0, None));
}

/// It catches: a page that ends where a room ends, although there is room for the next.
#[test]
fn a_page_goes_on_behind_the_end_of_a_room() {
    let mut world = World::roomy();
    let now = world.now;
    for others in [&["leia"][..], &["leia", "hans"]] {
        let others: Vec<_> = others.iter().map(|name| user(name)).collect();
        let room = world.engine.create_room(READER, &others, None, now).unwrap().reply;
        let _ = world.engine.post_room(READER, room.id, Body::parse("hello").unwrap(), None, now).unwrap();
    }
    let everything = Reading::Rooms { since: Timestamp::MIN };
    let page = world.engine.read_since(READER, everything, NonZeroUsize::new(3).unwrap(), now).unwrap();
    assert_eq!(page.messages().count(), 2);
    assert!(page.is_end());
}
