use proptest::prelude::*;

use super::*;
use crate::storage::file::samples::{any_record, posted};
use crate::{Body, Message};

/// What the record owns, made anew from what lies there.
fn own(record: RecordRef<'_>) -> Result<Record, Malformed> {
    match record {
        RecordRef::RoomCreated(created) => created.own(&mut Names::default()).map(Record::RoomCreated),
        RecordRef::Posted(PostedRef { message, key }) => Ok(Record::Posted(Posted {
            message: Message {
                conversation: message.conversation,
                number: message.number,
                at: message.at,
                author: UserName::parse(message.author).unwrap(),
                body: Body::parse(message.body).unwrap(),
            },
            key: key.map(parse_key).transpose()?,
        })),
    }
}

fn bytes_of(record: &Record) -> Vec<u8> {
    let mut out = Vec::new();
    put(record, &mut out).unwrap();
    out
}

/// `UserName`s are compared without case: what is kept is the name as it was written.
fn shown(record: &Record) -> Vec<String> {
    match record {
        Record::Posted(posted) => vec![posted.message.author.to_string()],
        Record::RoomCreated(created) => created.members.iter().map(ToString::to_string).collect(),
    }
}

proptest! {
    #[test]
    fn what_was_put_is_taken_to_the_letter(records in prop::collection::vec(any_record(), 1..5)) {
        let mut bytes = Vec::new();
        for record in &records {
            put(record, &mut bytes).unwrap();
        }
        prop_assert_eq!(bytes.len() as u64, records.iter().map(size).sum::<u64>());
        let mut take = Take::new(&bytes);
        for record in &records {
            let taken = RecordRef::take(&mut take).unwrap();
            prop_assert_eq!(taken.keyed(&mut Names::default()), Ok(KeyedRequest::of(record)));
            let owned = own(taken).unwrap();
            prop_assert_eq!(&owned, record);
            prop_assert_eq!(shown(&owned), shown(record));
        }
        prop_assert!(take.is_empty());
    }

    #[test]
    fn a_part_of_a_record_is_no_record(record in any_record(), cut in any::<prop::sample::Index>()) {
        let bytes = bytes_of(&record);
        prop_assert!(RecordRef::take(&mut Take::new(&bytes[..cut.index(bytes.len())])).is_none());
    }

    #[test]
    fn any_bytes_at_all_are_a_record_or_none(mut bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Some(kind) = bytes.first_mut() {
            *kind &= 3;
        }
        if let Some(record) = RecordRef::take(&mut Take::new(&bytes)) {
            let _names_may_be_refused = record.keyed(&mut Names::default());
            if let RecordRef::RoomCreated(created) = record {
                prop_assert_eq!(created.members.iter().count(), usize::from(created.members.count));
            }
        }
    }
}

#[test]
fn a_posted_record_lies_as_the_table_says() {
    let bytes = bytes_of(&posted(3, "hi"));
    let expected =
        [&[2][..], &[0; 4], &3_u64.to_le_bytes(), &3_i64.to_le_bytes(), &[4, 0], &[2, 0, 0, 0], b"Lukehi"];
    assert_eq!(bytes, expected.concat());
}

#[test]
fn a_room_lies_as_the_table_says() {
    let names = ["yoda", "Leia"].map(|raw| UserName::parse(raw).unwrap());
    let record = Record::RoomCreated(RoomCreated {
        room: RoomId::new(5).unwrap(),
        at: Timestamp::from_unix_micros(-1).unwrap(),
        members: names.into(),
        key: Some(parse_key("k").unwrap()),
    });
    let expected = [&[1][..], &[5, 0, 0, 0], &[0xff; 8], &[1], &[2, 0], b"k", b"\x04yoda\x04Leia"];
    assert_eq!(bytes_of(&record), expected.concat());
}

#[test]
fn a_room_of_more_members_than_can_be_told_is_refused() {
    let name = UserName::parse("yoda").unwrap();
    let room = |members: usize| {
        Record::RoomCreated(RoomCreated {
            room: RoomId::FIRST,
            at: Timestamp::MIN,
            members: vec![name.clone(); members].into(),
            key: None,
        })
    };
    assert!(put(&room(65_535), &mut Vec::new()).is_some());
    assert!(put(&room(65_536), &mut Vec::new()).is_none());
}

#[test]
fn names_and_keys_that_no_engine_accepts_are_refused_when_they_are_needed() {
    let record = |author: &str, key: &str| {
        let mut bytes = vec![POSTED];
        bytes.put_bytes(&[0; 4]);
        bytes.put_u64(1);
        bytes.put_i64(0);
        bytes.put_bytes(&[4, 1, 1, 0, 0, 0]);
        bytes.put_bytes(format!("{author}{key}x").as_bytes());
        bytes
    };
    let keyed = |bytes: &[u8]| RecordRef::take(&mut Take::new(bytes)).unwrap().keyed(&mut Names::default());
    assert!(keyed(&record("luke", "k")).unwrap().is_some());
    assert_eq!(keyed(&record("lu e", "k")), Err(Malformed("no user has such a name")));
    assert_eq!(keyed(&record("luke", "!")), Err(Malformed("no request has such a key")));
}

#[test]
fn a_name_is_kept_as_each_message_shows_it() {
    let mut names = Names::default();
    let parsed = ["Luke", "luke", "Luke"].map(|raw| names.parse(raw).unwrap().to_string());
    assert_eq!(parsed, ["Luke", "luke", "Luke"]);
}
