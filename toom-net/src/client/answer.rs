//! What a successful reply says, its rows included.

use toom_core::{Conversation, Receipt, RoomId, Timestamp};

use crate::protocol::{
    Command, CursorWord, HistoryRow, LoggedIn, NameWord, PageLimit, RoomsSince, Since, TransferId,
};

/// The answer to a request that was not refused. Its kind is that of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// To `HELLO`.
    Hello,
    /// To `LOGIN`.
    LoggedIn(LoggedIn),
    /// To `BCM` and `SRM`.
    Posted(Receipt),
    /// To `ATU`.
    ActiveUsers(Vec<ActiveUser>),
    /// To `SRB`.
    RoomCreated(NewRoom),
    /// To `RDM`.
    Page(Page),
    /// To `PING`: what the request said.
    Pong(Box<str>),
    /// To `UPD`: which transfer.
    Transfer(TransferId),
    /// To `HELP`: lines for people.
    Help(Vec<Box<str>>),
    /// To `OUT`: who was logged in.
    LoggedOut(Option<NameWord>),
}

/// Another user who is active.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveUser {
    /// Who.
    pub user: NameWord,
    /// Since which login.
    pub since: Timestamp,
}

/// A room that was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRoom {
    /// The room.
    pub room: RoomId,
    /// Its members, who built it first.
    pub members: Vec<NameWord>,
}

/// A part of the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Messages, and marks where messages are gone; in order of number within a conversation. A page may be empty and
    /// not be the last.
    pub rows: Vec<HistoryRow>,
    /// How to read on; `None` says that this page reached the end.
    pub next: Option<NextPage>,
}

/// Where a page ended, and what it was a page of. It reads on in another connection as well, while the server's epoch is the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextPage {
    target: Target,
    cursor: CursorWord,
    limit: PageLimit,
}

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// One conversation.
    Conversation(Conversation),
    /// All rooms of the caller.
    Rooms,
}

impl NextPage {
    pub(super) fn new(target: Target, cursor: CursorWord, limit: PageLimit) -> Self {
        Self { target, cursor, limit }
    }

    /// The request that reads the next page, of at most as many messages as the last.
    #[must_use]
    pub fn into_command(self) -> Command {
        let Self { target, cursor, limit } = self;
        match target {
            Target::Conversation(conversation) => {
                Command::ReadConversation { conversation, since: Since::Cursor(cursor), limit }
            }
            Target::Rooms => Command::ReadRooms { since: RoomsSince::Cursor(cursor), limit },
        }
    }
}
