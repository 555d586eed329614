use proptest::prelude::*;
use toom_core::{Body, Conversation, MessageNumber};

use super::*;

fn message(number: u64) -> MessageLine {
    MessageLine {
        conversation: Conversation::Broadcast,
        number: MessageNumber::new(number).unwrap(),
        at: Timestamp::from_unix_micros(1_659_603_749_000_000 + i64::try_from(number).unwrap()).unwrap(),
        author: NameWord::parse("luke").unwrap(),
        body: Body::parse(&format!("number {number}")).unwrap(),
    }
}

/// A server with `len` messages of which `gone` are gone, and which gives no more than `page` at a time.
#[derive(Clone, Copy, Debug)]
struct Server {
    len: u64,
    gone: u64,
    page: u64,
}

impl Server {
    fn answer(self, thread: &mut Thread, fetch: Fetch) {
        let Self { len, gone, page } = self;
        let from = fetch.after.max(gone);
        let to = (from + fetch.limit.min(page)).min(len).max(from);
        let mark = (fetch.after < gone).then(|| HistoryRow::Gone {
            conversation: Conversation::Broadcast,
            first: MessageNumber::new(fetch.after + 1).unwrap(),
            last: MessageNumber::new(gone).unwrap(),
        });
        let rows = (from + 1..=to).map(|number| HistoryRow::Message(message(number)));
        let ends = if to >= len { Ends::Here } else { Ends::Later };
        thread.take_page(fetch, mark.into_iter().chain(rows).collect(), ends);
    }

    /// Answers until nothing is wanted, and tells how often.
    fn serve(self, thread: &mut Thread, above: bool, below: bool) -> usize {
        for asked in 0..1000 {
            let Some(fetch) = thread.wants(above, below) else { return asked };
            thread.begin_fetch(fetch);
            assert_eq!(thread.wants(above, below), None, "one page at a time");
            self.answer(thread, fetch);
        }
        panic!("{thread:?}")
    }
}

fn numbers(thread: &Thread) -> Vec<u64> {
    thread
        .items()
        .filter(|(_, item)| matches!(item, Item::Message(_)))
        .map(|((number, _), _)| number)
        .collect()
}

#[test]
fn the_end_is_read_first_and_older_pages_when_they_are_looked_at() {
    let server = Server { len: 1000, gone: 0, page: 100 };
    let mut thread = Thread::new(0);
    server.serve(&mut thread, false, true);
    assert_eq!(numbers(&thread).last(), Some(&1000));
    assert!(numbers(&thread).len() <= 50, "{:?}", numbers(&thread));
    let first = numbers(&thread)[0];
    let fetch = thread.wants(true, true).unwrap();
    assert_eq!(fetch, Fetch { after: first - 51, limit: 50 });
    thread.begin_fetch(fetch);
    server.answer(&mut thread, fetch);
    assert_eq!(numbers(&thread), (first - 50..=1000).collect::<Vec<_>>());
}

#[test]
fn a_page_that_is_refused_is_not_asked_for_again_by_itself() {
    let mut thread = Thread::new(0);
    thread.begin_fetch(thread.wants(true, true).unwrap());
    thread.fetch_failed();
    assert_eq!(thread.wants(true, true), None);
    thread.retry();
    assert!(thread.wants(true, true).is_some());
}

#[test]
fn an_answer_from_before_everything_was_forgotten_is_not_taken() {
    let server = Server { len: 10, gone: 0, page: 100 };
    let mut thread = Thread::new(0);
    let fetch = thread.wants(true, true).unwrap();
    thread.begin_fetch(fetch);
    thread.forget_all();
    server.answer(&mut thread, fetch);
    assert_eq!(numbers(&thread), [0; 0]);
}

#[test]
fn notes_keep_their_places_between_messages() {
    let mut thread = Thread::new(0);
    thread.note(Shown::plain("early"));
    Server { len: 3, gone: 0, page: 100 }.serve(&mut thread, true, true);
    thread.note(Shown::plain("late"));
    thread.take(message(4), true);
    let shown: Vec<_> = thread
        .items()
        .map(|(_, item)| match item {
            Item::Message(message) => message.number.get().to_string(),
            Item::Note(line) => line.to_string(),
        })
        .collect();
    assert_eq!(shown, ["1", "2", "3", "early", "late", "4"]);
}

#[test]
fn of_a_conversation_that_was_never_open_nothing_is_kept_and_of_an_open_one_no_more_than_a_bound() {
    let mut thread = Thread::new(0);
    thread.take(message(1), false);
    assert_eq!(numbers(&thread), [0; 0]);
    for number in 2..30_000 {
        thread.take(message(number), true);
        thread.trim(true);
    }
    assert!(thread.bytes <= OPEN_BYTES_MAX);
    thread.trim(false);
    assert!(thread.bytes <= CLOSED_BYTES_MAX);
    assert_eq!(numbers(&thread).last(), Some(&29_999));
    for _ in 0..3000 {
        thread.note(Shown::plain("x"));
    }
    assert_eq!(thread.notes, NOTES_MAX);
}

proptest! {
    #[test]
    fn scrolling_up_shows_everything_in_order_and_once(
        len in 0_u64..400, gone in 0_u64..400, page in 1_u64..60, low in 0_u64..500
    ) {
        let server = Server { len, gone: gone.min(len), page };
        let mut thread = Thread::new(low.min(len));
        server.serve(&mut thread, true, true);
        prop_assert_eq!(numbers(&thread), (server.gone + 1..=len).collect::<Vec<_>>());
    }

    #[test]
    fn what_came_while_nobody_looked_is_fetched_without_a_gap(
        len in 1_u64..300, later in 0_u64..300, page in 1_u64..60, pushed in any::<bool>()
    ) {
        let mut thread = Thread::new(0);
        Server { len, gone: 0, page }.serve(&mut thread, false, true);
        if pushed {
            thread.take(message(len + later + 1), true);
        } else {
            thread.hear_of(len + later + 1);
        }
        thread.go_to_end();
        let server = Server { len: len + later + 1, gone: 0, page };
        server.serve(&mut thread, false, true);
        let numbers = numbers(&thread);
        prop_assert_eq!(numbers.last(), Some(&(len + later + 1)));
        prop_assert!(numbers.is_sorted_by(|one, other| one + 1 == *other), "{:?}", numbers);
    }
}
