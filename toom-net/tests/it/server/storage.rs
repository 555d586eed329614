//! Stores that fail.

use core::ops::ControlFlow;
use core::time::Duration;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use toom_core::{
    Conversation, Epoch, History, MemoryReader, MemoryStorage, MessageNumber, MessageRef, Now, Record,
    Recovered, Storage, StorageError, Timestamp,
};
use toom_net::server::{Clock, RunningServer, ServerError, ServerLimits, SystemClock};

use super::client::{Client, on, timeless};

/// A store in memory, or its reader, that does what it is told.
#[derive(Clone)]
struct Moody<H> {
    memory: H,
    mood: Arc<AtomicU8>,
}

type Store = Moody<MemoryStorage>;

const WORKS: u8 = 0;
const FULL: u8 = 1;
const FAILS: u8 = 2;
const PANICS: u8 = 3;

fn store() -> (Store, Arc<AtomicU8>) {
    let mood = Arc::new(AtomicU8::new(WORKS));
    (Moody { memory: MemoryStorage::new(Epoch::new(1)), mood: Arc::clone(&mood) }, mood)
}

impl<H: History> History for Moody<H> {
    fn locate(&self, of: Conversation, since: Timestamp) -> Result<Option<MessageNumber>, StorageError> {
        self.memory.locate(of, since)
    }

    fn read(
        &self,
        of: Conversation,
        after: Option<MessageNumber>,
        limit: usize,
        visit: impl FnMut(MessageRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), StorageError> {
        assert!(self.mood.load(Ordering::SeqCst) != PANICS, "told to");
        self.memory.read(of, after, limit, visit)
    }

    fn floor(&self, of: Conversation) -> Result<MessageNumber, StorageError> {
        self.memory.floor(of)
    }
}

impl Store {
    fn refusal(&self) -> Option<StorageError> {
        let thing = "journal".to_owned();
        match self.mood.load(Ordering::SeqCst) {
            WORKS => None,
            FULL => Some(StorageError::Full { thing, action: "append a batch" }),
            FAILS => Some(StorageError::Corrupt { thing, offset: 1, what: "a test" }),
            _ => panic!("told to"),
        }
    }
}

impl Storage for Store {
    type Reader = Moody<MemoryReader>;

    fn epoch(&self) -> Epoch {
        self.memory.epoch()
    }

    fn append(&mut self, records: &[Record]) -> Result<(), StorageError> {
        self.refusal().map_or_else(|| self.memory.append(records), Err)
    }

    fn recover(&mut self) -> Result<Recovered, StorageError> {
        self.memory.recover()
    }

    fn reserve_stamps(&mut self, until: Timestamp) -> Result<(), StorageError> {
        self.refusal().map_or_else(|| self.memory.reserve_stamps(until), Err)
    }

    fn reader(&self) -> Self::Reader {
        Moody { memory: self.memory.reader(), mood: Arc::clone(&self.mood) }
    }
}

#[test]
fn what_is_not_stored_is_refused_and_delivered_to_nobody_and_reading_goes_on() {
    let (store, mood) = store();
    let server = on(store).start().unwrap();
    let mut luke = Client::log_in(&server, "luke");
    let mut hans = Client::log_in(&server, "hans");
    assert_eq!(hans.ask_timeless("BCM one"), "OK BCM 1 T");
    assert_eq!(timeless(&luke.line()), "MSG b 1 T hans one");

    mood.store(FULL, Ordering::SeqCst);
    assert!(hans.ask("BCM two").starts_with("ERR BCM unavailable "));
    mood.store(WORKS, Ordering::SeqCst);
    assert_eq!(hans.ask_timeless("BCM two"), "OK BCM 2 T");
    assert_eq!(timeless(&luke.line()), "MSG b 2 T hans two");

    mood.store(FAILS, Ordering::SeqCst);
    for line in ["BCM three", "SRB luke"] {
        let reply = hans.ask(line);
        assert!(reply.contains(" unavailable ") && !reply.contains("journal"), "{reply}");
    }
    mood.store(WORKS, Ordering::SeqCst);
    assert!(hans.ask("BCM three").starts_with("ERR BCM unavailable "));
    luke.expect_quiet();
    assert_eq!(luke.ask_rows("RDM b #0"), ["ROW b 1 T hans one", "ROW b 2 T hans two", "OK RDM 2"]);
    assert_eq!(luke.ask_rows("ATU"), ["ROW hans T", "OK ATU 1"]);
}

/// What hans is still told after `request`, which makes the server fail, and which of its threads did.
fn failed_at(server: RunningServer, mut hans: Client, request: &str) -> (Vec<String>, String) {
    hans.send(request);
    let rest = hans.rest();
    // Whoever shuts it down learns of it, too.
    let Err(ServerError::Panicked { thread }) = server.shut_down() else { panic!("it did not fail") };
    (rest, thread)
}

#[test]
fn a_server_whose_store_panics_says_goodbye_ends_and_says_which_thread_did() {
    for (request, failing) in [("BCM two", "toom-engine"), ("RDM b #0", "toom-reader")] {
        let (store, mood) = store();
        // The page will not come, and the server waits for it that long.
        let limits = ServerLimits { closing_time: Duration::from_millis(100), ..ServerLimits::default() };
        let server = on(store).limits(limits).start().unwrap();
        let mut hans = Client::log_in(&server, "hans");
        assert_eq!(hans.ask_timeless("BCM one"), "OK BCM 1 T");
        mood.store(PANICS, Ordering::SeqCst);
        let (rest, thread) = failed_at(server, hans, request);
        assert_eq!(thread, failing);
        assert!(rest.iter().all(|line| line.starts_with("BYE ")), "{rest:?}");
    }
}

/// The machine's clocks, until the thread with the sockets is told to panic when it asks for the time.
struct Watch(SystemClock, Arc<AtomicU8>);

impl Clock for Watch {
    fn now(&self) -> Now {
        let is_io = std::thread::current().name() == Some("toom-io");
        assert!(!is_io || self.1.load(Ordering::SeqCst) != PANICS, "told to");
        self.0.now()
    }
}

#[test]
fn a_server_whose_sockets_thread_panics_ends_with_all_connections_and_keeps_what_it_acknowledged() {
    let (store, _) = store();
    let reader = store.memory.reader();
    let clock = Arc::new(AtomicU8::new(WORKS));
    let server = on(store).clock(Watch(SystemClock::start(), Arc::clone(&clock))).start().unwrap();
    let mut hans = Client::log_in(&server, "hans");
    assert_eq!(hans.ask_timeless("BCM one"), "OK BCM 1 T");
    clock.store(PANICS, Ordering::SeqCst);
    assert_eq!(failed_at(server, hans, "PING"), (Vec::new(), "toom-io".to_owned()));
    let last = reader.locate(Conversation::Broadcast, Timestamp::MAX).unwrap();
    assert_eq!(last, Some(MessageNumber::FIRST));
}
