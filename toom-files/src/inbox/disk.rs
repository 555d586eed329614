//! The thread that checks and writes what comes, and the few buffers that go round between it and the network.

use std::io;
use std::sync::mpsc;

use tokio::sync::{mpsc as buffers, oneshot};
use tokio::task::{JoinError, JoinHandle, spawn_blocking};

use super::part::Part;
use super::{Inbox, Offer, Received};
use crate::exchange::PIECES;
use crate::exchange::receive::ReceiveError;
use crate::outline::Outline;

/// A file that is being received. Dropped, it keeps what has come for another attempt.
#[derive(Debug)]
pub(crate) struct Disk {
    first: u64,
    bytes_resumed: u64,
    orders: mpsc::Sender<Order>,
    free: buffers::UnboundedReceiver<Vec<u8>>,
    thread: Option<JoinHandle<Result<Option<Received>, ReceiveError>>>,
}

#[derive(Debug)]
enum Order {
    Write(Vec<u8>),
    Finish,
    Discard,
}

impl Disk {
    /// Opens or makes the part file.
    pub(crate) async fn open(inbox: Inbox, offer: Offer, outline: Outline) -> Result<Self, ReceiveError> {
        let (orders, received) = mpsc::channel();
        let (give, free) = buffers::unbounded_channel();
        for _ in 0..PIECES {
            give.send(Vec::new()).expect("the receiver is here");
        }
        let (ready, opened) = oneshot::channel();
        // One thread from the beginning: if this future is dropped, the thread finds nobody who gives orders, and tidies up.
        let thread = spawn_blocking(move || {
            let part = Part::open(&inbox, &offer, outline)?;
            let _ = ready.send((part.first(), part.bytes_resumed()));
            run(part, &received, &give)
        });
        let mut disk = Self { first: 0, bytes_resumed: 0, orders, free, thread: Some(thread) };
        let Ok((first, bytes_resumed)) = opened.await else { return Err(disk.failure().await) };
        (disk.first, disk.bytes_resumed) = (first, bytes_resumed);
        Ok(disk)
    }

    /// The first group that is wanted.
    pub(crate) const fn first(&self) -> u64 {
        self.first
    }

    /// What was there already.
    pub(crate) const fn bytes_resumed(&self) -> u64 {
        self.bytes_resumed
    }

    /// A buffer, if one is free.
    pub(crate) fn free_buffer(&mut self) -> Option<Vec<u8>> {
        self.free.try_recv().ok()
    }

    /// The next buffer that becomes free.
    pub(crate) async fn next_buffer(&mut self) -> Result<Vec<u8>, ReceiveError> {
        match self.free.recv().await {
            Some(buffer) => Ok(buffer),
            None => Err(self.failure().await),
        }
    }

    /// Has a piece checked and written. If that fails, the next buffer tells.
    pub(crate) fn write(&self, piece: Vec<u8>) {
        // The thread is gone only after a failure.
        let _ = self.orders.send(Order::Write(piece));
    }

    /// Has the file checked to its end, synced and named.
    pub(crate) async fn finish(&mut self) -> Result<Received, ReceiveError> {
        // As above.
        let _ = self.orders.send(Order::Finish);
        match self.joined().await {
            Ok(Some(received)) => Ok(received),
            Ok(None) => Err(ReceiveError::Lost(io::ErrorKind::Interrupted.into())),
            Err(error) => Err(error),
        }
    }

    /// Ends it, and waits until nothing is left, or only what another attempt can use. The file, if it was finished before.
    pub(crate) async fn stop(mut self, keep: bool) -> Option<Received> {
        if !keep {
            // As above.
            let _ = self.orders.send(Order::Discard);
        }
        let (orders, _) = mpsc::channel();
        drop(core::mem::replace(&mut self.orders, orders));
        self.joined().await.ok().flatten()
    }

    /// Waits until writing fails, which may be never.
    pub(crate) async fn failure(&mut self) -> ReceiveError {
        match self.joined().await {
            Err(error) => error,
            Ok(_) => ReceiveError::Lost(io::ErrorKind::Interrupted.into()),
        }
    }

    /// What the thread came to; nothing where that was told already.
    async fn joined(&mut self) -> Result<Option<Received>, ReceiveError> {
        let Some(thread) = &mut self.thread else { return Ok(None) };
        let result = thread.await;
        self.thread = None;
        result.unwrap_or_else(|error| Err(fallen(error)))
    }
}

/// What becomes of a transfer whose thread fell: a panic goes on, and else it is the program that ends.
fn fallen(error: JoinError) -> ReceiveError {
    match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(error) => ReceiveError::Lost(error.into()),
    }
}

/// The thread: carries out the orders until the last, or until nobody is there to give any.
fn run(
    mut part: Part,
    orders: &mpsc::Receiver<Order>,
    free: &buffers::UnboundedSender<Vec<u8>>,
) -> Result<Option<Received>, ReceiveError> {
    for order in orders {
        match order {
            Order::Write(piece) => {
                if let Err(error) = part.take(&piece) {
                    part.discard();
                    return Err(error);
                }
                // Nobody may want it any more.
                let _ = free.send(piece);
            }
            Order::Finish => return part.finish().map(Some),
            Order::Discard => {
                part.discard();
                return Ok(None);
            }
        }
    }
    part.keep();
    Ok(None)
}
