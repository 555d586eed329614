//! What the hub tells of how things stand.

use super::*;

#[test]
fn how_many_came_are_there_and_wait_is_told() {
    let mut hub = hub(ServerLimits::default());
    let luke = log_in(&mut hub, "luke", "on");
    let gone = connect(&mut hub);
    connect(&mut hub);
    hub.remove(gone);
    hub.feed(luke, b"BCM hi\nBCM ho\n");
    hub.serve(luke, NOW);
    let told = hub.metrics();
    assert_eq!((told.opened, told.open, told.strangers, told.queued), (3, 2, 1, 2));
}

#[test]
fn lines_of_a_peer_may_hold_a_password_until_it_is_logged_in() {
    let mut hub = hub(ServerLimits::default());
    let stranger = connect(&mut hub);
    let luke = log_in(&mut hub, "luke", "on");
    assert_eq!((hub.is_logged_in(stranger), hub.is_logged_in(luke)), (false, true));
}

#[test]
fn who_may_go_on_stands_in_the_queue_once() {
    let mut hub = hub(ServerLimits::default());
    let (luke, yoda) = (log_in(&mut hub, "luke", "on"), log_in(&mut hub, "yoda", "on"));
    while hub.next_runnable().is_some() {}
    assert_eq!(hub.runnable_len(), 0);
    for id in [luke, yoda, luke] {
        hub.wake(id);
    }
    assert_eq!(hub.runnable_len(), 2);
    assert_eq!(
        [hub.next_runnable(), hub.next_runnable(), hub.next_runnable()],
        [Some(luke), Some(yoda), None]
    );
}

#[test]
fn what_the_engine_could_not_be_given_comes_first_the_next_time() {
    let mut hub = hub(ServerLimits::default());
    let luke = log_in(&mut hub, "luke", "on");
    hub.feed(luke, b"BCM one\nBCM two\n");
    hub.serve(luke, NOW);
    let ticket =
        |input: &Input| if let Input::Ask(ask) = input { ask.to.ticket } else { unreachable!("{input:?}") };
    let first = hub.next_input().unwrap();
    let asked = ticket(&first);
    hub.put_back(first);
    assert_eq!(inputs(&mut hub).iter().map(ticket).collect::<Vec<_>>(), [asked, asked + 1]);
}

#[test]
fn what_is_delivered_to_members_and_what_is_left_out_is_counted_for_each_of_them() {
    let mut hub = hub(ServerLimits { outbox_bytes_max: 100, ..ServerLimits::default() });
    let obiwan = log_in(&mut hub, "obiwan", "on");
    for _ in 0..2 {
        log_in(&mut hub, "luke", "on");
    }
    let room = Conversation::Room(RoomId::FIRST);
    hub.release((1..=3).map(|number| message(room, number, members(&["obiwan", "luke"], obiwan))), NOW);
    assert_eq!((hub.metrics().deliveries, hub.metrics().left_out), (4, 2));
}

#[test]
fn what_is_left_out_of_a_room_that_everyone_reads_is_missing_there() {
    let mut hub = hub(ServerLimits { outbox_bytes_max: 100, ..ServerLimits::default() });
    let obiwan = log_in(&mut hub, "obiwan", "on");
    let luke = log_in(&mut hub, "luke", "on");
    let said_there =
        (1..=9).map(|number| message(Conversation::Room(RoomId::FIRST), number, everyone(obiwan)));
    hub.release(said_there, NOW);
    said(&mut hub, luke);
    assert_eq!(said(&mut hub, luke).0, "LAG 1 3 9\n");
}
