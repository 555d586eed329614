use super::frame::HEAD_BYTES;
use super::*;
use crate::simulated::SimDisk;
use crate::{MessageNumber, RoomId, Timestamp};

const SALT: Salt = Salt::new(0x5eed);
const ID: u64 = 7;
/// What the end of a conversation takes in a frame.
const END_BYTES: usize = 20;

type File = StateFile<<SimDisk as Disk>::File>;

fn end(number: u64) -> End {
    let at = Timestamp::from_unix_micros(number.cast_signed()).unwrap();
    End { number: MessageNumber::new(number).unwrap(), at }
}

fn ends() -> BTreeMap<Conversation, End> {
    let room = |number| Conversation::Room(RoomId::new(number).unwrap());
    [(Conversation::Broadcast, end(3)), (room(1), end(1)), (room(9), end(4))].into()
}

/// A file of the ends above, in frames that end when they come to `frame_bytes`.
fn file_of_frames(disk: &SimDisk, frame_bytes: usize) -> File {
    let empty = StateFile::create(disk, SALT, ID, &State::default()).unwrap();
    let mut builder = Builder::new(&empty, frame_bytes);
    for (conversation, end) in ends() {
        builder.end(conversation, end).unwrap();
    }
    builder.finish().unwrap()
}

fn salvaged(disk: &SimDisk) -> BTreeMap<Conversation, End> {
    let mut ends = BTreeMap::new();
    salvage(&disk.bytes_of(&names::state(ID)).unwrap(), SALT, |state| ends.extend(state.ends));
    ends
}

fn refused(file: &File) -> String {
    file.load().unwrap_err().to_string()
}

#[test]
fn a_frame_ends_with_the_record_with_which_it_is_full_and_all_frames_are_read() {
    for (frame_bytes, frames) in [(1, 3), (END_BYTES, 3), (END_BYTES + 1, 2), (2 * END_BYTES + 1, 1)] {
        let disk = SimDisk::new();
        let file = file_of_frames(&disk, frame_bytes);
        assert_eq!(file.summary().bytes, (frames * HEAD_BYTES + 3 * END_BYTES) as u64, "{frame_bytes}");
        assert_eq!(file.load().unwrap().ends, ends());
        assert_eq!(salvaged(&disk), ends());
    }
}

#[test]
fn a_frame_of_which_not_all_counts_is_refused_though_its_bytes_are_there() {
    let mut file = file_of_frames(&SimDisk::new(), END_BYTES);
    let whole = file.summary.bytes;
    let frame_bytes = HEAD_BYTES + END_BYTES;
    for left in 1..frame_bytes {
        file.summary.bytes = whole - (frame_bytes - left) as u64;
        let what = if left < HEAD_BYTES { "a frame ends early" } else { "a frame is longer than the file" };
        assert!(refused(&file).contains(what), "{left}: {}", refused(&file));
    }
    file.summary.bytes = whole - frame_bytes as u64;
    assert!(refused(&file).contains("it does not end where the manifest says"));
    file.summary.bytes = whole;
    file.summary.chain += 1;
    assert!(refused(&file).contains("it does not end where the manifest says"));
}

#[test]
fn a_frame_that_is_altered_or_follows_another_is_refused() {
    let disk = SimDisk::new();
    let mut file = file_of_frames(&disk, END_BYTES);
    file.summary.id += 1;
    assert!(refused(&file).contains("the checksum of a frame is wrong"));
    file.summary.id -= 1;
    let whole = disk.bytes_of(&names::state(ID)).unwrap();
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        disk.put(&names::state(ID), &bytes);
        let file = StateFile::open(&disk, SALT, file.summary, Access::Read).unwrap();
        assert!(file.load().is_err(), "bit {bit}");
        let left = salvaged(&disk);
        assert!(left.len() == 2 && left.iter().all(|(conversation, end)| ends()[conversation] == *end));
    }
}

#[test]
fn a_file_is_outgrown_when_it_is_more_than_twice_what_it_was_and_a_little() {
    let mut file = file_of_frames(&SimDisk::new(), END_BYTES);
    file.summary.compact_bytes = 1000;
    for (bytes, outgrown) in [(1000, false), (2000, false), (2010, false), (2011, true), (9000, true)] {
        file.summary.bytes = bytes;
        assert_eq!(file.is_outgrown(10), outgrown, "{bytes}");
    }
}
