//! The one way to the terminal. Whatever was written by others is shown here and obeyed nowhere.

use std::fmt;
use std::io;

use toom_net::shown::OneLine;

/// One line that no terminal obeys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    parts: Vec<Part>,
    sound: Sound,
}

/// A part of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    ink: Ink,
    text: String,
}

/// How a part looks on the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// As the terminal writes.
    Plain,
    /// Bold, in the colour of this number: 31 to 36 and 91 to 96 of the terminal's codes.
    Name(u8),
    /// Dim.
    Aside,
    /// Bold and reversed.
    Loud,
}

/// Whether a line is heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Sound {
    #[default]
    Silent,
    Bell,
}

impl Part {
    /// How it looks.
    #[must_use]
    pub const fn ink(&self) -> Ink {
        self.ink
    }

    /// What it says, with what a terminal would obey written out.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = &self.text;
        match self.ink {
            Ink::Plain => f.write_str(text),
            Ink::Name(color) => write!(f, "\x1b[1;{color}m{text}\x1b[0m"),
            Ink::Aside => write!(f, "\x1b[2m{text}\x1b[0m"),
            Ink::Loud => write!(f, "\x1b[1;7m{text}\x1b[0m"),
        }
    }
}

impl Shown {
    /// `text`, with what a terminal would obey written out.
    #[must_use]
    pub fn plain(text: &str) -> Self {
        Self::default().and(Ink::Plain, text)
    }

    /// This, and behind it `text`, with what a terminal would obey written out.
    #[must_use]
    pub fn and(mut self, ink: Ink, text: &str) -> Self {
        let text = OneLine(text).to_string();
        match self.parts.last_mut() {
            Some(last) if last.ink == ink && ink == Ink::Plain => last.text.push_str(&text),
            _ => self.parts.push(Part { ink, text }),
        }
        self
    }

    /// This, with a sound.
    #[must_use]
    pub(crate) const fn ringing(mut self) -> Self {
        self.sound = Sound::Bell;
        self
    }

    /// What it is made of.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The line with its end.
    #[must_use]
    pub fn into_line(self) -> String {
        format!("{self}\n")
    }
}

/// As it is written to the terminal, without its end.
impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.sound == Sound::Bell {
            f.write_str("\x07")?;
        }
        self.parts.iter().try_for_each(|part| part.fmt(f))
    }
}

/// Writes `text` as one line that no terminal obeys, in one `write`, and flushes it.
///
/// # Errors
/// Those of `out`.
pub fn write_line(out: &mut impl io::Write, text: &str) -> io::Result<()> {
    write_shown(out, Shown::plain(text))
}

/// Writes a line in one `write`, and flushes it.
///
/// # Errors
/// Those of `out`.
pub fn write_shown(out: &mut impl io::Write, line: Shown) -> io::Result<()> {
    out.write_all(line.into_line().as_bytes())?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_the_line_is_the_only_line_end_written() {
        let mut out = Vec::new();
        write_line(&mut out, "one\nmessage\u{2029}").unwrap();
        assert_eq!(out, b"one\\nmessage\\u{2029}\n");
    }
}
