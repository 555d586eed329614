//! Only the two that were introduced can talk.

use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::timeout;

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

/// Who writes another's address on its packets gets the answers sent there: they must not be more than it costs.
#[tokio::test]
async fn an_address_that_does_not_answer_is_sent_less_than_it_seems_to_have_sent() {
    const COPIES: usize = 5;
    let world = World::new();
    let source = world.source("a", b"content").await;
    let _expected = world.receiver.expect(Ticket::fresh(), world.sender.fingerprint());
    // The first packet of a sender, as it would come to an address where nobody is.
    let forged = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let (addr, transfer) = (forged.local_addr().unwrap(), Transfer::new());
    let sending = world.sender.send(addr, world.receiver.fingerprint(), Ticket::fresh(), &source, &transfer);
    let mut first = vec![0; 1 << 16];
    let bytes = tokio::select! {
        read = forged.recv(&mut first) => read.unwrap(),
        ended = sending => panic!("{ended:?}"),
    };
    let receiver = world.receiver.local_addr().unwrap();
    for _ in 0..COPIES {
        forged.send_to(&first[..bytes], receiver).await.unwrap();
    }
    // Answers come at once; what would be sent again, comes within a second.
    let mut answer = vec![0; 1 << 16];
    let (mut answers, mut answered) = (0, 0);
    while let Ok(read) = timeout(Duration::from_millis(1500), forged.recv_from(&mut answer)).await {
        let (bytes, from) = read.unwrap();
        if from == receiver {
            (answers, answered) = (answers + 1, answered + bytes);
        }
    }
    assert!((1..=COPIES).contains(&answers), "{answers} answers");
    assert!(answered < COPIES * bytes, "{answered} bytes for {}", COPIES * bytes);
}
