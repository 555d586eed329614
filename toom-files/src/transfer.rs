//! A handle on one transfer: how far it is, and its end by a person.

use core::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::Arc;

use tokio::sync::watch;

/// What a transfer is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// Nothing has begun.
    Waiting,
    /// The sender reads its file for the hash of the offer.
    Hashing,
    /// One looks for the other.
    Connecting,
    /// The content is under way.
    Moving,
    /// The content is there; it is synced and gets its name.
    Finishing,
    /// It is over, well.
    Done,
}

/// How far a transfer is, and the means to end it. Its clones are the same handle: one for who shows, one for who moves.
#[derive(Clone, Debug, Default)]
pub struct Transfer(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    stage: AtomicU8,
    done: AtomicU64,
    total: AtomicU64,
    resumed: AtomicU64,
    cancelled: watch::Sender<bool>,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            stage: AtomicU8::new(Stage::Waiting as u8),
            done: AtomicU64::new(0),
            total: AtomicU64::new(0),
            resumed: AtomicU64::new(0),
            cancelled: watch::Sender::new(false),
        }
    }
}

impl Transfer {
    /// A handle on a transfer that is to begin.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What it is at.
    #[must_use]
    pub fn stage(&self) -> Stage {
        const STAGES: [Stage; 6] =
            [Stage::Waiting, Stage::Hashing, Stage::Connecting, Stage::Moving, Stage::Finishing, Stage::Done];
        STAGES
            .into_iter()
            .find(|&stage| stage as u8 == self.0.stage.load(Ordering::Relaxed))
            .unwrap_or(Stage::Waiting)
    }

    /// The bytes that the stage has behind it: hashed, or sent, or received. What was there already counts.
    #[must_use]
    pub fn bytes_done(&self) -> u64 {
        self.0.done.load(Ordering::Relaxed)
    }

    /// The bytes of the whole file; 0 until it is known.
    #[must_use]
    pub fn bytes_total(&self) -> u64 {
        self.0.total.load(Ordering::Relaxed)
    }

    /// The bytes that were there from an earlier attempt, and did not have to be moved again.
    #[must_use]
    pub fn bytes_resumed(&self) -> u64 {
        self.0.resumed.load(Ordering::Relaxed)
    }

    /// Ends the transfer because a person wants so: the other side is told, and nothing is kept for another attempt.
    pub fn cancel(&self) {
        self.0.cancelled.send_replace(true);
    }

    /// Whether it was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        *self.0.cancelled.borrow()
    }

    /// Waits until it is.
    pub(crate) async fn cancelled(&self) {
        let mut cancelled = self.0.cancelled.subscribe();
        // The sender lives as long as this handle.
        let _ = cancelled.wait_for(|&cancelled| cancelled).await;
    }

    pub(crate) fn enter(&self, stage: Stage) {
        self.0.stage.store(stage as u8, Ordering::Relaxed);
    }

    /// Begins a stage that counts bytes, of which some are behind it already.
    pub(crate) fn begin(&self, stage: Stage, total: u64, resumed: u64) {
        self.0.total.store(total, Ordering::Relaxed);
        self.0.done.store(resumed, Ordering::Relaxed);
        self.0.resumed.store(resumed, Ordering::Relaxed);
        self.enter(stage);
    }

    pub(crate) fn advance(&self, bytes: usize) {
        self.0.done.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}
