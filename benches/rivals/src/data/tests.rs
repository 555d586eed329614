use super::*;

#[test]
fn half_is_broadcast_and_the_first_room_has_twice_as_much_as_the_second() {
    let mut feed = Feed::new(1000);
    feed.skip(200_000);
    let counts: Vec<u64> = feed.counts().map(|(_, count)| count).collect();
    assert_eq!(counts.iter().sum::<u64>(), 200_000);
    assert!((99_000..101_000).contains(&counts[0]), "{}", counts[0]);
    assert!((counts[2] * 19 / 10..counts[2] * 21 / 10).contains(&counts[1]), "{} {}", counts[1], counts[2]);
}

#[test]
fn leaving_messages_out_does_not_change_the_next_one() {
    let (mut made, mut skipped) = (Feed::new(10), Feed::new(10));
    let _ = made.batch(1000);
    skipped.skip(1000);
    assert_eq!(made.batch(100), skipped.batch(100));
    assert_eq!(made.made(), 1100);
}

#[test]
fn times_increase_over_all_records_and_every_message_has_its_size() {
    let mut feed = Feed::new(10);
    let mut records = feed.rooms();
    assert_eq!(records.len(), 10);
    records.extend(feed.batch(1000));
    assert!(records.windows(2).all(|pair| pair[0].at() < pair[1].at()));
    for message in messages(&records) {
        assert_eq!(message.body.as_str().len(), BODY_BYTES);
        assert_eq!(message.author.as_str().len() + message.body.as_str().len() + 16, MESSAGE_BYTES);
    }
}
