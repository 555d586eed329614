use super::*;
use crate::storage::file::bytes::Take;
use crate::storage::file::record_bytes;
use crate::{Body, IdempotencyKey, Message, Posted, Record};

fn at(micros: i64) -> Timestamp {
    Timestamp::from_unix_micros(micros).unwrap()
}

fn room(number: u32, micros: i64) -> Record {
    let members = ["luke".parse().unwrap(), "yoda".parse().unwrap()].into();
    Record::RoomCreated(RoomCreated {
        room: RoomId::new(number).unwrap(),
        at: at(micros),
        members,
        key: None,
    })
}

fn post(room: u32, number: u64, micros: i64) -> Record {
    let message = Message {
        conversation: RoomId::new(room).map_or(Conversation::Broadcast, Conversation::Room),
        number: MessageNumber::new(number).unwrap(),
        at: at(micros),
        author: "luke".parse().unwrap(),
        body: Body::parse("hello").unwrap(),
    };
    Record::Posted(Posted { message, key: Some(IdempotencyKey::parse("k").unwrap()) })
}

fn take(laws: &mut Laws, records: &[Record]) -> Law {
    records.iter().try_for_each(|record| {
        let mut bytes = Vec::new();
        record_bytes::put(record, &mut bytes).unwrap();
        let record = RecordRef::take(&mut Take::new(&bytes)).unwrap();
        laws.record(record, &mut Names::default()).map_err(|Malformed(what)| what)
    })
}

#[test]
fn records_in_order_break_no_law() {
    let records = [post(0, 1, 1), room(1, 2), post(1, 1, 3), post(0, 2, 4), room(2, 5), post(1, 2, 6)];
    let mut laws = Laws::new(false);
    take(&mut laws, &records).unwrap();
    assert_eq!((laws.rooms(), laws.conversations(), laws.messages()), (2, 2, 4));
}

/// Catches: a law is not looked at.
#[test]
fn each_broken_law_is_told() {
    let broken: [(&[Record], &str); 8] = [
        (&[post(0, 2, 1)], "the first messages of a conversation are not there"),
        (&[post(0, 1, 1), post(0, 3, 2)], "a message does not bear the number after the one before it"),
        (&[post(0, 1, 1), post(0, 1, 2)], "a message does not bear the number after the one before it"),
        (&[post(0, 1, 2), post(0, 2, 2)], "a record is not later than the one before it"),
        (&[room(1, 1), post(2, 1, 2)], "a message was posted to a room that is not there"),
        (&[room(2, 1)], "a room does not bear the number after the one before it"),
        (&[room(1, 1), room(1, 2)], "a room does not bear the number after the one before it"),
        (&[room(1, 3), room(2, 3)], "a record is not later than the one before it"),
    ];
    for (records, what) in broken {
        assert_eq!(take(&mut Laws::new(false), records), Err(what), "{records:?}");
    }
}

/// As in a history file, where messages do not lie in the order of time.
#[test]
fn a_message_of_a_history_file_is_later_than_its_room_and_than_the_one_before_it() {
    let law = |micros: [i64; 2]| {
        let mut laws = Laws::new(false);
        take(&mut laws, &[room(1, 5)])?;
        (1..).zip(micros).try_for_each(|(number, micros)| {
            let Record::Posted(posted) = post(1, number, micros) else { unreachable!() };
            laws.message(posted.message.view())
        })
    };
    assert_eq!(law([6, 7]), Ok(()));
    for micros in [4, 5] {
        assert_eq!(law([micros, 7]), Err("a message is not later than its room"));
    }
    for micros in [6, 7] {
        assert_eq!(law([7, micros]), Err("a message is not later than the one before it"));
    }
}

#[test]
fn what_was_dropped_may_be_gone_and_nothing_else() {
    let records = [room(2, 1), post(0, 7, 2), post(2, 9, 3), post(0, 8, 4)];
    take(&mut Laws::new(true), &records).unwrap();
    let mut laws = Laws::new(true);
    take(&mut laws, &records).unwrap();
    assert!(take(&mut laws, &[post(0, 10, 5)]).is_err());
    assert!(take(&mut Laws::new(true), &[post(1, 1, 1)]).is_err());
}

fn end(number: u64, micros: i64) -> End {
    End { number: MessageNumber::new(number).unwrap(), at: at(micros) }
}

#[test]
fn the_state_file_must_tell_the_ends_that_the_messages_have() {
    let told = |ends: &[(Conversation, End)], dropped| {
        let mut laws = Laws::new(dropped);
        take(&mut laws, &[post(0, 1, 1), post(0, 2, 2), room(1, 3)]).unwrap();
        laws.ends_of_runs(&ends.iter().copied().collect()).is_ok()
    };
    let broadcast = Conversation::Broadcast;
    let room = Conversation::Room(RoomId::FIRST);
    assert!(told(&[(broadcast, end(2, 2))], false));
    for wrong in [&[][..], &[(broadcast, end(1, 1))], &[(broadcast, end(3, 2))], &[(broadcast, end(2, 3))]] {
        assert!(!told(wrong, false), "{wrong:?}");
        assert!(!told(wrong, true), "{wrong:?}");
    }
    let more = [(broadcast, end(2, 2)), (room, end(5, 4))];
    assert!(!told(&more, false));
    assert!(told(&more, true), "all that was said there may be gone");
}

#[test]
fn a_keyed_request_must_have_been_answered_with_what_is_there() {
    let Record::Posted(said) = post(0, 1, 1) else { unreachable!() };
    let request = KeyedRequest::of(&Record::Posted(said.clone())).unwrap();
    let law = |request: KeyedRequest| {
        let mut state = State::default();
        state.keyed.remember(request);
        let mut laws = Laws::new(false);
        laws.state(&state)?;
        take(&mut laws, &[Record::Posted(said.clone())])?;
        laws.keyed_exist()
    };
    law(request.clone()).unwrap();
    let number = MessageNumber::new(2).unwrap();
    let posted = Answered::Posted { conversation: Conversation::Broadcast, number };
    assert!(law(KeyedRequest { answer: posted, ..request.clone() }).is_err(), "of no message");
    assert!(law(KeyedRequest { at: at(2), ..request.clone() }).is_err(), "of another time");
    let other = crate::Fingerprint::from_bits(1);
    assert!(law(KeyedRequest { request: other, ..request.clone() }).is_err(), "of another text");
    let built = Answered::RoomCreated { room: RoomId::FIRST };
    assert!(law(KeyedRequest { answer: built, ..request }).is_err(), "of no room");
}
