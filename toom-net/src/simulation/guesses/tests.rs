use core::time::Duration;

use super::*;

fn luke() -> UserName {
    UserName::parse("luke").unwrap()
}

fn notebook() -> Guesses {
    Guesses::new(Config::default(), &ServerLimits::default(), vec![luke()])
}

fn at(micros: u64) -> Mono {
    Mono::new(Duration::from_micros(micros))
}

fn asked(session: u64, host: u8, refusal: Option<(&str, u64)>) -> LoginStep {
    let refusal = refusal.map(|(code, left)| Refusal { code: code.into(), seconds_left: Some(left) });
    LoginStep::Asked { session: SessionId::new(session), user: luke(), ip: [192, 0, 2, host].into(), refusal }
}

fn judged(session: u64, verdict: Verdict) -> LoginStep {
    LoginStep::Judged { session: SessionId::new(session), verdict }
}

/// A notebook in which three strangers were wrong, the last of them at 5 µs.
fn blocked() -> Guesses {
    let mut notebook = notebook();
    for session in 1..=3 {
        notebook.take(asked(session, 100, None), at(session)).unwrap();
        notebook.take(judged(session, Verdict::Wrong), at(session + 2)).unwrap();
    }
    notebook
}

#[test]
fn it_notices_a_fourth_guess_whether_the_others_are_judged_or_under_way() {
    assert!(blocked().take(asked(4, 101, None), at(6)).is_err());

    let mut notebook = notebook();
    (1..=3).for_each(|session| notebook.take(asked(session, 100, None), at(1)).unwrap());
    assert!(notebook.take(asked(4, 101, None), at(1)).is_err());
}

#[test]
fn it_notices_a_block_that_is_a_microsecond_short_or_long() {
    const END: u64 = 10_000_005;
    assert!(blocked().take(asked(4, 100, Some(("blocked", 1))), at(END - 1)).is_ok());
    assert!(blocked().take(asked(4, 100, None), at(END - 1)).is_err());
    assert!(blocked().take(asked(4, 100, None), at(END)).is_ok());
    assert!(blocked().take(asked(4, 100, Some(("blocked", 1))), at(END)).is_err());
}

#[test]
fn it_notices_a_wrong_number_of_seconds() {
    assert!(blocked().take(asked(4, 100, Some(("blocked", 10))), at(6)).is_ok());
    assert!(blocked().take(asked(4, 100, Some(("blocked", 9))), at(6)).is_err());
}

#[test]
fn it_notices_a_success_that_does_not_reset_the_count() {
    let mut notebook = notebook();
    for session in 1..=3 {
        notebook.take(asked(session, 100, None), at(session)).unwrap();
        let verdict = if session == 3 { Verdict::Right } else { Verdict::Wrong };
        notebook.take(judged(session, verdict), at(session)).unwrap();
    }
    notebook.opens(SessionId::new(3), &luke()).unwrap();
    assert!(notebook.opens(SessionId::new(2), &luke()).is_err());
    (4..=6).for_each(|session| notebook.take(asked(session, 101, None), at(9)).unwrap());
    assert!(notebook.take(asked(7, 101, None), at(9)).is_err());
    // From where somebody logged in, strangers' guesses count for nothing.
    assert!(notebook.take(asked(8, 100, Some(("blocked", 10))), at(9)).is_err());
}

#[test]
fn a_password_that_nobody_judges_in_time_was_wrong_when_its_time_was_over() {
    let mut notebook = notebook();
    (1..=3).for_each(|session| notebook.take(asked(session, 100, None), at(0)).unwrap());
    assert!(notebook.take(asked(4, 100, Some(("blocked", 4))), at(66_000_000)).is_ok());
    assert!(notebook.take(asked(4, 100, None), at(70_000_000)).is_ok());
}
