//! What was appended and does not lie in a run yet: in memory, clustered as it will be on disk.

use core::ops::ControlFlow;
use std::collections::BTreeMap;

use crate::rooms::End;
use crate::storage::file::run::{Chunk, Located};
use crate::{Conversation, KeyedRequest, MessageNumber, MessageRef, RoomCreated, Timestamp};

/// Records in the order in which they came: messages by conversation, the others in a row.
#[derive(Debug, Default)]
pub(super) struct Memtable {
    logs: BTreeMap<Conversation, Log>,
    rooms: Vec<RoomCreated>,
    keyed: Vec<KeyedRequest>,
    span: Option<(Timestamp, Timestamp)>,
    bytes: usize,
}

/// The messages of one conversation, in chunks that are not empty.
#[derive(Debug, Default)]
struct Log {
    chunks: Vec<Chunk>,
}

/// What a log costs besides its chunks: its place in the table.
const LOG_BYTES: usize = 96;
/// What a record costs besides its texts, about.
const RECORD_BYTES: usize = 192;

impl Memtable {
    pub(super) fn post(&mut self, message: MessageRef<'_>) {
        let log = self.logs.entry(message.conversation).or_default();
        if log.chunks.is_empty() {
            self.bytes += LOG_BYTES;
        }
        self.bytes += log.post(message);
        self.note_time(message.at);
    }

    pub(super) fn build(&mut self, room: RoomCreated) {
        self.bytes += RECORD_BYTES * room.members.len().max(1);
        self.note_time(room.at);
        self.rooms.push(room);
    }

    pub(super) fn remember(&mut self, request: KeyedRequest) {
        self.bytes += RECORD_BYTES;
        self.keyed.push(request);
    }

    fn note_time(&mut self, at: Timestamp) {
        let first = self.span.map_or(at, |(first, _)| first);
        self.span = Some((first, at));
    }

    /// About how much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The times of its first record and of its last.
    pub(super) fn span(&self) -> Option<(Timestamp, Timestamp)> {
        self.span
    }

    pub(super) fn is_empty(&self) -> bool {
        self.span.is_none()
    }

    pub(super) fn rooms(&self) -> &[RoomCreated] {
        &self.rooms
    }

    pub(super) fn keyed(&self) -> &[KeyedRequest] {
        &self.keyed
    }

    /// All chunks, as they will lie in a run.
    pub(super) fn chunks(&self) -> impl Iterator<Item = &Chunk> {
        self.logs.values().flat_map(|log| &log.chunks)
    }

    /// The last message of every conversation that has one here.
    pub(super) fn ends(&self) -> impl Iterator<Item = (Conversation, End)> {
        self.logs.iter().filter_map(|(conversation, log)| {
            let last = log.chunks.last()?.view();
            Some((*conversation, End { number: last.last_number()?, at: last.last_at()? }))
        })
    }

    /// The number of the first message of `conversation` here.
    pub(super) fn first_number(&self, conversation: Conversation) -> Option<MessageNumber> {
        Some(self.logs.get(&conversation)?.chunks.first()?.view().first_number())
    }

    pub(super) fn locate(&self, conversation: Conversation, since: Timestamp) -> Located {
        self.logs.get(&conversation).map_or(Located::Absent, |log| log.locate(since))
    }

    /// Lends the messages with numbers greater than `after`, in order, and counts `limit` down. Breaks when the visitor does and
    /// when `limit` comes to 0.
    pub(super) fn read(
        &self,
        conversation: Conversation,
        after: Option<MessageNumber>,
        limit: &mut usize,
        visit: &mut impl FnMut(MessageRef<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let Some(log) = self.logs.get(&conversation) else { return ControlFlow::Continue(()) };
        let begin = log.chunks.partition_point(|chunk| chunk.view().last_number() <= after);
        log.chunks.iter().skip(begin).try_for_each(|chunk| chunk.view().visit(after, limit, visit))
    }
}

impl Log {
    /// Takes the message, and tells how much memory it took.
    fn post(&mut self, message: MessageRef<'_>) -> usize {
        let open = self.chunks.pop_if(|chunk| chunk.has_room_for(message.author, message.body));
        let before = open.as_ref().map_or(0, Chunk::heap_bytes);
        let mut chunk = open.unwrap_or_else(|| Chunk::new(message.conversation, message.number));
        chunk.push(message.at, message.author, message.body);
        let grown = chunk.heap_bytes().saturating_sub(before);
        self.chunks.push(chunk);
        grown
    }

    fn locate(&self, since: Timestamp) -> Located {
        let begun = self.chunks.partition_point(|chunk| chunk.view().first_at() <= Some(since));
        let found = begun
            .checked_sub(1)
            .and_then(|last| self.chunks.get(last))
            .and_then(|chunk| chunk.view().last_not_later(since));
        match (found, self.chunks.first()) {
            (Some(number), _) => Located::At(number),
            (None, Some(first)) => Located::AllLater { first: first.view().first_number() },
            (None, None) => Located::Absent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RoomId, UserName};

    #[test]
    fn a_room_takes_memory_for_each_of_its_members() {
        let bytes = |members: usize| {
            let member: UserName = "luke".parse().unwrap();
            let members = vec![member; members].into();
            let mut memtable = Memtable::default();
            memtable.build(RoomCreated { room: RoomId::FIRST, at: Timestamp::MIN, members, key: None });
            memtable.bytes()
        };
        assert_eq!(bytes(100), 100 * bytes(1));
    }
}
