use core::num::NonZeroUsize;
use core::time::Duration;
use std::sync::Arc;

use proptest::prelude::*;
use toom_core::{
    Audience, Body, Conversation, Effect, Epoch, Message, MessageNumber, Room, RoomId, SessionEnd, Timestamp,
    UserName,
};

use super::*;
use crate::marker::{MARKER, is_shown};
use crate::protocol::{ClientWord, Code, MAX_LINE, Verb};
use crate::server::exchange::{Operation, Ticket};

mod ending;
mod standing;
mod strangers;
mod transfers;

const NOW: Mono = Mono::ZERO;

fn hub(limits: ServerLimits) -> Hub {
    let server = ClientWord::parse("toomd/0").unwrap();
    let idle = Some(limits.idle_time);
    let greeting = Greeting { server, max_line: MAX_LINE, epoch: Epoch::new(0x2a), idle };
    Hub::new(&greeting, TransferId::FIRST, limits)
}

fn after(seconds: u64) -> Mono {
    Mono::new(Duration::from_secs(seconds))
}

/// Serves a connection until it wants nothing, and takes what the engine is to be given.
fn feed(hub: &mut Hub, id: ConnectionId, lines: &str) -> Vec<Input> {
    feed_at(hub, id, lines, NOW)
}

fn feed_at(hub: &mut Hub, id: ConnectionId, lines: &str, now: Mono) -> Vec<Input> {
    hub.feed(id, lines.as_bytes());
    hub.serve(id, now);
    inputs(hub)
}

fn inputs(hub: &mut Hub) -> Vec<Input> {
    std::iter::from_fn(|| hub.next_input()).collect()
}

fn connect(hub: &mut Hub) -> ConnectionId {
    connect_by(hub, [192, 0, 2, 1])
}

fn path(peer: impl Into<std::net::IpAddr>) -> Path {
    Path { peer: peer.into(), reached: [192, 0, 2, 99].into() }
}

fn connect_by(hub: &mut Hub, peer: [u8; 4]) -> ConnectionId {
    let id = hub.open(path(peer), NOW);
    assert_eq!(said(hub, id).0, "TOOM 1 toomd/0 max-line=16384 epoch=000000000000002a idle=600\n");
    id
}

fn log_in(hub: &mut Hub, name: &str, live: &str) -> ConnectionId {
    log_in_by(hub, name, &format!("live={live}"), [192, 0, 2, 1])
}

fn log_in_by(hub: &mut Hub, name: &str, hello: &str, peer: [u8; 4]) -> ConnectionId {
    let id = connect_by(hub, peer);
    feed(hub, id, &format!("HELLO {hello}\n"));
    assert_eq!(feed(hub, id, &format!("LOGIN {name} pw\n")).len(), 1);
    hub.release([Release::LoggedIn { connection: id, user: name.parse().unwrap() }], NOW);
    reply(hub, id, 1, "OK LOGIN\n");
    assert_eq!(said(hub, id).0, "OK HELLO\nOK LOGIN\n");
    id
}

fn reply(hub: &mut Hub, connection: ConnectionId, ticket: Ticket, lines: &str) {
    hub.release([Release::Reply { connection, ticket, lines: lines.into() }], NOW);
}

/// What the peer is told, written as a driver does, and what is to be done then.
fn said(hub: &mut Hub, id: ConnectionId) -> (String, Rest) {
    let Some(outbox) = hub.outbox(id) else { return (String::new(), Rest::Idle) };
    let bytes: Vec<u8> = outbox.pieces().flatten().copied().collect();
    let rest = hub.wrote(id, bytes.len());
    (String::from_utf8(bytes).unwrap(), rest)
}

fn dirty(hub: &mut Hub) -> Vec<ConnectionId> {
    let mut dirty: Vec<_> = std::iter::from_fn(|| hub.next_dirty()).collect();
    dirty.sort_unstable();
    dirty
}

fn message(conversation: Conversation, number: u64, audience: Audience) -> Release {
    Release::Effect(Effect::Deliver {
        audience,
        message: Message {
            conversation,
            number: MessageNumber::new(number).unwrap(),
            at: Timestamp::from_unix_micros(0).unwrap(),
            author: "obiwan".parse().unwrap(),
            body: Body::parse("hello").unwrap(),
        },
    })
}

fn names(names: &[&str]) -> Arc<[UserName]> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

fn everyone(except: ConnectionId) -> Audience {
    Audience::Everyone { except: except.session() }
}

fn members(members: &[&str], except: ConnectionId) -> Audience {
    Audience::Members { members: names(members), except: except.session() }
}

#[test]
fn debug_shows_no_password_and_no_text_of_what_the_hub_holds() {
    let mut hub = hub(ServerLimits::default());
    let stranger = connect(&mut hub);
    let asked = feed(&mut hub, stranger, &format!("LOGIN luke {MARKER}\nBCM {MARKER}\nLOGIN luke {MARKER}"));
    assert!(asked.len() == 1 && !is_shown(&asked), "{asked:?}");
    let luke = log_in(&mut hub, "luke", "on");
    let asked = feed(&mut hub, luke, &format!("BCM {MARKER}\n@tag SRM 1 {MARKER}\n"));
    assert!(asked.len() == 2 && !is_shown(&asked), "{asked:?}");
    let body = Body::parse(MARKER).unwrap();
    for conversation in [Conversation::Broadcast, Conversation::Room(RoomId::FIRST)] {
        let Release::Effect(Effect::Deliver { audience, mut message }) =
            message(conversation, 1, everyone(stranger))
        else {
            unreachable!("it is a message")
        };
        message.body = body.clone();
        let release = Release::Effect(Effect::Deliver { audience, message });
        assert!(!is_shown(&release), "{release:?}");
        hub.release([release], NOW);
    }
    let lines = format!("ROW b 1 1970-01-01T00:00:00.000000Z luke {MARKER}\n").into_bytes();
    let release = Release::Reply { connection: luke, ticket: 2, lines };
    assert!(!is_shown(&release), "{release:?}");
    hub.release([release], NOW);
    assert!(!is_shown(&hub), "{hub:?}");
    assert!(said(&mut hub, luke).0.matches(MARKER).count() >= 2, "it was there");
}

#[test]
fn everyone_who_listens_is_told_but_who_said_it() {
    let mut hub = hub(ServerLimits::default());
    let obiwan = log_in(&mut hub, "obiwan", "on");
    let again = log_in(&mut hub, "obiwan", "on");
    let luke = log_in(&mut hub, "luke", "on");
    let deaf = log_in(&mut hub, "yoda", "off");
    let stranger = connect(&mut hub);
    dirty(&mut hub);
    hub.release([message(Conversation::Broadcast, 1, everyone(obiwan))], NOW);
    hub.release([message(Conversation::Broadcast, 2, everyone(obiwan))], NOW);
    assert_eq!(dirty(&mut hub), [again, luke], "each once, for all that is due");
    let line = "MSG b 1 1970-01-01T00:00:00.000000Z obiwan hello\nMSG b 2 1970-01-01T00:00:00.000000Z obiwan hello\n";
    for told in [again, luke] {
        assert_eq!(said(&mut hub, told), (line.to_owned(), Rest::Idle));
    }
    for other in [obiwan, deaf, stranger] {
        assert_eq!(said(&mut hub, other).0, "");
    }
}

#[test]
fn a_room_and_what_is_said_there_are_told_to_every_session_of_its_members_alone() {
    let mut hub = hub(ServerLimits::default());
    let obiwan = log_in(&mut hub, "obiwan", "on");
    let again = log_in(&mut hub, "OBIWAN", "on");
    let luke = log_in(&mut hub, "luke", "on");
    let yoda = log_in(&mut hub, "yoda", "on");
    let room = Room {
        id: RoomId::FIRST,
        at: Timestamp::from_unix_micros(0).unwrap(),
        members: names(&["obiwan", "luke"]),
    };
    let audience = members(&["obiwan", "luke"], obiwan);
    hub.release([Release::Effect(Effect::RoomOpened { audience: audience.clone(), room })], NOW);
    hub.release([message(Conversation::Room(RoomId::FIRST), 1, audience)], NOW);
    for told in [again, luke] {
        let line = "ROOM 1 obiwan luke\nMSG 1 1 1970-01-01T00:00:00.000000Z obiwan hello\n";
        assert_eq!(said(&mut hub, told).0, line);
    }
    assert_eq!(said(&mut hub, obiwan).0, "");
    assert_eq!(said(&mut hub, yoda).0, "");
}

#[test]
fn one_line_is_shared_by_all_that_are_told() {
    let mut hub = hub(ServerLimits::default());
    let obiwan = log_in(&mut hub, "obiwan", "on");
    let luke = log_in(&mut hub, "luke", "on");
    let yoda = log_in(&mut hub, "yoda", "on");
    hub.release([message(Conversation::Broadcast, 1, everyone(obiwan))], NOW);
    let place = |id| hub.outbox(id).unwrap().pieces().next().unwrap().as_ptr();
    assert_eq!(place(luke), place(yoda));
}

#[test]
fn who_is_slow_lags_and_the_others_do_not() {
    let mut hub = hub(ServerLimits { outbox_bytes_max: 200, ..ServerLimits::default() });
    let obiwan = log_in(&mut hub, "obiwan", "on");
    let luke = log_in(&mut hub, "luke", "on");
    let yoda = log_in(&mut hub, "yoda", "on");
    let mut told = String::new();
    for number in 1..=100 {
        hub.release([message(Conversation::Broadcast, number, everyone(obiwan))], NOW);
        told += &said(&mut hub, yoda).0;
        assert!(hub.outbox(luke).unwrap().len() <= 200);
    }
    assert_eq!(told.lines().filter(|line| line.starts_with("MSG b ")).count(), 100);
    assert_eq!((hub.metrics().deliveries, hub.metrics().left_out), (104, 96));
    assert_eq!(said(&mut hub, luke).0.lines().count(), 4);
    assert_eq!(said(&mut hub, luke), ("LAG b 5 100\n".to_owned(), Rest::Idle));
}

#[test]
fn who_reads_too_slowly_to_be_told_of_rooms_is_said_goodbye() {
    let mut hub = hub(ServerLimits { outbox_bytes_max: 50, ..ServerLimits::default() });
    let obiwan = log_in(&mut hub, "obiwan", "on");
    let luke = log_in(&mut hub, "luke", "on");
    for id in 1..=6 {
        let room = Room {
            id: RoomId::new(id).unwrap(),
            at: Timestamp::from_unix_micros(0).unwrap(),
            members: names(&["obiwan", "luke"]),
        };
        let audience = members(&["obiwan", "luke"], obiwan);
        hub.release([Release::Effect(Effect::RoomOpened { audience, room })], NOW);
    }
    let (told, rest) = said(&mut hub, luke);
    let lines: Vec<_> = told.lines().collect();
    assert_eq!(lines.len(), 6, "{told}");
    assert!(lines[5].starts_with("BYE slow "), "{told}");
    assert_eq!(hub.metrics().slow, 1);
    assert_eq!(rest, Rest::End);
    assert!(matches!(inputs(&mut hub)[..], [Input::Gone(id)] if id == luke));
    // Nothing comes after the last words.
    hub.release([message(Conversation::Broadcast, 1, everyone(obiwan))], NOW);
    reply(&mut hub, luke, 2, "OK BCM\n");
    assert_eq!(said(&mut hub, luke).0, "");
}

#[test]
fn before_login_no_peer_but_a_few_makes_the_server_hold_a_long_line() {
    let mut hub = hub(ServerLimits { early_long_lines_max: 1, ..ServerLimits::default() });
    let (one, two) = (connect(&mut hub), connect(&mut hub));
    let luke = log_in(&mut hub, "luke", "on");
    for id in [one, two, luke] {
        hub.feed(id, &[b'x'; early::EARLY_BYTES]);
        let wanted = hub.serve(id, NOW);
        assert_eq!(wanted, if id == luke { usize::MAX } else { early::EARLY_BYTES });
    }
    assert_eq!(feed(&mut hub, one, "x").len() + feed(&mut hub, luke, "x").len(), 0);
    hub.feed(two, b"x");
    assert_eq!(hub.serve(two, NOW), 0);
    let (told, rest) = said(&mut hub, two);
    assert_eq!((told.as_str(), rest), ("BYE throttled too many long lines come before LOGIN\n", Rest::End));
    assert_eq!(hub.metrics().early_long_lines, 1);
    // What TLS keeps before it is a line counts as well.
    let half = connect(&mut hub);
    hub.keeps(half, early::EARLY_BYTES + 1);
    assert_eq!(hub.serve(half, NOW), 0);
    assert!(said(&mut hub, half).0.starts_with("BYE throttled "));
    // Once the one has ended its line, another may have one.
    assert!(feed(&mut hub, one, "\n").is_empty());
    assert!(said(&mut hub, one).0.starts_with("ERR - unknown-command "));
    for _ in 0..3 {
        let three = connect(&mut hub);
        feed(&mut hub, three, &"x".repeat(early::EARLY_BYTES + 1));
        assert_eq!(said(&mut hub, three).0, "");
        hub.remove(three);
    }
}

#[test]
fn requests_wait_while_the_engine_does_not_take_them() {
    let mut hub = hub(ServerLimits::default());
    let ids: Vec<_> = (0..10).map(|n| log_in(&mut hub, &format!("user{n}"), "on")).collect();
    for id in &ids {
        hub.feed(*id, "BCM hi\n".repeat(64).as_bytes());
        hub.wake(*id);
    }
    while let Some(id) = hub.next_runnable() {
        hub.serve(id, NOW);
    }
    assert!(!hub.has_runnable(), "nothing can go on until the engine takes something");
    let mut asked = 0;
    loop {
        let taken = inputs(&mut hub);
        assert!(taken.len() <= INPUTS_MAX);
        asked += taken.len();
        let Some(id) = hub.next_runnable() else { break };
        hub.serve(id, NOW);
    }
    assert_eq!(asked, 640);
}

#[test]
fn requests_go_on_when_the_peer_has_read_what_waited() {
    let mut hub = hub(ServerLimits { outbox_bytes_max: 100, ..ServerLimits::default() });
    let id = connect(&mut hub);
    let line = format!("PING {}\n", "x".repeat(80));
    feed(&mut hub, id, &line.repeat(3));
    assert_eq!(hub.outbox(id).unwrap().len(), 2 * (line.len() + 3));
    assert_eq!(hub.next_runnable(), None);
    said(&mut hub, id);
    assert_eq!(hub.next_runnable(), Some(id));
    hub.serve(id, NOW);
    assert_eq!(hub.outbox(id).unwrap().len(), line.len() + 3);
}

#[test]
fn requests_go_on_when_a_reply_has_left_though_the_peer_has_not_read_it() {
    let mut hub = hub(ServerLimits { requests_in_flight_max: NonZeroUsize::MIN, ..ServerLimits::default() });
    let luke = log_in(&mut hub, "luke", "on");
    assert_eq!(hub.next_runnable(), Some(luke), "its LOGIN was answered");
    assert_eq!(feed(&mut hub, luke, "BCM one\nBCM two\n").len(), 1);
    assert_eq!(hub.next_runnable(), None);
    reply(&mut hub, luke, 2, "OK BCM\n");
    assert_eq!(hub.next_runnable(), Some(luke));
    hub.serve(luke, NOW);
    assert_eq!(inputs(&mut hub).len(), 1);
}

#[test]
fn an_idle_connection_takes_less_than_half_a_kibibyte_here() {
    assert!(size_of::<Option<Peer>>() <= 512, "{}", size_of::<Option<Peer>>());
}

proptest! {
    /// It fails if a peer can make the server hold more before it logs in, whatever it sends in whichever pieces, and without
    /// ever reading.
    #[test]
    fn a_peer_that_is_not_logged_in_makes_the_server_hold_less_than_8_kib(
        pieces in prop::collection::vec((piece(), prop::bool::weighted(0.1)), 1..60),
    ) {
        let mut hub = hub(ServerLimits { early_long_lines_max: 0, ..ServerLimits::default() });
        let id = connect(&mut hub);
        for (mut piece, reads) in pieces {
            while !piece.is_empty() {
                let wanted = hub.serve(id, NOW).min(piece.len());
                if wanted == 0 {
                    break;
                }
                hub.feed(id, piece.drain(..wanted).as_slice());
                hub.serve(id, NOW);
                for input in inputs(&mut hub) {
                    let Input::Ask(ask) = input else { continue };
                    hub.release([ask.to.refused(Verb::Login, Code::BadCredentials, "no")], NOW);
                }
                let peer = hub.peers.get(id).unwrap();
                let held = peer.connection.bytes_held() + peer.outbox.bytes_held();
                prop_assert!(held + size_of::<Option<Peer>>() <= 8192, "{held}");
            }
            if reads {
                said(&mut hub, id);
            }
        }
    }
}

fn piece() -> impl Strategy<Value = Vec<u8>> {
    let line = |text: &'static str, most: usize| {
        (0..most).prop_map(move |more| format!("{text}{}\n", "x".repeat(more)).into_bytes())
    };
    prop_oneof![
        line("PING ", 1500),
        line("@t HELP", 1),
        line("LOGIN luke ", 1030),
        line("HELLO a=", 1500),
        line("", 5),
        (0..3000_usize).prop_map(|count| vec![b'x'; count]),
    ]
}

/// Three users with two sessions each, and what the engine releases when they post, one after the other: `rooms` tells which
/// messages go to a room of two of them.
fn posts(posts: &[(usize, bool)], limits: ServerLimits) -> (Hub, Vec<ConnectionId>, Vec<Release>) {
    let mut hub = hub(limits);
    let names = ["obiwan", "luke", "yoda"];
    let sessions: Vec<_> = (0..6).map(|n| log_in(&mut hub, names[n % 3], "on")).collect();
    let mut tickets = [1; 6];
    let (mut broadcasts, mut rooms) = (0, 0);
    let mut releases = Vec::new();
    for &(poster, in_room) in posts {
        let id = sessions[poster];
        assert_eq!(feed(&mut hub, id, "BCM hello\n").len(), 1);
        tickets[poster] += 1;
        releases.push(Release::Reply {
            connection: id,
            ticket: tickets[poster],
            lines: format!("OK BCM {poster}\n").into(),
        });
        releases.push(if in_room {
            rooms += 1;
            message(Conversation::Room(RoomId::FIRST), rooms, members(&["obiwan", "luke"], id))
        } else {
            broadcasts += 1;
            message(Conversation::Broadcast, broadcasts, everyone(id))
        });
    }
    (hub, sessions, releases)
}

proptest! {
    #[test]
    fn what_is_released_together_is_told_as_if_it_came_one_by_one(
        script in prop::collection::vec((0_usize..6, prop::bool::weighted(0.1)), 0..40),
        outbox_bytes_max in 60_usize..3000,
    ) {
        let limits = ServerLimits { outbox_bytes_max, requests_in_flight_max: NonZeroUsize::new(1000).unwrap(), ..ServerLimits::default() };
        let (mut together, sessions, releases) = posts(&script, limits);
        let (mut singly, _, one_by_one) = posts(&script, limits);
        together.release(releases, NOW);
        for release in one_by_one {
            singly.release([release], NOW);
        }
        for id in sessions {
            prop_assert_eq!(said(&mut together, id).0, said(&mut singly, id).0);
            // What was left out is told once there is room.
            prop_assert_eq!(said(&mut together, id).0, said(&mut singly, id).0);
        }
        prop_assert_eq!(together.metrics().deliveries, singly.metrics().deliveries);
        prop_assert_eq!(together.metrics().left_out, singly.metrics().left_out);
    }
}

#[test]
fn who_posts_nothing_gets_what_is_released_together_in_one_piece() {
    let (mut hub, sessions, releases) = posts(&[(0, false), (1, false), (0, false)], ServerLimits::default());
    hub.release(releases, NOW);
    let pieces = |id| hub.outbox(id).map(|outbox| outbox.pieces().count());
    assert_eq!(pieces(sessions[2]), Some(1));
    assert_eq!(pieces(sessions[5]), Some(1));
}
