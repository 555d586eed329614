//! What a failing disk means to who uses the store: for every call, failing once or from then on.

use core::ops::RangeInclusive;

use super::recording::{Act, Script};
use super::truth::Wrong;
use crate::simulated::{Call, Fault, SimDisk};
use crate::{FileStorage, Housekeeping, Storage, StorageError};

const APPENDS: usize = 14;

const CALLS: [Call; 11] = [
    Call::Lock,
    Call::Names,
    Call::Create,
    Call::Open,
    Call::Rename,
    Call::Remove,
    Call::SyncNames,
    Call::Len,
    Call::Read,
    Call::Write,
    Call::Sync,
];

/// A script on a disk of which one call fails.
struct Run<'s> {
    script: &'s Script,
    disk: SimDisk,
    store: Option<FileStorage<SimDisk>>,
    acknowledged: usize,
    /// How many batches there may be: those that were acknowledged, and one that failed.
    possible: usize,
    /// How often an error was met.
    met: u32,
    /// The disk has been made to work again.
    mended: bool,
}

/// Whether the script goes on.
enum Met {
    GoesOn,
    Over,
}

impl<'s> Run<'s> {
    fn new(script: &'s Script, disk: SimDisk) -> Self {
        Self { script, disk, store: None, acknowledged: 0, possible: 0, met: 0, mended: false }
    }

    /// Carries out what the script says until something fails that only opening the store again mends; then all is well after that.
    fn carry_out(&mut self) -> Result<(), Wrong> {
        for act in core::iter::once(&Act::CloseAndOpen).chain(&self.script.acts) {
            while let Err(error) = self.act(*act) {
                self.met += 1;
                if self.mended || matches!(error, StorageError::NeedsReopen) {
                    return Err(Wrong::Answer(format!("nothing fails or failed, and it says “{error}”")));
                }
                match self.meet(&error).map_err(|wrong| format!("after “{error}”: {wrong}"))? {
                    Met::GoesOn => {}
                    Met::Over => return Ok(()),
                }
            }
        }
        self.mend();
        self.store = None;
        self.all_is_well(&self.disk, self.certain())
    }

    fn act(&mut self, act: Act) -> Result<(), StorageError> {
        match (act, &mut self.store) {
            (Act::Append, Some(store)) => {
                self.possible = self.acknowledged + 1;
                let appended = store.append(&self.script.truth.batches[self.acknowledged]);
                if !matches!(&appended, Err(error) if !error.is_harmless()) {
                    self.acknowledged += usize::from(appended.is_ok());
                    self.possible = self.acknowledged;
                }
                appended
            }
            (Act::Work(steps), Some(store)) => (0..steps).try_for_each(|_| store.work().map(|_| ())),
            (Act::Tidy(steps), Some(store)) => (0..steps).try_for_each(|_| store.tidy().map(|_| ())),
            (Act::CloseAndOpen, _) => {
                if let Some(store) = self.store.take() {
                    store.close()?;
                }
                self.store = Some(FileStorage::open_on(self.disk.clone(), self.script.options)?);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn mend(&mut self) {
        mend(&self.disk);
        self.mended = true;
    }

    fn certain(&self) -> RangeInclusive<usize> {
        self.acknowledged..=self.possible
    }

    fn meet(&mut self, error: &StorageError) -> Result<Met, Wrong> {
        let exactly = self.acknowledged..=self.acknowledged;
        let Some(store) = &mut self.store else {
            // It was being opened or closed: then it is opened when the disk works again.
            self.check_what_is_left()?;
            mend(&self.disk);
            self.all_is_well(&self.disk, self.certain())?;
            return Ok(Met::Over);
        };
        self.script.truth.held_by(store, exactly.clone()).or_else(|_| {
            // Reading may be what fails.
            mend(&self.disk);
            self.script.truth.held_by(store, exactly)
        })?;
        if error.is_harmless() {
            self.check_what_is_left()?;
            // It is tried again without room, and then with room.
            if self.met > 1 {
                self.mend();
            }
            return Ok(Met::GoesOn);
        }
        let next = &self.script.truth.batches[self.acknowledged];
        for _ in 0..2 {
            let again = store.append(next);
            if !matches!(again, Err(StorageError::NeedsReopen)) {
                return Err(Wrong::Answer(format!("an append was answered {again:?}")));
            }
            let work = store.work();
            if !matches!(work, Err(StorageError::NeedsReopen)) {
                return Err(Wrong::Answer(format!("work was answered {work:?}")));
            }
        }
        self.check_what_is_left()?;
        self.mend();
        self.store = None;
        self.all_is_well(&self.disk, self.certain())?;
        Ok(Met::Over)
    }

    /// What a crash would leave now.
    fn check_what_is_left(&self) -> Result<(), Wrong> {
        self.no_sync_was_tried_again()?;
        let crashes = (0..3).map(|seed| self.disk.crash_seeded(seed));
        core::iter::once(self.disk.kill()).chain(crashes).try_for_each(|left| {
            left.set_bytes_max(None);
            self.all_is_well(&left, self.certain())
        })
    }

    fn all_is_well(&self, disk: &SimDisk, allowed: RangeInclusive<usize>) -> Result<(), Wrong> {
        self.script.check_disk(disk, allowed, true)?;
        self.no_sync_was_tried_again()
    }

    fn no_sync_was_tried_again(&self) -> Result<(), Wrong> {
        match self.disk.syncs_repeated() {
            0 => Ok(()),
            times => Err(Wrong::Answer(format!("failed syncs were tried again {times} times"))),
        }
    }
}

/// From now on the disk works, and has room.
fn mend(disk: &SimDisk) {
    disk.heal();
    disk.set_bytes_max(None);
}

/// Lets each call fail that a script makes, one after the other, as `fail` has it; tells how many there were and how many errors.
fn each_call_fails(call: Call, fail: impl Fn(Fault) -> Fault) -> (u64, u32) {
    let script = Script::new(3, APPENDS);
    let mut met = 0;
    for nth in 1.. {
        let disk = SimDisk::new();
        disk.inject(fail(Fault::nth(nth).of(call)));
        let mut run = Run::new(&script, disk.clone());
        run.carry_out().unwrap_or_else(|wrong| panic!("{call:?} number {nth} fails: {wrong}"));
        met += run.met;
        if disk.faults_hit() == 0 {
            return (nth - 1, met);
        }
    }
    unreachable!("the script ends");
}

#[test]
fn no_call_that_fails_once_costs_anything_that_was_acknowledged() {
    for call in CALLS {
        let (calls, met) = each_call_fails(call, |fault| fault);
        println!("{call:?}: {calls} calls, {met} errors");
        assert!(calls > 0, "{call:?}");
    }
}

#[test]
fn no_call_that_fails_for_ever_costs_anything_that_was_acknowledged() {
    for call in CALLS {
        each_call_fails(call, Fault::forever);
    }
}

#[test]
fn no_call_that_finds_no_room_costs_anything_that_was_acknowledged() {
    for call in [Call::Create, Call::Write, Call::Rename, Call::Sync, Call::SyncNames] {
        each_call_fails(call, Fault::full);
        each_call_fails(call, |fault| fault.full().forever());
    }
}

/// The last of them breaks off when all is written.
const TORN_AT: [usize; 5] = [1, 8, 40, 100, usize::MAX];

#[test]
fn no_write_that_breaks_off_costs_anything_that_was_acknowledged() {
    for bytes in TORN_AT {
        each_call_fails(Call::Write, |fault| fault.torn(bytes));
    }
}

#[test]
fn no_write_that_runs_out_of_room_halfway_costs_anything_that_was_acknowledged_or_comes_back() {
    for bytes in TORN_AT {
        each_call_fails(Call::Write, |fault| fault.full().torn(bytes));
    }
}

/// With so little room that each of these is met: no journal, a journal half filled, no run, no state, no manifest, no merge.
#[test]
fn a_full_disk_at_any_byte_costs_nothing_and_the_script_goes_on_when_there_is_room() {
    let script = Script::new(3, APPENDS);
    let disk = SimDisk::new();
    Run::new(&script, disk.clone()).carry_out().unwrap();
    let peak = disk.bytes_peak();
    let mut met = 0;
    for bytes_max in (0..peak).step_by(37) {
        let disk = SimDisk::new();
        disk.set_bytes_max(Some(bytes_max));
        let mut run = Run::new(&script, disk.clone());
        run.carry_out().unwrap_or_else(|wrong| panic!("{bytes_max} bytes of room: {wrong}"));
        met += run.met;
    }
    assert!(met > 100, "{met}");
}

/// Calls `attempt` on a thread, and does not wait for it for ever.
fn in_time<T: Send + 'static>(attempt: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, waits) = std::sync::mpsc::channel();
    let run = move || done.send(attempt());
    std::thread::Builder::new().spawn(run).unwrap();
    waits.recv_timeout(core::time::Duration::from_mins(1)).expect("it hangs, or it panicked")
}

#[test]
fn a_store_with_a_thread_of_its_own_is_full_without_hanging_and_goes_on_when_there_is_room() {
    let script = Script::new(4, 60);
    let options = script.options.housekeeping(Housekeeping::Thread);
    let disk = SimDisk::new();
    let mut store = FileStorage::open_on(disk.clone(), options).unwrap();
    disk.set_bytes_max(Some(disk.bytes_used()));
    let batches = script.truth.batches.clone();
    let (mut store, acknowledged) = in_time(move || {
        for (acknowledged, batch) in batches.iter().enumerate() {
            match store.append(batch) {
                Ok(()) => {}
                Err(StorageError::Full { .. }) => return (store, acknowledged),
                Err(error) => panic!("{error}"),
            }
        }
        panic!("it was never full");
    });
    script.truth.held_by(&mut store, acknowledged..=acknowledged).unwrap();
    let left = disk.kill();
    disk.set_bytes_max(None);
    mend(&left);
    script.check_disk(&left, acknowledged..=acknowledged, false).unwrap();
    let batches = script.truth.batches.clone();
    let mut store = in_time(move || {
        // Once the keeper may tell of an attempt that it began before there was room.
        let mut refused = 0;
        for batch in &batches[acknowledged..] {
            while let Err(error) = store.append(batch) {
                refused += 1;
                assert!(error.is_harmless() && refused == 1, "refused {refused} times: {error}");
            }
        }
        store
    });
    let all = script.truth.batches.len();
    script.truth.held_by(&mut store, all..=all).unwrap();
    in_time(move || store.close()).unwrap();
    script.check_disk(&disk.crash(&mut |_| 0), all..=all, false).unwrap();
}

#[test]
fn a_store_with_a_thread_of_its_own_refuses_appends_after_the_thread_failed() {
    let script = Script::new(4, 60);
    let options = script.options.housekeeping(Housekeeping::Thread);
    let once =
        ["history-", "state-", "manifest"].map(|beginning| Fault::nth(1).of(Call::Sync).in_files(beginning));
    let for_ever = once.clone().map(Fault::forever);
    for fault in once.into_iter().chain(for_ever) {
        let disk = SimDisk::new();
        let mut store = FileStorage::open_on(disk.clone(), options).unwrap();
        disk.inject(fault);
        let batches = script.truth.batches.clone();
        let (mut store, acknowledged) = in_time(move || {
            let refused = batches.iter().position(|batch| store.append(batch).is_err());
            (store, refused.expect("it was refused"))
        });
        let again = store.append(&script.truth.batches[acknowledged]);
        assert!(matches!(again, Err(StorageError::NeedsReopen)), "{again:?}");
        script.truth.held_by(&mut store, acknowledged..=acknowledged).unwrap();
        assert!(in_time(move || store.close()).is_err());
        assert_eq!(disk.syncs_repeated(), 0);
        for left in [disk.kill(), disk.crash(&mut |_| 0)] {
            script.check_disk(&left, acknowledged..=acknowledged, true).unwrap();
        }
    }
}
