//! A person who has changed their mind.

use std::sync::Arc;

use tokio::sync::Notify;
use toom_files::{ReceiveError, SendError, Transfer};

use crate::relay::{Carrier, honest, send_over};
use crate::world::{MIB, World, content};

#[tokio::test]
async fn a_sender_that_cancels_is_understood_and_leaves_nothing() {
    let world = World::new();
    let source = world.source("long", &content(5, 8 * MIB)).await;
    let (stopped, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (carrier, _seeing) = honest();
    let carrier = Carrier {
        stop_after: 3 * MIB,
        stopped: Arc::clone(&stopped),
        go_on: Some(Arc::clone(&go_on)),
        ..carrier
    };
    let (sending, receiving) = (Transfer::new(), Transfer::new());
    let cancel = async {
        stopped.notified().await;
        sending.cancel();
        go_on.notify_one();
    };
    let ((sent, received), ()) =
        tokio::join!(send_over(&world, &source, carrier, &sending, &receiving), cancel);
    assert!(matches!(sent, Err(SendError::Cancelled)), "{sent:?}");
    assert!(matches!(received, Err(ReceiveError::CancelledByPeer)), "{received:?}");
    assert_eq!(world.listing(), Vec::<String>::new());
}

#[tokio::test]
async fn a_receiver_that_cancels_is_understood_and_leaves_nothing() {
    let world = World::new();
    let source = world.source("long", &content(5, 8 * MIB)).await;
    let (stopped, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (carrier, _seeing) = honest();
    let carrier = Carrier {
        stop_after: 3 * MIB,
        stopped: Arc::clone(&stopped),
        go_on: Some(Arc::clone(&go_on)),
        ..carrier
    };
    let (sending, receiving) = (Transfer::new(), Transfer::new());
    let cancel = async {
        stopped.notified().await;
        receiving.cancel();
        go_on.notify_one();
    };
    let ((sent, received), ()) =
        tokio::join!(send_over(&world, &source, carrier, &sending, &receiving), cancel);
    assert!(matches!(sent, Err(SendError::CancelledByPeer)), "{sent:?}");
    assert!(matches!(received, Err(ReceiveError::Cancelled)), "{received:?}");
    assert_eq!(world.listing(), Vec::<String>::new());
}

#[tokio::test]
async fn a_receiver_that_goes_away_keeps_what_was_proven_and_the_sender_notices() {
    let world = World::new();
    let source = world.source("long", &content(5, 8 * MIB)).await;
    let stopped = Arc::new(Notify::new());
    let (carrier, _seeing) = honest();
    let carrier = Carrier {
        stop_after: 3 * MIB,
        stopped: Arc::clone(&stopped),
        go_on: Some(Arc::default()),
        ..carrier
    };
    let (sending, receiving) = (Transfer::new(), Transfer::new());
    tokio::select! {
        ends = send_over(&world, &source, carrier, &sending, &receiving) => panic!("it ended: {ends:?}"),
        () = stopped.notified() => {}
    }
    // The thread that wrote may still be at it: whoever receives the file next waits for it.
    let (sent, received) = world.send(&source).await;
    sent.unwrap();
    let resumed = received.unwrap().bytes_resumed;
    assert!((MIB as u64..=3 * MIB as u64).contains(&resumed), "{resumed}");
    assert_eq!(world.listing(), ["yoda_long"]);
}
