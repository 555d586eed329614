//! Everything that is damaged is told, and nothing else.

use proptest::prelude::*;

use super::sample::{self, Sample, sample};
use super::script::{self, Writer};
use crate::simulated::SimDisk;
use crate::storage::file::journal::JournalStart;
use crate::storage::file::manifest::Manifest;
use crate::storage::file::samples::posted;
use crate::{
    Digest, Disk, Epoch, FileOptions, FileStorage, Folder, Housekeeping, MemoryStorage, Progress, Record,
    RepairPlan, Storage, StorageError, Verified,
};

fn verify(disk: &SimDisk) -> Verified {
    FileStorage::verify_on(disk, |_| {}).unwrap()
}

fn digest(memory: &mut MemoryStorage) -> Digest {
    let recovered = memory.recover().unwrap();
    Digest::of_history(memory, &recovered).unwrap()
}

/// The names of the files that count, but for the lock.
fn names(disk: &SimDisk) -> Vec<String> {
    disk.names().unwrap().into_iter().filter(|name| name != "lock").collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Catches: the digest depends on how the messages lie, or a law is checked that a sound store breaks.
    #[test]
    fn a_sound_store_is_found_sound_however_its_records_lie(
        journal_bytes in 200_u64..6000,
        batches in prop::collection::vec((script::batch(), 0_usize..4), 1..40),
    ) {
        let options =
            FileOptions::new([9; 16]).journal_bytes(journal_bytes).housekeeping(Housekeeping::Caller);
        let disk = SimDisk::new();
        let mut store = FileStorage::open_on(disk.clone(), options).unwrap();
        let mut memory = MemoryStorage::new(Epoch::new(1));
        let mut writer = Writer::default();
        let (mut messages, mut rooms) = (0, 0);
        for (drafts, work) in &batches {
            // Nobody posts to a room before it is built.
            let records: Vec<Record> = writer.write_in_order(drafts);
            messages += records.iter().filter(|record| matches!(record, Record::Posted(_))).count() as u64;
            rooms += records.iter().filter(|record| matches!(record, Record::RoomCreated(_))).count() as u64;
            store.append(&records).unwrap();
            memory.append(&records).unwrap();
            for _ in 0..*work {
                store.work().unwrap();
            }
        }
        let expected = digest(&mut memory);
        let open = verify(&disk.kill());
        store.close().unwrap();
        let closed = verify(&disk);
        for verified in [&open, &closed] {
            prop_assert!(verified.is_sound(), "{:?}", verified.damage);
            prop_assert_eq!(verified.digest, Some(expected));
            prop_assert_eq!((verified.messages, verified.rooms), (messages, rooms));
            prop_assert_eq!(&verified.cut, &None);
        }
        prop_assert_eq!(closed.batches, 0);
    }
}

#[test]
fn the_sample_has_something_of_everything() {
    let Sample { disk, mut memory } = sample(40);
    let verified = verify(&disk);
    assert!(verified.is_sound(), "{:?}", verified.damage);
    assert!(verified.batches > 0 && verified.rooms == 4 && verified.conversations == 5, "{verified:?}");
    assert_eq!(verified.digest, Some(digest(&mut memory)));
    let store = FileStorage::open_on(disk.clone(), sample::options()).unwrap();
    assert_eq!(verified.epoch, Some(store.epoch()));
    store.close().unwrap();
    let verified = verify(&disk);
    let files = names(&disk);
    for kind in ["manifest", "birth", "history-", "state-", "journal-"] {
        assert!(files.iter().any(|name| name.starts_with(kind)), "{files:?}");
    }
    assert_eq!(verified.files, files.len() as u64);
    assert_eq!(
        verified.bytes,
        files.iter().map(|name| disk.bytes_of(name).unwrap().len() as u64).sum::<u64>()
    );
}

#[test]
fn nothing_is_written() {
    let Sample { disk, .. } = sample(40);
    let before = disk.operations();
    verify(&disk);
    assert_eq!(disk.operations(), before);
    disk.remove("lock").unwrap();
    let before = disk.operations();
    assert!(verify(&disk).is_sound());
    assert_eq!(disk.operations(), before, "not even the lock");
}

#[test]
fn a_flipped_bit_is_told_or_changes_nothing() {
    let Sample { disk, mut memory } = sample(12);
    let expected = Some(digest(&mut memory));
    for name in names(&disk) {
        let whole = disk.bytes_of(&name).unwrap();
        for byte in (0..whole.len()).step_by(3) {
            let mut bytes = whole.clone();
            bytes[byte] ^= 1 << (byte % 8);
            disk.put(&name, &bytes);
            let Ok(verified) = FileStorage::verify_on(&disk, |_| {}) else {
                assert_eq!((name.as_str(), byte / 4), ("manifest", 2), "only a newer format stops it");
                continue;
            };
            if name.starts_with("journal-") {
                // The last batch may pass for one that was never acknowledged; what lies behind it is of no use.
                let is_cut = verified.cut.is_some();
                assert!(!verified.is_sound() || is_cut || verified.digest == expected, "{name}: byte {byte}");
            } else if name.starts_with("state-") {
                // Behind what counts may lie what does not.
                assert!(!verified.is_sound() || verified.digest == expected, "{name}: byte {byte}");
            } else {
                assert!(!verified.is_sound(), "{name}: byte {byte}");
            }
            assert_eq!(verified.digest.is_some(), verified.is_sound());
        }
        disk.put(&name, &whole);
    }
}

#[test]
fn any_file_that_is_cut_short_or_missing_is_told() {
    let Sample { disk, .. } = sample(40);
    for name in names(&disk) {
        let whole = disk.bytes_of(&name).unwrap();
        for length in [0, whole.len() / 2, whole.len() - 1] {
            disk.put(&name, &whole[..length]);
            assert!(!verify(&disk).is_sound(), "{name}: {length} bytes");
        }
        disk.remove(&name).unwrap();
        assert!(!verify(&disk).is_sound(), "{name}");
        disk.put(&name, &whole);
    }
    assert!(verify(&disk).is_sound());
}

#[test]
fn damage_in_several_files_is_told_of_each() {
    let Sample { disk, .. } = sample(40);
    let damaged: Vec<_> = names(&disk)
        .into_iter()
        .filter(|name| ["birth", "history-", "state-"].iter().any(|kind| name.starts_with(kind)))
        .collect();
    assert!(damaged.len() > 3);
    for name in &damaged {
        let mut bytes = disk.bytes_of(name).unwrap();
        bytes[9] ^= 1;
        disk.put(name, &bytes);
    }
    let verified = verify(&disk);
    let told: Vec<_> = verified
        .damage
        .iter()
        .map(|error| match error {
            StorageError::Corrupt { thing, .. } => thing.clone(),
            other => panic!("{other}"),
        })
        .collect();
    for name in &damaged {
        assert_eq!(told.iter().filter(|thing| *thing == name).count(), 1, "{name}: {told:?}");
    }
    assert_eq!(told.len(), damaged.len());
}

#[test]
fn the_birth_file_of_another_store_is_told() {
    let Sample { disk, .. } = sample(12);
    let other = SimDisk::new();
    FileStorage::open_on(other.clone(), FileOptions::new([8; 16])).unwrap().close().unwrap();
    disk.put("birth", &other.bytes_of("birth").unwrap());
    let verified = verify(&disk);
    let [StorageError::Corrupt { thing, what, .. }] = &*verified.damage else { panic!("{verified:?}") };
    assert_eq!((thing.as_str(), *what), ("birth", "it is that of another store"));
}

#[test]
fn progress_rises_to_the_whole() {
    let Sample { disk, .. } = sample(40);
    let mut told: Vec<Progress> = Vec::new();
    let verified = FileStorage::verify_on(&disk, |progress| told.push(progress)).unwrap();
    assert!(told.iter().all(|progress| progress.total == verified.bytes));
    assert!(told.is_sorted_by_key(|progress| progress.done));
    assert_eq!((told.first().unwrap().done, told.last().unwrap().done), (0, verified.bytes));
}

#[test]
fn a_store_that_is_open_and_one_that_is_not_there_are_refused() {
    let disk = SimDisk::new();
    let error = FileStorage::verify_on(&disk, |_| {}).unwrap_err();
    assert!(matches!(error, StorageError::Failed { .. }), "{error}");
    disk.put("birth", b"TOOM");
    let error = FileStorage::verify_on(&disk, |_| {}).unwrap_err();
    assert!(matches!(error, StorageError::Failed { .. }), "its making was broken off: {error}");
    let store = FileStorage::open_on(disk.clone(), sample::options()).unwrap();
    let error = FileStorage::verify_on(&disk, |_| {}).unwrap_err();
    assert!(matches!(error, StorageError::InUse { .. }), "{error}");
    store.close().unwrap();
    assert!(verify(&disk).is_sound());
}

#[test]
fn a_folder_is_verified_where_it_lies_and_is_not_made() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("data");
    assert!(FileStorage::verify(&path, |_| {}).is_err());
    assert!(Folder::existing(&path).is_err());
    FileStorage::open(&path, FileOptions::new([1; 16])).unwrap().close().unwrap();
    assert!(FileStorage::verify(&path, |_| {}).unwrap().is_sound());
}

#[test]
fn a_manifest_that_knows_of_no_state_file_is_told_of_where_there_are_messages() {
    let disk = SimDisk::new();
    let mut store = FileStorage::open_on(disk.clone(), sample::options()).unwrap();
    store.append(&[posted(1, "hello")]).unwrap();
    store.close().unwrap();
    let manifest = Manifest::load(&disk).unwrap().unwrap();
    Manifest { state: None, ..manifest }.store(&disk).unwrap();
    let verified = verify(&disk);
    let [StorageError::Corrupt { thing, what, .. }] = &*verified.damage else { panic!("{verified:?}") };
    let told = (thing.as_str(), *what);
    assert_eq!(told, ("manifest", "it tells another end of a conversation than the messages do"));
}

/// Each batch and each opening takes a sequence. No store comes to the end of them, but somebody can make one up.
#[test]
fn a_store_near_the_end_of_its_sequences_is_told_of_and_counts_anew_once_it_is_repaired() {
    let disk = SimDisk::new();
    let mut store = FileStorage::open_on(disk.clone(), sample::options()).unwrap();
    store.append(&[posted(1, "hello")]).unwrap();
    store.close().unwrap();
    let manifest = Manifest::load(&disk).unwrap().unwrap();
    let beginning_at = |first, state| {
        let disk = disk.kill();
        let journal = JournalStart { first, ..manifest.journal };
        Manifest { journal, state, ..manifest.clone() }.store(&disk).unwrap();
        disk
    };
    let repaired = |disk: &SimDisk| {
        let plan = RepairPlan::make_on(disk, |_| {}).unwrap().unwrap();
        assert!(plan.carry_out([1; 16], |_| {}).unwrap().is_sound());
        Manifest::load(disk).unwrap().unwrap().journal.first
    };
    assert!(verify(&beginning_at((1 << 63) - 1, manifest.state)).is_sound());
    for (first, then) in [(70, 72), ((1 << 63) - 3, (1 << 63) - 1), ((1 << 63) - 2, 1)] {
        assert_eq!(repaired(&beginning_at(first, None)), then, "what is damaged is the state, at {first}");
    }
    for (first, opens) in [(1 << 63, true), (u64::MAX - 1, true), (u64::MAX, false)] {
        let disk = beginning_at(first, manifest.state);
        let verified = verify(&disk);
        let [StorageError::Corrupt { thing, what, .. }] = &*verified.damage else { panic!("{verified:?}") };
        assert_eq!((thing.as_str(), *what), ("manifest", "the sequences of its journal are used up"));
        assert_eq!(FileStorage::open_on(disk.kill(), sample::options()).is_ok(), opens, "{first}");
        assert_eq!(repaired(&disk), 1, "{first}");
        FileStorage::open_on(disk, sample::options()).unwrap().close().unwrap();
    }
}

#[test]
fn progress_is_told_while_a_large_file_is_read() {
    const MIB: u64 = 1 << 20;
    let disk = SimDisk::new();
    let options = sample::options().journal_bytes(6 * MIB);
    let mut store = FileStorage::open_on(disk.clone(), options).unwrap();
    let body = "x".repeat(8000);
    let records: Vec<_> = (1..=600).map(|number| posted(number, &body)).collect();
    store.append(&records).unwrap();
    store.close().unwrap();
    let mut told = vec![0];
    FileStorage::verify_on(&disk, |progress| told.push(progress.done)).unwrap();
    // The last step is the journal, which is not read.
    let steps: Vec<_> = told.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let within = &steps[1..steps.len() - 1];
    assert_eq!(within.len(), 4, "{told:?}");
    assert!(within.iter().all(|step| (MIB..MIB + MIB / 16).contains(step)), "{told:?}");
}
