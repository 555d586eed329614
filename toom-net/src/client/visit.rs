//! One user's stay at a server, over as many connections as it takes, without the connections.

mod catch_up;
mod driver;
mod out;
mod pauses;
mod requests;
mod sequence;
mod talk;

use core::time::Duration;
use std::io;
use std::sync::Arc;

use toom_core::{Epoch, Mono, Password, Timestamp, UserName};

use super::keys::Keys;
use super::{Answer, Away, CallError, Ended, Page, Pushed, StoreMet, Violation};
use crate::protocol::{ByeCode, Code, Command, Failure, Greeting, Hello, Live, LoggedIn, TransferPush};
use catch_up::CatchUp;
use out::Out;
use pauses::Pauses;
use requests::{Requests, is_of_its_epoch, is_of_its_session, place_of};
use sequence::{Next, Posted};
use talk::{Said, Talk};

pub(super) use driver::{Connect, VisitDriver};
pub use out::VisitEvent;
pub use requests::Ticket;

/// How long reaching the server, its greeting and the answer to the login may take together, but for the first login, before
/// which a person may have to think.
const COMING_IN: Duration = Duration::from_secs(30);

/// How long a session has to last before the next pause is a short one again.
const LASTING: Duration = Duration::from_secs(10);

/// One user's stay at a server: it logs in again whenever the connection is lost, and goes on where it was.
///
/// Who drives it connects when [`wants_connection`](Self::wants_connection) says so, and tells [`connected`](Self::connected) or
/// [`lost`](Self::lost). Then bytes go in and out as with a [`Dialogue`](super::Dialogue): [`receive`](Self::receive), [`unsent`](Self::unsent),
/// [`advance`](Self::advance). [`expire`](Self::expire) is called at the [`next_deadline`](Self::next_deadline). After each of these,
/// [`next_event`](Self::next_event) is called until it gives `None`, and a connection
/// that is not [`wanted`](Self::wants_stream) any more is closed.
///
/// * Messages of others come in order of number within a conversation, each once and none left out, also where the server pushed them not
///   ([`Pushed::Lag`] then stands for those alone that it cannot show any more), and across connections. It begins with the first login.
/// * A request is kept until it has an answer, and sent again on the next connection. One that posts has a key, so it is done once.
/// * The answer to a post comes where its number has its place among the messages, unless more than 1 MiB waits to be
///   taken, or the connection is lost.
/// * What is asked for a transfer of a file is said in the session to which that belongs, or not at all ([`CallError::SessionOver`]).
/// * Under another epoch, what was seen means nothing: it begins anew, and says so ([`Pushed::Back`]).
///
/// Before the first login it is a connection like any other: lost, it is over. It is over, too, where the server
/// does not let the user in again, or breaks the protocol.
///
/// Memory is bounded as a `Dialogue`'s is; what waits to be taken, and messages that wait for those before them, take 1 MiB each, and a page.
#[derive(Debug)]
pub struct Visit {
    hello: Hello,
    keys: Keys,
    pauses: Pauses,
    phase: Phase,
    account: Option<(UserName, Password)>,
    epoch: Option<Epoch>,
    requests: Requests,
    turn: Turn,
    catch_up: CatchUp,
    out: Out,
}

#[derive(Debug)]
enum Phase {
    Connecting { since: Mono },
    Talking(Box<Talk>),
    Pausing { until: Mono },
    Over(Ended),
}

/// What is sent next where both wait: a post and a page under way at once could bring the same message twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Requests,
    Page,
}

impl Visit {
    /// A visit that begins with a connection. `mark` is drawn at random: it makes the keys unlike those of others, and the pauses.
    #[must_use]
    pub fn new(hello: Hello, mark: u128, now: Mono) -> Self {
        let chance = u64::try_from(mark & u128::from(u64::MAX)).unwrap_or_default();
        Self {
            hello,
            keys: Keys::new(mark),
            pauses: Pauses::new(chance),
            phase: Phase::Connecting { since: now },
            account: None,
            epoch: None,
            requests: Requests::default(),
            turn: Turn::Requests,
            catch_up: CatchUp::new(Timestamp::MIN),
            out: Out::default(),
        }
    }

    /// Whether to connect now, and then to call [`connected`](Self::connected) or [`lost`](Self::lost).
    #[must_use]
    pub const fn wants_connection(&self) -> bool {
        matches!(self.phase, Phase::Connecting { .. })
    }

    /// Whether the connection is still of use. Where it is not, it is closed, and nobody needs to be told.
    #[must_use]
    pub const fn wants_stream(&self) -> bool {
        matches!(self.phase, Phase::Talking(_))
    }

    /// Why the visit is over; `None` while it is not.
    #[must_use]
    pub const fn ended(&self) -> Option<&Ended> {
        if let Phase::Over(ended) = &self.phase { Some(ended) } else { None }
    }

    /// How the server greeted, once it has answered `HELLO`.
    #[must_use]
    pub fn greeting(&self) -> Option<&Greeting> {
        if let Phase::Talking(talk) = &self.phase { talk.greeting() } else { None }
    }

    /// How many requests have no answer yet.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.requests.len()
    }

    /// Makes a request: at once, or when there is a session again. `LOGIN` is for the first time; from then on it is done here.
    pub fn request(&mut self, command: Command) -> Ticket {
        let keys = &self.keys;
        let leaves = matches!(command, Command::Logout);
        let ticket = self.requests.keep(command, || keys.next());
        match &self.phase {
            Phase::Over(ended) => self.end(ended.clone()),
            Phase::Connecting { .. } | Phase::Pausing { .. } if leaves => self.close(),
            Phase::Talking(talk) if talk.is_in() || self.account.is_none() => self.go_on(),
            _ => self.end_transfers(),
        }
        ticket
    }

    /// Answers what was asked for transfers: they are over with their session, and nothing of them may be said in another.
    fn end_transfers(&mut self) {
        while let Some((ticket, _)) = self.requests.take_where(is_of_its_session) {
            self.out.answer(ticket, Err(CallError::SessionOver));
        }
    }

    /// There is a connection.
    pub fn connected(&mut self, now: Mono) {
        if self.wants_connection() {
            self.phase = Phase::Talking(Box::new(Talk::new(self.hello.clone(), now)));
        }
    }

    /// The connection is lost, or none came about, and why. What the server said before is added to [`Ended::Lost`]; whatever else is given
    /// ends the visit.
    pub fn lost(&mut self, mut why: Ended, now: Mono) {
        let Ended::Lost { bye, .. } = &mut why else { return self.end(why) };
        match &mut self.phase {
            Phase::Talking(talk) => *bye = talk.take_bye().or(bye.take()),
            Phase::Connecting { .. } => {}
            Phase::Pausing { .. } | Phase::Over(_) => return,
        }
        let removed = bye.as_ref().is_some_and(|bye| bye.code == ByeCode::Removed);
        let leaving = self.requests.any(|command| matches!(command, Command::Logout));
        if self.account.is_none() || removed || leaving {
            self.end(why);
        } else {
            self.lose(Away::from(&why), Duration::ZERO, now);
        }
    }

    /// Ends the visit from this side.
    pub fn close(&mut self) {
        self.end(Ended::Closed);
    }

    /// What is to be written. It may hold a password.
    #[must_use]
    pub fn unsent(&self) -> &[u8] {
        if let Phase::Talking(talk) = &self.phase { talk.dialogue.unsent() } else { &[] }
    }

    /// Says that the first `count` bytes of [`unsent`](Self::unsent) were written.
    pub fn advance(&mut self, count: usize) {
        if let Phase::Talking(talk) = &mut self.phase {
            talk.dialogue.advance(count);
        }
    }

    /// Takes what was read.
    pub fn receive(&mut self, read: &[u8], now: Mono) {
        if let Phase::Talking(talk) = &mut self.phase {
            talk.receive(read, now);
        }
        loop {
            let Phase::Talking(talk) = &mut self.phase else { return };
            let heard = match talk.next() {
                Ok(Some(said)) => self.hear(said, now),
                Ok(None) => return self.go_on(),
                Err(violation) => Err(violation.into()),
            };
            if let Err(ended) = heard {
                self.end(ended);
            }
        }
    }

    /// When to call [`expire`](Self::expire).
    #[must_use]
    pub fn next_deadline(&self) -> Option<Mono> {
        match &self.phase {
            Phase::Connecting { since } => Some(since.after(COMING_IN)),
            Phase::Pausing { until } => Some(*until),
            Phase::Talking(talk) if talk.is_in() => Some(talk.next_look()),
            Phase::Talking(talk) if talk.greeting().is_none() || self.account.is_some() => {
                Some(talk.since.after(COMING_IN))
            }
            Phase::Talking(_) | Phase::Over(_) => None,
        }
    }

    /// Does what is due: a pause is over, or the server was silent for too long.
    pub fn expire(&mut self, now: Mono) {
        if self.next_deadline().is_none_or(|deadline| now < deadline) {
            return;
        }
        let goes_on = match &mut self.phase {
            Phase::Pausing { .. } => {
                self.phase = Phase::Connecting { since: now };
                true
            }
            Phase::Talking(talk) => talk.is_in() && talk.look(now),
            Phase::Connecting { .. } | Phase::Over(_) => false,
        };
        if !goes_on {
            let silent = io::Error::from(io::ErrorKind::TimedOut);
            self.lost(Ended::Lost { bye: None, error: Some(Arc::new(silent)) }, now);
        }
    }

    /// The next that came of it.
    pub fn next_event(&mut self) -> Option<VisitEvent> {
        let was_full = !self.out.has_room();
        let next = self.out.next();
        if was_full && self.out.has_room() {
            self.go_on();
        }
        next
    }

    /// The next answer, or what is relayed, before what happened earlier: for those who do not take what happens for now.
    pub fn next_answer(&mut self) -> Option<VisitEvent> {
        self.out.next_prompt()
    }

    fn hear(&mut self, said: Said, now: Mono) -> Result<(), Ended> {
        match said {
            Said::Ready => self.log_in_again()?,
            Said::NotReady(failure) => return Err(Ended::Refused(failure)),
            Said::LoggedIn(session) => self.come_in(session, now),
            Said::NotLoggedIn(failure) => self.stay_out(failure, now)?,
            Said::Page(page) => self.catch_up.take_page(page)?,
            Said::NoPage(failure) if failure.code == Code::NoRoom => {
                self.catch_up.take_page(Page { rows: Vec::new(), next: None })?;
            }
            Said::NoPage(failure) => self.lose(Away::from(&failure), Duration::ZERO, now),
            Said::Answered { ticket, result } => self.take_answer(ticket, result, now)?,
            Said::Message(message) => self.catch_up.take_message(message)?,
            Said::Lag { conversation, first, last } => self.catch_up.take_lag(conversation, first, last)?,
            Said::Room { room, members } => {
                self.catch_up.take_room(room)?;
                self.out.push(Pushed::Room { room, members });
            }
            Said::Transfer(push) => self.take_transfer(push),
        }
        Ok(())
    }

    fn take_transfer(&mut self, push: TransferPush) {
        match push {
            TransferPush::More { .. } | TransferPush::Data { .. } => self.out.relayed(push),
            TransferPush::End { .. } => {
                self.out.relayed(push.clone());
                self.out.push(Pushed::Transfer(push));
            }
            push => self.out.push(Pushed::Transfer(push)),
        }
    }

    fn log_in_again(&mut self) -> Result<(), Ended> {
        if let (Phase::Talking(talk), Some((user, password))) = (&mut self.phase, &self.account) {
            // It fitted before: a line that does not take it now takes nothing.
            talk.log_in(user.clone(), password.clone()).map_err(|_| Violation::LineTooLong)?;
        }
        Ok(())
    }

    fn come_in(&mut self, session: LoggedIn, now: Mono) {
        let Phase::Talking(talk) = &mut self.phase else { return };
        talk.come_in(now);
        let epoch = talk.greeting().map(|greeting| greeting.epoch);
        self.turn = Turn::Requests;
        let before = core::mem::replace(&mut self.epoch, epoch);
        let store = if before == epoch { StoreMet::Same } else { StoreMet::Other };
        match store {
            StoreMet::Same if self.hello.live == Live::On => self.catch_up.go_on(session.at),
            StoreMet::Same => {}
            StoreMet::Other => {
                self.catch_up = CatchUp::new(session.at);
                while let Some((ticket, _)) = self.requests.take_where(is_of_its_epoch) {
                    self.out.answer(ticket, Err(CallError::OtherEpoch));
                }
            }
        }
        if before.is_some() {
            self.out.push(Pushed::Back { session, store });
        }
    }

    /// The server did not let the user in again.
    fn stay_out(&mut self, failure: Failure, now: Mono) -> Result<(), Ended> {
        match failure.code {
            Code::Blocked | Code::Throttled | Code::LimitReached | Code::Unavailable => {
                let least = Duration::from_secs(failure.seconds_left().unwrap_or_default());
                self.lose(Away::from(&failure), least, now);
                Ok(())
            }
            _ => Err(Ended::Refused(failure)),
        }
    }

    fn take_answer(
        &mut self,
        ticket: Ticket,
        result: Result<Answer, Failure>,
        now: Mono,
    ) -> Result<(), Ended> {
        let Some(command) = self.requests.take(ticket) else { return Ok(()) };
        match (command, &result) {
            (Command::Login { user, password }, Ok(Answer::LoggedIn(session))) => {
                self.account = Some((user, password));
                self.come_in(session.clone(), now);
            }
            (_, Ok(Answer::Posted(receipt))) if self.hello.live == Live::On => {
                return Ok(self.catch_up.take_own(Posted { ticket, receipt: *receipt })?);
            }
            (_, Ok(Answer::RoomCreated(built))) => self.catch_up.take_room(built.room)?,
            (command, Err(_)) => {
                if let Some(place) = place_of(&command) {
                    self.catch_up.touch(place);
                }
            }
            _ => {}
        }
        let last = matches!(result, Ok(Answer::LoggedOut(_)));
        self.out.answer(ticket, result.map_err(CallError::Refused));
        if last { Err(Ended::Closed) } else { Ok(()) }
    }

    /// Hands on what can be, and asks for what is wanted.
    fn go_on(&mut self) {
        self.hand_on();
        let Phase::Talking(talk) = &mut self.phase else { return };
        if !(talk.is_in() || talk.is_ready() && self.account.is_none()) || self.catch_up.awaits_page() {
            return;
        }
        let wants_page = self.out.has_room() && self.catch_up.wants_page();
        if self.turn == Turn::Requests || !wants_page {
            self.turn = Turn::Page;
            while let Some((ticket, command)) = self.requests.send_next() {
                if let Err(error) = talk.request(ticket, command) {
                    self.requests.take(ticket);
                    self.out.answer(ticket, Err(error.into()));
                }
            }
        }
        if wants_page && self.requests.posting().next().is_none() {
            self.turn = Turn::Requests;
            if let Some(command) = self.catch_up.ask()
                && talk.ask_for_page(command).is_err()
            {
                self.end(Violation::LineTooLong.into());
            }
        }
    }

    fn hand_on(&mut self) {
        while self.out.has_room() {
            let requests = &self.requests;
            let Some((conversation, next)) = self.catch_up.next(|place| requests.is_posting(place)) else {
                return;
            };
            match next {
                Next::Message(message) => self.out.push(Pushed::Message(message)),
                Next::Own(posted) => self.hand_on_own(posted),
                Next::Gone { first, last } => self.out.push(Pushed::Gone { conversation, first, last }),
                Next::Missed { first, last } => self.out.push(Pushed::Lag { conversation, first, last }),
            }
        }
        self.hand_on_answers();
    }

    /// Hands on the answers that wait for messages before them.
    fn hand_on_answers(&mut self) {
        while let Some(posted) = self.catch_up.take_own_answer() {
            self.hand_on_own(posted);
        }
    }

    fn hand_on_own(&mut self, Posted { ticket, receipt }: Posted) {
        self.out.answer(ticket, Ok(Answer::Posted(receipt)));
    }

    /// The connection is lost, for a time of at least `least`.
    fn lose(&mut self, away: Away, least: Duration, now: Mono) {
        if let Phase::Talking(talk) = &self.phase
            && talk.is_in()
            && now.since(talk.since) >= LASTING
        {
            self.pauses.begin_again();
        }
        self.hand_on_answers();
        self.catch_up.stop_reading();
        self.end_transfers();
        self.requests.keep_all();
        let pause = self.pauses.draw().max(least);
        self.phase = Phase::Pausing { until: now.after(pause) };
        self.out.push(Pushed::Away(Away { pause, ..away }));
    }

    fn end(&mut self, ended: Ended) {
        self.hand_on_answers();
        while let Some((ticket, _)) = self.requests.take_where(|_| true) {
            self.out.answer(ticket, Err(CallError::Ended(ended.clone())));
        }
        self.phase = Phase::Over(ended);
    }
}

#[cfg(test)]
mod tests;
