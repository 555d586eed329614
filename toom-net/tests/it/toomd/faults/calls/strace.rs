//! `toomd` under `strace`, which makes calls of the system fail.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

use super::*;

/// One fault: which calls, and what becomes of which of them, in the words of `strace`.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) call: &'static str,
    pub(super) what: String,
}

impl Fault {
    /// The `nth` of these calls of a thread.
    pub(super) fn at(call: &'static str, what: &str, nth: usize) -> Self {
        Self { call, what: format!("{what}:when={nth}") }
    }

    /// The `nth` and all that follow.
    pub(super) fn from(call: &'static str, what: &str, nth: usize) -> Self {
        Self { call, what: format!("{what}:when={nth}+") }
    }

    fn put_under(&self, folder: &TempDir, words: &[&str]) -> Command {
        let mut strace = Command::new("strace");
        // As a process beside it, so that `toomd` is the child whose number, signals and end a test has.
        strace.args(["--daemonize=grandchild", "-f", "-y", "-qq", "-e", "signal=none", "-o", "trace"]);
        strace.args(["-e", &format!("trace={}", self.call)]);
        strace.args(["-e", &format!("inject={}:{}", self.call, self.what)]);
        strace.arg(env!("CARGO_BIN_EXE_toomd")).args(words).current_dir(folder.path()).env("TZ", "UTC");
        strace.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        strace
    }
}

/// What a server that began with a fault came to.
pub(super) enum Begun {
    Serves(Toomd),
    /// It ended before it listened.
    Ended(Ended),
}

/// How a server ended.
pub(super) struct Ended {
    pub(super) folder: TempDir,
    pub(super) status: ExitStatus,
    /// All of standard error.
    pub(super) said: String,
    /// The calls that were watched, a line each.
    pub(super) trace: String,
}

impl Ended {
    /// Whether the fault came to pass.
    pub(super) fn struck(&self) -> bool {
        self.trace.contains("(INJECTED)") || self.status.signal() == Some(9)
    }
}

/// Starts `toomd` under a fault.
pub(super) fn begin(folder: TempDir, fault: &Fault) -> Begun {
    let mut child = fault.put_under(&folder, &["0", "--admin", "./admin"]).spawn().unwrap();
    let talk = BufReader::new(child.stderr.take().unwrap());
    let mut server = Toomd { child, talk, notices: Vec::new(), port: 0, folder };
    loop {
        let mut line = String::new();
        if server.talk.read_line(&mut line).unwrap() == 0 {
            return Begun::Ended(end(server));
        }
        if let Some(port) = line.strip_prefix("listening on 127.0.0.1:") {
            server.port = port.trim_end().parse().unwrap();
            return Begun::Serves(server);
        }
        server.notices.push(line);
    }
}

/// Waits for a server's end, and for that of `strace`.
pub(super) fn end(mut server: Toomd) -> Ended {
    let mut said = server.notices.concat();
    let until = Instant::now() + Duration::from_secs(30);
    let status = loop {
        if let Some(status) = server.child.try_wait().unwrap() {
            break status;
        }
        assert!(Instant::now() < until, "it does not end: {said}");
        std::thread::sleep(Duration::from_millis(2));
    };
    // `strace` has the other end as well.
    server.talk.read_to_string(&mut said).unwrap();
    let folder = std::mem::replace(&mut server.folder, tempfile::tempdir().unwrap());
    let trace = fs::read_to_string(folder.path().join("trace")).unwrap_or_default();
    Ended { folder, status, said, trace }
}
