//! The lines before the last of a reply.

use toom_core::{Body, Conversation, MessageNumber, MessageRef, Timestamp};

use super::fields::{self, Fields};
use super::{NameWord, Tag, Verb, put};

/// A row as it came. What it means depends on the verb that it answers. `Debug` shows its length alone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Row<'a>(&'a str);

impl core::fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Row({} bytes)", self.0.len())
    }
}

/// A message as a client receives it. `Debug` shows no text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageLine {
    /// Where it was posted.
    pub conversation: Conversation,
    /// Its place in the conversation.
    pub number: MessageNumber,
    /// When it was accepted.
    pub at: Timestamp,
    /// Who posted it.
    pub author: NameWord,
    /// Its text.
    pub body: Body,
}

/// A row of `RDM`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HistoryRow {
    /// A message.
    Message(MessageLine),
    /// Messages that are gone for good, in whose place this stands.
    Gone {
        /// Where they were.
        conversation: Conversation,
        /// The first of them.
        first: MessageNumber,
        /// The last of them.
        last: MessageNumber,
    },
}

impl<'a> Row<'a> {
    /// Appends the row of `RDM` for `message`. Nothing is allocated but by `out`.
    pub fn append_message(out: &mut Vec<u8>, tag: Option<&Tag>, message: MessageRef<'_>) {
        put::tag(out, tag);
        put::str(out, "ROW");
        append_message_fields(out, message);
        put::end(out);
    }

    /// Appends the row of `RDM` that stands in place of the messages `first` to `last`, which are gone.
    pub fn append_gone(
        out: &mut Vec<u8>,
        tag: Option<&Tag>,
        conversation: Conversation,
        first: MessageNumber,
        last: MessageNumber,
    ) {
        put::tag(out, tag);
        put::str(out, "ROW");
        put::conversation_field(out, conversation);
        put::str(out, " GONE");
        put::message_number_field(out, first);
        put::message_number_field(out, last);
        put::end(out);
    }

    /// Appends the row of `ATU` for `user`, logged in since `at`.
    pub fn append_user(out: &mut Vec<u8>, tag: Option<&Tag>, user: &str, at: Timestamp) {
        put::tag(out, tag);
        put::str(out, "ROW");
        put::field(out, user);
        put::time_field(out, at);
        put::end(out);
    }

    /// Appends all rows of `HELP`, and tells how many they are.
    pub fn append_help(out: &mut Vec<u8>, tag: Option<&Tag>) -> u64 {
        for verb in Verb::ALL {
            put::tag(out, tag);
            put::str(out, "ROW");
            put::field(out, verb.form());
            put::str(out, ": ");
            put::str(out, verb.purpose());
            put::end(out);
        }
        Verb::ALL.len() as u64
    }

    pub(super) fn new(payload: &'a str) -> Self {
        Self(payload)
    }

    /// What follows `ROW`, as it came: a row of `HELP` is a line for people.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// As a row of `ATU`: a user, and the time of the login; `None` if it is no such row.
    #[must_use]
    pub fn parse_user(self) -> Option<(NameWord, Timestamp)> {
        let mut fields = Fields::new(self.0);
        Some((fields.name()?, fields.time()?))
    }

    /// As a row of `RDM`; `None` if it is no such row.
    #[must_use]
    pub fn parse_history(self) -> Option<HistoryRow> {
        let mut fields = Fields::new(self.0);
        let conversation = fields.conversation()?;
        let mut after = fields;
        if after.word()? == "GONE" {
            let (first, last) = (after.message_number()?, after.message_number()?);
            return (first <= last).then_some(HistoryRow::Gone { conversation, first, last });
        }
        MessageLine::read(Fields::new(self.0)).map(HistoryRow::Message)
    }
}

impl MessageLine {
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

    pub(super) fn read(mut fields: Fields<'_>) -> Option<Self> {
        Some(Self {
            conversation: fields.conversation()?,
            number: fields.message_number()?,
            at: fields.time()?,
            author: fields.name()?,
            body: fields::body(fields.rest()?).ok()?,
        })
    }
}

/// What a message's row and its push have in common.
pub(super) fn append_message_fields(out: &mut Vec<u8>, message: MessageRef<'_>) {
    put::conversation_field(out, message.conversation);
    put::message_number_field(out, message.number);
    put::time_field(out, message.at);
    put::field(out, message.author);
    put::body_field(out, message.body);
}
