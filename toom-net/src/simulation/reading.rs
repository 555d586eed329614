//! What a page has to hold.

use toom_core::{Conversation, Timestamp, UserName};

use super::report::{Kept, broken, demand};
use super::truth::Truth;
use crate::client::{NextPage, Page};
use crate::protocol::{Command, HistoryRow, PageLimit, RoomsSince, Since};

/// A read that goes on over pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    who: UserName,
    /// What is left to be read, and where its end was when the page was asked for.
    spans: Vec<Span>,
    /// Rooms that are built meanwhile are read, too.
    rooms_since: Option<Timestamp>,
    limit: PageLimit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    place: Conversation,
    after: u64,
    end: u64,
    /// What was gone when the page was asked for.
    floor: u64,
    asked: Asked,
}

/// What was asked for. What a time means is not known any more where messages are gone: more of them than are later than it may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    BehindNumber,
    LaterThan,
}

impl Span {
    fn new(place: Conversation, asked: Asked, after: u64, truth: &Truth) -> Self {
        Self { place, after, end: truth.end(place), floor: truth.floor(place), asked }
    }

    /// Takes the next of the conversation: a message, or several that are gone.
    fn take(&mut self, first: u64, last: u64, what: What) -> Kept {
        let Self { place, after, floor, .. } = *self;
        let follows = match what {
            What::Gone => first <= after + 1 && (first == after + 1 || self.asked == Asked::LaterThan),
            What::Message => first == after + 1,
        };
        demand(follows, || {
            format!("a page leaves nothing out: in {place:?} it has {what:?} #{first}, not #{}", after + 1)
        })?;
        demand(what == What::Gone || first >= floor, || {
            format!("what is gone is gone for good: {place:?} began with #{floor}, and a page has #{first}")
        })?;
        self.after = after.max(last);
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Message,
    Gone,
}

impl Reading {
    /// What a read that is asked for now has to give; `None` for other requests.
    pub(super) fn of(command: &Command, who: &UserName, truth: &Truth) -> Option<Self> {
        let mut spans = Vec::new();
        let (rooms_since, limit) = match command {
            Command::ReadConversation { conversation, since, limit } => {
                let (asked, after) = match since {
                    Since::Time(since) => (Asked::LaterThan, truth.number_at(*conversation, *since)),
                    Since::Number(number) => {
                        (Asked::BehindNumber, number.map_or(0, toom_core::MessageNumber::get))
                    }
                    Since::Cursor(_) => return None,
                };
                spans.push(Span::new(*conversation, asked, after, truth));
                (None, *limit)
            }
            Command::ReadRooms { since: RoomsSince::Time(since), limit } => {
                let rooms = truth.places_of(who).into_iter().skip(1);
                let span = |place| Span::new(place, Asked::LaterThan, truth.number_at(place, *since), truth);
                spans.extend(rooms.map(span));
                (Some(*since), *limit)
            }
            _ => return None,
        };
        Some(Self { who: who.clone(), spans, rooms_since, limit })
    }

    /// The next page is asked for now.
    pub(super) fn goes_on(&mut self, truth: &Truth) {
        for span in &mut self.spans {
            span.end = truth.end(span.place);
            span.floor = truth.floor(span.place);
            if self.rooms_since.is_none() {
                span.asked = Asked::BehindNumber;
            }
        }
    }

    /// Holds a page against the history; what is left where there is another page.
    pub(super) fn take(mut self, page: Page, truth: &Truth) -> Kept<Option<(Self, NextPage)>> {
        let (mut count, mut place) = (0, None);
        for row in page.rows {
            let (at, first, last, what) = match &row {
                HistoryRow::Message(line) => {
                    count += 1;
                    truth.shows(line, &self.who)?;
                    (line.conversation, line.number, line.number, What::Message)
                }
                HistoryRow::Gone { conversation, first, last } => {
                    truth.is_gone(*conversation, last.get(), &self.who)?;
                    (*conversation, *first, *last, What::Gone)
                }
            };
            demand(place <= Some(at), || format!("a page goes room by room: {at:?} comes behind {place:?}"))?;
            place = Some(at);
            self.span_of(at, truth)?.take(first.get(), last.get(), what)?;
        }
        demand(count <= self.limit.get(), || format!("a page has at most {} rows", self.limit.get()))?;
        let Some(next) = page.next else {
            return match self.spans.iter().find(|span| span.after < span.end) {
                Some(span) => {
                    broken(format!("a page without a next one has reached the end: {span:?} was left out"))
                }
                None => Ok(None),
            };
        };
        Ok(Some((self, next)))
    }

    /// How far a conversation is read.
    fn span_of(&mut self, place: Conversation, truth: &Truth) -> Kept<&mut Span> {
        if !self.spans.iter().any(|span| span.place == place) {
            let Some(since) = self.rooms_since else { return broken("a page is of what was asked for") };
            let span = Span::new(place, Asked::LaterThan, truth.number_at(place, since), truth);
            self.spans.push(Span { end: 0, floor: 1, ..span });
        }
        match self.spans.iter_mut().find(|span| span.place == place) {
            Some(span) => Ok(span),
            None => broken("a page is of what was asked for"),
        }
    }
}
