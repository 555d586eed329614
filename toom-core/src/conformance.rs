//! The laws of [`Storage`], each as a function that panics where a store breaks it.
//!
//! [`storage_conformance!`](crate::storage_conformance) makes one `#[test]` of each. What a store does when its disk fails cannot
//! be checked from outside: that is for its own tests.
#![expect(clippy::missing_panics_doc, reason = "a law panics where a store breaks it")]
#![expect(clippy::expect_used, reason = "a law panics where a store breaks it")]

use core::ops::ControlFlow;
use core::sync::atomic::{AtomicBool, Ordering};

use crate::{
    Answered, Body, Conversation, History, IdempotencyKey, KeyedRequest, Message, MessageNumber, Posted,
    Record, Recovered, RoomCreated, RoomId, Storage, Tail, Timestamp, UserName,
};

/// Makes the stores that the laws are checked on.
pub trait Subject {
    /// The kind of store.
    type Store: Storage;

    /// A new, empty store.
    fn fresh(&mut self) -> Self::Store;

    /// Closes `store`, one that [`fresh`](Self::fresh) made, and opens it again. A store that does not outlive the process is given
    /// back as it is.
    fn reopen(&mut self, store: Self::Store) -> Self::Store {
        store
    }
}

/// Makes a module of tests, one for each law of [`Storage`](crate::Storage).
///
/// It takes the name of the module and an expression that makes a [`Subject`](crate::conformance::Subject):
///
/// ```
/// use toom_core::{Epoch, MemoryStorage, conformance::Subject, storage_conformance};
///
/// struct Memory(u64);
///
/// impl Subject for Memory {
///     type Store = MemoryStorage;
///     fn fresh(&mut self) -> MemoryStorage {
///         self.0 += 1;
///         MemoryStorage::new(Epoch::new(self.0))
///     }
/// }
///
/// storage_conformance!(memory_storage, super::Memory(0));
/// ```
#[macro_export]
macro_rules! storage_conformance {
    ($module:ident, $subject:expr) => {
        $crate::storage_conformance! { @laws $module, $subject,
            a_fresh_store_is_empty
            two_fresh_stores_have_different_epochs
            what_was_appended_is_read_back_in_order
            texts_and_names_are_kept_to_the_letter
            an_empty_batch_changes_nothing
            reads_begin_behind_the_number_and_end_at_the_limit
            reading_ends_when_the_visitor_breaks
            locate_names_the_last_message_that_is_not_later
            conversations_do_not_mix
            the_floor_is_the_first_number_until_something_is_dropped
            recovery_finds_every_room_every_end_and_every_key
            the_last_256_keyed_requests_of_every_user_are_recovered
            a_reopened_store_holds_what_was_appended_and_goes_on
            the_last_reservation_of_stamps_is_recovered
            a_reader_sees_what_is_appended_after_it_was_made
            reads_on_another_thread_see_whole_batches_while_appends_go_on
        }
    };
    (@laws $module:ident, $subject:expr, $($law:ident)+) => {
        mod $module {
            $(
                #[test]
                fn $law() {
                    $crate::conformance::$law(&mut $subject);
                }
            )+
        }
    };
}

/// A store that nobody wrote to holds nothing.
pub fn a_fresh_store_is_empty<T: Subject>(subject: &mut T) {
    let mut store = subject.fresh();
    assert_eq!(store.recover().expect("a fresh store recovers"), Recovered::default());
    for conversation in [Conversation::Broadcast, room(1)] {
        assert_eq!(texts(&store, conversation, 0, 10), [""; 0]);
        assert_eq!(located(&store, conversation, i64::from(i32::MAX)), 0);
    }
}

/// The epoch is a birth mark.
pub fn two_fresh_stores_have_different_epochs<T: Subject>(subject: &mut T) {
    let first = subject.fresh();
    let epoch = first.epoch();
    assert_ne!(epoch, subject.fresh().epoch());
    assert_eq!(epoch, subject.reopen(first).epoch());
}

/// Messages come back whole, in order of number.
pub fn what_was_appended_is_read_back_in_order<T: Subject>(subject: &mut T) {
    let mut store = subject.fresh();
    let written: Vec<_> =
        (1..=300).map(|n| said(Conversation::Broadcast, n, n * 10, "luke", &n.to_string())).collect();
    for batch in written.chunks(7) {
        append(&mut store, batch);
    }
    assert_eq!(messages(&store, Conversation::Broadcast, 0, 1000), written);
}

/// Nothing is trimmed, folded or cut, up to the longest body.
pub fn texts_and_names_are_kept_to_the_letter<T: Subject>(subject: &mut T) {
    let mut store = subject.fresh();
    let longest = "é".repeat(Body::BYTES_MAX / 2);
    let odd = " two\nlines;#\u{202e}\u{10ffff} ";
    let written = [
        said(Conversation::Broadcast, 1, 1, "Obiwan", odd),
        said(Conversation::Broadcast, 2, 2, "ＬＵＫＥ", &longest),
    ];
    append(&mut store, &written);
    let mut read = Vec::new();
    let done = store.read(Conversation::Broadcast, None, 10, |message| {
        read.push((message.author.to_owned(), message.body.to_owned()));
        ControlFlow::Continue(())
    });
    done.expect("a healthy store reads");
    let expected = [("Obiwan", odd), ("ＬＵＫＥ", &longest)];
    assert_eq!(read, expected.map(|(author, body)| (author.to_owned(), body.to_owned())));
}

/// A batch may be empty.
pub fn an_empty_batch_changes_nothing<T: Subject>(subject: &mut T) {
    let mut store = subject.fresh();
    append(&mut store, &[said(Conversation::Broadcast, 1, 5, "luke", "hello")]);
    let before = store.recover().expect("recover");
    append(&mut store, &[]);
    assert_eq!(store.recover().expect("recover"), before);
}

/// `after` excludes what it names, `limit` counts messages, and beyond the end there is nothing.
pub fn reads_begin_behind_the_number_and_end_at_the_limit<T: Subject>(subject: &mut T) {
    let store = ten_messages(subject);
    assert_eq!(texts(&store, Conversation::Broadcast, 0, 3), ["1", "2", "3"]);
    assert_eq!(texts(&store, Conversation::Broadcast, 7, 100), ["8", "9", "10"]);
    assert_eq!(texts(&store, Conversation::Broadcast, 7, 2), ["8", "9"]);
    for (after, limit) in [(10, 100), (11, 100), (u64::MAX, 100), (0, 0)] {
        assert_eq!(
            texts(&store, Conversation::Broadcast, after, limit),
            [""; 0],
            "after {after}, {limit} at most"
        );
    }
}

/// A visitor that breaks is not called again.
pub fn reading_ends_when_the_visitor_breaks<T: Subject>(subject: &mut T) {
    let store = ten_messages(subject);
    let mut visited = 0;
    let read = store.read(Conversation::Broadcast, None, 100, |_| {
        visited += 1;
        if visited == 4 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    read.expect("read");
    assert_eq!(visited, 4);
}

/// `locate` is exact at, between, before and behind the times of the messages.
pub fn locate_names_the_last_message_that_is_not_later<T: Subject>(subject: &mut T) {
    let store = ten_messages(subject);
    for time in 0..=120 {
        let expected = u64::try_from(time / 10).expect("a small number").min(10);
        assert_eq!(located(&store, Conversation::Broadcast, time), expected, "at {time}");
    }
}

/// What is in one conversation is not in another.
pub fn conversations_do_not_mix<T: Subject>(subject: &mut T) {
    let mut store = subject.fresh();
    append(
        &mut store,
        &[
            built(1, 1, &["luke", "leia"]),
            built(2, 2, &["luke", "hans"]),
            said(room(1), 1, 10, "luke", "one"),
            said(Conversation::Broadcast, 1, 20, "luke", "all"),
            said(room(2), 1, 30, "luke", "two"),
            said(room(1), 2, 40, "leia", "one again"),
        ],
    );
    assert_eq!(texts(&store, room(1), 0, 10), ["one", "one again"]);
    assert_eq!(texts(&store, room(2), 0, 10), ["two"]);
    assert_eq!(texts(&store, Conversation::Broadcast, 0, 10), ["all"]);
    let places = [room(1), room(2), Conversation::Broadcast, room(3)]
        .map(|conversation| located(&store, conversation, 35));
    assert_eq!(places, [1, 1, 1, 0]);
}

/// The floor is 1 as long as everything is kept.
pub fn the_floor_is_the_first_number_until_something_is_dropped<T: Subject>(subject: &mut T) {
    let store = ten_messages(subject);
    for conversation in [Conversation::Broadcast, room(1)] {
        assert_eq!(store.floor(conversation).expect("floor"), MessageNumber::FIRST);
    }
}

/// An engine is told all that it must know.
pub fn recovery_finds_every_room_every_end_and_every_key<T: Subject>(subject: &mut T) {
    let mut store = subject.fresh();
    let mut records = vec![
        built(1, 1, &["Luke", "leia", "hans"]),
        said(room(1), 1, 10, "luke", "first"),
        built(2, 11, &["leia", "hans"]),
        said(Conversation::Broadcast, 1, 20, "leia", "all"),
        said(room(1), 2, 30, "leia", "last"),
    ];
    give_keys(&mut records, |n| format!("key-{n}"));
    append(&mut store, &records);

    let mut store = subject.reopen(store);
    let recovered = store.recover().expect("recover");
    let rooms: Vec<_> = recovered.rooms.iter().cloned().map(Record::RoomCreated).collect();
    let expected_rooms: Vec<_> =
        records.iter().filter(|record| matches!(record, Record::RoomCreated(_))).collect();
    assert_eq!(rooms.iter().collect::<Vec<_>>(), expected_rooms);
    let spelled: Vec<_> =
        recovered.rooms.iter().flat_map(|room| room.members.iter()).map(UserName::as_str).collect();
    assert_eq!(spelled, ["Luke", "leia", "hans", "leia", "hans"]);
    let mut tails = recovered.tails;
    tails.sort_by_key(|tail| tail.conversation);
    assert_eq!(tails, [tail(Conversation::Broadcast, 1, 20), tail(room(1), 2, 30)]);
    let keyed: Vec<_> = records.iter().filter_map(KeyedRequest::of).collect();
    assert_eq!(recovered.keyed, keyed);
}

/// However many requests others make, and however long ago it was.
pub fn the_last_256_keyed_requests_of_every_user_are_recovered<T: Subject>(subject: &mut T) {
    let mut store = subject.fresh();
    let author = |n| if n <= 3 { "leia" } else { "luke" };
    let mut records: Vec<_> =
        (1..=400).map(|n| said(Conversation::Broadcast, n, n, author(n), &n.to_string())).collect();
    give_keys(&mut records, |n| format!("key-{n}"));
    append(&mut store, &records);

    let recovered = subject.reopen(store).recover().expect("recover");
    let number = |request: &KeyedRequest| match request.answer {
        Answered::Posted { number, .. } => number.get(),
        Answered::RoomCreated { .. } => 0,
    };
    let numbers: Vec<_> = recovered.keyed.iter().map(number).collect();
    let last_of_luke = 400 - IdempotencyKey::REMEMBERED as u64 + 1..=400;
    for number in (1..=3).chain(last_of_luke) {
        assert!(numbers.contains(&number), "the request of message {number} is forgotten");
    }
    assert!(numbers.is_sorted(), "the keyed requests are not in order of time");
}

/// Closing loses nothing, and the numbers go on.
pub fn a_reopened_store_holds_what_was_appended_and_goes_on<T: Subject>(subject: &mut T) {
    let mut store = ten_messages(subject);
    for number in 11..=13 {
        store = subject.reopen(store);
        append(
            &mut store,
            &[said(Conversation::Broadcast, number, number * 10, "luke", &number.to_string())],
        );
    }
    let store = subject.reopen(store);
    let expected: Vec<_> = (1..=13).map(|number: u64| number.to_string()).collect();
    assert_eq!(texts(&store, Conversation::Broadcast, 0, 100), expected);
    assert_eq!(located(&store, Conversation::Broadcast, 125), 12);
}

/// What was reserved is no record, is kept like one, and gives way to what is reserved later.
pub fn the_last_reservation_of_stamps_is_recovered<T: Subject>(subject: &mut T) {
    let mut store = subject.fresh();
    for second in 1..=3 {
        let until = time(second * 1_000_000);
        store.reserve_stamps(until).expect("a healthy store reserves");
        assert_eq!(store.recover().expect("recover").stamps_reserved, Some(until));
        append(&mut store, &[said(Conversation::Broadcast, second, second * 10, "luke", "hello")]);
        store = subject.reopen(store);
        let recovered = store.recover().expect("recover");
        assert_eq!(recovered.stamps_reserved, Some(until));
        assert_eq!(recovered.tails, [tail(Conversation::Broadcast, second, second * 10)]);
    }
}

/// A reader is a window, not a copy.
pub fn a_reader_sees_what_is_appended_after_it_was_made<T: Subject>(subject: &mut T) {
    let mut store = subject.fresh();
    let reader = store.reader();
    append(&mut store, &[said(Conversation::Broadcast, 1, 10, "luke", "hello")]);
    let another = reader.clone();
    for reader in [reader, another] {
        assert_eq!(texts(&reader, Conversation::Broadcast, 0, 10), ["hello"]);
        assert_eq!(located(&reader, Conversation::Broadcast, 10), 1);
        assert_eq!(reader.floor(Conversation::Broadcast).expect("floor"), MessageNumber::FIRST);
    }
}

/// A batch of two is never seen by half, whenever a reader looks.
pub fn reads_on_another_thread_see_whole_batches_while_appends_go_on<T: Subject>(subject: &mut T) {
    const LAST: u64 = 400;
    let mut store = subject.fresh();
    let reader = store.reader();
    let written = &AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watching = scope.spawn(move || {
            let mut seen = 0;
            loop {
                let last_look = written.load(Ordering::Acquire);
                let read = messages(&reader, Conversation::Broadcast, seen, 1000);
                assert!(read.len() % 2 == 0, "half a batch was seen behind message {seen}");
                let numbers: Vec<_> = read.iter().map(number_of).collect();
                assert!(
                    numbers.iter().copied().eq(seen + 1..=seen + numbers.len() as u64),
                    "{numbers:?} after {seen}"
                );
                seen += numbers.len() as u64;
                if last_look {
                    return seen;
                }
            }
        });
        for number in (1..=LAST).step_by(2) {
            let batch = [number, number + 1].map(|n| said(Conversation::Broadcast, n, n, "luke", "x"));
            append(&mut store, &batch);
        }
        written.store(true, Ordering::Release);
        assert_eq!(watching.join().expect("the watching thread saw nothing wrong"), LAST);
    });
}

fn ten_messages<T: Subject>(subject: &mut T) -> T::Store {
    let mut store = subject.fresh();
    let records: Vec<_> =
        (1..=10).map(|n| said(Conversation::Broadcast, n, n * 10, "luke", &n.to_string())).collect();
    append(&mut store, &records);
    store
}

fn append(store: &mut impl Storage, records: &[Record]) {
    store.append(records).expect("a healthy store appends");
}

fn messages(history: &impl History, conversation: Conversation, after: u64, limit: usize) -> Vec<Record> {
    let mut read = Vec::new();
    let done = history.read(conversation, MessageNumber::new(after), limit, |message| {
        assert_eq!(message.conversation, conversation);
        let (number, at) = (message.number.get(), message.at.unix_micros().unsigned_abs());
        let record = said(conversation, number, at, message.author, message.body);
        read.push(record);
        ControlFlow::Continue(())
    });
    done.expect("a healthy store reads");
    assert!(read.len() <= limit, "more than {limit} messages were read");
    read
}

fn texts(history: &impl History, conversation: Conversation, after: u64, limit: usize) -> Vec<String> {
    let read = messages(history, conversation, after, limit).into_iter();
    read.filter_map(|record| match record {
        Record::Posted(posted) => Some(posted.message.body.as_str().to_owned()),
        Record::RoomCreated(_) => None,
    })
    .collect()
}

fn located(history: &impl History, conversation: Conversation, time: i64) -> u64 {
    let found = history.locate(conversation, Timestamp::from_unix_micros(time).expect("a time"));
    found.expect("a healthy store locates").map_or(0, MessageNumber::get)
}

fn number_of(record: &Record) -> u64 {
    match record {
        Record::Posted(posted) => posted.message.number.get(),
        Record::RoomCreated(_) => 0,
    }
}

fn room(number: u32) -> Conversation {
    Conversation::Room(RoomId::new(number).expect("a room's number"))
}

fn time(micros: u64) -> Timestamp {
    i64::try_from(micros).ok().and_then(Timestamp::from_unix_micros).expect("a time")
}

fn tail(conversation: Conversation, number: u64, at: u64) -> Tail {
    Tail { conversation, number: MessageNumber::new(number).expect("a number"), at: time(at) }
}

fn said(conversation: Conversation, number: u64, at: u64, author: &str, body: &str) -> Record {
    let message = Message {
        conversation,
        number: MessageNumber::new(number).expect("a number"),
        at: time(at),
        author: UserName::parse(author).expect("a name"),
        body: Body::parse(body).expect("a body"),
    };
    Record::Posted(Posted { message, key: None })
}

fn built(room: u32, at: u64, members: &[&str]) -> Record {
    let members = members.iter().map(|name| UserName::parse(name).expect("a name")).collect();
    let room = RoomId::new(room).expect("a room's number");
    Record::RoomCreated(RoomCreated { room, at: time(at), members, key: None })
}

fn give_keys(records: &mut [Record], name: impl Fn(usize) -> String) {
    for (n, record) in records.iter_mut().enumerate() {
        let key = Some(IdempotencyKey::parse(&name(n)).expect("a key"));
        match record {
            Record::Posted(posted) => posted.key = key,
            Record::RoomCreated(created) => created.key = key,
        }
    }
}
