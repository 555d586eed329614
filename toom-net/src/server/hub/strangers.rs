//! Peers that are not logged in, and who of them has to go when there is no room for somebody new.

use core::cmp::Reverse;
use core::net::IpAddr;
use std::collections::{BTreeMap, BTreeSet};

use toom_core::Mono;

use super::peers::Standing;
use super::{Hub, bye};
use crate::protocol::ByeCode;
use crate::server::admission::household;
use crate::server::exchange::ConnectionId;

/// The connections that are not logged in, by the address they come from.
///
/// Whose password is being checked is none of them: so few can be that they need not go.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    of_address: BTreeMap<u128, BTreeSet<ConnectionId>>,
    /// Addresses by how many they have; of those that have as many, whose oldest came first is last.
    crowds: BTreeSet<(usize, Reverse<ConnectionId>, u128)>,
    count: usize,
}

impl Strangers {
    fn insert(&mut self, address: u128, id: ConnectionId) {
        self.change(address, |ids| ids.insert(id));
        self.count += 1;
    }

    fn remove(&mut self, address: u128, id: ConnectionId) {
        self.change(address, |ids| ids.remove(&id));
        self.count -= 1;
    }

    fn change(&mut self, address: u128, change: impl FnOnce(&mut BTreeSet<ConnectionId>) -> bool) {
        let ids = self.of_address.entry(address).or_default();
        if let Some(oldest) = ids.first() {
            self.crowds.remove(&(ids.len(), Reverse(*oldest), address));
        }
        change(ids);
        match ids.first() {
            Some(oldest) => drop(self.crowds.insert((ids.len(), Reverse(*oldest), address))),
            None => drop(self.of_address.remove(&address)),
        }
    }
}

impl Hub {
    /// How many peers are not logged in.
    pub(super) fn strangers_len(&self) -> usize {
        self.strangers.count
    }

    /// Takes note of whether a peer is logged in.
    pub(super) fn note_stranger(&mut self, id: ConnectionId) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        let standing = if peer.connection.may_have_session() { Standing::Known } else { Standing::Stranger };
        if core::mem::replace(&mut peer.standing, standing) == standing {
            return;
        }
        let address = household(peer.connection.ip());
        match standing {
            Standing::Stranger => self.strangers.insert(address, id),
            Standing::Known => self.strangers.remove(address, id),
        }
    }

    /// A peer is no more.
    pub(super) fn forget_stranger(&mut self, id: ConnectionId, ip: IpAddr) {
        self.strangers.remove(household(ip), id);
    }

    /// How many peers from the address of `ip` are not logged in.
    pub(in crate::server) fn strangers_of(&self, ip: IpAddr) -> usize {
        self.strangers.of_address.get(&household(ip)).map_or(0, BTreeSet::len)
    }

    /// The peer from the address of `ip` that has not logged in for longest.
    pub(in crate::server) fn oldest_stranger_of(&self, ip: IpAddr) -> Option<ConnectionId> {
        self.strangers.of_address.get(&household(ip))?.first().copied()
    }

    /// The peer that has not logged in for longest, of the address that has most such peers: who fills the table with them
    /// makes room, and nobody else does.
    pub(in crate::server) fn oldest_stranger(&self) -> Option<ConnectionId> {
        let (_, Reverse(oldest), _) = self.strangers.crowds.last()?;
        Some(*oldest)
    }

    /// Tells a peer that it makes room. It is to be written to and removed at once.
    pub(in crate::server) fn turn_out(&mut self, id: ConnectionId, now: Mono) {
        let text = "others want to connect, and nobody logged in here";
        self.end_now(id, bye(ByeCode::TooManyConnections, text), now);
    }
}
