//! A store that fails, case by case. `equals_model` has the same in random schedules.

use core::num::NonZeroUsize;
use core::time::Duration;

use toom_core::{
    Answer, Body, BroadcastError, Conversation, IdempotencyKey, ReadError, Reading, SessionId, Since,
    StorageError, Timestamp,
};

use crate::history::faulty::Fault;
use crate::history::schedule::{Deed, Order, Step, Tick, Write};
use crate::history::world::{World, user};

fn say(text: &str, key: Option<&str>) -> Order {
    let key = key.map(|key| IdempotencyKey::parse(key).unwrap());
    Order { session: SessionId::new(0), key, write: Write::Broadcast(Body::parse(text).unwrap()) }
}

/// The number that a message got, and how many effects there were.
fn posted(answer: Answer) -> (u64, usize) {
    let Answer::Broadcast(Ok(outcome)) = answer else { unreachable!("{answer:?}") };
    (outcome.reply.number.get(), outcome.effects.len())
}

fn error(answer: Answer) -> StorageError {
    let Answer::Broadcast(Err(BroadcastError::Storage(error))) = answer else { unreachable!("{answer:?}") };
    error
}

fn texts(world: &mut World) -> Vec<String> {
    let reading = Reading::Conversation { conversation: Conversation::Broadcast, since: Since::Number(None) };
    let page = world.page(SessionId::new(1), reading, NonZeroUsize::new(100).unwrap()).unwrap();
    page.messages().map(|message| message.body.to_owned()).collect()
}

#[test]
fn a_post_that_failed_to_store_is_seen_by_nobody_and_stops_all_writing() {
    let mut world = World::roomy();
    assert_eq!(posted(world.single(&say("one", Some("k1")))), (1, 1));
    world.engine.storage().set_fault(Some(Fault::FailedLost));
    assert!(matches!(error(world.single(&say("two", None))), StorageError::Failed { .. }));
    let appends = world.engine.storage().appends();
    for text in ["three", "four"] {
        assert!(matches!(error(world.single(&say(text, None))), StorageError::NeedsReopen));
    }
    let create = Order { write: Write::CreateRoom(vec![user("leia")]), ..say("a", None) };
    assert!(matches!(world.single(&create), Answer::CreateRoom(Err(_))));
    assert_eq!(world.engine.storage().appends(), appends, "the store was written to");

    assert_eq!(texts(&mut world), ["one"], "reads go on");
    assert_eq!(posted(world.single(&say("one", Some("k1")))), (1, 0), "a stored request is answered again");
    world.reopen();
    assert_eq!(posted(world.single(&say("five", None))), (2, 1));
    assert_eq!(texts(&mut world), ["one", "five"]);
}

#[test]
fn a_retry_after_reopening_settles_whether_a_failed_post_was_stored() {
    for (fault, effects) in [(Fault::FailedKept, 0), (Fault::FailedLost, 1)] {
        let mut world = World::roomy();
        world.engine.storage().set_fault(Some(fault));
        assert!(matches!(error(world.single(&say("one", Some("k1")))), StorageError::Failed { .. }));
        assert_eq!(texts(&mut world), [""; 0]);
        world.reopen();
        assert_eq!(posted(world.single(&say("one", Some("k1")))), (1, effects), "{fault:?}");
        assert_eq!(texts(&mut world), ["one"]);
    }
}

#[test]
fn a_full_store_refuses_one_post_and_takes_the_next() {
    let mut world = World::roomy();
    world.engine.storage().set_fault(Some(Fault::Full));
    assert!(matches!(error(world.single(&say("one", Some("k1")))), StorageError::Full { .. }));
    assert_eq!(posted(world.single(&say("two", Some("k1")))), (1, 1), "the key is still to be had");
    assert_eq!(texts(&mut world), ["two"]);
}

#[test]
fn a_batch_that_failed_to_store_answers_nothing_but_that() {
    for fault in [Fault::Full, Fault::FailedKept, Fault::FailedLost] {
        let mut world = World::roomy();
        world.engine.storage().set_fault(Some(fault));
        let before = world.engine.history_digest();
        let too_long = "x".repeat(5000);
        let answers = world.batch(&[say("one", Some("k")), say(&too_long, None), say("one", Some("k"))]);
        assert_eq!(answers.len(), 3);
        for answer in answers {
            assert_eq!(format!("{:?}", error(answer)), format!("{:?}", fault.error()));
        }
        assert_eq!(world.engine.history_digest(), before);
    }
}

#[test]
fn an_engine_that_could_not_be_reopened_is_as_it_was() {
    let mut world = World::roomy();
    assert_eq!(posted(world.single(&say("one", None))), (1, 1));
    world.engine.storage().set_fault(Some(Fault::FailedKept));
    let _ = error(world.single(&say("two", None)));
    let before = world.engine.digest();
    let unreadable = world.engine.storage().open_unreadable();
    assert!(world.engine.reopen(unreadable).is_err());
    assert_eq!(world.engine.digest(), before);
    assert!(matches!(error(world.single(&say("three", None))), StorageError::NeedsReopen));
    assert_eq!(texts(&mut world), ["one"]);
}

#[test]
fn sessions_and_their_rights_outlive_a_failure() {
    let mut world = World::roomy();
    world.engine.storage().set_fault(Some(Fault::FailedLost));
    let _ = error(world.single(&say("one", None)));
    let tick = Tick { wall: 1, mono: Duration::ZERO };
    for deed in [
        Deed::Login(user("yoda"), SessionId::new(3)),
        Deed::ActiveUsers(SessionId::new(3)),
        Deed::Logout(SessionId::new(1)),
        Deed::Reopen,
        Deed::ActiveUsers(SessionId::new(3)),
    ] {
        world.step(&Step { tick, deed });
    }
    assert_eq!(world.model.sessions.len(), 3);
}

#[test]
fn a_page_that_cannot_be_read_is_an_error_and_stops_no_writing() {
    let mut world = World::roomy();
    assert_eq!(posted(world.single(&say("one", None))), (1, 1));
    world.engine.storage().set_reads_fail(true);
    for since in [Since::Number(None), Since::Time(Timestamp::MIN)] {
        let reading = Reading::Conversation { conversation: Conversation::Broadcast, since };
        let read = world.engine.read_since(SessionId::new(1), reading, NonZeroUsize::MIN, world.now);
        assert!(matches!(read, Err(ReadError::Storage(StorageError::Corrupt { .. }))), "{read:?}");
    }
    assert_eq!(posted(world.single(&say("two", None))), (2, 1));
    world.engine.storage().set_reads_fail(false);
    assert_eq!(texts(&mut world), ["one", "two"]);
}
