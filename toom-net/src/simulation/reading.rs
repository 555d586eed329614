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
}

impl Reading {
    /// What a read that is asked for now has to give; `None` for other requests.
    pub(super) fn of(command: &Command, who: &UserName, truth: &Truth) -> Option<Self> {
        let mut spans = Vec::new();
        let (rooms_since, limit) = match command {
            Command::ReadConversation { conversation, since, limit } => {
                let after = match since {
                    Since::Time(since) => truth.number_at(*conversation, *since),
                    Since::Number(number) => number.map_or(0, toom_core::MessageNumber::get),
                    Since::Cursor(_) => return None,
                };
                spans.push(Span { place: *conversation, after, end: truth.end(*conversation) });
                (None, *limit)
            }
            Command::ReadRooms { since: RoomsSince::Time(since), limit } => {
                let rooms = truth.places_of(who).into_iter().skip(1);
                spans.extend(rooms.map(|place| Span {
                    place,
                    after: truth.number_at(place, *since),
                    end: truth.end(place),
                }));
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
        }
    }

    /// Holds a page against the history; what is left where there is another page.
    pub(super) fn take(mut self, page: Page, truth: &Truth) -> Kept<Option<(Self, NextPage)>> {
        let (mut count, mut place) = (0, None);
        for row in page.rows {
            let HistoryRow::Message(line) = row else {
                return broken("nothing is gone for good, and a page says that something is");
            };
            count += 1;
            truth.shows(&line, &self.who)?;
            demand(place <= Some(line.conversation), || {
                format!("a page goes room by room: {:?} comes behind {place:?}", line.conversation)
            })?;
            place = Some(line.conversation);
            let after = self.read_of(line.conversation, truth)?;
            *after += 1;
            let (expected, number) = (*after, line.number.get());
            demand(number == expected, || {
                format!(
                    "a page leaves nothing out: in {:?} it has #{number}, not #{expected}",
                    line.conversation
                )
            })?;
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
    fn read_of(&mut self, place: Conversation, truth: &Truth) -> Kept<&mut u64> {
        if !self.spans.iter().any(|span| span.place == place) {
            let Some(since) = self.rooms_since else { return broken("a page is of what was asked for") };
            self.spans.push(Span { place, after: truth.number_at(place, since), end: 0 });
        }
        match self.spans.iter_mut().find(|span| span.place == place) {
            Some(span) => Ok(&mut span.after),
            None => broken("a page is of what was asked for"),
        }
    }
}
