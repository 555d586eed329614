//! Reading what a journal holds. Reading writes nothing.
//!
//! The frames of now are those whose sequence and chain go on from where the journal starts, wherever they lie. Where they end,
//! nothing that is whole may follow: a whole frame with a later sequence means that one before it was lost, which is damage.
//! Buffered frames alone may follow: the power failed, and the disk kept later ones and not an earlier one. They promised nothing.

use std::io;

use super::JournalStart;
use super::files::{self, JournalFile};
use super::frame::{self, Frame, HEAD_BYTES, Head, Link};
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
pub struct Cut {
    /// What a message to people calls the file.
    pub file: String,
    /// Where in it the first batch lies, or should lie, that was left out.
    pub offset: u64,
    /// What was left out.
    pub what: &'static str,
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
        next: Link { sequence: start.first, chain: start.chain },
        batches: 0,
        end: None,
        fronts: Vec::new(),
        strays: Vec::new(),
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
    next: Link,
    batches: u64,
    /// Behind the last frame of now.
    end: Option<Place>,
    /// The first byte of every file.
    fronts: Vec<Place>,
    strays: Vec<Stray>,
}

/// A place where the next frame may lie, and what does.
#[derive(Clone, Copy)]
struct Place {
    file: JournalFile,
    offset: usize,
    head: Option<Head>,
}

/// A whole frame that did not go on from those before it.
#[derive(Clone, Copy)]
struct Stray {
    sequence: u64,
    at: Place,
    is_synced: bool,
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
        let mut end = None;
        for (offset, frame) in frame::all_in(bytes, self.salt) {
            if frame.link() == self.next {
                frame.records(&mut *visit).map_err(|Malformed(what)| self.corrupt(place(offset), what))?;
                self.next = frame.next();
                self.batches += 1;
                end = Some(offset + frame.bytes());
            } else if frame.link().sequence >= self.next.sequence {
                let (sequence, is_synced) = (frame.link().sequence, frame.is_synced());
                self.strays.push(Stray { sequence, at: place(offset), is_synced });
            }
        }
        self.end = end.map(place).or(self.end);
        Ok(())
    }

    fn finish(mut self) -> Result<Replayed, StorageError> {
        let next = self.next;
        self.strays.retain(|stray| stray.sequence >= next.sequence);
        let torn = self
            .end
            .iter()
            .chain(&self.fronts)
            .copied()
            .find_map(|at| at.head.filter(|head| head.resembles(next)).map(|head| (at, head)));
        let gap =
            self.strays.iter().min_by_key(|stray| stray.sequence).map(|first| self.gap_before(first.at));
        let cut = match (torn, gap) {
            (None, None) => None,
            (Some((at, _)), None) => Some((at, "a batch that was not written to its end")),
            (torn, Some(gap)) => {
                let at = torn.map_or(gap, |(at, _)| at);
                let was_synced = torn.is_some_and(|(_, head)| head.is_synced());
                if was_synced || self.strays.iter().any(|stray| stray.is_synced) {
                    return Err(self.corrupt(at, "a batch is damaged or missing, and later ones are there"));
                }
                Some((at, "batches that were not synced when the power failed"))
            }
        };
        let used = self.strays.iter().map(|stray| stray.sequence.saturating_add(1)).max();
        Ok(Replayed {
            next: next.sequence.max(used.unwrap_or(0)),
            batches: self.batches,
            cut: cut.map(|(at, what)| Cut {
                file: self.disk.shown(&at.file.name()),
                offset: at.offset as u64,
                what,
            }),
        })
    }

    /// Where a frame is missing, when the next that is there lies at `later`: behind the last frame of now, or at the front of
    /// the file of the later one, unless that lies at the front itself.
    fn gap_before(&self, later: Place) -> Place {
        match self.end {
            Some(end) if end.file == later.file || later.offset == 0 => end,
            _ => Place { offset: 0, ..later },
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
