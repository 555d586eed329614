//! One connection of a visit: what each reply is for, and whether the server is still there.

use core::time::Duration;
use std::collections::VecDeque;

use toom_core::{Conversation, MessageNumber, Mono, Password, RoomId, UserName};

use super::Ticket;
use crate::client::{Answer, Bye, Dialogue, Event, Page, RequestTooLong, Violation};
use crate::protocol::{
    Command, Failure, Greeting, Hello, LoggedIn, MessageLine, NameWord, Push, TransferPush,
};

/// How long the server may be silent before it is asked for a sign of life.
const QUIET: Duration = Duration::from_mins(1);

/// How often it is seen to that the server hears something, however soon it says that it loses patience.
const OFTEN: Duration = Duration::from_millis(250);

/// How long it has for the answer.
const ANSWER: Duration = Duration::from_secs(20);

/// A connection, from the greeting on.
#[derive(Debug)]
pub(super) struct Talk {
    pub(super) dialogue: Dialogue,
    /// When it came about.
    pub(super) since: Mono,
    hello: Option<Hello>,
    greeting: Option<Greeting>,
    stage: Stage,
    purposes: VecDeque<Purpose>,
    bye: Option<Bye>,
    /// When something was heard, or asked for in vain, last.
    heard: Mono,
    life: Life,
    /// When to see to it that the server, which ends silent sessions, hears something.
    speak: Option<Mono>,
    /// Whether it heard something since that was seen to last.
    spoke: Spoke,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    New,
    Ready,
    In,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spoke {
    No,
    Yes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Heard,
    AskedFor,
}

/// What a reply is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Hello,
    Login,
    Page,
    Life,
    Request(Ticket),
}

/// What the server said, by what it is for.
#[derive(Debug)]
pub(super) enum Said {
    /// It has greeted, and has answered `HELLO`.
    Ready,
    /// It did not take `HELLO`.
    NotReady(Failure),
    LoggedIn(LoggedIn),
    NotLoggedIn(Failure),
    Page(Page),
    NoPage(Failure),
    Answered {
        ticket: Ticket,
        result: Result<Answer, Failure>,
    },
    Message(MessageLine),
    Lag {
        conversation: Conversation,
        first: MessageNumber,
        last: MessageNumber,
    },
    Room {
        room: RoomId,
        members: Vec<NameWord>,
    },
    Transfer(TransferPush),
}

impl Talk {
    pub(super) fn new(hello: Hello, now: Mono) -> Self {
        Self {
            dialogue: Dialogue::new(),
            since: now,
            hello: Some(hello),
            greeting: None,
            stage: Stage::New,
            purposes: VecDeque::new(),
            bye: None,
            heard: now,
            life: Life::Heard,
            speak: None,
            spoke: Spoke::No,
        }
    }

    /// The greeting, once the server has answered `HELLO`.
    pub(super) fn greeting(&self) -> Option<&Greeting> {
        self.greeting.as_ref().filter(|_| self.stage != Stage::New)
    }

    pub(super) fn is_ready(&self) -> bool {
        self.stage == Stage::Ready
    }

    pub(super) fn is_in(&self) -> bool {
        self.stage == Stage::In
    }

    /// The login was accepted.
    pub(super) fn come_in(&mut self, now: Mono) {
        (self.stage, self.since, self.spoke) = (Stage::In, now, Spoke::No);
        self.speak = self.patience().map(|patience| now.after(patience));
    }

    /// The server's reason to close, if it gave one.
    pub(super) fn take_bye(&mut self) -> Option<Bye> {
        self.bye.take()
    }

    pub(super) fn log_in(&mut self, user: UserName, password: Password) -> Result<(), RequestTooLong> {
        self.ask(Command::Login { user, password }, Purpose::Login)
    }

    pub(super) fn ask_for_page(&mut self, command: Command) -> Result<(), RequestTooLong> {
        self.ask(command, Purpose::Page)
    }

    pub(super) fn request(&mut self, ticket: Ticket, command: Command) -> Result<(), RequestTooLong> {
        self.ask(command, Purpose::Request(ticket))
    }

    fn ask(&mut self, command: Command, purpose: Purpose) -> Result<(), RequestTooLong> {
        self.dialogue.request(command)?;
        self.purposes.push_back(purpose);
        self.spoke = Spoke::Yes;
        Ok(())
    }

    /// When to [`look`](Self::look) whether the two ends still hear each other.
    pub(super) fn next_look(&self) -> Mono {
        self.speak.map_or(self.silence_ends(), |speak| speak.min(self.silence_ends()))
    }

    /// Asks for a sign of life where it is time for one; `false` where that was done in vain.
    pub(super) fn look(&mut self, now: Mono) -> bool {
        if let Some((speak, patience)) = self.speak.zip(self.patience())
            && speak <= now
        {
            self.speak = Some(now.after(patience));
            if core::mem::replace(&mut self.spoke, Spoke::No) == Spoke::No {
                self.ping();
                self.spoke = Spoke::No;
            }
        }
        if self.silence_ends() > now {
            return true;
        }
        if self.life == Life::AskedFor {
            return false;
        }
        (self.life, self.heard) = (Life::AskedFor, now);
        self.ping();
        true
    }

    fn ping(&mut self) {
        // A line that does not take it takes nothing, and is given up for its silence.
        let _ = self.ask(Command::Ping { text: "".into() }, Purpose::Life);
    }

    /// When the silence of the server has lasted too long.
    fn silence_ends(&self) -> Mono {
        self.heard.after(if self.life == Life::Heard { QUIET } else { ANSWER })
    }

    /// How long the server may hear nothing: a third of the time after which it ends a session.
    fn patience(&self) -> Option<Duration> {
        let idle = self.greeting.as_ref()?.idle?;
        Some((idle / 3).max(OFTEN))
    }

    pub(super) fn receive(&mut self, read: &[u8], now: Mono) {
        (self.life, self.heard) = (Life::Heard, now);
        self.dialogue.receive(read);
    }

    /// The next that the server said; `None` asks for more bytes.
    pub(super) fn next(&mut self) -> Result<Option<Said>, Violation> {
        while let Some(event) = self.dialogue.next_event()? {
            match event {
                Event::Greeting(greeting) => {
                    self.greeting = Some(greeting);
                    let hello = self.hello.take().unwrap_or_default();
                    // It is short: a line that does not take it takes nothing.
                    self.ask(Command::Hello(hello), Purpose::Hello).map_err(|_| Violation::LineTooLong)?;
                }
                Event::Push(Push::Bye { code, text }) => self.bye = Some(Bye { code, text }),
                Event::Push(Push::Message(message)) => return Ok(Some(Said::Message(message))),
                Event::Push(Push::Lag { conversation, first, last }) => {
                    return Ok(Some(Said::Lag { conversation, first, last }));
                }
                Event::Push(Push::Transfer(push)) => return Ok(Some(Said::Transfer(push))),
                Event::Push(Push::Room { room, members }) => return Ok(Some(Said::Room { room, members })),
                Event::Answered { result, .. } => {
                    if let Some(said) = self.answered(result) {
                        return Ok(Some(said));
                    }
                }
            }
        }
        Ok(None)
    }

    fn answered(&mut self, result: Result<Answer, Failure>) -> Option<Said> {
        Some(match (self.purposes.pop_front()?, result) {
            (Purpose::Request(ticket), result) => Said::Answered { ticket, result },
            (Purpose::Hello, Ok(_)) => {
                self.stage = Stage::Ready;
                Said::Ready
            }
            (Purpose::Hello, Err(failure)) => Said::NotReady(failure),
            (Purpose::Login, Ok(Answer::LoggedIn(session))) => Said::LoggedIn(session),
            (Purpose::Login, Err(failure)) => Said::NotLoggedIn(failure),
            (Purpose::Page, Ok(Answer::Page(page))) => Said::Page(page),
            (Purpose::Page, Err(failure)) => Said::NoPage(failure),
            // A dialogue gives each request an answer of its own kind.
            (Purpose::Life | Purpose::Login | Purpose::Page, _) => return None,
        })
    }
}
