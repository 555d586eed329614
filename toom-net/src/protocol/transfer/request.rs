//! What a client asks for a transfer.

use super::{
    FileOffer, Fingerprint, Leave, Piece, TransferId, TransferTicket, append_data, append_id, append_more,
    append_proof,
};
use crate::protocol::fields::Fields;
use crate::protocol::{Named, put};

/// `UPD …` of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransferRequest {
    /// `UPD OFFER`: asks a user whether it wants a file.
    Offer {
        /// Whom.
        user: Named,
        /// What.
        file: FileOffer,
    },
    /// `UPD ACCEPT`: the receiver's yes. Now the sender learns the receiver's address.
    Accept {
        /// Which transfer.
        id: TransferId,
        /// The receiver's certificate.
        fingerprint: Fingerprint,
        /// What the sender has to show.
        ticket: TransferTicket,
    },
    /// `UPD REFUSE`: the receiver's no.
    Refuse {
        /// Which transfer.
        id: TransferId,
        /// Why, for people; it may be empty.
        text: Box<str>,
    },
    /// `UPD CANCEL`: either side ends it.
    Cancel(TransferId),
    /// `UPD DONE`: the receiver has the whole file.
    Done(TransferId),
    /// `UPD RELAY`: the sender asks that the bytes go through the server.
    Relay(TransferId),
    /// `UPD MORE`: lets the other side send more pieces.
    More {
        /// Of which transfer.
        id: TransferId,
        /// How many.
        leave: Leave,
    },
    /// `UPD DATA`: one piece for the other side.
    Data {
        /// Of which transfer.
        id: TransferId,
        /// 1, 2, 3 … among the pieces of this side.
        number: u64,
        /// The bytes.
        piece: Piece,
    },
}

/// What a client may ask, by its second word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::protocol) enum Asked {
    Offer,
    Accept,
    Refuse,
    Cancel,
    Done,
    Relay,
    More,
    Data,
}

impl Asked {
    const ALL: [(Self, &'static str); 8] = [
        (Self::Offer, "UPD OFFER <user> <bytes> <hash> <fingerprint> <file name>"),
        (Self::Accept, "UPD ACCEPT <id> <fingerprint> <ticket>"),
        (Self::Refuse, "UPD REFUSE <id> [<text>]"),
        (Self::Cancel, "UPD CANCEL <id>"),
        (Self::Done, "UPD DONE <id>"),
        (Self::Relay, "UPD RELAY <id>"),
        (Self::More, "UPD MORE <id> <pieces>"),
        (Self::Data, "UPD DATA <id> <number> <base64>"),
    ];

    /// The word, in either case, with the form of the request for people.
    pub(in crate::protocol) fn parse(word: &str) -> Option<(Self, &'static str)> {
        Self::ALL
            .into_iter()
            .find(|(_, form)| form.split(' ').nth(1).is_some_and(|asked| asked.eq_ignore_ascii_case(word)))
    }
}

impl TransferRequest {
    /// The transfer that it names; `None` for an offer, which has no number yet.
    #[must_use]
    pub const fn id(&self) -> Option<TransferId> {
        match self {
            Self::Offer { .. } => None,
            Self::Accept { id, .. }
            | Self::Refuse { id, .. }
            | Self::Cancel(id)
            | Self::Done(id)
            | Self::Relay(id)
            | Self::More { id, .. }
            | Self::Data { id, .. } => Some(*id),
        }
    }

    /// Reads what follows the second word.
    pub(in crate::protocol) fn read(asked: Asked, mut fields: Fields<'_>) -> Option<Self> {
        let request = match asked {
            Asked::Offer => {
                let user = fields.named()?;
                return FileOffer::read(fields).map(|file| Self::Offer { user, file });
            }
            Asked::Refuse => {
                let id = fields.transfer()?;
                return Some(Self::Refuse { id, text: fields.rest().unwrap_or_default().into() });
            }
            Asked::Accept => Self::Accept {
                id: fields.transfer()?,
                fingerprint: fields.fingerprint()?,
                ticket: fields.ticket()?,
            },
            Asked::Cancel => Self::Cancel(fields.transfer()?),
            Asked::Done => Self::Done(fields.transfer()?),
            Asked::Relay => Self::Relay(fields.transfer()?),
            Asked::More => Self::More { id: fields.transfer()?, leave: fields.leave()? },
            Asked::Data => {
                Self::Data { id: fields.transfer()?, number: fields.number()?, piece: fields.piece()? }
            }
        };
        fields.is_empty().then_some(request)
    }

    pub(in crate::protocol) fn append_to(&self, out: &mut Vec<u8>) {
        match self {
            Self::Offer { user, file } => {
                put::str(out, " OFFER");
                put::field(out, user.as_str());
                file.append_to(out);
            }
            Self::Accept { id, fingerprint, ticket } => {
                put::str(out, " ACCEPT");
                put::number_field(out, id.get());
                append_proof(out, fingerprint, ticket);
            }
            Self::Refuse { id, text } => {
                put::str(out, " REFUSE");
                put::number_field(out, id.get());
                put::people_field(out, text);
            }
            Self::Cancel(id) => append_id(out, " CANCEL", *id),
            Self::Done(id) => append_id(out, " DONE", *id),
            Self::Relay(id) => append_id(out, " RELAY", *id),
            Self::More { id, leave } => append_more(out, *id, *leave),
            Self::Data { id, number, piece } => append_data(out, *id, *number, piece),
        }
    }
}
