//! Counts for names and sources that come from outside, and so are as many as somebody likes: in a bounded table.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::digest::Canonical;

/// A place in a table. There are 2¹⁶ of them, so that 16 bits of a keyed hash name one.
pub(crate) type Cell = u16;

/// How many counts are looked at in one sweep: more than a login adds.
const SWEPT: usize = 2;

#[derive(Debug)]
pub(crate) struct Table<T> {
    counts: BTreeMap<Cell, T>,
    /// Where the next sweep begins.
    hand: Cell,
}

impl<T> Table<T> {
    pub(crate) fn new() -> Self {
        Self { counts: BTreeMap::new(), hand: 0 }
    }

    pub(crate) fn get_mut(&mut self, cell: Cell) -> Option<&mut T> {
        self.counts.get_mut(&cell)
    }

    pub(crate) fn get_or(&mut self, cell: Cell, make: impl FnOnce() -> T) -> &mut T {
        self.counts.entry(cell).or_insert_with(make)
    }

    /// Frees the place if its count is over: as good as none.
    pub(crate) fn tidy(&mut self, cell: Cell, is_over: impl FnOnce(&T) -> bool) {
        if let Entry::Occupied(count) = self.counts.entry(cell)
            && is_over(count.get())
        {
            count.remove();
        }
    }

    /// Looks at the next counts and frees the places of those that are over. Time alone ends a count, and most names and sources are
    /// never heard of again, so nobody else would look.
    pub(crate) fn sweep(&mut self, is_over: impl Fn(&T) -> bool) {
        for _ in 0..SWEPT {
            let mut turn = self.counts.range(self.hand..).chain(self.counts.range(..self.hand));
            let Some((&cell, count)) = turn.next() else { return };
            self.hand = cell.wrapping_add(1);
            if is_over(count) {
                self.counts.remove(&cell);
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.counts.len()
    }

    pub(crate) fn digest(&self, into: &mut Canonical, count_digest: impl Fn(&T, &mut Canonical)) {
        into.number(self.hand).number(self.counts.len() as u64);
        for (cell, count) in &self.counts {
            into.number(*cell);
            count_digest(count, into);
        }
    }
}
