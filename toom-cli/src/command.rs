//! What the user types, parsed: a command, or a line that says what is wrong with it.

use toom_core::{Body, BodyError, Conversation, MessageNumber, RoomId, Timestamp, UserName};

use crate::files::Answer;
use crate::zone::{TimeError, When, Zone};

/// What the user wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `BCM text`: post to everyone.
    Broadcast(Body),
    /// `ATU`: list the other active users.
    ActiveUsers,
    /// `SRB user…`: build a room.
    CreateRoom(Vec<UserName>),
    /// `SRM room text`: post to a room.
    Post {
        /// Where.
        room: RoomId,
        /// The message.
        body: Body,
    },
    /// `RDM b time`, `RDM <room> time`, `RDM s time`: read.
    Read(Reading),
    /// `RDM` alone: read on where the last page ended.
    ReadOn,
    /// `UPD …`: something with files.
    Files(FilesCommand),
    /// `HELP`: list the commands.
    Help,
    /// `OUT`: end the session.
    Logout,
}

/// What the user wants with files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilesCommand {
    /// `UPD user file`: send one.
    Send {
        /// To whom.
        user: UserName,
        /// As it was typed.
        path: String,
    },
    /// `UPD` alone: list what is under way.
    List,
    /// `UPD ACCEPT number` and `UPD REFUSE number`: answer an offer.
    Answer(u32, Answer),
    /// `UPD CANCEL number`: end one.
    Cancel(u32),
}

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// One conversation.
    Conversation {
        /// Which.
        conversation: Conversation,
        /// From where on.
        since: Since,
    },
    /// All rooms of the user, from a time on.
    Rooms(When),
}

/// From where on a conversation is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// What is strictly later.
    Time(When),
    /// `#N`: the numbers greater than `N`; `None` is `#0`, everything.
    Number(Option<MessageNumber>),
}

impl From<Since> for toom_net::protocol::Since {
    fn from(since: Since) -> Self {
        match since {
            Since::Time(when) => Self::Time(when.at),
            Since::Number(after) => Self::Number(after),
        }
    }
}

/// Why a line is no command, for the user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// The first word is no command.
    #[error("no such command; the commands are BCM, ATU, SRB, SRM, RDM, UPD, OUT and HELP")]
    Unknown,
    /// It has the wrong form.
    #[error("the form is {0}")]
    Form(&'static str),
    /// The message cannot be posted.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// No user can have this name.
    #[error("there is no user {0}")]
    UnknownUser(String),
    /// No room can have this number.
    #[error("no such room, or you are not in it")]
    NoSuchRoom,
    /// The time of `RDM` is none.
    #[error("{0}; the form is {READ_FORM}")]
    Time(TimeError),
    /// `RDM` alone, after a read that has reached its end.
    #[error("there is nothing to read on; the form is {READ_FORM}")]
    NothingToReadOn,
}

const BROADCAST_FORM: &str = "BCM <text>";
const ACTIVE_USERS_FORM: &str = "ATU";
const CREATE_ROOM_FORM: &str = "SRB <user> [<user> ...]";
const POST_FORM: &str = "SRM <room> <text>";
const READ_FORM: &str = "RDM b|s|<room> <time>";
const FILES_FORM: &str = "UPD <user> <file>, UPD, or UPD ACCEPT|REFUSE|CANCEL <number>";
const LOGOUT_FORM: &str = "OUT";
const HELP_FORM: &str = "HELP";

/// What `HELP` prints: the commands that this program takes.
pub const HELP: [&str; 16] = [
    "BCM <text>: posts to everyone",
    "ATU: lists the other active users",
    "SRB <user> [<user> ...]: builds a separate room of you and the users you name",
    "SRM <room> <text>: posts to a room",
    "RDM b|s|<room> <time>: reads what was posted since the time, to everyone (b),",
    "  in all your rooms (s), or in one room",
    "  a time is 04 Aug 2022 09:02:29, 2022-08-04T09:02:29Z, today, yesterday, or 10m for that long",
    "  ago; with b or a room also #5, for what came after message 5",
    "RDM: reads on where the last page ended",
    "UPD <user> <file>: sends a file straight to another user, who is asked first",
    "UPD: lists the files that are under way",
    "UPD ACCEPT <number>, UPD REFUSE <number>: takes, or does not take, a file that is offered",
    "UPD CANCEL <number>: ends sending or receiving a file",
    "  the same file sent again goes on where it stopped, unless it was cancelled",
    "OUT: logs you out",
    "HELP: shows this list",
];

/// Parses a line. Blank lines ask for nothing and give `None`.
///
/// Commands are read in either case. What follows the space after the command is the message as it was typed; a tab in it
/// becomes a space, since messages hold none.
///
/// # Errors
/// [`CommandError`] is the answer to show.
pub fn parse(line: &str, zone: &Zone, now: Timestamp) -> Result<Option<Command>, CommandError> {
    let line = line.replace("\r\n", "\n").replace('\r', "\n").replace('\t', " ");
    let line = line.trim_start().trim_end_matches('\n');
    if line.is_empty() {
        return Ok(None);
    }
    let (verb, rest) = first_word(line);
    let command = match verb.to_ascii_uppercase().as_str() {
        "BCM" if rest.is_empty() => return Err(CommandError::Form(BROADCAST_FORM)),
        "BCM" => Command::Broadcast(Body::parse(rest)?),
        "ATU" => alone(Command::ActiveUsers, rest, ACTIVE_USERS_FORM)?,
        "SRB" => parse_create_room(rest)?,
        "SRM" => parse_post(rest)?,
        "RDM" => parse_read(rest, zone, now)?,
        "OUT" => alone(Command::Logout, rest, LOGOUT_FORM)?,
        "HELP" => alone(Command::Help, rest, HELP_FORM)?,
        "UPD" => Command::Files(parse_files(rest)?),
        _ => return Err(CommandError::Unknown),
    };
    Ok(Some(command))
}

/// Splits after the first word, and takes the one white space that ends it.
fn first_word(text: &str) -> (&str, &str) {
    text.split_once(char::is_whitespace).unwrap_or((text, ""))
}

/// A command that stands alone.
fn alone(command: Command, rest: &str, form: &'static str) -> Result<Command, CommandError> {
    if rest.trim().is_empty() { Ok(command) } else { Err(CommandError::Form(form)) }
}

fn parse_create_room(rest: &str) -> Result<Command, CommandError> {
    let user = |word: &str| UserName::parse(word).map_err(|_| CommandError::UnknownUser(word.to_owned()));
    let users = rest.split_whitespace().map(user).collect::<Result<Vec<_>, _>>()?;
    if users.is_empty() { Err(CommandError::Form(CREATE_ROOM_FORM)) } else { Ok(Command::CreateRoom(users)) }
}

fn parse_post(rest: &str) -> Result<Command, CommandError> {
    let (room, text) = first_word(rest.trim_start_matches(' '));
    if text.is_empty() {
        return Err(CommandError::Form(POST_FORM));
    }
    Ok(Command::Post { room: parse_room(room, POST_FORM)?, body: Body::parse(text)? })
}

/// The words that answer or end stand before a number. Before anything else they are the name of a user.
fn parse_files(rest: &str) -> Result<FilesCommand, CommandError> {
    let rest = rest.trim();
    if rest.is_empty() {
        return Ok(FilesCommand::List);
    }
    let (first, path) = first_word(rest);
    let path = path.trim_start();
    if path.is_empty() {
        return Err(CommandError::Form(FILES_FORM));
    }
    if let Ok(number) = path.parse() {
        match first.to_ascii_uppercase().as_str() {
            "ACCEPT" => return Ok(FilesCommand::Answer(number, Answer::Yes)),
            "REFUSE" => return Ok(FilesCommand::Answer(number, Answer::No)),
            "CANCEL" => return Ok(FilesCommand::Cancel(number)),
            _ => {}
        }
    }
    let user = UserName::parse(first).map_err(|_| CommandError::UnknownUser(first.to_owned()))?;
    Ok(FilesCommand::Send { user, path: path.to_owned() })
}

/// A number is a room or none; what is no number has the wrong form.
fn parse_room(word: &str, form: &'static str) -> Result<RoomId, CommandError> {
    if word.is_empty() || !word.bytes().all(|b| b.is_ascii_digit()) {
        return Err(CommandError::Form(form));
    }
    word.parse().ok().and_then(RoomId::new).ok_or(CommandError::NoSuchRoom)
}

impl Command {
    /// What to tell of how it was understood: a time that is not the only one of its name.
    #[must_use]
    pub fn note(&self, zone: &Zone) -> Option<String> {
        match self {
            Self::Read(Reading::Rooms(when) | Reading::Conversation { since: Since::Time(when), .. }) => {
                when.note(zone)
            }
            _ => None,
        }
    }
}

fn parse_read(rest: &str, zone: &Zone, now: Timestamp) -> Result<Command, CommandError> {
    let words: Vec<&str> = rest.split_whitespace().collect();
    if words.is_empty() {
        return Ok(Command::ReadOn);
    }
    let Some((scope, time)) = words.split_first().filter(|(_, time)| !time.is_empty()) else {
        return Err(CommandError::Form(READ_FORM));
    };
    let time = time.join(" ");
    let time = unquoted(&time);
    let when = |time: &str| zone.read(time, now).map_err(CommandError::Time);
    if scope.eq_ignore_ascii_case("s") {
        return Ok(Command::Read(Reading::Rooms(when(time)?)));
    }
    let conversation = if scope.eq_ignore_ascii_case("b") {
        Conversation::Broadcast
    } else {
        Conversation::Room(parse_room(scope, READ_FORM)?)
    };
    let since = match time.strip_prefix('#').map(str::parse) {
        Some(Ok(number)) => Since::Number(MessageNumber::new(number)),
        _ => Since::Time(when(time)?),
    };
    Ok(Command::Read(Reading::Conversation { conversation, since }))
}

/// A time may stand in quotes, as in a shell.
fn unquoted(time: &str) -> &str {
    let within = |quote| time.strip_prefix(quote).and_then(|time| time.strip_suffix(quote));
    within('"').or_else(|| within('\'')).unwrap_or(time)
}

#[cfg(test)]
mod tests;
