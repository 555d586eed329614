//! The memory in which passwords are checked.

use core::fmt;

use argon2::Block;

/// What password checks take of memory, for one check at a time: none before the first that hashes, then as much as the costliest asked
/// for, used again by each.
///
/// A host that checks many passwords keeps one for each thread that does. Memory that is taken for every check and given back is not
/// always to be had again: an allocator may keep some of it, each time.
#[derive(Default)]
pub struct CheckMemory {
    blocks: Vec<Block>,
}

impl CheckMemory {
    /// None yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { blocks: Vec::new() }
    }

    /// How many bytes it holds.
    #[must_use]
    pub fn bytes_held(&self) -> usize {
        self.blocks.capacity() * Block::SIZE
    }

    /// So many blocks, with whatever a check before left in them; `None` if there is no memory.
    pub(super) fn blocks(&mut self, count: usize) -> Option<&mut [Block]> {
        if self.blocks.len() < count {
            self.blocks = Vec::new();
            self.blocks.try_reserve_exact(count).ok()?;
            self.blocks.resize(count, Block::new());
        }
        self.blocks.get_mut(..count)
    }
}

impl fmt::Debug for CheckMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckMemory").field("bytes_held", &self.bytes_held()).finish_non_exhaustive()
    }
}
