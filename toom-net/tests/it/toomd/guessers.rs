//! Many who guess passwords at once, against the program itself.

use std::sync::atomic::{AtomicBool, Ordering};

use super::hostile::peer_from;
use super::operations::{get, ran};
use super::*;

const GUESSERS: usize = 64;
const ATTEMPTS: u64 = 3;
const BLOCK: Duration = Duration::from_secs(1);
/// For how many blocks they go on.
const BLOCKS: u32 = 4;

/// An account whose password is hashed, so that each check takes its time.
fn hashed(accounts: &str) -> TempDir {
    let folder = folder(accounts);
    assert_eq!(ran(&folder, &["user", "hash"]).0, Some(0));
    folder
}

/// How many checks found a wrong password. None that was started is left out: each is counted when it ends.
fn wrong_passwords(server: &Toomd) -> u64 {
    let metrics = get(server, "/metrics").1;
    let count =
        metrics.lines().find_map(|line| line.strip_prefix("toomd_logins_total{result=\"bad-credentials\"} "));
    count.unwrap().parse().unwrap()
}

/// Guesses until it is told to stop.
fn guess_on(server: &Toomd, stop: &AtomicBool) {
    let mut peer = peer_from(server, [127, 0, 0, 1]);
    while !stop.load(Ordering::Relaxed) {
        let answer = peer.ask("LOGIN luke wrong");
        let refused = answer.starts_with("ERR LOGIN bad-credentials ")
            || answer.starts_with("ERR LOGIN blocked ")
            || answer.starts_with("ERR LOGIN throttled ");
        assert!(refused, "{answer}");
    }
}

#[test]
fn sixty_four_who_guess_one_name_at_once_get_three_checks_a_block_and_keep_the_owner_out_of_nothing() {
    let words = ["--admin", "./admin", "--block", "1s", "--limit", "source-failures=1000000"];
    let server = Toomd::start_in(hashed("luke pw\n"), &words);
    let home = [127, 0, 0, 5];
    let mut session = peer_from(&server, home);
    assert!(session.ask("LOGIN luke pw").starts_with("OK LOGIN "));
    let (begun, stop) = (Instant::now(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let guessers: Vec<_> = (0..GUESSERS).map(|_| scope.spawn(|| guess_on(&server, &stop))).collect();
        while begun.elapsed() < BLOCKS * BLOCK {
            // The session lives on, and from where the account was in before it gets in at once.
            assert_eq!(session.ask("PING"), "OK PING");
            let answer = peer_from(&server, home).ask("LOGIN luke pw");
            assert!(answer.starts_with("OK LOGIN "), "{answer}");
        }
        stop.store(true, Ordering::Relaxed);
        for guesser in guessers {
            guesser.join().unwrap();
        }
    });
    let (took, wrong) = (begun.elapsed(), wrong_passwords(&server));
    let windows = took.as_millis() / BLOCK.as_millis() + 1;
    assert!(u128::from(wrong) <= u128::from(ATTEMPTS) * windows, "{wrong} guesses checked in {took:?}");
    assert!(wrong >= 2 * ATTEMPTS, "they hardly guessed: {wrong}");

    // From elsewhere the owner is in when the block ends.
    let (mut elsewhere, ended) = (peer_from(&server, [127, 0, 0, 9]), Instant::now());
    while !elsewhere.ask("LOGIN luke pw").starts_with("OK LOGIN ") {
        assert!(ended.elapsed() < 3 * BLOCK, "{:?}", ended.elapsed());
        std::thread::yield_now();
    }
    assert_eq!(session.ask("PING"), "OK PING");
}

#[test]
fn password_checks_take_the_memory_of_those_at_once_however_many_there_are() {
    let server = Toomd::start_in(hashed("luke pw\n"), &["--memory", "--limit", "source-failures=100"]);
    let before = server.resident_kib();
    let mut peers = Vec::new();
    for number in 0..20 {
        for (name, answered) in [("luke pw", "OK LOGIN "), (&format!("user{number} pw"), "ERR LOGIN bad-")] {
            let mut peer = server.connect();
            let answer = peer.ask(&format!("LOGIN {name}"));
            assert!(answer.starts_with(answered), "{answer}");
            peers.push(peer);
        }
    }
    // Two at once, 19 MiB each.
    let grown = server.resident_kib() - before;
    assert!(grown < (2 * 19 + 4) * 1024, "{grown} KiB");
}

#[test]
fn a_name_that_is_known_and_one_that_is_not_are_answered_by_the_same_bytes() {
    let server = Toomd::start_in(hashed("luke pw\n"), &["--block", "2h"]);
    // Within a minute; the last word is the seconds that are left of the block.
    let answers = |name: &str| {
        let mut peer = server.connect();
        let guesses = ["wrong", "", "pw ", "pw"].map(|password| {
            let answer = peer.ask(&format!("LOGIN {name} {password}"));
            let Some((text, seconds)) = answer.rsplit_once(' ') else { return answer };
            match seconds.parse::<u32>() {
                Ok(seconds) => {
                    assert!((7140..=7200).contains(&seconds), "{answer}");
                    text.to_owned()
                }
                Err(_) => answer,
            }
        });
        guesses.to_vec()
    };
    let known = answers("luke");
    assert!(known[3].starts_with("ERR LOGIN blocked "), "{known:?}");
    assert_eq!(answers("nobody"), known);
}
