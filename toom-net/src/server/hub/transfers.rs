//! Files that go from one session to another: who asks whom, and what each is told.

use std::sync::Arc;

use toom_core::{Mono, UserName};

use super::{Hub, bye};
use crate::protocol::{
    ByeCode, Leave, NameWord, Push, Success, TransferId, TransferPush, TransferRequest, Verb,
};
use crate::server::connection::Path;
use crate::server::exchange::{ConnectionId, Offer, Release, ReplyTo};
use crate::server::introductions::{Refused, Sender, Tell};

impl Hub {
    /// Asks every session of the user that takes files, but the one that offers.
    pub(super) fn take_offer(&mut self, to: ReplyTo, user: &UserName, offer: Offer, now: Mono) {
        let session = to.connection;
        let Some(Path { peer: ip, reached }) = self.peers.get(session).map(|peer| peer.connection.path())
        else {
            return;
        };
        if !self.listeners.contains(session) {
            return self.carry_out(refused(to, Refused::NoPushes), now);
        }
        let takes_files = |id: &ConnectionId| {
            *id != session && self.peers.get(*id).is_some_and(|peer| peer.connection.takes_files().is_some())
        };
        let asked = self.listeners.of(&offer.user).iter().copied().filter(takes_files).collect();
        let sender = Sender { session, ip, reached };
        let user = NameWord::from(user);
        let offered = self.introductions.offer(sender, user, asked, offer.file, &self.limits, now);
        match offered {
            Ok((id, tell)) => {
                // First, since the answer may be the last of the session, and then the end is to be told behind it.
                self.tells.push_back(tell);
                self.carry_out(to.ok(Vec::new(), Success::Transfer { id }), now);
            }
            Err(why) => self.carry_out(refused(to, why), now),
        }
    }

    /// Carries out what a session asks for a transfer.
    pub(super) fn transfer(&mut self, to: ReplyTo, request: TransferRequest, now: Mono) {
        // Who has a part in a transfer hears of its end before being refused anything.
        self.tell(now);
        let done = request.id().ok_or(Refused::NoSuchTransfer).and_then(|id| {
            let tells = self.advance(id, to.connection, request, now)?;
            Ok((id, tells))
        });
        match done {
            Ok((id, tells)) => {
                // First, as for an offer.
                self.tells.extend(tells);
                self.carry_out(to.ok(Vec::new(), Success::Transfer { id }), now);
            }
            Err(why) => self.carry_out(refused(to, why), now),
        }
    }

    fn advance(
        &mut self,
        id: TransferId,
        session: ConnectionId,
        request: TransferRequest,
        now: Mono,
    ) -> Result<Vec<Tell>, Refused> {
        let (introductions, limits) = (&mut self.introductions, &self.limits);
        let tell = match request {
            // It comes by way of the engine.
            TransferRequest::Offer { .. } => return Err(Refused::NoSuchTransfer),
            TransferRequest::Accept { fingerprint, ticket, .. } => {
                let peer = self.peers.get(session).ok_or(Refused::NoSuchTransfer)?;
                let address = peer.connection.takes_files().ok_or(Refused::NoSuchTransfer)?;
                return introductions.accept(id, session, address, (fingerprint, ticket), limits);
            }
            TransferRequest::Refuse { text, .. } => introductions.refuse(id, session, &text),
            TransferRequest::Cancel(_) => introductions.cancel(id, session),
            TransferRequest::Done(_) => introductions.done(id, session),
            TransferRequest::Relay(_) => introductions.relay(id, session, limits, now),
            TransferRequest::More { leave, .. } => introductions.more(id, session, leave),
            TransferRequest::Data { number, piece, .. } => {
                let has_room = |other| {
                    let peer = self.peers.get(other);
                    peer.is_some_and(|peer| peer.outbox.relayed_pieces() < usize::from(Leave::MAX))
                };
                introductions.data(id, session, (number, piece), has_room, limits, now)
            }
        };
        tell.map(|tell| vec![tell])
    }

    /// Takes a session out of all that is told, and of its transfers.
    pub(super) fn leave(&mut self, id: ConnectionId) {
        self.listeners.remove(id);
        self.tells.extend(self.introductions.gone(id));
    }

    /// Tells what is to be told of transfers. Who is too slow for that ends, which is to be told, too.
    pub(super) fn tell(&mut self, now: Mono) {
        while let Some(Tell { to, push }) = self.tells.pop_front() {
            let is_piece = matches!(push, TransferPush::Data { .. });
            let mut line = Vec::new();
            Push::Transfer(push).append_to(&mut line);
            let line: Arc<[u8]> = line.into();
            for id in to {
                let Some(peer) = self.peers.get_mut(id).filter(|_| self.listeners.contains(id)) else {
                    continue;
                };
                peer.mark_dirty(&mut self.dirty);
                if is_piece {
                    peer.outbox.relay(&line);
                } else if peer.outbox.insist(&line, self.limits.outbox_bytes_max).is_err() {
                    self.counts.slow += 1;
                    self.end_now(id, bye(ByeCode::Slow, "this connection reads too slowly"), now);
                }
            }
        }
    }
}

fn refused(to: ReplyTo, why: Refused) -> Release {
    to.refused(Verb::Upd, why.code(), why.to_string())
}
