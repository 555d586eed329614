//! What the keys do.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use toom_core::{Conversation, Timestamp};

use super::input::Edit;
use super::thread::View;
use super::{Model, Request};

/// Which way to scroll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scroll {
    Up,
    Down,
}

impl Model {
    pub(super) fn press(&mut self, key: KeyEvent, now: Timestamp) {
        if key.kind == KeyEventKind::Release {
            return;
        }
        if key.modifiers.contains(KeyModifiers::ALT) {
            return self.press_alt(key.code);
        }
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return self.press_ctrl(key.code, now);
        }
        let page = usize::from(self.areas().main.height).saturating_sub(1).max(1);
        match key.code {
            KeyCode::Enter => self.enter(now),
            KeyCode::Tab => self.complete(),
            KeyCode::PageUp => self.scroll(Scroll::Up, page),
            KeyCode::PageDown => self.scroll(Scroll::Down, page),
            KeyCode::Up if key.modifiers.contains(KeyModifiers::SHIFT) => self.scroll(Scroll::Up, 1),
            KeyCode::Down if key.modifiers.contains(KeyModifiers::SHIFT) => self.scroll(Scroll::Down, 1),
            KeyCode::Esc => self.go_to_end(),
            KeyCode::Char(c) => {
                self.candidates.clear();
                self.input.insert(c.encode_utf8(&mut [0; 4]));
            }
            code => self.edit(match code {
                KeyCode::Left => Edit::Left,
                KeyCode::Right => Edit::Right,
                KeyCode::Home => Edit::Home,
                KeyCode::End => Edit::End,
                KeyCode::Backspace => Edit::Backspace,
                KeyCode::Delete => Edit::Delete,
                KeyCode::Up => Edit::Earlier,
                KeyCode::Down => Edit::Later,
                _ => return,
            }),
        }
    }

    fn edit(&mut self, edit: Edit) {
        self.candidates.clear();
        self.input.edit(edit);
    }

    fn press_ctrl(&mut self, code: KeyCode, now: Timestamp) {
        let is_empty = self.input.text().is_empty();
        match code {
            // Ctrl-C throws away what was typed; where nothing was, it ends.
            KeyCode::Char('c') if !is_empty => {
                self.input.take();
                self.candidates.clear();
            }
            KeyCode::Char('c' | 'd') if is_empty => self.send("OUT".to_owned(), now),
            KeyCode::Char('l') => self.requests.push_back(Request::Redraw),
            KeyCode::Char('j' | 'm') => self.enter(now),
            KeyCode::Char('i') => self.complete(),
            KeyCode::End => self.go_to_end(),
            code => self.edit(match code {
                KeyCode::Char('a') => Edit::Home,
                KeyCode::Char('e') => Edit::End,
                KeyCode::Char('b') => Edit::Left,
                KeyCode::Char('f') => Edit::Right,
                KeyCode::Char('h') => Edit::Backspace,
                KeyCode::Char('d') => Edit::Delete,
                KeyCode::Char('w') | KeyCode::Backspace => Edit::KillWord,
                KeyCode::Char('u') => Edit::KillToStart,
                KeyCode::Char('k') => Edit::KillToEnd,
                KeyCode::Char('y') => Edit::Yank,
                KeyCode::Char('p') => Edit::Earlier,
                KeyCode::Char('n') => Edit::Later,
                KeyCode::Left => Edit::WordLeft,
                KeyCode::Right => Edit::WordRight,
                _ => return,
            }),
        }
    }

    fn press_alt(&mut self, code: KeyCode) {
        match code {
            KeyCode::Up | KeyCode::Char('p') => self.step(Scroll::Up),
            KeyCode::Down | KeyCode::Char('n') => self.step(Scroll::Down),
            KeyCode::Char('a') => self.go_to_unread(),
            KeyCode::Char(digit @ '1'..='9') => {
                let at = digit.to_digit(10).and_then(|digit| usize::try_from(digit).ok()).unwrap_or(1) - 1;
                if let Some(conversation) = self.threads.keys().nth(at).copied() {
                    self.show(conversation);
                }
            }
            KeyCode::Left | KeyCode::Char('b') => self.edit(Edit::WordLeft),
            KeyCode::Right | KeyCode::Char('f') => self.edit(Edit::WordRight),
            KeyCode::Backspace => self.edit(Edit::KillWord),
            KeyCode::Char('d') => self.edit(Edit::KillNextWord),
            _ => {}
        }
    }

    /// Shows the next conversation, round the list.
    fn step(&mut self, way: Scroll) {
        let open = self.open;
        let next = match way {
            Scroll::Up => self.threads.range(..open).next_back().or(self.threads.last_key_value()),
            Scroll::Down => {
                let behind = (std::ops::Bound::Excluded(open), std::ops::Bound::Unbounded);
                self.threads.range(behind).next().or(self.threads.first_key_value())
            }
        };
        if let Some(conversation) = next.map(|(conversation, _)| *conversation) {
            self.show(conversation);
        }
    }

    /// Shows the next conversation in which something is unread.
    fn go_to_unread(&mut self) {
        let open = self.open;
        let unread: Vec<Conversation> = self
            .threads()
            .filter(|(_, thread)| thread.unread > 0)
            .map(|(conversation, _)| conversation)
            .collect();
        let next = unread.iter().find(|conversation| **conversation > open).or(unread.first());
        if let Some(conversation) = next {
            self.show(*conversation);
        }
    }

    fn scroll(&mut self, way: Scroll, rows: usize) {
        let height = usize::from(self.areas().main.height);
        let Some(lines) = self.lines() else { return };
        let view = lines.thread.view;
        let view = match way {
            Scroll::Up => lines.up(view, rows, height),
            Scroll::Down => lines.down(view, rows),
        };
        self.look_at(view);
    }

    fn go_to_end(&mut self) {
        self.look_at(View::End);
    }

    fn look_at(&mut self, view: View) {
        if let Some(thread) = self.threads.get_mut(&self.open) {
            thread.view = view;
            thread.retry();
        }
    }
}
