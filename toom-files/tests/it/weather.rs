//! Networks that misbehave.

use std::fs;
use std::time::Duration;

use tokio::net::UdpSocket;
use toom_files::{Patience, ReceiveError, SendError, Ticket, Transfer};

use crate::proxy::{Proxy, Weather};
use crate::world::{HASTE, MIB, World, content, endpoint};

#[tokio::test]
async fn a_file_arrives_whole_through_a_network_that_loses_doubles_and_reorders() {
    for seed in 0..4 {
        let world = World::new();
        let content = content(seed, 2 * MIB + 11);
        let source = world.source("storm", &content).await;
        let weather = Weather { seed, lost: 30, doubled: 30, late: 100, cut_after: None };
        let proxy = Proxy::to(world.receiver.local_addr().unwrap(), weather).await;
        let (sent, received) = world.send_via(&source, proxy.addr, &Transfer::new(), &Transfer::new()).await;
        sent.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let received = received.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        assert!(fs::read(received.path).unwrap() == content, "seed {seed}");
        assert_eq!(world.listing(), ["yoda_storm"], "seed {seed}");
    }
}

#[tokio::test]
async fn a_transfer_that_was_cut_goes_on_where_it_stopped_and_sends_nothing_twice() {
    let world = World::new();
    let content = content(7, 24 * MIB);
    let source = world.source("long", &content).await;
    let weather = Weather { cut_after: Some(12 << 20), ..Weather::default() };
    let cut = Proxy::to(world.receiver.local_addr().unwrap(), weather).await;
    let (sent, received) = world.send_via(&source, cut.addr, &Transfer::new(), &Transfer::new()).await;
    assert!(matches!(sent, Err(SendError::Lost(_))), "{sent:?}");
    assert!(matches!(received, Err(ReceiveError::Lost(_))), "{received:?}");
    let hash = source.hash().to_string();
    let (part, side) =
        (format!(".yoda_long.{}.part", &hash[..16]), format!(".yoda_long.{}.proven", &hash[..16]));
    assert_eq!(world.listing(), [part, side]);
    let proven = world.inbox.check(&World::offer(&source)).unwrap().bytes_proven;
    assert!(proven >= MIB as u64, "{proven}");

    let whole = Proxy::to(world.receiver.local_addr().unwrap(), Weather::default()).await;
    let (sending, receiving) = (Transfer::new(), Transfer::new());
    let (sent, received) = world.send_via(&source, whole.addr, &sending, &receiving).await;
    sent.unwrap();
    let received = received.unwrap();
    assert_eq!(received.bytes_resumed, proven);
    assert_eq!((sending.bytes_resumed(), receiving.bytes_resumed()), (proven, proven));
    let left = source.bytes() - proven;
    assert!(whole.carried() < left + left / 2 + MIB as u64, "{} carried for {left}", whole.carried());
    assert!(fs::read(received.path).unwrap() == content);
    assert_eq!(world.listing(), ["yoda_long"]);
}

#[tokio::test]
async fn where_nothing_gets_through_the_sender_knows_within_its_patience() {
    let world = World::new();
    let source = world.source("a", b"content").await;
    let hole = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let hasty = endpoint(Patience { connect: Duration::from_millis(300), ..HASTE });
    let addr = hole.local_addr().unwrap();
    let sent =
        hasty.send(addr, world.receiver.fingerprint(), Ticket::fresh(), &source, &Transfer::new()).await;
    assert!(matches!(sent, Err(SendError::Unreachable(to)) if to == addr), "{sent:?}");
    let v6 = "[::1]:9".parse().unwrap();
    let sent = hasty.send(v6, world.receiver.fingerprint(), Ticket::fresh(), &source, &Transfer::new()).await;
    assert!(matches!(sent, Err(SendError::Unreachable(_))), "this socket has no way there: {sent:?}");
}
