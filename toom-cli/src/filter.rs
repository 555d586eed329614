//! The one way to the terminal. Whatever was written by others is shown here and obeyed nowhere.

use std::fmt::Write as _;
use std::io;

use toom_net::shown::OneLine;

/// Writes `text` as one line that no terminal obeys, in one `write`, and flushes it.
///
/// # Errors
/// Those of `out`.
pub fn write_line(out: &mut impl io::Write, text: &str) -> io::Result<()> {
    let mut line = String::with_capacity(text.len() + 1);
    // Writing to a `String` cannot fail.
    let _ = writeln!(line, "{}", OneLine(text));
    out.write_all(line.as_bytes())?;
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
