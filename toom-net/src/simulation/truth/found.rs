//! What a store holds, read from one end to the other.

use core::ops::ControlFlow;
use std::collections::BTreeMap;

use toom_core::{
    Body, Conversation, History, Message, MessageRef, RoomCreated, StorageError, Timestamp, UserName,
};

use super::Floors;

/// What a store holds.
#[derive(Debug)]
pub(in crate::simulation) struct Found {
    pub(in crate::simulation) rooms: Vec<RoomCreated>,
    /// What is kept of each conversation.
    pub(in crate::simulation) said: BTreeMap<Conversation, Vec<Message>>,
    pub(in crate::simulation) floors: Floors,
    /// How many bytes the history takes on disk.
    pub(in crate::simulation) bytes: u64,
}

impl Found {
    /// Reads all of a store.
    pub(in crate::simulation) fn read(
        rooms: Vec<RoomCreated>,
        history: &impl History,
    ) -> Result<Self, StorageError> {
        let mut said = BTreeMap::new();
        let rooms_places = rooms.iter().map(|room| Conversation::Room(room.room));
        let places: Vec<_> = rooms_places.chain([Conversation::Broadcast]).collect();
        for place in &places {
            let mut messages = Vec::new();
            history.read(*place, None, usize::MAX, |message| {
                messages.extend(owned(message));
                ControlFlow::Continue(())
            })?;
            said.insert(*place, messages);
        }
        let floors = Floors::read(&places, history)?;
        Ok(Self { rooms, said, floors, bytes: history.bytes_on_disk().unwrap_or_default() })
    }

    /// The time of the last message.
    pub(in crate::simulation) fn newest(&self) -> Option<Timestamp> {
        self.said.values().filter_map(|messages| messages.last()).map(|message| message.at).max()
    }
}

fn owned(message: MessageRef<'_>) -> Option<Message> {
    let MessageRef { conversation, number, at, author, body } = message;
    let (author, body) = (UserName::parse(author).ok()?, Body::parse(body).ok()?);
    Some(Message { conversation, number, at, author, body })
}
