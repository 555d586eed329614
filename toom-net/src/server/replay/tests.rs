use core::time::Duration;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use toom_core::{Config, Engine, Epoch, MemoryReader, MemoryStorage, Policy, Seed, Storage, Timestamp};

use super::*;
use crate::server::engine_loop::tests::Store;
use crate::server::engine_loop::{EngineLoop, Turn};
use crate::server::recording::frames::FrameWriter;
use crate::server::recording::items::{Input as Recorded, Operation, Output};
use crate::server::recording::witness::{self, Witness};
use crate::server::recording::{Opening, items};

mod changed;
mod hostile;
mod random;
mod world;

use world::{Act, World};

/// A few people who talk: logins right and wrong, checked at once and elsewhere, rooms, keys, pages, an offer, a full disk, changed accounts.
fn chat() -> World {
    let mut world = World::new(Config::default());
    world.turn(1, [Act::Login(0, 0, true), Act::Login(1, 1, true), Act::Login(2, 2, false)]);
    world.turn(2, [Act::Login(2, 2, true), Act::Broadcast(0, "hello", None)]);
    world.turn(0, [Act::CreateRoom(0, &[1, 2]), Act::Broadcast(1, "again", Some("k")), Act::Users(2)]);
    world.turn(0, [Act::Broadcast(1, "again", Some("k")), Act::Post(0, 1, "psst"), Act::ReadRooms(1)]);
    world.turn(9, [Act::Accounts(1), Act::ReadBroadcast(0, 0), Act::Offer(0, 1)]);
    world.turn(9, [Act::Login(3, 3, false), Act::Gone(2)]);
    world.turn(11, [Act::Checked(3, true), Act::Kick(1)]);
    world.fail(1);
    world.turn(12, [Act::Broadcast(0, "too much", None)]);
    world
}

fn a_chat() -> Vec<u8> {
    chat().end()
}

/// The chat, and then something of all that an engine has to refuse.
fn a_longer_chat() -> Vec<u8> {
    let mut world = chat();
    world.fail(0);
    // Somebody who is no member of the room, and what is strictly later than the first message.
    world.turn(0, [Act::Post(3, 1, "let me in"), Act::ReadRoom(3), Act::ReadSinceFirst(0)]);
    world.turn(1, [Act::Accounts(0)]);
    // One guess more than there may be, and one after the block.
    (0..4).for_each(|_| world.turn(1, [Act::Login(4, 2, false)]));
    world.turn(10, [Act::Login(4, 2, true)]);
    world.turn(0, [Act::Broadcast(0, "once", Some("m")), Act::Broadcast(0, "once", Some("m"))]);
    world.turn(0, [Act::CreateRoom(0, &[2, 3]), Act::CreateRoom(3, &[0, 2])]);
    world.turn(0, [Act::Logout(4), Act::Users(0)]);
    world.end()
}

fn replayed(recording: &[u8]) -> Replayed {
    replay(recording, |_| ()).unwrap()
}

#[test]
fn what_was_recorded_comes_again() {
    let recording = a_longer_chat();
    let Replayed { version, counts, ending } = replayed(&recording);
    assert_eq!((version.as_str(), ending), (env!("CARGO_PKG_VERSION"), Ending::Stopped));
    assert_eq!((counts.inputs, counts.turns, counts.pages, counts.pages_passed_over), (35, 21, 3, 0));
    assert_eq!(counts.states, counts.turns + 1);
    assert!(counts.outputs > 15, "{counts:?}");
}

#[test]
fn a_recording_can_begin_in_the_middle_of_a_history() {
    let mut first = World::new(Config::default());
    let post = || [Act::Broadcast(0, "hello", Some("k")), Act::Post(0, 1, "psst")];
    first.turn(1, [Act::Login(0, 0, true), Act::Login(1, 1, true)]);
    first.turn(1, [Act::CreateRoom(0, &[1])]);
    first.turn(1, post());
    let mut second = first.restarted();
    second.turn(2, [Act::Login(0, 0, true), Act::Login(1, 1, true)]);
    second.turn(2, post());
    second.turn(3, [Act::Broadcast(1, "more", None), Act::Post(0, 1, "more")]);
    second.turn(3, [Act::ReadBroadcast(0, 0), Act::ReadBroadcast(0, 1), Act::ReadRooms(1)]);
    let replayed = replayed(&second.end());
    assert_eq!(replayed.ending, Ending::Stopped);
    assert_eq!((replayed.counts.pages, replayed.counts.pages_passed_over), (1, 2));
}

#[test]
fn nothing_that_proves_who_somebody_is_is_recorded() {
    let recording = a_chat();
    let holds = |text: &str| recording.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(holds("psst") && holds("hello") && holds("obiwan"), "what was said is");
    for secret in [world::PASSWORD, world::WRONG, world::SECRET_AFTERWARDS, "$argon2", world::HASH] {
        assert!(!holds(secret), "{secret}");
    }
}

#[test]
fn a_recording_may_break_off_anywhere_and_what_is_there_is_replayed() {
    let recording = a_chat();
    let whole = replayed(&recording).counts;
    let mut last = 0;
    for end in 0..recording.len() {
        match replay(&recording[..end], |_| ()) {
            Err(RecordingError::NotOne) => assert!(end < 17, "{end}"),
            Err(error) => panic!("{end}: {error}"),
            Ok(Replayed { ending: Ending::BrokenOff { offset, .. }, counts, .. }) => {
                assert!(offset <= end as u64 && counts.inputs >= last, "{end}");
                last = counts.inputs;
            }
            Ok(Replayed { ending: Ending::Damaged { what, .. }, counts, .. }) => {
                assert_eq!(
                    (counts, what),
                    (Counts::default(), "the end, before it says how the server began")
                );
            }
            Ok(other) => panic!("{end}: {other:?}"),
        }
    }
    assert_eq!(last, whole.inputs);
}

#[test]
fn the_inputs_of_a_turn_that_never_ended_are_told() {
    let mut items = changed::items_of(&a_chat());
    let turn =
        items.iter().rposition(|item| matches!(items::first(&mut &item[..]), Some(Item::Turn(_)))).unwrap();
    items.truncate(turn);
    let replayed = replayed(&changed::recording_of(&items));
    let Ending::BrokenOff { inputs, .. } = replayed.ending else { panic!("{replayed:?}") };
    assert_eq!(inputs, ["the server stops"]);
}

/// A recording that is kept: another format, or an engine that gives something else, does not go unnoticed.
#[test]
fn a_recording_of_before_is_replayed() {
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/src/server/replay/tests/chat-1.toom");
    if std::env::var_os("TOOM_RECORDING").is_some_and(|what| what == "write") {
        std::fs::write(kept, a_longer_chat()).unwrap();
    }
    let Replayed { counts, ending, .. } = replayed(&std::fs::read(kept).unwrap());
    assert_eq!(ending, Ending::Stopped);
    assert_eq!((counts.inputs, counts.turns, counts.states, counts.pages), (35, 21, 22, 3));
}
