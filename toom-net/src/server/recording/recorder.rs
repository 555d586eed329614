//! Recording while a server runs: a thread of its own writes, and nobody waits for it.

use core::fmt;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;

use toom_core::{Digest, Now, Storage};

use super::frames::FrameWriter;
use super::items::End;
use super::witness::{self, Opening, Witness};
use crate::server::Event;
use crate::server::engine_loop::{EngineLoop, Turn};
use crate::server::exchange::{Input, Release};
use crate::server::sink::EventSink;

/// How many bytes may wait to be written before the recording ends.
const WAITING_BYTES_MAX: usize = 32 << 20;

/// Where a recording is to be written.
pub(in crate::server) struct Recording(Box<dyn Write + Send>);

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recording")
    }
}

impl Recording {
    pub(in crate::server) fn new(out: impl Write + Send + 'static) -> Self {
        Self(Box::new(out))
    }

    /// Writes how an engine begins, `state` being what it then adds up to, and starts the thread that writes what follows.
    pub(in crate::server) fn begin(
        self,
        opening: &Opening,
        state: Digest,
        sink: EventSink,
    ) -> io::Result<(Recorder, JoinHandle<()>)> {
        let mut frames = FrameWriter::new(BufWriter::new(self.0))?;
        let mut witness = Witness::default();
        witness.opens(opening, state);
        push_all(&mut frames, &witness.take())?;
        frames.flush()?;

        let (bodies, queue) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let outbox = Outbox { bodies, waiting: Arc::clone(&waiting) };
        let write = move || {
            if let Err(error) = write_all(frames, &queue, &waiting) {
                sink.tell([Event::trouble("the recording has ended", &error)]);
            }
        };
        let thread = std::thread::Builder::new().name("toom-recorder".to_owned()).spawn(write)?;
        Ok((Recorder { witness, outbox: Some(outbox) }, thread))
    }
}

type File = FrameWriter<BufWriter<Box<dyn Write + Send>>>;

fn push_all(frames: &mut File, bodies: &[Vec<u8>]) -> io::Result<()> {
    bodies.iter().try_for_each(|body| frames.push(body))
}

/// What the writing thread is given.
#[derive(Debug)]
enum Written {
    Bodies(Vec<Vec<u8>>),
    End(End),
}

/// The way to the thread that writes. Once that has ended nobody needs to be told.
#[derive(Clone, Debug)]
struct Outbox {
    bodies: Sender<Written>,
    waiting: Arc<AtomicUsize>,
}

impl Outbox {
    /// Whether the recording goes on.
    fn send(&self, bodies: Vec<Vec<u8>>) -> bool {
        let bytes = length(&bodies);
        if self.waiting.fetch_add(bytes, Ordering::Relaxed) + bytes > WAITING_BYTES_MAX {
            let _ = self.bodies.send(Written::End(End::FellBehind));
            return false;
        }
        self.bodies.send(Written::Bodies(bodies)).is_ok()
    }
}

fn length(bodies: &[Vec<u8>]) -> usize {
    bodies.iter().map(Vec::len).sum()
}

/// Writes what comes until it is told that it was the last.
fn write_all(mut frames: File, queue: &Receiver<Written>, waiting: &AtomicUsize) -> io::Result<()> {
    while let Some(written) = next(queue, &mut frames)? {
        match written {
            Written::Bodies(bodies) => {
                let bytes = length(&bodies);
                push_all(&mut frames, &bodies)?;
                waiting.fetch_sub(bytes, Ordering::Relaxed);
            }
            Written::End(end) => {
                push_all(&mut frames, &witness::end(end))?;
                frames.flush()?;
                return match end {
                    End::Stopped => Ok(()),
                    End::FellBehind => Err(io::Error::other("its file takes less than there is to write")),
                };
            }
        }
    }
    frames.flush()
}

/// What comes next; before it is waited for, the file has all that came before.
fn next(queue: &Receiver<Written>, frames: &mut File) -> io::Result<Option<Written>> {
    match queue.try_recv() {
        Ok(written) => Ok(Some(written)),
        Err(TryRecvError::Disconnected) => Ok(None),
        Err(TryRecvError::Empty) => {
            frames.flush()?;
            Ok(queue.recv().ok())
        }
    }
}

/// Writes down what the engine's thread does.
#[derive(Debug)]
pub(in crate::server) struct Recorder {
    witness: Witness,
    /// `None`: the recording has ended.
    outbox: Option<Outbox>,
}

impl Recorder {
    /// The engine is given `input`.
    pub(in crate::server) fn takes(&mut self, input: &Input) {
        if self.outbox.is_some() {
            self.witness.takes(input);
        }
    }

    /// What came of it.
    pub(in crate::server) fn turned<S: Storage>(&mut self, now: Now, turn: &Turn, engine: &EngineLoop<S>) {
        let Some(outbox) = &self.outbox else { return };
        self.witness.turned(now, turn, engine);
        let goes_on = outbox.send(self.witness.take());
        if turn.stops && goes_on {
            let _ = outbox.bodies.send(Written::End(End::Stopped));
        }
        if !goes_on {
            self.outbox = None;
        }
    }

    /// What writes down the pages that are read elsewhere.
    pub(in crate::server) fn pages(&self) -> PageRecorder {
        PageRecorder(self.outbox.clone())
    }
}

impl Drop for Recorder {
    /// What the engine was given when it panicked is what the recording is for.
    fn drop(&mut self) {
        let bodies = self.witness.take();
        if let Some(outbox) = &self.outbox
            && !bodies.is_empty()
        {
            outbox.send(bodies);
        }
    }
}

/// Writes down pages.
#[derive(Debug)]
pub(in crate::server) struct PageRecorder(Option<Outbox>);

impl PageRecorder {
    /// A page was read; `is_whole` says that the store could be read.
    pub(in crate::server) fn read(&mut self, reply: &Release, is_whole: bool) {
        let bodies = self.0.as_ref().and_then(|_| witness::page(reply, is_whole));
        if let (Some(outbox), Some(bodies)) = (&self.0, bodies)
            && !outbox.send(bodies)
        {
            self.0 = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::server::replay::{Ending, replay};

    /// A file that a test can read.
    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn outbox() -> (Outbox, Receiver<Written>) {
        let (bodies, queue) = channel();
        (Outbox { bodies, waiting: Arc::default() }, queue)
    }

    #[test]
    fn when_too_much_waits_the_recording_ends_behind_what_waits_and_says_why() {
        let (outbox, queue) = outbox();
        let body = vec![0; 1 << 20];
        let sent = (0..100).take_while(|_| outbox.send(vec![body.clone()])).count();
        assert_eq!(sent * body.len(), WAITING_BYTES_MAX);
        let file = Shared::default();
        let frames =
            FrameWriter::new(BufWriter::new(Box::new(file.clone()) as Box<dyn Write + Send>)).unwrap();
        let ended = write_all(frames, &queue, &outbox.waiting).unwrap_err();
        assert_eq!(ended.to_string(), "its file takes less than there is to write");
        let written = file.0.lock().unwrap();
        assert!(written.len() > WAITING_BYTES_MAX);
        // These bodies are no items, so the replay ends at the first: the frames are whole.
        assert!(matches!(replay(&written[..], |_| ()).unwrap().ending, Ending::Damaged { offset: 17, .. }));
    }

    #[test]
    fn what_an_engine_was_given_that_panicked_is_written() {
        let (outbox, queue) = outbox();
        let mut recorder = Recorder { witness: Witness::default(), outbox: Some(outbox) };
        recorder.takes(&Input::Stop);
        assert!(queue.try_recv().is_err(), "a turn is written when it is over");
        drop(recorder);
        assert!(matches!(queue.try_recv(), Ok(Written::Bodies(bodies)) if bodies.len() == 1));
    }

    #[test]
    fn what_is_written_makes_room_for_more() {
        let (outbox, queue) = outbox();
        assert!(outbox.send(vec![vec![0; 1000]]));
        outbox.bodies.send(Written::End(End::Stopped)).unwrap();
        let frames = FrameWriter::new(BufWriter::new(Box::new(io::sink()) as Box<dyn Write + Send>)).unwrap();
        write_all(frames, &queue, &outbox.waiting).unwrap();
        assert_eq!(outbox.waiting.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_file_that_takes_no_more_is_told_and_whoever_goes_on_sending_learns_it() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (outbox, queue) = outbox();
        assert!(outbox.send(vec![vec![0; 1000]]));
        let frames = FrameWriter::new(BufWriter::new(Box::new(Full) as Box<dyn Write + Send>)).unwrap();
        let ended = write_all(frames, &queue, &outbox.waiting).unwrap_err();
        assert_eq!(ended.kind(), io::ErrorKind::StorageFull);
        drop(queue);
        assert!(!outbox.send(vec![vec![0]]));
    }
}
