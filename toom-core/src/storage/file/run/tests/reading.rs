//! A run answers as a plain list of messages does.

use super::*;

fn of(history: &[Said], conversation: Conversation) -> Vec<Said> {
    history.iter().filter(|said| said.conversation == conversation).cloned().collect()
}

fn placed(kept: &[Said], number: MessageNumber) -> Place {
    match (kept.first(), kept.last()) {
        (Some(first), _) if number < first.number => Place::Before,
        (_, Some(last)) if number > last.number => Place::After,
        (Some(_), _) => Place::Inside,
        (None, _) => Place::Absent,
    }
}

fn located(kept: &[Said], since: Timestamp) -> Located {
    match (kept.first(), kept.iter().rfind(|said| said.at <= since)) {
        (_, Some(last)) => Located::At(last.number),
        (Some(first), None) => Located::AllLater { first: first.number },
        (None, _) => Located::Absent,
    }
}

/// Asks for the messages of `conversation` about the places in `about`, and compares each answer.
fn compare(
    run: &Run<Bytes>,
    history: &[Said],
    conversation: Conversation,
    about: impl IntoIterator<Item = usize>,
) {
    let kept = of(history, conversation);
    assert_eq!(run.first_number(conversation).unwrap(), kept.first().map(|said| said.number));
    assert_eq!(read(run, conversation, None, usize::MAX).unwrap(), kept);
    for said in about.into_iter().filter_map(|place| kept.get(place)) {
        for shift in -1..=1 {
            let since = at(said.at.unix_micros() + shift);
            assert_eq!(run.locate(conversation, since).unwrap(), located(&kept, since), "since {since:?}");
            let number = number(said.number.get().checked_add_signed(shift).unwrap());
            assert_eq!(run.place(conversation, number).unwrap(), placed(&kept, number), "number {number}");
            for limit in [0, 1, 7, 100] {
                let page: Vec<_> =
                    kept.iter().filter(|said| said.number > number).take(limit).cloned().collect();
                assert_eq!(read(run, conversation, Some(number), limit).unwrap(), page, "after {number}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_run_answers_as_a_plain_list_does(
        said in proptest::collection::vec((0_u32..5, prop_oneof![8 => 1_usize..60, 1 => 1000_usize..8000]), 0..80),
    ) {
        let history = history(said);
        let run = run(&history, 1);
        for room in 0..6 {
            compare(&run, &history, conversation(room), 0..80);
        }
        prop_assert_eq!(checked(&run).unwrap().0, clustered(&history));
        prop_assert_eq!(run.summary().messages, history.len() as u64);
    }
}

#[test]
fn conversations_that_lie_on_several_index_pages_are_read_across_their_borders() {
    let long = (0..700).map(|_| (0, 3000));
    let tiny = (1..600).map(|room| (room * 2, 9));
    let history = history(long.chain(tiny).chain((0..600).map(|_| (1201, 3000))));
    let run = run(&history, 1);
    assert!(run.fences.len() >= 3, "{} pages", run.fences.len());
    compare(&run, &history, conversation(0), (500..520).chain([0, 699]));
    compare(&run, &history, conversation(1201), [0, 300, 599]);
    for room in (990..1040).chain([1, 1199, 1200, 1202]) {
        compare(&run, &history, conversation(room), [0]);
    }
    assert_eq!(checked(&run).unwrap().0, clustered(&history));
}

#[test]
fn one_message_of_the_greatest_length_is_a_run() {
    let history = history([(3, crate::Body::BYTES_MAX)]);
    compare(&run(&history, 1), &history, conversation(3), [0]);
}

#[test]
fn a_run_without_messages_has_none() {
    let run = run(&[], 1);
    compare(&run, &[], conversation(0), []);
    assert_eq!(run.place(conversation(0), number(1)).unwrap(), Place::Absent);
    assert_eq!(run.locate(conversation(0), Timestamp::MAX).unwrap(), Located::Absent);
}

#[test]
fn reading_goes_on_until_the_visitor_breaks() {
    let history = history((0..100).map(|_| (0, 200)));
    let (mut limit, mut visited) = (100, 0);
    let run = run(&history, 1);
    let flow = run
        .read(conversation(0), None, &mut limit, &mut |_| {
            visited += 1;
            if visited == 60 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
    assert_eq!((flow, visited, limit), (ControlFlow::Break(()), 60, 40));
}

#[test]
fn a_visitor_may_read_in_turn() {
    let history = history((0..100).map(|i| (i % 2, 200)));
    let run = run(&history, 1);
    let (mut limit, mut outer) = (usize::MAX, Vec::new());
    let flow = run.read(conversation(0), None, &mut limit, &mut |message| {
        outer.push(Said::from(message));
        assert_eq!(
            read(&run, conversation(1), Some(message.number), 1).unwrap().len(),
            usize::from(outer.len() < 50)
        );
        ControlFlow::Continue(())
    });
    assert_eq!((flow.unwrap(), outer), (ControlFlow::Continue(()), of(&history, conversation(0))));
}

#[test]
fn a_small_cache_changes_no_answer() {
    let history = history((0..1200).map(|room| (room, 9)));
    let (file, summary) = written(&history, 1);
    let run = Run::open(file, "history-1".to_owned(), SALT, summary, Arc::new(PageCache::new(0))).unwrap();
    for room in [0, 600, 511, 510, 1199, 1200] {
        compare(&run, &history, conversation(room), [0]);
    }
}
