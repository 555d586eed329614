//! Syncs the part file now and then, beside the thread that writes it, so that the record of what is there is never ahead of the disk
//! and the last sync is short.

use std::fs::File;
use std::io;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Between the end of one sync and the begin of the next.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Syncer {
    /// Groups that are recorded.
    recorded: u64,
    rested: Instant,
    under_way: Option<(u64, JoinHandle<io::Result<()>>)>,
}

impl Syncer {
    pub(super) fn new(recorded: u64) -> Self {
        Self { recorded, rested: Instant::now(), under_way: None }
    }

    /// Tells how many groups a sync covered that has ended, and begins one where it is time. `proven` groups of `file` were checked.
    pub(super) fn tend(&mut self, file: &File, proven: u64) -> io::Result<Option<u64>> {
        let mut synced = None;
        if self.under_way.as_ref().is_some_and(|(_, sync)| sync.is_finished()) {
            synced = self.wait()?;
            self.recorded = synced.unwrap_or(self.recorded);
            self.rested = Instant::now();
        }
        if self.under_way.is_none() && proven > self.recorded && self.rested.elapsed() >= PAUSE {
            let file = file.try_clone()?;
            self.under_way = Some((proven, thread::Builder::new().spawn(move || file.sync_data())?));
        }
        Ok(synced)
    }

    /// Waits for the sync that is under way, and tells how many groups it covered.
    pub(super) fn wait(&mut self) -> io::Result<Option<u64>> {
        let Some((proven, sync)) = self.under_way.take() else { return Ok(None) };
        sync.join().unwrap_or_else(|_| Err(io::Error::other("the syncing thread failed")))?;
        Ok(Some(proven))
    }
}
