//! Text logs: what they say, and what has to be made up for what they do not say.

mod clock;
mod file;

use core::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use toom_core::{Conversation, Message, Posted, Record, RoomCreated, RoomId, Timestamp, UserName};

use self::file::LogFile;
use super::ImportOptions;
use super::error::{Faults, ImportError, at_path, changed};
use crate::archive::names::conversation_of;
use crate::archive::progress::{Counts, Meter, Progress, Step};

/// How many bytes of all files are held at once, but for the line of each that comes next.
const HELD_BYTES: usize = 64 * 1024 * 1024;
/// How many of them one file holds.
const BUFFER_BYTES: core::ops::RangeInclusive<usize> = 512..=256 * 1024;
/// When rooms were built of which nothing is known, where no message tells a time: 1970-01-01T00:00:00Z.
const NO_TIME: Timestamp = Timestamp::from_unix_micros(0).expect("1970 lies in the years 0000 to 9999");
const MICROS_A_SECOND: i64 = 1_000_000;

/// Logs that were checked.
#[derive(Debug)]
pub(super) struct Logs {
    folder: PathBuf,
    files: BTreeMap<Conversation, PathBuf>,
    rooms: Vec<Room>,
    zone: TimeZone,
}

/// A room, as it will be built.
#[derive(Debug)]
struct Room {
    id: RoomId,
    /// Not later than its first message.
    at: Option<Timestamp>,
    members: Vec<UserName>,
}

impl Room {
    /// Whether it is to be built before the message of the time `next`. One in which nothing was said is built behind all messages.
    fn is_due(&self, next: Option<Timestamp>) -> bool {
        next.is_none_or(|next| self.at.is_some_and(|at| at <= next))
    }
}

/// What the log of a room says of it.
#[derive(Debug, Default)]
struct Spoken {
    authors: Vec<UserName>,
    first_at: Option<Timestamp>,
}

impl Logs {
    pub(super) fn check(
        folder: &Path,
        options: &ImportOptions,
        tell: &mut dyn FnMut(Progress),
    ) -> Result<(Self, Counts, Vec<String>), ImportError> {
        let (files, bytes) = find(folder)?;
        let mut meter = Meter::new(Step::Checking, bytes, tell);
        let (mut faults, mut messages) = (Faults::default(), 0);
        let mut said = BTreeMap::new();
        for (conversation, path) in &files {
            let spoken = read_through(path, &options.zone, &mut faults, &mut messages, &mut meter)?;
            if let Conversation::Room(room) = conversation {
                said.insert(*room, spoken);
            }
        }
        faults.into_result()?;
        meter.finish();
        let (rooms, notices) = rooms(said, &options.members)?;
        let counts = Counts { rooms: rooms.len() as u64, messages };
        let (folder, zone) = (folder.to_owned(), options.zone.clone());
        Ok((Self { folder, files, rooms, zone }, counts, notices))
    }

    pub(super) fn records(&self) -> Result<Records<'_>, ImportError> {
        let buffer_bytes = HELD_BYTES / self.files.len().max(1);
        let buffer_bytes = buffer_bytes.clamp(*BUFFER_BYTES.start(), *BUFFER_BYTES.end());
        let mut records = Records {
            logs: self,
            rooms: self.rooms.iter(),
            files: BTreeMap::new(),
            due: BinaryHeap::new(),
            last_at: None,
            moved: 0,
        };
        for (conversation, path) in &self.files {
            let file = LogFile::open(path.clone(), buffer_bytes, &self.zone);
            records.files.insert(*conversation, (file, None));
            records.advance(*conversation)?;
        }
        Ok(records)
    }
}

/// The message logs in `folder`, and how many bytes they have.
fn find(folder: &Path) -> Result<(BTreeMap<Conversation, PathBuf>, u64), ImportError> {
    let (mut files, mut bytes) = (BTreeMap::new(), 0);
    for entry in folder.read_dir().map_err(at_path(folder))? {
        let path = entry.map_err(at_path(folder))?.path();
        let Some(conversation) = path.file_name().and_then(|name| conversation_of(name.to_str()?)) else {
            continue;
        };
        let metadata = path.metadata().map_err(at_path(&path))?;
        if !metadata.is_file() {
            continue;
        }
        bytes += metadata.len();
        if let Some(other) = files.insert(conversation, path.clone()) {
            return Err(ImportError::Twice { path, other });
        }
    }
    if files.is_empty() {
        return Err(ImportError::Nothing { folder: folder.to_owned() });
    }
    Ok((files, bytes))
}

/// Reads a log to its end, and gathers what is wrong with it.
fn read_through(
    path: &Path,
    zone: &TimeZone,
    faults: &mut Faults,
    messages: &mut u64,
    meter: &mut Meter<'_>,
) -> Result<Spoken, ImportError> {
    let mut file = LogFile::open(path.to_owned(), *BUFFER_BYTES.end(), zone);
    let (mut spoken, mut known, mut done) = (Spoken::default(), BTreeSet::new(), 0);
    while let Some(line) = file.next()? {
        match line {
            Ok(said) => {
                *messages += 1;
                spoken.first_at = spoken.first_at.or(Some(said.at));
                if known.insert(said.entry.author.clone()) {
                    spoken.authors.push(said.entry.author);
                }
            }
            Err(reason) => faults.add(path, file.line(), &reason),
        }
        meter.add(file.bytes() - done);
        done = file.bytes();
    }
    Ok(spoken)
}

/// All rooms, without a gap, and what should be known of them.
fn rooms(
    mut said: BTreeMap<RoomId, Spoken>,
    named: &BTreeMap<RoomId, Vec<UserName>>,
) -> Result<(Vec<Room>, Vec<String>), ImportError> {
    for room in named.keys() {
        said.entry(*room).or_default();
    }
    let (mut rooms, mut notices) = (Vec::with_capacity(said.len()), Vec::new());
    let mut due = Some(RoomId::FIRST);
    let mut by_members: BTreeMap<BTreeSet<UserName>, RoomId> = BTreeMap::new();
    for (id, Spoken { authors, first_at }) in said {
        if let Some(room) = due.filter(|due| *due != id) {
            return Err(ImportError::NoRoom { room });
        }
        due = id.next();
        let mut members: Vec<UserName> = Vec::new();
        let mut set = BTreeSet::new();
        for name in named.get(&id).into_iter().flatten().cloned().chain(authors) {
            if set.insert(name.clone()) {
                members.push(name);
            }
        }
        match members.as_slice() {
            [] => return Err(ImportError::NoMembers { room: id }),
            [only] => notices.push(format!(
                "nobody but {only} spoke in room {id}, so {only} is its only member; --room {id}=NAME,NAME names others"
            )),
            _ => {}
        }
        if let Some(other) = by_members.insert(set, id) {
            notices.push(format!(
                "the rooms {other} and {id} have the same members, those who spoke there; --room {id}=NAME,NAME names others"
            ));
        }
        rooms.push(Room { id, at: first_at, members });
    }
    // A room was built before each room of a higher number, and so before what was said there.
    let mut at = None;
    for room in rooms.iter_mut().rev() {
        at = room.at.into_iter().chain(at).min();
        room.at = at;
    }
    Ok((rooms, notices))
}

/// The records that logs make, in order of time.
pub(super) struct Records<'l> {
    logs: &'l Logs,
    rooms: std::slice::Iter<'l, Room>,
    files: BTreeMap<Conversation, (LogFile<'l>, Option<file::Said>)>,
    /// The conversations that have messages left, by the time of the next.
    due: BinaryHeap<Reverse<(Timestamp, Conversation)>>,
    last_at: Option<Timestamp>,
    moved: u64,
}

impl Records<'_> {
    pub(super) fn next(&mut self) -> Result<Option<Record>, ImportError> {
        let next = self.due.peek().map(|Reverse((at, _))| *at);
        let room = self.rooms.as_slice().first();
        if let Some(Room { id, at, members }) = room.filter(|room| room.is_due(next)) {
            self.rooms.next();
            let at = self.stamp(at.or(self.last_at).unwrap_or(NO_TIME))?;
            let created = RoomCreated { room: *id, at, members: members.as_slice().into(), key: None };
            return Ok(Some(Record::RoomCreated(created)));
        }
        let Some(Reverse((at, conversation))) = self.due.pop() else { return Ok(None) };
        let said = self.files.get_mut(&conversation).and_then(|(_, said)| said.take());
        let Some(file::Said { entry, told, .. }) = said else { return Ok(None) };
        let at = self.stamp(at)?;
        self.moved += u64::from(at.unix_micros() - told.unix_micros() >= MICROS_A_SECOND);
        self.advance(conversation)?;
        let message =
            Message { conversation, number: entry.number, at, author: entry.author, body: entry.body };
        Ok(Some(Record::Posted(Posted { message, key: None })))
    }

    /// How many messages have a later second than they tell.
    pub(super) fn moved(&self) -> u64 {
        self.moved
    }

    pub(super) fn folder(&self) -> &Path {
        &self.logs.folder
    }

    /// `at`, or the first microsecond that is not taken.
    fn stamp(&mut self, at: Timestamp) -> Result<Timestamp, ImportError> {
        let free = match self.last_at {
            None => at,
            // The logs were right when they were checked: at the end of time they are not.
            Some(last) => last.next().ok_or_else(|| changed(&self.logs.folder))?.max(at),
        };
        self.last_at = Some(free);
        Ok(free)
    }

    /// Reads the next message of a conversation.
    fn advance(&mut self, conversation: Conversation) -> Result<(), ImportError> {
        let Some((file, said)) = self.files.get_mut(&conversation) else { return Ok(()) };
        *said = match file.next()? {
            None => return Ok(()),
            Some(Ok(said)) => Some(said),
            Some(Err(_)) => return Err(changed(file.path())),
        };
        self.due.extend(said.as_ref().map(|said| Reverse((said.at, conversation))));
        Ok(())
    }
}
