//! Which messages were left out.

use std::collections::BTreeMap;

use toom_core::{Conversation, MessageNumber};

use crate::protocol::Push;

/// For each conversation, the first and the last number that was left out.
///
/// Once one message of a conversation is left out, so are all that follow, until that is told: one range says it all. There
/// are at most as many as conversations that a user may read.
#[derive(Debug, Default)]
pub(super) struct Lag(BTreeMap<Conversation, (MessageNumber, MessageNumber)>);

impl Lag {
    pub(super) fn holds(&self, conversation: Conversation) -> bool {
        self.0.contains_key(&conversation)
    }

    pub(super) fn leave_out(&mut self, conversation: Conversation, number: MessageNumber) {
        self.0.entry(conversation).or_insert((number, number)).1 = number;
    }

    pub(super) fn pop_first(&mut self) -> Option<Push> {
        let (conversation, (first, last)) = self.0.pop_first()?;
        Some(Push::Lag { conversation, first, last })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
