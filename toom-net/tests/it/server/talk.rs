//! Posting, rooms, keys, and what is pushed.

use super::client::{Client, memory, timeless};

#[test]
fn the_transcript_of_a_first_chat_plays() {
    let server = memory().start().unwrap();
    let mut hans = Client::log_in(&server, "hans");
    let mut luke = Client::log_in(&server, "luke");
    let mut obiwan = Client::connect(&server);
    assert_eq!(obiwan.ask("HELLO client=test/1 udp=2000"), "OK HELLO");
    assert_eq!(obiwan.ask_timeless("LOGIN Obiwan obiwan pw"), "OK LOGIN 3 T obiwan 127.0.0.1 2000");

    assert_eq!(obiwan.ask_timeless("BCM hello"), "OK BCM 1 T");
    for other in [&mut hans, &mut luke] {
        assert_eq!(timeless(&other.line()), "MSG b 1 T obiwan hello");
    }
    assert_eq!(obiwan.ask_rows("ATU"), ["ROW hans T", "ROW luke T", "OK ATU 2"]);

    assert_eq!(obiwan.ask("SRB luke"), "OK SRB 1 obiwan luke");
    assert_eq!(luke.line(), "ROOM 1 obiwan luke");
    assert_eq!(obiwan.ask_timeless("SRM 1 have a nice day"), "OK SRM 1 1 T");
    assert_eq!(timeless(&luke.line()), "MSG 1 1 T obiwan have a nice day");
    hans.expect_quiet();

    assert_eq!(luke.ask_rows("RDM s 03 Aug 2022 00:00:00"), ["ROW 1 1 T obiwan have a nice day", "OK RDM 1"]);
    assert_eq!(obiwan.ask("OUT"), "OK OUT obiwan");
    obiwan.expect_end();
    server.shut_down().unwrap();
}

#[test]
fn a_message_that_cannot_be_one_is_refused_and_told_to_nobody() {
    let server = memory().start().unwrap();
    let mut luke = Client::log_in(&server, "luke");
    let mut hans = Client::log_in(&server, "hans");
    assert_eq!(hans.ask("SRB luke"), "OK SRB 1 hans luke");
    assert_eq!(luke.line(), "ROOM 1 hans luke");
    for verb in ["BCM", "SRM 1"] {
        let word = &verb[..3];
        let refused = |reply: String, code: &str| {
            assert!(reply.starts_with(&format!("ERR {word} {code} ")), "{reply}");
        };
        refused(hans.ask(&format!("{verb}   ")), "empty");
        refused(hans.ask(&format!("{verb} {}", "x".repeat(4097))), "too-long");
        refused(hans.ask(&format!("{verb} {}", "x".repeat(9000))), "too-long");
        refused(hans.ask(&format!("{verb} bell \u{7}")), "bad-text");
        hans.send_bytes(&[verb.as_bytes(), b" \xff\n"].concat());
        refused(hans.line(), "bad-text");
    }
    luke.expect_quiet();
    assert!(hans.ask_timeless(&format!("BCM {}", "x".repeat(4096))).starts_with("OK BCM 1 T"));
}

#[test]
fn a_line_break_inside_a_message_travels_as_vertical_tab() {
    let server = memory().start().unwrap();
    let mut luke = Client::log_in(&server, "luke");
    let mut hans = Client::log_in(&server, "hans");
    hans.ask("BCM two\u{b}lines");
    assert_eq!(timeless(&luke.line()), "MSG b 1 T hans two\u{b}lines");
    assert_eq!(luke.ask_rows("RDM b #0"), ["ROW b 1 T hans two\u{b}lines", "OK RDM 1"]);
}

#[test]
fn a_room_is_refused_as_the_table_says() {
    let server = memory().start().unwrap();
    let mut hans = Client::log_in(&server, "hans");
    let _luke = Client::log_in(&server, "luke");
    let cases = [
        ("SRB vader", "ERR SRB unknown-user vader "),
        ("SRB luke yoda", "ERR SRB inactive-user yoda "),
        ("SRB hans HANS", "ERR SRB no-members "),
        ("SRB", "ERR SRB syntax "),
        ("SRM 1 hi", "ERR SRM no-room "),
        ("SRM one hi", "ERR SRM syntax "),
        ("SRM 99999999999 hi", "ERR SRM no-room "),
    ];
    for (line, expected) in cases {
        let reply = hans.ask(line);
        assert!(reply.starts_with(expected), "{line}: {reply}");
    }
    assert_eq!(hans.ask("SRB LUKE luke hans"), "OK SRB 1 hans luke");
    let reply = hans.ask("SRB luke");
    assert!(reply.starts_with("ERR SRB room-exists 1 "), "{reply}");
}

#[test]
fn outsiders_learn_nothing_of_a_room() {
    let server = memory().start().unwrap();
    let mut hans = Client::log_in(&server, "hans");
    let _luke = Client::log_in(&server, "luke");
    let mut yoda = Client::log_in(&server, "yoda");
    hans.ask("SRB luke");
    hans.ask("SRM 1 psst");
    for (verb, room) in [("SRM", " hi"), ("RDM", " #0")] {
        let own = yoda.ask(&format!("{verb} 1{room}"));
        assert_eq!(own, yoda.ask(&format!("{verb} 2{room}")));
        assert!(own.starts_with(&format!("ERR {verb} no-room ")), "{own}");
    }
    assert_eq!(yoda.ask_rows("RDM s 2000-01-01T00:00:00Z"), ["OK RDM 0"]);
    yoda.expect_quiet();
}

#[test]
fn every_session_of_a_user_is_told_but_the_one_that_posted() {
    let server = memory().start().unwrap();
    let mut one = Client::log_in(&server, "hans");
    let mut two = Client::log_in(&server, "hans");
    let mut luke = Client::log_in(&server, "luke");
    one.ask("BCM hi");
    assert_eq!(timeless(&two.line()), "MSG b 1 T hans hi");
    assert_eq!(timeless(&luke.line()), "MSG b 1 T hans hi");
    assert_eq!(luke.ask("SRB hans"), "OK SRB 1 luke hans");
    for session in [&mut one, &mut two] {
        assert_eq!(session.line(), "ROOM 1 luke hans");
        assert_eq!(session.ask_rows("ATU"), ["ROW luke T", "OK ATU 1"]);
    }
    two.ask("SRM 1 psst");
    assert_eq!(timeless(&one.line()), "MSG 1 1 T hans psst");
    two.expect_quiet();
    assert_eq!(one.ask("OUT"), "OK OUT hans");
    one.expect_end();
    assert_eq!(timeless(&luke.line()), "MSG 1 1 T hans psst");
    assert_eq!(luke.ask_rows("ATU"), ["ROW hans T", "OK ATU 1"]);
}

#[test]
fn with_live_off_nothing_is_pushed_and_everything_can_be_read() {
    let server = memory().start().unwrap();
    let mut deaf = Client::connect(&server);
    assert_eq!(deaf.ask("HELLO live=off"), "OK HELLO");
    deaf.ask("LOGIN luke luke pw");
    let mut hans = Client::log_in(&server, "hans");
    hans.ask("BCM hi");
    hans.ask("SRB luke");
    hans.ask("SRM 1 psst");
    deaf.expect_quiet();
    assert_eq!(deaf.ask_rows("RDM b #0"), ["ROW b 1 T hans hi", "OK RDM 1"]);
    assert_eq!(deaf.ask_rows("RDM 1 #0"), ["ROW 1 1 T hans psst", "OK RDM 1"]);
    server.shut_down().unwrap();
    assert_eq!(hans.line(), "BYE shutdown the server shuts down");
    deaf.expect_end();
}

#[test]
fn a_keyed_request_that_is_repeated_gets_the_first_answer_and_happens_once() {
    let server = memory().start().unwrap();
    let mut luke = Client::log_in(&server, "luke");
    let mut hans = Client::log_in(&server, "hans");
    let first: Vec<_> = ["!a BCM hi", "!b SRB luke", "!c SRM 1 psst"].map(|line| hans.ask(line)).into();
    assert_eq!(timeless(&luke.line()), "MSG b 1 T hans hi");
    assert_eq!(luke.line(), "ROOM 1 hans luke");
    assert_eq!(timeless(&luke.line()), "MSG 1 1 T hans psst");
    drop(hans);
    let mut hans = Client::log_in(&server, "hans");
    for (line, first) in ["@t !a BCM hi", "@t !b SRB luke", "@t !c SRM 1 psst"].iter().zip(&first) {
        assert_eq!(hans.ask(line), format!("@t {first}"));
    }
    for line in ["!a BCM other", "!b SRB yoda luke", "!c SRM 1 hi", "!a SRM 1 hi", "!c BCM psst"] {
        let reply = hans.ask(line);
        assert!(reply.contains(" key-reused "), "{line}: {reply}");
    }
    luke.expect_quiet();
    // Another account's keys are its own.
    assert_eq!(luke.ask_timeless("!a BCM other"), "OK BCM 2 T");
}

#[test]
fn replies_to_pipelined_requests_come_in_order_and_each_sees_what_was_asked_before() {
    let server = memory().start().unwrap();
    let mut hans = Client::log_in(&server, "hans");
    let four = |n: u32| format!("@p{n} PING {n}\n@b{n} BCM {n}\n@r{n} RDM b #{n}\n@x{n} FLY\n");
    let sent = (0..500).map(four).collect::<Vec<_>>().concat();
    let mut writing = hans.stream().try_clone().unwrap();
    let writer =
        std::thread::spawn(move || std::io::Write::write_all(&mut writing, sent.as_bytes()).unwrap());
    for n in 0..500 {
        assert_eq!(hans.line(), format!("@p{n} OK PING {n}"));
        assert_eq!(timeless(&hans.line()), format!("@b{n} OK BCM {} T", n + 1));
        assert_eq!(timeless(&hans.line()), format!("@r{n} ROW b {} T hans {n}", n + 1));
        assert_eq!(hans.line(), format!("@r{n} OK RDM 1"));
        assert!(hans.line().starts_with(&format!("@x{n} ERR - unknown-command ")));
    }
    writer.join().unwrap();
}
