//! Broadcast messages that are released together: who gets all of them shares one piece of memory, and the system takes it in
//! one piece.

use core::fmt;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use toom_core::{Conversation, Message, MessageNumber, SessionId};

use super::Hub;
use super::peers::Peer;
use crate::protocol::Push;
use crate::server::exchange::ConnectionId;
use crate::server::metrics::ConnectionMetrics;
use crate::server::outbox::Delivery;

/// A piece is not made longer than this, so that one that is written in part does not hold much.
const BYTES_MAX: usize = 16 << 10;

/// Broadcast messages, in order, that were not delivered yet.
#[derive(Default)]
pub(super) struct Gathered {
    bytes: Vec<u8>,
    lines: Vec<Line>,
    /// The sessions that do not get one of them.
    except: BTreeSet<SessionId>,
    /// Connections that were given the first so many of them, because a reply came then.
    ahead: BTreeMap<ConnectionId, usize>,
}

struct Line {
    number: MessageNumber,
    except: SessionId,
    /// Where it ends in the bytes of all.
    end: usize,
    /// A piece of its own, for those who do not get all.
    piece: OnceCell<Arc<[u8]>>,
}

impl fmt::Debug for Gathered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gathered({} messages)", self.lines.len())
    }
}

impl Gathered {
    fn add(&mut self, message: &Message, except: SessionId) {
        Push::append_message(&mut self.bytes, message.view());
        self.except.insert(except);
        self.lines.push(Line {
            number: message.number,
            except,
            end: self.bytes.len(),
            piece: OnceCell::new(),
        });
    }

    /// Gives `peer` those from the one in place `from` on that are for it, one by one, and tells whether there were any.
    fn give_singly(
        &self,
        from: usize,
        peer: &mut Peer,
        bytes_max: usize,
        counts: &mut ConnectionMetrics,
    ) -> bool {
        let mut any = false;
        let session = peer.connection.id().session();
        let mut start = from.checked_sub(1).and_then(|last| self.lines.get(last)).map_or(0, |last| last.end);
        for line in self.lines.iter().skip(from) {
            let range = core::mem::replace(&mut start, line.end)..line.end;
            if line.except != session {
                let piece = line.piece.get_or_init(|| self.bytes.get(range).unwrap_or_default().into());
                *match peer.outbox.deliver(Conversation::Broadcast, line.number, piece, bytes_max) {
                    Delivery::Done => &mut counts.deliveries,
                    Delivery::LeftOut => &mut counts.left_out,
                } += 1;
                any = true;
            }
        }
        any
    }
}

impl Hub {
    /// Takes a broadcast message, which is delivered with those that follow it.
    pub(super) fn gather(&mut self, message: &Message, except: SessionId) {
        self.gathered.add(message, except);
        if self.gathered.bytes.len() >= BYTES_MAX {
            self.deliver_gathered();
        }
    }

    /// A reply is about to go to a connection: what was gathered before comes first.
    pub(super) fn catch_up(&mut self, id: ConnectionId) {
        let from = self.gathered.ahead.insert(id, self.gathered.lines.len()).unwrap_or(0);
        if self.listeners.contains(id)
            && let Some(peer) = self.peers.get_mut(id)
            && self.gathered.give_singly(from, peer, self.limits.outbox_bytes_max, &mut self.counts)
        {
            peer.mark_dirty(&mut self.dirty);
        }
    }

    /// Delivers what was gathered.
    pub(super) fn deliver_gathered(&mut self) {
        let gathered = core::mem::take(&mut self.gathered);
        if gathered.lines.is_empty() {
            return;
        }
        let all: Arc<[u8]> = gathered.bytes.as_slice().into();
        let bytes_max = self.limits.outbox_bytes_max;
        for id in self.listeners.all() {
            let Some(peer) = self.peers.get_mut(*id) else { continue };
            let ahead = gathered.ahead.get(id).copied();
            let gets_all = ahead.is_none() && !gathered.except.contains(&id.session());
            let together = gets_all
                && peer.outbox.deliver_together(Conversation::Broadcast, &all, bytes_max) == Delivery::Done;
            if together {
                self.counts.deliveries += gathered.lines.len() as u64;
            }
            if together || gathered.give_singly(ahead.unwrap_or(0), peer, bytes_max, &mut self.counts) {
                peer.mark_dirty(&mut self.dirty);
            }
        }
    }
}
