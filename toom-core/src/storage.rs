//! The storage seam: what a store MUST do, and what it tells when it cannot.

use core::ops::ControlFlow;
use std::sync::Arc;

use crate::{Conversation, Epoch, KeyedRequest, MessageNumber, MessageRef, Record, RoomCreated, Timestamp};

#[cfg(feature = "file")]
pub(crate) mod file;
pub(crate) mod memory;

/// Reading what was said.
///
/// A [`Storage`] is read through this, and so is its [`reader`](Storage::reader), on any thread, while appends go on.
/// Reads see whole batches only, and only those whose `append` has returned `Ok`.
pub trait History {
    /// The number of the last message of `conversation` that is not later than `since`; `None` if there is none.
    ///
    /// It MUST be exact among the messages that are kept. Where it would name a message that is gone for good, it MAY name
    /// an earlier one or none.
    ///
    /// # Errors
    /// [`StorageError`] if the store cannot be read.
    fn locate(
        &self,
        conversation: Conversation,
        since: Timestamp,
    ) -> Result<Option<MessageNumber>, StorageError>;

    /// Lends to `visit` the kept messages of `conversation` with numbers greater than `after`, in order, without gaps,
    /// at most `limit` of them, until it breaks. A conversation that nobody posted to has none.
    ///
    /// The cost MUST grow with what is visited, not with the history.
    ///
    /// # Errors
    /// [`StorageError`] if the store cannot be read; what was visited before is right.
    fn read(
        &self,
        conversation: Conversation,
        after: Option<MessageNumber>,
        limit: usize,
        visit: impl FnMut(MessageRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), StorageError>;

    /// The first number of `conversation` that is kept, or would be if it were posted: 1 until retention drops something.
    ///
    /// # Errors
    /// [`StorageError`] if the store cannot be read.
    fn floor(&self, conversation: Conversation) -> Result<MessageNumber, StorageError>;

    /// How many bytes the history takes on disk, for an operator to watch; `None`, the default: the store cannot tell.
    fn bytes_on_disk(&self) -> Option<u64> {
        None
    }
}

/// Where an engine keeps what it accepted.
///
/// The engine gives every store the same records in the same order: rooms numbered 1, 2, 3, …, messages numbered 1, 2, 3, …
/// within each conversation, times strictly increasing over all records. A store need not check that.
///
/// `storage_conformance!` makes one test of each law below.
pub trait Storage: History {
    /// A handle that reads while appends go on.
    type Reader: History + Clone + Send + 'static;

    /// The store's birth mark. It MUST stay the same as long as the store lives, and MUST be another one for a store that
    /// was made anew or restored from an older copy.
    fn epoch(&self) -> Epoch;

    /// Keeps `records`, all or none of them.
    ///
    /// When it returns `Ok` they MUST be durable, in the sense that the store promises, and visible to every read.
    ///
    /// When it returns [`StorageError::Full`] none of them is stored, nor will be, and the store MUST go on working.
    ///
    /// After any other error nobody knows what was stored. The store MUST refuse every later append with
    /// [`StorageError::NeedsReopen`] until it is opened again, MUST NOT retry, and what it then holds, all of the batch or
    /// none, is the truth. Reads go on and MUST NOT show the batch.
    ///
    /// # Errors
    /// [`StorageError`], as said above.
    fn append(&mut self, records: &[Record]) -> Result<(), StorageError>;

    /// What an engine has to know to go on where the records end, without reading every message.
    ///
    /// # Errors
    /// [`StorageError`] if the store cannot be read or is damaged.
    fn recover(&mut self) -> Result<Recovered, StorageError>;

    /// Keeps that stamps are used up to `until`, though no record bears them: the engine is about to tell when somebody logged in, and tells of
    /// no login later than this before it has asked again, about once a second as long as logins come.
    ///
    /// When it returns `Ok` that MUST be as durable as a record, and [`recover`](Self::recover) MUST give it back. Else an engine
    /// that is opened on the store by a clock that was set back could stamp messages earlier than a login, and who asks for what came
    /// since that login would not find them. Later calls name later times.
    ///
    /// # Errors
    /// [`StorageError`], as for [`append`](Self::append): after one that is not [harmless](StorageError::is_harmless) the store
    /// MUST refuse every append and this until it is opened again. Whether it then kept the time does not matter.
    fn reserve_stamps(&mut self, until: Timestamp) -> Result<(), StorageError>;

    /// A handle that reads while appends go on. It MUST NOT wait for appends, nor they for it, longer than a page takes.
    fn reader(&self) -> Self::Reader;
}

/// What [`Storage::recover`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Every room, in order of number.
    pub rooms: Vec<RoomCreated>,
    /// The end of every conversation that has a message, in any order.
    pub tails: Vec<Tail>,
    /// At least the last [`IdempotencyKey::REMEMBERED`](crate::IdempotencyKey::REMEMBERED) keyed requests of every user, in
    /// order of time.
    pub keyed: Vec<KeyedRequest>,
    /// The last time given to [`Storage::reserve_stamps`]; `None` if there was none.
    pub stamps_reserved: Option<Timestamp>,
}

/// The end of a conversation: its last message, also when retention dropped it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tail {
    /// The conversation.
    pub conversation: Conversation,
    /// The number of its last message.
    pub number: MessageNumber,
    /// The time of its last message.
    pub at: Timestamp,
}

/// Why a store could not do what it was asked: which thing, doing what, and why.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// There was no room. Nothing of the batch is stored, and the store goes on working.
    #[error("{thing}: no room is left to {action}")]
    Full {
        /// What was to be written: a file, a table.
        thing: String,
        /// What was being done, as in “append a batch”.
        action: &'static str,
    },
    /// Reading or writing failed. After a failed append the store needs to be reopened.
    #[error("{thing}: cannot {action}: {reason}")]
    Failed {
        /// What was to be read or written.
        thing: String,
        /// What was being done.
        action: &'static str,
        /// Why it failed.
        reason: Arc<dyn core::error::Error + Send + Sync>,
    },
    /// What was read is not what was written.
    #[error("{thing}: damaged at byte {offset}: {what}")]
    Corrupt {
        /// What is damaged.
        thing: String,
        /// Where the damage begins.
        offset: u64,
        /// What is wrong there.
        what: &'static str,
    },
    /// Another process has the store open.
    #[error("{thing}: another process has the store open")]
    InUse {
        /// What it holds: a lock file.
        thing: String,
    },
    /// The store was written by a later version.
    #[error(
        "{thing}: it is of format {found}, and this version knows format {known} and older: use a later version"
    )]
    NewerFormat {
        /// What tells its format.
        thing: String,
        /// The format it is of.
        found: u32,
        /// The latest format that is known.
        known: u32,
    },
    /// An earlier append failed, so that nobody knows what is stored until the store is opened again.
    #[error("the store refuses to write until it is reopened, because an earlier write failed")]
    NeedsReopen,
}

impl StorageError {
    /// Whether the store goes on working after an append that failed so.
    #[must_use]
    pub fn is_harmless(&self) -> bool {
        matches!(self, Self::Full { .. })
    }
}
