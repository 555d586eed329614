//! A visit, a server, and the network between them, line by line.

use std::collections::{BTreeMap, VecDeque};

use toom_core::{Body, Conversation, Mono, Password, UserName};

use super::server::{ME, Server};
use crate::client::visit::{Ticket, Visit, VisitEvent};
use crate::client::{Answer, Ended, Pushed};
use crate::protocol::{Command, Hello};

/// Where the network breaks: after this many lines, and the line that follows is lost after so many of its bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    pub(super) lines: usize,
    pub(super) bytes: usize,
}

pub(super) struct World {
    pub(super) visit: Visit,
    pub(super) server: Server,
    pub(super) now: Mono,
    /// Those that are still to come, the next one first.
    cuts: VecDeque<Cut>,
    to_server: Vec<u8>,
    /// How many lines were brought since the first login.
    pub(super) brought: usize,
    /// What came out, in order.
    pub(super) seen: Vec<VisitEvent>,
    /// What was asked of the history.
    pub(super) reads: Vec<String>,
    /// Whether what is pushed is taken.
    pub(super) taker: Taker,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taker {
    Awake,
    Asleep,
}

impl World {
    /// A visit that has logged in.
    pub(super) fn new(cuts: impl IntoIterator<Item = Cut>) -> Self {
        Self::with(Server::new(), Hello::default(), cuts)
    }

    pub(super) fn with(server: Server, hello: Hello, cuts: impl IntoIterator<Item = Cut>) -> Self {
        let mut world = Self {
            visit: Visit::new(hello, 1, Mono::ZERO),
            server,
            now: Mono::ZERO,
            cuts: VecDeque::new(),
            to_server: Vec::new(),
            brought: 0,
            seen: Vec::new(),
            reads: Vec::new(),
            taker: Taker::Awake,
        };
        world.visit.request(Command::Login {
            user: UserName::parse(ME).unwrap(),
            password: Password::new("may the force"),
        });
        world.flow();
        assert!(matches!(world.seen.remove(0), VisitEvent::Answered { result: Ok(Answer::LoggedIn(_)), .. }));
        (world.brought, world.cuts) = (0, cuts.into_iter().collect());
        world
    }

    pub(super) fn own(&mut self, conversation: Conversation, text: &str) -> Ticket {
        let body = Body::parse(text).unwrap();
        self.visit.request(match conversation {
            Conversation::Broadcast => Command::Broadcast { key: None, body },
            Conversation::Room(room) => Command::PostRoom { key: None, room, body },
        })
    }

    /// Brings lines, connects and lets time pass until everything is still.
    pub(super) fn flow(&mut self) {
        for _ in 0..100_000 {
            self.take();
            if !self.step() {
                return;
            }
        }
        panic!("it never comes to rest");
    }

    /// Brings one line, or makes one connection.
    pub(super) fn step(&mut self) -> bool {
        if self.visit.ended().is_some() {
            self.server.cut();
            return false;
        }
        if self.server.lines.is_none() {
            return self.connect();
        }
        if !self.visit.wants_stream() {
            self.server.cut();
            return true;
        }
        let unsent = self.visit.unsent().to_vec();
        self.visit.advance(unsent.len());
        self.to_server.extend_from_slice(&unsent);
        self.bring_up() || self.server.read_late() || self.bring_down()
    }

    /// Lets the connection break, as a cut does.
    pub(super) fn break_now(&mut self) {
        self.to_server.clear();
        self.server.cut();
        self.visit.lost(Ended::Lost { bye: None, error: None }, self.now);
    }

    fn connect(&mut self) -> bool {
        if self.visit.wants_connection() {
            self.server.connect();
            self.to_server.clear();
            self.visit.connected(self.now);
            return true;
        }
        let Some(deadline) = self.visit.next_deadline() else { return false };
        self.now = deadline;
        self.visit.expire(self.now);
        true
    }

    fn bring_up(&mut self) -> bool {
        let Some(end) = self.to_server.iter().position(|byte| *byte == b'\n') else { return false };
        let line: Vec<u8> = self.to_server.drain(..=end).collect();
        if self.cut().is_none() {
            let line = String::from_utf8(line).unwrap();
            if line.starts_with("RDM") {
                self.reads.push(line.trim_end().to_owned());
            }
            self.server.hear(line.trim_end());
        }
        true
    }

    fn bring_down(&mut self) -> bool {
        let Some(line) = self.server.lines.as_mut().and_then(VecDeque::pop_front) else { return false };
        let line = line + "\n";
        match self.cut() {
            Some(bytes) => {
                let part = line.len().min(bytes);
                self.visit.receive(&line.as_bytes()[..part], self.now);
                self.break_now();
            }
            None => self.visit.receive(line.as_bytes(), self.now),
        }
        true
    }

    /// Counts a line. Where the network breaks, it tells how much of the line comes through.
    fn cut(&mut self) -> Option<usize> {
        self.brought += 1;
        let cut = self.cuts.front().copied().filter(|cut| cut.lines < self.brought)?;
        self.cuts.pop_front();
        self.break_now();
        Some(cut.bytes)
    }

    pub(super) fn take(&mut self) {
        while let Some(event) = match self.taker {
            Taker::Awake => self.visit.next_event(),
            Taker::Asleep => self.visit.next_answer(),
        } {
            self.seen.push(event);
        }
    }

    /// The numbers that came out, by conversation, in order: those of others, and those of own posts.
    pub(super) fn numbers(&self) -> BTreeMap<Conversation, Vec<(u64, Whose)>> {
        let mut numbers = BTreeMap::<_, Vec<_>>::new();
        for seen in &self.seen {
            let (conversation, number, whose) = match seen {
                VisitEvent::Answered { result: Ok(Answer::Posted(receipt)), .. } => {
                    (receipt.conversation, receipt.number.get(), Whose::Own)
                }
                VisitEvent::Pushed(Pushed::Message(message)) => {
                    let posted = &self.server.posted[&message.conversation];
                    let stored = &posted[usize::try_from(message.number.get()).unwrap() - 1];
                    assert_eq!(
                        (stored.author.as_str(), stored.body.as_str()),
                        (message.author.as_str(), message.body.as_str())
                    );
                    (message.conversation, message.number.get(), Whose::Others)
                }
                _ => continue,
            };
            numbers.entry(conversation).or_default().push((number, whose));
        }
        numbers
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Whose {
    Own,
    Others,
}
