//! What a recording is made of, item after item, as [postcard](https://postcard.jamesmunns.com/wire-format) writes them. The order of variants and fields is the
//! format: new ones come last, and anything else is another format.
//!
//! No item has a place for a password, a hash of one, or anything else that proves who somebody is.

use core::net::IpAddr;
use core::num::NonZeroU16;
use core::time::Duration;

use serde::{Deserialize, Serialize};

/// One item.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::server) enum Item<'a> {
    /// What the engine was opened with. It comes first.
    #[serde(borrow)]
    Opened(Opened<'a>),
    /// A room that the store had then.
    Room { room: u32, at: i64, members: Vec<&'a str>, key: Option<&'a str> },
    /// The end of a conversation that the store had then; room 0 is the broadcast.
    Tail { room: u32, number: u64, at: i64 },
    /// A keyed request that the store remembered then.
    Keyed(Keyed<'a>),
    /// One of the accounts of the next [`Accounts`](Input::Accounts) or [`Served`](Self::Served).
    Account { name: &'a str, kind: SecretKind, version: u64 },
    /// The engine was opened, and has these accounts: what follows are turns.
    Served,
    /// Something that the next turn was given.
    Input(Input<'a>),
    /// Something that it released.
    Output(Output<'a>),
    /// A turn, after its inputs and outputs.
    Turn(Turn),
    /// What the engine's state adds up to after the turn before.
    State { digest: u128 },
    /// What was read for an earlier request; `None`: that depends on more than the recording knows.
    Page { connection: u64, ticket: u64, page: Option<Output<'a>> },
    /// Nothing follows.
    End(End),
    /// Up to where the store kept, when the engine was opened, that stamps are used.
    Reserved { until: i64 },
    /// Why the store did not keep that stamps are used up to those of the next turn's logins.
    Unreserved(Fault),
}

/// What an engine was opened with.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::server) struct Opened<'a> {
    /// The version of the program.
    pub(in crate::server) version: &'a str,
    pub(in crate::server) epoch: u64,
    pub(in crate::server) seed: [u8; 16],
    pub(in crate::server) attempts: u8,
    pub(in crate::server) block: Duration,
    pub(in crate::server) inactive_members: bool,
    pub(in crate::server) session_idle: Option<Duration>,
    pub(in crate::server) limits: Limits,
    pub(in crate::server) checks_max: u64,
}

/// As [`toom_core::Limits`].
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::server) struct Limits {
    pub(in crate::server) body_bytes_max: u64,
    pub(in crate::server) members_max: u64,
    pub(in crate::server) rooms_per_user_max: u64,
    pub(in crate::server) sessions_max: u64,
    pub(in crate::server) sessions_per_account_max: u64,
    pub(in crate::server) page_messages_max: u64,
    pub(in crate::server) page_bytes_max: u64,
    pub(in crate::server) familiar_sources_max: u64,
    pub(in crate::server) familiar_for: Duration,
    pub(in crate::server) source_failures_max: u32,
    pub(in crate::server) source_refill: Duration,
    pub(in crate::server) check_timeout: Duration,
}

/// As [`toom_core::KeyedRequest`].
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::server) struct Keyed<'a> {
    pub(in crate::server) user: &'a str,
    pub(in crate::server) key: &'a str,
    pub(in crate::server) at: i64,
    pub(in crate::server) request: u128,
    pub(in crate::server) answered: Answered,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::server) enum Answered {
    Posted { room: u32, number: u64 },
    RoomCreated { room: u32 },
}

/// How an account's password lies there. Which it is says the version alone: it is another one after each change, and tells nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::server) enum SecretKind {
    Plain,
    Hashed,
}

/// What a turn is given.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::server) enum Input<'a> {
    #[serde(borrow)]
    Ask(Ask<'a>),
    Checked {
        connection: u64,
        verdict: Verdict,
    },
    Gone {
        connection: u64,
    },
    Kick {
        user: &'a str,
    },
    Accounts,
    Stop,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::server) struct Ask<'a> {
    pub(in crate::server) connection: u64,
    pub(in crate::server) ticket: u64,
    pub(in crate::server) tag: Option<&'a str>,
    pub(in crate::server) operation: Operation<'a>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::server) enum Operation<'a> {
    Login { user: &'a str, ip: IpAddr, udp: Option<NonZeroU16> },
    Logout,
    ActiveUsers,
    Read { reading: Reading, limit: u64 },
    Broadcast { key: Option<&'a str>, text: &'a str },
    CreateRoom { key: Option<&'a str>, users: Vec<&'a str> },
    PostRoom { key: Option<&'a str>, room: u32, text: &'a str },
    Offer { user: &'a str, bytes: u64, hash: [u8; 32], fingerprint: [u8; 32], name: &'a str },
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::server) enum Reading {
    Since { room: u32, at: i64 },
    After { room: u32, number: u64 },
    Rooms { since: i64 },
    Next { cursor: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::server) enum Verdict {
    Right,
    Wrong,
}

/// Something that was released, as [`outputs`](super::outputs) words it: its beginning and, where that is not all, what stands for the whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::server) struct Output<'a> {
    pub(in crate::server) text: &'a str,
    pub(in crate::server) digest: Option<u128>,
}

/// A turn: when it was, and what it gave beside its outputs.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::server) struct Turn {
    /// Microseconds since 1970.
    pub(in crate::server) wall: i64,
    pub(in crate::server) mono: Duration,
    /// On the passwords that were checked at once, in order.
    pub(in crate::server) verdicts: Vec<Verdict>,
    /// The connections whose passwords are to be checked elsewhere.
    pub(in crate::server) checks: Vec<u64>,
    /// The requests for which pages are to be read: connection and ticket.
    pub(in crate::server) reads: Vec<(u64, u64)>,
    /// Why its writes were not stored.
    pub(in crate::server) fault: Option<Fault>,
}

/// Why a store did not keep what it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::server) enum Fault {
    /// There was no room.
    Full,
    /// Nobody knows what it holds.
    Failed,
}

/// Why a recording ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::server) enum End {
    /// The server did.
    Stopped,
    /// The file took less than the server had to write down.
    FellBehind,
}

/// Items on their way into frames.
#[derive(Debug, Default)]
pub(super) struct Items {
    open: Vec<u8>,
    full: Vec<Vec<u8>>,
}

/// How long a frame's body may become before it takes no more items.
const BODY_BYTES: usize = 64 << 10;

impl Items {
    pub(super) fn push(&mut self, item: &Item<'_>) {
        let open = core::mem::take(&mut self.open);
        self.open = postcard::to_extend(item, open).expect("numbers and texts can be written to memory");
        if self.open.len() >= BODY_BYTES {
            self.full.push(core::mem::take(&mut self.open));
        }
    }

    /// The bodies of the frames so far.
    pub(super) fn take(&mut self) -> Vec<Vec<u8>> {
        if !self.open.is_empty() {
            self.full.push(core::mem::take(&mut self.open));
        }
        core::mem::take(&mut self.full)
    }
}

/// The bytes of one item.
#[cfg(test)]
pub(in crate::server) fn bytes(item: &Item<'_>) -> Vec<u8> {
    postcard::to_allocvec(item).unwrap()
}

/// Takes the first item off `body`; `None`: it does not begin with one.
pub(in crate::server) fn first<'a>(body: &mut &'a [u8]) -> Option<Item<'a>> {
    let (item, rest) = postcard::take_from_bytes(body).ok()?;
    *body = rest;
    Some(item)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_share_frames_of_64_kib_and_none_is_cut() {
        let mut items = Items::default();
        assert_eq!(items.take(), Vec::<Vec<u8>>::new());
        let item = Item::Reserved { until: i64::MAX };
        let length = bytes(&item).len();
        let count = 3 * BODY_BYTES / length;
        for _ in 0..count {
            items.push(&item);
        }
        let bodies = items.take();
        assert_eq!((bodies.len(), bodies.concat().len()), (3, count * length));
        assert!(bodies[..2].iter().all(|body| (BODY_BYTES..BODY_BYTES + length).contains(&body.len())));
        assert_eq!(items.take(), Vec::<Vec<u8>>::new(), "once");
    }
}
