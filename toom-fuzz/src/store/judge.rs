//! What holds for every store, whatever is in its files.

use core::ops::ControlFlow;
use std::collections::BTreeMap;

use toom_core::simulated::SimDisk;
use toom_core::{
    Conversation, Digest, FileStorage, History as _, MessageNumber, RepairPlan, Storage as _, StorageError,
    Timestamp, Verified,
};

use super::folder::{Files, disk_of, options};

/// A message as it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) number: MessageNumber,
    pub(crate) at: Timestamp,
    pub(crate) author: String,
    pub(crate) body: String,
}

/// All that a store lends.
pub(crate) type Held = BTreeMap<Conversation, Vec<Read>>;

/// What a store with these files holds; `None` if it is damaged.
///
/// * Checking it writes nothing. What is found is told with a file that there is and a place in it.
/// * If nothing is found, it opens, holds what was checked, and holds the same when it is closed and opened again.
/// * If something is found, it may open or not; but it can be repaired, and is sound then.
/// * No text is read that does not stand in a file.
pub(crate) fn judge(files: &Files) -> Option<Held> {
    let disk = disk_of(files);
    let operations = disk.operations();
    let verified = FileStorage::verify_on(&disk, |_| {});
    assert_eq!(disk.operations(), operations, "checking wrote something");
    match verified {
        Ok(verified) if verified.is_sound() => Some(sound(&disk, &verified, files)),
        Ok(verified) => {
            verified.damage.iter().for_each(|error| has_place(error, files));
            damaged(&disk, files);
            None
        }
        Err(error) => panic!("nothing can be said of it: {error}"),
    }
}

fn sound(disk: &SimDisk, verified: &Verified, files: &Files) -> Held {
    assert!(
        RepairPlan::make_on(disk, |_| {}).expect("it can be read").is_none(),
        "a sound store is repaired"
    );
    let mut held = Held::new();
    for opening in ["at first", "after a close"] {
        let mut store = FileStorage::open_on(disk.clone(), options())
            .unwrap_or_else(|error| panic!("sound, and does not open {opening}: {error}"));
        assert_eq!(Some(store.epoch()), verified.epoch);
        assert_eq!(Some(digest(&mut store)), verified.digest, "{opening}");
        held = read_well(&mut store);
        store.close().unwrap_or_else(|error| panic!("sound, and does not close {opening}: {error}"));
    }
    stands_in(&held, files);
    held
}

fn damaged(disk: &SimDisk, files: &Files) {
    match FileStorage::open_on(disk.kill(), options()) {
        Ok(mut store) => stands_in(&read_anyhow(&mut store), files),
        Err(error) => has_place(&error, files),
    }
    let plan = RepairPlan::make_on(disk, |_| {}).expect("it can be read").expect("it is damaged");
    let repaired = plan.carry_out(*b"epoch..2secret.2", |_| {}).expect("there is room");
    assert!(repaired.is_sound(), "{:?}", repaired.damage);
    let mut store = FileStorage::open_on(disk.clone(), options()).expect("it was repaired");
    assert_eq!(Some(digest(&mut store)), repaired.digest);
    stands_in(&read_well(&mut store), files);
}

/// That an error says which of the files is damaged, and where.
fn has_place(error: &StorageError, files: &Files) {
    let StorageError::Corrupt { thing, offset, .. } = error else {
        panic!("it is damaged, and that is not told: {error}");
    };
    let bytes = files.get(thing).unwrap_or_else(|| panic!("there is no such file: {error}"));
    assert!(*offset <= bytes.len() as u64, "the file ends before: {error}");
}

fn digest(store: &mut FileStorage<SimDisk>) -> Digest {
    let recovered = store.recover().expect("it is sound");
    Digest::of_history(&store.reader(), &recovered).expect("it is sound")
}

/// Reads everything from a sound store, in several ways that must agree.
fn read_well(store: &mut FileStorage<SimDisk>) -> Held {
    let recovered = store.recover().expect("it is sound");
    let mut held = Held::new();
    for tail in recovered.tails {
        let conversation = tail.conversation;
        let all = read(store, conversation, None, usize::MAX).expect("it is sound");
        let floor = store.floor(conversation).expect("it is sound");
        let numbers = all.iter().map(|message| message.number.get());
        assert!(numbers.eq(floor.get()..=tail.number.get()), "{conversation:?} has a gap");
        assert!(all.is_sorted_by(|one, next| one.at < next.at), "{conversation:?} goes back in time");
        assert!(all.last().is_none_or(|last| last.at == tail.at));
        for (nth, message) in all.iter().enumerate().take(12) {
            let some = read(store, conversation, message.number.preceding(), 3).expect("it is sound");
            assert!(all.iter().skip(nth).take(3).eq(&some), "{conversation:?} from {:?} on", message.number);
            assert_eq!(store.locate(conversation, message.at).expect("it is sound"), Some(message.number));
        }
        held.insert(conversation, all);
    }
    held
}

/// Reads what a damaged store lends, until it fails.
fn read_anyhow(store: &mut FileStorage<SimDisk>) -> Held {
    let Ok(recovered) = store.recover() else { return Held::new() };
    let mut held = Held::new();
    for tail in recovered.tails {
        let all = read(store, tail.conversation, None, 10_000).unwrap_or_default();
        let _ = store.locate(tail.conversation, tail.at);
        let _ = store.floor(tail.conversation);
        held.insert(tail.conversation, all);
    }
    held
}

fn read(
    store: &FileStorage<SimDisk>,
    conversation: Conversation,
    after: Option<MessageNumber>,
    limit: usize,
) -> Result<Vec<Read>, StorageError> {
    let mut messages = Vec::new();
    store.read(conversation, after, limit, |message| {
        let (author, body) = (message.author.to_owned(), message.body.to_owned());
        messages.push(Read { number: message.number, at: message.at, author, body });
        ControlFlow::Continue(())
    })?;
    Ok(messages)
}

/// That nothing was made up.
fn stands_in(held: &Held, files: &Files) {
    for Read { author, body, .. } in held.values().flatten() {
        for text in [author, body].map(String::as_bytes).into_iter().filter(|text| !text.is_empty()) {
            let stands = |file: &Vec<u8>| file.windows(text.len()).any(|window| window == text);
            assert!(files.values().any(stands), "{} stands nowhere", text.escape_ascii());
        }
    }
}
