//! The codec of TOOM/1: bytes in, typed requests and replies out, and back. No sockets, no clock, no runtime.
//!
//! `docs/protocol.md` is the normative text. A server cuts what it reads into lines with [`LineBuffer`], parses each with
//! [`Request::parse`], and appends [`Reply`], [`Row`] and [`Push`] lines to its outbox. A client appends a [`Request`]
//! and parses what comes back with [`ServerLine::parse`], which needs nothing but the line.
//!
//! ```
//! use toom_net::protocol::{Command, LineBuffer, Request, Verb};
//!
//! let mut lines = LineBuffer::new();
//! lines.feed(b"@1 BCM hello\r\nATU now\nHEL");
//! let request = Request::parse(lines.next_line()?.unwrap()).unwrap();
//! assert!(matches!(request.command, Command::Broadcast { body, .. } if body.as_str() == "hello"));
//! let refused = Request::parse(lines.next_line()?.unwrap()).unwrap_err();
//! assert_eq!(refused.failure.verb, Some(Verb::Atu));
//! assert_eq!(lines.next_line()?, None);
//! # Ok::<(), toom_net::protocol::LineTooLong>(())
//! ```

mod code;
mod fields;
mod greeting;
mod line;
pub mod login_text;
mod parse;
mod push;
mod put;
mod reply;
mod request;
mod row;
mod server_line;
mod time;
mod transfer;
mod verb;
mod word;

#[cfg(test)]
mod tests;

pub use code::{ByeCode, Code};
pub use greeting::Greeting;
pub use line::{LineBuffer, LineTooLong};
pub use parse::RequestError;
pub use push::Push;
pub use reply::{Failure, LoggedIn, Reply, Success};
pub use request::{Command, Hello, Live, Named, PageLimit, Request, RoomsSince, Since};
pub use row::{HistoryRow, MessageLine, Row};
pub use server_line::{ServerLine, ServerLineError};
pub use time::{TimeError, append_time, parse_time};
pub use transfer::{
    ContentHash, EndCode, FileName, FileOffer, Fingerprint, Leave, Piece, TransferId, TransferPush,
    TransferRequest, TransferTicket,
};
pub use verb::Verb;
pub use word::{ClientWord, CodeWord, CursorWord, NameWord, Tag, WordError};

/// The longest line in either direction, in bytes, its end included.
pub const MAX_LINE: usize = 16_384;

/// The most bytes that the names of a room's members may have together, each counted with the space before it.
///
/// A server refuses to build a larger room: its `OK SRB` and `ROOM` lines would not fit [`MAX_LINE`].
pub const MEMBERS_BYTES_MAX: usize = MAX_LINE - "@ OK SRB 4294967295\n".len() - Tag::BYTES_MAX;

/// The most names that one `SRB` may list, those named twice included.
pub const NAMES_MAX: usize = 1024;

/// The longest text of a `PING`, in bytes.
pub const PING_BYTES_MAX: usize = 8192;

/// The longest text for people in `ERR` and `BYE`, in bytes. Longer ones are cut when they are written.
pub const TEXT_BYTES_MAX: usize = 512;
