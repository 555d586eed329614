//! The store itself: appends, and what is done about them in the background.

use core::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use crate::storage::file::control::{Control, Trouble};
use crate::storage::file::disk::{Disk, Folder};
use crate::storage::file::durability::Durability;
use crate::storage::file::fault::failed;
use crate::storage::file::housekeeper::Housekeeper;
use crate::storage::file::journal::{Appended, Journal};
use crate::storage::file::keeper::{Effort, Step};
use crate::storage::file::open::{self, OpenStore, Opened};
use crate::storage::file::options::{FileOptions, Housekeeping};
use crate::storage::file::stamps::Stamps;
use crate::storage::file::state::State;
use crate::storage::file::view::{FileReader, Frozen};
use crate::{
    Conversation, Epoch, History, KeyedRequest, MessageNumber, MessageRef, Record, Recovered, Storage,
    StorageError, Timestamp,
};

/// A store in a folder, which holds it alone as long as it is open.
///
/// A batch is one write to the journal and one sync, whatever conversations it touches. Behind the journal, messages are moved to
/// files in which every conversation lies together. Closing it, by [`close`](Self::close) or by dropping it, leaves nothing in
/// the journal.
///
/// ```
/// use toom_core::{Config, Engine, FileOptions, FileStorage};
///
/// # let folder = std::env::temp_dir().join(format!("toom-doc-{}", std::process::id()));
/// let random = [7; 16]; // from the system's source of randomness
/// let storage = FileStorage::open(&folder, FileOptions::new(random))?;
/// let engine = Engine::open(storage, Config::default())?;
/// engine.into_storage().close()?;
/// # std::fs::remove_dir_all(folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FileStorage<D: Disk = Folder> {
    epoch: Epoch,
    durability: Durability,
    limits: MemtableLimits,
    journal: Journal<D>,
    reader: FileReader<D::File>,
    control: Arc<Control>,
    housekeeper: Option<Housekeeper<D>>,
    needs_reopen: bool,
    opened: Opened,
    stamps: Stamps<D>,
    /// Given back last.
    _lock: D::Lock,
}

/// When a memtable is frozen though its journal file has room.
#[derive(Clone, Copy, Debug)]
struct MemtableLimits {
    bytes_max: usize,
    span_max: u64,
}

impl FileStorage {
    /// Opens the store in the folder `path`, and makes both if they are not there.
    ///
    /// # Errors
    /// [`StorageError::InUse`] if another process has it open, [`StorageError::NewerFormat`], [`StorageError::Corrupt`] where something is
    /// damaged, and what the file system says.
    pub fn open(path: impl AsRef<Path>, options: FileOptions) -> Result<Self, StorageError> {
        let path = path.as_ref();
        let disk = Folder::open(path)
            .map_err(|error| failed(path.display().to_string(), "open it as a folder", error))?;
        Self::open_on(disk, options)
    }
}

impl<D: Disk> FileStorage<D> {
    /// The same on any disk.
    ///
    /// # Errors
    /// As [`open`](FileStorage::open).
    pub fn open_on(disk: D, options: FileOptions) -> Result<Self, StorageError> {
        let lock = open::lock(&disk)?;
        let shown = disk.shown(".");
        let OpenStore { epoch, journal, reader, control, keeper, stamps, opened } =
            open::open(disk, &options)?;
        let housekeeper = match options.housekeeping {
            Housekeeping::Caller => Housekeeper::Caller(Box::new(keeper)),
            Housekeeping::Thread => Housekeeper::start(keeper, &control, shown)?,
        };
        let limits = MemtableLimits {
            bytes_max: usize::try_from(options.journal_bytes.saturating_mul(2)).unwrap_or(usize::MAX),
            span_max: options.retention.file_span_max(),
        };
        Ok(Self {
            epoch,
            durability: options.durability,
            limits,
            journal,
            reader,
            control,
            housekeeper: Some(housekeeper),
            needs_reopen: false,
            opened,
            stamps,
            _lock: lock,
        })
    }

    /// What was found when it was opened.
    #[must_use]
    pub fn opened(&self) -> &Opened {
        &self.opened
    }

    /// Closes the store. What is still in the journal becomes a history file, so that opening it again has nothing to replay.
    ///
    /// # Errors
    /// [`StorageError`] if that fails; nothing is lost then, and the next open does it.
    pub fn close(mut self) -> Result<(), StorageError> {
        self.end()
    }

    /// Does a piece of the work behind the journal, if that is left to the caller, and tells whether there was anything to do.
    ///
    /// # Errors
    /// [`StorageError`] if it fails; if that is not [harmless](StorageError::is_harmless), the store needs to be reopened, and works no
    /// more until then.
    pub fn work(&mut self) -> Result<bool, StorageError> {
        self.work_with(Effort::Due)
    }

    /// The same, and goes on with what makes reads quicker: history files are merged into fewer. A store with a thread of its own does
    /// it when nobody has appended for a second.
    ///
    /// # Errors
    /// As for [`work`](Self::work).
    pub fn tidy(&mut self) -> Result<bool, StorageError> {
        self.work_with(Effort::All)
    }

    fn work_with(&mut self, effort: Effort) -> Result<bool, StorageError> {
        if self.needs_reopen {
            return Err(StorageError::NeedsReopen);
        }
        let Some(Housekeeper::Caller(keeper)) = &mut self.housekeeper else { return Ok(false) };
        match keeper.step(effort) {
            Ok(step) => Ok(step == Step::Worked),
            Err(error) => {
                self.needs_reopen |= !error.is_harmless();
                Err(error)
            }
        }
    }

    fn append_batch(&mut self, records: &[Record]) -> Result<(), StorageError> {
        if self.memtable_is_full(records) {
            self.freeze()?;
        }
        if self.journal.append(records, self.durability)? == Appended::FileFull {
            self.freeze()?;
            // An empty file takes any frame.
            let _written = self.journal.append(records, self.durability)?;
        }
        let keyed: Vec<_> = records.iter().filter_map(KeyedRequest::of).collect();
        let mut view = self.reader.view_mut();
        for record in records {
            match record {
                Record::Posted(posted) => view.post(posted.message.view()),
                Record::RoomCreated(created) => view.active.build(created.clone()),
            }
        }
        for request in keyed {
            view.active.remember(request);
        }
        Ok(())
    }

    fn memtable_is_full(&self, records: &[Record]) -> bool {
        let view = self.reader.view();
        let span = view
            .active
            .span()
            .zip(records.last())
            .map_or(0, |((first, _), last)| last.at().unix_micros().abs_diff(first.unix_micros()));
        view.active.bytes() >= self.limits.bytes_max || span > self.limits.span_max
    }

    /// Goes on in another journal file and an empty memtable. Waits for one to be free if it must.
    fn freeze(&mut self) -> Result<(), StorageError> {
        self.control.released().into_iter().for_each(|file| self.journal.release(file));
        let file = loop {
            if let Some(file) = self.journal.rotate() {
                break file;
            }
            self.wait_for_room()?.into_iter().for_each(|file| self.journal.release(file));
        };
        let mut view = self.reader.view_mut();
        let memtable = core::mem::take(&mut view.active);
        view.frozen.push(Arc::new(Frozen { memtable, file: Some(file), next: self.journal.start() }));
        drop(view);
        self.control.want_work();
        Ok(())
    }

    fn wait_for_room(&mut self) -> Result<Vec<crate::storage::file::journal::JournalFile>, StorageError> {
        if matches!(self.housekeeper, Some(Housekeeper::Caller(_))) {
            self.work()?;
            return Ok(self.control.released());
        }
        self.control.want_work();
        self.control.wait_for_room().map_err(|trouble| match trouble {
            Trouble::Full(error) => error,
            Trouble::Failed => StorageError::NeedsReopen,
        })
    }

    fn end(&mut self) -> Result<(), StorageError> {
        self.control.stop();
        let Some(housekeeper) = self.housekeeper.take() else { return Ok(()) };
        let keeper = housekeeper.end();
        if self.needs_reopen || self.control.has_failed() {
            return Err(StorageError::NeedsReopen);
        }
        keeper.ok_or(StorageError::NeedsReopen)?.close(self.journal.start())
    }
}

impl<D: Disk> core::fmt::Debug for FileStorage<D> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("FileStorage")
            .field("epoch", &self.epoch)
            .field("durability", &self.durability)
            .field("needs_reopen", &self.needs_reopen)
            .finish_non_exhaustive()
    }
}

impl<D: Disk> Drop for FileStorage<D> {
    fn drop(&mut self) {
        // Who wants to know calls `close`. Nothing is lost: it is in the journal.
        let _ = self.end();
    }
}

impl<D: Disk> Storage for FileStorage<D> {
    type Reader = FileReader<D::File>;

    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn append(&mut self, records: &[Record]) -> Result<(), StorageError> {
        if self.needs_reopen || self.control.has_failed() {
            return Err(StorageError::NeedsReopen);
        }
        if records.is_empty() {
            return Ok(());
        }
        self.append_batch(records).inspect_err(|error| self.needs_reopen |= !error.is_harmless())
    }

    fn recover(&mut self) -> Result<Recovered, StorageError> {
        let view = self.reader.view();
        let mut state = view.state.as_ref().map_or_else(|| Ok(State::default()), |state| state.load())?;
        view.frozen.iter().for_each(|frozen| state.add(&frozen.memtable));
        state.add(&view.active);
        Ok(Recovered { stamps_reserved: self.stamps.until(), ..state.recovered() })
    }

    fn reserve_stamps(&mut self, until: Timestamp) -> Result<(), StorageError> {
        if self.needs_reopen || self.control.has_failed() {
            return Err(StorageError::NeedsReopen);
        }
        self.stamps.keep(until).inspect_err(|error| self.needs_reopen |= !error.is_harmless())
    }

    fn reader(&self) -> FileReader<D::File> {
        self.reader.clone()
    }
}

impl<D: Disk> History for FileStorage<D> {
    fn locate(
        &self,
        conversation: Conversation,
        since: Timestamp,
    ) -> Result<Option<MessageNumber>, StorageError> {
        self.reader.locate(conversation, since)
    }

    fn read(
        &self,
        conversation: Conversation,
        after: Option<MessageNumber>,
        limit: usize,
        visit: impl FnMut(MessageRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), StorageError> {
        self.reader.read(conversation, after, limit, visit)
    }

    fn floor(&self, conversation: Conversation) -> Result<MessageNumber, StorageError> {
        self.reader.floor(conversation)
    }

    fn bytes_on_disk(&self) -> Option<u64> {
        self.reader.bytes_on_disk()
    }
}
