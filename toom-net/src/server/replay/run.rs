//! An engine that is given what another was given, and compared with it.

use std::collections::BTreeMap;

use toom_core::{Config, Engine, Epoch, Mono, Now, Recovered, Secret, Timestamp, UserName};

use super::store::ReplayStore;
use super::{Counts, Parted, Stop, words};
use crate::server::engine_loop::{BATCH_MAX, EngineLoop, Turn};
use crate::server::exchange::{Check, ConnectionId, Input, Release};
use crate::server::recording::inputs::{ask, connection, name, number, time};
use crate::server::recording::items::{self, Input as Recorded, Item, Opened, Output};
use crate::server::recording::outputs::{Words, asked, output};
use crate::server::recording::start::{config, recover, stand_in};
use crate::server::recording::witness;

/// How many inputs that were not replayed are shown.
const WAITING_SHOWN_MAX: usize = 10;

/// What the engine is to be opened with, as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Beginning {
    opened: Option<(Config, Epoch, usize)>,
    recovered: Recovered,
    accounts: Vec<(UserName, Secret)>,
}

impl Beginning {
    pub(super) fn open(&mut self, opened: &Opened<'_>) -> Result<(), Stop> {
        let config = config(opened).ok_or(Stop::Malformed("rules or bounds that there are not"))?;
        let checks_max = usize::try_from(opened.checks_max).unwrap_or(usize::MAX);
        self.opened = Some((config, Epoch::new(opened.epoch), checks_max));
        Ok(())
    }

    pub(super) fn add(&mut self, item: &Item<'_>) -> Result<(), Stop> {
        if let Item::Account { name: of, kind, version } = item {
            self.accounts.push(account(of, *kind, *version)?);
            return Ok(());
        }
        recover(item, &mut self.recovered)
            .ok_or(Stop::Malformed("an item that does not belong to the beginning"))
    }

    pub(super) fn run(self) -> Result<Run, Stop> {
        let (config, epoch, checks_max) =
            self.opened.ok_or(Stop::Malformed("accounts before rules and bounds"))?;
        let store = ReplayStore::new(epoch, self.recovered);
        let engine = Engine::open(store.clone(), config);
        let engine = engine.map_err(|_| Stop::Malformed("a store that cannot be opened"))?;
        let mut engine = EngineLoop::new(engine, checks_max);
        engine.set_accounts(self.accounts, &mut Turn::default());
        Ok(Run {
            store,
            engine,
            next: NextTurn::default(),
            last: None,
            at: None,
            open: Open::default(),
            words: Words::default(),
            counts: Counts::default(),
        })
    }
}

fn account(of: &str, kind: items::SecretKind, version: u64) -> Result<(UserName, Secret), Stop> {
    let name = name(of).ok_or(Stop::Malformed("an account whose name is none"))?;
    Ok((name, stand_in(kind, version)))
}

/// An engine under way.
#[derive(Debug)]
pub(super) struct Run {
    store: ReplayStore,
    engine: EngineLoop<ReplayStore>,
    next: NextTurn,
    /// The last turn's first input, and when that turn was.
    last: Option<Cause>,
    at: Option<Timestamp>,
    open: Open,
    words: Words,
    counts: Counts,
}

/// What the next turn is given, and what it should release.
#[derive(Debug, Default)]
struct NextTurn {
    accounts: Vec<(UserName, Secret)>,
    inputs: Vec<Input>,
    first: Option<Cause>,
    /// What the first inputs are.
    words: Vec<String>,
    outputs: Vec<Noted>,
    unreserved: Option<items::Fault>,
}

/// What was begun in earlier turns.
#[derive(Debug, Default)]
struct Open {
    /// Requests that have no reply yet.
    asked: BTreeMap<(u64, u64), Cause>,
    checks: BTreeMap<ConnectionId, Check>,
    /// Pages that were read; `None`: they hold what this replay does not know.
    pages: BTreeMap<(u64, u64), Option<Noted>>,
}

/// An input, for who has to be told of it.
#[derive(Clone, Debug)]
struct Cause {
    number: u64,
    words: String,
}

/// An output that is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Noted {
    text: String,
    digest: Option<u128>,
}

impl Noted {
    fn of(output: &Output<'_>) -> Self {
        Self { text: output.text.to_owned(), digest: output.digest }
    }

    fn output(&self) -> Output<'_> {
        Output { text: &self.text, digest: self.digest }
    }
}

impl Run {
    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// The first of the inputs that wait for the turn that takes them.
    pub(super) fn inputs_waiting(&self) -> &[String] {
        &self.next.words
    }

    pub(super) fn item(&mut self, item: Item<'_>) -> Result<(), Stop> {
        match item {
            Item::Account { name, kind, version } => {
                self.next.accounts.push(account(name, kind, version)?);
                Ok(())
            }
            Item::Input(input) => self.input(&input),
            Item::Output(output) => {
                self.next.outputs.push(Noted::of(&output));
                Ok(())
            }
            Item::Unreserved(fault) => {
                self.next.unreserved = Some(fault);
                Ok(())
            }
            Item::Turn(turn) => self.turn(&turn),
            Item::State { digest } => self.state(digest),
            Item::Page { connection, ticket, page } => self.page((connection, ticket), page.as_ref()),
            Item::End(end) => Err(Stop::Ended(end)),
            Item::Opened(_)
            | Item::Room { .. }
            | Item::Tail { .. }
            | Item::Keyed(_)
            | Item::Reserved { .. }
            | Item::Served => Err(Stop::Malformed("an item that belongs to the beginning")),
        }
    }

    fn input(&mut self, recorded: &Recorded<'_>) -> Result<(), Stop> {
        if self.next.inputs.len() >= BATCH_MAX {
            return Err(Stop::Malformed("a turn with more inputs than any has"));
        }
        let number = self.counts.inputs + self.next.inputs.len() as u64 + 1;
        let cause = Cause { number, words: words::of_input(recorded) };
        let input = match recorded {
            Recorded::Ask(of) => {
                self.open.asked.insert((of.connection, of.ticket), cause.clone());
                Input::Ask(ask(of).ok_or(Stop::Malformed("a request that no connection makes"))?)
            }
            Recorded::Checked { connection: of, verdict } => {
                let Some(check) = self.open.checks.remove(&connection(*of)) else {
                    return Err(parted(Some(cause), self.at, "a password is being checked", "none is").into());
                };
                Input::Checked(check.judged((*verdict).into()))
            }
            Recorded::Gone { connection: of } => Input::Gone(connection(*of)),
            Recorded::Kick { user } => {
                Input::Kick(name(user).ok_or(Stop::Malformed("a user whose name is none"))?)
            }
            Recorded::Accounts => Input::Accounts(core::mem::take(&mut self.next.accounts)),
            Recorded::Stop => Input::Stop,
        };
        self.next.inputs.push(input);
        if self.next.words.len() < WAITING_SHOWN_MAX {
            self.next.words.push(cause.words.clone());
        }
        self.next.first.get_or_insert(cause);
        Ok(())
    }

    fn turn(&mut self, recorded: &items::Turn) -> Result<(), Stop> {
        let wall = time(recorded.wall).ok_or(Stop::Malformed("a time that there is not"))?;
        let now = Now { wall, mono: Mono::new(recorded.mono) };
        self.at = Some(wall);
        let next = core::mem::take(&mut self.next);
        self.last.clone_from(&next.first);
        let verdicts = recorded.verdicts.iter().map(|verdict| (*verdict).into());
        let mut turn = Turn { given: verdicts.collect(), ..Turn::default() };
        self.store.fail(recorded.fault, next.unreserved);
        let inputs = next.inputs.len() as u64;
        self.engine.turn(next.inputs, now, &mut turn);

        self.compare_outputs(&next.outputs, &turn.releases)?;
        let given = witness::item(now, &turn);
        if given != *recorded {
            let (recorded, given) = (words::of_turn(recorded), words::of_turn(&given));
            return Err(parted(next.first, self.at, &recorded, &given).into());
        }
        for check in turn.checks {
            self.open.checks.insert(check.connection, check);
        }
        for read in turn.reads {
            let key = (number(read.to.connection), read.to.ticket);
            let (reply, trouble) = read.run(&self.store);
            let page = match &reply {
                Release::Reply { lines, .. } if trouble.is_none() => Some(Noted::of(&output(lines))),
                _ => None,
            };
            self.open.pages.insert(key, page);
        }
        self.counts.inputs += inputs;
        self.counts.turns += 1;
        self.counts.outputs += turn.releases.len() as u64;
        Ok(())
    }

    fn compare_outputs(&mut self, recorded: &[Noted], given: &[Release]) -> Result<(), Stop> {
        let mut cause = None;
        for place in 0..recorded.len().max(given.len()) {
            let (recorded, given) = (recorded.get(place), given.get(place));
            if let Some((of, ticket)) = given.and_then(asked) {
                cause = self.open.asked.remove(&(number(of), ticket));
            }
            let given = given.map(|given| self.words.of(given));
            if recorded.map(Noted::output) != given {
                let shown =
                    |output: Option<&Output<'_>>| output.map_or("nothing".to_owned(), words::of_output);
                let recorded = shown(recorded.map(Noted::output).as_ref());
                let cause = cause.or_else(|| self.last.take());
                return Err(parted(cause, self.at, &recorded, &shown(given.as_ref())).into());
            }
        }
        Ok(())
    }

    fn state(&mut self, recorded: u128) -> Result<(), Stop> {
        let given = self.engine.digest().bits();
        if given != recorded {
            let shown = |digest: u128| format!("the state after it: {digest:032x}");
            return Err(parted(self.last.take(), self.at, &shown(recorded), &shown(given)).into());
        }
        self.counts.states += 1;
        Ok(())
    }

    fn page(&mut self, key: (u64, u64), recorded: Option<&Output<'_>>) -> Result<(), Stop> {
        let cause = self.open.asked.remove(&key);
        let given = self.open.pages.remove(&key);
        let (Some(recorded), Some(given)) = (recorded, &given) else {
            // Without a page here the turn that asks for it has told so.
            self.counts.pages_passed_over += 1;
            return Ok(());
        };
        match given {
            None => self.counts.pages_passed_over += 1,
            Some(given) if given.output() == *recorded => self.counts.pages += 1,
            Some(given) => {
                let (recorded, given) = (words::of_output(recorded), words::of_output(&given.output()));
                return Err(parted(cause, self.at, &recorded, &given).into());
            }
        }
        Ok(())
    }
}

fn parted(cause: Option<Cause>, at: Option<Timestamp>, recorded: &str, replayed: &str) -> Parted {
    let (number, input) = match cause {
        Some(Cause { number, words }) => (Some(number), words),
        None => (None, "time went by".to_owned()),
    };
    Parted { number, at, input, recorded: recorded.to_owned(), replayed: replayed.to_owned() }
}
