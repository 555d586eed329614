//! How far a long piece of work is.

/// How much of a long piece of work is done, in bytes that are read or written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// How many are done.
    pub done: u64,
    /// How many there are in all.
    pub total: u64,
}

/// Progress is told about so often.
const STEP_BYTES: u64 = 1 << 20;

/// Counts, and tells now and then.
pub(in crate::storage::file) struct Meter<'a> {
    tell: &'a mut dyn FnMut(Progress),
    progress: Progress,
    told: u64,
}

impl<'a> Meter<'a> {
    pub(in crate::storage::file) fn new(total: u64, tell: &'a mut dyn FnMut(Progress)) -> Self {
        Self::go_on(Progress { done: 0, total }, tell)
    }

    /// Counts on from what was done by others.
    pub(in crate::storage::file) fn go_on(progress: Progress, tell: &'a mut dyn FnMut(Progress)) -> Self {
        tell(progress);
        Self { tell, progress, told: progress.done }
    }

    pub(in crate::storage::file) fn done(&self) -> u64 {
        self.progress.done
    }

    /// Tells that so many bytes are done.
    pub(in crate::storage::file) fn reach(&mut self, done: u64) {
        self.progress.done = done.min(self.progress.total);
        if self.progress.done.saturating_sub(self.told) >= STEP_BYTES {
            self.told = self.progress.done;
            (self.tell)(self.progress);
        }
    }

    /// Tells that all is done.
    pub(in crate::storage::file) fn finish(self) {
        let Progress { total, .. } = self.progress;
        (self.tell)(Progress { done: total, total });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_told_at_both_ends_and_at_every_mebibyte_between() {
        let (mut told, total) = (Vec::new(), 5 * STEP_BYTES);
        let mut tell = |progress: Progress| told.push(progress.done);
        let mut meter = Meter::new(total, &mut tell);
        for done in [1, STEP_BYTES - 1, STEP_BYTES, STEP_BYTES + 1, 2 * STEP_BYTES - 1, 3 * STEP_BYTES] {
            meter.reach(done);
            assert_eq!(meter.done(), done);
        }
        meter.reach(total + 1);
        meter.finish();
        assert_eq!(told, [0, STEP_BYTES, 3 * STEP_BYTES, total, total]);
    }
}
