//! Bytes on their way to the server. They may hold a password, so every place where they lay is wiped.

use core::fmt;

use zeroize::{Zeroize, Zeroizing};

use super::RequestTooLong;
use crate::protocol::{Command, MAX_LINE, Request};

/// Lines that were not sent yet. It holds no memory while it is empty.
#[derive(Default)]
pub(super) struct Outbox {
    bytes: Vec<u8>,
    sent: usize,
}

impl Outbox {
    /// Appends the line of `command`, if it has at most `line_max` bytes.
    pub(super) fn append(&mut self, command: Command, line_max: usize) -> Result<(), RequestTooLong> {
        let bytes_max = line_max.min(MAX_LINE);
        if let Command::Login { password, .. } = &command
            && password.expose().len() > bytes_max
        {
            // So long that encoding it would outgrow the place made for it, and leave a copy behind.
            return Err(RequestTooLong { bytes_max });
        }
        let mut line = Zeroizing::new(Vec::with_capacity(2 * MAX_LINE));
        let encoded = Request::from(command).append_to(&mut line);
        if encoded.is_err() || line.len() > bytes_max {
            return Err(RequestTooLong { bytes_max });
        }
        self.make_room(line.len());
        self.bytes.extend_from_slice(&line);
        Ok(())
    }

    pub(super) fn unsent(&self) -> &[u8] {
        self.bytes.get(self.sent..).unwrap_or_default()
    }

    /// Marks the first `count` unsent bytes as sent.
    pub(super) fn advance(&mut self, count: usize) {
        self.sent = self.bytes.len().min(self.sent + count);
        if self.sent == self.bytes.len() {
            self.clear();
        }
    }

    /// Forgets what was not sent.
    pub(super) fn clear(&mut self) {
        self.bytes.zeroize();
        *self = Self::default();
    }

    /// Makes room for `more` bytes. Where that takes another place, the old one is wiped.
    fn make_room(&mut self, more: usize) {
        if self.bytes.capacity() - self.bytes.len() < more {
            let mut bytes = Vec::with_capacity(self.unsent().len() * 2 + more);
            bytes.extend_from_slice(self.unsent());
            self.clear();
            self.bytes = bytes;
        }
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").field("unsent_bytes", &self.unsent().len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ping() -> Command {
        Command::Ping { text: "x".repeat(94).into() }
    }

    #[test]
    fn what_was_sent_takes_no_memory_though_something_always_waits() {
        let mut outbox = Outbox::default();
        outbox.append(ping(), MAX_LINE).unwrap();
        outbox.advance(1);
        for _ in 0..1000 {
            outbox.append(ping(), MAX_LINE).unwrap();
            outbox.advance(100);
        }
        assert_eq!(outbox.unsent().len(), 99);
        assert!(outbox.bytes.capacity() < 1000, "{}", outbox.bytes.capacity());
    }

    #[test]
    fn debug_tells_how_much_waits_and_nothing_of_it() {
        let mut outbox = Outbox::default();
        outbox.append(ping(), MAX_LINE).unwrap();
        assert_eq!(format!("{outbox:?}"), "Outbox { unsent_bytes: 100, .. }");
    }
}
