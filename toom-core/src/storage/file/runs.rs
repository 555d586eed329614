//! The runs of a store: together they hold every message that left memory and is kept.

use core::ops::ControlFlow;
use std::sync::Arc;

use crate::storage::file::disk::DiskFile;
use crate::storage::file::run::{Located, Place, Run};
use crate::{Conversation, MessageNumber, MessageRef, StorageError, Timestamp};

/// Runs, oldest first. Their times do not overlap, so each conversation goes on from run to run.
pub(super) struct Runs<F> {
    list: Arc<[Arc<Run<F>>]>,
    dropped: bool,
}

impl<F> Clone for Runs<F> {
    fn clone(&self) -> Self {
        Self { list: Arc::clone(&self.list), dropped: self.dropped }
    }
}

impl<F: DiskFile> Runs<F> {
    /// These runs; `dropped` tells whether there were older messages.
    pub(super) fn new(list: Vec<Arc<Run<F>>>, dropped: bool) -> Self {
        Self { list: list.into(), dropped }
    }

    /// Whether messages are gone for good.
    pub(super) fn dropped(&self) -> bool {
        self.dropped
    }

    pub(super) fn list(&self) -> &[Arc<Run<F>>] {
        &self.list
    }

    /// The first number of `conversation` in a run.
    pub(super) fn first_number(
        &self,
        conversation: Conversation,
    ) -> Result<Option<MessageNumber>, StorageError> {
        first_number(&self.list, conversation)
    }

    /// The last message that is not later than `since`, which is before the end of the conversation. `above` is its first number
    /// in memory, if it has one there, and that message is later.
    pub(super) fn locate(
        &self,
        conversation: Conversation,
        since: Timestamp,
        above: Option<MessageNumber>,
    ) -> Result<Option<MessageNumber>, StorageError> {
        let over = self.list.partition_point(|run| run.summary().last_at <= since);
        let (older, newer) = self.list.split_at(over);
        let located = newer.first().map_or(Ok(Located::Absent), |run| run.locate(conversation, since))?;
        let following = match located {
            Located::At(number) => return Ok(Some(number)),
            Located::AllLater { first } => Some(first),
            Located::Absent => first_number(newer.get(1..).unwrap_or_default(), conversation)?.or(above),
        };
        let Some(found) = following.and_then(MessageNumber::preceding) else { return Ok(None) };
        // It is the right one, or it is gone, and then so may be the one that should be named.
        let kept = !self.dropped || first_number(older, conversation)?.is_some();
        Ok(kept.then_some(found))
    }

    /// Lends the messages with numbers greater than `after`, and counts `left` down. Breaks when the visitor does and when `left`
    /// comes to 0.
    pub(super) fn read(
        &self,
        conversation: Conversation,
        after: Option<MessageNumber>,
        left: &mut usize,
        visit: &mut impl FnMut(MessageRef<'_>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, StorageError> {
        let begin = self.holding(conversation, MessageNumber::following(after))?;
        for run in self.list.iter().skip(begin) {
            if run.read(conversation, after, left, visit)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The first run that may hold `number` of `conversation`, or a later message of it: halves the runs, stepping over those that the
    /// conversation is not in.
    fn holding(&self, conversation: Conversation, number: MessageNumber) -> Result<usize, StorageError> {
        let (mut low, mut high) = (0, self.list.len());
        while low < high {
            let middle = low.midpoint(high);
            let mut probe = middle;
            let place = loop {
                let place =
                    self.list.get(probe).map_or(Ok(Place::Absent), |run| run.place(conversation, number))?;
                if place != Place::Absent || probe == low {
                    break place;
                }
                probe -= 1;
            };
            match place {
                Place::Inside => return Ok(probe),
                Place::Before => high = probe,
                Place::After | Place::Absent => low = middle + 1,
            }
        }
        Ok(low)
    }
}

fn first_number<F: DiskFile>(
    runs: &[Arc<Run<F>>],
    conversation: Conversation,
) -> Result<Option<MessageNumber>, StorageError> {
    runs.iter().find_map(|run| run.first_number(conversation).transpose()).transpose()
}
