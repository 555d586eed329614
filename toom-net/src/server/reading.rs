//! Reading pages, away from the engine.

use toom_core::{Cursor, History, PageEnd, Row as Stored};

use super::Event;
use super::exchange::{Read, Release, ReplyTo};
use crate::protocol::{Code, CursorWord, Row, Success, Verb};

impl Read {
    /// Reads the page and writes its rows as they are lent. If the store could not be read, there is something to tell the operator.
    pub(super) fn run<H: History>(self, history: &H) -> (Release, Option<Event>) {
        let Self { to, plan } = self;
        let mut rows = Vec::new();
        let read = plan.read(history, |row| append_row(&mut rows, &to, row));
        match read {
            Ok(end) => (to.ok(rows, page_end(end)), None),
            Err(error) => (failed(to), Some(Event::storage_failed(&error))),
        }
    }
}

fn append_row(rows: &mut Vec<u8>, to: &ReplyTo, row: Stored<'_>) {
    let tag = to.tag.as_ref();
    match row {
        Stored::Message(message) => Row::append_message(rows, tag, message),
        Stored::Gone { conversation, first, last } => Row::append_gone(rows, tag, conversation, first, last),
    }
}

fn page_end(end: PageEnd) -> Success {
    let word = |cursor: Cursor| {
        CursorWord::parse(&cursor.to_string()).expect("a cursor is a letter, then letters, digits, . and -")
    };
    Success::Read { count: end.count as u64, next: end.next.map(word) }
}

/// Rows that were read before are not sent: whoever asks again gets them all.
fn failed(to: ReplyTo) -> Release {
    to.refused(Verb::Rdm, Code::Unavailable, "the messages cannot be read")
}
