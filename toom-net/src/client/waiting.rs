//! A request that waits for its reply, with the rows that came so far.

use toom_core::{Conversation, MessageNumber, Receipt, RoomId};

use super::answer::Target;
use super::{ActiveUser, Answer, NewRoom, NextPage, Page, RequestId, Violation};
use crate::protocol::{Command, CursorWord, HistoryRow, Live, PageLimit, Row, Success, TransferId, Verb};

/// The most that the rows of one reply may take, in bytes as they were sent, each with 64 more: 32 MiB.
///
/// A page of 1,000 messages of the longest lines is half of that, and 200,000 active users fit.
pub const REPLY_BYTES_MAX: usize = 32 * 1024 * 1024;

/// What a row takes in memory beside its texts.
const ROW_BYTES: usize = 64;

/// A request under way.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) id: RequestId,
    pub(super) verb: Verb,
    expected: Expected,
    row_bytes: usize,
}

/// What the reply has to be, with the rows that came.
#[derive(Debug)]
enum Expected {
    Hello(Live),
    LoggedIn,
    Broadcast,
    Posted(RoomId),
    RoomCreated,
    Pong,
    /// The one that was named; `None` for an offer.
    Transfer(Option<TransferId>),
    LoggedOut,
    ActiveUsers(Vec<ActiveUser>),
    Help(Vec<Box<str>>),
    Page(Rows),
}

/// The rows of a page.
#[derive(Debug)]
struct Rows {
    target: Target,
    limit: PageLimit,
    messages: u16,
    so_far: Vec<HistoryRow>,
}

impl Waiting {
    pub(super) fn new(id: RequestId, command: &Command) -> Self {
        let expected = match command {
            Command::Hello(hello) => Expected::Hello(hello.live),
            Command::Login { .. } => Expected::LoggedIn,
            Command::Broadcast { .. } => Expected::Broadcast,
            Command::PostRoom { room, .. } => Expected::Posted(*room),
            Command::CreateRoom { .. } => Expected::RoomCreated,
            Command::Ping { .. } => Expected::Pong,
            Command::Transfer(request) => Expected::Transfer(request.id()),
            Command::Logout => Expected::LoggedOut,
            Command::ActiveUsers => Expected::ActiveUsers(Vec::new()),
            Command::Help => Expected::Help(Vec::new()),
            Command::ReadConversation { conversation, limit, .. } => {
                Expected::Page(Rows::new(Target::Conversation(*conversation), *limit))
            }
            Command::ReadRooms { limit, .. } => Expected::Page(Rows::new(Target::Rooms, *limit)),
        };
        Self { id, verb: command.verb(), expected, row_bytes: 0 }
    }

    /// Whether the reply has begun: nothing may be pushed until it has ended.
    pub(super) fn has_rows(&self) -> bool {
        self.row_bytes > 0
    }

    /// What `HELLO` said of pushes.
    pub(super) fn live(&self) -> Option<Live> {
        if let Expected::Hello(live) = self.expected { Some(live) } else { None }
    }

    pub(super) fn add(&mut self, row: Row<'_>) -> Result<(), Violation> {
        self.row_bytes += row.as_str().len() + ROW_BYTES;
        if self.row_bytes > REPLY_BYTES_MAX {
            return Err(Violation::TooManyRows(self.verb));
        }
        let malformed = Violation::MalformedRow(self.verb);
        match &mut self.expected {
            Expected::ActiveUsers(users) => {
                let (user, since) = row.parse_user().ok_or(malformed)?;
                users.push(ActiveUser { user, since });
            }
            Expected::Help(lines) => lines.push(row.as_str().into()),
            Expected::Page(rows) => rows.add(row.parse_history().ok_or(malformed)?)?,
            _ => return Err(Violation::UnexpectedRow(self.verb)),
        }
        Ok(())
    }

    pub(super) fn finish(self, success: Success) -> Result<Answer, Violation> {
        let answered = success.verb();
        Ok(match (self.expected, success) {
            (Expected::Hello(_), Success::Hello) => Answer::Hello,
            (Expected::LoggedIn, Success::LoggedIn(session)) => Answer::LoggedIn(session),
            (Expected::Broadcast, Success::Broadcast { number, at }) => {
                Answer::Posted(Receipt { conversation: Conversation::Broadcast, number, at })
            }
            (Expected::Posted(asked), Success::Posted { room, number, at }) => {
                if room != asked {
                    return Err(Violation::OtherRoom);
                }
                Answer::Posted(Receipt { conversation: Conversation::Room(room), number, at })
            }
            (Expected::RoomCreated, Success::RoomCreated { room, members }) => {
                Answer::RoomCreated(NewRoom { room, members })
            }
            (Expected::Pong, Success::Pong { text }) => Answer::Pong(text),
            (Expected::Transfer(asked), Success::Transfer { id }) => {
                if asked.is_some_and(|asked| asked != id) {
                    return Err(Violation::OtherTransfer);
                }
                Answer::Transfer(id)
            }
            (Expected::LoggedOut, Success::LoggedOut { user }) => Answer::LoggedOut(user),
            (Expected::ActiveUsers(users), Success::ActiveUsers { count }) => {
                counted(count, users.len())?;
                Answer::ActiveUsers(users)
            }
            (Expected::Help(lines), Success::Help { count }) => {
                counted(count, lines.len())?;
                Answer::Help(lines)
            }
            (Expected::Page(rows), Success::Read { count, next }) => rows.finish(count, next)?,
            _ => return Err(Violation::OtherVerb { asked: self.verb, answered }),
        })
    }
}

impl Rows {
    fn new(target: Target, limit: PageLimit) -> Self {
        Self { target, limit, messages: 0, so_far: Vec::new() }
    }

    fn add(&mut self, row: HistoryRow) -> Result<(), Violation> {
        let (conversation, first, _) = place(&row);
        let asked = match self.target {
            Target::Conversation(asked) => conversation == asked,
            Target::Rooms => conversation != Conversation::Broadcast,
        };
        let ordered = self.so_far.last().is_none_or(|previous| {
            let (previous, _, last) = place(previous);
            conversation != previous || first > last
        });
        if !asked || !ordered {
            return Err(Violation::RowOutOfPlace);
        }
        if let HistoryRow::Message(_) = row {
            if self.messages == self.limit.get() {
                return Err(Violation::TooManyRows(Verb::Rdm));
            }
            self.messages += 1;
        }
        self.so_far.push(row);
        Ok(())
    }

    fn finish(self, count: u64, next: Option<CursorWord>) -> Result<Answer, Violation> {
        counted(count, self.messages.into())?;
        let next = next.map(|cursor| NextPage::new(self.target, cursor, self.limit));
        Ok(Answer::Page(Page { rows: self.so_far, next }))
    }
}

/// The conversation of a row, and its first and last number.
fn place(row: &HistoryRow) -> (Conversation, MessageNumber, MessageNumber) {
    match row {
        HistoryRow::Message(message) => (message.conversation, message.number, message.number),
        HistoryRow::Gone { conversation, first, last } => (*conversation, *first, *last),
    }
}

fn counted(told: u64, rows: usize) -> Result<(), Violation> {
    let sent = rows as u64;
    if told == sent { Ok(()) } else { Err(Violation::Miscounted { told, sent }) }
}
