//! Which sessions are brought together for which file, and how far they are.
//!
//! It knows no connections and no clock: sessions, addresses and times are arguments, and what is to be told to whom comes back.

use core::net::{IpAddr, SocketAddr};
use std::collections::{BTreeMap, BTreeSet};

use toom_core::Mono;

use super::exchange::ConnectionId;
use super::limits::ServerLimits;
use super::metrics::TransferMetrics;
use super::rate::Bucket;
use crate::protocol::{EndCode, FileOffer, Fingerprint, NameWord, TransferId, TransferPush, TransferTicket};

mod refused;
mod relay;

pub(super) use refused::Refused;
use relay::Lanes;

/// The transfers of a server, each from its offer to its end. A transfer takes a few dozen bytes, whatever it moves.
///
/// Whoever ends a transfer learns it by the answer; everyone else who knows of it is told once.
#[derive(Debug)]
pub(super) struct Introductions {
    transfers: BTreeMap<TransferId, Transfer>,
    /// What each session has to do with.
    of: BTreeMap<ConnectionId, BTreeSet<TransferId>>,
    deadlines: BTreeSet<(Mono, TransferId)>,
    next: u64,
    relays: usize,
    relayed: Bucket,
    counts: TransferMetrics,
}

/// What is to be told to these sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tell {
    pub(super) to: Vec<ConnectionId>,
    pub(super) push: TransferPush,
}

/// The session that offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sender {
    pub(super) session: ConnectionId,
    /// Where it is.
    pub(super) ip: IpAddr,
    /// By which address of the server it came.
    pub(super) reached: IpAddr,
}

#[derive(Debug)]
struct Transfer {
    sender: Sender,
    stage: Stage,
    /// When it ends if nothing happens.
    deadline: Option<Mono>,
}

#[derive(Debug)]
enum Stage {
    /// These were asked, and none has answered.
    Offered(Vec<ConnectionId>),
    /// The two go on by themselves.
    Accepted(ConnectionId),
    /// The bytes go through the server.
    Relayed(ConnectionId, Lanes),
}

/// What a session is to a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Sender,
    Asked,
    Receiver,
}

impl Transfer {
    fn role(&self, session: ConnectionId) -> Option<Role> {
        let receiver = match &self.stage {
            _ if self.sender.session == session => return Some(Role::Sender),
            Stage::Offered(asked) => return asked.contains(&session).then_some(Role::Asked),
            Stage::Accepted(receiver) | Stage::Relayed(receiver, _) => *receiver,
        };
        (receiver == session).then_some(Role::Receiver)
    }

    /// Everyone who knows of it but `session`.
    fn others(&self, session: ConnectionId) -> Vec<ConnectionId> {
        let receivers = match &self.stage {
            Stage::Offered(asked) => asked.as_slice(),
            Stage::Accepted(receiver) | Stage::Relayed(receiver, _) => core::slice::from_ref(receiver),
        };
        let all = receivers.iter().chain([&self.sender.session]);
        all.copied().filter(|other| *other != session).collect()
    }
}

impl Introductions {
    /// None yet; the first one has the number `first`.
    pub(super) fn new(first: TransferId) -> Self {
        Self {
            transfers: BTreeMap::new(),
            of: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            next: first.get(),
            relays: 0,
            relayed: Bucket::default(),
            counts: TransferMetrics::default(),
        }
    }

    /// What was counted, and how things stand.
    pub(super) fn metrics(&self) -> TransferMetrics {
        TransferMetrics { open: self.transfers.len() as u64, relays: self.relays as u64, ..self.counts }
    }

    /// Asks sessions of a user whether they want a file. `user` is who offers it.
    pub(super) fn offer(
        &mut self,
        sender: Sender,
        user: NameWord,
        asked: Vec<ConnectionId>,
        file: FileOffer,
        limits: &ServerLimits,
        now: Mono,
    ) -> Result<(TransferId, Tell), Refused> {
        if asked.is_empty() {
            return Err(Refused::NobodyTakes);
        }
        self.has_room(sender.session, limits)?;
        let id = TransferId::new(self.next).ok_or(Refused::TooMany)?;
        self.next = self.next.wrapping_add(1);
        self.counts.offers += 1;
        for session in asked.iter().chain([&sender.session]) {
            self.of.entry(*session).or_default().insert(id);
        }
        let push = TransferPush::Offer { id, user, file };
        let tell = Tell { to: asked.clone(), push };
        self.transfers.insert(id, Transfer { sender, stage: Stage::Offered(asked), deadline: None });
        self.set_deadline(id, Some(now.after(limits.offer_time)));
        Ok((id, tell))
    }

    /// One of those who were asked says yes, and is at `address`. The sender learns that now, and the others that it is taken.
    pub(super) fn accept(
        &mut self,
        id: TransferId,
        session: ConnectionId,
        address: SocketAddr,
        proof: (Fingerprint, TransferTicket),
        limits: &ServerLimits,
    ) -> Result<Vec<Tell>, Refused> {
        self.role(id, session, &[Role::Asked])?;
        self.has_room(session, limits)?;
        let transfer = self.transfers.get_mut(&id).ok_or(Refused::NoSuchTransfer)?;
        let Stage::Offered(mut losers) = core::mem::replace(&mut transfer.stage, Stage::Accepted(session))
        else {
            return Err(Refused::NoSuchTransfer);
        };
        let sender = transfer.sender;
        losers.retain(|other| *other != session);
        for other in &losers {
            forget(&mut self.of, *other, id);
        }
        self.set_deadline(id, None);
        let (fingerprint, ticket) = proof;
        let address = SocketAddr::new(seen_by(sender, address.ip()), address.port());
        let mut tells = vec![Tell {
            to: vec![sender.session],
            push: TransferPush::Accept { id, address, fingerprint, ticket },
        }];
        if !losers.is_empty() {
            tells.push(end(losers, id, EndCode::Taken, "another session of yours said yes"));
        }
        Ok(tells)
    }

    /// One of those who were asked says no, for all of them.
    pub(super) fn refuse(
        &mut self,
        id: TransferId,
        session: ConnectionId,
        text: &str,
    ) -> Result<Tell, Refused> {
        self.role(id, session, &[Role::Asked])?;
        let text = if text.is_empty() { "it was not wanted" } else { text };
        Ok(self.finish(id, session, EndCode::Refused, text))
    }

    /// Anyone who knows of it ends it.
    pub(super) fn cancel(&mut self, id: TransferId, session: ConnectionId) -> Result<Tell, Refused> {
        let role = self.role(id, session, &[Role::Sender, Role::Asked, Role::Receiver])?;
        let text = if role == Role::Sender { "the sender ended it" } else { "the receiver ended it" };
        Ok(self.finish(id, session, EndCode::Cancelled, text))
    }

    /// The receiver has the file.
    pub(super) fn done(&mut self, id: TransferId, session: ConnectionId) -> Result<Tell, Refused> {
        self.role(id, session, &[Role::Receiver])?;
        self.counts.done += 1;
        Ok(self.finish(id, session, EndCode::Done, "the file has arrived"))
    }

    /// A session has ended.
    pub(super) fn gone(&mut self, session: ConnectionId) -> Vec<Tell> {
        let mut tells = Vec::new();
        for id in self.of.remove(&session).unwrap_or_default() {
            let Some(transfer) = self.transfers.get_mut(&id) else { continue };
            if let Stage::Offered(asked) = &mut transfer.stage
                && transfer.sender.session != session
            {
                asked.retain(|other| *other != session);
                if !asked.is_empty() {
                    continue;
                }
            }
            tells.push(self.finish(id, session, EndCode::Gone, "the other session has ended"));
        }
        tells
    }

    pub(super) fn next_deadline(&self) -> Option<Mono> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// Ends what has lasted too long.
    pub(super) fn expire(&mut self, limits: &ServerLimits, now: Mono) -> Vec<Tell> {
        let mut tells = Vec::new();
        while let Some(&(deadline, id)) = self.deadlines.first()
            && deadline <= now
        {
            let Some(transfer) = self.transfers.get(&id) else {
                self.deadlines.pop_first();
                continue;
            };
            let text = match &transfer.stage {
                Stage::Relayed(_, lanes) => {
                    let still = lanes.moved().after(limits.relay_time);
                    if still > now {
                        self.set_deadline(id, Some(still));
                        continue;
                    }
                    self.counts.relays_still += 1;
                    "nothing was moved for too long"
                }
                Stage::Offered(_) | Stage::Accepted(_) => {
                    self.counts.offers_unanswered += 1;
                    "nobody answered for too long"
                }
            };
            let (mut all, sender) = (transfer.others(transfer.sender.session), transfer.sender.session);
            all.push(sender);
            self.remove(id);
            tells.push(end(all, id, EndCode::Timeout, text));
        }
        tells
    }

    /// What a session is to a transfer, if that is one of `roles`. Whoever is nothing to it learns no more than of one that never was.
    fn role(&self, id: TransferId, session: ConnectionId, roles: &[Role]) -> Result<Role, Refused> {
        let role = self.transfers.get(&id).and_then(|transfer| transfer.role(session));
        role.filter(|role| roles.contains(role)).ok_or(Refused::NoSuchTransfer)
    }

    /// Whether a session may send or receive one more.
    fn has_room(&mut self, session: ConnectionId, limits: &ServerLimits) -> Result<(), Refused> {
        let ids = self.of.get(&session).into_iter().flatten();
        let own = ids.filter(|id| {
            let role = self.transfers.get(id).and_then(|transfer| transfer.role(session));
            matches!(role, Some(Role::Sender | Role::Receiver))
        });
        if own.count() < limits.transfers_per_session_max {
            return Ok(());
        }
        self.counts.refused_session += 1;
        Err(Refused::TooMany)
    }

    /// Ends a transfer, as `session` knows already.
    fn finish(&mut self, id: TransferId, session: ConnectionId, code: EndCode, text: &str) -> Tell {
        let others = self.transfers.get(&id).map(|transfer| transfer.others(session)).unwrap_or_default();
        self.remove(id);
        end(others, id, code, text)
    }

    fn remove(&mut self, id: TransferId) {
        self.set_deadline(id, None);
        let Some(transfer) = self.transfers.remove(&id) else { return };
        if let Stage::Relayed(..) = transfer.stage {
            self.relays -= 1;
        }
        let sender = transfer.sender.session;
        transfer
            .others(sender)
            .into_iter()
            .chain([sender])
            .for_each(|session| forget(&mut self.of, session, id));
    }

    fn set_deadline(&mut self, id: TransferId, deadline: Option<Mono>) {
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        if let Some(earlier) = core::mem::replace(&mut transfer.deadline, deadline) {
            self.deadlines.remove(&(earlier, id));
        }
        self.deadlines.extend(deadline.map(|deadline| (deadline, id)));
    }
}

fn forget(of: &mut BTreeMap<ConnectionId, BTreeSet<TransferId>>, session: ConnectionId, id: TransferId) {
    if let Some(ids) = of.get_mut(&session) {
        ids.remove(&id);
        if ids.is_empty() {
            of.remove(&session);
        }
    }
}

/// The receiver's address as the sender can use it: who is on the server's own machine is, for others, where they reached the server.
fn seen_by(sender: Sender, receiver: IpAddr) -> IpAddr {
    if receiver.is_loopback() && !sender.ip.is_loopback() { sender.reached } else { receiver }
}

fn end(to: Vec<ConnectionId>, id: TransferId, code: EndCode, text: &str) -> Tell {
    Tell { to, push: TransferPush::End { id, code, text: text.into() } }
}

#[cfg(test)]
mod tests;
