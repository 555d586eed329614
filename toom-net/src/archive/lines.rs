//! Files that are read a line at a time, and open only while a piece of them is read: an archive may have more files than a process
//! may have open.

use core::fmt;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

/// The longest line that is read, in bytes: much longer than any that is written.
const LINE_BYTES_MAX: usize = 1024 * 1024;

/// Why a line is no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoText {
    #[error("the line is longer than {LINE_BYTES_MAX} bytes")]
    TooLong,
    #[error("the line is not UTF-8")]
    NotUtf8,
}

/// The lines of a file, from the first on.
pub(super) struct Lines {
    path: PathBuf,
    reader: BufReader<Reopened>,
    number: u64,
    bytes: u64,
    line: Vec<u8>,
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines")
            .field("path", &self.path)
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

impl Lines {
    /// The lines of `path`, of which `buffer_bytes` are held at once.
    pub(super) fn of(path: PathBuf, buffer_bytes: usize) -> Self {
        let file = Reopened { path: path.clone(), at: 0 };
        Self {
            path,
            reader: BufReader::with_capacity(buffer_bytes, file),
            number: 0,
            bytes: 0,
            line: Vec::new(),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The number of the line that was read last, from 1.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// How many bytes the lines that were read have.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next line without its end, LF or CR LF; `None` behind the last. A byte order mark does not count, nor does an empty line.
    pub(super) fn next(&mut self) -> io::Result<Option<Result<&str, NoText>>> {
        loop {
            let whole = self.read_line()?;
            if self.line.is_empty() {
                return Ok(None);
            }
            self.number += 1;
            if !whole {
                return Ok(Some(Err(NoText::TooLong)));
            }
            if !self.line.iter().all(u8::is_ascii_whitespace) {
                break;
            }
        }
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line =
            if self.number == 1 { line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line) } else { line };
        Ok(Some(core::str::from_utf8(line).map_err(|_| NoText::NotUtf8)))
    }

    /// Reads up to the next line end, and keeps no more of the line than is allowed. Says whether that is all of it.
    fn read_line(&mut self) -> io::Result<bool> {
        self.line.clear();
        loop {
            let read = self.reader.fill_buf()?;
            let end = memchr::memchr(b'\n', read).map(|at| at + 1);
            let (piece, _) = read.split_at(end.unwrap_or(read.len()));
            let room = (LINE_BYTES_MAX + 1).saturating_sub(self.line.len());
            self.line.extend_from_slice(piece.get(..room).unwrap_or(piece));
            let taken = piece.len();
            self.reader.consume(taken);
            self.bytes += taken as u64;
            if end.is_some() || taken == 0 {
                return Ok(self.line.len() <= LINE_BYTES_MAX);
            }
        }
    }
}

/// A file that is opened for each read.
#[derive(Debug)]
struct Reopened {
    path: PathBuf,
    at: u64,
}

impl Read for Reopened {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.at))?;
        let bytes = file.read(buffer)?;
        self.at += bytes as u64;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines with their numbers, read through a buffer of every size.
    fn lines_of(content: &[u8]) -> Vec<(u64, Result<String, NoText>)> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, content).unwrap();
        let read = |buffer_bytes| {
            let mut lines = Lines::of(path.clone(), buffer_bytes);
            let mut found = Vec::new();
            while let Some(line) = lines.next().unwrap() {
                let line = line.map(str::to_owned);
                found.push((lines.number(), line));
            }
            assert_eq!(lines.bytes(), content.len() as u64);
            found
        };
        let found = read(65_536);
        for buffer_bytes in if content.len() < 100 { 1..20 } else { 4096..4097 } {
            assert_eq!(read(buffer_bytes), found, "{buffer_bytes}");
        }
        found
    }

    fn ok(number: u64, line: &str) -> (u64, Result<String, NoText>) {
        (number, Ok(line.to_owned()))
    }

    #[test]
    fn lines_come_without_their_ends_and_count_from_one() {
        assert_eq!(lines_of(b"one\ntwo\r\n\n \nthree"), [ok(1, "one"), ok(2, "two"), ok(5, "three")]);
        assert_eq!(lines_of("\u{feff}one\n\u{feff}two\n".as_bytes()), [ok(1, "one"), ok(2, "\u{feff}two")]);
        assert_eq!(lines_of(b""), []);
    }

    #[test]
    fn what_is_no_text_is_told_and_the_next_line_is_read() {
        assert_eq!(lines_of(b"\xff\nb\n"), [(1, Err(NoText::NotUtf8)), ok(2, "b")]);
        let longest = "x".repeat(LINE_BYTES_MAX - 1);
        assert_eq!(lines_of(format!("{longest}\nb").as_bytes()), [ok(1, &longest), ok(2, "b")]);
        assert_eq!(lines_of(format!("{longest}xx\nb").as_bytes()), [(1, Err(NoText::TooLong)), ok(2, "b")]);
    }
}
