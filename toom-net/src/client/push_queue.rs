//! What was pushed and not taken yet, in a bounded place.

use core::time::Duration;
use std::collections::BTreeMap;
use std::collections::VecDeque;

use toom_core::{Conversation, MessageNumber, RoomId};

use super::{Ended, Violation};
use crate::protocol::{ByeCode, Failure, LoggedIn, MessageLine, NameWord, Push, TransferPush};

/// Something that happened, and that nobody asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pushed {
    /// Someone posted.
    Message(MessageLine),
    /// A room was built with you in it.
    Room {
        /// The room.
        room: RoomId,
        /// Its members, who built it first.
        members: Vec<NameWord>,
    },
    /// These messages were not delivered, because the server's place for them was full, or the queue's own: fetch them with `read_since`.
    ///
    /// The first and the last were pushed and missed. Every message of others between them was missed too; messages that this very
    /// session posted are never pushed, and may lie between them.
    Lag {
        /// Of which conversation.
        conversation: Conversation,
        /// The first that was missed.
        first: MessageNumber,
        /// The last that was missed.
        last: MessageNumber,
    },
    /// So many [`Room`](Self::Room)s were not delivered. `read_rooms_since` finds each of them as soon as someone has posted there.
    RoomsMissed {
        /// How many.
        count: u64,
    },
    /// Something about a transfer of a file.
    Transfer(TransferPush),
    /// So many [`Transfer`](Self::Transfer)s were not delivered: whatever transfer is open, its state is not known any more.
    TransfersMissed {
        /// How many.
        count: u64,
    },
    /// The server is about to close.
    Bye(Bye),
    /// These messages are gone for good. Only where a client [stays](super::Client::stay).
    Gone {
        /// Of which conversation.
        conversation: Conversation,
        /// The first of them.
        first: MessageNumber,
        /// The last of them.
        last: MessageNumber,
    },
    /// The connection is lost, and is sought again. All transfers of files are over with it. Only where a client [stays](super::Client::stay).
    Away(Away),
    /// There is a session again; what was missed follows. Only where a client [stays](super::Client::stay).
    Back {
        /// The new session.
        session: LoggedIn,
        /// Whether numbers remembered still mean what they meant.
        store: StoreMet,
    },
}

/// Why there is no connection for now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Away {
    /// The server's reason to close, if it gave one.
    pub bye: Option<Bye>,
    /// Why, in words.
    pub why: Box<str>,
    /// How long until the next try.
    pub pause: Duration,
}

/// What a client that came back meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreMet {
    /// The store that it knows.
    Same,
    /// A store of another epoch: numbers and keys remembered mean nothing there, and what was posted meanwhile is not to be found.
    Other,
}

impl From<&Ended> for Away {
    fn from(ended: &Ended) -> Self {
        let bye = if let Ended::Lost { bye, .. } = ended { bye.clone() } else { None };
        Self { bye, why: ended.to_string().into(), pause: Duration::ZERO }
    }
}

impl From<&Failure> for Away {
    fn from(failure: &Failure) -> Self {
        Self { bye: None, why: failure.text.clone(), pause: Duration::ZERO }
    }
}

/// Why the server closes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {text}", code.as_str())]
pub struct Bye {
    /// Why, for programs.
    pub code: ByeCode,
    /// Why, for people.
    pub text: Box<str>,
}

/// What was pushed and not taken yet, bounded in bytes.
///
/// Someone who reads a connection must go on reading, or the replies behind the pushes never come. So what does not fit is
/// dropped, and [`Pushed::Lag`] stands in its place: within a conversation, messages and `Lag`s come in order of number, and what was pushed is either
/// delivered or within one `Lag`. Once full, the queue drops until half of it was taken: a reader that falls behind gets few long `Lag`s and not many short ones.
/// Rooms built, and what happens to files, have as much room again. `BYE` always fits; it comes last.
#[derive(Debug)]
pub struct PushQueue {
    queue: VecDeque<Pushed>,
    bytes: usize,
    bytes_max: usize,
    state: Filling,
    /// What was dropped since the last event of the conversation went into the queue.
    lagging: BTreeMap<Conversation, (MessageNumber, MessageNumber)>,
    rooms_missed: u64,
    transfers_missed: u64,
    bye: Option<Bye>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filling {
    Taking,
    Dropping,
}

/// What an event takes in memory beside its texts.
const EVENT_BYTES: usize = 128;

impl PushQueue {
    /// What the queue of a [`Client`](super::Client) holds: 1 MiB.
    pub const BYTES_MAX: usize = 1024 * 1024;

    /// In how many conversations messages can be missed at once: 65,536. A user is a member of 1,000 rooms at most, as
    /// servers are set up.
    pub const LAGGING_MAX: usize = 65_536;

    /// An empty queue for events of `bytes_max` bytes, and for rooms of as many.
    #[must_use]
    pub const fn new(bytes_max: usize) -> Self {
        Self {
            queue: VecDeque::new(),
            bytes: 0,
            bytes_max,
            state: Filling::Taking,
            lagging: BTreeMap::new(),
            rooms_missed: 0,
            transfers_missed: 0,
            bye: None,
        }
    }

    /// Puts in what was pushed, or notes that it was missed.
    ///
    /// # Errors
    /// [`Violation::TooManyRooms`] if messages were missed in more than [`LAGGING_MAX`](Self::LAGGING_MAX) conversations.
    pub fn add(&mut self, push: Push) -> Result<(), Violation> {
        match push {
            Push::Message(message) => {
                let (conversation, number) = (message.conversation, message.number);
                self.add_numbered(conversation, number, number, Pushed::Message(message))
            }
            Push::Lag { conversation, first, last } => {
                self.add_numbered(conversation, first, last, Pushed::Lag { conversation, first, last })
            }
            Push::Room { room, members } => {
                self.add_room(Pushed::Room { room, members });
                Ok(())
            }
            Push::Transfer(push) => {
                self.add_transfer(Pushed::Transfer(push));
                Ok(())
            }
            Push::Bye { code, text } => {
                self.bye = Some(Bye { code, text });
                Ok(())
            }
        }
    }

    /// The next event; `None` if there is none yet.
    pub fn take(&mut self) -> Option<Pushed> {
        if let Some(event) = self.queue.pop_front() {
            self.bytes -= event.cost();
            if self.bytes <= self.bytes_max / 2 {
                self.state = Filling::Taking;
                self.settle();
            }
            if self.queue.is_empty() {
                self.queue = VecDeque::new();
            }
            return Some(event);
        }
        self.state = Filling::Taking;
        if self.rooms_missed > 0 {
            return Some(Pushed::RoomsMissed { count: core::mem::take(&mut self.rooms_missed) });
        }
        if self.transfers_missed > 0 {
            return Some(Pushed::TransfersMissed { count: core::mem::take(&mut self.transfers_missed) });
        }
        if let Some((conversation, (first, last))) = self.lagging.pop_first() {
            return Some(Pushed::Lag { conversation, first, last });
        }
        self.bye.take().map(Pushed::Bye)
    }

    /// Puts in what is owed as far as it fits, so that nobody waits for it who never catches up.
    fn settle(&mut self) {
        if self.rooms_missed > 0 && self.bytes + EVENT_BYTES <= self.bytes_max {
            let count = core::mem::take(&mut self.rooms_missed);
            self.push_back(Pushed::RoomsMissed { count });
        }
        if self.transfers_missed > 0 && self.bytes + EVENT_BYTES <= self.bytes_max {
            let count = core::mem::take(&mut self.transfers_missed);
            self.push_back(Pushed::TransfersMissed { count });
        }
        while self.bytes + EVENT_BYTES <= self.bytes_max
            && let Some((conversation, (first, last))) = self.lagging.pop_first()
        {
            self.push_back(Pushed::Lag { conversation, first, last });
        }
    }

    /// Puts in an event that stands for the messages `first` to `last`, behind the `Lag` that is owed.
    fn add_numbered(
        &mut self,
        conversation: Conversation,
        first: MessageNumber,
        last: MessageNumber,
        event: Pushed,
    ) -> Result<(), Violation> {
        let owed = self.lagging.get(&conversation).copied();
        let cost = event.cost() + owed.map_or(0, |_| EVENT_BYTES);
        if self.state == Filling::Taking && self.bytes + cost <= self.bytes_max {
            if let Some((first, last)) = owed {
                self.lagging.remove(&conversation);
                self.push_back(Pushed::Lag { conversation, first, last });
            }
            self.push_back(event);
            return Ok(());
        }
        self.state = Filling::Dropping;
        if owed.is_none() && self.lagging.len() == Self::LAGGING_MAX {
            return Err(Violation::TooManyRooms);
        }
        let missed = owed.map_or((first, last), |(from, to)| (from.min(first), to.max(last)));
        self.lagging.insert(conversation, missed);
        Ok(())
    }

    fn add_room(&mut self, event: Pushed) {
        // Once one was missed, the others wait for the notice that says so, or it would come after rooms built later.
        if self.rooms_missed == 0 && self.bytes + event.cost() <= self.bytes_max * 2 {
            self.push_back(event);
        } else {
            self.rooms_missed += 1;
        }
    }

    fn add_transfer(&mut self, event: Pushed) {
        // As with rooms: what is missed is told before what came later.
        if self.transfers_missed == 0 && self.bytes + event.cost() <= self.bytes_max * 2 {
            self.push_back(event);
        } else {
            self.transfers_missed += 1;
        }
    }

    /// Whether there is room for what does not come from a connection.
    pub(super) const fn has_room(&self) -> bool {
        self.bytes < self.bytes_max / 16
    }

    pub(super) fn push_back(&mut self, event: Pushed) {
        self.bytes += event.cost();
        self.queue.push_back(event);
    }
}

impl Pushed {
    /// What it takes in memory.
    pub(super) fn cost(&self) -> usize {
        EVENT_BYTES
            + match self {
                Self::Message(message) => message.author.as_str().len() + message.body.as_str().len(),
                Self::Room { members, .. } => {
                    members.iter().map(|name| name.as_str().len() + size_of::<NameWord>()).sum()
                }
                Self::Transfer(TransferPush::Offer { user, file, .. }) => {
                    size_of::<TransferPush>() + user.as_str().len() + file.name.as_str().len()
                }
                Self::Transfer(TransferPush::Data { piece, .. }) => {
                    size_of::<TransferPush>() + piece.bytes().len()
                }
                Self::Transfer(TransferPush::End { text, .. }) => size_of::<TransferPush>() + text.len(),
                Self::Transfer(_) => size_of::<TransferPush>(),
                Self::Away(away) => away.why.len(),
                _ => 0,
            }
    }
}

#[cfg(test)]
mod tests;
