//! Setting the old files aside once a repaired store counts.

use crate::StorageError;
use crate::storage::file::disk::Disk;
use crate::storage::file::fault::failed;
use crate::storage::file::journal::JournalFile;
use crate::storage::file::manifest::Manifest;
use crate::storage::file::names;
use crate::storage::file::open;

/// Sets aside what a repair that was broken off left to be set aside.
pub(in crate::storage::file) fn finish<D: Disk>(disk: &D) -> Result<(), StorageError> {
    match Manifest::load(disk)? {
        Some(manifest) if manifest.sets_aside => set_aside(disk, manifest),
        _ => Ok(()),
    }
}

/// Gives other names to all files that `manifest` does not name, durably.
pub(super) fn set_aside<D: Disk>(disk: &D, manifest: Manifest) -> Result<(), StorageError> {
    let taken = open::names(disk)?;
    let live = manifest.live_names();
    for name in &taken {
        let is_of_a_store = names::id(name).is_some() || JournalFile::from_name(name).is_some();
        if is_of_a_store && !live.contains(name) {
            rename(disk, name, &taken)?;
        }
    }
    sync_names(disk)?;
    Manifest { sets_aside: false, ..manifest }.store(disk)
}

/// Gives another name to one file.
pub(super) fn rename<D: Disk>(disk: &D, name: &str, taken: &[String]) -> Result<(), StorageError> {
    let renamed = disk.rename(name, &names::damaged(name, taken));
    renamed.map_err(|error| failed(disk.shown(name), "set it aside", error))
}

pub(super) fn sync_names<D: Disk>(disk: &D) -> Result<(), StorageError> {
    disk.sync_names().map_err(|error| failed(disk.shown("."), "sync the folder", error))
}
