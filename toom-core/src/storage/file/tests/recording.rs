//! Stores at work on a simulated disk, every state of which is kept.

use core::ops::RangeInclusive;
use core::time::Duration;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::script::{self, Draft, Writer};
use super::truth::{Truth, Wrong};
use crate::simulated::{Crash, SimDisk, Trace};
use crate::{Disk, FileOptions, FileStorage, Housekeeping, Record, Retention, Storage, StorageError};

/// What is done to a store, made from a seed.
#[derive(Clone, Debug)]
pub(super) struct Script {
    pub(super) seed: u8,
    pub(super) acts: Vec<Act>,
    pub(super) truth: Truth,
    pub(super) options: FileOptions,
}

/// A `Work` is so many pieces of it, and so is a `Tidy`.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    Append,
    Work(usize),
    Tidy(usize),
    CloseAndOpen,
}

/// A script that was carried out.
pub(super) struct Recording {
    pub(super) script: Script,
    pub(super) trace: Trace,
    /// The operations of the disk before each batch, and before it was acknowledged.
    spans: Vec<(u64, u64)>,
}

/// Batches that no script appends: for who goes on after it.
pub(super) const SPARE: usize = 2;

impl Script {
    pub(super) fn new(seed: u8, appends: usize) -> Self {
        let mut runner = TestRunner::new_with_rng(
            Config::default(),
            TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]),
        );
        let mut draw = |batch: &BoxedStrategy<Vec<Draft>>| batch.new_tree(&mut runner).unwrap().current();
        let bytes = prop_oneof![12 => 1_usize..50, 1 => 200_usize..600];
        let batch = prop::collection::vec(script::draft_of(bytes), 1..4).boxed();
        let mut writer = Writer::default();
        let batches: Vec<_> = (0..appends + SPARE).map(|_| writer.write(&draw(&batch))).collect();
        // Every third script drops what is old.
        let span = batches.last().map_or(0, |batch| end_of(batch)).unsigned_abs();
        let keep_for = (seed % 3 == 2).then(|| Duration::from_micros(span / 3));
        let act = |append: usize| match (append + usize::from(seed)) % 11 {
            4 => [Some(Act::Append), Some(Act::Work(1))],
            6 => [Some(Act::Append), Some(Act::CloseAndOpen)],
            9 if seed % 2 == 1 => [Some(Act::Append), Some(Act::Tidy(20))],
            9 => [Some(Act::Append), Some(Act::Work(20))],
            _ => [Some(Act::Append), None],
        };
        let options = FileOptions::new([seed; 16])
            .journal_bytes(512)
            .index_cache_bytes(40_000)
            .retention(Retention { keep_for, keep_bytes: None })
            .housekeeping(Housekeeping::Caller);
        let acts = (0..appends).flat_map(act).flatten().chain([Act::CloseAndOpen]).collect();
        Self { seed, acts, truth: Truth::new(batches, keep_for), options }
    }

    /// Carries the script out on a disk that `lie` makes of a simulated one.
    pub(super) fn record<D: Disk>(self, lie: impl FnOnce(SimDisk) -> D) -> Recording {
        let disk = SimDisk::new();
        disk.record();
        let open_on = lie(disk.clone());
        let mut store = FileStorage::open_on(open_on.clone(), self.options).unwrap();
        let mut spans = Vec::new();
        for act in &self.acts {
            match act {
                Act::Append => {
                    let before = disk.operations();
                    store.append(&self.truth.batches[spans.len()]).unwrap();
                    spans.push((before, disk.operations()));
                }
                Act::Work(steps) => (0..*steps).for_each(|_| {
                    store.work().unwrap();
                }),
                Act::Tidy(steps) => (0..*steps).for_each(|_| {
                    store.tidy().unwrap();
                }),
                Act::CloseAndOpen => {
                    store.close().unwrap();
                    store = FileStorage::open_on(open_on.clone(), self.options).unwrap();
                }
            }
        }
        let trace = disk.trace().unwrap();
        Recording { script: self, trace, spans }
    }

    /// Opens `disk` and checks it; with `go_on` appends, and checks what a power cut leaves of that.
    pub(super) fn check_disk(
        &self,
        disk: &SimDisk,
        allowed: RangeInclusive<usize>,
        go_on: bool,
    ) -> Result<(), Wrong> {
        let mut store = self.open(disk)?;
        let held = self.truth.held_by(&mut store, allowed)?;
        if !go_on {
            return Ok(());
        }
        let next = held + 1;
        store.append(&self.truth.batches[held])?;
        self.truth.held_by(&mut store, next..=next)?;
        let lost = disk.crash(&mut |_| 0);
        self.check_disk(&lost, next..=next, false)
    }

    pub(super) fn open(&self, disk: &SimDisk) -> Result<FileStorage<SimDisk>, StorageError> {
        FileStorage::open_on(disk.clone(), self.options)
    }
}

impl Recording {
    /// The disk as it was when the last batch was acknowledged, with some batches in the journal.
    pub(super) fn left(&self) -> SimDisk {
        let end = self.spans.last().map_or(0, |(_, end)| *end);
        let mut kills = self.trace.kills();
        kills.find(|kill| kill.operations == end).expect("every state is kept").disk
    }

    /// How many batches a store may hold that was broken off after so many operations of the disk: all that were acknowledged, and the
    /// one that was under way.
    pub(super) fn allowed(&self, operations: u64) -> RangeInclusive<usize> {
        let acknowledged = self.spans.partition_point(|(_, end)| *end <= operations);
        let begun = self.spans.partition_point(|(start, _)| *start < operations);
        acknowledged..=begun
    }

    /// Checks what `crash` left, and with `go_on` appends, and checks what a power cut leaves of that.
    pub(super) fn check(&self, crash: &Crash, go_on: bool) -> Result<(), String> {
        let checked = self.script.check_disk(&crash.disk, self.allowed(crash.operations), go_on);
        checked.map_err(|wrong| self.told(crash, &wrong))
    }

    /// Where it was that something went wrong.
    pub(super) fn told(&self, crash: &Crash, wrong: &impl core::fmt::Display) -> String {
        format!("script {}, operation {}, {:?}: {wrong}", self.script.seed, crash.operations, crash.case)
    }
}

fn end_of(batch: &[Record]) -> i64 {
    batch.last().map_or(0, |record| record.at().unix_micros())
}
