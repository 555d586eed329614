//! What others write steers nothing, and nothing that happens, at any size, is too much.

use std::time::Duration;

use proptest::prelude::*;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use toom_core::{Conversation, MessageNumber, RoomId, Timestamp};
use toom_net::client::{Away, CallError, Pushed, StoreMet};
use toom_net::protocol::{Code, Failure, HistoryRow, LoggedIn, Verb};

use super::{Desk, at, message, name, room, said};
use crate::files::{About, Direction, Pace, Route, Stage, UnderWay};
use crate::paint::Color;
use crate::said::{Ends, Refusal, Said};
use crate::tui::model::thread::Fetch;
use crate::tui::model::{Event, Read, Request};
use crate::unread::Unread;

const HOSTILE: &str = "\u{202e}evil\u{200d}\u{2028}\u{feff}\u{ad}";

#[test]
fn what_others_wrote_is_shown_and_never_obeyed() {
    let mut desk = Desk::new(80, 24);
    desk.enter_room(1, &["\u{202e}ekul", "obiwan"]);
    desk.hear(Conversation::Broadcast, 1, "lu\u{200b}ke", HOSTILE);
    desk.take(Event::Pasted("\u{1b}[2J\u{1b}]0;owned\u{7}".to_owned()));
    desk.model.set_transfers(vec![UnderWay {
        about: About {
            number: 1,
            direction: Direction::In,
            user: "\u{9b}2J".to_owned(),
            name: "\u{1b}[31mred".to_owned(),
            bytes: 2,
        },
        stage: Stage::Asked,
        route: Route::Direct,
        pace: Pace::default(),
    }]);
    desk.take(Event::Tick);
    desk.expect("hostile");
}

/// Something that may happen, and as much as it can be wrong.
fn event() -> impl Strategy<Value = Event> {
    let conversation = || prop_oneof![Just(Conversation::Broadcast), (1_u32..5).prop_map(room)];
    let number = || prop_oneof![1_u64..60, Just(u64::MAX), Just(u64::MAX - 1), 1000_u64..1100];
    let text = "[\\PC\u{202e}\u{301}漢👍]{1,40}|a{300}";
    let code = prop_oneof![
        any::<char>().prop_map(KeyCode::Char),
        proptest::sample::select(vec![
            KeyCode::Enter,
            KeyCode::Tab,
            KeyCode::PageUp,
            KeyCode::PageDown,
            KeyCode::Up,
            KeyCode::Down,
            KeyCode::Left,
            KeyCode::Right,
            KeyCode::Home,
            KeyCode::End,
            KeyCode::Backspace,
            KeyCode::Delete,
            KeyCode::Esc,
            KeyCode::Char('a'),
            KeyCode::Char('w'),
            KeyCode::Char('y'),
            KeyCode::Char('/'),
        ]),
    ];
    let modifiers = proptest::sample::select(vec![
        KeyModifiers::NONE,
        KeyModifiers::NONE,
        KeyModifiers::SHIFT,
        KeyModifiers::ALT,
        KeyModifiers::CONTROL,
    ]);
    let messages = (conversation(), number(), text).prop_map(|(place, number, text)| {
        let mut line = message(place, 1, "luke", if text.trim().is_empty() { "x" } else { &text });
        line.number = MessageNumber::new(number).unwrap();
        line
    });
    let session =
        LoggedIn { ordinal: 1, at: at(0), user: name("obiwan"), ip: [127, 0, 0, 1].into(), udp: None };
    prop_oneof![
        6 => (code, modifiers).prop_map(|(code, modifiers)| Event::Key(KeyEvent::new(code, modifiers))),
        2 => (0_u16..130, 0_u16..50).prop_map(|(width, height)| Event::Resized { width, height }),
        1 => "\\PC{0,30}|\u{1b}\\[2J\n\r\na".prop_map(Event::Pasted),
        6 => messages.prop_map(|line| Event::Pushed(Pushed::Message(line))),
        1 => (conversation(), number(), number()).prop_map(|(conversation, first, last)| {
            let number = |number| MessageNumber::new(number).unwrap();
            let (first, last) = (number(first.min(last)), number(first.max(last)));
            Event::Pushed(Pushed::Lag { conversation, first, last })
        }),
        1 => (conversation(), number()).prop_map(|(conversation, last)| {
            let (first, last) = (MessageNumber::new(1).unwrap(), MessageNumber::new(last).unwrap());
            Event::Pushed(Pushed::Gone { conversation, first, last })
        }),
        1 => (1_u32..9).prop_map(|room| {
            Event::Pushed(Pushed::Room { room: RoomId::new(room).unwrap(), members: vec![name("luke")] })
        }),
        1 => Just(()).prop_map(|()| {
            Event::Pushed(Pushed::Away(Away { bye: None, why: "\u{202e}x".into(), pause: Duration::MAX }))
        }),
        1 => any::<bool>().prop_map(move |same| {
            let store = if same { StoreMet::Same } else { StoreMet::Other };
            Event::Pushed(Pushed::Back { session: session.clone(), store })
        }),
        1 => Just(()).prop_map(|()| Event::Answered(said(Said::Refused(Refusal::of_line("\u{202e}no".to_owned()))))),
        1 => (conversation(), number()).prop_map(|(conversation, number)| {
            let mut found = Unread::default();
            found.last.insert(conversation, MessageNumber::new(number).unwrap());
            found.counts.insert(conversation, number);
            Event::Found(found, Timestamp::MIN)
        }),
        1 => Just(()).prop_map(|()| Event::Tick),
    ]
}

/// How the server answers a question for history.
fn answer(conversation: Conversation, fetch: Fetch, way: u8) -> Event {
    let Fetch { after, limit } = fetch;
    let row = |number: u64| {
        let mut line = message(conversation, 1, "luke", "x");
        line.number = MessageNumber::new(number.max(1)).unwrap();
        HistoryRow::Message(line)
    };
    let ends = if way < 128 { Ends::Here } else { Ends::Later };
    let rows = match way % 4 {
        0 => Vec::new(),
        1 => (1..=limit.min(60)).map(|more| row(after.saturating_add(more))).collect(),
        2 => vec![row(u64::MAX), row(3), row(after)],
        _ => {
            let refused = CallError::Refused(Failure::new(Verb::Rdm, Code::NoRoom, HOSTILE));
            return Event::Page { conversation, fetch, page: Err(refused) };
        }
    };
    Event::Page { conversation, fetch, page: Ok(Read { rows, ends }) }
}

proptest! {
    // Each draws some thirty screens.
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn whatever_happens_at_whatever_size_is_drawn(
        width in 0_u16..130,
        height in 0_u16..50,
        colored in any::<bool>(),
        events in proptest::collection::vec((event(), any::<u8>()), 0..60),
    ) {
        let color = if colored { Color::With } else { Color::Without };
        let mut desk = Desk::with(width, height, color, 0);
        for (event, way) in events {
            if let Event::Resized { width, height } = event {
                desk.terminal.backend_mut().resize(width, height);
            }
            desk.model.update(event, at(0));
            for _ in 0..20 {
                match desk.model.next_request() {
                    Some(Request::Page { conversation, fetch }) => {
                        desk.model.update(answer(conversation, fetch, way), at(0));
                    }
                    Some(_) => {}
                    None => break,
                }
            }
            let screen = desk.screen();
            let steers = |c: char| c != '\n' && toom_net::shown::is_shown_as_code(c);
            prop_assert!(!screen.contains(steers), "{:?}", screen);
        }
        prop_assert!(desk.model.seen_until() >= Timestamp::MIN);
    }
}
