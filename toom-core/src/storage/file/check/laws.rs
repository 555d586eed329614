//! The laws of what a store keeps, checked record by record, in order of time.

use core::ops::ControlFlow;
use std::collections::BTreeMap;

use crate::digest::history::HistorySum;
use crate::rooms::End;
use crate::storage::file::record_bytes::{Malformed, Names, RecordRef};
use crate::storage::file::run::BlockView;
use crate::storage::file::state::State;
use crate::{
    Answered, Conversation, Digest, KeyedRequest, MessageNumber, MessageRef, RoomCreated, RoomId, Tail,
    Timestamp,
};

/// What was seen, and what may come next.
///
/// Once something was damaged nobody knows what should come behind it, and only what contradicts itself is wrong.
#[derive(Debug, Default)]
pub(super) struct Laws {
    /// Whether the first messages of conversations, and rooms, may be gone.
    dropped: bool,
    unsure: bool,
    rooms: BTreeMap<RoomId, Timestamp>,
    ends: BTreeMap<Conversation, End>,
    keyed: BTreeMap<(Conversation, MessageNumber), KeyedRequest>,
    messages: u64,
    last_at: Option<Timestamp>,
    sum: HistorySum,
}

type Law = Result<(), &'static str>;

impl Laws {
    pub(super) fn new(dropped: bool) -> Self {
        Self { dropped, ..Self::default() }
    }

    /// Something that should have been seen was damaged.
    pub(super) fn become_unsure(&mut self) {
        self.unsure = true;
        self.ends.clear();
        self.last_at = None;
    }

    /// Takes the rooms and the keyed requests of the state file.
    pub(super) fn state(&mut self, state: &State) -> Law {
        state.rooms.iter().try_for_each(|created| self.room(created))?;
        for request in state.keyed.in_order_of_time() {
            match request.answer {
                Answered::Posted { conversation, number } => {
                    self.keyed.insert((conversation, number), request);
                }
                Answered::RoomCreated { room } if self.rooms.get(&room) != Some(&request.at) => {
                    return Err("a keyed request was answered with a room that is not there");
                }
                Answered::RoomCreated { .. } => {}
            }
        }
        Ok(())
    }

    /// Takes a block of a run.
    pub(super) fn block(&mut self, block: BlockView<'_>) -> Law {
        let (mut law, mut limit) = (Ok(()), usize::MAX);
        let _ = block.visit(None, &mut limit, &mut |message| {
            law = self.message(message);
            if law.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        law
    }

    /// Compares the ends that the state file tells with those of the messages in the runs.
    pub(super) fn ends_of_runs(&mut self, told: &BTreeMap<Conversation, End>) -> Law {
        if self.unsure {
            self.ends.clone_from(told);
            return Ok(());
        }
        if self.ends.iter().any(|(conversation, end)| told.get(conversation) != Some(end)) {
            return Err("it tells another end of a conversation than the messages do");
        }
        if !self.dropped && self.ends.len() != told.len() {
            return Err("it tells the end of a conversation that has no message");
        }
        self.ends.clone_from(told);
        self.last_at = self.ends.values().map(|end| end.at).chain(self.rooms.values().copied()).max();
        Ok(())
    }

    /// Takes a record of the journal.
    pub(super) fn record(&mut self, record: RecordRef<'_>, names: &mut Names) -> Result<(), Malformed> {
        let _request = record.keyed(names)?;
        let at = match record {
            RecordRef::Posted(posted) => posted.message.at,
            RecordRef::RoomCreated(created) => created.at,
        };
        if self.last_at.is_some_and(|last_at| at <= last_at) {
            return Err(Malformed("a record is not later than the one before it"));
        }
        match record {
            RecordRef::Posted(posted) => self.message(posted.message).map_err(Malformed)?,
            RecordRef::RoomCreated(created) => self.room(&created.own(names)?).map_err(Malformed)?,
        }
        self.last_at = Some(at);
        Ok(())
    }

    /// Compares the keyed requests of the state file with the ends.
    pub(super) fn keyed_exist(&self) -> Law {
        let is_there =
            |((conversation, number), request): (&(Conversation, MessageNumber), &KeyedRequest)| {
                self.ends.get(conversation).is_some_and(|end| *number <= end.number && request.at <= end.at)
            };
        if self.unsure || self.keyed.iter().all(is_there) {
            return Ok(());
        }
        Err("a keyed request was answered with a message that is not there")
    }

    pub(super) fn rooms(&self) -> u64 {
        self.rooms.len() as u64
    }

    pub(super) fn conversations(&self) -> u64 {
        self.ends.len() as u64
    }

    pub(super) fn messages(&self) -> u64 {
        self.messages
    }

    pub(super) fn digest(mut self) -> Digest {
        for (conversation, End { number, at }) in self.ends {
            self.sum.end(Tail { conversation, number, at });
        }
        self.sum.digest()
    }

    fn room(&mut self, created: &RoomCreated) -> Law {
        let last = self.rooms.last_key_value().map(|(room, at)| (*room, *at));
        let next = last.map_or(Some(RoomId::FIRST), |(room, _)| room.next());
        let may_skip = self.dropped || self.unsure;
        let follows = |next| if may_skip { created.room >= next } else { created.room == next };
        if !next.is_some_and(follows) {
            return Err("a room does not bear the number after the one before it");
        }
        if last.is_some_and(|(_, at)| created.at <= at) {
            return Err("a room is not later than the one before it");
        }
        self.rooms.insert(created.room, created.at);
        self.sum.room(created);
        Ok(())
    }

    fn message(&mut self, message: MessageRef<'_>) -> Law {
        let MessageRef { conversation, number, at, .. } = message;
        if let Conversation::Room(room) = conversation {
            match self.rooms.get(&room) {
                None if self.unsure => {}
                None => return Err("a message was posted to a room that is not there"),
                Some(built) if at <= *built => return Err("a message is not later than its room"),
                Some(_) => {}
            }
        }
        match self.ends.get(&conversation) {
            Some(end) if number != MessageNumber::following(Some(end.number)) => {
                return Err("a message does not bear the number after the one before it");
            }
            Some(end) if at <= end.at => return Err("a message is not later than the one before it"),
            None if number != MessageNumber::FIRST && !self.dropped && !self.unsure => {
                return Err("the first messages of a conversation are not there");
            }
            _ => {}
        }
        if self.keyed.get(&(conversation, number)).is_some_and(|request| !request.asked_for(message)) {
            return Err("a message is not the one that a keyed request was answered with");
        }
        self.ends.insert(conversation, End { number, at });
        self.messages += 1;
        self.sum.message(message);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
