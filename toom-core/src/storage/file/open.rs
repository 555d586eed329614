//! Opening a directory: what it holds is found, checked, and made safe before anything is served.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::storage::file::birth::Birth;
use crate::storage::file::checksum::Salt;
use crate::storage::file::control::Control;
use crate::storage::file::disk::{Access, Disk};
use crate::storage::file::fault::failed;
use crate::storage::file::journal::{self, Cut, Journal, JournalFile, JournalStart};
use crate::storage::file::keeper::{Keeper, Parts};
use crate::storage::file::manifest::Manifest;
use crate::storage::file::memtable::Memtable;
use crate::storage::file::names;
use crate::storage::file::options::FileOptions;
use crate::storage::file::record_bytes::Names;
use crate::storage::file::repair;
use crate::storage::file::run::{PageCache, Run, RunSummary};
use crate::storage::file::runs::Runs;
use crate::storage::file::stamps::Stamps;
use crate::storage::file::state::{State, StateFile};
use crate::storage::file::view::{FileReader, View};
use crate::{Epoch, StorageError};

/// What was found when a store was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// Whether the store was made.
    pub made: bool,
    /// How many batches were taken over from the journal: 0 after a clean close.
    pub replayed: u64,
    /// Where the journal was cut, if it ended in a batch that was not whole: one that was never acknowledged.
    pub cut: Option<Cut>,
}

/// A directory as it was found, read and not changed.
pub(super) struct Found<D: Disk> {
    pub(super) manifest: Manifest,
    pub(super) view: View<D::File>,
    pub(super) cache: Arc<PageCache>,
    /// Where the journal may go on: behind every frame that there is.
    pub(super) next: u64,
    pub(super) opened: Opened,
}

/// Holds the directory against other processes.
pub(super) fn lock<D: Disk>(disk: &D) -> Result<D::Lock, StorageError> {
    let thing = disk.shown(names::LOCK);
    match disk.lock(names::LOCK) {
        Ok(Some(lock)) => Ok(lock),
        Ok(None) => Err(StorageError::InUse { thing }),
        Err(error) => Err(failed(thing, "lock it", error)),
    }
}

/// Finds what the directory holds; `None` if there is no store in it.
pub(super) fn find<D: Disk>(
    disk: &D,
    index_cache_bytes: u64,
    access: Access,
) -> Result<Option<Found<D>>, StorageError> {
    let names = names(disk)?;
    let Some(manifest) = Manifest::load(disk)? else {
        return if is_store(&names) { Err(no_manifest(disk)) } else { Ok(None) };
    };
    if let Some(error) = damaged_journal_files(disk, &manifest)?.pop() {
        return Err(error);
    }
    let cache = Arc::new(PageCache::new(index_cache_bytes));
    let open_run = |summary| open_run(disk, manifest.salt, summary, &cache).map(Arc::new);
    let list = manifest.runs.iter().copied().map(open_run).collect::<Result<Vec<_>, _>>()?;
    let open_state = |summary| StateFile::open(disk, manifest.salt, summary, access);
    let state = manifest.state.map(open_state).transpose()?;
    let ends = state.as_ref().map_or_else(|| Ok(State::default()), StateFile::load)?.ends;
    let mut view = View {
        ends,
        state: state.map(Arc::new),
        runs: Runs::new(list, manifest.dropped),
        frozen: Vec::new(),
        active: Memtable::default(),
    };

    if manifest.closed {
        let next = manifest.journal.first;
        return Ok(Some(Found { manifest, view, cache, next, opened: Opened::default() }));
    }
    let mut user_names = Names::default();
    let replayed = journal::replay(disk, manifest.salt, manifest.journal, |record| {
        view.replay(record, &mut user_names)
    })?;
    let opened = Opened { made: false, replayed: replayed.batches, cut: replayed.cut };
    Ok(Some(Found { manifest, view, cache, next: replayed.next, opened }))
}

/// Whether files of these names are what is left of a store, when it has no manifest.
pub(super) fn is_store(names: &[String]) -> bool {
    names.iter().any(|name| names::id(name).is_some() || JournalFile::from_name(name).is_some())
}

pub(super) fn no_manifest<D: Disk>(disk: &D) -> StorageError {
    StorageError::Corrupt {
        thing: disk.shown(names::MANIFEST),
        offset: 0,
        what: "it is missing, and other files of a store are there",
    }
}

pub(super) fn sequences_used_up<D: Disk>(disk: &D) -> StorageError {
    StorageError::Corrupt {
        thing: disk.shown(names::MANIFEST),
        offset: 0,
        what: "the sequences of its journal are used up",
    }
}

/// What an open store is made of.
pub(super) struct OpenStore<D: Disk> {
    pub(super) epoch: Epoch,
    pub(super) journal: Journal<D>,
    pub(super) reader: FileReader<D::File>,
    pub(super) control: Arc<Control>,
    pub(super) keeper: Keeper<D>,
    pub(super) stamps: Stamps<D>,
    pub(super) opened: Opened,
}

/// Opens the store, which is locked, and makes it if it is not there.
pub(super) fn open<D: Disk>(disk: D, options: &FileOptions) -> Result<OpenStore<D>, StorageError> {
    repair::finish(&disk)?;
    let found = match find(&disk, options.index_cache_bytes, Access::Write)? {
        Some(found) => {
            // Who renamed the manifest may have been killed before it was durable. Nothing is built on one that a power cut can take away.
            sync_names(&disk)?;
            found
        }
        None => make(&disk, options)?,
    };
    let stamps = Stamps::open(&disk)?;
    let Found { mut manifest, view, cache, next, opened } = found;
    if options.restored {
        manifest.epoch = options.random.epoch();
    }
    let (epoch, salt) = (manifest.epoch, manifest.salt);
    // A new chain: nothing that lies in the journal now can follow a frame that comes.
    let first = next.checked_add(1).ok_or_else(|| sequences_used_up(&disk))?;
    let start = JournalStart {
        first,
        chain: salt.checksum(&[first.to_le_bytes(), manifest.journal.chain.to_le_bytes()].concat()),
    };
    let journal = Journal::begin(&disk, salt, options.journal_bytes, start)?;

    let journal_files = journal::lengths(&disk)?;

    let reader = FileReader::new(view);
    let control = Arc::new(Control::default());
    let mut keeper = Keeper::new(Parts {
        disk,
        reader: reader.clone(),
        control: Arc::clone(&control),
        cache,
        manifest: manifest.clone(),
        retention: options.retention,
        unit: options.journal_bytes,
    });
    let manifest = Manifest { journal: start, journal_files, closed: false, ..manifest };
    keeper.take_over(manifest)?;
    keeper.remove_orphans()?;
    Ok(OpenStore { epoch, journal, reader, control, keeper, stamps, opened })
}

/// Opens the run that `summary` tells of.
pub(super) fn open_run<D: Disk>(
    disk: &D,
    salt: Salt,
    summary: RunSummary,
    cache: &Arc<PageCache>,
) -> Result<Run<D::File>, StorageError> {
    let name = names::history(summary.id);
    let shown = disk.shown(&name);
    let file = disk.open(&name, Access::Read).map_err(|error| failed(shown.clone(), "open it", error))?;
    Run::open(file, shown, salt, summary, Arc::clone(cache))
}

/// Makes an empty store. The journal files come later: a manifest is a store without them, and they are no store without it.
fn make<D: Disk>(disk: &D, options: &FileOptions) -> Result<Found<D>, StorageError> {
    let [epoch, secret] = options.random.halves();
    let birth = Birth { epoch: Epoch::new(epoch), salt: Salt::new(secret) };
    birth.store(disk)?;
    sync_names(disk)?;
    let manifest = Manifest {
        epoch: birth.epoch,
        salt: birth.salt,
        journal: JournalStart { first: 1, chain: 0 },
        journal_files: BTreeMap::new(),
        state: None,
        next_id: 1,
        dropped: false,
        sets_aside: false,
        closed: false,
        runs: Vec::new(),
    };
    manifest.store(disk)?;
    Ok(Found {
        manifest,
        view: View::default(),
        cache: Arc::new(PageCache::new(options.index_cache_bytes)),
        next: 1,
        opened: Opened { made: true, ..Opened::default() },
    })
}

/// A journal file that is gone or shorter than it was took acknowledged batches with it.
pub(super) fn damaged_journal_files<D: Disk>(
    disk: &D,
    manifest: &Manifest,
) -> Result<Vec<StorageError>, StorageError> {
    let found = journal::lengths(disk)?;
    let short = manifest.journal_files.iter().filter(|(file, bytes)| found.get(file) < Some(bytes));
    let told = short.map(|(file, _)| StorageError::Corrupt {
        thing: disk.shown(&file.name()),
        offset: found.get(file).copied().unwrap_or(0),
        what: "it was cut short, or is gone",
    });
    Ok(told.collect())
}

pub(super) fn names<D: Disk>(disk: &D) -> Result<Vec<String>, StorageError> {
    disk.names().map_err(|error| failed(disk.shown("."), "list it", error))
}

fn sync_names<D: Disk>(disk: &D) -> Result<(), StorageError> {
    disk.sync_names().map_err(|error| failed(disk.shown("."), "sync it", error))
}
