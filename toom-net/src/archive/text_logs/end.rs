//! How a log that is there ends.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};

use crate::archive::line::LINE_BYTES_MAX;

/// The end of a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct FileEnd {
    /// The last whole line, without its end. Of one that is longer than any of ours, a part.
    pub(super) line: Option<Vec<u8>>,
    /// What stands behind it: the beginning of a line that was never ended.
    pub(super) unfinished: Vec<u8>,
}

impl FileEnd {
    pub(super) fn read(file: &mut File) -> io::Result<Self> {
        // A whole line and the beginning of one.
        let window = 2 * LINE_BYTES_MAX as u64;
        let bytes = file.metadata()?.len();
        file.seek(SeekFrom::Start(bytes.saturating_sub(window)))?;
        let mut tail = Vec::new();
        file.take(window).read_to_end(&mut tail)?;
        Ok(Self::of(tail))
    }

    fn of(mut tail: Vec<u8>) -> Self {
        let Some(end) = memchr::memrchr(b'\n', &tail) else {
            return Self { line: None, unfinished: tail };
        };
        let unfinished = tail.split_off(end + 1);
        tail.truncate(end);
        let start = memchr::memrchr(b'\n', &tail).map_or(0, |before| before + 1);
        Self { line: Some(tail.split_off(start)), unfinished }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn end_of(content: &[u8]) -> (Option<Vec<u8>>, Vec<u8>) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        let FileEnd { line, unfinished } = FileEnd::read(&mut file).unwrap();
        (line, unfinished)
    }

    #[test]
    fn the_last_whole_line_is_told_from_what_was_never_ended() {
        assert_eq!(end_of(b""), (None, Vec::new()));
        assert_eq!(end_of(b"one"), (None, b"one".to_vec()));
        assert_eq!(end_of(b"one\n"), (Some(b"one".to_vec()), Vec::new()));
        assert_eq!(end_of(b"one\ntwo\nth"), (Some(b"two".to_vec()), b"th".to_vec()));
        assert_eq!(end_of(b"one\n\n"), (Some(Vec::new()), Vec::new()));
    }

    #[test]
    fn a_large_file_is_read_at_its_end_alone() {
        let long = "x".repeat(LINE_BYTES_MAX - 1);
        let content = format!("{}{long}\n{long}", "a line\n".repeat(100_000));
        assert_eq!(end_of(content.as_bytes()), (Some(long.clone().into_bytes()), long.into_bytes()));
        let (line, unfinished) = end_of("y".repeat(1_000_000).as_bytes());
        assert_eq!((line, unfinished.len()), (None, 2 * LINE_BYTES_MAX));
    }
}
