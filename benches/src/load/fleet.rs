//! The event loop that posts and receives.

use core::time::Duration;
use std::time::Instant;

use mio::{Events, Interest, Poll, Token};
use toom_core::Body;
use toom_net::protocol::{Command, Request};

use super::peers::{Poster, Receiver, Tally, Wire};
use super::{Entered, LoadError, Percentiles};

/// At about so many receivers the delays are taken down.
const SAMPLED: usize = 10;
/// How many bytes are read at once.
const READ_BYTES: usize = 64 * 1024;
/// How long nothing may come.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is to be posted, and how.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How many messages in all.
    pub messages: usize,
    /// How long their texts are, at least 9 bytes.
    pub body_bytes: usize,
    /// When the next is posted.
    pub pace: Pace,
    /// Whether the server may leave messages out.
    pub lag: Lag,
}

/// When the next message is posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As soon as its poster has fewer than this unanswered.
    Window(usize),
    /// When all receivers have got the one before.
    OneAtATime,
}

/// What a `LAG` line comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lag {
    /// The run has failed.
    Fails,
    /// What was left out is counted.
    Counted,
}

/// What came of a plan.
#[derive(Clone, Copy, Debug)]
pub struct Posted {
    /// Messages that arrived, summed over the receivers.
    pub deliveries: u64,
    /// Messages that a `LAG` stands for, summed over the receivers.
    pub left_out: u64,
    /// Between the first post and the last arrival.
    pub took: Duration,
    /// From the post to the arrival at some of the receivers.
    pub delay: Percentiles,
}

/// Receivers and posters that are logged in to one server.
#[derive(Debug)]
pub struct Fleet {
    poll: Poll,
    receivers: Vec<Receiver>,
    posters: Vec<Poster>,
    started: Instant,
    /// When each message was handed to its poster, since the start.
    sent_at: Vec<Duration>,
    tally: Tally,
    buffer: Box<[u8]>,
}

impl Fleet {
    /// Makes one of connections of which the first `receivers` are receivers.
    ///
    /// # Errors
    /// If the system refuses to watch them.
    pub fn new(entered: Entered, receivers: usize) -> Result<Self, LoadError> {
        let doing = || LoadError::while_doing("watching the connections");
        let mut fleet = Self {
            poll: Poll::new().map_err(doing())?,
            receivers: Vec::with_capacity(receivers),
            posters: Vec::new(),
            started: Instant::now(),
            sent_at: Vec::new(),
            tally: Tally::default(),
            buffer: vec![0; READ_BYTES].into(),
        };
        let every = receivers.div_ceil(SAMPLED).max(1);
        for (index, stream) in entered.streams.into_iter().enumerate() {
            let unblocked = stream.try_map(|socket| {
                socket.set_nonblocking(true)?;
                Ok(mio::net::TcpStream::from_std(socket))
            });
            let mut stream = unblocked.map_err(doing())?;
            let posts = index >= receivers;
            let interest = if posts { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
            fleet.poll.registry().register(&mut stream.socket, Token(index), interest).map_err(doing())?;
            let wire = Wire::new(stream);
            if posts {
                fleet.posters.push(Poster { wire, unanswered: 0, out: Vec::new() });
            } else {
                fleet.receivers.push(Receiver { wire, index, next: 1, sampled: index % every == 0 });
            }
        }
        Ok(fleet)
    }

    /// Carries out `plan`. The server must hold no message yet.
    ///
    /// # Errors
    /// If a message does not arrive at every receiver, once and in order.
    pub fn run(mut self, plan: &Plan) -> Result<Posted, LoadError> {
        let mut events = Events::with_capacity(4096);
        let expected = (self.receivers.len() * plan.messages) as u64;
        self.sent_at.reserve(plan.messages);
        self.started = Instant::now();
        while self.accounted() < expected || self.posters.iter().any(|poster| poster.unanswered > 0) {
            self.post(plan)?;
            match self.poll.poll(&mut events, Some(PATIENCE)) {
                Err(error) if error.kind() != std::io::ErrorKind::Interrupted => {
                    return Err(LoadError::System { doing: "waiting for the server", error });
                }
                Ok(()) if events.is_empty() => {
                    let (seconds, arrived) = (PATIENCE.as_secs(), self.tally.arrived);
                    return Err(LoadError::Silent { seconds, arrived, expected });
                }
                _ => {}
            }
            for event in &events {
                self.serve(event.token().0, plan.lag)?;
            }
        }
        let took = self.started.elapsed();
        let Tally { arrived, left_out, delays } = self.tally;
        Ok(Posted { deliveries: arrived, left_out, took, delay: Percentiles::of(delays) })
    }

    /// How many messages receivers know of, summed over them.
    fn accounted(&self) -> u64 {
        self.tally.arrived + self.tally.left_out
    }

    fn serve(&mut self, index: usize, lag: Lag) -> Result<(), LoadError> {
        let started = self.started;
        if let Some(receiver) = self.receivers.get_mut(index) {
            let times = (&*self.sent_at, &|| started.elapsed());
            return receiver.read(&mut self.buffer, lag, times, &mut self.tally);
        }
        let Some(poster) = self.posters.get_mut(index - self.receivers.len()) else { return Ok(()) };
        poster.flush()?;
        poster.read(&mut self.buffer)
    }

    /// Posts what is due, the posters taking turns.
    fn post(&mut self, plan: &Plan) -> Result<(), LoadError> {
        let all_is_in = self.accounted() == (self.receivers.len() * self.sent_at.len()) as u64;
        let window = match plan.pace {
            Pace::Window(window) => window,
            Pace::OneAtATime => usize::from(all_is_in),
        };
        for poster in &mut self.posters {
            while poster.unanswered < window && self.sent_at.len() < plan.messages {
                append_post(self.sent_at.len(), plan.body_bytes, &mut poster.out)?;
                self.sent_at.push(self.started.elapsed());
                poster.unanswered += 1;
            }
            poster.flush()?;
        }
        Ok(())
    }
}

/// `BCM` with a text of `bytes` bytes that begins with `sequence`.
fn append_post(sequence: usize, bytes: usize, out: &mut Vec<u8>) -> Result<(), LoadError> {
    let mut text = format!("{sequence:08} ");
    text.extend(std::iter::repeat_n('x', bytes.saturating_sub(text.len())));
    let body = Body::parse(&text).map_err(|_| LoadError::unexpected(text.as_bytes()))?;
    let request = Request { tag: None, command: Command::Broadcast { key: None, body } };
    request.append_to(out).map_err(|_| LoadError::unexpected(text.as_bytes()))
}
