//! Moves bytes between a stream and a [`Dialogue`], calls and their answers.

use core::future::poll_fn;
use core::mem::MaybeUninit;
use core::pin::Pin;
use core::task::{Context, Poll, Waker, ready};
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{Notify, mpsc, oneshot};

use super::keep_alive::KeepAlive;
use super::relays::Relays;
use super::{Answer, Bye, CallError, Dialogue, Ended, Event, PushQueue};
use crate::protocol::{Command, Greeting, Push, TransferPush, Verb};

/// How many requests wait for their replies at once; further calls wait to be sent.
pub(super) const IN_FLIGHT_MAX: usize = 128;

/// How many bytes wait to be written before further calls do.
const UNSENT_BYTES_MAX: usize = 64 * 1024;

/// How much is read at once.
pub(super) const READ_BYTES: usize = 8 * 1024;

/// A request, and where its answer goes. Where nobody waits for the answer any more, it is dropped.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) command: Command,
    pub(super) answer: oneshot::Sender<Result<Answer, CallError>>,
}

/// What the driver shares with the handles.
#[derive(Debug)]
pub(super) struct Shared {
    /// `None` once nobody takes what is pushed.
    pushes: Mutex<Option<PushQueue>>,
    pub(super) pushed: Notify,
    /// Who has more for the queue once there is room.
    taken: Mutex<Option<Waker>>,
    pub(super) relays: Relays,
    ended: OnceLock<Ended>,
}

/// The one that owns the stream. It never waits for those who take what it reads, so it always reads on.
#[derive(Debug)]
pub(super) struct Driver<S> {
    stream: S,
    dialogue: Dialogue,
    calls: mpsc::Receiver<Call>,
    /// Resolves when the last handle is dropped.
    closed: oneshot::Receiver<()>,
    /// Where the answers go, in the order of the requests, with their verbs.
    waiting: VecDeque<(Verb, oneshot::Sender<Result<Answer, CallError>>)>,
    greeting: Option<oneshot::Sender<Greeting>>,
    shared: Arc<Shared>,
    bye: Option<Bye>,
    keep_alive: KeepAlive,
    flush: Flush,
    /// Why nothing can be written any more. What the server said before it closed is still read.
    write_error: Option<io::Error>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flush {
    Done,
    Due,
}

/// Something was moved, or the connection has ended.
type Step = Poll<Result<(), Ended>>;

impl Shared {
    pub(super) fn new() -> Self {
        Self {
            pushes: Mutex::new(Some(PushQueue::new(PushQueue::BYTES_MAX))),
            pushed: Notify::new(),
            taken: Mutex::new(None),
            relays: Relays::default(),
            ended: OnceLock::new(),
        }
    }

    /// Looks at the queue. Nobody panics while they hold it.
    pub(super) fn with_pushes<T>(&self, look: impl FnOnce(&mut Option<PushQueue>) -> T) -> T {
        look(&mut self.pushes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn ended(&self) -> Option<&Ended> {
        self.ended.get()
    }

    /// Says why the connection ended, unless that was said.
    pub(super) fn end(&self, ended: Ended) {
        self.ended.get_or_init(|| ended);
        self.relays.close_all();
    }

    /// Wakes `waker` when something is taken from the queue. To be called before looking whether there is room.
    pub(super) fn wake_when_taken(&self, waker: &Waker) {
        *self.taken.lock().unwrap_or_else(PoisonError::into_inner) = Some(waker.clone());
    }

    /// Something was taken from the queue, or nobody takes anything any more.
    pub(super) fn was_taken(&self) {
        if let Some(waker) = self.taken.lock().unwrap_or_else(PoisonError::into_inner).take() {
            waker.wake();
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Driver<S> {
    pub(super) fn new(
        stream: S,
        calls: mpsc::Receiver<Call>,
        closed: oneshot::Receiver<()>,
        greeting: oneshot::Sender<Greeting>,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            stream,
            dialogue: Dialogue::new(),
            calls,
            closed,
            waiting: VecDeque::new(),
            greeting: Some(greeting),
            shared,
            bye: None,
            keep_alive: KeepAlive::default(),
            flush: Flush::Done,
            write_error: None,
        }
    }

    /// Runs until the connection ends, and tells why to whoever asks.
    pub(super) async fn run(mut self) {
        let ended = poll_fn(|cx| self.poll(cx)).await;
        // Set before the callers learn that no answer comes, which they do when `self` is dropped.
        self.shared.end(ended);
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        if Pin::new(&mut self.closed).poll(cx).is_ready() {
            return Poll::Ready(Ended::Closed);
        }
        loop {
            let steps =
                [self.poll_calls(cx), self.poll_keep_alive(cx), self.poll_write(cx), self.poll_read(cx)];
            let mut moved = false;
            for step in steps {
                match step {
                    Poll::Ready(Ok(())) => moved = true,
                    Poll::Ready(Err(ended)) => return Poll::Ready(ended),
                    Poll::Pending => {}
                }
            }
            if !moved {
                return Poll::Pending;
            }
        }
    }

    /// Takes a call, if there is room for it. Room is made by writing and by reading, which the loop looks at next.
    fn poll_calls(&mut self, cx: &mut Context<'_>) -> Step {
        if self.waiting.len() >= IN_FLIGHT_MAX || self.dialogue.unsent().len() >= UNSENT_BYTES_MAX {
            return Poll::Pending;
        }
        let Some(Call { command, answer }) = ready!(self.calls.poll_recv(cx)) else {
            return Poll::Ready(Err(Ended::Closed));
        };
        if answer.is_closed() {
            return Poll::Ready(Ok(()));
        }
        self.request(command, answer);
        Poll::Ready(Ok(()))
    }

    /// Sends a `PING` before the server takes this end for dead. Nobody waits for its answer.
    fn poll_keep_alive(&mut self, cx: &mut Context<'_>) -> Step {
        ready!(self.keep_alive.poll_due(cx));
        self.request(Command::Ping { text: "".into() }, oneshot::channel().0);
        Poll::Ready(Ok(()))
    }

    fn request(&mut self, command: Command, answer: oneshot::Sender<Result<Answer, CallError>>) {
        self.keep_alive.sent();
        let verb = command.verb();
        match self.dialogue.request(command) {
            Ok(_) => self.waiting.push_back((verb, answer)),
            Err(error) => drop(answer.send(Err(error.into()))),
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Step {
        if self.write_error.is_some() {
            return Poll::Pending;
        }
        let written = if !self.dialogue.unsent().is_empty() {
            ready!(Pin::new(&mut self.stream).poll_write(cx, self.dialogue.unsent()))
        } else if self.flush == Flush::Due {
            ready!(Pin::new(&mut self.stream).poll_flush(cx)).map(|()| 0)
        } else {
            return Poll::Pending;
        };
        match written {
            Ok(0) if self.dialogue.unsent().is_empty() => self.flush = Flush::Done,
            Ok(0) => self.write_error = Some(io::ErrorKind::WriteZero.into()),
            Ok(count) => {
                self.dialogue.advance(count);
                self.flush = Flush::Due;
            }
            Err(error) => self.write_error = Some(error),
        }
        Poll::Ready(Ok(()))
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Step {
        let mut place = [MaybeUninit::uninit(); READ_BYTES];
        let mut read = ReadBuf::uninit(&mut place);
        match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut read)) {
            Ok(()) if read.filled().is_empty() => {
                let error = self.write_error.take();
                Poll::Ready(Err(self.lost(error)))
            }
            Ok(()) => {
                self.dialogue.receive(read.filled());
                Poll::Ready(self.take_events())
            }
            Err(error) => Poll::Ready(Err(self.lost(Some(error)))),
        }
    }

    fn lost(&mut self, error: Option<io::Error>) -> Ended {
        Ended::Lost { bye: self.bye.take(), error: error.map(Arc::new) }
    }

    fn take_events(&mut self) -> Result<(), Ended> {
        while let Some(event) = self.dialogue.next_event()? {
            match event {
                Event::Greeting(greeting) => {
                    self.keep_alive.greeted(greeting.idle);
                    if let Some(waiter) = self.greeting.take() {
                        // Nobody waits for it where `connect` was dropped; the last `Client` is gone then, too.
                        let _ = waiter.send(greeting);
                    }
                }
                Event::Answered { result, .. } => {
                    let Some((verb, waiter)) = self.waiting.pop_front() else { continue };
                    let last = verb == Verb::Out && result.is_ok();
                    if last {
                        self.shared.end(Ended::Closed);
                    }
                    // Nobody waits for it where the call was dropped.
                    let _ = waiter.send(result.map_err(CallError::Refused));
                    if last {
                        return Err(Ended::Closed);
                    }
                }
                Event::Push(push) => self.push(push)?,
            }
        }
        Ok(())
    }

    fn push(&mut self, push: Push) -> Result<(), Ended> {
        if let Push::Bye { code, text } = &push {
            self.bye = Some(Bye { code: code.clone(), text: text.clone() });
        }
        if let Push::Transfer(push) = &push {
            self.shared.relays.take(push);
            if matches!(push, TransferPush::More { .. } | TransferPush::Data { .. }) {
                return Ok(());
            }
        }
        self.shared.with_pushes(|pushes| pushes.as_mut().map_or(Ok(()), |queue| queue.add(push)))?;
        self.shared.pushed.notify_one();
        Ok(())
    }
}

impl<S> Drop for Driver<S> {
    /// Also where the runtime shuts down under it.
    fn drop(&mut self) {
        self.shared.end(Ended::Closed);
        self.shared.pushed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Bell(AtomicU32);

    impl Wake for Bell {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn who_has_more_for_the_queue_is_woken_once_when_something_is_taken() {
        let (shared, bell) = (Shared::new(), Arc::new(Bell::default()));
        shared.was_taken();
        shared.wake_when_taken(&Waker::from(Arc::clone(&bell)));
        assert_eq!(bell.0.load(Ordering::Relaxed), 0);
        shared.was_taken();
        shared.was_taken();
        assert_eq!(bell.0.load(Ordering::Relaxed), 1);
    }
}
