//! Parts of a run under one checksum: it lies in their first 8 bytes and covers all others.

use crate::storage::file::bytes::{Put, Take};
use crate::storage::file::checksum::Salt;

pub(super) const CHECKSUM_BYTES: usize = 8;

/// What is wrong in a part of a file, and where in that part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Damage {
    pub(super) offset: u64,
    pub(super) what: &'static str,
}

impl Damage {
    pub(super) const fn at(offset: u64, what: &'static str) -> Self {
        Self { offset, what }
    }
}

/// Begins a part of `bytes`; what is put behind it belongs to the part until it is [sealed](seal).
pub(super) fn begin(bytes: &mut Vec<u8>) -> usize {
    let start = bytes.len();
    bytes.put_u64(0);
    start
}

/// Seals the part that begins at `start` and ends where `bytes` end.
pub(super) fn seal(salt: Salt, bytes: &mut [u8], start: usize) {
    let part = bytes.get_mut(start..).and_then(<[u8]>::split_first_chunk_mut);
    if let Some((place, covered)) = part {
        *place = salt.checksum(covered).to_le_bytes();
    }
}

/// The checksum of a part, whether it is right or not.
pub(super) fn checksum_of(part: &[u8]) -> Option<u64> {
    Take::new(part).u64()
}

pub(super) fn is_sealed(salt: Salt, part: &[u8]) -> bool {
    part.split_first_chunk()
        .is_some_and(|(found, covered)| u64::from_le_bytes(*found) == salt.checksum(covered))
}
