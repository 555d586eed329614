//! The birth certificate of a store: what no other file can be read without, written once and never again.

use std::io;

use crate::storage::file::bytes::{Put, Take};
use crate::storage::file::checksum::Salt;
use crate::storage::file::disk::{Access, Disk, DiskFile};
use crate::storage::file::fault::{failed, of_write};
use crate::storage::file::names;
use crate::{Epoch, StorageError};

const MAGIC: &[u8; 8] = b"TOOMBORN";
const BYTES: usize = 32;
const UNSALTED: Salt = Salt::new(0);

/// What a store was given when it was made. The manifest has the same salt; this is for a repair without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Birth {
    pub(super) epoch: Epoch,
    pub(super) salt: Salt,
}

impl Birth {
    /// Writes it down, synced, but for its name.
    pub(super) fn store<D: Disk>(&self, disk: &D) -> Result<(), StorageError> {
        let thing = || disk.shown(names::BIRTH);
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.put_bytes(MAGIC);
        bytes.put_u64(self.epoch.get());
        bytes.put_u64(self.salt.bits());
        bytes.put_u64(UNSALTED.checksum(&bytes));
        let file = disk.create(names::BIRTH).map_err(|error| of_write(thing(), "make it", error))?;
        file.write_at(&bytes, 0).map_err(|error| of_write(thing(), "write it", error))?;
        file.sync().map_err(|error| failed(thing(), "sync it", error))
    }

    /// Reads it. It is damaged if it is missing, too: every store has one.
    pub(super) fn load<D: Disk>(disk: &D) -> Result<Self, StorageError> {
        let thing = || disk.shown(names::BIRTH);
        let corrupt = |what| StorageError::Corrupt { thing: thing(), offset: 0, what };
        let mut bytes = [0; BYTES];
        let read = disk.open(names::BIRTH, Access::Read).and_then(|file| file.read_at(&mut bytes, 0));
        match read.map_err(|error| (error.kind(), error)) {
            Ok(()) => Self::parse(&bytes).ok_or_else(|| corrupt("its checksum is wrong")),
            Err((io::ErrorKind::NotFound, _)) => Err(corrupt("it is missing")),
            Err((io::ErrorKind::UnexpectedEof, _)) => Err(corrupt("it ends early")),
            Err((_, error)) => Err(failed(thing(), "read it", error)),
        }
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (said, _) = bytes.split_at_checked(BYTES - size_of::<u64>())?;
        let mut take = Take::new(bytes);
        let is_one = take.bytes(MAGIC.len())? == MAGIC;
        let birth = Self { epoch: Epoch::new(take.u64()?), salt: Salt::new(take.u64()?) };
        (is_one && take.u64()? == UNSALTED.checksum(said)).then_some(birth)
    }
}
