//! The bounds of a server.

use std::num::NonZeroUsize;
use std::thread;
use std::time::{Duration, Instant};

use toom_net::server::{ConnectionMetrics, Loopback, Rate, RunningServer, ServerLimits};

use super::client::{Client, Steered, memory};

fn with(limits: ServerLimits) -> RunningServer {
    memory().limits(limits).start().unwrap()
}

/// Waits until the server has counted what is expected: what is seen before it is published is published soon.
pub(super) fn expect_counted(server: &RunningServer, expected: impl Fn(&ConnectionMetrics) -> bool) {
    let begun = Instant::now();
    while !expected(&server.handle().metrics().connections) {
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", server.handle().metrics());
        thread::yield_now();
    }
}

/// Connects and logs in when there is room again: that a connection is gone is seen a little later.
fn log_in_when_there_is_room(server: &RunningServer, name: &str) -> Client {
    loop {
        let mut client = Client::connect_to(server.local_addr());
        if client.line().starts_with("TOOM 1 ") {
            assert!(client.ask(&format!("LOGIN {name} {name} pw")).starts_with("OK LOGIN "));
            return client;
        }
    }
}

#[test]
fn a_connection_too_many_is_told_so_and_room_is_given_back() {
    let server = with(ServerLimits { connections_max: 2, ..ServerLimits::default() });
    let mut one = Client::log_in(&server, "luke");
    let two = Client::log_in(&server, "hans");
    let mut three = Client::connect_to(server.local_addr());
    let bye = three.line();
    assert_eq!(bye, "BYE too-many-connections the server has as many connections as it may have");
    three.expect_end();
    expect_counted(&server, |counts| counts.refused_all == 1 && counts.open == 2);
    one.expect_quiet();
    drop(two);
    log_in_when_there_is_room(&server, "hans").expect_quiet();
}

#[test]
fn in_a_full_table_who_did_not_log_in_makes_room_and_is_told_so() {
    let server = with(ServerLimits { connections_max: 2, ..ServerLimits::default() });
    let mut one = Client::log_in(&server, "luke");
    let mut stranger = Client::connect(&server);
    let mut two = Client::log_in(&server, "hans");
    let told = "BYE too-many-connections others want to connect, and nobody logged in here";
    assert_eq!(stranger.line(), told);
    stranger.expect_end();
    expect_counted(&server, |counts| {
        counts.strangers_dropped_all == 1 && (counts.open, counts.strangers, counts.refused_all) == (2, 0, 0)
    });
    one.expect_quiet();
    two.expect_quiet();
}

#[test]
fn connections_of_one_address_have_a_limit_that_spares_loopback_unless_told() {
    let limits = ServerLimits { connections_per_address_max: 1, ..ServerLimits::default() };
    let server = with(limits);
    let _clients = [Client::connect(&server), Client::connect(&server)];
    let server = with(ServerLimits { loopback: Loopback::Counted, ..limits });
    let one = Client::log_in(&server, "luke");
    let mut two = Client::connect_to(server.local_addr());
    let bye = two.line();
    assert_eq!(bye, "BYE too-many-connections your address has as many connections as it may have");
    two.expect_end();
    expect_counted(&server, |counts| counts.refused_address == 1 && counts.open == 1);
    drop(one);
    log_in_when_there_is_room(&server, "luke").expect_quiet();
}

#[test]
fn of_one_address_only_so_many_need_not_log_in_and_the_oldest_of_them_goes() {
    let strangers_per_address_max = NonZeroUsize::MIN.saturating_add(1);
    let limits = ServerLimits { strangers_per_address_max, ..ServerLimits::default() };
    let exempt = with(limits);
    let _strangers: Vec<_> = (0..4).map(|_| Client::connect(&exempt)).collect();
    let server = with(ServerLimits { loopback: Loopback::Counted, ..limits });
    let mut luke = Client::log_in(&server, "luke");
    let (mut one, mut two) = (Client::connect(&server), Client::connect(&server));
    let mut three = Client::connect(&server);
    assert!(one.line().starts_with("BYE too-many-connections others "));
    one.expect_end();
    for client in [&mut luke, &mut two, &mut three] {
        client.expect_quiet();
    }
    expect_counted(&server, |counts| {
        counts.strangers_dropped_address == 1 && (counts.open, counts.strangers) == (3, 2)
    });
    expect_counted(&exempt, |counts| (counts.strangers, counts.strangers_dropped_address) == (4, 0));
}

#[test]
fn who_does_not_log_in_in_time_is_told_so_and_who_does_stays() {
    let clock = Steered::default();
    let server = memory().clock(clock.clone()).start().unwrap();
    let mut luke = Client::log_in(&server, "luke");
    let mut stranger = Client::connect(&server);
    clock.pass(29);
    stranger.expect_quiet();
    clock.pass(1);
    stranger.expect_quiet();
    let bye = stranger.line();
    assert!(bye.starts_with("BYE login-timeout "), "{bye}");
    stranger.expect_end();
    luke.expect_quiet();
}

#[test]
fn a_peer_that_is_silent_is_told_by_the_clock_alone() {
    let server = with(ServerLimits { login_time: Duration::from_millis(100), ..ServerLimits::default() });
    let mut stranger = Client::connect(&server);
    let bye = stranger.line();
    assert!(bye.starts_with("BYE login-timeout "), "{bye}");
    stranger.expect_end();
}

#[test]
fn an_address_that_connects_too_often_is_told_when_to_come_again() {
    let clock = Steered::default();
    let connections_per_address = Rate { per_second: 1, burst: 2 };
    let limits =
        ServerLimits { connections_per_address, loopback: Loopback::Counted, ..ServerLimits::default() };
    let server = memory().limits(limits).clock(clock.clone()).start().unwrap();
    let mut luke = Client::log_in(&server, "luke");
    drop(Client::connect(&server));
    for _ in 0..100 {
        let mut flood = Client::connect_to(server.local_addr());
        assert_eq!(flood.line(), "BYE throttled your address connects too often; seconds left: 1");
        flood.expect_end();
    }
    luke.expect_quiet();
    expect_counted(&server, |counts| counts.refused_rate == 100);
    clock.pass(1);
    luke.expect_quiet();
    Client::connect(&server).expect_quiet();
}

#[test]
fn a_session_that_sends_no_line_for_too_long_is_told_so() {
    let server = with(ServerLimits { idle_time: Duration::from_millis(100), ..ServerLimits::default() });
    let mut luke = Client::log_in(&server, "luke");
    luke.send_bytes(b"PIN");
    assert_eq!(luke.line(), "BYE idle nothing was heard for too long");
    luke.expect_end();
    expect_counted(&server, |counts| counts.idle_timeouts == 1 && counts.open == 0);
    assert_eq!(server.handle().metrics().engine.sessions, 0);
}

#[test]
fn who_posts_too_often_is_told_when_to_come_again_and_others_post_on() {
    let clock = Steered::default();
    let limits = ServerLimits { posts: Rate { per_second: 1, burst: 2 }, ..ServerLimits::default() };
    let server = memory().limits(limits).clock(clock.clone()).start().unwrap();
    let mut luke = Client::log_in(&server, "luke");
    let mut hans = Client::log_in(&server, "hans");
    for number in 1..=2 {
        assert!(luke.ask("BCM hi").starts_with(&format!("OK BCM {number} ")));
        assert!(hans.line().starts_with("MSG b "));
    }
    assert_eq!(luke.ask("@7 BCM hi"), "@7 ERR BCM throttled you post too often; seconds left: 1");
    assert!(hans.ask("BCM hi").starts_with("OK BCM 3 "));
    assert!(luke.line().starts_with("MSG b 3 "));
    luke.expect_quiet();
    clock.pass(1);
    luke.expect_quiet();
    assert!(luke.ask("BCM hi").starts_with("OK BCM 4 "));
    expect_counted(&server, |counts| counts.posts_throttled == 1 && counts.deliveries == 4);
}

#[test]
fn strangers_who_begin_long_lines_are_few() {
    let server = with(ServerLimits { early_long_lines_max: 2, ..ServerLimits::default() });
    let mut luke = Client::log_in(&server, "luke");
    let mut begun: Vec<_> = (0..2).map(|_| Client::connect(&server)).collect();
    for peer in &mut begun {
        // Its answer says that the rest was read, too.
        peer.send_bytes(format!("PING\n{}", "x".repeat(2000)).as_bytes());
        assert_eq!(peer.line(), "OK PING");
    }
    luke.send_bytes("x".repeat(8000).as_bytes());
    luke.send_bytes(b"\n");
    assert!(luke.line().starts_with("ERR - unknown-command "));
    loop {
        let mut other = Client::connect(&server);
        other.send_bytes("x".repeat(2000).as_bytes());
        other.send_bytes(b"\n");
        let answer = other.line();
        if answer == "BYE throttled too many long lines come before LOGIN" {
            break;
        }
        // It came in one piece, or before the others were read on.
        assert!(answer.starts_with("ERR - unknown-command "), "{answer}");
    }
    expect_counted(&server, |counts| counts.early_long_lines == 1);
    for peer in &mut begun {
        peer.send_bytes(b"\n");
        assert!(peer.line().starts_with("ERR - unknown-command "));
    }
}

#[test]
fn a_flood_of_silent_strangers_is_gone_when_its_time_is_over_and_holds_nobody_up() {
    let clock = Steered::default();
    let server = memory().clock(clock.clone()).start().unwrap();
    let mut luke = Client::log_in(&server, "luke");
    let mut flood: Vec<_> = (0..500).map(|_| Client::connect(&server)).collect();
    for peer in &mut flood {
        peer.send_bytes(b"LOGIN lu");
    }
    luke.expect_quiet();
    clock.pass(30);
    luke.expect_quiet();
    for peer in &mut flood {
        assert!(peer.line().starts_with("BYE login-timeout "));
    }
    drop(flood);
    expect_counted(&server, |counts| counts.open == 1 && counts.login_timeouts == 500);
    let _hans = Client::log_in(&server, "hans");
    luke.expect_quiet();
}

#[test]
fn a_session_that_is_silent_for_too_long_ends_where_the_host_wants_that() {
    let mut config = toom_core::Config::default();
    config.policy.session_idle = Some(Duration::from_millis(100));
    let server = memory().config(config).start().unwrap();
    let mut luke = Client::log_in(&server, "luke");
    assert_eq!(luke.line(), "BYE idle nothing was heard for too long");
    luke.expect_end();
}

#[test]
fn hundreds_of_connections_are_served_at_once() {
    let server = memory().start().unwrap();
    let mut clients: Vec<_> = (0..300).map(|_| Client::connect(&server)).collect();
    for client in &mut clients {
        client.send("PING a");
    }
    for client in &mut clients {
        assert_eq!(client.line(), "OK PING a");
    }
}
