//! Visits in a world of their own: a server that is a list, a network that breaks where it is told to.

mod everything;
mod reading;
mod server;
mod steps;
mod waiting;
mod world;

use std::collections::BTreeMap;

use toom_core::{Conversation, MessageNumber};

use super::*;
use crate::marker::{MARKER, is_shown};
use crate::protocol::{PageLimit, Since};
use server::{Server, room};
use steps::{Step, check, play};
use world::{Cut, Taker, Whose, World};

const B: Conversation = Conversation::Broadcast;

fn hung_up() -> Ended {
    Ended::Lost { bye: None, error: None }
}

fn nobody_there() -> Ended {
    Ended::Lost { bye: None, error: Some(Arc::new(io::ErrorKind::ConnectionRefused.into())) }
}

#[test]
fn debug_shows_no_password_and_no_text_of_what_a_visit_holds() {
    let mut visit = Visit::new(Hello::default(), 1, Mono::ZERO);
    visit.request(Command::Login {
        user: "luke".parse().unwrap(),
        password: toom_core::Password::new(MARKER),
    });
    assert!(!is_shown(&visit), "{visit:?}");
    let mut world = World::new([]);
    world.own(B, MARKER);
    assert!(!is_shown(&world.visit), "{:?}", world.visit);
    world.server.post(B, "luke", MARKER);
    world.taker = Taker::Asleep;
    world.flow();
    assert!(!is_shown(&world.visit), "{:?}", world.visit);
    world.taker = Taker::Awake;
    world.flow();
    assert!(world.seen.len() >= 2 && !is_shown(&world.seen), "{:?}", world.seen);
}

#[test]
fn a_visit_begins_with_its_login_also_where_messages_came_before_it() {
    let mut server = Server::new();
    for _ in 0..5 {
        server.post(B, "luke", "before");
        server.post(room(1), "luke", "before");
    }
    let mut world = World::with(server, Hello::default(), []);
    world.server.post(B, "luke", "sixth");
    world.flow();
    world.break_now();
    world.server.post(B, "luke", "seventh");
    world.server.post(room(1), "luke", "sixth here");
    world.flow();
    let others = |numbers: &[u64]| numbers.iter().map(|number| (*number, Whose::Others)).collect::<Vec<_>>();
    assert_eq!(world.numbers(), BTreeMap::from([(B, others(&[6, 7])), (room(1), others(&[6]))]));
}

/// What was told of the connection.
fn told(world: &World) -> Vec<String> {
    let told = |seen: &VisitEvent| match seen {
        VisitEvent::Pushed(Pushed::Away(away)) => Some(format!("away: {}", away.why)),
        VisitEvent::Pushed(Pushed::Back { store, .. }) => Some(format!("back: {store:?}")),
        _ => None,
    };
    world.seen.iter().filter_map(told).collect()
}

#[test]
fn a_lost_connection_is_told_with_its_reason_and_so_is_its_return() {
    let mut world = World::new([]);
    world.server.say("BYE shutdown see you soon".to_owned());
    while world.step() {}
    world.break_now();
    world.flow();
    assert_eq!(
        told(&world),
        ["away: the server closed the connection: shutdown: see you soon", "back: Same"]
    );
}

#[test]
fn pauses_grow_while_nobody_is_there_and_are_short_again_after_a_session_that_lasted() {
    let mut world = World::new([]);
    let pause = |world: &mut World| {
        world.visit.lost(nobody_there(), world.now);
        let since = world.now;
        world.now = world.visit.next_deadline().unwrap();
        world.visit.expire(world.now);
        assert!(world.visit.wants_connection());
        world.now.since(since)
    };
    world.server.cut();
    let pauses: Vec<_> = (0..8).map(|_| pause(&mut world)).collect();
    for (pause, whole) in pauses.iter().zip([1, 2, 4, 8, 16, 30, 30, 30].map(Duration::from_secs)) {
        assert!(whole / 2 <= *pause && *pause <= whole, "{pauses:?}");
    }
    world.flow();
    world.now = world.now.after(Duration::from_secs(11));
    world.server.cut();
    assert!(pause(&mut world) <= Duration::from_secs(1));
}

#[test]
fn under_another_epoch_the_visit_begins_anew_and_posts_are_made_there() {
    let mut world = World::new([]);
    for _ in 0..3 {
        world.server.post(B, "luke", "old");
    }
    world.flow();
    world.break_now();
    let read = |since| Command::ReadConversation { conversation: B, since, limit: PageLimit::default() };
    let stale = world.visit.request(read(Since::Number(MessageNumber::new(2))));
    let whole = world.visit.request(read(Since::Number(None)));
    world.own(B, "mine");
    world.server.begin_anew();
    world.flow();
    world.server.post(B, "luke", "new");
    world.flow();
    assert_eq!(told(&world)[1], "back: Other");
    world.seen.retain(|seen| match seen {
        VisitEvent::Answered { ticket, result } if *ticket == stale => {
            assert!(matches!(result, Err(CallError::OtherEpoch)), "{result:?}");
            false
        }
        VisitEvent::Answered { ticket, result } => *ticket != whole || result.is_err(),
        VisitEvent::Pushed(Pushed::Message(message)) => message.body.as_str() == "new",
        VisitEvent::Pushed(_) | VisitEvent::Relayed(_) => true,
    });
    check(&world, 1);
}

#[test]
fn a_user_who_is_blocked_waits_as_long_as_the_server_says() {
    let mut world = World::new([]);
    world.break_now();
    world.server.refusal = Some("ERR LOGIN blocked later please; seconds left: 600".to_owned());
    let before = world.now;
    world.flow();
    assert!(world.now.since(before) >= Duration::from_mins(10));
    assert_eq!(told(&world)[1], "away: later please; seconds left: 600");
    check(&world, 0);
}

#[test]
fn a_user_who_is_not_let_in_again_learns_why_and_so_does_each_request() {
    let mut world = World::new([]);
    world.break_now();
    let ticket = world.own(B, "never said");
    world.server.refusal = Some("ERR LOGIN bad-credentials Invalid Password. Please try again".to_owned());
    world.flow();
    let ended = world.visit.ended().unwrap().to_string();
    assert_eq!(ended, "the server does not let you in again: Invalid Password. Please try again");
    let Some(VisitEvent::Answered { ticket: answered, result: Err(CallError::Ended(why)) }) =
        world.seen.pop()
    else {
        panic!()
    };
    assert_eq!((answered, why.to_string()), (ticket, ended));
    assert_eq!(world.visit.next_deadline(), None);
    world.own(B, "too late");
    assert!(matches!(
        world.visit.next_event(),
        Some(VisitEvent::Answered { result: Err(CallError::Ended(_)), .. })
    ));
}

#[test]
fn a_removed_account_ends_the_visit() {
    let mut world = World::new([]);
    world.server.say("BYE removed".to_owned());
    while world.step() {}
    world.break_now();
    assert!(world.visit.ended().is_some());
}

#[test]
fn a_connection_that_is_lost_before_the_first_login_is_over() {
    let mut visit = Visit::new(Hello::default(), 1, Mono::ZERO);
    visit.connected(Mono::ZERO);
    visit.lost(hung_up(), Mono::ZERO);
    assert!(matches!(visit.ended(), Some(Ended::Lost { .. })));
    let mut nobody = Visit::new(Hello::default(), 1, Mono::ZERO);
    nobody.expire(nobody.next_deadline().unwrap());
    assert!(matches!(nobody.ended(), Some(Ended::Lost { error: Some(_), .. })));
}

#[test]
fn out_ends_the_visit_at_once_where_there_is_no_session() {
    let mut world = World::new([]);
    world.break_now();
    world.own(B, "never said");
    world.visit.request(Command::Logout);
    world.flow();
    assert!(matches!(world.visit.ended(), Some(Ended::Closed)));
    let answers = world.seen.iter().filter(|seen| {
        matches!(seen, VisitEvent::Answered { result: Err(CallError::Ended(Ended::Closed)), .. })
    });
    assert_eq!(answers.count(), 2);
    assert!(world.server.posted.is_empty());
}

#[test]
fn a_silent_server_is_asked_for_a_sign_of_life_and_then_given_up() {
    let mut world = World::new([]);
    let quiet = world.visit.next_deadline().unwrap();
    assert_eq!(quiet.since(world.now), Duration::from_mins(1));
    world.visit.expire(quiet);
    assert_eq!(world.visit.unsent(), b"PING\n");
    let given_up = world.visit.next_deadline().unwrap();
    assert_eq!(given_up.since(quiet), Duration::from_secs(20));
    world.visit.receive(b"OK PING\n", given_up);
    assert_eq!(world.visit.next_deadline().unwrap().since(given_up), Duration::from_mins(1));
    world.visit.expire(world.visit.next_deadline().unwrap());
    world.visit.expire(world.visit.next_deadline().unwrap());
    assert!(!world.visit.wants_stream());
    assert!(matches!(world.visit.next_event(), Some(VisitEvent::Pushed(Pushed::Away(_)))));
}

/// What came out beside answers, in words.
fn pushed(world: &World) -> Vec<String> {
    world
        .seen
        .iter()
        .map(|seen| match seen {
            VisitEvent::Pushed(Pushed::Gone { first, last, .. }) => format!("gone {first} {last}"),
            VisitEvent::Pushed(Pushed::Lag { first, last, .. }) => format!("lag {first} {last}"),
            VisitEvent::Pushed(Pushed::Message(message)) => message.number.to_string(),
            VisitEvent::Pushed(Pushed::Away(_)) => "away".to_owned(),
            VisitEvent::Pushed(Pushed::Back { .. }) => "back".to_owned(),
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn messages_that_are_gone_for_good_are_named_and_so_are_those_that_the_server_does_not_give() {
    let mut world = World::new([]);
    world.break_now();
    for _ in 0..5 {
        world.server.post(B, "luke", "missed");
    }
    world.server.gone.insert(B, 3);
    world.flow();
    world.server.say("LAG b 6 9".to_owned());
    world.flow();
    world.server.say("LAG 2 4 4".to_owned());
    world.flow();
    assert_eq!(pushed(&world), ["away", "back", "gone 1 3", "4", "5", "lag 6 9", "lag 4 4"]);
}

#[test]
fn what_arrived_and_waits_for_others_is_shown_although_all_of_them_are_gone_by_now() {
    for (gone, told) in [
        (2, ["1", "gone 2 2", "3", "4", "5", "6"].as_slice()),
        (4, &["1", "gone 2 3", "4", "5", "6"]),
        (5, &["1", "gone 2 3", "4", "5", "6"]),
        (6, &["1", "gone 2 3", "4", "5", "gone 6 6"]),
    ] {
        let mut world = World::new([]);
        world.server.post(B, "luke", "pushed");
        world.server.lag();
        world.server.post(B, "luke", "left out");
        world.server.post(B, "luke", "left out");
        world.server.tell_lag();
        world.server.post(B, "luke", "pushed");
        world.server.post(B, "luke", "pushed");
        world.server.lag();
        world.server.post(B, "luke", "left out");
        world.server.tell_lag();
        world.server.gone.insert(B, gone);
        world.flow();
        assert_eq!(pushed(&world), told);
        let begun = world.reads.iter().filter(|read| read.contains('#')).count();
        assert_eq!(begun, 1, "one read tells all: {:?}", world.reads);
    }
}

#[test]
fn who_takes_nothing_for_a_while_gets_answers_at_once_and_every_message_later() {
    let mut world = World::new([]);
    world.taker = Taker::Asleep;
    let text = "x".repeat(4000);
    for round in 0..600 {
        world.server.post(B, "luke", &format!("{round} {text}"));
        if round % 100 == 50 {
            world.own(B, &format!("own {round}"));
        }
        world.flow();
    }
    let answers = world.seen.len();
    assert_eq!(answers, 6);
    assert!(world.visit.out.bytes() < 3 * 1024 * 1024);
    world.taker = Taker::Awake;
    world.flow();
    check(&world, 6);
}

#[test]
fn with_live_off_nothing_is_fetched_unasked() {
    let quiet = Hello { live: Live::Off, ..Hello::default() };
    let mut world = World::with(Server::new(), quiet, []);
    world.server.post(B, "luke", "not told");
    world.own(B, "mine");
    world.flow();
    world.break_now();
    world.server.post(B, "luke", "not told");
    world.own(B, "mine too");
    world.flow();
    assert_eq!(
        (world.reads.len(), world.numbers()),
        (0, BTreeMap::from([(B, vec![(2, Whose::Own), (4, Whose::Own)])]))
    );
}

#[test]
fn a_refused_post_is_answered_and_what_waited_for_its_number_comes() {
    let mut world = World::new([]);
    world.own(room(1), "one");
    world.flow();
    let refused = world.own(room(3), "nowhere");
    world.server.post(room(3), "luke", "elsewhere");
    world.flow();
    let refusals: Vec<_> = world.seen.iter().filter(|seen| matches!(seen, VisitEvent::Answered { ticket, result: Err(CallError::Refused(_)) } if *ticket == refused)).collect();
    assert_eq!(refusals.len(), 1);
    assert_eq!(world.numbers()[&room(3)], [(1, Whose::Others)]);
}

#[test]
fn who_posts_alone_for_long_is_remembered_in_little_memory() {
    let mut world = World::new([]);
    for round in 0..300 {
        world.own(B, &format!("{round}"));
        world.flow();
    }
    assert!(!world.reads.is_empty() && world.reads.len() < 40, "{:?}", world.reads);
    world.server.post(B, "luke", "hello");
    world.flow();
    check(&world, 300);
}

#[test]
fn a_server_that_ends_silent_sessions_hears_something_in_time() {
    let server = Server { idle: " idle=30", ..Server::new() };
    let mut world = World::with(server, Hello::default(), []);
    for _ in 0..3 {
        let since = world.now;
        world.now = world.visit.next_deadline().unwrap();
        assert_eq!(world.now.since(since), Duration::from_secs(10));
        world.visit.receive(b"LATER a line that it does not know\n", world.now);
        world.visit.expire(world.now);
        assert_eq!(world.visit.unsent(), b"PING\n");
        world.flow();
    }
    world.own(B, "something");
    world.now = world.visit.next_deadline().unwrap();
    world.flow();
    world.visit.expire(world.now);
    assert_eq!(world.visit.unsent(), b"", "it has heard something");
}

#[test]
fn a_message_that_overtakes_an_answer_waits_for_it_and_nothing_is_fetched() {
    let mut world = World::new([]);
    for _ in 0..2 {
        play(&mut world, &[Step::Overtaking(B), Step::Own(B)]);
    }
    let expected = [(1, Whose::Own), (2, Whose::Others), (3, Whose::Own), (4, Whose::Others)];
    assert_eq!((world.numbers()[&B].as_slice(), world.reads.len()), (&expected[..], 0));
}

#[test]
fn what_was_missed_is_fetched_although_there_is_always_something_to_send() {
    let mut world = World::new([]);
    play(&mut world, &[Step::Other(B)]);
    world.server.lag();
    for _ in 0..10 {
        world.server.post(B, "luke", "not pushed");
    }
    world.server.tell_lag();
    // One post is always under way when the answer to the one before it comes.
    world.own(B, "first");
    world.step();
    for round in 1..60 {
        world.own(B, &format!("{round}"));
        for _ in 0..2 {
            world.step();
            world.take();
        }
    }
    let others = world.numbers()[&B].iter().filter(|(_, whose)| *whose == Whose::Others).count();
    assert_eq!(others, 11);
    world.flow();
    check_answers(&world, 60);
}

/// So many posts were answered, each once.
fn check_answers(world: &World, own: usize) {
    let answers = world.seen.iter().filter(|seen| matches!(seen, VisitEvent::Answered { result: Ok(_), .. }));
    assert_eq!(answers.count(), own);
}

#[test]
fn an_answer_that_waits_for_messages_before_it_is_handed_on_when_the_connection_is_lost() {
    let mut world = World::new([]);
    play(&mut world, &[Step::Other(B)]);
    world.server.lag();
    world.server.post(B, "luke", "not pushed");
    world.own(B, "mine");
    while world.reads.is_empty() {
        world.step();
        world.take();
    }
    check_answers(&world, 0);
    world.break_now();
    world.take();
    check_answers(&world, 1);
    world.flow();
    assert_eq!(world.numbers()[&B], [(1, Whose::Others), (3, Whose::Own), (2, Whose::Others)]);
}

#[test]
fn rooms_are_asked_for_what_came_since_the_last_session_that_caught_up() {
    let mut world = World::new([]);
    for _ in 0..2 {
        world.break_now();
        world.server.post(room(1), "luke", "missed");
        world.flow();
    }
    let rooms: Vec<_> = world.reads.iter().filter(|read| read.starts_with("RDM s")).collect();
    // The logins were at 1, 3 and 5, the messages at 2 and 4: a session begins to be asked for where the one before it began.
    assert_eq!(rooms, ["RDM s 1970-01-01T00:00:00.000001Z", "RDM s 1970-01-01T00:00:00.000003Z"]);
}
