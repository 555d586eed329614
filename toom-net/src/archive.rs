//! The history as files that people and programs read: the text logs of the old design.
//!
//! Over any [`Storage`](toom_core::Storage) and [`History`](toom_core::History); nothing here knows where a store keeps its bytes.

mod line;
mod names;
mod text_logs;

pub use line::{Entry, EntryError, EntryLine};
pub use names::{conversation_of, file_name};
pub use text_logs::{TextLogs, TextLogsError};
