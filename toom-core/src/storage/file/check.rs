//! Reading all of a store and checking every checksum and every law. Nothing is written.

mod laws;
mod progress;

use std::io;
use std::path::Path;
use std::sync::Arc;

pub(super) use progress::Meter;
pub use progress::Progress;

use crate::storage::file::birth::Birth;
use crate::storage::file::disk::{Access, Disk, DiskFile, Folder};
use crate::storage::file::fault::failed;
use crate::storage::file::journal::{self, Cut, JournalFile};
use crate::storage::file::manifest::Manifest;
use crate::storage::file::names;
use crate::storage::file::open::{self, open_run};
use crate::storage::file::record_bytes::Names;
use crate::storage::file::run::{PageCache, Run, RunSummary};
use crate::storage::file::stamps;
use crate::storage::file::state::{State, StateFile};
use crate::{Digest, Epoch, FileStorage, StorageError};
use laws::Laws;

/// No more damage than this is told one by one.
const TOLD_MAX: usize = 100;
/// A run is read from front to back here: its index goes through no cache.
const INDEX_CACHE_BYTES: u64 = 0;

/// What a store was found to hold when all of it was read.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Verified {
    /// Its birth mark; `None` if the manifest is damaged.
    pub epoch: Option<Epoch>,
    /// How many rooms there are.
    pub rooms: u64,
    /// How many conversations have, or had, a message.
    pub conversations: u64,
    /// How many messages are kept.
    pub messages: u64,
    /// How many files the store consists of, without the lock.
    pub files: u64,
    /// How many bytes they have.
    pub bytes: u64,
    /// How many batches are still in the journal: none after a clean close.
    pub batches: u64,
    /// Where the journal will be cut when the store is opened, if it ends in a batch that is not whole: one that was never
    /// acknowledged. That is no damage.
    pub cut: Option<Cut>,
    /// Stands for the rooms, the ends of conversations and the messages, as [`Digest::of_history`] does. `None` if anything is damaged.
    pub digest: Option<Digest>,
    /// What is damaged: of each file the first finding, at most a hundred in all. The counts above are then of what could be read.
    pub damage: Vec<StorageError>,
    /// How many findings there are beyond those.
    pub damage_untold: u64,
}

impl Verified {
    /// Whether nothing is damaged.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.damage.is_empty()
    }

    fn add(&mut self, error: StorageError) {
        if self.damage.len() < TOLD_MAX {
            self.damage.push(error);
        } else {
            self.damage_untold += 1;
        }
    }
}

impl FileStorage {
    /// Reads all of the store in the folder `path` and checks it: every checksum, that the messages of each conversation bear numbers
    /// without a gap and rising times, and that what is told of them elsewhere is right. What is damaged is in the answer, all of it,
    /// and no error.
    ///
    /// It writes nothing, so the store may lie where nothing can be written. It holds the store as one that is open does, unless the
    /// file `lock` is missing: then no process has the store open, and none may open it meanwhile. It needs about as much memory
    /// as opening the store does.
    ///
    /// ```
    /// use toom_core::{Digest, FileOptions, FileStorage, Storage};
    ///
    /// # let folder = std::env::temp_dir().join(format!("toom-doc-verify-{}", std::process::id()));
    /// let mut storage = FileStorage::open(&folder, FileOptions::new([7; 16]))?;
    /// let digest = Digest::of_history(&storage.reader(), &storage.recover()?)?;
    /// storage.close()?;
    ///
    /// let verified = FileStorage::verify(&folder, |progress| assert!(progress.done <= progress.total))?;
    /// assert!(verified.is_sound());
    /// assert_eq!(verified.digest, Some(digest));
    /// # std::fs::remove_dir_all(folder)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StorageError`] if nothing can be said of it: there is no store, another process has it open, or it is of a newer format.
    pub fn verify(path: impl AsRef<Path>, progress: impl FnMut(Progress)) -> Result<Verified, StorageError> {
        let path = path.as_ref();
        let disk = Folder::existing(path)
            .map_err(|error| failed(path.display().to_string(), "open it as a folder", error))?;
        Self::verify_on(&disk, progress)
    }
}

impl<D: Disk> FileStorage<D> {
    /// The same on any disk.
    ///
    /// # Errors
    /// As [`verify`](FileStorage::verify).
    pub fn verify_on(disk: &D, mut progress: impl FnMut(Progress)) -> Result<Verified, StorageError> {
        let _lock = hold(disk)?;
        verify(disk, &mut progress)
    }
}

/// Holds the directory, if it was ever held.
pub(super) fn hold<D: Disk>(disk: &D) -> Result<Option<D::Lock>, StorageError> {
    let is_there = open::names(disk)?.iter().any(|name| name == names::LOCK);
    is_there.then(|| open::lock(disk)).transpose()
}

/// Checks the store, which is held.
pub(super) fn verify<D: Disk>(
    disk: &D,
    progress: &mut dyn FnMut(Progress),
) -> Result<Verified, StorageError> {
    let mut verified = Verified::default();
    let birth = Birth::load(disk).map_err(|error| verified.add(error)).ok();
    let _ = stamps::load(disk).map_err(|error| verified.add(error));
    let manifest = match Manifest::load(disk) {
        Ok(Some(manifest)) => manifest,
        Ok(None) if !open::is_store(&open::names(disk)?) => {
            return Err(failed(disk.shown("."), "find a store in", io::ErrorKind::NotFound.into()));
        }
        Ok(None) => {
            verified.add(open::no_manifest(disk));
            return Ok(verified);
        }
        Err(error @ StorageError::Corrupt { .. }) => {
            verified.add(error);
            return Ok(verified);
        }
        Err(error) => return Err(error),
    };
    if birth.is_some_and(|birth| birth.salt != manifest.salt) {
        let what = "it is that of another store";
        verified.add(StorageError::Corrupt { thing: disk.shown(names::BIRTH), offset: 0, what });
    }
    check(disk, &manifest, verified, progress)
}

/// Checks what `manifest` says is there.
pub(super) fn check<D: Disk>(
    disk: &D,
    manifest: &Manifest,
    mut verified: Verified,
    progress: &mut dyn FnMut(Progress),
) -> Result<Verified, StorageError> {
    verified.epoch = Some(manifest.epoch);
    for name in live_names(disk, manifest)? {
        if let Ok(bytes) = disk.open(&name, Access::Read).and_then(|file| file.len()) {
            verified.files += 1;
            verified.bytes += bytes;
        }
    }
    let total = verified.bytes;
    let laws = Laws::new(manifest.dropped);
    let mut check = Check { disk, manifest, meter: Meter::new(total, progress), laws, verified };
    let state = check.state();
    check.runs();
    if let Some(told) = &state {
        check.compare_ends(told);
    }
    // What a repair is about to set aside is no journal any more.
    if !manifest.sets_aside {
        check.journal();
    }
    if state.is_some() {
        let law = check.laws.keyed_exist();
        check.note_state(law);
    }

    let Check { laws, mut verified, meter, .. } = check;
    meter.finish();
    verified.rooms = laws.rooms();
    verified.conversations = laws.conversations();
    verified.messages = laws.messages();
    verified.digest = verified.is_sound().then(|| laws.digest());
    Ok(verified)
}

/// The names of the files that count.
fn live_names<D: Disk>(disk: &D, manifest: &Manifest) -> Result<Vec<String>, StorageError> {
    let fixed = [names::BIRTH, names::MANIFEST, names::STAMPS].map(str::to_owned);
    let state = manifest.state.map(|state| names::state(state.id));
    let runs = manifest.runs.iter().map(|run| names::history(run.id));
    let journal = open::names(disk)?.into_iter().filter(|name| JournalFile::from_name(name).is_some());
    Ok(fixed.into_iter().chain(state).chain(runs).chain(journal).collect())
}

struct Check<'a, D> {
    disk: &'a D,
    manifest: &'a Manifest,
    meter: Meter<'a>,
    laws: Laws,
    verified: Verified,
}

impl<D: Disk> Check<'_, D> {
    fn state(&mut self) -> Option<State> {
        let Some(summary) = self.manifest.state else { return Some(State::default()) };
        let file = StateFile::open(self.disk, self.manifest.salt, summary, Access::Read);
        let state = file.and_then(|file| file.load());
        self.meter.reach(summary.bytes);
        match state {
            Ok(state) => {
                let law = self.laws.state(&state);
                self.note_state(law);
                Some(state)
            }
            Err(error) => {
                self.note(error);
                None
            }
        }
    }

    fn runs(&mut self) {
        let cache = Arc::new(PageCache::new(INDEX_CACHE_BYTES));
        let mut before: Option<RunSummary> = None;
        for summary in &self.manifest.runs {
            if before.is_some_and(|before| before.last_at >= summary.first_at) {
                self.note(StorageError::Corrupt {
                    thing: self.disk.shown(&names::history(summary.id)),
                    offset: 0,
                    what: "its messages are not all later than those of the file before it",
                });
            }
            before = Some(*summary);
            let start = self.meter.done();
            let run = open_run(self.disk, self.manifest.salt, *summary, &cache);
            if let Err(error) = run.and_then(|run| self.run(&run)) {
                self.note(error);
            }
            self.meter.reach(start + summary.bytes);
        }
    }

    fn run(&mut self, run: &Run<D::File>) -> Result<(), StorageError> {
        let start = self.meter.done();
        let (bytes, messages) = (run.summary().bytes, run.summary().messages.max(1));
        let mut seen = 0;
        run.check(|block| {
            seen += block.messages() as u64;
            let share = u128::from(bytes) * u128::from(seen.min(messages)) / u128::from(messages);
            self.meter.reach(start + u64::try_from(share).unwrap_or(bytes));
            self.laws.block(block)
        })
    }

    fn compare_ends(&mut self, told: &State) {
        let law = self.laws.ends_of_runs(&told.ends);
        self.note_state(law);
    }

    fn journal(&mut self) {
        match open::damaged_journal_files(self.disk, self.manifest) {
            Ok(short) => short.into_iter().for_each(|error| self.note(error)),
            Err(error) => self.note(error),
        }
        let (salt, start) = (self.manifest.salt, self.manifest.journal);
        let mut user_names = Names::default();
        let replayed =
            journal::replay(self.disk, salt, start, |record| self.laws.record(record, &mut user_names));
        match replayed {
            Ok(replayed) => {
                if replayed.next >= journal::SEQUENCES_END {
                    self.note(open::sequences_used_up(self.disk));
                }
                self.verified.batches = replayed.batches;
                self.verified.cut = replayed.cut;
            }
            Err(error) => self.note(error),
        }
    }

    /// What is wrong with the state file, if anything is.
    fn note_state(&mut self, law: Result<(), &'static str>) {
        if let Err(what) = law {
            let name = self.manifest.state.map_or_else(|| names::MANIFEST.to_owned(), |s| names::state(s.id));
            self.note(StorageError::Corrupt { thing: self.disk.shown(&name), offset: 0, what });
        }
    }

    fn note(&mut self, error: StorageError) {
        self.laws.become_unsure();
        self.verified.add(error);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_findings_are_told_and_the_others_counted() {
        let mut verified = Verified::default();
        for offset in 0..TOLD_MAX as u64 + 5 {
            verified.add(StorageError::Corrupt { thing: "history".to_owned(), offset, what: "it is wrong" });
        }
        assert_eq!((verified.damage.len(), verified.damage_untold), (TOLD_MAX, 5));
        assert!(!verified.is_sound());
    }
}
