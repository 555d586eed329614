//! The one way to the terminal. Whatever was written by others is shown here and obeyed nowhere.

use std::fmt::Write as _;
use std::io;

use toom_net::shown::OneLine;

/// One line that no terminal obeys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown(String);

impl Shown {
    /// `text`, with what a terminal would obey written out.
    #[must_use]
    pub fn plain(text: &str) -> Self {
        Self(OneLine(text).to_string())
    }

    /// Nothing yet.
    #[must_use]
    pub const fn empty() -> Self {
        Self(String::new())
    }

    /// This, and behind it `text`, with what a terminal would obey written out; in the look that `code` stands for, if there is one.
    #[must_use]
    pub(crate) fn and(mut self, code: Option<&str>, text: &str) -> Self {
        // Writing to a `String` cannot fail.
        let _ = match code {
            Some(code) => write!(self.0, "\x1b[{code}m{}\x1b[0m", OneLine(text)),
            None => write!(self.0, "{}", OneLine(text)),
        };
        self
    }

    /// This, with a sound.
    #[must_use]
    pub(crate) fn ringing(mut self) -> Self {
        self.0.insert(0, '\x07');
        self
    }

    /// The line.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The line with its end.
    #[must_use]
    pub fn into_line(self) -> String {
        let mut line = self.0;
        line.push('\n');
        line
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
