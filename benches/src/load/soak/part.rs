//! What all peers have in common: the world they act in, and the part that each plays.

use core::time::Duration;
use std::time::Instant;

use fastrand::Rng;

use super::super::LoadError;
use super::super::dialect::{PASSWORD, account};
use super::ledger::Ledger;
use super::link::Approach;
use super::said::Said;
use super::tally::{Count, Tally};

/// What the peers share.
#[derive(Debug)]
pub(super) struct World {
    pub(super) ledger: Ledger,
    pub(super) tally: Tally,
    pub(super) rng: Rng,
    /// Whether there is still to be posted.
    pub(super) posting: bool,
    /// How many requests of posters are not answered.
    pub(super) unanswered: usize,
    /// How many peers are between connecting and being logged in.
    pub(super) entering: usize,
    /// How often the checker has read everything.
    pub(super) checks: u64,
}

/// What becomes of a peer's connection.
#[derive(Debug, Default)]
pub(super) struct Manner {
    /// What the system has not taken yet.
    pub(super) out: Vec<u8>,
    /// Nothing is read.
    pub(super) stalls: bool,
    /// It is closed once everything is written.
    pub(super) leaves: bool,
    /// Since when it waits for the answer to its login.
    pub(super) entering: Option<Instant>,
}

/// What a peer can do when it is its turn.
#[derive(Debug)]
pub(super) struct Talk<'a> {
    pub(super) world: &'a mut World,
    pub(super) manner: &'a mut Manner,
    /// When it is to act next; or, if it has left by then, to come back.
    pub(super) due: &'a mut Instant,
    pub(super) now: Instant,
}

/// Whether messages are pushed to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pushes {
    On,
    Off,
}

/// The part that a peer plays, on one connection after the other.
pub(super) trait Part: core::fmt::Debug {
    /// How it connects next.
    fn approach(&mut self, _world: &mut World) -> Approach {
        Approach::GUEST
    }

    /// The connection is there.
    fn begin(&mut self, talk: &mut Talk<'_>);

    /// The server said something.
    ///
    /// # Errors
    /// If it must not say that.
    fn hear(&mut self, said: &Said<'_>, talk: &mut Talk<'_>) -> Result<(), LoadError>;

    /// The time has come.
    fn act(&mut self, talk: &mut Talk<'_>) -> Result<(), LoadError>;

    /// The server ended the connection, and was not killed.
    ///
    /// # Errors
    /// If it must not do that.
    fn closed(&mut self, talk: &mut Talk<'_>) -> Result<(), LoadError>;

    /// The connection is gone, for whatever reason.
    fn lost(&mut self, world: &mut World);

    /// Whether it has heard of the last message of each conversation that it is told of.
    fn is_current(&self, _ledger: &Ledger) -> bool {
        true
    }
}

impl Talk<'_> {
    pub(super) fn say(&mut self, line: &str) {
        self.manner.out.extend_from_slice(line.as_bytes());
        self.manner.out.push(b'\n');
    }

    /// Asks to be logged in with the account `index`.
    pub(super) fn log_in(&mut self, index: usize, pushes: Pushes) {
        if pushes == Pushes::Off {
            self.say("HELLO live=off");
        }
        self.say(&format!("LOGIN {} {PASSWORD}", account(index)));
    }

    /// The login was answered with yes.
    pub(super) fn entered(&mut self) {
        self.no_longer_entering();
        self.count(Count::Logins);
    }

    /// The login was answered with no: leaves, to come back when the server says. Anything but a "not now" is an error.
    ///
    /// # Errors
    /// If the server says that the password is wrong.
    pub(super) fn refused(&mut self, rest: &str) -> Result<(), LoadError> {
        self.count(match rest.split(' ').next() {
            Some("throttled") => Count::Throttled,
            Some("blocked") => Count::Blocked,
            _ => return Err(LoadError::Broken(format!("a right password was refused: {rest}"))),
        });
        self.leave(Duration::from_secs(super::said::seconds_left(rest)));
        Ok(())
    }

    pub(super) fn no_longer_entering(&mut self) {
        if self.manner.entering.take().is_some() {
            self.world.entering -= 1;
        }
    }

    pub(super) fn count(&mut self, count: Count) {
        self.world.tally.add(count, 1);
    }

    /// Closes the connection, and comes back after that time.
    pub(super) fn leave(&mut self, pause: Duration) {
        self.manner.leaves = true;
        self.due_in(pause);
    }

    pub(super) fn due_in(&mut self, pause: Duration) {
        *self.due = self.now + pause;
    }

    /// A time of that many seconds.
    pub(super) fn seconds(&mut self, range: core::ops::Range<f64>) -> Duration {
        let share = self.world.rng.f64();
        Duration::from_secs_f64(range.start + (range.end - range.start) * share)
    }
}

/// For parts that the server has no reason to end.
pub(super) fn sent_away(part: &str) -> LoadError {
    LoadError::Broken(format!("the server closed the connection of {part}"))
}

pub(super) fn out_of_place(part: &str, said: &Said<'_>) -> LoadError {
    LoadError::Broken(format!("{part} heard {said:?}"))
}
