//! The messages of many conversations in order of time.

use core::cmp::Reverse;
use core::ops::ControlFlow;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};

use toom_core::{Conversation, History, MessageNumber, MessageRef, StorageError, Timestamp};

/// How many bytes of text are held at once, but for one message of each conversation at least.
const HELD_BYTES: usize = 32 * 1024 * 1024;
/// How many of them one conversation holds.
const PAGE_BYTES_MAX: usize = 256 * 1024;

/// A message that is held.
pub(super) struct Kept {
    pub(super) number: MessageNumber,
    pub(super) at: Timestamp,
    author: Box<str>,
    body: Box<str>,
}

impl Kept {
    pub(super) fn view(&self, conversation: Conversation) -> MessageRef<'_> {
        let Self { number, at, author, body } = self;
        MessageRef { conversation, number: *number, at: *at, author, body }
    }
}

/// Goes through the conversations of a history at once, a page of each at a time.
pub(super) struct Merge<'h, H> {
    history: &'h H,
    pages: BTreeMap<Conversation, VecDeque<Kept>>,
    /// The conversations that have messages left, by the time of the next.
    due: BinaryHeap<Reverse<(Timestamp, Conversation)>>,
    page_bytes: usize,
}

impl<'h, H: History> Merge<'h, H> {
    pub(super) fn new(history: &'h H, conversations: BTreeSet<Conversation>) -> Result<Self, StorageError> {
        let page_bytes = (HELD_BYTES / conversations.len().max(1)).min(PAGE_BYTES_MAX);
        let mut merge = Self { history, pages: BTreeMap::new(), due: BinaryHeap::new(), page_bytes };
        for conversation in conversations {
            merge.refill(conversation, None)?;
        }
        Ok(merge)
    }

    pub(super) fn next(&mut self) -> Result<Option<(Conversation, Kept)>, StorageError> {
        let Some(Reverse((_, conversation))) = self.due.pop() else { return Ok(None) };
        let Some(page) = self.pages.get_mut(&conversation) else { return Ok(None) };
        let Some(kept) = page.pop_front() else { return Ok(None) };
        match page.front() {
            Some(next) => self.due.push(Reverse((next.at, conversation))),
            None => self.refill(conversation, Some(kept.number))?,
        }
        Ok(Some((conversation, kept)))
    }

    fn refill(
        &mut self,
        conversation: Conversation,
        after: Option<MessageNumber>,
    ) -> Result<(), StorageError> {
        let mut page = VecDeque::new();
        let mut bytes = 0;
        self.history.read(
            conversation,
            after,
            usize::MAX,
            |MessageRef { number, at, author, body, .. }| {
                page.push_back(Kept { number, at, author: author.into(), body: body.into() });
                bytes += author.len() + body.len();
                if bytes < self.page_bytes { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            },
        )?;
        if let Some(first) = page.front() {
            self.due.push(Reverse((first.at, conversation)));
            self.pages.insert(conversation, page);
        } else {
            self.pages.remove(&conversation);
        }
        Ok(())
    }
}
