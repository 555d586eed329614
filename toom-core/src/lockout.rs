//! Who may guess a password, and how often.
//!
//! An account has one count for all sources that are not familiar to it, and one for each that is. A name that nobody
//! bears is counted in a bounded table, so that a block tells nothing; nothing in that table can push an account's block out,
//! because accounts are not in it. Sources have a budget over all accounts, in a bounded table as well.

use std::collections::BTreeMap;

use crate::digest::Canonical;
use crate::secret::Cost;
use crate::{
    CheckMemory, Config, LoginError, Mono, NoSuchAccount, Password, Secret, Seed, Source, UserName, Verdict,
};

mod account;
mod budget;
mod counter;
mod table;

use account::Account;
use budget::Budget;
use counter::{AttemptId, Counter, Settled};
use table::{Cell, Table};

/// What a login must prove, handed out by [`Engine::begin_login`](crate::Engine::begin_login).
///
/// It holds a place in the account's count until [`Engine::finish_login`](crate::Engine::finish_login) takes it back. One that
/// is lost counts as a wrong password once [`Limits::check_timeout`](crate::Limits::check_timeout) is over.
#[derive(Debug)]
#[must_use = "it counts as a failure until it is finished"]
pub struct Challenge {
    attempt: AttemptId,
    secret: Option<Secret>,
    cost: Option<Cost>,
}

/// How long [`Challenge::verify`] takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Microseconds: run it where you are.
    Quick,
    /// Tens of milliseconds and megabytes of memory: run it elsewhere, few at once.
    Slow,
}

impl Challenge {
    /// How long [`verify`](Self::verify) takes. It is the same for every name of an engine, whether or not anybody bears it.
    #[must_use]
    pub fn work(&self) -> Work {
        if self.cost.is_some() { Work::Slow } else { Work::Quick }
    }

    /// Checks `password`: a pure function, run wherever the host likes.
    #[must_use]
    pub fn verify(&self, password: &Password) -> Verdict {
        self.verify_in(password, &mut CheckMemory::new())
    }

    /// The same in memory that the host keeps for many checks.
    #[must_use]
    pub fn verify_in(&self, password: &Password, memory: &mut CheckMemory) -> Verdict {
        // Every check is a comparison of plain texts and then, where any account has one, a hash: which of them decides does not show.
        let hashed = self.secret.as_ref().filter(|secret| secret.cost().is_some());
        let verdict = match &self.secret {
            Some(plain) if hashed.is_none() => plain.verify(password, memory),
            _ => nobodys_secret(password, memory),
        };
        match (hashed, self.cost) {
            (Some(hashed), _) => hashed.verify(password, memory),
            (None, Some(cost)) => {
                cost.waste(password, memory);
                verdict
            }
            (None, None) => verdict,
        }
    }
}

/// The work of a plain comparison, with nothing that could be right.
fn nobodys_secret(password: &Password, memory: &mut CheckMemory) -> Verdict {
    if let Ok(secret) = Secret::plain("nobody has this account") {
        core::hint::black_box(secret.verify(password, memory));
    }
    Verdict::Wrong
}

/// All accounts, and all counts.
#[derive(Debug)]
pub(crate) struct Lockout {
    seed: Seed,
    accounts: BTreeMap<UserName, Account>,
    nobodies: Table<Counter>,
    budgets: Table<Budget>,
    in_flight: BTreeMap<AttemptId, InFlight>,
    /// How many accounts have a hash of which cost: names that nobody bears cost as much as the costliest.
    costs: BTreeMap<Cost, usize>,
    attempts_begun: u64,
    accounts_made: u64,
}

/// A guess under way.
#[derive(Debug)]
struct InFlight {
    name: UserName,
    /// The place where the name is counted if nobody bears it.
    nobody: Cell,
    source: Source,
    counted: Counted,
    deadline: Mono,
}

/// Where a guess is counted.
#[derive(Clone, Copy, Debug)]
enum Counted {
    Nobody,
    Stranger { incarnation: u64, secret_version: u64 },
    Familiar { incarnation: u64, secret_version: u64 },
}

impl Counted {
    fn digest(self, into: &mut Canonical) {
        match self {
            Self::Nobody => into.number(0_u8),
            Self::Stranger { incarnation, secret_version } => {
                into.number(1_u8).number(incarnation).number(secret_version)
            }
            Self::Familiar { incarnation, secret_version } => {
                into.number(2_u8).number(incarnation).number(secret_version)
            }
        };
    }
}

impl Lockout {
    pub(crate) fn new(seed: Seed) -> Self {
        Self {
            seed,
            accounts: BTreeMap::new(),
            nobodies: Table::new(),
            budgets: Table::new(),
            in_flight: BTreeMap::new(),
            costs: BTreeMap::new(),
            attempts_begun: 0,
            accounts_made: 0,
        }
    }

    /// The name as the account spells it.
    pub(crate) fn account(&self, name: &UserName) -> Option<&UserName> {
        self.accounts.get(name).map(|account| &account.name)
    }

    pub(crate) fn accounts(&self) -> impl Iterator<Item = &UserName> {
        self.accounts.values().map(|account| &account.name)
    }

    /// Puts an account in, or changes the secret and the spelling of one; its counts stay.
    pub(crate) fn put(&mut self, name: UserName, secret: Secret) {
        if let Some(cost) = secret.cost() {
            *self.costs.entry(cost).or_default() += 1;
        }
        let replaced = match self.accounts.get_mut(&name) {
            None => {
                self.accounts_made += 1;
                let account = Account::new(name.clone(), secret, self.accounts_made);
                self.accounts.insert(name, account);
                return;
            }
            Some(account) => {
                account.name = name;
                account.secret_version += u64::from(!account.secret.is_same(&secret));
                core::mem::replace(&mut account.secret, secret)
            }
        };
        self.forget_cost(&replaced);
    }

    pub(crate) fn remove(&mut self, name: &UserName) -> Result<(), NoSuchAccount> {
        let account = self.accounts.remove(name).ok_or(NoSuchAccount)?;
        self.forget_cost(&account.secret);
        Ok(())
    }

    fn forget_cost(&mut self, secret: &Secret) {
        if let Some(cost) = secret.cost()
            && let Some(count) = self.costs.get_mut(&cost)
        {
            *count -= 1;
            if *count == 0 {
                self.costs.remove(&cost);
            }
        }
    }

    /// Counts a guess as begun and hands out what to check.
    pub(crate) fn begin(
        &mut self,
        name: &UserName,
        source: Source,
        config: &Config,
        now: Mono,
    ) -> Result<Challenge, LoginError> {
        self.nobodies.sweep(|count| count.is_over(now));
        self.budgets.sweep(|budget| budget.is_full_by(config, now));
        let nobody = self.cell(|canonical| canonical.user(name));
        // Looked for under every name, as accounts are, so that the time it takes tells nothing.
        core::hint::black_box(self.nobodies.get_mut(nobody));
        let account = self.accounts.get_mut(name);
        let familiar = account.is_some_and(|account| account.familiar(source, config, now).is_some());
        if !familiar {
            self.check_budget(source, config, now)?;
        }

        let attempt = AttemptId(self.attempts_begun);
        let (counted, secret, count) = match self.accounts.get_mut(name) {
            None => (Counted::Nobody, None, self.nobodies.get_or(nobody, Counter::default)),
            Some(account) => {
                let (incarnation, secret_version) = (account.incarnation, account.secret_version);
                let secret = Some(account.secret.clone());
                if familiar && let Some(counter) = account.familiar(source, config, now) {
                    (Counted::Familiar { incarnation, secret_version }, secret, counter)
                } else {
                    (Counted::Stranger { incarnation, secret_version }, secret, &mut account.strangers)
                }
            }
        };
        count.begin(attempt, &config.policy, now).map_err(|left| LoginError::Blocked { left })?;

        self.attempts_begun += 1;
        if !familiar {
            self.budget(source, now).spend();
        }
        let deadline = now.after(config.limits.check_timeout);
        self.in_flight.insert(attempt, InFlight { name: name.clone(), nobody, source, counted, deadline });
        let cost = self.costs.last_key_value().map(|(cost, _)| *cost);
        Ok(Challenge { attempt, secret, cost })
    }

    /// Settles a guess. `Ok` is the name of the account that the guess was right for.
    pub(crate) fn finish(
        &mut self,
        challenge: &Challenge,
        verdict: Verdict,
        config: &Config,
        now: Mono,
    ) -> Result<UserName, LoginError> {
        // One that took too long was counted as wrong when its time was over.
        let Some(guess) = self.in_flight.remove(&challenge.attempt) else {
            return Err(LoginError::WrongPassword { blocked: None });
        };
        self.settle(challenge.attempt, &guess, verdict, config, now)
    }

    /// Takes a guess back as if it had not begun: for checks that the host could not run.
    pub(crate) fn withdraw(&mut self, challenge: &Challenge, config: &Config, now: Mono) {
        let Some(guess) = self.in_flight.remove(&challenge.attempt) else { return };
        if let Some(counter) = self.counter(&guess, config, now) {
            counter.withdraw(challenge.attempt);
        }
        self.give_back(&guess, now);
        self.tidy(&guess);
    }

    /// Counts guesses whose time is over as wrong, each from the moment when it was over: whether anybody looked at that
    /// moment changes nothing.
    pub(crate) fn expire(&mut self, config: &Config, now: Mono) {
        while let Some(oldest) = self.in_flight.first_entry()
            && oldest.get().deadline <= now
        {
            let (attempt, guess) = oldest.remove_entry();
            // Nobody waits for the answer any more.
            let _ = self.settle(attempt, &guess, Verdict::Wrong, config, guess.deadline);
        }
    }

    /// When [`expire`](Self::expire) has something to do.
    pub(crate) fn next_deadline(&self) -> Option<Mono> {
        self.in_flight.values().next().map(|guess| guess.deadline)
    }

    fn settle(
        &mut self,
        attempt: AttemptId,
        guess: &InFlight,
        verdict: Verdict,
        config: &Config,
        now: Mono,
    ) -> Result<UserName, LoginError> {
        let verdict = if self.is_current(guess) { verdict } else { Verdict::Wrong };
        let settled = match self.counter(guess, config, now) {
            Some(counter) => counter.settle(attempt, verdict, &config.policy, now),
            None => Settled::Open,
        };
        let result = match verdict {
            Verdict::Right => {
                self.give_back(guess, now);
                self.accounts.get_mut(&guess.name).map(|account| {
                    account.make_familiar(guess.source, config, now);
                    account.name.clone()
                })
            }
            Verdict::Wrong => None,
        };
        self.tidy(guess);
        let blocked = (settled == Settled::Blocked).then_some(config.policy.block);
        result.ok_or(LoginError::WrongPassword { blocked })
    }

    /// Whether the account still is the one, with the secret, that the guess was checked against.
    fn is_current(&self, guess: &InFlight) -> bool {
        let Some(account) = self.accounts.get(&guess.name) else { return false };
        match guess.counted {
            Counted::Nobody => false,
            Counted::Stranger { incarnation, secret_version }
            | Counted::Familiar { incarnation, secret_version } => {
                (account.incarnation, account.secret_version) == (incarnation, secret_version)
            }
        }
    }

    /// The count that the guess has its place in, if that still is there. A later account of the name has no place of that guess.
    fn counter(&mut self, guess: &InFlight, config: &Config, now: Mono) -> Option<&mut Counter> {
        let account = self.accounts.get_mut(&guess.name);
        let nobody = self.nobodies.get_mut(guess.nobody);
        match guess.counted {
            Counted::Nobody => nobody,
            Counted::Stranger { .. } => account.map(|account| &mut account.strangers),
            Counted::Familiar { .. } => {
                account.and_then(|account| account.familiar(guess.source, config, now))
            }
        }
    }

    fn check_budget(&mut self, source: Source, config: &Config, now: Mono) -> Result<(), LoginError> {
        let wait = self.budget(source, now).wait(config, now);
        self.tidy_budget(source);
        wait.map_or(Ok(()), |left| Err(LoginError::Throttled { left }))
    }

    fn budget(&mut self, source: Source, now: Mono) -> &mut Budget {
        let cell = self.cell(|canonical| canonical.number(source.get()));
        self.budgets.get_or(cell, || Budget::full(now))
    }

    fn give_back(&mut self, guess: &InFlight, now: Mono) {
        if !matches!(guess.counted, Counted::Familiar { .. }) {
            self.budget(guess.source, now).give_back();
        }
    }

    /// Frees what need not be remembered.
    fn tidy(&mut self, guess: &InFlight) {
        self.nobodies.tidy(guess.nobody, Counter::is_empty);
        self.tidy_budget(guess.source);
    }

    fn tidy_budget(&mut self, source: Source) {
        let cell = self.cell(|canonical| canonical.number(source.get()));
        self.budgets.tidy(cell, Budget::is_full);
    }

    /// The keyed place of a name or a source in a bounded table.
    fn cell(&self, name: impl FnOnce(&mut Canonical) -> &mut Canonical) -> Cell {
        let mut canonical = Canonical::new(self.seed);
        let [low, high, ..] = name(&mut canonical).finish().to_le_bytes();
        Cell::from_le_bytes([low, high])
    }

    pub(crate) fn digest(&self, into: &mut Canonical) {
        into.number(self.attempts_begun).number(self.accounts_made).number(self.accounts.len() as u64);
        self.accounts.values().for_each(|account| account.digest(into));
        self.nobodies.digest(into, Counter::digest);
        self.budgets.digest(into, Budget::digest);
        into.number(self.in_flight.len() as u64);
        for (attempt, guess) in &self.in_flight {
            into.number(attempt.0).number(guess.deadline.elapsed().as_nanos());
            into.user(&guess.name).number(guess.nobody).number(guess.source.get());
            guess.counted.digest(into);
        }
    }
}

#[cfg(test)]
mod tests;
