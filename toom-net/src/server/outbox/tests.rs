use proptest::prelude::*;
use toom_core::{Body, Message, RoomId, Timestamp};

use super::*;
use crate::marker::{MARKER, is_shown};
use crate::protocol::{Push, ServerLine};

fn number(number: u64) -> MessageNumber {
    MessageNumber::new(number).unwrap()
}

fn line_of(conversation: Conversation, number: MessageNumber) -> Arc<[u8]> {
    let message = Message {
        conversation,
        number,
        at: Timestamp::from_unix_micros(0).unwrap(),
        author: "obiwan".parse().unwrap(),
        body: Body::parse("hello").unwrap(),
    };
    let mut line = Vec::new();
    Push::append_message(&mut line, message.view());
    line.into()
}

fn text(outbox: &Outbox) -> String {
    String::from_utf8(outbox.pieces().flatten().copied().collect()).unwrap()
}

/// Writes at most `bytes`, and returns what was written.
fn write(outbox: &mut Outbox, bytes: usize, bytes_max: usize) -> Vec<u8> {
    let written: Vec<u8> = outbox.pieces().flatten().copied().take(bytes).collect();
    outbox.wrote(written.len(), bytes_max);
    written
}

#[test]
fn debug_shows_nothing_of_what_waits() {
    let mut outbox = Outbox::default();
    outbox.push(MARKER.as_bytes().to_vec());
    outbox.insist(&Arc::from(MARKER.as_bytes()), 1000).unwrap();
    assert!(text(&outbox).contains(MARKER) && !is_shown(&outbox), "{outbox:?}");
    let lengths = format!("Piece({0} bytes), Piece({0} bytes)", MARKER.len());
    assert!(format!("{outbox:?}").contains(&lengths), "{outbox:?}");
}

#[test]
fn an_outbox_holds_memory_only_while_something_waits() {
    let mut outbox = Outbox::default();
    outbox.push(b"OK PING\n".to_vec());
    outbox.insist(&line_of(Conversation::Broadcast, number(1)), 1000).unwrap();
    assert!(outbox.pieces.capacity() > 0);
    let length = outbox.len();
    outbox.wrote(length, 1000);
    assert!(outbox.is_empty());
    assert_eq!(outbox.pieces.capacity(), 0);
}

#[test]
fn a_partial_write_goes_on_where_it_stopped() {
    let mut outbox = Outbox::default();
    outbox.push(b"OK BCM\n".to_vec());
    outbox.insist(&b"MSG b\n"[..].into(), 1000).unwrap();
    outbox.push(b"OK OUT\n".to_vec());
    assert_eq!(write(&mut outbox, 3, 1000), b"OK ");
    assert_eq!(text(&outbox), "BCM\nMSG b\nOK OUT\n");
    assert_eq!(write(&mut outbox, 6, 1000), b"BCM\nMS");
    assert_eq!(text(&outbox), "G b\nOK OUT\n");
    assert_eq!(outbox.len(), 11);
}

#[test]
fn what_does_not_fit_is_told_as_lag_once_half_of_the_room_is_free() {
    let line = line_of(Conversation::Broadcast, number(1));
    let bytes_max = line.len() * 4;
    let mut outbox = Outbox::default();
    for n in 1..=9 {
        outbox.deliver(Conversation::Broadcast, number(n), &line, bytes_max);
    }
    assert_eq!(outbox.len(), bytes_max);
    write(&mut outbox, line.len(), bytes_max);
    // There would be room, but what is later must not come before the lag is told.
    outbox.deliver(Conversation::Broadcast, number(10), &line, bytes_max);
    assert_eq!(outbox.len(), line.len() * 3);
    write(&mut outbox, line.len(), bytes_max);
    assert!(text(&outbox).ends_with("hello\nLAG b 5 10\n"), "{}", text(&outbox));
    outbox.deliver(
        Conversation::Broadcast,
        number(11),
        &line_of(Conversation::Broadcast, number(11)),
        bytes_max,
    );
    assert!(text(&outbox).contains("LAG b 5 10\nMSG b 11 "), "{}", text(&outbox));
}

#[test]
fn a_piece_of_a_file_takes_no_room_from_messages_however_much_of_it_is_written() {
    let line = line_of(Conversation::Broadcast, number(1));
    let bytes_max = line.len() * 2;
    for written in 0..60 {
        let mut outbox = Outbox::default();
        outbox.relay(&vec![b'x'; 100].into());
        outbox.push(b"OK\n".to_vec());
        write(&mut outbox, written, bytes_max);
        let delivered = (1..=3).map(|n| outbox.deliver(Conversation::Broadcast, number(n), &line, bytes_max));
        let delivered: Vec<_> = delivered.collect();
        assert_eq!(delivered, [Delivery::Done, Delivery::LeftOut, Delivery::LeftOut], "{written}");
        assert_eq!((outbox.relayed_pieces(), outbox.len()), (1, 100 - written + 3 + line.len()));
        write(&mut outbox, 100 - written, bytes_max);
        assert_eq!((outbox.relayed_pieces(), outbox.relayed.bytes), (0, 0));
    }
}

#[test]
fn a_lag_of_one_conversation_leaves_another_as_it_is() {
    let room = Conversation::Room(RoomId::FIRST);
    let long: Arc<[u8]> = vec![b'x'; 60].into();
    let short: Arc<[u8]> = vec![b'y'; 20].into();
    let mut outbox = Outbox::default();
    outbox.deliver(Conversation::Broadcast, number(1), &long, 100);
    outbox.deliver(Conversation::Broadcast, number(2), &long, 100);
    outbox.deliver(room, number(1), &short, 100);
    outbox.deliver(Conversation::Broadcast, number(3), &short, 100);
    assert_eq!(outbox.len(), 80);
    write(&mut outbox, 60, 100);
    assert!(text(&outbox).ends_with("yLAG b 2 3\n"), "{}", text(&outbox));
}

#[test]
fn a_line_longer_than_the_room_is_lag_at_once_and_holds_nothing_up() {
    let long: Arc<[u8]> = vec![b'x'; 60].into();
    let mut outbox = Outbox::default();
    outbox.deliver(Conversation::Broadcast, number(1), &long, 50);
    assert_eq!(text(&outbox), "LAG b 1 1\n");
    outbox.deliver(Conversation::Broadcast, number(2), &b"short\n"[..].into(), 50);
    assert_eq!(text(&outbox), "LAG b 1 1\nshort\n");
}

#[test]
fn a_line_that_must_come_takes_as_much_room_again_and_no_more() {
    let line: Arc<[u8]> = vec![b'x'; 60].into();
    let mut outbox = Outbox::default();
    assert_eq!(outbox.insist(&line, 60), Ok(()));
    assert_eq!(outbox.insist(&line, 60), Ok(()));
    assert_eq!(outbox.insist(&line, 60), Err(TooSlow));
    assert_eq!(outbox.len(), 120);
}

#[test]
fn short_lines_are_gathered_in_pieces_of_4_kib_and_a_longer_one_is_a_piece_of_its_own() {
    let mut outbox = Outbox::default();
    outbox.push(Vec::new());
    assert_eq!(outbox.pieces().count(), 0, "nothing is no piece");
    for bytes in [2000, 2000, 96, 1, 4095, 1, 9000] {
        outbox.push(vec![b'x'; bytes]);
    }
    assert_eq!(outbox.pieces().map(<[u8]>::len).collect::<Vec<_>>(), [4096, 4096, 1, 9000]);
}

#[test]
fn messages_that_just_fill_the_room_come_together() {
    let lines: Arc<[u8]> = vec![b'x'; 60].into();
    for (bytes_max, delivery) in [(99, Delivery::LeftOut), (100, Delivery::Done)] {
        let mut outbox = Outbox::default();
        outbox.push(vec![b'y'; 40]);
        assert_eq!(outbox.deliver_together(Conversation::Broadcast, &lines, bytes_max), delivery);
    }
}

#[test]
fn lags_of_many_rooms_take_the_room_that_there_is_and_a_line_more_and_the_rest_comes_later() {
    let (full, bytes_max): (Arc<[u8]>, _) = (vec![b'x'; 100].into(), 100);
    let mut outbox = Outbox::default();
    outbox.deliver(Conversation::Broadcast, number(1), &full, bytes_max);
    for room in 1..=20 {
        let room = Conversation::Room(RoomId::new(room).unwrap());
        outbox.deliver(room, number(7), &full, bytes_max);
    }
    write(&mut outbox, 40, bytes_max);
    assert_eq!(outbox.len(), 60, "more than half");
    write(&mut outbox, 10, bytes_max);
    let told = ["x".repeat(50)].into_iter().chain((1..=6).map(|room| format!("LAG {room} 7 7\n")));
    assert_eq!(text(&outbox), told.collect::<String>());
    let mut seen = String::new();
    while !outbox.is_empty() {
        seen += &String::from_utf8(write(&mut outbox, 60, bytes_max)).unwrap();
        assert!(outbox.len() <= bytes_max + 12);
    }
    assert_eq!(seen.matches("LAG ").count(), 20);
}

#[derive(Clone, Debug)]
enum Step {
    Deliver(Conversation),
    Reply(usize),
    Write(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let conversation = prop_oneof![
        Just(Conversation::Broadcast),
        (1..4_u32).prop_map(|id| Conversation::Room(RoomId::new(id).unwrap())),
    ];
    let step = prop_oneof![
        4 => conversation.prop_map(Step::Deliver),
        1 => (1..200_usize).prop_map(Step::Reply),
        2 => (0..400_usize).prop_map(Step::Write),
    ];
    prop::collection::vec(step, 0..200)
}

proptest! {
    /// A peer that reads now and then gets every number of every conversation once and in order, as a message or in a lag,
    /// and every reply. It fails if a lag is written late, lost, or one number too long, and if a lagging conversation is
    /// delivered to.
    #[test]
    fn what_is_pushed_and_what_lags_are_together_everything_in_order(steps in steps(), bytes_max in 1..2000_usize) {
        let mut outbox = Outbox::default();
        let mut posted = std::collections::BTreeMap::new();
        let (mut replies, mut stream) = (0, Vec::new());
        for step in steps {
            match step {
                Step::Deliver(conversation) => {
                    let last: &mut u64 = posted.entry(conversation).or_default();
                    *last += 1;
                    let line = line_of(conversation, number(*last));
                    let before = outbox.len();
                    outbox.deliver(conversation, number(*last), &line, bytes_max);
                    // Only a lag, 4 conversations of at most 30 bytes, may go beyond the bound.
                    prop_assert!(outbox.len() <= before.max(bytes_max) + 120);
                }
                Step::Reply(length) => {
                    let mut reply = b"OK PING ".to_vec();
                    reply.resize(reply.len() + length, b'x');
                    reply.push(b'\n');
                    outbox.push(reply);
                    replies += 1;
                }
                Step::Write(bytes) => stream.extend(write(&mut outbox, bytes, bytes_max)),
            }
        }
        while !outbox.is_empty() {
            stream.extend(write(&mut outbox, 100, bytes_max));
        }
        prop_assert!(outbox.lag.is_none());
        let mut seen = std::collections::BTreeMap::new();
        for line in stream.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let (conversation, first, last) = match ServerLine::parse(line).unwrap() {
                ServerLine::Push(Push::Message(message)) => (message.conversation, message.number, message.number),
                ServerLine::Push(Push::Lag { conversation, first, last }) => (conversation, first, last),
                _ => {
                    replies -= 1;
                    continue;
                }
            };
            let before = seen.insert(conversation, last);
            prop_assert_eq!(first, MessageNumber::following(before));
            prop_assert!(first <= last);
        }
        prop_assert_eq!(replies, 0);
        let seen: std::collections::BTreeMap<_, _> = seen.into_iter().map(|(of, last)| (of, last.get())).collect();
        prop_assert_eq!(seen, posted);
    }
}
