//! Reading every whole frame of a journal, whatever lies before it.

use super::frame::{ALIGNMENT, Frame};
use crate::storage::file::checksum::Salt;
use crate::storage::file::record_bytes::RecordRef;

/// Lends every record of the journal files `files`, in the order in which they were appended, and returns the highest sequence.
///
/// Frames before `first` moved to the history; those of them that were synced say what is there still. Those that were buffered may have
/// been cut, and their numbers given to others.
pub(in crate::storage::file) fn salvage<'a>(
    files: &'a [Vec<u8>],
    salt: Salt,
    first: u64,
    mut visit: impl FnMut(RecordRef<'a>),
) -> u64 {
    let mut frames: Vec<_> = files.iter().flat_map(|bytes| whole_frames(bytes, salt)).collect();
    frames.sort_by_key(|frame| frame.link().sequence);
    for frame in &frames {
        if frame.is_synced() || frame.link().sequence >= first {
            // A frame that is whole holds records alone, unless its writer was broken: then those before are right.
            let _ = frame.records(|record| {
                visit(record);
                Ok(())
            });
        }
    }
    frames.last().map_or(0, |frame| frame.link().sequence)
}

fn whole_frames(bytes: &[u8], salt: Salt) -> impl Iterator<Item = Frame<'_>> {
    let mut offset = 0;
    core::iter::from_fn(move || {
        while offset < bytes.len() {
            if let Some(frame) = Frame::at(bytes, offset, salt) {
                offset += frame.bytes();
                return Some(frame);
            }
            offset += ALIGNMENT;
        }
        None
    })
}
