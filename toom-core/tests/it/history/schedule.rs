//! Random schedules: what users, hosts, clocks and disks do, one step after the other.

use core::num::NonZeroUsize;
use core::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use toom_core::{
    Body, Config, Conversation, IdempotencyKey, Limits, Members, MessageNumber, Now, Policy, RoomId,
    SessionId, Timestamp, UserName,
};

use crate::history::faulty::Fault;

/// One thing that happens, and how the clocks moved before it.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) tick: Tick,
    pub(crate) deed: Deed,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Tick {
    /// Microseconds, either way.
    pub(crate) wall: i64,
    pub(crate) mono: Duration,
}

#[derive(Clone, Debug)]
pub(crate) enum Deed {
    Single(Order),
    Batch(Vec<Order>),
    DroppedBatch(Vec<Order>),
    Login(UserName, SessionId),
    Logout(SessionId),
    PutAccount(UserName),
    RemoveAccount(UserName),
    ActiveUsers(SessionId),
    Rooms(SessionId),
    Read {
        session: SessionId,
        what: What,
        limit: NonZeroUsize,
    },
    Expire,
    /// A stranger tries a name that nobody has.
    Guess,
    /// The next append fails.
    Fault(Fault),
    Reopen,
    Recover,
}

/// A request that changes the history.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) session: SessionId,
    pub(crate) key: Option<IdempotencyKey>,
    pub(crate) write: Write,
}

#[derive(Clone, Debug)]
pub(crate) enum Write {
    Broadcast(Body),
    CreateRoom(Vec<UserName>),
    PostRoom(RoomId, Body),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum What {
    Conversation(Conversation, Mark),
    ConversationAfter(Conversation, Option<MessageNumber>),
    Rooms(Mark),
}

/// A time, told by what was accepted: so it is as often the very time of a message as one beside it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mark {
    BeforeAll,
    Beside { nth: usize, micros: i64 },
    InTheFuture,
}

/// A spelling of one of the five users; all spellings of one are one user.
pub(crate) fn name() -> impl Strategy<Value = UserName> {
    const SPELLINGS: [&str; 9] =
        ["luke", "LUKE", "ＬＵＫＥ", "leia", "Leia", "hans", "yoda", "Yoda", "obiwan"];
    select(&SPELLINGS[..]).prop_map(|raw| UserName::parse(raw).unwrap())
}

pub(crate) fn session() -> impl Strategy<Value = SessionId> {
    (0_u64..8).prop_map(SessionId::new)
}

pub(crate) fn room() -> impl Strategy<Value = RoomId> {
    (1_u32..7).prop_map(|number| RoomId::new(number).unwrap())
}

pub(crate) fn conversation() -> impl Strategy<Value = Conversation> {
    prop_oneof![Just(Conversation::Broadcast), room().prop_map(Conversation::Room)]
}

/// Few texts, so that a key meets its own request again; some are too long for the limit of these engines.
pub(crate) fn body() -> impl Strategy<Value = Body> {
    const TEXTS: [&str; 6] = ["a", "bb", "two\nlines", "äöü", "twelve bytes", "thirteen byte"];
    select(&TEXTS[..]).prop_map(|text| Body::parse(text).unwrap())
}

pub(crate) fn key() -> impl Strategy<Value = IdempotencyKey> {
    select(&["k1", "k2", "k3", "k4"][..]).prop_map(|raw| IdempotencyKey::parse(raw).unwrap())
}

pub(crate) fn order() -> impl Strategy<Value = Order> {
    let write = prop_oneof![
        2 => body().prop_map(Write::Broadcast),
        2 => vec(name(), 0..6).prop_map(Write::CreateRoom),
        4 => (room(), body()).prop_map(|(room, body)| Write::PostRoom(room, body)),
    ];
    (session(), option::weighted(0.4, key()), write).prop_map(|(session, key, write)| Order {
        session,
        key,
        write,
    })
}

pub(crate) fn mark() -> impl Strategy<Value = Mark> {
    prop_oneof![
        1 => Just(Mark::BeforeAll),
        1 => Just(Mark::InTheFuture),
        6 => (0_usize..60, -1_i64..=1).prop_map(|(nth, micros)| Mark::Beside { nth, micros }),
    ]
}

fn what() -> impl Strategy<Value = What> {
    let number = (0_u64..9).prop_map(MessageNumber::new);
    prop_oneof![
        2 => (conversation(), mark()).prop_map(|(conversation, mark)| What::Conversation(conversation, mark)),
        1 => (conversation(), number)
            .prop_map(|(conversation, number)| What::ConversationAfter(conversation, number)),
        2 => mark().prop_map(What::Rooms),
    ]
}

/// A clock that stalls, goes on, jumps a day either way, and runs backwards.
pub(crate) fn tick() -> impl Strategy<Value = Tick> {
    const DAY: i64 = 86_400_000_000;
    let wall = prop_oneof![
        4 => Just(0),
        2 => Just(1),
        4 => 0..5_000_000_i64,
        2 => -5_000_000..0_i64,
        1 => Just(DAY),
        1 => Just(-DAY),
    ];
    let mono = prop_oneof![
        2 => Just(Duration::ZERO),
        4 => (0_u64..5_000).prop_map(Duration::from_millis),
        1 => (0_u64..60).prop_map(Duration::from_secs),
    ];
    (wall, mono).prop_map(|(wall, mono)| Tick { wall, mono })
}

pub(crate) fn fault() -> impl Strategy<Value = Fault> {
    select(&[Fault::Full, Fault::FailedKept, Fault::FailedLost][..])
}

/// Whatever can happen while the disk works.
pub(crate) fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        12 => order().prop_map(Deed::Single),
        6 => vec(order(), 0..8).prop_map(Deed::Batch),
        1 => vec(order(), 0..4).prop_map(Deed::DroppedBatch),
        6 => (name(), session()).prop_map(|(name, session)| Deed::Login(name, session)),
        1 => session().prop_map(Deed::Logout),
        1 => name().prop_map(Deed::PutAccount),
        1 => name().prop_map(Deed::RemoveAccount),
        1 => session().prop_map(Deed::ActiveUsers),
        1 => session().prop_map(Deed::Rooms),
        6 => (session(), what(), 1..8_usize).prop_map(|(session, what, limit)| Deed::Read {
            session,
            what,
            limit: NonZeroUsize::new(limit).unwrap()
        }),
        1 => Just(Deed::Expire),
        1 => Just(Deed::Guess),
        1 => Just(Deed::Reopen),
        1 => Just(Deed::Recover),
    ]
}

pub(crate) fn steps(deed: impl Strategy<Value = Deed>, at_most: usize) -> impl Strategy<Value = Vec<Step>> {
    vec((tick(), deed).prop_map(|(tick, deed)| Step { tick, deed }), 1..at_most)
}

/// Bounds so small that schedules meet them.
pub(crate) fn config() -> impl Strategy<Value = Config> {
    let idle = option::of(Just(Duration::from_secs(40)));
    let bounds = (2_usize..5, 1_usize..5, 3_usize..8, 1_usize..4, 1_usize..7, 1_usize..40);
    (bounds, any::<bool>(), idle).prop_map(|(bounds, active, session_idle)| {
        let (members_max, rooms, sessions, per_account, page, page_bytes_max) = bounds;
        let members = if active { Members::Active } else { Members::Exist };
        Config {
            policy: Policy { members, session_idle, ..Policy::default() },
            limits: Limits {
                body_bytes_max: 12,
                members_max,
                rooms_per_user_max: rooms,
                sessions_max: sessions,
                sessions_per_account_max: per_account,
                page_messages_max: NonZeroUsize::new(page).unwrap(),
                page_bytes_max,
                ..Limits::default()
            },
            ..Config::default()
        }
    })
}

/// How many messages of a conversation a store keeps.
pub(crate) fn kept_max() -> impl Strategy<Value = Option<usize>> {
    prop_oneof![3 => Just(None), 1 => (1_usize..4).prop_map(Some)]
}

impl Tick {
    pub(crate) fn after(self, now: Now) -> Now {
        let micros = now.wall.unix_micros() + self.wall;
        Now { wall: Timestamp::from_unix_micros(micros).unwrap(), mono: now.mono.after(self.mono) }
    }
}
