//! The index pages that were read last, of all runs of a store, bounded in bytes.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::index::Page;

/// Which opened run, and which of its pages.
type Key = (u64, usize);

/// Index pages in memory.
pub(in crate::storage::file) struct PageCache(Cache<Key, Arc<Page>, Bytes>);

#[derive(Clone)]
struct Bytes;

impl PageCache {
    /// A cache of at most `bytes`.
    pub(in crate::storage::file) fn new(bytes: u64) -> Self {
        const FULL_PAGE_BYTES: u64 = 16 << 10;
        let pages = usize::try_from(bytes / FULL_PAGE_BYTES).unwrap_or(usize::MAX);
        Self(Cache::with_weighter(pages, bytes, Bytes))
    }

    /// The page `key`, read by `read` if it is not here.
    pub(super) fn page<E>(&self, key: Key, read: impl FnOnce() -> Result<Page, E>) -> Result<Arc<Page>, E> {
        if let Some(page) = self.0.get(&key) {
            return Ok(page);
        }
        let page = Arc::new(read()?);
        self.0.insert(key, Arc::clone(&page));
        Ok(page)
    }

    /// Forgets the first `pages` of the run `run`, which nobody reads any more.
    pub(super) fn forget(&self, run: u64, pages: usize) {
        for number in 0..pages {
            self.0.remove(&(run, number));
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Weighter<Key, Arc<Page>> for Bytes {
    fn weight(&self, _: &Key, page: &Arc<Page>) -> u64 {
        (size_of::<Page>() + size_of_val(&*page.entries)) as u64
    }
}

impl core::fmt::Debug for PageCache {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "PageCache({} pages)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::super::index::{Entry, PAGE_ENTRIES};
    use super::*;
    use crate::{Conversation, MessageNumber, Timestamp};

    fn page(entries: usize) -> Page {
        let entry = Entry {
            conversation: Conversation::Broadcast,
            messages: 1,
            first: MessageNumber::FIRST,
            first_at: Timestamp::MIN,
            offset: 0,
        };
        Page { entries: vec![entry; entries].into(), end: 0 }
    }

    #[test]
    fn a_page_counts_with_all_the_memory_it_takes() {
        let bytes = |entries| Bytes.weight(&(0, 0), &Arc::new(page(entries)));
        assert_eq!(bytes(0), size_of::<Page>() as u64);
        assert_eq!(bytes(PAGE_ENTRIES) - bytes(0), (PAGE_ENTRIES * size_of::<Entry>()) as u64);
    }

    #[test]
    fn pages_that_do_not_fit_push_others_out() {
        let page_bytes = Bytes.weight(&(0, 0), &Arc::new(page(PAGE_ENTRIES)));
        let cache = PageCache::new(100 * page_bytes);
        for number in 0..1000 {
            cache.page((0, number), || Ok::<_, ()>(page(PAGE_ENTRIES))).unwrap();
        }
        let held = cache.0.len();
        assert!(held <= 100, "{held} pages");
        assert_eq!(format!("{cache:?}"), format!("PageCache({held} pages)"));
    }
}
