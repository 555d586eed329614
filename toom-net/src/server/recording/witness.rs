//! Writes down what an engine is given and what it gives. It knows no file and no thread.

use core::time::Duration;
use std::collections::BTreeMap;
use std::time::Instant;

use toom_core::{Config, Digest, Epoch, Mono, Now, Recovered, Secret, Storage, StorageError, UserName};

use super::items::{self, End, Fault, Item, Items};
use super::outputs::{Words, output};
use super::{inputs, start};
use crate::server::engine_loop::{EngineLoop, Turn};
use crate::server::exchange::{Input, Release};

/// How long it is from one state that is added up to the next, at least.
const STATES: Duration = Duration::from_secs(10);
/// How many times as long as it took to add the state up it is not done again: it costs a hundredth of the time.
const REST: u32 = 100;

/// How an engine begins.
#[derive(Debug)]
pub(in crate::server) struct Opening {
    pub(in crate::server) config: Config,
    pub(in crate::server) epoch: Epoch,
    pub(in crate::server) checks_max: usize,
    pub(in crate::server) recovered: Recovered,
    pub(in crate::server) accounts: Vec<(UserName, Secret)>,
}

/// Writes down what one engine is given and what it gives.
#[derive(Debug)]
pub(in crate::server) struct Witness {
    items: Items,
    words: Words,
    secrets: Secrets,
    /// How long it is from one state to the next at least, and how many times as long as it takes to add it up.
    states: (Duration, u32),
    /// When the state is to be added up again.
    next_state: Mono,
}

impl Default for Witness {
    fn default() -> Self {
        Self::with_states(STATES, REST)
    }
}

impl Witness {
    /// One that adds the state up when `least` has passed, and `rest` times as long as that took before.
    pub(in crate::server) fn with_states(least: Duration, rest: u32) -> Self {
        let (items, words, secrets) = (Items::default(), Words::default(), Secrets::default());
        Self { items, words, secrets, states: (least, rest), next_state: Mono::ZERO.after(least) }
    }

    /// How the engine begins, and what its state then adds up to.
    pub(in crate::server) fn opens(&mut self, opening: &Opening, state: Digest) {
        self.items.push(&Item::Opened(start::opened(&opening.config, opening.epoch, opening.checks_max)));
        start::push_recovered(&mut self.items, &opening.recovered);
        self.secrets.push(&opening.accounts, &mut self.items);
        self.items.push(&Item::Served);
        self.items.push(&Item::State { digest: state.bits() });
    }

    /// The engine is given `input`.
    pub(in crate::server) fn takes(&mut self, input: &Input) {
        if let Input::Accounts(accounts) = input {
            self.secrets.push(accounts, &mut self.items);
        }
        self.items.push(&Item::Input(inputs::item(input)));
    }

    /// What came of the inputs since the last turn.
    pub(in crate::server) fn turned<S: Storage>(&mut self, now: Now, turn: &Turn, engine: &EngineLoop<S>) {
        for release in &turn.releases {
            self.items.push(&Item::Output(self.words.of(release)));
        }
        if let Some(error) = &turn.unreserved {
            self.items.push(&Item::Unreserved(fault(error)));
        }
        self.items.push(&Item::Turn(item(now, turn)));
        if turn.stops || self.next_state <= now.mono {
            let begun = Instant::now();
            self.items.push(&Item::State { digest: engine.digest().bits() });
            let (least, rest) = self.states;
            self.next_state = now.mono.after(begun.elapsed().saturating_mul(rest).max(least));
        }
    }

    /// The bodies of frames so far.
    pub(in crate::server) fn take(&mut self) -> Vec<Vec<u8>> {
        self.items.take()
    }
}

/// The item of a turn.
pub(in crate::server) fn item(now: Now, turn: &Turn) -> items::Turn {
    items::Turn {
        wall: now.wall.unix_micros(),
        mono: now.mono.elapsed(),
        verdicts: turn.verdicts.iter().map(|verdict| (*verdict).into()).collect(),
        checks: turn.checks.iter().map(|check| inputs::number(check.connection)).collect(),
        reads: turn.reads.iter().map(|read| (inputs::number(read.to.connection), read.to.ticket)).collect(),
        fault: turn.fault.as_ref().map(fault),
    }
}

fn fault(error: &StorageError) -> Fault {
    if error.is_harmless() { Fault::Full } else { Fault::Failed }
}

/// The frame of a page that was read, in so far as a recording can tell what must be on it: `None`, nothing at all.
pub(in crate::server) fn page(release: &Release, is_whole: bool) -> Option<Vec<Vec<u8>>> {
    let Release::Reply { connection, ticket, lines } = release else { return None };
    let page = (is_whole && !tells_of_gone(lines)).then(|| output(lines));
    let mut items = Items::default();
    items.push(&Item::Page { connection: inputs::number(*connection), ticket: *ticket, page });
    Some(items.take())
}

/// The last frame.
pub(in crate::server) fn end(end: End) -> Vec<Vec<u8>> {
    let mut items = Items::default();
    items.push(&Item::End(end));
    items.take()
}

/// Whether a row says that messages are gone: when retention drops them is not the engine's business.
fn tells_of_gone(lines: &[u8]) -> bool {
    lines.split(|byte| *byte == b'\n').any(|line| {
        let mut words = line.split(|byte| *byte == b' ').skip_while(|word| word.starts_with(b"@"));
        words.next() == Some(b"ROW") && words.nth(1) == Some(b"GONE")
    })
}

/// The secrets of the accounts there are, each with the number that stands for it.
#[derive(Debug, Default)]
struct Secrets {
    of: BTreeMap<UserName, (Secret, u64)>,
    changes: u64,
}

impl Secrets {
    /// Makes these the accounts, and writes them down without their secrets.
    fn push(&mut self, accounts: &[(UserName, Secret)], items: &mut Items) {
        let mut before = core::mem::take(&mut self.of);
        for (name, secret) in accounts {
            let known = self.of.remove(name).or_else(|| before.remove(name));
            let version = known.filter(|(known, _)| known.is_same(secret)).map_or_else(
                || {
                    self.changes += 1;
                    self.changes
                },
                |(_, version)| version,
            );
            items.push(&Item::Account { name: name.as_str(), kind: start::kind(secret), version });
            self.of.insert(name.clone(), (secret.clone(), version));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_tells_of_what_is_gone_is_told_from_one_that_speaks_of_it() {
        for (lines, gone) in [
            ("ROW b GONE 1 3\nOK RDM 0\n", true),
            ("@tag ROW 7 GONE 1 3\n@tag OK RDM 0\n", true),
            ("ROW b 4 T luke hello\nROW 7 GONE 1 3\nOK RDM 1\n", true),
            ("ROW b 4 T GONE GONE\nOK RDM 1\n", false),
            ("OK b GONE 1 3\n", false),
            ("OK RDM 0\n", false),
            ("", false),
        ] {
            assert_eq!(tells_of_gone(lines.as_bytes()), gone, "{lines}");
        }
    }
}
