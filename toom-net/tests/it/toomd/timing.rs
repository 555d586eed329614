//! How long the answers to guesses take, for names that are known and names that are not.

use super::*;

/// A hash that is checked in less than a tenth of a millisecond, so that a difference beside it shows. Nobody knows its password.
const HASH: &str = "$argon2id$v=19$m=64,t=1,p=1$c29tZSByYW5kb20gc2E$aGFzaCBvZiBhIHBhc3N3b3Jk";
/// By how many standard deviations one kind may be the slower of the two more often than the other.
const SURPLUS_MAX: f64 = 10.0;
/// The same where there is time for ten times as many.
const LONG_SURPLUS_MAX: f64 = 4.5;
/// What Welch's t may be at most, either way.
const WELCH_MAX: f64 = 10.0;
/// The same where there is time for ten times as many.
const LONG_WELCH_MAX: f64 = 4.5;
/// By how much the medians may differ, as a part of the whole.
const DIFFERENCE_MAX: f64 = 0.05;
/// The same where there is time for ten times as many.
const LONG_DIFFERENCE_MAX: f64 = 0.02;

fn is_long() -> bool {
    std::env::var_os("TOOM_LONG").is_some()
}

/// How many names of each kind are tried.
fn tries() -> usize {
    if is_long() { 10_000 } else { 1000 }
}

/// Microseconds of a guess at a known name, and of the one at an unknown name next to it.
type Pairs = Vec<(f64, f64)>;

/// By how many standard deviations the known names were the slower ones more often than by chance. What else the machine did
/// meanwhile lasted longer than a pair, or hit one of it by chance: both leave this as it is.
#[expect(clippy::cast_precision_loss, reason = "a few thousand")]
fn surplus(pairs: &Pairs) -> f64 {
    let slower = pairs.iter().filter(|(known, unknown)| known > unknown).count() as f64;
    let pairs = pairs.len() as f64;
    (slower - pairs / 2.0) / (pairs / 4.0).sqrt()
}

/// Welch's t of the known names' times against the unknown ones'.
#[expect(clippy::cast_precision_loss, reason = "a few thousand")]
fn welch(pairs: &Pairs) -> f64 {
    let count = pairs.len() as f64;
    let mean_and_error = |time: fn(&(f64, f64)) -> f64| {
        let mean = pairs.iter().map(time).sum::<f64>() / count;
        let squares = pairs.iter().map(|pair| (time(pair) - mean).powi(2)).sum::<f64>();
        (mean, squares / (count - 1.0) / count)
    };
    let (known, known_error) = mean_and_error(|pair| pair.0);
    let (unknown, unknown_error) = mean_and_error(|pair| pair.1);
    (known - unknown) / (known_error + unknown_error).sqrt()
}

/// The time that half of them take less than.
fn median(times: impl Iterator<Item = f64>) -> f64 {
    let mut times = times.collect::<Vec<_>>();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn micros(peer: &mut Peer, name: &str, expected: &str) -> f64 {
    let begun = Instant::now();
    let answer = peer.ask(&format!("LOGIN {name} wrong"));
    let took = begun.elapsed().as_secs_f64() * 1e6;
    assert!(answer.starts_with(expected), "{answer}");
    took
}

/// Guesses at names of both kinds, one after the other in an order that changes; what comes before them warms both up.
fn guess_both(peer: &mut Peer, number: usize, expected: &str) -> (f64, f64) {
    let mut guess = |kind: &str| micros(peer, &format!("{kind}{number}"), expected);
    guess("warm");
    if (number * 7919 / 8).is_multiple_of(2) {
        let known = guess("known");
        (known, guess("other"))
    } else {
        let unknown = guess("other");
        (guess("known"), unknown)
    }
}

/// A difference that shows would tell who has an account.
///
/// Catches: the check of a name that nobody bears is left out, or is a comparison of plain texts beside hashes.
#[test]
fn a_known_name_and_an_unknown_one_are_answered_in_the_same_time_blocked_or_not() {
    let accounts = (0..tries()).map(|number| format!("known{number} {HASH}\nwarm{number} {HASH}\n"));
    let words = ["5", "--memory", "--block", "2h", "--limit", "source-failures=1000000"];
    let server = Toomd::start(&accounts.collect::<String>(), &words);
    let (mut open, mut blocked) = (Pairs::new(), Pairs::new());
    // Some unknown names share a count, so none is blocked before all had one guess. A peer has a limited time to log in.
    for number in 0..tries() {
        open.push(guess_both(&mut server.connect(), number, "ERR LOGIN bad-credentials "));
    }
    for number in 0..tries() {
        let mut peer = server.connect();
        for kind in ["warm", "known", "other"].into_iter().cycle().take(3 * 5) {
            micros(&mut peer, &format!("{kind}{number}"), "ERR LOGIN ");
        }
        blocked.push(guess_both(&mut peer, number, "ERR LOGIN blocked "));
    }
    let (welch_max, surplus_max, difference_max) = if is_long() {
        (LONG_WELCH_MAX, LONG_SURPLUS_MAX, LONG_DIFFERENCE_MAX)
    } else {
        (WELCH_MAX, SURPLUS_MAX, DIFFERENCE_MAX)
    };
    for (when, pairs) in [("open", open), ("blocked", blocked)] {
        let known = median(pairs.iter().map(|(known, _)| *known));
        let unknown = median(pairs.iter().map(|(_, unknown)| *unknown));
        let (ratio, welch, surplus) = (known / unknown, welch(&pairs), surplus(&pairs));
        let told = format!(
            "{when}: {known:.1} and {unknown:.1} µs, a ratio of {ratio:.3}, t = {welch:.1}, {surplus:.1} deviations"
        );
        println!("{told}");
        assert!(welch.abs() < welch_max, "{told}");
        assert!((ratio - 1.0).abs() < difference_max || surplus.abs() < surplus_max, "{told}");
    }
}
