//! Reading every whole frame of a journal, whatever lies before it.

use super::frame;
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
    let mut frames: Vec<_> =
        files.iter().flat_map(|bytes| frame::all_in(bytes, salt)).map(|(_, frame)| frame).collect();
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::world::{SALT, batch, image};
    use super::super::{Appended, Journal, JournalStart};
    use super::*;
    use crate::Durability;
    use crate::simulated::SimDisk;

    /// The messages that are read of batches of one message each, numbered as the batches are, when all before `first` moved.
    fn salvaged(durability: Durability, first: u64) -> (BTreeSet<u64>, u64) {
        let disk = SimDisk::new();
        let mut journal = Journal::begin(&disk, SALT, 10_000, JournalStart { first: 1, chain: 5 }).unwrap();
        for number in 1..=5 {
            assert_eq!(journal.append(&batch(number, 1), durability).unwrap(), Appended::Written);
        }
        let files: Vec<_> = image(&disk).into_values().collect();
        let mut numbers = BTreeSet::new();
        let highest = salvage(&files, SALT, first, |record| {
            if let RecordRef::Posted(posted) = record {
                numbers.insert(posted.message.number.get());
            }
        });
        (numbers, highest)
    }

    #[test]
    fn a_batch_that_was_not_synced_is_read_unless_it_moved_to_the_history() {
        assert_eq!(salvaged(Durability::Sync, 3), ((1..=5).collect(), 5));
        assert_eq!(salvaged(Durability::Buffered, 3), ((3..=5).collect(), 5));
        assert_eq!(salvaged(Durability::Buffered, 6), (BTreeSet::new(), 5));
    }
}
