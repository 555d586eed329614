//! What there is to tell of transfers.

use core::time::Duration;
use std::path::PathBuf;

use super::Pace;

/// Which transfer it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Its number, from 1, in this run.
    pub number: u32,
    /// Which way it goes.
    pub direction: Direction,
    /// Who is at the other side.
    pub user: String,
    /// The file: as it is called here, and where it is received, as it will be saved.
    pub name: String,
    /// Its length.
    pub bytes: u64,
}

/// Which way a file goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The user sends it.
    Out,
    /// The user receives it.
    In,
}

/// Something that happened to a transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// To which.
    pub about: About,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Somebody offers a file, and the user is to say whether it is taken.
    Asked {
        /// The bytes that are free in the folder.
        bytes_free: u64,
        /// What is there already from an earlier attempt.
        bytes_proven: u64,
    },
    /// The other side is asked.
    Offered,
    /// The receiver has said yes.
    Accepted,
    /// UDP does not get through: the file goes through the server.
    Relayed,
    /// It is so far.
    Moving(Stage, Pace),
    /// The receiver has the file.
    Done(Done),
    /// It is over without that.
    Over(Over),
}

/// What a transfer is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The file is read for its hash.
    Hashing,
    /// It waits for a connection to the server.
    NoServer,
    /// The other side is asked.
    Offered,
    /// The user is asked.
    Asked,
    /// The two look for each other.
    Connecting,
    /// The content is under way.
    Moving,
    /// It is synced and gets its name.
    Finishing,
}

/// How a file arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// How long it was under way.
    pub took: Duration,
    /// What was there from an earlier attempt.
    pub bytes_resumed: u64,
    /// Where it is, on the side that received it.
    pub path: Option<PathBuf>,
}

/// How a transfer ended without a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Over {
    /// In which way.
    pub ending: Ending,
    /// Why, in words; empty where nobody said.
    pub why: String,
}

/// In which way a transfer ended without a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The receiver does not want it, or the server did not introduce them.
    Refused,
    /// The user ended it.
    Cancelled,
    /// The other side did.
    CancelledThere,
    /// Something went wrong.
    Failed,
}

/// A transfer that is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnderWay {
    /// Which.
    pub about: About,
    /// What it is at.
    pub stage: Stage,
    /// Which way the bytes go.
    pub route: Route,
    /// How far it is.
    pub pace: Pace,
}

/// Which way the bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// From client to client.
    Direct,
    /// Through the server.
    Relayed,
}

impl Over {
    pub(super) fn new(ending: Ending, why: impl Into<String>) -> Self {
        Self { ending, why: why.into() }
    }

    pub(super) fn failed(why: &(impl ToString + ?Sized)) -> Self {
        Self::new(Ending::Failed, why.to_string())
    }

    pub(super) fn cancelled() -> Self {
        Self::new(Ending::Cancelled, "")
    }
}

impl What {
    /// Whether nothing more will happen to the transfer.
    #[must_use]
    pub const fn is_end(&self) -> bool {
        matches!(self, Self::Done(_) | Self::Over(_))
    }
}
