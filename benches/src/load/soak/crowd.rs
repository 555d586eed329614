//! All peers, in one event loop.

use core::time::Duration;
use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use mio::{Events, Interest, Poll, Token};

use super::super::LoadError;
use super::link::{Flow, Link};
use super::part::{Manner, Part, Talk, World};
use super::said::Said;

/// How many may be between connecting and being logged in: fewer than the checks of passwords that may wait at a server.
const ENTERING_MAX: usize = 48;
/// How long a login may take.
const LOGIN_MAX: Duration = Duration::from_mins(1);
/// How often is looked whose time has come.
const TICK: Duration = Duration::from_millis(25);
/// How many bytes are read at once.
const READ_BYTES: usize = 64 * 1024;

/// The peers, with the connections of those who are there.
#[derive(Debug)]
pub(super) struct Crowd {
    poll: Poll,
    events: Events,
    peers: Vec<Peer>,
    pub(super) world: World,
    server: SocketAddr,
    buffer: Box<[u8]>,
    ticked: Instant,
}

#[derive(Debug)]
struct Peer {
    part: Box<dyn Part>,
    link: Option<Link>,
    manner: Manner,
    due: Instant,
}

/// How a turn of a peer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Goes,
    Ended,
}

impl Crowd {
    pub(super) fn new(
        parts: Vec<Box<dyn Part>>,
        world: World,
        server: SocketAddr,
    ) -> Result<Self, LoadError> {
        let poll = Poll::new().map_err(LoadError::while_doing("watching the connections"))?;
        let now = Instant::now();
        let peer = |part| Peer { part, link: None, manner: Manner::default(), due: now };
        let peers = parts.into_iter().map(peer).collect();
        let buffer = vec![0; READ_BYTES].into();
        Ok(Self { poll, events: Events::with_capacity(4096), peers, world, server, buffer, ticked: now })
    }

    /// Lets the peers do what they want to do until the next tick.
    ///
    /// # Errors
    /// If a promise is broken.
    pub(super) fn turn(&mut self) -> Result<(), LoadError> {
        let wait = TICK.saturating_sub(self.ticked.elapsed());
        match self.poll.poll(&mut self.events, Some(wait)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                return Err(LoadError::System { doing: "waiting for the server", error });
            }
            _ => {}
        }
        let now = Instant::now();
        for event in &self.events {
            if let Some(peer) = self.peers.get_mut(event.token().0) {
                peer.serve(&mut self.world, &mut self.buffer, now)?;
            }
        }
        if self.ticked.elapsed() >= TICK {
            self.ticked = now;
            self.tick(now)?;
        }
        Ok(())
    }

    fn tick(&mut self, now: Instant) -> Result<(), LoadError> {
        for (index, peer) in self.peers.iter_mut().enumerate() {
            if peer.manner.entering.is_some_and(|since| now.duration_since(since) > LOGIN_MAX) {
                return Err(LoadError::Broken(format!("{:?} had no answer to its login", peer.part)));
            }
            if now < peer.due {
                continue;
            }
            if peer.link.is_some() {
                peer.act(&mut self.world, now)?;
                peer.serve(&mut self.world, &mut self.buffer, now)?;
            } else if self.world.entering < ENTERING_MAX {
                peer.come(&mut self.world, self.server, now)?;
                let Some(link) = &mut peer.link else { continue };
                let watched = Interest::READABLE | Interest::WRITABLE;
                let registered = self.poll.registry().register(&mut link.socket, Token(index), watched);
                registered.map_err(LoadError::while_doing("watching the connections"))?;
            }
        }
        Ok(())
    }

    /// The server is dead: takes what it said before, and forgets the connections. All come back as soon as they can.
    ///
    /// # Errors
    /// If it said what it must not say.
    pub(super) fn lose_all(&mut self, now: Instant) -> Result<(), LoadError> {
        for peer in &mut self.peers {
            peer.manner.stalls = false;
            peer.read(&mut self.world, &mut self.buffer, now)?;
            peer.end(&mut self.world);
            peer.due = now;
        }
        Ok(())
    }

    /// Everybody goes, without a word and for good.
    pub(super) fn leave_all(&mut self) {
        for peer in &mut self.peers {
            peer.end(&mut self.world);
        }
    }

    /// The first peer acts at once.
    pub(super) fn hurry_first(&mut self, now: Instant) {
        if let Some(first) = self.peers.first_mut() {
            first.due = now;
        }
    }

    /// Who does not read reads on.
    pub(super) fn wake_all(&mut self, now: Instant) {
        self.peers.iter_mut().filter(|peer| peer.manner.stalls).for_each(|peer| peer.due = now);
    }

    /// How many are connected.
    pub(super) fn present(&self) -> usize {
        self.peers.iter().filter(|peer| peer.link.is_some()).count()
    }

    /// How many have not heard of the last messages.
    pub(super) fn behind(&self) -> usize {
        self.peers.iter().filter(|peer| !peer.part.is_current(&self.world.ledger)).count()
    }
}

impl Peer {
    fn come(&mut self, world: &mut World, server: SocketAddr, now: Instant) -> Result<(), LoadError> {
        let approach = self.part.approach(world);
        let link = Link::connect(server, approach).map_err(LoadError::while_doing("connecting"))?;
        self.link = Some(link);
        self.manner = Manner { entering: approach.logs_in.then_some(now), ..Manner::default() };
        world.entering += usize::from(approach.logs_in);
        let Self { part, manner, due, .. } = self;
        part.begin(&mut Talk { world, manner, due, now });
        self.flush();
        Ok(())
    }

    fn act(&mut self, world: &mut World, now: Instant) -> Result<(), LoadError> {
        let Self { part, manner, due, .. } = self;
        part.act(&mut Talk { world, manner, due, now })
    }

    /// Writes and reads what there is.
    fn serve(&mut self, world: &mut World, buffer: &mut [u8], now: Instant) -> Result<(), LoadError> {
        if self.link.is_none() {
            return Ok(());
        }
        self.flush();
        if self.read(world, buffer, now)? == Turn::Ended {
            let Self { part, manner, due, .. } = self;
            if !manner.leaves {
                part.closed(&mut Talk { world, manner, due, now })?;
            }
            self.end(world);
            return Ok(());
        }
        self.flush();
        if self.manner.leaves && self.manner.out.is_empty() {
            self.end(world);
        }
        Ok(())
    }

    fn read(&mut self, world: &mut World, buffer: &mut [u8], now: Instant) -> Result<Turn, LoadError> {
        let Self { part, link: Some(link), manner, due } = self else { return Ok(Turn::Goes) };
        if manner.stalls {
            return Ok(Turn::Goes);
        }
        let flow = link.read(buffer, |line| {
            if manner.leaves {
                return Ok(());
            }
            part.hear(&Said::parse(line)?, &mut Talk { world, manner, due, now })
        })?;
        Ok(if flow == Flow::Closed { Turn::Ended } else { Turn::Goes })
    }

    fn flush(&mut self) {
        if let Some(link) = &mut self.link {
            link.flush(&mut self.manner.out);
        }
    }

    fn end(&mut self, world: &mut World) {
        if self.link.take().is_some() {
            world.entering -= usize::from(self.manner.entering.is_some());
            self.manner = Manner::default();
            self.part.lost(world);
        }
    }
}
