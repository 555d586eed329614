//! From a command of the wire to what serves it.

use core::num::NonZeroUsize;

use toom_core::{Conversation, Cursor, Reading, UserName};

use super::Connection;
use crate::protocol::{
    Code, Command, CursorWord, Failure, Live, Named, PageLimit, RoomsSince, Row, Since, Success, Tag,
    TransferRequest, Verb,
};
use crate::server::ServerLimits;
use crate::server::exchange::{Offer, Operation};
use crate::server::introductions::Refused;

/// How a command is served.
pub(super) enum Plan {
    /// The engine has to be asked.
    Engine(Operation),
    /// By bringing two sessions together.
    Transfer(TransferRequest),
    /// At once, by these rows and this success.
    Here { rows: Vec<u8>, success: Success },
}

impl Connection {
    /// How `command` is to be served, or why it is not. The words of `HELLO` are taken note of.
    pub(super) fn plan(&mut self, command: Command, tag: Option<&Tag>) -> Result<Plan, Failure> {
        let verb = command.verb();
        let logged_in = self.is_logged_in();
        if !logged_in && !verb.is_served_before_login() {
            return Err(not_logged_in(verb));
        }
        let mut rows = Vec::new();
        let success = match command {
            Command::Hello(_) if logged_in => {
                return Err(Failure::new(verb, Code::Syntax, "HELLO comes before LOGIN"));
            }
            Command::Login { .. } if logged_in => {
                return Err(Failure::new(verb, Code::AlreadyLoggedIn, "you are logged in already"));
            }
            Command::Hello(hello) => {
                (self.udp, self.live) = (hello.udp, hello.live);
                Success::Hello
            }
            Command::Ping { text } => Success::Pong { text },
            Command::Help => Success::Help { count: Row::append_help(&mut rows, tag) },
            Command::Logout if !logged_in => Success::LoggedOut { user: None },
            Command::Logout => return Ok(Plan::Engine(Operation::Logout)),
            Command::Login { user, password } => {
                let (ip, udp) = (self.path.peer, self.udp);
                return Ok(Plan::Engine(Operation::Login { user, password, ip, udp }));
            }
            Command::Broadcast { key, body } => return Ok(Plan::Engine(Operation::Broadcast { key, body })),
            Command::CreateRoom { key, users } => {
                return Ok(Plan::Engine(Operation::CreateRoom { key, users: names(users)? }));
            }
            Command::PostRoom { key, room, body } => {
                return Ok(Plan::Engine(Operation::PostRoom { key, room, body }));
            }
            Command::Transfer(TransferRequest::Offer { user, file }) => {
                if self.live == Live::Off {
                    let refused = Refused::NoPushes;
                    return Err(Failure::new(verb, refused.code(), refused.to_string()));
                }
                let user = name(verb, user)?;
                return Ok(Plan::Engine(Operation::Offer(Box::new(Offer { user, file }))));
            }
            Command::Transfer(request) => return Ok(Plan::Transfer(request)),
            Command::ActiveUsers => return Ok(Plan::Engine(Operation::ActiveUsers)),
            Command::ReadConversation { conversation, since, limit } => {
                let reading = read_conversation(conversation, since)?;
                return Ok(Plan::Engine(Operation::read(reading, limit)));
            }
            Command::ReadRooms { since, limit } => {
                return Ok(Plan::Engine(Operation::read(read_rooms(since)?, limit)));
            }
        };
        Ok(Plan::Here { rows, success })
    }
}

pub(super) fn not_logged_in(verb: Verb) -> Failure {
    Failure::new(verb, Code::NotLoggedIn, "log in first: LOGIN <user> <password>")
}

fn read_conversation(conversation: Conversation, since: Since) -> Result<Reading, Failure> {
    let since = match since {
        Since::Time(at) => toom_core::Since::Time(at),
        Since::Number(after) => toom_core::Since::Number(after),
        Since::Cursor(word) => return Ok(Reading::Next(cursor(&word, Some(conversation))?)),
    };
    Ok(Reading::Conversation { conversation, since })
}

fn read_rooms(since: RoomsSince) -> Result<Reading, Failure> {
    match since {
        RoomsSince::Time(since) => Ok(Reading::Rooms { since }),
        RoomsSince::Cursor(word) => Ok(Reading::Next(cursor(&word, None)?)),
    }
}

impl Operation {
    fn read(reading: Reading, limit: PageLimit) -> Self {
        let limit = NonZeroUsize::MIN.saturating_add(usize::from(limit.get()) - 1);
        Self::Read { reading, limit }
    }

    /// What it counts among the requests in flight: a long reply, half of what may be.
    pub(super) fn weight(&self, limits: &ServerLimits) -> usize {
        match self {
            Self::Read { .. } | Self::ActiveUsers => limits.requests_in_flight_max.get().div_ceil(2),
            _ => 1,
        }
    }
}

fn names(users: Vec<Named>) -> Result<Vec<UserName>, Failure> {
    users.into_iter().map(|user| name(Verb::Srb, user)).collect()
}

fn name(verb: Verb, user: Named) -> Result<UserName, Failure> {
    match user {
        Named::User(name) => Ok(name),
        Named::Nobody(word) => {
            let text = format!("there is no user {word}");
            Err(Failure::new(verb, Code::UnknownUser(word), text))
        }
    }
}

/// The cursor that `word` is, if an earlier page of the same conversation, or of all rooms, can have given it.
fn cursor(word: &CursorWord, of: Option<Conversation>) -> Result<Cursor, Failure> {
    let cursor = word.as_str().parse::<Cursor>().ok().filter(|cursor| cursor.of_conversation() == of);
    cursor.ok_or_else(|| {
        Failure::new(Verb::Rdm, Code::Syntax, "a cursor belongs to the read whose reply gave it")
    })
}
