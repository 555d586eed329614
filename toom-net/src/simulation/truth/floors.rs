//! What retention dropped, and what it may drop.

use core::time::Duration;
use std::collections::BTreeMap;

use toom_core::{Conversation, History, Message, Retention, StorageError, Timestamp};

use super::super::report::{Kept, demand};

/// The first number that is kept of each conversation, or would be if it were posted: 1 where nothing else is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::simulation) struct Floors(BTreeMap<Conversation, u64>);

/// What is known of a store that dropped something.
#[derive(Clone, Copy, Debug)]
pub(super) struct Left {
    /// The time of the newest message.
    pub(super) newest: Option<Timestamp>,
    /// How many bytes the history took on disk just afterwards, if anybody looked.
    pub(super) bytes: Option<u64>,
}

impl Floors {
    /// What a store tells of itself.
    pub(in crate::simulation) fn read(
        places: &[Conversation],
        history: &impl History,
    ) -> Result<Self, StorageError> {
        let floor = |place: &Conversation| Ok((*place, history.floor(*place)?.get()));
        places.iter().map(floor).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn of(&self, place: Conversation) -> u64 {
        self.0.get(&place).copied().unwrap_or(1)
    }

    /// Demands that no message came back since it was `before`, that only the oldest of all that was said are gone, and of those that went
    /// since none that was to be kept; tells how many went.
    pub(super) fn follow(
        &self,
        before: &Self,
        said: &BTreeMap<Conversation, Vec<Message>>,
        retention: Retention,
        left: Left,
    ) -> Kept<u64> {
        let (mut last_gone, mut first_kept, mut went) = (None, None, 0);
        for (place, messages) in said {
            let (floor, before) = (self.of(*place), before.of(*place));
            demand(floor >= before, || {
                format!(
                    "what is gone is gone for good: {place:?} began with #{before} and begins with #{floor}"
                )
            })?;
            let gone = usize::try_from(floor - 1).unwrap_or(usize::MAX);
            demand(gone <= messages.len() || floor == before, || {
                format!("a floor is that of messages: {place:?} begins with #{floor}, of {}", messages.len())
            })?;
            let (gone, kept) = messages.split_at_checked(gone).unwrap_or((messages, &[]));
            last_gone = last_gone.max(gone.last().map(|message| message.at));
            if let Some(first) = kept.first() {
                first_kept = Some(first_kept.map_or(first.at, |other: Timestamp| other.min(first.at)));
            }
            for message in gone.iter().filter(|message| message.number.get() >= before) {
                went += 1;
                demand(may_go(message.at, retention, left), || {
                    format!("what is to be kept is kept: {place:?} #{} is gone, {left:?}", message.number)
                })?;
            }
        }
        demand(first_kept.is_none_or(|kept| last_gone < Some(kept)), || {
            format!("the oldest are gone: one of {last_gone:?} is, and one of {first_kept:?} is not")
        })?;
        Ok(went)
    }
}

/// Whether a message of that time may be gone.
fn may_go(at: Timestamp, retention: Retention, left: Left) -> bool {
    let age = left.newest.map_or(0, |newest| newest.unix_micros() - at.unix_micros());
    let age = Duration::from_micros(u64::try_from(age).unwrap_or_default());
    let is_old = retention.keep_for.is_some_and(|kept| age >= kept);
    let is_enough = |kept| left.bytes.is_none_or(|bytes| bytes >= kept);
    is_old || retention.keep_bytes.is_some_and(is_enough)
}
