//! `messagelog.txt` and `SR_1_messagelog.txt`: what was said, appended.

use core::ops::ControlFlow;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use toom_core::{Conversation, History, MessageNumber, StorageError};

use super::end::FileEnd;
use super::{TextLogsError, failed, open_private};
use crate::archive::line::{EntryLine, number_at_start};
use crate::archive::names::file_name;

/// How many bytes are gathered for one call of the system.
const CHUNK_BYTES: usize = 64 * 1024;

/// The files of the conversations.
#[derive(Debug)]
pub(super) struct MessageLogs<H> {
    history: H,
    folder: PathBuf,
    zone: TimeZone,
    /// The ends of the conversations when the server started.
    at_start: BTreeMap<Conversation, MessageNumber>,
    /// Up to which number the files are known to go.
    written: BTreeMap<Conversation, Option<MessageNumber>>,
}

/// Lines that belong together, and the number of the last of them.
#[derive(Default)]
struct Chunk {
    lines: Vec<u8>,
    last: Option<MessageNumber>,
}

impl<H: History> MessageLogs<H> {
    pub(super) fn new(
        folder: &Path,
        zone: TimeZone,
        history: H,
        at_start: BTreeMap<Conversation, MessageNumber>,
    ) -> Self {
        Self { history, folder: folder.to_owned(), zone, at_start, written: BTreeMap::new() }
    }

    /// Appends what the file of `conversation` lacks of the messages up to `end`. After a failure the file is looked at anew.
    pub(super) fn catch_up(
        &mut self,
        conversation: Conversation,
        end: MessageNumber,
        tell: &mut impl FnMut(&str),
    ) -> Result<(), TextLogsError> {
        let path = self.folder.join(file_name(conversation));
        let mut file = open_private(&path, OpenOptions::new().read(true).append(true).create(true))
            .map_err(|error| failed(&path, "open", error))?;
        let mut after = match self.written.remove(&conversation) {
            Some(after) => after,
            None => self.look_at(conversation, &path, &mut file, tell)?,
        };
        while after < Some(end) {
            let chunk = self.chunk(conversation, after)?;
            if chunk.last.is_none() {
                // Retention dropped it meanwhile.
                break;
            }
            append(&mut file, &chunk.lines).map_err(|error| failed(&path, "append to", error))?;
            after = chunk.last;
        }
        self.written.insert(conversation, after);
        Ok(())
    }

    /// Finds out up to which number the file goes, and ends its last line.
    fn look_at(
        &self,
        conversation: Conversation,
        path: &Path,
        file: &mut File,
        tell: &mut impl FnMut(&str),
    ) -> Result<Option<MessageNumber>, TextLogsError> {
        let FileEnd { line, unfinished } =
            FileEnd::read(file).map_err(|error| failed(path, "read", error))?;
        let place = line.as_deref().map(|line| self.place_of(conversation, line)).transpose()?;
        let after = if let Some(None) = place {
            tell(&format!(
                "text logs: the last line of {} is no message of this history; what is posted from now on follows it",
                path.display()
            ));
            self.at_start.get(&conversation).copied()
        } else {
            place.flatten()
        };
        if !unfinished.is_empty() {
            self.mend(conversation, after, file, &unfinished)?;
        }
        Ok(after)
    }

    /// The number of the message that `line` tells of, if that is one of this history.
    fn place_of(
        &self,
        conversation: Conversation,
        line: &[u8],
    ) -> Result<Option<MessageNumber>, StorageError> {
        let Some(number) = core::str::from_utf8(line).ok().and_then(number_at_start) else { return Ok(None) };
        // What is gone cannot be compared.
        let is_gone = number < self.history.floor(conversation)?;
        Ok((is_gone || self.line(conversation, number)? == line).then_some(number))
    }

    /// Ends the line that an interrupted write left. Where it is the beginning of the message that is due, it goes, and is written anew.
    fn mend(
        &self,
        conversation: Conversation,
        after: Option<MessageNumber>,
        file: &mut File,
        unfinished: &[u8],
    ) -> Result<(), TextLogsError> {
        let due = self.line(conversation, MessageNumber::following(after))?;
        let mended = if due.starts_with(unfinished) {
            file.metadata().and_then(|now| file.set_len(now.len() - unfinished.len() as u64))
        } else {
            file.write_all(b"\n")
        };
        mended.map_err(|error| failed(&self.folder.join(file_name(conversation)), "mend", error))
    }

    /// The line of one message, without its end; empty where it is not to be had.
    fn line(&self, conversation: Conversation, number: MessageNumber) -> Result<Vec<u8>, StorageError> {
        let mut line = Vec::new();
        self.history.read(conversation, number.preceding(), 1, |message| {
            if message.number == number {
                line = EntryLine { message, zone: &self.zone }.to_string().into_bytes();
            }
            ControlFlow::Break(())
        })?;
        Ok(line)
    }

    /// The lines that come next.
    fn chunk(&self, conversation: Conversation, after: Option<MessageNumber>) -> Result<Chunk, StorageError> {
        let mut chunk = Chunk::default();
        self.history.read(conversation, after, usize::MAX, |message| {
            // Writing to memory does not fail.
            let _ = writeln!(chunk.lines, "{}", EntryLine { message, zone: &self.zone });
            chunk.last = Some(message.number);
            if chunk.lines.len() < CHUNK_BYTES { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        Ok(chunk)
    }
}

/// Appends all of `lines`, or puts the file back to what it was.
fn append(file: &mut File, lines: &[u8]) -> io::Result<()> {
    let before = file.metadata()?.len();
    file.write_all(lines).inspect_err(|_| {
        // Where this fails too, the next look at the file finds the beginning of a line at its end.
        let _ = file.set_len(before);
    })
}
