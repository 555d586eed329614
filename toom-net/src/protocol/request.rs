//! What a client asks for.

use core::num::NonZeroU16;

use toom_core::{Body, Conversation, IdempotencyKey, MessageNumber, Password, RoomId, Timestamp, UserName};

use super::{ClientWord, CursorWord, LineTooLong, MAX_LINE, NameWord, Tag, TransferRequest, Verb, put};

/// One line from a client.
#[derive(Clone, Debug)]
pub struct Request {
    /// What the reply is to be marked with.
    pub tag: Option<Tag>,
    /// What is asked for.
    pub command: Command,
}

/// What is asked for. `Debug` shows no password and no text.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Command {
    /// `HELLO`: what the client is, and how it wants to be served.
    Hello(Hello),
    /// `LOGIN`.
    Login {
        /// Who.
        user: UserName,
        /// The rest of the line, spaces too; it may be empty.
        password: Password,
    },
    /// `BCM`: post to everyone.
    Broadcast {
        /// What makes it safe to repeat.
        key: Option<IdempotencyKey>,
        /// The message.
        body: Body,
    },
    /// `ATU`: list the other active users.
    ActiveUsers,
    /// `SRB`: build a room.
    CreateRoom {
        /// What makes it safe to repeat.
        key: Option<IdempotencyKey>,
        /// The users named, at least one.
        users: Vec<Named>,
    },
    /// `SRM`: post to a room.
    PostRoom {
        /// What makes it safe to repeat.
        key: Option<IdempotencyKey>,
        /// Where.
        room: RoomId,
        /// The message.
        body: Body,
    },
    /// `RDM b` and `RDM <room>`: read one conversation.
    ReadConversation {
        /// Which.
        conversation: Conversation,
        /// From where on.
        since: Since,
        /// The most messages wanted.
        limit: PageLimit,
    },
    /// `RDM s`: read all rooms of the caller.
    ReadRooms {
        /// From where on.
        since: RoomsSince,
        /// The most messages wanted.
        limit: PageLimit,
    },
    /// `UPD`: what a transfer of a file takes.
    Transfer(TransferRequest),
    /// `PING`: asks for an answer.
    Ping {
        /// What the answer repeats; empty where there is nothing to repeat.
        text: Box<str>,
    },
    /// `HELP`: list the commands.
    Help,
    /// `OUT`: end the session.
    Logout,
}

/// The words of `HELLO`. Words that this version does not know are ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hello {
    /// `client=`: what the program calls itself.
    pub client: Option<ClientWord>,
    /// `udp=`: the port on which the client takes files; 0 is none.
    pub udp: Option<NonZeroU16>,
    /// `live=`: whether messages are pushed.
    pub live: Live,
}

/// Whether a session wants to be told of what happens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Live {
    /// Yes, at once.
    #[default]
    On,
    /// No: it asks with `RDM`.
    Off,
}

/// A user named in `SRB` or `UPD OFFER`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// A name that an account may bear.
    User(UserName),
    /// A word that is no name: the answer is `unknown-user`.
    Nobody(NameWord),
}

/// From where on one conversation is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Since {
    /// What is strictly later.
    Time(Timestamp),
    /// `#N`: the numbers greater than `N`; `None` is `#0`, everything.
    Number(Option<MessageNumber>),
    /// Where an earlier page ended.
    Cursor(CursorWord),
}

/// From where on all rooms of the caller are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoomsSince {
    /// What is strictly later.
    Time(Timestamp),
    /// Where an earlier page ended.
    Cursor(CursorWord),
}

/// How many messages a page may have: 1 to 1000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PageLimit(NonZeroU16);

impl PageLimit {
    /// The most: 1000.
    pub const MAX: u16 = 1000;

    /// `limit` messages; `None` outside 1 to 1000.
    #[must_use]
    pub const fn new(limit: u16) -> Option<Self> {
        match NonZeroU16::new(limit) {
            Some(limit) if limit.get() <= Self::MAX => Some(Self(limit)),
            _ => None,
        }
    }

    /// The number of messages.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0.get()
    }
}

impl Default for PageLimit {
    /// 100.
    fn default() -> Self {
        Self(NonZeroU16::MIN.saturating_add(99))
    }
}

impl From<Command> for Request {
    fn from(command: Command) -> Self {
        Self { tag: None, command }
    }
}

impl Request {
    /// Appends the line with its end.
    ///
    /// Control characters in a password or a `PING` become U+FFFD: a text can end no line and begin no request.
    ///
    /// # Errors
    /// [`LineTooLong`] if it does not fit a line; `out` is then as it was.
    pub fn append_to(&self, out: &mut Vec<u8>) -> Result<(), LineTooLong> {
        let start = out.len();
        put::tag(out, self.tag.as_ref());
        if let Some(key) = self.command.key() {
            out.push(b'!');
            put::str(out, key.as_str());
            out.push(b' ');
        }
        put::str(out, self.command.verb().as_str());
        self.command.append_arguments(out);
        put::end(out);
        if out.len() - start > MAX_LINE {
            out.truncate(start);
            return Err(LineTooLong);
        }
        Ok(())
    }
}

impl Command {
    /// The verb that asks for it.
    #[must_use]
    pub fn verb(&self) -> Verb {
        match self {
            Self::Hello(_) => Verb::Hello,
            Self::Login { .. } => Verb::Login,
            Self::Broadcast { .. } => Verb::Bcm,
            Self::ActiveUsers => Verb::Atu,
            Self::CreateRoom { .. } => Verb::Srb,
            Self::PostRoom { .. } => Verb::Srm,
            Self::ReadConversation { .. } | Self::ReadRooms { .. } => Verb::Rdm,
            Self::Transfer(_) => Verb::Upd,
            Self::Ping { .. } => Verb::Ping,
            Self::Help => Verb::Help,
            Self::Logout => Verb::Out,
        }
    }

    /// What makes it safe to repeat, if it was given.
    #[must_use]
    pub fn key(&self) -> Option<&IdempotencyKey> {
        match self {
            Self::Broadcast { key, .. } | Self::CreateRoom { key, .. } | Self::PostRoom { key, .. } => {
                key.as_ref()
            }
            _ => None,
        }
    }

    fn append_arguments(&self, out: &mut Vec<u8>) {
        match self {
            Self::Hello(hello) => hello.append_to(out),
            Self::Login { user, password } => {
                put::field(out, user.as_str());
                put::line_field(out, password.expose());
            }
            Self::Broadcast { body, .. } => put::body_field(out, body.as_str()),
            Self::CreateRoom { users, .. } => users.iter().for_each(|user| put::field(out, user.as_str())),
            Self::PostRoom { room, body, .. } => {
                put::room_field(out, *room);
                put::body_field(out, body.as_str());
            }
            Self::ReadConversation { conversation, since, limit } => {
                put::conversation_field(out, *conversation);
                since.append_to(out);
                limit.append_to(out);
            }
            Self::ReadRooms { since, limit } => {
                put::str(out, " s");
                since.append_to(out);
                limit.append_to(out);
            }
            Self::Transfer(request) => request.append_to(out),
            Self::Ping { text } if !text.is_empty() => put::line_field(out, text),
            Self::Ping { .. } | Self::ActiveUsers | Self::Help | Self::Logout => {}
        }
    }
}

impl Hello {
    fn append_to(&self, out: &mut Vec<u8>) {
        if let Some(client) = &self.client {
            put::str(out, " client=");
            put::str(out, client.as_str());
        }
        if let Some(port) = self.udp {
            put::str(out, " udp=");
            put::number(out, port.get().into());
        }
        if self.live == Live::Off {
            put::str(out, " live=off");
        }
    }
}

impl Named {
    /// The name or word as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::User(name) => name.as_str(),
            Self::Nobody(word) => word.as_str(),
        }
    }
}

impl From<&NameWord> for Named {
    fn from(name: &NameWord) -> Self {
        name.to_user_name().map_or_else(|| Self::Nobody(name.clone()), Self::User)
    }
}

impl Since {
    fn append_to(&self, out: &mut Vec<u8>) {
        match self {
            Self::Time(at) => put::time_field(out, *at),
            Self::Number(after) => {
                put::str(out, " #");
                put::number(out, after.map_or(0, MessageNumber::get));
            }
            Self::Cursor(word) => put::field(out, word.as_str()),
        }
    }
}

impl RoomsSince {
    fn append_to(&self, out: &mut Vec<u8>) {
        match self {
            Self::Time(at) => put::time_field(out, *at),
            Self::Cursor(word) => put::field(out, word.as_str()),
        }
    }
}

impl PageLimit {
    fn append_to(self, out: &mut Vec<u8>) {
        if self != Self::default() {
            put::number_field(out, self.get().into());
        }
    }
}
