//! A conversation as rows of a screen, and the way through them.

use super::model::thread::{Item, Key, Thread, View};
use super::wrap::{Row, wrap};
use crate::filter::Shown;
use crate::paint::Look;
use crate::voice::Voice;

/// By how much the rows of an item are set in, but for the first.
const INDENT: usize = 2;

/// A conversation on a screen of a width.
#[derive(Clone, Copy, Debug)]
pub struct Lines<'a> {
    /// What is shown.
    pub thread: &'a Thread,
    /// How it looks.
    pub voice: &'a Voice,
    /// How many columns there are.
    pub width: usize,
}

impl Lines<'_> {
    /// The rows on a screen of `height` rows that looks at `view`.
    #[must_use]
    pub fn screen(&self, view: View, height: usize) -> Vec<Row> {
        let Some((key, row)) = self.lowest(view) else { return Vec::new() };
        let mut rows = self.rows(key);
        rows.truncate(row + 1);
        let mut place = key;
        while rows.len() < height
            && let Some(before) = self.thread.before(place)
        {
            rows.splice(0..0, self.rows(before));
            place = before;
        }
        if rows.len() >= height {
            return rows.split_off(rows.len() - height);
        }
        // All of it is above the lowest row: the rest stands below.
        rows.extend(self.rows(key).into_iter().skip(row + 1));
        let mut place = key;
        while rows.len() < height
            && let Some(behind) = self.thread.behind(place)
        {
            rows.extend(self.rows(behind));
            place = behind;
        }
        rows.truncate(height);
        rows
    }

    /// `count` rows further up, but never above the first `height` rows.
    #[must_use]
    pub fn up(&self, view: View, count: usize, height: usize) -> View {
        let Some((mut key, mut row)) = self.lowest(view) else { return View::End };
        let mut left = count;
        while left > row {
            let Some(before) = self.thread.before(key) else {
                row = 0;
                left = 0;
                break;
            };
            left -= row + 1;
            key = before;
            row = self.rows(key).len().saturating_sub(1);
        }
        let up = View::At { key, row: row - left };
        let above = self.rows_above(up, height);
        if above < height { self.down(up, height - above) } else { up }
    }

    /// `count` rows further down. Where that is the end, it stays the end.
    #[must_use]
    pub fn down(&self, view: View, count: usize) -> View {
        let View::At { mut key, mut row } = self.valid(view) else { return View::End };
        let mut left = count;
        loop {
            let below = self.rows(key).len().saturating_sub(row + 1);
            if left <= below {
                row += left;
                break;
            }
            let Some(behind) = self.thread.behind(key) else { return View::End };
            left -= below + 1;
            (key, row) = (behind, 0);
        }
        let is_last = row + 1 >= self.rows(key).len() && self.thread.behind(key).is_none();
        if is_last { View::End } else { View::At { key, row } }
    }

    /// How many rows there are down to the lowest of `view`, but no more than `max`.
    #[must_use]
    pub fn rows_above(&self, view: View, max: usize) -> usize {
        let Some((mut key, row)) = self.lowest(view) else { return 0 };
        let mut rows = row + 1;
        while rows < max
            && let Some(before) = self.thread.before(key)
        {
            rows += self.rows(before).len();
            key = before;
        }
        rows.min(max)
    }

    /// How many rows there are below `view`, but no more than `max`.
    #[must_use]
    pub fn rows_below(&self, view: View, max: usize) -> usize {
        let View::At { mut key, row } = self.valid(view) else { return 0 };
        let mut rows = self.rows(key).len().saturating_sub(row + 1);
        while rows < max
            && let Some(behind) = self.thread.behind(key)
        {
            rows += self.rows(behind).len();
            key = behind;
        }
        rows.min(max)
    }

    /// `view`, as long as what it looks at is there, in a screen of this width.
    fn valid(&self, view: View) -> View {
        match view {
            View::At { key, row } if self.thread.item(key).is_some() => {
                View::At { key, row: row.min(self.rows(key).len().saturating_sub(1)) }
            }
            _ => View::End,
        }
    }

    fn lowest(&self, view: View) -> Option<(Key, usize)> {
        if let View::At { key, row } = self.valid(view) {
            return Some((key, row));
        }
        let (key, _) = self.thread.items().next_back()?;
        Some((key, self.rows(key).len().saturating_sub(1)))
    }

    fn rows(&self, key: Key) -> Vec<Row> {
        let mut lines = Vec::new();
        match self.thread.item(key) {
            Some(Item::Message(message)) => {
                lines.extend(self.above(key.0));
                lines.extend(self.voice.paint.message_in_place(message, &self.voice.zone));
            }
            Some(Item::Note(line)) => lines.push(line.clone()),
            None => {}
        }
        lines.iter().flat_map(|line| wrap(line, self.width, INDENT)).collect()
    }

    /// What stands above the message `number`: its day, and that something is missing before it.
    fn above(&self, number: u64) -> Vec<Shown> {
        let Some(Item::Message(message)) = self.thread.item((number, 0)) else { return Vec::new() };
        let mut lines = Vec::new();
        let zone = &self.voice.zone;
        let day = zone.day(message.at);
        let before = self.thread.message_before(number);
        match before {
            None if self.thread.has_older() => lines.push(self.aside("…")),
            None if self.thread.is_cut() => lines.push(self.aside("what was said before is gone for good")),
            Some(before) if before.number.get().checked_add(1) != Some(number) => lines.push(self.aside("…")),
            _ => {}
        }
        if before.is_none_or(|before| zone.day(before.at) != day) {
            lines.push(self.voice.paint.day_line(&day));
        }
        lines
    }

    fn aside(&self, text: &str) -> Shown {
        self.voice.paint.line(&[(Look::Aside, text)])
    }
}
