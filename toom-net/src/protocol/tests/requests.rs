//! Lines written by hand, from every row of the table of requests.

use super::super::*;
use super::{refusal_line, request_line};

fn parse(line: &str) -> Request {
    Request::parse(line.as_bytes()).unwrap_or_else(|error| panic!("{line:?}: {error}"))
}

/// What the reply to a refused line begins with: all but the text for people.
fn refused(line: &[u8]) -> String {
    let reply = refusal_line(Request::parse(line).expect_err("the line is refused"));
    let words = if reply.starts_with('@') { 4 } else { 3 };
    reply.split(' ').take(words).collect::<Vec<_>>().join(" ")
}

/// Lines that are written again exactly as they were read.
#[test]
fn canonical_requests_are_written_as_they_were_read() {
    for line in [
        "HELLO",
        "HELLO client=toom/0.1.0 udp=2001 live=off",
        "LOGIN obiwan help me, you are my only hope",
        "LOGIN obiwan  two spaces ",
        "LOGIN obiwan ",
        "LOGIN Ölaf пароль",
        "BCM hello",
        "BCM  spaces are kept ",
        "BCM two\u{b}lines",
        "BCM @1 !k BCM",
        "@t-1 !k_1 BCM hello",
        "ATU",
        "@Z9 ATU",
        "SRB luke",
        "!key SRB luke yoda LUKE",
        "SRB luke a/b☺ yoda",
        "SRM 1 have a nice day",
        "!k SRM 4294967295  x",
        "RDM b 2022-08-04T09:02:29.123456Z",
        "RDM b #0",
        "RDM b #18446744073709551615 1000",
        "RDM b b.17 1",
        "RDM 7 #3",
        "RDM 7 r.7.17 99",
        "RDM s 2022-08-04T09:02:29.000000Z 5",
        "RDM s s.-5.x.7.0",
        "PING",
        "PING  still there? ",
        "HELP",
        "@bye OUT",
    ] {
        assert_eq!(String::from_utf8(request_line(&parse(line))).unwrap(), line);
    }
}

/// Lines that say the same as another.
#[test]
fn other_spellings_mean_the_same() {
    for (spelled, canonical) in [
        ("bcm hello", "BCM hello"),
        ("@1  !k   bCm hello", "@1 !k BCM hello"),
        ("HELLO live=on udp=0 colour=blue", "HELLO"),
        ("HELLO  live=off  udp=007 ", "HELLO udp=7 live=off"),
        ("login   obiwan secret", "LOGIN obiwan secret"),
        ("ATU  ", "ATU"),
        ("SRB  luke   yoda ", "SRB luke yoda"),
        ("SRM  01 hi", "SRM 1 hi"),
        ("RDM B #0 100", "RDM b #0"),
        ("RDM b 04 Aug 2022 09:02:29", "RDM b 2022-08-04T09:02:29.000000Z"),
        ("RDM s  4  aug 2022 09:02:29  50 ", "RDM s 2022-08-04T09:02:29.000000Z 50"),
        ("RDM 3 2022-08-04T11:02:29.1234567+02:00 7", "RDM 3 2022-08-04T09:02:29.123456Z 7"),
        ("rdm S s.1", "RDM s s.1"),
        ("PING ", "PING"),
    ] {
        assert_eq!(String::from_utf8(request_line(&parse(spelled))).unwrap(), canonical, "{spelled:?}");
    }
}

#[test]
fn what_is_wrong_with_a_request_is_told_with_tag_verb_and_code() {
    let long = "x".repeat(8193);
    for (line, reply) in [
        ("", "ERR - syntax"),
        (" BCM hi", "ERR - syntax"),
        ("@1", "@1 ERR - syntax"),
        ("@1 !k", "@1 ERR - syntax"),
        ("FLY", "ERR - unknown-command"),
        ("@1 FILE luke file", "@1 ERR - unknown-command"),
        ("@1 UPD luke file", "@1 ERR UPD syntax"),
        ("!k GET / HTTP/1.1", "ERR - unknown-command"),
        ("BCMhello", "ERR - unknown-command"),
        ("FLY a\tb", "ERR - syntax"),
        ("ATU\t", "ERR - syntax"),
        ("@ BCM hi", "ERR BCM syntax"),
        ("@a.b BCM hi", "ERR BCM syntax"),
        ("@1 !a.b BCM hi", "@1 ERR BCM syntax"),
        ("! BCM hi", "ERR BCM syntax"),
        ("!k @1 BCM hi", "ERR - unknown-command"),
        ("!k ATU", "ERR ATU syntax"),
        ("!k LOGIN a b", "ERR LOGIN syntax"),
        ("!k RDM b #0", "ERR RDM syntax"),
        ("HELLO you", "ERR HELLO syntax"),
        ("HELLO live=ON", "ERR HELLO syntax"),
        ("HELLO udp=65536", "ERR HELLO syntax"),
        ("HELLO udp=+1", "ERR HELLO syntax"),
        ("HELLO client=", "ERR HELLO syntax"),
        ("HELLO udp=1 udp=2", "ERR HELLO syntax"),
        ("LOGIN", "ERR LOGIN syntax"),
        ("LOGIN obiwan", "ERR LOGIN syntax"),
        ("LOGIN a/b☺ secret", "ERR LOGIN syntax"),
        ("LOGIN obiwan sec\u{b}ret", "ERR LOGIN syntax"),
        ("BCM", "ERR BCM empty"),
        ("BCM ", "ERR BCM empty"),
        ("BCM  \u{b} ", "ERR BCM empty"),
        ("BCM a\tb", "ERR BCM bad-text"),
        ("BCM a\rb", "ERR BCM bad-text"),
        ("BCM a\u{9b}b", "ERR BCM bad-text"),
        (&format!("@9 BCM {long}"), "@9 ERR BCM too-long"),
        ("ATU now", "ERR ATU syntax"),
        ("SRB", "ERR SRB syntax"),
        ("SRB ", "ERR SRB syntax"),
        ("SRB a\u{b}b", "ERR SRB syntax"),
        (&format!("SRB{}", " a".repeat(NAMES_MAX + 1)), "ERR SRB limit-reached"),
        ("SRM", "ERR SRM syntax"),
        ("SRM hello", "ERR SRM syntax"),
        ("SRM -1 hi", "ERR SRM syntax"),
        ("SRM 1\t hi", "ERR SRM syntax"),
        ("SRM 1", "ERR SRM empty"),
        ("SRM 1 ", "ERR SRM empty"),
        ("SRM 0 hi", "ERR SRM no-room"),
        ("SRM 4294967296 hi", "ERR SRM no-room"),
        ("SRM 99999999999999999999 ", "ERR SRM empty"),
        ("SRM 1 a\u{7f}", "ERR SRM bad-text"),
        (&format!("SRM 1 {long}"), "ERR SRM too-long"),
        ("RDM", "ERR RDM syntax"),
        ("RDM b", "ERR RDM syntax"),
        ("RDM x #0", "ERR RDM syntax"),
        ("RDM 0 #0", "ERR RDM no-room"),
        ("RDM s #0", "ERR RDM syntax"),
        ("RDM b #", "ERR RDM syntax"),
        ("RDM b #-1", "ERR RDM syntax"),
        ("RDM b #18446744073709551616", "ERR RDM syntax"),
        ("RDM b 10m", "ERR RDM syntax"),
        ("RDM b 2022-08-04", "ERR RDM syntax"),
        ("RDM b 2022-08-04T09:02:29", "ERR RDM syntax"),
        ("RDM b 04 Aug 2022", "ERR RDM syntax"),
        ("RDM b 31 Feb 2022 09:02:29", "ERR RDM syntax"),
        ("RDM b #0 0", "ERR RDM syntax"),
        ("RDM b #0 1001", "ERR RDM syntax"),
        ("RDM b #0 ten", "ERR RDM syntax"),
        ("RDM b #0 10 11", "ERR RDM syntax"),
        ("PING a\u{b}b", "ERR PING syntax"),
        (&format!("PING {long}"), "ERR PING syntax"),
        ("HELP me", "ERR HELP syntax"),
        ("OUT now", "ERR OUT syntax"),
    ] {
        assert_eq!(refused(line.as_bytes()), reply, "{line:?}");
    }
}

#[test]
fn the_text_of_ping_may_have_8192_bytes() {
    let longest = format!("PING {}", "x".repeat(PING_BYTES_MAX));
    assert_eq!(request_line(&parse(&longest)), longest.as_bytes());
    assert_eq!(refused(format!("{longest}x").as_bytes()), "ERR PING syntax");
}

#[test]
fn every_verb_is_shown_as_it_is_sent_and_has_a_purpose_of_its_own() {
    let shown: Vec<_> = Verb::ALL.iter().map(Verb::to_string).collect();
    assert_eq!(shown, Verb::ALL.map(Verb::as_str));
    let purposes: std::collections::BTreeSet<_> = Verb::ALL.into_iter().map(Verb::purpose).collect();
    assert_eq!(purposes.len(), Verb::ALL.len());
    assert!(purposes.iter().all(|purpose| !purpose.is_empty()));
}

#[test]
fn a_line_that_is_not_utf_8_is_told_by_its_verb() {
    for (line, reply) in [
        (&b"@1 BCM \xff"[..], "@1 ERR BCM bad-text"),
        (b"SRM 1 \xc3", "ERR SRM bad-text"),
        (b"@1 PING \xff", "@1 ERR PING syntax"),
        (b"LOGIN a \xff", "ERR LOGIN syntax"),
        (b"\xff", "ERR - syntax"),
        (b"FLY \xff", "ERR - syntax"),
        (b"@\xff BCM hi", "ERR BCM syntax"),
        (b"@1 !\xff BCM hi", "@1 ERR BCM syntax"),
    ] {
        assert_eq!(refused(line), reply, "{}", line.escape_ascii());
    }
}

#[test]
fn a_refusal_shows_the_right_form() {
    let text = |line: &[u8]| Request::parse(line).unwrap_err().to_string();
    assert_eq!(text(b"SRM one hi"), "the form is SRM <room> <text>");
    assert!(text(b"RDM b 10m").contains("2022-08-04T09:02:29Z"));
    assert!(text(b"RDM b #0 0").contains("from 1 to 1000"));
    assert!(text(b"FLY").contains("HELP"));
}

#[test]
fn the_longest_tag_and_key_are_taken_and_longer_ones_are_not() {
    let longest = "a".repeat(64);
    let request = parse(&format!("@{longest} !{longest} BCM hi"));
    assert_eq!(request.tag.unwrap().as_str(), longest);
    assert_eq!(request.command.key().unwrap().as_str(), longest);
    assert_eq!(refused(format!("@{longest}a BCM hi").as_bytes()), "ERR BCM syntax");
    assert_eq!(refused(format!("!{longest}a BCM hi").as_bytes()), "ERR BCM syntax");
}

#[test]
fn line_breaks_in_a_text_travel_as_vt() {
    let Command::Broadcast { body, .. } = parse("BCM two\u{b}lines").command else { panic!("a broadcast") };
    assert_eq!(body.as_str(), "two\nlines");
}

#[test]
fn a_word_that_is_no_name_is_nobody_and_is_cut() {
    let Command::CreateRoom { users, .. } = parse(&format!("SRB Luke {} a/b☺", "é".repeat(4000))).command
    else {
        panic!("a room")
    };
    let words: Vec<_> = users.iter().map(Named::as_str).collect();
    assert_eq!(words, ["Luke", &format!("{}…", "é".repeat(32)), "a/b☺"]);
    assert!(matches!(users.as_slice(), [Named::User(_), Named::Nobody(_), Named::Nobody(_)]), "{users:?}");
}

#[test]
fn debug_shows_no_password_and_no_text() {
    for line in ["LOGIN obiwan sesame", "BCM sesame", "!k SRM 1 sesame"] {
        assert!(!format!("{:?}", parse(line)).contains("sesame"), "{line}");
    }
}

#[test]
fn a_password_or_ping_with_a_line_end_cannot_begin_another_request() {
    let user = toom_core::UserName::parse("luke").unwrap();
    let password = toom_core::Password::new("a\nBCM b\u{b}\0");
    let login = request_line(&Command::Login { user, password }.into());
    assert_eq!(String::from_utf8(login).unwrap(), "LOGIN luke a\u{fffd}BCM b\u{fffd}\u{fffd}");
    let ping = request_line(&Command::Ping { text: "a\r\nOUT".into() }.into());
    assert_eq!(String::from_utf8(ping).unwrap(), "PING a\u{fffd}\u{fffd}OUT");
}

#[test]
fn a_request_that_does_not_fit_a_line_is_not_written() {
    let ping = |length| Request::from(Command::Ping { text: "x".repeat(length).into() });
    let mut out = b"kept".to_vec();
    assert_eq!(ping(MAX_LINE - "PING \n".len() + 1).append_to(&mut out), Err(LineTooLong));
    assert_eq!(out, b"kept");
    assert_eq!(ping(MAX_LINE - "PING \n".len()).append_to(&mut out), Ok(()));
    assert_eq!(out.len(), 4 + MAX_LINE);
}

#[test]
fn only_what_needs_no_session_is_served_before_login() {
    let served: Vec<_> = Verb::ALL.into_iter().filter(|verb| verb.is_served_before_login()).collect();
    assert_eq!(served, [Verb::Hello, Verb::Login, Verb::Ping, Verb::Help, Verb::Out]);
}
