//! Lines of standard input, read on a thread of their own, so that the connection is served while nothing comes.

use std::io::{self, BufRead, Read as _};
use std::thread;

use tokio::sync::mpsc;

/// What is read of a line, in bytes. More than any command may have: what is cut is refused for its length.
const LINE_BYTES_MAX: u64 = 64 * 1024;

/// How many lines wait to be taken.
const LINES_QUEUED: usize = 16;

/// The lines of standard input.
#[derive(Debug)]
pub struct Lines(mpsc::Receiver<io::Result<Line>>);

/// A line without its end, if it is text.
pub type Line = Result<String, NotUtf8>;

/// A line that is no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the line is not UTF-8")]
pub struct NotUtf8;

impl Lines {
    /// Starts to read standard input.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub fn of_stdin() -> io::Result<Self> {
        let (give, take) = mpsc::channel(LINES_QUEUED);
        thread::Builder::new().name("stdin".to_owned()).spawn(move || read_all(io::stdin().lock(), &give))?;
        Ok(Self(take))
    }

    /// The next line; `None` at the end of the input. Dropping the future loses nothing.
    ///
    /// # Errors
    /// Those of standard input; after one, there are no more lines.
    pub async fn next(&mut self) -> io::Result<Option<Line>> {
        self.0.recv().await.transpose()
    }
}

fn read_all(mut input: impl BufRead, give: &mpsc::Sender<io::Result<Line>>) {
    while let Some(line) = read_line(&mut input).transpose() {
        let failed = line.is_err();
        if give.blocking_send(line).is_err() || failed {
            return;
        }
    }
}

fn read_line(input: &mut impl BufRead) -> io::Result<Option<Line>> {
    let mut line = Vec::new();
    input.take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.pop_if(|last| *last == b'\n').is_none() {
        input.skip_until(b'\n')?;
    }
    let _ = line.pop_if(|last| *last == b'\r');
    Ok(Some(String::from_utf8(line).map_err(|_| NotUtf8)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(input: &[u8]) -> Vec<Line> {
        let mut input = input;
        std::iter::from_fn(|| read_line(&mut input).unwrap()).collect()
    }

    #[test]
    fn lines_come_without_their_ends() {
        let expected = ["one", "two", "", "four"].map(|line| Ok(line.to_owned()));
        assert_eq!(lines(b"one\ntwo\r\n\nfour"), expected);
        assert!(lines(b"").is_empty());
    }

    #[test]
    fn a_line_that_is_too_long_is_cut_and_the_next_one_is_whole() {
        let mut input = vec![b'x'; 200_000];
        input.extend_from_slice(b"\nnext\n");
        let read = lines(&input);
        assert_eq!(read.len(), 2);
        assert_eq!(read[0].as_ref().unwrap().len() as u64, LINE_BYTES_MAX);
        assert_eq!(read[1], Ok("next".to_owned()));
    }

    #[test]
    fn a_line_that_is_not_utf_8_is_told_from_the_others() {
        assert_eq!(lines(b"a\xff\nb"), [Err(NotUtf8), Ok("b".to_owned())]);
    }
}
