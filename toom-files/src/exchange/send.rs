//! The sender's side.

use core::future::pending;
use core::pin::pin;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_blocking;

use super::{DONE, GO, LENGTH_BYTES, PIECE_BYTES, PIECES, Reason, WORKING};
use crate::marks::Ticket;
use crate::outline::Groups;
use crate::pipe::{Pipe, Reader, Writer};
use crate::pulse::Pulse;
use crate::source::Source;
use crate::transfer::{Stage, Transfer};

/// How long the word of a cancel may take to get through, and the other side to say why it no longer listens.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Why a file was not sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// Nobody answered: UDP does not get through. Another way may.
    #[error("no answer by UDP from {0}")]
    Unreachable(SocketAddr),
    /// Whoever answered is not the one with that certificate, or knows nothing of us or of the ticket.
    #[error("the other side is not the one that was introduced, or does not expect this file")]
    NotIntroduced,
    /// The other side ended it, and said why.
    #[error("{0}")]
    Refused(Reason),
    /// The file is no longer what was offered.
    #[error("the file changed while it was sent")]
    SourceChanged,
    /// The file cannot be read any more.
    #[error("cannot read the file: {0}")]
    Source(#[source] io::Error),
    /// The other side is gone, or the way to it.
    #[error("the connection was lost: {0}")]
    Lost(#[source] io::Error),
    /// The other side is there, but takes nothing any more.
    #[error("nothing moved for {} s", .0.as_secs())]
    Stalled(Duration),
    /// By [`Transfer::cancel`].
    #[error("cancelled")]
    Cancelled,
    /// By [`Transfer::cancel`] of the other side.
    #[error("cancelled by the other side")]
    CancelledByPeer,
}

/// Sends the file to one who has shown to be the right one.
pub(crate) async fn send(
    pipe: Pipe,
    ticket: Ticket,
    source: &Source,
    transfer: &Transfer,
    stall: Duration,
) -> Result<(), SendError> {
    let Pipe { reader, mut writer } = pipe;
    let pulse = Pulse::new();
    let cancelled = async {
        transfer.cancelled().await;
        // The speaker hears of it too, and tells the other side if it can.
        tokio::time::sleep(LAST_WORDS).await;
    };
    let sent = tokio::select! {
        sent = exchange(reader, &mut writer, ticket, source, transfer, &pulse) => sent,
        () = cancelled => Err(SendError::Cancelled),
        () = pulse.stops(stall) => Err(SendError::Stalled(stall)),
    };
    match sent {
        Ok(()) => {
            transfer.enter(Stage::Done);
            Ok(())
        }
        Err(error) => {
            writer.settle().await;
            Err(blame(error, source))
        }
    }
}

/// Content that the receiver found wrong: most likely the file changed.
fn blame(error: SendError, source: &Source) -> SendError {
    match error {
        SendError::Refused(Reason::WrongContent) if source.has_changed() => SendError::SourceChanged,
        SendError::Refused(Reason::WrongContent) => {
            source.distrust();
            error
        }
        error => error,
    }
}

async fn exchange(
    reader: Reader,
    writer: &mut Writer,
    ticket: Ticket,
    source: &Source,
    transfer: &Transfer,
    pulse: &Pulse,
) -> Result<(), SendError> {
    let (start, started) = oneshot::channel();
    let mut listening = pin!(listen(reader, start, source.outline().groups(), pulse));
    let speaking = speak(writer, ticket, source, started, transfer, pulse);
    tokio::select! {
        heard = &mut listening => heard,
        spoken = speaking => match spoken {
            Ok(()) => listening.await,
            // Whoever stops listening may have said why.
            Err(SendError::Lost(error)) => match tokio::time::timeout(LAST_WORDS, listening).await {
                Ok(heard) => heard,
                Err(_) => Err(SendError::Lost(error)),
            },
            Err(error) => Err(error),
        },
    }
}

/// Hears the receiver out: until it has the whole file, or says why not.
async fn listen(
    mut reader: Reader,
    start: oneshot::Sender<u64>,
    groups: Groups,
    pulse: &Pulse,
) -> Result<(), SendError> {
    let mut start = Some(start);
    loop {
        let mut word = [0];
        reader.read_all(&mut word, pulse).await.map_err(SendError::Lost)?;
        match word {
            [GO] => {
                let mut first = [0; 8];
                reader.read_all(&mut first, pulse).await.map_err(SendError::Lost)?;
                let first = u64::from_be_bytes(first);
                let start = start.take().filter(|_| first <= groups.count());
                let start = start.ok_or(SendError::Refused(Reason::Nonsense))?;
                // Nobody waits for it once the speaker has failed.
                let _ = start.send(first);
            }
            [WORKING] => {}
            [DONE] => return Ok(()),
            [code] => {
                return Err(match Reason::from_code(code) {
                    Reason::Cancelled => SendError::CancelledByPeer,
                    reason => SendError::Refused(reason),
                });
            }
        }
    }
}

/// Says everything that the sender has to say.
async fn speak(
    writer: &mut Writer,
    ticket: Ticket,
    source: &Source,
    started: oneshot::Receiver<u64>,
    transfer: &Transfer,
    pulse: &Pulse,
) -> Result<(), SendError> {
    let outline = source.outline();
    let hash = outline.hash();
    let head =
        [&ticket.bytes()[..], &source.bytes().to_be_bytes(), hash.bytes(), outline.values().as_flattened()];
    for part in head {
        writer.write_all(part, pulse).await.map_err(SendError::Lost)?;
    }
    writer.flush().await.map_err(SendError::Lost)?;
    let first = tokio::select! {
        first = started => match first {
            Ok(first) => first,
            // The listener has heard something else, and that counts.
            Err(_) => pending().await,
        },
        () = transfer.cancelled() => return abort(writer, Reason::Cancelled, SendError::Cancelled, pulse).await,
    };
    let start = outline.groups().start(first);
    transfer.begin(Stage::Moving, source.bytes(), start);
    let mut pieces = Pieces::of(source.clone(), start);
    while let Some(piece) = pieces.filled.recv().await {
        if transfer.is_cancelled() {
            return abort(writer, Reason::Cancelled, SendError::Cancelled, pulse).await;
        }
        match piece {
            Ok(piece) => {
                writer.write_all(&piece, pulse).await.map_err(SendError::Lost)?;
                transfer.advance(piece.len() - LENGTH_BYTES);
                // The reading thread may have come to the end.
                let _ = pieces.free.send(piece).await;
            }
            Err(error @ SendError::SourceChanged) => {
                return abort(writer, Reason::SourceChanged, error, pulse).await;
            }
            Err(error) => return abort(writer, Reason::SourceUnreadable, error, pulse).await,
        }
    }
    transfer.enter(Stage::Finishing);
    writer.write_all(&[0; LENGTH_BYTES], pulse).await.map_err(SendError::Lost)?;
    writer.flush().await.map_err(SendError::Lost)
}

/// Tells the other side why nothing more comes, between two pieces.
async fn abort(
    writer: &mut Writer,
    reason: Reason,
    error: SendError,
    pulse: &Pulse,
) -> Result<(), SendError> {
    // If it does not get through, the other side sees the connection end.
    let _ = writer.write_all(&reason.as_length(), pulse).await;
    let _ = writer.flush().await;
    Err(error)
}

/// The pieces of a file, read on a thread of its own into a few buffers that go round. Each begins with its length.
struct Pieces {
    filled: mpsc::Receiver<Result<Vec<u8>, SendError>>,
    free: mpsc::Sender<Vec<u8>>,
}

impl Pieces {
    fn of(source: Source, start: u64) -> Self {
        let (fill, filled) = mpsc::channel(PIECES);
        let (free, mut freed) = mpsc::channel(PIECES);
        for _ in 0..PIECES {
            free.try_send(Vec::new()).expect("the channel takes as many");
        }
        spawn_blocking(move || {
            let mut offset = start;
            while offset < source.bytes() {
                let Some(mut buffer) = freed.blocking_recv() else { return };
                let piece = read(&source, offset, &mut buffer).map(|read| {
                    offset += read;
                    buffer
                });
                let failed = piece.is_err();
                if fill.blocking_send(piece).is_err() || failed {
                    return;
                }
            }
            if source.has_changed() {
                // Nobody takes it where the transfer was given up.
                let _ = fill.blocking_send(Err(SendError::SourceChanged));
            }
        });
        Self { filled, free }
    }
}

/// Makes the piece at `offset`, and says how much of the file it is.
fn read(source: &Source, offset: u64, buffer: &mut Vec<u8>) -> Result<u64, SendError> {
    let bytes = usize::try_from(source.bytes() - offset).map_or(PIECE_BYTES, |left| left.min(PIECE_BYTES));
    buffer.resize(LENGTH_BYTES + bytes, 0);
    let (length, content) = buffer.split_first_chunk_mut().expect("it was made long enough");
    *length = u32::try_from(bytes).expect("a piece is short").to_be_bytes();
    match source.read_at(content, offset) {
        Ok(true) => Ok(bytes as u64),
        Ok(false) => Err(SendError::SourceChanged),
        Err(error) => Err(SendError::Source(error)),
    }
}
