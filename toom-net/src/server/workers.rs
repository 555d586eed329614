//! The threads beside the one that owns the sockets: the engine's, the password checks' and the reader's.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use mio::Waker;
use toom_core::{CheckMemory, History, Storage, Verdict};

use super::engine_loop::{EngineLoop, Turn};
use super::exchange::{Check, Input, Read, Release};
use super::metrics::{EngineMetrics, Published, ReadMetrics};
use super::recording::{PageRecorder, Recorder};
use super::running::Handle;
use super::sink::EventSink;
use super::{Clock, ServerLimits};

/// By how much threads that do long work are nicer than the others: beside one of those such a thread gets a tenth of a processor.
#[cfg(target_os = "linux")]
const PATIENCE: i32 = 10;

/// The way to the thread that owns the sockets.
#[derive(Clone, Debug)]
pub(super) struct Outlet {
    releases: Sender<Vec<Release>>,
    waker: Arc<Waker>,
}

impl Outlet {
    pub(super) fn new(waker: Arc<Waker>) -> (Self, Receiver<Vec<Release>>) {
        let (releases, inbox) = channel();
        (Self { releases, waker }, inbox)
    }

    /// Hands `releases` over. How many may be on their way is bounded by the requests in flight.
    fn send(&self, releases: Vec<Release>) {
        // Woken without releases, too: there is room again for what the other side could not hand over. Once it has ended nobody is
        // left to be told.
        if releases.is_empty() || self.releases.send(releases).is_ok() {
            let _ = self.waker.wake();
        }
    }
}

/// Starts a thread of the server. When it ends, by a panic too, the whole server stops: none can do without the others.
pub(super) fn spawn(
    name: &str,
    server: Handle,
    run: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let ending = StopsServer(server);
    std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        let _ending = ending;
        run();
    })
}

/// As [`spawn`], for work that takes long: its thread has the processor when those that serve everybody do not want it. On a machine
/// whose processors are all busy, password checks would otherwise hold up every delivery.
pub(super) fn spawn_patient(
    name: &str,
    server: Handle,
    run: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    spawn(name, server, move || {
        // Linux has a niceness for each thread; elsewhere that of the whole program would change. Where it is refused the work is done
        // all the same.
        #[cfg(target_os = "linux")]
        let _ = rustix::process::nice(PATIENCE);
        run();
    })
}

struct StopsServer(Handle);

impl Drop for StopsServer {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Does work that belongs to one peer, on a thread that works for all: `None` if it panics. What it had in hands must not be used any
/// more. The panic is told on standard error, as every panic is.
pub(super) fn survives<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}

/// What the engine's thread needs beside the engine.
#[derive(Debug)]
pub(super) struct Links {
    pub(super) inputs: Receiver<Input>,
    pub(super) outlet: Outlet,
    pub(super) checks: Sender<Check>,
    pub(super) reads: Sender<Read>,
    pub(super) sink: EventSink,
    pub(super) counts: Published<EngineMetrics>,
    /// Writes down all that the engine is given, where that is asked for.
    pub(super) recorder: Option<Recorder>,
}

/// Takes what has come, carries it out in one turn, and hands out what came of it, until it is told to stop.
pub(super) fn run_engine<S: Storage>(mut engine: EngineLoop<S>, mut links: Links, clock: &dyn Clock) {
    let mut recorder = links.recorder.take();
    loop {
        let Some(first) = wait(&engine, &links.inputs, clock) else { return };
        let room = engine.room().saturating_sub(usize::from(first.is_some()));
        let inputs = first.into_iter().chain(links.inputs.try_iter().take(room));
        let inputs = inputs.inspect(|input| recorder.iter_mut().for_each(|recorder| recorder.takes(input)));
        let (now, mut turn) = (clock.now(), Turn::default());
        engine.turn(inputs, now, &mut turn);
        if let Some(recorder) = &mut recorder {
            recorder.turned(now, &turn, &engine);
        }
        links.counts.publish(engine.metrics());
        links.outlet.send(turn.releases);
        // The threads that these are for end after this one.
        turn.checks.into_iter().for_each(|check| drop(links.checks.send(check)));
        turn.reads.into_iter().for_each(|read| drop(links.reads.send(read)));
        links.sink.tell(turn.events);
        if turn.stops {
            return;
        }
    }
}

/// Waits until there is something to do. `None`: nothing will come any more; `Some(None)`: time has come, or inputs wait.
#[expect(clippy::option_option, reason = "the end, a deadline and an input are three things")]
fn wait<S: Storage>(
    engine: &EngineLoop<S>,
    inputs: &Receiver<Input>,
    clock: &dyn Clock,
) -> Option<Option<Input>> {
    if engine.has_deferred() {
        return Some(None);
    }
    let Some(deadline) = engine.next_deadline() else { return inputs.recv().ok().map(Some) };
    match inputs.recv_timeout(deadline.since(clock.now().mono)) {
        Ok(input) => Some(Some(input)),
        Err(RecvTimeoutError::Timeout) => Some(None),
        Err(RecvTimeoutError::Disconnected) => None,
    }
}

/// Starts the threads that check passwords.
pub(super) fn spawn_checkers(
    limits: &ServerLimits,
    server: &Handle,
) -> io::Result<(Sender<Check>, Vec<JoinHandle<()>>)> {
    let (checks, queue) = channel::<Check>();
    let queue = Arc::new(Mutex::new(queue));
    let start = |number| {
        let (queue, verdicts) = (Arc::clone(&queue), server.engine.clone());
        spawn_patient(&format!("toom-check-{number}"), server.clone(), move || {
            check_passwords(&queue, &verdicts, Check::verdict);
        })
    };
    let threads = (1..=limits.password_checks_at_once.get()).map(start).collect::<io::Result<_>>()?;
    Ok((checks, threads))
}

/// A check that panics has found no right password: who brought it is told that it is wrong.
fn check_passwords(
    queue: &Mutex<Receiver<Check>>,
    verdicts: &SyncSender<Input>,
    verify: impl Fn(&Check, &mut CheckMemory) -> Verdict,
) {
    let mut memory = CheckMemory::new();
    while let Some(check) = next(queue) {
        let verdict = survives(|| verify(&check, &mut memory)).unwrap_or_else(|| {
            memory = CheckMemory::new();
            Verdict::Wrong
        });
        if verdicts.send(Input::Checked(check.judged(verdict))).is_err() {
            return;
        }
    }
}

/// The next piece of work, taken by one thread; the lock is held while it waits, and not while it works.
pub(super) fn next<T>(queue: &Mutex<Receiver<T>>) -> Option<T> {
    queue.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

/// Starts the thread that reads pages.
pub(super) fn spawn_reader<H: History + Send + 'static>(
    history: H,
    outlet: Outlet,
    sink: EventSink,
    mut recorder: Option<PageRecorder>,
    server: &Handle,
) -> io::Result<(Sender<Read>, JoinHandle<()>)> {
    let (reads, queue) = channel::<Read>();
    let board = server.board.reads.clone();
    let thread = spawn_patient("toom-reader", server.clone(), move || {
        let mut counts = ReadMetrics::default();
        for read in queue {
            let begun = Instant::now();
            let (reply, event) = read.run(&history);
            counts.page_time.add_time(begun.elapsed());
            counts.failed += u64::from(event.is_some());
            board.publish(counts);
            if let Some(recorder) = &mut recorder {
                recorder.read(&reply, event.is_none());
            }
            outlet.send(vec![reply]);
            sink.tell(event);
        }
    })?;
    Ok((reads, thread))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use core::time::Duration;

    use toom_core::{Config, Engine, Epoch, MemoryStorage, Mono, Now, Password, Secret, Source, Timestamp};

    use super::*;
    use crate::server::exchange::ConnectionId;

    #[test]
    fn a_check_that_panics_is_answered_as_a_wrong_password_and_those_behind_it_are_checked() {
        let mut engine = Engine::open(MemoryStorage::new(Epoch::new(1)), Config::default()).unwrap();
        engine.put_account("luke".parse().unwrap(), Secret::plain("right").unwrap());
        let now = Now { wall: Timestamp::MIN, mono: Mono::new(Duration::ZERO) };
        let (checks, queue) = channel();
        for (slot, password) in [(1, "panic"), (2, "right"), (3, "wrong")] {
            let challenge = engine.begin_login(&"luke".parse().unwrap(), Source::new(0), now).unwrap();
            let connection = ConnectionId::new(slot, 1);
            checks.send(Check { connection, challenge, password: Password::new(password) }).unwrap();
        }
        drop(checks);
        let (verdicts, inputs) = sync_channel(3);
        check_passwords(&Mutex::new(queue), &verdicts, |check, memory| {
            assert!(check.connection.slot() != 1, "planted");
            check.verdict(memory)
        });
        drop(verdicts);
        let told = inputs.iter().map(|input| match input {
            Input::Checked(checked) => (checked.connection.slot(), checked.verdict),
            other => panic!("{other:?}"),
        });
        let told: Vec<_> = told.collect();
        assert_eq!(told, [(1, Verdict::Wrong), (2, Verdict::Right), (3, Verdict::Wrong)]);
    }
}
