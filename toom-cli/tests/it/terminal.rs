//! A person at a terminal, which is a pseudo-terminal here.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;

use nix::pty::{OpenptyResult, Winsize, openpty};
use nix::sys::termios::{LocalFlags, tcgetattr};
use toom_net::server::RunningServer;

use crate::support::{
    PASSWORD, PATIENCE, Peer, Relay, masked, password_file, port, server, tls_server, toom,
};

/// `toom` on a terminal of 24 lines of 80, and what it has written there.
struct Screen {
    child: Child,
    keys: File,
    written: Receiver<Vec<u8>>,
    seen: String,
    terminal: OwnedFd,
}

impl Screen {
    /// Logs in with a password file: the password prompt is not the standard input's.
    fn log_in(server: &RunningServer, user: &str) -> Self {
        Self::log_in_at(&port(server), user)
    }

    fn log_in_at(port: &str, user: &str) -> Self {
        Self::log_in_with(port, user, |_| {})
    }

    fn log_in_with(port: &str, user: &str, set: impl FnOnce(&mut Command)) -> Self {
        let mut screen = Self::begin(port, user, set);
        screen.wait_for("OUT, UPD):\r\n");
        screen.wait_until_ready();
        screen
    }

    /// Starts, and waits for the welcome.
    fn begin(port: &str, user: &str, set: impl FnOnce(&mut Command)) -> Self {
        let (_folder, file) = password_file(PASSWORD);
        let mut command = toom(&["127.0.0.1", port, "--user", user]);
        command.arg("--password-file").arg(file);
        set(&mut command);
        let mut screen = Self::open(command);
        screen.wait_for("Welcome to TOOM!\r\n");
        screen
    }

    /// Starts, and waits until commands can be typed.
    fn start(command: Command) -> Self {
        let mut screen = Self::open(command);
        screen.wait_for("OUT, UPD):\r\n");
        screen.wait_until_ready();
        screen
    }

    fn open(mut command: Command) -> Self {
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        let OpenptyResult { master, slave } = openpty(Some(&size), None).unwrap();
        let end = || Stdio::from(slave.try_clone().unwrap());
        command.env("TERM", "xterm").stdin(end()).stdout(end()).stderr(end());
        let child = command.spawn().unwrap();
        let keys = File::from(master);
        let mut screen = keys.try_clone().unwrap();
        let (give, written) = channel();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = screen.read(&mut bytes) {
                if give.send(bytes[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, keys, written, seen: String::new(), terminal: slave }
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until `text` was written after what was waited for before, times masked.
    fn wait_for(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = masked(&self.seen).find(text) {
                self.seen = masked(&self.seen).split_off(at + text.len());
                return;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let bytes = self.written.recv_timeout(left);
            let bytes = bytes.unwrap_or_else(|_| panic!("{text:?} does not come after {:?}", self.seen));
            self.seen.push_str(&String::from_utf8_lossy(&bytes));
        }
    }

    /// Waits until keys go to the editor, which then has the terminal bracket what is pasted. Before that, the terminal itself
    /// would take Ctrl-C and Ctrl-D.
    fn wait_until_ready(&mut self) {
        self.wait_for("\x1b[?2004h");
    }

    /// Answers, and is asked again.
    fn ask(&mut self, line: &str, answer: &str) {
        self.press(&format!("{line}\r"));
        self.wait_for(answer);
        self.wait_until_ready();
    }

    /// Waits for the end: the exit code, and whether the terminal echoes and edits lines itself again.
    fn end(mut self) -> (Option<i32>, bool) {
        let code = self.child.wait().unwrap().code();
        let flags = tcgetattr(&self.terminal).unwrap().local_flags;
        (code, flags.contains(LocalFlags::ECHO | LocalFlags::ICANON))
    }
}

#[test]
fn commands_are_answered_and_ctrl_d_logs_out() {
    let server = server();
    let mut obiwan = Screen::log_in(&server, "obiwan");
    let sent = |number| format!("Broadcast message, #{number} broadcast at TIME\r\n");
    let read = "obiwan broadcasted BCM \"edited\" at TIME\r\n";
    for (keys, answer) in [
        ("BCM hello\r", sent(1)),
        ("BCX\x08M edited\r", sent(2)),
        ("\x1b[A\r", sent(3)),
        ("RDM b #1\r", [read, read].concat()),
    ] {
        obiwan.press(keys);
        obiwan.wait_for(&answer);
        obiwan.wait_until_ready();
    }
    obiwan.press("\x04");
    obiwan.wait_for("Bye,obiwan\r\n");
    assert_eq!(obiwan.end(), (Some(0), true));
}

#[test]
fn what_others_say_appears_above_the_line_that_is_typed() {
    let server = server();
    let mut obiwan = Screen::log_in(&server, "obiwan");
    let mut hans = Peer::log_in(&server, "hans");
    obiwan.press("BCM half a sen");
    obiwan.wait_for("half a sen");
    assert!(hans.ask("BCM \u{202e}interrupting").starts_with("OK BCM 1 "));
    obiwan.wait_for("hans broadcasted BCM \"\\u{202e}interrupting\" at TIME");
    // The line is drawn again below it.
    obiwan.wait_for("BCM half a sen");
    obiwan.press("tence\r");
    obiwan.wait_for("Broadcast message, #2 broadcast at TIME\r\n");
    assert!(hans.line().ends_with(" obiwan half a sentence"));
    obiwan.press("OUT\r");
    assert_eq!(obiwan.end(), (Some(0), true));
}

#[test]
fn ctrl_c_throws_away_the_line_and_nothing_else() {
    let server = server();
    let mut obiwan = Screen::log_in(&server, "obiwan");
    obiwan.press("BCM never said\x03");
    obiwan.wait_until_ready();
    obiwan.press("ATU\r");
    obiwan.wait_for("no other active user\r\n");
    obiwan.press("RDM b #0\r");
    obiwan.wait_for("no new message\r\n");
    obiwan.press("OUT\r");
    assert_eq!(obiwan.end(), (Some(0), true));
}

#[test]
fn lines_typed_ahead_of_the_answers_are_all_carried_out() {
    let server = server();
    let mut obiwan = Screen::log_in(&server, "obiwan");
    obiwan.press("BCM one\rBCM two\rBCM three\rRDM b #0\rOUT\r");
    for text in
        ["#1 broadcast", "#2 broadcast", "#3 broadcast", "\"one\"", "\"two\"", "\"three\"", "Bye,obiwan"]
    {
        obiwan.wait_for(text);
    }
    assert_eq!(obiwan.end(), (Some(0), true));
}

#[test]
fn what_was_missed_and_what_was_typed_meanwhile_come_when_the_connection_is_back() {
    let server = server();
    let relay = Relay::to(server.local_addr());
    let mut obiwan = Screen::log_in_at(&relay.port(), "obiwan");
    let mut hans = Peer::log_in(&server, "hans");
    assert!(hans.ask("BCM seen").starts_with("OK BCM 1 "));
    obiwan.wait_for("hans broadcasted BCM \"seen\" at TIME\r\n");
    obiwan.press("BCM ty");
    obiwan.wait_for("BCM ty");
    relay.cut();
    obiwan.wait_for("the server closed the connection; trying again in 1 second\r\n");
    // What stands in the line stays there.
    obiwan.wait_for("BCM ty");
    obiwan.press("ped meanwhile\r");
    obiwan.wait_for("not sent yet: BCM typed meanwhile");
    obiwan.press("RDM b #x\r");
    obiwan.wait_for("the form is RDM b|s|<room> <time>");
    assert!(hans.ask("BCM missed").starts_with("OK BCM 2 "));
    relay.mend();
    obiwan.wait_for("connected again; what you missed follows");
    obiwan.wait_for("hans broadcasted BCM \"missed\" at TIME");
    obiwan.wait_for("Broadcast message, #3 broadcast at TIME");
    assert!(hans.line().ends_with(" obiwan typed meanwhile"));
    obiwan.press("OUT\r");
    obiwan.wait_for("Bye,obiwan\r\n");
    assert_eq!(obiwan.end(), (Some(0), true));
    assert!(!hans.ask("RDM b #2").is_empty());
    assert!(hans.line().starts_with("OK RDM 1"), "it was posted once");
}

#[test]
fn who_leaves_while_there_is_no_connection_is_told_what_was_not_sent() {
    let server = server();
    let relay = Relay::to(server.local_addr());
    let mut obiwan = Screen::log_in_at(&relay.port(), "obiwan");
    relay.cut();
    obiwan.wait_for("trying again in 1 second");
    for line in ["BCM one", "BCM two"] {
        obiwan.press(&format!("{line}\r"));
        obiwan.wait_for(&format!("not sent yet: {line}"));
    }
    obiwan.press("out\r");
    obiwan.wait_for("not sent: BCM one\r\n");
    obiwan.wait_for("not sent: BCM two\r\n");
    obiwan.wait_for("toom: you left while there was no connection: the lines above were not sent\r\n");
    assert_eq!(obiwan.end(), (Some(3), true));

    relay.mend();
    let mut luke = Screen::log_in_at(&relay.port(), "luke");
    relay.cut();
    luke.wait_for("trying again in 1 second");
    luke.press("\x04");
    luke.wait_for("Bye,luke");
    assert_eq!(luke.end(), (Some(0), true));
}

#[test]
fn a_server_that_does_not_let_the_user_in_again_ends_it_and_leaves_the_terminal_in_order() {
    let server = server();
    let mut obiwan = Screen::log_in(&server, "obiwan");
    obiwan.press("BCM half");
    obiwan.wait_for("BCM half");
    server.handle().set_accounts([]);
    obiwan.wait_for("toom: the server closes the connection: ");
    assert_eq!(obiwan.end(), (Some(3), true));
}

#[test]
fn a_long_history_comes_in_pages_and_says_whether_there_is_more() {
    let server = server();
    let mut hans = Peer::log_in(&server, "hans");
    for number in 1..=120 {
        assert!(hans.ask(&format!("BCM number {number}.")).starts_with("OK BCM "));
    }
    let mut obiwan = Screen::log_in(&server, "obiwan");
    let message = |number| format!("hans broadcasted BCM \"number {number}.\" at TIME\r\n");
    obiwan.ask("RDM b #0", &[message(50), "there is more: RDM reads on\r\n".to_owned()].concat());
    obiwan.ask("RDM", &[message(100), "there is more: RDM reads on\r\n".to_owned()].concat());
    obiwan.ask("RDM", &[message(120), "that was all\r\n".to_owned()].concat());
    obiwan.ask("RDM", "there is nothing to read on; the form is RDM b|s|<room> <time>\r\n");
    obiwan.ask("RDM b #119", &message(120));
    obiwan.press("OUT\r");
    assert_eq!(obiwan.end(), (Some(0), true));
}

#[test]
fn in_the_demo_the_others_answer_to_everyone_and_in_a_room() {
    let mut demo = Screen::start(toom(&["demo"]));
    demo.press("ATU\r");
    for friend in ["hans", "luke", "yoda"] {
        demo.wait_for(&format!("{friend}, active since TIME.\r\n"));
    }
    demo.press("BCM hello\r");
    demo.wait_for("BCM \"Hello, obiwan!\" at TIME\r\n");
    demo.press("SRB luke\r");
    demo.wait_for("users in this room:obiwan, luke\r\n");
    demo.press("SRM 1 where are you?\r");
    demo.wait_for("room-1: #2;luke;That is a good question. at TIME\r\n");
    demo.press("OUT\r");
    demo.wait_for("Bye,obiwan\r\n");
    assert_eq!(demo.end(), (Some(0), true));
}

#[test]
fn a_server_that_is_new_is_shown_and_asked_about_once() {
    let tls = tls_server();
    let (folder, file) = password_file(PASSWORD);
    let known = folder.path().join("known_servers");
    let command = || {
        let mut command = toom(&["127.0.0.1", &port(&tls.server), "--tls", "--user", "obiwan"]);
        command.arg("--password-file").arg(&file).arg("--known-servers").arg(&known);
        command
    };
    let mut screen = Screen::open(command());
    screen.wait_for(&format!("  {}\r\n", tls.fingerprint));
    screen.wait_for("Type yes or no:");
    screen.press("y\n");
    screen.wait_for("Type yes or no:");
    screen.press("no\n");
    screen.wait_for(&format!("say --tls-fingerprint {}; or say --ca FILE\r\n", tls.fingerprint));
    assert_eq!(screen.end(), (Some(3), true));
    assert!(!known.exists());

    let mut screen = Screen::open(command());
    screen.wait_for("Type yes or no:");
    screen.press("yes\n");
    screen.wait_for("Welcome to TOOM!");
    screen.wait_until_ready();
    screen.press("OUT\r");
    assert_eq!(screen.end(), (Some(0), true));
    let line = format!("127.0.0.1:{} {}\n", port(&tls.server), tls.fingerprint);
    assert_eq!(std::fs::read_to_string(&known).unwrap(), line);

    let mut screen = Screen::start(command());
    screen.press("OUT\r");
    assert_eq!(screen.end(), (Some(0), true));
}

#[test]
fn commands_users_and_rooms_are_completed() {
    let server = server();
    let _hans = Peer::log_in(&server, "hans");
    let mut obiwan = Screen::log_in(&server, "obiwan");
    obiwan.press("at\t\r");
    obiwan.wait_for("hans, active since TIME.\r\n");
    obiwan.wait_until_ready();
    obiwan.press("srb h\t\r");
    obiwan.wait_for("room ID:1, users in this room:obiwan, hans\r\n");
    obiwan.wait_until_ready();
    obiwan.press("srm \thello\r");
    obiwan.wait_for("Message #1 sent to separate room 1 at TIME\r\n");
    obiwan.press("OUT\r");
    assert_eq!(obiwan.end(), (Some(0), true));
}

#[test]
fn several_lines_that_are_pasted_are_shown_and_sent_as_one_message_after_a_yes() {
    let server = server();
    let mut hans = Peer::log_in(&server, "hans");
    let mut obiwan = Screen::log_in(&server, "obiwan");
    let paste = "\x1b[200~BCM one\r\ntwo\rthree\x1b[201~\r";
    obiwan.press(paste);
    obiwan.wait_for("| BCM one\r\n| two\r\n| three\r\nsend these 3 lines as one message? y or n\r\n");
    obiwan.wait_until_ready();
    obiwan.ask("n", "not sent\r\n");
    obiwan.press(paste);
    obiwan.wait_for("y or n\r\n");
    obiwan.wait_until_ready();
    obiwan.ask("y", "Broadcast message, #1 broadcast at TIME\r\n");
    assert!(hans.line().ends_with(" obiwan one\u{b}two\u{b}three"));
    obiwan.press("OUT\r");
    assert_eq!(obiwan.end(), (Some(0), true));
}

#[test]
fn what_was_typed_is_found_again_in_the_next_run_and_none_but_the_user_can_read_it() {
    use std::os::unix::fs::PermissionsExt as _;

    let server = server();
    let state = tempfile::tempdir().unwrap();
    let log_in = |args: &[&str]| {
        Screen::log_in_with(&port(&server), "obiwan", |command| {
            command.env("XDG_STATE_HOME", state.path()).args(args);
        })
    };
    let mut first = log_in(&[]);
    first.ask("BCM remembered", "#1 broadcast at TIME\r\n");
    first.ask(" BCM forgotten", "#2 broadcast at TIME\r\n");
    first.press("OUT\r");
    assert_eq!(first.end(), (Some(0), true));
    let path = state.path().join("toom").join("history");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let kept = std::fs::read_to_string(&path).unwrap();
    assert!(kept.contains("remembered") && !kept.contains("forgotten") && !kept.contains(PASSWORD), "{kept}");
    let mut second = log_in(&[]);
    second.ask("\x1b[A\x1b[A", "Broadcast message, #3 broadcast at TIME\r\n");
    second.press("OUT\r");
    assert_eq!(second.end(), (Some(0), true));
    let mut third = log_in(&["--no-history"]);
    third.ask("BCM not kept", "#4 broadcast at TIME\r\n");
    third.press("OUT\r");
    assert_eq!(third.end(), (Some(0), true));
    assert!(!std::fs::read_to_string(&path).unwrap().contains("not kept"));
}

#[test]
fn in_color_names_days_and_what_names_the_user_stand_out_and_without_it_nothing_does() {
    let server = server();
    let mut hans = Peer::log_in(&server, "hans");
    let mut obiwan = Screen::log_in_with(&port(&server), "obiwan", |command| {
        command.env_remove("NO_COLOR").arg("--bell");
    });
    let mut luke = Screen::log_in_with(&port(&server), "luke", |command| {
        command.args(["--color", "never", "--bell"]).env_remove("NO_COLOR");
    });
    assert!(hans.ask("BCM obiwan, come").starts_with("OK BCM 1 "));
    obiwan.wait_for("\x1b[2m── ");
    obiwan.wait_for("\x07\x1b[1;");
    obiwan.wait_for("mhans\x1b[0m broadcasted BCM \"\x1b[1;7mobiwan, come\x1b[0m\"\x1b[2m at TIME\x1b[0m");
    luke.wait_for("hans broadcasted BCM \"obiwan, come\" at TIME");
    // What comes next is told, in a colour, behind the cursor.
    obiwan.press("SRM ");
    obiwan.wait_for("\x1b[2m<room> <text>\x1b[0m");
    obiwan.press("\x15OUT\r");
    assert_eq!(obiwan.end(), (Some(0), true));
    luke.press("OUT\r");
    assert_eq!(luke.end(), (Some(0), true));
}

#[test]
fn what_was_posted_since_the_last_run_is_counted_by_room() {
    let server = server();
    let mut hans = Peer::log_in(&server, "hans");
    let state = tempfile::tempdir().unwrap();
    let log_in = || {
        Screen::log_in_with(&port(&server), "obiwan", |command| {
            command.env("XDG_STATE_HOME", state.path()).env_remove("NO_COLOR");
        })
    };
    let mut first = log_in();
    first.ask("SRB hans", "room ID:1, users in this room:obiwan, hans\r\n");
    assert!(hans.line().starts_with("ROOM 1 "));
    assert!(hans.ask("SRM 1 seen").starts_with("OK SRM 1 1 "));
    first.wait_for("seen");
    first.press("OUT\r");
    assert_eq!(first.end(), (Some(0), true));
    for line in ["BCM one", "SRM 1 two", "SRM 1 three"] {
        assert!(hans.ask(line).starts_with("OK "));
    }
    let mut second = Screen::begin(&port(&server), "obiwan", |command| {
        command.env("XDG_STATE_HOME", state.path()).env_remove("NO_COLOR");
    });
    second.wait_for("unread: 1 to everyone (RDM b TIME), 2 in room-1 (RDM 1 TIME)\r\n");
    second.wait_until_ready();
    second.press("OUT\r");
    assert_eq!(second.end(), (Some(0), true));
}

#[test]
fn a_file_is_asked_about_above_the_line_that_is_typed_and_arrives_after_a_yes() {
    let server = server();
    let (there, here) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(here.path().join("my film.mp4"), "moving pictures").unwrap();
    let mut luke = Screen::log_in_with(&port(&server), "luke", |command| {
        command.arg("--download-dir").arg(there.path());
    });
    let mut obiwan = Screen::log_in(&server, "obiwan");
    luke.press("BCM half a sen");
    luke.wait_for("sen");
    obiwan.press(&format!("UPD luke {}/my \t\r", here.path().display()));
    obiwan.wait_for("UPD 1: my film.mp4, 15 B, is offered to luke\r\n");
    luke.wait_for("UPD 1: obiwan offers a file of 15 B, to be saved as obiwan_my film.mp4; ");
    luke.wait_for("BCM half a sen");
    luke.press("\x15UPD\r");
    luke.wait_for("UPD 1: obiwan_my film.mp4 from obiwan, 15 B: UPD ACCEPT 1 or UPD REFUSE 1\r\n");
    luke.wait_until_ready();
    luke.press("UPD ACCEPT 1\r");
    obiwan.wait_for("UPD 1: luke has my film.mp4: 15 B in ");
    luke.wait_for("obiwan_my film.mp4 from obiwan is here: 15 B in ");
    let saved = std::fs::read_to_string(there.path().join("obiwan_my film.mp4")).unwrap();
    assert_eq!(saved, "moving pictures");
    obiwan.ask("UPD", "no file is under way\r\n");
    for mut screen in [obiwan, luke] {
        screen.press("OUT\r");
        assert_eq!(screen.end(), (Some(0), true));
    }
}
