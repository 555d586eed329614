//! Batches of which each follows from its number, so that whoever finds them knows whether they are whole and right.

use core::ops::ControlFlow;
use std::io::Write;
use std::path::Path;

use toom_core::{
    Body, Conversation, Durability, FileOptions, FileStorage, History, IdempotencyKey, Message,
    MessageNumber, Posted, Record, RoomCreated, RoomId, Storage, Timestamp, UserName,
};

const AUTHOR: &str = "obiwan";
const MEMBERS: [&str; 2] = [AUTHOR, "luke"];
/// Posted to the room with every message to all.
const POSTS: u64 = 2;

/// With small journal files, which are used again, and the history behind them grows, within a fraction of a second. But large ones
/// where nothing syncs them, so that what comes behind them does not, either.
fn open(folder: &Path, durability: Durability) -> Result<FileStorage, String> {
    let journal_bytes = if durability == Durability::Sync { 16 << 10 } else { 2 << 20 };
    let options = FileOptions::new([5; 16]).journal_bytes(journal_bytes).durability(durability);
    FileStorage::open(folder, options).map_err(|error| error.to_string())
}

/// Goes on behind the batches that are there, up to number `last`, and writes the number of each to `acknowledgements` when
/// it is acknowledged.
pub(crate) fn write(
    folder: &Path,
    durability: Durability,
    last: u64,
    acknowledgements: &mut impl Write,
) -> Result<(), String> {
    let mut store = open(folder, durability)?;
    for number in held(&mut store)? + 1..=last {
        store.append(&batch(number)).map_err(|error| error.to_string())?;
        let told = writeln!(acknowledgements, "{number}").and_then(|()| acknowledgements.flush());
        told.map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// How many batches there are. It is an error if one of them is not whole, or not as it was written.
pub(crate) fn check(folder: &Path) -> Result<u64, String> {
    let mut store = open(folder, Durability::Sync)?;
    let batches = held(&mut store)?;
    let rooms = store.recover().map_err(|error| error.to_string())?.rooms.len() as u64;
    if rooms != batches.min(1) {
        return Err(format!("{batches} batches, and {rooms} rooms"));
    }
    for (conversation, messages) in [(Conversation::Broadcast, batches), (room(), batches * POSTS)] {
        let mut seen = 0;
        let read = store.read(conversation, None, usize::MAX, |found| {
            let right = message(conversation, seen + 1);
            if found != right.view() {
                return ControlFlow::Break(());
            }
            seen += 1;
            ControlFlow::Continue(())
        });
        read.map_err(|error| error.to_string())?;
        if seen != messages {
            return Err(format!("{seen} of {messages} messages are right in {conversation:?}"));
        }
    }
    Ok(batches)
}

/// How many batches there are, as the end of the broadcast conversation tells.
fn held(store: &mut FileStorage) -> Result<u64, String> {
    let recovered = store.recover().map_err(|error| error.to_string())?;
    let end = recovered.tails.iter().find(|tail| tail.conversation == Conversation::Broadcast);
    Ok(end.map_or(0, |tail| tail.number.get()))
}

/// The batch numbered `number`: messages to all and in a room, and before the first the room.
fn batch(number: u64) -> Vec<Record> {
    let room_created =
        RoomCreated { room: RoomId::FIRST, at: at(0), members: MEMBERS.map(name).into(), key: None };
    let key = number.is_multiple_of(4).then(|| format!("key-{number}"));
    let key = key.map(|key| IdempotencyKey::parse(&key).expect("a key of that form is one"));
    let said = Posted { message: message(Conversation::Broadcast, number), key };
    let posted = (0..POSTS).map(|post| message(room(), (number - 1) * POSTS + 1 + post));
    let posted = posted.map(|message| Posted { message, key: None });
    let posts = core::iter::once(said).chain(posted).map(Record::Posted);
    (number == 1).then_some(Record::RoomCreated(room_created)).into_iter().chain(posts).collect()
}

fn message(conversation: Conversation, number: u64) -> Message {
    let place = match conversation {
        Conversation::Broadcast => number * (POSTS + 1),
        Conversation::Room(_) => (number - 1) / POSTS * (POSTS + 1) + POSTS + 2 + (number - 1) % POSTS,
    };
    let bytes = usize::try_from(20 + number * 37 % 200 + if number.is_multiple_of(50) { 4000 } else { 0 });
    let text: String =
        format!("{number} é ").chars().cycle().take(bytes.expect("some thousand bytes")).collect();
    Message {
        conversation,
        number: MessageNumber::new(number).expect("numbers begin with 1"),
        at: at(place),
        author: name(AUTHOR),
        body: Body::parse(&text).expect("a text of that form is one"),
    }
}

fn room() -> Conversation {
    Conversation::Room(RoomId::FIRST)
}

fn name(name: &str) -> UserName {
    name.parse().expect("names of that form are names")
}

fn at(place: u64) -> Timestamp {
    let micros = i64::try_from(place).ok().and_then(Timestamp::from_unix_micros);
    micros.expect("nobody appends for ages")
}
