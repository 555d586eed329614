//! One conversation, as far as it is on this machine: messages in order of number, and notes between them.

use std::collections::BTreeMap;

use toom_core::Timestamp;
use toom_net::protocol::{HistoryRow, MessageLine, NameWord};

use super::end::Search;
use crate::filter::Shown;
use crate::said::Ends;
use crate::unread::place_of;

/// How many messages are asked for at a time.
pub const PAGE: u64 = 50;

/// How many bytes of messages are kept of the conversation that is open.
const OPEN_BYTES_MAX: usize = 1024 * 1024;

/// The same of another.
const CLOSED_BYTES_MAX: usize = 32 * 1024;

/// How many notes are kept.
const NOTES_MAX: usize = 1000;

/// What a message takes beside its text.
const MESSAGE_BYTES: usize = 128;

/// The place of a message, whose second part is 0, or of a note, which stands behind the message of the same number.
pub type Key = (u64, u32);

/// What stands at a place.
#[derive(Clone, Debug)]
pub enum Item {
    /// A message.
    Message(MessageLine),
    /// An answer of the program, or of the server.
    Note(Shown),
}

/// Which part is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// The end, whatever comes.
    End,
    /// The lowest row on the screen is the row `row` of the item `key`.
    At {
        /// Which item.
        key: Key,
        /// Which of its rows, from 0 on.
        row: usize,
    },
}

/// A page to ask for: the numbers greater than `after`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// Behind which number.
    pub after: u64,
    /// How many at most.
    pub limit: u64,
}

/// A conversation.
#[derive(Clone, Debug)]
pub struct Thread {
    items: BTreeMap<Key, Item>,
    /// The first and the last number of the messages that stand without a gap, up to which the screen reaches.
    run: Option<(u64, u64)>,
    /// Up to which number everything is gone for good.
    gone: u64,
    end: End,
    fetching: Fetching,
    bytes: usize,
    notes: usize,
    /// Which part is looked at.
    pub view: View,
    /// Who is in it, where that is known.
    pub members: Vec<NameWord>,
    /// How many messages of others were not on the screen, all of them later than `unread_since`.
    pub unread: u64,
    /// `None` where everything was.
    pub unread_since: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fetching {
    No,
    Yes(Fetch),
    /// It was refused, and is not asked for again by itself.
    Failed,
}

#[derive(Clone, Copy, Debug)]
enum End {
    Unknown(Search),
    Known(u64),
}

impl Thread {
    /// A conversation of which the number `low` is known to exist; 0 always does.
    #[must_use]
    pub const fn new(low: u64) -> Self {
        Self {
            items: BTreeMap::new(),
            run: None,
            gone: 0,
            end: End::Unknown(Search::new(low)),
            fetching: Fetching::No,
            bytes: 0,
            notes: 0,
            view: View::End,
            members: Vec::new(),
            unread: 0,
            unread_since: None,
        }
    }

    /// What there is to be seen, with the places.
    #[must_use]
    pub fn items(&self) -> impl DoubleEndedIterator<Item = (Key, &Item)> {
        self.items.range(self.first_key()..).map(|(key, item)| (*key, item))
    }

    /// What stands at `key`.
    #[must_use]
    pub fn item(&self, key: Key) -> Option<&Item> {
        self.items.get(&key)
    }

    /// The place before `key`.
    #[must_use]
    pub fn before(&self, key: Key) -> Option<Key> {
        let first = self.first_key();
        if key <= first { None } else { self.items.range(first..key).next_back().map(|(key, _)| *key) }
    }

    /// The place behind `key`.
    #[must_use]
    pub fn behind(&self, key: Key) -> Option<Key> {
        self.items
            .range((std::ops::Bound::Excluded(key), std::ops::Bound::Unbounded))
            .next()
            .map(|(key, _)| *key)
    }

    /// The message before the number `number`.
    #[must_use]
    pub fn message_before(&self, number: u64) -> Option<&MessageLine> {
        let messages = self.items.range(self.first_key()..(number, 0)).rev();
        messages.into_iter().find_map(|(_, item)| match item {
            Item::Message(message) => Some(message),
            Item::Note(_) => None,
        })
    }

    fn first_key(&self) -> Key {
        // What was noted before the first message of all stands above it.
        self.run.filter(|(first, _)| *first > 1).map_or((0, 0), |(first, _)| (first, 0))
    }

    /// Whether messages before the first that is here may exist.
    #[must_use]
    pub fn has_older(&self) -> bool {
        self.run.is_some_and(|(first, _)| first > self.gone.saturating_add(1))
    }

    /// Whether everything before the first that is here is gone for good.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.gone > 0 && self.run.is_none_or(|(first, _)| first <= self.gone.saturating_add(1))
    }

    /// The greatest number that is known.
    fn last(&self) -> u64 {
        match self.end {
            End::Known(last) => last,
            End::Unknown(_) => self.run.map_or(0, |(_, last)| last),
        }
    }

    /// Takes note that `number` exists, and is the last for now.
    pub fn hear_of(&mut self, number: u64) {
        self.settle(number);
        self.end = End::Known(self.last().max(number));
    }

    /// It is known now that `last` is the last number. Notes from before stand behind it.
    fn settle(&mut self, last: u64) {
        if let End::Unknown(_) = self.end {
            self.end = End::Known(last);
            self.move_notes(last);
        }
    }

    /// Takes note that `number` exists; there may be later ones.
    pub fn hear_of_at_least(&mut self, number: u64) {
        if let End::Unknown(search) = &mut self.end {
            search.hear(number);
        }
    }

    /// Takes a message that was posted just now. Of a conversation that was never opened none is kept.
    pub fn take(&mut self, message: MessageLine, is_open: bool) {
        let number = message.number.get();
        self.settle(number.saturating_sub(1));
        self.hear_of(number);
        let joins = match self.run {
            None => is_open,
            Some((_, last)) => last.checked_add(1) == Some(number) || self.view == View::End,
        };
        if joins {
            self.put(message);
            self.join(number);
        }
    }

    /// Takes note that the messages up to `last` are gone for good.
    pub fn take_gone(&mut self, last: u64) {
        self.gone = self.gone.max(last);
        if self.run.is_some_and(|(_, newest)| newest < last) {
            self.forget_messages();
        }
    }

    /// Puts a note behind what is known.
    pub fn note(&mut self, line: Shown) {
        let place = self.place_behind(self.last());
        if self.items.insert(place, Item::Note(line)).is_none() {
            self.notes += 1;
        }
        if self.notes > NOTES_MAX
            && let Some(oldest) =
                self.items.iter().find_map(|(key, item)| matches!(item, Item::Note(_)).then_some(*key))
        {
            self.items.remove(&oldest);
            self.notes -= 1;
        }
    }

    /// What to ask for, if nothing is under way: `above` and `below` say whether the screen comes near the first and the last that is here.
    #[must_use]
    pub fn wants(&self, above: bool, below: bool) -> Option<Fetch> {
        if self.fetching != Fetching::No {
            return None;
        }
        let last = match self.end {
            End::Unknown(search) => return Some(Fetch { after: search.next(), limit: PAGE }),
            End::Known(last) => last,
        };
        match self.run {
            None if last > self.gone => {
                Some(Fetch { after: last.saturating_sub(PAGE).max(self.gone), limit: PAGE })
            }
            Some((_, newest)) if newest < last && below => Some(Fetch { after: newest, limit: PAGE }),
            Some((first, _)) if above && self.has_older() => Some(self.older(first)),
            _ => None,
        }
    }

    /// The page that ends before `first`, but for what is here of it already.
    fn older(&self, first: u64) -> Fetch {
        let here = self.items.range(..(first, 0)).rev();
        let here = here.into_iter().find_map(|((number, place), _)| (*place == 0).then_some(*number));
        let after = first.saturating_sub(1 + PAGE).max(self.gone).max(here.unwrap_or(0));
        Fetch { after, limit: first.saturating_sub(1).saturating_sub(after).max(1) }
    }

    /// A page is asked for.
    pub const fn begin_fetch(&mut self, fetch: Fetch) {
        self.fetching = Fetching::Yes(fetch);
    }

    /// A page did not come. None is asked for before [`retry`](Self::retry).
    pub const fn fetch_failed(&mut self) {
        self.fetching = Fetching::Failed;
    }

    /// The user looks elsewhere, or the connection is back.
    pub fn retry(&mut self) {
        if self.fetching == Fetching::Failed {
            self.fetching = Fetching::No;
        }
    }

    /// Takes the page `fetch`, and whether there is more behind it.
    pub fn take_page(&mut self, fetch: Fetch, rows: Vec<HistoryRow>, ends: Ends) {
        let ended = ends == Ends::Here;
        if self.fetching != Fetching::Yes(fetch) {
            return;
        }
        self.fetching = Fetching::No;
        let last = rows.last().map(|row| place_of(row).1.get());
        if let End::Unknown(search) = &mut self.end {
            let Some(found) = search.take(fetch.after, last, ended) else { return };
            self.settle(found);
            if !ended || rows.is_empty() {
                return;
            }
        }
        let first_before = self.run.map(|(first, _)| first);
        for row in rows {
            match row {
                HistoryRow::Gone { last, .. } => self.take_gone(last.get()),
                HistoryRow::Message(message) => self.put(message),
            }
        }
        if let Some(last) = last {
            self.end = End::Known(self.last().max(last));
            self.join(last);
        }
        match (first_before, last) {
            // Who asks for what is there, and gets nothing, would ask for ever.
            (Some(first), None) if fetch.after < first => self.gone = self.gone.max(first.saturating_sub(1)),
            (_, None) => self.end = End::Known(fetch.after),
            (Some(_), Some(_)) => self.join_older(),
            (None, Some(_)) => {}
        }
    }

    fn put(&mut self, message: MessageLine) {
        let cost = cost(&message);
        if self.items.insert((message.number.get(), 0), Item::Message(message)).is_none() {
            self.bytes += cost;
        }
    }

    /// Lets the run begin with `number`, or reach it.
    fn join(&mut self, number: u64) {
        if !self.items.contains_key(&(number, 0)) {
            return;
        }
        if self.run.is_none() {
            self.run = Some((number, number));
        }
        if let Some((first, mut last)) = self.run {
            while let Some(next) = last.checked_add(1)
                && self.items.contains_key(&(next, 0))
            {
                last = next;
            }
            self.run = Some((first, last));
        }
        self.join_older();
    }

    fn join_older(&mut self) {
        if let Some((mut first, last)) = self.run {
            while let Some(before) = first.checked_sub(1)
                && self.items.contains_key(&(before, 0))
            {
                first = before;
            }
            self.run = Some((first, last));
        }
    }

    fn move_notes(&mut self, number: u64) {
        let early: Vec<_> = self.items.extract_if((0, 0)..(1, 0), |_, _| true).collect();
        for (_, item) in early {
            let place = self.place_behind(number);
            self.items.insert(place, item);
        }
    }

    /// The first place for a note behind the message `number`.
    fn place_behind(&self, number: u64) -> Key {
        let taken = self.items.range((number, 0)..=(number, u32::MAX)).next_back();
        (number, taken.map_or(1, |((_, place), _)| place.saturating_add(1)))
    }

    /// Forgets the messages that are farthest from what is looked at, if there are too many.
    pub fn trim(&mut self, is_open: bool) {
        let bytes_max = if is_open { OPEN_BYTES_MAX } else { CLOSED_BYTES_MAX };
        while self.bytes > bytes_max
            && let Some((first, last)) = self.run
            && first < last
        {
            let looked_at = match self.view {
                View::End => last,
                View::At { key, .. } => key.0,
            };
            if looked_at.saturating_sub(first) >= last.saturating_sub(looked_at) {
                self.forget((first, 0)..(first + 1, 0));
                self.run = Some((first + 1, last));
            } else {
                self.forget((last, 0)..(u64::MAX, u32::MAX));
                self.run = Some((first, last - 1));
            }
        }
    }

    fn forget(&mut self, keys: std::ops::Range<Key>) {
        let keys: Vec<Key> = self.items.range(keys).map(|(key, _)| *key).collect();
        for key in keys {
            match self.items.remove(&key) {
                Some(Item::Message(message)) => self.bytes -= cost(&message),
                Some(Item::Note(_)) => self.notes -= 1,
                None => {}
            }
        }
    }

    fn forget_messages(&mut self) {
        self.items.retain(|_, item| matches!(item, Item::Note(_)));
        (self.run, self.bytes, self.view) = (None, 0, View::End);
    }

    /// Begins anew: the server has another history.
    pub fn forget_all(&mut self) {
        *self = Self { members: std::mem::take(&mut self.members), ..Self::new(0) };
    }

    /// Takes note of `count` more messages that are not on the screen, posted later than `since`.
    pub fn count_unread(&mut self, count: u64, since: Timestamp) {
        self.unread = self.unread.saturating_add(count);
        let before = self.unread_since.unwrap_or(since);
        self.unread_since = Some(before.min(since));
    }

    /// Everything was on the screen.
    pub const fn read(&mut self) {
        (self.unread, self.unread_since) = (0, None);
    }

    /// Far below what is looked at, the end is fetched alone: what lies between is fetched when it is looked at.
    pub fn go_to_end(&mut self) {
        if let (Some((_, newest)), End::Known(last)) = (self.run, self.end)
            && last.saturating_sub(newest) > 2 * PAGE
        {
            self.forget_messages();
            self.fetching = Fetching::No;
        }
        self.view = View::End;
    }
}

fn cost(message: &MessageLine) -> usize {
    MESSAGE_BYTES + message.author.as_str().len() + message.body.as_str().len()
}

#[cfg(test)]
mod tests;
