//! Files between sessions: who is told what, and that chat is not held up.

use super::*;
use crate::protocol::{Leave, Piece};

const HASH: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const TICKET: &str = "00112233445566778899aabbccddeeff";

fn receiver(hub: &mut Hub, name: &str) -> ConnectionId {
    log_in_by(hub, name, "udp=2001", [198, 51, 100, 7])
}

/// Offers a file, and brings the offer to the engine and back.
fn offer(hub: &mut Hub, from: ConnectionId, user: &str, to: &str) {
    offer_at(hub, from, (user, to), NOW);
}

fn offer_at(hub: &mut Hub, from: ConnectionId, (user, to): (&str, &str), now: Mono) {
    let line = format!("UPD OFFER {to} 3 {HASH} {HASH} film.mp4\n");
    let Some(Input::Ask(ask)) = feed_at(hub, from, &line, now).pop() else { panic!("it asks the engine") };
    let Operation::Offer(offer) = ask.operation else { panic!("{:?}", ask.operation) };
    hub.release([Release::Offer { to: ask.to, user: user.parse().unwrap(), offer }], now);
}

/// What the peer is told in answer to `lines`.
fn says(hub: &mut Hub, id: ConnectionId, lines: &str) -> String {
    assert!(feed(hub, id, lines).is_empty(), "the engine is not asked");
    said(hub, id).0
}

fn data(number: u64, bytes: usize) -> String {
    let piece = Piece::new(&vec![7; bytes]).unwrap();
    let id = TransferId::FIRST;
    let mut line = Vec::new();
    Push::Transfer(crate::protocol::TransferPush::Data { id, number, piece }).append_to(&mut line);
    String::from_utf8(line).unwrap()
}

/// A file of obiwan's goes to luke, through the server.
fn relayed(hub: &mut Hub) -> (ConnectionId, ConnectionId) {
    let (obiwan, luke) = (log_in(hub, "obiwan", "on"), receiver(hub, "luke"));
    offer(hub, obiwan, "obiwan", "luke");
    said(hub, luke);
    assert_eq!(says(hub, luke, &format!("UPD ACCEPT 1 {HASH} {TICKET}\n")), "OK UPD 1\n");
    said(hub, obiwan);
    assert_eq!(says(hub, obiwan, "UPD RELAY 1\n"), "OK UPD 1\n");
    assert_eq!(said(hub, luke).0, "UPD RELAY 1\n");
    (obiwan, luke)
}

#[test]
fn a_file_is_offered_to_the_sessions_of_its_user_that_take_files_and_to_no_other() {
    let mut hub = hub(ServerLimits::default());
    let obiwan = log_in_by(&mut hub, "obiwan", "udp=2000", [192, 0, 2, 1]);
    let again = log_in_by(&mut hub, "obiwan", "udp=2000", [192, 0, 2, 1]);
    let (one, two) = (receiver(&mut hub, "luke"), receiver(&mut hub, "Luke"));
    let portless = log_in(&mut hub, "luke", "on");
    let deaf = log_in_by(&mut hub, "luke", "udp=2001 live=off", [198, 51, 100, 7]);
    let yoda = receiver(&mut hub, "yoda");
    offer(&mut hub, obiwan, "obiwan", "luke");
    assert_eq!(said(&mut hub, obiwan).0, "OK UPD 1\n");
    for asked in [one, two] {
        let told = said(&mut hub, asked).0;
        assert_eq!(told, format!("UPD OFFER 1 obiwan 3 {HASH} {HASH} film.mp4\n"));
    }
    for other in [again, portless, deaf, yoda] {
        assert_eq!(said(&mut hub, other).0, "");
        let refused = says(&mut hub, other, &format!("UPD ACCEPT 1 {HASH} {TICKET}\n"));
        assert!(refused.starts_with("ERR UPD refused "), "{refused}");
    }
    assert_eq!(says(&mut hub, two, &format!("UPD ACCEPT 1 {HASH} {TICKET}\n")), "OK UPD 1\n");
    assert_eq!(said(&mut hub, obiwan).0, format!("UPD ACCEPT 1 198.51.100.7 2001 {HASH} {TICKET}\n"));
    assert_eq!(said(&mut hub, one).0, "UPD END 1 taken another session of yours said yes\n");
    // A user may send a file to another session of its own, never to the same one.
    offer(&mut hub, obiwan, "obiwan", "obiwan");
    assert_eq!(said(&mut hub, obiwan).0, "OK UPD 2\n");
    assert!(said(&mut hub, again).0.starts_with("UPD OFFER 2 obiwan "));
}

#[test]
fn a_receiver_on_the_servers_machine_is_where_the_sender_reached_the_server() {
    let mut hub = hub(ServerLimits::default());
    let obiwan = log_in(&mut hub, "obiwan", "on");
    let luke = log_in_by(&mut hub, "luke", "udp=2001", [127, 0, 0, 1]);
    offer(&mut hub, obiwan, "obiwan", "luke");
    says(&mut hub, luke, &format!("UPD ACCEPT 1 {HASH} {TICKET}\n"));
    let told = said(&mut hub, obiwan).0;
    assert!(told.contains("UPD ACCEPT 1 192.0.2.99 2001 "), "{told}");
}

#[test]
fn a_transfer_ends_with_the_connection_of_either_side_however_that_ends() {
    for ending in 0..3 {
        let mut hub = hub(ServerLimits::default());
        let (obiwan, luke) = relayed(&mut hub);
        match ending {
            0 => hub.remove(luke),
            1 => {
                let ended =
                    Effect::SessionEnded { session: luke.session(), reason: SessionEnd::AccountRemoved };
                hub.release([Release::Effect(ended)], NOW);
            }
            _ => hub.release([Release::End { connection: luke, bye: bye(ByeCode::Kicked, "go") }], NOW),
        }
        hub.expire(NOW);
        assert_eq!(said(&mut hub, obiwan).0, "UPD END 1 gone the other session has ended\n", "{ending}");
        assert!(!said(&mut hub, luke).0.contains("UPD"), "{ending}");
        assert_eq!(hub.metrics().transfers.open, 0);
    }
}

#[test]
fn who_has_a_part_in_a_transfer_hears_of_its_end_before_being_refused_anything() {
    let mut hub = hub(ServerLimits::default());
    let (obiwan, luke) = relayed(&mut hub);
    hub.remove(obiwan);
    feed(&mut hub, luke, &data(1, 5));
    let told = said(&mut hub, luke).0;
    let lines: Vec<_> = told.lines().collect();
    assert_eq!(lines[0], "UPD END 1 gone the other session has ended", "{told}");
    assert!(lines.len() == 2 && lines[1].starts_with("ERR UPD refused "), "{told}");
}

/// The answer is the last that a peer gets which sends no more.
#[test]
fn what_a_session_asks_for_last_is_told_before_its_end() {
    let mut hub = hub(ServerLimits::default());
    let (obiwan, luke) = (log_in(&mut hub, "obiwan", "on"), receiver(&mut hub, "luke"));
    let line = format!("UPD OFFER luke 3 {HASH} {HASH} film.mp4\n");
    let Some(Input::Ask(ask)) = feed(&mut hub, obiwan, &line).pop() else { panic!("it asks the engine") };
    let Operation::Offer(offer) = ask.operation else { panic!("{:?}", ask.operation) };
    hub.end_of_input(obiwan);
    hub.serve(obiwan, NOW);
    hub.release([Release::Offer { to: ask.to, user: "obiwan".parse().unwrap(), offer }], NOW);
    let offered = format!("UPD OFFER 1 obiwan 3 {HASH} {HASH} film.mp4\n");
    assert_eq!(said(&mut hub, luke).0, offered + "UPD END 1 gone the other session has ended\n");
    assert_eq!(said(&mut hub, obiwan).0, "OK UPD 1\n");
    assert_eq!(hub.metrics().transfers.open, 0);
}

#[test]
fn a_server_that_shuts_down_says_goodbye_and_nothing_of_transfers() {
    let mut hub = hub(ServerLimits::default());
    let (obiwan, luke) = relayed(&mut hub);
    hub.shut_down(NOW);
    for id in [obiwan, luke] {
        assert_eq!(said(&mut hub, id), ("BYE shutdown the server shuts down\n".to_owned(), Rest::End));
    }
}

#[test]
fn an_offer_that_nobody_answers_ends_when_its_time_is_over() {
    let limits = ServerLimits { offer_time: Duration::from_secs(20), ..ServerLimits::default() };
    let mut hub = hub(limits);
    let (obiwan, luke) = (log_in(&mut hub, "obiwan", "on"), receiver(&mut hub, "luke"));
    offer_at(&mut hub, obiwan, ("obiwan", "luke"), after(1));
    assert_eq!(hub.next_deadline(), Some(after(21)));
    said(&mut hub, luke);
    said(&mut hub, obiwan);
    assert_eq!(hub.expire(after(21)), None);
    for id in [obiwan, luke] {
        assert_eq!(said(&mut hub, id).0, "UPD END 1 timeout nobody answered for too long\n");
    }
    assert_eq!((hub.next_deadline(), hub.metrics().transfers.offers_unanswered), (Some(after(600)), 1));
}

#[test]
fn no_line_about_a_transfer_comes_before_the_answer_to_its_offer() {
    let mut hub = hub(ServerLimits::default());
    let (obiwan, luke) = (log_in(&mut hub, "obiwan", "on"), receiver(&mut hub, "luke"));
    let line = format!("RDM b #0\nUPD OFFER luke 3 {HASH} {HASH} film.mp4\nPING\n");
    assert_eq!(feed(&mut hub, obiwan, &line).len(), 1, "the offer waits for the read");
    reply(&mut hub, obiwan, 2, "OK RDM 0\n");
    assert_eq!(hub.next_runnable(), Some(obiwan));
    hub.serve(obiwan, NOW);
    let Some(Input::Ask(ask)) = inputs(&mut hub).pop() else { panic!("it asks the engine") };
    let Operation::Offer(offer) = ask.operation else { panic!("{:?}", ask.operation) };
    hub.release([Release::Offer { to: ask.to, user: "obiwan".parse().unwrap(), offer }], NOW);
    says(&mut hub, luke, &format!("UPD ACCEPT 1 {HASH} {TICKET}\n"));
    let told = said(&mut hub, obiwan).0;
    let lines: Vec<_> = told.lines().map(|line| line.split(" 198.").next().unwrap()).collect();
    assert_eq!(lines, ["OK RDM 0", "OK UPD 1", "OK PING", "UPD ACCEPT 1"]);
}

/// Chat is not held up: what waits for a receiver that does not read is sixteen pieces at most, whatever leave it gave; messages come in order, each behind
/// no more than those, and none is left out because of them, though the outbox has room for little more than the messages.
#[test]
fn messages_wait_behind_sixteen_pieces_at_most_and_none_is_left_out_for_them() {
    let mut hub = hub(ServerLimits { outbox_bytes_max: 1200, ..ServerLimits::default() });
    let (obiwan, luke) = relayed(&mut hub);
    let mut passed = 0;
    let mut told = String::new();
    for round in 0..3 {
        assert_eq!(says(&mut hub, luke, "UPD MORE 1 16\n"), format!("{told}OK UPD 1\n"), "{round}");
        said(&mut hub, obiwan);
        for place in 1..=16 {
            let line = data(passed + 1, Piece::BYTES_MAX);
            assert_eq!(says(&mut hub, obiwan, &line), "OK UPD 1\n");
            passed += 1;
            hub.release([message(Conversation::Broadcast, passed, everyone(obiwan))], NOW);
            assert_eq!(hub.outbox(luke).unwrap().relayed_pieces(), place);
        }
        let more = says(&mut hub, obiwan, &data(passed + 1, 1));
        assert!(more.starts_with("ERR UPD throttled "), "{more}");
        told = said(&mut hub, luke).0;
        let lines: Vec<_> = told.lines().collect();
        assert_eq!(lines.len(), 32, "{lines:?}");
        for (place, pair) in (passed - 15..).zip(lines.chunks(2)) {
            assert!(pair[0].starts_with(&format!("UPD DATA 1 {place} ")), "{place}");
            assert!(pair[1].starts_with(&format!("MSG b {place} ")), "{place}");
        }
        told.clear();
    }
    assert_eq!((hub.metrics().left_out, hub.metrics().deliveries), (0, 48));
    assert_eq!(hub.metrics().transfers.relayed_bytes, 48 * Piece::BYTES_MAX as u64);
}

/// It fails if the leave of several transfers adds up.
#[test]
fn several_files_for_one_receiver_share_the_place_that_one_has() {
    let mut hub = hub(ServerLimits::default());
    let (obiwan, luke) = relayed(&mut hub);
    offer(&mut hub, obiwan, "obiwan", "luke");
    says(&mut hub, luke, &format!("UPD ACCEPT 2 {HASH} {TICKET}\n"));
    says(&mut hub, obiwan, "UPD RELAY 2\n");
    says(&mut hub, luke, "UPD MORE 1 16\nUPD MORE 2 16\n");
    said(&mut hub, obiwan);
    for number in 1..=16 {
        assert_eq!(says(&mut hub, obiwan, &data(number, 10)), "OK UPD 1\n");
    }
    let second = data(1, 10).replace("UPD DATA 1 ", "UPD DATA 2 ");
    assert!(says(&mut hub, obiwan, &second).starts_with("ERR UPD throttled "));
    assert_eq!(hub.outbox(luke).unwrap().relayed_pieces(), usize::from(Leave::MAX));
    said(&mut hub, luke);
    assert_eq!(says(&mut hub, obiwan, &second), "OK UPD 2\n");
    assert_eq!(hub.metrics().transfers.pieces_early, 1);
}

#[test]
fn who_reads_too_slowly_to_be_told_of_offers_is_said_goodbye_and_the_sender_told() {
    let mut hub = hub(ServerLimits { outbox_bytes_max: 300, ..ServerLimits::default() });
    let (obiwan, luke) = (log_in(&mut hub, "obiwan", "on"), receiver(&mut hub, "luke"));
    let mut told = String::new();
    for _ in 0..4 {
        offer(&mut hub, obiwan, "obiwan", "luke");
        told += &said(&mut hub, obiwan).0;
    }
    let lines: Vec<_> = told.lines().collect();
    assert_eq!(lines[..4], ["OK UPD 1", "OK UPD 2", "OK UPD 3", "OK UPD 4"], "{lines:?}");
    for id in 1..=4 {
        assert_eq!(lines[3 + id], format!("UPD END {id} gone the other session has ended"));
    }
    assert_eq!(lines.len(), 8, "{lines:?}");
    assert!(said(&mut hub, luke).0.contains("BYE slow "));
    assert_eq!((hub.metrics().slow, hub.metrics().transfers.open), (1, 0));
}
