//! The history as files that people and programs read: the text logs of the old design, and lines of JSON.
//!
//! Over any [`Storage`](toom_core::Storage) and [`History`](toom_core::History); nothing here knows where a store keeps its bytes.

mod export;
mod import;
mod json;
mod line;
mod lines;
mod merge;
mod names;
mod private;
mod progress;
mod text_logs;

pub use export::{ExportError, create_file, export_json, export_json_file, export_text};
pub use import::{Import, ImportError, ImportOptions, Imported, Malformed};
pub use line::{Entry, EntryError, EntryLine};
pub use names::{conversation_of, file_name};
pub use progress::{Counts, Progress, Step};
pub use text_logs::{TextLogs, TextLogsError};

#[cfg(test)]
mod world;
