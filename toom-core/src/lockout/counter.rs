//! One count of wrong passwords, and the block that follows when it is full.

use core::time::Duration;

use crate::{Mono, Policy, Verdict};

/// Counts the consecutive failures of one account, or of one of its familiar sources.
///
/// A guess takes its place in the count when it *begins*, so guesses under way count, and the order in which they
/// began, not the one in which slow checks happen to end, decides what is consecutive. There are never more places
/// than attempts; when failures fill them all, nothing is under way any more and the block begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counter {
    places: Vec<Place>,
    blocked_until: Option<Mono>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    attempt: AttemptId,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The check is under way.
    Pending,
    /// The check is under way, and a login that began later has succeeded: failing will not count.
    Forgiven,
    /// The password was wrong.
    Failed,
}

/// One begun attempt, in order of beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AttemptId(pub(crate) u64);

/// What a settled attempt did to its count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    /// A block began.
    Blocked,
    /// Nothing of the kind.
    Open,
}

impl Counter {
    /// Takes a place for `attempt`, or says for how long there is none.
    pub(crate) fn begin(&mut self, attempt: AttemptId, policy: &Policy, now: Mono) -> Result<(), Duration> {
        self.end_block(now);
        if let Some(until) = self.blocked_until {
            return Err(until.since(now));
        }
        if self.places.len() >= usize::from(policy.attempts.get()) {
            // As if every check under way failed this very moment: the answer tells nothing of them.
            return Err(policy.block);
        }
        self.places.push(Place { attempt, state: State::Pending });
        Ok(())
    }

    /// Settles an attempt that was begun here; one that was not, or was settled before, changes nothing.
    pub(crate) fn settle(
        &mut self,
        attempt: AttemptId,
        verdict: Verdict,
        policy: &Policy,
        now: Mono,
    ) -> Settled {
        let Some(index) = self.places.iter().position(|place| place.attempt == attempt) else {
            return Settled::Open;
        };
        let place = self.places.remove(index);
        match (verdict, place.state) {
            (Verdict::Right, _) => self.forgive_before(index),
            (Verdict::Wrong, State::Forgiven) => {}
            (Verdict::Wrong, _) => self.places.insert(index, Place { state: State::Failed, ..place }),
        }
        let failures = self.places.iter().filter(|place| place.state == State::Failed).count();
        if failures < usize::from(policy.attempts.get()) {
            return Settled::Open;
        }
        self.blocked_until = Some(now.after(policy.block));
        Settled::Blocked
    }

    /// Gives the place of `attempt` back, as if it had not begun.
    pub(crate) fn withdraw(&mut self, attempt: AttemptId) {
        self.places.retain(|place| place.attempt != attempt);
    }

    /// Whether there is nothing on record.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether there is nothing on record that still counts at `now`.
    pub(crate) fn is_over(&self, now: Mono) -> bool {
        match self.blocked_until {
            Some(until) => until <= now,
            None => self.places.is_empty(),
        }
    }

    /// Whether it must not be forgotten: a check is under way, or a block holds.
    pub(crate) fn is_held(&self, now: Mono) -> bool {
        match self.blocked_until {
            Some(until) => until > now,
            None => self.places.iter().any(|place| place.state != State::Failed),
        }
    }

    fn end_block(&mut self, now: Mono) {
        if self.is_over(now) {
            *self = Self::default();
        }
    }

    /// Failures before the place `index` are forgotten, and those under way there will not count.
    fn forgive_before(&mut self, index: usize) {
        let later = self.places.split_off(index);
        self.places.retain(|place| place.state != State::Failed);
        self.places.iter_mut().for_each(|place| place.state = State::Forgiven);
        self.places.extend(later);
    }

    pub(crate) fn digest(&self, into: &mut crate::digest::Canonical) {
        let until = self.blocked_until.unwrap_or_default();
        into.number(u8::from(self.blocked_until.is_some())).number(until.elapsed().as_nanos());
        into.number(self.places.len() as u64);
        for place in &self.places {
            into.number(place.attempt.0).number(place.state as u8);
        }
    }
}
