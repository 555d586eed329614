//! What holds for every input, as functions of bytes that panic where it does not.
//!
//! The fuzz targets in `fuzz/` hand them whatever a fuzzer makes up; the tests of this crate hand them what is kept of that in
//! `fuzz/corpus`, on any compiler. Nothing here depends on chance or time: the same bytes do the same.

#![expect(clippy::panic, clippy::missing_panics_doc, reason = "a law panics where it is broken")]

mod codec;
mod credentials;
mod file_names;
mod history;
mod import;
mod operations;
mod recording;
mod store;
mod terminal;

pub use codec::{reply, request};
pub use credentials::credentials;
pub use file_names::file_names;
pub use import::import;
pub use operations::operations;
pub use recording::{recording, seeds as recording_seeds};
pub use store::journal::{journal, seeds as journal_seeds};
pub use store::run::{run, seeds as run_seeds};
pub use terminal::terminal;

/// A law: it panics where its input breaks it.
pub type Law = fn(&[u8]);

/// Every target in `fuzz/fuzz_targets`, with its law.
pub const TARGETS: [(&str, Law); 10] = [
    ("credentials", credentials),
    ("file_names", file_names),
    ("import", import),
    ("journal", journal),
    ("operations", operations),
    ("recording", recording),
    ("reply", reply),
    ("request", request),
    ("run", run),
    ("terminal", terminal),
];
