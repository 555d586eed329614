//! The questions that the stores are asked: the same ones, in the same order.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::SplitMix64;
use toom_core::{Conversation, MessageNumber, Timestamp};

use super::{Feed, SECOND_MICROS, START_MICROS, timestamp};

/// Messages of a page.
pub const PAGE: usize = 100;
/// Messages of a long read.
pub const LONG: usize = 10_000;
/// How many messages a room of middling size has, and how many such rooms are read.
const MIDDLING: u64 = 500;
const MIDDLING_ROOMS: usize = 200;

/// Where a read begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// Later than a time, which the store has to find.
    Since(Timestamp),
    /// After a number, which is known.
    After(Option<MessageNumber>),
}

/// A read of one page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Query {
    /// What is read.
    pub conversation: Conversation,
    /// Where it begins.
    pub from: From,
    /// How many messages at most.
    pub limit: usize,
}

/// Draws queries on what a feed has made.
#[derive(Debug)]
pub struct Asker {
    random: SplitMix64,
    messages: u64,
    broadcast: u64,
    rooms: Vec<(Conversation, u64)>,
    middling: Vec<(Conversation, u64)>,
    last: Timestamp,
}

impl Asker {
    /// Asks about the messages of `feed`, always the same for one `seed`.
    #[must_use]
    pub fn new(feed: &Feed, seed: u64) -> Self {
        let rooms: Vec<_> = feed.counts().skip(1).filter(|&(_, count)| count > 0).collect();
        let mut middling = rooms.clone();
        middling.sort_by_key(|&(_, count)| count.abs_diff(MIDDLING));
        middling.truncate(MIDDLING_ROOMS);
        Self {
            random: SplitMix64::seed_from_u64(seed),
            messages: feed.made(),
            broadcast: feed.counts().next().map_or(0, |(_, count)| count),
            rooms,
            middling,
            last: feed.last().map_or(Timestamp::MIN, |(_, _, at)| at),
        }
    }

    /// A page at a random time of the broadcast conversation.
    pub fn page_large(&mut self) -> Query {
        self.page(Conversation::Broadcast)
    }

    /// A page at a random time of a room of some hundred messages.
    pub fn page_room(&mut self) -> Query {
        let (room, _) = draw(&mut self.random, &self.middling);
        self.page(room)
    }

    /// A page at a random time of any conversation: half the time the broadcast one, else a room.
    pub fn page_anywhere(&mut self) -> Query {
        if self.random.random_bool(0.5) {
            return self.page_large();
        }
        let (room, _) = draw(&mut self.random, &self.rooms);
        self.page(room)
    }

    /// The last page of the broadcast conversation.
    pub fn last_large(&mut self) -> Query {
        last_page(Conversation::Broadcast, self.broadcast)
    }

    /// The last page of a room of some hundred messages.
    pub fn last_room(&mut self) -> Query {
        let (room, count) = draw(&mut self.random, &self.middling);
        last_page(room, count)
    }

    /// What came after the last message: nothing.
    pub fn nothing_new(&mut self) -> Query {
        Query { conversation: Conversation::Broadcast, from: From::Since(self.last), limit: PAGE }
    }

    /// Ten thousand messages of the broadcast conversation, or all where there are fewer.
    pub fn long(&mut self) -> Query {
        let after = self.random.random_range(0..=self.broadcast.saturating_sub(LONG as u64));
        let from = From::After(MessageNumber::new(after));
        Query { conversation: Conversation::Broadcast, from, limit: LONG }
    }

    fn page(&mut self, conversation: Conversation) -> Query {
        let second = i64::try_from(self.random.random_range(0..=self.messages)).unwrap_or(0);
        let since =
            timestamp(START_MICROS + second * SECOND_MICROS + self.random.random_range(0..SECOND_MICROS));
        Query { conversation, from: From::Since(since), limit: PAGE }
    }
}

fn last_page(conversation: Conversation, count: u64) -> Query {
    let after = MessageNumber::new(count.saturating_sub(PAGE as u64));
    Query { conversation, from: From::After(after), limit: PAGE }
}

/// One of `rooms`; the broadcast conversation where there are none yet.
fn draw(random: &mut SplitMix64, rooms: &[(Conversation, u64)]) -> (Conversation, u64) {
    let drawn = random.random_range(0..rooms.len().max(1));
    rooms.get(drawn).copied().unwrap_or((Conversation::Broadcast, 0))
}
