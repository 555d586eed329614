//! Where operators ask: an address that other machines cannot reach.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
#[cfg(unix)]
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::str::FromStr;

use tiny_http::Listener;

/// A loopback address with its port, or the path of a Unix socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AdminAddress {
    Tcp(SocketAddr),
    #[cfg(unix)]
    Unix(PathBuf),
}

impl FromStr for AdminAddress {
    type Err = String;

    fn from_str(raw: &str) -> Result<Self, String> {
        #[cfg(unix)]
        if raw.contains('/') {
            return Ok(Self::Unix(PathBuf::from(raw)));
        }
        match raw.parse::<SocketAddr>() {
            Ok(address) if address.ip().to_canonical().is_loopback() => Ok(Self::Tcp(address)),
            Ok(_) => {
                Err("other machines can reach this address; only loopback and Unix sockets are taken"
                    .to_owned())
            }
            Err(_) => {
                Err("an address such as 127.0.0.1:2001, or a path such as /run/toomd/admin, is expected"
                    .to_owned())
            }
        }
    }
}

impl fmt::Display for AdminAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            #[cfg(unix)]
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

/// A socket's file, removed with this.
#[derive(Debug)]
pub(super) struct Bound(Option<PathBuf>);

impl Drop for Bound {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // Where it cannot be removed, the next start does it.
            let _ = std::fs::remove_file(path);
        }
    }
}

pub(super) fn bind(address: &AdminAddress) -> io::Result<(Listener, Bound)> {
    match address {
        AdminAddress::Tcp(address) => Ok((TcpListener::bind(address)?.into(), Bound(None))),
        #[cfg(unix)]
        AdminAddress::Unix(path) => {
            if UnixStream::connect(path).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
            {
                // Left by a server that was killed.
                std::fs::remove_file(path)?;
            }
            Ok((bind_private(path)?.into(), Bound(Some(path.clone()))))
        }
    }
}

/// A socket that only this user may connect to, from its beginning.
#[cfg(unix)]
fn bind_private(path: &std::path::Path) -> io::Result<UnixListener> {
    use rustix::fs::Mode;
    use rustix::process::umask;
    let mask = umask(Mode::from_raw_mode(0o177));
    let bound = UnixListener::bind(path);
    umask(mask);
    bound
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_other_machines_cannot_reach_is_taken() {
        for taken in ["127.0.0.1:2001", "[::1]:0", "./admin", "/run/toomd/admin"] {
            assert_eq!(taken.parse::<AdminAddress>().unwrap().to_string(), taken);
        }
        for refused in ["0.0.0.0:2001", "[::]:1", "192.0.2.1:1", "localhost:1", "2001", ""] {
            assert!(refused.parse::<AdminAddress>().is_err(), "{refused}");
        }
    }
}
