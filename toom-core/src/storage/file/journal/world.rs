//! What the tests of the journal have in common.

use core::ops::Range;
use std::collections::BTreeMap;

use super::frame::{ALIGNMENT, Frame};
use super::replay::Replayed;
use super::{Appended, Journal, JournalStart, replay};
use crate::simulated::SimDisk;
use crate::storage::file::checksum::Salt;
use crate::storage::file::disk::Disk;
use crate::storage::file::durability::Durability;
use crate::storage::file::record_bytes::RecordRef;
use crate::storage::file::samples::posted;
use crate::{Record, StorageError};

pub(super) const SALT: Salt = Salt::new(0x5eed);

/// A batch of `count` messages, from the one numbered `first` on.
pub(super) fn batch(first: u64, count: u64) -> Vec<Record> {
    (first..first + count).map(|number| posted(number, &"x".repeat(1 + (number % 23) as usize))).collect()
}

/// The numbers of the messages that a replay lends, and what else it says.
pub(super) fn numbers(disk: &SimDisk, start: JournalStart) -> Result<(Vec<u64>, Replayed), StorageError> {
    let mut numbers = Vec::new();
    let replayed = replay(disk, SALT, start, |record| {
        if let RecordRef::Posted(posted) = record {
            let expected = "x".repeat(1 + (posted.message.number.get() % 23) as usize);
            assert_eq!(posted.message.body, expected, "no message was ever altered");
            numbers.push(posted.message.number.get());
        }
        Ok(())
    })?;
    Ok((numbers, replayed))
}

/// Every file, with its bytes.
pub(super) type Image = BTreeMap<String, Vec<u8>>;

pub(super) fn image(disk: &SimDisk) -> Image {
    let names = disk.names().unwrap();
    names.into_iter().map(|name| (name.clone(), disk.bytes_of(&name).unwrap())).collect()
}

pub(super) fn disk_of(image: &Image) -> SimDisk {
    let disk = SimDisk::new();
    for (name, bytes) in image {
        disk.put(name, bytes);
    }
    disk
}

/// A journal as it was before a batch, and as it was after.
pub(super) struct Step {
    pub(super) before: Image,
    pub(super) after: Image,
    /// Where the batch lies.
    pub(super) file: String,
    pub(super) frame: Range<usize>,
    /// The messages of all batches up to and with this one.
    pub(super) messages: u64,
}

/// Nine batches in three files, of which the last is new and the others hold frames of earlier use.
pub(super) struct Recycled {
    pub(super) start: JournalStart,
    pub(super) steps: Vec<Step>,
}

impl Recycled {
    pub(super) fn new(file_bytes: u64, durability: Durability) -> Self {
        let disk = SimDisk::new();
        let earlier = JournalStart { first: 1, chain: 77 };
        let mut journal = Journal::begin(&disk, SALT, file_bytes, earlier).unwrap();
        for number in 1..=40 {
            append(&mut journal, &batch(1000 + 3 * number, 1 + number % 3), durability, true);
        }
        let start = JournalStart { first: journal.start().first, chain: 99 };
        let mut journal = Journal::begin(&disk, SALT, file_bytes, start).unwrap();
        let mut steps = Vec::new();
        let mut messages = 0;
        let mut files = 1;
        while files < 3 || steps.len() % 3 != 0 {
            let count = 1 + steps.len() as u64 % 4;
            let before = image(&disk);
            files += u64::from(append(&mut journal, &batch(messages + 1, count), durability, false));
            messages += count;
            let after = image(&disk);
            let file = after.keys().find(|&name| before.get(name) != after.get(name)).unwrap().clone();
            let frame = frame_of(&after[&file], journal.start().first - 1);
            steps.push(Step { before, after, file, frame, messages });
        }
        Self { start, steps }
    }

    pub(super) fn last(&self) -> &Step {
        self.steps.last().unwrap()
    }
}

/// Appends in the next file if it must. Whether it did.
fn append(journal: &mut Journal<SimDisk>, records: &[Record], durability: Durability, release: bool) -> bool {
    if journal.append(records, durability).unwrap() == Appended::Written {
        return false;
    }
    let left = journal.rotate().unwrap();
    if release {
        journal.release(left);
    }
    assert_eq!(journal.append(records, durability).unwrap(), Appended::Written);
    true
}

fn frame_of(bytes: &[u8], sequence: u64) -> Range<usize> {
    let mut starts = (0..bytes.len()).step_by(ALIGNMENT);
    let frame = starts.find_map(|at| {
        let frame = Frame::at(bytes, at, SALT).filter(|frame| frame.link().sequence == sequence)?;
        Some(at..at + frame.bytes())
    });
    frame.unwrap()
}
