//! What a store holds in memory is bounded, whatever is written to it.

use crate::simulated::SimDisk;
use crate::{FileOptions, FileStorage, Housekeeping, Storage};

use super::script::{Draft, Kind, Writer};

/// A room takes some 60 bytes in the journal, and ten times as much in memory.
#[test]
fn memory_is_bounded_where_records_take_more_of_it_than_of_the_journal() {
    let options = FileOptions::new([8; 16]).journal_bytes(64 << 10).housekeeping(Housekeeping::Caller);
    let mut store = FileStorage::open_on(SimDisk::new(), options).unwrap();
    let mut writer = Writer::default();
    let mut build = |rooms: usize| {
        let room = Draft { kind: Kind::Room, author: 0, wait_micros: 1, keyed: true };
        store.append(&writer.write(&vec![room; rooms])).unwrap();
        store.work().unwrap()
    };
    assert!(!build(100), "so few rooms stay in memory until the journal file is full");
    assert!((0..4).any(|_| build(100)), "more of them go to the state file, though the journal has room");
}
