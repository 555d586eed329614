//! What a run came to.

use core::fmt;

/// What a run came to in which every promise was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The run's seed.
    pub seed: u64,
    /// How many steps were taken in all.
    pub steps: u64,
    /// Stands for all that happened, in order: two runs with the same digest did the same.
    pub digest: u64,
    /// How often what happened.
    pub counts: Counts,
}

macro_rules! counts {
    ($($(#[doc = $doc:literal])* $name:ident,)*) => {
        /// How often what happened: a run in which nothing did shows nothing.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Counts {
            $($(#[doc = $doc])* pub $name: u64,)*
        }

        impl Counts {
            /// Adds those of another run.
            pub fn add(&mut self, other: &Self) {
                $(self.$name += other.$name;)*
            }
        }

        impl fmt::Display for Counts {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                $(writeln!(f, "{:>12}  {}", self.$name, stringify!($name).replace('_', " "))?;)*
                Ok(())
            }
        }
    };
}

counts! {
    /// Connections that came about.
    connections,
    /// Connections that were cut, at any byte.
    connections_cut,
    /// Connections that fell silent.
    connections_silent,
    /// Bytes that peers were sent.
    bytes_to_peers,
    /// Messages that were stored.
    messages_posted,
    /// Rooms that were built.
    rooms_built,
    /// Messages that were shown to a client unasked.
    messages_shown,
    /// Lines that stood for messages left out.
    lags,
    /// Answers to requests.
    answers,
    /// Requests that were refused.
    refusals,
    /// Posts that were made again, since nobody knew what had become of them.
    posts_repeated,
    /// Pages of the history that were held against it.
    pages,
    /// Attempts to read or post in rooms of others.
    trespasses,
    /// Wrong passwords that were checked.
    wrong_guesses,
    /// Attempts that met a block.
    blocks_met,
    /// Guesses in the moment in which a block ends, or next to it.
    edges,
    /// Times that a client came back.
    returns,
    /// Power cuts.
    power_cuts,
    /// Power cuts within a call of the store.
    power_cuts_within,
    /// Power cuts while the store was opened.
    power_cuts_recovering,
    /// Times that the server was killed.
    kills,
    /// Times that the server was shut down.
    shutdowns,
    /// Calls of the disk that failed.
    disk_faults,
    /// Appends that failed.
    appends_failed,
    /// Times that another disk, as a power cut would leave it, was held against what was told.
    power_cuts_imagined,
    /// Times that a bit flipped on a copy of the disk.
    bits_flipped,
    /// Pieces of work behind the journal.
    work,
    /// Messages that nobody was told of, and that were found after a restart.
    found_later,
    /// Times that a server dropped old messages.
    drops,
    /// Messages that were dropped.
    messages_gone,
    /// Messages of them that were dropped while the server was about to end, and found to be gone after a restart.
    found_gone,
    /// Times that somebody was told that messages are gone for good.
    told_gone,
    /// Times that a session was offered a file.
    files_offered,
    /// Files that went through the server.
    files_relayed,
    /// Pieces of files that arrived through the server.
    pieces_relayed,
    /// Times that a session was told that a transfer is over.
    files_ended,
    /// Times that the wall clock was set.
    clocks_set,
    /// Times that an operator ended sessions or changed accounts.
    operations,
}

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// The run's seed.
    pub seed: u64,
    /// The step at which it was noticed.
    pub step: u64,
    /// What was promised, and what was seen.
    pub broken: String,
    /// What happened just before, the last thing last.
    pub before: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}, step {}: {}", self.seed, self.step, self.broken)?;
        self.before.iter().try_for_each(|line| writeln!(f, "  {line}"))
    }
}

impl core::error::Error for Failure {}

/// A promise that was broken, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken(pub(super) String);

/// Whether all promises were kept.
pub(super) type Kept<T = ()> = Result<T, Broken>;

/// Demands that something holds.
pub(super) fn demand(holds: bool, broken: impl FnOnce() -> String) -> Kept {
    if holds { Ok(()) } else { Err(Broken(broken())) }
}

/// Says that something does not hold.
pub(super) fn broken<T>(what: impl Into<String>) -> Kept<T> {
    Err(Broken(what.into()))
}
