//! Inputs and outputs as an operator is shown them: one line, that no terminal obeys.

use core::fmt::Write as _;

use toom_core::SessionId;

use crate::protocol::append_time;
use crate::server::exchange::ConnectionId;
use crate::server::recording::inputs::{connection, time};
use crate::server::recording::items::{Ask, Input, Operation, Output, Reading, Turn, Verdict};
use crate::server::recording::outputs::shown;
use crate::shown::OneLine;

/// How much of a text is shown, in characters.
const CHARS_MAX: usize = 120;

/// What was given.
pub(super) fn of_input(input: &Input<'_>) -> String {
    match input {
        Input::Ask(Ask { connection: from, ticket, tag, operation }) => {
            let mut words = format!("{}, request {ticket}: ", shown(connection(*from)));
            if let Some(tag) = tag {
                let _ = write!(words, "@{} ", OneLine(tag));
            }
            words + &of_operation(operation)
        }
        Input::Checked { connection: of, verdict } => {
            let verdict = match verdict {
                Verdict::Right => "right",
                Verdict::Wrong => "wrong",
            };
            format!("{}: its password is {verdict}", shown(connection(*of)))
        }
        Input::Gone { connection: of } => format!("{} is gone", shown(connection(*of))),
        Input::Kick { user } => format!("an operator ends the sessions of {}", OneLine(user)),
        Input::Accounts => "the accounts were read again".to_owned(),
        Input::Stop => "the server stops".to_owned(),
    }
}

fn of_operation(operation: &Operation<'_>) -> String {
    let key = |key: Option<&str>| key.map_or(String::new(), |key| format!("!{} ", OneLine(key)));
    match operation {
        Operation::Login { user, ip, .. } => format!("LOGIN {} from {ip}", OneLine(user)),
        Operation::Logout => "OUT".to_owned(),
        Operation::ActiveUsers => "ATU".to_owned(),
        Operation::Read { reading, limit } => format!("RDM {} {limit}", of_reading(reading)),
        Operation::Broadcast { key: of, text } => format!("{}BCM {}", key(*of), cut(text)),
        Operation::CreateRoom { key: of, users } => format!("{}SRB {}", key(*of), cut(&users.join(" "))),
        Operation::PostRoom { key: of, room, text } => format!("{}SRM {room} {}", key(*of), cut(text)),
        Operation::Offer { user, bytes, name, .. } => {
            format!("UPD OFFER {} {bytes} bytes, {}", OneLine(user), cut(name))
        }
    }
}

fn of_reading(reading: &Reading) -> String {
    let conversation = |room: u32| if room == 0 { "b".to_owned() } else { room.to_string() };
    match reading {
        Reading::Since { room, at } => format!("{} {}", conversation(*room), of_time(*at)),
        Reading::After { room, number } => format!("{} #{number}", conversation(*room)),
        Reading::Rooms { since } => format!("s {}", of_time(*since)),
        Reading::Next { cursor } => OneLine(cursor).to_string(),
    }
}

fn of_time(micros: i64) -> String {
    let mut text = Vec::new();
    if let Some(at) = time(micros) {
        append_time(&mut text, at);
    }
    String::from_utf8_lossy(&text).into_owned()
}

fn cut(text: &str) -> String {
    let end = text.char_indices().nth(CHARS_MAX).map(|(end, _)| end);
    let beginning = end.and_then(|end| text.get(..end)).unwrap_or(text);
    format!("{}{}", OneLine(beginning), if end.is_some() { "…" } else { "" })
}

/// What was released.
pub(super) fn of_output(output: &Output<'_>) -> String {
    let text = OneLine(output.text);
    match output.digest {
        None => text.to_string(),
        Some(digest) => format!("{text}… (digest {digest:032x})"),
    }
}

/// What a turn gave beside its outputs.
pub(super) fn of_turn(turn: &Turn) -> String {
    let numbers = |all: &[u64]| {
        let all: Vec<_> =
            all.iter().map(|of| shown(ConnectionId::of_session(SessionId::new(*of))).to_string()).collect();
        if all.is_empty() { "none".to_owned() } else { all.join(", ") }
    };
    let pages: Vec<_> = turn.reads.iter().map(|(of, _)| *of).collect();
    let stored = match turn.fault {
        None => "works".to_owned(),
        Some(fault) => format!("{fault:?}").to_lowercase(),
    };
    format!(
        "passwords checked: {:?}; to be checked: {}; pages: {}; store: {stored}",
        turn.verdicts,
        numbers(&turn.checks),
        numbers(&pages)
    )
}
