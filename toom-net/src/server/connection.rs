//! One peer's requests: bytes in, requests for the engine out, replies in order.

use core::net::IpAddr;
use core::num::NonZeroU16;

use super::ServerLimits;
use super::exchange::{Ask, ConnectionId, Operation, ReplyTo, Ticket};
use super::outbox::Outbox;
use crate::protocol::{Failure, LineBuffer, Live, Reply, Request, RequestError, Tag, Verb};

mod plan;
mod slots;

use plan::{Plan, not_logged_in};
use slots::Slots;

/// The requests of one connection. It knows no socket.
///
/// Feed what was read, then call [`next`](Self::next) until it gives no more requests; bring each answer by
/// [`answer`](Self::answer). Replies leave in the order of the requests. What takes no engine is answered here.
#[derive(Debug)]
pub(super) struct Connection {
    id: ConnectionId,
    ip: IpAddr,
    lines: LineBuffer,
    slots: Slots,
    stage: Stage,
    intake: Intake,
    udp: Option<NonZeroU16>,
    live: Live,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    LoggedOut,
    /// The password is being checked: later lines wait, for what they may ask depends on it.
    LoginUnderWay,
    LoggedIn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Intake {
    Open,
    /// The peer sends no more, but what it sent is served.
    Ended,
    /// No more lines are taken.
    Closed,
}

/// What a connection goes on with.
#[derive(Debug)]
pub(super) enum Next {
    /// The engine has to be asked.
    Ask(Ask),
    /// The peer has to send more.
    NeedsBytes,
    /// Replies have to leave first.
    Waits,
    /// Nothing: no more lines are taken.
    Over,
}

impl Connection {
    pub(super) fn new(id: ConnectionId, ip: IpAddr) -> Self {
        Self {
            id,
            ip,
            lines: LineBuffer::new(),
            slots: Slots::default(),
            stage: Stage::LoggedOut,
            intake: Intake::Open,
            udp: None,
            live: Live::default(),
        }
    }

    pub(super) fn id(&self) -> ConnectionId {
        self.id
    }

    pub(super) fn live(&self) -> Live {
        self.live
    }

    pub(super) fn is_logged_in(&self) -> bool {
        self.stage == Stage::LoggedIn
    }

    pub(super) fn is_login_under_way(&self) -> bool {
        self.stage == Stage::LoginUnderWay
    }

    /// Whether the engine may know a session of it.
    pub(super) fn may_have_session(&self) -> bool {
        self.stage != Stage::LoggedOut
    }

    /// Whether no more lines are taken and every reply has left to the outbox.
    pub(super) fn is_finished(&self) -> bool {
        self.intake == Intake::Closed && self.slots.is_empty()
    }

    /// Takes what was read.
    pub(super) fn feed(&mut self, read: &[u8]) {
        if self.intake == Intake::Open {
            self.lines.feed(read);
        }
    }

    /// The peer sends no more. A line without end is no line.
    pub(super) fn end_of_input(&mut self) {
        if self.intake == Intake::Open {
            self.intake = Intake::Ended;
        }
    }

    /// Takes no more lines, not even those that were read.
    pub(super) fn close_intake(&mut self) {
        self.intake = Intake::Closed;
        self.lines = LineBuffer::new();
    }

    /// The next request for the engine; what comes before it and needs none is answered.
    pub(super) fn next(&mut self, outbox: &mut Outbox, limits: &ServerLimits) -> Next {
        loop {
            if self.intake == Intake::Closed {
                return Next::Over;
            }
            if self.stage == Stage::LoginUnderWay
                || self.slots.weight() >= limits.requests_in_flight_max.get()
                || outbox.len() + self.slots.parked_bytes() > limits.outbox_bytes_max
            {
                return Next::Waits;
            }
            let parsed = match self.lines.next_line() {
                Ok(Some(line)) => Request::parse(line),
                Ok(None) if self.intake == Intake::Ended => {
                    self.close_intake();
                    return Next::Over;
                }
                Ok(None) => return Next::NeedsBytes,
                Err(_) => {
                    self.refuse(None, Failure::line_too_long(), outbox);
                    self.close_intake();
                    return Next::Over;
                }
            };
            match parsed {
                Ok(request) => {
                    if let Some(ask) = self.take(request, limits, outbox) {
                        return Next::Ask(ask);
                    }
                }
                Err(error) => self.refuse_line(error, outbox),
            }
        }
    }

    /// Serves what needs no engine, and makes the rest an [`Ask`].
    fn take(&mut self, request: Request, limits: &ServerLimits, outbox: &mut Outbox) -> Option<Ask> {
        let Request { tag, command } = request;
        match self.plan(command, tag.as_ref()) {
            Ok(Plan::Engine(operation)) => return Some(self.ask(tag, operation, limits)),
            Ok(Plan::Here { rows, success }) => {
                let leaves = success.verb() == Verb::Out;
                self.reply(rows, &Reply { tag, result: Ok(success) }, outbox);
                if leaves {
                    self.close_intake();
                }
            }
            Err(failure) => self.refuse(tag, failure, outbox),
        }
        None
    }

    fn ask(&mut self, tag: Option<Tag>, operation: Operation, limits: &ServerLimits) -> Ask {
        match operation {
            Operation::Login { .. } => self.stage = Stage::LoginUnderWay,
            Operation::Logout => self.close_intake(),
            _ => {}
        }
        let ticket = self.slots.open(operation.weight(limits));
        Ask { to: ReplyTo { connection: self.id, ticket, tag }, operation }
    }

    /// The password was right. The reply follows.
    pub(super) fn logged_in(&mut self) {
        self.stage = Stage::LoggedIn;
    }

    /// Takes the reply to a request, and hands on to the outbox what is now in order.
    pub(super) fn answer(&mut self, ticket: Ticket, lines: Vec<u8>, outbox: &mut Outbox) {
        if self.stage == Stage::LoginUnderWay {
            self.stage = Stage::LoggedOut;
        }
        self.slots.answer(ticket, lines, outbox);
    }

    fn refuse_line(&mut self, error: RequestError, outbox: &mut Outbox) {
        let known = error.failure.verb.filter(|verb| !self.is_logged_in() && !verb.is_served_before_login());
        let failure = known.map_or(error.failure, not_logged_in);
        self.refuse(error.tag, failure, outbox);
    }

    fn refuse(&mut self, tag: Option<Tag>, failure: Failure, outbox: &mut Outbox) {
        self.reply(Vec::new(), &Reply { tag, result: Err(failure) }, outbox);
    }

    fn reply(&mut self, mut lines: Vec<u8>, reply: &Reply, outbox: &mut Outbox) {
        reply.append_to(&mut lines);
        let ticket = self.slots.open(1);
        self.slots.answer(ticket, lines, outbox);
    }
}

#[cfg(test)]
mod tests;
