//! What is done in a process of its own: opening a store, reading from it, and filling it until the process is killed.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use toom_core::Message;

use crate::data::query::{Asker, From, Query};
use crate::data::{Feed, messages};
use crate::{Contender, Failure, Kind, Seen};

/// Messages of a batch that a kill may interrupt.
pub(super) const BATCH: usize = 256;
/// Pages after which memory is looked at.
const PAGES: usize = 10_000;

/// A store, and where it lies.
#[derive(Clone, Debug, clap::Args)]
pub struct Site {
    /// Which store
    #[arg(long)]
    pub kind: Kind,
    /// Its folder
    #[arg(long)]
    pub folder: PathBuf,
    /// What it may cache
    #[arg(long)]
    pub cache_bytes: usize,
    /// How many rooms it has
    #[arg(long)]
    pub rooms: u32,
}

/// What a process of its own does with a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Task {
    /// Opens it: prints how many microseconds that took, and how many messages are there.
    Open,
    /// Opens it and reads random pages: prints the KiB that are resident then.
    Resident,
    /// Appends until it is killed: prints how many messages were acknowledged, after every batch.
    Append,
}

impl Task {
    /// Does it. So many `messages` were acknowledged before.
    ///
    /// # Errors
    /// [`Failure`] if the store fails, or has lost something.
    pub fn run(self, site: &Site, messages: u64) -> Result<(), Failure> {
        match self {
            Self::Open => {
                let (took, found) = site.open_and_count(messages)?;
                println!("{} {found}", took.as_micros());
                Ok(())
            }
            Self::Resident => site.read_at_random(messages),
            Self::Append => site.append_for_ever(messages),
        }
    }

    /// Its name in a command.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Resident => "resident",
            Self::Append => "append",
        }
    }
}

impl Site {
    /// Opens the store.
    ///
    /// # Errors
    /// [`Failure::Store`] with what it says.
    pub fn open(&self) -> Result<Box<dyn Contender>, Failure> {
        self.kind.open(&self.folder, self.cache_bytes).map_err(self.failed("open"))
    }

    /// How long it takes until the store is open and has shown its first page, and how many messages it holds: the acknowledged
    /// ones, and maybe a batch that was not acknowledged.
    fn open_and_count(&self, acknowledged: u64) -> Result<(Duration, u64), Failure> {
        let mut feed = Feed::new(self.rooms);
        feed.skip(acknowledged.saturating_sub(1));
        let last = feed.batch(1);
        let next = feed.batch(BATCH);
        let query = Asker::new(&feed, 0).page_large();

        let start = Instant::now();
        let contender = self.open()?;
        contender.answer(&[query]).map_err(self.failed("read the first page"))?;
        let took = start.elapsed();

        let failure = |what| Failure::Lost { kind: self.kind, acknowledged, what };
        let holds = |message| self.holds(contender.as_ref(), message);
        for message in messages(&last) {
            if !holds(message)? {
                return Err(failure("the last of them is not there"));
            }
        }
        let mut held = 0;
        for message in messages(&next) {
            held += u64::from(holds(message)?);
        }
        if held == 0 || held == BATCH as u64 {
            Ok((took, acknowledged + held))
        } else {
            Err(failure("a part of a batch is there"))
        }
    }

    /// Whether the store holds `message`, just as it is.
    fn holds(&self, contender: &dyn Contender, message: &Message) -> Result<bool, Failure> {
        let after = message.number.preceding();
        let query = Query { conversation: message.conversation, from: From::After(after), limit: 1 };
        let seen = contender.answer(&[query]).map_err(self.failed("read a message"))?;
        Ok(seen == Some(Seen::of([message])))
    }

    fn read_at_random(&self, messages: u64) -> Result<(), Failure> {
        let mut feed = Feed::new(self.rooms);
        feed.skip(messages);
        let mut asker = Asker::new(&feed, 1);
        let contender = self.open()?;
        for _ in 0..PAGES {
            contender.answer(&[asker.page_anywhere()]).map_err(self.failed("read a page"))?;
        }
        println!("{}", resident_kib()?);
        Ok(())
    }

    fn append_for_ever(&self, messages: u64) -> Result<(), Failure> {
        let mut feed = Feed::new(self.rooms);
        feed.skip(messages);
        let mut contender = self.open()?;
        loop {
            contender.append_batch(&feed.batch(BATCH)).map_err(self.failed("append"))?;
            println!("{}", feed.made());
            let flushed = io::stdout().flush();
            flushed.map_err(|error| Failure::File {
                path: "standard output".into(),
                doing: "write to it",
                error,
            })?;
        }
    }

    fn failed(&self, doing: &'static str) -> impl Fn(crate::StoreError) -> Failure {
        let kind = self.kind;
        move |error| Failure::Store { kind, doing, error }
    }
}

fn resident_kib() -> Result<u64, Failure> {
    let path = PathBuf::from("/proc/self/status");
    let status = std::fs::read_to_string(&path);
    let status = status.map_err(|error| Failure::File { path: path.clone(), doing: "read it", error })?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok());
    kib.ok_or_else(|| Failure::File {
        path,
        doing: "find VmRSS in it",
        error: io::ErrorKind::InvalidData.into(),
    })
}
