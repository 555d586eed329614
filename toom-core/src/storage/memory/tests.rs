use super::*;
use crate::conformance::Subject;
use crate::{Body, Posted, UserName};

struct Fresh {
    made: u64,
    kept_max: Option<NonZeroUsize>,
}

impl Subject for Fresh {
    type Store = MemoryStorage;

    fn fresh(&mut self) -> MemoryStorage {
        self.made += 1;
        let epoch = Epoch::new(self.made);
        match self.kept_max {
            Some(kept_max) => MemoryStorage::keeping(epoch, kept_max),
            None => MemoryStorage::new(epoch),
        }
    }
}

crate::storage_conformance!(keeping_everything, super::Fresh { made: 0, kept_max: None });
crate::storage_conformance!(keeping_much, super::Fresh { made: 0, kept_max: core::num::NonZero::new(1000) });

fn said(number: u64) -> Record {
    let message = Message {
        conversation: Conversation::Broadcast,
        number: MessageNumber::new(number).unwrap(),
        at: time(number * 10),
        author: UserName::parse("luke").unwrap(),
        body: Body::parse("x").unwrap(),
    };
    Record::Posted(Posted { message, key: None })
}

fn time(micros: u64) -> Timestamp {
    Timestamp::from_unix_micros(micros.cast_signed()).unwrap()
}

fn kept(store: &MemoryStorage) -> Vec<u64> {
    let mut numbers = Vec::new();
    let visit = |message: MessageRef<'_>| {
        numbers.push(message.number.get());
        ControlFlow::Continue(())
    };
    store.read(Conversation::Broadcast, None, 100, visit).unwrap();
    numbers
}

#[test]
fn old_messages_are_dropped_in_bulk_and_the_floor_tells_of_it() {
    let mut store = MemoryStorage::keeping(Epoch::new(1), NonZeroUsize::new(3).unwrap());
    let mut floors = Vec::new();
    for number in 1..=9 {
        store.append(&[said(number)]).unwrap();
        let floor = store.floor(Conversation::Broadcast).unwrap().get();
        assert_eq!(kept(&store), (floor..=number).collect::<Vec<_>>());
        floors.push(floor);
    }
    assert_eq!(floors, [1, 1, 1, 1, 1, 4, 4, 4, 7]);
    assert_eq!(store.recover().unwrap().tails[0].number.get(), 9);
}

#[test]
fn locate_never_names_a_dropped_message_that_may_be_later() {
    let mut store = MemoryStorage::keeping(Epoch::new(1), NonZeroUsize::new(3).unwrap());
    store.append(&(1..=6).map(said).collect::<Vec<_>>()).unwrap();
    let located = |at| store.locate(Conversation::Broadcast, time(at)).unwrap().map(MessageNumber::get);
    assert_eq!(located(29), None, "message 3, of time 30, is gone and later");
    assert_eq!(located(30), Some(3));
    assert_eq!(located(39), Some(3));
    assert_eq!(located(40), Some(4));
    assert_eq!(located(99), Some(6));
}
