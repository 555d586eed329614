//! A recording as bytes: a first line, then frames, each bearing the checksum of the one before it.
//!
//! | bytes | what |
//! |---|---|
//! | 4 | how long the body is |
//! | 4 | check of those four, so that a wrong length is not taken for a torn end |
//! | | body: [items](super::items), whole ones |
//! | 8 | check of the length and the body |
//!
//! Integers are little-endian. Checks are `SipHash`-1-3, keyed with the check of the frame before (0 for the first): a frame that was changed,
//! left out, put elsewhere or written twice does not fit.

use core::hash::Hasher as _;
use std::io::{self, Read, Write};

use siphasher::sip::SipHasher13;

use super::RecordingError;

/// The first line of every recording. The number is that of the format.
const FIRST_LINE: &[u8; 17] = b"TOOM recording 1\n";
/// The longest body that is read: what no writer makes is damage.
const BODY_BYTES_MAX: u32 = 1 << 20;
/// What the two checks of a frame are keyed with, beside the check before.
const OF_LENGTH: u64 = 1;
const OF_FRAME: u64 = 2;

/// Writes a recording.
#[derive(Debug)]
pub(in crate::server) struct FrameWriter<W> {
    out: W,
    chain: u64,
}

impl<W: Write> FrameWriter<W> {
    pub(in crate::server) fn new(mut out: W) -> io::Result<Self> {
        out.write_all(FIRST_LINE)?;
        Ok(Self { out, chain: 0 })
    }

    pub(in crate::server) fn push(&mut self, body: &[u8]) -> io::Result<()> {
        let length = u32::try_from(body.len()).ok().filter(|bytes| *bytes <= BODY_BYTES_MAX);
        let length = length.ok_or_else(|| io::Error::other("an item is too long to be recorded"))?;
        let length = length.to_le_bytes();
        self.out.write_all(&length)?;
        self.out.write_all(&check_of_length(self.chain, length))?;
        self.out.write_all(body)?;
        self.chain = check_of_frame(self.chain, length, body);
        self.out.write_all(&self.chain.to_le_bytes())
    }

    #[cfg(test)]
    pub(in crate::server) fn into_inner(self) -> W {
        self.out
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn check(chain: u64, of: u64, parts: [&[u8]; 2]) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(chain, of);
    for part in parts {
        hasher.write(part);
    }
    hasher.finish()
}

fn check_of_length(chain: u64, length: [u8; 4]) -> [u8; 4] {
    let [a, b, c, d, ..] = check(chain, OF_LENGTH, [&length, &[]]).to_le_bytes();
    [a, b, c, d]
}

fn check_of_frame(chain: u64, length: [u8; 4], body: &[u8]) -> u64 {
    check(chain, OF_FRAME, [&length, body])
}

/// Reads a recording. It holds one frame, and no more memory than was really there to be read.
#[derive(Debug)]
pub(in crate::server) struct FrameReader<R> {
    input: R,
    chain: u64,
    offset: u64,
}

/// What comes next in a recording.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::server) enum Next {
    /// A frame with this body.
    Body(Vec<u8>),
    /// Nothing.
    Nothing,
    /// A part of a frame: who wrote it was broken off.
    Torn,
    /// Something that was not written so.
    Damaged(&'static str),
}

impl<R: Read> FrameReader<R> {
    /// # Errors
    /// [`RecordingError`] if no recording of this format begins there.
    pub(in crate::server) fn new(input: R) -> Result<Self, RecordingError> {
        let mut reader = Self { input, chain: 0, offset: 0 };
        let first = reader.read(FIRST_LINE.len())?;
        if first != FIRST_LINE {
            let word = first.strip_prefix(b"TOOM recording ").and_then(|rest| rest.strip_suffix(b"\n"));
            let format = word.and_then(|word| str::from_utf8(word).ok()?.parse().ok());
            return Err(
                format.map_or(RecordingError::NotOne, |format| RecordingError::OtherFormat { format })
            );
        }
        reader.offset = FIRST_LINE.len() as u64;
        Ok(reader)
    }

    /// Where the next frame begins.
    pub(in crate::server) fn offset(&self) -> u64 {
        self.offset
    }

    /// # Errors
    /// [`RecordingError`] if it cannot be read.
    pub(in crate::server) fn next(&mut self) -> Result<Next, RecordingError> {
        let head = self.read(8)?;
        let Some((length, [a, b, c, d])) = head.split_first_chunk::<4>() else {
            return Ok(if head.is_empty() { Next::Nothing } else { Next::Torn });
        };
        if check_of_length(self.chain, *length) != [*a, *b, *c, *d] {
            return Ok(Next::Damaged("a frame that does not fit what stands before it"));
        }
        let bytes = u32::from_le_bytes(*length);
        if bytes > BODY_BYTES_MAX {
            return Ok(Next::Damaged("a frame longer than any is"));
        }
        let bytes = bytes as usize;
        let mut body = self.read(bytes + 8)?;
        let Some((_, sum)) = body.split_last_chunk::<8>().filter(|(rest, _)| rest.len() == bytes) else {
            return Ok(Next::Torn);
        };
        let sum = u64::from_le_bytes(*sum);
        body.truncate(bytes);
        if check_of_frame(self.chain, *length, &body) != sum {
            return Ok(Next::Damaged("a frame with a wrong checksum"));
        }
        self.chain = sum;
        self.offset += 16 + bytes as u64;
        Ok(Next::Body(body))
    }

    /// Up to `bytes` bytes: fewer at the end.
    fn read(&mut self, bytes: usize) -> Result<Vec<u8>, RecordingError> {
        let mut read = Vec::new();
        self.input.by_ref().take(bytes as u64).read_to_end(&mut read).map_err(RecordingError::Read)?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame that says it has `length` bytes, with the check that belongs to that, and has ten.
    fn lying(length: u32) -> Vec<u8> {
        let length = length.to_le_bytes();
        [&FIRST_LINE[..], &length, &check_of_length(0, length), &[0; 10]].concat()
    }

    #[test]
    fn a_frame_is_read_as_it_was_written_and_takes_no_more_than_it_may() {
        let longest = vec![7; BODY_BYTES_MAX as usize];
        let mut writer = FrameWriter::new(Vec::new()).unwrap();
        writer.push(b"one").unwrap();
        writer.push(b"").unwrap();
        writer.push(&longest).unwrap();
        assert!(writer.push(&[&longest[..], b"7"].concat()).is_err());
        let written = writer.into_inner();
        let mut reader = FrameReader::new(&written[..]).unwrap();
        for body in [&b"one"[..], b"", &longest] {
            assert_eq!(reader.next().unwrap(), Next::Body(body.to_vec()));
        }
        assert_eq!((reader.next().unwrap(), reader.offset()), (Next::Nothing, written.len() as u64));
    }

    #[test]
    fn a_length_that_is_a_lie_is_damage_or_an_end_and_takes_no_memory() {
        for length in [2, 3, 100, BODY_BYTES_MAX] {
            let bytes = lying(length);
            let mut reader = FrameReader::new(&bytes[..]).unwrap();
            let next = reader.next().unwrap();
            assert_eq!(next == Next::Torn, length > 2, "{length}: {next:?}");
            assert!(!matches!(next, Next::Body(_)));
        }
        for length in [BODY_BYTES_MAX + 1, u32::MAX] {
            let bytes = lying(length);
            let mut reader = FrameReader::new(&bytes[..]).unwrap();
            assert_eq!(reader.next().unwrap(), Next::Damaged("a frame longer than any is"));
        }
    }
}
