//! What closing a store, and opening a copy of it, leaves and changes.

use core::ops::ControlFlow;

use crate::simulated::{Call, Fault, SimDisk};
use crate::{
    Conversation, Disk, FileOptions, FileStorage, History, Housekeeping, Record, Storage, StorageError,
    Timestamp,
};

use super::script::{Draft, Kind, Writer};

fn options() -> FileOptions {
    FileOptions::new([5; 16]).journal_bytes(1 << 12).housekeeping(Housekeeping::Caller)
}

fn batch(writer: &mut Writer) -> Vec<Record> {
    let kind = Kind::Post { conversation: 0, bytes: 20 };
    writer.write(&[Draft { kind, author: 0, wait_micros: 1, keyed: false }])
}

#[test]
fn a_store_that_was_not_there_is_said_to_be_made_and_one_that_was_is_not() {
    let disk = SimDisk::new();
    for made in [true, false] {
        let store = FileStorage::open_on(disk.clone(), options()).unwrap();
        assert_eq!(store.opened().made, made);
        store.close().unwrap();
    }
}

#[test]
fn the_journal_of_a_store_that_was_closed_is_not_looked_at() {
    let disk = SimDisk::new();
    let mut writer = Writer::default();
    let mut store = FileStorage::open_on(disk.clone(), options()).unwrap();
    store.append(&batch(&mut writer)).unwrap();
    store.close().unwrap();
    for name in disk.names().unwrap().iter().filter(|name| name.starts_with("journal")) {
        disk.put(name, &vec![0xa5; 1 << 12]);
    }
    disk.inject(Fault::nth(1).of(Call::Read).in_files("journal-").forever());
    let mut store = FileStorage::open_on(disk.clone(), options()).unwrap();
    assert_eq!((store.opened().replayed, &store.opened().cut), (0, &None));
    disk.heal();
    store.append(&batch(&mut writer)).unwrap();
    core::mem::forget(store);
    let mut store = FileStorage::open_on(disk.kill(), options()).unwrap();
    assert_eq!(store.opened().replayed, 1, "what was appended since is in the journal");
    assert_eq!(store.recover().unwrap().tails[0].number.get(), 2);
}

#[test]
fn a_store_that_was_restored_gets_another_epoch_and_keeps_it() {
    let disk = SimDisk::new();
    let epoch = FileStorage::open_on(disk.clone(), options()).unwrap().epoch();
    let again = FileOptions::new([6; 16]).journal_bytes(1 << 12);
    let restored = FileStorage::open_on(disk.clone(), again.restored()).unwrap().epoch();
    assert_ne!(restored, epoch);
    assert_eq!(FileStorage::open_on(disk, options()).unwrap().epoch(), restored);
}

#[test]
fn what_was_acknowledged_can_be_read_while_a_store_closes_and_when_that_fails() {
    let disk = SimDisk::new();
    let mut store = FileStorage::open_on(disk.clone(), options()).unwrap();
    store.append(&batch(&mut Writer::default())).unwrap();
    let reader = store.reader();
    disk.set_bytes_max(Some(0));
    store.close().unwrap_err();
    let mut read = Vec::new();
    let visit = |message: crate::MessageRef<'_>| {
        read.push(message.number.get());
        ControlFlow::Continue(())
    };
    reader.read(Conversation::Broadcast, None, 10, visit).unwrap();
    assert_eq!(read, [1]);
}

/// What lies in the journal then was written before it was opened, and bears the chain of that time.
#[test]
fn a_store_that_was_opened_and_not_written_to_is_not_said_to_be_cut() {
    let mut disk = SimDisk::new();
    let mut store = FileStorage::open_on(disk.clone(), options()).unwrap();
    store.append(&batch(&mut Writer::default())).unwrap();
    core::mem::forget(store);
    for replayed in [1, 0, 0] {
        disk = disk.kill();
        let store = FileStorage::open_on(disk.clone(), options()).unwrap();
        assert_eq!((store.opened().replayed, &store.opened().cut), (replayed, &None));
        core::mem::forget(store);
    }
}

#[test]
fn a_store_that_is_dropped_is_closed() {
    let disk = SimDisk::new();
    let mut store = FileStorage::open_on(disk.clone(), options()).unwrap();
    store.append(&batch(&mut Writer::default())).unwrap();
    drop(store);
    let mut store = FileStorage::open_on(disk, options()).unwrap();
    assert_eq!(store.opened().replayed, 0, "nothing is left in the journal");
    assert_eq!(store.recover().unwrap().tails[0].number.get(), 1);
}

#[test]
fn a_store_of_which_an_append_failed_does_nothing_until_it_is_opened_again() {
    let disk = SimDisk::new();
    let mut writer = Writer::default();
    let mut store = FileStorage::open_on(disk.clone(), options()).unwrap();
    store.append(&batch(&mut writer)).unwrap();
    disk.inject(Fault::nth(1).of(Call::Sync).in_files("journal-"));
    assert!(!store.append(&batch(&mut writer)).unwrap_err().is_harmless());
    let operations = disk.operations();
    let answers = [
        store.append(&batch(&mut writer)),
        store.reserve_stamps(Timestamp::MAX),
        store.work().map(|_| ()),
        store.tidy().map(|_| ()),
        store.close(),
    ];
    for answer in answers {
        assert!(matches!(answer, Err(StorageError::NeedsReopen)), "{answer:?}");
    }
    assert_eq!(disk.operations(), operations);
}
