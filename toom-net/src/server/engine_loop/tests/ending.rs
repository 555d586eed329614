//! Whose session ends, and when.

use super::*;

#[test]
fn every_session_of_who_is_kicked_ends_and_the_others_stay() {
    let mut server = Server::with_everyone();
    server.run([server.login(7, "luke", "pw")]);
    let said = server.run([Input::Kick("Luke".parse().unwrap())]);
    let bye = r#"ends: Bye { code: Kicked, text: "an operator ended this session" }"#;
    let ends = |slot| [format!("{slot} {bye}"), format!("{slot} ended LoggedOut")];
    assert_eq!(said, [ends(2), ends(7)].concat());
    assert_eq!(server.engine.metrics().sessions, 3);
    assert!(server.run([server.login(8, "luke", "pw")])[0].starts_with("8 is luke"));
    assert!(server.run([Input::Kick("nobody".parse().unwrap())]).is_empty());
}

#[test]
fn who_is_gone_is_logged_out_after_what_was_asked_before() {
    let mut server = Server::with_everyone();
    let said = server.run([server.broadcast(0, "bye"), Input::Gone(id(0)), Input::Gone(id(0))]);
    assert_eq!(said, ["0: OK BCM 1", "deliver 1 bye", "0 ended LoggedOut"]);
}

#[test]
fn accounts_that_are_no_longer_named_lose_their_sessions_and_the_others_keep_them() {
    let mut server = Server::with_everyone();
    let accounts = [("Obiwan", "new"), ("leia", "pw"), ("yoda", "pw"), ("luke", "pw")];
    let accounts = accounts.map(|(name, pw)| (name.parse().unwrap(), Secret::plain(pw).unwrap()));
    let said = server.run([Input::Accounts(accounts.into())]);
    assert_eq!(said, ["1 ended AccountRemoved"]);
    assert_eq!(server.run([server.broadcast(0, "still here")])[0], "0: OK BCM 1");
    assert_eq!(server.run([server.login(5, "obiwan", "new")])[0], "5 is Obiwan");
    assert_eq!(server.run([server.login(6, "leia", "pw")])[0], "6 is leia");
    assert!(server.run([server.login(7, "hans", "pw")])[0].contains("bad-credentials"));
}

#[test]
fn sessions_that_are_idle_for_too_long_end_when_their_time_has_come() {
    let policy = Policy { session_idle: Some(Duration::from_mins(1)), ..Policy::default() };
    let mut server = Server::with(Config { policy, ..Config::default() }, |_| Secret::plain("pw").unwrap());
    server.turn([server.login(0, "obiwan", "pw")], at(0));
    assert_eq!(server.engine.next_deadline(), Some(at(60).mono));
    assert!(server.turn([], at(59)).releases.is_empty());
    let turn = server.turn([], at(60));
    let ended = Effect::SessionEnded { session: id(0).session(), reason: SessionEnd::Idle };
    assert_eq!(turn.releases, [Release::Effect(ended)]);
    let user = "obiwan".parse().unwrap();
    assert_eq!(turn.events, [Event::LoggedOut { session: id(0).session(), user }]);
}
