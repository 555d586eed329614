//! Whole screens. What they are expected to show stands in the files of `tests/`, a line a row, without the spaces at the ends;
//! `TOOM_SCREENS=write` writes these files anew.

mod hostile;
mod screens;

use std::collections::BTreeMap;
use std::path::Path;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use toom_core::{Body, Conversation, MessageNumber, Receipt, RoomId, Timestamp};
use toom_net::client::{ActiveUser, Pushed};
use toom_net::protocol::{HistoryRow, MessageLine, NameWord};

use super::model::{Event, Model, Read, Request};
use super::view;
use crate::command::{self, Command};
use crate::paint::{Bell, Color, Paint};
use crate::said::{Ends, Said};
use crate::session::{Reply, Step};
use crate::stop::Verdict;
use crate::voice::{Form, Voice};
use crate::zone::Zone;

/// 04 Aug 2022 09:02:29.
const NOW: i64 = 1_659_603_749_000_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_micros(NOW + seconds * 1_000_000).unwrap()
}

fn name(name: &str) -> NameWord {
    NameWord::parse(name).unwrap()
}

fn room(number: u32) -> Conversation {
    Conversation::Room(RoomId::new(number).unwrap())
}

fn message(conversation: Conversation, number: u64, author: &str, text: &str) -> MessageLine {
    MessageLine {
        conversation,
        number: MessageNumber::new(number).unwrap(),
        at: at(i64::try_from(number).unwrap() * 20),
        author: name(author),
        body: Body::parse(text).unwrap(),
    }
}

/// obiwan's screen, and a server with a history.
struct Desk {
    model: Model,
    terminal: Terminal<TestBackend>,
    history: BTreeMap<Conversation, Vec<MessageLine>>,
    /// What was asked for and is no question to the server's history.
    asked: Vec<Request>,
}

impl Desk {
    fn new(width: u16, height: u16) -> Self {
        Self::with(width, height, Color::Without, 0)
    }

    /// With so many messages of luke's for everyone.
    fn with(width: u16, height: u16, color: Color, messages: u64) -> Self {
        let paint = Paint::new(color, Bell::Rings, "obiwan");
        let voice = Voice { form: Form::Pages, zone: Zone::utc(), paint };
        let typed = vec!["BCM typed before".to_owned()];
        let model = Model::new(name("obiwan"), "chat.example port 2000".to_owned(), at(0), voice, typed);
        let terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        let said =
            |number| message(Conversation::Broadcast, number, "luke", &format!("message number {number}"));
        let history = BTreeMap::from([(Conversation::Broadcast, (1..=messages).map(said).collect())]);
        let mut desk = Self { model, terminal, history, asked: Vec::new() };
        desk.take(Event::Resized { width, height });
        desk
    }

    fn take(&mut self, event: Event) {
        self.model.update(event, at(0));
        while let Some(request) = self.model.next_request() {
            match request {
                Request::Page { conversation, fetch } => {
                    let page = Ok(self.page(conversation, fetch.after, fetch.limit));
                    self.model.update(Event::Page { conversation, fetch, page }, at(0));
                }
                Request::CarryOut(line) => {
                    self.asked.push(Request::CarryOut(line.clone()));
                    if let Some(reply) = self.reply(&line) {
                        self.model.update(Event::Answered(reply), at(0));
                    }
                }
                Request::Users => {
                    let user = |user| ActiveUser { user: name(user), since: at(0) };
                    self.model.update(Event::Users(Ok(["hans", "luke"].map(user).to_vec())), at(0));
                }
                request => self.asked.push(request),
            }
        }
    }

    fn page(&self, conversation: Conversation, after: u64, limit: u64) -> Read {
        let said = self.history.get(&conversation).map(Vec::as_slice).unwrap_or_default();
        let mut rows: Vec<_> = said.iter().filter(|line| line.number.get() > after).cloned().collect();
        let ends = if rows.len() as u64 > limit { Ends::Later } else { Ends::Here };
        rows.truncate(usize::try_from(limit).unwrap());
        Read { rows: rows.into_iter().map(HistoryRow::Message).collect(), ends }
    }

    /// Posts are answered while there is a connection; whatever else is typed has no answer here.
    fn reply(&mut self, line: &str) -> Option<Reply> {
        if self.model.away().is_some() {
            return None;
        }
        let now = at(0);
        let (conversation, body) = match command::parse(line, &Zone::utc(), now) {
            Ok(Some(Command::Broadcast(body))) => (Conversation::Broadcast, body),
            Ok(Some(Command::Post { room, body })) => (Conversation::Room(room), body),
            Ok(Some(Command::Help)) => return Some(said(Said::Help)),
            _ => return None,
        };
        let history = self.history.entry(conversation).or_default();
        let line = message(conversation, history.len() as u64 + 1, "obiwan", body.as_str());
        let receipt = Receipt { conversation, number: line.number, at: line.at };
        history.push(line);
        Some(said(Said::Posted(receipt)))
    }

    fn hear(&mut self, conversation: Conversation, number: u64, author: &str, text: &str) {
        let line = message(conversation, number, author, text);
        self.history.entry(conversation).or_default().push(line.clone());
        self.take(Event::Pushed(Pushed::Message(line)));
    }

    fn enter_room(&mut self, number: u32, members: &[&str]) {
        let members = members.iter().map(|member| name(member)).collect();
        self.take(Event::Pushed(Pushed::Room { room: RoomId::new(number).unwrap(), members }));
    }

    fn press(&mut self, code: KeyCode) {
        self.press_with(code, KeyModifiers::NONE);
    }

    fn press_with(&mut self, code: KeyCode, modifiers: KeyModifiers) {
        self.take(Event::Key(KeyEvent::new(code, modifiers)));
    }

    fn write(&mut self, text: &str) {
        text.chars().for_each(|c| self.press(KeyCode::Char(c)));
    }

    fn enter(&mut self, text: &str) {
        self.write(text);
        self.press(KeyCode::Enter);
    }

    fn resize(&mut self, width: u16, height: u16) {
        self.terminal.backend_mut().resize(width, height);
        self.take(Event::Resized { width, height });
    }

    /// The screen as text.
    fn screen(&mut self) -> String {
        let model = &self.model;
        self.terminal
            .draw(|frame| {
                if let Some(cursor) = view::draw(model, frame.buffer_mut()) {
                    frame.set_cursor_position(cursor);
                }
            })
            .unwrap();
        text_of(self.terminal.backend())
    }

    /// Compares the screen with the file of this name.
    fn expect(&mut self, name: &str) {
        let screen = self.screen();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tui/tests").join(format!("{name}.txt"));
        if std::env::var_os("TOOM_SCREENS").is_some_and(|how| how == "write") {
            std::fs::write(&path, &screen).unwrap();
        }
        let expected = std::fs::read_to_string(&path).unwrap();
        assert!(screen == expected, "{name} is\n{screen}\nand should be\n{expected}");
    }
}

fn said(said: Said) -> Reply {
    Reply { note: None, said: Some(said), step: Step::On(Verdict::Done) }
}

/// The rows, without the places behind wide characters, and without the spaces at the ends.
fn text_of(backend: &TestBackend) -> String {
    use unicode_width::UnicodeWidthStr as _;

    let buffer = backend.buffer();
    let mut text = String::new();
    for y in 0..buffer.area.height {
        let mut row = String::new();
        let mut hidden = 0;
        for x in 0..buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            if hidden == 0 {
                row.push_str(symbol);
                hidden = symbol.width();
            }
            hidden = hidden.saturating_sub(1);
        }
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}
