//! The files that were offered, and what was sent of them, as a reader believes it at sight.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeMap;

use toom_core::{Mono, UserName};

use super::super::report::{Kept, demand};
use crate::protocol::{
    ContentHash, EndCode, FileName, FileOffer, Fingerprint, NameWord, Piece, TransferId, TransferTicket,
};

/// How a file's name begins; behind it stands its mark.
const NAME: &str = "file-";

/// Every file that somebody wanted to offer, by its mark.
#[derive(Debug, Default)]
pub(in crate::simulation) struct Offers(BTreeMap<u64, Offer>);

/// One file that somebody wanted to offer.
#[derive(Debug)]
pub(in crate::simulation) struct Offer {
    from: UserName,
    to: UserName,
    /// When it was asked for.
    at: Mono,
    id: Option<TransferId>,
    /// Who wanted to take it, and how.
    takers: Vec<(SocketAddr, Fingerprint, TransferTicket)>,
    /// How somebody wanted it to end.
    ends: Vec<EndCode>,
    /// The pieces that its sender has sent, and those that its receiver has.
    sent: [Vec<Piece>; 2],
    /// How many pieces each side knew to be passed on when it wanted to end the transfer.
    passed: [u64; 2],
    /// Whether the session of each side is over.
    lost: [bool; 2],
}

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::simulation) enum Side {
    Sender,
    Receiver,
}

impl Offers {
    /// Somebody is about to offer a file. No two are alike.
    pub(in crate::simulation) fn want(
        &mut self,
        from: &UserName,
        to: &UserName,
        at: Mono,
    ) -> (u64, FileOffer) {
        let mark = self.0.len() as u64 + 1;
        let offer = Offer {
            from: from.clone(),
            to: to.clone(),
            at,
            id: None,
            takers: Vec::new(),
            ends: Vec::new(),
            sent: [Vec::new(), Vec::new()],
            passed: [0; 2],
            lost: [false; 2],
        };
        self.0.insert(mark, offer);
        (mark, file(mark))
    }

    /// Somebody is about to take a file at that address.
    pub(in crate::simulation) fn want_it(
        &mut self,
        mark: u64,
        taker: (SocketAddr, Fingerprint, TransferTicket),
    ) {
        self.0.entry(mark).and_modify(|offer| offer.takers.push(taker));
    }

    /// A side is about to end a transfer, and knows so many of its pieces to be passed on.
    pub(in crate::simulation) fn want_end(&mut self, mark: u64, code: EndCode, side: Side, passed: u64) {
        if let Some(offer) = self.0.get_mut(&mark) {
            offer.ends.push(code);
            if let Some(before) = offer.passed.get_mut(side as usize) {
                *before = passed.max(*before);
            }
        }
    }

    /// The session of a side is over.
    pub(in crate::simulation) fn lose(&mut self, mark: u64, side: Side) {
        if let Some(lost) = self.0.get_mut(&mark).and_then(|offer| offer.lost.get_mut(side as usize)) {
            *lost = true;
        }
    }

    /// Whether the session of a side is over.
    pub(in crate::simulation) fn is_lost(&self, mark: u64, side: Side) -> bool {
        self.0.get(&mark).is_some_and(|offer| offer.lost.get(side as usize) == Some(&true))
    }

    /// The piece that a side sends under a number; `make` makes it if it is the first time.
    pub(in crate::simulation) fn piece(
        &mut self,
        mark: u64,
        side: Side,
        number: u64,
        make: impl FnOnce() -> Option<Piece>,
    ) -> Option<Piece> {
        let sent = self.0.get_mut(&mark)?.sent.get_mut(side as usize)?;
        let at = usize::try_from(number.checked_sub(1)?).ok()?;
        if sent.len() == at {
            sent.extend(make());
        }
        sent.get(at).cloned()
    }

    /// The server has given a transfer its number.
    pub(in crate::simulation) fn number(&mut self, mark: u64, id: TransferId) -> Kept {
        let known = self.0.get_mut(&mark).map(|offer| *offer.id.get_or_insert(id));
        demand(known == Some(id), || {
            format!("a transfer has one number: file {mark} has {id}, and {known:?}")
        })
    }

    /// Demands that what somebody is offered is meant for them; tells the mark.
    pub(in crate::simulation) fn offers(
        &mut self,
        id: TransferId,
        (from, offered): (&NameWord, &FileOffer),
        to: &UserName,
    ) -> Kept<u64> {
        let mark = offered.name.as_str().strip_prefix(NAME).and_then(|mark| mark.parse().ok()).unwrap_or(0);
        let meant = self.0.get(&mark).is_some_and(|offer| {
            offer.from.as_str() == from.as_str() && offer.to == *to && *offered == file(mark)
        });
        demand(meant, || {
            format!("an offer reaches whom it is meant for: {to} is offered {offered:?} of {from:?}")
        })?;
        self.number(mark, id)?;
        Ok(mark)
    }

    /// Demands that somebody wanted to take a file in this very way.
    pub(in crate::simulation) fn accepts(
        &self,
        mark: u64,
        taker: (SocketAddr, Fingerprint, TransferTicket),
    ) -> Kept {
        let there = self.0.get(&mark).is_some_and(|offer| offer.takers.contains(&taker));
        demand(there, || format!("who said yes is told of as they are: file {mark} is taken by {taker:?}"))
    }

    /// Demands that a piece is the one that the other side sent under this number.
    pub(in crate::simulation) fn passes(&self, mark: u64, from: Side, number: u64, piece: &Piece) -> Kept {
        let sent = self.0.get(&mark).and_then(|offer| offer.sent.get(from as usize));
        let at = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        let sent = sent.zip(at).and_then(|(sent, at)| sent.get(at));
        demand(sent == Some(piece), || {
            format!("a piece arrives unchanged: #{number} of file {mark} is {piece:?}, and was {sent:?}")
        })
    }

    /// Demands that there is a reason why a transfer is over, and that who is told so had all that was passed on before.
    pub(in crate::simulation) fn ends(
        &self,
        mark: u64,
        code: &EndCode,
        (from, received): (Side, u64),
        patience: Duration,
        now: Mono,
    ) -> Kept {
        let Some(offer) = self.0.get(&mark) else {
            return demand(false, || format!("file {mark} was offered"));
        };
        let wanted = offer.ends.contains(code);
        let fits = match code {
            EndCode::Done | EndCode::Refused | EndCode::Cancelled => wanted,
            EndCode::Taken => !offer.takers.is_empty(),
            EndCode::Timeout => offer.at.after(patience) <= now,
            // A session may have ended before its client learns of it.
            EndCode::Gone => true,
            EndCode::Other(_) => false,
        };
        let passed = offer.passed.get(from as usize).copied().unwrap_or_default();
        demand(!matches!(code, EndCode::Done | EndCode::Cancelled) || received >= passed, || {
            format!("what was passed on arrives: {received} of {passed} pieces of file {mark} did")
        })?;
        demand(fits, || format!("a transfer ends for a reason: file {mark} ends by {code:?}, {offer:?}"))
    }
}

fn file(mark: u64) -> FileOffer {
    let [byte, ..] = mark.to_le_bytes();
    FileOffer {
        bytes: mark,
        hash: ContentHash::new([byte; 32]),
        fingerprint: Fingerprint::new([!byte; 32]),
        name: FileName::parse(&format!("{NAME}{mark}")).expect("it is short and holds no control characters"),
    }
}
