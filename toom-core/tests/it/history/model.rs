//! The naive model that the engine is compared with.

use core::time::Duration;

use toom_core::{
    ActiveUser, Answer, Audience, Body, BroadcastError, Config, Conversation, CreateRoomError, Effect,
    IdempotencyKey, LoggedIn, LoginError, Members, Message, MessageNumber, NoSuchAccount, NotLoggedIn, Now,
    Outcome, PostError, Posted, ReadError, Receipt, Record, Room, RoomCreated, RoomId, SessionEnd, SessionId,
    Since, Timestamp, UserName,
};

use crate::history::faulty::Fault;
use crate::history::schedule::{Order, Write};

/// What the engine should say and do, told without any cleverness: a list of everything that was ever accepted, oldest first,
/// and every question is answered by looking through the whole of it.
///
/// * Who may read and post: who stands in the room's list of members.
/// * A message's number: how many messages its conversation has, and one.
/// * What is later than a time: the messages whose time is later.
/// * Whether a request was made before: whether one of the user's last 256 keyed ones bears the key.
///
/// It knows nothing of stores. Whoever drives it takes from [`accepted`](Self::accepted) what a store refused.
#[derive(Clone)]
pub(crate) struct Model {
    pub(crate) accepted: Vec<Record>,
    pub(crate) accounts: Vec<UserName>,
    pub(crate) sessions: Vec<Session>,
    pub(crate) config: Config,
    /// As in `MemoryStorage::keeping`.
    pub(crate) kept_max: Option<usize>,
    /// The last time that was given to anything. It is not given again, even if the store refused what bore it.
    pub(crate) stamped: Option<Timestamp>,
    /// The last time that the store is known to keep: nobody is told of a login that is later.
    pub(crate) kept: Option<Timestamp>,
    /// What the store was last asked to keep beside the records.
    pub(crate) reserved: Option<Timestamp>,
    /// When it last refused that.
    pub(crate) refused: Option<Duration>,
    pub(crate) mono: Duration,
}

#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) id: SessionId,
    /// The name as the account spelled it at the login.
    pub(crate) user: UserName,
    pub(crate) at: Timestamp,
    pub(crate) used: Duration,
}

/// A row of a page, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    Message { conversation: Conversation, number: u64, at: Timestamp, author: String, body: String },
    Gone { conversation: Conversation, first: u64, last: u64 },
}

impl Model {
    pub(crate) fn new(config: Config, kept_max: Option<usize>) -> Self {
        let (accepted, accounts, sessions) = (Vec::new(), Vec::new(), Vec::new());
        let (stamped, kept, reserved, refused) = (None, None, None, None);
        let mono = Duration::ZERO;
        Self { accepted, accounts, sessions, config, kept_max, stamped, kept, reserved, refused, mono }
    }

    // Accounts and sessions.

    pub(crate) fn put_account(&mut self, name: &UserName) {
        self.accounts.retain(|known| known != name);
        self.accounts.push(name.clone());
    }

    pub(crate) fn remove_account(&mut self, name: &UserName) -> Result<Outcome<()>, NoSuchAccount> {
        if !self.accounts.contains(name) {
            return Err(NoSuchAccount);
        }
        self.accounts.retain(|known| known != name);
        let theirs = self.sessions.iter().filter(|session| session.user == *name).map(|session| session.id);
        let mut ended: Vec<_> = theirs.collect();
        ended.sort();
        self.sessions.retain(|session| session.user != *name);
        Ok(ended_by(&ended, SessionEnd::AccountRemoved))
    }

    /// A login with the right password to an account that is there, on a store that may be asked to keep a time.
    pub(crate) fn login(
        &mut self,
        name: &UserName,
        id: SessionId,
        now: Now,
        keep: impl FnOnce() -> Result<(), Fault>,
    ) -> Result<Outcome<LoggedIn>, LoginError> {
        self.advance(now);
        let user = self.accounts.iter().find(|known| *known == name).unwrap().clone();
        let limits = self.config.limits;
        if self.sessions.iter().any(|session| session.id == id) {
            return Err(LoginError::SessionInUse);
        }
        if self.sessions.iter().filter(|session| session.user == user).count()
            >= limits.sessions_per_account_max
        {
            return Err(LoginError::TooManySessions { limit: limits.sessions_per_account_max });
        }
        if self.sessions.len() >= limits.sessions_max {
            return Err(LoginError::TooManySessions { limit: limits.sessions_max });
        }
        let at = self.stamp_login(now, keep);
        self.sessions.push(Session { id, user: user.clone(), at, used: self.mono });
        self.sessions.sort_by_key(|session| session.id);
        let reply = LoggedIn { session: id, user, at, ordinal: self.sessions.len() };
        Ok(Outcome { reply, effects: Vec::new() })
    }

    pub(crate) fn logout(&mut self, id: SessionId, now: Now) -> Result<Outcome<UserName>, NotLoggedIn> {
        let user = self.user(id, now)?;
        self.sessions.retain(|session| session.id != id);
        let effects = ended_by(&[id], SessionEnd::LoggedOut).effects;
        Ok(Outcome { reply: user, effects })
    }

    /// The user of a session that is open and was not idle for too long; it is in use now.
    pub(crate) fn user(&mut self, id: SessionId, now: Now) -> Result<UserName, NotLoggedIn> {
        self.advance(now);
        let (mono, idle) = (self.mono, self.config.policy.session_idle);
        let session = self.sessions.iter_mut().find(|session| session.id == id).ok_or(NotLoggedIn)?;
        if idle.is_some_and(|idle| mono >= session.used + idle) {
            return Err(NotLoggedIn);
        }
        session.used = mono;
        Ok(session.user.clone())
    }

    pub(crate) fn expire(&mut self, now: Now) -> Outcome<()> {
        self.advance(now);
        let Some(idle) = self.config.policy.session_idle else { return ended_by(&[], SessionEnd::Idle) };
        let mut over: Vec<_> =
            self.sessions.iter().map(|session| (session.used + idle, session.id)).collect();
        over.retain(|(end, _)| *end <= self.mono);
        over.sort();
        let ended: Vec<_> = over.into_iter().map(|(_, id)| id).collect();
        self.sessions.retain(|session| !ended.contains(&session.id));
        ended_by(&ended, SessionEnd::Idle)
    }

    /// When the first session will have been idle for too long.
    pub(crate) fn next_end(&self) -> Option<Duration> {
        let idle = self.config.policy.session_idle?;
        self.sessions.iter().map(|session| session.used + idle).min()
    }

    pub(crate) fn active_users(&mut self, id: SessionId, now: Now) -> Result<Vec<ActiveUser>, NotLoggedIn> {
        let me = self.user(id, now)?;
        let mut others: Vec<_> = self.sessions.iter().filter(|session| session.user != me).collect();
        others.sort_by_key(|session| (session.user.clone(), session.at));
        others.dedup_by_key(|session| session.user.clone());
        Ok(others.iter().map(|first| ActiveUser { user: first.user.clone(), since: first.at }).collect())
    }

    pub(crate) fn audience(&self, audience: &Audience) -> Vec<SessionId> {
        let ids = |wanted: &dyn Fn(&Session) -> bool| -> Vec<_> {
            self.sessions.iter().filter(|session| wanted(session)).map(|session| session.id).collect()
        };
        match audience {
            Audience::Everyone { except } => ids(&|session| session.id != *except),
            Audience::Members { members, except } => members
                .iter()
                .flat_map(|member| ids(&|session| session.user == *member && session.id != *except))
                .collect(),
        }
    }

    // What is written.

    pub(crate) fn write(&mut self, order: &Order, now: Now) -> Answer {
        let (session, key) = (order.session, order.key.as_ref());
        match &order.write {
            Write::Broadcast(body) => Answer::Broadcast(self.broadcast(session, body, key, now)),
            Write::CreateRoom(others) => Answer::CreateRoom(self.create_room(session, others, key, now)),
            Write::PostRoom(room, body) => Answer::PostRoom(self.post_room(session, *room, body, key, now)),
        }
    }

    fn broadcast(
        &mut self,
        session: SessionId,
        body: &Body,
        key: Option<&IdempotencyKey>,
        now: Now,
    ) -> Result<Outcome<Receipt>, BroadcastError> {
        let author = self.user(session, now)?;
        self.message(Conversation::Broadcast, author, Audience::Everyone { except: session }, body, key, now)
    }

    fn post_room(
        &mut self,
        session: SessionId,
        id: RoomId,
        body: &Body,
        key: Option<&IdempotencyKey>,
        now: Now,
    ) -> Result<Outcome<Receipt>, PostError> {
        let author = self.user(session, now)?;
        let mut mine = self.rooms_of(&author).into_iter();
        let room = mine.find(|room| room.id == id).ok_or(PostError::NoSuchRoom)?;
        let audience = Audience::Members { members: room.members, except: session };
        Ok(self.message(Conversation::Room(id), author, audience, body, key, now)?)
    }

    fn message(
        &mut self,
        conversation: Conversation,
        author: UserName,
        audience: Audience,
        body: &Body,
        key: Option<&IdempotencyKey>,
        now: Now,
    ) -> Result<Outcome<Receipt>, BroadcastError> {
        match self.asked_before(&author, key) {
            Some(Record::Posted(Posted { message, .. }))
                if message.conversation == conversation && message.body == *body =>
            {
                let (number, at) = (message.number, message.at);
                return Ok(Outcome { reply: Receipt { conversation, number, at }, effects: Vec::new() });
            }
            Some(_) => return Err(BroadcastError::KeyReused),
            None => {}
        }
        let (size, limit) = (body.as_str().len(), self.config.limits.body_bytes_max);
        if size > limit {
            return Err(BroadcastError::BodyTooLong { size, limit });
        }
        let number = MessageNumber::new(self.messages(conversation).len() as u64 + 1).unwrap();
        let at = self.stamp(now).ok_or(BroadcastError::EndOfTime)?;
        let message = Message { conversation, number, at, author, body: body.clone() };
        self.accepted.push(Record::Posted(Posted { message: message.clone(), key: key.cloned() }));
        let effects = vec![Effect::Deliver { audience, message }];
        Ok(Outcome { reply: Receipt { conversation, number, at }, effects })
    }

    fn create_room(
        &mut self,
        session: SessionId,
        others: &[UserName],
        key: Option<&IdempotencyKey>,
        now: Now,
    ) -> Result<Outcome<Room>, CreateRoomError> {
        let creator = self.user(session, now)?;
        let asked_for = || core::iter::once(&creator).chain(others);
        match self.asked_before(&creator, key) {
            Some(Record::RoomCreated(room)) if set(&*room.members) == set(asked_for()) => {
                return Ok(Outcome { reply: told(room), effects: Vec::new() });
            }
            Some(_) => return Err(CreateRoomError::KeyReused),
            None => {}
        }
        let members = self.members(&creator, others)?;
        let at = self.stamp(now).ok_or(CreateRoomError::EndOfTime)?;
        let room = RoomId::new(u32::try_from(self.rooms().len()).unwrap() + 1).unwrap();
        let created = RoomCreated { room, at, members: members.into(), key: key.cloned() };
        self.accepted.push(Record::RoomCreated(created.clone()));
        let audience = Audience::Members { members: created.members.clone(), except: session };
        let effects = vec![Effect::RoomOpened { audience, room: told(&created) }];
        Ok(Outcome { reply: told(&created), effects })
    }

    fn members(&self, creator: &UserName, others: &[UserName]) -> Result<Vec<UserName>, CreateRoomError> {
        let limits = self.config.limits;
        let mut members = vec![creator.clone()];
        for name in others {
            let Some(user) = self.accounts.iter().find(|known| *known == name) else {
                return Err(CreateRoomError::UnknownUser { user: name.clone() });
            };
            let active = self.sessions.iter().any(|session| session.user == *user);
            if self.config.policy.members == Members::Active && !active {
                return Err(CreateRoomError::InactiveUser { user: user.clone() });
            }
            if !members.contains(user) {
                members.push(user.clone());
            }
            if members.len() > limits.members_max {
                return Err(CreateRoomError::TooManyMembers { limit: limits.members_max });
            }
        }
        if members.len() < 2 {
            return Err(CreateRoomError::NoMembers);
        }
        if let Some(room) = self.rooms().iter().find(|room| set(&*room.members) == set(&members)) {
            return Err(CreateRoomError::RoomExists { room: room.id });
        }
        if members.iter().any(|member| self.rooms_of(member).len() >= limits.rooms_per_user_max) {
            return Err(CreateRoomError::TooManyRooms { limit: limits.rooms_per_user_max });
        }
        Ok(members)
    }

    /// The user's request under this key, among the last 256 that bore one.
    fn asked_before(&self, user: &UserName, key: Option<&IdempotencyKey>) -> Option<&Record> {
        let of_user = |record: &Record| match record {
            Record::RoomCreated(room) => room.members[0] == *user,
            Record::Posted(posted) => posted.message.author == *user,
        };
        let keyed = self.accepted.iter().filter(|record| of_user(record) && key_of(record).is_some());
        keyed.rev().take(256).find(|record| key.is_some() && key_of(record) == key)
    }

    // What is read.

    /// Everything of one conversation that is later than a time, or behind a number.
    pub(crate) fn read(
        &self,
        user: &UserName,
        conversation: Conversation,
        since: Since,
    ) -> Result<Vec<Line>, ReadError> {
        if let Conversation::Room(id) = conversation
            && !self.rooms_of(user).iter().any(|room| room.id == id)
        {
            return Err(ReadError::NoSuchRoom);
        }
        let later = |message: &&Message| match since {
            Since::Time(time) => message.at > time,
            Since::Number(number) => Some(message.number) > number,
        };
        let dropped = self.dropped(conversation);
        let mut lines = Vec::new();
        let all = self.messages(conversation);
        if let Some(last) = all
            .iter()
            .copied()
            .filter(later)
            .map(|message| message.number.get())
            .filter(|number| *number <= dropped)
            .max()
        {
            // Nobody knows any more which of the dropped ones are later than a time: all of them may be.
            let first = match since {
                Since::Time(_) => 1,
                Since::Number(number) => number.map_or(1, |number| number.get() + 1),
            };
            lines.push(Line::Gone { conversation, first, last });
        }
        lines
            .extend(all.into_iter().filter(later).filter(|message| message.number.get() > dropped).map(line));
        Ok(lines)
    }

    /// Everything of all rooms of a user that is later than a time, room by room.
    pub(crate) fn read_rooms(&self, user: &UserName, since: Timestamp) -> Vec<Line> {
        let read = |room: Room| self.read(user, Conversation::Room(room.id), Since::Time(since)).unwrap();
        self.rooms_of(user).into_iter().flat_map(read).collect()
    }

    /// The time of the last record.
    pub(crate) fn last_at(&self) -> Option<Timestamp> {
        self.accepted.last().map(Record::at)
    }

    pub(crate) fn messages(&self, conversation: Conversation) -> Vec<&Message> {
        let messages = self.accepted.iter().filter_map(|record| match record {
            Record::Posted(posted) => Some(&posted.message),
            Record::RoomCreated(_) => None,
        });
        messages.filter(|message| message.conversation == conversation).collect()
    }

    pub(crate) fn rooms(&self) -> Vec<Room> {
        let rooms = self.accepted.iter().filter_map(|record| match record {
            Record::RoomCreated(room) => Some(told(room)),
            Record::Posted(_) => None,
        });
        rooms.collect()
    }

    pub(crate) fn rooms_of(&self, user: &UserName) -> Vec<Room> {
        self.rooms().into_iter().filter(|room| room.members.contains(user)).collect()
    }

    /// Up to which number the messages of a conversation are gone: at every `2 * kept_max` all but `kept_max` go.
    pub(crate) fn dropped(&self, conversation: Conversation) -> u64 {
        let Some(kept_max) = self.kept_max else { return 0 };
        let mut kept = 0;
        let mut dropped = 0;
        for _ in self.messages(conversation) {
            kept += 1;
            if kept == 2 * kept_max {
                dropped += kept_max as u64;
                kept = kept_max;
            }
        }
        dropped
    }

    // The clocks.

    fn advance(&mut self, now: Now) {
        self.mono = self.mono.max(now.mono.elapsed());
    }

    /// The next stamp, or the last that the store keeps if it is not to keep more. It is asked to keep a second more than is needed.
    fn stamp_login(&mut self, now: Now, keep: impl FnOnce() -> Result<(), Fault>) -> Timestamp {
        let before = self.stamped;
        let next = self.stamp(now).unwrap_or(Timestamp::MAX);
        if self.kept < Some(next) && self.refused != Some(self.mono) {
            let until = Timestamp::from_unix_micros(next.unix_micros() + 1_000_000).or(Some(Timestamp::MAX));
            match keep() {
                Ok(()) => (self.kept, self.reserved, self.refused) = (until, until, None),
                Err(fault) => {
                    self.refused = Some(self.mono);
                    self.reserved = if fault == Fault::FailedKept { until } else { self.reserved };
                }
            }
        }
        let at = self.kept.map_or(Timestamp::MIN, |kept| kept.min(next));
        self.stamped = before.max(Some(at));
        at
    }

    fn stamp(&mut self, now: Now) -> Option<Timestamp> {
        let at = match self.stamped {
            None => now.wall,
            Some(last) => now.wall.max(last.next()?),
        };
        self.stamped = Some(at);
        Some(at)
    }
}

fn ended_by(ended: &[SessionId], reason: SessionEnd) -> Outcome<()> {
    let effects = ended.iter().map(|id| Effect::SessionEnded { session: *id, reason });
    Outcome { reply: (), effects: effects.collect() }
}

fn told(created: &RoomCreated) -> Room {
    Room { id: created.room, at: created.at, members: created.members.clone() }
}

fn set<'a>(names: impl IntoIterator<Item = &'a UserName>) -> Vec<&'a UserName> {
    let mut names: Vec<_> = names.into_iter().collect();
    names.sort();
    names.dedup();
    names
}

pub(crate) fn key_of(record: &Record) -> Option<&IdempotencyKey> {
    match record {
        Record::RoomCreated(created) => created.key.as_ref(),
        Record::Posted(posted) => posted.key.as_ref(),
    }
}

pub(crate) fn line(message: &Message) -> Line {
    Line::Message {
        conversation: message.conversation,
        number: message.number.get(),
        at: message.at,
        author: message.author.to_string(),
        body: message.body.as_str().to_owned(),
    }
}
