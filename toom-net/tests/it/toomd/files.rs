//! The bounds of files from one client to another, as settings of the program: each is run into, answered, and counted.

use super::operations::expect_metric;
use super::*;

const HASH: &str = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
const TICKET: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";

/// Luke, who offers files, and leia, who takes them.
struct Two {
    server: Toomd,
    luke: Peer,
    leia: Peer,
}

impl Two {
    fn with(limit: &str) -> Self {
        let server = Toomd::start("luke pw\nleia pw\n", &["--admin", "./admin", "--limit", limit]);
        let luke = server.log_in("luke");
        let mut leia = server.connect();
        assert_eq!(leia.ask("HELLO udp=2001"), "OK HELLO");
        assert!(leia.ask("LOGIN leia pw").starts_with("OK LOGIN "));
        Self { server, luke, leia }
    }

    fn offer(&mut self) -> String {
        self.luke.ask(&format!("UPD OFFER leia 3 {HASH} {HASH} film.mp4"))
    }

    /// The number of an offer that leia was told of.
    fn offered(&mut self) -> String {
        let answer = self.offer();
        let id = answer.strip_prefix("OK UPD ").unwrap().to_owned();
        assert_eq!(self.leia.line(), format!("UPD OFFER {id} luke 3 {HASH} {HASH} film.mp4"));
        id
    }

    /// The number of an offer that leia has said yes to.
    fn accepted(&mut self) -> String {
        let id = self.offered();
        assert_eq!(self.leia.ask(&format!("UPD ACCEPT {id} {HASH} {TICKET}")), format!("OK UPD {id}"));
        assert_eq!(self.luke.line(), format!("UPD ACCEPT {id} 127.0.0.1 2001 {HASH} {TICKET}"));
        id
    }

    /// The number of a file that goes through the server.
    fn relayed(&mut self) -> String {
        let id = self.accepted();
        assert_eq!(self.luke.ask(&format!("UPD RELAY {id}")), format!("OK UPD {id}"));
        assert_eq!(self.leia.line(), format!("UPD RELAY {id}"));
        id
    }

    fn expect_hit(&self, limit: &str) {
        expect_metric(&self.server, &format!("toomd_limits_hit_total{{limit=\"{limit}\"}} 1"));
    }
}

#[test]
fn no_file_goes_through_the_server_where_the_operator_does_not_want_it_or_none_more_may() {
    for (limit, name, refusal) in [
        ("relay-files=off", "relay-files", "ERR UPD refused this server passes no files on"),
        ("relays=0", "relays", "ERR UPD limit-reached as many files go through the server as may"),
    ] {
        let mut two = Two::with(limit);
        let id = two.accepted();
        assert_eq!(two.luke.ask(&format!("UPD RELAY {id}")), refusal);
        two.expect_hit(name);
        // The transfer is as it was: the two may still find a way of their own.
        assert_eq!(two.leia.ask(&format!("UPD DONE {id}")), format!("OK UPD {id}"));
        assert_eq!(two.luke.line(), format!("UPD END {id} done the file has arrived"));
    }
}

#[test]
fn a_session_offers_no_more_files_at_a_time_than_it_may() {
    let mut two = Two::with("transfers-per-session=1");
    let id = two.offered();
    assert_eq!(two.offer(), "ERR UPD limit-reached this session has as many transfers as it may have");
    two.expect_hit("transfers-per-session");
    assert_eq!(two.luke.ask(&format!("UPD CANCEL {id}")), format!("OK UPD {id}"));
    assert_eq!(two.leia.line(), format!("UPD END {id} cancelled the sender ended it"));
    two.offered();
}

#[test]
fn who_wants_no_pushes_cannot_offer_a_file_and_nobody_is_asked() {
    let mut two = Two::with("relays=0");
    let mut deaf = two.server.connect();
    assert_eq!(deaf.ask("HELLO live=off"), "OK HELLO");
    assert!(deaf.ask("LOGIN luke pw").starts_with("OK LOGIN "));
    let refusal = "ERR UPD refused what happens to an offer is pushed, and this session wants no pushes";
    assert_eq!(deaf.ask(&format!("UPD OFFER leia 3 {HASH} {HASH} film.mp4")), refusal);
    assert_eq!(two.leia.ask("PING"), "OK PING");
    two.offered();
}

#[test]
fn an_offer_that_nobody_answers_ends_in_time_for_both() {
    let mut two = Two::with("offer-time=100ms");
    let id = two.offered();
    let end = format!("UPD END {id} timeout nobody answered for too long");
    assert_eq!((two.luke.line(), two.leia.line()), (end.clone(), end));
    two.expect_hit("offer-time");
}

#[test]
fn a_file_that_stands_still_on_its_way_through_the_server_ends_in_time_for_both() {
    let mut two = Two::with("relay-time=100ms");
    let id = two.relayed();
    let end = format!("UPD END {id} timeout nothing was moved for too long");
    assert_eq!((two.luke.line(), two.leia.line()), (end.clone(), end));
    two.expect_hit("relay-time");
}

#[test]
fn bytes_that_come_faster_through_the_server_than_they_may_are_to_be_sent_again() {
    let mut two = Two::with("relay-bytes-per-second=8192");
    let id = two.relayed();
    assert_eq!(two.leia.ask(&format!("UPD MORE {id} 16")), format!("OK UPD {id}"));
    assert_eq!(two.luke.line(), format!("UPD MORE {id} 16"));
    // Two pieces of 8,192 bytes, in one go.
    let piece = format!("{}AAA=", "AAAA".repeat(2730));
    let pieces = format!("UPD DATA {id} 1 {piece}\nUPD DATA {id} 2 {piece}\n");
    two.luke.0.get_mut().write_all(pieces.as_bytes()).unwrap();
    assert_eq!(two.luke.line(), format!("OK UPD {id}"));
    let throttled = "ERR UPD throttled too much goes through the server; seconds left: 1";
    assert_eq!(two.luke.line(), throttled);
    assert_eq!(two.leia.line(), format!("UPD DATA {id} 1 {piece}"));
    two.expect_hit("relay-bytes-per-second");
    expect_metric(&two.server, "toomd_relayed_bytes_total 8192");
}
