//! Running a [recording](super::recording) again, and telling where it parts from what was recorded.

use std::io::Read;

use toom_core::Timestamp;

use super::recording::RecordingError;
use super::recording::frames::{FrameReader, Next};
use super::recording::items::{self, End, Item};
use run::{Beginning, Run};

mod run;
mod store;
mod words;

/// What a replay came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// The version of the program that recorded.
    pub version: String,
    /// What was compared, and was the same.
    pub counts: Counts,
    /// How it ended.
    pub ending: Ending,
}

/// How much was compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// What the engine was given.
    pub inputs: u64,
    /// In how many turns.
    pub turns: u64,
    /// What it released: replies, and what others were told.
    pub outputs: u64,
    /// How often its whole state was compared.
    pub states: u64,
    /// Pages of the history that were read.
    pub pages: u64,
    /// Pages that could not be compared, because they show what was posted before the recording began or longer ago than a replay keeps, or
    /// tell of messages that are gone.
    pub pages_passed_over: u64,
}

/// How a replay ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// At the end of the server.
    Stopped,
    /// At the end of the recording, which ended before the server because its file took too little.
    FellBehind,
    /// Where the recording breaks off: the server was killed, or goes on.
    BrokenOff {
        /// Where its last whole frame ends.
        offset: u64,
        /// The inputs, ten of them at most, of which it does not say what came: the last before a panic, perhaps.
        inputs: Vec<String>,
    },
    /// Where the recording is not what was written.
    Damaged {
        /// At which byte, or shortly behind it.
        offset: u64,
        /// What is there.
        what: &'static str,
    },
    /// Where the replay gave something else than the recording.
    Parted(Box<Parted>),
}

/// Where a replay gave something else than the recording. The texts are lines that no terminal obeys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parted {
    /// The number of the input, from 1; `None`: it was no input that did it, but time.
    pub number: Option<u64>,
    /// When the recorded server had the turn that it became clear in; `None`: none was replayed before.
    pub at: Option<Timestamp>,
    /// The input.
    pub input: String,
    /// What came of it in the recording.
    pub recorded: String,
    /// What came of it now.
    pub replayed: String,
}

/// Runs a recording again, on an engine of its own in memory, and compares what it gives: every reply and everything that others are told, pages
/// of the history, and the digests of the whole state. It ends where the first of them is another. `tell` is told
/// how many bytes have been replayed.
///
/// Whatever the recording holds, it takes no more memory than a small multiple of its length.
///
/// # Errors
/// [`RecordingError`] if it is no recording that can be read.
pub fn replay(recording: impl Read, mut tell: impl FnMut(u64)) -> Result<Replayed, RecordingError> {
    let mut frames = FrameReader::new(recording)?;
    let mut replay = Replay { version: String::new(), stage: Stage::Beginning(Box::default()) };
    let ending = loop {
        let offset = frames.offset();
        tell(offset);
        let ending = match frames.next()? {
            Next::Body(body) => replay.frame(&body, offset),
            Next::Nothing | Next::Torn => Some(replay.broken_off(offset)),
            Next::Damaged(what) => Some(Ending::Damaged { offset, what }),
        };
        let Some(ending) = ending else { continue };
        let ended = matches!(ending, Ending::Stopped | Ending::FellBehind);
        let offset = frames.offset();
        if ended && frames.next()? != Next::Nothing {
            break Ending::Damaged { offset, what: "something behind the end" };
        }
        break ending;
    };
    Ok(Replayed { version: replay.version, counts: replay.stage.counts(), ending })
}

struct Replay {
    version: String,
    stage: Stage,
}

enum Stage {
    Beginning(Box<Beginning>),
    Running(Box<Run>),
}

/// Why a replay does not go on.
enum Stop {
    /// No writer makes such an item, or not there.
    Malformed(&'static str),
    Ended(End),
    Parted(Parted),
}

impl From<Parted> for Stop {
    fn from(parted: Parted) -> Self {
        Self::Parted(parted)
    }
}

impl Stage {
    fn counts(&self) -> Counts {
        match self {
            Self::Beginning(_) => Counts::default(),
            Self::Running(run) => run.counts(),
        }
    }
}

impl Replay {
    /// Takes the items of a frame.
    fn frame(&mut self, mut body: &[u8], offset: u64) -> Option<Ending> {
        while !body.is_empty() {
            let taken = items::first(&mut body)
                .ok_or(Stop::Malformed("an item of no kind that there is"))
                .and_then(|item| self.item(item));
            match taken {
                Ok(()) => {}
                Err(Stop::Malformed(what)) => return Some(Ending::Damaged { offset, what }),
                Err(Stop::Parted(parted)) => return Some(Ending::Parted(Box::new(parted))),
                Err(Stop::Ended(_)) if !body.is_empty() => {
                    return Some(Ending::Damaged { offset, what: "something behind the end" });
                }
                Err(Stop::Ended(End::Stopped)) => return Some(Ending::Stopped),
                Err(Stop::Ended(End::FellBehind)) => return Some(Ending::FellBehind),
            }
        }
        None
    }

    fn item(&mut self, item: Item<'_>) -> Result<(), Stop> {
        match (&mut self.stage, item) {
            (Stage::Beginning(beginning), Item::Opened(opened)) => {
                opened.version.clone_into(&mut self.version);
                beginning.open(&opened)
            }
            (Stage::Beginning(beginning), Item::Served) => {
                let run = core::mem::take(&mut **beginning).run()?;
                self.stage = Stage::Running(Box::new(run));
                Ok(())
            }
            (Stage::Beginning(beginning), item) => beginning.add(&item),
            (Stage::Running(run), item) => run.item(item),
        }
    }

    fn broken_off(&self, offset: u64) -> Ending {
        match &self.stage {
            Stage::Beginning(_) => {
                Ending::Damaged { offset, what: "the end, before it says how the server began" }
            }
            Stage::Running(run) => Ending::BrokenOff { offset, inputs: run.inputs_waiting().to_vec() },
        }
    }
}

#[cfg(test)]
mod tests;
