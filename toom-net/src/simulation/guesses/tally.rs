//! The guesses that are counted together, line by line.

use core::time::Duration;

use toom_core::{Attempts, Mono, Policy, Verdict};

/// The guesses since the last block or success, in order of beginning.
#[derive(Debug, Default)]
pub(super) struct Tally {
    lines: Vec<Line>,
    blocked_until: Option<Mono>,
    /// When the last guesses began of which none was right.
    begun: Vec<Mono>,
}

#[derive(Debug)]
struct Line {
    guess: u64,
    end: Option<Verdict>,
}

impl Tally {
    pub(super) fn begin(&mut self, guess: u64, now: Mono) {
        self.lines.push(Line { guess, end: None });
        self.begun.push(now);
        // The longest row that may fail, and the one guess that would be too much.
        let old = self.begun.len().saturating_sub(usize::from(Attempts::MAX) + 1);
        self.begun.drain(..old);
    }

    /// For how long no password is looked at, if none is.
    pub(super) fn refuses(&self, policy: &Policy, now: Mono) -> Option<Duration> {
        if let Some(until) = self.blocked_until(now) {
            return Some(until.since(now));
        }
        let is_full = self.failures() + self.under_way() >= usize::from(policy.attempts.get());
        is_full.then_some(policy.block)
    }

    /// When the block ends that holds, if one does.
    pub(super) fn blocked_until(&self, now: Mono) -> Option<Mono> {
        self.blocked_until.filter(|until| now < *until)
    }

    pub(super) fn is_held(&self, now: Mono) -> bool {
        self.blocked_until(now).is_some() || self.under_way() > 0
    }

    /// Whether more guesses began within the time of a block than may fail in a row, and none was right.
    pub(super) fn is_too_quick(&self, policy: &Policy) -> bool {
        let most = usize::from(policy.attempts.get());
        self.begun.windows(most + 1).any(|window| {
            window.last().zip(window.first()).is_some_and(|(last, first)| last.since(*first) < policy.block)
        })
    }

    pub(super) fn settle(&mut self, guess: u64, verdict: Verdict, policy: &Policy, at: Mono) {
        let Some(place) = self.lines.iter().position(|line| line.guess == guess) else { return };
        if let Some(line) = self.lines.get_mut(place) {
            line.end = Some(verdict);
        }
        if verdict == Verdict::Right {
            self.begun.clear();
            // What failed before is forgiven, and what is still checked of it will be.
            let forgiven = |index: usize, line: &Line| index < place && line.end.is_some();
            let mut index = 0;
            self.lines.retain(|line| {
                index += 1;
                !forgiven(index - 1, line)
            });
        }
        if self.failures() >= usize::from(policy.attempts.get()) {
            self.lines.clear();
            self.blocked_until = Some(at.after(policy.block));
        }
    }

    /// How many were wrong since the last right one, in order of beginning.
    fn failures(&self) -> usize {
        let since = self.lines.iter().rev().take_while(|line| line.end != Some(Verdict::Right));
        since.filter(|line| line.end == Some(Verdict::Wrong)).count()
    }

    fn under_way(&self) -> usize {
        self.lines.iter().filter(|line| line.end.is_none()).count()
    }
}
