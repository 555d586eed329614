//! What `--json` prints: one object a line, with a `type`. `docs/client.md` lists them.

mod transfers;

use std::fmt::Write as _;

use serde_json::{Value, json};
use toom_core::{Conversation, MessageNumber, Receipt, Timestamp};
use toom_net::client::{NewRoom, Pushed, StoreMet};
use toom_net::protocol::{HistoryRow, LoggedIn, MessageLine, NameWord, append_time};

use crate::command::{self, Reading};
use crate::filter::Shown;
use crate::render;
use crate::said::{Ends, History, Refusal, Said};

/// Whether a message was read or came by itself.
#[derive(Clone, Copy)]
enum Came {
    Asked,
    Live,
}

/// `said` as objects, a line each.
#[must_use]
pub fn lines(said: &Said) -> Vec<Shown> {
    objects(said).iter().map(|object| Shown::plain(&safe(&object.to_string()))).collect()
}

fn objects(said: &Said) -> Vec<Value> {
    match said {
        Said::LoggedIn(session) => vec![login(session)],
        Said::Posted(Receipt { conversation, number, at }) => vec![json!({
            "type": "posted", "conversation": place(*conversation), "number": number.get(), "time": time(*at),
        })],
        Said::ActiveUsers(users) => {
            let user = |user: &toom_net::client::ActiveUser| json!({ "type": "user", "user": user.user.as_str(), "since": time(user.since) });
            let end = json!({ "type": "end", "command": "ATU", "count": users.len(), "complete": true });
            users.iter().map(user).chain([end]).collect()
        }
        Said::RoomCreated(NewRoom { room, members }) => {
            vec![json!({ "type": "room", "room": room.number(), "members": names(members), "live": false })]
        }
        Said::History(history) => page(history),
        Said::Transfer(news) => vec![transfers::transfer(news)],
        Said::Transfers(all) => {
            let end = json!({ "type": "end", "command": "UPD", "count": all.len(), "complete": true });
            all.iter().map(transfers::under_way).chain([end]).collect()
        }
        Said::Help => command::HELP.iter().map(|line| json!({ "type": "help", "text": line })).collect(),
        Said::Refused(Refusal { verb, code, text }) => {
            let command = verb.map(toom_net::protocol::Verb::as_str);
            vec![json!({ "type": "error", "command": command, "code": code, "text": text })]
        }
        Said::LoggedOut(user) => {
            vec![json!({ "type": "bye", "user": user.as_ref().map(NameWord::as_str) })]
        }
        Said::Pushed(event) => pushed(event).into_iter().collect(),
    }
}

fn login(session: &LoggedIn) -> Value {
    let LoggedIn { ordinal, at, user, ip, udp } = session;
    json!({
        "type": "login", "session": ordinal, "time": time(*at), "user": user.as_str(), "address": ip.to_string(),
        "udp": udp.map(core::num::NonZeroU16::get),
    })
}

fn page(history: &History) -> Vec<Value> {
    let History { reading, rows, page, messages } = history;
    let row = |row: &HistoryRow| match row {
        HistoryRow::Message(line) => message(line, Came::Asked),
        HistoryRow::Gone { conversation, first, last } => range("gone", *conversation, *first, *last),
    };
    let mut objects: Vec<_> = rows.iter().map(row).collect();
    if page.ends == Ends::Here {
        let conversation = match reading {
            Reading::Conversation { conversation, .. } => place(*conversation),
            Reading::Rooms(_) => json!("s"),
        };
        objects.push(json!({
            "type": "end", "command": "RDM", "conversation": conversation, "count": messages, "complete": true,
        }));
    }
    objects
}

fn message(line: &MessageLine, came: Came) -> Value {
    let MessageLine { conversation, number, at, author, body } = line;
    json!({
        "type": "message", "conversation": place(*conversation), "number": number.get(), "time": time(*at),
        "user": author.as_str(), "text": body.as_str(), "live": matches!(came, Came::Live),
    })
}

fn pushed(event: &Pushed) -> Option<Value> {
    Some(match event {
        Pushed::Message(line) => message(line, Came::Live),
        Pushed::Room { room, members } => {
            json!({ "type": "room", "room": room.number(), "members": names(members), "live": true })
        }
        Pushed::Lag { conversation, first, last } => range("missed", *conversation, *first, *last),
        Pushed::Gone { conversation, first, last } => range("gone", *conversation, *first, *last),
        Pushed::RoomsMissed { count } => json!({ "type": "rooms-missed", "count": count }),
        Pushed::Away(away) => json!({
            "type": "away", "text": render::away_why(away), "seconds": away.pause.as_secs_f64(),
        }),
        Pushed::Back { session, store } => json!({
            "type": "back", "session": session.ordinal, "time": time(session.at), "same-store": *store == StoreMet::Same,
        }),
        _ => return None,
    })
}

fn range(what: &str, conversation: Conversation, first: MessageNumber, last: MessageNumber) -> Value {
    json!({ "type": what, "conversation": place(conversation), "first": first.get(), "last": last.get() })
}

fn place(conversation: Conversation) -> Value {
    match conversation {
        Conversation::Broadcast => json!("b"),
        Conversation::Room(room) => json!(room.number()),
    }
}

fn names(members: &[NameWord]) -> Vec<&str> {
    members.iter().map(NameWord::as_str).collect()
}

fn time(at: Timestamp) -> String {
    let mut bytes = Vec::new();
    append_time(&mut bytes, at);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Writes as JSON does what a terminal must not obey. It stands in strings alone, for JSON has no such character itself.
fn safe(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if toom_net::shown::is_shown_as_code(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a `String` cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use toom_core::Body;

    use super::*;

    proptest! {
        #[test]
        fn every_text_is_read_back_from_a_line_that_steers_no_terminal(text in "[\\PC\u{202e}\u{200b}\u{e0001}\n\"\\\\]{1,60}") {
            let Ok(body) = Body::parse(&text) else { return Ok(()) };
            let line = MessageLine {
                conversation: Conversation::Broadcast,
                number: MessageNumber::FIRST,
                at: Timestamp::MIN,
                author: NameWord::parse("luke").unwrap(),
                body,
            };
            let lines = lines(&Said::Pushed(Pushed::Message(line)));
            prop_assert_eq!(lines.len(), 1);
            let written = &lines[0].to_string();
            prop_assert!(!written.contains(toom_net::shown::is_shown_as_code));
            let object: Value = serde_json::from_str(written).unwrap();
            prop_assert_eq!(object["text"].as_str(), Some(text.as_str()));
        }
    }
}
