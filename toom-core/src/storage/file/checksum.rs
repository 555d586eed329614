//! The checksum of everything in a data directory.

use twox_hash::XxHash3_64;

/// What the checksums of one store are keyed with: drawn when the store is made, and told to nobody, so that nobody can post a
/// message that passes for a part of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Salt(u64);

impl Salt {
    pub(super) const fn new(random: u64) -> Self {
        Self(random)
    }

    pub(super) const fn bits(self) -> u64 {
        self.0
    }

    pub(super) fn checksum(self, bytes: &[u8]) -> u64 {
        XxHash3_64::oneshot_with_seed(self.0, bytes)
    }
}

impl core::fmt::Debug for Salt {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Salt(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_show_what_checksums_are_keyed_with() {
        assert_eq!(format!("{:?}", Salt::new(7)), "Salt(..)");
    }
}
