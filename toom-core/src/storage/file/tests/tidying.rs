//! What a store does while nobody appends.

use core::time::Duration;
use std::thread;

use super::recording::Script;
use crate::simulated::SimDisk;
use crate::storage::file::names;
use crate::{Disk, FileOptions, FileStorage, Housekeeping, Storage};

fn histories(disk: &SimDisk) -> usize {
    let names = disk.names().unwrap();
    names.iter().filter(|name| names::is_history(name)).count()
}

/// A store that was closed, with several history files that are worth merging.
fn left() -> (SimDisk, FileOptions) {
    let Script { truth, options, .. } = Script::new(1, 40);
    let disk = SimDisk::new();
    let mut store = FileStorage::open_on(disk.clone(), options.housekeeping(Housekeeping::Caller)).unwrap();
    for batch in &truth.batches {
        store.append(batch).unwrap();
    }
    while store.work().unwrap() {}
    store.close().unwrap();
    assert!(histories(&disk) > 1, "there is something to tidy");
    (disk, options)
}

#[test]
fn the_history_of_a_store_that_nobody_appends_to_comes_into_one_file() {
    let (disk, options) = left();
    let store = FileStorage::open_on(disk.clone(), options.housekeeping(Housekeeping::Thread)).unwrap();
    for _ in 0..10_000 {
        if histories(&disk) == 1 {
            break;
        }
        thread::park_timeout(Duration::from_millis(5));
    }
    assert_eq!(histories(&disk), 1);
    store.close().unwrap();
}

#[test]
fn who_does_the_work_is_told_as_long_as_there_is_something_to_tidy() {
    let (disk, options) = left();
    let mut store = FileStorage::open_on(disk.clone(), options.housekeeping(Housekeeping::Caller)).unwrap();
    assert!(store.tidy().unwrap());
    assert!((0..1000).any(|_| !store.tidy().unwrap()), "it comes to an end");
    assert_eq!(histories(&disk), 1);
}
