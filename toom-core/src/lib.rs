//! An embeddable chat engine.

mod body;
mod digest;
mod ids;
mod key;
mod limits;
mod message;
mod name;
mod record;
mod secret;
mod time;

pub use body::{Body, BodyError};
pub use digest::{Digest, Seed};
pub use ids::{Conversation, Epoch, MessageNumber, RoomId, SessionId, Source};
pub use key::{IdempotencyKey, IdempotencyKeyError};
pub use limits::{Attempts, Limits, Members, Policy};
pub use message::{Message, MessageRef};
pub use name::{UserName, UserNameError};
pub use record::{Posted, Record, RoomCreated};
pub use secret::{Password, Secret, SecretError, Verdict};
pub use time::{Mono, Now, Timestamp};
