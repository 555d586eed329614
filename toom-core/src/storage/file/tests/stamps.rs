//! Up to where stamps are used outlives what a record outlives.

use super::script::{Draft, Kind, Writer};
use crate::simulated::{Call, Effort, Fault, SimDisk, Trace};
use crate::storage::file::names;
use crate::{
    Disk, FileOptions, FileStorage, Housekeeping, Record, RepairPlan, Storage, StorageError, Timestamp,
};

fn options() -> FileOptions {
    FileOptions::new([4; 16]).journal_bytes(512).housekeeping(Housekeeping::Caller)
}

fn at(second: u64) -> Timestamp {
    Timestamp::from_unix_micros(1_659_603_741_000_000 + i64::try_from(second).unwrap() * 1_000_000).unwrap()
}

fn batch(writer: &mut Writer) -> Vec<Record> {
    let kind = Kind::Post { conversation: 0, bytes: 20 };
    writer.write(&[Draft { kind, author: 0, wait_micros: 1, keyed: false }])
}

fn open(disk: &SimDisk) -> FileStorage<SimDisk> {
    FileStorage::open_on(disk.clone(), options()).unwrap()
}

fn reserved(disk: &SimDisk) -> Option<Timestamp> {
    open(disk).recover().unwrap().stamps_reserved
}

/// A store that keeps the fifth second.
fn left() -> SimDisk {
    let disk = SimDisk::new();
    let mut store = open(&disk);
    for second in 1..=5 {
        store.reserve_stamps(at(second)).unwrap();
    }
    store.close().unwrap();
    disk
}

/// A store that is asked six times, with a batch and a close between, and how many operations there had been before each, and before it
/// was acknowledged.
fn recorded() -> (Trace, Vec<(u64, u64)>) {
    let disk = SimDisk::new();
    disk.record();
    let (mut store, mut writer) = (open(&disk), Writer::default());
    let mut spans = Vec::new();
    for second in 1..=6 {
        let before = disk.operations();
        store.reserve_stamps(at(second)).unwrap();
        spans.push((before, disk.operations()));
        match second {
            2 => store.append(&batch(&mut writer)).unwrap(),
            4 => {
                store.close().unwrap();
                store = open(&disk);
            }
            _ => {}
        }
    }
    (disk.trace().unwrap(), spans)
}

/// Whether a store may keep this after so many operations: what was acknowledged, or what was under way.
fn is_allowed(found: Option<Timestamp>, operations: u64, spans: &[(u64, u64)]) -> bool {
    let acknowledged = spans.partition_point(|(_, end)| *end <= operations) as u64;
    let begun = spans.partition_point(|(start, _)| *start < operations) as u64;
    (acknowledged..=begun).any(|second| found == (second > 0).then(|| at(second)))
}

#[test]
fn every_crash_leaves_what_was_acknowledged() {
    let (trace, spans) = recorded();
    let effort = Effort { all_up_to: 64, drawn: 48, seed: 1 };
    let mut checked = 0;
    for crash in trace.crashes(effort).chain(trace.kills()).chain(trace.torn_writes()) {
        let found = reserved(&crash.disk);
        assert!(
            is_allowed(found, crash.operations, &spans),
            "operation {}, {:?}: {found:?}",
            crash.operations,
            crash.case
        );
        checked += 1;
    }
    assert!(checked > 500, "only {checked} crash states were checked");
}

/// A process that is killed leaves what no power cut would; who opens it tells stamps by it, so it has to be durable from then on.
#[test]
fn what_was_found_after_a_kill_outlives_a_power_cut_at_any_moment_of_the_next_call() {
    let (trace, _) = recorded();
    let effort = Effort { all_up_to: 24, drawn: 12, seed: 2 };
    let mut checked = 0;
    for kill in trace.kills() {
        let mut store = open(&kill.disk);
        let found = store.recover().unwrap().stamps_reserved;
        kill.disk.record();
        store.reserve_stamps(at(9)).unwrap();
        for crash in kill.disk.trace().unwrap().crashes(effort) {
            let left = reserved(&crash.disk);
            assert!(left == found || left == Some(at(9)), "{left:?}, behind {found:?}: {:?}", crash.case);
            checked += 1;
        }
    }
    assert!(checked > 300, "only {checked} crash states were checked");
}

/// What a sync that failed was to make durable is read back all the same, and the next sync of that file says nothing of it.
#[test]
fn after_a_sync_that_failed_no_power_cut_while_opening_costs_what_was_acknowledged() {
    let effort = Effort { all_up_to: 64, drawn: 48, seed: 3 };
    let mut checked = 0;
    for nth in 1..=6 {
        let disk = SimDisk::new();
        let mut store = open(&disk);
        disk.inject(Fault::nth(nth).of(Call::Sync).in_files(names::STAMPS));
        let acknowledged = (1..=9).take_while(|second| store.reserve_stamps(at(*second)).is_ok()).last();
        drop(store);
        disk.record();
        drop(open(&disk));
        for crash in disk.trace().unwrap().crashes(effort) {
            let left = reserved(&crash.disk);
            assert!(left >= acknowledged.map(at), "sync {nth}, {:?}: {left:?}, {acknowledged:?}", crash.case);
            checked += 1;
        }
    }
    assert!(checked > 300, "only {checked} crash states were checked");
}

#[test]
fn no_damage_to_one_of_the_two_times_has_any_effect() {
    let disk = left();
    let whole = disk.bytes_of(names::STAMPS).unwrap();
    assert_eq!(whole.len(), 4096 + 24);
    let damage = |bytes: &[u8]| {
        let damaged = disk.kill();
        damaged.put(names::STAMPS, bytes);
        damaged
    };
    for bit in (0..24 * 8).chain(4096 * 8..4120 * 8) {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(reserved(&damage(&bytes)), Some(at(5)), "bit {bit}");
    }
    for length in 24..whole.len() {
        assert_eq!(reserved(&damage(&whole[..length])), Some(at(5)), "cut at {length}");
    }
}

#[test]
fn damage_to_both_times_is_told_and_repaired_without_loss() {
    let disk = left();
    let mut writer = Writer::default();
    let mut store = open(&disk);
    store.append(&batch(&mut writer)).unwrap();
    store.close().unwrap();
    for bytes in [&[0xa5; 4120][..], &[0; 23], b""] {
        let disk = disk.kill();
        disk.put(names::STAMPS, bytes);
        let is_it = |error: &StorageError| matches!(error, StorageError::Corrupt { thing, .. } if thing == names::STAMPS);
        let refused = FileStorage::open_on(disk.clone(), options()).unwrap_err();
        assert!(is_it(&refused), "{refused}");
        let verified = FileStorage::verify_on(&disk, |_| {}).unwrap();
        assert!(verified.damage.iter().all(is_it) && verified.damage.len() == 1, "{verified:?}");

        let plan = RepairPlan::make_on(&disk, |_| {}).unwrap().expect("it is damaged");
        assert!(plan.losses().is_empty());
        assert!(plan.carry_out([8; 16], |_| {}).unwrap().is_sound());
        assert_eq!(disk.bytes_of("stamps.damaged-1").as_deref(), Some(bytes));
        let mut store = open(&disk);
        let recovered = store.recover().unwrap();
        assert_eq!((recovered.stamps_reserved, recovered.tails.len()), (None, 1));
        store.reserve_stamps(at(7)).unwrap();
        drop(store);
        assert_eq!(reserved(&disk), Some(at(7)));
    }
}

#[test]
fn a_repair_keeps_what_was_reserved() {
    let disk = left();
    disk.remove(names::MANIFEST).unwrap();
    let plan = RepairPlan::make_on(&disk, |_| {}).unwrap().expect("it is damaged");
    plan.carry_out([8; 16], |_| {}).unwrap();
    assert_eq!(reserved(&disk), Some(at(5)));
}

#[test]
fn whatever_call_fails_nothing_acknowledged_is_lost_and_no_sync_is_tried_again() {
    let mut failed = 0;
    for call in [Call::Create, Call::Write, Call::Sync, Call::Rename, Call::SyncNames] {
        for nth in 1.. {
            let disk = SimDisk::new();
            let (mut store, mut writer) = (open(&disk), Writer::default());
            disk.inject(Fault::nth(nth).of(call).in_files(names::STAMPS));
            let mut kept = None;
            let error = (1..=3).find_map(|second| match store.reserve_stamps(at(second)) {
                Ok(()) => {
                    kept = Some(at(second));
                    None
                }
                Err(error) => Some(error),
            });
            let Some(error) = error else { break };
            assert!(!error.is_harmless(), "{error}");
            failed += 1;
            for refused in [store.reserve_stamps(at(4)), store.append(&batch(&mut writer))] {
                assert!(matches!(refused, Err(StorageError::NeedsReopen)), "{refused:?}");
            }
            assert_eq!(disk.syncs_repeated(), 0);
            disk.heal();
            core::mem::forget(store);
            let found = reserved(&disk.kill());
            assert!(found >= kept, "{call:?} {nth}: {found:?}, and {kept:?} was acknowledged");
            let lost = reserved(&disk.crash(&mut |_| 0));
            assert!(lost >= kept, "{call:?} {nth}: {lost:?}, and {kept:?} was acknowledged");
        }
    }
    assert!(failed > 10, "only {failed} calls failed");
}

#[test]
fn a_full_disk_refuses_to_keep_more_and_does_when_there_is_room() {
    let disk = SimDisk::new();
    let (mut store, mut writer) = (open(&disk), Writer::default());
    disk.set_bytes_max(Some(disk.bytes_used()));
    let refused = store.reserve_stamps(at(1));
    assert!(matches!(&refused, Err(StorageError::Full { .. })), "{refused:?}");
    store.append(&batch(&mut writer)).unwrap();
    disk.set_bytes_max(None);
    store.reserve_stamps(at(2)).unwrap();
    disk.set_bytes_max(Some(disk.bytes_used()));
    store.reserve_stamps(at(3)).unwrap();
    disk.set_bytes_max(None);
    drop(store);
    assert_eq!(reserved(&disk.crash(&mut |_| 0)), Some(at(3)));
}

#[test]
fn a_crash_while_the_file_is_made_leaves_nothing_behind() {
    let disk = SimDisk::new();
    disk.put(names::STAMPS_NEW, b"TOOM");
    assert_eq!(reserved(&disk), None);
    assert_eq!(disk.bytes_of(names::STAMPS_NEW), None);
}

#[test]
fn what_the_disk_says_of_the_file_is_told_with_its_name_and_not_passed_over() {
    let failing = |fault: Fault, disk: &SimDisk| {
        disk.inject(fault.in_files("stamps"));
        let opened = FileStorage::open_on(disk.clone(), options());
        opened.and_then(|mut store| store.reserve_stamps(at(9))).unwrap_err().to_string()
    };
    let made = failing(Fault::nth(1).of(Call::Rename), &SimDisk::new());
    assert!(made.starts_with("stamps: cannot give it its name"), "{made}");
    for (fault, told) in [
        (Fault::nth(1).of(Call::Open), "stamps: cannot open it"),
        (Fault::nth(1).of(Call::Read), "stamps: cannot read it"),
        (Fault::nth(2).of(Call::Read), "stamps: cannot read it"),
        // It is written twice when it is opened.
        (Fault::nth(3).of(Call::Write), "stamps: cannot write it"),
    ] {
        let error = failing(fault, &left());
        assert!(error.starts_with(told), "{error}");
    }
}
