//! `UPD`: the lines by which a file finds its way from one client to another.

use super::fields::Fields;
use super::{CodeWord, put};

mod push;
mod request;
mod word;

pub use push::TransferPush;
pub(super) use request::Asked;
pub use request::TransferRequest;
pub use word::{ContentHash, FileName, Fingerprint, Leave, Piece, TransferId, TransferTicket};

/// A file that is offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileOffer {
    /// How long it is, in bytes.
    pub bytes: u64,
    /// What it holds.
    pub hash: ContentHash,
    /// Who will come with it: the sender's certificate.
    pub fingerprint: Fingerprint,
    /// What the sender calls it.
    pub name: FileName,
}

/// Why a transfer is over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndCode {
    /// The receiver has the whole file.
    Done,
    /// The receiver does not want it.
    Refused,
    /// One of the two ended it.
    Cancelled,
    /// The other session ended.
    Gone,
    /// Another session of the same user has taken it.
    Taken,
    /// The offer was not answered, or nothing was relayed, for too long.
    Timeout,
    /// A code that this version does not know.
    Other(CodeWord),
}

impl EndCode {
    const KNOWN: [Self; 6] =
        [Self::Done, Self::Refused, Self::Cancelled, Self::Gone, Self::Taken, Self::Timeout];

    /// The code's word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Cancelled => "cancelled",
            Self::Gone => "gone",
            Self::Taken => "taken",
            Self::Timeout => "timeout",
            Self::Other(word) => word.as_str(),
        }
    }

    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let word = fields.word()?;
        match Self::KNOWN.into_iter().find(|code| code.as_str() == word) {
            Some(code) => Some(code),
            None => CodeWord::parse(word).ok().map(Self::Other),
        }
    }
}

impl FileOffer {
    fn append_to(&self, out: &mut Vec<u8>) {
        put::number_field(out, self.bytes);
        put::field(out, &self.hash.to_string());
        put::field(out, &self.fingerprint.to_string());
        put::field(out, self.name.as_str());
    }

    fn read(mut fields: Fields<'_>) -> Option<Self> {
        Some(Self {
            bytes: fields.number()?,
            hash: ContentHash::parse(fields.word()?).ok()?,
            fingerprint: fields.fingerprint()?,
            name: FileName::parse(fields.rest()?).ok()?,
        })
    }
}

fn append_id(out: &mut Vec<u8>, what: &str, id: TransferId) {
    put::str(out, what);
    put::number_field(out, id.get());
}

fn append_proof(out: &mut Vec<u8>, fingerprint: &Fingerprint, ticket: &TransferTicket) {
    put::field(out, &fingerprint.to_string());
    put::field(out, &ticket.to_string());
}

fn append_more(out: &mut Vec<u8>, id: TransferId, leave: Leave) {
    append_id(out, " MORE", id);
    put::number_field(out, leave.get().into());
}

fn append_data(out: &mut Vec<u8>, id: TransferId, number: u64, piece: &Piece) {
    append_id(out, " DATA", id);
    put::number_field(out, number);
    piece.append_to(out);
}
