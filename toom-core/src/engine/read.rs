//! Reading what was missed.
//!
//! The engine decides who may read what ([`ReadPlan`]); the plan is carried out on the store or on one of its readers,
//! on any thread.

use core::num::NonZeroUsize;
use core::ops::ControlFlow;

use crate::cursor::Place;
use crate::engine::Engine;
use crate::rooms::End;
use crate::{
    Conversation, Cursor, History, MessageNumber, MessageRef, Now, Page, ReadError, RoomId, SessionId,
    Storage, StorageError, Timestamp, UserName,
};

/// What to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// One conversation.
    Conversation {
        /// Which.
        conversation: Conversation,
        /// What was seen of it.
        since: Since,
    },
    /// All rooms of the session's user, room by room: the messages strictly later than a time.
    Rooms {
        /// The time.
        since: Timestamp,
    },
    /// Go on where a page ended.
    Next(Cursor),
}

/// What was seen of a conversation; the page begins behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// Everything not later than this.
    Time(Timestamp),
    /// Everything up to this number; `None`: nothing.
    Number(Option<MessageNumber>),
}

/// What a page holds, as it is lent while the page is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row<'a> {
    /// A message.
    Message(MessageRef<'a>),
    /// Messages that should stand here and are gone for good.
    Gone {
        /// Whose.
        conversation: Conversation,
        /// The number of the first.
        first: MessageNumber,
        /// The number of the last.
        last: MessageNumber,
    },
}

/// How a page ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageEnd {
    /// How many messages it holds.
    pub count: usize,
    /// How to go on; `None`: there was no more.
    pub next: Option<Cursor>,
}

/// A page that may be read: whose conversations, from where, and how much. It shows what was stored when it was made, and
/// nothing later.
#[derive(Clone, Debug)]
pub struct ReadPlan {
    spans: Vec<Span>,
    messages_max: usize,
    bytes_max: usize,
    /// For a page over all rooms: the window that it is a part of.
    window: Option<Window>,
    /// For a page over all rooms: where to go on when the window has been read.
    later: Option<Cursor>,
}

/// A part of one conversation.
#[derive(Clone, Copy, Debug)]
struct Span {
    conversation: Conversation,
    since: Since,
    until: Until,
}

#[derive(Clone, Copy, Debug)]
enum Until {
    Number(MessageNumber),
    Time(Timestamp),
}

/// A read over all rooms covers the messages later than `since` and not later than `horizon`; what is posted while its pages
/// are read comes in a window of its own, so that nothing is left out of a room that was passed already.
#[derive(Clone, Copy, Debug)]
struct Window {
    since: Timestamp,
    horizon: Timestamp,
}

impl<S: Storage> Engine<S> {
    /// Reads a page of at most `limit` messages, in order: of one conversation, or room by room.
    ///
    /// The page ends earlier after [`Limits::page_bytes_max`](crate::Limits::page_bytes_max). Pages that follow each other by
    /// their [`Cursor`]s hold every message that is later than the time once, whatever is posted meanwhile.
    ///
    /// # Errors
    /// [`ReadError`] says why nothing was read.
    pub fn read_since(
        &mut self,
        session: SessionId,
        reading: Reading,
        limit: NonZeroUsize,
        now: Now,
    ) -> Result<Page, ReadError> {
        let mut page = Page::default();
        let end = self.read_since_with(session, reading, limit, now, &mut |row| page.push(row))?;
        page.finish(end.next);
        Ok(page)
    }

    /// As [`read_since`](Self::read_since), lending each row to `visit` instead of copying it.
    ///
    /// # Errors
    /// [`ReadError`] says why nothing, or no more, was read.
    pub fn read_since_with(
        &mut self,
        session: SessionId,
        reading: Reading,
        limit: NonZeroUsize,
        now: Now,
        visit: &mut dyn FnMut(Row<'_>),
    ) -> Result<PageEnd, ReadError> {
        let plan = self.plan_read(session, reading, limit, now)?;
        Ok(plan.read(&self.storage, visit)?)
    }

    /// Decides what [`read_since`](Self::read_since) may read, for hosts that read elsewhere: on a
    /// [`reader`](Storage::reader), on another thread.
    ///
    /// # Errors
    /// [`ReadError`] says why nothing may be read.
    pub fn plan_read(
        &mut self,
        session: SessionId,
        reading: Reading,
        limit: NonZeroUsize,
        now: Now,
    ) -> Result<ReadPlan, ReadError> {
        let user = self.user(session, now)?;
        match reading {
            Reading::Conversation { conversation, since } => {
                self.plan_conversation(&user, conversation, since, limit)
            }
            Reading::Next(Cursor(Place::Conversation { conversation, after })) => {
                self.plan_conversation(&user, conversation, Since::Number(after), limit)
            }
            Reading::Rooms { since } => {
                let horizon = self.rooms.last_at().unwrap_or(since);
                Ok(self.plan_rooms(&user, Window { since, horizon }, None, limit))
            }
            Reading::Next(Cursor(Place::Rooms { since, horizon, room, after })) => {
                let horizon = horizon.or(self.rooms.last_at()).unwrap_or(since);
                Ok(self.plan_rooms(&user, Window { since, horizon }, Some((room, after)), limit))
            }
        }
    }

    fn plan_conversation(
        &self,
        user: &UserName,
        conversation: Conversation,
        since: Since,
        limit: NonZeroUsize,
    ) -> Result<ReadPlan, ReadError> {
        if let Conversation::Room(room) = conversation {
            self.rooms.joined(room, user).ok_or(ReadError::NoSuchRoom)?;
        }
        let end = self.rooms.end(conversation);
        let span = end.map(|end| Span { conversation, since, until: Until::Number(end.number) });
        Ok(self.plan(span.into_iter().collect(), None, None, limit))
    }

    /// Goes on in the room, and behind the number, where an earlier page of the window ended.
    fn plan_rooms(
        &self,
        user: &UserName,
        window: Window,
        resume: Option<(RoomId, Option<MessageNumber>)>,
        limit: NonZeroUsize,
    ) -> ReadPlan {
        let mut spans = Vec::new();
        let mut posted_later = false;
        for room in self.rooms.of_user(user) {
            let conversation = Conversation::Room(*room);
            let Some(end) = self.rooms.end(conversation) else { continue };
            posted_later |= end.at > window.horizon;
            let since = match resume {
                Some((first, _)) if *room < first => continue,
                Some((first, after)) if *room == first && after.is_some() => Since::Number(after),
                _ => Since::Time(window.since),
            };
            if !is_over(end, since) {
                let until = if end.at > window.horizon {
                    Until::Time(window.horizon)
                } else {
                    Until::Number(end.number)
                };
                spans.push(Span { conversation, since, until });
            }
        }
        let later = posted_later.then_some(Cursor::rooms(window.horizon, None, RoomId::FIRST, None));
        self.plan(spans, Some(window), later, limit)
    }

    fn plan(
        &self,
        spans: Vec<Span>,
        window: Option<Window>,
        later: Option<Cursor>,
        limit: NonZeroUsize,
    ) -> ReadPlan {
        let limits = &self.config.limits;
        let messages_max = limit.min(limits.page_messages_max).get();
        ReadPlan { spans, messages_max, bytes_max: limits.page_bytes_max, window, later }
    }
}

/// Whether a conversation that ends so has nothing behind `since`.
fn is_over(end: End, since: Since) -> bool {
    match since {
        Since::Time(time) => end.at <= time,
        Since::Number(after) => Some(end.number) <= after,
    }
}

impl ReadPlan {
    /// Reads the page, lending each row to `visit`.
    ///
    /// # Errors
    /// [`StorageError`] if the store could not be read; what was lent before is right.
    pub fn read<H: History + ?Sized>(
        &self,
        history: &H,
        visit: &mut dyn FnMut(Row<'_>),
    ) -> Result<PageEnd, StorageError> {
        let mut left = Left { messages: self.messages_max, bytes: self.bytes_max };
        let mut spans = self.spans.iter().peekable();
        let mut next = self.later;
        while let Some(span) = spans.next() {
            let seen = span.read(history, &mut left, visit)?;
            let resume = match (seen, spans.peek()) {
                (Seen::UpTo(number), _) => Some((span.conversation, Some(number))),
                (Seen::All, Some(following)) => Some((following.conversation, None)),
                (Seen::All, None) => None,
            };
            if left.is_none()
                && let Some((conversation, after)) = resume
            {
                next = Some(self.cursor(conversation, after));
                break;
            }
        }
        Ok(PageEnd { count: self.messages_max - left.messages, next })
    }

    fn cursor(&self, conversation: Conversation, after: Option<MessageNumber>) -> Cursor {
        match (self.window, conversation) {
            (Some(window), Conversation::Room(room)) => {
                Cursor::rooms(window.since, Some(window.horizon), room, after)
            }
            _ => Cursor::conversation(conversation, after),
        }
    }
}

/// How much more the page may hold.
struct Left {
    messages: usize,
    bytes: usize,
}

impl Left {
    fn take(&mut self, message: MessageRef<'_>) {
        self.messages = self.messages.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(message.body.len());
    }

    fn is_none(&self) -> bool {
        self.messages == 0 || self.bytes == 0
    }
}

/// How much of a span the page shows.
enum Seen {
    All,
    UpTo(MessageNumber),
}

impl Span {
    fn read<H: History + ?Sized>(
        &self,
        history: &H,
        left: &mut Left,
        visit: &mut dyn FnMut(Row<'_>),
    ) -> Result<Seen, StorageError> {
        let conversation = self.conversation;
        let after = match self.since {
            Since::Time(time) => history.locate(conversation, time)?,
            Since::Number(number) => number,
        };
        let until = match self.until {
            Until::Number(number) => Some(number),
            Until::Time(time) => history.locate(conversation, time)?,
        };
        let Some(until) = until.filter(|until| Some(*until) > after) else { return Ok(Seen::All) };

        let mut seen = after;
        history.read(conversation, after, left.messages, &mut |message| {
            if message.number > until {
                return ControlFlow::Break(());
            }
            if let Some(gone) = gone_before(message.number, seen) {
                visit(gone.row(conversation));
            }
            visit(Row::Message(message));
            seen = Some(message.number);
            left.take(message);
            if left.is_none() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        if seen == after {
            // Nothing that is kept was found: what should have been there is gone.
            let floor = history.floor(conversation)?;
            if let Some(gone) = gone_before(floor.min(MessageNumber::following(Some(until))), seen) {
                visit(gone.row(conversation));
            }
            return Ok(Seen::All);
        }
        Ok(seen.filter(|seen| *seen < until).map_or(Seen::All, Seen::UpTo))
    }
}

/// The numbers between `seen` and `number`, if there are any.
fn gone_before(number: MessageNumber, seen: Option<MessageNumber>) -> Option<Gone> {
    let first = MessageNumber::following(seen);
    let last = number.preceding()?;
    (first <= last).then_some(Gone { first, last })
}

struct Gone {
    first: MessageNumber,
    last: MessageNumber,
}

impl Gone {
    fn row(&self, conversation: Conversation) -> Row<'static> {
        Row::Gone { conversation, first: self.first, last: self.last }
    }
}
