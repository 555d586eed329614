//! What a store holds in memory is bounded, whatever is written to it.

use core::ops::ControlFlow;
use core::time::Duration;

use crate::simulated::{Call, Fault, SimDisk};
use crate::storage::file::names;
use crate::storage::file::samples::posted;
use crate::{
    Conversation, Disk, FileOptions, FileStorage, History, Housekeeping, MemoryStorage, Retention, Storage,
};

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

/// Else a file of history could not be dropped before the youngest message in it is too old.
#[test]
fn a_file_covers_at_most_an_eighth_of_the_time_that_is_kept_though_the_journal_has_room() {
    let retention = Retention { keep_for: Some(Duration::from_secs(8)), keep_bytes: None };
    let options = FileOptions::new([8; 16]).retention(retention).housekeeping(Housekeeping::Caller);
    let mut store = FileStorage::open_on(SimDisk::new(), options).unwrap();
    let mut writer = Writer::default();
    // In microseconds from the message before.
    for (wait_micros, begins_a_file) in [(1, false), (999_999, false), (1, false), (1, true), (1, false)] {
        let kind = Kind::Post { conversation: 0, bytes: 20 };
        store.append(&writer.write(&[Draft { kind, author: 0, wait_micros, keyed: false }])).unwrap();
        assert_eq!(store.work().unwrap(), begins_a_file);
    }
}

#[test]
fn a_file_that_was_not_finished_for_want_of_room_gives_back_what_it_took() {
    for kind in ["history-", "state-"] {
        let disk = SimDisk::new();
        let mut store = FileStorage::open_on(disk.clone(), sample::options()).unwrap();
        disk.inject(Fault::nth(1).of(Call::Write).in_files(kind).full().forever());
        let error = sample::batches(20).find_map(|records| {
            store.append(&records).unwrap();
            store.work().err()
        });
        assert!(error.unwrap().is_harmless());
        let left = || disk.names().unwrap().into_iter().filter(|name| names::id(name).is_some()).count();
        assert_eq!(left(), 0, "there was no room in {kind}");
        disk.heal();
        assert!(store.work().unwrap());
        assert_eq!(left(), 2);
    }
}

#[test]
fn who_asks_for_no_message_has_nothing_read() {
    let disk = SimDisk::new();
    let mut store = FileStorage::open_on(disk.clone(), sample::options()).unwrap();
    for records in sample::batches(20) {
        store.append(&records).unwrap();
        while store.work().unwrap() {}
    }
    let read = |limit| {
        let before = disk.calls(Call::Read);
        store.read(Conversation::Broadcast, None, limit, |_| ControlFlow::Continue(())).unwrap();
        disk.calls(Call::Read) - before
    };
    assert_eq!(read(0), 0);
    assert!(read(1) > 0);
}

#[test]
fn a_history_file_is_synced_at_every_half_mebibyte_and_no_more_often() {
    let disk = SimDisk::new();
    let mut store = FileStorage::open_on(disk.clone(), sample::options().journal_bytes(4 << 20)).unwrap();
    let body = "x".repeat(8000);
    let records: Vec<_> = (1..=280).map(|number| posted(number, &body)).collect();
    store.append(&records).unwrap();
    let before = disk.calls(Call::Sync);
    store.close().unwrap();
    // Of some 2.2 MiB: four times, at the end, the state file, and the manifest.
    let syncs = disk.calls(Call::Sync) - before;
    assert!((6..=9).contains(&syncs), "{syncs} syncs");
}
