//! How often a file is read, and how much of it.

use core::sync::atomic::{AtomicU64, Ordering};

use super::*;

const BLOCK: u64 = block::BLOCK_BYTES as u64;

/// A file that counts how often it is read, and how many bytes.
#[derive(Clone, Default)]
struct Counted {
    file: Bytes,
    calls: Arc<AtomicU64>,
    bytes: Arc<AtomicU64>,
}

impl Counted {
    /// What was counted since this was asked last.
    fn taken(&self) -> (u64, u64) {
        (self.calls.swap(0, Ordering::Relaxed), self.bytes.swap(0, Ordering::Relaxed))
    }
}

impl DiskFile for Counted {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(buffer.len() as u64, Ordering::Relaxed);
        self.file.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }
}

/// A run of so many messages in as many full blocks, its index in memory.
fn full_blocks(blocks: usize) -> (Run<Counted>, Counted) {
    let (file, summary) = written(&in_blocks(0, vec![block::BLOCK_BYTES; blocks]), 1);
    let counted = Counted { file, ..Counted::default() };
    let cache = Arc::new(PageCache::new(1 << 20));
    let run = Run::open(counted.clone(), "history-1".to_owned(), SALT, summary, cache).unwrap();
    run.first_number(conversation(0)).unwrap();
    counted.taken();
    (run, counted)
}

/// The numbers of a page.
fn page(run: &Run<Counted>, after: Option<MessageNumber>, mut limit: usize) -> Vec<u64> {
    let mut numbers = Vec::new();
    let flow = run.read(conversation(0), after, &mut limit, &mut |message| {
        numbers.push(message.number.get());
        ControlFlow::Continue(())
    });
    assert!(flow.is_ok());
    numbers
}

#[test]
fn the_blocks_of_a_page_are_fetched_at_once_up_to_64_kib_and_no_others() {
    for (limit, calls) in [(1, 1), (3, 1), (16, 1), (17, 2), (40, 3)] {
        let (run, counted) = full_blocks(40);
        assert_eq!(page(&run, None, limit).len(), limit);
        assert_eq!(counted.taken(), (calls, limit as u64 * BLOCK), "{limit} messages");
    }
}

#[test]
fn what_lies_behind_a_message_that_is_located_is_fetched_with_it() {
    let (run, counted) = full_blocks(40);
    assert_eq!(run.locate(conversation(0), at(10 * 20)).unwrap(), Located::At(number(20)));
    assert_eq!(page(&run, Some(number(20)), 3), [21, 22, 23]);
    assert_eq!(counted.taken(), (1, 4 * BLOCK));
}

#[test]
fn what_was_fetched_last_is_not_fetched_again() {
    let (run, counted) = full_blocks(40);
    for (after, numbers) in [(None, vec![1, 2, 3, 4]), (None, vec![1]), (Some(number(3)), vec![4])] {
        assert_eq!(page(&run, after, numbers.len()), numbers);
    }
    assert_eq!(counted.taken(), (1, 4 * BLOCK));
}

#[test]
fn a_run_that_is_read_from_end_to_end_is_fetched_256_kib_at_a_time() {
    let (run, counted) = full_blocks(100);
    run.check(|_| Ok(())).unwrap();
    let (calls, bytes) = counted.taken();
    assert_eq!(calls, 3, "a page of the index, 64 blocks, and 36");
    assert!(bytes < 101 * BLOCK);
}

/// Runs are merged into others as long as anybody posts.
///
/// Catches: `drop` leaves the pages, or all but the first.
#[test]
fn the_index_of_a_run_takes_no_memory_once_nobody_reads_the_run() {
    let cache = Arc::new(PageCache::new(1 << 20));
    let open = |id| {
        let (file, summary) = written(&in_blocks(0, vec![block::BLOCK_BYTES; 600]), id);
        Run::open(file, format!("history-{id}"), SALT, summary, Arc::clone(&cache)).unwrap()
    };
    let (old, new) = (open(1), open(2));
    for run in [&old, &new] {
        let read = run.read(conversation(0), None, &mut 601, &mut |_| ControlFlow::Continue(()));
        assert!(read.unwrap().is_continue());
    }
    assert_eq!(cache.len(), 4);
    drop(old);
    assert_eq!(cache.len(), 2);
    drop(new);
    assert_eq!(cache.len(), 0);
}
