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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::oneshot;

    use super::*;

    /// A pipe, what takes its bytes, and whether that is still at work.
    fn pipe() -> (RelayPipe, DuplexStream, oneshot::Receiver<()>) {
        let ((near, far), (at_work, is_at_work)) = (duplex(8), oneshot::channel());
        let moving = tokio::spawn(async move {
            core::future::pending::<()>().await;
            drop(at_work);
        });
        let progress = Arc::default();
        (RelayPipe { near, progress, moving: moving.abort_handle() }, far, is_at_work)
    }

    async fn is_flushed(pipe: &mut RelayPipe) -> Option<io::Result<()>> {
        poll_now(pipe.flush()).await
    }

    /// What comes of it without waiting.
    async fn poll_now<T>(future: impl Future<Output = T>) -> Option<T> {
        let mut future = core::pin::pin!(future);
        core::future::poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => Poll::Ready(None),
        })
        .await
    }

    #[tokio::test]
    async fn flushing_and_shutting_down_wait_until_all_that_was_written_is_taken() {
        let (mut pipe, mut far, _at_work) = pipe();
        assert!(matches!(is_flushed(&mut pipe).await, Some(Ok(()))));
        // Of ten bytes eight fit.
        assert_eq!(pipe.write(b"0123456789").await.unwrap(), 8);
        far.read_exact(&mut [0; 8]).await.unwrap();
        for taken in [5, 3] {
            assert!(is_flushed(&mut pipe).await.is_none());
            assert!(poll_now(pipe.shutdown()).await.is_none());
            pipe.progress.taken(taken);
        }
        assert!(matches!(is_flushed(&mut pipe).await, Some(Ok(()))));
        assert!(matches!(poll_now(pipe.shutdown()).await, Some(Ok(()))));
        assert_eq!(far.read(&mut [0; 8]).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn who_waits_for_a_flush_learns_that_the_transfer_is_over() {
        let (mut pipe, _far, _at_work) = pipe();
        pipe.write_all(b"x").await.unwrap();
        let progress = Arc::clone(&pipe.progress);
        let flushed = tokio::spawn(async move { pipe.flush().await });
        tokio::task::yield_now().await;
        progress.over();
        assert_eq!(flushed.await.unwrap().unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }

    #[tokio::test]
    async fn a_pipe_that_is_dropped_moves_nothing_any_more() {
        let (pipe, _far, at_work) = pipe();
        tokio::task::yield_now().await;
        drop(pipe);
        assert!(at_work.await.is_err());
    }
}
