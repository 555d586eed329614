//! How long a visit waits, for whom, and what it does not wait for.

use super::*;

#[test]
fn who_is_away_is_told_for_how_long() {
    let mut world = World::new([]);
    world.break_now();
    let Some(VisitEvent::Pushed(Pushed::Away(away))) = world.visit.next_event() else {
        panic!("it is not told")
    };
    assert!(away.pause > Duration::ZERO);
    assert_eq!(world.visit.next_deadline(), Some(world.now.after(away.pause)));
}

#[test]
fn a_user_types_the_password_at_leisure_and_everything_else_has_a_deadline() {
    let mut visit = Visit::new(Hello::default(), 1, Mono::ZERO);
    let at = |seconds| Mono::new(Duration::from_secs(seconds));
    assert_eq!(visit.next_deadline(), Some(Mono::ZERO.after(COMING_IN)), "connecting");
    visit.connected(at(1));
    assert_eq!(visit.next_deadline(), Some(at(1).after(COMING_IN)), "being greeted");
    visit.receive(b"TOOM 1 toomd/0 max-line=16384 epoch=7\nOK HELLO\n", at(2));
    assert_eq!(visit.next_deadline(), None);
    let login = || Command::Login { user: "luke".parse().unwrap(), password: Password::new("pw") };
    assert_eq!(visit.pending(), 0);
    visit.request(login());
    assert_eq!((visit.next_deadline(), visit.pending()), (None, 1));
    visit.receive(b"OK LOGIN 1 1970-01-01T00:00:01.000000Z luke 127.0.0.1 0\n", at(50));
    assert!(visit.next_deadline() > Some(at(50)), "the server's silence");
    assert_eq!(visit.pending(), 0);
}

#[test]
fn what_is_asked_of_a_transfer_before_the_next_login_is_answered_at_once() {
    let mut world = World::new([]);
    world.break_now();
    while !world.visit.wants_stream() {
        world.step();
    }
    world.seen.clear();
    let id = crate::protocol::TransferId::FIRST;
    world.visit.request(Command::Transfer(crate::protocol::TransferRequest::Relay(id)));
    let answer = world.visit.next_answer();
    assert!(
        matches!(answer, Some(VisitEvent::Answered { result: Err(CallError::SessionOver), .. })),
        "{answer:?}"
    );
}

#[test]
fn who_is_leaving_when_the_connection_is_lost_does_not_come_back() {
    let mut world = World::new([]);
    world.visit.request(Command::Logout);
    world.break_now();
    assert!(world.visit.ended().is_some());
}
