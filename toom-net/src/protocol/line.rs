//! Bytes in, complete lines out.

use core::fmt;
use core::ops::Range;

use zeroize::Zeroize;

use super::{MAX_LINE, Verb, parse};

/// Cuts a stream of bytes into lines of at most [`MAX_LINE`] bytes, line end included.
///
/// It holds no memory while it is empty, so a silent peer costs nothing. Feed what was read, then call
/// [`next_line`](Self::next_line) until it gives `None`, then read on: so it never holds more than one read and one line.
/// Lines whose verb is `LOGIN` are wiped once they were given out, and whatever is left is wiped when it is dropped.
#[derive(Default)]
pub struct LineBuffer {
    bytes: Vec<u8>,
    /// Where the first line that was not given out starts.
    start: usize,
    /// Up to where there is no line end after `start`.
    scanned: usize,
    /// The line given out last, if it must be wiped.
    secret: Option<Range<usize>>,
    too_long: bool,
}

/// A line of more than [`MAX_LINE`] bytes. The rest of the stream cannot be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a line is at most {MAX_LINE} bytes")]
pub struct LineTooLong;

impl LineBuffer {
    /// An empty buffer.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: Vec::new(), start: 0, scanned: 0, secret: None, too_long: false }
    }

    /// Appends what was read. After a line that was too long, bytes are dropped unseen.
    pub fn feed(&mut self, read: &[u8]) {
        self.wipe_secret();
        if self.too_long || read.is_empty() {
            return;
        }
        if self.bytes.capacity() - self.bytes.len() < read.len() {
            self.make_room(read.len());
        }
        self.bytes.extend_from_slice(read);
    }

    /// The next complete line without its end, LF or CR LF; `None` asks for more bytes.
    ///
    /// # Errors
    /// [`LineTooLong`], from then on at every call.
    pub fn next_line(&mut self) -> Result<Option<&[u8]>, LineTooLong> {
        self.wipe_secret();
        if self.too_long {
            return Err(LineTooLong);
        }
        let fresh = self.bytes.get(self.scanned..).unwrap_or_default();
        let end = memchr::memchr(b'\n', fresh).map(|at| self.scanned + at);
        let reached = end.map_or(self.bytes.len(), |end| end + 1);
        if reached - self.start > MAX_LINE || (end.is_none() && reached - self.start == MAX_LINE) {
            self.release();
            self.too_long = true;
            return Err(LineTooLong);
        }
        self.scanned = reached;
        let Some(end) = end else {
            if self.start == self.bytes.len() {
                self.bytes = Vec::new();
                (self.start, self.scanned) = (0, 0);
            } else if self.start > 0 {
                self.make_room(0);
            }
            return Ok(None);
        };
        let range = self.start..end;
        self.start = reached;
        let line = self.bytes.get(range.clone()).unwrap_or_default();
        if parse::verb_of(line) == Some(Verb::Login) {
            self.secret = Some(range);
        }
        Ok(Some(line.strip_suffix(b"\r").unwrap_or(line)))
    }

    /// How many bytes there are of lines that were not given out.
    #[must_use]
    pub fn unread_bytes(&self) -> usize {
        self.bytes.len() - self.start
    }

    /// How many bytes of memory it holds: 0 once every line was given out and [`next_line`](Self::next_line) gave `None`.
    #[must_use]
    pub fn bytes_held(&self) -> usize {
        self.bytes.capacity()
    }

    /// Moves the unread rest to a buffer that takes `more` bytes. The old place is wiped, for the rest may be half a `LOGIN`.
    fn make_room(&mut self, more: usize) {
        let rest = self.bytes.get_mut(self.start..).unwrap_or_default();
        let mut bytes = Vec::with_capacity((rest.len() + more).max(rest.len() * 2));
        bytes.extend_from_slice(rest);
        rest.zeroize();
        self.bytes = bytes;
        self.scanned -= self.start;
        self.start = 0;
    }

    fn wipe_secret(&mut self) {
        if let Some(line) = self.secret.take().and_then(|range| self.bytes.get_mut(range)) {
            line.zeroize();
        }
    }

    fn release(&mut self) {
        self.bytes.zeroize();
        *self = Self::new();
    }
}

impl Drop for LineBuffer {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl fmt::Debug for LineBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LineBuffer")
            .field("unread_bytes", &self.unread_bytes())
            .field("too_long", &self.too_long)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
