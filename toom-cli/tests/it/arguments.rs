//! Commands, names and passwords from arguments.

use std::io::Read as _;

use crate::support::{Fake, PASSWORD, Peer, ended, masked, password_file, port, server, toom};

#[test]
fn commands_of_the_arguments_are_carried_out_in_order() {
    let server = server();
    let (_folder, file) = password_file(&format!("{PASSWORD}\nnot this\n"));
    let args = ["127.0.0.1", &port(&server), "--user", "obiwan", "--password-file", file.to_str().unwrap()];
    let run =
        ended(toom(&[&args[..], &["-c", "BCM one", "-c", "bcm two\nlines", "-c", "RDM b #0"]].concat()), "");
    assert_eq!(
        masked(&run.stdout),
        "1; TIME; obiwan;127.0.0.1;0\nWelcome to TOOM!\n\
         Broadcast message, #1 broadcast at TIME\nBroadcast message, #2 broadcast at TIME\n\
         obiwan broadcasted BCM \"one\" at TIME\nobiwan broadcasted BCM \"two\\nlines\" at TIME\nBye,obiwan\n"
    );
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
}

#[test]
fn nothing_waits_for_standard_input_when_the_arguments_say_everything() {
    let server = server();
    let (_folder, file) = password_file(PASSWORD);
    let mut run = toom(&["127.0.0.1", &port(&server), "--user", "obiwan", "-c", "OUT"]);
    run.arg("--password-file").arg(file);
    let mut child = run.spawn().unwrap();
    // Standard input stays open until after the end.
    let stdin = child.stdin.take();
    let mut printed = String::new();
    child.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
    assert!(printed.ends_with("Bye,obiwan\n"), "{printed}");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    drop(stdin);
}

#[test]
fn what_came_with_an_answer_is_printed_before_the_next_command() {
    let fake = Fake::that_answers(&["ROOM 7 luke obiwan\nOK ATU 0\n", "OK ATU 0\n", "OK OUT obiwan\n"]);
    let run = ended(toom(&["127.0.0.1", &fake.port, "-c", "ATU", "-c", "ATU"]), "obiwan\nx\n");
    assert_eq!(
        run.stdout,
        "1; 04 Aug 2022 09:02:21; obiwan;127.0.0.1;0\nWelcome to TOOM!\nno other active user\n\
         You are in a new separate chat room, room ID:7, users in this room:luke, obiwan\n\
         no other active user\nBye,obiwan\n"
    );
    assert_eq!(fake.asked(), ["ATU", "ATU", "OUT"]);
}

#[test]
fn what_the_arguments_leave_out_is_read() {
    let server = server();
    let args = ["127.0.0.1", &port(&server), "--user", "luke"];
    let run = ended(toom(&args), &format!("{PASSWORD}\nATU\n"));
    assert_eq!(
        masked(&run.stdout),
        "1; TIME; luke;127.0.0.1;0\nWelcome to TOOM!\nno other active user\nBye,luke\n"
    );
    assert_eq!(run.code, Some(0));
}

#[test]
fn times_are_read_and_written_in_the_zone_of_the_user() {
    let server = server();
    let mut luke = Peer::log_in(&server, "luke");
    let (_folder, file) = password_file(PASSWORD);
    let args = ["127.0.0.1", &port(&server), "--user", "obiwan", "--password-file", file.to_str().unwrap()];
    let commands = ["-c", "SRB luke", "-c", "SRM 1 hello", "-c", "RDM s 2022-08-04T09:02:29Z"];
    let mut run = toom(&[&args[..], &commands].concat());
    run.env("TZ", "AEST-10");
    let heading = "Messages in separate rooms since 04 Aug 2022 19:02:29\n";
    let stdout = ended(run, "").stdout;
    assert!(stdout.contains(heading), "{stdout}");
    let mut run = toom(&[&args[..], &["-c", "RDM s 04 Aug 2022 19:02:29"]].concat());
    run.env("TZ", "AEST-10");
    let stdout = ended(run, "").stdout;
    assert!(stdout.contains(heading), "{stdout}");
    assert!(luke.line().starts_with("ROOM 1 obiwan luke"));
}

#[test]
fn help_and_version_are_data_and_done() {
    let run = ended(toom(&["--help"]), "");
    assert!(
        run.stdout.contains("Usage: toom") && run.stdout.contains("Exit codes: 0 done"),
        "{}",
        run.stdout
    );
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    let run = ended(toom(&["-V"]), "");
    assert_eq!(run.stdout, format!("toom {}\n", env!("CARGO_PKG_VERSION")));
}
