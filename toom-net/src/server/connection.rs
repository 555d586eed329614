//! One peer's requests: bytes in, requests for the engine out, replies in order.

use core::net::{IpAddr, SocketAddr};
use core::num::NonZeroU16;

use toom_core::Mono;

use super::ServerLimits;
use super::exchange::{Ask, ConnectionId, Operation, ReplyTo, Ticket};
use super::metrics::ConnectionMetrics;
use super::outbox::Outbox;
use super::rate::{Bucket, whole_seconds};
use crate::protocol::{
    Code, Command, Failure, LineBuffer, Live, Reply, Request, RequestError, Tag, TransferRequest, Verb,
};

mod plan;
mod slots;

use plan::{Plan, not_logged_in};
use slots::Slots;

/// How many bytes may wait for a peer that is not logged in before no more of its lines are taken.
const EARLY_OUTBOX_BYTES: usize = 1024;

/// The requests of one connection. It knows no socket.
///
/// Feed what was read, then call [`next`](Self::next) until it gives no more requests; bring each answer by
/// [`answer`](Self::answer). Replies leave in the order of the requests. What takes no engine is answered here.
#[derive(Debug)]
pub(super) struct Connection {
    id: ConnectionId,
    path: Path,
    lines: LineBuffer,
    slots: Slots,
    stage: Stage,
    intake: Intake,
    udp: Option<NonZeroU16>,
    live: Live,
    posts: Bucket,
    /// When the last line was taken.
    heard: Mono,
    /// A request that waits for the replies to those before it.
    held: Option<Box<Request>>,
}

/// The two ends of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Path {
    /// Where the peer is.
    pub(super) peer: IpAddr,
    /// By which address of the server it came.
    pub(super) reached: IpAddr,
}

/// What a connection is served under.
#[derive(Debug)]
pub(super) struct Around<'a> {
    pub(super) limits: &'a ServerLimits,
    pub(super) now: Mono,
    pub(super) counts: &'a mut ConnectionMetrics,
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
    /// Two sessions have to be brought together.
    Transfer { to: ReplyTo, request: TransferRequest },
    /// The peer has to send more.
    NeedsBytes,
    /// Replies have to leave first.
    Waits,
    /// Nothing: no more lines are taken.
    Over,
}

impl Connection {
    pub(super) fn new(id: ConnectionId, path: Path, now: Mono) -> Self {
        Self {
            id,
            path,
            lines: LineBuffer::new(),
            slots: Slots::default(),
            stage: Stage::LoggedOut,
            intake: Intake::Open,
            udp: None,
            live: Live::default(),
            posts: Bucket::default(),
            heard: now,
            held: None,
        }
    }

    pub(super) fn id(&self) -> ConnectionId {
        self.id
    }

    pub(super) fn ip(&self) -> IpAddr {
        self.path.peer
    }

    pub(super) fn live(&self) -> Live {
        self.live
    }

    pub(super) fn path(&self) -> Path {
        self.path
    }

    /// Where the peer takes files, if it does.
    pub(super) fn takes_files(&self) -> Option<SocketAddr> {
        self.udp.map(|port| SocketAddr::new(self.path.peer, port.get()))
    }

    pub(super) fn is_logged_in(&self) -> bool {
        self.stage == Stage::LoggedIn
    }

    pub(super) fn is_login_under_way(&self) -> bool {
        self.stage == Stage::LoginUnderWay
    }

    /// When the last line was taken, or the connection was opened.
    pub(super) fn heard(&self) -> Mono {
        self.heard
    }

    /// How much there is of lines that were not taken.
    pub(super) fn unread_bytes(&self) -> usize {
        self.lines.unread_bytes()
    }

    /// How many bytes of memory its lines and its requests take.
    #[cfg(test)]
    pub(super) fn bytes_held(&self) -> usize {
        self.lines.bytes_held() + self.slots.bytes_held()
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
        self.held = None;
    }

    /// The next request for others; what comes before it and needs none is answered.
    pub(super) fn next(&mut self, outbox: &mut Outbox, around: &mut Around<'_>) -> Next {
        loop {
            if self.intake == Intake::Closed {
                return Next::Over;
            }
            if self.has_to_wait(outbox, around) {
                return Next::Waits;
            }
            if let Some(held) = self.held.take_if(|_| self.slots.is_empty()) {
                if let Some(next) = self.take(*held, outbox, around) {
                    return next;
                }
                continue;
            }
            if self.held.is_some() {
                return Next::Waits;
            }
            let parsed = match self.lines.next_line() {
                Ok(Some(line)) => {
                    self.heard = around.now;
                    around.counts.lines += 1;
                    Request::parse(line)
                }
                Ok(None) if self.intake == Intake::Ended => {
                    self.close_intake();
                    return Next::Over;
                }
                Ok(None) => return Next::NeedsBytes,
                Err(_) => {
                    around.counts.lines_too_long += 1;
                    self.refuse(None, Failure::line_too_long(), outbox);
                    self.close_intake();
                    return Next::Over;
                }
            };
            match parsed {
                Ok(request) if waits_for_replies(&request) => self.held = Some(Box::new(request)),
                Ok(request) => {
                    if let Some(next) = self.take(request, outbox, around) {
                        return next;
                    }
                }
                Err(error) => self.refuse_line(error, outbox),
            }
        }
    }

    fn has_to_wait(&self, outbox: &Outbox, around: &mut Around<'_>) -> bool {
        if self.stage == Stage::LoginUnderWay {
            return true;
        }
        if self.slots.weight() >= around.limits.requests_in_flight_max.get() {
            around.counts.waits_in_flight += 1;
            return true;
        }
        let bytes_max = match self.stage {
            Stage::LoggedIn => around.limits.outbox_bytes_max,
            _ => around.limits.outbox_bytes_max.min(EARLY_OUTBOX_BYTES),
        };
        if outbox.len() + self.slots.parked_bytes() > bytes_max {
            around.counts.waits_outbox += 1;
            return true;
        }
        false
    }

    /// Serves what needs no others, and hands on the rest.
    fn take(&mut self, request: Request, outbox: &mut Outbox, around: &mut Around<'_>) -> Option<Next> {
        let Request { tag, command } = request;
        let verb = command.verb();
        match self.plan(command, tag.as_ref()) {
            Ok(Plan::Engine(operation)) => match self.spend(verb, &operation, around) {
                Ok(()) => return Some(Next::Ask(self.ask(tag, operation, around.limits))),
                Err(failure) => self.refuse(tag, failure, outbox),
            },
            Ok(Plan::Transfer(request)) => {
                let ticket = self.slots.open(1);
                let to = ReplyTo { connection: self.id, ticket, tag };
                return Some(Next::Transfer { to, request });
            }
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

    /// Counts what all others may have to be told of.
    fn spend(&mut self, verb: Verb, operation: &Operation, around: &mut Around<'_>) -> Result<(), Failure> {
        if !operation.is_told() {
            return Ok(());
        }
        self.posts.take(around.limits.posts, around.now).map_err(|left| {
            around.counts.posts_throttled += 1;
            let text = format!("you post too often; seconds left: {}", whole_seconds(left));
            Failure::new(verb, Code::Throttled, text)
        })
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

/// Whether what is pushed because of it must not overtake its reply.
fn waits_for_replies(request: &Request) -> bool {
    use TransferRequest::{Accept, Offer, Relay};
    matches!(&request.command, Command::Transfer(Offer { .. } | Accept { .. } | Relay(_)))
}

#[cfg(test)]
mod tests;
