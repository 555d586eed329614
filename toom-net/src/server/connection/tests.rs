use proptest::prelude::*;
use toom_core::Reading;

use super::*;
use crate::server::Rate;
use crate::server::exchange::Operation;

fn limits() -> ServerLimits {
    ServerLimits::default()
}

struct Peer {
    connection: Connection,
    outbox: Outbox,
    limits: ServerLimits,
    now: Mono,
    counts: ConnectionMetrics,
}

impl Peer {
    fn new() -> Self {
        let id = ConnectionId::new(0, 1);
        let path = Path { peer: [192, 0, 2, 1].into(), reached: [192, 0, 2, 99].into() };
        let connection = Connection::new(id, path, Mono::ZERO);
        let (outbox, counts) = (Outbox::default(), ConnectionMetrics::default());
        Self { connection, outbox, limits: limits(), now: Mono::ZERO, counts }
    }

    fn logged_in() -> Self {
        let mut peer = Self::new();
        peer.connection.feed(b"LOGIN obiwan pw\n");
        let ask = peer.ask();
        peer.connection.logged_in();
        peer.answer(&ask, "OK LOGIN\n");
        assert_eq!(peer.said(), "OK LOGIN\n");
        peer
    }

    fn next(&mut self) -> Next {
        let mut around = Around { limits: &self.limits, now: self.now, counts: &mut self.counts };
        self.connection.next(&mut self.outbox, &mut around)
    }

    fn ask(&mut self) -> Ask {
        match self.next() {
            Next::Ask(ask) => ask,
            other => panic!("{other:?}"),
        }
    }

    fn answer(&mut self, ask: &Ask, lines: &str) {
        self.connection.answer(ask.to.ticket, lines.into(), &mut self.outbox);
    }

    /// What was said to the peer since it was last asked for.
    fn said(&mut self) -> String {
        let said: Vec<u8> = self.outbox.pieces().flatten().copied().collect();
        self.outbox.wrote(said.len(), limits().outbox_bytes_max);
        String::from_utf8(said).unwrap()
    }

    /// Feeds lines that need no engine, and returns what is said.
    fn talk(&mut self, lines: &str) -> String {
        self.connection.feed(lines.as_bytes());
        assert!(matches!(self.next(), Next::NeedsBytes), "{lines}");
        self.said()
    }
}

#[test]
fn before_login_what_needs_one_is_refused_whatever_else_is_wrong_with_it() {
    let mut peer = Peer::new();
    for line in [
        "BCM hi",
        "BCM",
        "ATU",
        "ATU x",
        "SRB",
        "SRB luke",
        "SRM 1 hi",
        "RDM",
        "RDM b #0",
        "!k BCM \u{7}",
        "UPD",
        "UPD DONE 7",
    ] {
        let said = peer.talk(&format!("@t {line}\n"));
        let verb = line.split(' ').find(|word| word.len() == 3).unwrap();
        assert!(said.starts_with(&format!("@t ERR {verb} not-logged-in ")), "{line}: {said}");
    }
}

#[test]
fn what_needs_no_login_is_served_without_the_engine() {
    let mut peer = Peer::new();
    assert_eq!(peer.talk("hello client=x/1\r\nping a b\n@1 PING\n"), "OK HELLO\nOK PING a b\n@1 OK PING\n");
    let help = peer.talk("@h HELP\n");
    assert!(help.lines().all(|line| line.starts_with("@h ")), "{help}");
    assert_eq!(help.lines().last(), Some("@h OK HELP 11"));
    assert!(peer.talk("FLY\n").starts_with("ERR - unknown-command "));
    assert!(peer.talk("\n").starts_with("ERR - syntax "));
    assert!(peer.talk("LOGIN\n").starts_with("ERR LOGIN syntax "));
}

#[test]
fn out_before_login_is_answered_and_ends_the_connection() {
    let mut peer = Peer::new();
    peer.connection.feed(b"OUT\nPING\n");
    assert!(matches!(peer.next(), Next::Over));
    assert_eq!(peer.said(), "OK OUT\n");
    assert!(peer.connection.is_finished());
}

#[test]
fn hello_and_login_after_login_are_refused() {
    let mut peer = Peer::logged_in();
    assert!(peer.talk("HELLO\n").starts_with("ERR HELLO syntax "));
    assert!(peer.talk("LOGIN obiwan pw\n").starts_with("ERR LOGIN already-logged-in "));
}

#[test]
fn while_a_password_is_checked_later_lines_wait() {
    let mut peer = Peer::new();
    peer.connection.feed(b"@1 LOGIN obiwan wrong\nPING\nATU\n");
    let ask = peer.ask();
    assert!(matches!(ask.operation, Operation::Login { .. }));
    assert!(matches!(peer.next(), Next::Waits));
    assert_eq!(peer.said(), "");
    peer.answer(&ask, "@1 ERR LOGIN\n");
    assert!(matches!(peer.next(), Next::NeedsBytes));
    let said = peer.said();
    assert!(said.starts_with("@1 ERR LOGIN\nOK PING\nERR ATU not-logged-in "), "{said}");
}

#[test]
fn login_carries_the_address_and_the_udp_port() {
    let mut peer = Peer::new();
    peer.talk("HELLO udp=2000 live=off\n");
    assert_eq!(peer.connection.live(), Live::Off);
    peer.connection.feed(b"LOGIN obiwan pw\n");
    match peer.ask().operation {
        Operation::Login { ip, udp, .. } => {
            assert_eq!((ip.to_string().as_str(), udp.map(NonZeroU16::get)), ("192.0.2.1", Some(2000)));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_the_engine_cannot_know_of_is_refused_here() {
    let mut peer = Peer::logged_in();
    let said = peer.talk("SRB luke .\u{ad}.\n");
    assert!(said.starts_with("ERR SRB unknown-user .\u{ad}. "), "{said}");
    for line in ["RDM b r.1.5", "RDM b s.1.x.1.0", "RDM 1 b.5", "RDM 1 r.2.5", "RDM s b.5", "RDM b nonsense"]
    {
        let said = peer.talk(&format!("{line}\n"));
        assert!(said.starts_with("ERR RDM syntax "), "{line}: {said}");
    }
}

#[test]
fn a_cursor_goes_on_in_the_read_that_gave_it() {
    let mut peer = Peer::logged_in();
    for line in ["RDM b b.5 7", "RDM 1 r.1.5 7", "RDM s s.1.x.1.0 7"] {
        peer.connection.feed(format!("{line}\n").as_bytes());
        let ask = peer.ask();
        let Operation::Read { reading: Reading::Next(_), limit } = ask.operation else {
            panic!("{line}: {:?}", ask.operation)
        };
        assert_eq!(limit.get(), 7);
        peer.answer(&ask, "");
    }
}

#[test]
fn a_line_that_is_too_long_ends_the_connection_after_earlier_replies() {
    let mut peer = Peer::logged_in();
    peer.connection.feed(b"BCM hi\n");
    let ask = peer.ask();
    peer.connection.feed(&[b'x'; crate::protocol::MAX_LINE]);
    assert!(matches!(peer.next(), Next::Over));
    assert!(!peer.connection.is_finished());
    assert_eq!(peer.said(), "");
    peer.answer(&ask, "OK BCM\n");
    let said = peer.said();
    assert!(said.starts_with("OK BCM\nERR - too-long "), "{said}");
    assert_eq!(peer.counts.lines_too_long, 1);
    assert!(peer.connection.is_finished());
    peer.connection.feed(b"\nPING\n");
    assert!(matches!(peer.next(), Next::Over));
}

#[test]
fn after_the_last_line_everything_is_answered_before_the_end() {
    let mut peer = Peer::logged_in();
    peer.connection.feed(b"BCM hi\nPING 1\nPIN");
    peer.connection.end_of_input();
    let ask = peer.ask();
    assert!(matches!(peer.next(), Next::Over));
    assert!(!peer.connection.is_finished());
    peer.answer(&ask, "OK BCM\n");
    assert_eq!(peer.said(), "OK BCM\nOK PING 1\n");
    assert!(peer.connection.is_finished());
}

#[test]
fn no_more_requests_are_taken_than_may_be_in_flight() {
    let mut peer = Peer::logged_in();
    peer.connection.feed("BCM hi\n".repeat(65).as_bytes());
    let asks: Vec<_> = (0..64).map(|_| peer.ask()).collect();
    assert!(matches!(peer.next(), Next::Waits));
    assert_eq!(peer.counts.waits_in_flight, 1);
    // The second one's answer has to wait for the first one's, and so does the room that it takes.
    peer.answer(&asks[1], "2\n");
    assert!(matches!(peer.next(), Next::Waits));
    peer.answer(&asks[0], "1\n");
    assert_eq!(peer.said(), "1\n2\n");
    assert!(matches!(peer.next(), Next::Ask(_)));
}

#[test]
fn two_requests_with_long_replies_are_as_many_as_may_be_in_flight() {
    for line in ["RDM b #0\n", "ATU\n"] {
        let mut peer = Peer::logged_in();
        peer.connection.feed(line.repeat(3).as_bytes());
        let first = peer.ask();
        peer.ask();
        assert!(matches!(peer.next(), Next::Waits), "{line}");
        peer.answer(&first, "");
        assert!(matches!(peer.next(), Next::Ask(_)), "{line}");
    }
}

#[test]
fn a_peer_that_does_not_read_is_not_served() {
    let mut peer = Peer::logged_in();
    let line = format!("PING {}\n", "x".repeat(8000));
    for _ in 0..100 {
        peer.connection.feed(line.as_bytes());
        if matches!(peer.next(), Next::Waits) {
            break;
        }
    }
    let bound = limits().outbox_bytes_max;
    assert!((bound..bound + line.len() + 10).contains(&peer.outbox.len()), "{}", peer.outbox.len());
    assert!(peer.counts.waits_outbox > 0);
    peer.said();
    assert!(matches!(peer.next(), Next::NeedsBytes));
}

#[test]
fn before_login_no_more_waits_for_a_peer_than_two_short_replies() {
    let mut peer = Peer::new();
    peer.connection.feed(format!("PING {}\n", "x".repeat(990)).repeat(4).as_bytes());
    assert!(matches!(peer.next(), Next::Waits));
    assert_eq!(peer.said().lines().count(), 2);
    peer.next();
    assert_eq!(peer.said().lines().count(), 2);
}

#[test]
fn who_posts_too_often_is_told_when_to_come_again_and_may_ask_for_all_else() {
    let mut peer = Peer::logged_in();
    peer.limits.posts = Rate { per_second: 1, burst: 3 };
    for line in ["BCM hi", "SRM 1 hi", "SRB luke"] {
        peer.connection.feed(format!("{line}\n").as_bytes());
        let ask = peer.ask();
        peer.answer(&ask, "");
    }
    for line in ["@t BCM hi", "@t SRM 1 hi", "@t SRB luke", "@t !key BCM hi"] {
        let said = peer.talk(&format!("{line}\n"));
        let verb = line.split(' ').find(|word| word.len() == 3).unwrap();
        assert_eq!(said, format!("@t ERR {verb} throttled you post too often; seconds left: 1\n"));
    }
    assert_eq!(peer.counts.posts_throttled, 4);
    peer.connection.feed(b"ATU\nRDM b #0\n");
    for _ in 0..2 {
        let ask = peer.ask();
        peer.answer(&ask, "");
    }
    peer.now = Mono::new(core::time::Duration::from_secs(1));
    peer.connection.feed(b"BCM hi\nBCM hi\n");
    peer.ask();
    assert!(matches!(peer.next(), Next::NeedsBytes));
    assert_eq!(peer.counts.posts_throttled, 5);
}

#[test]
fn parked_replies_count_as_well() {
    let mut peer = Peer::logged_in();
    peer.connection.feed(b"BCM hi\nRDM b #0\nPING\n");
    let (first, second) = (peer.ask(), peer.ask());
    peer.answer(&second, &"x".repeat(limits().outbox_bytes_max + 1));
    assert!(matches!(peer.next(), Next::Waits));
    peer.answer(&first, "1\n");
    peer.said();
    assert!(matches!(peer.next(), Next::NeedsBytes));
}

#[test]
fn what_just_fills_the_room_of_a_peer_holds_nothing_up() {
    let mut peer = Peer::logged_in();
    peer.limits.outbox_bytes_max = 100;
    for (bytes, goes_on) in [(100, true), (101, false)] {
        peer.connection.feed(b"BCM hi\nPING\n");
        let ask = peer.ask();
        peer.answer(&ask, &"x".repeat(bytes));
        peer.next();
        assert_eq!(peer.said().ends_with("OK PING\n"), goes_on, "{bytes}");
    }
}

#[test]
fn every_line_is_counted_and_those_that_are_too_long_apart_from_them() {
    let mut peer = Peer::new();
    peer.talk("PING\nFLY\n\nHELLO\nPING\n");
    assert_eq!((peer.counts.lines, peer.counts.lines_too_long), (5, 0));
    peer.connection.feed(&vec![b'x'; crate::protocol::MAX_LINE + 1]);
    assert!(matches!(peer.next(), Next::Over));
    assert_eq!((peer.counts.lines, peer.counts.lines_too_long), (5, 1));
}

#[test]
fn a_silent_connection_holds_no_buffer() {
    let mut peer = Peer::logged_in();
    peer.talk("PING\n");
    assert_eq!(peer.connection.lines.bytes_held(), 0);
    assert_eq!(peer.connection.slots.bytes_held(), 0);
}

/// It fails if what an offer brings about could be pushed before the offer's own reply.
#[test]
fn what_begins_a_transfer_waits_for_the_replies_before_it_and_what_follows_waits_too() {
    let mut peer = Peer::logged_in();
    peer.connection.feed(b"BCM hi\nUPD RELAY 7\nPING\n");
    let ask = peer.ask();
    assert!(matches!(peer.next(), Next::Waits));
    assert!(matches!(peer.next(), Next::Waits));
    peer.answer(&ask, "OK BCM\n");
    let Next::Transfer { to, .. } = peer.next() else { panic!("the request was lost") };
    assert_eq!(peer.said(), "OK BCM\n");
    peer.connection.answer(to.ticket, b"OK UPD 7\n".to_vec(), &mut peer.outbox);
    assert!(matches!(peer.next(), Next::NeedsBytes));
    assert_eq!(peer.said(), "OK UPD 7\nOK PING\n");
}

#[test]
fn a_piece_waits_for_no_reply() {
    let mut peer = Peer::logged_in();
    peer.connection.feed(b"BCM hi\nUPD DATA 7 1 AA==\n");
    peer.ask();
    assert!(matches!(peer.next(), Next::Transfer { .. }));
}

#[test]
fn who_wants_no_pushes_offers_no_files() {
    let mut peer = Peer::new();
    peer.talk("HELLO live=off\n");
    peer.connection.feed(b"LOGIN obiwan pw\n");
    let ask = peer.ask();
    peer.connection.logged_in();
    peer.answer(&ask, "OK LOGIN\n");
    peer.said();
    let hash = "0".repeat(64);
    let said = peer.talk(&format!("UPD OFFER luke 1 {hash} {hash} x\n"));
    assert!(said.starts_with("ERR UPD refused "), "{said}");
}

proptest! {
    /// It fails if a reply overtakes another, is lost, or comes twice.
    #[test]
    fn replies_leave_in_the_order_of_the_requests_in_whichever_order_they_come(
        order in Just((0..20_usize).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let mut peer = Peer::logged_in();
        peer.connection.feed("BCM hi\n".repeat(order.len()).as_bytes());
        let asks: Vec<_> = order.iter().map(|_| peer.ask()).collect();
        let mut said = String::new();
        for place in &order {
            peer.answer(&asks[*place], &format!("{place}\n"));
            peer.answer(&asks[*place], "twice\n");
            said += &peer.said();
        }
        let expected: String = (0..order.len()).flat_map(|place| [place.to_string(), "\n".to_owned()]).collect();
        prop_assert_eq!(said, expected);
    }

    /// It fails if bytes from a stranger make a connection panic, or if a line gets no reply, or two.
    #[test]
    fn whatever_is_sent_each_line_gets_one_reply(lines in prop::collection::vec(hostile_line(), 0..20)) {
        let mut peer = Peer::new();
        let bytes = lines.concat();
        peer.connection.feed(&bytes);
        let mut said = String::new();
        loop {
            match peer.next() {
                Next::Ask(ask) => peer.answer(&ask, "ERR LOGIN\n"),
                other @ Next::Transfer { .. } => panic!("nobody is logged in: {other:?}"),
                // What was said so far has to leave first.
                Next::Waits => {}
                Next::NeedsBytes | Next::Over => break,
            }
            said += &peer.said();
        }
        said += &peer.said();
        let is_last = |line: &&str| line.split(' ').take(2).any(|word| word == "OK" || word == "ERR");
        let replies = said.lines().filter(is_last).count();
        let sent = bytes.split(|byte| *byte == b'\n').count() - 1;
        if peer.connection.is_finished() {
            prop_assert!(replies <= sent && said.ends_with("OK OUT\n"));
        } else {
            prop_assert_eq!(replies, sent);
        }
    }
}

/// Words of the protocol and random bytes, with an end now and then.
fn hostile_line() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        Just(b"@t ".to_vec()),
        Just(b"!k ".to_vec()),
        Just(b"LOGIN obiwan ".to_vec()),
        Just(b"RDM b ".to_vec()),
        Just(b"HELP\n".to_vec()),
        Just(b"OUT\n".to_vec()),
        Just(b"\n".to_vec()),
        prop::collection::vec(any::<u8>(), 0..20),
    ];
    prop::collection::vec(word, 0..6).prop_map(|words| words.concat())
}
