//! How much a peer may make the server hold before it is logged in.

use toom_core::Mono;

use super::{Hub, bye};
use crate::protocol::ByeCode;
use crate::server::exchange::ConnectionId;

/// How much is read at once from a peer that is not logged in, and the longest unfinished line that any of them may have.
pub(super) const EARLY_BYTES: usize = 1024;

impl Hub {
    /// How many bytes a connection that wants some may be fed. Before the login a line may be as long as after it, but only a few
    /// peers at a time may be in the middle of a long one.
    pub(super) fn bytes_wanted(&mut self, id: ConnectionId, now: Mono) -> usize {
        let Some(peer) = self.peers.get(id) else { return 0 };
        if peer.connection.is_logged_in() {
            return usize::MAX;
        }
        let long = peer.connection.unread_bytes() + peer.kept_bytes > EARLY_BYTES;
        let others = self.early_long_lines.iter().filter(|other| **other != id).count();
        if long && others >= self.limits.early_long_lines_max {
            self.counts.early_long_lines += 1;
            self.end_now(id, bye(ByeCode::Throttled, "too many long lines come before LOGIN"), now);
            return 0;
        }
        self.set_early_long_line(id, long);
        EARLY_BYTES
    }

    /// Takes note of how much was received that [`feed`](Self::feed) was not given yet.
    pub(in crate::server) fn keeps(&mut self, id: ConnectionId, bytes: usize) {
        if let Some(peer) = self.peers.get_mut(id) {
            peer.kept_bytes = bytes;
        }
    }

    pub(super) fn set_early_long_line(&mut self, id: ConnectionId, long: bool) {
        let place = self.early_long_lines.iter().position(|other| *other == id);
        match (place, long) {
            (None, true) => self.early_long_lines.push(id),
            (Some(place), false) => drop(self.early_long_lines.swap_remove(place)),
            _ => {}
        }
    }
}
