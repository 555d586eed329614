//! An export of `toomd export --format json`: rooms and messages in order of time, with nothing to be guessed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use toom_core::{Conversation, Message, MessageNumber, Record, RoomCreated, RoomId, Timestamp, UserName};

use super::error::{Faults, ImportError, at_path, changed};
use crate::archive::json::{self, JsonError};
use crate::archive::lines::Lines;
use crate::archive::progress::{Counts, Meter, Progress, Step};

/// How many bytes of the file are held at once.
const BUFFER_BYTES: usize = 256 * 1024;

/// An export that was checked.
#[derive(Debug)]
pub(super) struct Exact {
    path: PathBuf,
}

impl Exact {
    pub(super) fn check(
        path: &Path,
        bytes: u64,
        tell: &mut dyn FnMut(Progress),
    ) -> Result<(Self, Counts), ImportError> {
        let mut lines = Lines::of(path.to_owned(), BUFFER_BYTES);
        let mut faults = Faults::default();
        let told = read_header(&mut lines, &mut faults)?;
        let (mut laws, mut found, mut done) = (Laws::default(), Counts::default(), 0);
        let mut meter = Meter::new(Step::Checking, bytes, tell);
        while let Some(line) = lines.next().map_err(at_path(path))? {
            let fault = match line.map(json::read) {
                Err(no_text) => Some(no_text.to_string()),
                Ok(Err(error)) => Some(error.to_string()),
                Ok(Ok(record)) => {
                    match &record {
                        Record::RoomCreated(_) => found.rooms += 1,
                        Record::Posted(_) => found.messages += 1,
                    }
                    laws.take(&record).err().map(|unlawful| unlawful.to_string())
                }
            };
            if let Some(reason) = fault {
                faults.add(path, lines.number(), &reason);
            }
            meter.add(lines.bytes() - done);
            done = lines.bytes();
        }
        faults.into_result()?;
        meter.finish();
        if found != told {
            let shown = |Counts { rooms, messages }| format!("{messages} messages and {rooms} rooms");
            let (told, found) = (shown(told), shown(found));
            return Err(ImportError::NotWhole { path: path.to_owned(), told, found });
        }
        Ok((Self { path: path.to_owned() }, found))
    }

    pub(super) fn records(&self) -> Result<Records, ImportError> {
        let mut lines = Lines::of(self.path.clone(), BUFFER_BYTES);
        let mut faults = Faults::default();
        read_header(&mut lines, &mut faults)?;
        Ok(Records { lines, laws: Laws::default() })
    }
}

/// Without a first line that tells what the file is, it is not read on.
fn read_header(lines: &mut Lines, faults: &mut Faults) -> Result<Counts, ImportError> {
    let path = lines.path().to_owned();
    let header = match lines.next().map_err(at_path(&path))? {
        Some(Ok(line)) => json::read_header(line),
        Some(Err(_)) | None => Err(JsonError::Header),
    };
    header.map_err(|error| {
        faults.add(&path, 1, &error);
        match core::mem::take(faults).into_result() {
            Err(refused) => refused,
            Ok(()) => changed(&path),
        }
    })
}

/// Reads the file again.
pub(super) struct Records {
    lines: Lines,
    laws: Laws,
}

impl Records {
    pub(super) fn next(&mut self) -> Result<Option<Record>, ImportError> {
        let path = self.lines.path().to_owned();
        let Some(line) = self.lines.next().map_err(at_path(&path))? else { return Ok(None) };
        let record = line.ok().and_then(|line| json::read(line).ok()).ok_or_else(|| changed(&path))?;
        self.laws.take(&record).map_err(|_| changed(&path))?;
        Ok(Some(record))
    }

    pub(super) fn path(&self) -> &Path {
        self.lines.path()
    }
}

/// What an engine gives every store, and a store does not check: rooms and messages numbered without gaps, times that increase, and rooms
/// in which members speak.
#[derive(Debug, Default)]
struct Laws {
    last_at: Option<Timestamp>,
    last_room: Option<RoomId>,
    members: BTreeMap<RoomId, BTreeSet<UserName>>,
    ends: BTreeMap<Conversation, MessageNumber>,
}

/// What a record breaks.
#[derive(Debug, thiserror::Error)]
enum Unlawful {
    #[error("its time is not later than that of the line before")]
    Time,
    #[error("room {found} stands here, and {due} is due")]
    Room { found: RoomId, due: RoomId },
    #[error("a room has members, and none twice")]
    Members,
    #[error("there is no room {room} before this line")]
    NoRoom { room: RoomId },
    #[error("{author} is no member of room {room}")]
    NoMember { author: UserName, room: RoomId },
    #[error("message {found} stands here, and {due} is due")]
    Number { found: MessageNumber, due: MessageNumber },
    #[error(
        "the conversation begins with message {found}, because older ones were gone for good when it was exported; \
         a store cannot begin there"
    )]
    Begin { found: MessageNumber },
}

impl Laws {
    /// Takes a record. One that breaks a law counts all the same, so that one fault is told once.
    fn take(&mut self, record: &Record) -> Result<(), Unlawful> {
        let is_later = self.last_at.is_none_or(|last| record.at() > last);
        self.last_at = self.last_at.max(Some(record.at()));
        let lawful = match record {
            Record::RoomCreated(created) => self.take_room(created),
            Record::Posted(posted) => self.take_message(&posted.message),
        };
        lawful.and(if is_later { Ok(()) } else { Err(Unlawful::Time) })
    }

    fn take_room(&mut self, created: &RoomCreated) -> Result<(), Unlawful> {
        let RoomCreated { room, members, .. } = created;
        let due = self.last_room.map_or(Some(RoomId::FIRST), RoomId::next);
        self.last_room = Some(*room);
        let set: BTreeSet<_> = members.iter().cloned().collect();
        let (named, all) = (members.len(), set.len());
        self.members.insert(*room, set);
        match due {
            Some(due) if due != *room => Err(Unlawful::Room { found: *room, due }),
            _ if all == 0 || named != all => Err(Unlawful::Members),
            _ => Ok(()),
        }
    }

    fn take_message(&mut self, message: &Message) -> Result<(), Unlawful> {
        let Message { conversation, number, author, .. } = message;
        let last = self.ends.insert(*conversation, *number);
        if let Conversation::Room(room) = *conversation {
            let members = self.members.get(&room).ok_or(Unlawful::NoRoom { room })?;
            if !members.contains(author) {
                return Err(Unlawful::NoMember { author: author.clone(), room });
            }
        }
        match (last, MessageNumber::following(last)) {
            (_, due) if due == *number => Ok(()),
            (None, _) => Err(Unlawful::Begin { found: *number }),
            (Some(_), due) => Err(Unlawful::Number { found: *number, due }),
        }
    }
}
