//! What a store keeps: records of what was accepted, in order.

use std::sync::Arc;

use crate::{IdempotencyKey, Message, RoomId, Timestamp, UserName};

/// Something that the engine accepted and that a store keeps for ever (or as long as its retention says).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A room was built.
    RoomCreated(RoomCreated),
    /// A message was posted.
    Posted(Posted),
}

/// A room was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomCreated {
    /// The room's number: one more than the room before.
    pub room: RoomId,
    /// When it was built.
    pub at: Timestamp,
    /// Its members: who built it first, then the others in the order in which they were named, none twice.
    pub members: Arc<[UserName]>,
    /// The key that its builder gave the request, if any.
    pub key: Option<IdempotencyKey>,
}

impl RoomCreated {
    /// Who built the room: its first member.
    #[must_use]
    pub fn creator(&self) -> Option<&UserName> {
        self.members.first()
    }
}

/// A message was posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// The message.
    pub message: Message,
    /// The key that its author gave the request, if any.
    pub key: Option<IdempotencyKey>,
}

impl Record {
    /// When it was accepted. Later records of a store have later times.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        match self {
            Self::RoomCreated(created) => created.at,
            Self::Posted(posted) => posted.message.at,
        }
    }
}
