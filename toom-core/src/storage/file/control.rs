//! What who appends and the keeper in the background tell each other.

use core::time::Duration;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::StorageError;
use crate::storage::file::journal::JournalFile;

/// The talk between who appends and the keeper.
#[derive(Debug, Default)]
pub(super) struct Control {
    talk: Mutex<Talk>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Talk {
    /// Journal files whose records lie in runs.
    released: Vec<JournalFile>,
    /// There may be something to do.
    wanted: bool,
    stop: bool,
    trouble: Option<Trouble>,
}

/// Why the keeper wakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wake {
    /// There may be something to do.
    Work,
    /// It was asked for nothing for as long as it waits.
    Quiet,
    /// It is to end.
    Stop,
}

/// Why the keeper does not go on.
#[derive(Clone, Debug)]
pub(super) enum Trouble {
    /// There was no room. It tries again when it is asked to.
    Full(StorageError),
    /// It failed, and ended.
    Failed,
}

impl Control {
    /// Asks the keeper to look for work, also when there was no room the last time.
    pub(super) fn want_work(&self) {
        let mut talk = self.talk();
        talk.wanted = true;
        if matches!(talk.trouble, Some(Trouble::Full(_))) {
            talk.trouble = None;
        }
        self.changed.notify_all();
    }

    /// Waits until the keeper released a journal file or is in trouble.
    pub(super) fn wait_for_room(&self) -> Result<Vec<JournalFile>, Trouble> {
        let mut talk = self.talk();
        loop {
            if !talk.released.is_empty() {
                return Ok(core::mem::take(&mut talk.released));
            }
            if let Some(trouble) = &talk.trouble {
                return Err(trouble.clone());
            }
            talk = self.changed.wait(talk).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The journal files that were released meanwhile.
    pub(super) fn released(&self) -> Vec<JournalFile> {
        core::mem::take(&mut self.talk().released)
    }

    pub(super) fn has_failed(&self) -> bool {
        matches!(self.talk().trouble, Some(Trouble::Failed))
    }

    /// Tells the keeper to end when it has done what it is at.
    pub(super) fn stop(&self) {
        self.talk().stop = true;
        self.changed.notify_all();
    }

    /// Said by the keeper: the records of `file` lie in a run.
    pub(super) fn release(&self, file: JournalFile) {
        self.talk().released.push(file);
        self.changed.notify_all();
    }

    pub(super) fn tell(&self, trouble: Trouble) {
        self.talk().trouble = Some(trouble);
        self.changed.notify_all();
    }

    /// Waits until there may be something to do, or for so long.
    pub(super) fn wait_for_work(&self, at_most: Duration) -> Wake {
        let waits = |talk: &mut Talk| !talk.wanted && !talk.stop;
        let waited = self.changed.wait_timeout_while(self.talk(), at_most, waits);
        let (mut talk, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match (talk.stop, core::mem::take(&mut talk.wanted)) {
            (true, _) => Wake::Stop,
            (false, true) => Wake::Work,
            (false, false) => Wake::Quiet,
        }
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.talk().stop
    }

    // Nothing panics while it holds the talk.
    fn talk(&self) -> MutexGuard<'_, Talk> {
        self.talk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keeper_wakes_for_work_for_its_end_and_when_it_was_quiet_long_enough() {
        let control = Control::default();
        control.want_work();
        assert_eq!(control.wait_for_work(Duration::MAX), Wake::Work);
        assert_eq!(control.wait_for_work(Duration::ZERO), Wake::Quiet);
        control.want_work();
        assert!(!control.is_stopping());
        control.stop();
        assert!(control.is_stopping());
        assert_eq!(control.wait_for_work(Duration::MAX), Wake::Stop);
    }

    #[test]
    fn a_keeper_has_failed_once_it_says_so_and_not_for_want_of_room() {
        let control = Control::default();
        control.tell(Trouble::Full(StorageError::NeedsReopen));
        assert!(!control.has_failed());
        control.tell(Trouble::Failed);
        assert!(control.has_failed());
    }
}
