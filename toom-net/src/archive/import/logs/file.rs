//! One log, line by line.

use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use toom_core::{MessageNumber, Timestamp};

use super::clock::Clock;
use crate::archive::import::error::{ImportError, at_path};
use crate::archive::line::{Entry, EntryError};
use crate::archive::lines::{Lines, NoText};

/// A log that is read.
#[derive(Debug)]
pub(super) struct LogFile<'z> {
    lines: Lines,
    clock: Clock<'z>,
    last: Option<MessageNumber>,
}

/// What a line says.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) entry: Entry,
    /// The time that it tells.
    pub(super) told: Timestamp,
    /// That time, or the latest that was told before.
    pub(super) at: Timestamp,
}

/// Why a line cannot be imported.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(transparent)]
    NoText(#[from] NoText),
    #[error(transparent)]
    Entry(#[from] EntryError),
    #[error("message {found} stands here, and {due} is due")]
    Number { found: MessageNumber, due: MessageNumber },
    #[error("the time lies outside the years 0000 to 9999")]
    Time,
}

impl<'z> LogFile<'z> {
    pub(super) fn open(path: PathBuf, buffer_bytes: usize, zone: &'z TimeZone) -> Self {
        Self { lines: Lines::of(path, buffer_bytes), clock: Clock::new(zone), last: None }
    }

    /// The next line.
    pub(super) fn next(&mut self) -> Result<Option<Result<Said, Fault>>, ImportError> {
        let path = self.lines.path().to_owned();
        let line = self.lines.next().map_err(at_path(&path))?;
        Ok(line
            .map(|line| line.map_err(Fault::from).and_then(|line| Ok(Entry::parse(line)?)))
            .map(|entry| self.place(entry)))
    }

    /// Puts a line behind those before it. One that is out of its place counts all the same, so that a gap is told once.
    fn place(&mut self, entry: Result<Entry, Fault>) -> Result<Said, Fault> {
        let due = MessageNumber::following(self.last);
        let entry = match entry {
            Ok(entry) => entry,
            Err(fault) => {
                self.last = Some(due);
                return Err(fault);
            }
        };
        self.last = Some(entry.number);
        if entry.number != due {
            return Err(Fault::Number { found: entry.number, due });
        }
        let (told, at) = self.clock.read(entry.clock).ok_or(Fault::Time)?;
        Ok(Said { entry, told, at })
    }

    pub(super) fn path(&self) -> &Path {
        self.lines.path()
    }

    /// The number of the line that was read last.
    pub(super) fn line(&self) -> u64 {
        self.lines.number()
    }

    /// How many bytes were read.
    pub(super) fn bytes(&self) -> u64 {
        self.lines.bytes()
    }
}
