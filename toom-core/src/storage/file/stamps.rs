//! The file that keeps up to where stamps are used though no record bears them.
//!
//! It is made when that is first asked for, and anew when the store is opened. It says it twice, so far apart that no write that breaks off
//! harms both, and the first is synced before the second is written. So one of them is whole whatever happens, and once it was acknowledged
//! both are.
//!
//! | at | bytes | what |
//! |---|---|---|
//! | 0 | 8 | `TOOMTIME` |
//! | 8 | 8 | the time |
//! | 16 | 8 | checksum of that |
//! | 4096 | 24 | the same again |

use std::io;

use crate::storage::file::bytes::{Put, Take};
use crate::storage::file::checksum::Salt;
use crate::storage::file::disk::{Access, Disk, DiskFile};
use crate::storage::file::fault::{failed, of_write};
use crate::storage::file::names;
use crate::{StorageError, Timestamp};

const MAGIC: &[u8; 8] = b"TOOMTIME";
const BYTES: usize = 24;
/// Where it is said. Disks write blocks of 4096 bytes, or of a part of that.
const PLACES: [u64; 2] = [0, 4096];
const UNSALTED: Salt = Salt::new(0);

/// The file, and what it says.
pub(super) struct Stamps<D: Disk> {
    disk: D,
    file: Option<D::File>,
    until: Option<Timestamp>,
}

impl<D: Disk> Stamps<D> {
    /// Reads it, if it is there, and puts a new one in its place that says the same: of what can be read, nobody knows what is durable. Who
    /// wrote it may have been killed before a sync, or a sync may have failed, and the next one then tells nothing of what was written
    /// before it.
    pub(super) fn open(disk: &D) -> Result<Self, StorageError> {
        let mut stamps = Self { disk: disk.clone(), file: None, until: None };
        if let Some(until) = load(disk)? {
            stamps.keep(until)?;
        }
        Ok(stamps)
    }

    /// Up to where stamps are used.
    pub(super) fn until(&self) -> Option<Timestamp> {
        self.until
    }

    /// Keeps that stamps are used up to `until`. After an error that is not harmless it must not be used any more.
    pub(super) fn keep(&mut self, until: Timestamp) -> Result<(), StorageError> {
        match &self.file {
            Some(file) => write(file, until, &self.shown())?,
            None => self.file = Some(self.make(until)?),
        }
        self.until = Some(until);
        Ok(())
    }

    fn make(&self, until: Timestamp) -> Result<D::File, StorageError> {
        let thing = || self.disk.shown(names::STAMPS_NEW);
        let file =
            self.disk.create(names::STAMPS_NEW).map_err(|error| of_write(thing(), "make it", error))?;
        write(&file, until, &thing())?;
        self.disk
            .rename(names::STAMPS_NEW, names::STAMPS)
            .and_then(|()| self.disk.sync_names())
            .map_err(|error| failed(self.shown(), "give it its name", error))?;
        Ok(file)
    }

    fn shown(&self) -> String {
        self.disk.shown(names::STAMPS)
    }
}

fn write(file: &impl DiskFile, until: Timestamp, thing: &str) -> Result<(), StorageError> {
    let mut bytes = Vec::with_capacity(BYTES);
    bytes.put_bytes(MAGIC);
    bytes.put_i64(until.unix_micros());
    bytes.put_u64(UNSALTED.checksum(&bytes));
    PLACES.iter().try_for_each(|place| {
        file.write_at(&bytes, *place).map_err(|error| of_write(thing.to_owned(), "write it", error))?;
        file.sync().map_err(|error| failed(thing.to_owned(), "sync it", error))
    })
}

/// Up to where stamps are used, as the file says; `None` if there is none.
pub(super) fn load<D: Disk>(disk: &D) -> Result<Option<Timestamp>, StorageError> {
    let thing = || disk.shown(names::STAMPS);
    let file = match disk.open(names::STAMPS, Access::Read) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(thing(), "open it", error)),
    };
    let mut said = None;
    for place in PLACES {
        let mut bytes = [0; BYTES];
        match file.read_at(&mut bytes, place) {
            Ok(()) => said = said.max(parse(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
            Err(error) => return Err(failed(thing(), "read it", error)),
        }
    }
    let what = "neither of the two times in it is whole";
    said.map(Some).ok_or_else(|| StorageError::Corrupt { thing: thing(), offset: 0, what })
}

fn parse(bytes: &[u8]) -> Option<Timestamp> {
    let (said, _) = bytes.split_at_checked(BYTES - size_of::<u64>())?;
    let mut take = Take::new(bytes);
    let is_one = take.bytes(MAGIC.len())? == MAGIC;
    let until = take.time()?;
    (is_one && take.u64()? == UNSALTED.checksum(said)).then_some(until)
}
