//! What an index must not say, though its checksum is right: as if that had been right by chance, or made by who knows the salt.

use super::*;
use crate::RoomId;

const SALT: Salt = Salt::new(0x5a17);

fn at(micros: i64) -> Timestamp {
    Timestamp::from_unix_micros(micros).unwrap()
}

fn room(number: u32) -> Conversation {
    RoomId::new(number).map_or(Conversation::Broadcast, Conversation::Room)
}

/// A block of three messages in a room, in the file at `offset`.
fn entry(number: u32, first: u64, first_at: i64, offset: u64) -> Entry {
    let first = MessageNumber::new(first).unwrap();
    Entry { conversation: room(number), messages: 3, first, first_at: at(first_at), offset }
}

fn sealed(put: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let start = begin(&mut bytes);
    put(&mut bytes);
    seal(SALT, &mut bytes, start);
    bytes
}

#[test]
fn a_block_follows_another_with_the_next_number_and_a_later_time_or_in_a_later_conversation() {
    let last = entry(1, 5, 10, 0);
    let follows = |next: Entry| next.follows(&last, at(30));
    assert!(follows(entry(1, 8, 31, 100)));
    assert!(follows(entry(2, 1, 1, 100)));
    for not in [entry(1, 8, 30, 100), entry(1, 9, 31, 100), entry(1, 7, 31, 100), entry(0, 8, 31, 100)] {
        assert!(!follows(not), "{not:?}");
    }
}

#[test]
fn a_block_lies_behind_another_if_it_does_in_the_file_in_the_conversation_and_in_time() {
    let earlier = entry(1, 5, 10, 100);
    for behind in [entry(1, 8, 11, 101), entry(1, 9, 11, 101), entry(2, 1, 1, 101)] {
        assert!(behind.lies_behind(&earlier), "{behind:?}");
    }
    let in_place = [entry(1, 8, 11, 100), entry(2, 1, 1, 100), entry(2, 8, 11, 99)];
    let in_order = [entry(1, 7, 11, 101), entry(1, 8, 10, 101), entry(0, 8, 11, 101), entry(0, 1, 1, 101)];
    for not in in_place.into_iter().chain(in_order) {
        assert!(!not.lies_behind(&earlier), "{not:?}");
    }
}

#[test]
fn a_page_whose_entries_are_not_those_of_blocks_in_a_row_is_refused() {
    let entries = [entry(1, 5, 10, 0), entry(1, 8, 11, 100), entry(2, 1, 1, 200)];
    let parsed = |entries: &[Entry], first: Entry, page_offset| {
        let page = sealed(|into| {
            for entry in entries {
                entry.put(into);
            }
        });
        Page::parse(&page, SALT, &Fence { first, page_offset, entries: 3 })
    };
    let [first, second, third] = entries;
    let page = parsed(&entries, first, 201).unwrap();
    assert_eq!((&*page.entries, page.end), (&entries[..], 201));
    assert!(parsed(&entries, first, 200).is_err(), "the last block lies behind the page");
    assert!(parsed(&entries[..2], first, 201).is_err(), "there are fewer entries than the fence tells");
    assert!(parsed(&[], first, 201).is_err(), "there are none");
    assert!(parsed(&entries, second, 201).is_err(), "the fence tells of another first block");
    let in_one_place = Entry { offset: 100, ..third };
    assert!(parsed(&[first, second, in_one_place], first, 201).is_err(), "two blocks lie in one place");
    assert!(parsed(&[first, third, second], first, 201).is_err(), "conversations go back");
    let early = entry(1, 8, 10, 100);
    assert!(parsed(&[first, early, third], first, 201).is_err(), "times do not rise");
}

#[test]
fn fences_that_do_not_tell_of_the_whole_file_in_order_are_refused_and_where_is_told() {
    let fence = |first: Entry, page_offset| Fence { first, page_offset, entries: 3 };
    let first = fence(entry(1, 5, 10, 0), 400);
    let second = fence(entry(2, 1, 1, first.end()), first.end() + 8);
    let parsed = |fences: &[Fence], trailing: &[u8], offset| {
        let bytes = sealed(|into| {
            for fence in fences {
                fence.put(into);
            }
            into.put_bytes(trailing);
        });
        parse_fences(&bytes, SALT, offset)
    };
    assert_eq!(&*parsed(&[first, second], &[], second.end()).unwrap(), [first, second]);
    assert!(parsed(&[first, second], &[0; 8], second.end()).is_err(), "there is more than fences");
    assert!(parsed(&[first, second], &[], second.end() + 8).is_err(), "there is room behind the last page");

    let wrong = [
        fence(entry(1, 7, 11, first.end()), first.end() + 8),
        fence(entry(2, 1, 1, first.end() + 8), first.end() + 16),
        fence(entry(2, 1, 1, first.end()), first.end()),
    ];
    for wrong in wrong {
        let damage = parsed(&[first, wrong], &[], wrong.end()).unwrap_err();
        assert_eq!(damage.offset, (CHECKSUM_BYTES + FENCE_BYTES) as u64, "{wrong:?}");
    }
    let far = fence(entry(1, 5, 10, 8), 400);
    assert_eq!(parsed(&[far], &[], far.end()).unwrap_err().offset, CHECKSUM_BYTES as u64);
}
