//! What a visit has for those who made it: answers, and what happened unasked.

use std::collections::VecDeque;

use super::Ticket;
use crate::client::{Answer, CallError, PushQueue, Pushed};

/// What came of a visit.
#[derive(Debug)]
#[non_exhaustive]
pub enum VisitEvent {
    /// The answer to a request.
    Answered {
        /// Which request.
        ticket: Ticket,
        /// How it went.
        result: Result<Answer, CallError>,
    },
    /// Something that nobody asked for.
    Pushed(Pushed),
}

/// Events in order: answers, as many as requests were made, and what happened, bounded in bytes.
#[derive(Debug, Default)]
pub(super) struct Out {
    events: VecDeque<VisitEvent>,
    answers: usize,
    bytes: usize,
    rooms_missed: u64,
}

impl Out {
    pub(super) fn answer(&mut self, ticket: Ticket, result: Result<Answer, CallError>) {
        self.answers += 1;
        self.events.push_back(VisitEvent::Answered { ticket, result });
    }

    /// Whether messages are taken. What is not taken stays where it can be fetched again.
    pub(super) const fn has_room(&self) -> bool {
        self.bytes < PushQueue::BYTES_MAX
    }

    /// Puts in what happened. What is no message, and cannot be fetched again, has as much room again.
    pub(super) fn push(&mut self, event: Pushed) {
        if self.bytes < 2 * PushQueue::BYTES_MAX && self.rooms_missed == 0 {
            self.bytes += event.cost();
            self.events.push_back(VisitEvent::Pushed(event));
        } else if let Pushed::Room { .. } = event {
            self.rooms_missed += 1;
        }
    }

    pub(super) fn next(&mut self) -> Option<VisitEvent> {
        let next = self.events.pop_front();
        match &next {
            Some(VisitEvent::Answered { .. }) => self.answers -= 1,
            Some(VisitEvent::Pushed(event)) => self.bytes -= event.cost(),
            None => {
                let count = core::mem::take(&mut self.rooms_missed);
                return (count > 0).then_some(VisitEvent::Pushed(Pushed::RoomsMissed { count }));
            }
        }
        next
    }

    /// The next answer, before what happened earlier.
    pub(super) fn next_answer(&mut self) -> Option<VisitEvent> {
        if self.answers == 0 {
            return None;
        }
        let at = self.events.iter().position(|event| matches!(event, VisitEvent::Answered { .. }))?;
        self.answers -= 1;
        self.events.remove(at)
    }

    /// What waits to be taken takes so much memory.
    #[cfg(test)]
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }
}
