//! What is on the server's disk, held against what was told and what is to be kept.

use toom_core::simulated::SimDisk;
use toom_core::{FileStorage, History as _, Storage as _, StorageError};

use super::Host;
use crate::simulation::common::Common;
use crate::simulation::damage;
use crate::simulation::report::{Broken, Kept, broken, demand};
use crate::simulation::truth::{Floors, Found};

impl Host {
    /// Looks what the store has dropped, and demands that it was not too much.
    pub(super) fn look_at_floors(&mut self, common: &mut Common) -> Kept {
        let Some(running) = self.running.as_mut().filter(|_| common.weather.has_retention()) else {
            return Ok(());
        };
        let floors = Floors::read(&common.truth.places(), &running.store);
        let seen = floors.ok().zip(running.store.bytes_on_disk());
        let went = common.truth.sees(seen)?;
        if went > 0 {
            common.counts.messages_gone += went;
            common.counts.drops += 1;
            common.log.note(format_args!("{went} messages are gone for good"));
        }
        Ok(())
    }

    /// Does all the work behind the journal, and demands that nothing is left to be dropped.
    pub(in crate::simulation) fn work_to_the_end(&mut self, common: &mut Common) -> Kept {
        if !common.weather.has_retention() {
            return Ok(());
        }
        loop {
            let Some(running) = &self.running else { return Ok(()) };
            match running.store.work() {
                Ok(true) => self.look_at_floors(common)?,
                Ok(false) => break,
                Err(_) => return Ok(()),
            }
        }
        let bytes = self.running.as_ref().and_then(|running| running.store.bytes_on_disk());
        let files = damage::history(&self.disk)?;
        let (all, largest) = (files.iter().sum(), files.into_iter().max().unwrap_or_default());
        demand(bytes.is_some_and(|bytes| bytes <= all), || {
            format!("the history takes what its files take: {all} bytes, and {bytes:?} are told")
        })?;
        let most = common.weather.retention.keep_bytes.map(|kept| kept + largest);
        demand(most.is_none_or(|most| bytes < Some(most)), || {
            format!(
                "what is not to be kept is dropped: {bytes:?} bytes are there, less than {most:?} should be"
            )
        })
    }

    /// Holds the disk that a power cut would leave now against what was told.
    pub(super) fn imagine(&self, common: &mut Common) -> Kept {
        common.counts.power_cuts_imagined += 1;
        let copy = self.disk.crash_seeded(common.chance.bits());
        copy.set_bytes_max(None);
        let found = found_on(&copy, common);
        let found = found.map_err(|error| Broken(format!("a store opens after every power cut: {error}")))?;
        common.truth.holds(&found).map(drop)
    }

    /// Holds the disk against what was told, when no server runs.
    pub(in crate::simulation) fn check_disk(&self, common: &mut Common) -> Kept {
        match found_on(&self.disk, common) {
            Ok(found) => {
                let (later, _) = common.truth.take(&found)?;
                demand(later == 0, || format!("everything that is stored was told: {later} things were not"))
            }
            Err(error) => broken(format!("a store that was closed is opened: {error}")),
        }
    }
}

fn found_on(disk: &SimDisk, common: &Common) -> Result<Found, StorageError> {
    let mut storage = FileStorage::open_on(disk.clone(), common.weather.options())?;
    let rooms = storage.recover()?.rooms;
    Found::read(rooms, &storage)
}
