//! Finding and reading messages of a run.

use core::cell::RefCell;
use core::ops::ControlFlow;
use std::sync::Arc;

use super::Run;
use super::index::{Entry, Page};
use super::window::Window;
use crate::storage::file::disk::DiskFile;
use crate::{Conversation, MessageNumber, MessageRef, StorageError, Timestamp};

/// Blocks that lie side by side are read in one call, up to so many bytes.
const READ_BYTES: u64 = 64 << 10;
/// Who locates a message most often reads a page from there on, so that much is fetched at once.
const LOCATE_BYTES: u64 = 16 << 10;

/// Where a message is as a run sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::storage::file) enum Place {
    /// The run has no message of the conversation.
    Absent,
    /// Before the first one in the run.
    Before,
    /// In the run.
    Inside,
    /// After the last one in the run.
    After,
}

/// The last message of a run's conversation that is not later than a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::storage::file) enum Located {
    /// The run has no message of the conversation.
    Absent,
    /// All messages that the run has of it are later.
    AllLater { first: MessageNumber },
    /// It is this one.
    At(MessageNumber),
}

/// A block in the index.
struct Cursor {
    number: usize,
    page: Arc<Page>,
    slot: usize,
}

/// What a search of a conversation's blocks found.
enum Found {
    Absent,
    /// The first block: all of them are beyond what was looked for.
    First(Cursor),
    /// The last block that is not beyond it.
    Last(Cursor),
}

thread_local! {
    /// What this thread read last: a page of messages most often begins in the block in which it was located, or in which the
    /// page before it ended.
    static KEPT: RefCell<Window> = RefCell::default();
}

impl<F: DiskFile> Run<F> {
    /// The number of the first message of `conversation` in the run.
    pub(in crate::storage::file) fn first_number(
        &self,
        conversation: Conversation,
    ) -> Result<Option<MessageNumber>, StorageError> {
        Ok(match self.find(conversation, |_| false)? {
            Found::First(cursor) => cursor.entry().map(|(entry, _)| entry.first),
            Found::Last(_) | Found::Absent => None,
        })
    }

    /// Where the message `number` of `conversation` is, there or not.
    pub(in crate::storage::file) fn place(
        &self,
        conversation: Conversation,
        number: MessageNumber,
    ) -> Result<Place, StorageError> {
        Ok(match self.find(conversation, |entry| entry.first <= number)? {
            Found::Absent => Place::Absent,
            Found::First(_) => Place::Before,
            Found::Last(cursor) => match cursor.entry() {
                Some((entry, _)) if number.get() < entry.end() => Place::Inside,
                _ => Place::After,
            },
        })
    }

    /// The last message of `conversation` in the run that is not later than `since`.
    pub(in crate::storage::file) fn locate(
        &self,
        conversation: Conversation,
        since: Timestamp,
    ) -> Result<Located, StorageError> {
        let mut cursor = match self.find(conversation, |entry| entry.first_at <= since)? {
            Found::Absent => return Ok(Located::Absent),
            Found::First(cursor) => {
                let first = cursor.entry().map(|(entry, _)| entry.first);
                return Ok(first.map_or(Located::Absent, |first| Located::AllLater { first }));
            }
            Found::Last(cursor) => cursor,
        };
        let Some((entry, end)) = cursor.entry().map(|(entry, end)| (*entry, end)) else {
            return Ok(Located::Absent);
        };
        let ahead = cursor.pass(LOCATE_BYTES, |next| next.conversation == conversation);
        with_window(|window| {
            window.fill(self, entry.offset, ahead)?;
            let block =
                window.block(self, &entry, end).map_err(|damage| self.corrupt(entry.offset, damage))?;
            Ok(Located::At(block.last_not_later(since).unwrap_or(entry.first)))
        })
    }

    /// Lends to `visit` the messages of `conversation` with numbers greater than `after`, in order, and counts `limit` down by one
    /// for each. Breaks when `visit` does and when `limit` comes to 0.
    pub(in crate::storage::file) fn read(
        &self,
        conversation: Conversation,
        after: Option<MessageNumber>,
        limit: &mut usize,
        visit: &mut impl FnMut(MessageRef<'_>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, StorageError> {
        let next = MessageNumber::following(after);
        let mut cursor = match self.find(conversation, |entry| entry.first <= next)? {
            Found::Absent => return Ok(ControlFlow::Continue(())),
            Found::First(cursor) | Found::Last(cursor) => cursor,
        };
        if cursor.entry().is_none_or(|(entry, _)| entry.end() <= next.get()) {
            return Ok(ControlFlow::Continue(()));
        }
        with_window(|window| {
            loop {
                if self.read_some(window, &mut cursor, conversation, after, limit, visit)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
                if !cursor.goes_on(self, conversation)? {
                    return Ok(ControlFlow::Continue(()));
                }
            }
        })
    }

    /// Reads as many blocks from the cursor on as one call fetches, and moves it behind them.
    fn read_some(
        &self,
        window: &mut Window,
        cursor: &mut Cursor,
        conversation: Conversation,
        after: Option<MessageNumber>,
        limit: &mut usize,
        visit: &mut impl FnMut(MessageRef<'_>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, StorageError> {
        let Some((first, _)) = cursor.entry() else { return Ok(ControlFlow::Continue(())) };
        let (from, first_slot) = (first.offset, cursor.slot);
        let next = MessageNumber::following(after).max(first.first);
        let wanted = next.get().saturating_add(*limit as u64);
        let end =
            cursor.pass(READ_BYTES, |entry| entry.conversation == conversation && entry.first.get() < wanted);
        window.fill(self, from, end)?;
        for slot in first_slot..cursor.slot {
            let Some((entry, end)) = cursor.page.entry(slot) else { break };
            let corrupt = |damage| self.corrupt(entry.offset, damage);
            let block = window.block(self, entry, end).map_err(corrupt)?;
            let view = block.part(after, *limit).map_err(corrupt)?;
            let limit_before = *limit;
            if view.visit(None, limit, visit).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            if limit_before - *limit != view.messages() {
                return Err(corrupt(block.text_damage(0)));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Searches the blocks of `conversation`, of which those for which `is_not_beyond` holds come first.
    fn find(
        &self,
        conversation: Conversation,
        is_not_beyond: impl Fn(&Entry) -> bool,
    ) -> Result<Found, StorageError> {
        let is_before = |entry: &Entry| {
            entry.conversation < conversation || (entry.conversation == conversation && is_not_beyond(entry))
        };
        let number = self.fences.partition_point(|fence| is_before(&fence.first)).saturating_sub(1);
        let Some(page) = self.page(number)? else { return Ok(Found::Absent) };
        let slot = page.entries.partition_point(is_before);
        if let Some(last) = slot.checked_sub(1)
            && page.entries.get(last).is_some_and(|entry| entry.conversation == conversation)
        {
            return Ok(Found::Last(Cursor { number, page, slot: last }));
        }
        let mut cursor = Cursor { number, page, slot };
        Ok(if cursor.goes_on(self, conversation)? { Found::First(cursor) } else { Found::Absent })
    }
}

impl Cursor {
    fn entry(&self) -> Option<(&Entry, u64)> {
        self.page.entry(self.slot)
    }

    /// Moves behind the block here, and behind those after it on the page that `is_wanted` and that do not go beyond `bytes` with
    /// it. Returns where the last of them ends.
    fn pass(&mut self, bytes: u64, is_wanted: impl Fn(&Entry) -> bool) -> u64 {
        let Some((first, mut passed)) = self.entry() else { return 0 };
        let end_max = first.offset.saturating_add(bytes);
        self.slot += 1;
        while let Some((entry, end)) = self.entry()
            && end <= end_max
            && is_wanted(entry)
        {
            passed = end;
            self.slot += 1;
        }
        passed
    }

    /// Whether there is a block here, on the next page if this one is at its end, and it is one of `conversation`.
    fn goes_on<F: DiskFile>(
        &mut self,
        run: &Run<F>,
        conversation: Conversation,
    ) -> Result<bool, StorageError> {
        if self.entry().is_none() {
            let number = self.number + 1;
            let Some(page) = run.page(number)? else { return Ok(false) };
            *self = Self { number, page, slot: 0 };
        }
        Ok(self.entry().is_some_and(|(entry, _)| entry.conversation == conversation))
    }
}

/// Runs `read` with what this thread read last. A read that `read` makes in turn begins with nothing.
fn with_window<T>(read: impl FnOnce(&mut Window) -> T) -> T {
    let mut window = KEPT.take();
    let result = read(&mut window);
    KEPT.set(window);
    result
}
