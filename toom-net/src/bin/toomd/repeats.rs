//! Lines that say the same again and again: some are printed, the others are counted, so that nobody makes the log grow as
//! fast as they can ask.

use std::collections::HashMap;
use std::time::Duration;

use toom_core::UserName;
use toom_net::server::Event;

/// How many kinds of lines are told apart at a time.
const KINDS_MAX: usize = 4096;

/// What lines have in common that say the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Kind {
    ListedUsers(UserName),
    Read(UserName),
    LoggedOut(UserName),
    Trouble(String),
}

/// How many lines of a kind are printed in a row, and after how long there may be one more.
struct Measure {
    burst: u32,
    each: Duration,
}

const OF_USERS: Measure = Measure { burst: 100, each: Duration::from_secs(1) };
const OF_TROUBLE: Measure = Measure { burst: 5, each: Duration::from_mins(1) };

/// How often lines were printed.
#[derive(Debug, Default)]
pub(crate) struct Repeats {
    /// For each kind, when as many as its burst may be printed again.
    kinds: HashMap<Kind, Duration>,
    left_out: u64,
}

impl Repeats {
    /// Whether the line of `event` is to be printed, at `now` on any clock that does not go back. If not, it is counted.
    pub(crate) fn allow(&mut self, event: &Event, now: Duration) -> bool {
        let (kind, measure) = match event {
            Event::ListedUsers { user } => (Kind::ListedUsers(user.clone()), OF_USERS),
            Event::Read { user } => (Kind::Read(user.clone()), OF_USERS),
            Event::LoggedOut { user, .. } => (Kind::LoggedOut(user.clone()), OF_USERS),
            Event::Trouble { problem } => (Kind::Trouble(problem.clone()), OF_TROUBLE),
            // Each of the others is said once, or is a post, of which a session has only so many a second.
            _ => return true,
        };
        if self.kinds.len() >= KINDS_MAX {
            self.kinds.retain(|_, forgotten| *forgotten > now);
        }
        if self.kinds.len() >= KINDS_MAX {
            self.kinds.clear();
        }
        let forgotten = self.kinds.entry(kind).or_insert(now);
        let then = (*forgotten).max(now) + measure.each;
        let allowed = then <= now + measure.each * measure.burst;
        if allowed {
            *forgotten = then;
        } else {
            self.left_out += 1;
        }
        allowed
    }

    /// How many lines were left out since this was last asked.
    pub(crate) fn take_left_out(&mut self) -> u64 {
        core::mem::take(&mut self.left_out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(user: &str) -> Event {
        Event::Read { user: user.parse().unwrap() }
    }

    fn trouble(problem: &str) -> Event {
        Event::Trouble { problem: problem.to_owned() }
    }

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn who_reads_in_a_loop_gets_a_hundred_lines_and_then_one_a_second_and_the_rest_is_counted() {
        let mut repeats = Repeats::default();
        for _ in 0..100 {
            assert!(repeats.allow(&read("obiwan"), seconds(5)));
        }
        for _ in 0..1000 {
            assert!(!repeats.allow(&read("obiwan"), seconds(5)));
        }
        assert!(repeats.allow(&read("luke"), seconds(5)), "others are not held up");
        assert_eq!(repeats.take_left_out(), 1000);
        assert!(repeats.allow(&read("obiwan"), seconds(6)));
        assert!(!repeats.allow(&read("obiwan"), seconds(6)));
        assert_eq!(repeats.take_left_out(), 1);
    }

    #[test]
    fn the_same_trouble_is_told_five_times_and_then_once_a_minute() {
        let mut repeats = Repeats::default();
        let printed = (0..600).filter(|second| repeats.allow(&trouble("full"), seconds(*second)));
        assert_eq!(printed.count(), 14);
        assert!(repeats.allow(&trouble("broken"), seconds(600)));
    }

    #[test]
    fn who_comes_and_goes_in_a_loop_gets_a_hundred_lines() {
        let out = Event::LoggedOut { session: toom_core::SessionId::new(1), user: "obiwan".parse().unwrap() };
        let mut repeats = Repeats::default();
        assert_eq!((0..300).filter(|_| repeats.allow(&out, seconds(5))).count(), 100);
    }

    #[test]
    fn a_full_table_forgets_what_is_over_and_goes_on_with_the_rest() {
        let mut repeats = Repeats::default();
        for _ in 0..5 {
            assert!(repeats.allow(&trouble("full"), seconds(60)));
        }
        // What was told once at the beginning is forgotten after a minute.
        for number in 1..KINDS_MAX {
            assert!(repeats.allow(&trouble(&number.to_string()), seconds(0)));
        }
        assert_eq!(repeats.kinds.len(), KINDS_MAX);
        assert!(repeats.allow(&trouble("another"), seconds(60)));
        assert_eq!(repeats.kinds.len(), 2);
        assert!(!repeats.allow(&trouble("full"), seconds(60)));
    }

    #[test]
    fn ever_new_lines_take_no_more_memory_than_is_allowed() {
        let mut repeats = Repeats::default();
        for number in 0..3 * KINDS_MAX {
            assert!(repeats.allow(&trouble(&number.to_string()), seconds(0)));
            assert!(repeats.kinds.len() <= KINDS_MAX);
        }
    }
}
