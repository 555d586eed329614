//! Blocks: messages of one conversation in a row, under one checksum.
//!
//! A block is built as a [`Chunk`], which is also how messages lie in memory before they come into a run, and is read through a
//! [`BlockView`], wherever it lies.

use core::ops::ControlFlow;

use super::bytes::{Damage, conversation_code, i64_at, u16_at, u32_at, u64_at};
use crate::storage::file::checksum::Salt;
use crate::{Conversation, MessageNumber, MessageRef, Timestamp};

/// What a block is filled up to. One message that is longer makes a longer block.
pub(in crate::storage::file) const BLOCK_BYTES: usize = 8192;
const HEADER_BYTES: usize = 32;
const ENTRY_BYTES: usize = 16;
const CHECKSUM_BYTES: usize = 8;

/// Messages of one conversation in a row, as many as go into a block.
#[derive(Debug)]
pub(in crate::storage::file) struct Chunk {
    conversation: Conversation,
    first: MessageNumber,
    entries: Vec<Entry>,
    text: String,
}

/// Messages in a row, lent by a [`Chunk`] or by a block of a file.
#[derive(Clone, Copy)]
pub(in crate::storage::file) struct BlockView<'a> {
    conversation: Conversation,
    first: MessageNumber,
    entries: &'a [Entry],
    /// Their authors and bodies, one after the other.
    text: &'a str,
    /// Where in the text of the block `text` begins.
    text_start: usize,
}

/// The bytes of a block, found whole; its text is checked when it is looked at.
#[derive(Clone, Copy)]
pub(super) struct Block<'a> {
    conversation: Conversation,
    first: MessageNumber,
    entries: &'a [Entry],
    text: &'a [u8],
}

/// What an index says of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label {
    pub(super) conversation: Conversation,
    pub(super) first: MessageNumber,
    pub(super) messages: u32,
}

/// Of one message: time (8 bytes), end in the text of the block (4), bytes of the author's name (2), zero (2).
type Entry = [u8; ENTRY_BYTES];

impl Chunk {
    pub(in crate::storage::file) fn new(conversation: Conversation, first: MessageNumber) -> Self {
        Self { conversation, first, entries: Vec::new(), text: String::new() }
    }

    /// Whether a message still fits. The first one always does.
    pub(in crate::storage::file) fn has_room_for(&self, author: &str, body: &str) -> bool {
        self.entries.is_empty() || self.bytes() + ENTRY_BYTES + author.len() + body.len() <= BLOCK_BYTES
    }

    /// Adds the message that follows.
    pub(in crate::storage::file) fn push(&mut self, at: Timestamp, author: &str, body: &str) {
        self.text.push_str(author);
        self.text.push_str(body);
        let end = u32::try_from(self.text.len()).expect("a block has room for a few KiB");
        let author_bytes = u16::try_from(author.len()).expect("a name is short");
        let mut entry = [0; ENTRY_BYTES];
        let fields = at.unix_micros().to_le_bytes().into_iter().chain(end.to_le_bytes());
        for (byte, value) in entry.iter_mut().zip(fields.chain(author_bytes.to_le_bytes())) {
            *byte = value;
        }
        self.entries.push(entry);
    }

    pub(in crate::storage::file) fn view(&self) -> BlockView<'_> {
        BlockView {
            conversation: self.conversation,
            first: self.first,
            entries: &self.entries,
            text: &self.text,
            text_start: 0,
        }
    }

    /// The bytes it would take in a file.
    pub(in crate::storage::file) fn bytes(&self) -> usize {
        HEADER_BYTES + self.entries.len() * ENTRY_BYTES + self.text.len()
    }

    /// The memory it holds beside itself.
    pub(in crate::storage::file) fn heap_bytes(&self) -> usize {
        self.entries.capacity() * ENTRY_BYTES + self.text.capacity()
    }

    /// Appends it to `into` as a block: a multiple of 8 bytes.
    pub(in crate::storage::file) fn put(&self, salt: Salt, into: &mut Vec<u8>) {
        let messages = u32::try_from(self.entries.len()).expect("a block has room for a few KiB");
        let text_bytes = u32::try_from(self.text.len()).expect("a block has room for a few KiB");
        let mut block = Vec::with_capacity(self.bytes().next_multiple_of(8));
        block.extend_from_slice(&conversation_code(self.conversation).to_le_bytes());
        block.extend_from_slice(&messages.to_le_bytes());
        block.extend_from_slice(&self.first.get().to_le_bytes());
        block.extend_from_slice(&text_bytes.to_le_bytes());
        block.extend_from_slice(&[0; 4]);
        block.extend_from_slice(self.entries.as_flattened());
        block.extend_from_slice(self.text.as_bytes());
        block.resize(block.len().next_multiple_of(8), 0);
        into.extend_from_slice(&salt.checksum(&block).to_le_bytes());
        into.extend_from_slice(&block);
    }
}

impl<'a> BlockView<'a> {
    pub(in crate::storage::file) fn conversation(self) -> Conversation {
        self.conversation
    }

    pub(in crate::storage::file) fn messages(self) -> usize {
        self.entries.len()
    }

    /// The number of its first message, or of the one that would be.
    pub(in crate::storage::file) fn first_number(self) -> MessageNumber {
        self.first
    }

    pub(in crate::storage::file) fn last_number(self) -> Option<MessageNumber> {
        number_after(self.first, self.entries.len())
    }

    pub(in crate::storage::file) fn first_at(self) -> Option<Timestamp> {
        self.entries.first().and_then(time)
    }

    pub(in crate::storage::file) fn last_at(self) -> Option<Timestamp> {
        self.entries.last().and_then(time)
    }

    /// The number of the last message that is not later than `since`.
    pub(in crate::storage::file) fn last_not_later(self, since: Timestamp) -> Option<MessageNumber> {
        last_not_later(self.first, self.entries, since)
    }

    /// Lends to `visit` the messages with numbers greater than `after`, in order, and counts `limit` down by one for each.
    /// Breaks when `visit` does and when `limit` comes to 0.
    pub(in crate::storage::file) fn visit(
        self,
        after: Option<MessageNumber>,
        limit: &mut usize,
        visit: &mut impl FnMut(MessageRef<'a>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let skipped = skipped(self.first, after);
        for message in self.iter(skipped) {
            if *limit == 0 {
                return ControlFlow::Break(());
            }
            *limit -= 1;
            visit(message)?;
        }
        if *limit == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// The messages but the first `skipped`, as far as they are well formed.
    fn iter(self, skipped: usize) -> impl Iterator<Item = MessageRef<'a>> {
        let mut number = self.first.get().saturating_add(skipped as u64);
        let mut start = match skipped.checked_sub(1) {
            Some(last) => self.entries.get(last).and_then(text_end).unwrap_or_default(),
            None => self.text_start,
        };
        self.entries.get(skipped..).unwrap_or_default().iter().map_while(move |entry| {
            let end = text_end(entry)?;
            let range = start.checked_sub(self.text_start)?..end.checked_sub(self.text_start)?;
            let (author, body) = self.text.get(range)?.split_at_checked(author_bytes(entry)?)?;
            let message = MessageRef {
                conversation: self.conversation,
                number: MessageNumber::new(number)?,
                at: time(entry)?,
                author,
                body,
            };
            start = end;
            number = number.saturating_add(1);
            Some(message)
        })
    }
}

impl<'a> Block<'a> {
    /// Reads the block that is the whole of `bytes`. Its checksum, its place and its entries are right when this returns `Ok`.
    pub(super) fn parse(bytes: &'a [u8], salt: Salt, label: Label) -> Result<Self, Damage> {
        let checked = bytes.get(CHECKSUM_BYTES..).unwrap_or_default();
        if u64_at(bytes, 0) != Some(salt.checksum(checked)) {
            return Err(Damage::at(0, "the checksum of a block is wrong"));
        }
        Self::parse_checked(bytes, label)
    }

    /// The same of a block whose checksum was found right before.
    pub(super) fn parse_checked(bytes: &'a [u8], label: Label) -> Result<Self, Damage> {
        if u32_at(bytes, 8) != Some(conversation_code(label.conversation))
            || u32_at(bytes, 12) != Some(label.messages)
            || u64_at(bytes, 16) != Some(label.first.get())
        {
            return Err(Damage::at(8, "a block is not the one that the index says"));
        }
        Self::split(bytes, label).ok_or(Damage::at(24, "the lengths in a block do not fit it"))?.ordered()
    }

    fn split(bytes: &'a [u8], label: Label) -> Option<Self> {
        let messages = usize::try_from(label.messages).ok()?;
        let text_bytes = usize::try_from(u32_at(bytes, 24)?).ok()?;
        let (entries, rest) =
            bytes.get(HEADER_BYTES..)?.split_at_checked(messages.checked_mul(ENTRY_BYTES)?)?;
        let (text, padding) = rest.split_at_checked(text_bytes)?;
        (padding.len() < 8 && bytes.len().is_multiple_of(8)).then_some(())?;
        let (entries, _) = entries.as_chunks();
        Some(Self { conversation: label.conversation, first: label.first, entries, text })
    }

    /// That times rise, that texts follow one another and fill the text, and that there is a message and a number for each.
    fn ordered(self) -> Result<Self, Damage> {
        let mut before = (None, 0);
        for (i, entry) in self.entries.iter().enumerate() {
            let now = time(entry).zip(text_end(entry)).zip(author_bytes(entry));
            match now {
                Some(((at, end), author))
                    if Some(at) > before.0 && end.checked_sub(before.1) >= Some(author) =>
                {
                    before = (Some(at), end);
                }
                _ => {
                    return Err(Damage::at(
                        (HEADER_BYTES + i * ENTRY_BYTES) as u64,
                        "an entry is out of order",
                    ));
                }
            }
        }
        if before.1 != self.text.len() || number_after(self.first, self.entries.len()).is_none() {
            return Err(Damage::at(12, "the messages of a block do not fill it"));
        }
        Ok(self)
    }

    /// The number of the last message that is not later than `since`.
    pub(super) fn last_not_later(self, since: Timestamp) -> Option<MessageNumber> {
        last_not_later(self.first, self.entries, since)
    }

    /// All its messages.
    pub(super) fn view(self) -> Result<BlockView<'a>, Damage> {
        self.part(None, usize::MAX)
    }

    /// At most `limit` of its messages with numbers greater than `after`. Only their text is checked.
    pub(super) fn part(self, after: Option<MessageNumber>, limit: usize) -> Result<BlockView<'a>, Damage> {
        let skipped = skipped(self.first, after).min(self.entries.len());
        let (before, entries) = self.entries.split_at(skipped);
        let entries = entries.get(..limit).unwrap_or(entries);
        let text_start = before.last().and_then(text_end).unwrap_or_default();
        let text_end = entries.last().and_then(text_end).unwrap_or(text_start);
        let text = self.text.get(text_start..text_end).and_then(|text| core::str::from_utf8(text).ok());
        let first = MessageNumber::new(self.first.get().saturating_add(skipped as u64));
        let view = text.zip(first).map(|(text, first)| BlockView {
            conversation: self.conversation,
            first,
            entries,
            text,
            text_start,
        });
        view.filter(|view| view.is_cut_between_characters()).ok_or(Damage::at(
            (HEADER_BYTES + self.entries.len() * ENTRY_BYTES + text_start) as u64,
            "the text is not UTF-8",
        ))
    }
}

impl BlockView<'_> {
    fn is_cut_between_characters(self) -> bool {
        self.iter(0).count() == self.entries.len()
    }
}

/// How many messages from `first` on have numbers that are not greater than `after`.
fn skipped(first: MessageNumber, after: Option<MessageNumber>) -> usize {
    let skipped = after.map_or(0, |after| after.get().saturating_add(1).saturating_sub(first.get()));
    usize::try_from(skipped).unwrap_or(usize::MAX)
}

/// The number of the last of `messages` messages from `first` on.
fn number_after(first: MessageNumber, messages: usize) -> Option<MessageNumber> {
    MessageNumber::new(first.get().checked_add(messages.checked_sub(1)? as u64)?)
}

fn last_not_later(first: MessageNumber, entries: &[Entry], since: Timestamp) -> Option<MessageNumber> {
    number_after(first, entries.partition_point(|entry| time(entry).is_some_and(|at| at <= since)))
}

fn time(entry: &Entry) -> Option<Timestamp> {
    i64_at(entry, 0).and_then(Timestamp::from_unix_micros)
}

fn text_end(entry: &Entry) -> Option<usize> {
    u32_at(entry, 8).and_then(|end| usize::try_from(end).ok())
}

fn author_bytes(entry: &Entry) -> Option<usize> {
    u16_at(entry, 12).map(usize::from)
}

#[cfg(test)]
mod tests;
