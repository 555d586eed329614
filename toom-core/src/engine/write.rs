//! What changes the history: decide, append, apply.

use std::sync::Arc;

use crate::engine::{Engine, Health};
use crate::keyed::{Answered, Fingerprint, KeyedRequest};
use crate::layers::Layers;
use crate::rooms::{Rooms, sorted};
use crate::{
    Audience, Body, BroadcastError, Conversation, CreateRoomError, Effect, IdempotencyKey, Members, Message,
    MessageNumber, Now, Outcome, PostError, Posted, Receipt, Record, Room, RoomCreated, RoomId, SessionId,
    Storage, StorageError, Timestamp, UserName,
};

/// What was decided: a record to store, unless a keyed request was repeated, and the outcome once it is stored.
pub(super) struct Decision<T> {
    pub(super) record: Option<Record>,
    pub(super) outcome: Outcome<T>,
}

impl<T> Decision<T> {
    fn repeat(reply: T) -> Self {
        Self { record: None, outcome: Outcome::new(reply, Vec::new()) }
    }
}

impl<S: Storage> Engine<S> {
    /// Posts to everyone. It is stored when this returns `Ok`.
    ///
    /// With a `key`, repeating the request changes nothing and gets the first answer again, as long as the key is among the last
    /// [`IdempotencyKey::REMEMBERED`] of the user.
    ///
    /// # Errors
    /// [`BroadcastError`] says why nothing was posted.
    pub fn broadcast(
        &mut self,
        session: SessionId,
        body: Body,
        key: Option<IdempotencyKey>,
        now: Now,
    ) -> Result<Outcome<Receipt>, BroadcastError> {
        let decision = self.decide_broadcast(&Rooms::default(), session, body, key, now)?;
        self.store(decision.record.as_slice())?;
        Ok(decision.outcome)
    }

    /// Builds a room of the session's user and `others`. It is stored when this returns `Ok`.
    ///
    /// A name that stands there twice counts once, and so does the user's own. About `key` see [`broadcast`](Self::broadcast).
    ///
    /// # Errors
    /// [`CreateRoomError`] says why no room was built.
    pub fn create_room(
        &mut self,
        session: SessionId,
        others: &[UserName],
        key: Option<IdempotencyKey>,
        now: Now,
    ) -> Result<Outcome<Room>, CreateRoomError> {
        let decision = self.decide_create_room(&Rooms::default(), session, others, key, now)?;
        self.store(decision.record.as_slice())?;
        Ok(decision.outcome)
    }

    /// Posts to a room of the session's user. It is stored when this returns `Ok`. About `key` see
    /// [`broadcast`](Self::broadcast).
    ///
    /// # Errors
    /// [`PostError`] says why nothing was posted.
    pub fn post_room(
        &mut self,
        session: SessionId,
        room: RoomId,
        body: Body,
        key: Option<IdempotencyKey>,
        now: Now,
    ) -> Result<Outcome<Receipt>, PostError> {
        let decision = self.decide_post_room(&Rooms::default(), session, room, body, key, now)?;
        self.store(decision.record.as_slice())?;
        Ok(decision.outcome)
    }

    /// Appends and applies. Once an append failed nothing is written until the engine is reopened.
    pub(super) fn store(&mut self, records: &[Record]) -> Result<(), StorageError> {
        if records.is_empty() {
            return Ok(());
        }
        if self.health == Health::NeedsReopen {
            return Err(StorageError::NeedsReopen);
        }
        let appended = self.storage.append(records);
        let last_at = records.last().map(Record::at);
        match &appended {
            Ok(()) => {
                self.clocks.stored(last_at);
                for record in records {
                    self.rooms.apply(record);
                }
            }
            Err(error) if error.is_harmless() => {}
            Err(_) => {
                self.health = Health::NeedsReopen;
                self.clocks.perhaps_stored(last_at);
            }
        }
        appended
    }

    /// The stamp that a record decided now bears, behind what is staged. It is used up once the record may be stored.
    fn stamp(&self, staged: &Rooms, now: Now) -> Option<Timestamp> {
        self.clocks.next_record(staged.last_at(), now)
    }

    pub(super) fn decide_broadcast(
        &mut self,
        staged: &Rooms,
        session: SessionId,
        body: Body,
        key: Option<IdempotencyKey>,
        now: Now,
    ) -> Result<Decision<Receipt>, BroadcastError> {
        let author = self.user(session, now)?;
        let audience = Audience::Everyone { except: session };
        self.decide_message(staged, Conversation::Broadcast, author, audience, body, key, now)
    }

    pub(super) fn decide_post_room(
        &mut self,
        staged: &Rooms,
        session: SessionId,
        room: RoomId,
        body: Body,
        key: Option<IdempotencyKey>,
        now: Now,
    ) -> Result<Decision<Receipt>, PostError> {
        let author = self.user(session, now)?;
        let layers = Layers { stored: &self.rooms, staged };
        let joined = layers.joined(room, &author).ok_or(PostError::NoSuchRoom)?;
        let audience = Audience::Members { members: joined.members.clone(), except: session };
        Ok(self.decide_message(staged, Conversation::Room(room), author, audience, body, key, now)?)
    }

    #[expect(clippy::too_many_arguments, reason = "a message has that many parts")]
    fn decide_message(
        &self,
        staged: &Rooms,
        conversation: Conversation,
        author: UserName,
        audience: Audience,
        body: Body,
        key: Option<IdempotencyKey>,
        now: Now,
    ) -> Result<Decision<Receipt>, BroadcastError> {
        let layers = Layers { stored: &self.rooms, staged };
        if let Some(earlier) = key.as_ref().and_then(|key| layers.keyed(&author, key)) {
            let request = Fingerprint::of_post(conversation, body.as_str());
            return receipt_again(earlier, request).map(Decision::repeat).ok_or(BroadcastError::KeyReused);
        }
        let (size, limit) = (body.as_str().len(), self.config.limits.body_bytes_max);
        if size > limit {
            return Err(BroadcastError::BodyTooLong { size, limit });
        }
        let number = MessageNumber::following(layers.end(conversation).map(|end| end.number));
        let at = self.stamp(staged, now).ok_or(BroadcastError::EndOfTime)?;
        let message = Message { conversation, number, at, author, body };
        let effects = vec![Effect::Deliver { audience, message: message.clone() }];
        let outcome = Outcome::new(Receipt { conversation, number, at }, effects);
        Ok(Decision { record: Some(Record::Posted(Posted { message, key })), outcome })
    }

    pub(super) fn decide_create_room(
        &mut self,
        staged: &Rooms,
        session: SessionId,
        others: &[UserName],
        key: Option<IdempotencyKey>,
        now: Now,
    ) -> Result<Decision<Room>, CreateRoomError> {
        let creator = self.user(session, now)?;
        let layers = Layers { stored: &self.rooms, staged };
        if let Some(earlier) = key.as_ref().and_then(|key| layers.keyed(&creator, key)) {
            let request = Fingerprint::of_room(core::iter::once(&creator).chain(others));
            let room = room_again(layers, earlier, request).ok_or(CreateRoomError::KeyReused)?;
            return Ok(Decision::repeat(room.clone()));
        }
        let members = self.members(layers, creator, others)?;
        let at = self.stamp(staged, now).ok_or(CreateRoomError::EndOfTime)?;
        let id = layers.last_room().map_or(Some(RoomId::FIRST), RoomId::next);
        let id = id.ok_or(CreateRoomError::TooManyRooms { limit: self.config.limits.rooms_per_user_max })?;

        let room = Room { id, at, members: members.clone() };
        let audience = Audience::Members { members: members.clone(), except: session };
        let effects = vec![Effect::RoomOpened { audience, room: room.clone() }];
        let record = Record::RoomCreated(RoomCreated { room: id, at, members, key });
        Ok(Decision { record: Some(record), outcome: Outcome::new(room, effects) })
    }

    /// The members of a new room, its creator first, if they may have one.
    fn members(
        &self,
        layers: Layers<'_>,
        creator: UserName,
        others: &[UserName],
    ) -> Result<Arc<[UserName]>, CreateRoomError> {
        let limits = &self.config.limits;
        let mut members = vec![creator];
        for other in others {
            let user = self
                .lockout
                .account(other)
                .ok_or_else(|| CreateRoomError::UnknownUser { user: other.clone() })?;
            if self.config.policy.members == Members::Active && !self.sessions.is_active(user) {
                return Err(CreateRoomError::InactiveUser { user: user.clone() });
            }
            if !members.contains(user) {
                members.push(user.clone());
            }
            if members.len() > limits.members_max {
                return Err(CreateRoomError::TooManyMembers { limit: limits.members_max });
            }
        }
        if members.len() == 1 {
            return Err(CreateRoomError::NoMembers);
        }
        if let Some(room) = layers.with_members(&sorted(&members)) {
            return Err(CreateRoomError::RoomExists { room });
        }
        let limit = limits.rooms_per_user_max;
        if members.iter().any(|member| layers.rooms_of(member) >= limit) {
            return Err(CreateRoomError::TooManyRooms { limit });
        }
        Ok(members.into())
    }
}

fn receipt_again(earlier: &KeyedRequest, request: Fingerprint) -> Option<Receipt> {
    match earlier.answer {
        Answered::Posted { conversation, number } if earlier.request == request => {
            Some(Receipt { conversation, number, at: earlier.at })
        }
        _ => None,
    }
}

fn room_again<'a>(layers: Layers<'a>, earlier: &KeyedRequest, request: Fingerprint) -> Option<&'a Room> {
    match earlier.answer {
        Answered::RoomCreated { room } if earlier.request == request => layers.room(room),
        _ => None,
    }
}
