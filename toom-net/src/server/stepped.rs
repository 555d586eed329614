//! A server that does nothing by itself: who has it says what goes on, and when. The threads of a [`Server`](super::Server) do the same
//! things in an order of the machine's choice; a simulation chooses the order.

use core::net::IpAddr;
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use toom_core::{CheckMemory, Config, Engine, Mono, Now, Secret, Storage, StorageError, UserName, Verdict};

use super::builder::{first_transfer, greeting};
use super::connection::Path;
use super::engine_loop::{BATCH_MAX, EngineLoop, Turn};
use super::exchange::{Check, Checked, Input, Read, Release};
use super::front::{Front, Layer, Socket};
use super::hub::Hub;
use super::{Event, ServerLimits};

mod logins;

pub(crate) use super::front::{Happened, Wire};
pub(crate) use logins::{LoginStep, Refusal};

/// A server in one thread.
#[derive(Debug)]
pub(crate) struct Stepped<S: Storage, W> {
    front: Front<W>,
    engine: EngineLoop<S>,
    reader: S::Reader,
    to_engine: SyncSender<Input>,
    inputs: Receiver<Input>,
    /// What the engine and the reader released, in order.
    releases: VecDeque<Vec<Release>>,
    checks: Vec<Check>,
    verdicts: VecDeque<Checked>,
    reads: Vec<Read>,
}

/// What a turn of the engine brought about, beside what peers are told of it.
#[derive(Debug)]
pub(crate) struct Turned {
    pub(crate) events: Vec<Event>,
    /// What it had to do with logins, in order.
    pub(crate) logins: Vec<LoginStep>,
    /// How many inputs were taken.
    pub(crate) taken: usize,
    /// Whether the server stops.
    pub(crate) stops: bool,
}

/// What waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) turns: bool,
    pub(crate) passes: bool,
    pub(crate) checks: usize,
    pub(crate) reads: usize,
}

impl<S: Storage, W: Wire> Stepped<S, W> {
    /// A server of `storage`, and of peers that come by [`connect`](Self::connect).
    ///
    /// # Errors
    /// [`StorageError`] if the store cannot be recovered.
    pub(crate) fn start(
        storage: S,
        config: Config,
        limits: ServerLimits,
        accounts: Vec<(UserName, Secret)>,
        now: Now,
    ) -> Result<Self, StorageError> {
        let engine = Engine::open(storage, config)?;
        let (to_engine, inputs) = sync_channel(BATCH_MAX);
        let greeting = greeting(engine.epoch(), limits.idle_time);
        let hub = Hub::new(&greeting, first_transfer(now.wall), limits);
        let reader = engine.storage().reader();
        let mut engine = EngineLoop::new(engine, limits.checks_max());
        engine.set_accounts(accounts, &mut Turn::default());
        Ok(Self {
            front: Front::new(hub, limits, to_engine.clone()),
            engine,
            reader,
            to_engine,
            inputs,
            releases: VecDeque::new(),
            checks: Vec::new(),
            verdicts: VecDeque::new(),
            reads: Vec::new(),
        })
    }

    /// Lets a peer in, if it may come in, and gives `place` its place.
    pub(crate) fn connect(&mut self, wire: W, ip: IpAddr, now: Mono, place: impl FnOnce(usize)) {
        if self.front.admit(ip, now).is_ok() {
            self.front.open(Path { peer: ip, reached: ip }, now, |id| {
                place(id.slot());
                Some(Socket::new(wire, ip, Layer::Plain))
            });
        }
    }

    /// Something happened to the connection in a place.
    pub(crate) fn happened(&mut self, slot: usize, what: Happened) {
        self.front.happened(slot, what);
    }

    /// The connection in a place is lost.
    pub(crate) fn lost(&mut self, slot: usize) {
        self.front.lost(slot);
    }

    /// The connections' side does all that is due, with the first `releases` of those that wait.
    pub(crate) fn pass(&mut self, releases: usize, now: Mono) {
        let releases = releases.min(self.releases.len());
        self.front.pass(self.releases.drain(..releases), now);
        self.hand_over_verdicts();
    }

    /// The engine's side takes at most `inputs` of those that wait.
    pub(crate) fn turn(&mut self, inputs: usize, now: Now) -> Turned {
        let (mut taken, mut logins) = (0, Vec::new());
        let inputs = self.inputs.try_iter().take(inputs.min(self.engine.room())).inspect(|input| {
            taken += 1;
            logins.extend(LoginStep::of(input));
        });
        let mut turn = Turn::default();
        self.engine.turn(inputs, now, &mut turn);
        for step in &mut logins {
            step.is_answered(&turn.releases);
        }
        if !turn.releases.is_empty() {
            self.releases.push_back(turn.releases);
        }
        self.reads.append(&mut turn.reads);
        self.checks.append(&mut turn.checks);
        self.hand_over_verdicts();
        Turned { events: turn.events, logins, taken, stops: turn.stops }
    }

    /// Checks one of the passwords that wait.
    pub(crate) fn check(&mut self, which: usize) -> Option<Verdict> {
        let which = which.checked_rem(self.checks.len())?;
        let check = self.checks.remove(which);
        let checked = check.run(&mut CheckMemory::new());
        let verdict = checked.verdict;
        self.verdicts.push_back(checked);
        self.hand_over_verdicts();
        Some(verdict)
    }

    fn hand_over_verdicts(&mut self) {
        while let Some(checked) = self.verdicts.pop_front() {
            if let Err(TrySendError::Full(Input::Checked(checked))) =
                self.to_engine.try_send(Input::Checked(checked))
            {
                return self.verdicts.push_front(checked);
            }
        }
    }

    /// Reads the page that waits longest, if one does.
    pub(crate) fn read(&mut self) -> bool {
        if self.reads.is_empty() {
            return false;
        }
        let (reply, _) = self.reads.remove(0).run(&self.reader);
        self.releases.push_back(vec![reply]);
        true
    }

    /// Ends every session of a user, unless the engine's queue is full.
    pub(crate) fn kick(&self, user: UserName) {
        let _ = self.to_engine.try_send(Input::Kick(user));
    }

    /// Makes these the accounts, unless the engine's queue is full.
    pub(crate) fn set_accounts(&self, accounts: Vec<(UserName, Secret)>) {
        let _ = self.to_engine.try_send(Input::Accounts(accounts));
    }

    /// Ends every connection once its requests under way are answered.
    pub(crate) fn shut_down(&mut self, now: Mono) {
        self.front.hub.shut_down(now);
    }

    /// Whether everything that was to be said is written.
    pub(crate) fn all_is_written(&self) -> bool {
        self.front.hub.all_is_written()
    }

    /// Tells the engine's side that nothing more will come, unless its queue is full.
    pub(crate) fn stop(&self) {
        let _ = self.to_engine.try_send(Input::Stop);
    }

    /// What waits to be done at `now`.
    pub(crate) fn waiting(&self, now: Mono) -> Waiting {
        let late = |deadline: Option<Mono>| deadline.is_some_and(|deadline| deadline <= now);
        Waiting {
            turns: self.engine.has_deferred() || late(self.engine.next_deadline()),
            passes: !self.releases.is_empty() || self.front.timeout(now).is_some_and(|wait| wait.is_zero()),
            checks: self.checks.len(),
            reads: self.reads.len(),
        }
    }

    /// When something is due though nothing happens.
    pub(crate) fn next_deadline(&self) -> Option<Mono> {
        [self.engine.next_deadline(), self.front.hub.next_deadline()].into_iter().flatten().min()
    }

    /// Whether the store has failed, so that nothing can be written.
    pub(crate) fn refuses_writes(&self) -> bool {
        self.engine.metrics().refuses_writes
    }

    /// How many transfers of files are not over.
    pub(crate) fn open_transfers(&self) -> u64 {
        self.front.hub.metrics().transfers.open
    }

    /// How many of them go through the server.
    pub(crate) fn relays(&self) -> u64 {
        self.front.hub.metrics().transfers.relays
    }

    /// The most bytes that wait for one peer.
    pub(crate) fn longest_outbox(&self) -> usize {
        self.front.hub.longest_outbox()
    }
}
