//! A replay that is given something else, or gives something else, says where.

use super::*;

/// The items of a recording, each as its bytes.
pub(super) fn items_of(recording: &[u8]) -> Vec<Vec<u8>> {
    let mut frames = FrameReader::new(recording).unwrap();
    let mut found = Vec::new();
    while let Next::Body(body) = frames.next().unwrap() {
        let mut rest = &body[..];
        while !rest.is_empty() {
            let before = rest;
            items::first(&mut rest).unwrap();
            found.push(before[..before.len() - rest.len()].to_vec());
        }
    }
    found
}

/// A recording of these items, with the checksums that belong to it.
pub(super) fn recording_of(items: &[Vec<u8>]) -> Vec<u8> {
    let mut frames = FrameWriter::new(Vec::new()).unwrap();
    for item in items {
        frames.push(item).unwrap();
    }
    frames.into_inner()
}

/// The chat with one item changed: the first that `change` changes, which it tells by `true`.
fn changed(mut change: impl FnMut(&mut Item<'_>) -> bool) -> Replayed {
    let mut items = items_of(&a_chat());
    let place = items.iter_mut().find_map(|bytes| {
        let copy = bytes.clone();
        let mut item = items::first(&mut &copy[..]).unwrap();
        change(&mut item).then(|| *bytes = items::bytes(&item))
    });
    assert!(place.is_some(), "there is such an item");
    replayed(&recording_of(&items))
}

fn parted(replayed: Replayed) -> Parted {
    match replayed.ending {
        Ending::Parted(parted) => *parted,
        other => panic!("{other:?}"),
    }
}

#[test]
fn items_in_frames_of_their_own_are_the_same_recording() {
    let recording = a_chat();
    assert_eq!(replayed(&recording_of(&items_of(&recording))), replayed(&recording));
}

#[test]
fn another_reply_is_told_with_its_request_and_both_texts() {
    let parted = parted(changed(|item| match item {
        Item::Output(output) if output.text.contains("OK BCM 2") => {
            *output = Output { text: "reply to connection 1.1, request 7: OK BCM 3", digest: None };
            true
        }
        _ => false,
    }));
    assert_eq!(parted.number, Some(7));
    assert_eq!(parted.input, "connection 1.1, request 7: !k BCM again");
    assert_eq!(parted.recorded, "reply to connection 1.1, request 7: OK BCM 3");
    assert!(
        parted.replayed.starts_with("reply to connection 1.1, request 7: OK BCM 2 2022-08-04T"),
        "{parted:?}"
    );
}

#[test]
fn a_delivery_that_is_missing_is_told_with_the_request_before_it() {
    let mut items = items_of(&a_chat());
    let place = items.iter().position(|item| {
        matches!(items::first(&mut &item[..]), Some(Item::Output(output)) if output.text.ends_with("psst"))
    });
    items.remove(place.unwrap());
    let parted = parted(replayed(&recording_of(&items)));
    assert!(parted.input.ends_with(": SRM 1 psst"), "{parted:?}");
    assert_eq!(parted.recorded, "nothing");
    assert!(
        parted.replayed.starts_with("deliver to members obiwan hans luke but connection 0.1: MSG 1 1 "),
        "{parted:?}"
    );
}

#[test]
fn other_inputs_give_other_outputs() {
    let text = |item: &mut Item<'_>| match item {
        Item::Input(Recorded::Ask(items::Ask { operation: Operation::Broadcast { text, .. }, .. })) => {
            *text = "hellp";
            true
        }
        _ => false,
    };
    let text = parted(changed(text));
    assert!(text.recorded.ends_with("obiwan hello") && text.replayed.ends_with("obiwan hellp"), "{text:?}");
    let user = |item: &mut Item<'_>| match item {
        Item::Input(Recorded::Ask(items::Ask { operation: Operation::Login { user, .. }, .. })) => {
            *user = "yoda";
            true
        }
        _ => false,
    };
    let user = parted(changed(user));
    assert_eq!((user.number, user.recorded.as_str()), (Some(1), "connection 0.1 is obiwan from now on"));
    assert_eq!(user.replayed, "connection 0.1 is yoda from now on");
}

#[test]
fn another_verdict_state_page_time_or_seed_is_told() {
    let verdict = changed(|item| match item {
        Item::Turn(turn) if turn.verdicts.contains(&items::Verdict::Wrong) => {
            turn.verdicts.iter_mut().for_each(|verdict| *verdict = items::Verdict::Right);
            true
        }
        _ => false,
    });
    assert!(parted(verdict).recorded.contains("ERR LOGIN bad-credentials"));
    let state = parted(changed(|item| match item {
        Item::State { digest } => {
            *digest ^= 1;
            true
        }
        _ => false,
    }));
    assert_eq!((state.number, state.at, state.input.as_str()), (None, None, "time went by"));
    let page = parted(changed(|item| match item {
        Item::Page { page: Some(page), .. } => {
            page.text = "ROW";
            true
        }
        _ => false,
    }));
    assert_eq!((page.recorded.as_str(), page.number), ("ROW", Some(11)), "{page:?}");
    assert_eq!(page.input, "connection 1.1, request 11: RDM s 0000-01-01T00:00:00.000000Z 7");
    let time = parted(changed(|item| match item {
        Item::Turn(turn) => {
            turn.wall += 1_000_000;
            true
        }
        _ => false,
    }));
    assert!(time.recorded.contains("OK LOGIN 1 ") && time.replayed.contains("OK LOGIN 1 "), "{time:?}");
    assert_ne!(time.recorded, time.replayed);
    let fault = parted(changed(|item| match item {
        Item::Turn(turn) => turn.fault.take().is_some(),
        _ => false,
    }));
    assert!(fault.recorded.contains("ERR BCM unavailable the server has no room left"), "{fault:?}");
}

#[test]
fn another_rule_is_told_at_the_first_input_that_it_changes() {
    let parted = parted(changed(|item| match item {
        Item::Opened(opened) => {
            opened.limits.body_bytes_max = 4;
            true
        }
        _ => false,
    }));
    assert_eq!((parted.number, parted.at.is_some()), (Some(5), true), "{parted:?}");
    assert!(
        parted.input.ends_with(": BCM hello") && parted.replayed.contains("ERR BCM too-long"),
        "{parted:?}"
    );
}
