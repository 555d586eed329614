//! `toomd sessions` and `toomd kick`: asking a server that runs.

use std::io::{self, Read as _, Write};
use std::net::TcpStream;
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::Duration;

use toom_core::UserName;

use super::{AdminAddress, CHANGES};
use crate::failure::Failure;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Shows the sessions of the server, a line each.
pub(crate) fn sessions(address: &AdminAddress) -> Result<(), Failure> {
    let lines = ask(address, "GET /sessions HTTP/1.0\r\n\r\n")?;
    io::stdout().lock().write_all(lines.as_bytes()).map_err(Failure::Output)
}

/// Ends every session of a user.
pub(crate) fn kick(address: &AdminAddress, name: &UserName) -> Result<(), Failure> {
    let name = name.as_str();
    let length = name.len();
    let request = format!("POST /kick HTTP/1.0\r\n{CHANGES}: 1\r\nContent-Length: {length}\r\n\r\n{name}");
    let count = ask(address, &request)?;
    eprintln!("ended sessions of {name}: {}", count.trim_end());
    Ok(())
}

fn ask(address: &AdminAddress, request: &str) -> Result<String, Failure> {
    let failed = |problem: String| Failure::Admin { address: address.to_string(), problem };
    let answer = exchange(address, request).map_err(|error| failed(error.to_string()))?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    match head.split(' ').nth(1) {
        Some("200") => Ok(body.to_owned()),
        Some(_) => Err(failed(body.trim_end().to_owned())),
        None => Err(failed("what answers there is no toomd".to_owned())),
    }
}

fn exchange(address: &AdminAddress, request: &str) -> io::Result<String> {
    let mut answer = String::new();
    match address {
        AdminAddress::Tcp(address) => {
            let mut stream = TcpStream::connect_timeout(address, PATIENCE)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.write_all(request.as_bytes())?;
            stream.read_to_string(&mut answer)?;
        }
        #[cfg(unix)]
        AdminAddress::Unix(path) => {
            let mut stream = UnixStream::connect(path)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.write_all(request.as_bytes())?;
            stream.read_to_string(&mut answer)?;
        }
    }
    Ok(answer)
}
