//! What has to be there: every message that anybody was told of, by number.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::super::LoadError;
use super::said::{BROADCAST, Told, word};

/// How far a number may be beyond all others that were heard of.
const STEP_MAX: u64 = 100_000;

/// The messages of all conversations. Of each, a digest of its time, author and text is kept.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    books: BTreeMap<u32, Book>,
}

#[derive(Debug, Default)]
struct Book {
    /// The messages up to this one were dropped by retention.
    gone: u64,
    /// Those behind it; `None` for one that was not heard of yet.
    known: VecDeque<Option<Known>>,
    /// The highest number that was acknowledged.
    acknowledged: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Known {
    digest: u64,
    bytes: u32,
}

impl Ledger {
    /// Takes down a message, or compares it with what was told of the same number before.
    ///
    /// # Errors
    /// If the two differ.
    pub(super) fn note(&mut self, told: &Told<'_>) -> Result<(), LoadError> {
        let book = self.books.entry(told.conversation).or_default();
        let Some(place) = told.number.checked_sub(book.gone + 1) else { return Ok(()) };
        if place > book.known.len() as u64 + STEP_MAX {
            return Err(broken(told, "is far beyond all others"));
        }
        let place = usize::try_from(place).unwrap_or(usize::MAX);
        if place >= book.known.len() {
            book.known.resize(place + 1, None);
        }
        let now = Known::of(told);
        match book.known.get_mut(place) {
            Some(known) if known.is_none_or(|known| known == now) => *known = Some(now),
            _ => return Err(broken(told, "was another one before")),
        }
        Ok(())
    }

    /// As [`note`](Self::note), for a message that has to be there from now on.
    ///
    /// # Errors
    /// Those of [`note`](Self::note).
    pub(super) fn acknowledge(&mut self, told: &Told<'_>) -> Result<(), LoadError> {
        self.note(told)?;
        let book = self.books.entry(told.conversation).or_default();
        book.acknowledged = book.acknowledged.max(told.number);
        Ok(())
    }

    /// The messages up to `last` are gone for good.
    pub(super) fn drop_through(&mut self, conversation: u32, last: u64) {
        let book = self.books.entry(conversation).or_default();
        while book.gone < last {
            book.known.pop_front();
            book.gone += 1;
        }
    }

    /// A room is there.
    pub(super) fn open(&mut self, room: u32) {
        self.books.entry(room).or_default();
    }

    pub(super) fn conversations(&self) -> Vec<u32> {
        [BROADCAST]
            .into_iter()
            .chain(self.books.keys().copied().filter(|number| *number != BROADCAST))
            .collect()
    }

    /// The highest number that was acknowledged.
    pub(super) fn acknowledged(&self, conversation: u32) -> u64 {
        self.books.get(&conversation).map_or(0, |book| book.acknowledged)
    }

    /// The highest number that was heard of.
    pub(super) fn last(&self, conversation: u32) -> u64 {
        self.books.get(&conversation).map_or(0, |book| book.gone + book.known.len() as u64)
    }

    /// How many messages were dropped, over all conversations.
    pub(super) fn gone(&self) -> u64 {
        self.books.values().map(|book| book.gone).sum()
    }

    /// The bytes of the texts that are not gone.
    pub(super) fn kept_bytes(&self) -> u64 {
        let known = self.books.values().flat_map(|book| &book.known).flatten();
        known.map(|known| u64::from(known.bytes)).sum()
    }
}

impl Known {
    fn of(told: &Told<'_>) -> Self {
        let mut hasher = DefaultHasher::new();
        (told.time, told.author, told.text).hash(&mut hasher);
        Self { digest: hasher.finish(), bytes: u32::try_from(told.text.len()).unwrap_or(u32::MAX) }
    }
}

fn broken(told: &Told<'_>, what: &str) -> LoadError {
    let Told { conversation, number, time, author, text } = told;
    let text: String = text.chars().take(40).collect();
    LoadError::Broken(format!("message {number} of {} {what}: {time} {author} {text}", word(*conversation)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(number: u64, text: &str) -> Told<'_> {
        Told { conversation: 1, number, time: "t", author: "luke", text }
    }

    #[test]
    fn a_number_has_one_message_whoever_tells_it() {
        let mut ledger = Ledger::default();
        ledger.note(&told(2, "two")).unwrap();
        ledger.acknowledge(&told(1, "one")).unwrap();
        ledger.note(&told(1, "one")).unwrap();
        assert!(ledger.note(&told(2, "too")).is_err());
        assert!(ledger.note(&Told { author: "hans", ..told(2, "two") }).is_err());
        assert!(ledger.note(&Told { time: "u", ..told(2, "two") }).is_err());
        ledger.note(&Told { conversation: 2, ..told(2, "too") }).unwrap();
        assert_eq!((ledger.acknowledged(1), ledger.last(1), ledger.kept_bytes()), (1, 2, 9));
    }

    #[test]
    fn what_is_gone_is_forgotten_and_counts_no_more() {
        let mut ledger = Ledger::default();
        for number in 1..=4 {
            ledger.note(&told(number, "text")).unwrap();
        }
        ledger.drop_through(1, 2);
        ledger.drop_through(1, 1);
        assert_eq!((ledger.gone(), ledger.last(1), ledger.kept_bytes()), (2, 4, 8));
        ledger.note(&told(2, "other")).unwrap();
        assert!(ledger.note(&told(3, "other")).is_err());
    }

    #[test]
    fn a_number_out_of_all_reason_takes_no_memory() {
        assert!(Ledger::default().note(&told(u64::MAX, "x")).is_err());
    }
}
