//! Reading what a journal holds. Reading writes nothing.
//!
//! The frames of now are those whose sequence and chain go on from where the journal starts, wherever they lie. Where they end,
//! nothing that is whole may follow: a whole frame with a later sequence means that one before it was lost, which is damage.
//! Buffered frames alone may follow: the power failed, and the disk kept later ones and not an earlier one. They promised nothing.

use std::io;

use super::JournalStart;
use super::files::{self, JournalFile};
use super::frame::{ALIGNMENT, Frame, HEAD_BYTES, Head, Link};
use crate::StorageError;
use crate::storage::file::checksum::Salt;
use crate::storage::file::disk::{Disk, DiskFile};
use crate::storage::file::record_bytes::{Malformed, RecordRef};

/// What a journal held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::storage::file) struct Replayed {
    /// A sequence that no frame has yet, nor has any later one.
    pub(in crate::storage::file) next: u64,
    /// How many batches were read.
    pub(in crate::storage::file) batches: u64,
    /// What was left out at the end, if anything was.
    pub(in crate::storage::file) cut: Option<Cut>,
}

/// The end of a journal that was left out, because it was not written to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::storage::file) struct Cut {
    /// What a message to people calls the file.
    pub(in crate::storage::file) file: String,
    /// Where in it the first batch lies, or should lie, that was left out.
    pub(in crate::storage::file) offset: u64,
    /// What was left out.
    pub(in crate::storage::file) what: &'static str,
}

/// Lends every record to `visit`, in order.
///
/// # Errors
/// [`StorageError::Corrupt`] if a batch that was synced is damaged or missing, or is refused by `visit`. What was visited before
/// is right, but it may not be all.
pub(in crate::storage::file) fn replay<D: Disk>(
    disk: &D,
    salt: Salt,
    start: JournalStart,
    mut visit: impl FnMut(RecordRef<'_>) -> Result<(), Malformed>,
) -> Result<Replayed, StorageError> {
    let mut replay = Replay {
        disk,
        salt,
        first: start.first,
        next: Link { sequence: start.first, chain: start.chain },
        batches: 0,
        end: None,
        fronts: Vec::new(),
        strays: None,
    };
    let mut bytes = Vec::new();
    for file in in_order(disk, salt)? {
        load(disk, file, &mut bytes)?;
        replay.walk(file, &bytes, &mut visit)?;
    }
    replay.finish()
}

struct Replay<'d, D> {
    disk: &'d D,
    salt: Salt,
    first: u64,
    next: Link,
    batches: u64,
    /// Behind the last frame of now.
    end: Option<Place>,
    /// The first byte of every file.
    fronts: Vec<Place>,
    strays: Option<Strays>,
}

/// A place where the next frame may lie, and what does.
#[derive(Clone, Copy)]
struct Place {
    file: JournalFile,
    offset: usize,
    head: Option<Head>,
}

/// Whole frames that are later than where the journal starts, and yet none of its sequence.
struct Strays {
    lowest: Link,
    lowest_at: Place,
    highest: u64,
    any_synced: bool,
}

impl<D: Disk> Replay<'_, D> {
    fn walk(
        &mut self,
        file: JournalFile,
        bytes: &[u8],
        visit: &mut impl FnMut(RecordRef<'_>) -> Result<(), Malformed>,
    ) -> Result<(), StorageError> {
        let place = |offset| Place { file, offset, head: Head::at(bytes, offset) };
        self.fronts.push(place(0));
        let mut offset = 0;
        let mut end = None;
        while offset < bytes.len() {
            let Some(frame) = Frame::at(bytes, offset, self.salt) else {
                offset += ALIGNMENT;
                continue;
            };
            if frame.link() == self.next {
                frame.records(&mut *visit).map_err(|Malformed(what)| self.corrupt(place(offset), what))?;
                self.next = frame.next();
                self.batches += 1;
                end = Some(offset + frame.bytes());
            } else if frame.link().sequence >= self.first {
                self.stray(frame, place(offset));
            }
            offset += frame.bytes();
        }
        self.end = end.map(place).or(self.end);
        Ok(())
    }

    fn stray(&mut self, frame: Frame<'_>, at: Place) {
        let (link, is_synced) = (frame.link(), frame.is_synced());
        let strays = self.strays.get_or_insert(Strays {
            lowest: link,
            lowest_at: at,
            highest: link.sequence,
            any_synced: is_synced,
        });
        if link.sequence < strays.lowest.sequence {
            (strays.lowest, strays.lowest_at) = (link, at);
        }
        strays.highest = strays.highest.max(link.sequence);
        strays.any_synced |= is_synced;
    }

    fn finish(self) -> Result<Replayed, StorageError> {
        let torn = self
            .end
            .iter()
            .chain(&self.fronts)
            .find(|place| place.head.is_some_and(|head| head.resembles(self.next)));
        let cut = match (&self.strays, torn) {
            (None, None) => None,
            (None, Some(&torn)) => Some((torn, "a batch that was not written to its end")),
            (Some(strays), torn) => {
                let at = torn.copied().unwrap_or_else(|| self.gap_before(strays));
                if strays.any_synced
                    || torn.is_some_and(|torn| torn.head.is_some_and(|head| head.is_synced()))
                {
                    return Err(self.corrupt(at, "a batch is damaged or missing, and later ones are there"));
                }
                Some((at, "batches that were not synced when the power failed"))
            }
        };
        let highest = self.strays.as_ref().map_or(0, |strays| strays.highest);
        Ok(Replayed {
            next: self.next.sequence.max(highest.saturating_add(1)),
            batches: self.batches,
            cut: cut.map(|(at, what)| Cut {
                file: self.disk.shown(&at.file.name()),
                offset: at.offset as u64,
                what,
            }),
        })
    }

    /// Where the frame is missing that comes before `strays`: behind the last frame of now, or at the front of the file in which
    /// they lie, unless they lie at the front themselves.
    fn gap_before(&self, strays: &Strays) -> Place {
        let front = Place { offset: 0, ..strays.lowest_at };
        match self.end {
            Some(end) if end.file == front.file || strays.lowest_at.offset == 0 => end,
            _ => front,
        }
    }

    fn corrupt(&self, at: Place, what: &'static str) -> StorageError {
        StorageError::Corrupt { thing: self.disk.shown(&at.file.name()), offset: at.offset as u64, what }
    }
}

/// The journal files, in order of the sequence of the frame at their front; those without one come last.
fn in_order<D: Disk>(disk: &D, salt: Salt) -> Result<Vec<JournalFile>, StorageError> {
    let mut files = Vec::new();
    let mut front = Vec::new();
    for file in files::list(disk)? {
        load_front(disk, file, &mut front)?;
        let sequence = Frame::at(&front, 0, salt).map_or(u64::MAX, |frame| frame.link().sequence);
        files.push((sequence, file));
    }
    files.sort_unstable();
    Ok(files.into_iter().map(|(_, file)| file).collect())
}

fn load<D: Disk>(disk: &D, file: JournalFile, bytes: &mut Vec<u8>) -> Result<(), StorageError> {
    files::read(disk, file, |handle| fill(handle, handle.len()?, bytes))
}

/// Fills `bytes` with the frame at the front of the file, if one can be there.
fn load_front<D: Disk>(disk: &D, file: JournalFile, bytes: &mut Vec<u8>) -> Result<(), StorageError> {
    files::read(disk, file, |handle| {
        let len = handle.len()?;
        fill(handle, len.min(HEAD_BYTES as u64), bytes)?;
        match Head::at(bytes, 0).map(|head| head.frame_bytes()) {
            Some(whole) if whole <= len => fill(handle, whole, bytes),
            _ => Ok(()),
        }
    })
}

/// Fills `bytes` with the first `count` bytes of a file, which has so many.
fn fill(handle: &impl DiskFile, count: u64, bytes: &mut Vec<u8>) -> io::Result<()> {
    let count = usize::try_from(count).map_err(|_| io::ErrorKind::FileTooLarge)?;
    bytes.clear();
    bytes.try_reserve_exact(count).map_err(|_| io::ErrorKind::OutOfMemory)?;
    bytes.resize(count, 0);
    handle.read_at(bytes, 0)
}

#[cfg(test)]
mod tests;
