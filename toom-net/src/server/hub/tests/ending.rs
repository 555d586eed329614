//! When a connection is ended, and what it is told.

use super::*;

#[test]
fn a_session_that_ended_is_said_why_after_its_replies() {
    for (reason, bye) in [(SessionEnd::Idle, "BYE idle "), (SessionEnd::AccountRemoved, "BYE removed ")] {
        let mut hub = hub(ServerLimits::default());
        let luke = log_in(&mut hub, "luke", "on");
        assert_eq!(feed(&mut hub, luke, "RDM b #0\n").len(), 1);
        hub.release([Release::Effect(Effect::SessionEnded { session: luke.session(), reason })], NOW);
        hub.release([message(Conversation::Broadcast, 1, everyone(ConnectionId::new(9, 9)))], NOW);
        assert_eq!(said(&mut hub, luke), (String::new(), Rest::Idle));
        assert_eq!(feed(&mut hub, luke, "PING\n").len(), 0);
        reply(&mut hub, luke, 2, "OK RDM 0\n");
        let (told, rest) = said(&mut hub, luke);
        assert!(told.starts_with(&format!("OK RDM 0\n{bye}")), "{told}");
        assert_eq!(rest, Rest::End);
    }
}

#[test]
fn out_ends_the_connection_after_its_reply() {
    let mut hub = hub(ServerLimits::default());
    let luke = log_in(&mut hub, "luke", "on");
    assert_eq!(feed(&mut hub, luke, "OUT\nPING\n").len(), 1);
    let ended = Effect::SessionEnded { session: luke.session(), reason: SessionEnd::LoggedOut };
    reply(&mut hub, luke, 2, "OK OUT luke\n");
    hub.release([Release::Effect(ended)], NOW);
    assert_eq!(said(&mut hub, luke), ("OK OUT luke\n".to_owned(), Rest::End));
}

#[test]
fn who_does_not_log_in_in_time_is_said_goodbye() {
    let mut hub = hub(ServerLimits::default());
    let stranger = connect(&mut hub);
    let luke = log_in(&mut hub, "luke", "on");
    assert_eq!(hub.next_deadline(), Some(after(30)));
    assert_eq!(hub.expire(after(29)), None);
    assert_eq!(said(&mut hub, stranger), (String::new(), Rest::Idle));
    assert_eq!(hub.expire(after(30)), None);
    let (told, rest) = said(&mut hub, stranger);
    assert!(told.starts_with("BYE login-timeout "), "{told}");
    assert_eq!((rest, said(&mut hub, luke).0.as_str()), (Rest::End, ""));
    assert!(inputs(&mut hub).is_empty(), "the engine knows nothing of it");
    // It does not close its end: it is not waited for any longer than that.
    assert_eq!(hub.expire(after(31)), None);
    assert_eq!(hub.expire(after(32)), Some(stranger));
    hub.remove(stranger);
    assert_eq!((hub.expire(after(500)), hub.metrics().login_timeouts), (None, 1));
}

#[test]
fn who_is_silent_for_too_long_is_said_goodbye_and_any_line_puts_that_off() {
    let mut hub = hub(ServerLimits::default());
    let luke = log_in(&mut hub, "luke", "on");
    let yoda = log_in(&mut hub, "yoda", "on");
    assert_eq!(hub.next_deadline(), Some(after(600)));
    // An answer, a refusal: a line is a line. Half of one is none.
    assert!(feed_at(&mut hub, luke, "FLY\n", after(599)).is_empty());
    feed_at(&mut hub, yoda, "PIN", after(599));
    hub.release([message(Conversation::Broadcast, 1, everyone(luke))], after(599));
    said(&mut hub, yoda);
    assert_eq!(hub.expire(after(600)), None);
    let (told, rest) = said(&mut hub, yoda);
    assert_eq!((told.as_str(), rest), ("BYE idle nothing was heard for too long\n", Rest::End));
    assert!(matches!(inputs(&mut hub)[..], [Input::Gone(id)] if id == yoda));
    hub.remove(yoda);
    assert_eq!(hub.next_deadline(), Some(after(1199)));
    feed_at(&mut hub, luke, "PING\n", after(1198));
    assert_eq!((hub.expire(after(1797)), hub.metrics().idle_timeouts), (None, 1));
    hub.expire(after(1798));
    assert!(said(&mut hub, luke).0.contains("BYE idle "));
    assert_eq!(hub.metrics().idle_timeouts, 2);
}

#[test]
fn a_byte_a_second_is_no_line_before_the_login_and_after_it() {
    let mut hub = hub(ServerLimits::default());
    let stranger = connect(&mut hub);
    let luke = log_in(&mut hub, "luke", "on");
    let mut gone = [None; 2];
    for second in 1..=700 {
        for (id, gone) in [stranger, luke].into_iter().zip(&mut gone) {
            feed_at(&mut hub, id, "x", after(second));
            while let Some(id) = hub.expire(after(second)) {
                hub.remove(id);
            }
            if gone.is_none() && said(&mut hub, id).0.contains("BYE ") {
                *gone = Some(second);
            }
        }
    }
    assert_eq!(gone, [Some(30), Some(600)]);
    assert_eq!(hub.metrics().open, 0);
}

#[test]
fn a_password_that_is_being_checked_is_waited_for() {
    let mut hub = hub(ServerLimits::default());
    let id = connect(&mut hub);
    feed(&mut hub, id, "LOGIN luke wrong\n");
    assert_eq!(hub.expire(after(30)), None);
    assert_eq!(said(&mut hub, id).0, "");
    reply(&mut hub, id, 0, "ERR LOGIN\n");
    // A guess buys no more time than it takes.
    assert_eq!(hub.expire(after(31)), None);
    assert!(said(&mut hub, id).0.starts_with("ERR LOGIN\nBYE login-timeout "));
}

#[test]
fn a_connection_that_is_gone_is_told_to_the_engine_if_it_may_know_of_it() {
    let mut hub = hub(ServerLimits::default());
    let stranger = connect(&mut hub);
    let luke = log_in(&mut hub, "luke", "on");
    let checked = connect(&mut hub);
    feed(&mut hub, checked, "LOGIN yoda pw\n");
    for id in [stranger, luke, checked] {
        hub.remove(id);
    }
    assert!(
        matches!(inputs(&mut hub)[..], [Input::Gone(one), Input::Gone(two)] if (one, two) == (luke, checked))
    );
    hub.release([message(Conversation::Broadcast, 1, everyone(stranger))], NOW);
    assert!(hub.next_deadline().is_none());
    assert!(hub.all_is_written());
    assert_eq!(hub.metrics().open, 0);
}

#[test]
fn a_place_that_is_used_again_has_another_id() {
    let mut hub = hub(ServerLimits::default());
    let first = log_in(&mut hub, "luke", "on");
    hub.remove(first);
    let second = connect(&mut hub);
    assert_eq!(first.slot(), second.slot());
    assert_ne!(first.session(), second.session());
    reply(&mut hub, first, 2, "OK BCM\n");
    hub.release([Release::LoggedIn { connection: first, user: "luke".parse().unwrap() }], NOW);
    hub.feed(first, b"PING\n");
    hub.serve(first, NOW);
    assert_eq!(said(&mut hub, second).0, "");
    assert_eq!(ConnectionId::of_session(second.session()), second);
}

#[test]
fn a_shutdown_answers_what_is_in_flight_and_takes_no_more() {
    let mut hub = hub(ServerLimits::default());
    let stranger = connect(&mut hub);
    let luke = log_in(&mut hub, "luke", "on");
    let asked = feed(&mut hub, luke, "BCM hi\n");
    assert!(matches!(&asked[..], [Input::Ask(ask)] if matches!(ask.operation, Operation::Broadcast { .. })));
    hub.feed(luke, b"PING\n");
    hub.shut_down(NOW);
    hub.serve(luke, NOW);
    assert!(!hub.all_is_written());
    let bye = "BYE shutdown the server shuts down\n";
    assert_eq!(said(&mut hub, stranger), (bye.to_owned(), Rest::End));
    assert_eq!(said(&mut hub, luke), (String::new(), Rest::Idle));
    reply(&mut hub, luke, 2, "OK BCM\n");
    assert_eq!(said(&mut hub, luke), (format!("OK BCM\n{bye}"), Rest::End));
    assert!(hub.all_is_written());
}
