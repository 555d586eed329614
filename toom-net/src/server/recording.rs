//! Recordings: everything that a server's engine was given, and what it gave, so that [`replay`](super::replay()) can do it again.
//!
//! Written down are, in the order in which they came: what the engine was opened with; each input, with its texts but
//! without passwords, of which the verdict alone is kept; what was released; the clocks; and now and then the digest of the whole state.
//!
//! * [`items`] is what is written, [`frames`] how that lies in the file.
//! * [`inputs`] and [`start`] turn what the engine is given into items and back, [`outputs`] words what it gives.
//! * [`witness`] watches an engine, [`recorder`] brings what it saw to the file.

use std::io;

pub(super) mod frames;
pub(super) mod inputs;
pub(super) mod items;
pub(super) mod outputs;
mod recorder;
pub(super) mod start;
pub(super) mod witness;

pub(super) use recorder::{PageRecorder, Recorder, Recording};
pub(super) use witness::Opening;

/// Why a recording cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// It cannot be read at all.
    #[error("cannot read the recording: {0}")]
    Read(#[from] io::Error),
    /// It does not begin like one.
    #[error("this is no recording of toomd")]
    NotOne,
    /// It was written by another version.
    #[error(
        "the recording is of format {format}, and this version knows format 1: use the version that wrote it"
    )]
    OtherFormat {
        /// The format it is of.
        format: u32,
    },
}
