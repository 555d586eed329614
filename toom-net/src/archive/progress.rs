//! How much there is, and how far the work is.

/// How much a store, an export or an import holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rooms.
    pub rooms: u64,
    /// Messages, in all conversations.
    pub messages: u64,
}

/// How far long work is. It is told about every thousand messages, and at the end of each step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub step: Step,
    /// How much of it is done.
    pub done: u64,
    /// How much there is to do.
    pub of: u64,
}

/// A part of long work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Files are written; counted in messages.
    Exporting,
    /// Files are read, and nothing is changed yet; counted in bytes.
    Checking,
    /// A store is filled; counted in messages.
    Importing,
}

/// After how many lines or messages progress is told.
const OFTEN: u64 = 1000;

/// Counts, and tells now and then.
pub(super) struct Meter<'a> {
    tell: &'a mut dyn FnMut(Progress),
    progress: Progress,
    calls: u64,
}

impl<'a> Meter<'a> {
    pub(super) fn new(step: Step, of: u64, tell: &'a mut dyn FnMut(Progress)) -> Self {
        tell(Progress { step, done: 0, of });
        Self { tell, progress: Progress { step, done: 0, of }, calls: 0 }
    }

    pub(super) fn add(&mut self, more: u64) {
        self.progress.done += more;
        self.calls += 1;
        if self.calls.is_multiple_of(OFTEN) {
            (self.tell)(self.progress);
        }
    }

    pub(super) fn finish(self) {
        (self.tell)(self.progress);
    }
}
