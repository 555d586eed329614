use core::num::NonZeroU16;

use proptest::prelude::*;
use toom_core::Body;
use toom_net::client::PushQueue;
use toom_net::protocol::{CodeWord, ServerLine, Verb, parse_time};

use super::*;
use toom_net::shown::OneLine;

fn at(text: &str) -> Timestamp {
    parse_time(text).unwrap()
}

fn number(number: u64) -> MessageNumber {
    MessageNumber::new(number).unwrap()
}

fn room(number: u32) -> RoomId {
    RoomId::new(number).unwrap()
}

fn name(text: &str) -> NameWord {
    NameWord::parse(text).unwrap()
}

/// What is shown of a line that the server sends unasked.
fn shown(line: &str) -> Option<String> {
    let ServerLine::Push(push) = ServerLine::parse(line.as_bytes()).unwrap() else {
        panic!("{line} is not pushed")
    };
    let mut queue = PushQueue::new(1000);
    queue.add(push).unwrap();
    pushed(&queue.take().unwrap(), &Zone::utc())
}

fn lost(code: ByeCode, text: &str) -> String {
    ended(&Ended::Lost { bye: Some(Bye { code, text: text.into() }), error: None })
}

fn refused(code: Code, text: &str) -> String {
    refusal(&Failure::new(Verb::Srb, code, text))
}

#[test]
fn every_answer_of_the_transcript_is_exact() {
    let zone = Zone::utc();
    let logged_in = LoggedIn {
        ordinal: 4,
        at: at("2022-08-04T09:02:21.5Z"),
        user: name("obiwan"),
        ip: "127.0.0.1".parse().unwrap(),
        udp: NonZeroU16::new(2000),
    };
    assert_eq!(session(&logged_in, &zone), "4; 04 Aug 2022 09:02:21; obiwan;127.0.0.1;2000");
    assert_eq!(
        broadcast(number(3), at("2022-08-04T09:02:29Z"), &zone),
        "Broadcast message, #3 broadcast at 04 Aug 2022 09:02:29"
    );
    assert_eq!(
        active_user(&name("hans"), at("2022-08-04T08:51:01Z"), &zone),
        "hans, active since 04 Aug 2022 08:51:01."
    );
    assert_eq!(
        room_created(room(1), &[name("obiwan"), name("luke")]),
        "Separate chat room has been created, room ID:1, users in this room:obiwan, luke"
    );
    assert_eq!(
        posted(room(1), number(1), at("2022-08-04T09:03:07Z"), &zone),
        "Message #1 sent to separate room 1 at 04 Aug 2022 09:03:07"
    );
    assert_eq!(
        rooms_heading(at("2022-08-04T08:51:01Z"), &zone),
        "Messages in separate rooms since 04 Aug 2022 08:51:01"
    );
    assert_eq!(goodbye("obiwan"), "Bye,obiwan");
}

#[test]
fn a_login_without_a_file_port_shows_0() {
    let user =
        LoggedIn { ordinal: 1, at: Timestamp::MIN, user: name("x"), ip: "::1".parse().unwrap(), udp: None };
    assert_eq!(session(&user, &Zone::utc()), "1; 01 Jan 0000 00:00:00; x;::1;0");
}

#[test]
fn what_is_pushed_reads_as_what_rdm_finds() {
    assert_eq!(
        shown("MSG b 2 2022-08-04T08:59:21.000001Z hans hello").unwrap(),
        "hans broadcasted BCM \"hello\" at 04 Aug 2022 08:59:21"
    );
    assert_eq!(
        shown("MSG 1 1 2022-08-04T09:03:07.000001Z obiwan have a nice day").unwrap(),
        "room-1: #1;obiwan;have a nice day at 04 Aug 2022 09:03:07"
    );
    let line = MessageLine {
        conversation: Conversation::Room(room(1)),
        number: number(1),
        at: at("2022-08-04T09:03:07Z"),
        author: name("obiwan"),
        body: Body::parse("have a nice day").unwrap(),
    };
    assert_eq!(
        history(&HistoryRow::Message(line), &Zone::utc()),
        "room-1: #1;obiwan;have a nice day at 04 Aug 2022 09:03:07"
    );
}

#[test]
fn a_room_built_by_another_names_its_members() {
    assert_eq!(
        shown("ROOM 7 hans luke").unwrap(),
        "You are in a new separate chat room, room ID:7, users in this room:hans, luke"
    );
}

#[test]
fn a_lag_names_what_is_missing_and_the_command_that_fetches_it() {
    assert_eq!(shown("LAG b 5 9").unwrap(), "broadcast #5 to #9 are not shown here: RDM b #4 reads them");
    assert_eq!(shown("LAG 3 1 1").unwrap(), "room-3: #1 is not shown here: RDM 3 #0 reads them");
}

#[test]
fn what_is_gone_for_good_is_named() {
    let gone = |conversation, first, last| {
        history(&HistoryRow::Gone { conversation, first: number(first), last: number(last) }, &Zone::utc())
    };
    assert_eq!(gone(Conversation::Broadcast, 1, 5), "broadcast #1 to #5 are gone for good");
    assert_eq!(gone(Conversation::Room(room(2)), 4, 4), "room-2: #4 is gone for good");
}

#[test]
fn a_goodbye_of_the_server_says_why_once() {
    assert_eq!(shown("BYE shutdown back at noon"), None);
    for (code, text, why) in [
        (ByeCode::Shutdown, "back at noon", "back at noon"),
        (ByeCode::Shutdown, "", "it shuts down"),
        (ByeCode::Idle, "", "it heard nothing for too long"),
        (ByeCode::LoginTimeout, "", "nobody logged in in time"),
        (ByeCode::TooManyConnections, "", "it has too many connections"),
        (ByeCode::Slow, "", "it waited too long for this side to read"),
        (ByeCode::Throttled, "", "it was asked for too much"),
        (ByeCode::Removed, "", "the account was removed"),
        (ByeCode::Other(CodeWord::parse("moon-phase").unwrap()), "", "moon-phase"),
    ] {
        assert_eq!(lost(code, text), format!("the server closes the connection: {why}"));
    }
}

#[test]
fn rooms_that_were_missed_are_counted() {
    assert_eq!(
        pushed(&Pushed::RoomsMissed { count: 3 }, &Zone::utc()).unwrap(),
        "You are in 3 more new separate chat rooms: RDM s finds them once someone posts there"
    );
}

#[test]
fn a_room_heading_says_since_when_or_after_what() {
    let zone = Zone::utc();
    let since = Since::Time(at("2022-08-04T08:51:01Z").into());
    assert_eq!(heading(Conversation::Broadcast, since, &zone), None);
    assert_eq!(
        heading(Conversation::Room(room(2)), since, &zone).unwrap(),
        "Messages in separate room 2 since 04 Aug 2022 08:51:01"
    );
    assert_eq!(
        heading(Conversation::Room(room(2)), Since::Number(None), &zone).unwrap(),
        "Messages in separate room 2 after #0"
    );
}

#[test]
fn a_refusal_says_what_is_wrong() {
    assert_eq!(refused(Code::UnknownUser(name("bob")), "x"), "there is no user bob");
    assert_eq!(refused(Code::InactiveUser(name("bob")), "x"), "bob is not active");
    assert_eq!(refused(Code::NoMembers, "x"), "a room needs somebody else in it");
    assert_eq!(
        refused(Code::RoomExists(room(4)), "x"),
        "a separate chat room with exactly these users exists, room ID:4"
    );
    assert_eq!(refused(Code::NoRoom, "x"), "no such room, or you are not in it");
    assert_eq!(refused(Code::LimitReached, "a room has at most 5 members"), "a room has at most 5 members");
    assert_eq!(refused(Code::Unavailable, ""), "the server refused: unavailable");
    assert_eq!(
        refused(Code::Other(CodeWord::parse("bad-moon").unwrap()), ""),
        "the server refused: bad-moon"
    );
}

proptest! {
    #[test]
    fn whatever_others_write_is_one_line_that_steers_nothing(
        author in "[^\\p{Cc} ]{1,33}",
        text in "[^\\p{Cc}]{0,9}[\u{202e}\u{200d}\n\u{2028}x]{0,4}x",
    ) {
        let line = MessageLine {
            conversation: Conversation::Broadcast,
            number: number(1),
            at: Timestamp::MIN,
            author: name(&author),
            body: Body::parse(&text).unwrap(),
        };
        let out = OneLine(&message(&line, &Zone::utc())).to_string();
        prop_assert!(!out.contains(toom_net::shown::is_shown_as_code), "{out:?}");
    }
}
