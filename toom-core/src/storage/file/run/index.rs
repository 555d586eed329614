//! The index of a run: one entry a block, in pages that lie behind the blocks they tell of, with the first entry of each page
//! in the fences, which are kept in memory.

use core::cmp::Ordering;

use super::sealed::{CHECKSUM_BYTES, Damage, begin, checksum_of, is_sealed, seal};
use crate::storage::file::bytes::{Put, Take};
use crate::storage::file::checksum::Salt;
use crate::{Conversation, MessageNumber, Timestamp};

/// The blocks that one page tells of, at most: a page has a little less than 16 KiB.
pub(super) const PAGE_ENTRIES: usize = 511;
const ENTRY_BYTES: usize = 32;
const FENCE_BYTES: usize = 48;
const MAGIC: u64 = u64::from_le_bytes(*b"TOOMRUN1");
pub(super) const FOOTER_BYTES: usize = 72;

/// What is known of a block without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) conversation: Conversation,
    pub(super) messages: u32,
    pub(super) first: MessageNumber,
    pub(super) first_at: Timestamp,
    /// Where the block begins. It ends where the next one begins, the last one of a page where the page does.
    pub(super) offset: u64,
}

/// What is known of a page without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fence {
    pub(super) first: Entry,
    pub(super) page_offset: u64,
    pub(super) entries: u32,
}

/// The entries of a page.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) entries: Box<[Entry]>,
    /// Where the last block ends.
    pub(super) end: u64,
}

/// What is known of a run without reading more than its end: what a manifest keeps of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::storage::file) struct RunSummary {
    /// Its number among the runs of a store.
    pub(in crate::storage::file) id: u64,
    /// The length of the file.
    pub(in crate::storage::file) bytes: u64,
    pub(in crate::storage::file) messages: u64,
    /// The time of the earliest message.
    pub(in crate::storage::file) first_at: Timestamp,
    /// The time of the latest message.
    pub(in crate::storage::file) last_at: Timestamp,
    pub(in crate::storage::file) footer_checksum: u64,
}

impl Entry {
    /// The number after those of its messages.
    pub(super) fn end(&self) -> u64 {
        self.first.get().saturating_add(u64::from(self.messages))
    }

    fn put(&self, into: &mut Vec<u8>) {
        into.put_conversation(self.conversation);
        into.put_u32(self.messages);
        into.put_u64(self.first.get());
        into.put_i64(self.first_at.unix_micros());
        into.put_u64(self.offset);
    }

    fn take(take: &mut Take<'_>) -> Option<Self> {
        Some(Self {
            conversation: take.conversation()?,
            messages: take.u32()?,
            first: take.number()?,
            first_at: take.time()?,
            offset: take.u64()?,
        })
    }

    /// Whether its block may be the one behind that of `last`, whose last message is of the time `last_at`.
    pub(super) fn follows(&self, last: &Self, last_at: Timestamp) -> bool {
        match self.conversation.cmp(&last.conversation) {
            Ordering::Less => false,
            Ordering::Equal => self.first.get() == last.end() && self.first_at > last_at,
            Ordering::Greater => true,
        }
    }

    /// Whether its block may be one of those behind that of `earlier`, in the same file.
    fn lies_behind(&self, earlier: &Self) -> bool {
        let is_later = self.first.get() >= earlier.end() && self.first_at > earlier.first_at;
        self.offset > earlier.offset
            && (self.conversation > earlier.conversation
                || (self.conversation == earlier.conversation && is_later))
    }
}

impl Page {
    /// Appends the page that tells of `entries`.
    pub(super) fn put(entries: &[Entry], salt: Salt, into: &mut Vec<u8>) {
        let start = begin(into);
        for entry in entries {
            entry.put(into);
        }
        seal(salt, into, start);
    }

    /// Reads the page that is the whole of `bytes` and that `fence` tells of.
    pub(super) fn parse(bytes: &[u8], salt: Salt, fence: &Fence) -> Result<Self, Damage> {
        if !is_sealed(salt, bytes) {
            return Err(Damage::at(0, "the checksum of an index page is wrong"));
        }
        let mut take = Take::new(bytes.get(CHECKSUM_BYTES..).unwrap_or_default());
        let mut entries = Vec::with_capacity(bytes.len() / ENTRY_BYTES);
        while let Some(entry) = Entry::take(&mut take) {
            entries.push(entry);
        }
        let is_ordered =
            entries.is_sorted_by(|last, next| next.follows(last, last.first_at) && next.offset > last.offset);
        let is_inside = entries.last().is_some_and(|last| last.offset < fence.page_offset);
        let are_all = entries.len() == fence.entries as usize;
        if !(is_ordered && is_inside && are_all && entries.first() == Some(&fence.first)) {
            return Err(Damage::at(0, "the entries of an index page are out of order"));
        }
        Ok(Self { entries: entries.into(), end: fence.page_offset })
    }

    /// An entry, and where its block ends.
    pub(super) fn entry(&self, slot: usize) -> Option<(&Entry, u64)> {
        let end = self.entries.get(slot.saturating_add(1)).map_or(self.end, |next| next.offset);
        Some((self.entries.get(slot)?, end))
    }
}

impl Fence {
    /// Where its page ends.
    pub(super) fn end(&self) -> u64 {
        let bytes = (self.entries as usize).saturating_mul(ENTRY_BYTES).saturating_add(CHECKSUM_BYTES);
        self.page_offset.saturating_add(bytes as u64)
    }

    fn put(&self, into: &mut Vec<u8>) {
        self.first.put(into);
        into.put_u64(self.page_offset);
        into.put_u32(self.entries);
        into.put_u32(0);
    }

    fn take(take: &mut Take<'_>) -> Option<Self> {
        let fence = Self { first: Entry::take(take)?, page_offset: take.u64()?, entries: take.u32()? };
        (take.u32()? == 0).then_some(fence)
    }
}

/// Appends what ends a run: the fences and the footer. `offset` is where they begin. Returns the checksum of the footer.
pub(super) fn put_end(
    fences: &[Fence],
    offset: u64,
    told: &RunSummary,
    salt: Salt,
    into: &mut Vec<u8>,
) -> u64 {
    let start = begin(into);
    for fence in fences {
        fence.put(into);
    }
    seal(salt, into, start);
    let start = begin(into);
    into.put_u64(MAGIC);
    into.put_u64(told.id);
    into.put_u64(told.bytes);
    into.put_u64(told.messages);
    into.put_i64(told.first_at.unix_micros());
    into.put_i64(told.last_at.unix_micros());
    into.put_u64(offset);
    into.put_u64(fences.len() as u64);
    seal(salt, into, start);
    into.get(start..).and_then(checksum_of).unwrap_or_default()
}

/// The length of what ends a run with so many pages.
pub(super) fn end_bytes(pages: usize) -> usize {
    CHECKSUM_BYTES + pages * FENCE_BYTES + FOOTER_BYTES
}

/// Reads a footer that must tell what the summary does; returns where the fences lie.
pub(super) fn parse_footer(footer: &[u8], salt: Salt, summary: &RunSummary) -> Result<u64, Damage> {
    if !is_sealed(salt, footer) {
        return Err(Damage::at(0, "the checksum of a footer is wrong"));
    }
    fences_offset(footer, summary).ok_or(Damage::at(0, "a footer is not the one that the manifest says"))
}

fn fences_offset(footer: &[u8], summary: &RunSummary) -> Option<u64> {
    let (found, offset) = told_by_footer(footer)?;
    (found == *summary).then_some(offset)
}

/// What a footer tells of its run, and where the fences lie. Its checksum is not looked at.
pub(super) fn told_by_footer(footer: &[u8]) -> Option<(RunSummary, u64)> {
    let mut take = Take::new(footer);
    let footer_checksum = take.u64()?;
    (take.u64()? == MAGIC).then_some(())?;
    let found = RunSummary {
        id: take.u64()?,
        bytes: take.u64()?,
        messages: take.u64()?,
        first_at: take.time()?,
        last_at: take.time()?,
        footer_checksum,
    };
    let offset = take.u64()?;
    let pages = usize::try_from(take.u64()?).ok()?;
    let end = pages.checked_mul(FENCE_BYTES)?.checked_add(CHECKSUM_BYTES + FOOTER_BYTES)?;
    (offset.checked_add(end as u64)? == found.bytes).then_some((found, offset))
}

/// Reads the fences that are the whole of `bytes` and begin at `offset`.
pub(super) fn parse_fences(bytes: &[u8], salt: Salt, offset: u64) -> Result<Box<[Fence]>, Damage> {
    if !is_sealed(salt, bytes) {
        return Err(Damage::at(0, "the checksum of the fences is wrong"));
    }
    let mut take = Take::new(bytes.get(CHECKSUM_BYTES..).unwrap_or_default());
    let mut fences: Vec<Fence> = Vec::with_capacity(bytes.len() / FENCE_BYTES);
    let mut block_end = 0;
    while let Some(fence) = Fence::take(&mut take) {
        let is_next = fences.last().is_none_or(|last| fence.first.lies_behind(&last.first))
            && fence.first.offset == block_end
            && fence.first.offset < fence.page_offset;
        if !is_next {
            return Err(Damage::at(
                (CHECKSUM_BYTES + fences.len() * FENCE_BYTES) as u64,
                "a fence is out of order",
            ));
        }
        block_end = fence.end();
        fences.push(fence);
    }
    let are_all = bytes.len() == CHECKSUM_BYTES + fences.len() * FENCE_BYTES;
    if !are_all || block_end != offset {
        return Err(Damage::at(0, "the fences do not tell of the whole file"));
    }
    Ok(fences.into())
}

#[cfg(test)]
mod tests;
