//! A notebook of all passwords that were tried, as a reader believes it at sight: who may have a password checked, and who is blocked for
//! how long.

use core::net::IpAddr;
use std::collections::{BTreeMap, BTreeSet};

use toom_core::{Config, Mono, SessionId, UserName, Verdict};

use super::report::{Kept, demand};
use crate::server::ServerLimits;
use crate::server::stepped::{LoginStep, Refusal};

mod budget;
mod tally;

use budget::Budget;
use tally::Tally;

/// What a server has to hold against guesses since it was started.
#[derive(Debug)]
pub(super) struct Guesses {
    config: Config,
    checks_max: usize,
    accounts: BTreeMap<UserName, Account>,
    accounts_made: u64,
    /// How many passwords were handed out to be checked: each has a number of its own.
    begun: u64,
    tallies: BTreeMap<Count, Tally>,
    budgets: BTreeMap<IpAddr, Budget>,
    /// What is checked and was not settled yet, in order of beginning.
    under_way: Vec<Guess>,
    /// What is checked, whether or not it was settled meanwhile, because it took too long.
    checks: BTreeSet<SessionId>,
    admitted: BTreeSet<SessionId>,
}

#[derive(Debug)]
struct Account {
    /// Tells it from an earlier one of the same name.
    made: u64,
    /// From where it was logged in to, the latest login last; and what tells this stay in the list from an earlier one.
    familiar: Vec<(IpAddr, u64)>,
}

/// Who is counted together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Count {
    /// All who try a name that nobody bears.
    Nobody(UserName),
    /// All from where an account was never logged in to.
    Strangers { user: UserName, account: u64 },
    /// One address from where it was.
    Familiar { user: UserName, account: u64, ip: IpAddr, stay: u64 },
}

#[derive(Clone, Debug)]
struct Guess {
    number: u64,
    session: SessionId,
    user: UserName,
    ip: IpAddr,
    account: Option<u64>,
    count: Count,
    at: Mono,
}

impl Guesses {
    pub(super) fn new(config: Config, limits: &ServerLimits, accounts: Vec<UserName>) -> Self {
        let mut notebook = Self {
            config,
            checks_max: limits.checks_max(),
            accounts: BTreeMap::new(),
            accounts_made: 0,
            begun: 0,
            tallies: BTreeMap::new(),
            budgets: BTreeMap::new(),
            under_way: Vec::new(),
            checks: BTreeSet::new(),
            admitted: BTreeSet::new(),
        };
        notebook.put(accounts);
        notebook
    }

    /// Takes a step of the server, which took it at `now`.
    pub(super) fn take(&mut self, step: LoginStep, now: Mono) -> Kept {
        self.expire(now);
        match step {
            LoginStep::Asked { session, user, ip, refusal } => {
                self.ask(session, user, ip, refusal.as_ref(), now)
            }
            LoginStep::Judged { session, verdict } => {
                self.checks.remove(&session);
                if let Some(place) = self.under_way.iter().position(|guess| guess.session == session) {
                    let guess = self.under_way.remove(place);
                    self.settle(&guess, verdict, now);
                }
                Ok(())
            }
            LoginStep::Accounts(accounts) => {
                self.put(accounts);
                Ok(())
            }
        }
    }

    /// Demands that a session that was opened may be.
    pub(super) fn opens(&self, session: SessionId, user: &UserName) -> Kept {
        demand(self.admitted.contains(&session), || {
            format!("who knows the password is let in, and nobody else: {user} is")
        })
    }

    /// The next moment at which a block of strangers ends, and whose.
    pub(super) fn next_edge(&self, now: Mono) -> Option<(Mono, &UserName)> {
        let blocks = self.tallies.iter().filter_map(|(count, tally)| {
            let user = match count {
                Count::Nobody(user) if !self.accounts.contains_key(user) => user,
                Count::Strangers { user, account } if self.accounts.get(user)?.made == *account => user,
                // It holds no strangers, or an account has come or gone meanwhile.
                _ => return None,
            };
            Some((tally.blocked_until(now)?, user))
        });
        blocks.min()
    }

    fn ask(
        &mut self,
        session: SessionId,
        user: UserName,
        ip: IpAddr,
        refusal: Option<&Refusal>,
        now: Mono,
    ) -> Kept {
        let count = self.count(&user, ip);
        let expected = self.refusal(&count, ip, now);
        demand(expected.as_ref() == refusal || self.may_be_mixed_up(&count, refusal), || {
            let tally = self.tallies.get(&count);
            format!(
                "a guess is checked, or refused, as the count of wrong passwords has it: {user} from {ip} is met by {refusal:?}, \
                 not {expected:?}; {count:?} has {tally:?} at {now:?}"
            )
        })?;
        if refusal.is_some() {
            return Ok(());
        }
        if let Count::Nobody(_) | Count::Strangers { .. } = count {
            self.budgets.entry(ip).or_default().spend(&self.config.limits, now);
        }
        self.checks.insert(session);
        let tally = self.tallies.entry(count.clone()).or_default();
        self.begun += 1;
        tally.begin(self.begun, now);
        demand(!tally.is_too_quick(&self.config.policy), || {
            format!("wrong passwords in a row block {user}: there were {tally:?} at {now:?}")
        })?;
        let account = self.accounts.get(&user).map(|account| account.made);
        self.under_way.push(Guess { number: self.begun, session, user, ip, account, count, at: now });
        Ok(())
    }

    fn count(&self, user: &UserName, ip: IpAddr) -> Count {
        let user = user.clone();
        let Some(account) = self.accounts.get(&user) else { return Count::Nobody(user) };
        match account.familiar.iter().find(|(known, _)| *known == ip) {
            Some((_, stay)) => Count::Familiar { user, account: account.made, ip, stay: *stay },
            None => Count::Strangers { user, account: account.made },
        }
    }

    /// What a guess has to be met by that is counted there.
    fn refusal(&mut self, count: &Count, ip: IpAddr, now: Mono) -> Option<Refusal> {
        if self.checks.len() >= self.checks_max {
            return Some(Refusal { code: "throttled".into(), seconds_left: Some(1) });
        }
        if !matches!(count, Count::Familiar { .. })
            && let Some(left) = self.budgets.entry(ip).or_default().wait(&self.config.limits, now)
        {
            return Some(Refusal { code: "throttled".into(), seconds_left: Some(whole_seconds(left)) });
        }
        let left = self.tallies.get(count)?.refuses(&self.config.policy, now)?;
        Some(Refusal { code: "blocked".into(), seconds_left: Some(whole_seconds(left)) })
    }

    /// The tables of unknown names and of addresses are bounded: two can have one place.
    fn may_be_mixed_up(&self, count: &Count, refusal: Option<&Refusal>) -> bool {
        let is_nobody = matches!(count, Count::Nobody(_));
        match refusal {
            Some(refusal) if &*refusal.code == "throttled" => {
                let spent = self.budgets.values().map(Budget::spent).sum::<u32>();
                spent >= self.config.limits.source_failures_max.get()
            }
            // Whether it is blocked too late is looked at when it is checked.
            None => is_nobody,
            Some(_) => {
                is_nobody
                    && self.tallies.keys().any(|other| matches!(other, Count::Nobody(_)) && other != count)
            }
        }
    }

    /// What nobody judged in time was wrong when its time was over.
    fn expire(&mut self, now: Mono) {
        while let Some(oldest) = self.under_way.first()
            && let deadline = oldest.at.after(self.config.limits.check_timeout)
            && deadline <= now
        {
            let guess = self.under_way.remove(0);
            self.settle(&guess, Verdict::Wrong, deadline);
        }
    }

    fn settle(&mut self, guess: &Guess, verdict: Verdict, at: Mono) {
        let account =
            self.accounts.get_mut(&guess.user).filter(|account| guess.account == Some(account.made));
        let verdict = if account.is_some() { verdict } else { Verdict::Wrong };
        if let Some(tally) = self.tallies.get_mut(&guess.count) {
            tally.settle(guess.number, verdict, &self.config.policy, at);
        }
        if verdict == Verdict::Wrong {
            return;
        }
        if !matches!(guess.count, Count::Familiar { .. }) {
            self.budgets.entry(guess.ip).or_default().give_back(&self.config.limits, at);
        }
        self.admitted.insert(guess.session);
        self.make_familiar(&guess.user, guess.ip, at);
    }

    /// The address becomes the most familiar one; the least familiar one is forgotten for it, unless that is blocked or being checked.
    fn make_familiar(&mut self, user: &UserName, ip: IpAddr, now: Mono) {
        let Some(account) = self.accounts.get_mut(user) else { return };
        let mut known = (ip, self.begun);
        if let Some(place) = account.familiar.iter().position(|(other, _)| *other == ip) {
            known = account.familiar.remove(place);
        } else if account.familiar.len() >= self.config.limits.familiar_sources_max {
            let made = account.made;
            let is_free = |(ip, stay): &(IpAddr, u64)| {
                let count = Count::Familiar { user: user.clone(), account: made, ip: *ip, stay: *stay };
                self.tallies.get(&count).is_none_or(|tally| !tally.is_held(now))
            };
            let Some(place) = account.familiar.iter().position(is_free) else { return };
            account.familiar.remove(place);
        }
        account.familiar.push(known);
    }

    /// These are the accounts from now on; one that was not there before is a new one.
    fn put(&mut self, accounts: Vec<UserName>) {
        self.accounts.retain(|name, _| accounts.contains(name));
        for name in accounts {
            self.accounts_made += 1;
            let made = self.accounts_made;
            self.accounts.entry(name).or_insert_with(|| Account { made, familiar: Vec::new() });
        }
    }
}

/// As a peer is told it.
fn whole_seconds(left: core::time::Duration) -> u64 {
    u64::try_from(left.as_nanos().div_ceil(1_000_000_000)).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests;
