//! Lines written by hand, from every row of the tables of replies, rows and pushed lines.

use toom_core::{Conversation, MessageNumber, MessageRef, RoomId, Timestamp};

use super::super::*;
use super::{line, server_line};

fn parse(line: &str) -> ServerLine<'_> {
    ServerLine::parse(line.as_bytes()).unwrap_or_else(|error| panic!("{line:?}: {error}"))
}

fn row(line: &str) -> Row<'_> {
    let ServerLine::Row { row, .. } = parse(line) else { panic!("{line:?} is a row") };
    row
}

fn failure(line: &str) -> Failure {
    let ServerLine::Reply(Reply { result: Err(failure), .. }) = parse(line) else {
        panic!("{line:?} is an ERR")
    };
    failure
}

const AT: &str = "2022-08-04T09:02:29.123456Z";

fn at() -> Timestamp {
    Timestamp::from_unix_micros(1_659_603_749_123_456).unwrap()
}

#[test]
fn every_line_is_written_as_it_was_read() {
    for line in [
        "TOOM 1 toomd/0.1.0 max-line=16384 epoch=00000000deadbeef",
        "TOOM 1 toomd/0.1.0 max-line=16384 epoch=00000000deadbeef idle=600",
        "OK HELLO",
        "@a OK LOGIN 4 2022-08-04T09:02:29.123456Z obiwan 127.0.0.1 2000",
        "OK LOGIN 4 2022-08-04T09:02:29.123456Z obiwan 2001:db8::1 0",
        "OK BCM 3 2022-08-04T09:02:29.123456Z",
        "OK ATU 0",
        "@b OK SRB 1 obiwan luke",
        "OK SRM 1 1 2022-08-04T09:02:29.123456Z",
        "OK RDM 0",
        "OK RDM 100 next=s.-5.x.7.0",
        "OK PING",
        "OK PING  still there? ",
        "OK HELP 10",
        "OK OUT obiwan",
        "OK OUT",
        "@a ROW b 1 2022-08-04T09:02:29.123456Z obiwan  two\u{b}lines ",
        "ROW anything",
        "ERR - too-long a line is at most 16384 bytes",
        "@1 ERR - unknown-command no such command",
        "ERR LOGIN bad-credentials the user or the password is wrong",
        "ERR LOGIN blocked seconds left: 10",
        "ERR LOGIN throttled seconds left: 2",
        "ERR LOGIN already-logged-in you are obiwan",
        "ERR LOGIN limit-reached too many sessions",
        "ERR BCM empty the message is empty",
        "ERR BCM bad-text the message holds the control character U+001B",
        "ERR BCM key-reused the key was used for another request",
        "ERR BCM unavailable the message may not have been stored",
        "ERR ATU not-logged-in log in first",
        "ERR SRB unknown-user vader there is no user vader",
        "ERR SRB inactive-user Luke Luke is not active",
        "ERR SRB no-members a room needs somebody else in it",
        "ERR SRB room-exists 7 room 7 has exactly these members",
        "ERR SRM no-room no such room",
        "ERR RDM syntax the form is …",
        "ERR RDM refused",
        "ERR RDM code-of-tomorrow with its text",
        "MSG b 1 2022-08-04T09:02:29.123456Z obiwan hello",
        "MSG 3 1 2022-08-04T09:02:29.123456Z obiwan two\u{b}lines",
        "ROOM 1 obiwan luke",
        "LAG b 17 230",
        "LAG 4294967295 1 1",
        "BYE shutdown the server shuts down",
        "BYE idle",
        "BYE throttled too much",
        "BYE removed the account was removed",
        "BYE code-of-tomorrow",
    ] {
        assert_eq!(String::from_utf8(server_line(&parse(line))).unwrap(), line);
    }
}

#[test]
fn what_a_later_version_adds_is_ignored() {
    for (later, now) in [
        (
            "TOOM 1 toomd/9 tls=yes max-line=16384 x epoch=f",
            "TOOM 1 toomd/9 max-line=16384 epoch=000000000000000f",
        ),
        ("OK HELLO you", "OK HELLO"),
        ("OK ATU 2 more", "OK ATU 2"),
        ("OK RDM 2 left=7 next=b.2 x", "OK RDM 2 next=b.2"),
        ("LAG b 1 2 slow", "LAG b 1 2"),
    ] {
        assert_eq!(String::from_utf8(server_line(&parse(later))).unwrap(), now);
    }
}

#[test]
fn lines_that_no_server_sends_are_refused_with_their_reason() {
    use ServerLineError::{ControlCharacter, Malformed, NotUtf8, OtherVersion, UnknownWord};
    for (line, error) in [
        (&b""[..], Malformed),
        (b"@1", Malformed),
        (b"@a.b OK HELLO", Malformed),
        (b"@1 MSG b 1 2022-08-04T09:02:29.123456Z obiwan hi", Malformed),
        (b"TOOM 2 toomd/1 max-line=1 epoch=1", OtherVersion),
        (b"TOOM", OtherVersion),
        (b"TOOM 1 toomd/1 epoch=1", Malformed),
        (b"TOOM 1 toomd/1 max-line=1", Malformed),
        (b"TOOM 1 toomd/1 max-line=1 epoch=g", Malformed),
        (b"TOOM 1 toomd/1 max-line=1 epoch=", Malformed),
        (b"TOOM 1 toomd/1 max-line=1 epoch=1 idle=soon", Malformed),
        (b"ROW", Malformed),
        (b"OK", Malformed),
        (b"OK FLY", Malformed),
        (b"OK BCM 0 2022-08-04T09:02:29.123456Z", Malformed),
        (b"OK BCM 1", Malformed),
        (b"OK SRB 1", Malformed),
        (b"OK SRM 1 2022-08-04T09:02:29.123456Z", Malformed),
        (b"OK RDM", Malformed),
        (b"OK RDM 1 next=", Malformed),
        (b"OK LOGIN 1 2022-08-04T09:02:29.123456Z obiwan nowhere 1", Malformed),
        (b"ERR", Malformed),
        (b"ERR BCM", Malformed),
        (b"ERR FLY syntax x", Malformed),
        (b"ERR BCM SYNTAX x", Malformed),
        (b"ERR SRB unknown-user", Malformed),
        (b"ERR SRB room-exists seven text", Malformed),
        (b"MSG b 1 2022-08-04T09:02:29.123456Z obiwan", Malformed),
        (b"MSG b 1 2022-08-04T09:02:29.123456Z obiwan ", Malformed),
        (b"MSG c 1 2022-08-04T09:02:29.123456Z obiwan hi", Malformed),
        (b"MSG b -1 2022-08-04T09:02:29.123456Z obiwan hi", Malformed),
        (b"ROOM 1", Malformed),
        (b"LAG b 2 1", Malformed),
        (b"LAG b 0 1", Malformed),
        (b"BYE", Malformed),
        (b"HINT something new", UnknownWord),
        (b"ok HELLO", UnknownWord),
        (b"OK PING \xff", NotUtf8),
        (b"OK PING a\tb", ControlCharacter),
        (b"OK PING a\x0bb", ControlCharacter),
        (b"ERR - syntax a\x0bb", ControlCharacter),
        (b"MSG b 1 2022-08-04T09:02:29.123456Z obiwan \x1b[2J", ControlCharacter),
        (b"MSG b 1 2022-08-04T09:02:29.123456Z obi\x0bwan hi", Malformed),
    ] {
        assert_eq!(ServerLine::parse(line), Err(error), "{}", line.escape_ascii());
    }
}

#[test]
fn rows_are_read_by_the_verb_that_they_answer() {
    let (user, since) = row(&format!("@1 ROW Luke {AT}")).parse_user().unwrap();
    assert_eq!((user.as_str(), since), ("Luke", at()));

    let text = format!("ROW 7 3 {AT} Luke two\u{b}lines");
    let Some(HistoryRow::Message(message)) = row(&text).parse_history() else { panic!("a message") };
    let room = Conversation::Room(RoomId::new(7).unwrap());
    let number = MessageNumber::new(3).unwrap();
    let expected = MessageRef { conversation: room, number, at: at(), author: "Luke", body: "two\nlines" };
    assert_eq!(message.view(), expected);
    assert!(!format!("{message:?}").contains("lines"));
    assert_eq!(line(|out| Row::append_message(out, None, expected)), text.as_bytes());

    let (first, last) = (MessageNumber::FIRST, number);
    let gone = HistoryRow::Gone { conversation: Conversation::Broadcast, first, last };
    assert_eq!(row("ROW b GONE 1 3").parse_history(), Some(gone));
    let tag = Tag::parse("t").unwrap();
    let written = line(|out| Row::append_gone(out, Some(&tag), Conversation::Broadcast, first, last));
    assert_eq!(written, b"@t ROW b GONE 1 3");
    let written = line(|out| Row::append_user(out, Some(&tag), "Luke", at()));
    assert_eq!(written, format!("@t ROW Luke {AT}").as_bytes());

    for other in ["ROW b GONE 3 1", "ROW b GONE 1", "ROW b 1", "ROW x", "ROW  "] {
        assert_eq!(row(other).parse_history(), None, "{other}");
        assert_eq!(row(other).parse_user(), None, "{other}");
    }
}

#[test]
fn help_lists_every_command_once() {
    let (mut out, tag) = (Vec::new(), Tag::parse("h").unwrap());
    let count = Row::append_help(&mut out, Some(&tag));
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text.lines().count() as u64, count);
    for (line, verb) in text.lines().zip(Verb::ALL) {
        assert!(line.starts_with(&format!("@h ROW {}: ", verb.form())), "{line}");
        assert!(row(line).as_str().starts_with(verb.as_str()));
    }
}

#[test]
fn the_seconds_left_end_the_texts_of_blocked_and_throttled_alone() {
    assert_eq!(failure("ERR LOGIN blocked try again, seconds left: 10").seconds_left(), Some(10));
    assert_eq!(failure("ERR LOGIN throttled 2").seconds_left(), Some(2));
    assert_eq!(failure("ERR LOGIN blocked later").seconds_left(), None);
    assert_eq!(failure("ERR LOGIN blocked").seconds_left(), None);
    assert_eq!(failure("ERR LOGIN limit-reached 10").seconds_left(), None);
}

#[test]
fn codes_carry_their_arguments() {
    let luke = NameWord::parse("luke").unwrap();
    assert_eq!(failure("ERR SRB inactive-user luke is away").code, Code::InactiveUser(luke.clone()));
    assert_eq!(failure("ERR SRB unknown-user luke luke?").code, Code::UnknownUser(luke));
    assert_eq!(failure("ERR SRB room-exists 7 x").code, Code::RoomExists(RoomId::new(7).unwrap()));
    assert_eq!(failure("ERR SRB room-exists 7 x").text.as_ref(), "x");
    assert_eq!(
        failure("ERR BCM no-such-thing x").code,
        Code::Other(CodeWord::parse("no-such-thing").unwrap())
    );
}

#[test]
fn texts_for_people_are_one_line_and_cut_at_a_character() {
    let text = format!("a\nOK BCM\u{b}{}", "é".repeat(TEXT_BYTES_MAX));
    let failure = Failure::new(Verb::Bcm, Code::Unavailable, text.clone());
    let written = line(|out| Reply { tag: None, result: Err(failure) }.append_to(out));
    let written = String::from_utf8(written).unwrap();
    assert!(written.starts_with("ERR BCM unavailable a\u{fffd}OK BCM\u{fffd}éé"), "{written}");
    assert!(written.len() <= "ERR BCM unavailable ".len() + TEXT_BYTES_MAX + 2 * 2);
    let bye = Push::Bye { code: ByeCode::Shutdown, text: text.into() };
    assert!(
        String::from_utf8(line(|out| bye.append_to(out))).unwrap().starts_with("BYE shutdown a\u{fffd}OK")
    );
    assert_eq!(failure_line_too_long(), "ERR - too-long a line is at most 16384 bytes");
}

fn failure_line_too_long() -> String {
    let reply = Reply { tag: None, result: Err(Failure::line_too_long()) };
    String::from_utf8(line(|out| reply.append_to(out))).unwrap()
}

#[test]
fn the_members_of_the_largest_room_fit_a_line() {
    let mut members = vec![NameWord::parse("x").unwrap(); MEMBERS_BYTES_MAX / 2];
    let room = RoomId::new(u32::MAX).unwrap();
    let tag = Some(Tag::parse(&"t".repeat(64)).unwrap());
    let mut out = Vec::new();
    Reply { tag: tag.clone(), result: Ok(Success::RoomCreated { room, members: members.clone() }) }
        .append_to(&mut out);
    assert!((MAX_LINE - 1..=MAX_LINE).contains(&out.len()), "{}", out.len());
    members.push(NameWord::parse("x").unwrap());
    out.clear();
    Reply { tag, result: Ok(Success::RoomCreated { room, members }) }.append_to(&mut out);
    assert!(out.len() > MAX_LINE);
}

#[test]
fn the_longest_message_fits_a_line_with_the_longest_of_everything() {
    let tag = Tag::parse(&"t".repeat(64)).unwrap();
    let message = MessageRef {
        conversation: Conversation::Room(RoomId::new(u32::MAX).unwrap()),
        number: MessageNumber::new(u64::MAX).unwrap(),
        at: Timestamp::MAX,
        author: &"𝒳".repeat(32),
        body: &"x".repeat(toom_core::Body::BYTES_MAX),
    };
    assert!(line(|out| Row::append_message(out, Some(&tag), message)).len() < MAX_LINE);
    assert!(line(|out| Push::append_message(out, message)).len() < MAX_LINE);
}

#[test]
fn words_are_taken_to_their_longest() {
    assert!(CursorWord::parse(&format!("b{}", "9".repeat(127))).is_ok());
    assert!(CursorWord::parse(&"b".repeat(129)).is_err());
    for raw in ["", "9b", "-b", "#1", "b:1", "b c", "é"] {
        assert!(CursorWord::parse(raw).is_err(), "{raw:?}");
    }
    for raw in ["", "a b", "a\u{b}b", "a\nb", &"x".repeat(34)] {
        assert!(NameWord::parse(raw).is_err(), "{raw:?}");
    }
    assert!(ClientWord::parse(&"~".repeat(128)).is_ok());
    for raw in ["", "a b", "é", &"x".repeat(129)] {
        assert!(ClientWord::parse(raw).is_err(), "{raw:?}");
    }
    let error = CodeWord::parse("Upper").unwrap_err();
    assert_eq!(error.to_string(), "a code is 1 to 64 of a-z 0-9 -");
    assert_eq!(NameWord::parse("Luke").unwrap().to_user_name(), toom_core::UserName::parse("luke").ok());
    assert_eq!(NameWord::parse("a/b☺").unwrap().to_user_name(), None);
}
