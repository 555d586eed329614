use proptest::prelude::*;
use toom_core::{Body, MessageNumber, RoomId, Timestamp};

use super::*;

/// 2022-08-04T09:02:29.123456Z
const AT: i64 = 1_659_603_749_123_456;

fn name(name: &str) -> UserName {
    name.parse().unwrap()
}

fn posted(conversation: Conversation, text: &str) -> Event {
    Event::Posted(Message {
        conversation,
        number: MessageNumber::new(3).unwrap(),
        at: Timestamp::from_unix_micros(AT).unwrap(),
        author: name("obiwan"),
        body: Body::parse(text).unwrap(),
    })
}

fn line(event: &Event, room_texts: RoomTexts) -> String {
    EventFormat { zone: TimeZone::UTC, room_texts }.line(event).unwrap().to_string()
}

#[test]
fn the_lines_are_those_of_the_old_server() {
    let room = Room {
        id: RoomId::FIRST,
        at: Timestamp::from_unix_micros(AT).unwrap(),
        members: [name("obiwan"), name("luke")].into(),
    };
    let cases = [
        (Event::Running, "===== Server is running ====="),
        (Event::Waiting, "===== Waiting for connection request from clients...====="),
        (
            posted(Conversation::Broadcast, "hello"),
            "obiwan broadcasted BCM \"hello\" at 04 Aug 2022 09:02:29",
        ),
        (Event::ListedUsers { user: name("obiwan") }, "obiwan issued ATU command"),
        (
            Event::RoomCreated(room),
            "obiwan issued SRB command: Separate chat room has been created, room ID:1, users in this room:obiwan, luke",
        ),
        (
            posted(Conversation::Room(RoomId::FIRST), "have a nice day"),
            "obiwan issued a message in separate room 1: #3;04 Aug 2022 09:02:29;obiwan;have a nice day",
        ),
        (Event::Read { user: name("obiwan") }, "RDM command issued from obiwan"),
        (Event::LoggedOut { session: SessionId::new(1), user: name("obiwan") }, "obiwan logout"),
    ];
    for (event, expected) in cases {
        assert_eq!(line(&event, RoomTexts::Shown), expected);
        assert!(!event.is_trouble());
    }
}

#[test]
fn a_login_has_no_line() {
    let login = Event::LoggedIn(OpenSession {
        session: SessionId::new(1),
        at: Timestamp::from_unix_micros(AT).unwrap(),
        user: name("obiwan"),
        ip: [127, 0, 0, 1].into(),
        udp: None,
    });
    let format = EventFormat { zone: TimeZone::UTC, room_texts: RoomTexts::Shown };
    assert!(format.line(&login).is_none());
}

#[test]
fn what_is_said_in_rooms_is_shown_only_where_it_was_asked_for() {
    let said = posted(Conversation::Room(RoomId::FIRST), "psst");
    assert_eq!(
        line(&said, RoomTexts::Hidden),
        "obiwan issued a message in separate room 1: #3;04 Aug 2022 09:02:29;obiwan"
    );
}

#[test]
fn a_text_of_several_lines_is_one_event_line() {
    let said = line(&posted(Conversation::Broadcast, "one\ntwo\n"), RoomTexts::Hidden);
    assert_eq!(said, r#"obiwan broadcasted BCM "one\ntwo\n" at 04 Aug 2022 09:02:29"#);
}

#[test]
fn times_are_in_the_zone_of_the_format() {
    let zone = TimeZone::fixed(jiff::tz::offset(-10));
    let format = EventFormat { zone, room_texts: RoomTexts::Hidden };
    let said = format.line(&posted(Conversation::Broadcast, "hi")).unwrap().to_string();
    assert!(said.ends_with(" at 03 Aug 2022 23:02:29"), "{said}");
}

#[test]
fn what_steers_a_terminal_is_shown_to_the_operator_and_not_obeyed() {
    let said = line(&posted(Conversation::Broadcast, "a\u{202e}b"), RoomTexts::Hidden);
    assert!(said.starts_with(r#"obiwan broadcasted BCM "a\u{202e}b" at "#), "{said}");
}

#[test]
fn trouble_is_told_apart_and_names_what_failed() {
    let full = StorageError::Full { thing: "journal".to_owned(), action: "append a batch" };
    let event = Event::storage_failed(&full);
    assert!(event.is_trouble());
    assert_eq!(line(&event, RoomTexts::Hidden), "storage: journal: no room is left to append a batch");
}

proptest! {
    #[test]
    fn whatever_is_posted_and_whoever_posts_it_an_event_is_one_line_that_steers_nothing(
        author in "[a-zA-Z0-9À-ɏ]{1,12}|[Ѐ-ӿ]{1,12}|[a-zа-я]{1,4}",
        text in any::<String>(),
        nasty in "[\n\u{ad}\u{200b}-\u{2069}\u{feff}\u{e0000}-\u{e007f}]{0,8}",
        in_room in any::<bool>(),
    ) {
        let Ok(author) = UserName::from_record(&author) else { return Ok(()) };
        let visible: String = text.chars().filter(|c| !c.is_control()).take(1000).collect();
        let Ok(body) = Body::parse(&format!("{nasty}x{visible}{nasty}")) else { return Ok(()) };
        let conversation = if in_room { Conversation::Room(RoomId::FIRST) } else { Conversation::Broadcast };
        let Event::Posted(mut message) = posted(conversation, "text") else { unreachable!("it is a post") };
        (message.author, message.body) = (author, body);
        let room = Room { id: RoomId::FIRST, at: message.at, members: [message.author.clone()].into() };
        let trouble = Event::Trouble { problem: format!("{nasty}{visible}\u{1b}[2J\r\n") };
        let (user, session) = (message.author.clone(), SessionId::new(1));
        let ends = [Event::Read { user: user.clone() }, Event::LoggedOut { session, user }];
        for event in ends.into_iter().chain([Event::Posted(message), Event::RoomCreated(room), trouble]) {
            let line = line(&event, RoomTexts::Shown);
            prop_assert!(!line.contains(crate::shown::is_shown_as_code), "{line:?}");
        }
    }
}
