//! A store of one's own, and the laws that check it.
//!
//! This one keeps every record in one vector and finds things by looking at all of them: slow, short, and right. What a
//! store on a disk adds is that `append` returns only when the records would survive the loss of power.
//!
//! `cargo run -p toom-core --example own_storage`; its laws run with all tests, or alone: `cargo test -p toom-core --example own_storage`

use std::ops::ControlFlow;
use std::sync::{Arc, PoisonError, RwLock};

use toom_core::{
    Body, Config, Conversation, Engine, Epoch, History, KeyedRequest, Message, MessageNumber, MessageRef,
    Mono, Now, Password, Record, Recovered, Secret, SessionId, Source, Storage, StorageError, Tail,
    Timestamp,
};

/// Every record there is, in order. Clones see the same records: the store is its own reader.
#[derive(Clone)]
struct Ledger {
    epoch: Epoch,
    records: Arc<RwLock<Vec<Record>>>,
    stamps_reserved: Option<Timestamp>,
}

impl Ledger {
    fn new(epoch: Epoch) -> Self {
        Self { epoch, records: Arc::default(), stamps_reserved: None }
    }

    fn look<T>(&self, at: impl FnOnce(&[Record]) -> T) -> T {
        at(&self.records.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn messages<T>(&self, at: impl FnOnce(&mut dyn Iterator<Item = &Message>) -> T) -> T {
        self.look(|records| {
            at(&mut records.iter().filter_map(|record| match record {
                Record::Posted(posted) => Some(&posted.message),
                Record::RoomCreated(_) => None,
            }))
        })
    }
}

impl History for Ledger {
    fn locate(
        &self,
        conversation: Conversation,
        since: Timestamp,
    ) -> Result<Option<MessageNumber>, StorageError> {
        let last = |messages: &mut dyn Iterator<Item = &Message>| {
            messages
                .filter(|message| message.conversation == conversation && message.at <= since)
                .last()
                .map(|m| m.number)
        };
        Ok(self.messages(last))
    }

    fn read(
        &self,
        conversation: Conversation,
        after: Option<MessageNumber>,
        limit: usize,
        mut visit: impl FnMut(MessageRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), StorageError> {
        let _ = self.messages(|messages| {
            messages
                .filter(|message| message.conversation == conversation && Some(message.number) > after)
                .take(limit)
                .try_for_each(|message| visit(message.view()))
        });
        Ok(())
    }

    fn floor(&self, _: Conversation) -> Result<MessageNumber, StorageError> {
        Ok(MessageNumber::FIRST)
    }
}

impl Storage for Ledger {
    type Reader = Self;

    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn append(&mut self, records: &[Record]) -> Result<(), StorageError> {
        self.records.write().unwrap_or_else(PoisonError::into_inner).extend_from_slice(records);
        Ok(())
    }

    fn recover(&mut self) -> Result<Recovered, StorageError> {
        Ok(self.look(|records| {
            let mut recovered = Recovered { stamps_reserved: self.stamps_reserved, ..Recovered::default() };
            for record in records {
                recovered.keyed.extend(KeyedRequest::of(record));
                match record {
                    Record::RoomCreated(created) => recovered.rooms.push(created.clone()),
                    Record::Posted(posted) => {
                        let Message { conversation, number, at, .. } = posted.message;
                        recovered.tails.retain(|tail| tail.conversation != conversation);
                        recovered.tails.push(Tail { conversation, number, at });
                    }
                }
            }
            recovered
        }))
    }

    fn reserve_stamps(&mut self, until: Timestamp) -> Result<(), StorageError> {
        self.stamps_reserved = Some(until);
        Ok(())
    }

    fn reader(&self) -> Self {
        self.clone()
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let now =
        Now { wall: Timestamp::from_unix_micros(1_659_603_741_000_000).expect("2022"), mono: Mono::ZERO };
    let mut engine = Engine::open(Ledger::new(Epoch::new(1)), Config::default())?;
    engine.put_account("obiwan".parse()?, Secret::plain("kenobi")?);
    let me = SessionId::new(1);
    let _ = engine.authenticate(&"obiwan".parse()?, &Password::new("kenobi"), Source::new(0), me, now)?;
    let _ = engine.broadcast(me, Body::parse("hello")?, None, now)?;

    let digest = engine.history_digest();
    let recovered = Engine::open(engine.into_storage(), Config::default())?;
    assert_eq!(recovered.history_digest(), digest, "an engine that is recovered equals the one that wrote");
    println!("the ledger holds a history with the digest {digest}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Epoch, Ledger};

    struct Ledgers(u64);

    impl toom_core::conformance::Subject for Ledgers {
        type Store = Ledger;

        fn fresh(&mut self) -> Ledger {
            self.0 += 1;
            Ledger::new(Epoch::new(self.0))
        }
    }

    toom_core::storage_conformance!(ledger, super::Ledgers(0));
}
