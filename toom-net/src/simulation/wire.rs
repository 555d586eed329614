//! The server's ends of the simulated connections.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::rc::Rc;

use super::network::{CableId, Network};
use crate::server::stepped::Wire;

/// The server's end of a connection.
#[derive(Debug)]
pub(super) struct ServerEnd {
    network: Rc<RefCell<Network>>,
    cable: CableId,
}

impl ServerEnd {
    pub(super) fn new(network: &Rc<RefCell<Network>>, cable: CableId) -> Self {
        Self { network: Rc::clone(network), cable }
    }
}

impl Read for ServerEnd {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.network.borrow_mut().lane_up(self.cable).map_or(Ok(0), |lane| lane.read(buffer))
    }
}

impl Write for ServerEnd {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut network = self.network.borrow_mut();
        let lane = network.lane_down(self.cable).ok_or(io::ErrorKind::BrokenPipe)?;
        lane.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Wire for ServerEnd {
    fn end_output(&mut self) -> io::Result<()> {
        let mut network = self.network.borrow_mut();
        let lane = network.lane_down(self.cable).ok_or(io::ErrorKind::NotConnected)?;
        lane.end();
        Ok(())
    }
}

impl Drop for ServerEnd {
    fn drop(&mut self) {
        self.network.borrow_mut().server_closes(self.cable);
    }
}
