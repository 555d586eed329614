//! The text logs of a server that runs: who is there, and what was said.
//!
//! They are copies, and nothing of the server waits for them or fails with them. A thread of their own reads from the history what
//! the files lack, so nothing is left out, however slow the disk is, after a failure and after a restart too; what waits to be written
//! is no more than a number for each conversation.
//!
//! * A file that is there is appended to. Where its last line is a message of this history, what came after that message follows; where it is
//!   not, the messages follow that are posted from now on. A file that is missing or empty gets all that the history keeps.
//! * Files are for their owner alone (mode 0600), also those that were there. They are not synced: after a power cut the next start makes them whole.
//! * A failure is told once, as is its end; until then the files are tried again every few seconds.

mod end;
mod messages;
mod pending;
mod users;

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use toom_core::{History, Storage, StorageError};

use self::messages::MessageLogs;
use self::pending::{Pending, Shared};
use self::users::UserLog;
use super::private;
use crate::server::Event;

/// How long the files are left alone after a failure.
const RETRY: Duration = Duration::from_secs(5);
/// The longest rest between two rounds. A rest is four times as long as the round before it, so that this thread leaves the machine to the chat.
const REST_MAX: Duration = Duration::from_secs(1);

/// Keeps the text logs of a server.
#[derive(Debug)]
pub struct TextLogs {
    shared: Arc<Shared>,
    /// Closed by the thread's end.
    ended: Receiver<()>,
}

/// Takes the events of a server. It never waits for a file.
#[derive(Clone, Debug)]
pub struct TextLogsSink(Arc<Shared>);

/// Why text logs are not kept, or not for now.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TextLogsError {
    /// The operating system refused.
    #[error("cannot {doing} {path}: {error}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// Its reason.
        error: io::Error,
    },
    /// The history cannot be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// There is no thread for them.
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
}

impl TextLogs {
    /// Makes `folder` if need be, and begins to keep the logs of `storage` there, with the times that clocks in `zone` show.
    /// `tell` is called with what an operator should know, a line at a time.
    ///
    /// # Errors
    /// [`TextLogsError`] if there is no such folder or the store cannot be read.
    pub fn start<S: Storage>(
        folder: &Path,
        zone: TimeZone,
        storage: &mut S,
        tell: impl FnMut(&str) + Send + 'static,
    ) -> Result<Self, TextLogsError> {
        let made = private::folder(&mut DirBuilder::new()).create(folder);
        made.map_err(|error| failed(folder, "make the folder", error))?;
        let tails = storage.recover()?.tails.into_iter().map(|tail| (tail.conversation, tail.number));
        let shared = Arc::new(Shared::new(tails.clone().collect()));
        let keeper = Keeper {
            users: UserLog::new(folder, zone.clone()),
            messages: MessageLogs::new(folder, zone, storage.reader(), tails.collect()),
            tell,
            in_trouble: false,
        };
        let (ending, ended) = channel();
        let work = Arc::clone(&shared);
        let run = move || {
            keeper.run(&work);
            drop(ending);
        };
        thread::Builder::new().name("toom-text-logs".to_owned()).spawn(run).map_err(TextLogsError::Thread)?;
        Ok(Self { shared, ended })
    }

    /// What the events of the server are to be given to.
    #[must_use]
    pub fn sink(&self) -> TextLogsSink {
        TextLogsSink(Arc::clone(&self.shared))
    }

    /// Waits until everything is written, for `patience` at most, and says whether it is.
    #[must_use]
    pub fn finish(self, patience: Duration) -> bool {
        self.shared.end();
        self.ended.recv_timeout(patience) != Err(RecvTimeoutError::Timeout)
    }
}

impl TextLogsSink {
    /// Takes an event.
    pub fn tell(&self, event: &Event) {
        self.0.tell(event);
    }
}

/// What the thread has.
struct Keeper<H, T> {
    users: UserLog,
    messages: MessageLogs<H>,
    tell: T,
    in_trouble: bool,
}

impl<H: History, T: FnMut(&str)> Keeper<H, T> {
    /// Writes what has come, until there will come no more.
    fn run(mut self, shared: &Shared) {
        while let Some(pending) = shared.wait() {
            let began = Instant::now();
            let left = self.round(pending);
            let rest = if left.is_empty() { (began.elapsed() * 4).min(REST_MAX) } else { RETRY };
            if shared.put_back(left, rest).is_break() {
                return;
            }
        }
    }

    /// Writes `pending`, and returns what could not be written.
    fn round(&mut self, pending: Pending) -> Pending {
        let mut left = Pending::default();
        let mut trouble = None;
        if pending.has_users() {
            trouble = self.users.change(pending.sessions).err();
            left.users_due = trouble.is_some();
        }
        for (conversation, end) in pending.ends {
            if let Err(error) = self.messages.catch_up(conversation, end, &mut self.tell) {
                left.ends.insert(conversation, end);
                trouble.get_or_insert(error);
            }
        }
        self.judge(trouble);
        left
    }

    /// Tells of trouble when it begins and when it is over.
    fn judge(&mut self, trouble: Option<TextLogsError>) {
        let was = core::mem::replace(&mut self.in_trouble, trouble.is_some());
        match trouble {
            Some(error) if !was => {
                (self.tell)(&format!(
                    "text logs: {error}; the chat goes on, and so do they when this is mended"
                ));
            }
            None if was => (self.tell)("text logs: they are written again"),
            _ => {}
        }
    }
}

fn failed(path: &Path, doing: &'static str, error: io::Error) -> TextLogsError {
    TextLogsError::Io { path: path.to_owned(), doing, error }
}

/// Opens a file that its owner alone may read, whatever it was before.
fn open_private(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let file = private::file(options).open(path)?;
    private::close_to_others(&file)?;
    Ok(file)
}

#[cfg(test)]
mod tests;
