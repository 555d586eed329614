//! Many operations, one durable append.

use crate::engine::Engine;
use crate::engine::write::Decision;
use crate::rooms::Rooms;
use crate::{
    Body, BroadcastError, CreateRoomError, IdempotencyKey, Now, Outcome, PostError, Receipt, Record, Room,
    RoomId, SessionId, Storage, StorageError, UserName,
};

/// Operations that are decided one after the other, each seeing the ones before it, and stored by one append.
///
/// Nothing is answered before [`commit`](Self::commit), refusals neither, because they may rest on what is not stored yet. A
/// batch that is dropped has done nothing.
#[derive(Debug)]
#[must_use = "nothing happens before `commit`"]
pub struct Batch<'e, S> {
    engine: &'e mut Engine<S>,
    staged: Rooms,
    records: Vec<Record>,
    answers: Vec<Answer>,
}

/// What an operation of a batch came to.
#[derive(Debug)]
pub enum Answer {
    /// The answer of [`Batch::broadcast`].
    Broadcast(Result<Outcome<Receipt>, BroadcastError>),
    /// The answer of [`Batch::create_room`].
    CreateRoom(Result<Outcome<Room>, CreateRoomError>),
    /// The answer of [`Batch::post_room`].
    PostRoom(Result<Outcome<Receipt>, PostError>),
}

impl<S: Storage> Engine<S> {
    /// Begins a batch.
    pub fn batch(&mut self) -> Batch<'_, S> {
        Batch { engine: self, staged: Rooms::default(), records: Vec::new(), answers: Vec::new() }
    }
}

impl<S: Storage> Batch<'_, S> {
    /// As [`Engine::broadcast`].
    pub fn broadcast(&mut self, session: SessionId, body: Body, key: Option<IdempotencyKey>, now: Now) {
        let decided = self.engine.decide_broadcast(&self.staged, session, body, key, now);
        let answer = decided.map(|decision| self.stage(decision));
        self.answers.push(Answer::Broadcast(answer));
    }

    /// As [`Engine::create_room`].
    pub fn create_room(
        &mut self,
        session: SessionId,
        others: &[UserName],
        key: Option<IdempotencyKey>,
        now: Now,
    ) {
        let decided = self.engine.decide_create_room(&self.staged, session, others, key, now);
        let answer = decided.map(|decision| self.stage(decision));
        self.answers.push(Answer::CreateRoom(answer));
    }

    /// As [`Engine::post_room`].
    pub fn post_room(
        &mut self,
        session: SessionId,
        room: RoomId,
        body: Body,
        key: Option<IdempotencyKey>,
        now: Now,
    ) {
        let decided = self.engine.decide_post_room(&self.staged, session, room, body, key, now);
        let answer = decided.map(|decision| self.stage(decision));
        self.answers.push(Answer::PostRoom(answer));
    }

    /// How many operations the batch has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.answers.len()
    }

    /// Whether the batch has no operation yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }

    /// Stores the batch and releases the answers, in the order of the operations. If it could not be stored, that is the answer
    /// to each of them, and nothing has changed.
    #[must_use = "the answers, and effects that nobody has seen yet"]
    pub fn commit(self) -> Vec<Answer> {
        match self.engine.store(&self.records) {
            Ok(()) => self.answers,
            Err(error) => self.answers.iter().map(|answer| answer.failed(&error)).collect(),
        }
    }

    fn stage<T>(&mut self, decision: Decision<T>) -> Outcome<T> {
        if let Some(record) = decision.record {
            self.staged.apply(&record);
            self.records.push(record);
        }
        decision.outcome
    }
}

impl Answer {
    fn failed(&self, error: &StorageError) -> Self {
        match self {
            Self::Broadcast(_) => Self::Broadcast(Err(error.clone().into())),
            Self::CreateRoom(_) => Self::CreateRoom(Err(error.clone().into())),
            Self::PostRoom(_) => Self::PostRoom(Err(error.clone().into())),
        }
    }
}
