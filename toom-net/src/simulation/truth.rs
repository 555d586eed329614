//! What was said, as a reader believes it at sight: lists of messages.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use toom_core::{Conversation, Message, MessageNumber, Retention, RoomCreated, RoomId, Timestamp, UserName};

use super::report::{Broken, Kept, demand};
use crate::protocol::MessageLine;

mod floors;
mod found;
mod offers;

pub(super) use floors::Floors;
use floors::Left;
pub(super) use found::Found;
use offers::Offers;
pub(super) use offers::Side;

/// What every text begins with: who must not see any looks for it.
pub(super) const MARK: &str = "said:";

/// All that was stored and told of.
#[derive(Debug, Default)]
pub(super) struct Truth {
    said: BTreeMap<Conversation, Vec<Message>>,
    rooms: Vec<RoomCreated>,
    /// Every text that somebody wanted to post, and who. No two are alike.
    wanted: BTreeMap<Box<str>, UserName>,
    stored: BTreeSet<Box<str>>,
    /// The latest time that was told, of a message, a room or a login.
    last: Option<Timestamp>,
    /// What had been told before the last batch that the server told of.
    before_last: Told,
    /// Where every conversation ended at each login.
    logins: BTreeMap<Timestamp, BTreeMap<Conversation, u64>>,
    pub(super) offers: Offers,
    retention: Retention,
    floors: Floors,
    /// Whether more may be gone than that: nobody could look.
    more_may_be_gone: bool,
}

/// How many rooms, and messages of each conversation.
#[derive(Clone, Debug, Default)]
struct Told {
    rooms: usize,
    ends: BTreeMap<Conversation, u64>,
}

impl Truth {
    /// Nothing was said yet; so much of what will be is kept.
    pub(super) fn new(retention: Retention) -> Self {
        Self { retention, ..Self::default() }
    }

    /// Somebody is about to post this.
    pub(super) fn want(&mut self, body: &str, who: &UserName) {
        self.wanted.insert(body.into(), who.clone());
    }

    /// What is told from now on is another batch.
    pub(super) fn begin_batch(&mut self) {
        self.before_last = self.told();
    }

    fn told(&self) -> Told {
        let ends = self.said.iter().map(|(place, messages)| (*place, messages.len() as u64)).collect();
        Told { rooms: self.rooms.len(), ends }
    }

    /// The server has told of a message.
    pub(super) fn tell(&mut self, message: &Message) -> Kept {
        let Message { conversation, number, at, author, body } = message;
        let messages = self.said.entry(*conversation).or_default();
        let next = messages.len() as u64 + 1;
        demand(number.get() == next, || {
            format!("numbers have no gaps: {conversation:?} goes on with #{number}, not #{next}")
        })?;
        demand(self.last < Some(*at), || {
            format!(
                "times strictly increase: {conversation:?} #{number} is of {at:?}, behind {:?}",
                self.last
            )
        })?;
        demand(self.wanted.get(body.as_str()) == Some(author), || {
            format!("nobody posted what {conversation:?} #{number} says, {:?}", body.as_str())
        })?;
        demand(self.stored.insert(body.as_str().into()), || {
            format!(
                "a message is stored once: {conversation:?} #{number} is there twice, {:?}",
                body.as_str()
            )
        })?;
        messages.push(message.clone());
        self.last = Some(*at);
        Ok(())
    }

    /// The server has told of a room.
    pub(super) fn tell_room(&mut self, id: RoomId, at: Timestamp, members: &Arc<[UserName]>) -> Kept {
        let next = self.rooms.len() + 1;
        demand(usize::try_from(id.number()).ok() == Some(next), || {
            format!("rooms are numbered without gaps: room {id} comes, not {next}")
        })?;
        demand(self.last < Some(at), || format!("times strictly increase: room {id} is of {at:?}"))?;
        demand(!self.rooms.iter().any(|room| same(&room.members, members)), || {
            format!("no two rooms have the same members: room {id}")
        })?;
        self.rooms.push(RoomCreated { room: id, at, members: Arc::clone(members), key: None });
        self.last = Some(at);
        Ok(())
    }

    /// The server has told of a login.
    pub(super) fn tell_login(&mut self, at: Timestamp) -> Kept {
        // It is the stamp of an earlier one while the store takes no writes.
        demand(self.last <= Some(at), || {
            format!("stamps never fall: a login is of {at:?}, behind {:?}", self.last)
        })?;
        self.last = Some(at);
        self.logins.insert(at, self.told().ends);
        Ok(())
    }

    /// Where a conversation ended at a login.
    pub(super) fn end_at_login(&self, place: Conversation, login: Timestamp) -> u64 {
        self.logins.get(&login).and_then(|ends| ends.get(&place)).copied().unwrap_or_default()
    }

    /// Demands that a store holds all that was told, but for what it may have dropped, and takes what it holds on top; tells how much that
    /// is, and how much was dropped that nobody knew of.
    pub(super) fn take(&mut self, found: &Found) -> Kept<(usize, u64)> {
        let went = self.holds(found)?;
        let later_rooms = found.rooms.iter().skip(self.rooms.len());
        let mut later: Vec<(Timestamp, Option<&RoomCreated>, Option<&Message>)> =
            later_rooms.map(|room| (room.at, Some(room), None)).collect();
        for (place, messages) in &found.said {
            let known = self.end(*place);
            let messages = messages.iter().filter(|message| message.number.get() > known);
            later.extend(messages.map(|message| (message.at, None, Some(message))));
        }
        later.sort_by_key(|(at, ..)| *at);
        for (_, room, message) in &later {
            room.map_or(Ok(()), |room| self.tell_room(room.room, room.at, &room.members))?;
            message.map_or(Ok(()), |message| self.tell(message))?;
        }
        // What was found has left the journal.
        self.begin_batch();
        self.floors = found.floors.clone();
        self.more_may_be_gone = false;
        Ok((later.len(), went))
    }

    /// The server was seen to keep what lies above `floors`, and to take so many bytes for it; `None` if it could not be asked. Demands that
    /// no more is gone than may be; tells how much went.
    pub(super) fn sees(&mut self, seen: Option<(Floors, u64)>) -> Kept<u64> {
        let Some((floors, bytes)) = seen else {
            self.more_may_be_gone = true;
            return Ok(0);
        };
        let left = Left { newest: self.newest(), bytes: (!self.more_may_be_gone).then_some(bytes) };
        let went = floors.follow(&self.floors, &self.said, self.retention, left)?;
        self.floors = floors;
        self.more_may_be_gone = false;
        Ok(went)
    }

    /// The first number that is kept of a conversation, as far as anybody knows.
    pub(super) fn floor(&self, place: Conversation) -> u64 {
        self.floors.of(place)
    }

    /// Demands that messages that are said to be gone for good are.
    pub(super) fn is_gone(&self, place: Conversation, last: u64, to: &UserName) -> Kept {
        let is_gone = last < self.floor(place) || self.more_may_be_gone && last <= self.end(place);
        demand(self.is_open_to(place, to) && is_gone, || {
            format!("what is said to be gone is: {to} is told so of {place:?} #{last}")
        })
    }

    /// All conversations.
    pub(super) fn places(&self) -> Vec<Conversation> {
        let rooms = self.rooms.iter().map(|room| Conversation::Room(room.room));
        core::iter::once(Conversation::Broadcast).chain(rooms).collect()
    }

    /// Demands that a store holds all that was told.
    pub(super) fn holds(&self, found: &Found) -> Kept<u64> {
        self.holds_as_far_as(&self.told(), found)
    }

    /// The same, but that the last batch may be missing.
    pub(super) fn holds_all_but_the_last_batch(&self, found: &Found) -> Kept<u64> {
        self.holds_as_far_as(&self.before_last, found)
    }

    fn holds_as_far_as(&self, far: &Told, found: &Found) -> Kept<u64> {
        let rooms = self.rooms.iter().take(far.rooms);
        for (told, stored) in rooms.zip(found.rooms.iter().map(Some).chain(core::iter::repeat(None))) {
            let there = stored.is_some_and(|stored| stored.members == told.members && stored.at == told.at);
            demand(there, || format!("what was told is there for ever: room {} is not", told.room))?;
        }
        for (place, told) in &self.said {
            let end = far.ends.get(place).copied().unwrap_or_default();
            let told = told.get(..usize::try_from(end).unwrap_or_default()).unwrap_or(told);
            let gone = usize::try_from(found.floors.of(*place) - 1).unwrap_or(usize::MAX);
            let told = told.get(gone..).unwrap_or_default();
            let stored = found.said.get(place).map(Vec::as_slice).unwrap_or_default();
            let lost = told.iter().zip(stored.iter().map(Some).chain(core::iter::repeat(None)));
            let lost = lost.into_iter().find(|(told, stored)| Some(*told) != *stored);
            if let Some((told, stored)) = lost {
                return Err(Broken(format!(
                    "what was told is there for ever: {place:?} #{} is not, but {stored:?}",
                    told.number
                )));
            }
        }
        let left = Left { newest: found.newest().max(self.newest()), bytes: Some(found.bytes) };
        found.floors.follow(&self.floors, &self.said, self.retention, left)
    }

    /// The time of the newest message.
    fn newest(&self) -> Option<Timestamp> {
        self.said.values().filter_map(|messages| messages.last()).map(|message| message.at).max()
    }

    /// The last number of a conversation.
    pub(super) fn end(&self, place: Conversation) -> u64 {
        self.said.get(&place).map_or(0, |messages| messages.len() as u64)
    }

    pub(super) fn message(&self, place: Conversation, number: u64) -> Option<&Message> {
        let index = usize::try_from(number.checked_sub(1)?).ok()?;
        self.said.get(&place)?.get(index)
    }

    /// The last number that is not later than a time.
    pub(super) fn number_at(&self, place: Conversation, since: Timestamp) -> u64 {
        let messages = self.said.get(&place).map(Vec::as_slice).unwrap_or_default();
        messages.partition_point(|message| message.at <= since) as u64
    }

    pub(super) fn room(&self, id: RoomId) -> Option<&RoomCreated> {
        self.rooms.iter().find(|room| room.room == id)
    }

    /// Whether a user may read and post in a conversation.
    pub(super) fn is_open_to(&self, place: Conversation, user: &UserName) -> bool {
        match place {
            Conversation::Broadcast => true,
            Conversation::Room(id) => self.room(id).is_some_and(|room| room.members.contains(user)),
        }
    }

    /// The conversations of a user.
    pub(super) fn places_of(&self, user: &UserName) -> Vec<Conversation> {
        let rooms = self.rooms.iter().filter(|room| room.members.contains(user));
        let rooms = rooms.map(|room| Conversation::Room(room.room));
        core::iter::once(Conversation::Broadcast).chain(rooms).collect()
    }

    /// Demands that what somebody is shown is what was said, and that they may see it.
    pub(super) fn shows(&self, line: &MessageLine, to: &UserName) -> Kept {
        let MessageLine { conversation, number, at, author, body } = line;
        demand(self.is_open_to(*conversation, to), || {
            format!("nobody sees rooms of others: {to} is shown {conversation:?} #{number}")
        })?;
        let said = self.message(*conversation, number.get());
        let same = said.is_some_and(|said| {
            said.at == *at && said.author.as_str() == author.as_str() && said.body.as_str() == body.as_str()
        });
        demand(same, || {
            format!(
                "what is shown was said: {to} is shown {conversation:?} #{number} {:?}, not {said:?}",
                body.as_str()
            )
        })
    }

    /// Demands that a post that is said to be stored is.
    pub(super) fn confirms(
        &self,
        place: Conversation,
        number: MessageNumber,
        at: Timestamp,
        body: &str,
    ) -> Kept {
        let said = self.message(place, number.get());
        demand(said.is_some_and(|said| said.at == at && said.body.as_str() == body), || {
            format!("what was acknowledged is there: {place:?} #{number} {body:?} is not, but {said:?}")
        })
    }
}

fn same(one: &[UserName], other: &[UserName]) -> bool {
    let set = |names: &[UserName]| names.iter().cloned().collect::<BTreeSet<_>>();
    set(one) == set(other)
}
