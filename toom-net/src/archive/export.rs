//! A store's history, written to files.

use core::ops::ControlFlow;
use std::collections::BTreeSet;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use toom_core::{Conversation, MessageNumber, RoomCreated, Storage, StorageError};

use super::json::{self, Header, JsonLine};
use super::line::EntryLine;
use super::merge::{Kept, Merge};
use super::names::file_name;
use super::private;
use super::progress::{Counts, Meter, Progress, Step};
use unfinished::Unfinished;

mod unfinished;

/// Why an export was not finished.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// A file of that name is there already. Nothing was written.
    #[error("{path} is there already; name an empty folder, or move the file away")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("cannot {doing} {path}: {error}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// Its reason.
        error: io::Error,
    },
    /// What was to take the lines took no more.
    #[error("cannot write: {0}")]
    Write(io::Error),
    /// The store cannot be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// What is to be exported: the rooms, and for each conversation its last number and how many messages are kept.
struct Contents {
    rooms: Vec<RoomCreated>,
    conversations: BTreeSet<Conversation>,
    counts: Counts,
}

impl Contents {
    fn of<S: Storage>(store: &mut S) -> Result<Self, StorageError> {
        let recovered = store.recover()?;
        let mut contents =
            Self { rooms: recovered.rooms, conversations: BTreeSet::new(), counts: Counts::default() };
        for tail in recovered.tails {
            let before = store.floor(tail.conversation)?.preceding().map_or(0, MessageNumber::get);
            contents.counts.messages += tail.number.get().saturating_sub(before);
            contents.conversations.insert(tail.conversation);
        }
        contents.counts.rooms = contents.rooms.len() as u64;
        Ok(contents)
    }
}

/// Writes the text logs of `store` into `folder`, which is made if need be: one file for each conversation, with the times that clocks in
/// `zone` show, down to the second. Who the members of rooms are is not in them.
///
/// # Errors
/// [`ExportError`]; it is found before anything is written that a file is there already. What was written is removed again.
pub fn export_text<S: Storage>(
    store: &mut S,
    folder: &Path,
    zone: &TimeZone,
    tell: &mut dyn FnMut(Progress),
) -> Result<Counts, ExportError> {
    let Contents { rooms, conversations, counts } = Contents::of(store)?;
    // A room where nobody spoke has a file, too: it shows that there is no gap.
    let rooms = rooms.iter().map(|created| Conversation::Room(created.room));
    let files: BTreeSet<_> =
        conversations.into_iter().chain(rooms).chain([Conversation::Broadcast]).collect();
    let path = |conversation: Conversation| folder.join(file_name(conversation));
    if let Some(path) =
        files.iter().map(|conversation| path(*conversation)).find(|path| path.symlink_metadata().is_ok())
    {
        return Err(ExportError::Exists { path });
    }
    private::folder(&mut DirBuilder::new())
        .create(folder)
        .map_err(|error| failed(folder, "make the folder", error))?;
    let mut meter = Meter::new(Step::Exporting, counts.messages, tell);
    let mut made = Unfinished::default();
    for conversation in files {
        made.write(&path(conversation), |out| write_log(store, conversation, zone, out, &mut meter))?;
    }
    made.keep();
    meter.finish();
    Ok(counts)
}

fn write_log<S: Storage>(
    store: &S,
    conversation: Conversation,
    zone: &TimeZone,
    out: &mut impl Write,
    meter: &mut Meter<'_>,
) -> Result<(), ExportError> {
    let mut written = Ok(());
    store.read(conversation, None, usize::MAX, |message| {
        written = writeln!(out, "{}", EntryLine { message, zone });
        meter.add(1);
        if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    written.map_err(ExportError::Write)
}

/// Creates a file for its owner alone, where none is.
///
/// # Errors
/// [`ExportError::Exists`], or the system's reason.
pub fn create_file(path: &Path) -> Result<File, ExportError> {
    private::file(OpenOptions::new().write(true).create_new(true)).open(path).map_err(|error| {
        match error.kind() {
            io::ErrorKind::AlreadyExists => ExportError::Exists { path: path.to_owned() },
            _ => failed(path, "create", error),
        }
    })
}

/// Writes what [`export_json`] does to a new file for its owner alone.
///
/// # Errors
/// [`ExportError`]; what was written is removed again.
pub fn export_json_file<S: Storage>(
    store: &mut S,
    path: &Path,
    tell: &mut dyn FnMut(Progress),
) -> Result<Counts, ExportError> {
    let mut made = Unfinished::default();
    let counts = made.write(path, |out| export_json(store, out, tell))?;
    made.keep();
    Ok(counts)
}

/// Writes everything that `store` keeps but the idempotency keys as lines of JSON, in order of time, to be read by
/// [`Import`](super::Import): how much there is, then rooms and messages.
///
/// # Errors
/// [`ExportError`].
pub fn export_json<S: Storage>(
    store: &mut S,
    out: &mut impl Write,
    tell: &mut dyn FnMut(Progress),
) -> Result<Counts, ExportError> {
    let Contents { rooms, conversations, counts } = Contents::of(store)?;
    let mut meter = Meter::new(Step::Exporting, counts.messages, tell);
    json::write(out, &JsonLine::Toom(Header::new(counts))).map_err(ExportError::Write)?;
    let mut rooms = rooms.iter().peekable();
    let mut messages = Merge::new(store, conversations)?;
    loop {
        let message = messages.next()?;
        let before = |room: &&RoomCreated| message.as_ref().is_none_or(|(_, Kept { at, .. })| room.at < *at);
        while let Some(created) = rooms.next_if(before) {
            json::write(out, &JsonLine::room(created)).map_err(ExportError::Write)?;
        }
        let Some((conversation, kept)) = message else { break };
        json::write(out, &JsonLine::message(kept.view(conversation))).map_err(ExportError::Write)?;
        meter.add(1);
    }
    meter.finish();
    out.flush().map_err(ExportError::Write)?;
    Ok(counts)
}

fn failed(path: &Path, doing: &'static str, error: io::Error) -> ExportError {
    ExportError::Io { path: path.to_owned(), doing, error }
}

#[cfg(test)]
mod tests;
