//! One connection as a client sees it, without the connection.

use std::collections::VecDeque;

use super::outbox::Outbox;
use super::waiting::Waiting;
use super::{Answer, Violation};
use crate::protocol::{
    Command, Failure, Greeting, LineBuffer, Live, MAX_LINE, Push, Reply, ServerLine, ServerLineError,
};

/// The state of one connection to a server: bytes in, events out; requests in, bytes out.
///
/// What was read goes into [`receive`](Self::receive); then [`next_event`](Self::next_event) is called until it gives `None`. A
/// request goes into [`request`](Self::request); what is to be written is in [`unsent`](Self::unsent) until
/// [`advance`](Self::advance) says that it was.
///
/// Whatever the server sends, memory is bounded: one line, one read, and the rows of one reply
/// ([`REPLY_BYTES_MAX`](super::REPLY_BYTES_MAX)). How many requests wait is up to who makes them. It knows no clock and waits for
/// nothing, so it has no deadlines; the connection lost, it is done, and what [`pending`](Self::pending) tells is unknown.
///
/// Lines that begin with an unknown word are ignored, once the server has greeted. Unknown words of the greeting, unknown codes and fields
/// after the known ones are as harmless. Everything else that PROTOCOL does not allow is a [`Violation`].
#[derive(Debug, Default)]
pub struct Dialogue {
    lines: LineBuffer,
    outbox: Outbox,
    state: State,
    violation: Option<Violation>,
    next_id: u64,
}

/// The place of a request in its connection; replies come in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(u64);

/// What came from the server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The server greets. It is the first event, unless `BYE` comes in its place.
    Greeting(Greeting),
    /// The reply to the oldest request that had none, with its rows.
    Answered {
        /// Which request.
        request: RequestId,
        /// How it went.
        result: Result<Answer, Failure>,
    },
    /// Something that nobody asked for.
    Push(Push),
}

/// A request that does not fit a line that the server takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request does not fit a line of {bytes_max} bytes")]
pub struct RequestTooLong {
    /// The longest line, in bytes, its end included.
    pub bytes_max: usize,
}

/// What the lines so far have led to.
#[derive(Debug, Default)]
struct State {
    line_max: Option<usize>,
    live: Live,
    login: Login,
    waiting: VecDeque<Waiting>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Login {
    #[default]
    No,
    Yes,
}

impl Dialogue {
    /// A connection on which nothing was said.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a request behind those that were made before.
    ///
    /// # Errors
    /// [`RequestTooLong`] if the server would not take it; nothing was done then.
    pub fn request(&mut self, command: Command) -> Result<RequestId, RequestTooLong> {
        let id = RequestId(self.next_id);
        let waiting = Waiting::new(id, &command);
        self.outbox.append(command, self.state.line_max.unwrap_or(MAX_LINE))?;
        self.next_id += 1;
        self.state.waiting.push_back(waiting);
        Ok(id)
    }

    /// The requests that were made and not answered, the oldest first. Where the connection is lost, nobody knows what became of them.
    #[must_use]
    pub fn pending(&self) -> impl ExactSizeIterator<Item = RequestId> {
        self.state.waiting.iter().map(|waiting| waiting.id)
    }

    /// What is to be written. It may hold a password, and is wiped once it was sent.
    #[must_use]
    pub fn unsent(&self) -> &[u8] {
        self.outbox.unsent()
    }

    /// Says that the first `count` bytes of [`unsent`](Self::unsent) were written.
    pub fn advance(&mut self, count: usize) {
        self.outbox.advance(count);
    }

    /// Takes what was read. Then [`next_event`](Self::next_event) wants to be called until it gives `None`.
    pub fn receive(&mut self, read: &[u8]) {
        if self.violation.is_none() {
            self.lines.feed(read);
        }
    }

    /// The next thing that the server said; `None` asks for more bytes.
    ///
    /// # Errors
    /// [`Violation`], from then on at every call: the connection is of no more use.
    pub fn next_event(&mut self) -> Result<Option<Event>, Violation> {
        if let Some(violation) = self.violation {
            return Err(violation);
        }
        self.read_event().inspect_err(|violation| {
            self.violation = Some(*violation);
            self.lines = LineBuffer::new();
            self.outbox.clear();
        })
    }

    fn read_event(&mut self) -> Result<Option<Event>, Violation> {
        while let Some(line) = self.lines.next_line()? {
            match ServerLine::parse(line) {
                Ok(line) => {
                    if let Some(event) = self.state.take(line)? {
                        return Ok(Some(event));
                    }
                }
                Err(ServerLineError::UnknownWord) if self.state.line_max.is_some() => {}
                Err(ServerLineError::UnknownWord) => return Err(Violation::NotAGreeting),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }
}

impl State {
    fn take(&mut self, line: ServerLine<'_>) -> Result<Option<Event>, Violation> {
        match line {
            ServerLine::Greeting(greeting) => self.greet(greeting).map(Some),
            ServerLine::Push(push) => self.push(push).map(Some),
            _ if self.line_max.is_none() => Err(Violation::NotAGreeting),
            ServerLine::Row { tag: Some(_), .. } | ServerLine::Reply(Reply { tag: Some(_), .. }) => {
                Err(Violation::UnknownTag)
            }
            ServerLine::Row { row, .. } => {
                self.waiting.front_mut().ok_or(Violation::Unasked)?.add(row)?;
                Ok(None)
            }
            ServerLine::Reply(reply) => self.answer(reply).map(Some),
        }
    }

    fn greet(&mut self, greeting: Greeting) -> Result<Event, Violation> {
        match self.line_max.replace(greeting.max_line) {
            None => Ok(Event::Greeting(greeting)),
            Some(_) => Err(Violation::GreetedTwice),
        }
    }

    /// `BYE` may come at any time, also in place of the greeting or before the login.
    fn push(&self, push: Push) -> Result<Event, Violation> {
        if self.waiting.front().is_some_and(Waiting::has_rows) {
            return Err(Violation::PushInsideReply);
        }
        let wanted = self.login == Login::Yes && self.live == Live::On;
        match push {
            Push::Message(_) | Push::Room { .. } | Push::Lag { .. } | Push::Transfer(_) if !wanted => {
                Err(Violation::UnwantedPush)
            }
            push => Ok(Event::Push(push)),
        }
    }

    fn answer(&mut self, reply: Reply) -> Result<Event, Violation> {
        let waiting = self.waiting.pop_front().ok_or(Violation::Unasked)?;
        let (request, live) = (waiting.id, waiting.live());
        let result = match reply.result {
            Ok(success) => Ok(waiting.finish(success)?),
            Err(failure) => match failure.verb {
                Some(answered) if answered != waiting.verb => {
                    return Err(Violation::OtherVerb { asked: waiting.verb, answered });
                }
                _ => Err(failure),
            },
        };
        match &result {
            Ok(Answer::LoggedIn(_)) => self.login = Login::Yes,
            Ok(Answer::Hello) => self.live = live.unwrap_or_default(),
            _ => {}
        }
        Ok(Event::Answered { request, result })
    }
}

#[cfg(test)]
mod tests;
