//! The table of connections.

use std::collections::VecDeque;

use toom_core::Mono;

use crate::protocol::Push;
use crate::server::connection::Connection;
use crate::server::exchange::ConnectionId;
use crate::server::outbox::Outbox;

/// One connection with all that belongs to it.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) connection: Connection,
    pub(super) outbox: Outbox,
    pub(super) ending: Ending,
    /// When it is to be looked at, if nothing happens before.
    pub(super) deadline: Option<Mono>,
    /// How much was received that is not among its lines yet: half a record of TLS.
    pub(super) kept_bytes: usize,
    /// Whether requests wait for replies to leave.
    pub(super) waits: bool,
    pub(super) dirty: bool,
    pub(super) standing: Standing,
    pub(super) runnable: bool,
}

/// Whether a connection is among those that are not logged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is not, or has its password checked.
    Known,
    Stranger,
}

/// How far a connection is on its way to its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ending {
    No,
    /// When its requests are answered, and with these words.
    WhenAnswered(Option<Box<Push>>),
    /// When the outbox is written. Nothing is put into it any more.
    WhenWritten,
}

impl Peer {
    pub(super) fn new(connection: Connection) -> Self {
        Self {
            connection,
            outbox: Outbox::default(),
            ending: Ending::No,
            deadline: None,
            kept_bytes: 0,
            waits: false,
            dirty: false,
            standing: Standing::Known,
            runnable: false,
        }
    }

    pub(super) fn mark_dirty(&mut self, dirty: &mut Vec<ConnectionId>) {
        if !core::mem::replace(&mut self.dirty, true) {
            dirty.push(self.connection.id());
        }
    }

    /// Lets requests that wait go on: a reply has left.
    pub(super) fn go_on(&mut self, runnable: &mut VecDeque<ConnectionId>) {
        if self.waits {
            self.mark_runnable(runnable);
        }
    }

    pub(super) fn mark_runnable(&mut self, runnable: &mut VecDeque<ConnectionId>) {
        if !core::mem::replace(&mut self.runnable, true) {
            runnable.push_back(self.connection.id());
        }
    }
}

/// Connections by place. A place is used again, an id is not.
#[derive(Debug, Default)]
pub(super) struct Peers {
    places: Vec<Option<Peer>>,
    free: Vec<u32>,
    opened: u32,
}

impl Peers {
    pub(super) fn insert(&mut self, make: impl FnOnce(ConnectionId) -> Peer) -> ConnectionId {
        // Wraps after four billion connections: none of the old ones with the same place is left by then.
        self.opened = self.opened.wrapping_add(1);
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(None);
            u32::try_from(self.places.len() - 1).expect("connections are bounded far below 2³²")
        });
        let id = ConnectionId::new(place, self.opened);
        if let Some(free) = self.places.get_mut(id.slot()) {
            *free = Some(make(id));
        }
        id
    }

    pub(super) fn get(&self, id: ConnectionId) -> Option<&Peer> {
        self.places.get(id.slot())?.as_ref().filter(|peer| peer.connection.id() == id)
    }

    pub(super) fn get_mut(&mut self, id: ConnectionId) -> Option<&mut Peer> {
        self.places.get_mut(id.slot())?.as_mut().filter(|peer| peer.connection.id() == id)
    }

    pub(super) fn remove(&mut self, id: ConnectionId) -> Option<Peer> {
        self.get(id)?;
        let peer = self.places.get_mut(id.slot())?.take()?;
        self.free.push(u32::try_from(id.slot()).expect("the place was a u32"));
        Some(peer)
    }

    pub(super) fn at(&self, slot: usize) -> Option<ConnectionId> {
        self.places.get(slot)?.as_ref().map(|peer| peer.connection.id())
    }

    pub(super) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Peer> {
        self.places.iter().flatten()
    }
}
