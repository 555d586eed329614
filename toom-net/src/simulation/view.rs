//! What one session, or one client over many of them, was shown.

use std::collections::{BTreeMap, BTreeSet};

use toom_core::{Conversation, Timestamp, UserName};

use super::report::{Kept, demand};
use super::truth::{MARK, Truth};
use crate::protocol::MessageLine;

/// What was shown, and what has to be.
#[derive(Debug)]
pub(super) struct View {
    who: UserName,
    /// How the texts of this client begin. A number follows.
    mark: String,
    /// The texts with greater numbers were posted from here: they are not shown.
    said_before: u64,
    /// Texts that were posted before, and again from here: they are shown if the first post was the one that was stored.
    said_again: BTreeSet<Box<str>>,
    /// When the first session began: what was posted later is shown.
    since: Timestamp,
    /// The last number that was shown, or said to be left out, of each conversation.
    last: BTreeMap<Conversation, u64>,
    /// Numbers of own posts that were confirmed.
    confirmed: BTreeSet<(Conversation, u64)>,
}

impl View {
    /// Of the client `name`, which has posted `said_before` texts elsewhere.
    pub(super) fn new(who: UserName, name: &str, said_before: u64, since: Timestamp) -> Self {
        Self {
            who,
            mark: format!("{MARK}{name}-"),
            said_before,
            said_again: BTreeSet::new(),
            since,
            last: BTreeMap::new(),
            confirmed: BTreeSet::new(),
        }
    }

    pub(super) fn who(&self) -> &UserName {
        &self.who
    }

    /// Whether it was posted from here, so that it is never shown.
    fn is_own(&self, place: Conversation, number: u64, truth: &Truth) -> bool {
        truth.message(place, number).is_some_and(|message| {
            let said = message.body.as_str().strip_prefix(&self.mark).and_then(|said| said.split(' ').next());
            said.and_then(|said| said.parse().ok()).is_some_and(|said: u64| said > self.said_before)
        })
    }

    /// Whether it may have been posted from here.
    fn may_be_own(&self, place: Conversation, number: u64, truth: &Truth) -> bool {
        self.is_own(place, number, truth)
            || truth
                .message(place, number)
                .is_some_and(|message| self.said_again.contains(message.body.as_str()))
    }

    /// A text that was posted before is posted again from here.
    pub(super) fn say_again(&mut self, body: &str) {
        self.said_again.insert(body.into());
    }

    /// A message is shown.
    pub(super) fn show(&mut self, line: &MessageLine, truth: &Truth) -> Kept {
        truth.shows(line, &self.who)?;
        self.reach(line.conversation, line.number.get(), line.number.get(), truth)
    }

    /// Messages are said to be left out.
    pub(super) fn leave_out(&mut self, place: Conversation, first: u64, last: u64, truth: &Truth) -> Kept {
        demand(truth.is_open_to(place, &self.who) && first <= last && last <= truth.end(place), || {
            format!("LAG {place:?} {first} {last} stands for messages that there are")
        })?;
        for end in [first, last] {
            demand(!self.is_own(place, end, truth), || {
                format!("LAG {place:?} {first} {last} begins and ends with what would have been pushed")
            })?;
        }
        self.reach(place, first, last, truth)
    }

    /// Messages are said to be gone for good. Some of them may be older than the session: what its time means in a conversation is not known
    /// any more.
    pub(super) fn lose(&mut self, place: Conversation, first: u64, last: u64, truth: &Truth) -> Kept {
        truth.is_gone(place, last, &self.who)?;
        let shown = self.last.get(&place).copied();
        let before = shown.unwrap_or_else(|| truth.end_at_login(place, self.since));
        if last <= before && shown.is_none() {
            return Ok(());
        }
        let first = if shown.is_none() { first.max(before + 1) } else { first };
        self.reach(place, first, last, truth)
    }

    fn reach(&mut self, place: Conversation, first: u64, last: u64, truth: &Truth) -> Kept {
        let shown = self.last.get(&place).copied();
        let before = shown.unwrap_or_else(|| truth.end_at_login(place, self.since));
        demand(first > before, || {
            format!(
                "each message comes once and in order: {} is shown {place:?} #{first} behind #{before}",
                self.who
            )
        })?;
        let missing = (before + 1..first).find(|number| !self.may_be_own(place, *number, truth));
        demand(missing.is_none(), || {
            format!("no message is missed: {} is shown {place:?} #{first} and not #{missing:?}", self.who)
        })?;
        self.last.insert(place, last);
        Ok(())
    }

    /// An own post is confirmed.
    pub(super) fn confirm(&mut self, place: Conversation, number: u64) {
        self.confirmed.insert((place, number));
    }

    /// What is still to be shown: the first of it.
    pub(super) fn missing(&self, truth: &Truth) -> Option<(Conversation, u64)> {
        truth.places_of(&self.who).into_iter().find_map(|place| {
            let from =
                self.last.get(&place).copied().unwrap_or_else(|| truth.end_at_login(place, self.since));
            let mut numbers = from + 1..=truth.end(place);
            let number = numbers.find(|number| {
                !self.may_be_own(place, *number, truth) && !self.confirmed.contains(&(place, *number))
            })?;
            Some((place, number))
        })
    }
}
