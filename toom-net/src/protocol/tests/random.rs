//! Random values of every type that a line can hold.

use core::num::NonZeroU16;
use core::time::Duration;

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use toom_core::{
    Body, Conversation, Epoch, IdempotencyKey, MessageNumber, Password, RoomId, Timestamp, UserName,
};

use super::super::*;

fn tag() -> impl Strategy<Value = Option<Tag>> {
    of("[A-Za-z0-9_-]{1,64}".prop_map(|raw| Tag::parse(&raw).unwrap()))
}

fn key() -> impl Strategy<Value = Option<IdempotencyKey>> {
    of("[A-Za-z0-9_-]{1,64}".prop_map(|raw| IdempotencyKey::parse(&raw).unwrap()))
}

fn user_name() -> impl Strategy<Value = UserName> {
    "[a-zA-Z0-9._é-]{1,32}|\\PC{1,4}".prop_filter_map("no name", |raw| UserName::parse(&raw).ok())
}

fn name() -> impl Strategy<Value = NameWord> {
    "[^\\p{Cc} ]{1,33}".prop_map(|raw| NameWord::parse(&raw).unwrap())
}

fn named() -> impl Strategy<Value = Named> {
    prop_oneof![
        user_name().prop_map(Named::User),
        name().prop_filter_map("a name", |word| {
            word.to_user_name().is_none().then_some(Named::Nobody(word))
        }),
    ]
}

fn body() -> impl Strategy<Value = Body> {
    "[^\\p{Cc}]{0,40}(\n[^\\p{Cc}]{0,10}){0,3}| +x +".prop_filter_map("empty", |raw| Body::parse(&raw).ok())
}

/// A text that is one line.
fn text() -> impl Strategy<Value = Box<str>> {
    "[^\\p{Cc}]{0,40}".prop_map(Box::from)
}

fn at() -> impl Strategy<Value = Timestamp> {
    let (min, max) = (Timestamp::MIN.unix_micros(), Timestamp::MAX.unix_micros());
    (min..=max).prop_map(|micros| Timestamp::from_unix_micros(micros).unwrap())
}

fn number() -> impl Strategy<Value = MessageNumber> {
    prop_oneof![1..100_u64, 1..=u64::MAX].prop_map(|number| MessageNumber::new(number).unwrap())
}

fn room() -> impl Strategy<Value = RoomId> {
    prop_oneof![1..100_u32, 1..=u32::MAX].prop_map(|number| RoomId::new(number).unwrap())
}

fn conversation() -> impl Strategy<Value = Conversation> {
    prop_oneof![Just(Conversation::Broadcast), room().prop_map(Conversation::Room)]
}

fn cursor() -> impl Strategy<Value = CursorWord> {
    "[A-Za-z][A-Za-z0-9._-]{0,127}".prop_map(|raw| CursorWord::parse(&raw).unwrap())
}

fn program() -> impl Strategy<Value = ClientWord> {
    "[!-~]{1,128}".prop_map(|raw| ClientWord::parse(&raw).unwrap())
}

fn udp() -> impl Strategy<Value = Option<NonZeroU16>> {
    any::<u16>().prop_map(NonZeroU16::new)
}

fn verb() -> impl Strategy<Value = Verb> {
    proptest::sample::select(&Verb::ALL[..])
}

fn hello() -> impl Strategy<Value = Hello> {
    let live = prop_oneof![Just(Live::On), Just(Live::Off)];
    (of(program()), udp(), live).prop_map(|(client, udp, live)| Hello { client, udp, live })
}

fn read() -> impl Strategy<Value = Command> {
    let limit = || (1..=PageLimit::MAX).prop_map(|limit| PageLimit::new(limit).unwrap());
    let since = prop_oneof![
        at().prop_map(Since::Time),
        of(number()).prop_map(Since::Number),
        cursor().prop_map(Since::Cursor)
    ];
    let rooms_since = prop_oneof![at().prop_map(RoomsSince::Time), cursor().prop_map(RoomsSince::Cursor)];
    prop_oneof![
        (conversation(), since, limit()).prop_map(|(conversation, since, limit)| {
            Command::ReadConversation { conversation, since, limit }
        }),
        (rooms_since, limit()).prop_map(|(since, limit)| Command::ReadRooms { since, limit }),
    ]
}

fn transfer_id() -> impl Strategy<Value = TransferId> {
    prop_oneof![1..100_u64, 1..=u64::MAX].prop_map(|id| TransferId::new(id).unwrap())
}

fn file() -> impl Strategy<Value = FileOffer> {
    let name = "[^\\p{Cc}]{1,60}".prop_map(|raw| FileName::parse(&raw).unwrap());
    (any::<u64>(), any::<[u8; 32]>(), fingerprint(), name).prop_map(|(bytes, hash, fingerprint, name)| {
        FileOffer { bytes, hash: ContentHash::new(hash), fingerprint, name }
    })
}

fn fingerprint() -> impl Strategy<Value = Fingerprint> {
    any::<[u8; 32]>().prop_map(Fingerprint::new)
}

fn ticket() -> impl Strategy<Value = TransferTicket> {
    any::<[u8; 16]>().prop_map(TransferTicket::new)
}

fn leave() -> impl Strategy<Value = Leave> {
    (1..=Leave::MAX).prop_map(|pieces| Leave::new(pieces).unwrap())
}

fn piece() -> impl Strategy<Value = Piece> {
    vec(any::<u8>(), 1..50).prop_map(|bytes| Piece::new(&bytes).unwrap())
}

fn transfer_request() -> impl Strategy<Value = TransferRequest> {
    use TransferRequest as Asked;
    prop_oneof![
        (named(), file()).prop_map(|(user, file)| Asked::Offer { user, file }),
        (transfer_id(), fingerprint(), ticket()).prop_map(|(id, fingerprint, ticket)| Asked::Accept {
            id,
            fingerprint,
            ticket
        }),
        (transfer_id(), text()).prop_map(|(id, text)| Asked::Refuse { id, text }),
        transfer_id().prop_map(Asked::Cancel),
        transfer_id().prop_map(Asked::Done),
        transfer_id().prop_map(Asked::Relay),
        (transfer_id(), leave()).prop_map(|(id, leave)| Asked::More { id, leave }),
        (transfer_id(), any::<u64>(), piece()).prop_map(|(id, number, piece)| Asked::Data {
            id,
            number,
            piece
        }),
    ]
}

fn transfer_push() -> impl Strategy<Value = TransferPush> {
    use TransferPush as Told;
    let code = prop_oneof![
        proptest::sample::select(vec![
            EndCode::Done,
            EndCode::Refused,
            EndCode::Cancelled,
            EndCode::Gone,
            EndCode::Taken,
            EndCode::Timeout,
        ]),
        unknown_code().prop_map(EndCode::Other),
    ];
    prop_oneof![
        (transfer_id(), name(), file()).prop_map(|(id, user, file)| Told::Offer { id, user, file }),
        (transfer_id(), any::<core::net::IpAddr>(), any::<u16>(), fingerprint(), ticket()).prop_map(
            |(id, ip, port, fingerprint, ticket)| {
                Told::Accept { id, address: (ip, port).into(), fingerprint, ticket }
            }
        ),
        transfer_id().prop_map(|id| Told::Relay { id }),
        (transfer_id(), leave()).prop_map(|(id, leave)| Told::More { id, leave }),
        (transfer_id(), any::<u64>(), piece()).prop_map(|(id, number, piece)| Told::Data {
            id,
            number,
            piece
        }),
        (transfer_id(), code, text()).prop_map(|(id, code, text)| Told::End { id, code, text }),
    ]
}

pub(super) fn request() -> impl Strategy<Value = Request> {
    let command = prop_oneof![
        hello().prop_map(Command::Hello),
        (user_name(), "[^\\p{Cc}]{0,40}")
            .prop_map(|(user, text)| Command::Login { user, password: Password::new(text) }),
        (key(), body()).prop_map(|(key, body)| Command::Broadcast { key, body }),
        Just(Command::ActiveUsers),
        (key(), vec(named(), 1..5)).prop_map(|(key, users)| Command::CreateRoom { key, users }),
        (key(), room(), body()).prop_map(|(key, room, body)| Command::PostRoom { key, room, body }),
        read(),
        transfer_request().prop_map(Command::Transfer),
        text().prop_map(|text| Command::Ping { text }),
        Just(Command::Help),
        Just(Command::Logout),
    ];
    (tag(), command).prop_map(|(tag, command)| Request { tag, command })
}

pub(super) fn message() -> impl Strategy<Value = MessageLine> {
    (conversation(), number(), at(), name(), body()).prop_map(|(conversation, number, at, author, body)| {
        MessageLine { conversation, number, at, author, body }
    })
}

fn logged_in() -> impl Strategy<Value = LoggedIn> {
    (any::<u64>(), at(), name(), any::<core::net::IpAddr>(), udp())
        .prop_map(|(ordinal, at, user, ip, udp)| LoggedIn { ordinal, at, user, ip, udp })
}

fn success() -> impl Strategy<Value = Success> {
    prop_oneof![
        Just(Success::Hello),
        logged_in().prop_map(Success::LoggedIn),
        (number(), at()).prop_map(|(number, at)| Success::Broadcast { number, at }),
        any::<u64>().prop_map(|count| Success::ActiveUsers { count }),
        (room(), vec(name(), 1..5)).prop_map(|(room, members)| Success::RoomCreated { room, members }),
        (room(), number(), at()).prop_map(|(room, number, at)| Success::Posted { room, number, at }),
        (any::<u64>(), of(cursor())).prop_map(|(count, next)| Success::Read { count, next }),
        transfer_id().prop_map(|id| Success::Transfer { id }),
        text().prop_map(|text| Success::Pong { text }),
        any::<u64>().prop_map(|count| Success::Help { count }),
        of(name()).prop_map(|user| Success::LoggedOut { user }),
    ]
}

fn unknown_code() -> impl Strategy<Value = CodeWord> {
    "x-[a-z0-9-]{0,60}".prop_map(|raw| CodeWord::parse(&raw).unwrap())
}

fn code() -> impl Strategy<Value = Code> {
    let plain = [
        Code::Syntax,
        Code::UnknownCommand,
        Code::NotLoggedIn,
        Code::AlreadyLoggedIn,
        Code::BadCredentials,
        Code::Blocked,
        Code::Throttled,
        Code::Empty,
        Code::TooLong,
        Code::BadText,
        Code::NoMembers,
        Code::NoRoom,
        Code::KeyReused,
        Code::Unavailable,
        Code::Refused,
        Code::LimitReached,
    ];
    prop_oneof![
        8 => proptest::sample::select(plain.to_vec()),
        1 => name().prop_map(Code::UnknownUser),
        1 => name().prop_map(Code::InactiveUser),
        1 => room().prop_map(Code::RoomExists),
        1 => unknown_code().prop_map(Code::Other),
    ]
}

pub(super) fn reply() -> impl Strategy<Value = Reply> {
    let failure = (of(verb()), code(), text()).prop_map(|(verb, code, text)| Failure { verb, code, text });
    let result = prop_oneof![success().prop_map(Ok), failure.prop_map(Err)];
    (tag(), result).prop_map(|(tag, result)| Reply { tag, result })
}

pub(super) fn gap() -> impl Strategy<Value = (Conversation, MessageNumber, MessageNumber)> {
    (conversation(), number(), number())
        .prop_map(|(conversation, one, two)| (conversation, one.min(two), one.max(two)))
}

pub(super) fn push() -> impl Strategy<Value = Push> {
    let code = prop_oneof![
        Just(ByeCode::Shutdown),
        Just(ByeCode::Idle),
        Just(ByeCode::Throttled),
        Just(ByeCode::Removed),
        Just(ByeCode::Kicked),
        unknown_code().prop_map(ByeCode::Other),
    ];
    prop_oneof![
        message().prop_map(Push::Message),
        (room(), vec(name(), 1..5)).prop_map(|(room, members)| Push::Room { room, members }),
        gap().prop_map(|(conversation, first, last)| Push::Lag { conversation, first, last }),
        transfer_push().prop_map(Push::Transfer),
        (code, text()).prop_map(|(code, text)| Push::Bye { code, text }),
    ]
}

pub(super) fn greeting() -> impl Strategy<Value = Greeting> {
    let idle = of((0..=u64::from(u32::MAX)).prop_map(Duration::from_secs));
    (program(), any::<u32>(), any::<u64>(), idle).prop_map(|(server, max_line, epoch, idle)| Greeting {
        server,
        max_line: max_line as usize,
        epoch: Epoch::new(epoch),
        idle,
    })
}

pub(super) fn row_of_user() -> impl Strategy<Value = (Option<Tag>, NameWord, Timestamp)> {
    (tag(), name(), at())
}

pub(super) fn any_tag() -> impl Strategy<Value = Option<Tag>> {
    tag()
}
