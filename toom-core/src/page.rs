//! A page of messages that is owned.

use core::ops::Range;

use crate::{Conversation, Cursor, MessageNumber, MessageRef, Row, Timestamp};

/// A page of messages, with all their text in one buffer.
///
/// An empty page is an answer; [`is_end`](Self::is_end) alone says that there is no more.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Page {
    rows: Vec<Entry>,
    text: String,
    next: Option<Cursor>,
}

#[derive(Clone, PartialEq, Eq)]
enum Entry {
    Message {
        conversation: Conversation,
        number: MessageNumber,
        at: Timestamp,
        author: Range<usize>,
        body: Range<usize>,
    },
    Gone {
        conversation: Conversation,
        first: MessageNumber,
        last: MessageNumber,
    },
}

impl Page {
    pub(crate) fn push(&mut self, row: Row<'_>) {
        let entry = match row {
            Row::Message(MessageRef { conversation, number, at, author, body }) => {
                let (author, body) = (self.keep(author), self.keep(body));
                Entry::Message { conversation, number, at, author, body }
            }
            Row::Gone { conversation, first, last } => Entry::Gone { conversation, first, last },
        };
        self.rows.push(entry);
    }

    pub(crate) fn finish(&mut self, next: Option<Cursor>) {
        self.next = next;
    }

    fn keep(&mut self, text: &str) -> Range<usize> {
        let start = self.text.len();
        self.text.push_str(text);
        start..self.text.len()
    }

    /// The rows, in order: messages, and what is gone for good.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|entry| match entry {
            Entry::Message { conversation, number, at, author, body } => Row::Message(MessageRef {
                conversation: *conversation,
                number: *number,
                at: *at,
                author: self.text.get(author.clone()).unwrap_or_default(),
                body: self.text.get(body.clone()).unwrap_or_default(),
            }),
            Entry::Gone { conversation, first, last } => {
                Row::Gone { conversation: *conversation, first: *first, last: *last }
            }
        })
    }

    /// The messages, in order.
    pub fn messages(&self) -> impl Iterator<Item = MessageRef<'_>> {
        self.rows().filter_map(|row| match row {
            Row::Message(message) => Some(message),
            Row::Gone { .. } => None,
        })
    }

    /// How to go on.
    #[must_use]
    pub fn next(&self) -> Option<Cursor> {
        self.next
    }

    /// Whether there was no more when the page was read.
    #[must_use]
    pub fn is_end(&self) -> bool {
        self.next.is_none()
    }
}

impl core::fmt::Debug for Page {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Page")
            .field("rows", &self.rows().collect::<Vec<_>>())
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_of_a_page_shows_whose_messages_it_holds_and_no_text() {
        let number = MessageNumber::FIRST;
        let mut page = Page::default();
        page.push(Row::Message(MessageRef {
            conversation: Conversation::Broadcast,
            number,
            at: Timestamp::MIN,
            author: "yoda",
            body: "marker",
        }));
        page.push(Row::Gone { conversation: Conversation::Broadcast, first: number, last: number });
        let shown = format!("{page:?}");
        assert!(shown.contains("yoda") && shown.contains("Gone"), "{shown}");
        assert!(!shown.contains("marker"), "{shown}");
    }
}
