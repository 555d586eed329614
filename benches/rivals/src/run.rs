//! A run: what is measured, in which order, how often.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;

use crate::data::Feed;
use crate::{Contender, Failure, Kind, Measure, Results};

mod append;
mod child;
mod disk;
mod load;
mod process;
mod read;

pub use child::{Site, Task};

/// What is measured, on how many messages, how often.
#[derive(Clone, Debug)]
pub struct Plan {
    /// This program, which opens stores in processes of their own.
    pub program: PathBuf,
    /// Where the stores are made, each in a folder of its own.
    pub folder: PathBuf,
    /// Which stores and limits.
    pub kinds: Vec<Kind>,
    /// How many messages are loaded.
    pub messages: u64,
    /// How many rooms half of them are spread over.
    pub rooms: u32,
    /// How many rooms there are in the stores whose memory is measured once more; not done where there are none.
    pub many_rooms: Option<u32>,
    /// How many rounds the stores take turns for.
    pub rounds: usize,
    /// How many pages a store reads in its turn.
    pub turn_pages: usize,
    /// How many batches a store appends in its turn.
    pub turn_batches: usize,
    /// How many messages are appended without a pause.
    pub sustained: u64,
    /// How many batches a store is given before its process is killed.
    pub kill_batches: usize,
    /// What a store that caches by itself may cache.
    pub cache_bytes: usize,
}

/// The stores that are open, and what they were given.
struct Opened {
    contenders: BTreeMap<Kind, Box<dyn Contender>>,
    feed: Feed,
}

impl Plan {
    /// Makes the stores, measures them, and tells `progress` how far it is.
    ///
    /// # Errors
    /// [`Failure`] if a store fails, loses something, or answers otherwise than the others.
    pub fn run(&self, progress: &ProgressBar) -> Result<Results, Failure> {
        let mut results = Results::default();
        let folder = self.folder.join("stores");
        let feed = self.load(&folder, progress)?;
        self.measure_disk(&folder, &mut results)?;
        self.measure_clean_opens(&folder, &mut results, progress)?;
        self.measure_resident(&folder, &mut results, progress)?;
        let mut opened = self.open_all(&folder, feed, progress)?;
        self.measure_reads(&opened, &mut results, progress)?;
        self.measure_appends(&mut opened, &mut results, progress)?;
        let made = opened.feed.made();
        drop(opened);
        self.measure_killed_opens(&folder, made, &mut results, progress)?;
        disk::remove(&folder)?;
        self.measure_resident_with_many_rooms(&mut results, progress)?;
        progress.finish_and_clear();
        Ok(results)
    }

    fn kinds_in(&self, measure: Measure) -> impl Iterator<Item = Kind> + '_ {
        self.kinds.iter().copied().filter(move |kind| kind.takes_part_in(measure))
    }

    /// Those that leave something on disk.
    fn kinds_on_disk(&self) -> impl Iterator<Item = Kind> + '_ {
        self.kinds.iter().copied().filter(|kind| kind.lasts())
    }

    fn site(&self, kind: Kind, stores: &Path, rooms: u32) -> Site {
        Site { kind, folder: stores.join(kind.name()), cache_bytes: self.cache_bytes, rooms }
    }
}
