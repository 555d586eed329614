//! What moves bytes between a pipe and its connection.

use core::future::{Future, poll_fn};
use core::pin::{Pin, pin};
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWriteExt as _, DuplexStream, ReadBuf, ReadHalf, WriteHalf, split};
use tokio::sync::mpsc::Receiver;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::sleep;

use super::Progress;
use crate::client::driver::Call;
use crate::client::relays::PipeEnds;
use crate::client::{Answer, CallError, Client};
use crate::protocol::{Code, Command, Leave, Piece, TransferId, TransferRequest};

/// How long to wait before a piece is sent again that was refused for now; twice as long each time, up to a second.
const PAUSE: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// How many pieces are written out before there is leave for as many more.
const LEAVE_AGAIN: u8 = Leave::MAX / 2;

/// One end of a relayed transfer, as a task of its own. It ends when the transfer does, or when the pipe is dropped.
#[derive(Debug)]
pub(super) struct Moving {
    out: Sending,
    into: Taking,
}

/// What the pipe's writes become.
#[derive(Debug)]
struct Sending {
    line: Line,
    leave: Arc<Semaphore>,
    progress: Arc<Progress>,
    /// Pieces without an answer, in order, and where their answers come.
    sent: VecDeque<(Piece, Answered)>,
    /// How many pieces the server has taken.
    taken: u64,
    pause: Duration,
}

/// What the pipe reads.
#[derive(Debug)]
struct Taking {
    line: Line,
    pieces: Receiver<Piece>,
}

/// The connection, for one transfer.
#[derive(Clone, Debug)]
struct Line {
    client: Client,
    id: TransferId,
}

type Answered = oneshot::Receiver<Result<Answer, CallError>>;

/// Nothing more can be sent.
#[derive(Debug)]
struct Over;

/// What happened first.
enum Step {
    Answered(Result<(), CallError>),
    Read(Option<Piece>),
    Leave,
}

impl Moving {
    pub(super) fn new(client: Client, id: TransferId, progress: Arc<Progress>) -> Self {
        let PipeEnds { pieces, leave } = client.shared.relays.open(id);
        let line = Line { client, id };
        let out =
            Sending { line: line.clone(), leave, progress, sent: VecDeque::new(), taken: 0, pause: PAUSE };
        Self { out, into: Taking { line, pieces } }
    }

    /// Moves until all that came was read, and nothing more will come.
    pub(super) async fn run(self, far: DuplexStream) {
        let (from, to) = split(far);
        let (mut out, mut into) = (pin!(self.out.run(from)), pin!(self.into.run(to)));
        let mut sends = true;
        poll_fn(|cx| {
            if sends && out.as_mut().poll(cx).is_ready() {
                sends = false;
            }
            into.as_mut().poll(cx)
        })
        .await;
    }
}

impl Sending {
    async fn run(mut self, mut from: ReadHalf<DuplexStream>) {
        let mut next = None;
        while let Ok(()) = self.step(&mut from, &mut next).await {}
    }

    /// Does what can be done first: takes an answer, reads a piece, or sends the one that was read.
    async fn step(
        &mut self,
        from: &mut ReadHalf<DuplexStream>,
        next: &mut Option<Piece>,
    ) -> Result<(), Over> {
        match self.first(from, next.is_some()).await? {
            Step::Answered(Ok(())) => {
                self.pause = PAUSE;
                self.take_first();
            }
            Step::Answered(Err(CallError::Refused(failure))) if failure.code == Code::Throttled => {
                self.send_again().await?;
            }
            Step::Answered(Err(_)) => return Err(Over),
            Step::Read(piece) => *next = piece,
            Step::Leave => {
                if let Some(piece) = next.take() {
                    self.send(piece).await?;
                }
            }
        }
        Ok(())
    }

    async fn first(&mut self, from: &mut ReadHalf<DuplexStream>, has_piece: bool) -> Result<Step, Over> {
        let leave = Arc::clone(&self.leave);
        let mut given = pin!(async { leave.acquire().await.map(tokio::sync::SemaphorePermit::forget) });
        poll_fn(|cx| {
            if let Some((_, answered)) = self.sent.front_mut()
                && let Poll::Ready(answer) = Pin::new(answered).poll(cx)
            {
                return Poll::Ready(answer.map(|answer| Step::Answered(answer.map(drop))).map_err(|_| Over));
            }
            if has_piece {
                return given.as_mut().poll(cx).map(|given| given.map(|()| Step::Leave).map_err(|_| Over));
            }
            poll_piece(from, cx).map(|piece| piece.map(|piece| Step::Read(Some(piece))))
        })
        .await
    }

    fn take_first(&mut self) {
        if let Some((piece, _)) = self.sent.pop_front() {
            self.taken += 1;
            self.progress.taken(piece.bytes().len());
        }
    }

    async fn send(&mut self, piece: Piece) -> Result<(), Over> {
        let number = self.taken + self.sent.len() as u64 + 1;
        let data = TransferRequest::Data { id: self.line.id, number, piece: piece.clone() };
        let answered = self.line.request(data).await?;
        self.sent.push_back((piece, answered));
        Ok(())
    }

    /// The first piece without an answer was refused for now, and so are all behind it: none overtakes another.
    async fn send_again(&mut self) -> Result<(), Over> {
        let sent = core::mem::take(&mut self.sent);
        let mut pieces = Vec::with_capacity(sent.len());
        for (place, (piece, answered)) in sent.into_iter().enumerate() {
            // The first one's answer was taken.
            if place > 0 {
                answered.await.map_err(|_| Over)?.ok();
            }
            pieces.push(piece);
        }
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        for piece in pieces {
            self.send(piece).await?;
        }
        Ok(())
    }
}

impl Drop for Sending {
    /// The other direction ends then, too, once what came is read.
    fn drop(&mut self) {
        self.progress.over();
        self.line.client.shared.relays.close(self.line.id, &self.leave);
    }
}

/// Reads what there is, at most a piece. At the end of what is written there is nothing more to read, ever.
fn poll_piece(from: &mut ReadHalf<DuplexStream>, cx: &mut Context<'_>) -> Poll<Result<Piece, Over>> {
    let mut place = [0; Piece::BYTES_MAX];
    let mut read = ReadBuf::new(&mut place);
    match ready!(Pin::new(from).poll_read(cx, &mut read)) {
        Ok(()) => Piece::new(read.filled()).map_or(Poll::Pending, |piece| Poll::Ready(Ok(piece))),
        Err(_) => Poll::Ready(Err(Over)),
    }
}

impl Taking {
    async fn run(mut self, mut to: WriteHalf<DuplexStream>) {
        let mut written = 0;
        if self.give_leave(Leave::MAX).await.is_err() {
            return;
        }
        while let Some(piece) = self.pieces.recv().await {
            if to.write_all(piece.bytes()).await.is_err() {
                return;
            }
            written += 1;
            if written == LEAVE_AGAIN {
                written = 0;
                // Refused where the transfer is over: what came before is still written.
                let _ = self.give_leave(LEAVE_AGAIN).await;
            }
        }
    }

    async fn give_leave(&self, pieces: u8) -> Result<(), Over> {
        let leave = Leave::new(pieces).ok_or(Over)?;
        let answered = self.line.request(TransferRequest::More { id: self.line.id, leave }).await?;
        answered.await.map_err(|_| Over)?.map(drop).map_err(|_| Over)
    }
}

impl Line {
    async fn request(&self, request: TransferRequest) -> Result<Answered, Over> {
        let (answer, answered) = oneshot::channel();
        let call = Call { command: Command::Transfer(request), answer };
        self.client.calls.send(call).await.map_err(|_| Over)?;
        Ok(answered)
    }
}
