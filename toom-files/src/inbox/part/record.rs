//! The small file beside the part file: how many groups of which content are there, checked and synced.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use crate::marks::ContentHash;
use crate::outline::Groups;

const MAGIC: &[u8; 8] = b"TOOMPRT1";

/// Magic, length, hash, count of groups.
const BODY_BYTES: usize = 8 + 8 + 32 + 8;

/// And the hash of those.
const BYTES: usize = BODY_BYTES + 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) bytes: u64,
    pub(super) hash: ContentHash,
    pub(super) proven: u64,
}

impl Record {
    fn encode(&self) -> Vec<u8> {
        let mut encoded = Vec::with_capacity(BYTES);
        encoded.extend(MAGIC);
        encoded.extend(self.bytes.to_be_bytes());
        encoded.extend(self.hash.bytes());
        encoded.extend(self.proven.to_be_bytes());
        encoded.extend(blake3::hash(&encoded).as_bytes());
        encoded
    }

    pub(super) fn write(&self, side: &File) -> io::Result<()> {
        side.write_all_at(&self.encode(), 0)
    }
}

/// How many groups of that content the part file holds, as far as the record beside it can be believed.
pub(super) fn proven(part: &File, side: &File, groups: Groups, hash: ContentHash) -> u64 {
    let mut found = [0; BYTES];
    if side.read_exact_at(&mut found, 0).is_err() {
        return 0;
    }
    let Some((_, proven)) = found.split_at(BODY_BYTES).0.split_last_chunk() else { return 0 };
    let proven = u64::from_be_bytes(*proven);
    let expected = Record { bytes: groups.bytes(), hash, proven };
    let there = part.metadata().map_or(0, |status| status.len());
    let sound = expected.encode() == found && proven <= groups.count() && there >= groups.start(proven);
    if sound { proven } else { 0 }
}
