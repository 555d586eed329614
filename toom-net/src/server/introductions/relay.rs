//! Bytes that go through the server: by leave of who takes them, and never faster than all of them together may.

use toom_core::Mono;

use super::{Introductions, Refused, Role, Stage, Tell};
use crate::protocol::{Leave, Piece, TransferId, TransferPush};
use crate::server::exchange::ConnectionId;
use crate::server::limits::{RelayFiles, ServerLimits};
use crate::server::rate::Rate;

/// Both directions of a relayed transfer.
#[derive(Debug)]
pub(super) struct Lanes {
    /// What the sender sends.
    forth: Lane,
    /// What the receiver sends.
    back: Lane,
    /// When a piece was passed on last.
    moved: Mono,
}

/// One direction.
#[derive(Debug, Default)]
struct Lane {
    /// How many more pieces are wanted.
    leave: u8,
    /// How many pieces were passed on. The next has the number after that, so that none overtakes one that was refused.
    passed: u64,
}

impl Lanes {
    pub(super) fn moved(&self) -> Mono {
        self.moved
    }

    /// The one on which `role` sends.
    fn of(&mut self, role: Role) -> &mut Lane {
        if role == Role::Sender { &mut self.forth } else { &mut self.back }
    }

    /// The one on which `role` is sent to.
    fn to(&mut self, role: Role) -> &mut Lane {
        if role == Role::Sender { &mut self.back } else { &mut self.forth }
    }
}

impl Introductions {
    /// The sender wants the bytes to go through the server.
    pub(in crate::server) fn relay(
        &mut self,
        id: TransferId,
        session: ConnectionId,
        limits: &ServerLimits,
        now: Mono,
    ) -> Result<Tell, Refused> {
        self.role(id, session, &[Role::Sender])?;
        let transfer = self.transfers.get_mut(&id).ok_or(Refused::NoSuchTransfer)?;
        let Stage::Accepted(receiver) = transfer.stage else { return Err(Refused::NoSuchTransfer) };
        if limits.relay_files == RelayFiles::Off {
            self.counts.relays_off += 1;
            return Err(Refused::RelayOff);
        }
        if self.relays >= limits.relays_max {
            self.counts.relays_refused += 1;
            return Err(Refused::TooManyRelays);
        }
        let lanes = Lanes { forth: Lane::default(), back: Lane::default(), moved: now };
        transfer.stage = Stage::Relayed(receiver, lanes);
        self.relays += 1;
        self.counts.relays_begun += 1;
        self.set_deadline(id, Some(now.after(limits.relay_time)));
        Ok(Tell { to: vec![receiver], push: TransferPush::Relay { id } })
    }

    /// A side takes more pieces.
    pub(in crate::server) fn more(
        &mut self,
        id: TransferId,
        session: ConnectionId,
        leave: Leave,
    ) -> Result<Tell, Refused> {
        let (role, other, lanes) = self.lanes(id, session)?;
        let lane = lanes.to(role);
        if lane.leave + leave.get() > Leave::MAX {
            return Err(Refused::TooMuchLeave);
        }
        lane.leave += leave.get();
        Ok(Tell { to: vec![other], push: TransferPush::More { id, leave } })
    }

    /// A side sends its piece with this number. `has_room` tells whether fewer pieces wait for a session than may.
    pub(in crate::server) fn data(
        &mut self,
        id: TransferId,
        session: ConnectionId,
        (number, piece): (u64, Piece),
        has_room: impl FnOnce(ConnectionId) -> bool,
        limits: &ServerLimits,
        now: Mono,
    ) -> Result<Tell, Refused> {
        let (role, other, lanes) = self.lanes(id, session)?;
        let lane = lanes.of(role);
        if number <= lane.passed {
            return Err(Refused::NoSuchTransfer);
        }
        if lane.leave == 0 || number != lane.passed + 1 || !has_room(other) {
            self.counts.pieces_early += 1;
            return Err(Refused::NotYet);
        }
        let bytes = u32::try_from(piece.bytes().len()).unwrap_or(u32::MAX);
        let rate = Rate { per_second: limits.relay_bytes_per_second, burst: limits.relay_bytes_per_second };
        if let Err(left) = self.relayed.take_many(bytes, rate, now) {
            self.counts.pieces_throttled += 1;
            return Err(Refused::TooFast(left));
        }
        self.counts.relayed_bytes += u64::from(bytes);
        let (_, _, lanes) = self.lanes(id, session)?;
        lanes.moved = now;
        let lane = lanes.of(role);
        lane.leave -= 1;
        lane.passed = number;
        Ok(Tell { to: vec![other], push: TransferPush::Data { id, number, piece } })
    }

    /// A relayed transfer of a session: what it is to it, who the other one is, and both directions.
    fn lanes(
        &mut self,
        id: TransferId,
        session: ConnectionId,
    ) -> Result<(Role, ConnectionId, &mut Lanes), Refused> {
        let role = self.role(id, session, &[Role::Sender, Role::Receiver])?;
        let transfer = self.transfers.get_mut(&id).ok_or(Refused::NoSuchTransfer)?;
        let sender = transfer.sender.session;
        let Stage::Relayed(receiver, lanes) = &mut transfer.stage else {
            return Err(Refused::NoSuchTransfer);
        };
        let other = if role == Role::Sender { *receiver } else { sender };
        Ok((role, other, lanes))
    }
}
