//! Messages from several files, in one order and each once.

use crate::MessageRef;
use crate::storage::file::disk::DiskFile;
use crate::storage::file::run::{Key, Salvage};

/// Messages in order of conversation and number.
pub(super) enum Source<'a, F> {
    History(Salvage<F>),
    Journal(&'a [(Key, MessageRef<'a>)]),
}

impl<F: DiskFile> Source<'_, F> {
    fn key(&self) -> Option<Key> {
        match self {
            Self::History(salvage) => salvage.key(),
            Self::Journal(rest) => rest.first().map(|(key, _)| *key),
        }
    }

    fn pass(&mut self, last: Key) {
        match self {
            Self::History(salvage) => salvage.pass(last),
            Self::Journal(rest) => {
                *rest = rest.get(rest.partition_point(|(key, _)| *key <= last)..).unwrap_or_default();
            }
        }
    }

    /// Lends the next message, and some of those behind it that come before `bound`.
    fn take<E>(
        &mut self,
        bound: Option<Key>,
        mut take: impl FnMut(MessageRef<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        match self {
            Self::History(salvage) => salvage.take(bound, take),
            Self::Journal(rest) => {
                let Some(((_, message), others)) = rest.split_first() else { return Ok(()) };
                *rest = others;
                take(*message)
            }
        }
    }

    fn position(&self) -> u64 {
        match self {
            Self::History(salvage) => salvage.position(),
            Self::Journal(_) => 0,
        }
    }
}

/// Lends every message of `sources` once, in order, with the place of the source that it is from: the first of those that have it. Now and
/// then tells `progress` how many bytes were gone through.
pub(super) fn merge<F: DiskFile, E>(
    sources: &mut [Source<'_, F>],
    mut progress: impl FnMut(u64),
    mut take: impl FnMut(usize, MessageRef<'_>) -> Result<(), E>,
) -> Result<(), E> {
    loop {
        let keys = |but: Option<usize>| {
            let others = sources.iter().enumerate().filter(move |(place, _)| Some(*place) != but);
            others.filter_map(|(place, source)| Some((source.key()?, place))).min()
        };
        let Some((key, place)) = keys(None) else { return Ok(()) };
        let bound = keys(Some(place)).map(|(key, _)| key);
        progress(sources.iter().map(Source::position).sum());
        let mut last = key;
        if let Some(source) = sources.get_mut(place) {
            source.take(bound, |message| {
                last = (message.conversation, message.number);
                take(place, message)
            })?;
        }
        for other in sources.iter_mut().filter(|source| source.key().is_some_and(|key| key <= last)) {
            other.pass(last);
        }
    }
}
