//! The frames of a state file.

use std::sync::Arc;

use super::{State, StateFile, StateSummary};
use crate::rooms::End;
use crate::storage::file::bytes::{Put, Take};
use crate::storage::file::disk::DiskFile;
use crate::storage::file::fault::{failed, of_write};
use crate::storage::file::record_bytes::{Names, RecordRef, put_room_created};
use crate::{
    Answered, Conversation, Fingerprint, IdempotencyKey, KeyedRequest, MessageNumber, RoomCreated,
    StorageError,
};

pub(super) const CHECKSUM_BYTES: usize = 8;
pub(super) const HEAD_BYTES: usize = 32;

const ANSWERED_POST: u8 = 1;
const ANSWERED_ROOM: u8 = 2;

/// Writes frames behind what counts of a state file.
pub(super) struct Builder<'a, F> {
    onto: &'a StateFile<F>,
    summary: StateSummary,
    frame_bytes: usize,
    counts: Counts,
    body: Vec<u8>,
}

#[derive(Default)]
struct Counts {
    rooms: u32,
    ends: u32,
    keyed: u32,
}

impl<'a, F: DiskFile> Builder<'a, F> {
    pub(super) fn new(onto: &'a StateFile<F>, frame_bytes: usize) -> Self {
        Self { onto, summary: onto.summary, frame_bytes, counts: Counts::default(), body: Vec::new() }
    }

    pub(super) fn room(&mut self, room: &RoomCreated) -> Result<(), StorageError> {
        // What was in the journal has no more members than can be told.
        put_room_created(room, &mut self.body)
            .ok_or_else(|| self.onto.corrupt(0, "a room has too many members"))?;
        self.counts.rooms += 1;
        self.write_if_full()
    }

    pub(super) fn end(&mut self, conversation: Conversation, end: End) -> Result<(), StorageError> {
        self.body.put_conversation(conversation);
        self.body.put_u64(end.number.get());
        self.body.put_i64(end.at.unix_micros());
        self.counts.ends += 1;
        self.write_if_full()
    }

    pub(super) fn keyed(&mut self, request: &KeyedRequest) -> Result<(), StorageError> {
        let (user, key) = (request.user.as_str(), request.key.as_str());
        let (kind, conversation, number) = match request.answer {
            Answered::Posted { conversation, number } => (ANSWERED_POST, conversation, number.get()),
            Answered::RoomCreated { room } => (ANSWERED_ROOM, Conversation::Room(room), 0),
        };
        self.body.put_u8(kind);
        self.body.put_u8(u8::try_from(user.len()).expect("a name is short"));
        self.body.put_u8(u8::try_from(key.len()).expect("a key is short"));
        self.body.put_i64(request.at.unix_micros());
        self.body.put_bytes(&request.request.bits().to_le_bytes());
        self.body.put_conversation(conversation);
        self.body.put_u64(number);
        self.body.put_bytes(user.as_bytes());
        self.body.put_bytes(key.as_bytes());
        self.counts.keyed += 1;
        self.write_if_full()
    }

    /// Writes what is left, and syncs.
    pub(super) fn finish(mut self) -> Result<StateFile<F>, StorageError> {
        if !self.body.is_empty() {
            self.write()?;
        }
        let StateFile { file, shown, salt, .. } = self.onto;
        file.sync().map_err(|error| failed(shown.clone(), "sync it", error))?;
        Ok(StateFile { file: Arc::clone(file), shown: shown.clone(), salt: *salt, summary: self.summary })
    }

    fn write_if_full(&mut self) -> Result<(), StorageError> {
        if self.body.len() < self.frame_bytes { Ok(()) } else { self.write() }
    }

    fn write(&mut self) -> Result<(), StorageError> {
        let body = core::mem::take(&mut self.body);
        let counts = core::mem::take(&mut self.counts);
        let mut checked = Vec::with_capacity(HEAD_BYTES + body.len());
        checked.put_u64(self.summary.chain);
        checked.put_u32(u32::try_from(body.len()).expect("a frame is some MiB"));
        checked.put_u32(counts.rooms);
        checked.put_u32(counts.ends);
        checked.put_u32(counts.keyed);
        checked.put_bytes(&body);
        let checksum = self.onto.salt.checksum(&checked);
        let mut frame = Vec::with_capacity(CHECKSUM_BYTES + checked.len());
        frame.put_u64(checksum);
        frame.put_bytes(&checked);

        let write = self.onto.file.write_at(&frame, self.summary.bytes);
        write.map_err(|error| of_write(self.onto.shown.clone(), "write it", error))?;
        self.summary.bytes += frame.len() as u64;
        self.summary.chain = checksum;
        Ok(())
    }
}

/// The frame at `offset`, which follows the one with the checksum `chain`, and its own checksum.
pub(super) fn read<F: DiskFile>(
    of: &StateFile<F>,
    offset: u64,
    chain: u64,
) -> Result<(Vec<u8>, u64), StorageError> {
    let ends_early = || of.corrupt(offset, "a frame ends early");
    let left = of.summary.bytes - offset;
    let mut frame = vec![0; HEAD_BYTES];
    if left < HEAD_BYTES as u64 {
        return Err(ends_early());
    }
    let read = |buffer: &mut [u8], offset| {
        of.file.read_at(buffer, offset).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => ends_early(),
            _ => failed(of.shown.clone(), "read it", error),
        })
    };
    read(&mut frame, offset)?;
    let mut head = Take::new(&frame);
    let (checksum, follows, body_bytes) =
        (|| Some((head.u64()?, head.u64()?, head.u32()?)))().ok_or_else(ends_early)?;
    if u64::from(body_bytes) > left - HEAD_BYTES as u64 {
        return Err(of.corrupt(offset, "a frame is longer than the file"));
    }
    let bytes = usize::try_from(body_bytes).map_err(|_| ends_early())?;
    frame.resize(HEAD_BYTES + bytes, 0);
    let (_, body) = frame.split_at_mut(HEAD_BYTES);
    read(body, offset + HEAD_BYTES as u64)?;
    let checked = frame.get(CHECKSUM_BYTES..).unwrap_or_default();
    if checksum != of.salt.checksum(checked) || follows != chain {
        return Err(of.corrupt(offset, "the checksum of a frame is wrong"));
    }
    Ok((frame, checksum))
}

/// Adds what the frame says; `None` if it makes no sense.
pub(super) fn apply(frame: &[u8], state: &mut State, names: &mut Names) -> Option<()> {
    let mut take = Take::new(frame.get(CHECKSUM_BYTES + 8 + 4..)?);
    let (rooms, ends, keyed) = (take.u32()?, take.u32()?, take.u32()?);
    for _ in 0..rooms {
        let RecordRef::RoomCreated(room) = RecordRef::take(&mut take)? else { return None };
        state.rooms.push(room.own(names).ok()?);
    }
    for _ in 0..ends {
        let conversation = take.conversation()?;
        let (number, at) = (take.number()?, take.time()?);
        state.ends.insert(conversation, End { number, at });
    }
    for _ in 0..keyed {
        state.keyed.remember(request(&mut take, names)?);
    }
    take.is_empty().then_some(())
}

fn request(take: &mut Take<'_>, names: &mut Names) -> Option<KeyedRequest> {
    let kind = take.u8()?;
    let (user_bytes, key_bytes) = (take.u8()?, take.u8()?);
    let at = take.time()?;
    let request = u128::from_le_bytes(take.bytes(16)?.try_into().ok()?);
    let (conversation, number) = (take.conversation()?, take.u64()?);
    let answer = match (kind, conversation) {
        (ANSWERED_POST, conversation) => {
            Answered::Posted { conversation, number: MessageNumber::new(number)? }
        }
        (ANSWERED_ROOM, Conversation::Room(room)) => Answered::RoomCreated { room },
        _ => return None,
    };
    Some(KeyedRequest {
        user: names.parse(take.text(usize::from(user_bytes))?).ok()?,
        key: IdempotencyKey::parse(take.text(usize::from(key_bytes))?).ok()?,
        at,
        request: Fingerprint::from_bits(request),
        answer,
    })
}
