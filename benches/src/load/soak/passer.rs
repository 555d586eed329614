//! Peers that come and go: some as they should, some that misbehave each in a way of its own.

use core::time::Duration;
use std::net::Ipv4Addr;
use std::time::Instant;

use super::super::LoadError;
use super::super::dialect::account;
use super::link::Approach;
use super::listener::Listener;
use super::part::{Part, Pushes, Talk, World, out_of_place, sent_away};
use super::said::{BROADCAST, Said};
use super::tally::Count;

/// How long the server may take beyond its own limits to answer or to end a connection.
const PATIENCE: Duration = Duration::from_mins(2);
/// The time between two bytes of a slow sender.
const A_BYTE: Duration = Duration::from_millis(700);
/// Longer than any line may be.
const LONG_LINE: usize = 20_000;
/// How many messages a guest reads that were there before it came.
const EARLIER: u64 = 20;
/// How often a guesser tries one name: once more than an account stands.
const GUESSES: u32 = 4;
/// From how many addresses guessers come: so few that each uses up what it may try.
const GUESSING_ADDRESSES: u8 = 4;

/// What a peer does on one connection.
#[derive(Debug)]
enum Visit {
    /// Logs in, listens, and leaves with `OUT`, or without.
    Guest { listener: Listener, abrupt: bool },
    /// Asks for a room of others.
    Outsider { awaited: u32 },
    /// Logs in and says nothing more until it is sent away.
    Idler,
    /// Tries passwords, from another address.
    Guesser { left: u32, guess: String },
    /// Sends bytes that mean nothing.
    Garbler,
    /// Says nothing.
    Silent,
    /// Sends a byte now and then.
    Slow,
    /// Sends a line without end.
    LongLine,
    /// Goes in the middle of a line.
    CutOff,
}

/// A peer that plays another part on each connection.
#[derive(Debug)]
pub(super) struct Passer {
    account: usize,
    /// The first of the accounts whose passwords are hashed, and how many there are.
    hashed: (usize, usize),
    visit: Visit,
    /// When the server must have ended the connection, or `OUT` been answered.
    until: Option<Instant>,
}

impl Passer {
    pub(super) fn new(account: usize, hashed: (usize, usize)) -> Self {
        Self { account, hashed, visit: Visit::Silent, until: None }
    }

    fn draw(&self, world: &mut World) -> Visit {
        match world.rng.u32(..100) {
            0..2 => {
                let account = self.hashed.0 + world.rng.usize(..self.hashed.1);
                Visit::Guest { listener: guest(account, world), abrupt: false }
            }
            2..40 => Visit::Guest { listener: guest(self.account, world), abrupt: false },
            40..60 => Visit::Guest { listener: guest(self.account, world), abrupt: true },
            60..68 => Visit::Outsider { awaited: 2 },
            68..70 => Visit::Idler,
            70..76 => Visit::Guesser { left: GUESSES, guess: guess(world) },
            76..84 => Visit::Garbler,
            84..88 => Visit::Silent,
            88..92 => Visit::Slow,
            92..95 => Visit::LongLine,
            _ => Visit::CutOff,
        }
    }

    fn out(&mut self, talk: &mut Talk<'_>) {
        talk.say("OUT");
        self.expect_end(talk);
    }

    /// From now on the server has to end the connection soon.
    fn expect_end(&mut self, talk: &mut Talk<'_>) {
        self.until = Some(talk.now + PATIENCE);
        talk.due_in(PATIENCE);
    }

    fn hear_guesser(left: &mut u32, guess: &str, rest: &str, talk: &mut Talk<'_>) -> Result<(), LoadError> {
        talk.count(match rest.split(' ').next() {
            Some("bad-credentials") => Count::WrongPasswords,
            Some("blocked") => Count::Blocked,
            Some("throttled") => Count::Throttled,
            _ => return Err(LoadError::Broken(format!("a wrong password was answered {rest}"))),
        });
        *left -= 1;
        if *left == 0 {
            let pause = talk.seconds(0.0..2.0);
            talk.leave(pause);
        } else {
            talk.say(guess);
        }
        Ok(())
    }
}

/// A login with a wrong password, for one of two in the name of an account.
fn guess(world: &mut World) -> String {
    let name = if world.rng.bool() {
        account(world.rng.usize(..2000))
    } else {
        format!("nobody{}", world.rng.u32(..))
    };
    format!("LOGIN {name} wrong")
}

fn guest(account: usize, world: &World) -> Listener {
    Listener::new(account, world.ledger.last(BROADCAST).saturating_sub(EARLIER))
}

fn garbage(talk: &mut Talk<'_>) {
    for _ in 0..talk.world.rng.usize(1..30) {
        for _ in 0..talk.world.rng.usize(1..800) {
            let byte = talk.world.rng.u8(..);
            talk.manner.out.push(if byte == b'\n' { b'x' } else { byte });
        }
        talk.manner.out.push(b'\n');
    }
}

impl Part for Passer {
    fn approach(&mut self, world: &mut World) -> Approach {
        self.visit = self.draw(world);
        self.until = None;
        world.tally.add(Count::Visits, 1);
        match self.visit {
            Visit::Guest { .. } | Visit::Outsider { .. } | Visit::Idler => Approach::GUEST,
            Visit::Guesser { .. } => {
                let source = Ipv4Addr::new(127, 0, 1, world.rng.u8(1..=GUESSING_ADDRESSES));
                Approach { source, buffer_bytes: None, logs_in: false }
            }
            _ => Approach { logs_in: false, ..Approach::GUEST },
        }
    }

    fn begin(&mut self, talk: &mut Talk<'_>) {
        let stay = match &self.visit {
            Visit::Guest { listener, .. } => {
                listener.log_in(talk);
                talk.seconds(1.0..24.0)
            }
            Visit::Outsider { .. } | Visit::Idler => {
                talk.log_in(self.account, Pushes::Off);
                PATIENCE
            }
            Visit::Guesser { guess, .. } => {
                talk.say(guess);
                PATIENCE
            }
            Visit::Garbler => {
                garbage(talk);
                talk.seconds(0.1..5.0)
            }
            Visit::Silent => PATIENCE,
            Visit::Slow => A_BYTE,
            Visit::LongLine => {
                talk.manner.out.resize(LONG_LINE, b'x');
                PATIENCE
            }
            Visit::CutOff => {
                talk.manner.out.extend_from_slice(b"LOGIN us");
                talk.count(Count::CutOff);
                talk.manner.leaves = true;
                talk.seconds(0.0..2.0)
            }
        };
        if matches!(self.visit, Visit::Silent | Visit::Slow | Visit::LongLine) {
            self.until = Some(talk.now + PATIENCE);
        }
        talk.due_in(stay);
    }

    fn hear(&mut self, said: &Said<'_>, talk: &mut Talk<'_>) -> Result<(), LoadError> {
        match (&mut self.visit, *said) {
            (_, Said::Done("OUT", _)) if self.until.is_some() => {}
            (Visit::Guest { listener, .. }, _) => {
                if !listener.hear(said, talk)? {
                    return Err(listener.out_of_place(said));
                }
            }
            (_, Said::Else | Said::Done("HELLO", _)) => {}
            (Visit::Outsider { .. } | Visit::Idler, Said::Refused("LOGIN", rest)) => talk.refused(rest)?,
            (Visit::Outsider { .. }, Said::Done("LOGIN", _)) => {
                talk.entered();
                talk.say("SRM 1 psst");
                talk.say("RDM 1 #0");
            }
            (Visit::Outsider { awaited }, Said::Refused("SRM" | "RDM", rest))
                if rest.starts_with("no-room") =>
            {
                talk.count(Count::Outsiders);
                *awaited -= 1;
                if *awaited == 0 {
                    self.out(talk);
                }
            }
            (Visit::Idler, Said::Done("LOGIN", _)) => {
                talk.entered();
                talk.due_in(super::host::IDLE_TIME + PATIENCE);
            }
            (Visit::Guesser { left, guess }, Said::Refused("LOGIN", rest)) => {
                Self::hear_guesser(left, guess, rest, talk)?;
            }
            (Visit::Garbler, Said::Refused(..)) => talk.count(Count::Garbage),
            // Who guesses while much else is checked may wait for longer than a login may take.
            (Visit::Idler, Said::Bye("idle"))
            | (Visit::Silent | Visit::Slow | Visit::Guesser { .. }, Said::Bye("login-timeout")) => {
                talk.count(Count::TimedOut);
            }
            (Visit::LongLine, Said::Refused("-", rest)) if rest.starts_with("too-long") => {
                talk.count(Count::TooLong);
            }
            (Visit::LongLine | Visit::Garbler | Visit::Slow, Said::Bye("throttled")) => {
                talk.count(Count::Throttled);
            }
            (visit, _) => return Err(out_of_place(&format!("{visit:?}"), said)),
        }
        Ok(())
    }

    fn act(&mut self, talk: &mut Talk<'_>) -> Result<(), LoadError> {
        if self.until.is_some_and(|until| talk.now >= until) {
            return Err(LoadError::Broken(format!(
                "the server did not end the connection of {:?}",
                self.visit
            )));
        }
        match &self.visit {
            Visit::Guest { listener, abrupt: false } if listener.has_entered() => self.out(talk),
            Visit::Slow => {
                talk.manner.out.push(b'x');
                talk.due_in(A_BYTE);
            }
            Visit::Guest { .. } | Visit::Garbler => {
                let pause = talk.seconds(0.0..2.0);
                talk.leave(pause);
            }
            visit => return Err(LoadError::Broken(format!("the server left {visit:?} waiting"))),
        }
        Ok(())
    }

    fn closed(&mut self, talk: &mut Talk<'_>) -> Result<(), LoadError> {
        let expected = self.until.is_some()
            || matches!(self.visit, Visit::Idler | Visit::Garbler | Visit::Guesser { .. });
        let pause = talk.seconds(0.0..2.0);
        talk.due_in(pause);
        if expected { Ok(()) } else { Err(sent_away(&format!("{:?}", self.visit))) }
    }

    fn lost(&mut self, _world: &mut World) {
        self.visit = Visit::Silent;
        self.until = None;
    }
}
