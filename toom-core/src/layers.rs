//! What is stored, with what a batch will store laid over it: what decisions look at.

use crate::keyed::KeyedRequest;
use crate::rooms::{End, Rooms};
use crate::{Conversation, IdempotencyKey, Room, RoomId, UserName};

#[derive(Clone, Copy)]
pub(crate) struct Layers<'a> {
    pub(crate) stored: &'a Rooms,
    pub(crate) staged: &'a Rooms,
}

impl<'a> Layers<'a> {
    pub(crate) fn end(self, conversation: Conversation) -> Option<End> {
        self.staged.end(conversation).or_else(|| self.stored.end(conversation))
    }

    pub(crate) fn last_room(self) -> Option<RoomId> {
        self.staged.last_room().or_else(|| self.stored.last_room())
    }

    pub(crate) fn joined(self, room: RoomId, user: &UserName) -> Option<&'a Room> {
        self.staged.joined(room, user).or_else(|| self.stored.joined(room, user))
    }

    pub(crate) fn room(self, room: RoomId) -> Option<&'a Room> {
        self.staged.room(room).or_else(|| self.stored.room(room))
    }

    pub(crate) fn with_members(self, sorted: &[UserName]) -> Option<RoomId> {
        self.staged.with_members(sorted).or_else(|| self.stored.with_members(sorted))
    }

    pub(crate) fn rooms_of(self, user: &UserName) -> usize {
        self.staged.of_user(user).len() + self.stored.of_user(user).len()
    }

    pub(crate) fn keyed(self, user: &UserName, key: &IdempotencyKey) -> Option<&'a KeyedRequest> {
        self.staged.keyed().find(user, key).or_else(|| self.stored.keyed().find(user, key))
    }
}
