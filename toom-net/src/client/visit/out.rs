//! What a visit has for those who made it: answers, and what happened unasked.

use std::collections::VecDeque;

use super::Ticket;
use crate::client::{Answer, CallError, PushQueue, Pushed};
use crate::protocol::TransferPush;

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
    /// What whoever moves the bytes of a relayed file has to know, at once: leave, a piece, or the end, which is told as
    /// [`Pushed::Transfer`](crate::client::Pushed::Transfer), too.
    Relayed(TransferPush),
}

/// Events in order: answers, as many as requests were made, and what happened, bounded in bytes.
#[derive(Debug, Default)]
pub(super) struct Out {
    events: VecDeque<VisitEvent>,
    /// How many of the events wait for nobody: answers, and what is relayed.
    prompt: usize,
    bytes: usize,
    rooms_missed: u64,
    transfers_missed: u64,
}

impl Out {
    pub(super) fn answer(&mut self, ticket: Ticket, result: Result<Answer, CallError>) {
        self.prompt += 1;
        self.events.push_back(VisitEvent::Answered { ticket, result });
    }

    pub(super) fn relayed(&mut self, push: TransferPush) {
        self.prompt += 1;
        self.events.push_back(VisitEvent::Relayed(push));
    }

    /// Whether messages are taken. What is not taken stays where it can be fetched again.
    pub(super) const fn has_room(&self) -> bool {
        self.bytes < PushQueue::BYTES_MAX
    }

    /// Puts in what happened. What is no message, and cannot be fetched again, has as much room again.
    pub(super) fn push(&mut self, event: Pushed) {
        let missed = match event {
            Pushed::Transfer(_) => self.transfers_missed,
            _ => self.rooms_missed,
        };
        if self.bytes < 2 * PushQueue::BYTES_MAX && missed == 0 {
            self.bytes += event.cost();
            self.events.push_back(VisitEvent::Pushed(event));
        } else if let Pushed::Room { .. } = event {
            self.rooms_missed += 1;
        } else if let Pushed::Transfer(_) = event {
            self.transfers_missed += 1;
        }
    }

    pub(super) fn next(&mut self) -> Option<VisitEvent> {
        let next = self.events.pop_front();
        match &next {
            Some(VisitEvent::Answered { .. } | VisitEvent::Relayed(_)) => self.prompt -= 1,
            Some(VisitEvent::Pushed(event)) => self.bytes -= event.cost(),
            None => {
                let missed = self.next_missed();
                return missed.map(VisitEvent::Pushed);
            }
        }
        next
    }

    fn next_missed(&mut self) -> Option<Pushed> {
        match (core::mem::take(&mut self.rooms_missed), self.transfers_missed) {
            (0, 0) => None,
            (0, count) => {
                self.transfers_missed = 0;
                Some(Pushed::TransfersMissed { count })
            }
            (count, _) => Some(Pushed::RoomsMissed { count }),
        }
    }

    /// The next answer, or what is relayed, before what happened earlier.
    pub(super) fn next_prompt(&mut self) -> Option<VisitEvent> {
        if self.prompt == 0 {
            return None;
        }
        let at = self.events.iter().position(|event| !matches!(event, VisitEvent::Pushed(_)))?;
        self.prompt -= 1;
        self.events.remove(at)
    }

    /// What waits to be taken takes so much memory.
    #[cfg(test)]
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use toom_core::RoomId;

    use super::*;
    use crate::client::Away;
    use crate::protocol::TransferId;

    fn relay() -> Pushed {
        Pushed::Transfer(TransferPush::Relay { id: TransferId::FIRST })
    }

    fn room() -> Pushed {
        Pushed::Room { room: RoomId::FIRST, members: Vec::new() }
    }

    /// Something that takes so many bytes.
    fn taking(bytes: usize) -> Pushed {
        let away = |why: String| Pushed::Away(Away { bye: None, why: why.into(), pause: Duration::ZERO });
        away("x".repeat(bytes - away(String::new()).cost()))
    }

    fn taken(out: &mut Out) -> Vec<Pushed> {
        let pushed =
            |event| if let VisitEvent::Pushed(pushed) = event { pushed } else { panic!("{event:?}") };
        core::iter::from_fn(|| out.next().map(pushed)).collect()
    }

    #[test]
    fn what_nobody_takes_is_bounded_and_what_is_missed_is_counted_and_told_last() {
        let mut out = Out::default();
        let most = (2 * PushQueue::BYTES_MAX).div_ceil(relay().cost());
        for _ in 0..most + 3 {
            out.push(relay());
        }
        out.push(room());
        out.push(room());
        out.push(taking(200));
        assert_eq!(out.events.len(), most);
        // There is room again, but not for what comes after something that was missed.
        assert!(matches!(out.next(), Some(VisitEvent::Pushed(Pushed::Transfer(_)))));
        out.push(relay());
        out.push(room());
        let rest = taken(&mut out);
        assert_eq!(rest.len(), most - 1 + 2);
        let missed = [Pushed::RoomsMissed { count: 3 }, Pushed::TransfersMissed { count: 4 }];
        assert_eq!(rest[most - 1..], missed);
        assert_eq!((out.bytes, taken(&mut out).len()), (0, 0));
        out.push(relay());
        out.push(room());
        assert_eq!(taken(&mut out), [relay(), room()], "it goes on");
    }

    #[test]
    fn it_is_full_at_its_bound_and_takes_as_much_again_of_what_cannot_be_fetched() {
        let mut out = Out::default();
        out.push(taking(PushQueue::BYTES_MAX - 200));
        assert!(out.has_room());
        out.push(taking(200));
        assert!(!out.has_room());
        out.push(taking(PushQueue::BYTES_MAX - 200));
        out.push(taking(200));
        assert_eq!(out.bytes, 2 * PushQueue::BYTES_MAX);
        out.push(room());
        assert_eq!(out.rooms_missed, 1);
    }

    #[test]
    fn what_is_relayed_overtakes_what_happened_and_is_given_once() {
        let mut out = Out::default();
        let end = || TransferPush::Relay { id: TransferId::FIRST };
        out.push(room());
        out.relayed(end());
        out.push(room());
        out.relayed(end());
        assert!(matches!(out.next_prompt(), Some(VisitEvent::Relayed(_))));
        assert!(matches!(out.next(), Some(VisitEvent::Pushed(_))));
        out.relayed(end());
        assert!(matches!(out.next(), Some(VisitEvent::Pushed(_))));
        assert!(matches!(out.next(), Some(VisitEvent::Relayed(_))));
        assert!(matches!(out.next_prompt(), Some(VisitEvent::Relayed(_))));
        assert_eq!((out.prompt, out.events.len()), (0, 0));
        assert!(out.next_prompt().is_none());
    }
}
