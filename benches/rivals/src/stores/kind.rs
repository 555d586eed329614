//! Which stores there are, by name.

use core::fmt;
use std::path::Path;

use toom_core::{FileStorage, MemoryStorage};

use super::raw::{Raw, Space};
use super::toom::Toom;
use super::{Contender, Store, StoreError};
use crate::measure::Measure;

/// A store, or a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Kind {
    /// TOOM's store in a folder.
    Toom,
    /// SQLite.
    Sqlite,
    /// redb.
    Redb,
    /// LMDB.
    Lmdb,
    /// fjall.
    Fjall,
    /// TOOM's store in memory.
    Memory,
    /// The limit of reading: vectors in memory.
    Vector,
    /// The limit of writing into space that was written before.
    Zeroed,
    /// The limit of writing at the end of a file, and of reading from one.
    Growing,
}

impl Kind {
    /// All there are, as they stand in the table.
    pub const ALL: [Self; 9] = [
        Self::Toom,
        Self::Sqlite,
        Self::Redb,
        Self::Lmdb,
        Self::Fjall,
        Self::Memory,
        Self::Vector,
        Self::Zeroed,
        Self::Growing,
    ];

    /// The one whose goals are checked.
    pub const OURS: Self = Self::Toom;

    /// What people call it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Toom => "TOOM",
            Self::Memory => "TOOM, memory",
            Self::Sqlite => "SQLite",
            Self::Redb => "redb",
            Self::Lmdb => "LMDB",
            Self::Fjall => "fjall",
            Self::Vector => "bare vector",
            Self::Zeroed => "raw, zero-filled",
            Self::Growing => "raw, growing",
        }
    }

    /// What it is called in commands and in names of folders.
    #[must_use]
    pub fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    /// Whether it is a store on disk that somebody else wrote.
    #[must_use]
    pub fn is_rival(self) -> bool {
        matches!(self, Self::Sqlite | Self::Redb | Self::Lmdb | Self::Fjall)
    }

    /// Whether a process finds again what an earlier one wrote.
    #[must_use]
    pub fn lasts(self) -> bool {
        self.is_rival() || matches!(self, Self::Toom | Self::Growing)
    }

    /// Whether `measure` means something for it.
    #[must_use]
    pub fn takes_part_in(self, measure: Measure) -> bool {
        match self {
            Self::Toom | Self::Sqlite | Self::Redb | Self::Lmdb | Self::Fjall => true,
            Self::Memory | Self::Vector => measure.is_reading(),
            Self::Zeroed => measure.is_appending(),
            Self::Growing => {
                measure == Measure::BytesAMessage
                    || measure.is_appending()
                    || measure.is_reading() && measure != Measure::NothingNew
            }
        }
    }

    /// Opens it in `folder`, or makes it there; it caches at most about `cache_bytes`, if it caches itself.
    ///
    /// # Errors
    /// What the store says.
    pub fn open(self, folder: &Path, cache_bytes: usize) -> Result<Box<dyn Contender>, StoreError> {
        Ok(match self {
            Self::Toom => Box::new(Toom::<FileStorage>::open(folder, cache_bytes)?),
            Self::Memory => Box::new(Toom::<MemoryStorage>::open(folder, cache_bytes)?),
            Self::Sqlite => Box::new(super::sqlite::Sqlite::open(folder, cache_bytes)?),
            Self::Redb => Box::new(super::redb::Redb::open(folder, cache_bytes)?),
            Self::Lmdb => Box::new(super::lmdb::Lmdb::open(folder, cache_bytes)?),
            Self::Fjall => Box::new(super::fjall::Fjall::open(folder, cache_bytes)?),
            Self::Vector => Box::new(super::vector::Vector::open(folder, cache_bytes)?),
            Self::Zeroed => Box::new(Raw::open(folder, Space::Zeroed)?),
            Self::Growing => Box::new(Raw::open(folder, Space::Growing)?),
        })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.title())
    }
}
