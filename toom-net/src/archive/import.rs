//! Text logs, or an export, read into an empty store.
//!
//! Everything is read twice: once to see whether it can be imported, and then, when nothing can go wrong with it any more, into the store.
//!
//! * Text logs say only what a clock showed, to the second, and who spoke. Messages of one second are spread over its microseconds, in
//!   order of number, and messages of all files are put in order of time. The members of a room are those who are named for it, and
//!   those who spoke there. A room was built just before the first message that it, or a later room, has.
//! * An export is imported exactly.

mod error;
mod exact;
mod logs;

use std::collections::BTreeMap;
use std::path::Path;

use jiff::tz::TimeZone;
use toom_core::{Record, RoomId, Storage, UserName};

pub use self::error::{ImportError, Malformed};
use self::error::{at_path, changed};
use self::exact::Exact;
use self::logs::Logs;
use super::progress::{Counts, Meter, Progress, Step};

/// How many records are stored by one append.
const BATCH: usize = 1024;

/// What text logs do not say.
#[derive(Clone, Debug)]
pub struct ImportOptions {
    /// The zone of the clocks that they tell.
    pub zone: TimeZone,
    /// Members of rooms, who built it first.
    pub members: BTreeMap<RoomId, Vec<UserName>>,
}

/// What can be imported: it was read once, and everything in it is right.
#[derive(Debug)]
pub struct Import {
    source: Source,
    counts: Counts,
    notices: Vec<String>,
}

/// What was imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imported {
    /// How much.
    pub counts: Counts,
    /// How many messages have a time of a later second than their line says, because a line before says a later one.
    pub moved: u64,
}

/// Where records come from.
#[derive(Debug)]
enum Source {
    Logs(Logs),
    Exact(Exact),
}

impl Import {
    /// Reads `from`, a folder with text logs or a file that [`export_json`](super::export_json) wrote, and changes nothing.
    ///
    /// # Errors
    /// [`ImportError`]; of malformed lines it names the first twenty.
    pub fn check(
        from: &Path,
        options: &ImportOptions,
        tell: &mut dyn FnMut(Progress),
    ) -> Result<Self, ImportError> {
        let metadata = from.metadata().map_err(at_path(from))?;
        if metadata.is_dir() {
            let (logs, counts, notices) = Logs::check(from, options, tell)?;
            return Ok(Self { source: Source::Logs(logs), counts, notices });
        }
        if let Some(room) = options.members.keys().next() {
            return Err(ImportError::MembersOfExport { path: from.to_owned(), room: *room });
        }
        let (exact, counts) = Exact::check(from, metadata.len(), tell)?;
        Ok(Self { source: Source::Exact(exact), counts, notices: Vec::new() })
    }

    /// How much there is to import.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// What whoever imports should know, a line each.
    #[must_use]
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// Puts everything into `store`, which must have no rooms and no messages.
    ///
    /// # Errors
    /// [`ImportError::NotEmpty`] before anything is stored; after any other the store may hold a part.
    pub fn run<S: Storage>(
        self,
        store: &mut S,
        tell: &mut dyn FnMut(Progress),
    ) -> Result<Imported, ImportError> {
        let found = store.recover()?;
        if !found.rooms.is_empty() || !found.tails.is_empty() {
            return Err(ImportError::NotEmpty);
        }
        let Self { source, counts, .. } = self;
        let mut records = Records::open(&source)?;
        let mut batch = Vec::with_capacity(BATCH);
        let mut stored = Counts::default();
        let mut meter = Meter::new(Step::Importing, counts.messages, tell);
        while let Some(record) = records.next()? {
            match &record {
                Record::RoomCreated(_) => stored.rooms += 1,
                Record::Posted(_) => stored.messages += 1,
            }
            meter.add(u64::from(matches!(record, Record::Posted(_))));
            batch.push(record);
            if batch.len() == BATCH {
                store.append(&batch)?;
                batch.clear();
            }
        }
        if stored != counts {
            return Err(changed(records.path()));
        }
        if !batch.is_empty() {
            store.append(&batch)?;
        }
        meter.finish();
        Ok(Imported { counts, moved: records.moved() })
    }
}

/// The records of a source that was checked, in order.
enum Records<'s> {
    Logs(logs::Records<'s>),
    Exact(exact::Records),
}

impl<'s> Records<'s> {
    fn open(source: &'s Source) -> Result<Self, ImportError> {
        Ok(match source {
            Source::Logs(logs) => Self::Logs(logs.records()?),
            Source::Exact(exact) => Self::Exact(exact.records()?),
        })
    }

    fn next(&mut self) -> Result<Option<Record>, ImportError> {
        match self {
            Self::Logs(records) => records.next(),
            Self::Exact(records) => records.next(),
        }
    }

    fn moved(&self) -> u64 {
        match self {
            Self::Logs(records) => records.moved(),
            Self::Exact(_) => 0,
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Logs(records) => records.folder(),
            Self::Exact(records) => records.path(),
        }
    }
}

#[cfg(test)]
mod tests;
