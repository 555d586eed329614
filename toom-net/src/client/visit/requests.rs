//! What was asked for and has no answer yet.

use std::collections::VecDeque;

use toom_core::{Conversation, IdempotencyKey};

use crate::protocol::{Command, RoomsSince, Since};

/// Names a request in its visit, whatever connection it goes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

/// The requests of a visit, in the order in which they were made.
#[derive(Debug, Default)]
pub(super) struct Requests {
    waiting: VecDeque<Asked>,
    next: u64,
}

#[derive(Debug)]
struct Asked {
    ticket: Ticket,
    command: Command,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Kept,
    Sent,
}

impl Requests {
    /// Keeps a request until it has an answer. One that changes something gets a key, unless it has one.
    pub(super) fn keep(&mut self, mut command: Command, key: impl FnOnce() -> IdempotencyKey) -> Ticket {
        if let Command::Broadcast { key: place, .. }
        | Command::CreateRoom { key: place, .. }
        | Command::PostRoom { key: place, .. } = &mut command
        {
            place.get_or_insert_with(key);
        }
        let ticket = Ticket(self.next);
        self.next += 1;
        self.waiting.push_back(Asked { ticket, command, state: State::Kept });
        ticket
    }

    /// The next one to send. It counts as sent then.
    pub(super) fn send_next(&mut self) -> Option<(Ticket, Command)> {
        let asked = self.waiting.iter_mut().find(|asked| asked.state == State::Kept)?;
        asked.state = State::Sent;
        Some((asked.ticket, asked.command.clone()))
    }

    /// The connection is lost: all have to be sent again.
    pub(super) fn keep_all(&mut self) {
        for asked in &mut self.waiting {
            asked.state = State::Kept;
        }
    }

    /// Takes off the one that was answered.
    pub(super) fn take(&mut self, ticket: Ticket) -> Option<Command> {
        let at = self.waiting.iter().position(|asked| asked.ticket == ticket)?;
        self.waiting.remove(at).map(|asked| asked.command)
    }

    /// Takes off one that `unwanted` says is not to be sent.
    pub(super) fn take_where(&mut self, unwanted: impl Fn(&Command) -> bool) -> Option<(Ticket, Command)> {
        let at = self.waiting.iter().position(|asked| unwanted(&asked.command))?;
        self.waiting.remove(at).map(|asked| (asked.ticket, asked.command))
    }

    /// Whether there is such a one.
    pub(super) fn any(&self, such: impl Fn(&Command) -> bool) -> bool {
        self.waiting.iter().any(|asked| such(&asked.command))
    }

    /// Whether a post to `conversation` was sent and has no answer.
    pub(super) fn is_posting(&self, conversation: Conversation) -> bool {
        self.posting().any(|place| place == conversation)
    }

    /// Where posts were sent to that have no answer.
    pub(super) fn posting(&self) -> impl Iterator<Item = Conversation> {
        let sent = self.waiting.iter().filter(|asked| asked.state == State::Sent);
        sent.filter_map(|asked| place_of(&asked.command))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }
}

/// Where a post goes to; `None` for other requests.
pub(super) fn place_of(command: &Command) -> Option<Conversation> {
    match command {
        Command::Broadcast { .. } => Some(Conversation::Broadcast),
        Command::PostRoom { room, .. } => Some(Conversation::Room(*room)),
        _ => None,
    }
}

/// Whether it means nothing in another session: what it is about ends with its own.
pub(super) fn is_of_its_session(command: &Command) -> bool {
    matches!(command, Command::Transfer(_))
}

/// Whether it means nothing in another epoch: it names a number, or a cursor.
pub(super) fn is_of_its_epoch(command: &Command) -> bool {
    match command {
        Command::ReadConversation { since, .. } => {
            matches!(since, Since::Cursor(_) | Since::Number(Some(_)))
        }
        Command::ReadRooms { since, .. } => matches!(since, RoomsSince::Cursor(_)),
        _ => false,
    }
}
