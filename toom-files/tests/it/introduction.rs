//! Only the two that were introduced can talk.

use std::time::Duration;

use toom_files::{Patience, SendError, Ticket, Transfer};

use crate::world::{HASTE, World, content, endpoint};

#[tokio::test]
async fn who_brings_another_ticket_or_certificate_is_sent_away_and_the_expected_one_still_gets_in() {
    let world = World::new();
    let source = world.source("a", b"content").await;
    let addr = world.receiver.local_addr().unwrap();
    let receiver = world.receiver.fingerprint();
    let ticket = Ticket::fresh();
    let mut expected = world.receiver.expect(ticket, world.sender.fingerprint());

    let stranger = endpoint(HASTE);
    let transfer = Transfer::new();
    let refused = stranger.send(addr, receiver, ticket, &source, &transfer).await.unwrap_err();
    assert!(matches!(refused, SendError::NotIntroduced), "another certificate: {refused:?}");
    let refused = world.sender.send(addr, receiver, Ticket::fresh(), &source, &transfer).await.unwrap_err();
    assert!(matches!(refused, SendError::NotIntroduced), "another ticket: {refused:?}");
    let refused =
        world.sender.send(addr, stranger.fingerprint(), ticket, &source, &transfer).await.unwrap_err();
    assert!(matches!(refused, SendError::NotIntroduced), "another receiver: {refused:?}");

    let receiving = Transfer::new();
    let reception = async {
        let connection = expected.connection().await;
        world.inbox.receive(&World::offer(&source), connection, &receiving).await
    };
    let ends = tokio::join!(world.sender.send(addr, receiver, ticket, &source, &transfer), reception);
    ends.0.unwrap();
    ends.1.unwrap();

    let _another = world.receiver.expect(Ticket::fresh(), world.sender.fingerprint());
    let refused = world.sender.send(addr, receiver, ticket, &source, &transfer).await.unwrap_err();
    assert!(matches!(refused, SendError::NotIntroduced), "a ticket is used once: {refused:?}");
}

#[tokio::test]
async fn nobody_is_answered_while_nobody_is_expected() {
    let world = World::new();
    let source = world.source("a", &content(1, 10)).await;
    let hasty = endpoint(Patience { connect: Duration::from_millis(300), ..HASTE });
    let addr = world.receiver.local_addr().unwrap();
    let ticket = Ticket::fresh();
    drop(world.receiver.expect(ticket, hasty.fingerprint()));
    let refused = hasty.send(addr, world.receiver.fingerprint(), ticket, &source, &Transfer::new()).await;
    assert!(matches!(refused, Err(SendError::Unreachable(to)) if to == addr), "{refused:?}");
}
