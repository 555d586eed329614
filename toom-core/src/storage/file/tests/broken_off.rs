//! What went wrong once in stores that were broken off.

use crate::simulated::{Call, Crash, Effort, Fault, SimDisk};
use crate::{FileOptions, FileStorage, Housekeeping, Storage, StorageError};

use super::script::Writer;

fn options() -> FileOptions {
    FileOptions::new([4; 16]).journal_bytes(512).housekeeping(Housekeeping::Caller)
}

fn open(disk: &SimDisk) -> FileStorage<SimDisk> {
    FileStorage::open_on(disk.clone(), options()).unwrap()
}

/// What the end of the process leaves, at every moment at which a store is made.
fn killed_while_made() -> Vec<Crash> {
    let disk = SimDisk::new();
    disk.record();
    drop(open(&disk));
    disk.trace().unwrap().kills().collect()
}

/// The length that it was filled up to was in the page cache, was put down in the manifest, and then lost.
#[test]
fn a_journal_file_that_was_filled_up_but_not_synced_is_not_taken_for_whole() {
    for killed in killed_while_made() {
        let store = open(&killed.disk);
        open(&killed.disk.crash(&mut |_| 0));
        drop(store);
    }
}

/// The journal files came to be before it was durable that the manifest has its name.
#[test]
fn nothing_is_built_on_a_manifest_whose_name_may_be_lost() {
    for killed in killed_while_made() {
        killed.disk.record();
        drop(open(&killed.disk));
        let recovery = killed.disk.trace().unwrap();
        recovery
            .crashes(Effort { all_up_to: 64, drawn: 8, seed: 0 })
            .for_each(|crash| drop(open(&crash.disk)));
    }
}

/// It did, with housekeeping by the caller: the state file was appended to and synced again.
#[test]
fn work_that_failed_is_not_tried_again() {
    let disk = SimDisk::new();
    let mut store = open(&disk);
    let mut writer = Writer::default();
    let mut batch = || {
        writer.write(&[super::script::Draft {
            kind: super::script::Kind::Post { conversation: 0, bytes: 300 },
            author: 0,
            wait_micros: 1,
            keyed: false,
        }])
    };
    for _ in 0..2 {
        store.append(&batch()).unwrap();
    }
    store.work().unwrap();
    store.append(&batch()).unwrap();
    disk.inject(Fault::nth(1).of(Call::Sync).in_files("state-"));
    assert!(matches!(store.work(), Err(StorageError::Failed { .. })));
    assert!(matches!(store.work(), Err(StorageError::NeedsReopen)));
    assert_eq!(disk.syncs_repeated(), 0);
}
