//! Reading the history with `RDM`, and the check that each read is a whole stretch.

use std::collections::VecDeque;

use super::super::LoadError;
use super::part::{Talk, out_of_place};
use super::said::{Said, Stretch, word};
use super::tally::Count;

/// Messages of one page.
const PAGE: usize = 1000;

/// Why a stretch is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// To know what was said while one was away.
    CatchUp,
    /// Because `LAG` told of messages up to this one.
    Lag(u64),
    /// To make the server write what nobody reads: one page.
    Flood,
    /// To check the history, which has to reach at least this far.
    Check(u64),
}

/// Answers to `RDM` that are awaited, in order.
#[derive(Debug, Default)]
pub(super) struct Reading(VecDeque<Awaited>);

/// One read, over several pages if need be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Awaited {
    pub(super) conversation: u32,
    /// The number that comes next.
    pub(super) next: u64,
    pub(super) reason: Reason,
}

impl Reading {
    /// Asks for the messages after `after`.
    pub(super) fn ask(&mut self, conversation: u32, after: u64, reason: Reason, talk: &mut Talk<'_>) {
        talk.say(&format!("RDM {} #{after} {PAGE}", word(conversation)));
        self.0.push_back(Awaited { conversation, next: after + 1, reason });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Takes a line of an answer. Where it ends a read, that is given, with the number behind its end.
    ///
    /// # Errors
    /// If the messages are not the next ones, not those that others were told of, or end too early.
    pub(super) fn hear(
        &mut self,
        said: &Said<'_>,
        talk: &mut Talk<'_>,
    ) -> Result<Option<Awaited>, LoadError> {
        let Some(awaited) = self.0.front_mut() else { return Err(out_of_place("who asked nothing", said)) };
        match *said {
            Said::Row(told) if told.conversation == awaited.conversation && told.number == awaited.next => {
                talk.world.ledger.note(&told)?;
                talk.count(Count::RowsRead);
                awaited.next += 1;
                Ok(None)
            }
            Said::Gone(Stretch { conversation, first, last })
                if conversation == awaited.conversation && first == awaited.next =>
            {
                talk.world.ledger.drop_through(conversation, last);
                awaited.next = last + 1;
                Ok(None)
            }
            Said::Done("RDM", rest) => self.end_page(rest, talk),
            _ => Err(LoadError::Broken(format!("{awaited:?} was answered by {said:?}"))),
        }
    }

    fn end_page(&mut self, rest: &str, talk: &mut Talk<'_>) -> Result<Option<Awaited>, LoadError> {
        let Some(awaited) = self.0.pop_front() else { return Ok(None) };
        let cursor = rest.split_once("next=").map(|(_, cursor)| cursor);
        let reached = awaited.next - 1;
        let promised = match awaited.reason {
            Reason::Flood => return Ok(Some(awaited)),
            Reason::Lag(last) if reached >= last => return Ok(Some(awaited)),
            Reason::CatchUp => 0,
            Reason::Lag(last) | Reason::Check(last) => last,
        };
        if let Some(cursor) = cursor {
            talk.say(&format!("RDM {} {cursor} {PAGE}", word(awaited.conversation)));
            self.0.push_back(awaited);
            return Ok(None);
        }
        if reached < promised {
            let conversation = word(awaited.conversation);
            return Err(LoadError::Broken(format!(
                "message {promised} of {conversation} was told of, and its history ends with {reached}"
            )));
        }
        Ok(Some(awaited))
    }
}
