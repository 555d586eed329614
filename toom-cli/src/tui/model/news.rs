//! What comes from the server unasked, and what the program asked for by itself.

use toom_core::{Conversation, Timestamp};
use toom_net::client::{ActiveUser, CallError, Pushed, StoreMet};
use toom_net::protocol::MessageLine;

use super::thread::{Fetch, Thread, View};
use super::{Asked, Model, Read, Request};
use crate::filter::Shown;
use crate::render;
use crate::said::Said;
use crate::unread::{Counted, Unread};

impl Model {
    pub(super) fn hear(&mut self, pushed: Pushed) {
        // What waits for the connection is marked where it stands.
        let _ = self.pending.hear(&pushed);
        let said = Said::Pushed(pushed);
        self.knowledge.note(&said);
        let Said::Pushed(pushed) = said else { return };
        match pushed {
            Pushed::Message(message) => self.take_message(message),
            Pushed::Room { room, .. } => self.enter_room(Conversation::Room(room), &pushed),
            Pushed::Lag { conversation, first, last } => {
                let since = self.last;
                if let Some(thread) = self.thread(conversation) {
                    thread.hear_of(last.get());
                    thread.count_unread(last.get().saturating_sub(first.get()).saturating_add(1), since);
                }
            }
            Pushed::Gone { conversation, last, .. } => {
                if let Some(thread) = self.thread(conversation) {
                    thread.hear_of(last.get());
                    thread.take_gone(last.get());
                }
            }
            Pushed::Away(away) => self.away = Some(render::away(&away)),
            Pushed::Back { store, .. } => self.come_back(store),
            other => self.tell(&Said::Pushed(other)),
        }
    }

    fn come_back(&mut self, store: StoreMet) {
        self.away = None;
        self.threads.values_mut().for_each(Thread::retry);
        if store == StoreMet::Other {
            self.threads.retain(|conversation, _| *conversation == Conversation::Broadcast);
            self.threads.values_mut().for_each(Thread::forget_all);
            self.open = Conversation::Broadcast;
            self.note(Shown::plain(render::back(store)));
        }
        self.asked = Asked::No;
        self.ask_for_users();
    }

    fn take_message(&mut self, message: MessageLine) {
        if self.voice.paint.rings(&message) {
            self.requests.push_back(Request::Ring);
        }
        let author = &message.author;
        if *author != self.user && !self.users.iter().any(|user| user.user == *author) {
            self.ask_for_users();
        }
        self.keep_message(message);
    }

    /// Puts a message in its place, and counts it where it is not on the screen.
    pub(super) fn keep_message(&mut self, message: MessageLine) {
        let (at, conversation) = (message.at, message.conversation);
        let is_open = conversation == self.open;
        let is_own = message.author == self.user;
        self.last = self.last.max(at);
        let Some(thread) = self.thread(conversation) else { return };
        let is_seen = is_open && thread.view == View::End;
        if !is_own && !is_seen {
            thread.count_unread(1, before(at));
        }
        thread.take(message, is_open);
        thread.trim(is_open);
    }

    /// The user is in a new room, which another built.
    fn enter_room(&mut self, conversation: Conversation, pushed: &Pushed) {
        let line = render::pushed(pushed, &self.voice.zone).unwrap_or_default();
        let Some(thread) = self.thread(conversation) else { return };
        if let Pushed::Room { members, .. } = pushed {
            thread.members.clone_from(members);
        }
        thread.hear_of(0);
        thread.note(Shown::plain(&line));
    }

    pub(super) fn take_page(
        &mut self,
        conversation: Conversation,
        fetch: Fetch,
        page: Result<Read, CallError>,
    ) {
        let is_open = conversation == self.open;
        let Some(thread) = self.threads.get_mut(&conversation) else { return };
        match page {
            Ok(Read { mut rows, ends }) => {
                rows.retain(|row| crate::unread::place_of(row).0 == conversation);
                thread.take_page(fetch, rows, ends);
                thread.trim(is_open);
            }
            Err(CallError::OtherEpoch | CallError::Ended(_)) => {}
            Err(error) => {
                thread.fetch_failed();
                thread.note(Shown::plain(&render::call_error(&error)));
            }
        }
    }

    pub(super) fn take_users(&mut self, users: Result<Vec<ActiveUser>, CallError>) {
        self.asked = Asked::No;
        // Nobody typed the question: where it has no answer, what was known stays.
        let Ok(users) = users else { return };
        self.list_users(users);
    }

    pub(super) fn list_users(&mut self, users: Vec<ActiveUser>) {
        let said = Said::ActiveUsers(users);
        self.knowledge.note(&said);
        if let Said::ActiveUsers(users) = said {
            self.users = users;
        }
    }

    /// Takes what was counted after the login.
    pub(super) fn take_found(&mut self, found: &Unread, since: Timestamp) {
        for (&conversation, last) in &found.last {
            let Some(thread) = self.thread(conversation) else { continue };
            match found.counted {
                Counted::All => thread.hear_of(last.get()),
                Counted::Some => thread.hear_of_at_least(last.get()),
            }
            let count = found.counts.get(&conversation).copied().unwrap_or_default();
            if count > 0 {
                thread.count_unread(count, since);
            }
            self.knowledge.note_conversation(conversation);
        }
    }
}

/// The time just before `at`.
fn before(at: Timestamp) -> Timestamp {
    Timestamp::from_unix_micros(at.unix_micros() - 1).unwrap_or(at)
}
