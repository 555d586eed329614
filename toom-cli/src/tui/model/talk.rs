//! What the user types, and what is answered.

use toom_core::{Conversation, Receipt, Timestamp};
use toom_net::protocol::MessageLine;

use super::thread::View;
use super::{Ended, Model, Request};
use crate::command::{self, Command};
use crate::filter::Shown;
use crate::knowledge::Knowledge;
use crate::pending::{self, Confirmed, Entered};
use crate::render;
use crate::said::Said;
use crate::session::{Reply, Step};

impl Model {
    /// The line is complete.
    pub(super) fn enter(&mut self, now: Timestamp) {
        self.candidates.clear();
        if let Some(thread) = self.threads.get_mut(&self.open) {
            thread.view = View::End;
            thread.retry();
        }
        let line = match self.pending.confirm(self.input.take()) {
            Confirmed::Yes(pasted) => return self.send(pasted, now),
            Confirmed::No => return self.note(Shown::plain(render::NOT_SENT)),
            Confirmed::NotAsked(line) => line,
        };
        if line.trim().is_empty() {
            return;
        }
        if self.input.remember(&line) {
            self.requests.push_back(Request::Remember(line.clone()));
        }
        let command = self.as_command(&line);
        let several = pending::pasted_lines(&line);
        if several.is_empty() {
            return self.send(command, now);
        }
        for line in &several {
            self.note(Shown::plain(line));
        }
        self.pending.ask_about(command);
    }

    /// What begins with a command in capitals, or with a slash, is one; anything else is posted where the user is.
    fn as_command(&self, line: &str) -> String {
        if let Some(command) = line.strip_prefix('/') {
            return command.to_owned();
        }
        let first = line.split_whitespace().next().unwrap_or_default();
        match self.open {
            _ if Knowledge::is_command(first) => line.to_owned(),
            Conversation::Broadcast => format!("BCM {line}"),
            Conversation::Room(room) => format!("SRM {} {line}", room.number()),
        }
    }

    pub(super) fn send(&mut self, line: String, now: Timestamp) {
        match self.pending.enter(line, &self.voice.zone, now) {
            Entered::Goes | Entered::Waits(_) => self.begin_next(),
            Entered::Refused(why) => self.note(Shown::plain(&why)),
            Entered::Help => self.tell(&Said::Help),
            Entered::Leave => self.ended = Some(Ended::Left(self.pending.leave())),
        }
    }

    fn begin_next(&mut self) {
        if let Some(line) = self.pending.begin() {
            self.requests.push_back(Request::CarryOut(line));
        }
    }

    pub(super) fn answered(&mut self, reply: Reply) {
        let line = self.pending.answered().unwrap_or_default();
        if let Some(note) = &reply.note {
            self.note(Shown::plain(note));
        }
        match reply.said {
            Some(Said::Posted(receipt)) => self.take_own(&line, receipt),
            Some(said) => self.take_said(said),
            None => {}
        }
        if reply.step == Step::LoggedOut {
            self.ended = Some(Ended::LoggedOut);
        }
        self.begin_next();
    }

    fn take_said(&mut self, said: Said) {
        if let Said::RoomCreated(built) = &said {
            let conversation = Conversation::Room(built.room);
            let members = built.members.clone();
            if let Some(thread) = self.thread(conversation) {
                thread.members = members;
                thread.hear_of(0);
                self.show(conversation);
            }
        }
        self.tell(&said);
        if let Said::ActiveUsers(users) = said {
            self.list_users(users);
        }
    }

    /// What the user posted stands among what the others did.
    fn take_own(&mut self, line: &str, receipt: Receipt) {
        self.knowledge.note(&Said::Posted(receipt));
        let command = command::parse(line, &self.voice.zone, Timestamp::MIN);
        let Ok(Some(Command::Broadcast(body) | Command::Post { body, .. })) = command else {
            return self.tell(&Said::Posted(receipt));
        };
        let Receipt { conversation, number, at } = receipt;
        let author = self.user.clone();
        self.keep_message(MessageLine { conversation, number, at, author, body });
        if conversation != self.open {
            self.tell(&Said::Posted(receipt));
        }
    }

    /// Notes what there is to tell where the user is.
    pub(super) fn tell(&mut self, said: &Said) {
        self.knowledge.note(said);
        for line in self.voice.lines(said) {
            self.note(line);
        }
    }

    /// Completes the word before the cursor, or tells what it may become.
    pub(super) fn complete(&mut self) {
        let before = self.input.before_cursor().to_owned();
        let (slash, line) = before.strip_prefix('/').map_or((0, before.as_str()), |line| (1, line));
        let first = line.split(' ').next().unwrap_or_default();
        let capitals = !first.is_empty() && first.chars().all(|c| c.is_ascii_uppercase());
        let is_command = slash == 1 || Knowledge::is_command(first) || (capitals && !line.contains(' '));
        let (begin, words) =
            if is_command { self.knowledge.complete(line) } else { self.knowledge.complete_user(line) };
        let typed = line.len().saturating_sub(begin);
        let common = common_prefix(&words);
        if words.len() == 1 || common.len() > typed {
            self.input.complete(begin + slash, &common);
        }
        self.candidates = if words.len() > 1 { words } else { Vec::new() };
    }
}

/// What all of `words` begin with.
fn common_prefix(words: &[String]) -> String {
    let Some((first, others)) = words.split_first() else { return String::new() };
    let shared = |other: &String| {
        first.chars().zip(other.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum()
    };
    let len = others.iter().map(shared).min().unwrap_or(first.len());
    first.get(..len).unwrap_or_default().to_owned()
}
