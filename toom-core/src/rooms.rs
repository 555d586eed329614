//! What the records add up to: the rooms, the end of every conversation, and the keyed requests.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::digest::Canonical;
use crate::keyed::{KeyedRequest, KeyedRequests};
use crate::{
    Conversation, Digest, MessageNumber, Record, Recovered, Room, RoomCreated, RoomId, Seed, Tail, Timestamp,
    UserName,
};

/// The state that records make: [`apply`](Self::apply) is the one way to change it, for new records and old ones.
///
/// A batch that is not stored yet is a second one of these, laid over the first by [`Layers`](crate::layers::Layers).
#[derive(Debug, Default)]
pub(crate) struct Rooms {
    built: BTreeMap<RoomId, BuiltRoom>,
    by_members: BTreeMap<Arc<[UserName]>, RoomId>,
    of_user: BTreeMap<UserName, Vec<RoomId>>,
    ends: BTreeMap<Conversation, End>,
    keyed: KeyedRequests,
    last_at: Option<Timestamp>,
}

#[derive(Debug)]
struct BuiltRoom {
    room: Room,
    /// The members in order of name.
    sorted: Arc<[UserName]>,
}

/// The last message of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct End {
    pub(crate) number: MessageNumber,
    pub(crate) at: Timestamp,
}

impl Rooms {
    pub(crate) fn recover(recovered: Recovered) -> Self {
        let mut rooms = Self::default();
        for created in &recovered.rooms {
            rooms.apply_room(created);
        }
        for Tail { conversation, number, at } in recovered.tails {
            rooms.apply_end(conversation, End { number, at });
        }
        for request in recovered.keyed {
            rooms.keyed.remember(request);
        }
        rooms
    }

    pub(crate) fn apply(&mut self, record: &Record) {
        match record {
            Record::RoomCreated(created) => self.apply_room(created),
            Record::Posted(posted) => {
                let message = &posted.message;
                self.apply_end(message.conversation, End { number: message.number, at: message.at });
            }
        }
        if let Some(request) = KeyedRequest::of(record) {
            self.keyed.remember(request);
        }
    }

    fn apply_room(&mut self, created: &RoomCreated) {
        let sorted = sorted(&created.members);
        for member in &*sorted {
            self.of_user.entry(member.clone()).or_default().push(created.room);
        }
        self.by_members.insert(sorted.clone(), created.room);
        let room = Room { id: created.room, at: created.at, members: created.members.clone() };
        self.built.insert(created.room, BuiltRoom { room, sorted });
        self.last_at = self.last_at.max(Some(created.at));
    }

    fn apply_end(&mut self, conversation: Conversation, end: End) {
        self.ends.insert(conversation, end);
        self.last_at = self.last_at.max(Some(end.at));
    }

    /// The time of the last record.
    pub(crate) fn last_at(&self) -> Option<Timestamp> {
        self.last_at
    }

    pub(crate) fn last_room(&self) -> Option<RoomId> {
        self.built.last_key_value().map(|(id, _)| *id)
    }

    pub(crate) fn end(&self, conversation: Conversation) -> Option<End> {
        self.ends.get(&conversation).copied()
    }

    /// The room, if `user` is a member of it.
    pub(crate) fn joined(&self, id: RoomId, user: &UserName) -> Option<&Room> {
        let built = self.built.get(&id)?;
        built.sorted.binary_search(user).ok().map(|_| &built.room)
    }

    pub(crate) fn room(&self, id: RoomId) -> Option<&Room> {
        self.built.get(&id).map(|built| &built.room)
    }

    /// The rooms of `user`, in order of number.
    pub(crate) fn of_user(&self, user: &UserName) -> &[RoomId] {
        self.of_user.get(user).map_or(&[], Vec::as_slice)
    }

    /// The time of the last message in the rooms of `user`.
    pub(crate) fn last_said_to(&self, user: &UserName) -> Option<Timestamp> {
        let ends = self.of_user(user).iter().filter_map(|room| self.end(Conversation::Room(*room)));
        ends.map(|end| end.at).max()
    }

    /// The room whose members are exactly these, in order of name.
    pub(crate) fn with_members(&self, sorted: &[UserName]) -> Option<RoomId> {
        self.by_members.get(sorted).copied()
    }

    pub(crate) fn keyed(&self) -> &KeyedRequests {
        &self.keyed
    }

    /// Stands for all that records made of this state: the same after recovery as before.
    pub(crate) fn digest(&self) -> Digest {
        let mut canonical = Canonical::new(Seed::default());
        let into = &mut canonical;
        into.number(self.built.len() as u64);
        for built in self.built.values() {
            into.number(built.room.id.number()).number(micros(built.room.at));
            into.number(built.room.members.len() as u64);
            built.room.members.iter().for_each(|member| {
                into.user(member).text(member.as_str());
            });
        }
        into.number(self.ends.len() as u64);
        for (conversation, end) in &self.ends {
            into.conversation(*conversation).number(end.number.get()).number(micros(end.at));
        }
        let keyed = self.keyed.in_order_of_time();
        into.number(keyed.len() as u64);
        for request in &keyed {
            into.user(&request.user).text(request.key.as_str());
            into.number(micros(request.at)).number(request.request.bits());
        }
        canonical.digest()
    }
}

pub(crate) fn sorted(members: &[UserName]) -> Arc<[UserName]> {
    let mut sorted = members.to_vec();
    sorted.sort_unstable();
    sorted.into()
}

fn micros(at: Timestamp) -> u64 {
    at.unix_micros().cast_unsigned()
}
