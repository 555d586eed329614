//! Integers and checksums, as `docs/storage.md` has them.

use core::ops::Range;

use twox_hash::XxHash3_64;

/// The secret of every store that is made here: the second half of what its options say is random.
const SALT: u64 = u64::from_le_bytes(*b"secret.1");

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|chunk| u32::from_le_bytes(*chunk))
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|chunk| u64::from_le_bytes(*chunk))
}

/// The integer at `at`, as a place in memory.
pub(crate) fn place_at(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u64_at(bytes, at)?).ok()
}

/// Puts `new` over what is at `at`, if there is as much.
pub(crate) fn put(bytes: &mut [u8], at: usize, new: &[u8]) {
    let end = at.saturating_add(new.len());
    if let Some(old) = bytes.get_mut(at..end) {
        old.copy_from_slice(new);
    }
}

/// Copies what is in `from` to `at`, as far as both are there.
pub(crate) fn copy(bytes: &mut [u8], from: Range<usize>, at: usize) {
    if let Some(new) = bytes.get(from).map(<[u8]>::to_vec) {
        put(bytes, at, &new);
    }
}

pub(crate) fn checksum(covered: &[u8]) -> u64 {
    XxHash3_64::oneshot_with_seed(SALT, covered)
}

/// The checksum of a manifest, which does not depend on the secret.
pub(crate) fn unsalted(covered: &[u8]) -> u64 {
    XxHash3_64::oneshot_with_seed(0, covered)
}

/// Sets right the checksum in the first 8 bytes of `part`, which covers the others.
pub(crate) fn seal(bytes: &mut [u8], part: Range<usize>) {
    if let Some((place, covered)) = bytes.get_mut(part).and_then(<[u8]>::split_first_chunk_mut::<8>) {
        *place = checksum(covered).to_le_bytes();
    }
}
