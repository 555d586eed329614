//! How long the answers to guesses take, for names that are known and names that are not.

use super::*;

/// A hash that is checked in less than a tenth of a millisecond, so that a difference beside it shows. Nobody knows its password.
const HASH: &str = "$argon2id$v=19$m=64,t=1,p=1$c29tZSByYW5kb20gc2E$aGFzaCBvZiBhIHBhc3N3b3Jk";
/// What no noise brings about.
const ALARM: f64 = 10.0;

/// How many names of each kind are tried.
fn tries() -> usize {
    if std::env::var_os("TOOM_LONG").is_some() { 10_000 } else { 1000 }
}

/// Microseconds.
type Times = Vec<f64>;

/// The quicker half in order: without what other programs did meanwhile. The last is the median.
fn quicker_half(mut times: Times) -> Times {
    times.sort_by(f64::total_cmp);
    times.truncate(times.len() / 2);
    times
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand")]
fn mean_and_its_variance(times: &Times) -> (f64, f64) {
    let count = times.len() as f64;
    let mean = times.iter().sum::<f64>() / count;
    let squares = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>();
    (mean, squares / (count - 1.0) / count)
}

/// Welch's t: by how many times the uncertainty of their means two samples differ.
fn welch(one: &Times, other: &Times) -> f64 {
    let ((one, of_one), (other, of_other)) = (mean_and_its_variance(one), mean_and_its_variance(other));
    (one - other) / (of_one + of_other).sqrt()
}

fn micros(peer: &mut Peer, name: &str, expected: &str) -> f64 {
    let begun = Instant::now();
    let answer = peer.ask(&format!("LOGIN {name} wrong"));
    let took = begun.elapsed().as_secs_f64() * 1e6;
    assert!(answer.starts_with(expected), "{answer}");
    took
}

/// Guesses at names of both kinds, one after the other in an order that changes; what comes before them warms both up.
fn guess_both(peer: &mut Peer, number: usize, expected: &str, (known, unknown): &mut (Times, Times)) {
    let mut guess = |kind: &str| micros(peer, &format!("{kind}{number}"), expected);
    guess("warm");
    if (number * 7919 / 8).is_multiple_of(2) {
        known.push(guess("known"));
        unknown.push(guess("other"));
    } else {
        unknown.push(guess("other"));
        known.push(guess("known"));
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
    let (mut open, mut blocked) = <((Times, Times), (Times, Times))>::default();
    // Some unknown names share a count, so none is blocked before all had one guess. A peer has a limited time to log in.
    for number in 0..tries() {
        guess_both(&mut server.connect(), number, "ERR LOGIN bad-credentials ", &mut open);
    }
    for number in 0..tries() {
        let mut peer = server.connect();
        for kind in ["warm", "known", "other"].into_iter().cycle().take(3 * 5) {
            micros(&mut peer, &format!("{kind}{number}"), "ERR LOGIN ");
        }
        guess_both(&mut peer, number, "ERR LOGIN blocked ", &mut blocked);
    }
    for (when, (known, unknown)) in [("open", open), ("blocked", blocked)] {
        let (known, unknown) = (quicker_half(known), quicker_half(unknown));
        let t = welch(&known, &unknown);
        let told = format!("{when}: medians {:?} and {:?} µs, t {t:.1}", known.last(), unknown.last());
        println!("{told}");
        assert!(t.abs() < ALARM, "{told}");
    }
}
