use proptest::prelude::*;

use super::*;
use crate::storage::file::samples::{any_record, posted};

const SALT: Salt = Salt::new(1);
const LINK: Link = Link { sequence: 3, chain: 0x0123_4567_89ab_cdef };

fn frame_of(records: &[Record], durability: Durability) -> Vec<u8> {
    let mut out = vec![0xff; 3];
    encode(records, LINK, durability, SALT, &mut out).unwrap();
    out
}

proptest! {
    #[test]
    fn what_a_frame_was_made_of_is_what_it_holds(records in prop::collection::vec(any_record(), 0..5), at in 0_usize..20) {
        let frame = frame_of(&records, Durability::Sync);
        prop_assert!(frame.len().is_multiple_of(ALIGNMENT));
        prop_assert_eq!(Some(frame.len() - HEAD_BYTES), body_bytes(&records).map(|bytes| bytes as usize));
        let mut bytes = vec![0x55; at];
        bytes.extend(&frame);
        bytes.extend([0xaa; 9]);
        let found = Frame::at(&bytes, at, SALT).unwrap();
        prop_assert!(found.link() == LINK && found.is_synced());
        prop_assert_eq!(found.bytes(), frame.len());
        let mut times = Vec::new();
        prop_assert_eq!(found.records(|record| {
            times.push(match record {
                RecordRef::RoomCreated(created) => created.at,
                RecordRef::Posted(posted) => posted.message.at,
            });
            Ok(())
        }), Ok(()));
        prop_assert_eq!(times, records.iter().map(Record::at).collect::<Vec<_>>());
    }

    #[test]
    fn any_bytes_behind_a_magic_are_no_frame(mut bytes in prop::collection::vec(any::<u8>(), HEAD_BYTES..200), at in 0_usize..300) {
        bytes[MAGIC_AT..HEAD_BYTES].copy_from_slice(&MAGIC);
        prop_assert!(Frame::at(&bytes, at, SALT).is_none());
    }
}

#[test]
fn a_frame_lies_as_the_table_says() {
    let frame = frame_of(&[posted(1, "hello")], Durability::Buffered);
    assert_eq!(frame[..8], SALT.checksum(&frame[8..]).to_le_bytes());
    assert_eq!(frame[8..16], 3_u64.to_le_bytes());
    assert_eq!(frame[16..24], 0x0123_4567_89ab_cdef_u64.to_le_bytes());
    assert_eq!(frame[24..32], [40, 0, 0, 0, 1, 0, 0, 0]);
    assert_eq!(frame[32..36], [0; 4]);
    assert_eq!(&frame[36..40], b"TMJ1");
    assert_eq!(frame.len(), 80);
    assert_eq!(&frame[67..76], b"Lukehello");
    assert_eq!(frame[76..], [0; 4]);
    assert_eq!(frame_of(&[], Durability::Sync)[32..36], [1, 0, 0, 0]);
}

#[test]
fn a_frame_of_another_salt_is_none() {
    let frame = frame_of(&[posted(1, "hello")], Durability::Sync);
    assert!(Frame::at(&frame, 0, SALT).is_some());
    assert!(Frame::at(&frame, 0, Salt::new(2)).is_none());
}

#[test]
fn a_frame_with_a_right_checksum_and_wrong_contents_is_refused() {
    let right = frame_of(&[posted(1, "hello")], Durability::Sync);
    let with = |at: usize, value: u8| {
        let mut frame = right.clone();
        frame[at] = value;
        let checksum = SALT.checksum(&frame[8..]);
        frame[..8].copy_from_slice(&checksum.to_le_bytes());
        Frame::at(&frame, 0, SALT).map(|frame| frame.records(|_| Ok(())))
    };
    assert_eq!(with(32, 0), Some(Ok(())));
    for (at, value) in [(24, 41), (24, 48), (32, 2), (33, 1), (36, b't')] {
        assert_eq!(with(at, value), None, "byte {at} is {value}");
    }
    assert_eq!(with(28, 2), Some(Err(Malformed("a batch holds what is no record"))));
    assert_eq!(with(28, 0), Some(Err(Malformed("a batch holds more than its records"))));
    assert_eq!(with(79, 1), Some(Err(Malformed("a batch holds more than its records"))));
}

#[test]
fn two_of_three_signs_tell_what_a_frame_was_meant_to_be() {
    let right = frame_of(&[posted(1, "hello")], Durability::Sync);
    let resembles = |changed: &[usize]| {
        let mut frame = right.clone();
        for &at in changed {
            frame[at] ^= 1;
        }
        Head::at(&frame, 0).unwrap().resembles(LINK)
    };
    for changed in [&[][..], &[0], &[8], &[16], &[24], &[36], &[8, 15]] {
        assert!(resembles(changed), "{changed:?}");
    }
    for changed in [[8, 16], [8, 36], [16, 36], [16, 33]] {
        assert!(!resembles(&changed), "{changed:?}");
    }
}

#[test]
fn a_body_that_a_frame_cannot_tell_the_length_of_is_refused() {
    let long = posted(1, &"x".repeat(8000));
    let each = record_bytes::size(&long);
    let fits = usize::try_from(BODY_BYTES_MAX / each).unwrap();
    assert!(body_bytes(&vec![long.clone(); fits]).is_some());
    assert!(body_bytes(&vec![long; fits + 1]).is_none());
}
