//! What was acknowledged outlives every crash, at every moment, also of a store that is recovering from one.

use std::io;

use super::recording::{Recording, Script};
use crate::simulated::{Effort, SimDisk, SimFile, SimLock};
use crate::{Access, Disk, DiskFile, Durability, Housekeeping};

/// How many batches a script appends.
const APPENDS: usize = 18;

/// How much to do: 1, or 10 if `TOOM_LONG` is set.
fn scale() -> u8 {
    if std::env::var_os("TOOM_LONG").is_some() { 10 } else { 1 }
}

fn recordings(scripts: u8) -> impl Iterator<Item = Recording> {
    (0..scripts * scale()).map(|seed| Script::new(seed, APPENDS).record(|disk| disk))
}

/// Looks at each outcome, and that there were as many as meant.
fn all_recover(at_least: u64, outcomes: impl Iterator<Item = Result<(), String>>) {
    let mut checked = 0;
    for outcome in outcomes {
        outcome.unwrap();
        checked += 1;
    }
    println!("{checked} crash states");
    assert!(checked >= at_least, "only {checked} crash states were checked");
}

#[test]
fn every_byte_prefix_of_every_write_recovers_what_was_acknowledged() {
    let states = recordings(2).flat_map(|recording| {
        let crashes = recording.trace.torn_writes().enumerate();
        crashes.map(|(nth, crash)| recording.check(&crash, nth % 16 == 0)).collect::<Vec<_>>()
    });
    all_recover(30_000, states);
}

#[test]
fn every_power_cut_leaves_what_was_acknowledged() {
    let effort = Effort { all_up_to: 128, drawn: 96, seed: 1 };
    let states = recordings(8).flat_map(|recording| {
        let crashes = recording.trace.crashes(effort).enumerate();
        crashes.map(|(nth, crash)| recording.check(&crash, nth % 16 == 0)).collect::<Vec<_>>()
    });
    all_recover(20_000, states);
}

#[test]
fn every_end_of_the_process_leaves_what_was_acknowledged_and_a_power_cut_soon_after_leaves_it_too() {
    let states = recordings(6).flat_map(|recording| {
        recording.trace.kills().map(|crash| recording.check(&crash, true)).collect::<Vec<_>>()
    });
    all_recover(1_000, states);
}

/// The power fails, or the process ends, and then the power fails in the midst of recovering.
#[test]
fn a_power_cut_during_recovery_leaves_what_was_acknowledged() {
    let once = Effort { all_up_to: 0, drawn: 1, seed: 2 };
    let again = Effort { all_up_to: 12, drawn: 6, seed: 3 };
    let states = recordings(2).flat_map(|recording| {
        let mut outcomes = Vec::new();
        for crash in recording.trace.kills().chain(recording.trace.crashes(once)) {
            crash.disk.record();
            drop(recording.script.open(&crash.disk).map_err(|error| recording.told(&crash, &error)).unwrap());
            let recovery = crash.disk.trace().unwrap();
            for second in recovery.crashes(again) {
                let allowed = recording.allowed(crash.operations);
                let outcome = recording.script.check_disk(&second.disk, allowed, false);
                let where_ = format!("recovery, operation {}, {:?}", second.operations, second.case);
                outcomes.push(outcome.map_err(|wrong| recording.told(&crash, &format!("{where_}: {wrong}"))));
            }
        }
        outcomes
    });
    all_recover(40_000, states);
}

#[test]
fn a_power_cut_costs_a_buffered_store_its_last_batches_and_the_end_of_the_process_none() {
    for seed in 0..2 * scale() {
        let script = Script::new(seed, APPENDS);
        let options = script.options.durability(Durability::Buffered);
        let recording = Script { options, ..script }.record(|disk| disk);
        let kills = recording.trace.kills().map(|crash| recording.check(&crash, false));
        all_recover(100, kills);
        let effort = Effort { all_up_to: 64, drawn: 32, seed: 4 };
        let cuts = recording.trace.crashes(effort).map(|crash| {
            let allowed = 0..=*recording.allowed(crash.operations).end();
            let checked = recording.script.check_disk(&crash.disk, allowed, false);
            checked.map_err(|wrong| recording.told(&crash, &wrong))
        });
        all_recover(1_000, cuts);
    }
}

/// Appends and the work behind the journal then take turns as chance has it.
#[test]
fn a_power_cut_of_a_store_with_a_thread_of_its_own_leaves_what_was_acknowledged() {
    let effort = Effort { all_up_to: 16, drawn: 8, seed: 6 };
    let states = (0..4 * scale()).flat_map(|seed| {
        let script = Script::new(seed, APPENDS);
        let options = script.options;
        let threaded = Script { options: options.housekeeping(Housekeeping::Thread), ..script };
        let mut recording = threaded.record(|disk| disk);
        recording.script.options = options;
        let crashes = recording.trace.kills().chain(recording.trace.crashes(effort));
        crashes.map(|crash| recording.check(&crash, true)).collect::<Vec<_>>()
    });
    all_recover(2_000, states);
}

/// How many crashes lost something that was acknowledged, of how many, on a disk that tells this lie.
fn lost(lie: Lie) -> (usize, usize) {
    let recording = Script::new(0, APPENDS).record(|disk| LyingDisk { disk, lie });
    let effort = Effort { all_up_to: 16, drawn: 8, seed: 5 };
    let outcomes: Vec<_> =
        recording.trace.crashes(effort).map(|crash| recording.check(&crash, false)).collect();
    (outcomes.iter().filter(|outcome| outcome.is_err()).count(), outcomes.len())
}

/// Were this to fail, the tests above would show nothing.
#[test]
fn a_disk_that_does_not_sync_loses_what_was_acknowledged() {
    let (lost, of) = lost(Lie::Sync);
    assert!(lost > of / 2, "{lost} of {of}");
}

/// Were this to fail, the tests above would show nothing.
#[test]
fn a_disk_that_does_not_sync_names_loses_what_was_acknowledged() {
    let (lost, of) = lost(Lie::SyncNames);
    assert!(lost > of / 4, "{lost} of {of}");
}

/// What a [`LyingDisk`] says that it did, and did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lie {
    Sync,
    SyncNames,
}

#[derive(Clone)]
struct LyingDisk {
    disk: SimDisk,
    lie: Lie,
}

struct LyingFile {
    file: SimFile,
    lie: Lie,
}

impl LyingDisk {
    fn lying(&self, file: SimFile) -> LyingFile {
        LyingFile { file, lie: self.lie }
    }
}

impl Disk for LyingDisk {
    type File = LyingFile;
    type Lock = SimLock;

    fn lock(&self, name: &str) -> io::Result<Option<SimLock>> {
        self.disk.lock(name)
    }

    fn names(&self) -> io::Result<Vec<String>> {
        self.disk.names()
    }

    fn create(&self, name: &str) -> io::Result<LyingFile> {
        self.disk.create(name).map(|file| self.lying(file))
    }

    fn open(&self, name: &str, access: Access) -> io::Result<LyingFile> {
        self.disk.open(name, access).map(|file| self.lying(file))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }

    fn sync_names(&self) -> io::Result<()> {
        if self.lie == Lie::SyncNames { Ok(()) } else { self.disk.sync_names() }
    }

    fn shown(&self, name: &str) -> String {
        self.disk.shown(name)
    }
}

impl DiskFile for LyingFile {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        if self.lie == Lie::Sync { Ok(()) } else { self.file.sync() }
    }
}
