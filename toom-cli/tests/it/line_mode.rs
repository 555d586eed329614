//! Standard input and output that are no terminal.

use std::io::Write as _;

use crate::support::{Fake, PASSWORD, Peer, Toom, ended, masked, port, server, toom};

#[test]
fn what_comes_between_commands_is_printed_between_them() {
    let server = server();
    let mut luke = Toom::log_in(&port(&server), "luke");
    let mut hans = Peer::log_in(&server, "hans");
    assert!(hans.ask("BCM one").starts_with("OK BCM 1 "));
    assert_eq!(masked(&luke.line()), "hans broadcasted BCM \"one\" at TIME");
    assert_eq!(masked(&luke.ask("ATU")), "hans, active since TIME.");
    assert!(hans.ask("BCM two").starts_with("OK BCM 2 "));
    assert_eq!(masked(&luke.line()), "hans broadcasted BCM \"two\" at TIME");
    let run = luke.end();
    assert_eq!((run.stdout.as_str(), run.code), ("Bye,luke\n", Some(0)));
}

#[test]
fn nothing_is_read_after_out() {
    let server = server();
    let run =
        ended(toom(&["127.0.0.1", &port(&server)]), &format!("luke\n{PASSWORD}\nOUT\nBCM late\nnonsense\n"));
    assert_eq!(masked(&run.stdout), "1; TIME; luke;127.0.0.1;0\nWelcome to TOOM!\nBye,luke\n");
    assert_eq!(run.code, Some(0));
    assert!(Peer::log_in(&server, "hans").ask("RDM b #0").starts_with("OK RDM 0"));
}

#[test]
fn lines_may_end_with_cr_lf_and_be_blank() {
    let server = server();
    let input = format!("luke\r\n{PASSWORD}\r\n\r\n  \r\nBCM a\tb\r\nRDM b #0\r\n");
    let run = ended(toom(&["127.0.0.1", &port(&server)]), &input);
    assert!(masked(&run.stdout).contains("luke broadcasted BCM \"a b\" at TIME\n"), "{}", run.stdout);
    assert_eq!(run.code, Some(0));
}

#[test]
fn a_line_that_is_not_utf_8_is_refused_and_the_next_one_is_carried_out() {
    let server = server();
    let mut run = toom(&["127.0.0.1", &port(&server)]).spawn().unwrap();
    let input = [b"luke\n", PASSWORD.as_bytes(), b"\nBCM a\xff\nRDM b #0\n"].concat();
    run.stdin.take().unwrap().write_all(&input).unwrap();
    let output = run.wait_with_output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.ends_with("\nthe line is not UTF-8\nno new message\nBye,luke\n"), "{stdout}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn every_refusal_is_one_line_and_changes_nothing() {
    let server = server();
    let mut luke = Toom::log_in(&port(&server), "luke");
    let _hans = Peer::log_in(&server, "hans");
    for (typed, told) in [
        ("BCM", "the form is BCM <text>"),
        ("SRB vader", "there is no user vader"),
        ("SRB yoda", "yoda is not active"),
        ("SRB luke", "a room needs somebody else in it"),
        ("SRM 1 hello", "no such room, or you are not in it"),
        ("RDM 1 1h", "no such room, or you are not in it"),
        ("UPD hans", "the form is UPD <user> <file>, UPD, or UPD ACCEPT|REFUSE|CANCEL <number>"),
        ("UPD CANCEL 7", "no transfer under way has the number 7; UPD lists them"),
        ("UPD", "no file is under way"),
    ] {
        assert_eq!(luke.ask(typed), told, "{typed}");
    }
    assert!(luke.ask("SRB hans").starts_with("Separate chat room has been created, room ID:1,"));
    assert_eq!(luke.ask("SRB hans"), "a separate chat room with exactly these users exists, room ID:1");
    let long = format!("BCM {}", "x".repeat(9000));
    assert_eq!(luke.ask(&long), "the message is 9000 bytes, the limit is 8192");
    assert_eq!(luke.ask("RDM b #0"), "no new message");
    assert_eq!(
        luke.ask("RDM s #0"),
        format!("{}; the form is RDM b|s|<room> <time>", toom_cli::zone::TimeError)
    );
}

#[test]
fn a_history_of_many_pages_is_printed_whole_and_in_order() {
    let server = server();
    let mut hans = Peer::log_in(&server, "hans");
    for number in 1..=250 {
        assert!(hans.ask(&format!("BCM number {number}.")).starts_with("OK BCM "));
    }
    let run =
        ended(toom(&["127.0.0.1", &port(&server)]), &format!("luke\n{PASSWORD}\nRDM b 1h\nRDM b #249\n"));
    let printed = run.stdout.lines().skip(2).map(masked).collect::<Vec<_>>();
    let message = |number| format!("hans broadcasted BCM \"number {number}.\" at TIME");
    let expected: Vec<_> = (1..=250).chain([250]).map(message).chain(["Bye,luke".to_owned()]).collect();
    assert_eq!(printed, expected);
}

#[test]
fn what_was_missed_and_what_is_gone_are_named() {
    let fake = Fake::that_answers(&[
        "ROW b GONE 1 4\nROW b 5 2022-08-04T09:02:29.000001Z luke hi\nOK RDM 1\nLAG b 6 9\nLAG 3 1 1\n",
        "ROW 2 GONE 1 1\nOK RDM 0\n",
        "OK OUT obiwan\n",
    ]);
    let mut toom = Toom::start(&["127.0.0.1", &fake.port]);
    for line in ["obiwan", "x", "RDM b #0"] {
        toom.say(line);
    }
    for line in [
        "1; 04 Aug 2022 09:02:21; obiwan;127.0.0.1;0",
        "Welcome to TOOM!",
        "broadcast #1 to #4 are gone for good",
        "luke broadcasted BCM \"hi\" at 04 Aug 2022 09:02:29",
        "broadcast #6 to #9 are not shown here: RDM b #5 reads them",
        "room-3: #1 is not shown here: RDM 3 #0 reads them",
    ] {
        assert_eq!(toom.line(), line);
    }
    assert_eq!(toom.ask("RDM 2 #0"), "Messages in separate room 2 after #0");
    assert_eq!(toom.line(), "room-2: #1 is gone for good");
    assert_eq!(toom.line(), "no new message");
    assert_eq!(toom.end().stdout, "Bye,obiwan\n");
    assert_eq!(fake.asked(), ["RDM b #0", "RDM 2 #0", "OUT"]);
}

#[test]
fn help_is_of_the_commands_that_are_typed_here() {
    let server = server();
    let run = ended(toom(&["127.0.0.1", &port(&server)]), &format!("luke\n{PASSWORD}\nhelp\n"));
    let help: Vec<_> = run.stdout.lines().skip(2).take(toom_cli::command::HELP.len()).collect();
    assert_eq!(help, toom_cli::command::HELP);
}
