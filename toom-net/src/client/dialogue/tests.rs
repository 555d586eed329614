use std::fmt::Write as _;

use proptest::collection::vec;
use proptest::prelude::*;
use toom_core::{Body, Conversation, MessageNumber, Password, Receipt, RoomId, Timestamp, UserName};

use super::*;
use crate::client::{ActiveUser, NewRoom, Page, REPLY_BYTES_MAX};
use crate::marker::{MARKER, is_shown};
use crate::protocol::{
    ByeCode, Code, Hello, HistoryRow, MessageLine, NameWord, Named, PageLimit, RoomsSince, Since, Verb,
};

const GREETING: &str = "TOOM 1 toomd/0.1.0 max-line=16384 epoch=7 later=more\n";
const LOGIN: &str = "OK LOGIN 1 1970-01-01T00:00:01.000000Z obiwan 127.0.0.1 0\n";

/// A dialogue that was greeted, with `requests` under way.
fn greeted(requests: impl IntoIterator<Item = Command>) -> Dialogue {
    let mut dialogue = Dialogue::new();
    assert!(matches!(events(&mut dialogue, GREETING).unwrap()[..], [Event::Greeting(_)]));
    for request in requests {
        dialogue.request(request).unwrap();
    }
    dialogue
}

/// A dialogue that is logged in, with `requests` under way.
fn logged_in(requests: impl IntoIterator<Item = Command>) -> Dialogue {
    let mut dialogue = greeted([login()]);
    assert!(matches!(events(&mut dialogue, LOGIN).unwrap()[..], [Event::Answered { result: Ok(_), .. }]));
    for request in requests {
        dialogue.request(request).unwrap();
    }
    dialogue
}

#[test]
fn debug_shows_no_password_and_no_text_that_is_sent_or_received() {
    let login = Command::Login { user: UserName::parse("obiwan").unwrap(), password: Password::new(MARKER) };
    let mut dialogue = greeted([login, broadcast(MARKER)]);
    assert!(!is_shown(&dialogue), "{dialogue:?}");
    let lines = format!("{LOGIN}MSG b 1 1970-01-01T00:00:01.000000Z luke {MARKER}\nMSG b 2 1970 {MARKER}");
    let came = events(&mut dialogue, lines).unwrap();
    assert!(came.len() == 2 && !is_shown(&came) && !is_shown(&dialogue), "{came:?} {dialogue:?}");
}

#[test]
fn every_request_has_an_id_of_its_own_and_is_pending_until_it_is_answered() {
    let mut dialogue = greeted([]);
    let ids: Vec<_> = ["a", "b", "c"].map(|text| dialogue.request(ping(text)).unwrap()).into();
    assert!(ids.is_sorted_by(|earlier, later| earlier < later), "{ids:?}");
    assert_eq!(dialogue.pending().collect::<Vec<_>>(), ids);
    let told = events(&mut dialogue, "OK PING a\n").unwrap();
    assert!(matches!(&told[..], [Event::Answered { request, .. }] if *request == ids[0]), "{told:?}");
    assert_eq!(dialogue.pending().collect::<Vec<_>>(), ids[1..]);
}

fn events(dialogue: &mut Dialogue, bytes: impl AsRef<[u8]>) -> Result<Vec<Event>, Violation> {
    dialogue.receive(bytes.as_ref());
    core::iter::from_fn(|| dialogue.next_event().transpose()).collect()
}

/// The results of the answers among `events`.
fn results(events: Vec<Event>) -> Vec<Result<Answer, Failure>> {
    events
        .into_iter()
        .filter_map(|event| if let Event::Answered { result, .. } = event { Some(result) } else { None })
        .collect()
}

fn login() -> Command {
    Command::Login { user: UserName::parse("obiwan").unwrap(), password: Password::new("may the force") }
}

fn ping(text: &str) -> Command {
    Command::Ping { text: text.into() }
}

fn broadcast(text: &str) -> Command {
    Command::Broadcast { key: None, body: Body::parse(text).unwrap() }
}

fn read(conversation: Conversation, limit: u16) -> Command {
    Command::ReadConversation {
        conversation,
        since: Since::Number(None),
        limit: PageLimit::new(limit).unwrap(),
    }
}

fn read_rooms() -> Command {
    Command::ReadRooms { since: RoomsSince::Time(Timestamp::MIN), limit: PageLimit::default() }
}

fn room(number: u32) -> RoomId {
    RoomId::new(number).unwrap()
}

fn number(number: u64) -> MessageNumber {
    MessageNumber::new(number).unwrap()
}

fn second(second: i64) -> Timestamp {
    Timestamp::from_unix_micros(second * 1_000_000).unwrap()
}

fn name(name: &str) -> NameWord {
    NameWord::parse(name).unwrap()
}

fn message(conversation: Conversation, n: u64, text: &str) -> MessageLine {
    let body = Body::parse(text).unwrap();
    MessageLine { conversation, number: number(n), at: second(1), author: name("luke"), body }
}

#[test]
fn each_verb_gets_its_own_kind_of_answer_in_the_order_of_the_requests() {
    let post = Command::PostRoom { key: None, room: room(4), body: Body::parse("hi").unwrap() };
    let build = Command::CreateRoom { key: None, users: vec![Named::User(UserName::parse("luke").unwrap())] };
    let mut dialogue = greeted([
        Command::Hello(Hello::default()),
        login(),
        broadcast("hello"),
        Command::ActiveUsers,
        build,
        post,
        ping("x y"),
        Command::Help,
        read(Conversation::Broadcast, 2),
        Command::Logout,
    ]);
    assert_eq!(dialogue.pending().len(), 10);
    let reply = "OK HELLO\nOK LOGIN 1 1970-01-01T00:00:01Z obiwan ::1 2000 more\nOK BCM 3 1970-01-01T00:00:02Z more\n\
        ROW luke 1970-01-01T00:00:01Z more\r\nOK ATU 1\nOK SRB 4 obiwan luke\nOK SRM 4 9 1970-01-01T00:00:03Z\nOK PING x y\n\
        ROW BCM <text>: posts\nOK HELP 1 more\n\
        ROW b GONE 1 4 more\nROW b 5 1970-01-01T00:00:01Z luke a\u{b}b\nOK RDM 1 next=B.1\nOK OUT obiwan\n";
    let results = results(events(&mut dialogue, reply).unwrap());
    let answers: Vec<_> = results.into_iter().map(Result::unwrap).collect();
    let Answer::LoggedIn(session) = &answers[1] else { panic!("{:?}", answers[1]) };
    assert_eq!(session.user, name("obiwan"));
    let Answer::Page(Page { rows, next: Some(next) }) = &answers[8] else { panic!("{:?}", answers[8]) };
    assert_eq!(
        rows[..],
        [
            HistoryRow::Gone { conversation: Conversation::Broadcast, first: number(1), last: number(4) },
            HistoryRow::Message(message(Conversation::Broadcast, 5, "a\nb")),
        ]
    );
    let mut next_request = Dialogue::new();
    next_request.request(next.clone().into_command()).unwrap();
    assert_eq!(next_request.unsent(), b"RDM b B.1 2\n");
    let posted =
        |conversation, n, at| Answer::Posted(Receipt { conversation, number: number(n), at: second(at) });
    assert_eq!(answers[0], Answer::Hello);
    assert_eq!(answers[2], posted(Conversation::Broadcast, 3, 2));
    assert_eq!(answers[3], Answer::ActiveUsers(vec![ActiveUser { user: name("luke"), since: second(1) }]));
    let members = vec![name("obiwan"), name("luke")];
    assert_eq!(answers[4], Answer::RoomCreated(NewRoom { room: room(4), members }));
    assert_eq!(answers[5], posted(Conversation::Room(room(4)), 9, 3));
    assert_eq!(answers[6], Answer::Pong("x y".into()));
    assert_eq!(answers[7], Answer::Help(vec!["BCM <text>: posts".into()]));
    assert_eq!(answers[9], Answer::LoggedOut(Some(name("obiwan"))));
    assert_eq!(dialogue.pending().len(), 0);
}

#[test]
fn refusals_are_answers_also_with_an_unknown_code_no_verb_or_after_rows() {
    let mut dialogue = greeted([ping(""), ping(""), Command::ActiveUsers]);
    let reply = "ERR PING new-code arg text\nERR - too-long a line\nROW luke 1970-01-01T00:00:01Z\nERR ATU unavailable disk\n";
    let results = results(events(&mut dialogue, reply).unwrap());
    let codes: Vec<_> = results.iter().map(|result| result.as_ref().unwrap_err().code.clone()).collect();
    assert!(
        matches!(&codes[..], [Code::Other(word), Code::TooLong, Code::Unavailable] if word.as_str() == "new-code")
    );
}

#[test]
fn an_unknown_first_word_is_ignored_once_the_server_has_greeted() {
    let mut dialogue = greeted([ping("")]);
    let results = results(events(&mut dialogue, "FILE 1 from yoda\nOK PING\n").unwrap());
    assert_eq!(results, [Ok(Answer::Pong("".into()))]);
    for stranger in ["SSH-2.0-OpenSSH_9.2\n", "OK PING\n", "ROW x\n", "ERR - syntax x\n"] {
        assert_eq!(events(&mut Dialogue::new(), stranger), Err(Violation::NotAGreeting), "{stranger}");
    }
    let other = events(&mut Dialogue::new(), "TOOM 2 toomd/9 max-line=1 epoch=1\n");
    assert_eq!(other, Err(Violation::Line(ServerLineError::OtherVersion)));
}

#[test]
fn bye_may_come_in_place_of_the_greeting_and_before_the_login() {
    let bye = |code| Event::Push(Push::Bye { code, text: "so long".into() });
    assert_eq!(events(&mut Dialogue::new(), "BYE throttled so long\n").unwrap(), [bye(ByeCode::Throttled)]);
    assert_eq!(events(&mut greeted([]), "BYE idle so long\n").unwrap(), [bye(ByeCode::Idle)]);
}

#[test]
fn nothing_else_is_pushed_before_the_login_or_with_live_off() {
    let pushes = ["MSG b 1 1970-01-01T00:00:01Z luke hi\n", "ROOM 1 luke obiwan\n", "LAG b 1 2\n"];
    for push in pushes {
        assert_eq!(events(&mut greeted([]), push), Err(Violation::UnwantedPush), "{push}");
        assert_eq!(events(&mut logged_in([]), push).unwrap().len(), 1, "{push}");
        let mut quiet = greeted([Command::Hello(Hello { live: Live::Off, ..Hello::default() }), login()]);
        assert_eq!(events(&mut quiet, ["OK HELLO\n", LOGIN].concat()).unwrap().len(), 2);
        assert_eq!(events(&mut quiet, push), Err(Violation::UnwantedPush), "{push}");
    }
    let mut refused = greeted([login()]);
    let lines = ["ERR LOGIN bad-credentials no\n", pushes[0]].concat();
    assert_eq!(events(&mut refused, lines), Err(Violation::UnwantedPush));
}

/// Replies that break the protocol, each with the request that waits for them.
fn lies() -> Vec<(Command, &'static str, Violation)> {
    const ROW: &str = "ROW luke 1970-01-01T00:00:01Z\n";
    let other = |asked, answered| Violation::OtherVerb { asked, answered };
    let history = || read(Conversation::Broadcast, 1);
    vec![
        (ping(""), "OK PING\nOK PING\n", Violation::Unasked),
        (ping(""), "OK PING\nERR - syntax x\n", Violation::Unasked),
        (ping(""), "OK PING\nROW x\n", Violation::Unasked),
        (ping(""), "@1 OK PING\n", Violation::UnknownTag),
        (ping(""), "@1 ROW x\n", Violation::UnknownTag),
        (ping(""), "OK HELLO\n", other(Verb::Ping, Verb::Hello)),
        (ping(""), "ERR BCM empty x\n", other(Verb::Ping, Verb::Bcm)),
        (ping(""), "OK LOGIN 1 1970-01-01T00:00:01Z a ::1 0\n", other(Verb::Ping, Verb::Login)),
        (ping(""), "ROW x\n", Violation::UnexpectedRow(Verb::Ping)),
        (ping(""), GREETING, Violation::GreetedTwice),
        (ping(""), "OK NOISE\n", Violation::Line(ServerLineError::Malformed)),
        (ping(""), "\n", Violation::Line(ServerLineError::Malformed)),
        (ping(""), "MSG b 0 1970-01-01T00:00:01Z a b\n", Violation::Line(ServerLineError::Malformed)),
        (ping(""), "OK PING \u{1b}[2J\n", Violation::Line(ServerLineError::ControlCharacter)),
        (ping(""), "OK PING a\u{b}b\n", Violation::Line(ServerLineError::ControlCharacter)),
        (Command::ActiveUsers, "ROW luke yesterday\n", Violation::MalformedRow(Verb::Atu)),
        (Command::ActiveUsers, "OK ATU 1\n", Violation::Miscounted { told: 1, sent: 0 }),
        (
            Command::ActiveUsers,
            [ROW, "OK ATU 2\n"].concat().leak(),
            Violation::Miscounted { told: 2, sent: 1 },
        ),
        (Command::ActiveUsers, [ROW, "BYE idle x\n"].concat().leak(), Violation::PushInsideReply),
        (Command::ActiveUsers, [ROW, "OK HELP 1\n"].concat().leak(), other(Verb::Atu, Verb::Help)),
        (Command::Help, "ROW x\nOK HELP 3\n", Violation::Miscounted { told: 3, sent: 1 }),
        (history(), "ROW luke 1970-01-01T00:00:01Z\n", Violation::MalformedRow(Verb::Rdm)),
        (history(), "ROW 1 1 1970-01-01T00:00:01Z a x\n", Violation::RowOutOfPlace),
        (history(), "ROW 1 GONE 1 2\n", Violation::RowOutOfPlace),
        (history(), "ROW b GONE 1 2\nROW b 2 1970-01-01T00:00:01Z a x\n", Violation::RowOutOfPlace),
        (history(), "ROW b 2 1970-01-01T00:00:01Z a x\nROW b GONE 2 4\n", Violation::RowOutOfPlace),
        (history(), "ROW b GONE 1 2\nOK RDM 1\n", Violation::Miscounted { told: 1, sent: 0 }),
        (
            history(),
            "ROW b 1 1970-01-01T00:00:01Z a x\nROW b 2 1970-01-01T00:00:02Z a x\n",
            Violation::TooManyRows(Verb::Rdm),
        ),
        (
            read_rooms(),
            "ROW 1 1 1970-01-01T00:00:01Z a x\nROW 1 3 1970-01-01T00:00:01Z a x\nROW 1 2 1970-01-01T00:00:01Z a x\n",
            Violation::RowOutOfPlace,
        ),
        (read_rooms(), "ROW b 1 1970-01-01T00:00:01Z a x\n", Violation::RowOutOfPlace),
        (
            Command::PostRoom { key: None, room: room(1), body: Body::parse("x").unwrap() },
            "OK SRM 2 1 1970-01-01T00:00:01Z\n",
            Violation::OtherRoom,
        ),
    ]
}

#[test]
fn a_lie_is_a_violation_and_stays_one() {
    for (request, lie, violation) in lies() {
        let mut dialogue = logged_in([request]);
        assert_eq!(events(&mut dialogue, lie), Err(violation), "{lie}");
        assert_eq!(events(&mut dialogue, "OK PING\n"), Err(violation), "{lie}");
        assert_eq!(dialogue.unsent(), b"", "{lie}");
    }
    let mut dialogue = greeted([ping("")]);
    assert_eq!(events(&mut dialogue, b"OK PING \xff\n"), Err(Violation::Line(ServerLineError::NotUtf8)));
}

#[test]
fn a_line_without_an_end_is_a_violation_before_it_takes_memory() {
    let mut dialogue = greeted([ping("")]);
    dialogue.receive(b"OK PING ");
    let found = (0..1000).find_map(|_| {
        dialogue.receive(&[b'x'; 1024]);
        dialogue.next_event().err()
    });
    assert_eq!(found, Some(Violation::LineTooLong));
    assert_eq!(dialogue.lines.bytes_held(), 0);
}

#[test]
fn rows_without_an_end_are_a_violation_once_they_take_32_mib() {
    for (request, row) in [
        (Command::Help, "x".repeat(4000)),
        (Command::Help, String::new()),
        (Command::ActiveUsers, "luke 1970-01-01T00:00:01Z".to_owned()),
    ] {
        let (verb, mut waiting) = (request.verb(), Waiting::new(RequestId(0), &request));
        let line = format!("ROW {row}");
        let Ok(ServerLine::Row { row, .. }) = ServerLine::parse(line.as_bytes()) else { panic!("{line}") };
        for _ in 0..REPLY_BYTES_MAX / (row.as_str().len() + 64) {
            waiting.add(row).unwrap();
        }
        assert_eq!(waiting.add(row), Err(Violation::TooManyRows(verb)));
    }
}

#[test]
fn a_row_of_another_room_may_follow_with_a_smaller_number() {
    let mut dialogue = logged_in([read_rooms()]);
    let reply = "ROW 1 8 1970-01-01T00:00:01Z luke x\nROW 2 GONE 1 3\nROW 2 4 1970-01-01T00:00:01Z luke x\nOK RDM 2\n";
    let results = results(events(&mut dialogue, reply).unwrap());
    assert!(
        matches!(&results[..], [Ok(Answer::Page(Page { rows, next: None }))] if rows.len() == 3),
        "{results:?}"
    );
}

#[test]
fn a_request_longer_than_the_server_takes_is_refused_and_nothing_is_sent() {
    let mut dialogue = Dialogue::new();
    events(&mut dialogue, "TOOM 1 small/1 max-line=20 epoch=0\n").unwrap();
    dialogue.request(ping("0123456789abcd")).unwrap();
    assert_eq!(dialogue.request(ping("0123456789abcde")), Err(RequestTooLong { bytes_max: 20 }));
    assert_eq!(dialogue.unsent(), b"PING 0123456789abcd\n");
    assert_eq!(dialogue.pending().len(), 1);
    for length in [MAX_LINE, MAX_LINE - "LOGIN obiwan \n".len() + 1, 1_000_000] {
        let user = UserName::parse("obiwan").unwrap();
        let login = Command::Login { user, password: Password::new("x".repeat(length)) };
        assert_eq!(Dialogue::new().request(login), Err(RequestTooLong { bytes_max: MAX_LINE }));
    }
}

#[test]
fn requests_are_sent_in_order_in_parts_of_any_size() {
    let mut dialogue = Dialogue::new();
    dialogue.request(ping("1")).unwrap();
    assert_eq!(dialogue.unsent(), b"PING 1\n");
    dialogue.advance(3);
    dialogue.request(login()).unwrap();
    assert_eq!(dialogue.unsent(), b"G 1\nLOGIN obiwan may the force\n");
    dialogue.advance(4);
    assert_eq!(dialogue.unsent(), b"LOGIN obiwan may the force\n");
    assert!(!format!("{dialogue:?}").contains("force"));
    dialogue.advance(1000);
    assert_eq!(dialogue.unsent(), b"");
}

/// A line of a dialogue that keeps to the protocol: a whole reply, or a push.
#[derive(Clone, Debug)]
enum Said {
    Pong(String),
    Page(Vec<String>),
    Refused(String),
    Message(u64, String),
    Room(u32),
    Lag(u64),
    Unknown(String),
}

fn said() -> impl Strategy<Value = Said> {
    let text = "[a-zé ]{0,8}[a-z]";
    prop_oneof![
        text.prop_map(Said::Pong),
        vec(text, 0..5).prop_map(Said::Page),
        text.prop_map(Said::Refused),
        (1..100u64, text).prop_map(|(number, text)| Said::Message(number, text)),
        (1..9u32).prop_map(Said::Room),
        (1..100u64).prop_map(Said::Lag),
        text.prop_map(Said::Unknown),
    ]
}

impl Said {
    /// The request that asks for it, the lines, and what a reader who knows the protocol sees in them.
    fn play(&self) -> (Option<Command>, String, Option<Result<Answer, Push>>) {
        let broadcast = Conversation::Broadcast;
        match self {
            Self::Pong(text) => {
                (Some(ping(text)), format!("OK PING {text}\n"), Some(Ok(Answer::Pong(text.as_str().into()))))
            }
            Self::Page(texts) => {
                let (mut lines, mut rows) = (String::new(), Vec::new());
                for (text, n) in texts.iter().zip(1..) {
                    writeln!(lines, "ROW b {n} 1970-01-01T00:00:01.000000Z luke {text}").unwrap();
                    rows.push(HistoryRow::Message(message(broadcast, n, text)));
                }
                writeln!(lines, "OK RDM {}", rows.len()).unwrap();
                (Some(read(broadcast, 9)), lines, Some(Ok(Answer::Page(Page { rows, next: None }))))
            }
            // What a failure looks like is in another test; here, only that it takes its place.
            Self::Refused(text) => (Some(ping(text)), format!("ERR PING refused {text}\n"), None),
            Self::Message(n, text) => {
                let push = Push::Message(message(broadcast, *n, text));
                (None, format!("MSG b {n} 1970-01-01T00:00:01Z luke {text}\r\n"), Some(Err(push)))
            }
            Self::Room(n) => {
                let push = Push::Room { room: room(*n), members: vec![name("luke"), name("obiwan")] };
                (None, format!("ROOM {n} luke obiwan\n"), Some(Err(push)))
            }
            Self::Lag(n) => {
                let push = Push::Lag { conversation: broadcast, first: number(*n), last: number(n + 1) };
                (None, format!("LAG b {n} {} more\n", n + 1), Some(Err(push)))
            }
            Self::Unknown(text) => (None, format!("X{text}\n"), None),
        }
    }
}

proptest! {
    /// Catches: a reply given to the wrong request, rows of one reply in another, a push lost or moved among the replies, and anything
    /// that depends on where a read ends.
    #[test]
    fn any_pushes_among_replies_in_any_pieces_give_the_same_events_in_order(
        script in vec(said(), 0..20),
        cuts in vec(1..40usize, 1..60),
    ) {
        let played: Vec<_> = script.iter().map(Said::play).collect();
        let mut dialogue = logged_in([]);
        let mut asked = Vec::new();
        for request in played.iter().filter_map(|(request, _, _)| request.clone()) {
            asked.push(dialogue.request(request).unwrap());
        }
        let bytes: Vec<u8> = played.iter().flat_map(|(_, lines, _)| lines.bytes()).collect();

        let mut seen = Vec::new();
        let (mut rest, mut cuts) = (&bytes[..], cuts.iter().cycle());
        while !rest.is_empty() {
            let (read, later) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
            seen.extend(events(&mut dialogue, read).unwrap());
            rest = later;
        }

        let mut asked = asked.into_iter();
        let expected: Vec<_> = script.iter().zip(played).filter_map(|(said, (request, _, event))| {
            match (request.and_then(|_| asked.next()), event) {
                (Some(request), Some(Ok(answer))) => Some(Event::Answered { request, result: Ok(answer) }),
                (Some(request), _) => {
                    let Said::Refused(text) = said else { unreachable!() };
                    let failure = Failure::new(Verb::Ping, Code::Refused, text.as_str());
                    Some(Event::Answered { request, result: Err(failure) })
                }
                (None, Some(Err(push))) => Some(Event::Push(push)),
                (None, _) => None,
            }
        }).collect();
        prop_assert_eq!(seen, expected);
        prop_assert_eq!(dialogue.pending().len(), 0);
    }

    /// Catches: a panic on any input, and memory that grows with what a server sends.
    #[test]
    fn arbitrary_bytes_give_events_or_a_violation_and_hold_one_line(
        pieces in vec(prop_oneof![
            "(TOOM 1 x/1 max-line=99 epoch=1|OK|ERR|ROW|MSG|LAG|BYE|@a| |b|s|1|PING|RDM|idle|\n){0,12}".prop_map(String::into_bytes),
            vec(any::<u8>(), 0..300),
        ], 0..40),
    ) {
        let mut dialogue = logged_in([ping(""), read(Conversation::Broadcast, 3), Command::ActiveUsers]);
        for piece in pieces {
            let result = events(&mut dialogue, piece);
            prop_assert!(dialogue.lines.bytes_held() <= 2 * (MAX_LINE + 300));
            if result.is_err() {
                prop_assert_eq!(events(&mut dialogue, "OK PING\n"), result);
            }
        }
    }
}
