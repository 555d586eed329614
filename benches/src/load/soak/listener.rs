//! Who listens: to whom messages are pushed, who reads what was missed, and who checks that the two agree.

use std::collections::BTreeMap;

use super::super::LoadError;
use super::ledger::Ledger;
use super::part::{Pushes, Talk, out_of_place};
use super::reading::{Awaited, Reading, Reason};
use super::said::{BROADCAST, Said, Stretch, word};
use super::tally::Count;

/// What a listener knows, over all its connections.
#[derive(Debug)]
pub(super) struct Listener {
    account: usize,
    threads: BTreeMap<u32, Thread>,
    reading: Reading,
    entered: bool,
}

/// One conversation.
#[derive(Clone, Copy, Debug, Default)]
struct Thread {
    /// Everything up to this one was heard of before this connection, or read on it.
    through: u64,
    /// Whether the reading of what was missed has ended.
    caught_up: bool,
    /// The first and the last number that was pushed on this connection, those told by `LAG` included.
    pushed: Option<(u64, u64)>,
    /// The first number told by `LAG` that was not read yet, and how many reads are under way.
    lags: Option<(u64, usize)>,
}

impl Listener {
    /// One who knows the broadcast messages up to `through`.
    pub(super) fn new(account: usize, through: u64) -> Self {
        let threads = BTreeMap::from([(BROADCAST, Thread { through, ..Thread::default() })]);
        Self { account, threads, reading: Reading::default(), entered: false }
    }

    pub(super) fn log_in(&self, talk: &mut Talk<'_>) {
        talk.log_in(self.account, Pushes::On);
    }

    pub(super) fn has_entered(&self) -> bool {
        self.entered
    }

    /// Takes what a session that listens is told; `false` for what has to do with something else.
    ///
    /// # Errors
    /// If a message is missing, comes twice, or differs from what others were told.
    pub(super) fn hear(&mut self, said: &Said<'_>, talk: &mut Talk<'_>) -> Result<bool, LoadError> {
        match *said {
            Said::Else | Said::Done("PING", _) => {}
            Said::Done("LOGIN", _) => self.enter(talk),
            Said::Refused("LOGIN", rest) => talk.refused(rest)?,
            Said::Room(room) => {
                self.threads.entry(room).or_insert(Thread { caught_up: true, ..Thread::default() });
            }
            Said::Message(told) => {
                let Stretch { conversation, first, last } =
                    Stretch { conversation: told.conversation, first: told.number, last: told.number };
                self.thread(conversation, first).push(conversation, (first, last))?;
                talk.world.ledger.note(&told)?;
                talk.count(Count::Delivered);
            }
            Said::Lag(Stretch { conversation, first, last }) => {
                let thread = self.thread(conversation, first);
                thread.push(conversation, (first, last))?;
                let (begin, reads) = thread.lags.unwrap_or((first, 0));
                thread.lags = Some((begin, reads + 1));
                talk.world.tally.add(Count::LeftOut, last - first + 1);
                self.reading.ask(conversation, first - 1, Reason::Lag(last), talk);
            }
            Said::Row(_) | Said::Gone(_) | Said::Done("RDM", _) => {
                if let Some(read) = self.reading.hear(said, talk)? {
                    self.has_read(read)?;
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn enter(&mut self, talk: &mut Talk<'_>) {
        talk.entered();
        self.entered = true;
        for (conversation, thread) in &self.threads {
            self.reading.ask(*conversation, thread.through, Reason::CatchUp, talk);
        }
    }

    /// Asks for one page more than is read, so that the server has something to write.
    pub(super) fn flood(&mut self, talk: &mut Talk<'_>) {
        self.reading.ask(BROADCAST, 0, Reason::Flood, talk);
    }

    /// The conversation; one that it was not told of began before it came.
    fn thread(&mut self, conversation: u32, first: u64) -> &mut Thread {
        let through = first.saturating_sub(1);
        self.threads.entry(conversation).or_insert(Thread { through, caught_up: true, ..Thread::default() })
    }

    fn has_read(&mut self, read: Awaited) -> Result<(), LoadError> {
        let Some(thread) = self.threads.get_mut(&read.conversation) else { return Ok(()) };
        match read.reason {
            Reason::CatchUp => {
                thread.through = read.next - 1;
                thread.caught_up = true;
                if let Some((first, _)) = thread.pushed.filter(|(first, _)| *first > read.next) {
                    return Err(gap(read.conversation, read.next, first));
                }
            }
            Reason::Lag(_) => {
                thread.lags =
                    thread.lags.filter(|(_, reads)| *reads > 1).map(|(begin, reads)| (begin, reads - 1));
            }
            Reason::Flood | Reason::Check(_) => {}
        }
        Ok(())
    }

    /// The connection is gone. What was told by `LAG` and not read is still missing.
    pub(super) fn lost(&mut self) {
        self.entered = false;
        self.reading.clear();
        for thread in self.threads.values_mut() {
            let known = match (thread.caught_up, thread.pushed) {
                (true, Some((_, last))) => last.max(thread.through),
                _ => thread.through,
            };
            let through = thread.lags.map_or(known, |(first, _)| known.min(first - 1));
            *thread = Thread { through, ..Thread::default() };
        }
    }

    /// Whether it has heard of the last message of each of its conversations, and has nothing more to read.
    pub(super) fn is_current(&self, ledger: &Ledger) -> bool {
        self.entered
            && self.reading.is_empty()
            && self.threads.iter().all(|(conversation, thread)| {
                let last = thread.pushed.map_or(0, |(_, last)| last).max(thread.through);
                last >= ledger.last(*conversation)
            })
    }

    pub(super) fn out_of_place(&self, said: &Said<'_>) -> LoadError {
        out_of_place(&format!("listener {}", self.account), said)
    }
}

impl Thread {
    fn push(&mut self, conversation: u32, (first, last): (u64, u64)) -> Result<(), LoadError> {
        let (begin, expected) = match self.pushed {
            Some((begin, end)) => (begin, end + 1..=end + 1),
            // Before the end of the reading nobody knows; after it, whatever was not read has to be pushed.
            None if self.caught_up => (first, 0..=self.through + 1),
            None => (first, 0..=u64::MAX),
        };
        if !expected.contains(&first) {
            return Err(gap(conversation, *expected.end(), first));
        }
        self.pushed = Some((begin, last));
        Ok(())
    }
}

fn gap(conversation: u32, expected: u64, came: u64) -> LoadError {
    let conversation = word(conversation);
    LoadError::Broken(format!("message {came} of {conversation} was pushed, and {expected} was the next"))
}
