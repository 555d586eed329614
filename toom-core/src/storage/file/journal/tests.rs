use super::world::{SALT, batch, image, numbers};
use super::*;
use crate::simulated::{Call, Fault, SimDisk};
use crate::storage::file::samples::posted;

const START: JournalStart = JournalStart { first: 1, chain: 5 };
const SYNC: Durability = Durability::Sync;

fn begin(disk: &SimDisk, file_bytes: u64) -> Journal<SimDisk> {
    Journal::begin(disk, SALT, file_bytes, START).unwrap()
}

fn len(disk: &SimDisk, name: &str) -> Option<usize> {
    disk.bytes_of(name).map(|bytes| bytes.len())
}

#[test]
fn a_journal_begins_with_three_files_of_zeros() {
    let disk = SimDisk::new();
    begin(&disk, 3_000_000);
    let files = image(&disk);
    assert_eq!(files.keys().collect::<Vec<_>>(), ["journal-1", "journal-2", "journal-3"]);
    assert!(files.values().all(|bytes| *bytes == vec![0; 3_000_000]));
}

#[test]
fn files_that_are_there_are_used_the_short_ones_filled_and_the_long_ones_kept() {
    let disk = SimDisk::new();
    disk.put("journal-2", &[7; 10]);
    disk.put("journal-9", &[8; 200]);
    begin(&disk, 100);
    let files = image(&disk);
    assert_eq!(files.keys().collect::<Vec<_>>(), ["journal-1", "journal-2", "journal-9"]);
    assert_eq!(files["journal-2"], [vec![7; 10], vec![0; 90]].concat());
    assert_eq!(files["journal-9"], [8; 200]);
}

#[test]
fn names_are_synced_when_a_file_was_made_and_not_otherwise() {
    let disk = SimDisk::new();
    begin(&disk, 100);
    assert_eq!(disk.calls(Call::SyncNames), 1);
    begin(&disk, 100);
    assert_eq!(disk.calls(Call::SyncNames), 1);
}

#[test]
fn only_numbers_written_as_we_write_them_name_journal_files() {
    for name in ["journal-1", "journal-42", "journal-4294967295"] {
        assert_eq!(JournalFile::from_name(name).unwrap().name(), name);
    }
    for name in
        ["journal-", "journal-0", "journal-01", "journal-+1", "journal-4294967296", "journal-1 ", "Journal-1"]
    {
        assert_eq!(JournalFile::from_name(name), None, "{name}");
    }
}

#[test]
fn what_a_long_batch_took_of_memory_is_given_back_by_the_next_one_but_for_a_mebibyte() {
    let mut journal = begin(&SimDisk::new(), 1000);
    let long: Vec<_> = (1..400).map(|number| posted(number, &"x".repeat(8000))).collect();
    assert_eq!(journal.append(&long, SYNC).unwrap(), Appended::Written);
    journal.rotate().unwrap();
    assert_eq!(journal.append(&[posted(400, "x")], SYNC).unwrap(), Appended::Written);
    let kept = journal.buffer.capacity();
    assert!((1 << 20..2 << 20).contains(&kept), "{kept} bytes are kept");
}

#[test]
fn a_batch_is_written_behind_the_others_if_it_fits_to_the_byte_and_else_not() {
    let disk = SimDisk::new();
    let one = [posted(1, "x")];
    let frame_bytes = frame::HEAD_BYTES as u64 + u64::from(frame::body_bytes(&one).unwrap());
    let mut journal = begin(&disk, 2 * frame_bytes);
    assert_eq!(journal.append(&one, SYNC).unwrap(), Appended::Written);
    assert_eq!(journal.append(&one, SYNC).unwrap(), Appended::Written);
    let before = image(&disk);
    assert_eq!(journal.append(&one, SYNC).unwrap(), Appended::FileFull);
    assert_eq!(image(&disk), before);
    assert_eq!(journal.start().first, 3);
}

#[test]
fn an_empty_file_takes_a_batch_of_any_length_and_is_as_long_from_then_on() {
    let disk = SimDisk::new();
    let mut journal = begin(&disk, 100);
    assert_eq!(journal.append(&batch(1, 50), SYNC).unwrap(), Appended::Written);
    assert!(len(&disk, "journal-1") > Some(1000));
    assert_eq!(journal.append(&batch(51, 1), SYNC).unwrap(), Appended::FileFull);
    let left = journal.rotate().unwrap();
    assert_eq!(journal.append(&batch(51, 1), SYNC).unwrap(), Appended::Written);
    assert_eq!(numbers(&disk, START).unwrap().0, (1..=51).collect::<Vec<_>>());
    journal.rotate().unwrap();
    journal.release(left);
    journal.rotate().unwrap();
    assert_eq!(journal.append(&batch(52, 10), SYNC).unwrap(), Appended::Written);
    assert_eq!(journal.append(&batch(62, 1), SYNC).unwrap(), Appended::Written, "it fits what was long");
}

#[test]
fn a_file_left_behind_is_not_written_until_it_is_released() {
    let disk = SimDisk::new();
    let mut journal = begin(&disk, 200);
    let first = journal.rotate().unwrap();
    let second = journal.rotate().unwrap();
    assert_eq!(journal.rotate(), None, "none is free");
    journal.release(first);
    let third = journal.rotate().unwrap();
    assert!(first != second && second != third && third != first);
    assert_eq!(journal.rotate(), None);
    journal.release(first);
    assert_eq!(journal.rotate(), None, "it is in use again");
}

#[test]
fn a_batch_that_no_frame_can_hold_is_refused_and_the_journal_goes_on() {
    let disk = SimDisk::new();
    let mut journal = begin(&disk, 1000);
    let before = image(&disk);
    let error = journal.append(&vec![posted(1, &"x".repeat(8000)); 540_000], SYNC).unwrap_err();
    assert!(error.is_harmless());
    assert_eq!(
        error.to_string(),
        "journal-1 (a batch has at most 4294967288 bytes, a room 65535 members): no room is left to append a batch"
    );
    assert_eq!(image(&disk), before);
    assert_eq!(journal.append(&batch(1, 1), SYNC).unwrap(), Appended::Written);
}

#[test]
fn a_batch_without_room_is_not_stored_nor_will_be_whatever_part_of_it_was_written() {
    let records = batch(1, 4);
    let frame_bytes = frame::HEAD_BYTES + frame::body_bytes(&records).unwrap() as usize;
    for written in 0..frame_bytes {
        let disk = SimDisk::new();
        let mut journal = begin(&disk, 8);
        disk.set_bytes_max(Some(16 + written.saturating_sub(8)));
        let error = journal.append(&records, SYNC).unwrap_err();
        assert!(error.is_harmless(), "{error}");
        disk.set_bytes_max(None);
        assert_eq!(numbers(&disk, START).unwrap().0, [], "{written} bytes were written");
        assert_eq!(journal.append(&batch(1, 3), SYNC).unwrap(), Appended::Written);
        let (found, replayed) = numbers(&disk, START).unwrap();
        assert_eq!((found, replayed.next), (vec![1, 2, 3], 2));
    }
}

#[test]
fn a_batch_of_which_a_part_was_written_for_want_of_room_costs_no_further_write() {
    let disk = SimDisk::new();
    let mut journal = begin(&disk, 1000);
    let syncs = disk.calls(Call::Sync);
    disk.inject(Fault::nth(1).of(Call::Write).full().torn(9));
    assert!(journal.append(&batch(1, 1), SYNC).unwrap_err().is_harmless());
    assert_eq!(disk.calls(Call::Sync), syncs, "what is no frame need not be taken back");
    assert_eq!(journal.append(&batch(1, 1), SYNC).unwrap(), Appended::Written);
    assert_eq!(numbers(&disk, START).unwrap().0, [1]);
}

#[test]
fn a_failed_write_and_a_failed_sync_of_a_batch_are_not_harmless_even_for_want_of_room() {
    for fault in [
        Fault::nth(1).of(Call::Write),
        Fault::nth(1).of(Call::Write).torn(9),
        Fault::nth(1).of(Call::Sync).full(),
    ] {
        let disk = SimDisk::new();
        let mut journal = begin(&disk, 1000);
        disk.inject(fault.clone());
        let error = journal.append(&batch(1, 1), SYNC).unwrap_err();
        assert!(matches!(error, StorageError::Failed { .. }), "{fault:?}: {error}");
        assert_eq!(journal.start().first, 1);
    }
}

#[test]
fn a_buffered_batch_is_written_once_and_not_synced_a_synced_one_once_each() {
    let disk = SimDisk::new();
    let mut journal = begin(&disk, 10_000);
    let mut append = |durability| {
        let before = (disk.calls(Call::Write), disk.calls(Call::Sync));
        assert_eq!(journal.append(&batch(1, 20), durability).unwrap(), Appended::Written);
        (disk.calls(Call::Write) - before.0, disk.calls(Call::Sync) - before.1)
    };
    assert_eq!(append(Durability::Buffered), (1, 0));
    assert_eq!(append(Durability::Sync), (1, 1));
}

#[test]
fn every_call_that_fails_while_a_journal_begins_is_told_and_the_next_attempt_succeeds() {
    for full in [false, true] {
        for nth in 1.. {
            let disk = SimDisk::new();
            disk.put("journal-1", &[7; 10]);
            let fault = Fault::nth(nth);
            disk.inject(if full { fault.full() } else { fault });
            let begun = Journal::begin(&disk, SALT, 100, START);
            if disk.faults_hit() == 0 {
                assert!(begun.is_ok() && nth > 8, "all calls have failed once");
                break;
            }
            assert!(begun.is_err(), "call {nth}");
            disk.heal();
            begin(&disk, 100);
            assert_eq!((len(&disk, "journal-1"), len(&disk, "journal-2")), (Some(100), Some(100)));
        }
    }
}

#[test]
fn files_that_a_journal_begins_with_survive_the_power_cut() {
    let disk = SimDisk::new();
    begin(&disk, 100);
    for seed in 0..100 {
        let left = image(&disk.crash_seeded(seed));
        assert!(left.len() == FILES && left.values().all(|bytes| *bytes == [0; 100]), "{left:?}");
    }
}
