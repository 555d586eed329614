//! The server with its disk: it is started, run, and ended in every way that a server ends.

use toom_core::simulated::{Fault, SimDisk};
use toom_core::{FileStorage, Mono, Now, Secret, Storage as _, UserName};

use super::accounts::User;
use super::common::Common;
use super::damage;
use super::guesses::Guesses;
use super::network::Cut;
use super::report::{Kept, demand};
use super::store::Store;
use super::truth::Found;
use super::wire::ServerEnd;
use crate::server::Event;
use crate::server::stepped::{Stepped, Turned};

mod checks;
mod operator;

/// The server, whether it runs or not, and its disk.
pub(super) struct Host {
    pub(super) disk: SimDisk,
    pub(super) running: Option<Running>,
    users: Vec<User>,
    /// How many of the users have an account.
    pub(super) accounts: usize,
}

/// A server that runs.
pub(super) struct Running {
    pub(super) server: Stepped<Store, ServerEnd>,
    store: Store,
    guesses: Guesses,
    began: Mono,
    pub(super) phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Serving,
    /// It shuts down, and waits for peers that long.
    Closing {
        until: Mono,
    },
    Stopping,
}

/// How a server ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    PowerCut,
    Kill,
    /// It was shut down.
    Orderly,
}

/// In the midst of what the power may fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Within {
    Turn,
    Work,
}

impl Running {
    /// The clocks as this server reads them.
    fn now(&self, common: &Common) -> Now {
        let now = common.clock.now();
        Now { mono: Mono::new(now.mono.since(self.began)), ..now }
    }

    /// When it has something to do though nothing happens.
    pub(super) fn next_deadline(&self) -> Option<Mono> {
        self.server.next_deadline().map(|deadline| self.began.after(deadline.elapsed()))
    }
}

impl Host {
    pub(super) fn new(users: Vec<User>) -> Self {
        Self { disk: SimDisk::new(), running: None, accounts: users.len(), users }
    }

    fn accounts(&self) -> Vec<(UserName, Secret)> {
        self.users.iter().take(self.accounts).map(User::account).collect()
    }

    pub(super) fn is_serving(&self) -> bool {
        self.running.as_ref().is_some_and(|running| running.phase == Phase::Serving)
    }

    /// Starts the server, unless the power fails meanwhile.
    pub(super) fn start(&mut self, power_cuts: usize, common: &mut Common) -> Kept {
        let cut = common.chance.permille(power_cuts);
        let before = self.disk.faults_hit();
        if cut {
            let nth = common.chance.between(1, 40) as u64;
            self.disk.inject(Fault::nth(nth).forever());
        }
        let opened = FileStorage::open_on(self.disk.clone(), common.weather.options());
        let failed = self.disk.faults_hit() > before;
        if cut && failed {
            drop(self.cut_power(common));
            common.counts.power_cuts_recovering += 1;
            common.log.note(format_args!("the power fails while the store is opened"));
            return Ok(());
        }
        if cut {
            self.disk.heal();
        }
        let storage = match opened {
            Ok(storage) => storage,
            Err(error) => {
                demand(failed || error.is_harmless(), || {
                    format!("a store opens after every crash: {error}")
                })?;
                common.log.note(format_args!("the store is not opened: {error}"));
                self.disk.heal();
                self.disk.set_bytes_max(None);
                return Ok(());
            }
        };
        self.serve(Store::new(storage), common)
    }

    fn serve(&mut self, mut store: Store, common: &mut Common) -> Kept {
        let before = self.disk.faults_hit();
        let (now, accounts) = (common.clock.now(), self.accounts());
        let found = store.recover().and_then(|found| Found::read(found.rooms, &store));
        let started = found.and_then(|found| {
            let (config, limits) = (common.weather.config, common.weather.limits);
            let now = Now { mono: Mono::ZERO, ..now };
            Ok((found, Stepped::start(store.clone(), config, limits, accounts, now)?))
        });
        let (found, server) = match started {
            Ok(started) => started,
            Err(error) => {
                demand(self.disk.faults_hit() > before, || {
                    format!("a store that was opened is read: {error}")
                })?;
                self.disk.heal();
                return Ok(());
            }
        };
        let (later, gone) = common.truth.take(&found)?;
        common.counts.found_later += later as u64;
        common.counts.messages_gone += gone;
        common.counts.found_gone += gone;
        common.log.note(format_args!("the server starts, {later} things were found that nobody was told of"));
        let names = self.users.iter().take(self.accounts).map(|user| user.name.clone()).collect();
        let guesses = Guesses::new(common.weather.config, &common.weather.limits, names);
        let began = now.mono;
        self.running = Some(Running { server, store, guesses, began, phase: Phase::Serving });
        Ok(())
    }

    /// The disk that a power cut leaves takes the place of the other; what is dropped later harms it no more.
    fn cut_power(&mut self, common: &mut Common) -> Option<Running> {
        common.counts.disk_faults += self.disk.faults_hit();
        self.disk = self.disk.crash_seeded(common.chance.bits());
        self.running.take()
    }

    /// Ends the server.
    pub(super) fn end(&mut self, how: End, common: &mut Common) {
        let cut = match how {
            End::PowerCut if common.chance.permille(500) => Cut::Silent,
            End::Orderly => Cut::Ended,
            _ => Cut::Broken,
        };
        common.log.note(format_args!("the server ends: {how:?}"));
        let ended = match how {
            End::PowerCut => {
                common.counts.power_cuts += 1;
                self.cut_power(common)
            }
            End::Kill => {
                common.counts.kills += 1;
                common.counts.disk_faults += self.disk.faults_hit();
                self.disk = self.disk.kill();
                self.running.take()
            }
            End::Orderly => {
                common.counts.shutdowns += 1;
                self.running.take()
            }
        };
        if how != End::Orderly {
            let mut network = common.network.borrow_mut();
            for id in network.ids() {
                network.cut(id, cut, &mut common.chance);
            }
        }
        common.network.borrow_mut().refuse_backlog(cut, &mut common.chance);
        drop(ended);
    }

    /// The connections' side does what is due.
    pub(super) fn pass(&mut self, releases: usize, common: &mut Common) -> Kept {
        let Some(running) = &mut self.running else { return Ok(()) };
        let now = running.now(common).mono;
        while running.phase == Phase::Serving {
            let taken = common.network.borrow_mut().take();
            let Some((cable, ip)) = taken else { break };
            common.log.note(format_args!("connection {cable} from {ip} is taken"));
            let end = ServerEnd::new(&common.network, cable);
            let network = &common.network;
            running.server.connect(end, ip, now, |slot| network.borrow_mut().place(cable, slot));
        }
        let mut news = common.network.borrow_mut().news();
        common.chance.shuffle(&mut news);
        for (slot, what, lost) in news {
            if lost {
                running.server.lost(slot);
            } else {
                running.server.happened(slot, what);
            }
        }
        running.server.pass(releases, now);
        let (waits, most) = (running.server.longest_outbox(), common.weather.outbox_bytes_most());
        demand(waits <= most, || format!("an outbox is bounded: {waits} bytes wait, {most} may"))?;
        if let Phase::Closing { until } = running.phase
            && (running.server.all_is_written() || until <= common.clock.mono())
        {
            running.phase = Phase::Stopping;
            running.server.stop();
        }
        Ok(())
    }

    /// The engine's side takes a turn; `within` is the call of the disk at which the power fails.
    pub(super) fn turn(&mut self, inputs: usize, within: Option<u64>, common: &mut Common) -> Kept<usize> {
        let before = self.begin_cut(within, common);
        let journal = common.chance.permille(15).then(|| damage::journal(&self.disk)).transpose()?;
        let Some(running) = &mut self.running else { return Ok(0) };
        let refused_before = running.server.refuses_writes();
        let turned = running.server.turn(inputs, running.now(common));
        if self.is_cut(before) {
            self.fail_within(Within::Turn, common);
            return Ok(turned.taken);
        }
        let (taken, stops) = (turned.taken, turned.stops);
        let stored = self.tell(turned, common)?;
        if refused_before && stored == 0 {
            demand(self.running.as_ref().is_some_and(|running| running.server.refuses_writes()), || {
                "a store that refused counts as failed until it stores something".to_owned()
            })?;
        }
        if stored > 0 {
            self.look_at_floors(common)?;
            if let Some(before) = journal {
                damage::of_last_batch(&self.disk, &before, common)?;
            }
            match common.chance.below(1000) {
                0..15 => self.imagine(common)?,
                15..30 => damage::anywhere(&self.disk, common)?,
                _ => {}
            }
        }
        if stops {
            self.end(End::Orderly, common);
        }
        Ok(taken)
    }

    /// Does some of the work behind the journal.
    pub(super) fn work(&mut self, within: Option<u64>, common: &mut Common) -> Kept {
        let before = self.begin_cut(within, common);
        let Some(running) = &mut self.running else { return Ok(()) };
        let tidy = common.chance.permille(300);
        let worked = if tidy { running.store.tidy() } else { running.store.work() };
        common.counts.work += u64::from(matches!(worked, Ok(true)));
        if self.is_cut(before) {
            self.fail_within(Within::Work, common);
        } else if let Err(error) = worked {
            common.log.note(format_args!("work behind the journal fails: {error}"));
        }
        self.look_at_floors(common)
    }

    /// From some call on the disk takes nothing any more.
    fn begin_cut(&mut self, within: Option<u64>, common: &mut Common) -> Option<u64> {
        let nth = within?;
        let torn = common.chance.below(600);
        self.disk.heal();
        self.disk.inject(Fault::nth(nth).torn(torn).forever());
        Some(self.disk.faults_hit())
    }

    /// Whether the power has failed. If not, it does not any more.
    fn is_cut(&mut self, before: Option<u64>) -> bool {
        let Some(before) = before else { return false };
        let hit = self.disk.faults_hit() > before;
        if !hit {
            self.disk.heal();
        }
        hit
    }

    fn fail_within(&mut self, within: Within, common: &mut Common) {
        common.log.note(format_args!("the power fails within a call of the store: {within:?}"));
        common.counts.power_cuts_within += 1;
        self.end(End::PowerCut, common);
    }

    /// Holds what a turn brought about against what is promised; how much was stored.
    fn tell(&mut self, turned: Turned, common: &mut Common) -> Kept<usize> {
        let Some(running) = &mut self.running else { return Ok(0) };
        let Turned { events, logins, .. } = turned;
        let now = running.now(common).mono;
        for step in logins {
            common.log.note(format_args!("{step:?}"));
            running.guesses.take(step, now)?;
        }
        let mut told = 0;
        if events.iter().any(|event| matches!(event, Event::Posted(_) | Event::RoomCreated(_))) {
            common.truth.begin_batch();
        }
        for event in events {
            if let Event::LoggedIn(session) = &event {
                running.guesses.opens(session.session, &session.user)?;
            }
            told += tell(&event, common)?;
        }
        Ok(told)
    }

    /// Checks one of the passwords that wait.
    pub(super) fn check(&mut self, which: usize, common: &mut Common) -> bool {
        let Some(running) = &mut self.running else { return false };
        let Some(verdict) = running.server.check(which) else { return false };
        common.counts.wrong_guesses += u64::from(verdict == toom_core::Verdict::Wrong);
        true
    }

    /// When the next block ends, and whose it is.
    pub(super) fn next_edge(&self, common: &Common) -> Option<(Mono, UserName)> {
        let running = self.running.as_ref().filter(|running| running.phase == Phase::Serving)?;
        let (until, user) = running.guesses.next_edge(running.now(common).mono)?;
        Some((running.began.after(until.elapsed()), user.clone()))
    }

    /// Reads a page that waits.
    pub(super) fn read(&mut self) -> bool {
        self.running.as_mut().is_some_and(|running| running.server.read())
    }

    /// Whether nothing of what is due is left undone.
    pub(super) fn is_idle(&self, common: &Common) -> bool {
        self.running.as_ref().is_none_or(|running| {
            let waiting = running.server.waiting(running.now(common).mono);
            waiting == crate::server::stepped::Waiting::default()
        })
    }

    /// Demands that no transfer is left when everybody is at rest.
    pub(super) fn has_no_transfers(&self) -> Kept {
        let Some(running) = &self.running else { return Ok(()) };
        let (open, relays) = (running.server.open_transfers(), running.server.relays());
        demand((open, relays) == (0, 0), || {
            format!("everything comes to rest: {open} transfers are left, {relays} of them relayed")
        })
    }
}

fn tell(event: &Event, common: &mut Common) -> Kept<usize> {
    match event {
        Event::Posted(message) => {
            common.counts.messages_posted += 1;
            common.log.note(format_args!("stored: {:?} #{}", message.conversation, message.number));
            common.truth.tell(message)?;
            Ok(1)
        }
        Event::RoomCreated(room) => {
            common.counts.rooms_built += 1;
            common.log.note(format_args!("built: room {}", room.id));
            common.truth.tell_room(room.id, room.at, &room.members)?;
            Ok(1)
        }
        Event::LoggedIn(session) => {
            common.truth.tell_login(session.at)?;
            Ok(0)
        }
        Event::Trouble { problem } => {
            common.counts.appends_failed += 1;
            common.log.note(format_args!("trouble: {problem}"));
            Ok(0)
        }
        _ => Ok(0),
    }
}
