use proptest::prelude::*;

use super::*;
use crate::RoomId;

const SALT: Salt = Salt::new(0x5a17);

fn at(micros: i64) -> Timestamp {
    Timestamp::from_unix_micros(micros).unwrap()
}

fn number(number: u64) -> MessageNumber {
    MessageNumber::new(number).unwrap()
}

fn room() -> Conversation {
    Conversation::Room(RoomId::new(7).unwrap())
}

fn label(chunk: &Chunk) -> IndexEntry {
    let messages = chunk.view().messages().try_into().unwrap();
    IndexEntry { conversation: chunk.conversation, first: chunk.first, messages, first_at: at(10), offset: 0 }
}

/// Messages at the times 10, 20, 30, …, numbered from 5 on.
fn chunk(texts: &[(String, String)]) -> Chunk {
    let mut chunk = Chunk::new(room(), number(5));
    for ((author, body), i) in texts.iter().zip(1..) {
        chunk.push(at(i * 10), author, body);
    }
    chunk
}

fn small() -> Chunk {
    let texts = [("ada", "good morning"), ("żółw", "ein schöner Tag"), ("eve", "¿qué?")];
    chunk(&texts.map(|(author, body)| (author.to_owned(), body.to_owned())))
}

fn bytes(chunk: &Chunk) -> Vec<u8> {
    let mut bytes = Vec::new();
    chunk.put(SALT, &mut bytes);
    bytes
}

fn told(view: BlockView<'_>, after: Option<MessageNumber>, mut limit: usize) -> Vec<MessageRef<'_>> {
    let mut told = Vec::new();
    let _ = view.visit(after, &mut limit, &mut |message| {
        told.push(message);
        ControlFlow::Continue(())
    });
    told
}

#[test]
fn a_chunk_tells_its_ends() {
    let (chunk, empty) = (small(), Chunk::new(room(), number(5)));
    let view = chunk.view();
    assert_eq!((view.first_number(), view.last_number()), (number(5), Some(number(7))));
    assert_eq!((view.first_at(), view.last_at()), (Some(at(10)), Some(at(30))));
    assert_eq!((empty.view().last_number(), empty.view().last_at()), (None, None));
}

#[test]
fn a_chunk_takes_one_long_message_and_then_no_more() {
    let long = "x".repeat(BLOCK_BYTES);
    let mut chunk = Chunk::new(Conversation::Broadcast, number(1));
    assert!(chunk.has_room_for("ada", &long));
    chunk.push(at(10), "ada", &long);
    assert!(!chunk.has_room_for("ada", "x"));
    let bytes = bytes(&chunk);
    let view = Block::parse(&bytes, SALT, &label(&chunk)).unwrap().view().unwrap();
    assert_eq!(told(view, None, 9).first().map(|message| message.body), Some(long.as_str()));
}

#[test]
fn a_chunk_is_full_when_its_block_is() {
    let mut chunk = Chunk::new(Conversation::Broadcast, number(1));
    for i in 0.. {
        if !chunk.has_room_for("ada", "hello") {
            break;
        }
        chunk.push(at(i), "ada", "hello");
    }
    assert!(bytes(&chunk).len() <= BLOCK_BYTES);
    assert!(chunk.bytes() + ENTRY_BYTES + "adahello".len() > BLOCK_BYTES);
}

#[test]
fn a_block_is_filled_to_its_last_byte_and_not_a_byte_beyond() {
    let chunk = small();
    let left = BLOCK_BYTES - chunk.bytes() - ENTRY_BYTES - "yoda".len();
    assert!(chunk.has_room_for("yoda", &"x".repeat(left)));
    assert!(!chunk.has_room_for("yoda", &"x".repeat(left + 1)));

    let left = BLOCK_BYTES - chunk.bytes() - 2 * ENTRY_BYTES - "eveyes".len();
    let joins = |bytes| {
        let texts = [("eve".to_owned(), "yes".to_owned()), (String::new(), "x".repeat(bytes))];
        small().has_joined(super::tests::chunk(&texts).view())
    };
    assert!(joins(left));
    assert!(!joins(left + 1));
}

#[test]
fn a_chunk_tells_what_its_entries_and_its_texts_take_of_the_memory() {
    let texts = |author: &str| vec![(author.to_owned(), String::new()); 64];
    let (terse, wordy) = (chunk(&texts("a")).heap_bytes(), chunk(&texts(&"a".repeat(90))).heap_bytes());
    assert!((64 * (ENTRY_BYTES + 1)..4 * 64 * (ENTRY_BYTES + 1)).contains(&terse), "{terse}");
    assert!((64 * (ENTRY_BYTES + 90)..4 * 64 * (ENTRY_BYTES + 90)).contains(&wordy), "{wordy}");
}

#[test]
fn debug_shows_how_many_messages_a_chunk_has_and_no_text() {
    let shown = format!("{:?}", small());
    assert!(shown.contains("3 messages from 5"), "{shown}");
    assert!(!shown.contains("morning"), "{shown}");
}

/// What is wrong with a block of these times and these ends of texts, under a right checksum.
fn damage_of(entries: &[(i64, usize)]) -> Option<Damage> {
    let text_bytes = entries.last().unwrap().1;
    let mut chunk = Chunk::new(room(), number(5));
    for (at_micros, end) in entries {
        chunk.push(at(*at_micros), "", "x");
        let entry = chunk.entries.last_mut().unwrap();
        entry[8..12].copy_from_slice(&u32::try_from(*end).unwrap().to_le_bytes());
        entry[12..14].copy_from_slice(&1_u16.to_le_bytes());
    }
    chunk.text = "x".repeat(text_bytes);
    let bytes = bytes(&chunk);
    let label = IndexEntry { first_at: at(entries[0].0), ..label(&chunk) };
    Block::parse(&bytes, SALT, &label).unwrap().check_order().err()
}

#[test]
fn times_rise_and_texts_follow_one_another_and_where_they_do_not_is_told() {
    let third_entry = (HEADER_BYTES + 2 * ENTRY_BYTES) as u64;
    assert_eq!(damage_of(&[(10, 5), (20, 9), (30, 10)]), None);
    for wrong in [(20, 12), (19, 12), (30, 9)] {
        let damage = damage_of(&[(10, 5), (20, 9), wrong]).unwrap();
        assert_eq!(damage.offset, third_entry, "{wrong:?}");
    }
}

#[test]
fn a_text_that_is_not_utf_8_is_told_with_its_place() {
    let chunk = small();
    let text_start = HEADER_BYTES + 3 * ENTRY_BYTES;
    let second = "adagood morning".len();
    let mut bytes = bytes(&chunk);
    bytes[text_start + second + 2] = 0xff;
    let block = Block::parse_checked(&bytes, &label(&chunk)).unwrap();
    let told = |after, limit| block.part(MessageNumber::new(after), limit).err().map(|damage| damage.offset);
    assert_eq!(told(0, 1), None);
    assert_eq!(told(5, 1), Some((text_start + second) as u64));
    assert_eq!(told(0, 3), Some(text_start as u64));
}

#[test]
fn a_block_is_the_whole_of_its_bytes() {
    // Its text ends at a multiple of eight, so that nothing is left over.
    let chunk = chunk(&[("ada".to_owned(), "hello".to_owned())]);
    let (whole, right) = (bytes(&chunk), label(&chunk));
    assert_eq!(whole.len(), chunk.bytes());
    assert!(Block::parse_checked(&whole, &right).is_ok());
    assert!(Block::parse_checked(&[&whole[..], &[0; 8]].concat(), &right).is_err());
}

#[test]
fn any_flipped_bit_of_a_block_is_found() {
    let chunk = small();
    let mut bytes = bytes(&chunk);
    for bit in 0..bytes.len() * 8 {
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(Block::parse(&bytes, SALT, &label(&chunk)).is_err(), "bit {bit}");
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
}

#[test]
fn any_cut_of_a_block_is_found() {
    let chunk = small();
    let bytes = bytes(&chunk);
    for length in 0..bytes.len() {
        assert!(Block::parse(&bytes[..length], SALT, &label(&chunk)).is_err(), "{length} bytes");
    }
}

#[test]
fn a_whole_block_in_the_wrong_place_is_found() {
    let chunk = small();
    let (bytes, right) = (bytes(&chunk), label(&chunk));
    let wrong = [
        IndexEntry { conversation: Conversation::Broadcast, ..right },
        IndexEntry { first: number(6), ..right },
        IndexEntry { messages: 2, ..right },
        IndexEntry { first_at: at(9), ..right },
    ];
    for label in wrong {
        assert!(Block::parse(&bytes, SALT, &label).is_err(), "{label:?}");
    }
    assert!(Block::parse(&bytes, Salt::new(1), &right).is_err());
}

/// The last number of all stands for none, so that everything may ask for the number that follows.
#[test]
fn a_block_that_comes_to_the_last_number_is_none() {
    let read = |first| {
        let chunk = Chunk { first: number(first), ..small() };
        let bytes = bytes(&chunk);
        Block::parse(&bytes, SALT, &label(&chunk))?.view().map(BlockView::last_number)
    };
    assert_eq!(read(u64::MAX - 3), Ok(MessageNumber::new(u64::MAX - 1)));
    assert!(read(u64::MAX - 2).is_err());
    assert!(read(u64::MAX).is_err());
}

/// As if a checksum had been right by chance, or made by who knows the salt.
#[test]
fn damage_under_a_right_checksum_neither_panics_nor_grows_a_block() {
    let chunk = small();
    let mut bytes = bytes(&chunk);
    for bit in 0..bytes.len() * 8 {
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Ok(view) = Block::parse_checked(&bytes, &label(&chunk)).and_then(Block::view) {
            assert_eq!(told(view, None, usize::MAX).len(), chunk.view().messages(), "bit {bit}");
        }
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
}

proptest! {
    #[test]
    fn a_block_tells_what_was_put_into_its_chunk(
        texts in proptest::collection::vec(("\\PC{0,32}", "\\PC{0,40}"), 1..20),
        after in 0_u64..30,
        limit in 0_usize..25,
        since in 0_i64..220,
    ) {
        let chunk = chunk(&texts);
        let bytes = bytes(&chunk);
        prop_assert_eq!(bytes.len(), chunk.bytes().next_multiple_of(8));
        let block = Block::parse(&bytes, SALT, &label(&chunk)).unwrap();
        let after = MessageNumber::new(after);
        let model: Vec<_> = texts
            .iter()
            .zip(1_i64..)
            .zip(5_u64..)
            .map(|(((author, body), i), n)| MessageRef {
                conversation: room(),
                number: number(n),
                at: at(i * 10),
                author,
                body,
            })
            .collect();
        let page: Vec<_> =
            model.iter().copied().filter(|message| Some(message.number) > after).take(limit).collect();
        prop_assert_eq!(told(block.part(after, limit).unwrap(), None, usize::MAX), page.clone());
        prop_assert_eq!(told(block.view().unwrap(), after, limit), page.clone());
        prop_assert_eq!(told(chunk.view(), after, limit), page);

        let located = model.iter().rfind(|message| message.at <= at(since)).map(|message| message.number);
        prop_assert_eq!(block.last_not_later(at(since)), located);
        prop_assert_eq!(chunk.view().last_not_later(at(since)), located);
    }
}
