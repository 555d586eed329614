//! Who gets in, who does not, and who waits.

use super::*;

#[test]
fn who_logs_in_while_no_stamp_can_be_kept_gets_in_with_the_last_one_that_was_and_the_trouble_is_told_once() {
    for (how, is_over) in [(FULL, false), (BROKEN, true)] {
        let mut server = Server::with_everyone();
        let kept = at(0).wall.unix_micros() + 1_000_000;
        server.fail.store(how, Ordering::Relaxed);
        for (seconds, troubles) in [(5, 1), (6, usize::from(!is_over))] {
            let wall = Timestamp::from_unix_micros(at(0).wall.unix_micros() + seconds * 1_000_000).unwrap();
            let slot = 10 * u32::try_from(seconds).unwrap();
            let now = Now { wall, ..at(seconds.unsigned_abs()) };
            let inputs = [server.login(slot, "luke", "pw"), server.login(slot + 1, "yoda", "pw")];
            let turn = server.turn(inputs, now);
            let logins = turn.events.iter().filter_map(|event| match event {
                Event::LoggedIn(session) => Some(session.at.unix_micros()),
                _ => None,
            });
            assert_eq!(logins.collect::<Vec<_>>(), [kept; 2]);
            assert_eq!(turn.events.iter().filter(|event| event.is_trouble()).count(), troubles);
            assert_eq!(turn.unreserved.is_some(), troubles > 0);
            assert_eq!(server.engine.metrics().refuses_writes, is_over);
        }
    }
}

#[test]
fn wrong_passwords_are_told_as_the_old_server_told_them() {
    let wrong = "0: ERR LOGIN bad-credentials Invalid Password. Please try again";
    for name in ["nobody", "obiwan"] {
        let mut server = Server::new();
        assert_eq!(server.run([server.login(0, name, "x")]), [wrong]);
        assert_eq!(server.run([server.login(0, name, "x")]), [wrong]);
        let third = server.run([server.login(0, name, "x")]);
        let blocked = "0: ERR LOGIN bad-credentials Invalid Password. Your account has been blocked. Please try again later";
        assert_eq!(third, [blocked]);
        let turn = server.turn([server.login(0, name, "pw")], at(3));
        let left = "0: ERR LOGIN blocked Your account is blocked due to multiple login failures. Please try again later; seconds left: 7";
        assert_eq!(shown(&turn.releases[0]), left);
        let counts = server.engine.metrics();
        assert_eq!((counts.logins_wrong, counts.blocks, counts.logins_blocked), (3, 1, 1));
    }
}

#[test]
fn when_the_block_is_over_the_right_password_is_taken_and_the_name_shown_as_the_account_has_it() {
    let mut server = Server::new();
    server.run([0; 3].map(|slot| server.login(slot, "obiwan", "x")));
    let blocked = server.turn([server.login(0, "obiwan", "pw")], at(9));
    assert!(shown(&blocked.releases[0]).contains(" blocked "));
    let turn = server.turn([server.login(0, "Obiwan", "pw")], at(10));
    let said: Vec<_> = turn.releases.iter().map(shown).collect();
    assert_eq!(said, ["0 is obiwan", "0: OK LOGIN 1 obiwan 192.0.2.1 0"]);
}

#[test]
fn an_address_that_guesses_too_much_is_throttled() {
    let mut config = Config::default();
    config.limits.source_failures_max = core::num::NonZeroU32::MIN;
    let mut server = Server::with(config, |_| Secret::plain("pw").unwrap());
    server.run([server.login(0, "obiwan", "x")]);
    let said = server.run([server.login(0, "luke", "pw")]);
    let throttled = "0: ERR LOGIN throttled too many wrong passwords came from this address; seconds left: 2";
    assert_eq!(said, [throttled]);
    let counts = server.engine.metrics();
    assert_eq!((counts.logins_wrong, counts.logins_throttled, counts.logins), (1, 1, 0));
}

fn hashed(_: &str) -> Secret {
    // The cheapest parameters that there are: the tests want the way, not the work.
    let phc = "$argon2id$v=19$m=8,t=1,p=1$c29tZSByYW5kb20gc2E$";
    let hash = "tZ9pG9g4m1Zk7u9Zz0l7cQ";
    Secret::parse(&format!("{phc}{hash}")).unwrap()
}

#[test]
fn slow_checks_are_run_elsewhere_and_no_more_than_may_be() {
    let mut server = Server::with(Config::default(), hashed);
    let logins: Vec<_> = (0..5).map(|slot| server.login(slot, NAMES[slot as usize % 4], "x")).collect();
    let turn = server.turn(logins, at(0));
    assert_eq!(turn.checks.len(), 3);
    let said: Vec<_> = turn.releases.iter().map(shown).collect();
    let throttled = "ERR LOGIN throttled too many logins are under way; seconds left: 1";
    assert_eq!(said, [format!("3: {throttled}"), format!("4: {throttled}")]);
    let counts = server.engine.metrics();
    assert_eq!((counts.logins_crowded, counts.checks_under_way), (2, 3));
    // The ones that were turned away were not counted as guesses.
    let verdicts: Vec<_> =
        turn.checks.into_iter().map(|check| Input::Checked(check.run(&mut CheckMemory::new()))).collect();
    let said = server.run(verdicts);
    assert!(said.iter().all(|line| line.ends_with("Invalid Password. Please try again")), "{said:?}");
    assert_eq!(server.turn([server.login(3, "yoda", "x")], at(0)).checks.len(), 1);
}

#[test]
fn the_verdict_on_a_peer_that_left_counts_and_leaves_no_session() {
    let mut server = Server::with(Config::default(), hashed);
    let check = server.turn([server.login(0, "obiwan", "x")], at(0)).checks.pop().unwrap();
    let turn = server.turn([Input::Gone(id(0))], at(0));
    assert!(turn.releases.is_empty());
    let right = Checked { verdict: toom_core::Verdict::Right, ..check.run(&mut CheckMemory::new()) };
    let turn = server.turn([Input::Checked(right)], at(0));
    assert!(turn.releases.is_empty() && turn.events.is_empty(), "{turn:?}");
    assert!(server.engine.users.is_empty());
    // Others are not told that obiwan is active.
    let check = server.turn([server.login(1, "luke", "x")], at(0)).checks.pop().unwrap();
    let right = Checked { verdict: toom_core::Verdict::Right, ..check.run(&mut CheckMemory::new()) };
    assert_eq!(server.run([Input::Checked(right)])[0], "1 is luke");
    assert_eq!(server.run([server.ask(1, Operation::ActiveUsers)]), ["1: OK ATU 0"]);
}
