//! What the public interface does not show: that nothing is kept longer than needed, what a check costs, what the digest tells.
//! The rules themselves are tested in `tests/it/lockout`.

use core::time::Duration;

use super::*;
use crate::{Attempts, Digest, Limits, Policy};

fn config() -> Config {
    let policy = Policy { attempts: Attempts::new(2).unwrap(), ..Policy::default() };
    Config { policy, ..Config::default() }
}

fn name(name: &str) -> UserName {
    UserName::parse(name).unwrap()
}

fn at(secs: u64) -> Mono {
    Mono::new(Duration::from_secs(secs))
}

fn plain(text: &str) -> Secret {
    Secret::plain(text).unwrap()
}

fn lockout() -> Lockout {
    let mut lockout = Lockout::new(Seed::default());
    lockout.put(name("obiwan"), plain("kenobi"));
    lockout
}

impl Lockout {
    fn begin_from(&mut self, user: &str, source: u128, now: Mono) -> Challenge {
        self.begin(&name(user), Source::new(source), &config(), now).unwrap()
    }

    fn guess(&mut self, user: &str, source: u128, verdict: Verdict, now: Mono) {
        let challenge = self.begin_from(user, source, now);
        // The tests look at what is kept, not at the answer.
        let _ = self.finish(&challenge, verdict, &config(), now);
    }

    fn state(&self) -> Digest {
        let mut canonical = Canonical::new(Seed::default());
        self.digest(&mut canonical);
        canonical.digest()
    }

    /// Counts of strangers, budgets, guesses under way.
    fn kept(&self) -> (usize, usize, usize) {
        (self.nobodies.len(), self.budgets.len(), self.in_flight.len())
    }
}

/// Catches: `account` finds nobody, or shows the name as it was asked for; `put` adds an account beside the one there is.
#[test]
fn an_account_is_found_by_any_spelling_and_shown_as_it_was_put_in_last() {
    let mut lockout = lockout();
    let shown = |lockout: &Lockout, user| lockout.account(&name(user)).map(|shown| shown.as_str().to_owned());
    assert_eq!(shown(&lockout, "OBIWAN").as_deref(), Some("obiwan"));
    lockout.put(name("Obiwan"), plain("kenobi"));
    assert_eq!(shown(&lockout, "OBIWAN").as_deref(), Some("Obiwan"));
    assert_eq!(lockout.accounts().count(), 1);
    assert_eq!(shown(&lockout, "luke"), None);
}

/// Catches: `tidy` or `tidy_budget` does nothing; `is_idle` or `is_full` is never true; `in_flight` is not emptied.
#[test]
fn what_is_over_is_not_kept() {
    let mut lockout = lockout();
    for user in ["obiwan", "nobody"] {
        let challenge = lockout.begin_from(user, 1, at(0));
        lockout.withdraw(&challenge, &config(), at(0));
    }
    lockout.guess("obiwan", 1, Verdict::Right, at(0));
    assert_eq!(lockout.kept(), (0, 0, 0));
}

/// Catches: `tidy` removes a count while a failure of it stands, or a check is under way.
#[test]
fn what_counts_is_kept() {
    let mut lockout = lockout();
    lockout.guess("nobody", 1, Verdict::Wrong, at(0));
    assert_eq!(lockout.kept(), (1, 1, 0));
    let one = lockout.begin_from("someone", 2, at(0));
    let two = lockout.begin_from("someone", 2, at(0));
    assert_eq!(lockout.kept(), (2, 2, 2));
    lockout.withdraw(&one, &config(), at(0));
    assert_eq!(lockout.kept(), (2, 2, 1));
    lockout.withdraw(&two, &config(), at(0));
    assert_eq!(lockout.kept(), (1, 1, 0));
}

/// Catches: budgets that were earned back are kept until the source fails again.
#[test]
fn asking_a_budget_that_was_earned_back_frees_it() {
    let mut lockout = lockout();
    lockout.guess("nobody", 1, Verdict::Wrong, at(0));
    lockout.guess("nobody", 1, Verdict::Wrong, at(0));
    assert_eq!(lockout.kept(), (1, 1, 0));
    let refused = lockout.begin(&name("nobody"), Source::new(1), &config(), at(4));
    assert_eq!(refused.unwrap_err(), LoginError::Blocked { left: Duration::from_secs(6) });
    assert_eq!(lockout.kept(), (1, 0, 0));
}

/// Somebody who guesses goes through names and addresses and does not come back to them.
///
/// Catches: `sweep` stays where it is, looks only behind its hand, or frees nothing.
#[test]
fn blocks_and_budgets_that_are_over_are_forgotten_while_others_log_in() {
    let mut lockout = lockout();
    for source in 0..100 {
        lockout.guess(&format!("nobody{source}"), source, Verdict::Wrong, at(0));
        lockout.guess(&format!("nobody{source}"), source, Verdict::Wrong, at(0));
    }
    assert_eq!(lockout.kept(), (100, 100, 0));
    for _ in 0..50 {
        lockout.guess("obiwan", 0, Verdict::Right, at(3600));
    }
    assert_eq!(lockout.kept(), (0, 0, 0));
}

/// Catches: `sweep` frees a count that still counts: a failure, a block, a check under way, a budget half earned back.
#[test]
fn what_still_counts_is_kept_while_others_log_in() {
    let mut lockout = lockout();
    lockout.guess("failed", 1, Verdict::Wrong, at(0));
    lockout.guess("blocked", 2, Verdict::Wrong, at(0));
    lockout.guess("blocked", 2, Verdict::Wrong, at(0));
    let under_way = lockout.begin_from("checked", 3, at(0));
    for secs in [0, 1, 1, 1, 1] {
        lockout.guess("obiwan", 4, Verdict::Right, at(secs));
    }
    assert_eq!(lockout.kept(), (3, 3, 1));
    for _ in 0..5 {
        lockout.guess("obiwan", 4, Verdict::Right, at(9));
    }
    assert_eq!(lockout.kept(), (3, 0, 1), "all budgets are earned back");
    lockout.withdraw(&under_way, &config(), at(9));
    for _ in 0..5 {
        lockout.guess("obiwan", 4, Verdict::Right, at(10));
    }
    assert_eq!(lockout.kept(), (1, 0, 0), "the failure counts until the name is blocked");
}

/// Names and sources come from outside and are as many as somebody likes; a table has 65,536 places.
///
/// Catches: the tables are kept by name and source instead of by place.
#[test]
fn a_hundred_thousand_names_and_sources_take_no_more_than_65_536_places() {
    let mut lockout = lockout();
    for number in 0..100_000_u128 {
        let canonical = lockout.cell(|canonical| canonical.number(number));
        lockout.nobodies.get_or(canonical, Counter::default);
        lockout.budget(Source::new(number), at(0)).spend();
    }
    let (nobodies, budgets, _) = lockout.kept();
    assert!((50_000..=65_536).contains(&nobodies), "{nobodies}");
    assert!((50_000..=65_536).contains(&budgets), "{budgets}");
}

/// Sources that have guesses under way are not forgotten for others, so the list must not grow either.
///
/// Catches: `make_room` says that there is room where nothing can be forgotten; a source is kept for a failure on record.
#[test]
fn no_more_sources_are_familiar_than_the_limit_says() {
    let mut lockout = lockout();
    let limits = Limits { familiar_sources_max: 2, ..Limits::default() };
    let config = Config { limits, ..config() };
    let guess = |lockout: &mut Lockout, source, verdict| {
        let challenge = lockout.begin(&name("obiwan"), Source::new(source), &config, at(0)).unwrap();
        lockout.finish(&challenge, verdict, &config, at(0)).is_ok()
    };
    let familiar = |lockout: &mut Lockout| {
        let account = lockout.accounts.get_mut(&name("obiwan")).unwrap();
        let familiar = |source| account.familiar(Source::new(source), &config, at(0)).is_some();
        (1..=4).map(familiar).collect::<Vec<_>>()
    };
    for source in [1, 2, 3] {
        assert!(guess(&mut lockout, source, Verdict::Right));
    }
    assert_eq!(familiar(&mut lockout), [false, true, true, false]);
    let under_way =
        [2, 3].map(|source| lockout.begin(&name("obiwan"), Source::new(source), &config, at(0)).unwrap());
    assert!(guess(&mut lockout, 4, Verdict::Right));
    assert_eq!(familiar(&mut lockout), [false, true, true, false]);
    for challenge in under_way {
        assert!(lockout.finish(&challenge, Verdict::Wrong, &config, at(0)).is_err());
    }
    assert!(guess(&mut lockout, 4, Verdict::Right));
    assert_eq!(familiar(&mut lockout), [false, false, true, true], "a failure alone holds no place");
}

/// A source whose last login is too long ago stays familiar while it is blocked, and not a microsecond longer.
///
/// Catches: `>` in `is_held` becomes `>=`; a source that is blocked is forgotten, and so gets fresh attempts.
#[test]
fn a_source_is_forgotten_in_the_microsecond_in_which_its_block_ends() {
    let mut lockout = lockout();
    let limits = Limits { familiar_for: Duration::from_secs(5), ..Limits::default() };
    let config = Config { limits, ..config() };
    for verdict in [Verdict::Right, Verdict::Wrong, Verdict::Wrong] {
        let challenge = lockout.begin(&name("obiwan"), Source::new(1), &config, at(0)).unwrap();
        let _ = lockout.finish(&challenge, verdict, &config, at(0));
    }
    let account = lockout.accounts.get_mut(&name("obiwan")).unwrap();
    let mut is_familiar = |micros| {
        account.familiar(Source::new(1), &config, Mono::new(Duration::from_micros(micros))).is_some()
    };
    assert!(is_familiar(9_999_999));
    assert!(!is_familiar(10_000_000));
}

/// Catches: the cost of a name that nobody bears is not the one of the costliest account there is, such as one that was replaced;
/// `forget_cost` does not count, or forgets a cost that another account still has.
#[test]
fn a_name_that_nobody_bears_costs_as_much_as_the_costliest_account() {
    let mut lockout = lockout();
    let cost = |lockout: &mut Lockout| {
        let challenge = lockout.begin_from("nobody", 1, at(0));
        lockout.withdraw(&challenge, &config(), at(0));
        challenge.cost
    };
    let hash = |salt| Secret::hash_at_cost(&Password::new("kenobi"), [salt; 16], Cost::CHEAPEST).unwrap();
    let costly =
        Secret::parse("$argon2id$v=19$m=16,t=1,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA");
    let costly = costly.unwrap();
    assert_eq!(cost(&mut lockout), None);
    lockout.put(name("luke"), hash(1));
    lockout.put(name("hans"), hash(2));
    assert_eq!(cost(&mut lockout), Some(Cost::CHEAPEST));
    lockout.put(name("hans"), costly.clone());
    assert_eq!(cost(&mut lockout), costly.cost());
    assert_ne!(cost(&mut lockout), Some(Cost::CHEAPEST));
    lockout.put(name("hans"), plain("solo"));
    assert_eq!(cost(&mut lockout), Some(Cost::CHEAPEST));
    lockout.put(name("hans"), hash(3));
    lockout.remove(&name("luke")).unwrap();
    assert_eq!(cost(&mut lockout), Some(Cost::CHEAPEST));
    lockout.remove(&name("hans")).unwrap();
    assert_eq!(cost(&mut lockout), None);
}

/// Each of these states differs from the others in one thing.
///
/// Catches: a `digest` leaves something out.
#[test]
fn states_that_differ_in_one_thing_have_different_digests() {
    let states: [fn(&mut Lockout); 20] = [
        |_| (),
        |lockout| lockout.put(name("Obiwan"), plain("kenobi")),
        |lockout| lockout.put(name("obiwan"), plain("other")),
        |lockout| lockout.put(name("luke"), plain("kenobi")),
        |lockout| lockout.remove(&name("obiwan")).unwrap(),
        |lockout| {
            lockout.remove(&name("obiwan")).unwrap();
            lockout.put(name("obiwan"), plain("kenobi"));
        },
        |lockout| drop(lockout.begin_from("obiwan", 1, at(1))),
        |lockout| drop(lockout.begin_from("obiwan", 2, at(1))),
        |lockout| drop(lockout.begin_from("obiwan", 1, at(2))),
        |lockout| drop(lockout.begin_from("nobody", 1, at(1))),
        |lockout| drop(lockout.begin_from("no_one", 1, at(1))),
        |lockout| lockout.guess("obiwan", 1, Verdict::Wrong, at(1)),
        |lockout| lockout.guess("obiwan", 2, Verdict::Wrong, at(1)),
        |lockout| lockout.guess("obiwan", 1, Verdict::Wrong, at(2)),
        |lockout| lockout.guess("nobody", 1, Verdict::Wrong, at(1)),
        |lockout| lockout.guess("obiwan", 1, Verdict::Right, at(1)),
        |lockout| lockout.guess("obiwan", 2, Verdict::Right, at(1)),
        |lockout| lockout.guess("obiwan", 1, Verdict::Right, at(2)),
        |lockout| (0..2).for_each(|_| lockout.guess("obiwan", 1, Verdict::Wrong, at(1))),
        |lockout| (1..3).for_each(|second| lockout.guess("obiwan", 1, Verdict::Wrong, at(second))),
    ];
    let digests = states.map(|change| {
        let mut lockout = lockout();
        change(&mut lockout);
        lockout.state()
    });
    for (number, digest) in digests.iter().enumerate() {
        let same = digests.iter().position(|other| other == digest);
        assert_eq!(same, Some(number), "states {same:?} and {number}");
    }
}

/// The same account, count by count: what was done to it shows in its own digest, not only in the tables beside it.
///
/// Catches: `Account::digest`, `Counter::digest`, `Budget::digest` or `Counted::digest` writes nothing.
#[test]
fn each_part_of_the_state_shows_in_its_own_digest() {
    fn digest(write: impl Fn(&mut Canonical)) -> Digest {
        let mut canonical = Canonical::new(Seed::default());
        write(&mut canonical);
        canonical.digest()
    }
    let (mut before, mut after) = (lockout(), lockout());
    after.guess("obiwan", 1, Verdict::Wrong, at(1));
    let account = |lockout: &mut Lockout| lockout.accounts.get(&name("obiwan")).unwrap().clone();
    let (old, new) = (account(&mut before), account(&mut after));
    assert_ne!(digest(|into| old.digest(into)), digest(|into| new.digest(into)));
    assert_ne!(digest(|into| old.strangers.digest(into)), digest(|into| new.strangers.digest(into)));
    let full = Budget::full(at(1));
    let mut spent = full;
    spent.spend();
    assert_ne!(digest(|into| full.digest(into)), digest(|into| spent.digest(into)));
    let (incarnation, secret_version) = (0, 0);
    let counted = [
        Counted::Nobody,
        Counted::Stranger { incarnation, secret_version },
        Counted::Stranger { incarnation: 1, secret_version },
        Counted::Stranger { incarnation, secret_version: 1 },
        Counted::Familiar { incarnation, secret_version },
        Counted::Familiar { incarnation: 1, secret_version },
        Counted::Familiar { incarnation, secret_version: 1 },
    ];
    let digests = counted.map(|counted| digest(|into| counted.digest(into)));
    let distinct: std::collections::BTreeSet<_> = digests.iter().collect();
    assert_eq!(distinct.len(), counted.len());
}

/// Catches: the work that is done for nothing beside hashed passwords decides who is right.
#[test]
fn beside_hashed_passwords_a_plain_one_is_as_right_as_before_and_nobodys_never_is() {
    let mut lockout = lockout();
    let hashed = Secret::hash_at_cost(&Password::new("leia"), [7; 16], Cost::CHEAPEST).unwrap();
    lockout.put(name("luke"), hashed);
    let long = "x".repeat(2 * Password::BYTES_MAX);
    for (user, password, verdict) in [
        ("obiwan", "kenobi", Verdict::Right),
        ("obiwan", "leia", Verdict::Wrong),
        ("luke", "leia", Verdict::Right),
        ("luke", &long, Verdict::Wrong),
        ("nobody", "leia", Verdict::Wrong),
        ("nobody", "nobody has this account", Verdict::Wrong),
        ("nobody", &long, Verdict::Wrong),
    ] {
        let challenge = lockout.begin_from(user, 1, at(0));
        assert_eq!(challenge.work(), Work::Slow, "{user}");
        assert_eq!(challenge.verify(&Password::new(password)), verdict, "{user}");
        lockout.withdraw(&challenge, &config(), at(0));
    }
}

/// Catches: `make_familiar` does without `forget_familiar`.
#[test]
fn a_source_that_is_familiar_again_after_too_long_begins_with_no_failures() {
    let familiar_for = Duration::from_secs(2);
    let config = Config { limits: Limits { familiar_for, ..Limits::default() }, ..config() };
    let (mut lockout, home) = (lockout(), Source::new(1));
    let begin = |lockout: &mut Lockout, now| lockout.begin(&name("obiwan"), home, &config, now);
    let slow = begin(&mut lockout, at(0)).unwrap();
    for verdict in [Verdict::Right, Verdict::Wrong] {
        let challenge = begin(&mut lockout, at(0)).unwrap();
        assert_eq!(lockout.finish(&challenge, verdict, &config, at(0)).is_ok(), verdict == Verdict::Right);
    }
    lockout.finish(&slow, Verdict::Right, &config, at(2)).unwrap();
    let both = [begin(&mut lockout, at(2)), begin(&mut lockout, at(2))];
    assert!(both.iter().all(Result::is_ok), "{both:?}");
}
