//! Messages: one that is owned, and the view of one that a store lends.

use crate::{Body, Conversation, MessageNumber, Timestamp, UserName};

/// What was posted: its place, its time, who wrote it, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Where it was posted.
    pub conversation: Conversation,
    /// Its place in the conversation.
    pub number: MessageNumber,
    /// When the engine accepted it. No two messages of an engine share a time.
    pub at: Timestamp,
    /// Who posted it.
    pub author: UserName,
    /// Its text.
    pub body: Body,
}

impl Message {
    /// The message, borrowed.
    #[must_use]
    pub fn view(&self) -> MessageRef<'_> {
        MessageRef {
            conversation: self.conversation,
            number: self.number,
            at: self.at,
            author: self.author.as_str(),
            body: self.body.as_str(),
        }
    }
}

/// A message as a store lends it while it is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MessageRef<'a> {
    /// Where it was posted.
    pub conversation: Conversation,
    /// Its place in the conversation.
    pub number: MessageNumber,
    /// When the engine accepted it.
    pub at: Timestamp,
    /// The author's name, as it was shown when the message was posted.
    pub author: &'a str,
    /// The text.
    pub body: &'a str,
}

impl core::fmt::Debug for MessageRef<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("MessageRef")
            .field("conversation", &self.conversation)
            .field("number", &self.number)
            .field("at", &self.at)
            .field("author", &self.author)
            .field("body_bytes", &self.body.len())
            .finish()
    }
}
