//! The end of a server in which something hangs.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

use super::*;

/// The signal's number.
const TERM: i32 = 15;

/// `toomd` in a folder of its own, on a disk that hangs as long as the file `HANG` is there.
fn on_a_slow_disk(words: &[&str]) -> (Command, TempDir) {
    let folder = folder("luke pw\nleia pw\n");
    let library = folder.path().join("hang.so");
    // The linker of every Rust toolchain for this system is a C compiler.
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/toomd/hang.c");
    let made = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source).status();
    assert!(made.unwrap().success(), "cc makes no library");
    let mut toomd = command(&folder, &[&["0"], words].concat());
    toomd.env("LD_PRELOAD", &library);
    (toomd, folder)
}

fn start(words: &[&str]) -> Toomd {
    let (mut toomd, folder) = on_a_slow_disk(words);
    Toomd::started(toomd.spawn().unwrap(), folder)
}

fn hang(folder: &TempDir) {
    fs::write(folder.path().join("HANG"), "").unwrap();
}

/// Posts what the disk does not take.
fn post_in_vain(poster: &mut Peer, other: &mut Peer) {
    poster.0.get_mut().write_all(b"BCM in vain\n").unwrap();
    // It has come before this.
    assert_eq!(other.ask("PING"), "OK PING");
}

/// How it ended, and after how long.
fn end_of(server: &mut Toomd) -> (ExitStatus, Duration) {
    let begun = Instant::now();
    (server.child.wait().unwrap(), begun.elapsed())
}

#[test]
fn a_disk_that_hangs_does_not_keep_a_server_that_is_to_end() {
    let mut server = start(&["--limit", "closing-time=1s"]);
    let (mut luke, mut leia) = (server.log_in("luke"), server.log_in("leia"));
    assert!(leia.ask("BCM one").starts_with("OK BCM 1 "));
    assert!(luke.line().starts_with("MSG b 1 "));
    hang(&server.folder);
    post_in_vain(&mut leia, &mut luke);
    server.signal("TERM");
    assert_eq!(luke.line(), "BYE shutdown the server shuts down");
    let (status, took) = end_of(&mut server);
    assert_eq!(status.code(), Some(1));
    // The closing time, and ten seconds for what hangs.
    assert!((9..20).contains(&took.as_secs()), "{took:?}");
    assert_eq!(server.said("toomd: the server"), "toomd: the server did not shut down within 11 s");
    assert_eq!(leia.line(), "", "what was not stored was not answered");

    // What was answered is there.
    fs::remove_file(server.folder.path().join("HANG")).unwrap();
    let folder = std::mem::replace(&mut server.folder, tempfile::tempdir().unwrap());
    let again = Toomd::start_in(folder, &[]);
    assert!(again.log_in("luke").ask("RDM b #0").ends_with(" leia one"));
}

#[test]
fn a_second_signal_ends_a_server_whose_disk_hangs_at_once() {
    let mut server = start(&[]);
    let (mut luke, mut leia) = (server.log_in("luke"), server.log_in("leia"));
    hang(&server.folder);
    post_in_vain(&mut leia, &mut luke);
    server.signal("TERM");
    assert_eq!(luke.line(), "BYE shutdown the server shuts down");
    server.signal("TERM");
    let (status, took) = end_of(&mut server);
    assert_eq!(status.signal(), Some(TERM));
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn a_signal_ends_a_server_at_once_that_is_still_opening_its_store() {
    let (mut toomd, folder) = on_a_slow_disk(&["--admin", "./admin"]);
    hang(&folder);
    let mut child = toomd.spawn().unwrap();
    let begun = Instant::now();
    let ready = loop {
        if let Ok(mut operator) = UnixStream::connect(folder.path().join("admin")) {
            operator.write_all(b"GET /readyz HTTP/1.0\r\n\r\n").unwrap();
            let mut answer = String::new();
            operator.read_to_string(&mut answer).unwrap();
            break answer;
        }
        assert!(begun.elapsed() < Duration::from_secs(20));
        std::thread::yield_now();
    };
    assert!(ready.starts_with("HTTP/1.0 503 "), "{ready}");
    let begun = Instant::now();
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    assert_eq!(child.wait().unwrap().signal(), Some(TERM));
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn who_takes_no_diagnostics_does_not_keep_a_server_that_is_to_end() {
    let folder = folder("luke pw\n");
    let (heard, said) = UnixStream::pair().unwrap();
    let mut toomd = command(&folder, &["0", "--limit", "closing-time=1s"]);
    let mut child = toomd.stderr(OwnedFd::from(said.try_clone().unwrap())).spawn().unwrap();
    let mut lines = BufReader::new(heard).lines().map(Result::unwrap);
    let port = lines.find_map(|line| line.strip_prefix("listening on 127.0.0.1:").map(str::to_owned));
    let mut luke =
        TcpStream::connect(("127.0.0.1", port.unwrap().parse().unwrap())).map(BufReader::new).unwrap();
    // Nothing more is taken, so that the answer to a hangup cannot be said.
    said.set_nonblocking(true).unwrap();
    while (&said).write(&[b'x'; 4096]).is_ok() {}
    said.set_nonblocking(false).unwrap();
    for signal in ["-HUP", "-HUP", "-TERM"] {
        let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }
    let mut told = String::new();
    luke.read_to_string(&mut told).unwrap();
    assert!(told.ends_with("\nBYE shutdown the server shuts down\n"), "{told}");
    assert!(child.wait().unwrap().success());
}
