//! What a failing disk means to who writes and reads runs.

use super::*;
use crate::storage::file::disk::simulated::{Call, Fault, SimDisk};
use crate::storage::file::disk::{Access, Disk};

const NAME: &str = "history-1";

/// About 1 MiB.
fn sample() -> Vec<Said> {
    history((0..3000).map(|i| (i % 7, 300)))
}

fn written_to(disk: &SimDisk, sync_bytes: u64) -> Result<RunSummary, StorageError> {
    let file = disk.create(NAME).unwrap();
    let mut writer = RunWriter::new(file, NAME.to_owned(), SALT, 1, sync_bytes);
    put(&sample(), &mut writer)?;
    writer.finish()
}

#[test]
fn a_disk_without_room_for_a_run_is_full_and_no_more() {
    let disk = SimDisk::new();
    disk.set_bytes_max(Some(600 << 10));
    let error = written_to(&disk, 1 << 20).unwrap_err();
    assert!(error.is_harmless(), "{error}");
    disk.set_bytes_max(None);
    assert!(written_to(&disk, 1 << 20).is_ok());
}

#[test]
fn a_failed_sync_ends_the_writing_of_a_run_and_is_not_tried_again() {
    for nth in 1..=3 {
        let disk = SimDisk::new();
        disk.inject(Fault::nth(nth).of(Call::Sync));
        let error = written_to(&disk, 512 << 10).unwrap_err();
        assert_eq!(error.to_string().split(": ").nth(1), Some("cannot sync history"));
        assert!(!error.is_harmless());
        assert_eq!((disk.calls(Call::Sync), disk.syncs_repeated()), (nth, 0));
    }
}

#[test]
fn a_run_is_written_in_pieces_of_256_kib_and_synced_as_often_as_asked_and_at_its_end() {
    let (one, many) = (SimDisk::new(), SimDisk::new());
    written_to(&one, u64::MAX).unwrap();
    let summary = written_to(&many, 256 << 10).unwrap();
    assert_eq!(one.calls(Call::Sync), 1);
    assert_eq!(one.calls(Call::Write), summary.bytes.div_ceil(256 << 10));
    assert_eq!(many.calls(Call::Sync), summary.bytes / (256 << 10) + 1);
}

#[test]
fn a_finished_run_outlives_a_power_cut() {
    let disk = SimDisk::new();
    let summary = written_to(&disk, 512 << 10).unwrap();
    disk.sync_names().unwrap();
    let file = disk.crash_seeded(7).open(NAME, Access::Read).unwrap();
    let run = Run::open(file, NAME.to_owned(), SALT, summary, Arc::new(PageCache::new(0))).unwrap();
    let mut messages = 0;
    run.check(|view| {
        messages += view.messages();
        Ok(())
    })
    .unwrap();
    assert_eq!(messages, sample().len());
}

#[test]
fn a_read_that_the_disk_fails_is_a_failure_and_the_next_one_is_right() {
    let disk = SimDisk::new();
    let summary = written_to(&disk, 1 << 20).unwrap();
    let file = disk.open(NAME, Access::Read).unwrap();
    let run = Run::open(file, NAME.to_owned(), SALT, summary, Arc::new(PageCache::new(1 << 20))).unwrap();
    let read = || {
        let (mut limit, mut numbers) = (20, Vec::new());
        run.read(conversation(3), Some(number(200)), &mut limit, &mut |message| {
            numbers.push(message.number.get());
            ControlFlow::Continue(())
        })
        .map(|_| numbers)
    };
    for nth in 1..=2 {
        disk.inject(Fault::nth(nth).of(Call::Read).forever());
        let error = run.locate(conversation(5), at(9_000)).and(read()).unwrap_err();
        assert!(matches!(error, StorageError::Failed { .. }), "{error}");
        disk.heal();
        assert_eq!(read().unwrap(), (201..=220).collect::<Vec<_>>());
    }
}
