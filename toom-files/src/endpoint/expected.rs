//! Who is expected, and with what.

use core::future::pending;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::Connection;
use crate::identity::Known;
use crate::marks::{Fingerprint, Ticket};
use crate::pipe::Pipe;

/// All transfers of which the connection has not come yet.
#[derive(Debug, Default)]
pub(super) struct Expectations(Mutex<HashMap<Ticket, (Fingerprint, oneshot::Sender<Pipe>)>>);

impl Expectations {
    pub(super) fn expect(this: &Arc<Self>, ticket: Ticket, sender: Fingerprint, stall: Duration) -> Expected {
        let (give, waiting) = oneshot::channel();
        this.0.lock().unwrap_or_else(PoisonError::into_inner).insert(ticket, (sender, give));
        Expected { ticket, expectations: Arc::clone(this), waiting, stall }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Uses up the ticket, if it is that sender's.
    pub(super) fn take(&self, ticket: Ticket, sender: Fingerprint) -> Option<oneshot::Sender<Pipe>> {
        let mut expected = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if expected.get(&ticket)?.0 != sender {
            return None;
        }
        expected.remove(&ticket).map(|(_, waiting)| waiting)
    }
}

impl Known for Arc<Expectations> {
    fn knows(&self, peer: &Fingerprint) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().any(|(sender, _)| sender == peer)
    }
}

/// One connection that is expected, for as long as this is held.
#[derive(Debug)]
pub struct Expected {
    ticket: Ticket,
    expectations: Arc<Expectations>,
    waiting: oneshot::Receiver<Pipe>,
    stall: Duration,
}

impl Expected {
    /// Waits until it comes, which may be never. This future may be dropped, and another asked for, before it has.
    ///
    /// # Panics
    ///
    /// When it is asked for again after it came.
    pub async fn connection(&mut self) -> Connection {
        match (&mut self.waiting).await {
            Ok(pipe) => Connection { pipe, stall: self.stall },
            // The endpoint is gone: nobody will come.
            Err(_) => pending().await,
        }
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        self.expectations.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.ticket);
    }
}
