//! Reading what can still be read.

use std::io;

use crate::StorageError;
use crate::storage::file::disk::{Access, Disk, DiskFile};
use crate::storage::file::fault::failed;

/// What a disk fails to read is passed over in pieces of so many bytes.
const PIECE_BYTES: usize = 4096;

/// Fills `buffer` with the bytes from `offset` on, and with zeros where the disk does not give them.
pub(in crate::storage::file) fn read_what_is_readable(file: &impl DiskFile, buffer: &mut [u8], offset: u64) {
    if file.read_at(buffer, offset).is_ok() {
        return;
    }
    let mut at = offset;
    for piece in buffer.chunks_mut(PIECE_BYTES) {
        if file.read_at(piece, at).is_err() {
            piece.fill(0);
        }
        at += piece.len() as u64;
    }
}

/// Opens a file that is to be read as far as it can be; `None` if it is not there.
pub(super) fn open<D: Disk>(disk: &D, name: &str) -> Result<Option<(D::File, u64)>, StorageError> {
    let opened = disk.open(name, Access::Read).and_then(|file| file.len().map(|bytes| (file, bytes)));
    match opened {
        Ok(opened) => Ok(Some(opened)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(disk.shown(name), "open it", error)),
    }
}

/// All bytes of a file that fits into memory; none if it is not there.
pub(super) fn load<D: Disk>(disk: &D, name: &str) -> Result<Vec<u8>, StorageError> {
    let Some((file, bytes)) = open(disk, name)? else { return Ok(Vec::new()) };
    let too_large = |_| failed(disk.shown(name), "read it", io::ErrorKind::OutOfMemory.into());
    let count = usize::try_from(bytes)
        .map_err(|_| failed(disk.shown(name), "read it", io::ErrorKind::FileTooLarge.into()))?;
    let mut buffer = Vec::new();
    buffer.try_reserve_exact(count).map_err(too_large)?;
    buffer.resize(count, 0);
    read_what_is_readable(&file, &mut buffer, 0);
    Ok(buffer)
}
