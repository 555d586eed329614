//! Requests that change the history: many, one append.

use std::collections::BTreeSet;
use std::time::Instant;

use toom_core::{
    Answer, BroadcastError, Conversation, CreateRoomError, Effect, Now, Outcome, PostError, Receipt, Room,
    Storage, StorageError, UserName,
};

use super::{EngineLoop, Turn, What, Write};
use crate::protocol::{Code, MEMBERS_BYTES_MAX, NameWord, Success, Verb};
use crate::server::Event;
use crate::server::exchange::{Release, ReplyTo};

impl<S: Storage> EngineLoop<S> {
    /// Stores the writes of a turn by one append, and then releases their replies and effects.
    pub(super) fn commit(&mut self, writes: Vec<Write>, now: Now, turn: &mut Turn) {
        if writes.is_empty() {
            return;
        }
        let mut answered = Vec::with_capacity(writes.len());
        let mut batch = self.engine.batch();
        for Write { to, what } in writes {
            let session = to.connection.session();
            match what {
                What::Broadcast { key, body } => batch.broadcast(session, body, key, now),
                What::CreateRoom { key, users } => batch.create_room(session, &users, key, now),
                What::PostRoom { key, room, body } => batch.post_room(session, room, body, key, now),
            }
            answered.push(to);
        }
        // Measured, and nothing is decided by it.
        let begun = Instant::now();
        let answers = batch.commit();
        self.counts.append_time.add_time(begun.elapsed());
        self.counts.batch_writes.add(answers.len() as u64);
        turn.fault = answers.iter().find_map(storage_error).cloned();
        self.counts.appends_failed += u64::from(turn.fault.is_some());
        turn.events.extend(turn.fault.as_ref().map(Event::storage_failed));
        let mut stored = false;
        for (to, answer) in answered.into_iter().zip(answers) {
            let (reply, effects) = match answer {
                Answer::Broadcast(result) => split(result, to, Verb::Bcm, broadcast, broadcast_refused),
                Answer::CreateRoom(result) => split(result, to, Verb::Srb, created, create_refused),
                Answer::PostRoom(result) => split(result, to, Verb::Srm, posted, post_refused),
            };
            turn.releases.push(reply);
            stored |= !effects.is_empty();
            self.release(effects, turn);
        }
        // What was refused before, or repeated, does not show that the store works.
        if stored || turn.fault.is_some() {
            self.counts.refuses_writes = turn.fault.is_some();
        }
    }

    /// Whether the members' names, as the accounts spell them, fit the line that tells of the room.
    pub(super) fn fits_a_line(&self, to: &ReplyTo, users: &[UserName]) -> bool {
        let mut members: BTreeSet<&UserName> = users.iter().collect();
        members.extend(self.users.get(&to.connection));
        let bytes = |name: &UserName| 1 + self.accounts.get(name).unwrap_or(name).as_str().len();
        members.into_iter().map(bytes).sum::<usize>() <= MEMBERS_BYTES_MAX
    }
}

/// Why a write was refused: for programs, and for people.
type Refusal = (Code, String);

/// The reply and the effects of one write.
fn split<T, E>(
    result: Result<Outcome<T>, E>,
    to: ReplyTo,
    verb: Verb,
    succeeded: fn(&T) -> Success,
    refused: fn(&E) -> Refusal,
) -> (Release, Vec<Effect>) {
    match result {
        Ok(Outcome { reply, effects, .. }) => (to.ok(Vec::new(), succeeded(&reply)), effects),
        Err(error) => {
            let (code, text) = refused(&error);
            (to.refused(verb, code, text), Vec::new())
        }
    }
}

fn broadcast(receipt: &Receipt) -> Success {
    Success::Broadcast { number: receipt.number, at: receipt.at }
}

fn posted(receipt: &Receipt) -> Success {
    match receipt.conversation {
        Conversation::Room(room) => Success::Posted { room, number: receipt.number, at: receipt.at },
        Conversation::Broadcast => broadcast(receipt),
    }
}

fn created(room: &Room) -> Success {
    Success::RoomCreated { room: room.id, members: room.members.iter().map(NameWord::from).collect() }
}

fn broadcast_refused(error: &BroadcastError) -> Refusal {
    let code = match error {
        BroadcastError::NotLoggedIn(_) => Code::NotLoggedIn,
        BroadcastError::BodyTooLong { .. } => Code::TooLong,
        BroadcastError::KeyReused => Code::KeyReused,
        BroadcastError::Storage(error) => return storage_failed(error),
        _ => Code::Unavailable,
    };
    (code, error.to_string())
}

fn post_refused(error: &PostError) -> Refusal {
    let code = match error {
        PostError::NotLoggedIn(_) => Code::NotLoggedIn,
        PostError::NoSuchRoom => Code::NoRoom,
        PostError::BodyTooLong { .. } => Code::TooLong,
        PostError::KeyReused => Code::KeyReused,
        PostError::Storage(error) => return storage_failed(error),
        _ => Code::Unavailable,
    };
    (code, error.to_string())
}

fn create_refused(error: &CreateRoomError) -> Refusal {
    let code = match error {
        CreateRoomError::NotLoggedIn(_) => Code::NotLoggedIn,
        CreateRoomError::UnknownUser { user } => Code::UnknownUser(user.into()),
        CreateRoomError::InactiveUser { user } => Code::InactiveUser(user.into()),
        CreateRoomError::NoMembers => Code::NoMembers,
        CreateRoomError::TooManyMembers { .. } | CreateRoomError::TooManyRooms { .. } => Code::LimitReached,
        CreateRoomError::RoomExists { room } => Code::RoomExists(*room),
        CreateRoomError::KeyReused => Code::KeyReused,
        CreateRoomError::Storage(error) => return storage_failed(error),
        _ => Code::Unavailable,
    };
    (code, error.to_string())
}

/// The failure of an append, of which every answer of its batch that was not refused before tells.
fn storage_error(answer: &Answer) -> Option<&StorageError> {
    match answer {
        Answer::Broadcast(Err(BroadcastError::Storage(error)))
        | Answer::CreateRoom(Err(CreateRoomError::Storage(error)))
        | Answer::PostRoom(Err(PostError::Storage(error))) => Some(error),
        _ => None,
    }
}

/// What a peer is told of a store that failed: not the names of the server's files.
fn storage_failed(error: &StorageError) -> Refusal {
    let text = if error.is_harmless() {
        "the server has no room left; nothing was stored"
    } else {
        "it may not have been stored; repeated with the same key it is stored once, when the store is open again"
    };
    (Code::Unavailable, text.to_owned())
}

#[cfg(test)]
mod tests {
    use toom_core::{NotLoggedIn, RoomId, UserName};

    use super::*;

    #[test]
    fn each_reason_against_a_post_has_its_own_code() {
        for (error, code) in [
            (PostError::NotLoggedIn(NotLoggedIn), Code::NotLoggedIn),
            (PostError::NoSuchRoom, Code::NoRoom),
            (PostError::BodyTooLong { size: 3, limit: 2 }, Code::TooLong),
            (PostError::KeyReused, Code::KeyReused),
            (PostError::EndOfTime, Code::Unavailable),
        ] {
            assert_eq!(post_refused(&error), (code, error.to_string()));
        }
        for (error, code) in [
            (BroadcastError::NotLoggedIn(NotLoggedIn), Code::NotLoggedIn),
            (BroadcastError::BodyTooLong { size: 3, limit: 2 }, Code::TooLong),
            (BroadcastError::KeyReused, Code::KeyReused),
            (BroadcastError::EndOfTime, Code::Unavailable),
        ] {
            assert_eq!(broadcast_refused(&error), (code, error.to_string()));
        }
    }

    #[test]
    fn each_reason_against_a_room_has_its_own_code() {
        let user = || UserName::parse("luke").unwrap();
        let room = RoomId::FIRST;
        for (error, code) in [
            (CreateRoomError::NotLoggedIn(NotLoggedIn), Code::NotLoggedIn),
            (CreateRoomError::UnknownUser { user: user() }, Code::UnknownUser((&user()).into())),
            (CreateRoomError::InactiveUser { user: user() }, Code::InactiveUser((&user()).into())),
            (CreateRoomError::NoMembers, Code::NoMembers),
            (CreateRoomError::TooManyMembers { limit: 2 }, Code::LimitReached),
            (CreateRoomError::TooManyRooms { limit: 2 }, Code::LimitReached),
            (CreateRoomError::RoomExists { room }, Code::RoomExists(room)),
            (CreateRoomError::KeyReused, Code::KeyReused),
            (CreateRoomError::EndOfTime, Code::Unavailable),
        ] {
            assert_eq!(create_refused(&error), (code, error.to_string()));
        }
    }
}
