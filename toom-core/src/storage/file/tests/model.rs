//! The store beside the one in memory: same inputs, same answers, whatever happens behind the journal.

use core::ops::ControlFlow;
use core::time::Duration;

use proptest::prelude::*;

use super::script::{self, Draft, Writer};
use crate::simulated::SimDisk;
use crate::{
    Conversation, Epoch, FileOptions, FileStorage, History, Housekeeping, MemoryStorage, Message,
    MessageNumber, Record, Retention, Storage, Timestamp,
};

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<Draft>),
    Work(usize),
    Tidy(usize),
    Close,
    Kill,
    PowerCut(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => script::batch().prop_map(Step::Append),
        4 => (1_usize..20).prop_map(Step::Work),
        1 => (1_usize..20).prop_map(Step::Tidy),
        1 => Just(Step::Close),
        1 => Just(Step::Kill),
        1 => any::<u64>().prop_map(Step::PowerCut),
    ]
}

/// A store on a simulated disk, and the same records in memory.
struct Pair {
    disk: SimDisk,
    options: FileOptions,
    store: Option<FileStorage<SimDisk>>,
    memory: MemoryStorage,
    records: Vec<Record>,
    writer: Writer,
}

impl Pair {
    fn new(options: FileOptions) -> Self {
        let disk = SimDisk::new();
        let store = FileStorage::open_on(disk.clone(), options).unwrap();
        Self {
            disk,
            options,
            store: Some(store),
            memory: MemoryStorage::new(Epoch::new(1)),
            records: Vec::new(),
            writer: Writer::default(),
        }
    }

    fn store(&mut self) -> &mut FileStorage<SimDisk> {
        self.store.as_mut().unwrap()
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Append(drafts) => {
                let records = self.writer.write(drafts);
                self.store().append(&records).unwrap();
                self.memory.append(&records).unwrap();
                self.records.extend(records);
            }
            Step::Work(steps) => {
                for _ in 0..*steps {
                    self.store().work().unwrap();
                }
            }
            Step::Tidy(steps) => {
                for _ in 0..*steps {
                    self.store().tidy().unwrap();
                }
            }
            Step::Close => {
                self.store.take().unwrap().close().unwrap();
                self.reopen();
                assert_eq!(self.store().opened().replayed, 0, "something was left in the journal");
            }
            Step::Kill => self.crash(self.disk.kill()),
            Step::PowerCut(seed) => self.crash(self.disk.crash_seeded(*seed)),
        }
    }

    /// The process ends in the middle of things, and `disk` is what is left.
    fn crash(&mut self, disk: SimDisk) {
        self.disk = disk;
        core::mem::forget(self.store.take());
        self.reopen();
    }

    fn reopen(&mut self) {
        self.store = Some(FileStorage::open_on(self.disk.clone(), self.options).unwrap());
    }

    /// Some times at which messages were posted, and between.
    fn times(&self) -> Vec<Timestamp> {
        let at = |record: &Record| record.at().unix_micros();
        let some = self.records.iter().map(at).step_by((self.records.len() / 8).max(1));
        let around = some.flat_map(|at| [at - 1, at, at + 1]);
        around.chain([0, i64::from(u32::MAX) * 1_000_000]).filter_map(Timestamp::from_unix_micros).collect()
    }
}

pub(super) fn messages(
    history: &impl History,
    conversation: Conversation,
    after: Option<MessageNumber>,
    limit: usize,
) -> Vec<Message> {
    let mut read = Vec::new();
    let visit = |message: crate::MessageRef<'_>| {
        read.push(Message {
            conversation: message.conversation,
            number: message.number,
            at: message.at,
            author: message.author.parse().unwrap(),
            body: crate::Body::parse(message.body).unwrap(),
        });
        ControlFlow::Continue(())
    };
    history.read(conversation, after, limit, visit).unwrap();
    read
}

fn options() -> impl Strategy<Value = FileOptions> {
    (200_u64..6000).prop_map(|journal_bytes| {
        FileOptions::new([9; 16])
            .journal_bytes(journal_bytes)
            .index_cache_bytes(40_000)
            .housekeeping(Housekeeping::Caller)
    })
}

fn check_everything(pair: &mut Pair) -> Result<(), TestCaseError> {
    let expected = pair.memory.recover().unwrap();
    let mut found = pair.store().recover().unwrap();
    found.tails.sort_by_key(|tail| tail.conversation);
    prop_assert_eq!(found.rooms, expected.rooms);
    prop_assert_eq!(found.tails, expected.tails);
    prop_assert_eq!(found.keyed, expected.keyed);
    let (store, memory) = (pair.store.as_ref().unwrap(), &pair.memory);
    for conversation in script::conversations() {
        let all = messages(memory, conversation, None, usize::MAX);
        prop_assert_eq!(&messages(store, conversation, None, usize::MAX), &all);
        prop_assert_eq!(store.floor(conversation).unwrap(), MessageNumber::FIRST);
        for time in pair.times() {
            let place = memory.locate(conversation, time).unwrap();
            prop_assert_eq!(
                store.locate(conversation, time).unwrap(),
                place,
                "{:?} at {:?}",
                conversation,
                time
            );
            let page = messages(memory, conversation, place, 7);
            prop_assert_eq!(messages(store, conversation, place, 7), page);
        }
    }
    Ok(())
}

/// What retention leaves: the newest messages of every conversation, without a gap, and at least those that are to be kept.
fn check_what_is_kept(pair: &mut Pair, keep_for: Duration) -> Result<(), TestCaseError> {
    let newest = pair.records.iter().map(Record::at).max();
    let (store, memory) = (pair.store.as_ref().unwrap(), &pair.memory);
    for conversation in script::conversations() {
        let all = messages(memory, conversation, None, usize::MAX);
        let kept = messages(store, conversation, None, usize::MAX);
        prop_assert!(all.ends_with(&kept), "{} of {} messages", kept.len(), all.len());
        let gone = &all[..all.len() - kept.len()];
        let floor = store.floor(conversation).unwrap();
        prop_assert_eq!(floor.get(), gone.len() as u64 + 1);
        for message in gone {
            let age = newest.unwrap().unix_micros() - message.at.unix_micros();
            prop_assert!(age >= i64::try_from(keep_for.as_micros()).unwrap(), "{} micros", age);
        }
        for time in pair.times() {
            let exact = memory.locate(conversation, time).unwrap();
            let found = store.locate(conversation, time).unwrap();
            if exact >= Some(floor) {
                prop_assert_eq!(found, exact);
            } else {
                prop_assert!(found <= exact, "{:?} was said to be not later", found);
            }
        }
    }
    Ok(())
}

/// A case goes through dozens of flushes and merges, and every answer there is: an eighth of the usual number is plenty.
fn cases() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { cases: usual.cases.div_ceil(8), ..usual }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn it_answers_as_the_store_in_memory_does(
        options in options(),
        seed in any::<u64>(),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut pair = Pair::new(options);
        for step in &steps {
            pair.take(step);
        }
        check_everything(&mut pair)?;
        pair.take(&Step::Work(500));
        check_everything(&mut pair)?;
        pair.take(&Step::PowerCut(seed));
        check_everything(&mut pair)?;
    }

    #[test]
    fn retention_drops_the_oldest_messages_and_none_that_are_to_be_kept(
        options in options(),
        seed in any::<u64>(),
        keep_for in 1_u64..20_000_000,
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let keep_for = Duration::from_micros(keep_for);
        let retention = Retention { keep_for: Some(keep_for), keep_bytes: None };
        let mut pair = Pair::new(options.retention(retention));
        for step in &steps {
            pair.take(step);
        }
        check_what_is_kept(&mut pair, keep_for)?;
        pair.take(&Step::Work(500));
        check_what_is_kept(&mut pair, keep_for)?;
        pair.take(&Step::PowerCut(seed));
        check_what_is_kept(&mut pair, keep_for)?;
    }
}
