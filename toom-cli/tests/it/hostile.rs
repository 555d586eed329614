//! What others write steers no terminal, whoever they are.

use crate::support::{Ended, Fake, Peer, Toom, ended, masked, port, server, toom};

/// Runs against a server that lies, with one command.
fn run(fake: &Fake) -> Ended {
    let run = ended(toom(&["127.0.0.1", &fake.port]), "obiwan\nx\nBCM hello\n");
    let printed = format!("{}{}", run.stdout, run.stderr);
    let steers = |c: char| c != '\n' && toom_net::shown::is_shown_as_code(c);
    assert!(!printed.contains(steers), "{printed:?}");
    run
}

#[test]
fn a_message_with_an_override_a_joiner_and_a_line_break_is_one_line_that_shows_them() {
    let server = server();
    let luke = Toom::log_in(&port(&server), "luke");
    let mut hans = Peer::log_in(&server, "hans");
    assert!(hans.ask("BCM \u{202e}evil\u{200d}\u{b}next\u{2028}\u{feff}").starts_with("OK BCM 1 "));
    assert_eq!(
        masked(&luke.line()),
        "hans broadcasted BCM \"\\u{202e}evil\\u{200d}\\nnext\\u{2028}\\u{feff}\" at TIME"
    );
    assert!(hans.ask("BCM \u{1b}[2J").starts_with("ERR BCM bad-text "));
    assert!(hans.ask("SRB luke").starts_with("OK SRB 1 "));
    assert_eq!(luke.line(), "You are in a new separate chat room, room ID:1, users in this room:hans, luke");
    assert!(hans.ask("SRM 1 \u{2066}\u{ad}x").starts_with("OK SRM 1 1 "));
    assert_eq!(masked(&luke.line()), "room-1: #1;hans;\\u{2066}\\u{ad}x at TIME");
}

#[test]
fn an_escape_in_a_refusal_is_a_breach_of_the_protocol_and_is_not_shown() {
    let fake = Fake::that_answers(&["ERR BCM too-long \u{1b}[2J\u{1b}]0;owned\u{7}\n"]);
    let run = run(&fake);
    assert_eq!(run.code, Some(3));
    assert_eq!(run.stderr, "toom: from the server: the line holds a control character\n");
}

#[test]
fn an_override_in_a_refusal_is_shown() {
    let fake = Fake::that_answers(&["ERR BCM too-long \u{202e}gnol oot\n", "OK OUT obiwan\n"]);
    let run = run(&fake);
    assert!(run.stdout.contains("\n\\u{202e}gnol oot\n"), "{}", run.stdout);
    assert_eq!(run.code, Some(1));
}

#[test]
fn a_goodbye_with_an_escape_or_an_override_steers_nothing() {
    let fake = Fake::that_answers(&["BYE shutdown \u{1b}c\n"]);
    assert_eq!(run(&fake).code, Some(3));
    let fake = Fake::that_answers(&["BYE shutdown \u{202e}now\u{200b}\n"]);
    let run = run(&fake);
    assert_eq!(run.stderr, "toom: the server closes the connection: \\u{202e}now\\u{200b}\n");
}

#[test]
fn names_and_a_refused_login_steer_nothing() {
    let fake = Fake::that_answers(&["OK SRB 1 obiwan \u{202e}ekul\n", "OK OUT \u{2067}obiwan\n"]);
    let answer = ended(toom(&["127.0.0.1", &fake.port]), "obiwan\nx\nSRB luke\n");
    assert!(
        answer.stdout.ends_with("room:obiwan, \\u{202e}ekul\nBye,\\u{2067}obiwan\n"),
        "{}",
        answer.stdout
    );
    let refused = run(&Fake::that_answers_login("ERR LOGIN throttled \u{202e}30\n"));
    assert_eq!((refused.stdout.as_str(), refused.code), ("\\u{202e}30\n", Some(1)));
}

#[test]
fn what_is_no_server_of_ours_is_told_and_shown_by_no_byte() {
    for first in ["HTTP/1.1 400 \u{1b}[31m\r\n", "\u{1b}]0;x\u{7}\n", "TOOM 2 x\n", "", "no line end"] {
        let run = run(&Fake::that_greets(first));
        assert_eq!((run.code, run.stdout.as_str()), (Some(3), ""), "{first:?}");
        assert!(run.stderr.starts_with("toom: no connection to 127.0.0.1 port "), "{}", run.stderr);
    }
}
