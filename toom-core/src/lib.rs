//! An embeddable chat engine: accounts, sessions, a broadcast conversation, private rooms, and a history that is read
//! since a time, as one deterministic state machine.
//!
//! * [`Engine`] is the whole of it. Its six operations are [`authenticate`](Engine::authenticate),
//!   [`broadcast`](Engine::broadcast), [`create_room`](Engine::create_room), [`post_room`](Engine::post_room),
//!   [`read_since`](Engine::read_since) and [`logout`](Engine::logout).
//! * It does no I/O, asks no clock, draws nothing at random, and starts no thread: the time is an argument, [`Now`], and
//!   so are salts and ids. The same inputs give the same outputs, bytes and state on every machine.
//! * What others must see is returned as values, [`Effect`]s, that the host carries out in order.
//! * What must last goes through [`Storage`]: [`MemoryStorage`], `FileStorage` in a folder (feature `file`, on by default), or one
//!   of your own, checked by [`storage_conformance!`].
//! * Many operations can share one durable append: [`Engine::batch`].
//!
//! It is not a server: `toom-net` is one, with a protocol, over this engine.
//!
//! The examples of this crate run: `embed` (the whole in 30 lines), `own_storage` (a store of one's own, checked by the
//! laws), `host_loop` (a host that batches and fans out).

mod body;
pub mod conformance;
mod cursor;
mod digest;
mod effect;
mod engine;
mod error;
mod ids;
mod key;
mod keyed;
mod layers;
mod limits;
mod lockout;
mod look;
mod message;
mod name;
mod page;
mod record;
mod rooms;
mod secret;
mod sessions;
mod storage;
mod time;

pub use body::{Body, BodyError};
pub use cursor::{Cursor, CursorError};
pub use digest::{Digest, Seed};
pub use effect::{ActiveUser, Audience, Effect, LoggedIn, Outcome, Receipt, Room, SessionEnd};
pub use engine::Engine;
pub use engine::batch::{Answer, Batch};
pub use engine::read::{PageEnd, ReadPlan, Reading, Row, Since};
pub use error::{
    BroadcastError, CreateRoomError, LoginError, NoSuchAccount, NotLoggedIn, PostError, ReadError,
};
pub use ids::{Conversation, Epoch, MessageNumber, RoomId, SessionId, Source};
pub use key::{IdempotencyKey, IdempotencyKeyError};
pub use keyed::{Answered, Fingerprint, KeyedRequest, KeyedRequests};
pub use limits::{Attempts, Config, Limits, Members, Policy};
pub use lockout::{Challenge, Work};
pub use look::{DistinctNames, LooksLike};
pub use message::{Message, MessageRef};
pub use name::{UserName, UserNameError};
pub use page::Page;
pub use record::{Posted, Record, RoomCreated};
pub use secret::{CheckMemory, Password, Secret, SecretError, Verdict};
#[cfg(all(feature = "file", any(test, feature = "simulation")))]
pub use storage::file::simulated;
#[cfg(feature = "file")]
pub use storage::file::{
    Access, Cut, Disk, DiskFile, Durability, FileOptions, FileReader, FileStorage, Folder, Housekeeping,
    Losses, LostMessages, Opened, Progress, RepairPlan, Retention, Verified,
};
pub use storage::memory::{MemoryReader, MemoryStorage};
pub use storage::{History, Recovered, Storage, StorageError, Tail};
pub use time::{Mono, Now, Timestamp};

/// The blocks of the README run as tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// So do those of the page on embedding.
#[cfg(doctest)]
#[doc = include_str!("../../docs/embedding.md")]
struct Embedding;
