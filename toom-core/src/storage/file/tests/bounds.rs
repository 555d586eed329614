//! What a store holds in memory is bounded, whatever is written to it.

use crate::simulated::SimDisk;
use crate::{Disk, FileOptions, FileStorage, History, Housekeeping, MemoryStorage, Storage};

use super::sample;
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

#[test]
fn the_bytes_on_disk_are_those_of_all_history_files_for_the_store_and_for_its_readers() {
    let disk = SimDisk::new();
    let mut store = FileStorage::open_on(disk.clone(), sample::options()).unwrap();
    assert_eq!(store.bytes_on_disk(), Some(0));
    for records in sample::batches(20) {
        store.append(&records).unwrap();
        while store.work().unwrap() {}
    }
    let names = disk.names().unwrap().into_iter().filter(|name| name.starts_with("history-"));
    let bytes = names.map(|name| disk.bytes_of(&name).unwrap().len() as u64).sum();
    assert!(bytes > 0);
    assert_eq!((store.bytes_on_disk(), store.reader().bytes_on_disk()), (Some(bytes), Some(bytes)));
    assert_eq!(MemoryStorage::new(store.epoch()).bytes_on_disk(), None);
    let shown = format!("{store:?} {:?}", store.reader());
    assert!(shown.contains("needs_reopen: false") && shown.contains("FileReader"), "{shown}");
}
