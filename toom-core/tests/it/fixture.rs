//! The format on disk: what version 1 wrote is opened for ever, and what is written today is the same to the byte.

use core::ops::ControlFlow;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use toom_core::{
    Body, Conversation, Epoch, FileOptions, FileStorage, History, Housekeeping, IdempotencyKey, Message,
    MessageNumber, Posted, Record, RoomCreated, RoomId, Storage, Timestamp,
};

const BATCHES: u64 = 190;

fn options() -> FileOptions {
    let random = *b"epoch..1secret.1";
    FileOptions::new(random).journal_bytes(4096).housekeeping(Housekeeping::Caller)
}

fn at(number: u64) -> Timestamp {
    Timestamp::from_unix_micros(1_659_603_741_000_000 + i64::try_from(number).unwrap() * 1000).unwrap()
}

fn room() -> Conversation {
    Conversation::Room(RoomId::FIRST)
}

/// A broadcast message and one in a room, some with keys, texts that are not ASCII, and a room before everything.
fn batch(number: u64) -> Vec<Record> {
    let message = |conversation, author: &str, time, text: String| Message {
        conversation,
        number: MessageNumber::new(number).unwrap(),
        at: at(time),
        author: author.parse().unwrap(),
        body: Body::parse(&text).unwrap(),
    };
    let key = number.is_multiple_of(3).then(|| IdempotencyKey::parse(&format!("key-{number}")).unwrap());
    let said = message(Conversation::Broadcast, "Obiwan", 3 * number, format!("hello\nnumber {number} ✓"));
    let posted = message(room(), "ＬＥＩＡ", 3 * number + 1, "é".repeat(20));
    let mut records = Vec::new();
    if number == 1 {
        let members = ["Obiwan", "ＬＥＩＡ"].map(|name| name.parse().unwrap()).into();
        records.push(Record::RoomCreated(RoomCreated { room: RoomId::FIRST, at: at(0), members, key: None }));
    }
    records.push(Record::Posted(Posted { message: said, key }));
    records.push(Record::Posted(Posted { message: posted, key: None }));
    records
}

/// Writes the store, with runs, merged ones too, and batches that are still in the journal, and ends without closing it.
fn write(folder: &Path) {
    let mut store = FileStorage::open(folder, options()).unwrap();
    for number in 1..=BATCHES {
        store.append(&batch(number)).unwrap();
        if number < BATCHES - 5 {
            while store.work().unwrap() {}
        }
    }
    core::mem::forget(store);
}

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/store-1")
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

#[test]
fn a_store_that_the_first_format_wrote_opens_and_holds_everything() {
    let copy = TempDir::new().unwrap();
    for (name, bytes) in files(&fixture()) {
        fs::write(copy.path().join(name), bytes).unwrap();
    }
    let mut store = FileStorage::open(copy.path(), options()).unwrap();
    assert_eq!(store.epoch(), Epoch::new(u64::from_le_bytes(*b"epoch..1")));
    assert!(store.opened().replayed > 0, "nothing was left in the journal");
    let expected: Vec<_> = (1..=BATCHES).flat_map(batch).collect();
    let recovered = store.recover().unwrap();
    let rooms: Vec<_> = recovered.rooms.into_iter().map(Record::RoomCreated).collect();
    assert_eq!(rooms, expected[..1]);
    assert_eq!(recovered.keyed.len(), 63);
    for conversation in [Conversation::Broadcast, room()] {
        let mut read = Vec::new();
        let done = store.read(conversation, None, usize::MAX, |message| {
            read.push((message.number, message.at, message.author.to_owned(), message.body.to_owned()));
            ControlFlow::Continue(())
        });
        done.unwrap();
        let posted = expected.iter().filter_map(|record| match record {
            Record::Posted(posted) if posted.message.conversation == conversation => Some(&posted.message),
            _ => None,
        });
        let posted: Vec<_> = posted
            .map(|m| (m.number, m.at, m.author.as_str().to_owned(), m.body.as_str().to_owned()))
            .collect();
        assert_eq!(read, posted);
    }
}

#[test]
fn what_is_written_today_is_what_the_first_format_wrote() {
    let made = TempDir::new().unwrap();
    write(made.path());
    let (today, then) = (files(made.path()), files(&fixture()));
    assert_eq!(today.keys().collect::<Vec<_>>(), then.keys().collect::<Vec<_>>());
    for (name, bytes) in today {
        assert!(
            bytes == then[&name],
            "{name} is another: a new format needs a new number and a fixture of its own"
        );
    }
}
