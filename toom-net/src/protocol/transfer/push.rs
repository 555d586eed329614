//! What the server tells of a transfer.

use core::net::{IpAddr, SocketAddr};

use super::{
    EndCode, FileOffer, Fingerprint, Leave, Piece, TransferId, TransferTicket, append_data, append_id,
    append_more, append_proof,
};
use crate::protocol::fields::Fields;
use crate::protocol::{NameWord, ServerLineError, put};

/// `UPD …` of the server, which nobody asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransferPush {
    /// `UPD OFFER`: somebody offers a file.
    Offer {
        /// The transfer that an answer names.
        id: TransferId,
        /// Who.
        user: NameWord,
        /// What.
        file: FileOffer,
    },
    /// `UPD ACCEPT`: the receiver said yes, and is here.
    Accept {
        /// Which transfer.
        id: TransferId,
        /// Where the receiver takes it, by UDP.
        address: SocketAddr,
        /// The receiver's certificate.
        fingerprint: Fingerprint,
        /// What to show there.
        ticket: TransferTicket,
    },
    /// `UPD RELAY`: the bytes will go through the server.
    Relay {
        /// Of which transfer.
        id: TransferId,
    },
    /// `UPD MORE`: the other side takes more pieces.
    More {
        /// Of which transfer.
        id: TransferId,
        /// How many.
        leave: Leave,
    },
    /// `UPD DATA`: one piece from the other side.
    Data {
        /// Of which transfer.
        id: TransferId,
        /// 1, 2, 3 … among the pieces of the other side.
        number: u64,
        /// The bytes.
        piece: Piece,
    },
    /// `UPD END`: the transfer is over, and not by this session's own request.
    End {
        /// Which.
        id: TransferId,
        /// Why, for programs.
        code: EndCode,
        /// Why, for people.
        text: Box<str>,
    },
}

impl TransferPush {
    /// The transfer that it is about.
    #[must_use]
    pub const fn id(&self) -> TransferId {
        match self {
            Self::Offer { id, .. }
            | Self::Accept { id, .. }
            | Self::Relay { id }
            | Self::More { id, .. }
            | Self::Data { id, .. }
            | Self::End { id, .. } => *id,
        }
    }

    pub(in crate::protocol) fn append_to(&self, out: &mut Vec<u8>) {
        put::str(out, "UPD");
        match self {
            Self::Offer { id, user, file } => {
                append_id(out, " OFFER", *id);
                put::field(out, user.as_str());
                file.append_to(out);
            }
            Self::Accept { id, address, fingerprint, ticket } => {
                append_id(out, " ACCEPT", *id);
                put::field(out, &address.ip().to_string());
                put::number_field(out, address.port().into());
                append_proof(out, fingerprint, ticket);
            }
            Self::Relay { id } => append_id(out, " RELAY", *id),
            Self::More { id, leave } => append_more(out, *id, *leave),
            Self::Data { id, number, piece } => append_data(out, *id, *number, piece),
            Self::End { id, code, text } => {
                append_id(out, " END", *id);
                put::field(out, code.as_str());
                put::people_field(out, text);
            }
        }
    }

    /// Reads what follows `UPD`. A second word of a later version is unknown as a first one is.
    pub(in crate::protocol) fn read(mut fields: Fields<'_>) -> Result<Self, ServerLineError> {
        let read: fn(Fields<'_>) -> Option<Self> = match fields.word().ok_or(ServerLineError::Malformed)? {
            "OFFER" => Self::read_offer,
            "ACCEPT" => Self::read_accept,
            "RELAY" => |mut fields| Some(Self::Relay { id: fields.transfer()? }),
            "MORE" => |mut fields| Some(Self::More { id: fields.transfer()?, leave: fields.leave()? }),
            "DATA" => Self::read_data,
            "END" => Self::read_end,
            _ => return Err(ServerLineError::UnknownWord),
        };
        read(fields).ok_or(ServerLineError::Malformed)
    }

    fn read_offer(mut fields: Fields<'_>) -> Option<Self> {
        let (id, user) = (fields.transfer()?, fields.name()?);
        Some(Self::Offer { id, user, file: FileOffer::read(fields)? })
    }

    fn read_accept(mut fields: Fields<'_>) -> Option<Self> {
        let id = fields.transfer()?;
        let ip: IpAddr = fields.word()?.parse().ok()?;
        let address = SocketAddr::new(ip, fields.number()?);
        Some(Self::Accept { id, address, fingerprint: fields.fingerprint()?, ticket: fields.ticket()? })
    }

    fn read_data(mut fields: Fields<'_>) -> Option<Self> {
        Some(Self::Data { id: fields.transfer()?, number: fields.number()?, piece: fields.piece()? })
    }

    fn read_end(mut fields: Fields<'_>) -> Option<Self> {
        let (id, code) = (fields.transfer()?, EndCode::read(&mut fields)?);
        Some(Self::End { id, code, text: fields.rest().unwrap_or_default().into() })
    }
}
