//! Event lines on standard output, and those of trouble on standard error, from a thread of their own each: whoever pauses the terminal
//! must not pause the chat, nor keep back what is wrong with it.

use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use toom_net::server::{Event, EventFormat, RoomTexts};

use crate::failure::Failure;
use crate::repeats::Repeats;

/// How many events may wait to be printed. What comes then is left out, and counted.
const WAITING_MAX: usize = 4096;
/// How many of trouble may wait to be told.
const TROUBLE_MAX: usize = 256;
/// How often it is told at most that lines were left out.
const NOTICES: Duration = Duration::from_secs(1);
/// How long the program waits at its end for an output that does not take its lines.
const PATIENCE: Duration = Duration::from_secs(1);

/// Prints events in order.
#[derive(Debug)]
pub(crate) struct Printer {
    sink: Sink,
    printed: Receiver<()>,
}

/// Takes events and never waits.
#[derive(Clone, Debug)]
pub(crate) struct Sink {
    events: SyncSender<Event>,
    trouble: SyncSender<Event>,
    left_out: Arc<AtomicU64>,
}

impl Printer {
    /// Starts printing. Times are in the zone of the machine.
    pub(crate) fn start(room_texts: RoomTexts) -> Result<Self, Failure> {
        let (events, waiting) = sync_channel(WAITING_MAX);
        let (trouble, troubles) = sync_channel(TROUBLE_MAX);
        let left_out = Arc::new(AtomicU64::new(0));
        // Dropped when both threads have printed everything.
        let (done, printed) = channel();
        let (printed_all, told_all) = (done.clone(), done);
        let (format, counter) = (EventFormat { zone: TimeZone::system(), room_texts }, Arc::clone(&left_out));
        let told_format = format.clone();
        spawn("toomd-printer", move || {
            print_all(&waiting, &format, &counter);
            drop(printed_all);
        })?;
        spawn("toomd-trouble", move || {
            tell_all(&troubles, &told_format);
            drop(told_all);
        })?;
        Ok(Self { sink: Sink { events, trouble, left_out }, printed })
    }

    pub(crate) fn sink(&self) -> Sink {
        self.sink.clone()
    }

    /// Waits until the rest is printed, but not for ever. The server has ended: nobody else has a sink.
    pub(crate) fn finish(self) {
        let Self { sink, printed } = self;
        drop(sink);
        if printed.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!("standard output takes no more lines; the last events are not printed");
        }
    }
}

impl Sink {
    pub(crate) fn tell(&self, event: &Event) {
        if event.is_trouble() {
            // Trouble that finds no place is of a kind that was told very often.
            let _ = self.trouble.try_send(event.clone());
        } else if self.events.try_send(event.clone()).is_err()
            && self.left_out.fetch_add(1, Ordering::Relaxed) == 0
        {
            let problem = "standard output takes no lines for now; those of events are left out".to_owned();
            let _ = self.trouble.try_send(Event::Trouble { problem });
        }
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
    thread::Builder::new().name(name.to_owned()).spawn(run).map(drop).map_err(Failure::Thread)
}

fn print_all(waiting: &Receiver<Event>, format: &EventFormat, left_out: &AtomicU64) {
    let mut output = BufWriter::new(io::stdout());
    let (mut repeats, begun, mut told) = (Repeats::default(), Instant::now(), Duration::ZERO);
    while let Some(event) = next(waiting, &mut output) {
        let now = begun.elapsed();
        if now >= told {
            told = now + NOTICES;
            tell_left_out(&mut repeats, left_out);
        }
        if !repeats.allow(&event, now) {
            continue;
        }
        if let Some(line) = format.line(&event) {
            // Whoever closed standard output does not want to read it.
            let _ = writeln!(output, "{line}");
        }
        if let Event::LoggedIn(session) = &event {
            tracing::debug!(user = %session.user, ip = %session.ip, "a session has begun");
        }
    }
    tell_left_out(&mut repeats, left_out);
}

fn tell_all(troubles: &Receiver<Event>, format: &EventFormat) {
    let (mut repeats, begun) = (Repeats::default(), Instant::now());
    for event in troubles {
        if !repeats.allow(&event, begun.elapsed()) {
            continue;
        }
        if let Some(line) = format.line(&event) {
            tracing::warn!("{line}");
        }
        tell_repeated(&mut repeats);
    }
    tell_repeated(&mut repeats);
}

fn tell_left_out(repeats: &mut Repeats, too_many: &AtomicU64) {
    tell_repeated(repeats);
    let too_many = too_many.swap(0, Ordering::Relaxed);
    if too_many > 0 {
        tracing::warn!("standard output is too slow: {too_many} event lines were left out");
    }
}

fn tell_repeated(repeats: &mut Repeats) {
    let repeated = repeats.take_left_out();
    if repeated > 0 {
        tracing::warn!("{repeated} event lines that say what others said were left out");
    }
}

/// The next event; what was printed is flushed before waiting for one.
fn next(waiting: &Receiver<Event>, output: &mut impl Write) -> Option<Event> {
    match waiting.try_recv() {
        Ok(event) => Some(event),
        Err(TryRecvError::Empty | TryRecvError::Disconnected) => {
            let _ = output.flush();
            waiting.recv().ok()
        }
    }
}
