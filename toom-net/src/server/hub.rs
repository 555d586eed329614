//! All connections, who is logged in on them, and what waits for each.

use core::time::Duration;
use std::collections::{BTreeSet, VecDeque};

use toom_core::{Audience, Conversation, Effect, Mono};

use super::ServerLimits;
use super::connection::{Around, Connection, Next, Path};
use super::exchange::{ConnectionId, Input, Release};
use super::introductions::{Introductions, Tell};
use super::metrics::ConnectionMetrics;
use super::outbox::Outbox;
use crate::protocol::{ByeCode, Greeting, Live, Push, TransferId};

mod audience;
mod early;
mod effects;
mod gather;
mod peers;
mod strangers;
mod transfers;

use audience::Listeners;
use gather::Gathered;
use peers::{Ending, Peer, Peers, Standing};
use strangers::Strangers;

/// After how long a peer whose password is being checked is looked at again when its time is over.
const CHECKS_TAKE: Duration = Duration::from_secs(1);
/// How many inputs for the engine may wait here before no more requests are taken.
const INPUTS_MAX: usize = 256;

/// The connections of a server. It knows no sockets: it is told what was read and how much was written.
///
/// It carries out what the engine releases, and remembers which connections have something to write, so that each is
/// written once for all that is due.
#[derive(Debug)]
pub(super) struct Hub {
    limits: ServerLimits,
    greeting: Vec<u8>,
    peers: Peers,
    listeners: Listeners,
    gathered: Gathered,
    introductions: Introductions,
    /// What is to be told of transfers, in order.
    tells: VecDeque<Tell>,
    /// What the engine is to be given, in order.
    inputs: VecDeque<Input>,
    /// Connections that may go on with their requests.
    runnable: VecDeque<ConnectionId>,
    /// Connections that have something to write, or that are finished.
    dirty: Vec<ConnectionId>,
    deadlines: BTreeSet<(Mono, ConnectionId)>,
    /// The few connections that are in the middle of a long line before the login.
    early_long_lines: Vec<ConnectionId>,
    strangers: Strangers,
    counts: ConnectionMetrics,
}

/// What is to be done with a connection after something was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// More waits to be written.
    More,
    /// Nothing waits.
    Idle,
    /// Everything is written, and nothing will follow: end the stream.
    End,
}

impl Hub {
    /// Without connections yet. The first transfer will have the number `first`.
    pub(super) fn new(greeting: &Greeting, first: TransferId, limits: ServerLimits) -> Self {
        let mut line = Vec::new();
        greeting.append_to(&mut line);
        Self {
            limits,
            greeting: line,
            peers: Peers::default(),
            listeners: Listeners::default(),
            gathered: Gathered::default(),
            introductions: Introductions::new(first),
            tells: VecDeque::new(),
            inputs: VecDeque::new(),
            runnable: VecDeque::new(),
            dirty: Vec::new(),
            deadlines: BTreeSet::new(),
            early_long_lines: Vec::new(),
            strangers: Strangers::default(),
            counts: ConnectionMetrics::default(),
        }
    }

    /// A peer has connected, and is greeted.
    pub(super) fn open(&mut self, path: Path, now: Mono) -> ConnectionId {
        let id = self.peers.insert(|id| Peer::new(Connection::new(id, path, now)));
        self.counts.opened += 1;
        if let Some(peer) = self.peers.get_mut(id) {
            peer.outbox.push(self.greeting.clone());
            peer.mark_dirty(&mut self.dirty);
        }
        self.note_stranger(id);
        self.set_deadline(id, Some(now.after(self.limits.login_time)));
        id
    }

    /// The connection in a place, if there is one.
    pub(super) fn at(&self, slot: usize) -> Option<ConnectionId> {
        self.peers.at(slot)
    }

    /// Whether every connection that there still is has written its last.
    pub(super) fn all_is_written(&self) -> bool {
        self.peers.iter().all(|peer| peer.ending == Ending::WhenWritten && peer.outbox.is_empty())
    }

    /// Whether the peer is logged in: what is read before is wiped after use.
    pub(super) fn is_logged_in(&self, id: ConnectionId) -> bool {
        self.peers.get(id).is_some_and(|peer| peer.connection.is_logged_in())
    }

    /// Whether only what waits is still to be written to a connection.
    pub(super) fn is_ending(&self, id: ConnectionId) -> bool {
        self.peers.get(id).is_some_and(|peer| peer.ending == Ending::WhenWritten)
    }

    /// Takes what was read; call [`serve`](Self::serve) then.
    pub(super) fn feed(&mut self, id: ConnectionId, read: &[u8]) {
        if let Some(peer) = self.peers.get_mut(id) {
            peer.connection.feed(read);
        }
    }

    /// The peer sends no more; call [`serve`](Self::serve) then.
    pub(super) fn end_of_input(&mut self, id: ConnectionId) {
        if let Some(peer) = self.peers.get_mut(id) {
            peer.connection.end_of_input();
        }
    }

    /// Takes requests of a connection as far as it may go on, and says how many more bytes it may be fed at most.
    pub(super) fn serve(&mut self, id: ConnectionId, now: Mono) -> usize {
        let mut wants_bytes = false;
        while let Some(peer) = self.peers.get_mut(id) {
            if self.inputs.len() >= INPUTS_MAX {
                peer.mark_runnable(&mut self.runnable);
                break;
            }
            let before = peer.outbox.len();
            peer.waits = false;
            let mut around = Around { limits: &self.limits, now, counts: &mut self.counts };
            let next = peer.connection.next(&mut peer.outbox, &mut around);
            if peer.outbox.len() != before {
                peer.mark_dirty(&mut self.dirty);
            }
            match next {
                Next::Ask(ask) => self.inputs.push_back(Input::Ask(ask)),
                Next::Transfer { to, request } => {
                    self.transfer(to, request, now);
                    self.tell(now);
                }
                Next::NeedsBytes => {
                    wants_bytes = true;
                    break;
                }
                Next::Waits => {
                    peer.waits = true;
                    break;
                }
                Next::Over => break,
            }
        }
        self.settle(id, now);
        self.tell(now);
        if wants_bytes { self.bytes_wanted(id, now) } else { 0 }
    }

    /// Carries out what the engine released together, in order.
    pub(super) fn release(&mut self, releases: impl IntoIterator<Item = Release>, now: Mono) {
        for release in releases {
            match release {
                Release::Effect(Effect::Deliver { audience: Audience::Everyone { except }, message })
                    if message.conversation == Conversation::Broadcast =>
                {
                    self.gather(&message, except);
                    continue;
                }
                Release::Reply { connection, .. } => self.catch_up(connection),
                _ => self.deliver_gathered(),
            }
            self.carry_out(release, now);
            self.tell(now);
        }
        self.deliver_gathered();
    }

    fn carry_out(&mut self, release: Release, now: Mono) {
        match release {
            Release::Reply { connection, ticket, lines } => {
                let Some(peer) = self.peers.get_mut(connection) else { return };
                if peer.ending == Ending::WhenWritten {
                    return;
                }
                peer.connection.answer(ticket, lines, &mut peer.outbox);
                peer.mark_dirty(&mut self.dirty);
                peer.go_on(&mut self.runnable);
                self.settle(connection, now);
            }
            Release::End { connection, bye } => self.end_when_answered(connection, Some(bye), now),
            Release::Offer { to, user, offer } => self.take_offer(to, &user, *offer, now),
            Release::LoggedIn { connection, user } => self.logged_in(connection, user, now),
            Release::Effect(effect) => self.take_effect(effect, now),
        }
    }

    /// Ends a connection once the requests under way are answered. The first reason counts.
    fn end_when_answered(&mut self, id: ConnectionId, bye: Option<Push>, now: Mono) {
        self.leave(id);
        let Some(peer) = self.peers.get_mut(id) else { return };
        peer.connection.close_intake();
        if peer.ending == Ending::No {
            peer.ending = Ending::WhenAnswered(bye.map(Box::new));
        }
        self.settle(id, now);
    }

    /// Ends a connection without waiting for the engine.
    fn end_now(&mut self, id: ConnectionId, bye: Push, now: Mono) {
        self.leave(id);
        let Some(peer) = self.peers.get_mut(id) else { return };
        peer.connection.close_intake();
        if !matches!(peer.ending, Ending::WhenWritten) {
            peer.ending = Ending::WhenAnswered(Some(Box::new(bye)));
            self.last_words(id, now);
        }
    }

    /// Ends a connection whose requests are all answered and that takes no more.
    fn settle(&mut self, id: ConnectionId, now: Mono) {
        self.note_stranger(id);
        let Some(peer) = self.peers.get(id) else { return };
        if peer.connection.is_finished() && peer.ending != Ending::WhenWritten {
            self.last_words(id, now);
        }
    }

    fn last_words(&mut self, id: ConnectionId, now: Mono) {
        self.leave(id);
        let Some(peer) = self.peers.get_mut(id) else { return };
        let ending = core::mem::replace(&mut peer.ending, Ending::WhenWritten);
        if let Ending::WhenAnswered(Some(bye)) = ending
            && peer.connection.live() == Live::On
        {
            let mut line = Vec::new();
            bye.append_to(&mut line);
            peer.outbox.push(line);
        }
        peer.mark_dirty(&mut self.dirty);
        // The session, if there is one, ends now, however long the peer takes to read the rest.
        if peer.connection.may_have_session() {
            self.inputs.push_back(Input::Gone(id));
        }
        self.set_deadline(id, Some(now.after(self.limits.closing_time)));
    }

    fn set_deadline(&mut self, id: ConnectionId, deadline: Option<Mono>) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        if let Some(earlier) = core::mem::replace(&mut peer.deadline, deadline) {
            self.deadlines.remove(&(earlier, id));
        }
        self.deadlines.extend(deadline.map(|deadline| (deadline, id)));
    }

    /// What waits to be written to a connection.
    pub(super) fn outbox(&self, id: ConnectionId) -> Option<&Outbox> {
        self.peers.get(id).map(|peer| &peer.outbox)
    }

    /// The most bytes that wait for one connection.
    #[cfg(feature = "simulation")]
    pub(super) fn longest_outbox(&self) -> usize {
        self.peers.iter().map(|peer| peer.outbox.len()).max().unwrap_or_default()
    }

    /// Takes off what was written.
    pub(super) fn wrote(&mut self, id: ConnectionId, bytes: usize) -> Rest {
        let Some(peer) = self.peers.get_mut(id) else { return Rest::Idle };
        peer.outbox.wrote(bytes, self.limits.outbox_bytes_max);
        peer.go_on(&mut self.runnable);
        match (peer.outbox.is_empty(), &peer.ending) {
            (false, _) => Rest::More,
            (true, Ending::WhenWritten) => Rest::End,
            (true, _) => Rest::Idle,
        }
    }

    /// A connection that has something to write or has written its last.
    pub(super) fn next_dirty(&mut self) -> Option<ConnectionId> {
        let id = self.dirty.pop()?;
        if let Some(peer) = self.peers.get_mut(id) {
            peer.dirty = false;
        }
        Some(id)
    }

    /// A connection whose requests may go on.
    pub(super) fn next_runnable(&mut self) -> Option<ConnectionId> {
        if self.inputs.len() >= INPUTS_MAX {
            return None;
        }
        let id = self.runnable.pop_front()?;
        if let Some(peer) = self.peers.get_mut(id) {
            peer.runnable = false;
        }
        Some(id)
    }

    /// Lets a connection go on with its requests: there is something to read.
    pub(super) fn wake(&mut self, id: ConnectionId) {
        if let Some(peer) = self.peers.get_mut(id) {
            peer.mark_runnable(&mut self.runnable);
        }
    }

    /// Something can be written to a connection.
    pub(super) fn mark_dirty(&mut self, id: ConnectionId) {
        if let Some(peer) = self.peers.get_mut(id) {
            peer.mark_dirty(&mut self.dirty);
        }
    }

    /// What was counted, and how things stand.
    pub(super) fn metrics(&self) -> ConnectionMetrics {
        ConnectionMetrics {
            open: self.peers.len() as u64,
            strangers: self.strangers_len() as u64,
            queued: self.inputs.len() as u64,
            transfers: self.introductions.metrics(),
            ..self.counts
        }
    }

    /// For what is counted where connections are taken.
    pub(super) fn counts_mut(&mut self) -> &mut ConnectionMetrics {
        &mut self.counts
    }

    pub(super) fn has_dirty(&self) -> bool {
        !self.dirty.is_empty()
    }

    pub(super) fn runnable_len(&self) -> usize {
        self.runnable.len()
    }

    pub(super) fn has_runnable(&self) -> bool {
        !self.runnable.is_empty() && self.inputs.len() < INPUTS_MAX
    }

    /// What the engine is to be given next. What could not be given comes back by [`put_back`](Self::put_back).
    pub(super) fn next_input(&mut self) -> Option<Input> {
        self.inputs.pop_front()
    }

    pub(super) fn put_back(&mut self, input: Input) {
        self.inputs.push_front(input);
    }

    /// A connection is no more. The engine is told, and those who have a file to do with it at the next [`expire`](Self::expire), or before
    /// anything else is done about a file.
    pub(super) fn remove(&mut self, id: ConnectionId) {
        self.set_deadline(id, None);
        self.set_early_long_line(id, false);
        self.leave(id);
        let Some(peer) = self.peers.remove(id) else { return };
        if peer.standing == Standing::Stranger {
            self.forget_stranger(id, peer.connection.ip());
        }
        if peer.ending != Ending::WhenWritten && peer.connection.may_have_session() {
            self.inputs.push_back(Input::Gone(id));
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Mono> {
        let connections = self.deadlines.first().map(|(deadline, _)| *deadline);
        connections.into_iter().chain(self.introductions.next_deadline()).min()
    }

    /// Ends what has lasted too long. A connection that it returns is to be removed at once.
    pub(super) fn expire(&mut self, now: Mono) -> Option<ConnectionId> {
        self.tells.extend(self.introductions.expire(&self.limits, now));
        let over = self.expire_connections(now);
        self.tell(now);
        over
    }

    fn expire_connections(&mut self, now: Mono) -> Option<ConnectionId> {
        while let Some(&(deadline, id)) = self.deadlines.first()
            && deadline <= now
        {
            let Some(peer) = self.peers.get(id) else {
                self.deadlines.pop_first();
                continue;
            };
            if peer.ending == Ending::WhenWritten {
                return Some(id);
            }
            let idle_at = peer.connection.heard().after(self.limits.idle_time);
            if peer.connection.is_login_under_way() {
                self.set_deadline(id, Some(now.after(CHECKS_TAKE)));
            } else if !peer.connection.is_logged_in() {
                self.counts.login_timeouts += 1;
                self.end_now(id, bye(ByeCode::LoginTimeout, "nobody logged in for too long"), now);
            } else if idle_at > now {
                self.set_deadline(id, Some(idle_at));
            } else {
                self.counts.idle_timeouts += 1;
                self.end_now(id, bye(ByeCode::Idle, "nothing was heard for too long"), now);
            }
        }
        None
    }

    /// Ends every connection once its requests under way are answered.
    pub(super) fn shut_down(&mut self, now: Mono) {
        let ids: Vec<_> = self.peers.iter().map(|peer| peer.connection.id()).collect();
        for id in ids {
            let bye = Push::Bye { code: ByeCode::Shutdown, text: "the server shuts down".into() };
            self.end_when_answered(id, Some(bye), now);
        }
        self.tell(now);
    }
}

pub(super) fn bye(code: ByeCode, text: &str) -> Push {
    Push::Bye { code, text: text.into() }
}

#[cfg(test)]
mod tests;
