//! The batching loop: requests in, one append for all writes, then replies and effects out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use toom_core::{
    Body, Conversation, Digest, Effect, Engine, IdempotencyKey, MessageNumber, Mono, Now, RoomId, Secret,
    Storage, StorageError, UserName, Verdict,
};

use super::Event;
use super::exchange::{Ask, Check, ConnectionId, Input, Operation, Read, Release, ReplyTo};
use super::metrics::EngineMetrics;
use crate::protocol::{ByeCode, Code, Push, Verb};
use login::Logins;

mod answer;
mod login;
mod write;

/// The most operations that share one append.
pub(super) const BATCH_MAX: usize = 1024;

/// The engine with all that is under way in it. It knows no threads: each [`turn`](Self::turn) takes inputs and fills a [`Turn`].
///
/// The requests of one connection are carried out strictly in order; those of different connections in any. Writes of a turn are
/// stored by one append; a request that is none waits for the next turn if its connection has a write in this one, so that
/// it sees what its own connection wrote.
#[derive(Debug)]
pub(super) struct EngineLoop<S> {
    engine: Engine<S>,
    logins: Logins,
    /// Who is logged in on which connection.
    users: BTreeMap<ConnectionId, UserName>,
    /// The names of all accounts, as they are spelled.
    accounts: BTreeSet<UserName>,
    /// What waits for the next turn, in order.
    deferred: VecDeque<Input>,
    counts: EngineMetrics,
}

/// What a turn brought about.
#[derive(Debug, Default)]
pub(super) struct Turn {
    /// For the connections, in order.
    pub(super) releases: Vec<Release>,
    /// The verdicts that a replay has on the passwords that it would check at once, in order.
    pub(super) given: VecDeque<Verdict>,
    /// The verdicts on passwords that were checked at once, in order.
    pub(super) verdicts: Vec<Verdict>,
    /// Passwords to check.
    pub(super) checks: Vec<Check>,
    /// Pages to read.
    pub(super) reads: Vec<Read>,
    /// For the operator, in order.
    pub(super) events: Vec<Event>,
    /// Why its writes were not stored.
    pub(super) fault: Option<StorageError>,
    /// Why no stamps were reserved for its logins.
    pub(super) unreserved: Option<StorageError>,
    /// Whether the server stops.
    pub(super) stops: bool,
}

/// A request that changes the history.
#[derive(Debug)]
struct Write {
    to: ReplyTo,
    what: What,
}

#[derive(Debug)]
enum What {
    Broadcast { key: Option<IdempotencyKey>, body: Body },
    CreateRoom { key: Option<IdempotencyKey>, users: Vec<UserName> },
    PostRoom { key: Option<IdempotencyKey>, room: RoomId, body: Body },
}

/// What a turn has taken so far.
#[derive(Debug, Default)]
struct Round {
    writes: Vec<Write>,
    writers: BTreeSet<ConnectionId>,
    /// Connections of which something waits, so that everything behind it waits too.
    waiting: BTreeSet<ConnectionId>,
}

impl Round {
    /// Whether an input of `connection` has to wait for the next turn.
    fn defers(&self, connection: ConnectionId, kind: Kind) -> bool {
        self.waiting.contains(&connection)
            || match kind {
                Kind::Write => self.writes.len() >= BATCH_MAX,
                Kind::Other => self.writers.contains(&connection),
            }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Write,
    Other,
}

impl<S: Storage> EngineLoop<S> {
    pub(super) fn new(engine: Engine<S>, checks_max: usize) -> Self {
        Self {
            engine,
            logins: Logins::new(checks_max),
            users: BTreeMap::new(),
            accounts: BTreeSet::new(),
            deferred: VecDeque::new(),
            counts: EngineMetrics::default(),
        }
    }

    /// How many more inputs the next turn may be given.
    pub(super) fn room(&self) -> usize {
        BATCH_MAX.saturating_sub(self.deferred.len())
    }

    /// Whether inputs wait for the next turn.
    pub(super) fn has_deferred(&self) -> bool {
        !self.deferred.is_empty()
    }

    /// What was counted, and how things stand.
    pub(super) fn metrics(&self) -> EngineMetrics {
        let storage = self.engine.storage();
        // A floor that cannot be read is told as unknown: reading it fails for who asks for history, too.
        let floor = storage.floor(Conversation::Broadcast).map_or(0, MessageNumber::get);
        EngineMetrics {
            sessions: self.users.len() as u64,
            checks_under_way: self.logins.under_way() as u64,
            store_bytes: storage.bytes_on_disk().unwrap_or(0),
            broadcast_floor: floor,
            ..self.counts
        }
    }

    /// Stands for the state of the engine.
    pub(super) fn digest(&self) -> Digest {
        self.engine.digest()
    }

    pub(super) fn next_deadline(&self) -> Option<Mono> {
        self.engine.next_deadline()
    }

    /// Carries out what waited, then `inputs`.
    pub(super) fn turn(&mut self, inputs: impl IntoIterator<Item = Input>, now: Now, turn: &mut Turn) {
        if self.engine.next_deadline().is_some_and(|deadline| deadline <= now.mono) {
            let effects = self.engine.expire(now).effects;
            self.release(effects, turn);
        }
        let mut round = Round::default();
        for input in core::mem::take(&mut self.deferred).into_iter().chain(inputs) {
            if let Some((connection, kind)) = input.order()
                && round.defers(connection, kind)
            {
                round.waiting.insert(connection);
                self.deferred.push_back(input);
            } else {
                self.take(input, now, &mut round, turn);
            }
        }
        self.commit(round.writes, now, turn);
    }

    fn take(&mut self, input: Input, now: Now, round: &mut Round, turn: &mut Turn) {
        match input {
            Input::Ask(Ask { to, operation }) => {
                let connection = to.connection;
                if let Some(write) = self.ask(to, operation, now, turn) {
                    round.writers.insert(connection);
                    round.writes.push(write);
                }
            }
            Input::Checked(checked) => self.finish_login(checked, now, turn),
            Input::Gone(connection) => self.gone(connection, now, turn),
            Input::Kick(user) => self.kick(&user, now, turn),
            Input::Accounts(accounts) => self.set_accounts(accounts, turn),
            Input::Stop => turn.stops = true,
        }
    }

    /// Carries out what is no write.
    fn ask(&mut self, to: ReplyTo, operation: Operation, now: Now, turn: &mut Turn) -> Option<Write> {
        let what = match operation {
            Operation::Broadcast { key, body } => What::Broadcast { key, body },
            Operation::CreateRoom { key, users } if self.fits_a_line(&to, &users) => {
                What::CreateRoom { key, users }
            }
            Operation::CreateRoom { .. } => {
                let text = "the names of the members do not fit a line";
                turn.releases.push(to.refused(Verb::Srb, Code::LimitReached, text));
                return None;
            }
            Operation::PostRoom { key, room, body } => What::PostRoom { key, room, body },
            Operation::Login { user, password, ip, udp } => {
                self.begin_login(login::Attempt { to, ip, udp }, &user, password, now, turn);
                return None;
            }
            Operation::Logout => {
                self.log_out(to, now, turn);
                return None;
            }
            Operation::ActiveUsers => {
                self.active_users(to, now, turn);
                return None;
            }
            Operation::Read { reading, limit } => {
                self.plan_read(to, reading, limit, now, turn);
                return None;
            }
            Operation::Offer(offer) => {
                turn.releases.push(self.hand_on(to, offer));
                return None;
            }
        };
        Some(Write { to, what })
    }

    fn gone(&mut self, connection: ConnectionId, now: Now, turn: &mut Turn) {
        self.logins.gone(connection);
        if let Ok(outcome) = self.engine.logout(connection.session(), now) {
            self.release(outcome.effects, turn);
        }
    }

    /// Ends every session of a user.
    fn kick(&mut self, user: &UserName, now: Now, turn: &mut Turn) {
        let of_user = self.users.iter().filter(|(_, other)| *other == user);
        let connections: Vec<_> = of_user.map(|(connection, _)| *connection).collect();
        for connection in connections {
            let text = "an operator ended this session";
            let bye = Push::Bye { code: ByeCode::Kicked, text: text.into() };
            turn.releases.push(Release::End { connection, bye });
            if let Ok(outcome) = self.engine.logout(connection.session(), now) {
                self.release(outcome.effects, turn);
            }
        }
    }

    /// Puts accounts in and changes them; those that are not named are removed.
    pub(super) fn set_accounts(&mut self, accounts: Vec<(UserName, Secret)>, turn: &mut Turn) {
        let named: BTreeSet<UserName> = accounts.iter().map(|(name, _)| name.clone()).collect();
        for name in core::mem::replace(&mut self.accounts, named) {
            if !self.accounts.contains(&name)
                && let Ok(outcome) = self.engine.remove_account(&name)
            {
                self.release(outcome.effects, turn);
            }
        }
        for (name, secret) in accounts {
            self.engine.put_account(name, secret);
        }
    }

    /// Hands effects out, in order, and tells the operator of them.
    fn release(&mut self, effects: Vec<Effect>, turn: &mut Turn) {
        for effect in effects {
            match &effect {
                Effect::Deliver { message, .. } => {
                    *match message.conversation {
                        Conversation::Broadcast => &mut self.counts.broadcasts,
                        Conversation::Room(_) => &mut self.counts.room_posts,
                    } += 1;
                    turn.events.push(Event::Posted(message.clone()));
                }
                Effect::RoomOpened { room, .. } => {
                    self.counts.rooms_created += 1;
                    turn.events.push(Event::RoomCreated(room.clone()));
                }
                Effect::SessionEnded { session, .. } => {
                    let user = self.users.remove(&ConnectionId::of_session(*session));
                    turn.events.extend(user.map(|user| Event::LoggedOut { session: *session, user }));
                }
            }
            turn.releases.push(Release::Effect(effect));
        }
    }
}

impl Input {
    /// Whose inputs it must stay in order with. A verdict comes while nothing else of its connection is carried out.
    fn order(&self) -> Option<(ConnectionId, Kind)> {
        match self {
            Self::Ask(ask) => Some((ask.to.connection, ask.operation.kind())),
            Self::Gone(connection) => Some((*connection, Kind::Other)),
            Self::Checked(_) | Self::Kick(_) | Self::Accounts(_) | Self::Stop => None,
        }
    }
}

impl Operation {
    fn kind(&self) -> Kind {
        if self.is_write() { Kind::Write } else { Kind::Other }
    }
}

#[cfg(test)]
pub(super) mod tests;
