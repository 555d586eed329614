use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use toom_core::{Body, Timestamp};

use super::*;
use crate::protocol::{ContentHash, EndCode, FileName, FileOffer, Fingerprint, Piece, TransferId};

fn number(number: u64) -> MessageNumber {
    MessageNumber::new(number).unwrap()
}

fn room(number: u32) -> RoomId {
    RoomId::new(number).unwrap()
}

fn message(conversation: Conversation, n: u64, size: usize) -> Push {
    Push::Message(MessageLine {
        conversation,
        number: number(n),
        at: Timestamp::MIN,
        author: NameWord::parse("luke").unwrap(),
        body: Body::parse(&"x".repeat(size)).unwrap(),
    })
}

fn built(n: u32, members: usize) -> Push {
    Push::Room { room: room(n), members: vec![NameWord::parse("luke").unwrap(); members] }
}

fn bye(text: &str) -> Push {
    Push::Bye { code: ByeCode::Shutdown, text: text.into() }
}

fn taken(queue: &mut PushQueue) -> Vec<Pushed> {
    core::iter::from_fn(|| queue.take()).collect()
}

/// What a reader makes of events: `b5` a message, `b5-7` a lag.
fn spelled(events: &[Pushed]) -> Vec<String> {
    let place = |conversation: &Conversation| match conversation {
        Conversation::Broadcast => "b".to_owned(),
        Conversation::Room(room) => format!("{}:", room.number()),
    };
    events
        .iter()
        .map(|event| match event {
            Pushed::Message(message) => format!("{}{}", place(&message.conversation), message.number.get()),
            Pushed::Lag { conversation, first, last } => {
                format!("{}{}-{}", place(conversation), first.get(), last.get())
            }
            Pushed::Room { room, .. } => format!("room {}", room.number()),
            Pushed::RoomsMissed { count } => format!("missed {count}"),
            Pushed::Bye(bye) => bye.to_string(),
            other => panic!("a queue makes no such event: {other:?}"),
        })
        .collect()
}

#[test]
fn what_does_not_fit_is_one_lag_and_what_comes_after_follows_it() {
    let broadcast = Conversation::Broadcast;
    // A message of 68 bytes takes 200.
    let mut queue = PushQueue::new(500);
    for n in 1..=7 {
        queue.add(message(broadcast, n, 68)).unwrap();
    }
    queue.add(bye("now")).unwrap();
    assert_eq!(spelled(&taken(&mut queue)), ["b1", "b2", "b3-7", "shutdown: now"]);
    queue.add(message(broadcast, 8, 68)).unwrap();
    assert_eq!(spelled(&taken(&mut queue)), ["b8"]);
    assert_eq!(queue.bytes, 0);
}

#[test]
fn a_message_larger_than_the_whole_queue_is_a_lag() {
    let mut queue = PushQueue::new(500);
    queue.add(message(Conversation::Broadcast, 1, 8000)).unwrap();
    queue.add(message(Conversation::Broadcast, 2, 8)).unwrap();
    assert_eq!(spelled(&taken(&mut queue)), ["b1-2"]);
    queue.add(message(Conversation::Broadcast, 3, 8)).unwrap();
    assert_eq!(spelled(&taken(&mut queue)), ["b3"]);
}

#[test]
fn rooms_have_a_place_of_their_own_and_those_missed_are_counted() {
    let mut queue = PushQueue::new(500);
    for n in 1..=4 {
        queue.add(message(Conversation::Broadcast, n, 68)).unwrap();
    }
    for n in 1..=6 {
        queue.add(built(n, 1)).unwrap();
    }
    let expected = ["b1", "b2", "room 1", "room 2", "room 3", "room 4", "missed 2", "b3-4"];
    assert_eq!(spelled(&taken(&mut queue)), expected);
    queue.add(built(7, 1)).unwrap();
    assert_eq!(spelled(&taken(&mut queue)), ["room 7"]);
}

/// It fails if what happens to files pushes messages out, takes more room than it has, or is lost without a word.
#[test]
fn what_happens_to_files_has_a_place_of_its_own_and_what_is_missed_is_counted() {
    let id = |n| crate::protocol::TransferId::new(n).unwrap();
    let relay = |n| Push::Transfer(TransferPush::Relay { id: id(n) });
    let mut queue = PushQueue::new(1000);
    for n in 1..=100 {
        queue.add(relay(n)).unwrap();
    }
    assert!(queue.bytes <= 2000);
    let events = taken(&mut queue);
    let shown = events.len() as u64 - 1;
    let expected = (1..=shown).map(|n| Pushed::Transfer(TransferPush::Relay { id: id(n) }));
    let missed = Pushed::TransfersMissed { count: 100 - shown };
    assert_eq!(events, expected.chain([missed]).collect::<Vec<_>>());
    queue.add(relay(101)).unwrap();
    assert_eq!(taken(&mut queue).len(), 1, "it goes on");
}

#[test]
fn a_lag_of_a_quiet_room_does_not_wait_until_a_busy_queue_is_empty() {
    let mut queue = PushQueue::new(1000);
    for n in 1..=5 {
        queue.add(message(Conversation::Broadcast, n, 68)).unwrap();
    }
    queue.add(message(Conversation::Room(room(1)), 9, 68)).unwrap();
    let mut seen = Vec::new();
    for n in 6..40 {
        seen.push(queue.take().unwrap());
        queue.add(message(Conversation::Broadcast, n, 68)).unwrap();
    }
    assert!(spelled(&seen).contains(&"1:9-9".to_owned()), "{:?}", spelled(&seen));
}

#[test]
fn once_full_it_drops_until_half_of_it_was_taken() {
    // A message of 68 bytes takes 200.
    let mut queue = PushQueue::new(1000);
    let broadcast = |n| message(Conversation::Broadcast, n, 68);
    for n in 1..=6 {
        queue.add(broadcast(n)).unwrap();
    }
    let mut seen = Vec::new();
    for n in 7..=9 {
        seen.push(queue.take().unwrap());
        queue.add(broadcast(n)).unwrap();
    }
    seen.extend(taken(&mut queue));
    assert_eq!(spelled(&seen), ["b1", "b2", "b3", "b4", "b5", "b6-8", "b9"]);
}

fn relay(n: u64) -> Push {
    Push::Transfer(TransferPush::Relay { id: TransferId::new(n).unwrap() })
}

fn relay_cost() -> usize {
    let Push::Transfer(push) = relay(1) else { unreachable!() };
    Pushed::Transfer(push).cost()
}

#[test]
fn what_happens_to_files_takes_twice_the_room_and_no_more() {
    let mut queue = PushQueue::new(3 * relay_cost());
    for n in 1..=9 {
        queue.add(relay(n)).unwrap();
    }
    assert_eq!((queue.queue.len(), queue.transfers_missed), (6, 3));
}

#[test]
fn what_was_missed_of_files_is_told_as_soon_as_there_is_room_and_before_what_comes_later() {
    let mut queue = PushQueue::new(6 * relay_cost());
    for n in 1..=20 {
        queue.add(relay(n)).unwrap();
    }
    // Three of twelve are left, which is half of the room.
    for _ in 0..9 {
        assert!(matches!(queue.take(), Some(Pushed::Transfer(_))));
    }
    queue.add(relay(21)).unwrap();
    let rest = taken(&mut queue);
    assert_eq!(rest.len(), 5);
    assert_eq!(rest[3], Pushed::TransfersMissed { count: 8 });
}

#[test]
fn in_a_queue_too_small_for_anything_what_was_missed_is_counted_and_told_once() {
    let mut queue = PushQueue::new(50);
    for n in 1..=3 {
        queue.add(built(n, 2)).unwrap();
        queue.add(relay(n.into())).unwrap();
    }
    let missed = [Pushed::RoomsMissed { count: 3 }, Pushed::TransfersMissed { count: 3 }];
    assert_eq!(taken(&mut queue), missed);
    assert_eq!(taken(&mut queue), []);
}

#[test]
fn there_is_room_for_more_of_history_while_less_than_a_sixteenth_waits() {
    let mut queue = PushQueue::new(16 * 200);
    for (bytes, has_room) in [(67, true), (68, false)] {
        queue.add(message(Conversation::Broadcast, 1, bytes)).unwrap();
        assert_eq!(queue.has_room(), has_room, "{bytes}");
        taken(&mut queue);
        assert!(queue.has_room());
    }
}

/// It fails if something that a peer sends takes memory that no queue counts.
#[test]
fn every_byte_that_came_with_an_event_counts() {
    let id = TransferId::FIRST;
    let offer = |user: &str, name: &str| {
        Pushed::Transfer(TransferPush::Offer {
            id,
            user: NameWord::parse(user).unwrap(),
            file: FileOffer {
                bytes: 3,
                hash: ContentHash::new([1; 32]),
                fingerprint: Fingerprint::new([2; 32]),
                name: FileName::parse(name).unwrap(),
            },
        })
    };
    let data = |bytes| {
        let piece = Piece::new(&vec![7; bytes]).unwrap();
        Pushed::Transfer(TransferPush::Data { id, number: 1, piece })
    };
    let end = |bytes| {
        let text = "x".repeat(bytes).into();
        Pushed::Transfer(TransferPush::End { id, code: EndCode::Done, text })
    };
    let room = |members| Pushed::Room {
        room: RoomId::FIRST,
        members: vec![NameWord::parse("luke").unwrap(); members],
    };
    let away = |bytes| Pushed::Away(Away { bye: None, why: "x".repeat(bytes).into(), pause: Duration::ZERO });
    let of_transfer = EVENT_BYTES + size_of::<TransferPush>();
    for (event, cost) in [
        (offer("luke", "film"), of_transfer + 8),
        (data(100), of_transfer + 100),
        (end(30), of_transfer + 30),
        (Pushed::Transfer(TransferPush::Relay { id }), of_transfer),
        (room(3), EVENT_BYTES + 3 * (4 + size_of::<NameWord>())),
        (away(50), EVENT_BYTES + 50),
        (Pushed::RoomsMissed { count: 3 }, EVENT_BYTES),
    ] {
        assert_eq!(event.cost(), cost, "{event:?}");
    }
}

#[test]
fn messages_missed_in_too_many_rooms_are_a_violation() {
    let mut queue = PushQueue::new(0);
    let most = u32::try_from(PushQueue::LAGGING_MAX).unwrap();
    for n in 1..=most {
        queue.add(message(Conversation::Room(room(n)), 1, 1)).unwrap();
    }
    queue.add(message(Conversation::Room(room(1)), 2, 1)).unwrap();
    let error = queue.add(message(Conversation::Room(room(most + 1)), 1, 1));
    assert_eq!(error, Err(Violation::TooManyRooms));
}

#[derive(Clone, Debug)]
enum Step {
    /// A message in a conversation, after so many of the session's own, which are not pushed.
    Message {
        conversation: usize,
        own: u64,
        size: usize,
    },
    /// The server's own lag, of so many messages.
    Lag {
        conversation: usize,
        own: u64,
        count: u64,
    },
    Room {
        members: usize,
    },
    Take(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let own = || prop_oneof![4 => Just(0), 1 => 0..3u64];
    prop_oneof![
        6 => (0..4usize, own(), 1..300usize).prop_map(|(conversation, own, size)| Step::Message { conversation, own, size }),
        1 => (0..4usize, own(), 1..9u64).prop_map(|(conversation, own, count)| Step::Lag { conversation, own, count }),
        1 => (1..20usize).prop_map(|members| Step::Room { members }),
        3 => (0..8usize).prop_map(Step::Take),
    ]
}

fn conversation(index: usize) -> Conversation {
    u32::try_from(index).ok().and_then(RoomId::new).map_or(Conversation::Broadcast, Conversation::Room)
}

proptest! {
    /// The model is a set of the numbers that were pushed. Catches: a message that is dropped and in no lag, one that is both, a lag that is
    /// wider than what was missed, order lost within a conversation, a room lost uncounted, and a queue that outgrows its bound.
    #[test]
    fn every_number_pushed_is_delivered_or_in_one_lag_in_order_and_memory_is_bounded(
        steps in vec(step(), 0..300),
        bytes_max in 0..3000usize,
    ) {
        let mut queue = PushQueue::new(bytes_max);
        let mut next = [1u64; 4];
        let mut pushed: [BTreeSet<u64>; 4] = Default::default();
        let (mut rooms, mut events) = (0u32, Vec::new());
        for step in steps {
            match step {
                Step::Message { conversation: at, own, size } => {
                    let n = next[at] + own;
                    next[at] = n + 1;
                    pushed[at].insert(n);
                    queue.add(message(conversation(at), n, size)).unwrap();
                }
                Step::Lag { conversation: at, own, count } => {
                    let n = next[at] + own;
                    next[at] = n + count;
                    pushed[at].extend(n..n + count);
                    let (first, last) = (number(n), number(n + count - 1));
                    queue.add(Push::Lag { conversation: conversation(at), first, last }).unwrap();
                }
                Step::Room { members } => {
                    rooms += 1;
                    queue.add(built(rooms, members)).unwrap();
                }
                Step::Take(count) => events.extend((0..count).map_while(|_| queue.take())),
            }
            let held: usize = queue.queue.iter().map(Pushed::cost).sum();
            prop_assert_eq!(queue.bytes, held);
            prop_assert!(held <= 2 * bytes_max);
            prop_assert!(queue.lagging.len() <= 4);
        }
        events.extend(taken(&mut queue));

        for (at, pushed) in pushed.iter().enumerate() {
            let mut accounted = BTreeSet::new();
            let mut before = 0;
            for event in &events {
                let (first, last) = match event {
                    Pushed::Message(message) if message.conversation == conversation(at) => {
                        prop_assert!(pushed.contains(&message.number.get()));
                        (message.number.get(), message.number.get())
                    }
                    Pushed::Lag { conversation: of, first, last } if *of == conversation(at) => {
                        (first.get(), last.get())
                    }
                    _ => continue,
                };
                prop_assert!(before < first && first <= last, "{} then {}-{}", before, first, last);
                prop_assert!(pushed.contains(&first) && pushed.contains(&last), "{}-{} was not missed", first, last);
                accounted.extend(pushed.range(first..=last));
                before = last;
            }
            prop_assert_eq!(&accounted, pushed);
        }
        let mut told = 0;
        for event in &events {
            match event {
                Pushed::Room { room, .. } => {
                    told += 1;
                    prop_assert_eq!(u64::from(room.number()), told, "the notice of those missed stands in their place");
                }
                Pushed::RoomsMissed { count } => told += count,
                _ => {}
            }
        }
        prop_assert_eq!(told, u64::from(rooms));
    }
}
