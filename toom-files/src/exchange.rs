//! What the two say to each other once each knows that the other is the one.
//!
//! ```text
//! sender                                     receiver
//! ticket (16), bytes (8), hash (32),
//! chaining value (32) of each group   ──▶    checks them against the hash of the offer
//!                                     ◀──    GO, first group (8)
//! pieces: length (4), bytes           ──▶    checks each group, writes it
//! 0 (4), or a reason against it (4)
//!                                     ◀──    WORKING, now and then while its disk is busy
//!                                     ◀──    DONE, or a reason against it
//! ```
//!
//! Numbers are big-endian. A file of one group has no chaining values: its hash says all. A reason is one byte; as a piece's length
//! it stands in the lowest byte, the other three being 0xff.

pub(crate) mod receive;
pub(crate) mod send;

use core::fmt;

/// The longest piece. The sender reads its file, and the receiver writes and hashes, that much at once.
pub(crate) const PIECE_BYTES: usize = 256 << 10;

/// How many pieces are between disk and network at once.
pub(crate) const PIECES: usize = 4;

/// The bytes of the length of a piece.
pub(crate) const LENGTH_BYTES: usize = 4;

/// The bytes of a ticket.
pub(crate) const TICKET_BYTES: usize = 16;

/// Length and hash of the file.
const HEAD_BYTES: usize = 8 + 32;

/// A length from here on is a reason.
const REASONS: u32 = 0xffff_ff00;

/// The receiver's words.
const GO: u8 = 1;
const WORKING: u8 = 2;
const DONE: u8 = 3;

/// Why one side ends the exchange, as it tells the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// A person there cancelled it.
    Cancelled,
    /// The sender's file changed while it was sent.
    SourceChanged,
    /// The sender cannot read its file any more.
    SourceUnreadable,
    /// The sender announced another file than it offered.
    OtherFile,
    /// More or fewer bytes came than were offered.
    WrongLength,
    /// The content, or the outline of it, does not match the hash.
    WrongContent,
    /// The receiver has no space left.
    NoSpace,
    /// The receiver cannot write the file.
    CannotStore,
    /// The receiver already receives that very file.
    Busy,
    /// What was said makes no sense.
    Nonsense,
    /// Nothing moved for too long.
    Stalled,
}

const CODES: [(Reason, u8); 11] = [
    (Reason::Cancelled, 0x10),
    (Reason::SourceChanged, 0x11),
    (Reason::SourceUnreadable, 0x12),
    (Reason::OtherFile, 0x13),
    (Reason::WrongLength, 0x14),
    (Reason::WrongContent, 0x15),
    (Reason::NoSpace, 0x16),
    (Reason::CannotStore, 0x17),
    (Reason::Busy, 0x18),
    (Reason::Nonsense, 0x19),
    (Reason::Stalled, 0x1a),
];

impl Reason {
    /// One that this version does not know makes no sense to it.
    fn from_code(code: u8) -> Self {
        CODES.into_iter().find(|&(_, known)| known == code).map_or(Self::Nonsense, |(reason, _)| reason)
    }

    fn code(self) -> u8 {
        CODES.into_iter().find(|&(known, _)| known == self).map_or(0, |(_, code)| code)
    }

    /// As the length of a piece.
    fn as_length(self) -> [u8; LENGTH_BYTES] {
        [0xff, 0xff, 0xff, self.code()]
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cancelled => "cancelled by the other side",
            Self::SourceChanged => "the file changed while it was sent",
            Self::SourceUnreadable => "the sender cannot read the file any more",
            Self::OtherFile => "another file was sent than was offered",
            Self::WrongLength => "more or fewer bytes were sent than were offered",
            Self::WrongContent => "the content does not match the hash that was offered",
            Self::NoSpace => "the receiver has no space left",
            Self::CannotStore => "the receiver cannot write the file",
            Self::Busy => "the receiver is receiving that file already",
            Self::Nonsense => "the two do not understand each other",
            Self::Stalled => "nothing moved for too long",
        })
    }
}

#[cfg(test)]
mod tests;
