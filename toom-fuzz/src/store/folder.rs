//! The folders that inputs are put into.

use std::collections::BTreeMap;

use toom_core::simulated::SimDisk;
use toom_core::{
    Body, Conversation, Disk as _, FileOptions, FileStorage, Housekeeping, IdempotencyKey, Message,
    MessageNumber, Posted, Record, RoomCreated, RoomId, Storage as _, Timestamp, UserName,
};

/// The files of a store.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

const USERS: [&str; 3] = ["Obiwan", "ＬＥＩＡ", "hans"];

pub(crate) fn options() -> FileOptions {
    FileOptions::new(*b"epoch..1secret.1")
        .journal_bytes(2048)
        .index_cache_bytes(64 << 10)
        .housekeeping(Housekeeping::Caller)
}

/// Gives records as an engine does: with the numbers that are due, and times that rise.
#[derive(Default)]
pub(crate) struct Writer {
    micros: i64,
    rooms: u32,
    numbers: BTreeMap<Conversation, u64>,
}

impl Writer {
    /// A message in the broadcast conversation, which is 0, or in a room.
    pub(crate) fn post(&mut self, room: u32, author: usize, body: &str, key: Option<&str>) -> Record {
        let conversation = RoomId::new(room).map_or(Conversation::Broadcast, Conversation::Room);
        let number = self.numbers.entry(conversation).or_default();
        *number += 1;
        let number = MessageNumber::new(*number).expect("it is not zero");
        let body = Body::parse(body).expect("it is a text");
        let message = Message { conversation, number, at: self.now(), author: user(author), body };
        Record::Posted(Posted { message, key: key.map(parse_key) })
    }

    /// A room of all users but one.
    pub(crate) fn room(&mut self, without: usize, key: Option<&str>) -> Record {
        self.rooms += 1;
        let room = RoomId::new(self.rooms).expect("it is not zero");
        let members = (0..USERS.len()).filter(|nth| *nth != without).map(user).collect();
        Record::RoomCreated(RoomCreated { room, at: self.now(), members, key: key.map(parse_key) })
    }

    fn now(&mut self) -> Timestamp {
        self.micros += 1000;
        Timestamp::from_unix_micros(1_659_603_741_000_000 + self.micros).expect("it lies in 2022")
    }
}

fn user(nth: usize) -> UserName {
    let name = USERS.get(nth % USERS.len()).expect("the remainder is smaller");
    UserName::parse(name).expect("it is a name")
}

fn parse_key(raw: &str) -> IdempotencyKey {
    IdempotencyKey::parse(raw).expect("it is a key")
}

/// The first batch of every store: two rooms, and something said everywhere.
pub(crate) fn first_batch(writer: &mut Writer) -> Vec<Record> {
    vec![
        writer.room(2, Some("build-1")),
        writer.post(0, 0, "hello\nthere ✓", Some("key-1")),
        writer.room(0, None),
        writer.post(1, 1, "psst", None),
        writer.post(2, 2, "é", Some("key-2")),
        writer.post(0, 1, "hello yourself", None),
    ]
}

/// A new store on a disk of its own.
pub(crate) fn made() -> (SimDisk, FileStorage<SimDisk>) {
    let disk = SimDisk::new();
    let store = opened(&disk);
    (disk, store)
}

pub(crate) fn opened(disk: &SimDisk) -> FileStorage<SimDisk> {
    FileStorage::open_on(disk.clone(), options()).expect("nothing is wrong with it")
}

pub(crate) fn append(store: &mut FileStorage<SimDisk>, records: &[Record]) {
    store.append(records).expect("there is room");
}

/// What the end of the process leaves of a store that is not closed.
pub(crate) fn left(disk: &SimDisk, store: FileStorage<SimDisk>) -> Files {
    let files = files_of(&disk.kill());
    drop(store);
    files
}

pub(crate) fn files_of(disk: &SimDisk) -> Files {
    let names = disk.names().expect("no fault was injected");
    names.into_iter().filter_map(|name| disk.bytes_of(&name).map(|bytes| (name, bytes))).collect()
}

pub(crate) fn disk_of(files: &Files) -> SimDisk {
    let disk = SimDisk::new();
    for (name, bytes) in files {
        disk.put(name, bytes);
    }
    disk
}
