//! Why a comparison could not be made.

use std::io;
use std::path::PathBuf;

use crate::{Kind, Measure, StoreError};

/// Why a comparison could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// A store failed.
    #[error("{kind}: cannot {doing}: {error}")]
    Store {
        /// Which store.
        kind: Kind,
        /// What it was to do.
        doing: &'static str,
        /// What it says.
        error: StoreError,
    },
    /// Two stores gave different answers, so that their times mean nothing.
    #[error("{}: {kind} and {other} gave different answers", .measure.title())]
    Disagreement {
        /// What was measured.
        measure: Measure,
        /// One of them.
        kind: Kind,
        /// The other.
        other: Kind,
    },
    /// A store lost messages that it had acknowledged, or kept half of a batch.
    #[error("{kind}: {acknowledged} messages were acknowledged, but {what}")]
    Lost {
        /// Which store.
        kind: Kind,
        /// How many messages it had acknowledged.
        acknowledged: u64,
        /// What was found.
        what: &'static str,
    },
    /// A process that was started to open or fill a store failed.
    #[error("{kind}: the process that was to {doing} failed: {what}")]
    Child {
        /// Which store.
        kind: Kind,
        /// What it was to do.
        doing: &'static str,
        /// How it failed.
        what: String,
    },
    /// A file could not be read or written.
    #[error("{}: cannot {doing}: {error}", .path.display())]
    File {
        /// Which file or folder.
        path: PathBuf,
        /// What was to be done.
        doing: &'static str,
        /// Why it failed.
        error: io::Error,
    },
}
