//! Merging runs that are adjacent in time into one.

use std::sync::Arc;

use super::block::{BLOCK_BYTES, Block, Chunk};
use super::index::Entry;
use super::scan::Scan;
use super::sealed::Damage;
use super::{Run, RunSummary, RunWriter};
use crate::storage::file::disk::DiskFile;
use crate::{Conversation, StorageError, Timestamp};

/// What one step reads.
const STEP_BYTES: usize = 1 << 20;

/// A merge under way. It holds one buffer and one page of the index for each run, and a block.
pub(in crate::storage::file) struct Merge<F> {
    /// Those that are not read to their ends, in order of time.
    inputs: Vec<Input<F>>,
    output: Output<F>,
}

/// How far a merge is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::storage::file) enum Progress {
    /// There is more to read.
    More,
    /// All is read: the merge can be [finished](Merge::finish).
    AllRead,
}

struct Input<F> {
    run: Arc<Run<F>>,
    scan: Scan,
    /// The conversation of the block that comes next.
    next: Conversation,
}

struct Output<F> {
    writer: RunWriter<F>,
    /// A small block that waits for more messages of its conversation.
    waiting: Option<Chunk>,
    /// The last block that came, and the time of its last message.
    last: Option<(Entry, Timestamp)>,
}

impl<F: DiskFile> Merge<F> {
    /// Merges `runs`, which are adjacent and in order of time, into the run that `writer` begins.
    pub(in crate::storage::file) fn new(
        runs: Vec<Arc<Run<F>>>,
        writer: RunWriter<F>,
    ) -> Result<Self, StorageError> {
        let mut inputs = Vec::with_capacity(runs.len());
        for run in runs {
            let mut scan = Scan::new();
            if let Some((entry, _)) = scan.peek(&run)? {
                inputs.push(Input { run, scan, next: entry.conversation });
            }
        }
        Ok(Self { inputs, output: Output { writer, waiting: None, last: None } })
    }

    /// Goes on for about 1 MiB.
    pub(in crate::storage::file) fn step(&mut self) -> Result<Progress, StorageError> {
        let mut copied = 0;
        while copied < STEP_BYTES {
            let by_place =
                self.inputs.iter_mut().enumerate().min_by_key(|(place, input)| (input.next, *place));
            let Some((place, input)) = by_place else { return Ok(Progress::AllRead) };
            if let Some((entry, block)) = input.scan.next(&input.run)? {
                copied += block.bytes().len();
                self.output.add(&input.run, &entry, block)?;
            }
            match input.scan.peek(&input.run)? {
                Some((entry, _)) => input.next = entry.conversation,
                None => drop(self.inputs.remove(place)),
            }
        }
        Ok(Progress::More)
    }

    /// Ends the new run, which is durable, but for its name, when this returns `Ok`. The merge must be at its end.
    pub(in crate::storage::file) fn finish(mut self) -> Result<RunSummary, StorageError> {
        self.output.write_waiting()?;
        self.output.writer.finish()
    }
}

impl<F: DiskFile> Output<F> {
    /// Blocks that are at least half full are copied as they are; smaller ones are joined with what comes next.
    fn add(&mut self, run: &Run<F>, entry: &Entry, block: Block<'_>) -> Result<(), StorageError> {
        let corrupt = |damage| run.corrupt(entry.offset, damage);
        let last_at = block.last_at().unwrap_or(entry.first_at);
        if self.last.is_some_and(|(last, at)| !entry.follows(&last, at)) {
            return Err(corrupt(Damage::at(0, "a block does not follow the run before it")));
        }
        self.last = Some((*entry, last_at));
        let is_small = block.bytes().len() < BLOCK_BYTES / 2;
        if is_small || self.waiting.is_some() {
            let view = block.view().map_err(corrupt)?;
            if self.waiting.as_mut().is_some_and(|waiting| waiting.has_joined(view)) {
                return Ok(());
            }
            self.write_waiting()?;
            if is_small {
                self.waiting = Some(Chunk::of(view));
                return Ok(());
            }
        }
        self.writer.copy(block.bytes(), entry, last_at)
    }

    fn write_waiting(&mut self) -> Result<(), StorageError> {
        self.waiting.take().map_or(Ok(()), |waiting| self.writer.push(&waiting))
    }
}
