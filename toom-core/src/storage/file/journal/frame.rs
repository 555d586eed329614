//! The frame in which a batch lies in a journal file. It starts at a multiple of 8.
//!
//! | at | bytes | what |
//! |---|---|---|
//! | 0 | 8 | checksum of all that follows |
//! | 8 | 8 | sequence: 1, 2, 3, … over the life of the store |
//! | 16 | 8 | chain: the checksum of the frame before; of the first one after the journal begins, what the manifest says |
//! | 24 | 4 | bytes of body |
//! | 28 | 4 | records |
//! | 32 | 1 | durability: 1 synced, 0 buffered |
//! | 33 | 3 | zero |
//! | 36 | 4 | `TMJ1` |
//! | 40 | … | body: the records, then zeros to a multiple of 8 |

use crate::Record;
use crate::storage::file::bytes::{Put, Take};
use crate::storage::file::checksum::Salt;
use crate::storage::file::durability::Durability;
use crate::storage::file::record_bytes::{self, Malformed, RecordRef};

pub(super) const HEAD_BYTES: usize = 40;
pub(super) const ALIGNMENT: usize = 8;
const CHECKSUM_BYTES: usize = 8;
const MAGIC_AT: usize = 36;
const MAGIC: [u8; 4] = *b"TMJ1";

/// The longest body: a multiple of 8 that a `u32` can tell.
pub(super) const BODY_BYTES_MAX: u64 = (u32::MAX - 7) as u64;

/// What makes a frame the next one: its number, and the checksum of the one before.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) sequence: u64,
    pub(super) chain: u64,
}

/// A whole frame: its checksum is right.
#[derive(Clone, Copy)]
pub(super) struct Frame<'a> {
    head: Head,
    body: &'a [u8],
}

/// The front of what may be a frame. Nothing says that its values are right.
#[derive(Clone, Copy)]
pub(super) struct Head {
    checksum: u64,
    link: Link,
    body_bytes: u32,
    records: u32,
    durability: u8,
    zeros_and_magic: [u8; 7],
}

/// The bytes of body that a frame of `records` has; `None` if a frame cannot hold them.
pub(super) fn body_bytes(records: &[Record]) -> Option<u32> {
    u32::try_from(records.len()).ok()?;
    let bytes = records.iter().map(record_bytes::size).sum::<u64>().next_multiple_of(ALIGNMENT as u64);
    u32::try_from(bytes).ok()
}

/// Puts a frame in place of what is in `out`, and returns its checksum; `None` if a frame cannot hold the records.
pub(super) fn encode(
    records: &[Record],
    link: Link,
    durability: Durability,
    salt: Salt,
    out: &mut Vec<u8>,
) -> Option<u64> {
    let body_bytes = body_bytes(records)?;
    out.clear();
    out.put_u64(0);
    out.put_u64(link.sequence);
    out.put_u64(link.chain);
    out.put_u32(body_bytes);
    out.put_u32(u32::try_from(records.len()).ok()?);
    out.put_u8(u8::from(durability == Durability::Sync));
    out.put_bytes(&[0; 3]);
    out.put_bytes(&MAGIC);
    for record in records {
        record_bytes::put(record, out)?;
    }
    out.resize(out.len().next_multiple_of(ALIGNMENT), 0);
    let (checksum, covered) = out.split_first_chunk_mut::<CHECKSUM_BYTES>()?;
    let right = salt.checksum(covered);
    *checksum = right.to_le_bytes();
    Some(right)
}

impl Head {
    pub(super) fn at(bytes: &[u8], offset: usize) -> Option<Self> {
        let mut take = Take::new(bytes.get(offset..)?);
        Some(Self {
            checksum: take.u64()?,
            link: Link { sequence: take.u64()?, chain: take.u64()? },
            body_bytes: take.u32()?,
            records: take.u32()?,
            durability: take.u8()?,
            zeros_and_magic: *take.bytes(7)?.first_chunk()?,
        })
    }

    /// Whether it was meant to be the frame `link`, as most of what tells it says.
    pub(super) fn resembles(&self, link: Link) -> bool {
        let signs = [self.link.sequence == link.sequence, self.link.chain == link.chain, self.has_magic()];
        signs.into_iter().filter(|&sign| sign).count() >= 2
    }

    /// Whether it says that its batch was not acknowledged before it was synced.
    pub(super) const fn is_synced(&self) -> bool {
        self.durability == 1
    }

    /// The bytes of the frame that it says it is the front of.
    pub(super) fn frame_bytes(&self) -> u64 {
        HEAD_BYTES as u64 + u64::from(self.body_bytes)
    }

    fn has_magic(&self) -> bool {
        let [zeros @ .., a, b, c, d] = self.zeros_and_magic;
        zeros == [0; 3] && [a, b, c, d] == MAGIC
    }
}

impl<'a> Frame<'a> {
    /// The whole frame that starts at `offset`, if one does.
    pub(super) fn at(bytes: &'a [u8], offset: usize, salt: Salt) -> Option<Self> {
        let bytes = bytes.get(offset..)?;
        // Looked at first, because nearly every place where no frame starts is told by it alone.
        if bytes.get(MAGIC_AT..HEAD_BYTES)? != MAGIC {
            return None;
        }
        let head = Head::at(bytes, 0)?;
        let body_bytes = usize::try_from(head.body_bytes).ok()?;
        let whole = bytes.get(..HEAD_BYTES.checked_add(body_bytes)?)?;
        let well_formed = head.has_magic() && head.durability <= 1 && body_bytes.is_multiple_of(ALIGNMENT);
        if !well_formed || salt.checksum(whole.get(CHECKSUM_BYTES..)?) != head.checksum {
            return None;
        }
        Some(Self { head, body: whole.get(HEAD_BYTES..)? })
    }

    pub(super) const fn link(&self) -> Link {
        self.head.link
    }

    /// What makes a frame the one after this.
    pub(super) const fn next(&self) -> Link {
        Link { sequence: self.head.link.sequence.saturating_add(1), chain: self.head.checksum }
    }

    pub(super) const fn is_synced(&self) -> bool {
        self.head.is_synced()
    }

    pub(super) const fn bytes(&self) -> usize {
        HEAD_BYTES + self.body.len()
    }

    pub(super) fn records(
        &self,
        mut visit: impl FnMut(RecordRef<'a>) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        let mut body = Take::new(self.body);
        for _ in 0..self.head.records {
            visit(RecordRef::take(&mut body).ok_or(Malformed("a batch holds what is no record"))?)?;
        }
        let padding = body.rest();
        if padding.len() >= ALIGNMENT || padding.iter().any(|&byte| byte != 0) {
            return Err(Malformed("a batch holds more than its records"));
        }
        Ok(())
    }
}

/// Every whole frame in `bytes`, with its offset, whatever lies between them.
pub(super) fn all_in(bytes: &[u8], salt: Salt) -> impl Iterator<Item = (usize, Frame<'_>)> {
    let mut end = 0;
    (0..bytes.len()).step_by(ALIGNMENT).filter_map(move |offset| {
        let frame = if offset < end { None } else { Frame::at(bytes, offset, salt) }?;
        end = offset + frame.bytes();
        Some((offset, frame))
    })
}

#[cfg(test)]
mod tests;
