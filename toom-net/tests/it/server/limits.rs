//! The bounds of a server.

use std::time::Duration;

use toom_net::server::{Loopback, RunningServer, ServerLimits};

use super::client::{Client, Steered, memory};

fn with(limits: ServerLimits) -> RunningServer {
    memory().limits(limits).start().unwrap()
}

/// Connects until there is room again: that a connection is gone is seen a little later.
fn connect_when_there_is_room(server: &RunningServer) -> Client {
    loop {
        let mut client = Client::connect_to(server.local_addr());
        if client.line().starts_with("TOOM 1 ") {
            return client;
        }
    }
}

#[test]
fn a_connection_too_many_is_told_so_and_room_is_given_back() {
    let server = with(ServerLimits { connections_max: 2, ..ServerLimits::default() });
    let mut one = Client::log_in(&server, "luke");
    let two = Client::connect(&server);
    let mut three = Client::connect_to(server.local_addr());
    let bye = three.line();
    assert!(bye.starts_with("BYE too-many-connections the server "), "{bye}");
    three.expect_end();
    one.expect_quiet();
    drop(two);
    connect_when_there_is_room(&server).expect_quiet();
}

#[test]
fn connections_of_one_address_have_a_limit_that_spares_loopback_unless_told() {
    let limits = ServerLimits { connections_per_address_max: 1, ..ServerLimits::default() };
    let server = with(limits);
    let _clients = [Client::connect(&server), Client::connect(&server)];
    let server = with(ServerLimits { loopback: Loopback::Counted, ..limits });
    let one = Client::connect(&server);
    let mut two = Client::connect_to(server.local_addr());
    let bye = two.line();
    assert!(bye.starts_with("BYE too-many-connections your address "), "{bye}");
    two.expect_end();
    drop(one);
    connect_when_there_is_room(&server).expect_quiet();
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
