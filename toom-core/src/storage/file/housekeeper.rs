//! Who has the keeper: a thread of its own, or who uses the store.

use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crate::StorageError;
use crate::storage::file::control::{Control, Trouble};
use crate::storage::file::disk::Disk;
use crate::storage::file::fault::failed;
use crate::storage::file::keeper::{Keeper, Step};

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
    control.want_work();
    while control.wait_for_work() {
        loop {
            match keeper.step() {
                Ok(Step::Worked) if !control.is_stopping() => {}
                Ok(_) => break,
                Err(error) if error.is_harmless() => break control.tell(Trouble::Full(error)),
                Err(_) => {
                    control.tell(Trouble::Failed);
                    return keeper;
                }
            }
        }
    }
    keeper
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
