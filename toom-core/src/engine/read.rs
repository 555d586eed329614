//! Reading what was missed.
//!
//! The engine decides who may read what ([`ReadPlan`]); the plan is carried out on the store or on one of its readers,
//! on any thread.

use core::num::NonZeroUsize;
use core::ops::ControlFlow;

use crate::cursor::Place;
use crate::engine::Engine;
use crate::rooms::{End, Rooms};
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
    spans: Spans,
    messages_max: usize,
    bytes_max: usize,
    /// For a page over all rooms: the window that it is a part of.
    window: Option<Window>,
    /// For a page over all rooms: where to go on when the window has been read.
    later: Option<Cursor>,
}

/// The parts of a page; one of them, as most pages have, needs no memory of its own.
#[derive(Clone, Debug)]
enum Spans {
    One(Span),
    Many(Vec<Span>),
}

impl Spans {
    fn as_slice(&self) -> &[Span] {
        match self {
            Self::One(span) => std::slice::from_ref(span),
            Self::Many(spans) => spans,
        }
    }
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
///
/// The horizon is the time of the last message in the reader's own rooms, not in the engine: cursors show it, and must not tell
/// when others said something among themselves.
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
        let end = self.read_since_with(session, reading, limit, now, |row| page.push(row))?;
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
        visit: impl FnMut(Row<'_>),
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
        let mono = self.clocks.advance(now);
        let user = self.sessions.touch(session, self.config.policy.session_idle, mono)?;
        let (rooms, messages_max) = (&self.rooms, limit.min(self.config.limits.page_messages_max).get());
        let (spans, window, later) = match reading {
            Reading::Conversation { conversation, since } => {
                (plan_conversation(rooms, user, conversation, since)?, None, None)
            }
            Reading::Next(Cursor(Place::Conversation { conversation, after })) => {
                (plan_conversation(rooms, user, conversation, Since::Number(after))?, None, None)
            }
            Reading::Rooms { since } => {
                let horizon = rooms.last_said_to(user).unwrap_or(since);
                plan_rooms(rooms, user, Window { since, horizon }, None)
            }
            Reading::Next(Cursor(Place::Rooms { since, horizon, room, after })) => {
                let horizon = horizon.or_else(|| rooms.last_said_to(user)).unwrap_or(since);
                plan_rooms(rooms, user, Window { since, horizon }, Some((room, after)))
            }
        };
        Ok(ReadPlan { spans, messages_max, bytes_max: self.config.limits.page_bytes_max, window, later })
    }
}

fn plan_conversation(
    rooms: &Rooms,
    user: &UserName,
    conversation: Conversation,
    since: Since,
) -> Result<Spans, ReadError> {
    if let Conversation::Room(room) = conversation {
        rooms.joined(room, user).ok_or(ReadError::NoSuchRoom)?;
    }
    let span = |end: End| Span { conversation, since, until: Until::Number(end.number) };
    Ok(rooms.end(conversation).map_or(Spans::Many(Vec::new()), |end| Spans::One(span(end))))
}

/// Goes on in the room, and behind the number, where an earlier page of the window ended.
fn plan_rooms(
    rooms: &Rooms,
    user: &UserName,
    window: Window,
    resume: Option<(RoomId, Option<MessageNumber>)>,
) -> (Spans, Option<Window>, Option<Cursor>) {
    let mut spans = Vec::new();
    let mut posted_later = false;
    for room in rooms.of_user(user) {
        let conversation = Conversation::Room(*room);
        let Some(end) = rooms.end(conversation) else { continue };
        posted_later |= end.at > window.horizon;
        let since = match resume {
            Some((first, _)) if *room < first => continue,
            Some((first, after)) if *room == first && after.is_some() => Since::Number(after),
            _ => Since::Time(window.since),
        };
        if !is_over(end, since) {
            let posted_later = end.at > window.horizon;
            let until = if posted_later { Until::Time(window.horizon) } else { Until::Number(end.number) };
            spans.push(Span { conversation, since, until });
        }
    }
    let later = posted_later.then_some(Cursor::rooms(window.horizon, None, RoomId::FIRST, None));
    (Spans::Many(spans), Some(window), later)
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
    pub fn read(
        &self,
        history: &impl History,
        mut visit: impl FnMut(Row<'_>),
    ) -> Result<PageEnd, StorageError> {
        let mut left = Left { messages: self.messages_max, bytes: self.bytes_max };
        let mut spans = self.spans.as_slice().iter().peekable();
        let mut next = self.later;
        while let Some(span) = spans.next() {
            let seen = span.read(history, &mut left, &mut visit)?;
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
    fn read(
        &self,
        history: &impl History,
        left: &mut Left,
        visit: &mut impl FnMut(Row<'_>),
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

        // `next` is the number behind the last that was shown, `first` the first that was.
        let mut next = MessageNumber::following(after);
        let (mut first, mut bytes) = (next, left.bytes);
        history.read(conversation, after, left.messages, |message| {
            if message.number > until {
                return ControlFlow::Break(());
            }
            if next < message.number {
                gone(conversation, next, message.number).into_iter().for_each(&mut *visit);
                first = message.number;
            }
            visit(Row::Message(message));
            next = MessageNumber::following(Some(message.number));
            bytes = bytes.saturating_sub(message.body.len());
            if bytes == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        if next == first {
            // Nothing that is kept was found: what should have been there is gone.
            let kept = history.floor(conversation)?.min(MessageNumber::following(Some(until)));
            gone(conversation, next, kept).into_iter().for_each(visit);
            return Ok(Seen::All);
        }
        left.bytes = bytes;
        left.messages = left.messages.saturating_sub(distance(first, next));
        Ok(next.preceding().filter(|seen| *seen < until).map_or(Seen::All, Seen::UpTo))
    }
}

/// How many numbers there are from `first` on, before `end`.
fn distance(first: MessageNumber, end: MessageNumber) -> usize {
    usize::try_from(end.get().saturating_sub(first.get())).unwrap_or(usize::MAX)
}

/// The row for the numbers from `first` on, before `end`, if there are any.
fn gone(conversation: Conversation, first: MessageNumber, end: MessageNumber) -> Option<Row<'static>> {
    let last = end.preceding()?;
    (first <= last).then_some(Row::Gone { conversation, first, last })
}
