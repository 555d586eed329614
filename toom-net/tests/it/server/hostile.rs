//! Peers that send rubbish, do not read, or vanish.

use std::io::Write as _;
use std::net::Shutdown;
use std::thread;

use toom_net::server::{Rate, RunningServer, ServerLimits};

use super::client::{Client, memory};

/// Repeatable rubbish (xorshift64).
struct Rubbish(u64);

impl Rubbish {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next().to_le_bytes()[3]).collect()
    }
}

/// Somebody is served as if nothing happened.
fn expect_service(server: &RunningServer, luke: &mut Client) {
    luke.expect_quiet();
    let mut hans = Client::log_in(server, "hans");
    let reply = hans.ask("BCM all is well");
    assert!(reply.starts_with("OK BCM "), "{reply}");
    assert!(luke.line().ends_with(" hans all is well"));
}

#[test]
fn random_bytes_half_lines_and_sudden_ends_leave_the_others_served() {
    let server = memory().start().unwrap();
    let mut luke = Client::log_in(&server, "luke");
    let mut rubbish = Rubbish(0x9e37_79b9_7f4a_7c15);
    for round in 0..60 {
        let mut peer = Client::connect(&server);
        if round % 3 == 0 {
            peer.send("LOGIN yoda yoda pw");
        }
        let count = usize::try_from(rubbish.next() % 20_000).unwrap();
        // The server may close on the way, after too long a line.
        let _ = peer.stream().write_all(&rubbish.bytes(count));
        match round % 4 {
            0 => drop(peer),
            1 => drop(peer.stream().shutdown(Shutdown::Both)),
            2 => drop(peer.stream().write_all(b"@tag !key BCM half a li")),
            _ => {
                let _ = peer.stream().shutdown(Shutdown::Write);
                peer.rest();
            }
        }
    }
    expect_service(&server, &mut luke);
}

#[test]
fn a_line_that_is_too_long_is_answered_and_the_connection_ends() {
    let server = memory().start().unwrap();
    let mut peer = Client::connect(&server);
    peer.send_bytes(&vec![b'x'; 100_000]);
    let reply = peer.line();
    assert!(reply.starts_with("ERR - too-long "), "{reply}");
    peer.expect_end();
    let mut peer = Client::log_in(&server, "luke");
    peer.send_bytes(format!("PING {}\nPING {}\n", "x".repeat(8000), "x".repeat(17_000)).as_bytes());
    assert!(peer.line().starts_with("OK PING xxx"));
    assert!(peer.line().starts_with("ERR - too-long "));
    peer.expect_end();
}

#[test]
fn what_was_sent_before_the_stream_was_ended_is_served() {
    let server = memory().start().unwrap();
    let mut peer = Client::connect(&server);
    peer.send_bytes(b"LOGIN luke luke pw\r\nBCM one\r\nRDM b #0\nBCM half");
    peer.stream().shutdown(Shutdown::Write).unwrap();
    let said = peer.rest();
    let starts = ["OK LOGIN 1 ", "OK BCM 1 ", "ROW b 1 ", "OK RDM 1"];
    assert_eq!(said.len(), starts.len(), "{said:?}");
    assert!(said.iter().zip(starts).all(|(line, start)| line.starts_with(start)), "{said:?}");
}

#[test]
fn what_is_sent_in_one_go_is_read_to_its_end() {
    let server = memory().start().unwrap();
    let lines = format!("HELLO x={}\n", "x".repeat(8000)).repeat(250);
    for _ in 0..10 {
        let mut peer = Client::connect(&server);
        peer.send_bytes(lines.as_bytes());
        for _ in 0..250 {
            assert_eq!(peer.line(), "OK HELLO");
        }
    }
}

#[test]
fn lines_that_come_byte_by_byte_are_lines() {
    let server = memory().start().unwrap();
    let mut peer = Client::connect(&server);
    for byte in b"PING slow\r\n" {
        peer.send_bytes(&[*byte]);
    }
    assert_eq!(peer.line(), "OK PING slow");
}

#[test]
fn who_does_not_read_gets_lag_in_place_of_what_did_not_fit_and_holds_nobody_up() {
    let limits = ServerLimits { outbox_bytes_max: 20_000, posts: Rate::UNBOUNDED, ..ServerLimits::default() };
    let server = memory().limits(limits).start().unwrap();
    let mut stalled = Client::log_in(&server, "yoda");
    let mut luke = Client::log_in(&server, "luke");
    let mut hans = Client::log_in(&server, "hans");
    let text = "x".repeat(4000);
    // More than the outbox and the system's own buffers take.
    let count = 4000;
    for number in 1..=count {
        assert!(hans.ask(&format!("BCM {text}")).starts_with("OK BCM "));
        assert!(luke.line().starts_with(&format!("MSG b {number} ")));
    }
    let (mut last, mut lags) = (0, 0);
    while last < count {
        let line = stalled.line();
        let words: Vec<_> = line.split(' ').take(4).collect();
        let number = |word: &str| word.parse::<i32>().unwrap();
        let (first, to) = match words[0] {
            "MSG" => (number(words[2]), number(words[2])),
            "LAG" => (number(words[2]), number(words[3])),
            other => panic!("{other}"),
        };
        assert_eq!((words[1], first), ("b", last + 1), "{line}");
        lags += i32::from(words[0] == "LAG");
        last = to;
    }
    assert!(lags > 0, "the test sends too little");
    stalled.expect_quiet();
    assert!(hans.ask("BCM caught up").starts_with("OK BCM "));
    assert!(stalled.line().ends_with(" hans caught up"));
}

#[test]
fn who_asks_without_reading_is_not_served_until_it_reads() {
    let server = memory().start().unwrap();
    let mut luke = Client::log_in(&server, "luke");
    let mut greedy = Client::log_in(&server, "yoda");
    let line = format!("PING {}\n", "x".repeat(8000));
    let count = 3000;
    let mut writing = greedy.stream().try_clone().unwrap();
    let sent = line.repeat(count);
    let writer = thread::spawn(move || writing.write_all(sent.as_bytes()).unwrap());
    for _ in 0..10 {
        luke.expect_quiet();
    }
    let expected = format!("OK {}", line.trim_end());
    for _ in 0..count {
        assert_eq!(greedy.line(), expected);
    }
    writer.join().unwrap();
    expect_service(&server, &mut luke);
}

#[test]
fn who_vanishes_is_no_longer_active() {
    let server = memory().start().unwrap();
    let mut luke = Client::log_in(&server, "luke");
    for _ in 0..50 {
        let mut yoda = Client::log_in(&server, "yoda");
        yoda.send("BCM I will not read the answer");
        drop(yoda);
    }
    loop {
        let _ = luke.stream().write_all(b"ATU\n");
        let rows: Vec<_> = std::iter::from_fn(|| Some(luke.line()))
            .take_while(|line| !line.starts_with("OK ATU "))
            .collect();
        if rows.iter().all(|row| row.starts_with("MSG ")) {
            break;
        }
    }
    expect_service(&server, &mut luke);
}
