//! What a store in a folder is opened with.

use crate::Epoch;
use crate::storage::file::durability::Durability;
use crate::storage::file::retention::Retention;

/// How a [`FileStorage`](crate::FileStorage) is opened.
#[derive(Clone, Copy, Debug)]
pub struct FileOptions {
    pub(super) random: Random,
    pub(super) durability: Durability,
    pub(super) retention: Retention,
    pub(super) restored: bool,
    pub(super) journal_bytes: u64,
    pub(super) index_cache_bytes: u64,
    pub(super) housekeeping: Housekeeping,
}

/// Random bytes for a store that is made: some of them are kept secret.
#[derive(Clone, Copy)]
pub(super) struct Random(pub(super) [u8; 16]);

/// Who does the work behind the journal: making history files of what was journalled, merging them, dropping old ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Housekeeping {
    /// A thread of the store's own.
    #[default]
    Thread,
    /// Who calls [`FileStorage::work`](crate::FileStorage::work); and `append`, where it cannot go on otherwise. For simulations, in which
    /// the same calls must do the same.
    Caller,
}

impl FileOptions {
    /// The defaults. `random` is drawn by the host for each open, and used only if the store has to be made: its birth mark and its
    /// checksums come of it, so nobody may know it.
    #[must_use]
    pub const fn new(random: [u8; 16]) -> Self {
        Self {
            random: Random(random),
            durability: Durability::Sync,
            retention: Retention { keep_for: None, keep_bytes: None },
            restored: false,
            journal_bytes: 6 << 20,
            index_cache_bytes: 16 << 20,
            housekeeping: Housekeeping::Thread,
        }
    }

    /// What an acknowledged batch outlives. The default is [`Durability::Sync`].
    #[must_use]
    pub const fn durability(self, durability: Durability) -> Self {
        Self { durability, ..self }
    }

    /// How much history is kept. The default is all.
    #[must_use]
    pub const fn retention(self, retention: Retention) -> Self {
        Self { retention, ..self }
    }

    /// The folder was put back from an older copy: the store gets a new epoch, so that nobody trusts numbers that are used again.
    #[must_use]
    pub const fn restored(self) -> Self {
        Self { restored: true, ..self }
    }

    /// How large each of the three journal files is, in bytes; those that are there stay as they are. 6 MiB: what is in
    /// memory and read again after a crash is at most three times that, and the smallest history file is about as large.
    #[must_use]
    pub const fn journal_bytes(self, bytes: u64) -> Self {
        Self { journal_bytes: bytes, ..self }
    }

    /// How much memory the index of the history may take, in bytes. 16 MiB: the index of about 4 GiB of history; what does
    /// not fit is read again.
    #[must_use]
    pub const fn index_cache_bytes(self, bytes: u64) -> Self {
        Self { index_cache_bytes: bytes, ..self }
    }

    /// Who does the work behind the journal. The default is [`Housekeeping::Thread`].
    #[must_use]
    pub const fn housekeeping(self, housekeeping: Housekeeping) -> Self {
        Self { housekeeping, ..self }
    }
}

impl Random {
    pub(super) fn epoch(self) -> Epoch {
        let [epoch, _] = self.halves();
        Epoch::new(epoch)
    }

    pub(super) fn halves(self) -> [u64; 2] {
        let (halves, _) = self.0.as_chunks();
        [0, 1].map(|half| halves.get(half).copied().map_or(0, u64::from_le_bytes))
    }
}

impl core::fmt::Debug for Random {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Random(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_choice_is_kept_and_debug_shows_nothing_of_the_random_bytes() {
        let kept = Retention { keep_for: None, keep_bytes: Some(1) };
        let options = FileOptions::new([7; 16])
            .durability(Durability::Buffered)
            .retention(kept)
            .restored()
            .journal_bytes(2)
            .index_cache_bytes(3)
            .housekeeping(Housekeeping::Caller);
        assert_eq!((options.durability, options.retention), (Durability::Buffered, kept));
        assert_eq!((options.journal_bytes, options.index_cache_bytes), (2, 3));
        assert_eq!((options.restored, options.housekeeping), (true, Housekeeping::Caller));
        assert!(format!("{options:?}").starts_with("FileOptions { random: Random(..), durability: Buffered"));
    }
}
