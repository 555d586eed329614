//! Wall clocks that jump and run away under a server, by `faketime`. The monotonic clock goes on as it is.

use std::path::PathBuf;

use super::*;
use crate::toomd::ledger::texts_of;

const BLOCK: Duration = Duration::from_secs(2);

/// The library that `faketime` puts before the C library.
fn library() -> PathBuf {
    let systems = fs::read_dir("/usr/lib").unwrap().map(|entry| entry.unwrap().path());
    let paths = systems.map(|system| system.join("faketime/libfaketimeMT.so.1"));
    paths.into_iter().find(|path| path.exists()).expect("faketime is installed")
}

/// Sets the clock of the server in this folder; it looks there each time.
fn set_clock(folder: &TempDir, clock: &str) {
    // As a whole, for it is read at any time.
    let (new, at) = (folder.path().join("clock.new"), folder.path().join("clock"));
    fs::write(&new, format!("{clock}\n")).unwrap();
    fs::rename(new, at).unwrap();
}

fn start(folder: TempDir, words: &[&str]) -> Toomd {
    let mut toomd = command(&folder, &[&["0"], words].concat());
    toomd.env("LD_PRELOAD", library()).env("FAKETIME_TIMESTAMP_FILE", folder.path().join("clock"));
    toomd.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    Toomd::started(toomd.spawn().unwrap(), folder)
}

/// Number and time of the answer to a post.
fn post(peer: &mut Peer) -> (u64, String) {
    let answer = peer.ask("BCM hello");
    let words: Vec<_> = answer.split(' ').collect();
    assert_eq!(words[..2], ["OK", "BCM"], "{answer}");
    (words[2].parse().unwrap(), words[3].to_owned())
}

#[test]
fn times_rise_and_numbers_have_no_gap_whatever_the_wall_clock_does() {
    if !asked() {
        return;
    }
    let folder = folder("luke pw\n");
    set_clock(&folder, "+0");
    let mut server = start(folder, &[]);
    let (mut last, mut days) = ((0, String::new()), Vec::new());
    // A day back, a day on, a day earlier after a restart, and twice as fast. Whether the server is restarted with that clock.
    let clocks = [
        ("+0", false),
        ("-86400", false),
        ("+86400", false),
        ("+0", true),
        ("-86400", true),
        ("+0 x2", false),
    ];
    for (clock, restarts) in clocks {
        set_clock(&server.folder, clock);
        if restarts {
            server = start(server.stop("KILL"), &[]);
        }
        let mut luke = server.log_in("luke");
        for _ in 0..20 {
            let posted = post(&mut luke);
            assert_eq!(posted.0, last.0 + 1, "{clock}");
            assert!(posted.1 > last.1, "{clock}: {} after {}", posted.1, last.1);
            last = posted;
        }
        days.push(last.1[..10].to_owned());
        // Numbers without gaps and times that rise, in what is read as well.
        assert_eq!(texts_of(&mut luke, "b", 0).len() as u64, last.0, "{clock}");
        let since = format!("RDM b {}", last.1);
        assert_eq!(luke.ask(&since), "OK RDM 0", "{clock}: nothing is later than the last");
    }
    assert_eq!(days[0], days[1], "a clock that is put back is not followed");
    assert!(days[2] > days[1], "a clock that is put on is followed: {days:?}");
    assert!(days[3..].iter().all(|day| *day == days[2]), "{days:?}");

    // What is posted is later than a login that was told of, also if nothing was posted between and the clock was put back.
    set_clock(&server.folder, "+172800");
    let answer = server.connect().ask("LOGIN luke pw");
    let login = answer.split(' ').nth(3).unwrap().to_owned();
    assert!(answer.starts_with("OK LOGIN ") && login > last.1, "{answer}, behind {last:?}");
    set_clock(&server.folder, "-86400");
    server = start(server.stop("KILL"), &[]);
    let posted = post(&mut server.log_in("luke"));
    assert!(posted.1 > login, "{posted:?}, behind a login of {login}");
}

#[test]
fn a_block_lasts_as_long_as_it_should_whatever_the_wall_clock_does() {
    if !asked() {
        return;
    }
    for clock in ["-86400", "+86400", "+0 x2"] {
        let folder = folder("luke pw\n");
        set_clock(&folder, "+0");
        let server = start(folder, &["1", "--block", "2s"]);
        let mut peer = server.connect();
        let begun = Instant::now();
        assert!(peer.ask("LOGIN luke wrong").starts_with("ERR LOGIN bad-credentials "));
        let blocked = Instant::now();
        set_clock(&server.folder, clock);
        while peer.ask("LOGIN luke pw").starts_with("ERR LOGIN blocked ") {
            std::thread::sleep(Duration::from_millis(5));
        }
        let (least, most) = (blocked.elapsed(), begun.elapsed());
        assert!(most >= BLOCK, "{clock}: it ended after {most:?}");
        assert!(least < BLOCK + Duration::from_secs(1), "{clock}: it lasted {least:?}");
        assert!(peer.ask("PING").starts_with("OK PING"));
    }
}
