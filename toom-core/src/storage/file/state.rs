//! The state file: the rooms, the end of every conversation, and the keyed requests that are remembered.
//!
//! It grows by a frame with every flush, and is written anew when it has doubled. A frame:
//!
//! | at | bytes | what |
//! |---|---|---|
//! | 0 | 8 | checksum of all that follows |
//! | 8 | 8 | chain: the checksum of the frame before; of the first, the number of the file |
//! | 16 | 4 | bytes of body |
//! | 20 | 4 | rooms |
//! | 24 | 4 | ends of conversations |
//! | 28 | 4 | keyed requests |
//! | 32 | | body: the rooms as they lie in the journal; each end: conversation (4), number (8), time (8); the keyed requests |

mod frame;
mod salvage;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::rooms::End;
use crate::storage::file::checksum::Salt;
use crate::storage::file::disk::{Access, Disk, DiskFile};
use crate::storage::file::fault::{failed, of_write};
use crate::storage::file::memtable::Memtable;
use crate::storage::file::names;
use crate::storage::file::record_bytes::Names;
use crate::{Conversation, KeyedRequests, Recovered, RoomCreated, StorageError, Tail};

use frame::Builder;
pub(super) use salvage::salvage;

/// The longest body of a frame that is worth making: a state is written and read in pieces.
const FRAME_BYTES: usize = 1 << 20;

/// What the manifest says of the state file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct StateSummary {
    pub(super) id: u64,
    /// How much of the file counts.
    pub(super) bytes: u64,
    /// How large it was when it was written anew.
    pub(super) compact_bytes: u64,
    /// The checksum of its last frame.
    pub(super) chain: u64,
}

/// A state file, open.
#[derive(Debug)]
pub(super) struct StateFile<F> {
    file: Arc<F>,
    shown: String,
    salt: Salt,
    summary: StateSummary,
}

/// All that is not messages.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) rooms: Vec<RoomCreated>,
    pub(super) ends: BTreeMap<Conversation, End>,
    pub(super) keyed: KeyedRequests,
}

impl State {
    /// Adds what `memtable` holds, which is later.
    pub(super) fn add(&mut self, memtable: &Memtable) {
        self.rooms.extend_from_slice(memtable.rooms());
        self.ends.extend(memtable.ends());
        memtable.keyed().iter().cloned().for_each(|request| self.keyed.remember(request));
    }

    pub(super) fn recovered(self) -> Recovered {
        let tail = |(conversation, End { number, at })| Tail { conversation, number, at };
        Recovered {
            rooms: self.rooms,
            tails: self.ends.into_iter().map(tail).collect(),
            keyed: self.keyed.in_order_of_time(),
            stamps_reserved: None,
        }
    }
}

impl<F: DiskFile> StateFile<F> {
    pub(super) fn open<D: Disk<File = F>>(
        disk: &D,
        salt: Salt,
        summary: StateSummary,
        access: Access,
    ) -> Result<Self, StorageError> {
        let name = names::state(summary.id);
        let shown = disk.shown(&name);
        let file = disk.open(&name, access).map_err(|error| failed(shown.clone(), "open it", error))?;
        Ok(Self { file: Arc::new(file), shown, salt, summary })
    }

    /// Makes the file `id` of all of `state`, synced; its name is not.
    pub(super) fn create<D: Disk<File = F>>(
        disk: &D,
        salt: Salt,
        id: u64,
        state: &State,
    ) -> Result<Self, StorageError> {
        let name = names::state(id);
        let shown = disk.shown(&name);
        let file = disk.create(&name).map_err(|error| of_write(shown.clone(), "make it", error))?;
        let summary = StateSummary { id, chain: id, ..StateSummary::default() };
        let empty = Self { file: Arc::new(file), shown, salt, summary };
        let mut builder = Builder::new(&empty, FRAME_BYTES);
        state.rooms.iter().try_for_each(|room| builder.room(room))?;
        state.ends.iter().try_for_each(|(conversation, end)| builder.end(*conversation, *end))?;
        state.keyed.in_order_of_time().iter().try_for_each(|request| builder.keyed(request))?;
        let mut made = builder.finish()?;
        made.summary.compact_bytes = made.summary.bytes;
        Ok(made)
    }

    pub(super) fn summary(&self) -> StateSummary {
        self.summary
    }

    /// Whether it pays to write it anew: it has doubled, and grown by `small_bytes` besides.
    pub(super) fn is_outgrown(&self, small_bytes: u64) -> bool {
        self.summary.bytes > 2 * self.summary.compact_bytes + small_bytes
    }

    /// The file with what `memtable` adds, synced.
    pub(super) fn append(&self, memtable: &Memtable) -> Result<Self, StorageError> {
        let mut builder = Builder::new(self, FRAME_BYTES);
        memtable.rooms().iter().try_for_each(|room| builder.room(room))?;
        memtable.ends().try_for_each(|(conversation, end)| builder.end(conversation, end))?;
        memtable.keyed().iter().try_for_each(|request| builder.keyed(request))?;
        builder.finish()
    }

    /// Reads all that counts, and checks it.
    pub(super) fn load(&self) -> Result<State, StorageError> {
        let mut state = State::default();
        let mut user_names = Names::default();
        let (mut offset, mut chain) = (0, self.summary.id);
        while offset < self.summary.bytes {
            let (frame, next_chain) = frame::read(self, offset, chain)?;
            frame::apply(&frame, &mut state, &mut user_names)
                .ok_or_else(|| self.corrupt(offset, "a frame makes no sense"))?;
            offset += frame.len() as u64;
            chain = next_chain;
        }
        if offset != self.summary.bytes || chain != self.summary.chain {
            return Err(self.corrupt(offset, "it does not end where the manifest says"));
        }
        Ok(state)
    }

    fn corrupt(&self, offset: u64, what: &'static str) -> StorageError {
        StorageError::Corrupt { thing: self.shown.clone(), offset, what }
    }
}

#[cfg(test)]
mod tests;
