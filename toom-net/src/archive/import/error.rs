//! Why nothing is imported; the words stand here and nowhere else.

use core::fmt;
use std::io;
use std::path::{Path, PathBuf};

use toom_core::{RoomId, StorageError};

/// How many malformed lines are told.
const TOLD_MAX: usize = 20;

/// Why an import was refused or not finished.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The operating system refused.
    #[error("cannot read {path}: {error}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Its reason.
        error: io::Error,
    },
    /// No text logs.
    #[error("{folder} holds no messagelog.txt and no SR_1_messagelog.txt, so there is nothing to import")]
    Nothing {
        /// The folder.
        folder: PathBuf,
    },
    /// Two files of one conversation, whose names differ in case.
    #[error("{path} and {other} are logs of one conversation; leave one of them")]
    Twice {
        /// One.
        path: PathBuf,
        /// The other.
        other: PathBuf,
    },
    /// Lines that cannot be imported: the first twenty, in order of file and line.
    #[error("{}", Told(.lines, .more))]
    Malformed {
        /// The lines.
        lines: Vec<Malformed>,
        /// How many more there are.
        more: u64,
    },
    /// Rooms are numbered without gaps, and this one has no file.
    #[error(
        "there is no SR_{room}_messagelog.txt, and rooms are numbered without gaps; \
         say who the members of room {room} are with --room {room}=NAME,NAME"
    )]
    NoRoom {
        /// The room.
        room: RoomId,
    },
    /// Nobody spoke in this room.
    #[error("nobody spoke in room {room}; say who its members are with --room {room}=NAME,NAME")]
    NoMembers {
        /// The room.
        room: RoomId,
    },
    /// An export says itself who the members are.
    #[error("{path} is an export, which says itself who the members of room {room} are; leave --room out")]
    MembersOfExport {
        /// The file.
        path: PathBuf,
        /// The first room for which members were named.
        room: RoomId,
    },
    /// More lines in the export than its first line says, or fewer.
    #[error("{path} is not whole: its first line tells of {told}, and there are {found}; export it again")]
    NotWhole {
        /// The file.
        path: PathBuf,
        /// What the first line says.
        told: String,
        /// What there is.
        found: String,
    },
    /// A file that was right is not any more.
    #[error("{path} was changed while it was imported")]
    Changed {
        /// The file or folder.
        path: PathBuf,
    },
    /// There are rooms or messages already.
    #[error("the store holds rooms or messages already, and only an empty one can be filled")]
    NotEmpty,
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// A line that cannot be imported.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Malformed {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}: {}", self.path.display(), self.line, self.reason)
    }
}

struct Told<'a>(&'a [Malformed], &'a u64);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(lines, more) = self;
        lines.iter().try_for_each(|malformed| writeln!(f, "{malformed}"))?;
        if **more > 0 {
            writeln!(f, "and {more} more")?;
        }
        f.write_str("nothing was imported")
    }
}

/// Gathers malformed lines.
#[derive(Debug, Default)]
pub(super) struct Faults {
    lines: Vec<Malformed>,
    more: u64,
}

impl Faults {
    pub(super) fn add(&mut self, path: &Path, line: u64, reason: &dyn fmt::Display) {
        if self.lines.len() < TOLD_MAX {
            self.lines.push(Malformed { path: path.to_owned(), line, reason: reason.to_string() });
        } else {
            self.more += 1;
        }
    }

    pub(super) fn into_result(self) -> Result<(), ImportError> {
        let Self { lines, more } = self;
        if lines.is_empty() { Ok(()) } else { Err(ImportError::Malformed { lines, more }) }
    }
}

pub(super) fn at_path(path: &Path) -> impl Fn(io::Error) -> ImportError {
    move |error| ImportError::Io { path: path.to_owned(), error }
}

pub(super) fn changed(path: &Path) -> ImportError {
    ImportError::Changed { path: path.to_owned() }
}
