//! A program that is killed with SIGKILL in the midst of receiving leaves the whole file under its name, or nothing.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use tempfile::TempDir;
use toom_files::{Inbox, Source, Ticket, Transfer};

use crate::world::{HASTE, MIB, World, content, endpoint};

/// Tells a child process where both folders are.
const FOLDER: &str = "TOOM_TEST_FOLDER";
/// Many kills in place of some.
const LONG: &str = "TOOM_LONG";
const BYTES: usize = 6 * MIB + 5;

/// On its own it is what it says; with a folder in the environment it is the process that is killed.
#[tokio::test]
async fn a_program_that_nobody_kills_receives_the_whole_file() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        eprintln!("begun");
        transfer(folder.as_ref()).await;
        return;
    }
    let folder = folders();
    transfer(folder.path()).await;
    assert_eq!(left(folder.path()), Left::Whole);
}

/// From one folder into the other.
async fn transfer(folder: &Path) {
    let (sender, receiver) = (endpoint(HASTE), endpoint(HASTE));
    let source = Source::open(folder.join("mine/long"), &Transfer::new()).await.unwrap();
    let inbox = Inbox::new(folder.join("downloads"), 1 << 40);
    let ticket = Ticket::fresh();
    let mut expected = receiver.expect(ticket, sender.fingerprint());
    let (sending, receiving, offer) = (Transfer::new(), Transfer::new(), World::offer(&source));
    let arrival = async { inbox.receive(&offer, expected.connection().await, &receiving).await };
    let departure =
        sender.send(receiver.local_addr().unwrap(), receiver.fingerprint(), ticket, &source, &sending);
    let (sent, saved) = tokio::join!(departure, arrival);
    sent.unwrap();
    saved.unwrap();
}

/// A file, and a place for it.
fn folders() -> TempDir {
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    fs::create_dir(folder.path().join("mine")).unwrap();
    fs::create_dir(folder.path().join("downloads")).unwrap();
    fs::write(folder.path().join("mine/long"), content(1, BYTES)).unwrap();
    folder
}

/// What a killed program left of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    Nothing,
    /// Hidden files to go on with.
    Part,
    /// The file, under its name.
    Whole,
}

fn left(folder: &Path) -> Left {
    let names = fs::read_dir(folder.join("downloads")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect::<Vec<_>>();
    let (hidden, shown): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| name.starts_with('.'));
    match (&hidden[..], &shown[..]) {
        ([], []) => Left::Nothing,
        (_, []) => Left::Part,
        (_, [name]) => {
            assert_eq!(name, "yoda_long");
            let received = fs::read(folder.join("downloads/yoda_long")).unwrap();
            assert!(received == content(1, BYTES), "{} bytes are there, and not those", received.len());
            Left::Whole
        }
        (_, more) => panic!("{more:?}"),
    }
}

/// This test binary, receiving the file once, and the moment when it began.
fn child(folder: &Path) -> (Child, Instant) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "killed::a_program_that_nobody_kills_receives_the_whole_file", "--nocapture"]);
    command.env(FOLDER, folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "begun\n");
    (child, Instant::now())
}

#[test]
fn a_program_killed_while_it_receives_leaves_the_whole_file_or_none_and_goes_on_with_what_it_has() {
    let kills = if std::env::var_os(LONG).is_some() { 1000 } else { 20 };
    let folder = folders();
    let (mut whole, begun) = child(folder.path());
    assert!(whole.wait().unwrap().success());
    let mut takes = begun.elapsed();
    let (mut parts, mut wholes) = (0, 0);
    for kill in 0..kills {
        if left(folder.path()) == Left::Whole {
            // It is kept under another name when it comes again, so the next one has an empty place.
            fs::remove_file(folder.path().join("downloads/yoda_long")).unwrap();
        }
        let (mut killed, _) = child(folder.path());
        // All moments of a transfer, and some behind it.
        std::thread::sleep(takes.mul_f64(f64::from(kill * 619 % 1000) / 900.0));
        killed.kill().unwrap();
        killed.wait().unwrap();
        match left(folder.path()) {
            // Too early, on a machine that has become slower; or too late.
            Left::Nothing => takes = takes.mul_f64(1.2),
            Left::Part => parts += 1,
            Left::Whole => {
                wholes += 1;
                takes = takes.mul_f64(0.9);
            }
        }
    }
    println!("{kills} kills, within {takes:?} at last: {parts} left a part, {wholes} the file");
    // However quick the machine was meanwhile, one that nobody kills goes on with what is there.
    if left(folder.path()) != Left::Whole {
        assert!(child(folder.path()).0.wait().unwrap().success());
    }
    assert_eq!(left(folder.path()), Left::Whole);
    assert!(parts + wholes > 0, "no kill met a transfer that had begun to write");
}
