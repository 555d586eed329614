//! The receiver's side.

use core::pin::pin;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::{DONE, GO, HEAD_BYTES, LENGTH_BYTES, PIECE_BYTES, REASONS, Reason, WORKING};
use crate::inbox::disk::Disk;
use crate::inbox::{Inbox, Offer, Received};
use crate::outline::{Groups, Outline, VALUE_BYTES};
use crate::pipe::{Pipe, Reader, Writer};
use crate::pulse::Pulse;
use crate::transfer::{Stage, Transfer};

/// How often the sender is told that the disk is busy.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);

/// Why a file was not received.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiveError {
    /// More than is accepted.
    #[error("the file is {bytes} bytes, the limit is {bytes_max}")]
    TooLarge {
        /// The length of the file.
        bytes: u64,
        /// The longest that is accepted.
        bytes_max: u64,
    },
    /// There is no such folder, or no right to write there.
    #[error("cannot use the folder {}: {error}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        error: io::Error,
    },
    /// It did not fit from the beginning.
    #[error("the file needs {needed} bytes more, and {free} are free")]
    NoSpace {
        /// What is still to come of the file.
        needed: u64,
        /// What is free.
        free: u64,
    },
    /// The disk became full on the way.
    #[error("no space left for {name}")]
    DiskFull {
        /// The file.
        name: String,
    },
    /// It cannot be written.
    #[error("cannot write {name}: {error}")]
    Store {
        /// The file.
        name: String,
        /// What the operating system said.
        #[source]
        error: io::Error,
    },
    /// What lies there of an earlier attempt is not ours alone.
    #[error("{name} lies there already and is not a file of this user alone")]
    Foreign {
        /// The file.
        name: String,
    },
    /// It is being received already.
    #[error("that file is being received already")]
    Busy,
    /// The sender announced another file than it offered.
    #[error("the sender announced another file than it offered")]
    OtherFile,
    /// More or fewer bytes came than were offered.
    #[error("{expected} bytes were offered, and {came} came")]
    WrongLength {
        /// What was offered.
        expected: u64,
        /// What came, as far as it was looked at.
        came: u64,
    },
    /// The chaining values of the groups do not lead to the hash that was offered.
    #[error("the outline of the file does not match the hash that was offered")]
    WrongOutline,
    /// A part is not what was offered.
    #[error("the content does not match the hash that was offered, within {} MiB from byte {offset}", bytes >> 20)]
    WrongContent {
        /// Where the part begins.
        offset: u64,
        /// How long it is at most.
        bytes: u64,
    },
    /// The sender ended it, and said why.
    #[error("{0}")]
    Refused(Reason),
    /// What the sender says makes no sense.
    #[error("the sender does not keep to the protocol")]
    Nonsense,
    /// Whoever came is not the one with that certificate, or has another ticket.
    #[error("the other side is not the one that was introduced")]
    NotIntroduced,
    /// The other side is gone, or the way to it. What has come is kept for another attempt.
    #[error("the connection was lost: {0}")]
    Lost(#[source] io::Error),
    /// The other side is there, but nothing comes any more. What has come is kept for another attempt.
    #[error("nothing moved for {} s", .0.as_secs())]
    Stalled(Duration),
    /// By [`Transfer::cancel`].
    #[error("cancelled")]
    Cancelled,
    /// By [`Transfer::cancel`] of the other side.
    #[error("cancelled by the other side")]
    CancelledByPeer,
}

impl ReceiveError {
    /// Whether another attempt may go on where this one stopped. Else nothing of it is left.
    pub(crate) const fn may_resume(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::Stalled(_) | Self::Refused(Reason::Stalled))
    }

    /// What the sender is told.
    fn reason(&self) -> Option<Reason> {
        Some(match self {
            Self::TooLarge { .. } | Self::NoSpace { .. } | Self::DiskFull { .. } => Reason::NoSpace,
            Self::Folder { .. } | Self::Store { .. } | Self::Foreign { .. } => Reason::CannotStore,
            Self::Busy => Reason::Busy,
            Self::OtherFile => Reason::OtherFile,
            Self::WrongLength { .. } => Reason::WrongLength,
            Self::WrongOutline | Self::WrongContent { .. } => Reason::WrongContent,
            Self::Nonsense => Reason::Nonsense,
            Self::Stalled(_) => Reason::Stalled,
            Self::Cancelled => Reason::Cancelled,
            Self::Refused(_) | Self::NotIntroduced | Self::Lost(_) | Self::CancelledByPeer => return None,
        })
    }
}

/// Receives the file from one who has shown to be the right one.
pub(crate) async fn receive(
    pipe: Pipe,
    inbox: &Inbox,
    offer: &Offer,
    transfer: &Transfer,
    stall: Duration,
) -> Result<Received, ReceiveError> {
    let Pipe { mut reader, mut writer } = pipe;
    let pulse = Pulse::new();
    let mut disk = None;
    let mut received = tokio::select! {
        received = exchange(&mut reader, &mut writer, inbox, offer, transfer, &pulse, &mut disk) => received,
        () = transfer.cancelled() => Err(ReceiveError::Cancelled),
        () = pulse.stops(stall) => Err(ReceiveError::Stalled(stall)),
    };
    if let (Err(error), Some(disk)) = (&received, disk) {
        // It may have come to its end just before it was stopped.
        if let Some(finished) = disk.stop(error.may_resume()).await {
            received = Ok(finished);
        }
    }
    let word = match &received {
        Ok(_) => {
            transfer.enter(Stage::Done);
            Some(DONE)
        }
        Err(error) => error.reason().map(Reason::code),
    };
    if let Some(word) = word {
        // If it does not get through, the sender sees the connection end.
        let _ = writer.write_all(&[word], &pulse).await;
    }
    writer.settle().await;
    received
}

async fn exchange(
    reader: &mut Reader,
    writer: &mut Writer,
    inbox: &Inbox,
    offer: &Offer,
    transfer: &Transfer,
    pulse: &Pulse,
    stoppable: &mut Option<Disk>,
) -> Result<Received, ReceiveError> {
    let outline = read_outline(reader, offer, pulse).await?;
    let disk = working(writer, pulse, Disk::open(inbox.clone(), offer.clone(), outline)).await?;
    let disk = stoppable.insert(disk);
    let mut go = vec![GO];
    go.extend(disk.first().to_be_bytes());
    writer.write_all(&go, pulse).await.map_err(ReceiveError::Lost)?;
    writer.flush().await.map_err(ReceiveError::Lost)?;
    let mut offset = disk.bytes_resumed();
    transfer.begin(Stage::Moving, offer.bytes, offset);
    loop {
        let length = tokio::select! {
            length = next_length(reader, pulse) => length?,
            error = disk.failure() => return Err(error),
        };
        let Some(bytes) = length else { break };
        if bytes as u64 > offer.bytes - offset {
            return Err(ReceiveError::WrongLength { expected: offer.bytes, came: offset + bytes as u64 });
        }
        let mut buffer = match disk.free_buffer() {
            Some(buffer) => buffer,
            None => working(writer, pulse, disk.next_buffer()).await?,
        };
        buffer.resize(bytes, 0);
        reader.read_all(&mut buffer, pulse).await.map_err(ReceiveError::Lost)?;
        disk.write(buffer);
        offset += bytes as u64;
        transfer.advance(bytes);
    }
    if offset != offer.bytes {
        return Err(ReceiveError::WrongLength { expected: offer.bytes, came: offset });
    }
    transfer.enter(Stage::Finishing);
    working(writer, pulse, disk.finish()).await
}

/// Reads what the sender announces, and checks it against the offer.
async fn read_outline(reader: &mut Reader, offer: &Offer, pulse: &Pulse) -> Result<Outline, ReceiveError> {
    let mut head = [0; HEAD_BYTES];
    reader.read_all(&mut head, pulse).await.map_err(ReceiveError::Lost)?;
    let (bytes, hash) = head.split_first_chunk().expect("the head is longer");
    if u64::from_be_bytes(*bytes) != offer.bytes || hash != offer.hash.bytes() {
        return Err(ReceiveError::OtherFile);
    }
    let groups = Groups::of(offer.bytes);
    let mut values = vec![[0; VALUE_BYTES]; groups.values()];
    reader.read_all(values.as_flattened_mut(), pulse).await.map_err(ReceiveError::Lost)?;
    Outline::check(groups, values, offer.hash).map_err(|_| ReceiveError::WrongOutline)
}

/// The length of the next piece; none after the last.
async fn next_length(reader: &mut Reader, pulse: &Pulse) -> Result<Option<usize>, ReceiveError> {
    let mut length = [0; LENGTH_BYTES];
    reader.read_all(&mut length, pulse).await.map_err(ReceiveError::Lost)?;
    let [.., code] = length;
    match u32::from_be_bytes(length) {
        0 => Ok(None),
        REASONS.. => Err(match Reason::from_code(code) {
            Reason::Cancelled => ReceiveError::CancelledByPeer,
            reason => ReceiveError::Refused(reason),
        }),
        bytes => match usize::try_from(bytes) {
            Ok(bytes) if bytes <= PIECE_BYTES => Ok(Some(bytes)),
            _ => Err(ReceiveError::Nonsense),
        },
    }
}

/// Waits for the disk, and tells the sender now and then that there is still somebody.
async fn working<T>(writer: &mut Writer, pulse: &Pulse, disk: impl Future<Output = T>) -> T {
    let mut disk = pin!(disk);
    loop {
        tokio::select! {
            done = &mut disk => return done,
            () = tokio::time::sleep(SIGN_OF_LIFE) => {
                pulse.beat();
                // Whether anyone still listens shows when the next piece is read. If all is here, it does not matter.
                let _ = writer.write_all(&[WORKING], pulse).await;
                let _ = writer.flush().await;
            }
        }
    }
}
