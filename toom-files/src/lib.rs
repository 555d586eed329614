//! Moves a file from one program straight to another, once somebody has introduced the two: over QUIC, or, where UDP does not get
//! through, over a pipe of bytes that somebody relays. It is the part of TOOM's `UPD` that knows nothing of chat.
//!
//! * An [`Identity`] is a certificate that a program makes for itself. The introduction tells each side the other's
//!   [`Fingerprint`] and a [`Ticket`] for one transfer, and only who has both is let in. Everything is encrypted from end to end,
//!   also when it is relayed.
//! * A [`Source`] is a file that is to be sent, with the BLAKE3 hash of its content. An [`Inbox`] is a folder where files arrive.
//! * An [`Endpoint`] is a UDP port, for both directions and any number of transfers at once.
//! * A [`Transfer`] tells how far one of them is, and ends it.
//!
//! What the receiver can rely on: nothing is written before it agreed; the file appears under a harmless name that no other file
//! has, [`saved_name`], and not before all of it was checked against the hash of the offer and is on the disk; what does not
//! match is noticed within a group of 1 MiB (in files beyond 64 GiB, of up to a 65,536th). What a lost connection leaves
//! behind is used when the same file is offered again, and what was checked is neither sent nor read a second time.
//! Both sides hear why a transfer ended. Memory is bounded: small buffers that go round between disk and network, windows of 4 MiB.
//!
//! It is not a way to find each other, and it does not get through a NAT. It runs on Unix, in a tokio runtime; files are
//! read, hashed and written on tokio's threads for blocking work.
//!
//! ```
//! use toom_files::{Endpoint, Identity, Inbox, Offer, Source, Ticket, Transfer};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let (notes, downloads) = (folder.path().join("notes.txt"), folder.path());
//! # std::fs::write(&notes, "Do or do not. There is no try.")?;
//! // Two programs, here in one.
//! let yoda = Endpoint::bind(([127, 0, 0, 1], 0).into(), &Identity::fresh()?)?;
//! let luke = Endpoint::bind(([127, 0, 0, 1], 0).into(), &Identity::fresh()?)?;
//!
//! // Yoda's offer reaches Luke by whatever introduces them, and with it Yoda's fingerprint.
//! let source = Source::open(notes, &Transfer::new()).await?;
//! let offer =
//!     Offer { from: "yoda".into(), name: source.name().into(), bytes: source.bytes(), hash: source.hash() };
//!
//! // Luke says yes: his address, fingerprint and ticket go back.
//! let inbox = Inbox::new(downloads, 100 << 20);
//! inbox.check(&offer)?;
//! let ticket = Ticket::fresh();
//! let mut expected = luke.expect(ticket, yoda.fingerprint());
//!
//! let (sending, receiving) = (Transfer::new(), Transfer::new());
//! let receive = async { inbox.receive(&offer, expected.connection().await, &receiving).await };
//! let send = yoda.send(luke.local_addr()?, luke.fingerprint(), ticket, &source, &sending);
//! let (sent, received) = tokio::join!(send, receive);
//! sent?;
//! assert_eq!(std::fs::read_to_string(received?.path)?, "Do or do not. There is no try.");
//! # Ok(())
//! # }
//! ```

mod endpoint;
mod exchange;
mod identity;
mod inbox;
mod marks;
mod outline;
mod pipe;
mod pulse;
mod saved_name;
mod source;
#[cfg(test)]
mod testing;
mod transfer;

pub use endpoint::{Connection, Endpoint, Expected, Patience};
pub use exchange::Reason;
pub use exchange::receive::ReceiveError;
pub use exchange::send::SendError;
pub use identity::{Identity, IdentityError};
pub use inbox::{Inbox, Offer, Received, Room, free_space};
pub use marks::{ContentHash, Fingerprint, ParseHexError, Ticket};
pub use saved_name::saved_name;
pub use source::{Source, SourceError};
pub use transfer::{Stage, Transfer};
