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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulated::{Call, Fault, SimDisk};

    #[test]
    fn what_the_disk_does_not_give_is_zero_and_the_rest_is_read_from_its_place() {
        let disk = SimDisk::new();
        let bytes: Vec<u8> =
            (0..3 * PIECE_BYTES + 100).map(|at| u8::try_from(1 + at % 251).unwrap()).collect();
        disk.put("history", &bytes);
        // The whole, and the second piece of it.
        disk.inject(Fault::nth(1).of(Call::Read));
        disk.inject(Fault::nth(3).of(Call::Read));
        let mut buffer = vec![7; 3 * PIECE_BYTES];
        let file = disk.open("history", Access::Read).unwrap();
        read_what_is_readable(&file, &mut buffer, 100);
        let mut expected = bytes[100..].to_vec();
        expected[PIECE_BYTES..2 * PIECE_BYTES].fill(0);
        assert_eq!(disk.faults_hit(), 2);
        assert!(buffer == expected);
    }

    #[test]
    fn a_file_that_is_missing_is_empty_and_one_that_cannot_be_opened_is_an_error() {
        let disk = SimDisk::new();
        assert_eq!(load(&disk, "history").unwrap(), []);
        disk.put("history", b"there");
        disk.inject(Fault::nth(1).of(Call::Open));
        let error = load(&disk, "history").unwrap_err();
        assert!(matches!(error, StorageError::Failed { .. }), "{error}");
        assert_eq!(load(&disk, "history").unwrap(), b"there");
    }
}
