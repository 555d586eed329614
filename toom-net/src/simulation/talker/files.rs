//! The files that a client offers and is offered in one session, and the pieces that it sends and takes by way of the server. What the
//! two do with each other directly is not simulated.

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::collections::BTreeMap;

use toom_core::{Mono, UserName};

use crate::client::Answer;
use crate::protocol::{
    Code, EndCode, Failure, Fingerprint, Leave, Named, Piece, TransferId, TransferPush, TransferRequest,
    TransferTicket,
};
use crate::simulation::accounts::User;
use crate::simulation::common::Common;
use crate::simulation::report::{Broken, Kept, broken, demand};
use crate::simulation::truth::Side;

/// The longest piece that anybody sends.
pub(in crate::simulation) const PIECE_BYTES_MAX: usize = 400;
/// How long it waits before it sends again what was refused.
const PAUSE: Duration = Duration::from_millis(500);

/// What a session has to do with files.
#[derive(Debug)]
pub(super) struct Files {
    user: UserName,
    ip: IpAddr,
    /// Where it takes files, if it does.
    port: Option<u16>,
    parts: BTreeMap<TransferId, Part>,
    /// Whether an offer waits for its answer.
    offers: bool,
}

/// What it is asked for a transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::simulation) struct Asked {
    mark: u64,
    pub(in crate::simulation) request: TransferRequest,
}

/// A transfer in which it has a part.
#[derive(Debug)]
struct Part {
    mark: u64,
    role: Role,
    stage: Stage,
    /// Something was asked that decides how it goes on.
    decides: bool,
    /// How many pieces it may send in all, by leave of the other side.
    leave: u64,
    /// How many the other side may send.
    granted: u64,
    received: u64,
    /// The number of the next piece.
    next: u64,
    /// How many pieces are known to be passed on.
    passed: u64,
    /// How many pieces were sent and not answered.
    unanswered: u64,
    /// The first that was refused, and from where to send again.
    refused: Option<u64>,
    resumes_at: Mono,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Sender,
    Asked,
    Receiver,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Offered,
    Accepted,
    Relayed,
}

impl Part {
    fn new(mark: u64, role: Role) -> Self {
        Self {
            mark,
            role,
            stage: Stage::Offered,
            decides: false,
            leave: 0,
            granted: 0,
            received: 0,
            next: 1,
            passed: 0,
            unanswered: 0,
            refused: None,
            resumes_at: Mono::ZERO,
        }
    }

    /// On which side it is, and on which the other one.
    fn sides(&self) -> (Side, Side) {
        if self.role == Role::Sender {
            (Side::Sender, Side::Receiver)
        } else {
            (Side::Receiver, Side::Sender)
        }
    }
}

impl Files {
    pub(super) fn new(user: UserName, ip: IpAddr, port: Option<u16>) -> Self {
        Self { user, ip, port, parts: BTreeMap::new(), offers: false }
    }

    /// The session is over, and all transfers with it.
    pub(super) fn clear(&mut self, common: &mut Common) {
        for part in core::mem::take(&mut self.parts).into_values().filter(|part| part.role != Role::Asked) {
            common.truth.offers.lose(part.mark, part.sides().0);
        }
        self.offers = false;
    }

    /// Draws something to ask for.
    pub(super) fn draw(&mut self, users: &[User], common: &mut Common) -> Option<Asked> {
        if self.parts.is_empty() || common.chance.permille(50) {
            if core::mem::replace(&mut self.offers, true) {
                return None;
            }
            let to = common.chance.pick(users)?.name.clone();
            let (mark, file) = common.truth.offers.want(&self.user, &to, common.clock.mono());
            return Some(Asked { mark, request: TransferRequest::Offer { user: Named::User(to), file } });
        }
        let mut ids: Vec<_> = self.parts.keys().copied().collect();
        if common.chance.permille(800) && self.parts.values().any(|part| part.stage == Stage::Relayed) {
            ids.retain(|id| self.parts.get(id).is_some_and(|part| part.stage == Stage::Relayed));
        }
        let id = *common.chance.pick(&ids)?;
        let part = self.parts.get_mut(&id).filter(|part| !part.decides)?;
        let drawn = common.chance.below(1000);
        let request = match (part.role, part.stage) {
            (Role::Asked, _) if drawn < 700 => {
                let udp = self.port?;
                let ticket = TransferTicket::new(u128::from(common.chance.bits()).to_le_bytes());
                let fingerprint = Fingerprint::new([udp.to_le_bytes()[0]; 32]);
                let taker = (SocketAddr::new(self.ip, udp), fingerprint, ticket);
                common.truth.offers.want_it(part.mark, taker);
                TransferRequest::Accept { id, fingerprint, ticket }
            }
            (Role::Asked, _) if drawn < 750 => {
                common.truth.offers.want_end(part.mark, EndCode::Refused, Side::Receiver, 0);
                TransferRequest::Refuse { id, text: "no".into() }
            }
            (_, _) if drawn >= 990 => return Some(part.ends(id, common)),
            (Role::Sender, Stage::Accepted) => TransferRequest::Relay(id),
            (Role::Sender | Role::Receiver, Stage::Relayed) => return part.moves(id, drawn, common),
            _ => return None,
        };
        part.decides = true;
        Some(Asked { mark: part.mark, request })
    }

    /// Ends one of the transfers that end by nothing else, when nobody wants anything any more.
    pub(super) fn settle(&mut self, common: &mut Common) -> Option<Asked> {
        // That the other one is gone is for the server to tell.
        let may_end = |part: &Part| !part.decides && part.stage != Stage::Offered && !part.is_alone(common);
        let (id, part) = self.parts.iter_mut().find(|(_, part)| may_end(part))?;
        Some(part.ends(*id, common))
    }

    /// A transfer whose other side is gone, of which it was not told.
    pub(super) fn left_alone(&self, common: &Common) -> Option<String> {
        let mut parts = self.parts.iter();
        let (id, part) = parts.find(|(_, part)| part.stage != Stage::Offered && part.is_alone(common))?;
        Some(format!("for the end of transfer {id}, {part:?}"))
    }

    /// What the first transfer is that is not over.
    pub(super) fn waits_for(&self) -> Option<String> {
        self.parts.first_key_value().map(|(id, part)| format!("for the end of transfer {id}, {part:?}"))
    }

    /// Holds an answer against what was asked.
    pub(super) fn answered(&mut self, asked: &Asked, result: &Result<Answer, Failure>, now: Mono) -> Kept {
        let Asked { mark, request } = asked;
        let id = request.id();
        self.offers &= id.is_some();
        if let (TransferRequest::Data { number, .. }, Some(part)) =
            (request, id.and_then(|id| self.parts.get_mut(&id)))
        {
            part.is_answered(*number, result.is_ok(), now);
        }
        match result {
            Ok(Answer::Transfer(answered)) => {
                demand(id.is_none_or(|id| id == *answered), || {
                    format!("{request:?} is answered by {answered}")
                })?;
                self.is_done(*answered, *mark, request)
            }
            Ok(other) => broken(format!("{request:?} is answered by {other:?}")),
            Err(failure) => self.is_refused(id, request, failure),
        }
    }

    fn is_done(&mut self, id: TransferId, mark: u64, request: &TransferRequest) -> Kept {
        let known = self.parts.get_mut(&id);
        let there = known.is_some();
        match (request, known) {
            (TransferRequest::Offer { .. }, None) => {
                self.parts.insert(id, Part::new(mark, Role::Sender));
            }
            (TransferRequest::Accept { .. }, Some(part)) => {
                (part.role, part.stage, part.decides) = (Role::Receiver, Stage::Accepted, false);
            }
            (TransferRequest::Relay(_), Some(part)) => {
                (part.stage, part.decides) = (Stage::Relayed, false);
            }
            (
                TransferRequest::Refuse { .. } | TransferRequest::Cancel(_) | TransferRequest::Done(_),
                Some(_),
            ) => {
                self.parts.remove(&id);
            }
            // It may have ended since.
            (TransferRequest::More { .. } | TransferRequest::Data { .. }, _) => {}
            _ => return broken(format!("{request:?} is done for transfer {id}, which is there: {there}")),
        }
        Ok(())
    }

    fn is_refused(&mut self, id: Option<TransferId>, request: &TransferRequest, failure: &Failure) -> Kept {
        let part = id.and_then(|id| self.parts.get_mut(&id));
        let fits = match (&failure.code, request) {
            (Code::NotLoggedIn, _)
            | (
                Code::InactiveUser(_) | Code::UnknownUser(_) | Code::Unavailable,
                TransferRequest::Offer { .. },
            )
            | (Code::Throttled | Code::Refused, TransferRequest::Offer { .. })
            | (Code::Throttled, TransferRequest::Data { .. })
            | (
                Code::LimitReached,
                TransferRequest::Offer { .. } | TransferRequest::Accept { .. } | TransferRequest::Relay(_),
            ) => true,
            // Whoever has a part in a transfer is told that it is over, before it is refused anything.
            (Code::Refused, _) => part.is_none(),
            _ => false,
        };
        demand(fits, || format!("{request:?} is refused: {failure:?}, {part:?}"))?;
        if let Some(part) = part {
            part.decides = false;
        }
        Ok(())
    }

    /// Holds a pushed line against what was asked.
    pub(super) fn take(&mut self, push: &TransferPush, common: &mut Common) -> Kept {
        let id = push.id();
        if let TransferPush::Offer { user, file, .. } = push {
            demand(self.port.is_some() && !self.parts.contains_key(&id), || {
                format!("an offer reaches those who take files, once: {} is offered {file:?}", self.user)
            })?;
            let mark = common.truth.offers.offers(id, (user, file), &self.user)?;
            common.counts.files_offered += 1;
            self.parts.insert(id, Part::new(mark, Role::Asked));
            return Ok(());
        }
        let user = &self.user;
        let part = self.parts.get_mut(&id);
        let part =
            part.ok_or_else(|| Broken(format!("nobody is told of transfers of others: {user} of {push:?}")))?;
        match (push, part.role, part.stage) {
            (TransferPush::Accept { address, fingerprint, ticket, .. }, Role::Sender, Stage::Offered) => {
                part.stage = Stage::Accepted;
                common.truth.offers.accepts(part.mark, (*address, *fingerprint, *ticket))
            }
            (TransferPush::Relay { .. }, Role::Receiver, Stage::Accepted) => {
                common.counts.files_relayed += 1;
                part.stage = Stage::Relayed;
                Ok(())
            }
            (TransferPush::More { leave, .. }, _, Stage::Relayed) => {
                part.leave += u64::from(leave.get());
                Ok(())
            }
            (TransferPush::Data { number, piece, .. }, _, Stage::Relayed) => {
                common.counts.pieces_relayed += 1;
                part.received += 1;
                demand(*number == part.received && *number <= part.granted, || {
                    format!("each piece arrives once, in order and by leave: {user} has #{number}, {part:?}")
                })?;
                common.truth.offers.passes(part.mark, part.sides().1, *number, piece)
            }
            (TransferPush::End { code, .. }, ..) => {
                let limits = &common.weather.limits;
                let patience = limits.offer_time.min(limits.relay_time);
                common.counts.files_ended += 1;
                let heard = (part.sides().1, part.received);
                common.truth.offers.ends(part.mark, code, heard, patience, common.clock.mono())?;
                self.parts.remove(&id);
                Ok(())
            }
            _ => broken(format!("a transfer goes step by step: {user} hears {push:?}, {part:?}")),
        }
    }
}

impl Part {
    fn is_alone(&self, common: &Common) -> bool {
        common.truth.offers.is_lost(self.mark, self.sides().1)
    }

    /// Asks for its end.
    fn ends(&mut self, id: TransferId, common: &mut Common) -> Asked {
        self.decides = true;
        let (request, code) = if self.role == Role::Receiver && common.chance.permille(700) {
            (TransferRequest::Done(id), EndCode::Done)
        } else {
            (TransferRequest::Cancel(id), EndCode::Cancelled)
        };
        common.truth.offers.want_end(self.mark, code, self.sides().0, self.passed);
        Asked { mark: self.mark, request }
    }

    /// Gives leave, or sends a piece.
    fn moves(&mut self, id: TransferId, drawn: usize, common: &mut Common) -> Option<Asked> {
        let mark = self.mark;
        let open = self.granted - self.received;
        if drawn < 300 && open < u64::from(Leave::MAX) {
            let most = usize::from(Leave::MAX) - usize::try_from(open).unwrap_or_default();
            let leave = u8::try_from(common.chance.between(1, most)).ok().and_then(Leave::new)?;
            self.granted += u64::from(leave.get());
            return Some(Asked { mark, request: TransferRequest::More { id, leave } });
        }
        let may_send = self.next <= self.leave || common.chance.permille(50);
        if self.refused.is_some() || self.resumes_at > common.clock.mono() || !may_send {
            return None;
        }
        let (number, chance) = (self.next, &mut common.chance);
        let make = || {
            let bytes = (0..chance.between(1, PIECE_BYTES_MAX)).map(|_| chance.bits().to_le_bytes()[0]);
            Piece::new(&bytes.collect::<Vec<_>>())
        };
        let piece = common.truth.offers.piece(mark, self.sides().0, number, make)?;
        self.next += 1;
        self.unanswered += 1;
        Some(Asked { mark, request: TransferRequest::Data { id, number, piece } })
    }

    /// A piece was passed on or not. What was not is sent again once all that were sent are answered.
    fn is_answered(&mut self, number: u64, passed: bool, now: Mono) {
        self.unanswered -= 1;
        if passed {
            self.passed = number;
        } else {
            self.refused = Some(self.refused.map_or(number, |first| first.min(number)));
        }
        if self.unanswered == 0
            && let Some(first) = self.refused.take()
        {
            self.next = first;
            self.resumes_at = now.after(PAUSE);
        }
    }
}
