//! Every store gives the answers that the bare vector gives: only so is it fair to compare their times.

use toom_core::{Conversation, FileStorage, MemoryStorage, Message, MessageNumber, Timestamp};

use super::*;
use crate::data::{Feed, conversation};

const CACHE_BYTES: usize = 1 << 20;
const ROOMS: u32 = 50;
const MESSAGES: usize = 20_000;
const BATCHES: [usize; 5] = [1, 16, 256, 4096, 999];

/// All messages, in batches of many sizes.
fn batches() -> (Feed, Vec<Vec<Record>>) {
    let mut feed = Feed::new(ROOMS);
    let mut batches = vec![feed.rooms()];
    for size in BATCHES.into_iter().cycle() {
        let left = MESSAGES - usize::try_from(feed.made()).unwrap();
        if left == 0 {
            return (feed, batches);
        }
        batches.push(feed.batch(size.min(left)));
    }
    unreachable!("a cycle has no end")
}

/// Reads of every kind, those at the ends of what there is among them.
fn queries(feed: &Feed) -> Vec<Query> {
    let (_, _, end) = feed.last().unwrap();
    let times = [Timestamp::MIN, end, end.next().unwrap(), Timestamp::MAX];
    let times = times.into_iter().chain((0..40).map(|step| {
        let span = end.unix_micros() - crate::data::START_MICROS;
        Timestamp::from_unix_micros(crate::data::START_MICROS + span * step / 40).unwrap()
    }));
    let places = times.map(From::Since);
    let numbers = [0, 1, 99, 9_900, 10_000, 20_000].map(|number| From::After(MessageNumber::new(number)));
    let from: Vec<From> = places.chain(numbers).collect();
    let mut queries = Vec::new();
    // The last of these conversations has no messages.
    for number in [0, 1, 2, ROOMS / 2, ROOMS, ROOMS + 1] {
        for &from in &from {
            for limit in [1, 100, 10_000] {
                queries.push(Query { conversation: conversation(number), from, limit });
            }
        }
    }
    queries
}

fn read(store: &impl Store, query: &Query) -> Vec<(Conversation, u64, i64, String, String)> {
    let mut page = Vec::new();
    read_page(store, query, |message| {
        let (number, at) = (message.number.get(), message.at.unix_micros());
        page.push((message.conversation, number, at, message.author.to_owned(), message.body.to_owned()));
    })
    .unwrap();
    page
}

fn agree<S: Store>(store: &S, vector: &vector::Vector, queries: &[Query]) {
    for query in queries {
        assert_eq!(read(store, query), read(vector, query), "{query:?}");
    }
    assert_eq!(store.answer(queries).unwrap(), vector.answer(queries).unwrap());
}

/// Fills `S` and the vector with the same, and compares, also after reopening where `S` is to be found again.
fn answers_as_the_vector_does<S: Store>(lasts: bool) {
    let folder = tempfile::tempdir().unwrap();
    let (feed, batches) = batches();
    let mut store = S::open(folder.path(), CACHE_BYTES).unwrap();
    let mut vector = vector::Vector::open(folder.path(), CACHE_BYTES).unwrap();
    for batch in &batches {
        store.append(batch).unwrap();
        vector.append(batch).unwrap();
    }
    let queries = queries(&feed);
    agree(&store, &vector, &queries);
    if lasts {
        drop(store);
        let mut reopened = S::open(folder.path(), CACHE_BYTES).unwrap();
        agree(&reopened, &vector, &queries);
        let more = feed.clone().batch(100);
        reopened.append(&more).unwrap();
        vector.append(&more).unwrap();
        agree(&reopened, &vector, &queries);
    }
}

#[test]
fn the_vector_finds_what_a_look_at_every_message_finds() {
    let (feed, batches) = batches();
    let mut vector = vector::Vector::default();
    let mut all: Vec<Message> = Vec::new();
    for batch in &batches {
        vector.append(batch).unwrap();
        all.extend(crate::data::messages(batch).cloned());
    }
    for query in &queries(&feed) {
        let later = |message: &&Message| match query.from {
            From::Since(since) => message.at > since,
            From::After(after) => after.is_none_or(|after| message.number > after),
        };
        let of_it = all.iter().filter(|message| message.conversation == query.conversation);
        let expected: Vec<u64> =
            of_it.filter(later).take(query.limit).map(|message| message.number.get()).collect();
        let found: Vec<u64> = read(&vector, query).into_iter().map(|(_, number, ..)| number).collect();
        assert_eq!(found, expected, "{query:?}");
    }
}

#[test]
fn toom_in_a_folder_answers_as_the_vector_does() {
    answers_as_the_vector_does::<toom::Toom<FileStorage>>(true);
}

#[test]
fn toom_in_memory_answers_as_the_vector_does() {
    answers_as_the_vector_does::<toom::Toom<MemoryStorage>>(false);
}

#[test]
fn sqlite_answers_as_the_vector_does() {
    answers_as_the_vector_does::<sqlite::Sqlite>(true);
}

#[test]
fn redb_answers_as_the_vector_does() {
    answers_as_the_vector_does::<redb::Redb>(true);
}

#[test]
fn lmdb_answers_as_the_vector_does() {
    answers_as_the_vector_does::<lmdb::Lmdb>(true);
}

#[test]
fn fjall_answers_as_the_vector_does() {
    answers_as_the_vector_does::<fjall::Fjall>(true);
}

#[test]
fn what_was_seen_tells_a_changed_message_from_the_right_one() {
    let mut feed = Feed::new(1);
    let batch = feed.batch(2);
    let right: Vec<Message> = crate::data::messages(&batch).cloned().collect();
    let mut swapped = right.clone();
    swapped.reverse();
    let mut renumbered = right.clone();
    renumbered[0].number = MessageNumber::new(77).unwrap();
    let mut later = right.clone();
    later[0].at = later[0].at.next().unwrap();
    for wrong in [swapped, renumbered, later, right[..1].to_vec()] {
        assert_ne!(Seen::of(&right), Seen::of(&wrong));
    }
}
