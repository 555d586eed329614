//! What people see of what others wrote.

#[path = "../../toom-cli/src/filter.rs"]
#[expect(unreachable_pub, dead_code, reason = "it is exported, and used, where it belongs")]
mod filter;

use jiff::tz::TimeZone;
use toom_core::{Body, Conversation, MessageNumber, MessageRef, Timestamp, UserName};
use toom_net::archive::{Entry, EntryLine};
use toom_net::shown::{OneLine, is_shown_as_code};

use filter::{Ink, Shown};

/// A text of somebody else: on a terminal it is one line that steers nothing, with colours or without; and as a line of a text
/// log it reads as itself.
pub fn terminal(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let shown = OneLine(&text).to_string();
    assert!(!shown.contains(is_shown_as_code), "{shown:?}");
    if !text.contains(is_shown_as_code) {
        assert_eq!(shown, text, "what is harmless stays as it is");
    }
    assert_eq!(OneLine(&shown).to_string(), shown);

    let mut written = Vec::new();
    filter::write_line(&mut written, &text).expect("memory takes everything");
    assert_eq!(written, format!("{shown}\n").into_bytes());
    let (name, rest) = text.split_at(text.floor_char_boundary(text.len() / 2));
    let colored =
        Shown::plain("").and(Ink::Name(31), name).and(Ink::Plain, rest).and(Ink::Loud, &text).to_string();
    let ours = ["\x1b[1;31m", "\x1b[1;7m", "\x1b[0m"];
    let foreign = ours.iter().fold(colored, |line, ours| line.replace(ours, ""));
    assert!(!foreign.contains(is_shown_as_code), "{foreign:?}");

    if let Ok(body) = Body::parse(&text) {
        log_line(&body);
    }
}

fn log_line(body: &Body) {
    let author = UserName::parse("obi;wan").expect("it is a name");
    let message = MessageRef {
        conversation: Conversation::Broadcast,
        number: MessageNumber::FIRST,
        at: Timestamp::from_unix_micros(1_659_603_749_123_456).expect("it lies in 2022"),
        author: author.as_str(),
        body: body.as_str(),
    };
    let line = EntryLine { message, zone: &TimeZone::UTC }.to_string();
    assert!(!line.contains(is_shown_as_code), "{line:?}");
    let entry = Entry::parse(&line).expect("what was written is a line of a log");
    assert_eq!((entry.number, entry.author, &entry.body), (message.number, author, body));
}
