//! What is read because it was not pushed, and what cannot be.

use super::*;

#[test]
fn a_room_that_is_there_no_more_is_missed_and_the_visit_goes_on() {
    let mut world = World::new([]);
    world.server.read_refusal = Some("ERR RDM no-room no such room");
    world.server.say("LAG 9 1 2".to_owned());
    world.flow();
    let missed = Pushed::Lag {
        conversation: room(9),
        first: MessageNumber::FIRST,
        last: MessageNumber::new(2).unwrap(),
    };
    assert!(matches!(&world.seen[..], [VisitEvent::Pushed(seen)] if *seen == missed), "{:?}", world.seen);
}

#[test]
fn where_the_history_cannot_be_read_another_session_tries_again() {
    let mut world = World::new([]);
    world.server.lag();
    world.server.post(B, "luke", "hello");
    world.server.read_refusal = Some("ERR RDM unavailable not now");
    world.server.tell_lag();
    world.flow();
    assert_eq!(told(&world), ["away: not now", "back: Same"]);
    assert_eq!(world.numbers()[&B], [(1, Whose::Others)]);
}

#[test]
fn while_a_page_is_under_way_nothing_is_posted() {
    let mut world = World::new([]);
    world.break_now();
    world.server.post(B, "luke", "missed");
    while !world.visit.unsent().starts_with(b"RDM") {
        assert!(world.step());
    }
    world.own(B, "mine");
    assert!(!world.visit.unsent().windows(3).any(|word| word == b"BCM"));
    world.flow();
    check(&world, 1);
}

#[test]
fn of_a_room_that_was_just_built_nothing_is_left_out() {
    for built_here in [true, false] {
        let mut world = World::new([]);
        let named = crate::protocol::Named::User("luke".parse().unwrap());
        if built_here {
            world.visit.request(Command::CreateRoom { key: None, users: vec![named] });
        } else {
            world.server.say("ROOM 5 luke obiwan".to_owned());
        }
        world.flow();
        world.server.lag();
        world.server.post(room(5), "luke", "not pushed");
        world.server.lagging = None;
        world.server.post(room(5), "luke", "pushed");
        world.flow();
        assert_eq!(world.numbers()[&room(5)], [(1, Whose::Others), (2, Whose::Others)], "{built_here}");
    }
}

#[test]
fn who_takes_again_after_a_while_gets_all_that_waited_without_another_line() {
    let mut world = World::new([]);
    world.taker = Taker::Asleep;
    let text = "x".repeat(4000);
    let (count, mut taken) = (400, 0);
    for round in 0..count {
        world.server.post(B, "luke", &format!("{round} {text}"));
        world.flow();
    }
    while let Some(event) = world.visit.next_event() {
        taken += usize::from(matches!(event, VisitEvent::Pushed(Pushed::Message(_))));
    }
    assert_eq!(taken, count);
}
