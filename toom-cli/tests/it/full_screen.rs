//! `toom tui` on a pseudo-terminal, with a terminal emulator that says what a person would see.

use core::num::NonZeroU16;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;

use nix::pty::{OpenptyResult, Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{Termios, tcgetattr};
use nix::unistd::Pid;
use toom_net::server::RunningServer;

use crate::support::{PASSWORD, PATIENCE, Peer, Relay, password_file, port, server, toom};

/// `toom tui` on a terminal, and what a person sees there.
struct Screen {
    child: Child,
    keys: File,
    written: Receiver<Vec<u8>>,
    seen: vt100::Parser,
    terminal: OwnedFd,
    before: Termios,
}

impl Screen {
    /// Logs obiwan in, and waits until the screen is there.
    fn log_in(server: &RunningServer, size: (u16, u16)) -> Self {
        Self::log_in_at(&port(server), size)
    }

    fn log_in_at(port: &str, (width, height): (u16, u16)) -> Self {
        let (_folder, file) = password_file(PASSWORD);
        let mut command = toom(&["tui", "127.0.0.1", port, "--user", "obiwan"]);
        command.arg("--password-file").arg(file);
        let mut screen = Self::open(command, width, height);
        screen.wait_for("obiwan at 127.0.0.1");
        screen.wait_for("everyone>");
        screen
    }

    fn open(mut command: Command, width: u16, height: u16) -> Self {
        let size = Winsize { ws_row: height, ws_col: width, ws_xpixel: 0, ws_ypixel: 0 };
        let OpenptyResult { master, slave } = openpty(Some(&size), None).unwrap();
        let before = tcgetattr(&slave).unwrap();
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
        let seen = vt100::Parser::new(nonzero(height), nonzero(width), 0);
        Self { child, keys, written, seen, terminal: slave, before }
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    fn text(&self) -> String {
        self.seen.screen().contents()
    }

    /// Waits until `text` is on the screen.
    fn wait_for(&mut self, text: &str) {
        self.wait_until(text, |screen| screen.contents().contains(text));
    }

    /// Waits until `text` is not on the screen any more.
    fn wait_for_none(&mut self, text: &str) {
        self.wait_until(text, |screen| !screen.contents().contains(text));
    }

    fn wait_until(&mut self, what: &str, holds: impl Fn(&vt100::Screen) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds(self.seen.screen()) {
            let left = deadline.saturating_duration_since(Instant::now());
            let bytes = self.written.recv_timeout(left);
            let bytes = bytes.unwrap_or_else(|_| panic!("{what:?} is not what is seen:\n{}", self.text()));
            self.seen.process(&bytes);
        }
    }

    fn resize(&mut self, width: u16, height: u16) {
        let size = rustix::termios::Winsize { ws_row: height, ws_col: width, ws_xpixel: 0, ws_ypixel: 0 };
        self.seen.screen_mut().set_size(nonzero(height), nonzero(width));
        rustix::termios::tcsetwinsize(self.terminal.as_fd(), size).unwrap();
        // The terminal is not the program's controlling one here, so that the system tells it nothing.
        self.signal(Signal::SIGWINCH);
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    /// Waits for the end, and checks that the terminal is as it was before. Gives the exit code, and what is seen then.
    fn end(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().unwrap().code();
        // The program has gone, and what it wrote last is in the terminal.
        self.wait_until("the screen of before", |screen| !screen.alternate_screen());
        assert_eq!(tcgetattr(&self.terminal).unwrap(), self.before);
        let screen = self.seen.screen();
        assert!(!screen.bracketed_paste() && !screen.hide_cursor());
        drop(self.terminal);
        while let Ok(bytes) = self.written.recv_timeout(PATIENCE) {
            self.seen.process(&bytes);
        }
        (code, self.seen.screen().contents())
    }
}

fn nonzero(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).unwrap()
}

#[test]
fn a_person_talks_on_the_whole_screen_resizes_it_and_gets_the_terminal_back() {
    let server = server();
    let mut hans = Peer::log_in(&server, "hans");
    assert!(hans.ask("BCM before").starts_with("OK BCM 1 "));
    let mut obiwan = Screen::log_in(&server, (80, 24));
    assert!(obiwan.seen.screen().alternate_screen() && obiwan.seen.screen().bracketed_paste());
    obiwan.wait_for("hans: before");
    obiwan.press("hello there\r");
    obiwan.wait_for("obiwan: hello there");
    assert!(hans.line().ends_with(" obiwan hello there"));
    assert!(hans.ask("BCM \u{202e}general").starts_with("OK BCM 3 "));
    obiwan.wait_for("hans: \\u{202e}general");
    assert!(hans.ask("SRB obiwan").starts_with("OK SRB 1 "));
    assert!(hans.ask("SRM 1 psst").starts_with("OK SRM 1 1 "));
    obiwan.wait_for(" room-1: hans  1");
    obiwan.press("\x1b[1;3B");
    obiwan.wait_for("hans: psst");
    obiwan.wait_for("room-1>");
    obiwan.resize(40, 12);
    obiwan.wait_for_none("│");
    obiwan.wait_for("hans: psst");
    obiwan.press("RDM b #0\r");
    obiwan.wait_for("broadcasted BCM");
    obiwan.press("\x1b[200~one\r\ntwo\x1b[201~");
    obiwan.press("\r");
    obiwan.wait_for("send these 2 lines as one message?");
    obiwan.press("y\r");
    assert!(hans.line().ends_with(" obiwan one\u{b}two"));
    obiwan.press("OUT\r");
    let (code, left) = obiwan.end();
    assert_eq!(code, Some(0));
    assert!(left.contains("Bye,obiwan"), "{left}");
}

#[test]
fn what_was_typed_without_a_connection_is_marked_and_sent_once_when_it_is_back() {
    let server = server();
    let relay = Relay::to(server.local_addr());
    let mut obiwan = Screen::log_in_at(&relay.port(), (80, 24));
    let mut hans = Peer::log_in(&server, "hans");
    relay.cut();
    obiwan.wait_for("trying again in");
    obiwan.press("typed meanwhile\r");
    obiwan.wait_for("not sent yet: BCM typed meanwhile");
    assert!(hans.ask("BCM missed").starts_with("OK BCM 1 "));
    relay.mend();
    obiwan.wait_for_none("not sent yet");
    obiwan.wait_for("hans: missed");
    obiwan.wait_for("obiwan: typed meanwhile");
    assert!(hans.line().ends_with(" obiwan typed meanwhile"));
    obiwan.press("\x04");
    assert_eq!(obiwan.end().0, Some(0));
}

#[test]
fn a_signal_ends_it_in_order_and_so_does_ctrl_c() {
    let server = server();
    let obiwan = Screen::log_in(&server, (80, 24));
    obiwan.signal(Signal::SIGTERM);
    assert_eq!(obiwan.end().0, Some(0));
    let mut obiwan = Screen::log_in(&server, (80, 24));
    obiwan.press("\x03");
    assert_eq!(obiwan.end().0, Some(0));
}

#[test]
fn a_server_that_does_not_let_the_user_in_again_ends_it_and_says_why_on_the_screen_of_before() {
    let server = server();
    let obiwan = Screen::log_in(&server, (80, 24));
    server.handle().set_accounts([]);
    let (code, left) = obiwan.end();
    assert_eq!(code, Some(3));
    assert!(left.contains("toom: the server closes the connection: "), "{left}");
}

#[test]
fn without_a_terminal_it_is_wrong_usage() {
    let run = crate::support::ended(toom(&["tui"]), "");
    let told = "toom: tui needs a terminal; without one, leave out tui\n";
    assert_eq!((run.code, run.stderr.as_str(), run.stdout.as_str()), (Some(2), told, ""));
}

/// Set in the process that panics.
const PANICS: &str = "TOOM_TEST_PANICS";

#[test]
fn a_panic_is_told_on_the_screen_of_before() {
    if std::env::var_os(PANICS).is_some() {
        let _screen = toom_cli::tui::screen::Screen::take_over().unwrap();
        std::io::stdin().read_exact(&mut [0]).unwrap();
        panic!("it cannot go on");
    }
    let mut itself = Command::new(std::env::current_exe().unwrap());
    itself.args(["full_screen::a_panic_is_told_on_the_screen_of_before", "--exact", "--nocapture"]);
    itself.env(PANICS, "1").env("RUST_BACKTRACE", "0");
    let mut screen = Screen::open(itself, 80, 24);
    screen.wait_until("the whole screen", vt100::Screen::alternate_screen);
    screen.press("x");
    let (code, left) = screen.end();
    assert_eq!(code, Some(101));
    assert!(left.contains("it cannot go on"), "{left}");
}
