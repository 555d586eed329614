use proptest::prelude::*;

use super::*;
use crate::simulated::{Effort, SimDisk};
use crate::storage::file::durability::Durability;
use crate::storage::file::journal::frame::{self, ALIGNMENT};
use crate::storage::file::journal::world::{Image, Recycled, SALT, batch, disk_of, numbers};
use crate::storage::file::journal::{Appended, Journal};

const FILE_BYTES: u64 = 1200;
const START: JournalStart = JournalStart { first: 1, chain: 5 };

fn all(messages: u64) -> Vec<u64> {
    (1..=messages).collect()
}

/// A journal of one file with `batches` of one message each.
fn journal_of(batches: &[Durability]) -> SimDisk {
    let disk = SimDisk::new();
    let mut journal = Journal::begin(&disk, SALT, 1000, START).unwrap();
    for (number, &durability) in (1..).zip(batches) {
        assert_eq!(journal.append(&batch(number, 1), durability).unwrap(), Appended::Written);
    }
    disk
}

/// Where the frames of [`journal_of`] start.
fn frame_starts(disk: &SimDisk) -> Vec<usize> {
    let bytes = disk.bytes_of("journal-1").unwrap();
    let starts = (0..bytes.len()).step_by(ALIGNMENT);
    starts.filter(|&at| Frame::at(&bytes, at, SALT).is_some()).collect()
}

fn flip(disk: &SimDisk, name: &str, at: usize) {
    let mut bytes = disk.bytes_of(name).unwrap();
    bytes[at] ^= 0x10;
    disk.put(name, &bytes);
}

#[test]
fn the_world_of_these_tests_has_frames_of_earlier_use_in_the_way_and_goes_on_in_new_files() {
    let recycled = Recycled::new(FILE_BYTES, Durability::Sync);
    let files: std::collections::BTreeSet<_> = recycled.steps.iter().map(|step| &step.file).collect();
    assert_eq!(files.len(), 3);
    let stale = recycled.last().after.values().any(|bytes| {
        let mut places = (0..bytes.len()).step_by(ALIGNMENT);
        places.any(|at| {
            let frame = Frame::at(bytes, at, SALT);
            at > 0 && frame.is_some_and(|frame| frame.link().sequence < recycled.start.first)
        })
    });
    assert!(stale);
}

#[test]
fn every_prefix_of_the_bytes_written_recovers_a_prefix_of_the_batches() {
    for durability in [Durability::Sync, Durability::Buffered] {
        let recycled = Recycled::new(FILE_BYTES, durability);
        let mut before = 0;
        for step in &recycled.steps {
            let new = &step.after[&step.file];
            let mut image = step.before.clone();
            for written in step.frame.clone() {
                // It is whole, too, when all that is missing is like what lay there before.
                let whole = image == step.after;
                let found = numbers(&disk_of(&image), recycled.start).unwrap();
                let expected = if whole { step.messages } else { before };
                assert_eq!(found.0, all(expected), "{} up to {written}", step.file);
                let file = image.entry(step.file.clone()).or_default();
                file.resize(new.len(), 0);
                file[written] = new[written];
            }
            assert_eq!(image, step.after);
            let (found, replayed) = numbers(&disk_of(&image), recycled.start).unwrap();
            assert_eq!(found, all(step.messages));
            assert_eq!(replayed.cut, None);
            before = step.messages;
        }
        let (_, replayed) = numbers(&disk_of(&recycled.last().after), recycled.start).unwrap();
        assert_eq!(replayed.batches, recycled.steps.len() as u64);
        assert_eq!(replayed.next, recycled.start.first + replayed.batches);
    }
}

#[test]
fn a_batch_that_was_begun_and_not_ended_is_cut_and_named() {
    let recycled = Recycled::new(FILE_BYTES, Durability::Sync);
    for step in &recycled.steps {
        let mut image = step.after.clone();
        image.get_mut(&step.file).unwrap()[step.frame.end - 1] ^= 1;
        let (_, replayed) = numbers(&disk_of(&image), recycled.start).unwrap();
        let cut = replayed.cut.unwrap();
        assert_eq!((cut.file, cut.offset), (step.file.clone(), step.frame.start as u64));
        assert_eq!(cut.what, "a batch that was not written to its end");
    }
}

/// Every batch is acknowledged that was appended before the power failed; one more may be whole.
fn check_crashes(durability: Durability, may_be_lost: bool) {
    let disk = SimDisk::new();
    let mut journal = Journal::begin(&disk, SALT, 2048, START).unwrap();
    disk.record();
    let mut acknowledged = vec![(disk.operations(), 0)];
    for number in 1..=8 {
        let records = batch(1 + 5 * (number - 1), 5);
        if journal.append(&records, durability).unwrap() == Appended::FileFull {
            journal.rotate().unwrap();
            assert_eq!(journal.append(&records, durability).unwrap(), Appended::Written);
        }
        acknowledged.push((disk.operations(), 5 * number));
    }
    let trace = disk.trace().unwrap();
    let mut crashes = 0;
    for crash in trace.crashes(Effort { all_up_to: 300, drawn: 300, seed: 1 }).chain(trace.torn_writes()) {
        let before = acknowledged.iter().rfind(|(at, _)| *at <= crash.operations).unwrap().1;
        let (found, _) =
            numbers(&crash.disk, START).unwrap_or_else(|error| panic!("{error}: {:?}", crash.case));
        let messages = found.len() as u64;
        assert_eq!(found, all(messages));
        assert!(messages.is_multiple_of(5), "a part of a batch: {:?}", crash.case);
        let least = if may_be_lost { 0 } else { before };
        assert!((least..=before + 5).contains(&messages), "{messages} of {before}: {:?}", crash.case);
        crashes += 1;
    }
    assert!(crashes > 2000, "{crashes}");
}

#[test]
fn every_power_cut_leaves_what_was_acknowledged_and_at_most_one_batch_more() {
    check_crashes(Durability::Sync, false);
}

#[test]
fn a_power_cut_leaves_a_prefix_of_what_was_buffered() {
    check_crashes(Durability::Buffered, true);
}

/// What may become of a journal in which one byte was changed.
fn check_damage(recycled: &Recycled, disk: &SimDisk, name: &str, at: usize) {
    let last = recycled.last();
    let in_last = name == last.file && last.frame.contains(&at);
    match numbers(disk, recycled.start) {
        Ok((found, _)) if found == all(last.messages) => {}
        Ok((found, replayed)) => {
            assert!(in_last, "{name} at {at}: lost without a word");
            assert_eq!(found, all(recycled.steps[recycled.steps.len() - 2].messages), "{name} at {at}");
            let cut = replayed.cut.unwrap();
            assert_eq!(cut.file, name);
            assert!(cut.offset <= at as u64, "{name} at {at}: {cut:?}");
        }
        Err(StorageError::Corrupt { thing, offset, .. }) => {
            assert_eq!(thing, name, "{name} at {at}");
            assert!(offset <= at as u64, "{name} at {at}: found at {offset}");
            assert!(!in_last, "{name} at {at}: nothing follows");
        }
        Err(other) => panic!("{name} at {at}: {other}"),
    }
}

fn damage_every_byte(file_bytes: u64, change: impl Fn(u8) -> Vec<u8>) {
    let recycled = Recycled::new(file_bytes, Durability::Sync);
    let image: &Image = &recycled.last().after;
    let disk = disk_of(image);
    for (name, right) in image {
        let mut bytes = right.clone();
        for at in 0..bytes.len() {
            for value in change(right[at]) {
                bytes[at] = value;
                disk.put(name, &bytes);
                check_damage(&recycled, &disk, name, at);
            }
            bytes[at] = right[at];
        }
        disk.put(name, right);
    }
}

#[test]
fn every_bit_that_flips_is_found_or_harmless() {
    damage_every_byte(FILE_BYTES / 2, |right| (0..8).map(|bit| right ^ (1 << bit)).collect());
}

#[test]
fn every_byte_that_is_overwritten_is_found_or_harmless() {
    damage_every_byte(FILE_BYTES, |right| vec![0, 0xff, right.wrapping_add(1)]);
}

#[test]
fn a_file_cut_short_recovers_a_prefix_or_is_damage() {
    let recycled = Recycled::new(FILE_BYTES, Durability::Sync);
    let last = recycled.last();
    let disk = disk_of(&last.after);
    for (name, right) in &last.after {
        for len in 0..right.len() {
            disk.put(name, &right[..len]);
            match numbers(&disk, recycled.start) {
                Ok((found, _)) => {
                    let gone = last.messages - found.len() as u64;
                    assert_eq!(found, all(found.len() as u64));
                    assert!(gone == 0 || *name == last.file, "{name} cut to {len} bytes lost {gone}");
                }
                Err(StorageError::Corrupt { thing, offset, .. }) => {
                    let in_place = thing == *name && offset <= len as u64;
                    assert!(
                        in_place || len < HEAD_BYTES,
                        "{name} cut to {len} bytes: found in {thing} at {offset}"
                    );
                }
                Err(other) => panic!("{other}"),
            }
        }
        disk.put(name, right);
    }
}

#[test]
fn frames_of_earlier_use_are_not_read_again() {
    let disk = journal_of(&[Durability::Sync; 3]);
    let later = JournalStart { first: 4, chain: 6 };
    let nothing = Replayed { next: 4, batches: 0, cut: None };
    assert_eq!(numbers(&disk, later).unwrap(), (vec![], nothing));

    let mut journal = Journal::begin(&disk, SALT, 1000, later).unwrap();
    assert_eq!(journal.append(&batch(1, 1), Durability::Sync).unwrap(), Appended::Written);
    let (found, replayed) = numbers(&disk, later).unwrap();
    assert_eq!(found, [1], "though a whole frame of the same length lies behind it");
    assert_eq!(replayed, Replayed { next: 5, batches: 1, cut: None });
}

#[test]
fn a_second_copy_of_a_frame_is_not_read_and_is_no_damage() {
    let disk = journal_of(&[Durability::Sync; 3]);
    let [first, second, third] = frame_starts(&disk)[..] else { panic!("three frames") };
    let mut bytes = disk.bytes_of("journal-1").unwrap();
    bytes.copy_within(first..third, third + (third - second));
    disk.put("journal-1", &bytes);
    disk.put("journal-2", &bytes[second..third]);
    let (found, replayed) = numbers(&disk, START).unwrap();
    assert_eq!((found, replayed.next), (all(3), 4));
}

#[test]
fn frames_with_another_chain_are_damage() {
    let disk = journal_of(&[Durability::Sync; 3]);
    let found = numbers(&disk, JournalStart { first: 1, chain: 6 });
    assert!(matches!(found, Err(StorageError::Corrupt { offset: 0, .. })), "{found:?}");
}

#[test]
fn bytes_that_would_be_a_frame_with_another_salt_are_no_frame() {
    let disk = journal_of(&[Durability::Sync; 2]);
    let mut forged = Vec::new();
    let link = Link { sequence: 3, chain: 0 };
    frame::encode(&batch(9, 2), link, Durability::Sync, Salt::new(1), &mut forged).unwrap();
    let mut bytes = disk.bytes_of("journal-1").unwrap();
    bytes[500 / 8 * 8..][..forged.len()].copy_from_slice(&forged);
    disk.put("journal-1", &bytes);
    let (found, replayed) = numbers(&disk, START).unwrap();
    assert_eq!((found, replayed.next, replayed.cut), (all(2), 3, None));
}

#[test]
fn what_the_power_left_of_buffered_batches_is_cut_at_the_first_that_is_gone() {
    let disk = journal_of(&[Durability::Buffered; 5]);
    let gone = frame_starts(&disk)[1];
    let mut bytes = disk.bytes_of("journal-1").unwrap();
    bytes[gone..gone + HEAD_BYTES].fill(0);
    disk.put("journal-1", &bytes);
    let (found, replayed) = numbers(&disk, START).unwrap();
    assert_eq!(found, [1]);
    assert_eq!(replayed.next, 6, "no sequence is used again");
    let cut = replayed.cut.unwrap();
    assert_eq!((cut.file.as_str(), cut.offset), ("journal-1", gone as u64));
    assert_eq!(cut.what, "batches that were not synced when the power failed");
}

#[test]
fn a_gap_before_a_synced_batch_is_damage_also_among_buffered_ones() {
    use Durability::{Buffered, Sync};
    for (batches, damaged) in [
        ([Buffered, Buffered, Buffered, Sync], 1),
        ([Buffered, Sync, Buffered, Buffered], 1),
        ([Sync, Buffered, Sync, Buffered], 0),
    ] {
        let disk = journal_of(&batches);
        let at = frame_starts(&disk)[damaged];
        flip(&disk, "journal-1", at + HEAD_BYTES + 2);
        let found = numbers(&disk, START);
        assert!(
            matches!(found, Err(StorageError::Corrupt { offset, .. }) if offset == at as u64),
            "{batches:?}: {found:?}"
        );
    }
}

#[test]
fn a_file_that_is_gone_is_damage_behind_the_last_batch_before_it() {
    let recycled = Recycled::new(FILE_BYTES, Durability::Sync);
    let mut files: Vec<_> = recycled.steps.iter().map(|step| step.file.clone()).collect();
    files.dedup();
    let [first, middle, _] = &files[..] else { panic!("{files:?}") };
    let end = recycled.steps.iter().rfind(|step| step.file == *first).unwrap().frame.end;
    let mut image = recycled.last().after.clone();
    image.remove(middle);
    match numbers(&disk_of(&image), recycled.start) {
        Err(StorageError::Corrupt { thing, offset, .. }) => {
            assert_eq!(&thing, first);
            assert_eq!(offset, end as u64);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_whose_front_is_overwritten_is_damaged_at_its_front() {
    let recycled = Recycled::new(FILE_BYTES, Durability::Sync);
    let mut image = recycled.last().after.clone();
    let name = &recycled.last().file;
    image.get_mut(name).unwrap()[..HEAD_BYTES].fill(0xa5);
    let found = numbers(&disk_of(&image), recycled.start);
    assert!(
        matches!(&found, Err(StorageError::Corrupt { thing, offset: 0, .. }) if thing == name.as_str()),
        "{found:?}"
    );
}

#[test]
fn a_record_that_is_refused_is_named_by_the_place_of_its_batch() {
    let disk = journal_of(&[Durability::Sync; 3]);
    let at = frame_starts(&disk)[2];
    let mut seen = 0;
    let found = replay(&disk, SALT, START, |_| {
        seen += 1;
        if seen == 3 { Err(Malformed("nobody knows it")) } else { Ok(()) }
    });
    let error = found.unwrap_err().to_string();
    assert_eq!(error, format!("journal-1: damaged at byte {at}: nobody knows it"));
}

#[test]
fn a_folder_without_a_journal_holds_nothing() {
    let disk = SimDisk::new();
    disk.put("journal-01", &[1; 100]);
    disk.put("journal-2.old", &[1; 100]);
    let nothing = Replayed { next: 1, batches: 0, cut: None };
    assert_eq!(numbers(&disk, START).unwrap(), (vec![], nothing));
}

proptest! {
    #[test]
    fn a_file_of_any_bytes_holds_nothing(
        mut bytes in prop::collection::vec(any::<u8>(), 0..300),
        at in 0_usize..30,
    ) {
        if let Some(magic) = bytes.get_mut(at * 8 + 32..at * 8 + 40) {
            magic.copy_from_slice(b"\x01\0\0\0TMJ1");
        }
        let disk = SimDisk::new();
        disk.put("journal-1", &bytes);
        let (found, replayed) = numbers(&disk, START).unwrap();
        prop_assert_eq!((found.len(), replayed.next, replayed.batches), (0, 1, 0));
    }
}
