//! The event loop that posts and receives.

use core::time::Duration;
use std::time::Instant;

use mio::{Events, Interest, Poll, Token};

use super::dialect::Dialect;
use super::peers::{Expected, Poster, Receiver, Tally, Wire};
use super::{Entered, LoadError, Percentiles};

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
    /// How many broadcast messages the server holds already.
    pub held: u64,
    /// At about how many receivers the delays are taken down.
    pub sampled: usize,
}

/// When the next message is posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As soon as its poster has fewer than this unanswered.
    Window(usize),
    /// When all receivers have got the one before.
    OneAtATime,
    /// At this interval.
    Every(Duration),
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
    /// When each message was handed to its poster, since the start; by sequence.
    sent_at: Vec<Duration>,
    /// How many were posted.
    posted: usize,
    dialect: Dialect,
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
            posted: 0,
            dialect: entered.dialect,
            tally: Tally::default(),
            buffer: vec![0; READ_BYTES].into(),
        };
        let posters = entered.streams.len() - receivers;
        for (index, stream) in entered.streams.into_iter().enumerate() {
            let unblocked = stream.try_map(|socket| {
                socket.set_nonblocking(true)?;
                Ok(mio::net::TcpStream::from_std(socket))
            });
            let mut stream = unblocked.map_err(doing())?;
            let posts = index >= receivers;
            let interest = if posts { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
            fleet.poll.registry().register(&mut stream.socket, Token(index), interest).map_err(doing())?;
            let wire = Wire::new(stream, entered.dialect);
            if posts {
                let next = fleet.posters.len();
                fleet.posters.push(Poster { wire, next, unanswered: 0, out: Vec::new() });
            } else {
                let next = match entered.dialect {
                    Dialect::Toom => Expected::Number(1),
                    _ => Expected::Sequences((0..posters).collect()),
                };
                fleet.receivers.push(Receiver { wire, index, next, sampled: false });
            }
        }
        Ok(fleet)
    }

    /// Carries out `plan`. Another may follow it.
    ///
    /// # Errors
    /// If a message does not arrive at every receiver, once and in order.
    pub fn run(&mut self, plan: &Plan) -> Result<Posted, LoadError> {
        let mut events = Events::with_capacity(4096);
        let expected = (self.receivers.len() * plan.messages) as u64;
        self.sent_at = vec![Duration::ZERO; plan.messages];
        self.posted = 0;
        for (index, poster) in self.posters.iter_mut().enumerate() {
            poster.next = index;
        }
        let every = self.receivers.len().div_ceil(plan.sampled.max(1)).max(1);
        for receiver in &mut self.receivers {
            receiver.sampled = receiver.index % every == 0;
            if let Expected::Number(next) = &mut receiver.next {
                *next = plan.held + 1;
            }
        }
        self.started = Instant::now();
        while self.accounted() < expected || self.posters.iter().any(|poster| poster.unanswered > 0) {
            self.post(plan)?;
            let due = self.due(plan);
            match self.poll.poll(&mut events, Some(due.unwrap_or(PATIENCE))) {
                Err(error) if error.kind() != std::io::ErrorKind::Interrupted => {
                    return Err(LoadError::System { doing: "waiting for the server", error });
                }
                Ok(()) if events.is_empty() && due.is_none() => {
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
        let Tally { arrived, left_out, delays } = core::mem::take(&mut self.tally);
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

    /// How long it is to the next post, where that is a matter of time.
    fn due(&self, plan: &Plan) -> Option<Duration> {
        let Pace::Every(interval) = plan.pace else { return None };
        let next = u32::try_from(self.posted).ok().filter(|_| self.posted < plan.messages)?;
        Some((interval * next).saturating_sub(self.started.elapsed()))
    }

    /// Posts what is due, the posters taking turns.
    fn post(&mut self, plan: &Plan) -> Result<(), LoadError> {
        let all_is_in = self.accounted() == (self.receivers.len() * self.posted) as u64;
        let window = match plan.pace {
            Pace::Window(window) => window,
            Pace::OneAtATime => usize::from(all_is_in),
            Pace::Every(_) if self.due(plan) == Some(Duration::ZERO) => usize::MAX,
            Pace::Every(_) => 0,
        };
        let (started, posters) = (self.started, self.posters.len());
        for poster in &mut self.posters {
            while poster.unanswered < window
                && let Some(sent_at) = self.sent_at.get_mut(poster.next)
            {
                append_post(self.dialect, poster.next, plan.body_bytes, &mut poster.out)?;
                *sent_at = started.elapsed();
                poster.next += posters;
                poster.unanswered += 1;
                self.posted += 1;
                if matches!(plan.pace, Pace::Every(_)) {
                    break;
                }
            }
            poster.flush()?;
        }
        Ok(())
    }
}

/// The request to post a text of `bytes` bytes that begins with `sequence`.
fn append_post(dialect: Dialect, sequence: usize, bytes: usize, out: &mut Vec<u8>) -> Result<(), LoadError> {
    let mut text = format!("{sequence:08} ");
    text.extend(std::iter::repeat_n('x', bytes.saturating_sub(text.len())));
    dialect.append_post(&text, out).map_err(LoadError::while_doing("writing a post"))
}
