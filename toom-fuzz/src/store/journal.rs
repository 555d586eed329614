//! The journal: a damaged one gives a prefix of its batches, or an error with a place, and never what was not appended.

use std::sync::LazyLock;

use toom_core::{Conversation, MessageNumber, RoomId, Timestamp};

use super::bytes::{checksum, put, seal, u32_at, u64_at};
use super::folder::{Files, Writer, append, first_batch, left, made, opened};
use super::judge::{Held, Read, judge};

/// Bits of the first byte of an input.
const SEALED: u8 = 1;
const LINKED: u8 = 2;

const JOURNAL: &str = "journal-1";
/// Longer inputs show nothing more.
const INPUT_BYTES_MAX: usize = 64 << 10;
const HEAD_BYTES: usize = 40;
const SEQUENCE: usize = 8;
const CHAIN: usize = 16;
const BODY_BYTES: usize = 24;
const RECORDS: usize = 28;
const MAGIC: usize = 36;
/// Where a manifest says how the journal begins.
const MANIFEST_JOURNAL: usize = 40;

/// A store whose journal is empty; what its history files hold was said before.
static EMPTY: LazyLock<Files> = LazyLock::new(|| {
    let (disk, mut store) = made();
    append(&mut store, &first_batch(&mut Writer::default()));
    store.close().expect("there is room");
    let store = opened(&disk);
    left(&disk, store)
});

/// What that holds.
static BEFORE: LazyLock<Held> = LazyLock::new(|| judge(&EMPTY).expect("nothing is wrong with it"));

/// A journal file, with the files of a store round it. The first byte says whether its checksums are set right, and its frames
/// linked.
///
/// Beside what holds for every store: one that is sound holds what was said before, and the frames that follow one another in
/// the journal, no more and no less.
pub fn journal(data: &[u8]) {
    let Some((&mode, file)) = data.split_first() else { return };
    let mut file = file.get(..INPUT_BYTES_MAX).unwrap_or(file).to_vec();
    let mut files = EMPTY.clone();
    let link = start(&files);
    file.resize(file.len().max(files.get(JOURNAL).map_or(0, Vec::len)), 0);
    if mode & SEALED != 0 {
        set_right(&mut file, link, mode & LINKED != 0);
    }
    let expected = following(&file, link, BEFORE.clone());
    files.insert(JOURNAL.to_owned(), file);
    if let Some(held) = judge(&files) {
        let held = held.into_iter().filter(|(_, messages)| !messages.is_empty()).collect::<Held>();
        assert_eq!(held, expected, "it does not hold what the journal says");
    }
}

/// Journals to begin with: of one batch, of several, with and without a torn end.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let mut writer = Writer::default();
    let (disk, mut store) = made();
    append(&mut store, &first_batch(&mut writer));
    store.close().expect("there is room");
    let mut store = opened(&disk);
    let mut seeds = Vec::new();
    for nth in 0..6 {
        let mut batch = vec![writer.post(nth % 3, 1, &"x".repeat(1 + 30 * nth as usize), None)];
        if nth % 2 == 1 {
            batch.push(writer.post(0, 0, "again", Some(&format!("key-{}", nth + 10))));
        }
        if nth == 3 {
            batch.push(writer.room(1, Some("build-3")));
        }
        append(&mut store, &batch);
        let files = super::folder::files_of(&disk.kill());
        let journal = files.get(JOURNAL).expect("a store has it");
        let end = journal.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        let whole = journal.get(..end.next_multiple_of(8)).unwrap_or(journal);
        let torn = whole.get(..whole.len() - 9).unwrap_or(whole);
        for (mode, bytes) in [(0, whole), (SEALED, whole), (SEALED | LINKED, whole), (0, torn)] {
            seeds.push([&[mode], bytes].concat());
        }
    }
    drop(store);
    seeds
}

/// What makes a frame the next one: its number, and the checksum of the one before.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Link {
    sequence: u64,
    chain: u64,
}

fn start(files: &Files) -> Link {
    let manifest = files.get("manifest").expect("a store has it");
    let at = |place| u64_at(manifest, place).expect("it is longer");
    Link { sequence: at(MANIFEST_JOURNAL), chain: at(MANIFEST_JOURNAL + 8) }
}

/// The bytes of the frame at `at`, if it says that there is one, whatever its checksum.
fn frame_bytes(file: &[u8], at: usize) -> Option<usize> {
    let body = u32_at(file, at + BODY_BYTES)? as usize;
    let is_one = file.get(at + MAGIC..at + HEAD_BYTES)? == b"TMJ1" && body.is_multiple_of(8);
    (is_one && at + HEAD_BYTES + body <= file.len()).then_some(HEAD_BYTES + body)
}

/// Sets the checksum of every frame right, and if they are to be linked, makes each the one behind that before.
fn set_right(file: &mut [u8], mut link: Link, is_linked: bool) {
    let mut at = 0;
    while at < file.len() {
        let Some(bytes) = frame_bytes(file, at) else {
            at += 8;
            continue;
        };
        if is_linked {
            put(file, at + SEQUENCE, &link.sequence.to_le_bytes());
            put(file, at + CHAIN, &link.chain.to_le_bytes());
        }
        seal(file, at..at + bytes);
        link =
            Link { sequence: link.sequence.saturating_add(1), chain: u64_at(file, at).unwrap_or_default() };
        at += bytes;
    }
}

/// What was held, and all messages of the frames that follow one another from `link` on.
fn following(file: &[u8], mut link: Link, mut held: Held) -> Held {
    let mut at = 0;
    while at < file.len() {
        let is_whole = |bytes: &usize| {
            let zeros = file.get(at + 33..at + MAGIC) == Some(&[0; 3])
                && file.get(at + 32).is_some_and(|&synced| synced <= 1);
            zeros && file.get(at + 8..at + bytes).map(checksum) == u64_at(file, at)
        };
        let Some(bytes) = frame_bytes(file, at).filter(is_whole) else {
            at += 8;
            continue;
        };
        let found = u64_at(file, at + SEQUENCE).zip(u64_at(file, at + CHAIN));
        if found == Some((link.sequence, link.chain)) {
            let records = u32_at(file, at + RECORDS).unwrap_or_default();
            messages(file.get(at + HEAD_BYTES..at + bytes).unwrap_or_default(), records, &mut held);
            link = Link {
                sequence: link.sequence.saturating_add(1),
                chain: u64_at(file, at).unwrap_or_default(),
            };
        }
        at += bytes;
    }
    held
}

/// Adds the messages of a batch, as far as they can be read.
fn messages(body: &[u8], records: u32, held: &mut Held) {
    let mut at = 0;
    for _ in 0..records {
        let bytes = match body.get(at) {
            Some(1) => room_bytes(body, at),
            Some(2) => message(body, at, held),
            _ => None,
        };
        let Some(bytes) = bytes else { return };
        at += bytes;
    }
}

fn room_bytes(body: &[u8], at: usize) -> Option<usize> {
    let key = usize::from(*body.get(at + 13)?);
    let members = u16::from_le_bytes(*body.get(at + 14..)?.first_chunk()?);
    let mut bytes = 16 + key;
    for _ in 0..members {
        bytes += 1 + usize::from(*body.get(at + bytes)?);
    }
    Some(bytes)
}

fn message(body: &[u8], at: usize, held: &mut Held) -> Option<usize> {
    let conversation = RoomId::new(u32_at(body, at + 1)?).map_or(Conversation::Broadcast, Conversation::Room);
    let number = MessageNumber::new(u64_at(body, at + 5)?)?;
    let time = Timestamp::from_unix_micros(u64_at(body, at + 13)?.cast_signed())?;
    let author = usize::from(*body.get(at + 21)?);
    let key = usize::from(*body.get(at + 22)?);
    let text = u32_at(body, at + 23)? as usize;
    let end = at + 27 + author + key + text;
    let texts = body.get(at + 27..end)?;
    let (author, rest) = texts.split_at(author);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    let (author, body) = (text(author)?, text(rest.get(key..)?)?);
    held.entry(conversation).or_default().push(Read { number, at: time, author, body });
    Some(end - at)
}
