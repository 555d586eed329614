//! A store for replays: it begins as the recorded one did, keeps no more of what is posted than fits a bound, and fails when the
//! recorded one failed.

use core::ops::ControlFlow;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use toom_core::{
    Conversation, Epoch, History, Message, MessageNumber, MessageRef, Record, Recovered, Storage,
    StorageError, Timestamp,
};

use crate::server::recording::items::Fault;

/// How many bytes of messages are kept for pages. Older ones go: pages that need them cannot be compared.
const KEPT_BYTES_MAX: usize = 64 << 20;
/// What a message takes beside its text, and a little more.
const MESSAGE_BYTES: usize = 256;

/// The store, and its readers.
#[derive(Clone, Debug)]
pub(super) struct ReplayStore(Arc<Mutex<Kept>>);

#[derive(Debug)]
struct Kept {
    epoch: Epoch,
    /// What there was at first; taken when the engine is opened.
    recovered: Recovered,
    logs: BTreeMap<Conversation, Log>,
    /// Where the kept messages are, in the order in which they came.
    order: VecDeque<Conversation>,
    bytes: usize,
    bytes_max: usize,
    fault: Option<Fault>,
    unreserved: Option<Fault>,
}

/// The latest messages of a conversation.
#[derive(Debug, Default)]
struct Log {
    messages: VecDeque<Message>,
    /// Whether there were others before.
    has_gap: bool,
}

impl ReplayStore {
    pub(super) fn new(epoch: Epoch, recovered: Recovered) -> Self {
        Self::keeping(KEPT_BYTES_MAX, epoch, recovered)
    }

    fn keeping(bytes_max: usize, epoch: Epoch, recovered: Recovered) -> Self {
        let gap = || Log { messages: VecDeque::new(), has_gap: true };
        let logs = recovered.tails.iter().map(|tail| (tail.conversation, gap())).collect();
        let (order, fault, unreserved) = (VecDeque::new(), None, None);
        let kept = Kept { epoch, recovered, logs, order, bytes: 0, bytes_max, fault, unreserved };
        Self(Arc::new(Mutex::new(kept)))
    }

    /// What comes of the next append, and of reserving stamps.
    pub(super) fn fail(&self, fault: Option<Fault>, unreserved: Option<Fault>) {
        let mut kept = self.kept();
        kept.fault = fault;
        kept.unreserved = unreserved;
    }

    // Nothing that holds the lock can panic half way through a change.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failed(what: &'static str) -> StorageError {
    StorageError::Corrupt { thing: "the recorded store".to_owned(), offset: 0, what }
}

fn refusal(fault: Fault) -> Result<(), StorageError> {
    Err(match fault {
        Fault::Full => StorageError::Full { thing: "the recorded store".to_owned(), action: "write" },
        Fault::Failed => failed("a write failed"),
    })
}

fn not_kept() -> StorageError {
    failed("the recording does not hold what was posted before it")
}

impl Kept {
    fn push(&mut self, message: Message) {
        self.bytes += cost(&message);
        self.order.push_back(message.conversation);
        self.logs.entry(message.conversation).or_default().messages.push_back(message);
        while self.bytes > self.bytes_max
            && let Some(log) = self.order.pop_front().and_then(|of| self.logs.get_mut(&of))
        {
            log.has_gap = true;
            self.bytes -= log.messages.pop_front().as_ref().map_or(0, cost);
        }
    }
}

fn cost(message: &Message) -> usize {
    message.body.as_str().len() + MESSAGE_BYTES
}

impl Storage for ReplayStore {
    type Reader = Self;

    fn epoch(&self) -> Epoch {
        self.kept().epoch
    }

    fn append(&mut self, records: &[Record]) -> Result<(), StorageError> {
        let mut kept = self.kept();
        kept.fault.map_or(Ok(()), refusal)?;
        for record in records {
            if let Record::Posted(posted) = record {
                kept.push(posted.message.clone());
            }
        }
        Ok(())
    }

    fn recover(&mut self) -> Result<Recovered, StorageError> {
        Ok(core::mem::take(&mut self.kept().recovered))
    }

    fn reserve_stamps(&mut self, _: Timestamp) -> Result<(), StorageError> {
        self.kept().unreserved.map_or(Ok(()), refusal)
    }

    fn reader(&self) -> Self {
        self.clone()
    }
}

impl History for ReplayStore {
    fn locate(
        &self,
        conversation: Conversation,
        since: Timestamp,
    ) -> Result<Option<MessageNumber>, StorageError> {
        let kept = self.kept();
        let Some(log) = kept.logs.get(&conversation) else { return Ok(None) };
        let later = log.messages.partition_point(|message| message.at <= since);
        match later.checked_sub(1).and_then(|last| log.messages.get(last)) {
            Some(last) => Ok(Some(last.number)),
            None if log.has_gap => Err(not_kept()),
            None => Ok(None),
        }
    }

    fn read(
        &self,
        conversation: Conversation,
        after: Option<MessageNumber>,
        limit: usize,
        mut visit: impl FnMut(MessageRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), StorageError> {
        let kept = self.kept();
        let Some(log) = kept.logs.get(&conversation) else { return Ok(()) };
        let first = log.messages.front().map(|message| message.number);
        if log.has_gap && first.is_none_or(|first| MessageNumber::following(after) < first) {
            return Err(not_kept());
        }
        let skipped = log.messages.partition_point(|message| Some(message.number) <= after);
        for message in log.messages.iter().skip(skipped).take(limit) {
            if visit(message.view()).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn floor(&self, _: Conversation) -> Result<MessageNumber, StorageError> {
        Ok(MessageNumber::FIRST)
    }
}

#[cfg(test)]
mod tests {
    use toom_core::{Body, Posted, RoomId, Tail};

    use super::*;

    const ROOM: Conversation = Conversation::Room(RoomId::FIRST);

    fn number(number: u64) -> MessageNumber {
        MessageNumber::new(number).unwrap()
    }

    /// Message `n` of a conversation, in the second `n`, with a text of ten bytes.
    fn posted(conversation: Conversation, n: u64) -> Record {
        let message = Message {
            conversation,
            number: number(n),
            at: second(n),
            author: "luke".parse().unwrap(),
            body: Body::parse("0123456789").unwrap(),
        };
        Record::Posted(Posted { message, key: None })
    }

    fn second(n: u64) -> Timestamp {
        Timestamp::from_unix_micros(i64::try_from(n).unwrap() * 1_000_000).unwrap()
    }

    fn read(store: &ReplayStore, conversation: Conversation, after: u64) -> Option<Vec<u64>> {
        let mut numbers = Vec::new();
        let read = store.read(conversation, MessageNumber::new(after), 9, |message| {
            numbers.push(message.number.get());
            ControlFlow::Continue(())
        });
        read.is_ok().then_some(numbers)
    }

    #[test]
    fn of_what_was_posted_the_latest_is_kept_that_fits_and_what_went_is_told() {
        let bound = 3 * (MESSAGE_BYTES + 10);
        let mut store = ReplayStore::keeping(bound, Epoch::new(1), Recovered::default());
        store.append(&[1, 2].map(|n| posted(Conversation::Broadcast, n))).unwrap();
        store.append(&[posted(ROOM, 1)]).unwrap();
        assert_eq!(store.kept().bytes, bound);
        assert_eq!(read(&store, Conversation::Broadcast, 0), Some(vec![1, 2]), "it just fits");
        assert_eq!(store.locate(Conversation::Broadcast, second(0)).unwrap(), None);
        for n in 2..=3 {
            store.append(&[posted(ROOM, n)]).unwrap();
            assert_eq!(store.kept().bytes, bound);
        }
        assert_eq!(read(&store, Conversation::Broadcast, 2), None, "all of it went");
        assert!(store.locate(Conversation::Broadcast, second(9)).is_err());
        assert_eq!(read(&store, ROOM, 0), Some(vec![1, 2, 3]));
        store.append(&[posted(ROOM, 4)]).unwrap();
        assert_eq!((read(&store, ROOM, 0), read(&store, ROOM, 1)), (None, Some(vec![2, 3, 4])));
        assert_eq!(store.locate(ROOM, second(3)).unwrap(), Some(number(3)));
        assert!(store.locate(ROOM, second(1)).is_err());
    }

    #[test]
    fn what_was_there_before_the_recording_is_not_known() {
        let tail = Tail { conversation: ROOM, number: number(7), at: second(7) };
        let recovered = Recovered { tails: vec![tail], ..Recovered::default() };
        let mut store = ReplayStore::new(Epoch::new(1), recovered);
        store.append(&[posted(ROOM, 8)]).unwrap();
        assert_eq!((read(&store, ROOM, 6), read(&store, ROOM, 7)), (None, Some(vec![8])));
        assert!(store.locate(ROOM, second(7)).is_err());
        assert_eq!(store.locate(ROOM, second(8)).unwrap(), Some(number(8)));
    }
}
