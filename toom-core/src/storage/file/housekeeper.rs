//! Who has the keeper: a thread of its own, or who uses the store.

use core::time::Duration;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crate::StorageError;
use crate::storage::file::control::{Control, Trouble, Wake};
use crate::storage::file::disk::Disk;
use crate::storage::file::fault::failed;
use crate::storage::file::keeper::{Effort, Keeper, Step};

/// Nobody appends if nobody did for so long.
const QUIET: Duration = Duration::from_secs(1);

/// Who has the keeper.
pub(super) enum Housekeeper<D: Disk> {
    Thread(JoinHandle<Keeper<D>>),
    Caller(Box<Keeper<D>>),
}

impl<D: Disk> Housekeeper<D> {
    /// Starts a thread for it. Messages to people call the store `shown`.
    pub(super) fn start(
        keeper: Keeper<D>,
        control: &Arc<Control>,
        shown: String,
    ) -> Result<Self, StorageError> {
        let alarm = Alarm(Arc::clone(control));
        let work = move || keep(keeper, &alarm.0);
        let thread = thread::Builder::new().name("toom-storage".to_owned()).spawn(work);
        thread.map(Self::Thread).map_err(|error| failed(shown, "start the thread for", error))
    }

    /// Gives back the keeper, once it has done what it is at; `None` if its thread panicked. A thread was told to stop before.
    pub(super) fn end(self) -> Option<Keeper<D>> {
        match self {
            Self::Thread(thread) => thread.join().ok(),
            Self::Caller(keeper) => Some(*keeper),
        }
    }
}

/// Works until it is told to stop or fails.
fn keep<D: Disk>(mut keeper: Keeper<D>, control: &Control) -> Keeper<D> {
    let mut effort = Effort::Due;
    loop {
        let patience = match keeper.step(effort) {
            Ok(Step::Worked) if !control.is_stopping() => continue,
            Ok(_) => patience_after(effort),
            Err(error) if error.is_harmless() => {
                control.tell(Trouble::Full(error));
                Duration::MAX
            }
            Err(_) => {
                control.tell(Trouble::Failed);
                return keeper;
            }
        };
        match rest(|| keeper.bytes_in_memory(), control, patience) {
            Some(wanted) => effort = wanted,
            None => return keeper,
        }
    }
}

/// How long to wait when nothing of such an effort is left to do: there may be more, once nobody appends.
const fn patience_after(effort: Effort) -> Duration {
    match effort {
        Effort::Due => QUIET,
        Effort::All => Duration::MAX,
    }
}

/// Waits until there is something to do, or until nobody appended for as long as `patience`, which would have changed `bytes_in_memory`,
/// and tells how much is to be done then; `None` when the keeper is to end.
fn rest(bytes_in_memory: impl Fn() -> usize, control: &Control, patience: Duration) -> Option<Effort> {
    loop {
        let bytes = bytes_in_memory();
        match control.wait_for_work(patience) {
            Wake::Work => return Some(Effort::Due),
            Wake::Stop => return None,
            Wake::Quiet if bytes_in_memory() == bytes => return Some(Effort::All),
            Wake::Quiet => {}
        }
    }
}

/// Tells who waits for the keeper when its thread panics.
struct Alarm(Arc<Control>);

impl Drop for Alarm {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.tell(Trouble::Failed);
        }
    }
}

#[cfg(test)]
mod tests {
    use core::cell::RefCell;

    use super::*;
    use crate::simulated::SimDisk;
    use crate::storage::file::open::{self, OpenStore};
    use crate::storage::file::samples::posted;
    use crate::{FileOptions, FileStorage, Housekeeping, Record, Storage};

    #[test]
    fn nobody_waits_for_a_keeper_that_panicked() {
        let control = Arc::new(Control::default());
        let alarm = Alarm(Arc::clone(&control));
        let work = move || {
            let _alarm = alarm;
            panic!("a mistake in the keeper");
        };
        thread::Builder::new().spawn(work).unwrap().join().unwrap_err();
        assert!(matches!(control.wait_for_room(), Err(Trouble::Failed)));
    }

    #[test]
    fn a_keeper_that_did_all_waits_until_it_is_asked_for_more() {
        assert_eq!(patience_after(Effort::Due), QUIET);
        assert_eq!(patience_after(Effort::All), Duration::MAX);
    }

    #[test]
    fn a_keeper_tidies_only_when_nobody_appended_while_it_waited() {
        let in_memory = RefCell::new([1, 2, 2, 3, 3, 3, 4].into_iter());
        let bytes_in_memory = || in_memory.borrow_mut().next().unwrap();
        let control = Control::default();
        assert_eq!(rest(bytes_in_memory, &control, Duration::ZERO), Some(Effort::All));
        assert_eq!(
            in_memory.into_inner().next(),
            Some(4),
            "it waited as often as somebody appended, and once more"
        );
        control.want_work();
        assert_eq!(rest(|| 0, &control, Duration::MAX), Some(Effort::Due));
        control.stop();
        assert_eq!(rest(|| 0, &control, Duration::MAX), None);
    }

    /// A store that was left with so many small files that some are to be merged.
    fn with_much_to_do() -> OpenStore<SimDisk> {
        let options = FileOptions::new([7; 16]).journal_bytes(256).housekeeping(Housekeeping::Caller);
        let disk = SimDisk::new();
        let mut store = FileStorage::open_on(disk.clone(), options).unwrap();
        for number in 1..60 {
            store.append(&[posted(number, "twenty bytes or more")]).unwrap();
        }
        let left = disk.kill();
        core::mem::forget(store);
        open::open(left, &options).unwrap()
    }

    #[test]
    fn a_keeper_that_is_told_to_stop_leaves_what_else_there_is_to_do() {
        let OpenStore { keeper, control, .. } = with_much_to_do();
        control.stop();
        let mut keeper = keep(keeper, &control);
        assert_eq!(keeper.step(Effort::Due).unwrap(), Step::Worked);
        while keeper.step(Effort::Due).unwrap() == Step::Worked {}
    }

    #[test]
    fn what_a_keeper_has_in_memory_grows_with_every_message() {
        let OpenStore { keeper, reader, .. } = with_much_to_do();
        let mut before = keeper.bytes_in_memory();
        for number in 60..63 {
            let Record::Posted(posted) = posted(number, &"x".repeat(5000)) else { unreachable!() };
            reader.view_mut().post(posted.message.view());
            assert!(keeper.bytes_in_memory() > before + 5000);
            before = keeper.bytes_in_memory();
        }
    }
}
