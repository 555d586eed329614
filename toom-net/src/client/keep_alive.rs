//! When a client that has nothing to say says something all the same.

use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

/// How often it looks, however soon the server says it loses patience.
const OFTEN: Duration = Duration::from_millis(250);

/// Is due when nothing was sent for a third of the time after which the server ends a silent session, and at the latest after two.
#[derive(Debug, Default)]
pub(super) struct KeepAlive {
    every: Duration,
    /// `None` while the server has not said that it ends sessions.
    look: Option<Pin<Box<Sleep>>>,
    sent: bool,
}

impl KeepAlive {
    /// The server has greeted, and said how long it bears silence.
    pub(super) fn greeted(&mut self, idle: Option<Duration>) {
        self.every = idle.map_or(Duration::MAX, |idle| (idle / 3).max(OFTEN));
        self.look = idle.map(|_| Box::pin(sleep(self.every)));
    }

    /// A request was made.
    pub(super) fn sent(&mut self) {
        self.sent = true;
    }

    /// Whether it is time to send a `PING`.
    pub(super) fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(look) = &mut self.look else { return Poll::Pending };
        loop {
            ready!(look.as_mut().poll(cx));
            look.as_mut().reset(Instant::now() + self.every);
            if !core::mem::take(&mut self.sent) {
                return Poll::Ready(());
            }
        }
    }
}
