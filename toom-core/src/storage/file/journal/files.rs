//! The files of a journal: their names, and how they come to be.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use crate::StorageError;
use crate::storage::file::disk::{Access, Disk, DiskFile};
use crate::storage::file::fault;

const PREFIX: &str = "journal-";
const ZEROS_BYTES: usize = 1 << 20;

/// Which journal file: its number, 1 or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::storage::file) struct JournalFile(u32);

/// A journal file that is open for writing, and how many bytes may be written to it without making it longer.
pub(super) struct Opened<D: Disk> {
    pub(super) file: JournalFile,
    pub(super) handle: D::File,
    pub(super) bytes: u64,
}

impl JournalFile {
    pub(in crate::storage::file) fn name(self) -> String {
        format!("{PREFIX}{}", self.0)
    }

    /// The journal file that is called `name`, if one can be.
    pub(in crate::storage::file) fn from_name(name: &str) -> Option<Self> {
        let file = Self(name.strip_prefix(PREFIX)?.parse().ok()?);
        (file.0 > 0 && file.name() == name).then_some(file)
    }

    /// The file with this number, which is 1 or more.
    pub(in crate::storage::file) fn new(number: u32) -> Option<Self> {
        (number > 0).then_some(Self(number))
    }

    pub(in crate::storage::file) const fn number(self) -> u32 {
        self.0
    }

    /// The one with the lowest number that is not in `taken`.
    pub(super) fn beside(taken: &BTreeSet<Self>) -> Option<Self> {
        (1..=u32::MAX).map(Self).find(|file| !taken.contains(file))
    }
}

/// The journal files that are there.
pub(super) fn list<D: Disk>(disk: &D) -> Result<BTreeSet<JournalFile>, StorageError> {
    let names = disk.names().map_err(|error| fault::failed(disk.shown(""), "list the files", error))?;
    Ok(names.iter().filter_map(|name| JournalFile::from_name(name)).collect())
}

/// The lengths of the journal files that are there.
pub(in crate::storage::file) fn lengths<D: Disk>(
    disk: &D,
) -> Result<BTreeMap<JournalFile, u64>, StorageError> {
    list(disk)?.into_iter().map(|file| Ok((file, read(disk, file, DiskFile::len)?))).collect()
}

/// Opens `file` for reading, and reads it.
pub(super) fn read<D: Disk, T>(
    disk: &D,
    file: JournalFile,
    reading: impl FnOnce(&D::File) -> io::Result<T>,
) -> Result<T, StorageError> {
    let name = file.name();
    let read = disk.open(&name, Access::Read).and_then(|handle| reading(&handle));
    read.map_err(|error| fault::failed(disk.shown(&name), "read the journal", error))
}

/// Opens `file`. If it is shorter than `bytes`, because making it was broken off or the setting is a new one, it is filled up.
pub(super) fn open<D: Disk>(disk: &D, file: JournalFile, bytes: u64) -> Result<Opened<D>, StorageError> {
    let name = file.name();
    let failed = |error| fault::failed(disk.shown(&name), "open the journal", error);
    let handle = disk.open(&name, Access::Write).map_err(failed)?;
    let found = handle.len().map_err(failed)?;
    fill(disk, file, &handle, found..bytes)?;
    // Who filled it up may have been killed before the sync, and the manifest will say how long it is.
    handle.sync().map_err(failed)?;
    Ok(Opened { file, handle, bytes: found.max(bytes) })
}

/// Makes `file`, full of zeros; its name is not durable yet.
pub(super) fn make<D: Disk>(disk: &D, file: JournalFile, bytes: u64) -> Result<Opened<D>, StorageError> {
    let name = file.name();
    let created = disk.create(&name);
    let handle = created.map_err(|error| fault::of_write(disk.shown(&name), "make a journal file", error))?;
    fill(disk, file, &handle, 0..bytes)?;
    Ok(Opened { file, handle, bytes })
}

/// Makes durable that what was [made](make) is there.
pub(super) fn sync_names<D: Disk>(disk: &D) -> Result<(), StorageError> {
    disk.sync_names().map_err(|error| fault::failed(disk.shown(""), "sync the names of files", error))
}

/// Zeros that were written before are overwritten and synced in less time than a file takes to grow.
fn fill<D: Disk>(
    disk: &D,
    file: JournalFile,
    handle: &D::File,
    range: core::ops::Range<u64>,
) -> Result<(), StorageError> {
    if range.is_empty() {
        return Ok(());
    }
    let zeros = vec![0; ZEROS_BYTES];
    let mut offset = range.start;
    while offset < range.end {
        let left = usize::try_from(range.end - offset).unwrap_or(ZEROS_BYTES);
        let piece = zeros.get(..left).unwrap_or(&zeros);
        handle.write_at(piece, offset).map_err(|error| {
            fault::of_write(disk.shown(&file.name()), "fill a journal file with zeros", error)
        })?;
        offset += piece.len() as u64;
    }
    handle.sync().map_err(|error| fault::failed(disk.shown(&file.name()), "sync a journal file", error))
}
