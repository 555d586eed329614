//! The limit of reading: a bare vector of messages a conversation, in memory.

use std::collections::BTreeMap;
use std::path::Path;

use toom_core::{Conversation, Message, MessageNumber, MessageRef, Record, Timestamp};

use super::{Store, StoreError, View};
use crate::data::messages;

#[derive(Default)]
pub(super) struct Vector(BTreeMap<Conversation, Vec<Message>>);

impl Store for Vector {
    type View<'a> = &'a Self;

    fn open(_: &Path, _: usize) -> Result<Self, StoreError> {
        Ok(Self::default())
    }

    fn append(&mut self, batch: &[Record]) -> Result<(), StoreError> {
        for message in messages(batch) {
            self.0.entry(message.conversation).or_default().push(message.clone());
        }
        Ok(())
    }

    fn view(&self) -> Result<&Self, StoreError> {
        Ok(self)
    }
}

impl View for &Vector {
    fn locate(
        &self,
        conversation: Conversation,
        since: Timestamp,
    ) -> Result<Option<MessageNumber>, StoreError> {
        let messages = self.0.get(&conversation).map_or(&[][..], Vec::as_slice);
        Ok(MessageNumber::new(messages.partition_point(|message| message.at <= since) as u64))
    }

    fn read(
        &self,
        conversation: Conversation,
        after: Option<MessageNumber>,
        limit: usize,
        visit: impl FnMut(MessageRef<'_>),
    ) -> Result<(), StoreError> {
        let messages = self.0.get(&conversation).map_or(&[][..], Vec::as_slice);
        let first = usize::try_from(after.map_or(0, MessageNumber::get))?;
        messages.iter().skip(first).take(limit).map(Message::view).for_each(visit);
        Ok(())
    }
}
