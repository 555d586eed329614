//! A wire of which a test says what it brings and what it takes.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::rc::Rc;

use super::raw::Wire;

/// One end for the server; the test holds the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Script(Rc<RefCell<Ends>>);

#[derive(Debug, Default)]
struct Ends {
    /// What each call that reads gets. With nothing left it would have to wait.
    brings: VecDeque<io::Result<Vec<u8>>>,
    /// How much each call that writes may write. With nothing left it may write all.
    takes: VecDeque<io::Result<usize>>,
    taken: Vec<u8>,
    tries: usize,
    has_ended: bool,
}

impl Script {
    pub(super) fn bring(&self, read: Result<&str, io::ErrorKind>) {
        let read = read.map(|text| text.as_bytes().to_vec()).map_err(io::Error::from);
        self.0.borrow_mut().brings.push_back(read);
    }

    pub(super) fn allow(&self, written: Result<usize, io::ErrorKind>) {
        self.0.borrow_mut().takes.push_back(written.map_err(io::Error::from));
    }

    /// What was written since this was last asked.
    pub(super) fn taken(&self) -> String {
        String::from_utf8(core::mem::take(&mut self.0.borrow_mut().taken)).unwrap()
    }

    /// How often the wire was read or written since this was last asked.
    pub(super) fn tries(&self) -> usize {
        core::mem::take(&mut self.0.borrow_mut().tries)
    }

    pub(super) fn has_ended(&self) -> bool {
        self.0.borrow().has_ended
    }
}

impl Read for Script {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut ends = self.0.borrow_mut();
        ends.tries += 1;
        let mut bytes = ends.brings.pop_front().unwrap_or_else(|| Err(io::ErrorKind::WouldBlock.into()))?;
        let fits = bytes.len().min(buffer.len());
        buffer[..fits].copy_from_slice(&bytes[..fits]);
        if fits < bytes.len() {
            ends.brings.push_front(Ok(bytes.split_off(fits)));
        }
        Ok(fits)
    }
}

impl Write for Script {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut ends = self.0.borrow_mut();
        ends.tries += 1;
        let fits = ends.takes.pop_front().unwrap_or(Ok(bytes.len()))?.min(bytes.len());
        ends.taken.extend_from_slice(&bytes[..fits]);
        Ok(fits)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Wire for Script {
    fn end_output(&mut self) -> io::Result<()> {
        self.0.borrow_mut().has_ended = true;
        Ok(())
    }
}
