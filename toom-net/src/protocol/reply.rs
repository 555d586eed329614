//! The line that ends a reply: `OK` or `ERR`.

use core::net::IpAddr;
use core::num::NonZeroU16;

use toom_core::{MessageNumber, RoomId, Timestamp};

use super::fields::{Fields, digits};
use super::{Code, CursorWord, NameWord, Tag, TransferId, Verb, put};

/// The last line of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The tag of the request.
    pub tag: Option<Tag>,
    /// How it went.
    pub result: Result<Success, Failure>,
}

/// `OK`: what was done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Success {
    /// `OK HELLO`.
    Hello,
    /// `OK LOGIN`.
    LoggedIn(LoggedIn),
    /// `OK BCM`: the message is durable and everyone can read it.
    Broadcast {
        /// Its place in the broadcast conversation.
        number: MessageNumber,
        /// When it was accepted.
        at: Timestamp,
    },
    /// `OK ATU`, after a row a user.
    ActiveUsers {
        /// How many rows there were.
        count: u64,
    },
    /// `OK SRB`.
    RoomCreated {
        /// The new room.
        room: RoomId,
        /// Its members, the caller first.
        members: Vec<NameWord>,
    },
    /// `OK SRM`: the message is durable and the members can read it.
    Posted {
        /// Where.
        room: RoomId,
        /// Its place in the room.
        number: MessageNumber,
        /// When it was accepted.
        at: Timestamp,
    },
    /// `OK RDM`, after a row a message.
    Read {
        /// How many messages there were; rows of what is gone do not count.
        count: u64,
        /// Where the page ended; `None` says that there is no more.
        next: Option<CursorWord>,
    },
    /// `OK UPD`.
    Transfer {
        /// Which one; for an offer, its new number.
        id: TransferId,
    },
    /// `OK PING`.
    Pong {
        /// What the request said.
        text: Box<str>,
    },
    /// `OK HELP`, after a row a command.
    Help {
        /// How many rows there were.
        count: u64,
    },
    /// `OK OUT`: the server closes.
    LoggedOut {
        /// Who was logged in; `None` on a connection that was not.
        user: Option<NameWord>,
    },
}

/// What `OK LOGIN` tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedIn {
    /// The session's place among the active ones, from 1.
    pub ordinal: u64,
    /// When.
    pub at: Timestamp,
    /// The account's name as the account file spells it.
    pub user: NameWord,
    /// The client's address as the server sees it.
    pub ip: IpAddr,
    /// The port that `HELLO udp=` gave; 0 on the wire where there was none.
    pub udp: Option<NonZeroU16>,
}

/// `ERR`: why nothing was done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Failure {
    /// The verb of the request, if it was known.
    pub verb: Option<Verb>,
    /// Why, for programs.
    pub code: Code,
    /// Why, for people: one line. Longer texts than [`TEXT_BYTES_MAX`](super::TEXT_BYTES_MAX) are cut when they are written.
    pub text: Box<str>,
}

impl Reply {
    /// Appends the line with its end.
    pub fn append_to(&self, out: &mut Vec<u8>) {
        put::tag(out, self.tag.as_ref());
        match &self.result {
            Ok(success) => success.append_to(out),
            Err(failure) => failure.append_to(out),
        }
        put::end(out);
    }

    pub(super) fn read_ok(tag: Option<Tag>, fields: Fields<'_>) -> Option<Self> {
        Some(Self { tag, result: Ok(Success::read(fields)?) })
    }

    pub(super) fn read_err(tag: Option<Tag>, mut fields: Fields<'_>) -> Option<Self> {
        let verb = match fields.word()? {
            "-" => None,
            word => Some(Verb::parse(word.as_bytes())?),
        };
        let code = Code::read(&mut fields)?;
        let text = fields.rest().unwrap_or_default().into();
        Some(Self { tag, result: Err(Failure { verb, code, text }) })
    }
}

impl Failure {
    /// The refusal of a request that was understood.
    #[must_use]
    pub fn new(verb: Verb, code: Code, text: impl Into<Box<str>>) -> Self {
        Self { verb: Some(verb), code, text: text.into() }
    }

    /// The answer to a line that is longer than [`MAX_LINE`](super::MAX_LINE); the server then closes.
    #[must_use]
    pub fn line_too_long() -> Self {
        Self { verb: None, code: Code::TooLong, text: super::LineTooLong.to_string().into() }
    }

    /// How many seconds to wait, which ends the text of `blocked` and `throttled`.
    #[must_use]
    pub fn seconds_left(&self) -> Option<u64> {
        match self.code {
            Code::Blocked | Code::Throttled => digits(self.text.rsplit(' ').next()?),
            _ => None,
        }
    }

    fn append_to(&self, out: &mut Vec<u8>) {
        put::str(out, "ERR ");
        put::str(out, self.verb.map_or("-", Verb::as_str));
        out.push(b' ');
        self.code.append_to(out);
        put::people_field(out, &self.text);
    }
}

impl Success {
    /// The verb that was asked.
    #[must_use]
    pub fn verb(&self) -> Verb {
        match self {
            Self::Hello => Verb::Hello,
            Self::LoggedIn(_) => Verb::Login,
            Self::Broadcast { .. } => Verb::Bcm,
            Self::ActiveUsers { .. } => Verb::Atu,
            Self::RoomCreated { .. } => Verb::Srb,
            Self::Posted { .. } => Verb::Srm,
            Self::Read { .. } => Verb::Rdm,
            Self::Transfer { .. } => Verb::Upd,
            Self::Pong { .. } => Verb::Ping,
            Self::Help { .. } => Verb::Help,
            Self::LoggedOut { .. } => Verb::Out,
        }
    }

    fn append_to(&self, out: &mut Vec<u8>) {
        put::str(out, "OK ");
        put::str(out, self.verb().as_str());
        match self {
            Self::Hello => {}
            Self::LoggedIn(session) => session.append_to(out),
            Self::Broadcast { number, at } => {
                put::message_number_field(out, *number);
                put::time_field(out, *at);
            }
            Self::ActiveUsers { count } | Self::Help { count } => put::number_field(out, *count),
            Self::RoomCreated { room, members } => {
                put::room_field(out, *room);
                put::name_fields(out, members);
            }
            Self::Posted { room, number, at } => {
                put::room_field(out, *room);
                put::message_number_field(out, *number);
                put::time_field(out, *at);
            }
            Self::Read { count, next } => {
                put::number_field(out, *count);
                if let Some(next) = next {
                    put::str(out, " next=");
                    put::str(out, next.as_str());
                }
            }
            Self::Transfer { id } => put::number_field(out, id.get()),
            Self::Pong { text } if text.is_empty() => {}
            Self::Pong { text } => put::line_field(out, text),
            Self::LoggedOut { user } => put::name_fields(out, user.as_slice()),
        }
    }

    /// Reads what follows `OK`. Words after the known ones are for later versions, and ignored.
    fn read(mut fields: Fields<'_>) -> Option<Self> {
        Some(match fields.verb()? {
            Verb::Hello => Self::Hello,
            Verb::Login => Self::LoggedIn(LoggedIn::read(fields)?),
            Verb::Bcm => Self::Broadcast { number: fields.message_number()?, at: fields.time()? },
            Verb::Atu => Self::ActiveUsers { count: fields.number()? },
            Verb::Srb => Self::RoomCreated { room: fields.room()?, members: fields.names()? },
            Verb::Srm => {
                Self::Posted { room: fields.room()?, number: fields.message_number()?, at: fields.time()? }
            }
            Verb::Rdm => Self::read_page_end(fields)?,
            Verb::Upd => Self::Transfer { id: fields.transfer()? },
            Verb::Ping => Self::Pong { text: fields.rest().unwrap_or_default().into() },
            Verb::Help => Self::Help { count: fields.number()? },
            Verb::Out if fields.is_empty() => Self::LoggedOut { user: None },
            Verb::Out => Self::LoggedOut { user: Some(fields.name()?) },
        })
    }

    fn read_page_end(mut fields: Fields<'_>) -> Option<Self> {
        let count = fields.number()?;
        let mut next = None;
        while let Some(word) = fields.word() {
            if let Some(cursor) = word.strip_prefix("next=") {
                next = Some(CursorWord::parse(cursor).ok()?);
            }
        }
        Some(Self::Read { count, next })
    }
}

impl LoggedIn {
    fn append_to(&self, out: &mut Vec<u8>) {
        put::number_field(out, self.ordinal);
        put::time_field(out, self.at);
        put::field(out, self.user.as_str());
        put::field(out, &self.ip.to_string());
        put::number_field(out, self.udp.map_or(0, NonZeroU16::get).into());
    }

    fn read(mut fields: Fields<'_>) -> Option<Self> {
        Some(Self {
            ordinal: fields.number()?,
            at: fields.time()?,
            user: fields.name()?,
            ip: fields.word()?.parse().ok()?,
            udp: NonZeroU16::new(fields.number()?),
        })
    }
}
