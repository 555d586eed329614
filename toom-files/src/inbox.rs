//! Where files arrive.

pub(crate) mod disk;
mod part;

use std::io;
use std::path::{Path, PathBuf};

use crate::endpoint::Connection;
use crate::exchange::receive::{self, ReceiveError};
use crate::marks::ContentHash;
use crate::transfer::{Stage, Transfer};

/// A folder for files that others send.
///
/// While a file is under way there are two hidden files of it, readable by this user alone: `.NAME.HASH.part` with what has come,
/// and `.NAME.HASH.proven`, which says how much of that was checked. The file appears under its name when all of it was checked and synced.
#[derive(Clone, Debug)]
pub struct Inbox {
    dir: PathBuf,
    bytes_max: u64,
}

/// What a sender offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Who sends it.
    pub from: String,
    /// What it is called there.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// The hash of its content.
    pub hash: ContentHash,
}

/// What there is for an offered file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// The bytes that are free.
    pub bytes_free: u64,
    /// The bytes of the file that are there from an earlier attempt, checked.
    pub bytes_proven: u64,
}

/// A file that has arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Where it is.
    pub path: PathBuf,
    /// What of it was there from an earlier attempt.
    pub bytes_resumed: u64,
}

impl Inbox {
    /// Files of at most `bytes_max` bytes go to `dir`.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>, bytes_max: u64) -> Self {
        Self { dir: dir.into(), bytes_max }
    }

    /// Looks whether the file could be received now; writes nothing.
    ///
    /// # Errors
    ///
    /// Where it is too large, the folder cannot be used, or there is not enough space.
    pub fn check(&self, offer: &Offer) -> Result<Room, ReceiveError> {
        part::check(self, offer)
    }

    /// Receives the file that `connection` brings, checks it, and gives it a name that no other file has.
    ///
    /// Where the connection is lost, or this future is dropped, what has come and was checked is kept, and receiving the same offer
    /// again goes on from there. After any other failure nothing is left.
    ///
    /// # Errors
    ///
    /// As [`ReceiveError`] tells. The sender is told as well.
    pub async fn receive(
        &self,
        offer: &Offer,
        connection: Connection,
        transfer: &Transfer,
    ) -> Result<Received, ReceiveError> {
        transfer.begin(Stage::Connecting, offer.bytes, 0);
        receive::receive(connection.pipe, self, offer, transfer, connection.stall).await
    }
}

/// The bytes that are free in a folder, for this user.
///
/// # Errors
///
/// Where there is no such folder.
pub fn free_space(dir: &Path) -> io::Result<u64> {
    let status = rustix::fs::statvfs(dir)?;
    Ok(status.f_bavail.saturating_mul(status.f_frsize))
}
