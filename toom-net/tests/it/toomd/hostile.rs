//! Peers that mean harm, against the program itself: what they may take of the machine and of the log, and that the others are
//! served meanwhile.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

use rustix::process::{Resource, getrlimit, setrlimit};
use socket2::{Domain, SockAddr, Socket, Type};

use super::operations::{expect_metric, get};
use super::*;

/// How soon a peer is answered, also where a machine is busy with other tests.
pub(super) const PROMPTLY: Duration = Duration::from_secs(1);

/// Lets this process have as many files open as it may.
pub(super) fn open_many_files() {
    let mut granted = getrlimit(Resource::Nofile);
    granted.current = granted.maximum;
    setrlimit(Resource::Nofile, granted).unwrap();
}

/// Connects from an address of this machine's own.
pub(super) fn connect_from(server: &Toomd, host: [u8; 4]) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SockAddr::from(SocketAddr::new(IpAddr::from(host), 0))).unwrap();
    let at = SockAddr::from(SocketAddr::from(([127, 0, 0, 1], server.port)));
    socket.connect_timeout(&at, Duration::from_secs(20)).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// A peer at an address of this machine's own, greeted.
pub(super) fn peer_from(server: &Toomd, host: [u8; 4]) -> Peer {
    let mut peer = Peer(BufReader::new(connect_from(server, host)));
    assert!(peer.line().starts_with("TOOM 1 toomd/"));
    peer
}

/// The longest that a peer waited for the answer to one of many requests, but for the slowest of a hundred.
pub(super) fn slowest_answer(peer: &mut Peer, requests: usize) -> Duration {
    let mut took: Vec<_> = (0..requests)
        .map(|_| {
            let begun = Instant::now();
            assert_eq!(peer.ask("PING"), "OK PING");
            begun.elapsed()
        })
        .collect();
    took.sort_unstable();
    took[requests * 99 / 100]
}

/// The lines that a server has written by its end, of either kind.
fn lines_written(mut server: Toomd) -> Vec<String> {
    server.signal("TERM");
    let mut said = server.notices.concat();
    server.talk.read_to_string(&mut said).unwrap();
    let lines: Vec<_> = said.lines().map(str::to_owned).collect();
    lines.into_iter().chain(server.ended().1).collect()
}

#[test]
fn senders_of_a_byte_now_and_then_are_cut_in_time_cost_little_and_hold_nobody_up() {
    const PEERS: usize = 500;
    open_many_files();
    let server = Toomd::start("luke pw\n", &["--admin", "./admin", "--limit", "login-time=3s"]);
    let mut luke = server.log_in("luke");
    let (memory, files) = (server.resident_kib(), server.open_files());
    let mut slow: Vec<_> = (0..PEERS).map(|_| connect_from(&server, [127, 0, 0, 1])).collect();
    let (ticks, begun) = (server.ticks(), Instant::now());
    let (mut most, mut letters) =
        (server.resident_kib(), b"LOGIN luke ".iter().copied().chain(std::iter::repeat(b'x')));
    while begun.elapsed() < Duration::from_secs(5) {
        let letter = letters.next().unwrap();
        for stream in &mut slow {
            let _ = stream.write_all(&[letter]);
        }
        assert!(slowest_answer(&mut luke, 100) < PROMPTLY);
        // Twice as fast as a byte a second.
        std::thread::sleep(Duration::from_millis(500));
        most = most.max(server.resident_kib());
    }
    let used = server.ticks() - ticks;
    assert!(used < 100, "{used} ticks of 500");
    assert!(most.saturating_sub(memory) < 16 * PEERS as u64, "{most} KiB after {memory}");
    // They are cut, though none of them reads or closes.
    expect_metric(&server, &format!("toomd_limits_hit_total{{limit=\"login-time\"}} {PEERS}"));
    while server.open_files() > files + 1 {
        assert!(begun.elapsed() < Duration::from_secs(20));
    }
    assert_eq!(luke.ask("PING"), "OK PING");
    drop(luke);
    let lines = lines_written(server);
    assert!(lines.len() < 12, "{lines:?}");
}

#[test]
fn a_flood_from_a_few_addresses_keeps_nobody_out_who_comes_from_another() {
    open_many_files();
    let limits = ["loopback=counted", "connections=60", "connections-per-address-per-second=0"];
    let words: Vec<_> = limits.iter().flat_map(|limit| ["--limit", *limit]).collect();
    let server = Toomd::start("luke pw\nleia pw\n", &[&["--admin", "./admin"], &words[..]].concat());
    let mut luke = server.log_in("luke");
    // None of them leaves by itself before many more have come than there may be.
    let mut held = VecDeque::new();
    let mut flood = |count: u8| {
        for host in 11..=13 {
            held.extend((0..count).map(|_| connect_from(&server, [127, 0, 0, host])));
        }
        while held.len() > 300 {
            held.pop_front();
        }
    };
    flood(60);
    expect_metric(&server, "toomd_connections 60");
    let mut slowest = Duration::ZERO;
    for _ in 0..50 {
        let begun = Instant::now();
        let mut leia = peer_from(&server, [127, 0, 0, 99]);
        // A hundred others come while she types.
        flood(33);
        assert!(leia.ask("LOGIN leia pw").starts_with("OK LOGIN "));
        slowest = slowest.max(begun.elapsed());
        assert_eq!(luke.ask("PING"), "OK PING");
        assert!(leia.ask("OUT").starts_with("OK OUT "));
    }
    assert!(slowest < 5 * PROMPTLY, "{slowest:?}");
    let metrics = get(&server, "/metrics").1;
    let dropped = metrics.lines().find_map(|line| line.strip_prefix("toomd_strangers_dropped_total "));
    assert!(dropped.unwrap().parse::<u64>().unwrap() > 100, "{metrics}");
    drop(luke);
    let lines = lines_written(server);
    assert!(lines.iter().all(|line| !line.contains("too many") && !line.contains("refused")), "{lines:?}");
    assert!(lines.len() < 12 + 51, "{lines:?}");
}

#[test]
fn a_flood_of_connections_from_one_address_is_cut_to_its_rate_and_costs_nothing_else() {
    let limits =
        ["loopback=counted", "connections-per-address-per-second=1", "connections-per-address-burst=5"];
    let words: Vec<_> = limits.iter().flat_map(|limit| ["--limit", *limit]).collect();
    let server = Toomd::start("luke pw\n", &[&["--admin", "./admin"], &words[..]].concat());
    let mut luke = server.log_in("luke");
    let memory = server.resident_kib();
    let mut turned_away = 0;
    for _ in 0..3000 {
        let mut told = String::new();
        let mut flood = BufReader::new(connect_from(&server, [127, 0, 0, 11]));
        flood.read_line(&mut told).unwrap();
        turned_away += u32::from(told.starts_with("BYE throttled your address connects too often; "));
    }
    assert!(turned_away > 2900, "{turned_away}");
    let limit = "toomd_limits_hit_total{limit=\"connections-per-address-per-second\"}";
    expect_metric(&server, &format!("{limit} {turned_away}"));
    assert!(server.resident_kib() < memory + 2048, "{} KiB after {memory}", server.resident_kib());
    assert_eq!(luke.ask("PING"), "OK PING");
    drop(luke);
    let lines = lines_written(server);
    assert!(lines.len() < 12, "{lines:?}");
}

#[test]
fn lines_of_garbage_are_answered_one_by_one_and_leave_no_trace() {
    let server = Toomd::start("luke pw\n", &["--admin", "./admin"]);
    let mut luke = server.log_in("luke");
    let memory = server.resident_kib();
    let garbage: Vec<u8> = (0..=255).filter(|byte| *byte != b'\n').cycle().take(900).chain([b'\n']).collect();
    let flood = garbage.repeat(4000);
    for logged_in in [false, true] {
        let mut peer = if logged_in { server.log_in("luke") } else { server.connect() };
        let mut writing = peer.0.get_ref().try_clone().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| writing.write_all(&flood).unwrap());
            for _ in 0..4000 {
                let answer = peer.line();
                assert!(
                    answer.starts_with("ERR - syntax ") || answer.starts_with("ERR - unknown-"),
                    "{answer}"
                );
            }
            assert!(slowest_answer(&mut luke, 200) < PROMPTLY);
        });
    }
    expect_metric(&server, "toomd_logins_total{result=\"success\"} 2");
    assert!(server.resident_kib() < memory + 2048, "{} KiB after {memory}", server.resident_kib());
    drop(luke);
    let lines = lines_written(server);
    assert!(lines.len() < 12, "{lines:?}");
}

#[test]
fn readers_that_have_stopped_take_no_more_than_their_outboxes_and_hold_nobody_up() {
    const STALLED: usize = 40;
    let words =
        ["--memory", "--admin", "./admin", "--limit", "posts-per-second=0", "--limit", "outbox-bytes=65536"];
    let server = Toomd::start("luke pw\nleia pw\nyoda pw\n", &words);
    let _stalled: Vec<_> = (0..STALLED).map(|_| server.log_in("yoda")).collect();
    let (mut luke, mut leia) = (server.log_in("luke"), server.log_in("leia"));
    let memory = server.resident_kib();
    // 20 MB for each of them, of which the system's own buffers take a few.
    let text = "x".repeat(4000);
    for number in 1..=5000 {
        assert!(leia.ask(&format!("BCM {text}")).starts_with(&format!("OK BCM {number} ")));
        assert!(luke.line().starts_with(&format!("MSG b {number} ")));
    }
    let grown = server.resident_kib().saturating_sub(memory);
    let (history, outboxes) = (5000 * 4200 / 1024, STALLED as u64 * 64);
    assert!(grown < history + outboxes + 16 * 1024, "{grown} KiB");
    let metrics = get(&server, "/metrics").1;
    let left_out = metrics.lines().find_map(|line| line.strip_prefix("toomd_deliveries_left_out_total "));
    assert!(left_out.unwrap().parse::<u64>().unwrap() > 1000, "{metrics}");
}

#[test]
fn sessions_that_neither_speak_nor_read_nor_close_are_gone_when_they_were_silent_for_too_long() {
    let limits = ["--limit", "idle-time=2s", "--limit", "closing-time=1s"];
    let server = Toomd::start("luke pw\nleia pw\n", &[&["--admin", "./admin"], &limits[..]].concat());
    // The first login has the store open a file that stays open.
    drop(server.log_in("luke"));
    let files = server.open_files();
    let begun = Instant::now();
    let silent: Vec<_> = (0..50).map(|_| server.log_in("luke")).collect();
    // Some say that they send no more, and do not close their own end.
    for peer in silent.iter().take(20) {
        peer.0.get_ref().shutdown(Shutdown::Write).unwrap();
    }
    let mut leia = server.log_in("leia");
    while server.open_files() > files + 1 {
        assert!(begun.elapsed() < Duration::from_secs(20), "{} files", server.open_files() - files);
        assert_eq!(leia.ask("PING"), "OK PING");
        std::thread::sleep(Duration::from_millis(20));
    }
    expect_metric(&server, "toomd_limits_hit_total{limit=\"idle-time\"} 30");
    assert_eq!(leia.ask("ATU"), "OK ATU 0");
    drop(silent);
}

#[test]
fn no_text_and_no_name_writes_into_the_log() {
    let words = ["--memory", "--show-room-texts", "--log-level", "debug"];
    let server = Toomd::start("luke pw\nleia pw\n", &words);
    let (mut luke, leia) = (server.log_in("luke"), server.log_in("leia"));
    // What no terminal may see is refused, or shown as code; a break of the line as well.
    assert!(luke.ask("BCM \u{1b}[2J\r").starts_with("ERR BCM bad-text "));
    let forged = "x\u{b}leia logout\u{2028}toomd: stopped \u{202e}drow \u{85}";
    assert!(luke.ask(&format!("BCM {forged}")).starts_with("ERR BCM bad-text "));
    let forged = "x\u{b}leia logout\u{2028}toomd: stopped \u{202e}drow";
    assert!(luke.ask(&format!("BCM {forged}")).starts_with("OK BCM 1 "));
    assert!(luke.ask("SRB leia").starts_with("OK SRB 1 "));
    assert!(luke.ask(&format!("SRM 1 {forged}")).starts_with("OK SRM "));
    for request in ["LOGIN a\u{2028}toomd: b c", "HELLO client=\u{202e}x", "FLY \u{2028}", "\u{1b}]0;x\u{7}"]
    {
        assert!(server.connect().ask(request).starts_with("ERR "), "{request}");
    }
    drop((luke, leia));
    let lines = lines_written(server);
    let shown = "x\\nleia logout\\u{2028}toomd: stopped \\u{202e}drow";
    assert!(lines.contains(&format!("luke broadcasted BCM \"{shown}\" at <time>")), "{lines:?}");
    assert!(lines.contains(&format!("luke issued a message in separate room 1: #1;<time>;luke;{shown}")));
    assert!(lines.iter().all(|line| !line.chars().any(toom_net::shown::is_shown_as_code)), "{lines:?}");
    assert_eq!(lines.iter().filter(|line| *line == "leia logout").count(), 1, "{lines:?}");
}

#[test]
fn guesses_beyond_those_that_can_be_checked_are_told_when_to_come_again_and_hold_nobody_up() {
    let words =
        ["--admin", "./admin", "--limit", "password-checks=1", "--limit", "password-checks-waiting=1"];
    let folder = folder("luke pw\n");
    assert!(command(&folder, &["user", "hash"]).status().unwrap().success());
    let server = Toomd::start_in(folder, &words);
    let mut luke = server.log_in("luke");
    let mut guesses: Vec<_> = (0..8).map(|_| server.connect()).collect();
    for (number, guess) in guesses.iter_mut().enumerate() {
        guess.0.get_mut().write_all(format!("LOGIN user-{number} wrong\n").as_bytes()).unwrap();
    }
    assert!(slowest_answer(&mut luke, 100) < PROMPTLY);
    let answers: Vec<_> = guesses.iter_mut().map(Peer::line).collect();
    let throttled = "ERR LOGIN throttled too many logins are under way; seconds left: 1";
    let turned_away = answers.iter().filter(|answer| *answer == throttled).count();
    let checked = answers.iter().filter(|answer| answer.starts_with("ERR LOGIN bad-credentials ")).count();
    assert!(turned_away > 0 && checked >= 2 && turned_away + checked == 8, "{answers:?}");
    expect_metric(
        &server,
        &format!("toomd_limits_hit_total{{limit=\"password-checks-waiting\"}} {turned_away}"),
    );
    expect_metric(&server, "toomd_password_checks 0");
}

#[test]
fn an_address_that_guesses_too_often_is_told_when_to_come_again_whatever_names_it_tries() {
    let words = ["--admin", "./admin", "--limit", "source-failures=2", "--limit", "source-refill=1h"];
    let server = Toomd::start("luke pw\n", &words);
    let mut peer = server.connect();
    for name in ["leia", "hans"] {
        assert!(peer.ask(&format!("LOGIN {name} wrong")).starts_with("ERR LOGIN bad-credentials "));
    }
    let throttled = server.connect().ask("LOGIN yoda wrong");
    let start = "ERR LOGIN throttled too many wrong passwords came from this address; seconds left: ";
    let left: u64 = throttled.strip_prefix(start).unwrap().parse().unwrap();
    assert!((3500..=3600).contains(&left), "{throttled}");
    expect_metric(&server, "toomd_limits_hit_total{limit=\"source-failures\"} 1");
    let mut other = peer_from(&server, [127, 0, 0, 9]);
    assert!(other.ask("LOGIN luke pw").starts_with("OK LOGIN "), "others are not held up");
}

#[test]
fn every_bound_of_a_session_that_is_run_into_is_counted() {
    let words = ["--admin", "./admin", "--limit", "requests-in-flight=2", "--limit", "outbox-bytes=1000"];
    let server = Toomd::start("luke pw\nleia pw\n", &words);
    let mut luke = server.log_in("luke");
    // Each of these counts as half of what may be in flight.
    luke.0.get_mut().write_all("RDM b #0\n".repeat(50).as_bytes()).unwrap();
    for _ in 0..50 {
        assert_eq!(luke.line(), "OK RDM 0");
    }
    let ping = format!("PING {}\n", "x".repeat(8000));
    let mut writing = luke.0.get_ref().try_clone().unwrap();
    let sent = ping.repeat(2000);
    let writer = std::thread::spawn(move || writing.write_all(sent.as_bytes()).unwrap());
    let begun = Instant::now();
    let hit = |limit: &str| {
        let start = format!("toomd_limits_hit_total{{limit=\"{limit}\"}} ");
        let metrics = get(&server, "/metrics").1;
        let count = metrics.lines().find_map(|line| line.strip_prefix(&start)).unwrap();
        count.parse::<u64>().unwrap()
    };
    while hit("outbox-bytes") == 0 {
        assert!(begun.elapsed() < Duration::from_secs(20));
    }
    for _ in 0..2000 {
        assert_eq!(luke.line(), format!("OK {}", ping.trim_end()));
    }
    writer.join().unwrap();
    assert!(hit("requests-in-flight") > 0);
    luke.0.get_mut().write_all(&vec![b'x'; 20_000]).unwrap();
    assert!(luke.line().starts_with("ERR - too-long "));
    expect_metric(&server, "toomd_limits_hit_total{limit=\"line-bytes\"} 1");
}
