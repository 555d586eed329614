//! Bytes through the server, as a stream.

mod moving;

use core::pin::Pin;
use core::task::{Context, Poll, Waker, ready};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};
use tokio::task::AbortHandle;

use super::Client;
use crate::protocol::TransferId;
use moving::Moving;

/// How many bytes wait on either side of a pipe, beside the pieces that are under way.
const BUFFER_BYTES: usize = 64 * 1024;

/// One end of the way that a file takes through the server: bytes in order, in both directions. The server can read them; encrypt what it is not to read.
///
/// It keeps to what the other side takes, and to what the server takes in a second: writing waits then, and nothing is lost. Each end holds less than 512 KiB.
///
/// Flushing waits until the server has taken all that was written. Shutting down does so too, and ends nothing for the other side: say the end by what is sent.
/// When the transfer ends, in whatever way, what came before can still be read, and writing fails. Dropped, the pipe throws away what was not flushed;
/// the transfer goes on until someone ends it. Like a [`Client`], it keeps the connection open.
#[derive(Debug)]
pub struct RelayPipe {
    near: DuplexStream,
    progress: Arc<Progress>,
    moving: AbortHandle,
}

/// How far what was written has come.
#[derive(Debug, Default)]
struct Progress(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Bytes that were written and that the server has not taken.
    due: usize,
    /// Whether it will not take any more.
    over: bool,
    flushing: Option<Waker>,
}

impl Progress {
    fn look<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn wake(&self, change: impl FnOnce(&mut State)) {
        let waker = self.look(|state| {
            change(state);
            state.flushing.take()
        });
        waker.into_iter().for_each(Waker::wake);
    }

    fn taken(&self, bytes: usize) {
        self.wake(|state| state.due = state.due.saturating_sub(bytes));
    }

    fn over(&self) {
        self.wake(|state| state.over = true);
    }
}

/// A pipe that takes what comes, and sends nothing yet.
pub(super) struct NewPipe {
    moving: Moving,
    progress: Arc<Progress>,
}

impl NewPipe {
    pub(super) fn new(client: &Client, id: TransferId) -> Self {
        let progress = Arc::new(Progress::default());
        Self { moving: Moving::new(client.clone(), id, Arc::clone(&progress)), progress }
    }

    pub(super) fn start(self) -> RelayPipe {
        let (near, far) = duplex(BUFFER_BYTES);
        let moving = tokio::spawn(self.moving.run(far)).abort_handle();
        RelayPipe { near, progress: self.progress, moving }
    }
}

impl Drop for RelayPipe {
    fn drop(&mut self) {
        self.moving.abort();
    }
}

impl AsyncRead for RelayPipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        read: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.near).poll_read(cx, read)
    }
}

impl AsyncWrite for RelayPipe {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        // Counted first: it may be taken before this goes on.
        self.progress.look(|state| state.due += bytes.len());
        let written = Pin::new(&mut self.near).poll_write(cx, bytes);
        let count = if let Poll::Ready(Ok(count)) = written { count } else { 0 };
        self.progress.look(|state| state.due = state.due.saturating_sub(bytes.len() - count));
        written
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.progress.look(|state| {
            if state.due == 0 {
                return Poll::Ready(Ok(()));
            }
            if state.over {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            state.flushing = Some(cx.waker().clone());
            Poll::Pending
        })
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_flush(cx))?;
        Pin::new(&mut self.near).poll_shutdown(cx)
    }
}
