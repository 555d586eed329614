//! Recordings that nobody wrote.

use super::changed::{items_of, recording_of};
use super::random::span;
use super::*;

#[test]
fn a_bit_that_flips_anywhere_is_told() {
    let recording = a_chat();
    for at in 0..recording.len() {
        let mut flipped = recording.clone();
        flipped[at] ^= 1 << (at % 8);
        match replay(&flipped[..], |_| ()) {
            Err(RecordingError::NotOne | RecordingError::OtherFormat { .. }) => assert!(at < 17, "{at}"),
            Err(error) => panic!("{at}: {error}"),
            Ok(Replayed { ending: Ending::Damaged { offset, .. }, .. }) => {
                assert!(offset <= at as u64, "byte {at} is told at {offset}");
            }
            Ok(other) => panic!("{at}: {other:?}"),
        }
    }
}

#[test]
fn a_frame_that_is_missing_twice_there_or_somewhere_else_is_damage() {
    let items = items_of(&a_chat());
    let whole = recording_of(&items);
    // Frame by frame: its bytes end where those of one item more begin.
    let ends: Vec<_> = (0..=items.len()).map(|count| recording_of(&items[..count]).len()).collect();
    let frame = |place: usize| &whole[ends[place]..ends[place + 1]];
    for place in 1..items.len() - 1 {
        let (before, after) = (&whole[..ends[place]], &whole[ends[place + 1]..]);
        let missing = [before, after].concat();
        let twice = [before, frame(place), frame(place), after].concat();
        let swapped = [before, frame(place + 1), frame(place), &whole[ends[place + 2]..]].concat();
        for wrong in [missing, twice, swapped] {
            let ending = replayed(&wrong).ending;
            assert!(matches!(ending, Ending::Damaged { .. }), "{place}: {ending:?}");
        }
    }
}

#[test]
fn what_stands_behind_the_end_is_damage() {
    let recording = [a_chat(), vec![0]].concat();
    assert_eq!(
        replayed(&recording).ending,
        Ending::Damaged { offset: recording.len() as u64 - 1, what: "something behind the end" }
    );
}

#[test]
fn what_stands_behind_the_end_in_its_own_frame_is_damage() {
    let mut items = items_of(&a_chat());
    let more = items[0].clone();
    items.last_mut().unwrap().extend(more);
    let ending = replayed(&recording_of(&items)).ending;
    assert!(matches!(ending, Ending::Damaged { what: "something behind the end", .. }), "{ending:?}");
}

#[test]
fn another_format_is_told_and_other_files_are_none() {
    let newer = replay(&b"TOOM recording 2\nwhatever"[..], |_| ());
    assert!(matches!(newer, Err(RecordingError::OtherFormat { format: 2 })), "{newer:?}");
    for other in [&b""[..], b"TOOM", b"TOOM recording x\n", b"{\"type\":\"toom\",\"format\":1}\n"] {
        assert!(matches!(replay(other, |_| ()), Err(RecordingError::NotOne)));
    }
}

fn mangled() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let items = items_of(&a_chat());
    let count = items.len();
    let edit = (0..count, 0..count, 0..4_u8, any::<u8>());
    prop::collection::vec(edit, 1..6).prop_map(move |edits| {
        let mut items = items.clone();
        for (place, other, kind, byte) in edits {
            let (place, other) = (place % items.len(), other % items.len());
            match kind {
                0 => items.swap(place, other),
                1 => drop(items.remove(place)),
                2 => items.insert(place, items[other].clone()),
                _ => {
                    let at = usize::from(byte) % items[place].len();
                    items[place][at] = items[place][at].wrapping_add(byte | 1);
                }
            }
            if items.is_empty() {
                break;
            }
        }
        items
    })
}

/// Ends of the world, and what lies next to them.
fn count() -> impl Strategy<Value = u64> {
    prop::sample::select(vec![0, 1, 2, 4096, u64::MAX])
}

/// The chat under rules that nobody would make, at times that no clock shows.
fn extreme() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let rules = (prop::array::uniform8(count()), prop::array::uniform4(span()), prop::option::of(span()));
    let times = (prop::collection::vec((any::<i64>(), span()), 0..12), prop::array::uniform3(count()));
    (rules, times).prop_map(|((counts, spans, idle), (times, numbers))| {
        let mut items = items_of(&a_chat());
        let mut times = times.into_iter();
        for bytes in &mut items {
            let copy = bytes.clone();
            let mut item = items::first(&mut &copy[..]).unwrap();
            match &mut item {
                Item::Opened(opened) => {
                    let limits = &mut opened.limits;
                    [
                        limits.body_bytes_max,
                        limits.members_max,
                        limits.rooms_per_user_max,
                        limits.sessions_max,
                        limits.sessions_per_account_max,
                        limits.page_messages_max,
                        limits.page_bytes_max,
                        limits.familiar_sources_max,
                    ] = counts;
                    [opened.block, limits.familiar_for, limits.source_refill, limits.check_timeout] = spans;
                    (opened.session_idle, opened.checks_max) = (idle, u64::MAX);
                }
                Item::Turn(turn) => {
                    if let Some((wall, mono)) = times.next() {
                        let wall = wall.clamp(Timestamp::MIN.unix_micros(), Timestamp::MAX.unix_micros());
                        (turn.wall, turn.mono) = (wall, mono);
                    }
                }
                _ => {}
            }
            *bytes = items::bytes(&item);
        }
        let [room, number, at] = numbers;
        let room = u32::try_from(room).unwrap_or(u32::MAX);
        let at = i64::try_from(at).unwrap_or(0);
        items.insert(1, items::bytes(&Item::Tail { room, number, at }));
        items
    })
}

proptest! {
    #[test]
    fn extreme_rules_and_times_end_the_replay_and_nothing_else(items in extreme()) {
        replay(&recording_of(&items)[..], |_| ()).unwrap();
    }

    #[test]
    fn items_that_no_writer_makes_end_the_replay_and_nothing_else(items in mangled()) {
        replay(&recording_of(&items)[..], |_| ()).unwrap();
    }

    #[test]
    fn random_items_end_the_replay(bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..6)) {
        replay(&recording_of(&bodies)[..], |_| ()).unwrap();
    }

    #[test]
    fn random_bytes_are_no_recording(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(replay(&bytes[..], |_| ()).is_err());
        let begun = [b"TOOM recording 1\n", &bytes[..]].concat();
        let is_damaged = matches!(replayed(&begun).ending, Ending::Damaged { .. });
        prop_assert!(is_damaged);
    }
}
