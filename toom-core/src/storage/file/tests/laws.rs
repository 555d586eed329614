//! The laws of a store, on real files and on a simulated disk, with histories that lie in memory and in files.

use std::collections::BTreeMap;

use tempfile::TempDir;

use crate::conformance::Subject;
use crate::simulated::SimDisk;
use crate::{Disk, Epoch, FileOptions, FileStorage, Folder, Housekeeping, Storage, storage_conformance};

/// Makes stores on disks of its own; `journal_bytes` decides how soon what is written leaves memory.
struct Stores<D: Disk> {
    options: FileOptions,
    make_disk: Box<dyn FnMut() -> D>,
    made: BTreeMap<Epoch, D>,
}

impl<D: Disk> Stores<D> {
    fn new(options: FileOptions, make_disk: impl FnMut() -> D + 'static) -> Self {
        Self { options, make_disk: Box::new(make_disk), made: BTreeMap::new() }
    }
}

impl<D: Disk> Subject for Stores<D> {
    type Store = FileStorage<D>;

    fn fresh(&mut self) -> Self::Store {
        let disk = (self.make_disk)();
        let mut options = self.options;
        options.random.0[0] = u8::try_from(self.made.len()).unwrap();
        let store = FileStorage::open_on(disk.clone(), options).unwrap();
        self.made.insert(store.epoch(), disk);
        store
    }

    fn reopen(&mut self, store: Self::Store) -> Self::Store {
        let disk = self.made[&store.epoch()].clone();
        store.close().unwrap();
        FileStorage::open_on(disk, self.options).unwrap()
    }
}

fn options(journal_bytes: u64) -> FileOptions {
    FileOptions::new([7; 16]).journal_bytes(journal_bytes)
}

fn in_folders(journal_bytes: u64) -> Stores<Folder> {
    let folders = TempDir::new().unwrap();
    let mut made = 0;
    Stores::new(options(journal_bytes), move || {
        made += 1;
        Folder::open(folders.path().join(made.to_string())).unwrap()
    })
}

fn simulated(journal_bytes: u64) -> Stores<SimDisk> {
    Stores::new(options(journal_bytes).housekeeping(Housekeeping::Caller), SimDisk::new)
}

storage_conformance!(in_a_folder, super::in_folders(1 << 20));
storage_conformance!(in_a_folder_with_tiny_journals, super::in_folders(512));
storage_conformance!(on_a_simulated_disk, super::simulated(1 << 16));
storage_conformance!(on_a_simulated_disk_with_tiny_journals, super::simulated(256));
