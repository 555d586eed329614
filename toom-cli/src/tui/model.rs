//! The state of the full screen, without the screen: events go in, and requests come out.

pub mod end;
pub mod input;
mod keys;
mod news;
mod talk;
pub mod thread;

use std::collections::{BTreeMap, VecDeque};

use ratatui::crossterm::event::KeyEvent;
use ratatui::layout::Rect;
use toom_core::{Conversation, Timestamp};
use toom_net::client::{ActiveUser, CallError, Pushed};
use toom_net::protocol::{HistoryRow, NameWord};

use super::areas::Areas;
use super::lines::Lines;
use crate::files::{News, UnderWay, What};
use crate::filter::Shown;
use crate::knowledge::Knowledge;
use crate::pending::Pending;
use crate::said::{Ends, Said};
use crate::session::Reply;
use crate::unread::Unread;
use crate::voice::Voice;
use input::Input;
use thread::{Fetch, Thread, View};

/// How many conversations are kept.
const CONVERSATIONS_MAX: usize = 10_000;

/// What happened.
#[derive(Debug)]
pub enum Event {
    /// A key was pressed.
    Key(KeyEvent),
    /// A text was pasted.
    Pasted(String),
    /// The screen has this size now.
    Resized {
        /// In columns.
        width: u16,
        /// In rows.
        height: u16,
    },
    /// Something came unasked.
    Pushed(Pushed),
    /// The answer to [`Request::CarryOut`].
    Answered(Reply),
    /// The answer to [`Request::Page`].
    Page {
        /// Of which conversation.
        conversation: Conversation,
        /// What was asked for.
        fetch: Fetch,
        /// How it went.
        page: Result<Read, CallError>,
    },
    /// The answer to [`Request::Users`].
    Users(Result<Vec<ActiveUser>, CallError>),
    /// What was posted before the login, later than the time.
    Found(Unread, Timestamp),
    /// Something happened to a file that is under way.
    News(News),
    /// Some time has passed.
    Tick,
    /// The program is to end.
    Leave,
}

/// A page of a conversation.
#[derive(Clone, Debug)]
pub struct Read {
    /// What stands on it.
    pub rows: Vec<HistoryRow>,
    /// Whether there is more behind it.
    pub ends: Ends,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Carry out a line.
    CarryOut(String),
    /// Read a page.
    Page {
        /// Of which conversation.
        conversation: Conversation,
        /// Which.
        fetch: Fetch,
    },
    /// Ask who is active.
    Users,
    /// Keep a line for the next run.
    Remember(String),
    /// Ring the bell.
    Ring,
    /// Draw everything anew.
    Redraw,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The user logged out.
    LoggedOut,
    /// The user left while there was no connection, and these lines were not sent.
    Left(Vec<String>),
}

/// Everything that the screen shows, and what stands behind it.
#[derive(Debug)]
pub struct Model {
    user: NameWord,
    server: String,
    voice: Voice,
    knowledge: Knowledge,
    threads: BTreeMap<Conversation, Thread>,
    open: Conversation,
    users: Vec<ActiveUser>,
    asked: Asked,
    input: Input,
    pending: Pending,
    /// What the word before the cursor may become.
    candidates: Vec<String>,
    /// Why there is no connection.
    away: Option<String>,
    transfers: Vec<UnderWay>,
    screen: Rect,
    requests: VecDeque<Request>,
    /// When the last message was posted that came.
    last: Timestamp,
    ended: Option<Ended>,
}

/// Whether it is asked who is active.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    No,
    Yes,
}

impl Model {
    /// `user`, who logged in to `server` at `at`, is told in `voice`, and typed `history` before, the oldest line first.
    #[must_use]
    pub fn new(user: NameWord, server: String, at: Timestamp, voice: Voice, history: Vec<String>) -> Self {
        let mut model = Self {
            user,
            server,
            voice,
            knowledge: Knowledge::default(),
            threads: BTreeMap::from([(Conversation::Broadcast, Thread::new(0))]),
            open: Conversation::Broadcast,
            users: Vec::new(),
            asked: Asked::No,
            input: Input::new(history),
            pending: Pending::default(),
            candidates: Vec::new(),
            away: None,
            transfers: Vec::new(),
            screen: Rect::ZERO,
            requests: VecDeque::new(),
            last: at,
            ended: None,
        };
        model.ask_for_users();
        model
    }

    /// Takes what happened, at `now`.
    pub fn update(&mut self, event: Event, now: Timestamp) {
        match event {
            Event::Key(key) => self.press(key, now),
            Event::Pasted(text) => self.input.insert(&text),
            Event::Resized { width, height } => self.screen = Rect { width, height, ..Rect::ZERO },
            Event::Pushed(pushed) => self.hear(pushed),
            Event::Answered(reply) => self.answered(reply),
            Event::Page { conversation, fetch, page } => self.take_page(conversation, fetch, page),
            Event::Users(users) => self.take_users(users),
            Event::Found(found, since) => self.take_found(&found, since),
            // How far it is stands elsewhere.
            Event::News(News { what: What::Moving(..), .. }) => {}
            Event::News(news) => {
                if self.voice.paint.rings_at(&news) {
                    self.requests.push_back(Request::Ring);
                }
                self.tell(&Said::Transfer(news));
            }
            Event::Tick => self.ask_for_users(),
            Event::Leave => self.send("OUT".to_owned(), now),
        }
        self.look();
    }

    /// The next that is to be done.
    pub fn next_request(&mut self) -> Option<Request> {
        self.requests.pop_front()
    }

    /// How it ended, once it has.
    #[must_use]
    pub const fn ended(&self) -> Option<&Ended> {
        self.ended.as_ref()
    }

    /// Until when everything was on the screen.
    #[must_use]
    pub fn seen_until(&self) -> Timestamp {
        let unread = self.threads.values().filter_map(|thread| thread.unread_since).min();
        unread.unwrap_or(self.last).min(self.last)
    }

    /// Files under way.
    pub fn set_transfers(&mut self, transfers: Vec<UnderWay>) {
        self.transfers = transfers;
    }

    /// Files under way.
    #[must_use]
    pub fn transfers(&self) -> &[UnderWay] {
        &self.transfers
    }

    /// Who uses it.
    #[must_use]
    pub const fn user(&self) -> &NameWord {
        &self.user
    }

    /// Where they are.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// How they are told.
    #[must_use]
    pub const fn voice(&self) -> &Voice {
        &self.voice
    }

    /// All conversations, in order.
    pub fn threads(&self) -> impl Iterator<Item = (Conversation, &Thread)> {
        self.threads.iter().map(|(conversation, thread)| (*conversation, thread))
    }

    /// The conversation that is on the screen.
    #[must_use]
    pub const fn open(&self) -> Conversation {
        self.open
    }

    /// Who else is active.
    #[must_use]
    pub fn users(&self) -> &[ActiveUser] {
        &self.users
    }

    /// The line that is typed.
    #[must_use]
    pub const fn input(&self) -> &Input {
        &self.input
    }

    /// Lines on their way.
    #[must_use]
    pub const fn pending(&self) -> &Pending {
        &self.pending
    }

    /// What the word before the cursor may become.
    #[must_use]
    pub fn candidates(&self) -> &[String] {
        &self.candidates
    }

    /// Why there is no connection, if there is none.
    #[must_use]
    pub fn away(&self) -> Option<&str> {
        self.away.as_deref()
    }

    /// Where everything stands.
    #[must_use]
    pub fn areas(&self) -> Areas {
        Areas::of(self.screen, self.transfers.len())
    }

    /// What is said in the conversation that is on the screen.
    #[must_use]
    pub fn lines(&self) -> Option<Lines<'_>> {
        let width = usize::from(self.areas().main.width);
        Some(Lines { thread: self.threads.get(&self.open)?, voice: &self.voice, width })
    }

    /// The part of it that is looked at.
    #[must_use]
    pub fn view(&self) -> View {
        self.threads.get(&self.open).map_or(View::End, |thread| thread.view)
    }

    /// Sees to it that what is looked at is there, or is asked for.
    fn look(&mut self) {
        let height = usize::from(self.areas().main.height);
        let conversation = self.open;
        let Some(thread) = self.threads.get_mut(&conversation) else { return };
        if let View::At { key, .. } = thread.view
            && thread.item(key).is_none()
        {
            thread.view = View::End;
        }
        if thread.view == View::End {
            thread.go_to_end();
            thread.read();
        }
        let Some(lines) = self.lines() else { return };
        let view = lines.thread.view;
        let above = lines.rows_above(view, 2 * height) < 2 * height;
        let below = view == View::End || lines.rows_below(view, height) < height;
        let fetch = lines.thread.wants(above, below);
        let Some(thread) = self.threads.get_mut(&conversation) else { return };
        if let Some(fetch) = fetch {
            thread.begin_fetch(fetch);
            self.requests.push_back(Request::Page { conversation, fetch });
        }
    }

    /// The conversation, which is new if there is room for one.
    fn thread(&mut self, conversation: Conversation) -> Option<&mut Thread> {
        if self.threads.len() >= CONVERSATIONS_MAX && !self.threads.contains_key(&conversation) {
            return None;
        }
        Some(self.threads.entry(conversation).or_insert_with(|| Thread::new(0)))
    }

    /// Shows another conversation.
    fn show(&mut self, conversation: Conversation) {
        let before = std::mem::replace(&mut self.open, conversation);
        if let Some(thread) = self.threads.get_mut(&before) {
            thread.trim(false);
        }
        if let Some(thread) = self.threads.get_mut(&conversation) {
            thread.retry();
        }
    }

    /// Puts a line behind what is said in the conversation that is on the screen.
    fn note(&mut self, line: Shown) {
        if let Some(thread) = self.threads.get_mut(&self.open) {
            thread.note(line);
        }
    }

    fn ask_for_users(&mut self) {
        if self.asked == Asked::No {
            self.asked = Asked::Yes;
            self.requests.push_back(Request::Users);
        }
    }
}
