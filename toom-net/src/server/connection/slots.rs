//! The replies of one connection, in the order of its requests.

use std::collections::VecDeque;

use crate::server::exchange::Ticket;
use crate::server::outbox::Outbox;

/// A place for each request that is unanswered, or answered before one that came earlier.
#[derive(Debug, Default)]
pub(super) struct Slots {
    waiting: VecDeque<Slot>,
    /// The ticket of the first.
    first: Ticket,
    weight: usize,
    parked_bytes: usize,
}

#[derive(Debug)]
struct Slot {
    weight: usize,
    reply: Option<Vec<u8>>,
}

impl Slots {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// What the requests that have a place count together.
    pub(super) fn weight(&self) -> usize {
        self.weight
    }

    /// How many bytes of replies wait for earlier ones.
    pub(super) fn parked_bytes(&self) -> usize {
        self.parked_bytes
    }

    /// How many bytes of memory the places take.
    #[cfg(test)]
    pub(super) fn bytes_held(&self) -> usize {
        self.waiting.capacity() * size_of::<Slot>()
    }

    /// A place behind the others.
    pub(super) fn open(&mut self, weight: usize) -> Ticket {
        let ticket = self.first + self.waiting.len() as Ticket;
        self.weight += weight;
        self.waiting.push_back(Slot { weight, reply: None });
        ticket
    }

    /// Fills a place, and hands on what no unanswered request is before. An answer that nobody waits for is dropped.
    pub(super) fn answer(&mut self, ticket: Ticket, lines: Vec<u8>, outbox: &mut Outbox) {
        let place = ticket.checked_sub(self.first).and_then(|place| usize::try_from(place).ok());
        let Some(slot) = place.and_then(|place| self.waiting.get_mut(place)) else { return };
        if slot.reply.is_none() {
            self.parked_bytes += lines.len();
            slot.reply = Some(lines);
        }
        while let Some(lines) = self.waiting.front_mut().and_then(|first| first.reply.take()) {
            self.parked_bytes -= lines.len();
            self.weight -= self.waiting.pop_front().map_or(0, |first| first.weight);
            self.first += 1;
            outbox.push(lines);
        }
        if self.waiting.is_empty() {
            self.waiting = VecDeque::new();
        }
    }
}
