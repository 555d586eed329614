//! What the application takes of what is pushed.

use std::sync::Arc;

use super::driver::Shared;
use super::{Ended, Pushed};

/// What is pushed on a connection. Dropped, it leaves the connection open, and what is pushed is thrown away.
///
/// It is never in the way of calls: 1 MiB waits here to be taken, and of what comes on top only the numbers are kept
/// ([`PushQueue`](super::PushQueue)).
#[derive(Debug)]
pub struct Pushes {
    pub(super) shared: Arc<Shared>,
}

impl Pushes {
    /// Waits for the next event; `None` says that the connection has ended and everything was taken. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Pushed> {
        loop {
            // Looked at before the queue: what was pushed before the end is in the queue by then.
            let ended = self.shared.ended().is_some();
            if let Some(event) = self.try_next() {
                return Some(event);
            }
            if ended {
                return None;
            }
            self.shared.pushed.notified().await;
        }
    }

    /// The next event, if there is one already.
    pub fn try_next(&mut self) -> Option<Pushed> {
        let event = self.shared.with_pushes(|pushes| pushes.as_mut()?.take())?;
        self.shared.was_taken();
        Some(event)
    }

    /// Why the connection ended; `None` while it is open.
    #[must_use]
    pub fn ended(&self) -> Option<&Ended> {
        self.shared.ended()
    }
}

impl Drop for Pushes {
    fn drop(&mut self) {
        self.shared.with_pushes(|pushes| *pushes = None);
        self.shared.was_taken();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_kept_for_pushes_that_were_dropped() {
        let shared = Arc::new(Shared::new());
        let pushes = Pushes { shared: Arc::clone(&shared) };
        assert!(shared.with_pushes(|queue| queue.is_some()));
        drop(pushes);
        assert!(shared.with_pushes(|queue| queue.is_none()));
    }
}
