//! Damage is told, with the file, or does no harm: no wrong message, no silently shorter history, no panic.

use super::recording::{Recording, Script};
use super::script::{Draft, Kind, Writer};
use super::truth::Wrong;
use crate::simulated::SimDisk;
use crate::storage::file::names;
use crate::{Disk, FileOptions, FileStorage, Folder, Housekeeping, Storage, StorageError};

const APPENDS: usize = 12;

/// A store with batches in its journal, in history files, and in its state file.
struct Sample {
    recording: Recording,
    disk: SimDisk,
    files: Vec<(String, Vec<u8>)>,
}

/// What became of a store with damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Told,
    Harmless,
    /// The last batch of the journal is gone, and that was told when it was opened.
    Cut,
}

impl Sample {
    fn new() -> Self {
        let recording = Script::new(1, APPENDS).record(|disk| disk);
        let disk = recording.left();
        let files: Vec<_> = disk
            .names()
            .unwrap()
            .into_iter()
            .map(|name| (name.clone(), disk.bytes_of(&name).unwrap()))
            .collect();
        for beginning in ["history-", "state-", "journal-", "manifest", "birth"] {
            assert!(files.iter().any(|(name, _)| name.starts_with(beginning)), "{beginning}");
        }
        Self { recording, disk, files }
    }

    /// The files but for the lock, which is empty.
    fn files(&self) -> impl Iterator<Item = &(String, Vec<u8>)> {
        self.files.iter().filter(|(name, _)| name != names::LOCK)
    }

    fn with(&self, name: &str, bytes: &[u8]) -> SimDisk {
        let disk = self.disk.kill();
        disk.put(name, bytes);
        disk
    }

    /// Reads everything of `disk`, on which the file `name` is damaged.
    fn judge(&self, disk: &SimDisk, name: &str) -> Result<Outcome, Wrong> {
        let whole = self.recording.script.truth.batches.len() - super::recording::SPARE;
        let mut store = match self.recording.script.open(disk) {
            Ok(store) => store,
            Err(error) => return told(error, name),
        };
        let cut = store.opened().cut.clone();
        if let Some(cut) = &cut
            && cut.file != name
        {
            return Err(Wrong::Answer(format!("it was said to be cut in {}", cut.file)));
        }
        let held = whole - usize::from(cut.is_some());
        match self.recording.script.truth.held_by(&mut store, held..=held) {
            Ok(_) if cut.is_some() => Ok(Outcome::Cut),
            Ok(_) => Ok(Outcome::Harmless),
            Err(Wrong::Failed(error)) => told(error, name),
            Err(wrong) => Err(wrong),
        }
    }
}

/// Whether the error names the file `name` as damaged.
fn told(error: StorageError, name: &str) -> Result<Outcome, Wrong> {
    match &error {
        StorageError::Corrupt { thing, .. } if thing == name => Ok(Outcome::Told),
        StorageError::NewerFormat { thing, .. } if thing == name && name == names::MANIFEST => {
            Ok(Outcome::Told)
        }
        _ => Err(error.into()),
    }
}

#[test]
fn every_flipped_bit_is_told_or_does_no_harm() {
    let sample = Sample::new();
    let (mut flipped, mut cut) = (0, 0);
    for (name, bytes) in sample.files() {
        let mut told = 0;
        let mut damaged = bytes.clone();
        for bit in 0..bytes.len() * 8 {
            damaged[bit / 8] ^= 1 << (bit % 8);
            let outcome = sample.judge(&sample.with(name, &damaged), name);
            let outcome = outcome.unwrap_or_else(|wrong| panic!("{name}, bit {bit}: {wrong}"));
            told += usize::from(outcome == Outcome::Told);
            cut += usize::from(outcome == Outcome::Cut);
            damaged[bit / 8] ^= 1 << (bit % 8);
        }
        println!("{name}: {told} of {} flips told", bytes.len() * 8);
        let all_are_told = name.starts_with("history-") || name == names::MANIFEST;
        assert!(!all_are_told || told == bytes.len() * 8, "{name}: {told} of {} bytes", bytes.len());
        flipped += bytes.len() * 8;
    }
    println!("{flipped} bits, {cut} of them cost the last batch");
    assert!(cut > 0 && cut < 512 * 8, "{cut}");
}

#[test]
fn every_cut_of_a_file_is_told_or_does_no_harm() {
    let sample = Sample::new();
    for (name, bytes) in sample.files() {
        for len in 0..bytes.len() {
            let outcome = sample.judge(&sample.with(name, &bytes[..len]), name);
            let outcome = outcome.unwrap_or_else(|wrong| panic!("{name}, {len} bytes: {wrong}"));
            assert!(outcome == Outcome::Told || name == names::BIRTH, "{name}, {len} bytes: {outcome:?}");
        }
    }
}

#[test]
fn every_file_that_is_missing_is_told() {
    let sample = Sample::new();
    for (name, _) in sample.files() {
        let disk = sample.disk.kill();
        disk.remove(name).unwrap();
        match sample.recording.script.open(&disk) {
            Ok(_) => assert_eq!(name, names::BIRTH),
            Err(StorageError::Corrupt { thing, .. } | StorageError::Failed { thing, .. }) => {
                assert_eq!(&thing, name);
            }
            Err(error) => panic!("{name}: {error}"),
        }
    }
}

#[test]
fn files_of_others_are_left_alone_and_what_a_crash_left_over_is_removed() {
    let sample = Sample::new();
    let beyond = names::state(u64::MAX);
    let foreign = ["notes", "history-7", "journal-1.bak", "manifest.old", "state-", "LOCK", &beyond];
    let orphans = [names::history(1 << 40), names::state(1 << 40), names::MANIFEST_NEW.to_owned()];
    let disk = sample.disk.kill();
    foreign.into_iter().chain(orphans.iter().map(String::as_str)).for_each(|name| disk.put(name, b"mine"));
    let truth = &sample.recording.script.truth;
    let whole = truth.batches.len() - super::recording::SPARE;
    let mut store = sample.recording.script.open(&disk).unwrap();
    for name in &orphans {
        assert_eq!(disk.bytes_of(name), None, "{name}");
    }
    store.append(&truth.batches[whole]).unwrap();
    store.close().unwrap();
    let mut store = sample.recording.script.open(&disk).unwrap();
    truth.held_by(&mut store, whole + 1..=whole + 1).unwrap();
    for name in foreign {
        assert_eq!(disk.bytes_of(name).as_deref(), Some(&b"mine"[..]), "{name}");
    }
}

#[test]
fn who_finds_a_store_in_use_writes_nothing() {
    let sample = Sample::new();
    let disk = sample.disk.kill();
    let first = sample.recording.script.open(&disk).unwrap();
    let operations = disk.operations();
    let error = sample.recording.script.open(&disk).unwrap_err();
    assert!(matches!(&error, StorageError::InUse { thing } if thing == names::LOCK), "{error}");
    assert_eq!(disk.operations(), operations);
    drop(first);
    sample.recording.script.open(&disk).unwrap();
}

#[test]
fn a_folder_in_use_is_refused_until_the_store_in_it_is_closed() {
    let folder = tempfile::TempDir::new().unwrap();
    let open = || {
        FileStorage::open_on(
            Folder::open(folder.path()).unwrap(),
            FileOptions::new([3; 16]).journal_bytes(512),
        )
    };
    let first = open().unwrap();
    assert!(matches!(open(), Err(StorageError::InUse { .. })));
    first.close().unwrap();
    open().unwrap();
}

#[test]
fn a_store_of_a_newer_format_is_refused_and_left_as_it_is() {
    let sample = Sample::new();
    let mut manifest = sample.disk.bytes_of(names::MANIFEST).unwrap();
    manifest[8] += 1;
    let disk = sample.with(names::MANIFEST, &manifest);
    let operations = disk.operations();
    let error = sample.recording.script.open(&disk).unwrap_err();
    assert!(matches!(error, StorageError::NewerFormat { found: 2, known: 1, .. }), "{error}");
    assert_eq!(disk.operations(), operations);
}

/// It is whole, and its frames follow one another, but they are not those that the manifest tells of: a copy of the store wrote them.
#[test]
fn a_state_file_that_a_copy_of_the_store_wrote_is_told() {
    let options = FileOptions::new([3; 16]).housekeeping(Housekeeping::Caller);
    let append = |disk: &SimDisk, writer: &mut Writer, author| {
        let post =
            Draft { kind: Kind::Post { conversation: 0, bytes: 9 }, author, wait_micros: 1, keyed: true };
        let mut store = FileStorage::open_on(disk.clone(), options).unwrap();
        store.append(&writer.write(&[post])).unwrap();
        store.close().unwrap();
    };
    let disk = SimDisk::new();
    let mut writer = Writer::default();
    append(&disk, &mut writer, 0);
    let copy = disk.kill();
    let names = disk.names().unwrap();
    let state = names.iter().find(|name| names::is_state(name)).unwrap();
    append(&disk, &mut writer.clone(), 1);
    append(&copy, &mut writer, 2);
    let [here, there] = [&disk, &copy].map(|disk| disk.bytes_of(state).unwrap());
    assert!(here != there && here.len() == there.len());
    disk.put(state, &there);
    let error = FileStorage::open_on(disk, options).unwrap_err();
    assert!(matches!(&error, StorageError::Corrupt { thing, .. } if thing == state), "{error}");
}
