//! The messages that every store gets: the same ones, in the same order, from one seed.

use std::sync::Arc;

use rand::{RngExt, SeedableRng, distr::Distribution};
use rand_distr::Zipf;
use rand_xoshiro::SplitMix64;
use toom_core::{
    Body, Conversation, Message, MessageNumber, Posted, Record, RoomCreated, RoomId, Timestamp, UserName,
};

use self::text::Words;

pub mod query;
mod text;

/// Bytes of the text of a message.
pub const BODY_BYTES: usize = 100;
/// Bytes of a message: its text, its author's name, its number and its time.
pub const MESSAGE_BYTES: usize = BODY_BYTES + 8 + 8 + 8;

const SEED: u64 = 0x700d_ba11;
const AUTHORS: usize = 1000;
const SECOND_MICROS: i64 = 1_000_000;
/// 2022-08-04T09:02:21Z.
pub(crate) const START_MICROS: i64 = 1_659_603_741_000_000;

/// Makes messages one after the other, half of them broadcast, half spread over the rooms by Zipf's law (s = 1).
///
/// The n-th message is the same in every feed with as many rooms.
#[derive(Clone, Debug)]
pub struct Feed {
    spread: Zipf<f64>,
    words: Arc<Words>,
    authors: Arc<[UserName]>,
    /// How many messages each conversation has; the broadcast conversation comes first.
    counts: Vec<u64>,
    made: u64,
    last: Option<(Conversation, MessageNumber, Timestamp)>,
}

impl Feed {
    /// Starts before the first message.
    ///
    /// # Panics
    /// If there is no room.
    #[must_use]
    pub fn new(rooms: u32) -> Self {
        let author = |number| UserName::parse(&format!("user{number:04}")).expect("letters and digits");
        Self {
            spread: Zipf::new(f64::from(rooms), 1.0).expect("one room at least, and a positive exponent"),
            words: Arc::new(Words::new()),
            authors: (0..AUTHORS).map(author).collect(),
            counts: vec![0; rooms as usize + 1],
            made: 0,
            last: None,
        }
    }

    /// The records of the rooms, which come before every message.
    #[must_use]
    pub fn rooms(&self) -> Vec<Record> {
        let micros = i64::try_from(self.counts.len()).unwrap_or(i64::MAX);
        let members: Arc<[UserName]> = self.authors.iter().take(4).cloned().collect();
        let created = |room: RoomId| RoomCreated {
            room,
            at: timestamp(START_MICROS - micros + i64::from(room.number())),
            members: Arc::clone(&members),
            key: None,
        };
        let rooms = core::iter::successors(Some(RoomId::FIRST), |room| room.next());
        rooms.take(self.counts.len() - 1).map(|room| Record::RoomCreated(created(room))).collect()
    }

    /// The next `messages` messages.
    #[must_use]
    pub fn batch(&mut self, messages: usize) -> Vec<Record> {
        (0..messages).map(|_| self.message()).collect()
    }

    /// Leaves out the next `messages` messages.
    pub fn skip(&mut self, messages: u64) {
        for _ in 0..messages {
            self.step();
        }
    }

    /// How many messages were made or left out.
    #[must_use]
    pub fn made(&self) -> u64 {
        self.made
    }

    /// The last message that was made or left out.
    #[must_use]
    pub fn last(&self) -> Option<(Conversation, MessageNumber, Timestamp)> {
        self.last
    }

    /// Every conversation with the number of its messages, the broadcast conversation first.
    pub fn counts(&self) -> impl Iterator<Item = (Conversation, u64)> + '_ {
        (0_u32..).map(conversation).zip(self.counts.iter().copied())
    }

    fn message(&mut self) -> Record {
        let (conversation, number, at, mut random) = self.step();
        let author = random.random_range(0..self.authors.len());
        let author = self.authors.get(author).expect("drawn among the authors").clone();
        let body = Body::parse(&self.words.text(&mut random)).expect("a text of words");
        Record::Posted(Posted { message: Message { conversation, number, at, author, body }, key: None })
    }

    /// Goes on by one message; what is random in its author and text is still to be drawn.
    fn step(&mut self) -> (Conversation, MessageNumber, Timestamp, SplitMix64) {
        let mut random = SplitMix64::seed_from_u64(SEED.wrapping_add(self.made));
        let room = if random.random_bool(0.5) { 0 } else { whole(self.spread.sample(&mut random)) };
        let count = self.counts.get_mut(room as usize).expect("the law gives 1 to the number of rooms");
        *count += 1;
        let number = MessageNumber::new(*count).expect("one or more");
        let second = i64::try_from(self.made).unwrap_or(i64::MAX / SECOND_MICROS - START_MICROS);
        let micros = START_MICROS + second * SECOND_MICROS + random.random_range(0..SECOND_MICROS);
        let (conversation, at) = (conversation(room), timestamp(micros));
        self.made += 1;
        self.last = Some((conversation, number, at));
        (conversation, number, at, random)
    }
}

/// The conversation numbered `number`: 0 is broadcast, the others are the rooms.
#[must_use]
pub fn conversation(number: u32) -> Conversation {
    RoomId::new(number).map_or(Conversation::Broadcast, Conversation::Room)
}

/// The number of `conversation`, by which the rivals know it.
#[must_use]
pub fn conversation_number(conversation: Conversation) -> u32 {
    match conversation {
        Conversation::Broadcast => 0,
        Conversation::Room(room) => room.number(),
    }
}

/// The messages among `records`, which are all that the rivals keep.
pub fn messages(records: &[Record]) -> impl Iterator<Item = &Message> {
    records.iter().filter_map(|record| match record {
        Record::Posted(posted) => Some(&posted.message),
        Record::RoomCreated(_) => None,
    })
}

fn timestamp(micros: i64) -> Timestamp {
    Timestamp::from_unix_micros(micros).expect("a few years after 2022")
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a whole number that is a room's"
)]
fn whole(drawn: f64) -> u32 {
    drawn as u32
}

#[cfg(test)]
mod tests;
