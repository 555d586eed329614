//! The line that is typed: editing, as far as `rustyline` does it without a terminal, and what was typed before.

use rustyline::line_buffer::{ChangeListener, DeleteListener, Direction, LineBuffer};
use rustyline::{At, Word};

/// How long a line may get: more than any command may have.
const BYTES_MAX: usize = 16 * 1024;

/// How many lines are remembered.
const HISTORY_LINES: usize = 1000;

/// A line with a cursor.
#[derive(Debug)]
pub struct Input {
    line: LineBuffer,
    killed: Killed,
    history: Vec<String>,
    /// Which line of the history is shown, and what was typed before.
    recalled: Option<(usize, String)>,
}

/// A change of the line, or of the place of the cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// One character back.
    Left,
    /// One character on.
    Right,
    /// To the beginning of the word.
    WordLeft,
    /// To the end of the word.
    WordRight,
    /// To the beginning.
    Home,
    /// To the end.
    End,
    /// Takes the character before the cursor.
    Backspace,
    /// Takes the character under the cursor.
    Delete,
    /// Takes the word before the cursor, up to a space.
    KillWord,
    /// Takes the word behind the cursor.
    KillNextWord,
    /// Takes what is before the cursor.
    KillToStart,
    /// Takes what is behind the cursor.
    KillToEnd,
    /// Puts back what was taken last.
    Yank,
    /// The line before this one, of those that were typed.
    Earlier,
    /// The line after it.
    Later,
}

/// What was taken from the line last, if it was more than a character.
#[derive(Debug, Default)]
struct Killed(String);

/// Nobody wants to know.
struct Unheard;

impl DeleteListener for Unheard {
    fn delete(&mut self, _: usize, _: &str, _: Direction) {}
}

impl ChangeListener for Unheard {
    fn insert_char(&mut self, _: usize, _: char) {}
    fn insert_str(&mut self, _: usize, _: &str) {}
    fn replace(&mut self, _: usize, _: &str, _: &str) {}
}

impl DeleteListener for Killed {
    fn delete(&mut self, _: usize, taken: &str, _: Direction) {
        taken.clone_into(&mut self.0);
    }
}

impl Input {
    /// An empty line, with what was typed before, the oldest first.
    #[must_use]
    pub fn new(history: Vec<String>) -> Self {
        let line = LineBuffer::with_capacity(BYTES_MAX);
        Self { line, killed: Killed::default(), history, recalled: None }
    }

    /// The line.
    #[must_use]
    pub fn text(&self) -> &str {
        self.line.as_str()
    }

    /// The part before the cursor.
    #[must_use]
    pub fn before_cursor(&self) -> &str {
        self.text().get(..self.line.pos()).unwrap_or_default()
    }

    /// Whether the cursor is at the end.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.line.is_cursor_at_end()
    }

    /// Puts `text` in. What is too much is left out.
    pub fn insert(&mut self, text: &str) {
        self.recalled = None;
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let room = BYTES_MAX.saturating_sub(self.line.len());
        let fits = text.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= room).last();
        let text = fits.and_then(|end| text.get(..end)).unwrap_or_default();
        self.line.yank(text, 1, &mut Unheard);
    }

    /// Puts `text` in the place of what stands between `begin` and the cursor.
    pub fn complete(&mut self, begin: usize, text: &str) {
        let end = self.line.pos();
        if self.text().get(begin..end).is_some() {
            self.line.delete_range(begin..end, &mut Unheard);
            self.line.set_pos(begin);
            self.insert(text);
        }
    }

    /// Changes it.
    pub fn edit(&mut self, edit: Edit) {
        let (line, killed) = (&mut self.line, &mut self.killed);
        match edit {
            Edit::Left => {
                line.move_backward(1);
            }
            Edit::Right => {
                line.move_forward(1);
            }
            Edit::WordLeft => {
                line.move_to_prev_word(Word::Emacs, 1);
            }
            Edit::WordRight => {
                line.move_to_next_word(At::AfterEnd, Word::Emacs, 1);
            }
            Edit::Home => {
                line.move_buffer_start();
            }
            Edit::End => {
                line.move_buffer_end();
            }
            Edit::Backspace => {
                line.backspace(1, &mut Unheard);
            }
            Edit::Delete => {
                line.delete(1, &mut Unheard);
            }
            Edit::KillWord => {
                line.delete_prev_word(Word::Big, 1, killed);
            }
            Edit::KillNextWord => {
                line.delete_word(At::AfterEnd, Word::Emacs, 1, killed);
            }
            Edit::KillToStart => {
                line.discard_buffer(killed);
            }
            Edit::KillToEnd => {
                line.kill_buffer(killed);
            }
            Edit::Yank => {
                let text = killed.0.clone();
                self.insert(&text);
            }
            Edit::Earlier => self.recall_earlier(),
            Edit::Later => self.recall_later(),
        }
    }

    /// Empties the line, and gives what was there.
    pub fn take(&mut self) -> String {
        let line = self.text().to_owned();
        self.set("");
        self.recalled = None;
        line
    }

    /// Keeps a line for the next time. Whether it is one to keep: those that begin with a space, and repetitions, are not.
    pub fn remember(&mut self, line: &str) -> bool {
        if line.is_empty() || line.starts_with(' ') || self.history.last().is_some_and(|last| last == line) {
            return false;
        }
        if self.history.len() >= HISTORY_LINES {
            self.history.remove(0);
        }
        self.history.push(line.to_owned());
        true
    }

    fn recall_earlier(&mut self) {
        let at = self.recalled.as_ref().map_or(self.history.len(), |(at, _)| *at);
        let Some(line) = at.checked_sub(1).and_then(|at| self.history.get(at)).cloned() else { return };
        let typed = self.recalled.take().map_or_else(|| self.text().to_owned(), |(_, typed)| typed);
        self.set(&line);
        self.recalled = Some((at - 1, typed));
    }

    fn recall_later(&mut self) {
        let Some((at, typed)) = self.recalled.take() else { return };
        if let Some(line) = self.history.get(at + 1).cloned() {
            self.set(&line);
            self.recalled = Some((at + 1, typed));
        } else {
            self.set(&typed);
        }
    }

    fn set(&mut self, text: &str) {
        let len = self.line.len();
        self.line.delete_range(0..len, &mut Unheard);
        self.line.set_pos(0);
        self.line.yank(text, 1, &mut Unheard);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn typed(text: &str, edits: &[Edit]) -> Input {
        let mut input = Input::new(vec!["first".to_owned(), "second".to_owned()]);
        input.insert(text);
        for edit in edits {
            input.edit(*edit);
        }
        input
    }

    #[test]
    fn characters_are_taken_with_their_marks_and_words_come_back() {
        assert_eq!(typed("e\u{301}e\u{301}", &[Edit::Backspace]).text(), "e\u{301}");
        assert_eq!(typed("one two", &[Edit::KillWord, Edit::Yank, Edit::Yank]).text(), "one twotwo");
        assert_eq!(typed("one two", &[Edit::WordLeft]).before_cursor(), "one ");
        assert_eq!(typed("one two", &[Edit::Home, Edit::KillNextWord, Edit::Delete]).text(), "two");
    }

    #[test]
    fn what_was_typed_before_is_found_and_what_was_begun_comes_back() {
        use Edit::{Earlier, Later};
        assert_eq!(typed("begun", &[Earlier]).text(), "second");
        assert_eq!(typed("begun", &[Earlier, Earlier, Earlier]).text(), "first");
        assert_eq!(typed("begun", &[Earlier, Earlier, Later, Later]).text(), "begun");
        assert_eq!(typed("begun", &[Later]).text(), "begun");
        let mut input = typed("", &[]);
        assert!(input.remember("third") && !input.remember("third") && !input.remember(" secret"));
        input.edit(Earlier);
        assert_eq!(input.take(), "third");
        assert_eq!(input.text(), "");
    }

    #[test]
    fn a_line_is_bounded() {
        let input = typed(&"漢".repeat(BYTES_MAX), &[]);
        assert_eq!(input.text().len(), BYTES_MAX / 3 * 3);
    }

    proptest! {
        #[test]
        fn no_edit_panics_and_the_cursor_stands_between_characters(
            steps in proptest::collection::vec((0_usize..16, "\\PC{0,3}"), 0..60)
        ) {
            use Edit::{Backspace, Delete, Earlier, End, Home, KillNextWord, KillToEnd, KillToStart, KillWord, Later, Left, Right, WordLeft, WordRight, Yank};
            let edits = [Left, Right, WordLeft, WordRight, Home, End, Backspace, Delete, KillWord, KillNextWord, KillToStart, KillToEnd, Yank, Earlier, Later];
            let mut input = typed("", &[]);
            for (at, text) in steps {
                match edits.get(at) {
                    Some(edit) => input.edit(*edit),
                    None => input.insert(&text),
                }
                prop_assert!(input.text().starts_with(input.before_cursor()));
                prop_assert!(input.before_cursor().is_empty() == (input.line.pos() == 0));
            }
        }
    }
}
