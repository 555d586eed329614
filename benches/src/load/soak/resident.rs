//! Peers that stay: they listen, say that they are still there, and some of them stop reading now and then.

use super::super::LoadError;
use super::ledger::Ledger;
use super::link::Approach;
use super::listener::Listener;
use super::part::{Part, Talk, World, sent_away};
use super::said::{BROADCAST, Said};

/// How many bytes the system takes for one that does not read.
const DOZING_BUFFER: usize = 8 * 1024;
/// More than the system takes for the server of what its peer does not read, and the server itself.
const FLOOD_BYTES: u64 = 6 << 20;
/// The most and the least bytes of a page, as the flood reckons: the end of a page, and a message.
const PAGE_BYTES: u64 = 128 * 1024;
const MESSAGE_BYTES: u64 = 150;
const FLOOD_MAX: u64 = 2000;

/// What it does beside listening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Habit {
    /// Nothing.
    Attentive,
    /// Stops reading now and then.
    Dozes,
    /// Before it stops reading it asks for far more than it takes, so that messages have to be left out.
    DozesOverPages,
}

/// A peer that comes back as soon as it can.
#[derive(Debug)]
pub(super) struct Resident {
    listener: Listener,
    habit: Habit,
}

impl Resident {
    pub(super) fn new(account: usize, habit: Habit) -> Self {
        Self { listener: Listener::new(account, 0), habit }
    }

    fn flood(&mut self, talk: &mut Talk<'_>) {
        let page = (talk.world.ledger.last(BROADCAST) * MESSAGE_BYTES).clamp(MESSAGE_BYTES, PAGE_BYTES);
        for _ in 0..(FLOOD_BYTES / page).min(FLOOD_MAX) {
            self.listener.flood(talk);
        }
    }
}

impl Part for Resident {
    fn approach(&mut self, _world: &mut World) -> Approach {
        let buffer_bytes = (self.habit == Habit::DozesOverPages).then_some(DOZING_BUFFER);
        Approach { buffer_bytes, ..Approach::GUEST }
    }

    fn begin(&mut self, talk: &mut Talk<'_>) {
        self.listener.log_in(talk);
        *talk.due = talk.now + talk.seconds(1.0..15.0);
    }

    fn hear(&mut self, said: &Said<'_>, talk: &mut Talk<'_>) -> Result<(), LoadError> {
        if self.listener.hear(said, talk)? { Ok(()) } else { Err(self.listener.out_of_place(said)) }
    }

    fn act(&mut self, talk: &mut Talk<'_>) -> Result<(), LoadError> {
        let pause = if talk.manner.stalls {
            talk.manner.stalls = false;
            talk.seconds(20.0..60.0)
        } else if self.habit == Habit::Attentive || !self.listener.has_entered() || !talk.world.posting {
            talk.say("PING");
            talk.seconds(30.0..60.0)
        } else {
            if self.habit == Habit::DozesOverPages {
                self.flood(talk);
            }
            talk.say("PING");
            talk.manner.stalls = true;
            talk.seconds(3.0..30.0)
        };
        talk.due_in(pause);
        Ok(())
    }

    fn closed(&mut self, _talk: &mut Talk<'_>) -> Result<(), LoadError> {
        Err(sent_away("a listener"))
    }

    fn lost(&mut self, _world: &mut World) {
        self.listener.lost();
    }

    fn is_current(&self, ledger: &Ledger) -> bool {
        self.listener.is_current(ledger)
    }
}
