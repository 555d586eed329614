//! The same marks as the server writes them and as those who move files know them.

use toom_files::{ContentHash, Fingerprint, Ticket};
use toom_net::protocol;

/// Whom the other side must turn out to be.
pub(super) fn fingerprint(told: &protocol::Fingerprint) -> Fingerprint {
    told.to_string().parse().expect("both have 64 hexadecimal digits")
}

/// The right to one transfer.
pub(super) fn ticket(told: &protocol::TransferTicket) -> Ticket {
    told.to_string().parse().expect("both have 32 hexadecimal digits")
}

/// What the file holds.
pub(super) fn hash(told: &protocol::ContentHash) -> ContentHash {
    told.to_string().parse().expect("both have 64 hexadecimal digits")
}

pub(super) fn fingerprint_word(own: Fingerprint) -> protocol::Fingerprint {
    protocol::Fingerprint::parse(&own.to_string()).expect("both have 64 hexadecimal digits")
}

pub(super) fn ticket_word(own: Ticket) -> protocol::TransferTicket {
    protocol::TransferTicket::parse(&own.to_string()).expect("both have 32 hexadecimal digits")
}

pub(super) fn hash_word(own: ContentHash) -> protocol::ContentHash {
    protocol::ContentHash::parse(&own.to_string()).expect("both have 64 hexadecimal digits")
}
