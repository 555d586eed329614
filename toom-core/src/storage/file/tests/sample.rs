//! A small store with something of everything, and the same records in memory.

use super::script::{CONVERSATIONS, Draft, Kind, Writer};
use crate::simulated::SimDisk;
use crate::{Epoch, FileOptions, FileStorage, Housekeeping, MemoryStorage, Record, Storage};

/// A store that was left without being closed: with rooms, history files, a state file, and batches in the journal.
pub(super) struct Sample {
    pub(super) disk: SimDisk,
    pub(super) memory: MemoryStorage,
}

pub(super) fn options() -> FileOptions {
    FileOptions::new([9; 16]).journal_bytes(1500).housekeeping(Housekeeping::Caller)
}

/// The batch numbered `number`: every third begins with a room as long as there are not enough.
fn drafts(number: usize) -> Vec<Draft> {
    let post = |author: usize, conversation: u32| Draft {
        kind: Kind::Post { conversation, bytes: 20 + (number * 37 + author * 11) % 90 },
        author,
        wait_micros: 5,
        keyed: (number + author).is_multiple_of(3),
    };
    let rooms = u32::try_from(number / 3).unwrap().min(CONVERSATIONS - 1);
    let room =
        Draft { kind: Kind::Room, author: number % 4, wait_micros: 3, keyed: number.is_multiple_of(2) };
    let builds = number.is_multiple_of(3) && number / 3 < CONVERSATIONS as usize - 1;
    let posts = (0..3).map(|author| post(author, (u32::try_from(number).unwrap() + 1) * 7 % (rooms + 1)));
    builds.then_some(room).into_iter().chain(posts).collect()
}

/// Batches as an engine gives them.
pub(super) fn batches(batches: usize) -> impl Iterator<Item = Vec<Record>> {
    let mut writer = Writer::default();
    (0..batches).map(move |number| writer.write(&drafts(number)))
}

/// A store with so many batches.
pub(super) fn sample(count: usize) -> Sample {
    let disk = SimDisk::new();
    let mut store = FileStorage::open_on(disk.clone(), options()).unwrap();
    let mut memory = MemoryStorage::new(Epoch::new(1));
    for records in batches(count) {
        store.append(&records).unwrap();
        memory.append(&records).unwrap();
        store.work().unwrap();
    }
    let disk = disk.kill();
    core::mem::forget(store);
    Sample { disk, memory }
}
