//! The pipe through a third party.

use std::fs;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::sync::{Notify, mpsc};
use toom_files::{ReceiveError, SendError, Ticket, Transfer};

use crate::world::{Ends, HASTE, MIB, World, content, endpoint};

/// Carries bytes between two pipes as a server would, in small pieces.
pub(crate) struct Carrier {
    /// Stops after so many bytes from the sender.
    pub(crate) stop_after: usize,
    /// Says that it has.
    pub(crate) stopped: Arc<Notify>,
    /// Goes on then; without it, hangs up.
    pub(crate) go_on: Option<Arc<Notify>>,
    pub(crate) seen: mpsc::UnboundedSender<Vec<u8>>,
}

impl Carrier {
    async fn carry(self, sender: DuplexStream, receiver: DuplexStream) {
        let (mut from_sender, mut to_sender) = tokio::io::split(sender);
        let (mut from_receiver, mut to_receiver) = tokio::io::split(receiver);
        let forth = async {
            let mut left = self.stop_after;
            let mut piece = vec![0; 8 << 10];
            while let Ok(bytes @ 1..) = from_sender.read(&mut piece).await {
                if left < bytes {
                    self.stopped.notify_one();
                    let Some(go_on) = &self.go_on else { return };
                    go_on.notified().await;
                    left = usize::MAX;
                }
                left -= bytes;
                // The test may have seen enough.
                let _ = self.seen.send(piece[..bytes].to_vec());
                // Whoever listens no longer may still have something to say.
                let _ = to_receiver.write_all(&piece[..bytes]).await;
            }
            // Half of it may be over before the other.
            let _ = to_receiver.shutdown().await;
            std::future::pending::<()>().await;
        };
        let back = async {
            let _ = tokio::io::copy(&mut from_receiver, &mut to_sender).await;
        };
        tokio::select! {
            () = forth => {}
            () = back => {}
        }
    }
}

/// Sends through a carrier.
pub(crate) async fn send_over(
    world: &World,
    source: &toom_files::Source,
    carrier: Carrier,
    sending: &Transfer,
    receiving: &Transfer,
) -> Ends {
    let (near, a) = duplex(64 << 10);
    let (b, far) = duplex(64 << 10);
    let ticket = Ticket::fresh();
    let receive = async {
        let connection = world.receiver.accept_over(far, world.sender.fingerprint(), ticket).await?;
        world.inbox.receive(&World::offer(source), connection, receiving).await
    };
    let send = world.sender.send_over(near, world.receiver.fingerprint(), ticket, source, sending);
    let (sender, receiver, ()) = tokio::join!(send, receive, carrier.carry(a, b));
    (sender, receiver)
}

/// One that carries everything.
pub(crate) fn honest() -> (Carrier, mpsc::UnboundedReceiver<Vec<u8>>) {
    let (seen, seeing) = mpsc::unbounded_channel();
    (Carrier { stop_after: usize::MAX, stopped: Arc::default(), go_on: None, seen }, seeing)
}

#[tokio::test]
async fn a_relayed_file_arrives_and_who_carries_it_sees_nothing_of_it() {
    let world = World::new();
    let content = b"what nobody else should read ".repeat(3_000);
    let source = world.source("secret", &content).await;
    let (carrier, mut seeing) = honest();
    let (sent, received) = send_over(&world, &source, carrier, &Transfer::new(), &Transfer::new()).await;
    sent.unwrap();
    assert!(fs::read(received.unwrap().path).unwrap() == content);
    let mut seen = Vec::new();
    while let Some(piece) = seeing.recv().await {
        seen.extend(piece);
    }
    assert!(seen.len() > content.len());
    assert!(!seen.windows(12).any(|bytes| bytes == b"nobody else "));
    assert!(!seen.windows(32).any(|bytes| bytes == source.hash().to_string().as_bytes()));
}

#[tokio::test]
async fn a_relay_that_hangs_up_costs_nothing_that_was_proven_and_the_rest_may_go_straight() {
    let world = World::new();
    let content = content(3, 6 * MIB);
    let source = world.source("long", &content).await;
    let (carrier, _seeing) = honest();
    let carrier = Carrier { stop_after: 4 * MIB, ..carrier };
    let (sent, received) = send_over(&world, &source, carrier, &Transfer::new(), &Transfer::new()).await;
    assert!(matches!(sent, Err(SendError::Lost(_))), "{sent:?}");
    assert!(matches!(received, Err(ReceiveError::Lost(_))), "{received:?}");
    let (sent, received) = world.send(&source).await;
    sent.unwrap();
    let received = received.unwrap();
    assert_eq!(received.bytes_resumed, 3 * MIB as u64);
    assert!(fs::read(received.path).unwrap() == content);
}

#[tokio::test]
async fn no_third_party_can_take_the_place_of_either() {
    let world = World::new();
    let source = world.source("a", b"content").await;
    let ticket = Ticket::fresh();
    let stranger = endpoint(HASTE);
    let (near, far) = duplex(64 << 10);
    let transfer = Transfer::new();
    let (sent, accepted) = tokio::join!(
        world.sender.send_over(near, world.receiver.fingerprint(), ticket, &source, &transfer),
        stranger.accept_over(far, world.sender.fingerprint(), ticket),
    );
    assert!(matches!(sent, Err(SendError::NotIntroduced)), "{sent:?}");
    assert!(matches!(accepted, Err(ReceiveError::NotIntroduced)), "{accepted:?}");

    let (near, far) = duplex(64 << 10);
    let (sent, accepted) = tokio::join!(
        stranger.send_over(near, world.receiver.fingerprint(), ticket, &source, &transfer),
        world.receiver.accept_over(far, world.sender.fingerprint(), ticket),
    );
    assert!(matches!(sent, Err(SendError::NotIntroduced)), "{sent:?}");
    assert!(matches!(accepted, Err(ReceiveError::NotIntroduced)), "{accepted:?}");
}
