//! The one way to the terminal. Whatever was written by others is shown here and obeyed nowhere.

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
