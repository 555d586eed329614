//! `toom` as a process.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};

use super::{PASSWORD, PATIENCE};

/// `toom`, with times in UTC.
pub(crate) fn toom(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_toom"));
    command
        .args(args)
        .env("TZ", "UTC0")
        .env("XDG_CONFIG_HOME", "/nonexistent")
        .env("XDG_STATE_HOME", "/nonexistent")
        .env("NO_COLOR", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// What a run left behind.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs to the end with `input`.
pub(crate) fn ended(mut command: Command, input: &str) -> Ended {
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    // It may end before it has read everything.
    let writing = thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap();
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A `toom` in line mode that runs.
pub(crate) struct Toom {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    stderr: JoinHandle<String>,
}

impl Toom {
    pub(crate) fn start(args: &[&str]) -> Self {
        let mut child = toom(args).spawn().unwrap();
        let (give, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || stdout.lines().all(|line| give.send(line.unwrap()).is_ok()));
        let mut errors = child.stderr.take().unwrap();
        let stderr = thread::spawn(move || {
            let mut told = String::new();
            errors.read_to_string(&mut told).unwrap();
            told
        });
        Self { stdin: child.stdin.take(), child, lines, stderr }
    }

    /// Starts, logs `user` in, and passes over the two lines that say so.
    pub(crate) fn log_in(port: &str, user: &str) -> Self {
        let mut toom = Self::start(&["127.0.0.1", port]);
        toom.say(user);
        toom.say(PASSWORD);
        assert!(toom.line().contains(&format!("; {user};127.0.0.1;0")));
        assert_eq!(toom.line(), "Welcome to TOOM!");
        toom
    }

    /// Types a line.
    pub(crate) fn say(&mut self, line: &str) {
        self.stdin.as_mut().unwrap().write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// The next line that is printed.
    pub(crate) fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).unwrap()
    }

    /// Types a line, and takes the next one that is printed.
    pub(crate) fn ask(&mut self, line: &str) -> String {
        self.say(line);
        self.line()
    }

    /// The program, for a signal.
    #[cfg(unix)]
    pub(crate) fn pid(&self) -> nix::unistd::Pid {
        nix::unistd::Pid::from_raw(self.child.id().try_into().unwrap())
    }

    /// Ends the input, and goes on.
    pub(crate) fn end_input(&mut self) {
        drop(self.stdin.take());
    }

    /// Ends the input, if it has not ended yet, and waits. What is printed until then is the rest.
    pub(crate) fn end(mut self) -> Ended {
        drop(self.stdin.take());
        let stdout = self.lines.iter().map(|line| line + "\n").collect();
        Ended { code: self.child.wait().unwrap().code(), stdout, stderr: self.stderr.join().unwrap() }
    }
}
