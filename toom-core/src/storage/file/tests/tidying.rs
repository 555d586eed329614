//! What a store does while nobody appends.

use core::time::Duration;
use std::thread;

use super::recording::Script;
use crate::simulated::SimDisk;
use crate::storage::file::names;
use crate::{Disk, FileStorage, Housekeeping, Storage};

fn histories(disk: &SimDisk) -> usize {
    let names = disk.names().unwrap();
    names.iter().filter(|name| names::is_history(name)).count()
}

#[test]
fn the_history_of_a_store_that_nobody_appends_to_comes_into_one_file() {
    let Script { truth, options, .. } = Script::new(1, 40);
    let disk = SimDisk::new();
    let mut store = FileStorage::open_on(disk.clone(), options.housekeeping(Housekeeping::Caller)).unwrap();
    for batch in &truth.batches {
        store.append(batch).unwrap();
    }
    while store.work().unwrap() {}
    assert!(histories(&disk) > 1, "there is something to tidy");
    store.close().unwrap();

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
