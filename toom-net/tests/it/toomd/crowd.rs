//! Thousands of connections to one server.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::*;

/// How many connect at once.
const AT_ONCE: usize = 32;
/// How much of the server's memory a connection may take that is logged in and idle.
const BYTES_MAX: u64 = 2048;
/// Files of either side that are no connections.
const OTHERS: u64 = 300;

/// How many connect: 2,000, or with `TOOM_LONG` 19,000, which takes a few seconds and 19,300 open files on either side.
fn crowd() -> usize {
    if std::env::var_os("TOOM_LONG").is_some() { 19_000 } else { 2000 }
}

/// Raises the soft limit of open files, which the server then has from its start.
fn allow_files(needed: u64) {
    let limit = getrlimit(Resource::Nofile);
    let enough = |files: Option<u64>| files.is_none_or(|files| files >= needed);
    assert!(
        enough(limit.maximum),
        "this test needs {needed} open files, and the hard limit is {:?}: raise it by `ulimit -Hn {needed}`, as root",
        limit.maximum
    );
    if !enough(limit.current) {
        setrlimit(Resource::Nofile, Rlimit { current: Some(needed), maximum: limit.maximum }).unwrap();
    }
}

fn resident_bytes(server: &Toomd) -> u64 {
    let statm = fs::read_to_string(format!("/proc/{}/statm", server.child.id())).unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * rustix::param::page_size() as u64
}

/// Connects and asks, and waits for nothing.
fn ask(server: &Toomd, number: usize) -> Peer {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    stream.write_all(format!("LOGIN user{number} pw\n").as_bytes()).unwrap();
    Peer(BufReader::with_capacity(256, stream))
}

#[test]
fn thousands_are_held_open_for_2_kib_each_and_all_of_them_hear_a_broadcast() {
    let count = crowd();
    allow_files(count as u64 + OTHERS);
    let accounts: Vec<_> = (0..count).map(|number| format!("user{number} pw\n")).collect();
    let connections = format!("connections={count}");
    let server = Toomd::start(&accounts.concat(), &["--memory", "--limit", &connections]);
    let empty = resident_bytes(&server);
    let mut peers = Vec::with_capacity(count);
    while peers.len() < count {
        let first = peers.len();
        peers.extend((first..count.min(first + AT_ONCE)).map(|number| ask(&server, number)));
        for peer in peers.iter_mut().skip(first) {
            assert!(peer.line().starts_with("TOOM 1 toomd/"));
            let answer = peer.line();
            assert!(answer.starts_with("OK LOGIN "), "{answer}");
        }
    }
    let each = (resident_bytes(&server) - empty) / count as u64;
    assert!(each <= BYTES_MAX, "{each} bytes of the server's memory a connection");

    let (poster, others) = peers.split_first_mut().unwrap();
    assert!(poster.ask("BCM hello").starts_with("OK BCM 1 "));
    for other in others {
        let line = other.line();
        assert!(line.starts_with("MSG b 1 ") && line.ends_with(" user0 hello"), "{line}");
    }
}
