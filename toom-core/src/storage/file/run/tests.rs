use core::ops::ControlFlow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::RwLock;

use proptest::prelude::*;

use super::*;
use crate::{Conversation, MessageNumber, MessageRef, RoomId, Timestamp};

mod damage;
mod failing;
mod fetching;
mod merging;
mod reading;
mod runs;
mod salvaging;

const SALT: Salt = Salt::new(0x5a17);

/// A file in memory.
#[derive(Clone, Default)]
struct Bytes(Arc<RwLock<Vec<u8>>>);

impl Bytes {
    fn of(bytes: &[u8]) -> Self {
        Self(Arc::new(RwLock::new(bytes.to_vec())))
    }

    fn copy(&self) -> Vec<u8> {
        self.0.read().unwrap().clone()
    }
}

impl DiskFile for Bytes {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.read().unwrap().len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let offset = usize::try_from(offset).unwrap();
        let bytes = self.0.read().unwrap();
        let found = offset.checked_add(buffer.len()).and_then(|end| bytes.get(offset..end));
        buffer.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut file = self.0.write().unwrap();
        let (start, end) = (usize::try_from(offset).unwrap(), usize::try_from(offset).unwrap() + bytes.len());
        let length = file.len().max(end);
        file.resize(length, 0);
        file[start..end].copy_from_slice(bytes);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

/// A message of the model.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Said {
    conversation: Conversation,
    number: MessageNumber,
    at: Timestamp,
    author: String,
    body: String,
}

impl From<MessageRef<'_>> for Said {
    fn from(message: MessageRef<'_>) -> Self {
        Self {
            conversation: message.conversation,
            number: message.number,
            at: message.at,
            author: message.author.to_owned(),
            body: message.body.to_owned(),
        }
    }
}

fn at(micros: i64) -> Timestamp {
    Timestamp::from_unix_micros(micros).unwrap()
}

fn number(number: u64) -> MessageNumber {
    MessageNumber::new(number).unwrap()
}

fn conversation(room: u32) -> Conversation {
    RoomId::new(room).map_or(Conversation::Broadcast, Conversation::Room)
}

/// What is said at 10, 20, 30, … µs: each time in a room (0 is broadcast) and with so many bytes. The first number of each
/// conversation is 5, as if an older run held the messages before.
fn history(said: impl IntoIterator<Item = (u32, usize)>) -> Vec<Said> {
    let mut counts = BTreeMap::new();
    let say = |((room, bytes), i): ((u32, usize), i64)| {
        let count = counts.entry(room).or_insert(4);
        *count += 1;
        let author = ["ada", "żółw", "eve"][usize::try_from(i % 3).unwrap()].to_owned();
        let body = format!("{i} é ").chars().cycle().take(bytes.max(1)).collect();
        Said { conversation: conversation(room), number: number(*count), at: at(i * 10), author, body }
    };
    said.into_iter().zip(1..).map(say).collect()
}

/// What is said in the room at 10, 20, 30, … µs, one message in each block. `blocks` tells how many bytes each has, a multiple of 8.
fn in_blocks(room: u32, blocks: impl IntoIterator<Item = usize>) -> Vec<Said> {
    let say = |(bytes, i): (usize, i64)| {
        let (conversation, author) = (conversation(room), "ada".to_owned());
        let body = "x".repeat(bytes - 48 - author.len());
        Said { conversation, number: number(i.unsigned_abs()), at: at(i * 10), author, body }
    };
    blocks.into_iter().zip(1..).map(say).collect()
}

fn clustered(history: &[Said]) -> Vec<Said> {
    let mut clustered = history.to_vec();
    clustered.sort_by_key(|said| (said.conversation, said.number));
    clustered
}

fn writer(id: u64) -> (Bytes, RunWriter<Bytes>) {
    let file = Bytes::default();
    (file.clone(), RunWriter::new(file, format!("history-{id}"), SALT, id, 1 << 20))
}

fn put<F: DiskFile>(history: &[Said], writer: &mut RunWriter<F>) -> Result<(), StorageError> {
    let mut chunk: Option<Chunk> = None;
    for said in clustered(history) {
        let fits = chunk.as_ref().is_some_and(|chunk| {
            chunk.view().conversation() == said.conversation && chunk.has_room_for(&said.author, &said.body)
        });
        if !fits && let Some(full) = chunk.replace(Chunk::new(said.conversation, said.number)) {
            writer.push(&full)?;
        }
        chunk.as_mut().unwrap().push(said.at, &said.author, &said.body);
    }
    chunk.map_or(Ok(()), |last| writer.push(&last))
}

fn written(history: &[Said], id: u64) -> (Bytes, RunSummary) {
    let (file, mut writer) = writer(id);
    put(history, &mut writer).unwrap();
    (file, writer.finish().unwrap())
}

fn opened(file: Bytes, summary: RunSummary) -> Result<Run<Bytes>, StorageError> {
    Run::open(file, format!("history-{}", summary.id), SALT, summary, Arc::new(PageCache::new(1 << 20)))
}

fn run(history: &[Said], id: u64) -> Run<Bytes> {
    let (file, summary) = written(history, id);
    opened(file, summary).unwrap()
}

fn read(
    run: &Run<Bytes>,
    conversation: Conversation,
    after: Option<MessageNumber>,
    mut limit: usize,
) -> Result<Vec<Said>, StorageError> {
    let mut told = Vec::new();
    run.read(conversation, after, &mut limit, &mut |message| {
        told.push(Said::from(message));
        ControlFlow::Continue(())
    })
    .map(|_| told)
}

/// All messages, and how many blocks they lie in.
fn checked(run: &Run<Bytes>) -> Result<(Vec<Said>, usize), StorageError> {
    let (mut told, mut blocks) = (Vec::new(), 0);
    run.check(|view| {
        blocks += 1;
        let mut limit = usize::MAX;
        let _ = view.visit(None, &mut limit, &mut |message| {
            told.push(Said::from(message));
            ControlFlow::Continue(())
        });
        Ok(())
    })?;
    Ok((told, blocks))
}
