//! Stores that fail.

use core::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use toom_core::{
    Conversation, Epoch, History, MemoryReader, MemoryStorage, MessageNumber, MessageRef, Record, Recovered,
    Storage, StorageError, Timestamp,
};
use toom_net::server::ServerError;

use super::client::{Client, on, timeless};

/// A store in memory that does what it is told.
struct Store {
    memory: MemoryStorage,
    mood: Arc<AtomicU8>,
}

const WORKS: u8 = 0;
const FULL: u8 = 1;
const FAILS: u8 = 2;
const PANICS: u8 = 3;

fn store() -> (Store, Arc<AtomicU8>) {
    let mood = Arc::new(AtomicU8::new(WORKS));
    (Store { memory: MemoryStorage::new(Epoch::new(1)), mood: Arc::clone(&mood) }, mood)
}

impl History for Store {
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
        History::read(&self.memory, of, after, limit, visit)
    }

    fn floor(&self, of: Conversation) -> Result<MessageNumber, StorageError> {
        self.memory.floor(of)
    }
}

impl Storage for Store {
    type Reader = MemoryReader;

    fn epoch(&self) -> Epoch {
        self.memory.epoch()
    }

    fn append(&mut self, records: &[Record]) -> Result<(), StorageError> {
        let thing = "journal".to_owned();
        match self.mood.load(Ordering::SeqCst) {
            WORKS => self.memory.append(records),
            FULL => Err(StorageError::Full { thing, action: "append a batch" }),
            FAILS => Err(StorageError::Corrupt { thing, offset: 1, what: "a test" }),
            _ => panic!("told to"),
        }
    }

    fn recover(&mut self) -> Result<Recovered, StorageError> {
        self.memory.recover()
    }

    fn reader(&self) -> MemoryReader {
        self.memory.reader()
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

#[test]
fn a_server_whose_store_panics_ends_and_says_which_thread_did() {
    let (store, mood) = store();
    let server = on(store).start().unwrap();
    let mut hans = Client::log_in(&server, "hans");
    mood.store(PANICS, Ordering::SeqCst);
    hans.send("BCM one");
    let failed = server.wait().unwrap_err();
    assert!(matches!(&failed, ServerError::Panicked { thread } if thread == "toom-engine"), "{failed}");
    assert!(hans.rest().iter().all(|line| line.starts_with("BYE ")));
}
