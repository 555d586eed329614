//! TCP, as the connections use it.

use std::io;
use std::net::Shutdown;

use mio::net::TcpStream;

use crate::server::front::Wire;

impl Wire for TcpStream {
    fn end_output(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}
