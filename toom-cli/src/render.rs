//! The lines that `toom` prints. They hold what others wrote as it came: [`filter`](crate::filter) makes it safe on the way out.

mod transfers;

use toom_core::{Conversation, MessageNumber, Receipt, RoomId, Timestamp};
use toom_net::client::{Away, Bye, CallError, Ended, Pushed, StoreMet};
use toom_net::protocol::{ByeCode, Code, Failure, HistoryRow, LoggedIn, MessageLine, NameWord};

use crate::command::{Reading, Since};
use crate::zone::Zone;
pub use transfers::{NO_TRANSFER, duration, size, transfer, under_way, unfinished};

/// After the session line.
pub const WELCOME: &str = "Welcome to TOOM!";
/// The prompt for the name.
pub const USER_PROMPT: &str = "Username:";
/// The prompt for the password.
pub const PASSWORD_PROMPT: &str = "Password:";
/// Asks whether a server is the right one.
pub const YES_OR_NO_PROMPT: &str = "Type yes or no:";
/// The prompt before the first command.
pub const COMMANDS_PROMPT: &str = "Enter one of the following commands (BCM, ATU, SRB, SRM, RDM, OUT, UPD):";
/// The answer to `ATU` where there is nobody.
pub const NO_OTHER_ACTIVE_USER: &str = "no other active user";
/// The answer to `RDM` where there is nothing.
pub const NO_NEW_MESSAGE: &str = "no new message";
/// Below a page that has not reached the end.
pub const MORE: &str = "there is more: RDM reads on";
/// Below the last of several pages.
pub const THAT_WAS_ALL: &str = "that was all";

/// `4; 04 Aug 2022 09:02:21; obiwan;127.0.0.1;2000`.
#[must_use]
pub fn session(session: &LoggedIn, zone: &Zone) -> String {
    let LoggedIn { ordinal, at, user, ip, udp } = session;
    let udp = udp.map_or(0, core::num::NonZeroU16::get);
    format!("{ordinal}; {}; {user};{ip};{udp}", zone.write(*at))
}

/// `Broadcast message, #3 broadcast at 04 Aug 2022 09:02:29`.
#[must_use]
pub fn broadcast(number: MessageNumber, at: Timestamp, zone: &Zone) -> String {
    format!("Broadcast message, #{} broadcast at {}", number.get(), zone.write(at))
}

/// `hans, active since 04 Aug 2022 08:51:01.`
#[must_use]
pub fn active_user(user: &NameWord, since: Timestamp, zone: &Zone) -> String {
    format!("{user}, active since {}.", zone.write(since))
}

/// `Separate chat room has been created, room ID:1, users in this room:obiwan, luke`.
#[must_use]
pub fn room_created(room: RoomId, members: &[NameWord]) -> String {
    format!(
        "Separate chat room has been created, room ID:{}, users in this room:{}",
        room.number(),
        names(members)
    )
}

/// `Message #1 sent to separate room 1 at 04 Aug 2022 09:03:07`.
#[must_use]
pub fn posted(room: RoomId, number: MessageNumber, at: Timestamp, zone: &Zone) -> String {
    format!("Message #{} sent to separate room {} at {}", number.get(), room.number(), zone.write(at))
}

/// The answer to `BCM` and `SRM`.
#[must_use]
pub fn receipt(receipt: Receipt, zone: &Zone) -> String {
    let Receipt { conversation, number, at } = receipt;
    match conversation {
        Conversation::Broadcast => broadcast(number, at, zone),
        Conversation::Room(room) => posted(room, number, at, zone),
    }
}

/// The line above what `RDM` found, if it has one.
#[must_use]
pub fn heading_of(reading: Reading, zone: &Zone) -> Option<String> {
    match reading {
        Reading::Conversation { conversation, since } => heading(conversation, since, zone),
        Reading::Rooms(when) => Some(rooms_heading(when.at, zone)),
    }
}

/// The line above what `RDM s` found: `Messages in separate rooms since 04 Aug 2022 08:51:01`.
#[must_use]
pub fn rooms_heading(since: Timestamp, zone: &Zone) -> String {
    format!("Messages in separate rooms since {}", zone.write(since))
}

/// The line above what `RDM b` or `RDM <room>` found. Broadcast messages have none.
#[must_use]
pub fn heading(conversation: Conversation, since: Since, zone: &Zone) -> Option<String> {
    let Conversation::Room(room) = conversation else { return None };
    let room = room.number();
    Some(match since {
        Since::Time(when) => format!("Messages in separate room {room} since {}", zone.write(when.at)),
        Since::Number(after) => {
            format!("Messages in separate room {room} after #{}", after.map_or(0, MessageNumber::get))
        }
    })
}

/// `hans broadcasted BCM "hello" at 04 Aug 2022 08:59:21`, or `room-1: #1;obiwan;have a nice day at 04 Aug 2022 09:03:07`: read with
/// `RDM` or delivered live.
#[must_use]
pub fn message(message: &MessageLine, zone: &Zone) -> String {
    let MessageLine { conversation, number, at, author, body } = message;
    let (body, at) = (body.as_str(), zone.write(*at));
    match conversation {
        Conversation::Broadcast => format!("{author} broadcasted BCM \"{body}\" at {at}"),
        Conversation::Room(room) => {
            format!("room-{}: #{};{author};{body} at {at}", room.number(), number.get())
        }
    }
}

/// A row of `RDM`: a message, or what stands in place of those that are gone for good.
#[must_use]
pub fn history(row: &HistoryRow, zone: &Zone) -> String {
    match row {
        HistoryRow::Message(line) => message(line, zone),
        HistoryRow::Gone { conversation, first, last } => gone(*conversation, *first, *last),
    }
}

fn gone(conversation: Conversation, first: MessageNumber, last: MessageNumber) -> String {
    format!("{} gone for good", range(conversation, first, last))
}

/// What happened unasked. `None` for the goodbye of the server, since [`ended`] tells it.
#[must_use]
pub fn pushed(pushed: &Pushed, zone: &Zone) -> Option<String> {
    Some(match pushed {
        Pushed::Message(line) => message(line, zone),
        Pushed::Room { room, members } => format!(
            "You are in a new separate chat room, room ID:{}, users in this room:{}",
            room.number(),
            names(members)
        ),
        Pushed::Lag { conversation, first, last } => lag(*conversation, *first, *last),
        Pushed::Gone { conversation, first, last } => gone(*conversation, *first, *last),
        Pushed::Away(lost) => away(lost),
        Pushed::Back { store, .. } => back(*store).to_owned(),
        Pushed::RoomsMissed { count } => {
            format!(
                "You are in {count} more new separate chat rooms: RDM s finds them once someone posts there"
            )
        }
        _ => return None,
    })
}

/// Messages that were not delivered, and the command that reads them.
fn lag(conversation: Conversation, first: MessageNumber, last: MessageNumber) -> String {
    let scope = match conversation {
        Conversation::Broadcast => "b".to_owned(),
        Conversation::Room(room) => room.number().to_string(),
    };
    let after = first.preceding().map_or(0, MessageNumber::get);
    format!("{} not shown here: RDM {scope} #{after} reads them", range(conversation, first, last))
}

/// Why a connection ended.
#[must_use]
pub fn ended(ended: &Ended) -> String {
    match ended {
        Ended::Lost { bye: Some(bye), .. } => closes(bye),
        ended => ended.to_string(),
    }
}

fn closes(Bye { code, text }: &Bye) -> String {
    let why = match code {
        _ if !text.is_empty() => text,
        ByeCode::Shutdown => "it shuts down",
        ByeCode::Idle => "it heard nothing for too long",
        ByeCode::LoginTimeout => "nobody logged in in time",
        ByeCode::TooManyConnections => "it has too many connections",
        ByeCode::Slow => "it waited too long for this side to read",
        ByeCode::Throttled => "it was asked for too much",
        ByeCode::Removed => "the account was removed",
        other => other.as_str(),
    };
    format!("the server closes the connection: {why}")
}

/// Why there is no connection for now.
#[must_use]
pub fn away_why(away: &Away) -> String {
    away.bye.as_ref().map_or_else(|| away.why.to_string(), closes)
}

/// That there is no connection, and when the next is tried.
#[must_use]
pub fn away(away: &Away) -> String {
    let seconds = away.pause.as_secs_f64().ceil();
    let unit = if seconds > 1.0 { "seconds" } else { "second" };
    format!("{}; trying again in {seconds} {unit}", away_why(away))
}

/// That there is a connection again.
#[must_use]
pub const fn back(store: StoreMet) -> &'static str {
    match store {
        StoreMet::Same => "connected again; what you missed follows",
        StoreMet::Other => {
            "connected again, but the server has another history now: old numbers mean nothing any more"
        }
    }
}

/// That a line was typed that has to wait for the connection.
#[must_use]
pub fn not_sent_yet(line: &str) -> String {
    format!("not sent yet: {line}")
}

/// That a line was not sent, and will not be.
#[must_use]
pub fn not_sent(line: &str) -> String {
    format!("not sent: {line}")
}

/// That what was pasted was not sent.
pub const NOT_SENT: &str = "not sent";

/// Asks what to do with several lines at once.
#[must_use]
pub fn as_one_message(lines: usize) -> String {
    format!("send these {lines} lines as one message? y or n")
}

/// That the answer to a line is missing.
#[must_use]
pub fn unanswered(line: &str) -> String {
    format!("no answer yet: {line}")
}

/// Why a call has no answer.
#[must_use]
pub fn call_error(error: &CallError) -> String {
    match error {
        CallError::Refused(failure) => refusal(failure),
        CallError::Ended(reason) => ended(reason),
        error => error.to_string(),
    }
}

/// The answer to a name that no user can have.
#[must_use]
pub fn no_user_name(name: &str) -> String {
    format!("no user can have the name {name}")
}

/// `Bye,obiwan`.
#[must_use]
pub fn goodbye(user: &str) -> String {
    format!("Bye,{user}")
}

/// Why the server did not do what it was asked for.
#[must_use]
pub fn refusal(failure: &Failure) -> String {
    match &failure.code {
        Code::UnknownUser(name) => format!("there is no user {name}"),
        Code::InactiveUser(name) => format!("{name} is not active"),
        Code::NoMembers => "a room needs somebody else in it".to_owned(),
        Code::RoomExists(room) => {
            format!("a separate chat room with exactly these users exists, room ID:{}", room.number())
        }
        Code::NoRoom => "no such room, or you are not in it".to_owned(),
        code if failure.text.is_empty() => format!("the server refused: {}", code.as_str()),
        _ => failure.text.to_string(),
    }
}

fn names(members: &[NameWord]) -> String {
    members.iter().map(NameWord::as_str).collect::<Vec<_>>().join(", ")
}

/// `room-1: #3 to #5 are`, `broadcast #3 is`.
fn range(conversation: Conversation, first: MessageNumber, last: MessageNumber) -> String {
    let place = match conversation {
        Conversation::Broadcast => "broadcast".to_owned(),
        Conversation::Room(room) => format!("room-{}:", room.number()),
    };
    if first == last {
        format!("{place} #{} is", first.get())
    } else {
        format!("{place} #{} to #{} are", first.get(), last.get())
    }
}

#[cfg(test)]
mod tests;
