//! A network that can be cut and mended.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Stands between clients and a server, at an address that stays.
pub(crate) struct Relay {
    port: u16,
    links: Arc<Mutex<Links>>,
}

enum Links {
    Cut,
    Whole(Vec<TcpStream>),
}

impl Relay {
    pub(crate) fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let links = Arc::new(Mutex::new(Links::Whole(Vec::new())));
        let shared = Arc::clone(&links);
        thread::spawn(move || {
            for near in listener.incoming().map(Result::unwrap) {
                if let Links::Whole(streams) = &mut *shared.lock().unwrap_or_else(PoisonError::into_inner) {
                    let far = TcpStream::connect(server).unwrap();
                    pump(&near, &far);
                    pump(&far, &near);
                    streams.extend([near, far]);
                }
            }
        });
        Self { port, links }
    }

    pub(crate) fn port(&self) -> String {
        self.port.to_string()
    }

    /// Ends all connections, and those that are tried, until it is mended.
    pub(crate) fn cut(&self) {
        let mut links = self.links.lock().unwrap();
        if let Links::Whole(streams) = std::mem::replace(&mut *links, Links::Cut) {
            for stream in streams {
                // It may be closed already.
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
    }

    pub(crate) fn mend(&self) {
        *self.links.lock().unwrap() = Links::Whole(Vec::new());
    }
}

fn pump(from: &TcpStream, to: &TcpStream) {
    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
    thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut bytes) {
            if to.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
}
