//! Clients that stay: they come back when the connection is lost, and miss nothing.

use core::net::IpAddr;
use std::collections::BTreeMap;

use toom_core::{Conversation, Mono};

use super::accounts::User;
use super::arrived::Arrived;
use super::common::Common;
use super::network::{CableId, Got};
use super::reading::Reading;
use super::report::{Kept, broken, demand};
use super::talk::{self, Wanted};
use super::view::View;
use crate::client::{Answer, CallError, Ended, Pushed, StoreMet, Ticket, Visit, VisitEvent};
use crate::protocol::{Code, Command, Hello};

/// How many requests may be without an answer.
const PENDING_MAX: usize = 8;

/// A client that stays.
pub(super) struct Visitor {
    name: String,
    user: User,
    ip: IpAddr,
    visit: Visit,
    cable: Option<CableId>,
    arrived: Arrived,
    view: Option<View>,
    asked: BTreeMap<Ticket, Wanted>,
    said: u64,
    /// It does not read before.
    pub(super) asleep_until: Mono,
}

impl Visitor {
    pub(super) fn new(number: u64, user: User, ip: IpAddr, common: &mut Common) -> Self {
        let mark = u128::from(common.chance.bits()) << 64 | u128::from(common.chance.bits());
        let mut visit = Visit::new(Hello::default(), mark, common.clock.mono());
        let login = Command::Login { user: user.name.clone(), password: User::password() };
        let asked = BTreeMap::from([(visit.request(login), Wanted::Login)]);
        let name = format!("v{number}");
        common.log.note(format_args!("{name} comes, as {}", user.name));
        Self {
            name,
            user,
            ip,
            visit,
            cable: None,
            arrived: Arrived::default(),
            view: None,
            asked,
            said: 0,
            asleep_until: Mono::ZERO,
        }
    }

    /// Whether it has come to its end.
    pub(super) fn is_over(&self) -> bool {
        self.visit.ended().is_some()
    }

    pub(super) fn next_deadline(&self) -> Option<Mono> {
        self.visit.next_deadline()
    }

    /// Does what it can; whether that was anything.
    pub(super) fn poll(&mut self, is_up: bool, common: &mut Common) -> Kept<bool> {
        let now = common.clock.mono();
        let mut moved = self.move_bytes(is_up, common);
        if self.visit.next_deadline().is_some_and(|deadline| deadline <= now) {
            self.visit.expire(now);
            moved = true;
        }
        if self.asleep_until > now {
            return Ok(moved);
        }
        while let Some(event) = self.visit.next_event() {
            moved = true;
            self.take(event, common)?;
        }
        if let Some(ended) = self.visit.ended() {
            self.check_end(ended)?;
            self.hang_up(common);
        }
        Ok(moved)
    }

    fn move_bytes(&mut self, is_up: bool, common: &mut Common) -> bool {
        let now = common.clock.mono();
        let lost = || Ended::Lost { bye: None, error: None };
        if self.visit.wants_connection() {
            self.hang_up(common);
            if !is_up || common.chance.rarely(10 * common.weather.cuts) {
                self.visit.lost(lost(), now);
            } else {
                common.counts.connections += 1;
                self.cable = Some(common.network.borrow_mut().connect(self.ip));
                self.visit.connected(now);
                self.arrived.connects();
            }
            return true;
        }
        if !self.visit.wants_stream() {
            self.hang_up(common);
            return false;
        }
        let Some(cable) = self.cable else { return false };
        let mut network = common.network.borrow_mut();
        let written = network.write(cable, self.visit.unsent());
        self.visit.advance(written);
        if self.asleep_until > now {
            return written > 0;
        }
        let most = common.chance.between(1, 4096);
        let got = network.read(cable, most);
        drop(network);
        match got {
            Got::Bytes(read) => {
                common.counts.bytes_to_peers += read.len() as u64;
                common.log.bytes(&read);
                self.visit.receive(&read, now);
                // Who hangs up does not look at what came behind the reason.
                if self.visit.wants_stream() {
                    self.arrived.take(&read);
                }
            }
            Got::Nothing => return written > 0,
            Got::End | Got::Failed => {
                common.log.note(format_args!("{} loses its connection", self.name));
                self.hang_up(common);
                self.visit.lost(lost(), now);
            }
        }
        true
    }

    fn hang_up(&mut self, common: &mut Common) {
        if let Some(cable) = self.cable.take() {
            common.network.borrow_mut().peer_closes(cable);
        }
    }

    fn check_end(&self, ended: &Ended) -> Kept {
        match ended {
            Ended::Closed | Ended::Lost { .. } => Ok(()),
            Ended::Refused(failure) => demand(failure.code == Code::BadCredentials, || {
                format!("{} is not let in again: {failure:?}", self.name)
            }),
            other => broken(format!("{} ends: {other}", self.name)),
        }
    }

    fn take(&mut self, event: VisitEvent, common: &mut Common) -> Kept {
        match event {
            VisitEvent::Answered { ticket, result } => self.take_answer(ticket, result, common),
            VisitEvent::Pushed(pushed) => self.take_pushed(pushed, common),
            VisitEvent::Relayed(push) => broken(format!("nobody sends files: {push:?}")),
        }
    }

    fn take_pushed(&mut self, pushed: Pushed, common: &mut Common) -> Kept {
        let Some(view) = &mut self.view else { return broken("nothing is shown before the login") };
        match pushed {
            Pushed::Message(line) => {
                common.counts.messages_shown += 1;
                common
                    .log
                    .note(format_args!("{} is shown {:?} #{}", self.name, line.conversation, line.number));
                self.arrived.show(line.conversation, line.number.get());
                view.show(&line, &common.truth)
            }
            Pushed::Room { room, members } => talk::shows_room(room, &members, view.who(), &common.truth),
            Pushed::Gone { conversation, first, last } => {
                common.counts.told_gone += 1;
                common.log.note(format_args!("{} misses {conversation:?} #{first} to #{last}", self.name));
                self.arrived.lose(conversation, first.get(), last.get())?;
                view.lose(conversation, first.get(), last.get(), &common.truth)
            }
            Pushed::Away(away) => {
                common.log.note(format_args!("{} is away: {}", self.name, away.why));
                Ok(())
            }
            Pushed::Back { session, store } => {
                common.counts.returns += 1;
                common.log.note(format_args!("{} is back, since {:?}", self.name, session.at));
                demand(store == StoreMet::Same, || format!("{} meets another store", self.name))
            }
            other => broken(format!("{} misses nothing for good: {other:?}", self.name)),
        }
    }

    fn take_answer(
        &mut self,
        ticket: Ticket,
        result: Result<Answer, CallError>,
        common: &mut Common,
    ) -> Kept {
        let Some(wanted) = self.asked.remove(&ticket) else {
            return broken(format!("{} gets an answer that it did not ask for", self.name));
        };
        common.counts.answers += 1;
        let answer = match result {
            Ok(answer) => answer,
            Err(CallError::Refused(failure)) => {
                common.counts.refusals += 1;
                common.log.note(format_args!("{} is refused {wanted:?}: {failure}", self.name));
                if wanted == Wanted::Login {
                    self.visit.close();
                }
                return talk::refused(&wanted, &failure, &self.user, &common.truth);
            }
            Err(error) => {
                common.log.note(format_args!("{} has no answer to {wanted:?}: {error}", self.name));
                return demand(self.visit.ended().is_some(), || {
                    format!("{} has no answer: {error}", self.name)
                });
            }
        };
        // Its view lasts over all its sessions.
        let who = (self.name.as_str(), 0, &self.user, &mut self.view);
        if let Some((reading, next)) = talk::heard(who, wanted, answer, common)? {
            self.ask(next.into_command(), Some(reading), common);
        }
        Ok(())
    }

    /// Makes some request.
    pub(super) fn act(&mut self, users: &[User], common: &mut Common) {
        if self.view.is_none() || self.visit.pending() >= PENDING_MAX || self.is_over() {
            return;
        }
        if common.chance.permille(8) {
            let ticket = self.visit.request(Command::Logout);
            self.asked.insert(ticket, Wanted::Other);
            return;
        }
        self.said += 1;
        let text = format!("{}-{}", self.name, self.said);
        let command = talk::draw(&text, &self.user, users, common);
        self.ask(command, None, common);
    }

    fn ask(&mut self, command: Command, goes_on: Option<Reading>, common: &mut Common) {
        let wanted = talk::wanted(&command, goes_on, &self.user, common);
        common.log.note(format_args!("{} asks for {wanted:?}", self.name));
        let ticket = self.visit.request(command);
        self.asked.insert(ticket, wanted);
    }

    /// What it still waits for, if it waits for anything.
    pub(super) fn waits_for(&self, common: &Common) -> Option<String> {
        let view = match &self.view {
            _ if self.is_over() => return None,
            None => return Some(format!("{} for its login", self.name)),
            Some(view) => view,
        };
        if let Some(wanted) = self.asked.values().next() {
            return Some(format!("{} for the answer to {wanted:?}", self.name));
        }
        let missing: Option<(Conversation, u64)> = view.missing(&common.truth);
        missing.map(|(place, number)| format!("{} to be shown {place:?} #{number}", self.name))
    }
}
