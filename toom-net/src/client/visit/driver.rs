//! Moves bytes between the connections of a [`Visit`] and the visit, calls and their answers, and tells it the time.

use core::future::{Future, poll_fn};
use core::mem::MaybeUninit;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, Sleep, sleep_until};
use toom_core::Mono;

use super::{Ticket, Visit, VisitEvent};
use crate::client::driver::{Call, Flush, IN_FLIGHT_MAX, READ_BYTES, Shared};
use crate::client::{Answer, CallError, ConnectError, Ended, PushQueue, Pushed};
use crate::protocol::Greeting;

/// A connection that comes about.
type Coming<S> = Pin<Box<dyn Future<Output = Result<S, ConnectError>> + Send>>;

/// Where connections come from.
pub(in crate::client) type Connect<S> = Box<dyn FnMut() -> Coming<S> + Send>;

/// The one that makes connections and owns them. It never waits for those who take what it reads.
pub(in crate::client) struct VisitDriver<S> {
    visit: Visit,
    connect: Connect<S>,
    link: Link<S>,
    calls: mpsc::Receiver<Call>,
    /// Resolves when the last handle is dropped.
    closed: oneshot::Receiver<()>,
    /// Where the answers go.
    waiting: BTreeMap<Ticket, oneshot::Sender<Result<Answer, CallError>>>,
    greeting: Option<oneshot::Sender<Greeting>>,
    shared: Arc<Shared>,
    began: Instant,
    alarm: Pin<Box<Sleep>>,
}

enum Link<S> {
    None,
    Coming(Coming<S>),
    Open(Stream<S>),
}

struct Stream<S> {
    bytes: S,
    flush: Flush,
    /// Why nothing can be written any more. What the server said before it closed is still read.
    write_error: Option<io::Error>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> VisitDriver<S> {
    pub(in crate::client) fn new(
        visit: impl FnOnce(Mono) -> Visit,
        connect: Connect<S>,
        calls: mpsc::Receiver<Call>,
        closed: oneshot::Receiver<()>,
        greeting: oneshot::Sender<Greeting>,
        shared: Arc<Shared>,
    ) -> Self {
        let began = Instant::now();
        Self {
            visit: visit(Mono::ZERO),
            connect,
            link: Link::None,
            calls,
            closed,
            waiting: BTreeMap::new(),
            greeting: Some(greeting),
            shared,
            began,
            alarm: Box::pin(sleep_until(began)),
        }
    }

    /// Runs until the visit is over, and tells why to whoever asks.
    pub(in crate::client) async fn run(mut self) {
        let ended = poll_fn(|cx| self.poll(cx)).await;
        self.shared.end(ended);
    }

    fn now(&self) -> Mono {
        Mono::new(self.began.elapsed())
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        if Pin::new(&mut self.closed).poll(cx).is_ready() {
            self.visit.close();
        }
        loop {
            let steps = [self.poll_calls(cx), self.poll_link(cx), self.poll_alarm(cx)];
            self.hand_on(cx);
            if let Some(ended) = self.visit.ended() {
                return Poll::Ready(ended.clone());
            }
            if steps.iter().all(Poll::is_pending) {
                return Poll::Pending;
            }
        }
    }

    /// Takes a call, if there is room for it. Room is made by answers.
    fn poll_calls(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.visit.pending() >= IN_FLIGHT_MAX {
            return Poll::Pending;
        }
        match ready!(self.calls.poll_recv(cx)) {
            Some(Call { command, answer }) if !answer.is_closed() => {
                let ticket = self.visit.request(command);
                self.waiting.insert(ticket, answer);
            }
            Some(_) => {}
            None => self.visit.close(),
        }
        Poll::Ready(())
    }

    fn poll_link(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let now = self.now();
        match &mut self.link {
            Link::None if self.visit.wants_connection() => self.link = Link::Coming((self.connect)()),
            Link::None => return Poll::Pending,
            Link::Coming(coming) if self.visit.wants_connection() => match ready!(coming.as_mut().poll(cx)) {
                Ok(bytes) => {
                    self.link = Link::Open(Stream { bytes, flush: Flush::Done, write_error: None });
                    self.visit.connected(now);
                }
                Err(error) => {
                    self.link = Link::None;
                    self.visit.lost(error.into(), now);
                }
            },
            Link::Open(stream) if self.visit.wants_stream() => {
                let written = stream.poll_write(cx, &mut self.visit);
                match stream.poll_read(cx, &mut self.visit, now) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(error)) => {
                        self.link = Link::None;
                        self.visit.lost(Ended::Lost { bye: None, error: error.map(Arc::new) }, now);
                    }
                    Poll::Pending => return written,
                }
            }
            Link::Coming(_) | Link::Open(_) => self.link = Link::None,
        }
        Poll::Ready(())
    }

    fn poll_alarm(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.visit.next_deadline() else { return Poll::Pending };
        let at = self.began + deadline.elapsed();
        if self.alarm.deadline() != at {
            self.alarm.as_mut().reset(at);
        }
        ready!(self.alarm.as_mut().poll(cx));
        self.visit.expire(self.now());
        Poll::Ready(())
    }

    /// Hands on what the visit has for those who wait for it.
    fn hand_on(&mut self, cx: &Context<'_>) {
        if let Some(greeting) = self.visit.greeting()
            && let Some(waiter) = self.greeting.take()
        {
            // Nobody waits for it where connecting was given up.
            let _ = waiter.send(greeting.clone());
        }
        self.shared.wake_when_taken(cx.waker());
        loop {
            let takes = self.shared.with_pushes(|pushes| pushes.as_ref().is_none_or(PushQueue::has_room));
            let takes = takes || self.visit.ended().is_some();
            match if takes { self.visit.next_event() } else { self.visit.next_answer() } {
                Some(VisitEvent::Pushed(event)) => self.push(event),
                Some(VisitEvent::Answered { ticket, result }) => self.answer(ticket, result),
                Some(VisitEvent::Relayed(push)) => self.shared.relays.take(&push),
                None => break,
            }
        }
        if !self.visit.wants_stream() {
            self.shared.relays.close_all();
        }
    }

    fn push(&mut self, event: Pushed) {
        self.shared.with_pushes(|pushes| {
            if let Some(queue) = pushes {
                queue.push_back(event);
            }
        });
        self.shared.pushed.notify_one();
    }

    fn answer(&mut self, ticket: Ticket, result: Result<Answer, CallError>) {
        if matches!(result, Ok(Answer::LoggedOut(_))) {
            self.shared.end(Ended::Closed);
        }
        if let Some(waiter) = self.waiting.remove(&ticket) {
            // Nobody waits for it where the call was dropped.
            let _ = waiter.send(result);
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream<S> {
    fn poll_write(&mut self, cx: &mut Context<'_>, visit: &mut Visit) -> Poll<()> {
        if self.write_error.is_some() {
            return Poll::Pending;
        }
        let written = if !visit.unsent().is_empty() {
            ready!(Pin::new(&mut self.bytes).poll_write(cx, visit.unsent()))
        } else if self.flush == Flush::Due {
            ready!(Pin::new(&mut self.bytes).poll_flush(cx)).map(|()| 0)
        } else {
            return Poll::Pending;
        };
        match written {
            Ok(0) if visit.unsent().is_empty() => self.flush = Flush::Done,
            Ok(0) => self.write_error = Some(io::ErrorKind::WriteZero.into()),
            Ok(count) => {
                visit.advance(count);
                self.flush = Flush::Due;
            }
            Err(error) => self.write_error = Some(error),
        }
        Poll::Ready(())
    }

    /// The error is the reason why nothing more comes, if there is one.
    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        visit: &mut Visit,
        now: Mono,
    ) -> Poll<Result<(), Option<io::Error>>> {
        let mut place = [MaybeUninit::uninit(); READ_BYTES];
        let mut read = ReadBuf::uninit(&mut place);
        match ready!(Pin::new(&mut self.bytes).poll_read(cx, &mut read)) {
            Ok(()) if read.filled().is_empty() => Poll::Ready(Err(self.write_error.take())),
            Ok(()) => {
                visit.receive(read.filled(), now);
                Poll::Ready(Ok(()))
            }
            Err(error) => Poll::Ready(Err(Some(error))),
        }
    }
}

impl<S> Drop for VisitDriver<S> {
    /// Also where the runtime shuts down under it.
    fn drop(&mut self) {
        self.shared.end(Ended::Closed);
        self.shared.pushed.notify_one();
    }
}
