//! Blocks: messages of one conversation in a row, under one checksum.
//!
//! A block is built as a [`Chunk`], which is also how messages lie in memory before they come into a run, and is read through a
//! [`BlockView`], wherever it lies.

use core::ops::ControlFlow;

use super::index::Entry as IndexEntry;
use super::sealed::{Damage, begin, is_sealed, seal};
use crate::storage::file::bytes::{Put, Take};
use crate::storage::file::checksum::Salt;
use crate::{Conversation, MessageNumber, MessageRef, Timestamp};

/// What a block is filled up to. One message that is longer makes a longer block.
pub(in crate::storage::file) const BLOCK_BYTES: usize = 4096;
/// No block of any version is longer, so that who looks for one need not read further.
pub(super) const BLOCK_BYTES_MAX: usize = 64 << 10;
const HEADER_BYTES: usize = 32;
const ENTRY_BYTES: usize = 16;

/// Messages of one conversation in a row, as many as go into a block.
pub(in crate::storage::file) struct Chunk {
    conversation: Conversation,
    first: MessageNumber,
    entries: Vec<Entry>,
    text: String,
}

/// Without the texts.
impl core::fmt::Debug for Chunk {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Chunk({:?}, {} messages from {})", self.conversation, self.entries.len(), self.first)
    }
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
    bytes: &'a [u8],
    conversation: Conversation,
    first: MessageNumber,
    entries: &'a [Entry],
    text: &'a [u8],
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
        let fields = (u128::from(end) << 64) + (u128::from(author_bytes) << 96);
        let mut entry = fields.to_le_bytes();
        if let Some(time) = entry.first_chunk_mut() {
            *time = at.unix_micros().to_le_bytes();
        }
        self.entries.push(entry);
    }

    /// Adds the messages of `view`, which follow, if there is room for all of them.
    pub(super) fn has_joined(&mut self, view: BlockView<'_>) -> bool {
        let has_room = self.conversation == view.conversation
            && self.bytes() + view.entries.len() * ENTRY_BYTES + view.text.len() <= BLOCK_BYTES;
        if has_room {
            self.extend(view);
        }
        has_room
    }

    pub(super) fn of(view: BlockView<'_>) -> Self {
        let mut chunk = Self::new(view.conversation, view.first);
        chunk.extend(view);
        chunk
    }

    fn extend(&mut self, view: BlockView<'_>) {
        for message in view.iter(0) {
            self.push(message.at, message.author, message.body);
        }
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

    fn bytes(&self) -> usize {
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
        let start = begin(into);
        into.put_conversation(self.conversation);
        into.put_u32(messages);
        into.put_u64(self.first.get());
        into.put_u32(text_bytes);
        into.put_u32(0);
        into.put_bytes(self.entries.as_flattened());
        into.put_bytes(self.text.as_bytes());
        into.resize(start + self.file_bytes(), 0);
        seal(salt, into, start);
    }

    /// The bytes it takes in a file.
    pub(in crate::storage::file) fn file_bytes(&self) -> usize {
        self.bytes().next_multiple_of(8)
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
    pub(super) fn iter(self, skipped: usize) -> impl Iterator<Item = MessageRef<'a>> {
        let mut number = self.first.get().saturating_add(skipped as u64);
        let mut start = match skipped.checked_sub(1) {
            Some(last) => self.entries.get(last).and_then(Fields::of).map_or(0, |last| last.end),
            None => self.text_start,
        };
        self.entries.get(skipped..).unwrap_or_default().iter().map_while(move |entry| {
            let Fields { at, end, author_bytes } = Fields::of(entry)?;
            let range = start.checked_sub(self.text_start)?..end.checked_sub(self.text_start)?;
            let (author, body) = self.text.get(range)?.split_at_checked(author_bytes)?;
            let number_here = MessageNumber::new(number)?;
            (start, number) = (end, number.saturating_add(1));
            Some(MessageRef { conversation: self.conversation, number: number_here, at, author, body })
        })
    }
}

impl<'a> Block<'a> {
    /// What `bytes` say of the block that they begin with, and how long it is. Nothing says that there is one.
    pub(super) fn look(bytes: &[u8]) -> Option<(IndexEntry, usize)> {
        let mut take = Take::new(bytes);
        let _checksum = take.u64()?;
        let (conversation, messages, first) = (take.conversation()?, take.u32()?, take.number()?);
        let (text_bytes, zero) = (take.u32()?, take.u32()?);
        let first_at = take.time()?;
        let entries = u64::from(messages) * ENTRY_BYTES as u64;
        let length = (HEADER_BYTES as u64 + entries + u64::from(text_bytes)).next_multiple_of(8);
        let length = usize::try_from(length).ok().filter(|length| *length <= BLOCK_BYTES_MAX)?;
        let entry = IndexEntry { conversation, messages, first, first_at, offset: 0 };
        (zero == 0).then_some((entry, length))
    }

    /// Reads the block that is the whole of `bytes`. Its checksum and its place are right when this returns `Ok`.
    pub(super) fn parse(bytes: &'a [u8], salt: Salt, label: &IndexEntry) -> Result<Self, Damage> {
        if !is_sealed(salt, bytes) {
            return Err(Damage::at(0, "the checksum of a block is wrong"));
        }
        Self::parse_checked(bytes, label)
    }

    /// The same of a block whose checksum was found right before.
    pub(super) fn parse_checked(bytes: &'a [u8], label: &IndexEntry) -> Result<Self, Damage> {
        Self::split(bytes, label).ok_or(Damage::at(8, "a block is not the one that the index says"))
    }

    fn split(bytes: &'a [u8], label: &IndexEntry) -> Option<Self> {
        let mut take = Take::new(bytes);
        let _checksum = take.u64()?;
        let is_labelled = take.conversation()? == label.conversation
            && take.u32()? == label.messages
            && take.u64()? == label.first.get();
        let text_bytes = usize::try_from(take.u32()?).ok()?;
        let _zero = take.u32()?;
        let entries = take.bytes(usize::try_from(label.messages).ok()?.checked_mul(ENTRY_BYTES)?)?;
        let text = take.bytes(text_bytes)?;
        let (entries, _) = entries.as_chunks();
        let block = Self { bytes, conversation: label.conversation, first: label.first, entries, text };
        let fills = entries.last().and_then(Fields::of).map(|last| last.end) == Some(text.len());
        let begins = entries.first().and_then(time) == Some(label.first_at);
        let has_next = label.first.get().checked_add(label.messages.into()).is_some();
        (is_labelled && begins && fills && take.rest().len() < 8 && has_next).then_some(block)
    }

    /// That times rise, and that texts follow one another and fill the text.
    pub(super) fn check_order(self) -> Result<(), Damage> {
        let mut last: Option<Fields> = None;
        for (i, entry) in self.entries.iter().enumerate() {
            let fields = Fields::of(entry).filter(|fields| match &last {
                Some(last) => fields.at > last.at && fields.end >= last.end + fields.author_bytes,
                None => fields.end >= fields.author_bytes,
            });
            if fields.is_none() {
                return Err(Damage::at((HEADER_BYTES + i * ENTRY_BYTES) as u64, "an entry is out of order"));
            }
            last = fields;
        }
        Ok(())
    }

    pub(super) fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    pub(super) fn last_at(self) -> Option<Timestamp> {
        self.entries.last().and_then(time)
    }

    /// The number of the last message that is not later than `since`.
    pub(super) fn last_not_later(self, since: Timestamp) -> Option<MessageNumber> {
        last_not_later(self.first, self.entries, since)
    }

    /// All its messages, checked one by one.
    pub(super) fn view(self) -> Result<BlockView<'a>, Damage> {
        self.check_order()?;
        let view = self.part(None, usize::MAX)?;
        if view.iter(0).count() == self.entries.len() { Ok(view) } else { Err(self.text_damage(0)) }
    }

    /// At most `limit` of its messages with numbers greater than `after`. A [visit](BlockView::visit) that lends fewer found
    /// [damage](Self::text_damage).
    pub(super) fn part(self, after: Option<MessageNumber>, limit: usize) -> Result<BlockView<'a>, Damage> {
        let skipped = skipped(self.first, after).min(self.entries.len());
        let (before, entries) = self.entries.split_at(skipped);
        let entries = entries.get(..limit).unwrap_or(entries);
        let end_of = |entry: &Entry| Fields::of(entry).map(|fields| fields.end);
        let text_start = before.last().and_then(end_of).unwrap_or_default();
        let text_end = entries.last().and_then(end_of).unwrap_or(text_start);
        let text = self.text.get(text_start..text_end).and_then(|text| simdutf8::basic::from_utf8(text).ok());
        let first = MessageNumber::new(self.first.get().saturating_add(skipped as u64));
        let view = text.zip(first).map(|(text, first)| BlockView {
            conversation: self.conversation,
            first,
            entries,
            text,
            text_start,
        });
        view.ok_or_else(|| self.text_damage(text_start))
    }

    /// What is wrong if the text from `start` on is not UTF-8, or is cut inside a character.
    pub(super) fn text_damage(self, start: usize) -> Damage {
        Damage::at((HEADER_BYTES + self.entries.len() * ENTRY_BYTES + start) as u64, "the text is not UTF-8")
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
    Fields::of(entry).map(|fields| fields.at)
}

/// What an entry says.
struct Fields {
    at: Timestamp,
    end: usize,
    author_bytes: usize,
}

impl Fields {
    fn of(entry: &Entry) -> Option<Self> {
        let mut take = Take::new(entry);
        let at = take.time()?;
        let end = usize::try_from(take.u32()?).ok()?;
        Some(Self { at, end, author_bytes: usize::from(take.u16()?) })
    }
}

#[cfg(test)]
mod tests;
