//! Names that nobody bears: nobody can tell them from accounts, and however many there are, they change nothing for accounts.

use core::time::Duration;

use proptest::prelude::*;
use toom_core::{
    Attempts, Config, Engine, Epoch, Limits, LoginError, MemoryStorage, Mono, Now, Policy, Secret, Seed,
    SessionId, Source, Timestamp, UserName, Verdict, Work,
};

use super::schedule::{Party, clocks, configs, default_config, guesses};
use super::world::{NAMES, WRONG, World, name};

proptest! {
    /// One engine has four accounts and the other has none. Whoever does not know a password gets the same answers from both,
    /// whatever he does and whenever he does it.
    ///
    /// Catches: names that nobody bears are not counted; strangers of accounts are counted by source, or in the table too; the budget is
    /// asked for accounts only; `begin` counts failures only.
    #[test]
    fn an_unknown_name_is_answered_like_a_wrong_password(
        config in configs(),
        schedule in prop::collection::vec(
            prop_oneof![3 => guesses(0..NAMES.len(), 0..5, WRONG..WRONG + 1), 1 => clocks()],
            1..120,
        ),
    ) {
        let (mut known, mut unknown) = (World::with_accounts(config, NAMES.len()), World::with_accounts(config, 0));
        for step in &schedule {
            prop_assert_eq!(known.take(Party::Stranger, step), unknown.take(Party::Stranger, step), "{:?}", step);
            prop_assert_eq!(known.engine.next_deadline(), unknown.engine.next_deadline());
        }
    }

    /// A count of a name that nobody bears does not become an account's when the account is made, nor the other way round.
    ///
    /// Catches: a new account takes over the count of its name; strangers of accounts are counted in the table of names; `is_current`
    /// is always true.
    #[test]
    fn an_account_begins_with_a_count_of_its_own(attempts in 1..=5_u8, under_way in 0..=5_u8, before: bool) {
        let mut world = World::with_accounts(default_config(attempts), usize::from(before));
        let begin = |world: &mut World, password| world.begin(Party::Owner, &name(0), 1, password);
        let under_way = under_way.min(attempts);
        let old: Vec<_> = (0..under_way).map(|_| begin(&mut world, 0).unwrap()).collect();
        (under_way..attempts).for_each(|_| {
            let failed = begin(&mut world, WRONG).unwrap();
            world.finish(failed).unwrap_err();
        });
        if before {
            let _ = world.engine.remove_account(&name(0)).unwrap();
        }
        world.put(0, 0, false);
        for number in old {
            let blocked = told(&world.finish(number).unwrap_err());
            // The count of an account that is gone blocks nobody; that of the name may be full.
            prop_assert!(!before || blocked.is_none());
        }
        for number in 1..=attempts {
            let failed = begin(&mut world, WRONG).unwrap();
            let blocked = (number == attempts).then_some(Duration::from_secs(10));
            prop_assert_eq!(told(&world.finish(failed).unwrap_err()), blocked);
        }
    }
}

/// Which block the answer to a wrong password tells of.
fn told(error: &LoginError) -> Option<Duration> {
    let LoginError::WrongPassword { blocked } = error else { unreachable!("it was let in: {error:?}") };
    *blocked
}

fn engine(attempts: u8, seed: [u8; 16]) -> Engine<MemoryStorage> {
    let attempts = Attempts::new(attempts).unwrap();
    let config = Config {
        policy: Policy { attempts, ..Policy::default() },
        limits: Limits::default(),
        seed: Seed::new(seed),
    };
    Engine::open(MemoryStorage::new(Epoch::new(1)), config).unwrap()
}

fn at(micros: u64) -> Now {
    let wall = Timestamp::from_unix_micros(0).unwrap();
    Now { wall, mono: Mono::new(Duration::from_micros(micros)) }
}

fn guess(engine: &mut Engine<MemoryStorage>, name: &UserName, source: u128, now: Now) -> LoginError {
    match engine.begin_login(name, Source::new(source), now) {
        Ok(challenge) => {
            engine.finish_login(challenge, Verdict::Wrong, SessionId::new(1), now).expect_err("it is wrong")
        }
        Err(error) => error,
    }
}

/// Which of 2,000 names, guessed at once each, are refused because they share a place with an earlier one.
fn sharing_a_place(seed: [u8; 16]) -> Vec<u32> {
    let mut engine = engine(1, seed);
    let refused = |number: &u32| {
        let name = UserName::parse(&format!("stranger{number}")).unwrap();
        matches!(guess(&mut engine, &name, (number / 50).into(), at(0)), LoginError::Blocked { .. })
    };
    (0..2_000).filter(refused).collect()
}

/// An account is blocked, and so is a name that nobody bears. Then 20,000 other names are guessed until they are blocked too. Both
/// blocks hold to their last microsecond, and end there.
///
/// Catches: accounts are counted in the table of names; `<=` in `end_block` becomes `<`; a block is shorter than it should be.
#[test]
fn tens_of_thousands_of_unknown_names_push_no_block_out() {
    let mut engine = engine(1, [7; 16]);
    engine.put_account(name(0), Secret::plain("kenobi").unwrap());
    let blocked = Some(Duration::from_secs(10));
    for user in [0, 1] {
        assert_eq!(guess(&mut engine, &name(user), 5, at(0)), LoginError::WrongPassword { blocked });
    }
    for number in 0..20_000_u64 {
        let stranger = UserName::parse(&format!("n{number}")).unwrap();
        guess(&mut engine, &stranger, u128::from(1_000 + number / 40), at(number * 400));
    }
    let (end, left) = (10_000_000, Duration::from_micros(1));
    for user in [0, 1] {
        assert_eq!(guess(&mut engine, &name(user), 5, at(end - 1)), LoginError::Blocked { left });
    }
    for user in [0, 1] {
        assert_eq!(guess(&mut engine, &name(user), 5, at(end)), LoginError::WrongPassword { blocked });
    }
}

/// Of 2,000 names about 30 share one of the 65,536 places; which ones, only who has the seed can tell.
///
/// Catches: `cell` is the same for all names, or does without the seed.
#[test]
fn unknown_names_are_spread_over_the_table_by_the_seed() {
    let (one, other) = (sharing_a_place([1; 16]), sharing_a_place([2; 16]));
    assert!((5..80).contains(&one.len()), "{} of 2,000 share a place", one.len());
    assert_ne!(one, other);
    assert_eq!(one, sharing_a_place([1; 16]));
}

/// Catches: `begin` takes the cost of the account itself; `put` and `remove` do not count the costs of accounts.
#[test]
fn checking_a_name_is_slow_as_long_as_any_account_has_a_hash() {
    let mut world = World::with_accounts(default_config(5), 1);
    let hash = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA";
    let expect = |world: &mut World, work| {
        for (user, shown) in NAMES.iter().enumerate().take(3) {
            let challenge = world.engine.begin_login(&name(user), Source::new(1), world.now()).unwrap();
            assert_eq!(challenge.work(), work, "{shown}");
            world.engine.withdraw_login(challenge, world.now());
        }
    };
    expect(&mut world, Work::Quick);
    world.engine.put_account(name(1), Secret::parse(hash).unwrap());
    expect(&mut world, Work::Slow);
    world.put(1, 0, false);
    expect(&mut world, Work::Quick);
    world.engine.put_account(name(2), Secret::parse(hash).unwrap());
    world.engine.put_account(name(1), Secret::parse(hash).unwrap());
    let _ = world.engine.remove_account(&name(2)).unwrap();
    expect(&mut world, Work::Slow);
    let _ = world.engine.remove_account(&name(1)).unwrap();
    expect(&mut world, Work::Quick);
}
