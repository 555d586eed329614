//! Where everything is that was acknowledged: what readers look at, and writers change in one step.

use core::ops::ControlFlow;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::rooms::End;
use crate::storage::file::disk::DiskFile;
use crate::storage::file::journal::{JournalFile, JournalStart};
use crate::storage::file::memtable::Memtable;
use crate::storage::file::record_bytes::{Malformed, Names, RecordRef};
use crate::storage::file::run::Located;
use crate::storage::file::runs::Runs;
use crate::storage::file::state::StateFile;
use crate::{Conversation, History, MessageNumber, MessageRef, StorageError, Timestamp};

/// Everything that was acknowledged, from old to new: runs, frozen memtables, and the one that is written to.
pub(super) struct View<F> {
    pub(super) ends: BTreeMap<Conversation, End>,
    pub(super) state: Option<Arc<StateFile<F>>>,
    pub(super) runs: Runs<F>,
    pub(super) frozen: Vec<Arc<Frozen>>,
    pub(super) active: Memtable,
}

/// A memtable that is written to no more, on its way into a run.
#[derive(Debug)]
pub(super) struct Frozen {
    pub(super) memtable: Memtable,
    /// Where its records lie in the journal; `None` if no other file is to take the place of that, for the store is opened or closed.
    pub(super) file: Option<JournalFile>,
    /// Where the journal goes on behind them.
    pub(super) next: JournalStart,
}

/// Reads a [`FileStorage`](crate::FileStorage) while it is appended to.
pub struct FileReader<F>(Arc<RwLock<View<F>>>);

impl<F> Clone for FileReader<F> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<F> core::fmt::Debug for FileReader<F> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("FileReader").finish_non_exhaustive()
    }
}

/// How many messages in memory are lent before who waits to append gets a turn.
const TURN: usize = 256;

/// Where the next message of a conversation lies.
enum Place<F> {
    /// In the memtable that is written to: it was lent while that was held.
    Lent,
    /// In what is older, or it is gone, and `above` is the first number in the memtable that is written to.
    Older {
        older: Older<F>,
        above: Option<MessageNumber>,
    },
    Nowhere,
}

/// What does not change any more: a read goes through it without holding up who appends.
struct Older<F> {
    runs: Option<Runs<F>>,
    frozen: Vec<Arc<Frozen>>,
}

impl<F: DiskFile> FileReader<F> {
    pub(super) fn new(view: View<F>) -> Self {
        Self(Arc::new(RwLock::new(view)))
    }

    // A writer that panicked cannot have left the view half changed: each change is one assignment, or an append of whole batches that
    // no engine goes on from.
    pub(super) fn view(&self) -> RwLockReadGuard<'_, View<F>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn view_mut(&self) -> RwLockWriteGuard<'_, View<F>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F: DiskFile> Default for View<F> {
    fn default() -> Self {
        Self {
            ends: BTreeMap::new(),
            state: None,
            runs: Runs::new(Vec::new(), false),
            frozen: Vec::new(),
            active: Memtable::default(),
        }
    }
}

impl<F> View<F> {
    pub(super) fn post(&mut self, message: MessageRef<'_>) {
        self.ends.insert(message.conversation, End { number: message.number, at: message.at });
        self.active.post(message);
    }

    /// Takes a record of the journal.
    pub(super) fn replay(&mut self, record: RecordRef<'_>, names: &mut Names) -> Result<(), Malformed> {
        let keyed = record.keyed(names)?;
        match record {
            RecordRef::Posted(posted) => self.post(posted.message),
            RecordRef::RoomCreated(created) => self.active.build(created.own(names)?),
        }
        if let Some(request) = keyed {
            self.active.remember(request);
        }
        Ok(())
    }

    /// The memtables, newest first.
    fn memtables(&self) -> impl Iterator<Item = &Memtable> {
        core::iter::once(&self.active).chain(self.frozen.iter().rev().map(|frozen| &frozen.memtable))
    }
}

impl<F: DiskFile> History for FileReader<F> {
    fn locate(
        &self,
        conversation: Conversation,
        since: Timestamp,
    ) -> Result<Option<MessageNumber>, StorageError> {
        let view = self.view();
        let Some(end) = view.ends.get(&conversation).copied() else { return Ok(None) };
        if end.at <= since {
            return Ok(Some(end.number));
        }
        let mut following = None;
        for memtable in view.memtables() {
            match memtable.locate(conversation, since) {
                Located::At(number) => return Ok(Some(number)),
                Located::AllLater { first } => following = Some(first),
                Located::Absent => {}
            }
        }
        let runs = view.runs.clone();
        drop(view);
        runs.locate(conversation, since, following)
    }

    fn read(
        &self,
        conversation: Conversation,
        after: Option<MessageNumber>,
        limit: usize,
        mut visit: impl FnMut(MessageRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), StorageError> {
        let mut left = limit;
        let mut seen = after;
        let (mut begun, mut stopped) = (false, false);
        while left > 0 && !stopped {
            let before = seen;
            let mut lend = |message: MessageRef<'_>| {
                // Messages that retention drops while this reads leave a gap. What is behind it is for the next read.
                let follows = !begun || message.number == MessageNumber::following(seen);
                begun = true;
                let flow = if follows { visit(message) } else { ControlFlow::Break(()) };
                seen = Some(message.number);
                stopped = flow.is_break();
                flow
            };
            match self.place(conversation, before, &mut left, &mut lend) {
                Place::Lent => {}
                Place::Older { older, above } => {
                    older.read(conversation, before, &mut left, &mut lend)?;
                    if !begun && let Some(first) = above {
                        seen = first.preceding();
                    }
                }
                Place::Nowhere => break,
            }
            if seen == before {
                break;
            }
        }
        Ok(())
    }

    fn floor(&self, conversation: Conversation) -> Result<MessageNumber, StorageError> {
        let view = self.view();
        if !view.runs.dropped() {
            return Ok(MessageNumber::FIRST);
        }
        let above = view.memtables().filter_map(|memtable| memtable.first_number(conversation)).last();
        let end = view.ends.get(&conversation).map(|end| end.number);
        let runs = view.runs.clone();
        drop(view);
        let kept = runs.first_number(conversation)?.or(above);
        Ok(kept.unwrap_or(MessageNumber::following(end)))
    }

    /// What retention counts: the history files. The journal and the state file come on top.
    fn bytes_on_disk(&self) -> Option<u64> {
        let runs = self.view().runs.clone();
        Some(runs.list().iter().map(|run| run.summary().bytes).sum())
    }
}

impl<F: DiskFile> FileReader<F> {
    /// Where the message behind `after` lies.
    fn place(
        &self,
        conversation: Conversation,
        after: Option<MessageNumber>,
        left: &mut usize,
        visit: &mut impl FnMut(MessageRef<'_>) -> ControlFlow<()>,
    ) -> Place<F> {
        let view = self.view();
        let next = MessageNumber::following(after);
        if view.ends.get(&conversation).is_none_or(|end| end.number < next) {
            return Place::Nowhere;
        }
        let begins =
            |memtable: &Memtable| memtable.first_number(conversation).is_some_and(|first| first <= next);
        if begins(&view.active) {
            let granted = TURN.min(*left);
            let mut turn = granted;
            // Whether the turn ended or the visitor broke is seen by who asked.
            let _ = view.active.read(conversation, after, &mut turn, visit);
            *left -= granted - turn;
            return Place::Lent;
        }
        let from = view.frozen.iter().rposition(|frozen| begins(&frozen.memtable));
        let older = Older {
            runs: from.is_none().then(|| view.runs.clone()),
            frozen: view.frozen.iter().skip(from.unwrap_or(0)).cloned().collect(),
        };
        Place::Older { older, above: view.active.first_number(conversation) }
    }
}

impl<F: DiskFile> Older<F> {
    fn read(
        &self,
        conversation: Conversation,
        after: Option<MessageNumber>,
        left: &mut usize,
        visit: &mut impl FnMut(MessageRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), StorageError> {
        if let Some(runs) = &self.runs
            && runs.read(conversation, after, left, visit)?.is_break()
        {
            return Ok(());
        }
        // Whether the limit was reached or the visitor broke is seen by who asked.
        let _ =
            self.frozen.iter().try_for_each(|frozen| frozen.memtable.read(conversation, after, left, visit));
        Ok(())
    }
}
