//! The bytes that wait for one peer, bounded.

use core::fmt;
use std::collections::VecDeque;
use std::sync::Arc;

use toom_core::{Conversation, MessageNumber};

mod lag;

use lag::Lag;

/// Own bytes are gathered in pieces of about this size.
const PIECE_BYTES: usize = 4096;

/// What waits to be written to one peer, whole lines in order. It holds no memory while it is empty.
///
/// Replies always fit: who fills it stops reading requests while [`is_full`](Self::is_full). A message that does not fit is left out;
/// as soon as half of the room is free again, a `LAG` line says which numbers of its conversation are missing, before any later
/// message of that conversation.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    pieces: VecDeque<Piece>,
    /// How much of the first piece is written.
    written: usize,
    /// How much waits in all.
    bytes: usize,
    relayed: Relayed,
    lag: Option<Box<Lag>>,
}

enum Piece {
    /// Bytes of this peer alone.
    Own(Vec<u8>),
    /// A line that many peers share.
    Shared(Arc<[u8]>),
    /// A line with a piece of a file.
    Relayed(Arc<[u8]>),
}

/// The pieces of files among what waits, those included of which a part is written.
#[derive(Clone, Copy, Debug, Default)]
struct Relayed {
    pieces: usize,
    bytes: usize,
}

impl Piece {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Own(bytes) => bytes,
            Self::Shared(bytes) | Self::Relayed(bytes) => bytes,
        }
    }
}

impl fmt::Debug for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Piece({} bytes)", self.bytes().len())
    }
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    Done,
    LeftOut,
}

/// A line that must not be left out did not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooSlow;

impl Outbox {
    /// How many bytes wait.
    pub(super) fn len(&self) -> usize {
        self.bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// How many pieces of files wait.
    pub(super) fn relayed_pieces(&self) -> usize {
        self.relayed.pieces
    }

    /// How many bytes wait that are no pieces of files: those take no room away from messages.
    fn bytes_of_chat(&self) -> usize {
        let front = match self.pieces.front() {
            Some(Piece::Relayed(_)) => self.written,
            _ => 0,
        };
        (self.bytes + front).saturating_sub(self.relayed.bytes)
    }

    /// How many bytes of memory it takes.
    #[cfg(test)]
    pub(super) fn bytes_held(&self) -> usize {
        let pieces = self.pieces.iter().map(|piece| match piece {
            Piece::Own(bytes) => bytes.capacity(),
            Piece::Shared(bytes) | Piece::Relayed(bytes) => bytes.len(),
        });
        self.pieces.capacity() * size_of::<Piece>() + pieces.sum::<usize>()
    }

    /// Appends lines for this peer alone.
    pub(super) fn push(&mut self, lines: Vec<u8>) {
        self.bytes += lines.len();
        match self.pieces.back_mut() {
            Some(Piece::Own(last)) if last.len() + lines.len() <= PIECE_BYTES => {
                last.extend_from_slice(&lines);
            }
            _ if lines.is_empty() => {}
            _ => self.pieces.push_back(Piece::Own(lines)),
        }
    }

    /// Appends the line of a message, or notes that it is left out. Messages of one conversation come in order of number.
    pub(super) fn deliver(
        &mut self,
        conversation: Conversation,
        number: MessageNumber,
        line: &Arc<[u8]>,
        bytes_max: usize,
    ) -> Delivery {
        let lags = self.lag.as_ref().is_some_and(|lag| lag.holds(conversation));
        if lags || self.bytes_of_chat() + line.len() > bytes_max {
            self.lag.get_or_insert_default().leave_out(conversation, number);
            // Only a line that is longer than half of the room comes here with so much of it free.
            self.tell_lag(bytes_max);
            Delivery::LeftOut
        } else {
            self.share(line);
            Delivery::Done
        }
    }

    /// Appends the lines of messages of `conversation` as one piece, or does nothing if not all of them fit: then
    /// [`deliver`](Self::deliver) them one by one.
    pub(super) fn deliver_together(
        &mut self,
        conversation: Conversation,
        lines: &Arc<[u8]>,
        bytes_max: usize,
    ) -> Delivery {
        let lags = self.lag.as_ref().is_some_and(|lag| lag.holds(conversation));
        if lags || self.bytes_of_chat() + lines.len() > bytes_max {
            return Delivery::LeftOut;
        }
        self.share(lines);
        Delivery::Done
    }

    /// Appends a line that must not be left out. It may take as much room again as all the others.
    ///
    /// # Errors
    /// [`TooSlow`] if even that is used up.
    pub(super) fn insist(&mut self, line: &Arc<[u8]>, bytes_max: usize) -> Result<(), TooSlow> {
        if self.bytes_of_chat() + line.len() > bytes_max.saturating_mul(2) {
            return Err(TooSlow);
        }
        self.share(line);
        Ok(())
    }

    /// Appends a piece of a file. Who passes it on sees to it that few of them wait.
    pub(super) fn relay(&mut self, line: &Arc<[u8]>) {
        self.bytes += line.len();
        self.relayed.pieces += 1;
        self.relayed.bytes += line.len();
        self.pieces.push_back(Piece::Relayed(Arc::clone(line)));
    }

    fn share(&mut self, line: &Arc<[u8]>) {
        self.bytes += line.len();
        self.pieces.push_back(Piece::Shared(Arc::clone(line)));
    }

    /// What waits, in order, in pieces for a vectored write.
    pub(super) fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        let mut skip = self.written;
        self.pieces.iter().map(move |piece| {
            let from = core::mem::take(&mut skip);
            piece.bytes().get(from..).unwrap_or_default()
        })
    }

    /// Takes off what was written, at most what waits; writes `LAG` lines if there is room for them now.
    pub(super) fn wrote(&mut self, bytes: usize, bytes_max: usize) {
        self.bytes = self.bytes.saturating_sub(bytes);
        self.written += bytes;
        while let Some(first) = self.pieces.front() {
            let length = first.bytes().len();
            if self.written < length {
                break;
            }
            self.written -= length;
            if let Some(Piece::Relayed(_)) = self.pieces.pop_front() {
                self.relayed.pieces -= 1;
                self.relayed.bytes -= length;
            }
        }
        if self.pieces.is_empty() {
            self.written = 0;
            self.pieces = VecDeque::new();
        }
        self.tell_lag(bytes_max);
    }

    /// Writes `LAG` lines if half of the room is free.
    fn tell_lag(&mut self, bytes_max: usize) {
        let waiting = self.bytes_of_chat();
        if waiting > bytes_max / 2 {
            return;
        }
        let Some(mut lag) = self.lag.take() else { return };
        let mut lines = Vec::new();
        // The first always fits: else a bound smaller than a line would keep it for ever.
        while let Some(missing) = lag.pop_first() {
            missing.append_to(&mut lines);
            if waiting + lines.len() > bytes_max {
                break;
            }
        }
        self.push(lines);
        if !lag.is_empty() {
            self.lag = Some(lag);
        }
    }
}

#[cfg(test)]
mod tests;
