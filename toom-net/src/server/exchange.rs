//! What the connections' side and the engine's side hand to each other.

use core::fmt;
use core::net::IpAddr;
use core::num::{NonZeroU16, NonZeroUsize};

use toom_core::{
    Body, Challenge, CheckMemory, Effect, IdempotencyKey, Password, ReadPlan, Reading, RoomId, Secret,
    SessionId, UserName, Verdict,
};

use crate::protocol::{Code, Failure, FileOffer, Push, Reply, Success, Tag, Verb};

/// One connection of a server: its place in the table of connections, and a serial number that tells it from those that
/// had the place before. Its session, if it logs in, has the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ConnectionId {
    serial: u32,
    slot: u32,
}

impl ConnectionId {
    pub(super) const fn new(slot: u32, serial: u32) -> Self {
        Self { serial, slot }
    }

    pub(super) const fn slot(self) -> usize {
        self.slot as usize
    }

    pub(super) fn session(self) -> SessionId {
        SessionId::new(u64::from(self.serial) << 32 | u64::from(self.slot))
    }

    #[expect(clippy::cast_possible_truncation, reason = "the two halves of the number are taken apart")]
    pub(super) fn of_session(session: SessionId) -> Self {
        Self { serial: (session.get() >> 32) as u32, slot: session.get() as u32 }
    }
}

/// The place of a request among those of its connection.
pub(super) type Ticket = u64;

/// Where a reply goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReplyTo {
    pub(super) connection: ConnectionId,
    pub(super) ticket: Ticket,
    pub(super) tag: Option<Tag>,
}

impl ReplyTo {
    /// A reply whose rows, if it has any, are in `lines` already.
    pub(super) fn ok(self, mut lines: Vec<u8>, success: Success) -> Release {
        Reply { tag: self.tag, result: Ok(success) }.append_to(&mut lines);
        Release::Reply { connection: self.connection, ticket: self.ticket, lines }
    }

    pub(super) fn refused(self, verb: Verb, code: Code, text: impl Into<Box<str>>) -> Release {
        let mut lines = Vec::new();
        Reply { tag: self.tag, result: Err(Failure::new(verb, code, text)) }.append_to(&mut lines);
        Release::Reply { connection: self.connection, ticket: self.ticket, lines }
    }
}

/// A request that takes the engine to answer.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) to: ReplyTo,
    pub(super) operation: Operation,
}

/// What the engine is asked to do.
#[derive(Debug)]
pub(super) enum Operation {
    Login { user: UserName, password: Password, ip: IpAddr, udp: Option<NonZeroU16> },
    Logout,
    ActiveUsers,
    Read { reading: Reading, limit: NonZeroUsize },
    Broadcast { key: Option<IdempotencyKey>, body: Body },
    CreateRoom { key: Option<IdempotencyKey>, users: Vec<UserName> },
    PostRoom { key: Option<IdempotencyKey>, room: RoomId, body: Body },
    Offer(Box<Offer>),
}

/// A file that is offered to a user. The engine knows who that is, and hands it on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) user: UserName,
    pub(super) file: FileOffer,
}

impl Operation {
    /// Whether it changes the history.
    pub(super) fn is_write(&self) -> bool {
        match self {
            Self::Broadcast { .. } | Self::CreateRoom { .. } | Self::PostRoom { .. } => true,
            Self::Login { .. } | Self::Logout | Self::ActiveUsers | Self::Read { .. } | Self::Offer(_) => {
                false
            }
        }
    }

    /// Whether others have to be told of it.
    pub(super) fn is_told(&self) -> bool {
        self.is_write() || matches!(self, Self::Offer(_))
    }
}

/// What comes to the engine's side.
#[derive(Debug)]
pub(super) enum Input {
    /// A request.
    Ask(Ask),
    /// A password was checked.
    Checked(Checked),
    /// A connection is no more.
    Gone(ConnectionId),
    /// The operator ends every session of a user.
    Kick(UserName),
    /// These are the accounts from now on.
    Accounts(Vec<(UserName, Secret)>),
    /// The server stops. Nothing comes after it.
    Stop,
}

/// A password to check.
#[derive(Debug)]
pub(super) struct Check {
    pub(super) connection: ConnectionId,
    pub(super) challenge: Challenge,
    pub(super) password: Password,
}

impl Check {
    /// Does the work, for tens of milliseconds.
    pub(super) fn verdict(&self, memory: &mut CheckMemory) -> Verdict {
        self.challenge.verify_in(&self.password, memory)
    }

    /// Does the work, and is done with.
    pub(super) fn run(self, memory: &mut CheckMemory) -> Checked {
        let verdict = self.verdict(memory);
        self.judged(verdict)
    }

    /// Is done with, where the verdict is known.
    pub(super) fn judged(self, verdict: Verdict) -> Checked {
        Checked { connection: self.connection, challenge: self.challenge, verdict }
    }
}

/// A password that was checked.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) connection: ConnectionId,
    pub(super) challenge: Challenge,
    pub(super) verdict: Verdict,
}

/// A page to read.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) to: ReplyTo,
    pub(super) plan: ReadPlan,
}

/// What comes from the engine's side, to be carried out in order.
#[derive(PartialEq, Eq)]
pub(super) enum Release {
    /// The reply to a request: whole lines.
    Reply { connection: ConnectionId, ticket: Ticket, lines: Vec<u8> },
    /// A connection ends, for the reason that is told.
    End { connection: ConnectionId, bye: Push },
    /// A connection is logged in. The reply follows at once.
    LoggedIn { connection: ConnectionId, user: UserName },
    /// A file that `user` offers to one who is active. The reply is up to who brings the two together.
    Offer { to: ReplyTo, user: UserName, offer: Box<Offer> },
    /// What others must see.
    Effect(Effect),
}

/// Without the lines: there are messages among them.
impl fmt::Debug for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reply { connection, ticket, lines } => {
                write!(f, "Reply({connection:?}, {ticket}, {} bytes)", lines.len())
            }
            Self::End { connection, bye } => f.debug_tuple("End").field(connection).field(bye).finish(),
            Self::LoggedIn { connection, user } => {
                f.debug_tuple("LoggedIn").field(connection).field(user).finish()
            }
            Self::Offer { to, user, offer } => {
                f.debug_tuple("Offer").field(to).field(user).field(offer).finish()
            }
            Self::Effect(effect) => f.debug_tuple("Effect").field(effect).finish(),
        }
    }
}
