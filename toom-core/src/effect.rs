//! What an operation brings about: the reply for who asked, and the effects for the others.

use std::sync::Arc;

use crate::{Conversation, Message, MessageNumber, RoomId, SessionId, Timestamp, UserName};

/// The reply for who asked, and the effects that the host carries out for the others, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "effects that are not carried out are messages that nobody gets"]
pub struct Outcome<T> {
    /// The answer.
    pub reply: T,
    /// What the others must see, in order. It is empty where a keyed request was repeated.
    pub effects: Vec<Effect>,
}

impl<T> Outcome<T> {
    pub(crate) fn new(reply: T, effects: Vec<Effect>) -> Self {
        Self { reply, effects }
    }
}

/// An order to the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Deliver a message.
    Deliver {
        /// To whom.
        audience: Audience,
        /// What.
        message: Message,
    },
    /// Tell of a new room.
    RoomOpened {
        /// To whom.
        audience: Audience,
        /// The room.
        room: Room,
    },
    /// A session is over: nothing may be delivered to it any more.
    SessionEnded {
        /// Which.
        session: SessionId,
        /// Why.
        reason: SessionEnd,
    },
}

/// Why a session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionEnd {
    /// Its user left.
    LoggedOut,
    /// Its account was removed.
    AccountRemoved,
    /// It did nothing for too long.
    Idle,
}

/// The sessions that an effect is for. A host may resolve it by itself, in the order of the effects, or ask
/// [`Engine::audience`](crate::Engine::audience).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Every session but the one that caused the effect.
    Everyone {
        /// The one that caused it.
        except: SessionId,
    },
    /// Every session of these users but the one that caused the effect.
    Members {
        /// The users.
        members: Arc<[UserName]>,
        /// The one that caused it.
        except: SessionId,
    },
}

/// A room, as its members see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// Its number.
    pub id: RoomId,
    /// When it was built.
    pub at: Timestamp,
    /// Its members: who built it first.
    pub members: Arc<[UserName]>,
}

/// Where and when a message was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The conversation it was posted to.
    pub conversation: Conversation,
    /// Its number there.
    pub number: MessageNumber,
    /// Its time.
    pub at: Timestamp,
}

/// A session was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedIn {
    /// The session.
    pub session: SessionId,
    /// The user, spelled as the account is.
    pub user: UserName,
    /// When.
    pub at: Timestamp,
    /// The session's number among the open ones: how many there are now.
    pub ordinal: usize,
}

/// A user with at least one open session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveUser {
    /// The user.
    pub user: UserName,
    /// When the earliest of the user's open sessions was opened.
    pub since: Timestamp,
}
