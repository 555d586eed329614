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
            // There may be more to do, once nobody appends.
            Ok(_) if effort == Effort::Due => QUIET,
            Ok(_) => Duration::MAX,
            Err(error) if error.is_harmless() => {
                control.tell(Trouble::Full(error));
                Duration::MAX
            }
            Err(_) => {
                control.tell(Trouble::Failed);
                return keeper;
            }
        };
        match rest(&keeper, control, patience) {
            Some(wanted) => effort = wanted,
            None => return keeper,
        }
    }
}

/// Waits until there is something to do, or until nobody appended for as long as `patience`, and tells how much is to be done then;
/// `None` when the keeper is to end.
fn rest<D: Disk>(keeper: &Keeper<D>, control: &Control, patience: Duration) -> Option<Effort> {
    loop {
        let bytes = keeper.bytes_in_memory();
        match control.wait_for_work(patience) {
            Wake::Work => return Some(Effort::Due),
            Wake::Stop => return None,
            Wake::Quiet if keeper.bytes_in_memory() == bytes => return Some(Effort::All),
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
    use super::*;

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
}
