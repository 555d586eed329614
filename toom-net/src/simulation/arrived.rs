//! What has arrived at a client in whole lines, whatever its visit makes of it.

use std::collections::BTreeSet;

use toom_core::Conversation;

use super::report::{Kept, demand};
use crate::protocol::{LineBuffer, Push, ServerLine};

/// The messages that were pushed to a client and not shown yet.
#[derive(Debug, Default)]
pub(super) struct Arrived {
    lines: LineBuffer,
    messages: BTreeSet<(Conversation, u64)>,
}

impl Arrived {
    /// What comes next comes by another connection.
    pub(super) fn connects(&mut self) {
        self.lines = LineBuffer::new();
    }

    /// Bytes arrive.
    pub(super) fn take(&mut self, read: &[u8]) {
        self.lines.feed(read);
        while let Ok(Some(line)) = self.lines.next_line() {
            if let Ok(ServerLine::Push(Push::Message(message))) = ServerLine::parse(line) {
                self.messages.insert((message.conversation, message.number.get()));
            }
        }
    }

    /// A message is shown.
    pub(super) fn show(&mut self, place: Conversation, number: u64) {
        self.messages.remove(&(place, number));
    }

    /// Messages are said to be gone for good.
    pub(super) fn lose(&self, place: Conversation, first: u64, last: u64) -> Kept {
        let arrived = self.messages.range((place, first)..=(place, last)).next();
        demand(arrived.is_none(), || {
            format!("what arrived is shown: {arrived:?} is said to be gone, of #{first} to #{last}")
        })
    }
}
