//! `toomd`, run as a program: what it prints, the signals it obeys, and what it refuses.

mod alone;
mod operations;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

#[cfg(target_os = "linux")]
mod crowd;
mod data;
#[cfg(target_os = "linux")]
mod ending;
#[cfg(target_os = "linux")]
mod faults;
mod files;
#[cfg(target_os = "linux")]
mod full;
#[cfg(target_os = "linux")]
mod guessers;
#[cfg(target_os = "linux")]
mod hostile;
#[cfg(target_os = "linux")]
mod ipv6;
mod killed;
mod ledger;
#[cfg(target_os = "linux")]
mod process;
mod recording;
mod secrets;
mod timing;
mod tls;

/// A running `toomd` in a folder of its own, killed when it is dropped.
struct Toomd {
    child: Child,
    talk: BufReader<ChildStderr>,
    /// Lines on standard error that nobody waited for.
    notices: Vec<String>,
    port: u16,
    folder: TempDir,
}

fn command(folder: &TempDir, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_toomd"));
    command.args(words).current_dir(folder.path()).env("TZ", "UTC");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A folder whose accounts have these lines.
fn folder(accounts: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_accounts(&folder, accounts);
    folder
}

fn write_accounts(folder: &TempDir, accounts: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let file = folder.path().join("credentials.txt");
    fs::write(&file, accounts).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
}

impl Toomd {
    fn start(accounts: &str, words: &[&str]) -> Self {
        Self::start_in(folder(accounts), words)
    }

    fn start_in(folder: TempDir, words: &[&str]) -> Self {
        let child = command(&folder, &[&["0"], words].concat()).spawn().unwrap();
        Self::started(child, folder)
    }

    /// Waits until a `toomd` listens.
    fn started(child: Child, folder: TempDir) -> Self {
        Self::started_with(child, folder, "")
    }

    /// As [`started`](Self::started), where `end` ends the line that tells of the address.
    fn started_with(mut child: Child, folder: TempDir, end: &str) -> Self {
        let talk = BufReader::new(child.stderr.take().unwrap());
        let mut server = Self { child, talk, notices: Vec::new(), port: 0, folder };
        let listening = loop {
            let line = server.line_said("listening on 127.0.0.1:");
            if let Some((_, port)) = line.split_once("listening on 127.0.0.1:") {
                break port.trim_end().strip_suffix(end).unwrap().to_owned();
            }
            server.notices.push(line);
        };
        server.port = listening.parse().unwrap();
        server
    }

    /// The next line on standard error that starts so.
    fn said(&mut self, start: &str) -> String {
        loop {
            let line = self.line_said(start);
            if line.starts_with(start) {
                return line.trim_end().to_owned();
            }
            self.notices.push(line);
        }
    }

    /// The next line on standard error, while `awaited` is.
    fn line_said(&mut self, awaited: &str) -> String {
        let mut line = String::new();
        assert_ne!(self.talk.read_line(&mut line).unwrap(), 0, "toomd ended without a line `{awaited}`");
        line
    }

    fn connect(&self) -> Peer {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut peer = Peer(BufReader::new(stream));
        assert!(peer.line().starts_with("TOOM 1 toomd/"));
        peer
    }

    fn log_in(&self, name: &str) -> Peer {
        let mut peer = self.connect();
        let answer = peer.ask(&format!("LOGIN {name} pw"));
        assert!(answer.starts_with("OK LOGIN "), "{answer}");
        peer
    }

    fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Its exit code, and its lines on standard output without their times.
    fn ended(mut self) -> (Option<i32>, Vec<String>) {
        let mut output = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut output).unwrap();
        (self.child.wait().unwrap().code(), output.lines().map(without_time).collect())
    }
}

impl Drop for Toomd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Someone who types the protocol.
struct Peer(BufReader<TcpStream>);

impl Peer {
    /// The next line without its end; empty at the end of the stream.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn ask(&mut self, request: &str) -> String {
        self.0.get_mut().write_all(format!("{request}\n").as_bytes()).unwrap();
        self.line()
    }
}

/// The line with `<time>` for a time such as `04 Aug 2022 09:02:29`.
fn without_time(line: &str) -> String {
    let is_time = |text: &str| {
        let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        text.len() == 20 && shape.starts_with("00 ") && shape.ends_with(" 0000 00:00:00")
    };
    let found = (0..line.len()).find(|&at| line.get(at..at + 20).is_some_and(is_time));
    found.map_or(line.to_owned(), |at| format!("{}<time>{}", &line[..at], &line[at + 20..]))
}

#[test]
fn the_lines_of_a_chat_are_those_of_the_old_server() {
    let server = Toomd::start("obiwan pw\nluke pw\n", &["--memory"]);
    let mut luke = server.log_in("luke");
    let mut obiwan = server.log_in("obiwan");
    for request in ["BCM hello", "ATU", "SRB luke", "SRM 1 have a nice day", "RDM b #0", "OUT"] {
        let mut answer = obiwan.ask(request);
        while answer.starts_with("ROW ") {
            answer = obiwan.line();
        }
        assert!(answer.starts_with("OK "), "{request}: {answer}");
    }
    assert!(luke.line().starts_with("MSG b 1 "));
    server.signal("TERM");
    let lines = server.ended();
    assert_eq!(lines.0, Some(0));
    assert_eq!(
        lines.1,
        [
            "===== Server is running =====",
            "===== Waiting for connection request from clients...=====",
            "obiwan broadcasted BCM \"hello\" at <time>",
            "obiwan issued ATU command",
            "obiwan issued SRB command: Separate chat room has been created, room ID:1, users in this room:obiwan, luke",
            "obiwan issued a message in separate room 1: #1;<time>;obiwan",
            "RDM command issued from obiwan",
            "obiwan logout",
            "luke logout",
        ]
    );
}

#[test]
fn private_texts_are_shown_to_the_operator_who_asks_for_them() {
    let server = Toomd::start("obiwan pw\nluke pw\n", &["--show-room-texts"]);
    let (_luke, mut obiwan) = (server.log_in("luke"), server.log_in("obiwan"));
    assert!(obiwan.ask("SRB luke").starts_with("OK SRB 1 "));
    assert!(obiwan.ask("SRM 1 one\u{b}two").starts_with("OK SRM "));
    server.signal("INT");
    let (code, lines) = server.ended();
    assert_eq!(code, Some(0));
    let shown = "obiwan issued a message in separate room 1: #1;<time>;obiwan;one\\ntwo";
    assert!(lines.iter().any(|line| line == shown), "{lines:?}");
}

#[test]
fn text_logs_are_readable_copies_in_the_forms_of_the_old_server() {
    let mut server = Toomd::start("obiwan pw\nluke pw\n", &["--text-logs", "logs"]);
    let folder = server.folder.path().join("logs");
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
    let lines = |name: &str| read(name).lines().map(without_time).collect::<Vec<_>>();
    let (_luke, mut obiwan) = (server.log_in("luke"), server.log_in("obiwan"));
    for request in ["BCM hello", "SRB luke", "SRM 1 have\u{b}a nice day", "BCM bye"] {
        assert!(obiwan.ask(request).starts_with("OK "), "{request}");
    }
    let users = ["1; <time>; luke; 127.0.0.1; 0", "2; <time>; obiwan; 127.0.0.1; 0"];
    let until = Instant::now() + Duration::from_secs(20);
    while lines("userlog.txt") != users {
        assert!(Instant::now() < until, "{}", read("userlog.txt"));
        std::thread::yield_now();
    }
    server.signal("TERM");
    assert!(server.child.wait().unwrap().success());
    assert_eq!(lines("messagelog.txt"), ["1; <time>; obiwan; hello", "2; <time>; obiwan; bye"]);
    assert_eq!(lines("SR_1_messagelog.txt"), ["1; <time>; obiwan; have\\na nice day"]);
    assert_eq!(read("userlog.txt"), "", "nobody is there any more");
}

#[test]
fn a_signal_to_end_says_goodbye_to_everyone() {
    for signal in ["TERM", "INT"] {
        let server = Toomd::start("luke pw\n", &[]);
        let mut luke = server.log_in("luke");
        server.signal(signal);
        assert!(luke.line().starts_with("BYE shutdown "), "{signal}");
        assert_eq!(luke.line(), "", "{signal}: the connection is closed");
        assert_eq!(server.ended().0, Some(0), "{signal}");
    }
}

#[test]
fn a_hangup_reads_the_accounts_again_and_spares_open_sessions() {
    let mut server = Toomd::start("luke pw\nleia pw\n", &[]);
    let (mut luke, mut leia) = (server.log_in("luke"), server.log_in("leia"));
    write_accounts(&server.folder, "leia changed\nhans pw\n");
    server.signal("HUP");
    server.said("toomd: read credentials.txt again");
    assert!(luke.line().starts_with("BYE removed "), "whose account is gone is told");
    assert_eq!(luke.line(), "");
    let _hans = server.log_in("hans");
    assert!(server.connect().ask("LOGIN luke pw").starts_with("ERR LOGIN bad-credentials "));
    assert!(server.connect().ask("LOGIN leia changed").starts_with("OK LOGIN "));
    assert_eq!(leia.ask("PING"), "OK PING", "a changed password ends no session");
}

#[test]
fn a_hangup_with_a_broken_account_file_changes_nothing() {
    let mut server = Toomd::start("luke pw\n", &[]);
    write_accounts(&server.folder, "luke\n");
    server.signal("HUP");
    let complaint = server.said("toomd: credentials.txt");
    assert!(
        complaint.contains("line 1") && complaint.ends_with("the accounts stay as they were"),
        "{complaint}"
    );
    let _luke = server.log_in("luke");
}

#[test]
fn attempts_and_block_are_those_of_the_command_line() {
    let server = Toomd::start("luke pw\n", &["1", "--block", "2h"]);
    let mut peer = server.connect();
    assert!(peer.ask("LOGIN luke wrong").starts_with("ERR LOGIN bad-credentials "));
    let blocked = peer.ask("LOGIN luke pw");
    let seconds: u64 = blocked.rsplit(' ').next().unwrap().parse().unwrap();
    assert!(blocked.starts_with("ERR LOGIN blocked ") && (7_100..=7_200).contains(&seconds), "{blocked}");
}

#[test]
fn what_cannot_be_served_is_told_in_one_line() {
    let taken = Toomd::start("luke pw\n", &[]);
    let port = taken.port.to_string();
    let refused = [
        (folder("luke pw\n"), vec![port.as_str()], "cannot listen on 127.0.0.1:"),
        (folder("luke\n"), vec!["0"], "line 1"),
        (tempfile::tempdir().unwrap(), vec!["0"], "toomd user add"),
        (folder("luke pw\n"), vec!["0", "--listen", "0.0.0.0"], "--allow-plain-passwords"),
        (folder(""), vec!["0", "--listen", "0.0.0.0"], "or say --insecure"),
        (folder(""), vec!["0", "--tls-cert", "c.pem", "--tls-key", "k.pem"], "cannot read c.pem: "),
    ];
    for (folder, words, reason) in refused {
        let ran = command(&folder, &words).output().unwrap();
        assert_eq!((ran.status.code(), ran.stdout.as_slice()), (Some(1), &b""[..]), "{words:?}");
        let talk = String::from_utf8(ran.stderr).unwrap();
        assert!(talk.lines().last().unwrap().contains(reason), "{words:?}: {talk}");
    }
}

#[test]
fn an_operator_who_reads_no_lines_stops_nobody() {
    let mut server = Toomd::start("luke pw\nleia pw\n", &["--limit", "posts-per-second=0"]);
    let (mut luke, leia) = (server.log_in("luke"), server.log_in("leia"));
    // Far more than a pipe and the queue hold, with nobody reading standard output.
    let burst = format!("BCM {}\n", "x".repeat(2000)).repeat(50);
    for number in 0..6000 {
        if number % 50 == 0 {
            luke.0.get_mut().write_all(burst.as_bytes()).unwrap();
        }
        let answer = luke.line();
        assert!(answer.starts_with(&format!("OK BCM {} ", number + 1)), "{answer}");
    }
    drop(leia);
    server.signal("TERM");
    server.said("toomd: standard output takes no more lines");
    assert!(server.child.wait().unwrap().success());
}

#[test]
fn whoever_closes_its_output_stops_nobody() {
    let mut server = Toomd::start("luke pw\n", &[]);
    drop(server.child.stdout.take());
    let mut luke = server.log_in("luke");
    for _ in 0..3 {
        assert!(luke.ask("BCM hello").starts_with("OK BCM "));
    }
    luke.0.get_mut().shutdown(Shutdown::Write).unwrap();
    server.signal("TERM");
    assert!(server.child.wait().unwrap().success());
}

#[test]
fn a_limit_of_the_command_line_holds_and_one_that_is_none_is_refused() {
    let server = Toomd::start("luke pw\n", &["--limit", "posts-per-second=1", "--limit", "posts-burst=1"]);
    let mut luke = server.log_in("luke");
    assert!(luke.ask("BCM one").starts_with("OK BCM 1 "));
    assert_eq!(luke.ask("BCM two"), "ERR BCM throttled you post too often; seconds left: 1");
    let refused = command(&server.folder, &["0", "--limit", "post=1"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8(refused.stderr).unwrap().contains("there is no limit `post`"));
}

#[cfg(target_os = "linux")]
mod open_files {
    use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

    use super::*;

    /// Lets a running server have that many files open.
    fn grant(server: &Toomd, files: u64) {
        let pid = Pid::from_raw(server.child.id().try_into().unwrap());
        let limit = Rlimit { current: Some(files), maximum: getrlimit(Resource::Nofile).maximum };
        prlimit(pid, Resource::Nofile, limit).unwrap();
    }

    #[test]
    fn a_server_without_files_neither_spins_nor_harms_who_is_connected_and_goes_on_when_it_has_some() {
        let mut server = Toomd::start("luke pw\nhans pw\n", &[]);
        let (mut luke, hans) = (server.log_in("luke"), server.log_in("hans"));
        grant(&server, server.open_files());
        // The system takes the connection, and the server cannot.
        let mut waiting = Peer(BufReader::new(TcpStream::connect(("127.0.0.1", server.port)).unwrap()));
        server.said("toomd: accepting connections: Too many open files");
        let (before, begun) = (server.ticks(), std::time::Instant::now());
        let mut asked = 0;
        while begun.elapsed() < Duration::from_secs(1) {
            assert_eq!(luke.ask("PING"), "OK PING");
            asked += 1;
            std::thread::sleep(Duration::from_millis(5));
        }
        let used = server.ticks() - before;
        assert!(used < 30 && asked > 20, "{used} ticks of 100 for {asked} requests");
        drop(hans);
        assert!(waiting.line().starts_with("TOOM 1 toomd/"));
        assert_eq!(luke.ask("PING"), "OK PING");
    }

    #[test]
    fn the_soft_limit_is_raised_and_where_the_hard_one_is_too_low_connections_are_fewer() {
        let folder = folder("luke pw\n");
        let words =
            ["-c", "ulimit -Sn 20; ulimit -Hn 40; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_toomd"), "0"];
        let mut toomd = Command::new("sh");
        toomd.args(words).current_dir(folder.path()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut server = Toomd::started(toomd.spawn().unwrap(), folder);
        assert!(
            server
                .notices
                .iter()
                .any(|line| line.contains("40 files open, so 20 connections instead of 10000"))
        );
        let mut peers: Vec<_> = (0..20).map(|_| server.log_in("luke")).collect();
        let mut more = Peer(BufReader::new(TcpStream::connect(("127.0.0.1", server.port)).unwrap()));
        assert!(more.line().starts_with("BYE too-many-connections the server "));
        for peer in &mut peers {
            assert_eq!(peer.ask("PING"), "OK PING");
        }
        assert_eq!(server.child.try_wait().unwrap(), None);
    }
}

#[test]
fn who_reads_in_a_loop_does_not_fill_the_log() {
    let mut server = Toomd::start("luke pw\n", &["--memory"]);
    let mut luke = server.log_in("luke");
    for _ in 0..3000 {
        assert_eq!(luke.ask("ATU"), "OK ATU 0");
    }
    drop(luke);
    server.signal("TERM");
    let told = server.said("toomd: ");
    assert!(told.ends_with(" event lines that say what others said were left out"), "{told}");
    let lines = server.ended().1;
    let listed = lines.iter().filter(|line| *line == "luke issued ATU command").count();
    assert!((100..1000).contains(&listed), "{listed}");
}
