//! Which pipe takes what is relayed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Semaphore;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::protocol::{Leave, Piece, TransferId, TransferPush};

/// The relayed transfers of a connection that have a pipe on this side.
#[derive(Debug, Default)]
pub(super) struct Relays(Mutex<BTreeMap<TransferId, Ends>>);

/// Where the connection puts what comes for a pipe. Once this is dropped and what it holds is taken, the pipe is at its end.
#[derive(Debug)]
struct Ends {
    pieces: Sender<Piece>,
    /// A permit for each piece that the other side wants.
    leave: Arc<Semaphore>,
}

/// Where a pipe takes it from.
#[derive(Debug)]
pub(super) struct PipeEnds {
    pub(super) pieces: Receiver<Piece>,
    pub(super) leave: Arc<Semaphore>,
}

impl Drop for Ends {
    fn drop(&mut self) {
        self.leave.close();
    }
}

impl Relays {
    /// Makes a place for what comes for the transfer. One that was there is at its end.
    pub(super) fn open(&self, id: TransferId) -> PipeEnds {
        let (put, pieces) = channel(usize::from(Leave::MAX));
        let leave = Arc::new(Semaphore::new(0));
        self.lock().insert(id, Ends { pieces: put, leave: Arc::clone(&leave) });
        PipeEnds { pieces, leave }
    }

    /// Nothing more is wanted for the pipe that has this leave.
    pub(super) fn close(&self, id: TransferId, leave: &Arc<Semaphore>) {
        let mut all = self.lock();
        if all.get(&id).is_some_and(|ends| Arc::ptr_eq(&ends.leave, leave)) {
            all.remove(&id);
        }
    }

    /// All are at their end: so is the session.
    pub(super) fn close_all(&self) {
        self.lock().clear();
    }

    /// Takes what was pushed, if it is for a pipe. A side that sends more than it was given leave for, or gives more than it may, is not listened to any more.
    pub(super) fn take(&self, push: &TransferPush) {
        let mut all = self.lock();
        let Some(ends) = all.get(&push.id()) else { return };
        let goes_on = match push {
            TransferPush::Data { piece, .. } => ends.pieces.try_send(piece.clone()).is_ok(),
            TransferPush::More { leave, .. } => {
                ends.leave.add_permits(leave.get().into());
                ends.leave.available_permits() <= usize::from(Leave::MAX)
            }
            TransferPush::End { .. } => false,
            _ => true,
        };
        if !goes_on {
            all.remove(&push.id());
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<TransferId, Ends>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::EndCode;

    const ID: TransferId = TransferId::FIRST;

    fn more(pieces: u8) -> TransferPush {
        TransferPush::More { id: ID, leave: Leave::new(pieces).unwrap() }
    }

    fn data(number: u64) -> TransferPush {
        TransferPush::Data { id: ID, number, piece: Piece::new(&[7]).unwrap() }
    }

    /// Whether nothing more will come, after so many pieces that did.
    fn is_over_after(ends: &mut PipeEnds, pieces: usize) -> bool {
        for _ in 0..pieces {
            ends.pieces.try_recv().unwrap();
        }
        ends.leave.is_closed() && ends.pieces.is_closed()
    }

    #[test]
    fn what_came_before_the_end_can_be_taken_and_nothing_comes_after_it() {
        let relays = Relays::default();
        let mut ends = relays.open(ID);
        relays.take(&more(5));
        assert_eq!(ends.leave.available_permits(), 5);
        relays.take(&data(1));
        relays.take(&TransferPush::End { id: ID, code: EndCode::Done, text: "".into() });
        relays.take(&data(2));
        assert!(is_over_after(&mut ends, 1));
    }

    #[test]
    fn a_side_that_sends_or_gives_more_than_it_may_is_not_listened_to() {
        let relays = Relays::default();
        let mut ends = relays.open(ID);
        for number in 1..=16 {
            relays.take(&data(number));
        }
        assert!(!ends.leave.is_closed());
        relays.take(&data(17));
        assert!(is_over_after(&mut ends, 16));
        let mut ends = relays.open(ID);
        relays.take(&more(16));
        assert!(!ends.leave.is_closed());
        relays.take(&more(1));
        assert!(is_over_after(&mut ends, 0));
    }

    #[test]
    fn a_pipe_is_closed_by_its_own_leave_or_with_all_others() {
        let relays = Relays::default();
        let before = relays.open(ID);
        let mut ends = relays.open(ID);
        relays.close(ID, &before.leave);
        assert!(!ends.leave.is_closed(), "it has the place of one that is no more");
        relays.close(ID, &ends.leave);
        assert!(is_over_after(&mut ends, 0));
        let mut ends = relays.open(ID);
        relays.close_all();
        assert!(is_over_after(&mut ends, 0));
    }
}
