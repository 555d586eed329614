//! What the tests stand on: `toom` as a process, peers without a client, servers that tell the truth and servers that lie.

mod fake;
mod process;
mod relay;

pub(crate) use fake::Fake;
pub(crate) use process::{Ended, Toom, ended, toom};
pub(crate) use relay::Relay;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;
use toom_core::{Epoch, MemoryStorage, Secret, UserName};
use toom_net::server::{Identity, RunningServer, Server};

/// How long anything may take before a test gives up: far longer than it takes.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// The password of every account.
pub(crate) const PASSWORD: &str = "may the force";

/// A server with the accounts obiwan, hans, luke and yoda.
pub(crate) fn server() -> RunningServer {
    serve(None)
}

fn serve(identity: Option<Identity>) -> RunningServer {
    let account = |name: &str| (name.parse::<UserName>().unwrap(), Secret::plain(PASSWORD).unwrap());
    Server::builder(MemoryStorage::new(Epoch::new(1)))
        .accounts(["obiwan", "hans", "luke", "yoda"].map(account))
        .tls(identity)
        .start()
        .unwrap()
}

/// The same over TLS, with a certificate for 127.0.0.1 that nobody vouches for.
pub(crate) struct TlsServer {
    pub(crate) server: RunningServer,
    pub(crate) certificate: String,
    pub(crate) fingerprint: String,
}

pub(crate) fn tls_server() -> TlsServer {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let identity = Identity::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
    let fingerprint = identity.fingerprint().to_string();
    TlsServer { server: serve(Some(identity)), certificate, fingerprint }
}

pub(crate) fn port(server: &RunningServer) -> String {
    server.local_addr().port().to_string()
}

/// A file with the password, in a folder that goes with it.
pub(crate) fn password_file(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("password");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

/// Every time in `text` as `TIME`.
pub(crate) fn masked(text: &str) -> String {
    let mut rest = text;
    let mut out = String::new();
    while let Some(c) = rest.chars().next() {
        let (shown, len) = match rest.get(..20) {
            Some(word) if is_time(word) => ("TIME", 20),
            _ => (&rest[..c.len_utf8()], c.len_utf8()),
        };
        out.push_str(shown);
        rest = &rest[len..];
    }
    out
}

fn is_time(word: &str) -> bool {
    word.bytes().zip(b"00 Aaa 0000 00:00:00").all(|(found, form)| match form {
        b'0' => found.is_ascii_digit(),
        b'A' => found.is_ascii_uppercase(),
        b'a' => found.is_ascii_lowercase(),
        form => found == *form,
    })
}

#[test]
fn masking_hides_times_and_nothing_else() {
    assert_eq!(masked("4; 04 Aug 2022 09:02:21; a é 4 aug"), "4; TIME; a é 4 aug");
}

/// Someone who speaks the protocol by hand.
pub(crate) struct Peer {
    stream: TcpStream,
    lines: BufReader<TcpStream>,
}

impl Peer {
    /// Connects, and logs `user` in.
    pub(crate) fn log_in(server: &RunningServer, user: &str) -> Self {
        let stream = TcpStream::connect(server.local_addr()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap());
        let mut peer = Self { stream, lines };
        assert!(peer.line().starts_with("TOOM 1 "));
        assert!(peer.ask(&format!("LOGIN {user} {PASSWORD}")).starts_with("OK LOGIN "));
        peer
    }

    /// The next line.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line.trim_end_matches('\n').to_owned()
    }

    /// Sends a line, and takes the next one.
    pub(crate) fn ask(&mut self, line: &str) -> String {
        self.stream.write_all(format!("{line}\n").as_bytes()).unwrap();
        self.line()
    }
}
