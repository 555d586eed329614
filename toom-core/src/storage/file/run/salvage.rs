//! Reading what is whole of a history file of which nothing else is trusted: block after block, over whatever lies between.

use super::block::{BLOCK_BYTES_MAX, Block};
use super::index::Entry;
use crate::storage::file::checksum::Salt;
use crate::storage::file::disk::DiskFile;
use crate::storage::file::repair::read_what_is_readable;
use crate::{Conversation, MessageNumber, MessageRef};

/// What is read in one call.
const READ_BYTES: usize = 256 << 10;
/// Blocks begin at multiples of this.
const ALIGNMENT: usize = 8;

/// The place of a message among all others.
pub(in crate::storage::file) type Key = (Conversation, MessageNumber);

/// The messages of a history file in order, as far as they can be read.
pub(in crate::storage::file) struct Salvage<F> {
    file: F,
    salt: Salt,
    length: u64,
    /// Bytes of the file from `start` on.
    buffer: Vec<u8>,
    start: u64,
    /// Where in the buffer to look for the next block.
    next: usize,
    /// The block that is read, and where in the buffer it lies.
    block: Option<(Entry, core::ops::Range<usize>)>,
    /// How many messages of it were passed.
    passed: u64,
}

impl<F: DiskFile> Salvage<F> {
    /// The messages of `file`, which has so many bytes.
    pub(in crate::storage::file) fn new(file: F, salt: Salt, length: u64) -> Self {
        let mut salvage =
            Self { file, salt, length, buffer: Vec::new(), start: 0, next: 0, block: None, passed: 0 };
        salvage.find_block();
        salvage
    }

    /// How many bytes were gone through.
    pub(in crate::storage::file) fn position(&self) -> u64 {
        self.start + self.next as u64
    }

    /// The place of the next message; `None` at the end.
    pub(in crate::storage::file) fn key(&self) -> Option<Key> {
        let (entry, _) = self.block.as_ref()?;
        Some((entry.conversation, MessageNumber::new(entry.first.get() + self.passed)?))
    }

    /// Passes the messages up to `last`, and that.
    pub(in crate::storage::file) fn pass(&mut self, (conversation, last): Key) {
        while let Some((entry, _)) = &self.block
            && entry.conversation <= conversation
        {
            if entry.conversation == conversation && last.get() < entry.end() - 1 {
                let passed = (last.get() + 1).saturating_sub(entry.first.get());
                self.passed = self.passed.max(passed);
                return;
            }
            self.find_block();
        }
    }

    /// Lends the next message and those of its block behind it that come before `bound`.
    pub(in crate::storage::file) fn take<E>(
        &mut self,
        bound: Option<Key>,
        mut take: impl FnMut(MessageRef<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some((entry, range)) = &self.block else { return Ok(()) };
        let end = match bound {
            Some((conversation, number)) if conversation == entry.conversation => {
                number.get().min(entry.end())
            }
            _ => entry.end(),
        };
        let wanted = end.saturating_sub(entry.first.get() + self.passed).max(1);
        let bytes = self.buffer.get(range.clone()).unwrap_or_default();
        if let Ok(view) = Block::parse_checked(bytes, entry).and_then(|block| block.part(None, usize::MAX)) {
            let passed = usize::try_from(self.passed).unwrap_or(usize::MAX);
            let count = usize::try_from(wanted).unwrap_or(usize::MAX);
            view.iter(passed).take(count).try_for_each(&mut take)?;
        }
        self.passed += wanted;
        if self.passed >= u64::from(entry.messages) {
            self.find_block();
        }
        Ok(())
    }

    /// Goes to the next whole block that may lie behind this one.
    fn find_block(&mut self) {
        let last = self.block.take().map(|(entry, _)| entry);
        self.passed = 0;
        while self.position() < self.length {
            self.fill();
            match self.whole_block() {
                Some((entry, bytes)) => {
                    let range = self.next..self.next + bytes;
                    self.next += bytes;
                    let is_behind = last.is_none_or(|last| {
                        (entry.conversation, entry.first.get()) >= (last.conversation, last.end())
                    });
                    if is_behind {
                        self.block = Some((entry, range));
                        return;
                    }
                }
                None => self.next += ALIGNMENT,
            }
        }
    }

    fn whole_block(&self) -> Option<(Entry, usize)> {
        let bytes = self.buffer.get(self.next..)?;
        let (entry, length) = Block::look(bytes)?;
        let block = Block::parse(bytes.get(..length)?, self.salt, &entry).ok()?;
        block.view().is_ok().then_some((entry, length))
    }

    /// Has the bytes of any block that begins here in the buffer.
    fn fill(&mut self) {
        let left = self.length - self.position();
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(BLOCK_BYTES_MAX);
        if self.buffer.len().saturating_sub(self.next) >= wanted {
            return;
        }
        self.start += self.next as u64;
        self.next = 0;
        self.buffer.resize(usize::try_from(left).unwrap_or(usize::MAX).min(READ_BYTES), 0);
        read_what_is_readable(&self.file, &mut self.buffer, self.start);
    }
}
