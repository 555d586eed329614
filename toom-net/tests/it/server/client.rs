//! A client written from the protocol alone: it sends lines and expects lines. And a server to talk to.

use std::io::{BufRead as _, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use toom_core::{Epoch, MemoryStorage, Mono, Now, Secret, Storage, Timestamp, UserName};
use toom_net::server::{Clock, RunningServer, Server, ServerBuilder};

/// How long an awaited line may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// The accounts of every test's server; each password is the name and `pw`.
pub(crate) const NAMES: [&str; 4] = ["obiwan", "hans", "luke", "yoda"];

pub(crate) fn accounts() -> Vec<(UserName, Secret)> {
    let account = |name: &str| (name.parse().unwrap(), Secret::plain(&format!("{name} pw")).unwrap());
    NAMES.into_iter().map(account).collect()
}

pub(crate) fn memory() -> ServerBuilder<MemoryStorage> {
    on(MemoryStorage::new(Epoch::new(0x2a)))
}

pub(crate) fn on<S: Storage + Send + 'static>(storage: S) -> ServerBuilder<S> {
    Server::builder(storage).accounts(accounts())
}

/// Clocks that stand still until they are moved on.
#[derive(Clone, Default)]
pub(crate) struct Steered(Arc<AtomicU64>);

impl Steered {
    pub(crate) fn pass(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for Steered {
    fn now(&self) -> Now {
        let passed = Duration::from_secs(self.0.load(Ordering::SeqCst));
        Now { wall: Timestamp::from_system_time(UNIX_EPOCH + passed), mono: Mono::new(passed) }
    }
}

pub(crate) struct Client<S = TcpStream> {
    lines: BufReader<S>,
}

impl Client {
    /// Connects, and takes the greeting.
    pub(crate) fn connect(server: &RunningServer) -> Self {
        let mut client = Self::connect_to(server.local_addr());
        let greeting = client.line();
        assert!(greeting.starts_with("TOOM 1 toomd/"), "{greeting}");
        client
    }

    pub(crate) fn connect_to(address: SocketAddr) -> Self {
        Self::over(connect(address))
    }

    /// Connects and logs in.
    pub(crate) fn log_in(server: &RunningServer, name: &str) -> Self {
        let mut client = Self::connect(server);
        let reply = client.ask(&format!("LOGIN {name} {name} pw"));
        assert!(reply.starts_with("OK LOGIN "), "{reply}");
        client
    }

    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        self.lines.get_mut()
    }
}

impl<S: Read + Write> Client<S> {
    /// Speaks over `stream`, and has not been greeted yet.
    pub(crate) fn over(stream: S) -> Self {
        Self { lines: BufReader::new(stream) }
    }

    pub(crate) fn inner(&mut self) -> &mut S {
        self.lines.get_mut()
    }

    pub(crate) fn send(&mut self, line: &str) {
        self.send_bytes(format!("{line}\n").as_bytes());
    }

    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) {
        self.inner().write_all(bytes).unwrap();
    }

    /// The next line, without its end.
    pub(crate) fn line(&mut self) -> String {
        self.try_line().expect("the server has closed")
    }

    /// The next line; `None` at the end of the stream.
    pub(crate) fn try_line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        match self.lines.read_until(b'\n', &mut line) {
            Ok(0) => None,
            Ok(_) => {
                assert_eq!(line.pop(), Some(b'\n'), "a line was cut: {line:?}");
                Some(String::from_utf8(line).unwrap())
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => None,
            Err(error) => panic!("no line came: {error}"),
        }
    }

    pub(crate) fn ask(&mut self, line: &str) -> String {
        self.send(line);
        self.line()
    }

    /// Asks, and takes lines up to the one that ends the reply, all without their times.
    pub(crate) fn ask_rows(&mut self, line: &str) -> Vec<String> {
        self.send(line);
        let mut lines = Vec::new();
        loop {
            lines.push(timeless(&self.line()));
            let mut words = lines.last().unwrap().split(' ').filter(|word| !word.starts_with('@'));
            if matches!(words.next(), Some("OK" | "ERR")) {
                return lines;
            }
        }
    }

    /// Asks, and takes the one line of the answer without its times.
    pub(crate) fn ask_timeless(&mut self, line: &str) -> String {
        timeless(&self.ask(line))
    }

    /// Nothing waits: the answer to a `PING` is the next line.
    pub(crate) fn expect_quiet(&mut self) {
        assert_eq!(self.ask("PING anything else"), "OK PING anything else");
    }

    /// The server has closed, and said no more.
    pub(crate) fn expect_end(&mut self) {
        assert_eq!(self.try_line(), None);
    }

    /// Every line up to the end of the stream.
    pub(crate) fn rest(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.try_line()).collect()
    }
}

/// A connection that does not wait for ever.
pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// The words of `line`, with every time replaced by `T` after it was checked for its form.
pub(crate) fn timeless(line: &str) -> String {
    let word = |word| if is_time(word) { "T" } else { word };
    line.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

fn is_time(word: &str) -> bool {
    let form = b"dddd-dd-ddTdd:dd:dd.ddddddZ";
    let fits = |(byte, form): (u8, &u8)| if *form == b'd' { byte.is_ascii_digit() } else { byte == *form };
    word.len() == form.len() && word.bytes().zip(form).all(fits)
}

/// The first time in a line.
pub(crate) fn time_in(line: &str) -> &str {
    line.split(' ').find(|word| is_time(word)).unwrap()
}
