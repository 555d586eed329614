//! 0 done, 1 refused, 2 usage, 3 connection.

use std::net::TcpListener;

use crate::support::{Fake, PASSWORD, Toom, ended, masked, password_file, port, server, toom};

const INVALID: &str = "Invalid Password. Please try again\n";

#[test]
fn a_refused_command_gives_1_and_the_others_are_still_carried_out() {
    let server = server();
    let input = format!("obiwan\n{PASSWORD}\nSRM 7 hello\nBCM hello\n");
    let run = ended(toom(&["127.0.0.1", &port(&server)]), &input);
    assert_eq!(
        masked(&run.stdout),
        "1; TIME; obiwan;127.0.0.1;0\nWelcome to TOOM!\nno such room, or you are not in it\n\
         Broadcast message, #1 broadcast at TIME\nBye,obiwan\n"
    );
    assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""));
}

#[test]
fn a_line_that_is_no_command_gives_1() {
    let server = server();
    let input = format!("obiwan\n{PASSWORD}\nhello\n");
    let run = ended(toom(&["127.0.0.1", &port(&server)]), &input);
    assert!(run.stdout.contains("no such command;"), "{}", run.stdout);
    assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""));
}

#[test]
fn wrong_passwords_give_1_and_are_told_apart_from_blocks() {
    let server = server();
    let args = ["127.0.0.1", &port(&server)];
    let wrong = || ended(toom(&args), "obiwan\nwrong\nBCM never said\n");
    let blocking = "Invalid Password. Your account has been blocked. Please try again later\n";
    let blocked = "Your account is blocked due to multiple login failures. Please try again later\n";
    for told in [INVALID, INVALID, blocking, blocked] {
        let run = wrong();
        assert_eq!((run.stdout.as_str(), run.code, run.stderr.as_str()), (told, Some(1), ""));
    }
    let right = ended(toom(&args), &format!("obiwan\n{PASSWORD}\n"));
    assert_eq!((right.stdout.as_str(), right.code), (blocked, Some(1)));
    let other = ended(toom(&args), &format!("luke\n{PASSWORD}\nRDM b #0\n"));
    assert!(other.stdout.ends_with("no new message\nBye,luke\n"), "{}", other.stdout);
}

#[test]
fn a_name_that_nobody_bears_is_refused_as_a_wrong_password_and_one_that_nobody_can_bear_is_told() {
    let server = server();
    let args = ["127.0.0.1", &port(&server)];
    let run = ended(toom(&args), "vader\nwrong\n");
    assert_eq!((run.stdout.as_str(), run.code), (INVALID, Some(1)));
    let run = ended(toom(&args), "dar\u{202e}th\nwrong\n");
    assert_eq!((run.stdout.as_str(), run.code), ("no user can have the name dar\\u{202e}th\n", Some(1)));
}

#[test]
fn wrong_arguments_give_2_and_talk_on_standard_error() {
    for args in
        [&["h", "0"][..], &["h", "70000"], &["h", "2000", "x"], &["a", "1", "2", "3"], &["--nope"], &["-c"]]
    {
        let run = ended(toom(args), "");
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{args:?}");
        assert!(run.stderr.contains("error: "), "{}", run.stderr);
    }
}

#[test]
fn a_missing_password_gives_2() {
    let run = ended(toom(&["--user", "obiwan", "--password-file", "/nonexistent/file"]), "");
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""));
    let told = "toom: cannot read the password file /nonexistent/file: ";
    assert!(run.stderr.starts_with(told), "{}", run.stderr);
    for (input, what) in [("", "user name"), ("obiwan\n", "password")] {
        let run = ended(toom(&[]), input);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""));
        assert_eq!(run.stderr, format!("toom: standard input ended before the {what}\n"));
    }
}

#[test]
fn a_server_that_is_not_there_gives_3() {
    // The port is taken on one address of this machine, so that it is free on the other, where nobody listens.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let free = listener.local_addr().unwrap().port().to_string();
    let (_folder, file) = password_file(PASSWORD);
    let file = file.to_str().unwrap();
    let run = ended(toom(&["127.0.0.2", &free, "--user", "obiwan", "--password-file", file]), "");
    assert_eq!((run.code, run.stdout.as_str()), (Some(3), ""));
    let told = format!("toom: no connection to 127.0.0.2 port {free}: ");
    assert!(run.stderr.starts_with(&told), "{}", run.stderr);
}

#[test]
fn a_connection_that_is_lost_gives_3_and_says_why() {
    let server = server();
    let luke = Toom::log_in(&port(&server), "luke");
    server.shut_down().unwrap();
    let run = luke.end();
    assert_eq!((run.code, run.stdout.as_str()), (Some(3), ""));
    assert!(run.stderr.starts_with("toom: the server closes the connection: "), "{}", run.stderr);
    let fake = Fake::that_answers(&["BYE idle\n"]);
    let run = ended(toom(&["127.0.0.1", &fake.port]), "obiwan\nx\nATU\n");
    assert_eq!(run.stderr, "toom: the server closes the connection: it heard nothing for too long\n");
    assert_eq!((run.code, fake.asked()), (Some(3), vec!["ATU".to_owned()]));
}

#[test]
fn a_reader_who_has_had_enough_ends_it_quietly() {
    let server = server();
    let mut child = toom(&["127.0.0.1", &port(&server)]).spawn().unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut stdin, format!("obiwan\n{PASSWORD}\nATU\n").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}
