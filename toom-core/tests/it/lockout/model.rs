//! What somebody with a notebook would answer.

use core::time::Duration;

use toom_core::{Config, LoginError};

use super::world::{name, spelled};

/// The notebook.
///
/// Every guess that was let in has a line, in the order of beginning, and no line is ever struck out: when the guess was
/// settled, and as what, is written beside it. How many failures count, whether a block holds and how much of a
/// source's budget is spent is found by reading the lines anew for every question. Only the list of an account's
/// familiar sources is kept up to date, because what is forgotten depends on what was forgotten before.
///
/// Unlike the engine it has no table of counts, no places, no deadlines in order, and it refills a budget one attempt at a time.
pub(crate) struct Model {
    config: Config,
    now: Duration,
    accounts: Vec<Account>,
    guesses: Vec<Guess>,
    blocks: Vec<Block>,
    spendings: Vec<Spending>,
}

/// An account that there is or was.
struct Account {
    user: usize,
    shown: String,
    password: usize,
    /// How many times the password was changed.
    changes: usize,
    removed: bool,
    /// The familiar sources, the one with the latest login last.
    familiar: Vec<Known>,
}

/// A familiar source.
#[derive(Clone, Copy)]
struct Known {
    source: u8,
    login: Duration,
    /// The line behind which it became familiar: what it failed before, if it was forgotten since, is not on its record.
    line: usize,
}

#[derive(Clone)]
struct Guess {
    user: usize,
    source: u8,
    count: Count,
    began: Duration,
    /// The account's number and its password's, as they were when the guess began, if it is the right password.
    fits: Option<(usize, usize)>,
    end: Option<End>,
}

/// Where a guess is counted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Count {
    Nobody { user: usize },
    Strangers { account: usize },
    Familiar { account: usize, source: u8, line: usize },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Right,
    Wrong,
    Withdrawn,
}

/// A block of one count: it ends at `until`, and with it all that was guessed before the line `lines`.
struct Block {
    count: Count,
    until: Duration,
    lines: usize,
}

struct Spending {
    source: u8,
    at: Duration,
    what: Spent,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Spent {
    One,
    GivenBack,
    Nothing,
}

impl Model {
    pub(crate) fn new(config: Config) -> Self {
        let (accounts, guesses, blocks, spendings) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { config, now: Duration::ZERO, accounts, guesses, blocks, spendings }
    }

    /// The time is `now`, or later: guesses that nobody finished in time were wrong when it was over.
    pub(crate) fn look_at_the_clock(&mut self, now: Duration) {
        self.now = self.now.max(now);
        for number in 0..self.guesses.len() {
            let Guess { end, began, .. } = self.guess(number);
            let deadline = began.saturating_add(self.config.limits.check_timeout);
            if end.is_none() && deadline <= self.now {
                self.settle(number, End::Wrong, deadline);
            }
        }
        self.forget_what_is_not_familiar();
    }

    pub(crate) fn begin(&mut self, user: usize, source: u8, password: usize) -> Result<usize, LoginError> {
        let account = self.account_of(user);
        let count = match account {
            None => Count::Nobody { user },
            Some(account) => self.known(account, source).unwrap_or(Count::Strangers { account }),
        };
        let stranger = !matches!(count, Count::Familiar { .. });
        if stranger && let Some(left) = self.budget_is_spent(source) {
            return Err(LoginError::Throttled { left });
        }
        if let Some(left) = self.is_blocked(count) {
            return Err(LoginError::Blocked { left });
        }
        if self.failures(count) + self.under_way(count) >= usize::from(self.config.policy.attempts.get()) {
            return Err(LoginError::Blocked { left: self.config.policy.block });
        }
        if stranger {
            self.spendings.push(Spending { source, at: self.now, what: Spent::One });
        }
        let fits = account
            .map(|number| (number, self.account(number)))
            .filter(|(_, account)| account.password == password)
            .map(|(number, account)| (number, account.changes));
        self.guesses.push(Guess { user, source, count, began: self.now, fits, end: None });
        Ok(self.guesses.len() - 1)
    }

    pub(crate) fn finish(&mut self, number: usize) -> Result<String, LoginError> {
        let Guess { user, source, fits, end, .. } = self.guess(number).clone();
        if end.is_some() {
            return Err(LoginError::WrongPassword { blocked: None });
        }
        let current = self.account_of(user).map(|number| (number, self.account(number).changes));
        if let Some((account, _)) = fits.filter(|_| fits == current) {
            self.settle(number, End::Right, self.now);
            self.log_in(account, source);
            return Ok(self.account(account).shown.clone());
        }
        let blocked = self.settle(number, End::Wrong, self.now);
        Err(LoginError::WrongPassword { blocked })
    }

    pub(crate) fn withdraw(&mut self, number: usize) {
        if self.guess(number).end.is_none() {
            self.settle(number, End::Withdrawn, self.now);
        }
    }

    /// When the first guess under way will be wrong because nobody finishes it.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        let under_way = self.guesses.iter().filter(|guess| guess.end.is_none());
        under_way.map(|guess| guess.began.saturating_add(self.config.limits.check_timeout)).min()
    }

    pub(crate) fn put(&mut self, user: usize, password: usize, shouted: bool) {
        let shown = spelled(user, shouted).as_str().to_owned();
        if let Some(number) = self.account_of(user) {
            let account = self.account_mut(number);
            account.changes += usize::from(account.password != password);
            (account.shown, account.password) = (shown, password);
        } else {
            let (changes, removed, familiar) = (0, false, Vec::new());
            self.accounts.push(Account { user, shown, password, changes, removed, familiar });
        }
    }

    pub(crate) fn remove(&mut self, user: usize) {
        if let Some(number) = self.account_of(user) {
            self.account_mut(number).removed = true;
        }
    }

    /// The names of the accounts there are, in order.
    pub(crate) fn accounts(&self) -> Vec<String> {
        let mut accounts: Vec<_> = self.accounts.iter().filter(|account| !account.removed).collect();
        accounts.sort_by_key(|account| name(account.user));
        accounts.into_iter().map(|account| account.shown.clone()).collect()
    }

    /// Writes down how a guess ended; how long a block is that follows from it.
    fn settle(&mut self, number: usize, end: End, at: Duration) -> Option<Duration> {
        self.guesses.get_mut(number).expect("a line of the notebook").end = Some(end);
        let Guess { count, source, .. } = *self.guess(number);
        if end != End::Wrong && !matches!(count, Count::Familiar { .. }) {
            self.spendings.push(Spending { source, at, what: Spent::GivenBack });
        }
        let block = self.config.policy.block;
        let full = self.failures(count) >= usize::from(self.config.policy.attempts.get());
        if full {
            self.blocks.push(Block { count, until: at.saturating_add(block), lines: self.guesses.len() });
        }
        // The guess of a name that was removed since is counted where nobody will look again, and nobody is told.
        (full && self.is_there(count)).then_some(block)
    }

    /// How many failures count: those since the last block that no success, begun later, has forgiven.
    fn failures(&self, count: Count) -> usize {
        let last_block = self.blocks.iter().rfind(|block| block.count == count);
        let since = last_block.map_or(0, |block| block.lines);
        let here = || self.guesses.iter().enumerate().filter(|(_, guess)| guess.count == count);
        let forgiven = |number| here().any(|(later, guess)| later > number && guess.end == Some(End::Right));
        let wrong = here().filter(|(number, guess)| *number >= since && guess.end == Some(End::Wrong));
        wrong.filter(|(number, _)| !forgiven(*number)).count()
    }

    fn under_way(&self, count: Count) -> usize {
        self.guesses.iter().filter(|guess| guess.count == count && guess.end.is_none()).count()
    }

    /// For how much longer a block holds.
    fn is_blocked(&self, count: Count) -> Option<Duration> {
        let untils = self.blocks.iter().filter(|block| block.count == count).map(|block| block.until);
        untils.max().filter(|until| *until > self.now).map(|until| until - self.now)
    }

    /// For how long the source has no attempt left.
    fn budget_is_spent(&self, source: u8) -> Option<Duration> {
        let refill = self.config.limits.source_refill;
        let until_now = Spending { source, at: self.now, what: Spent::Nothing };
        let (mut spent, mut refilled) = (0_u32, Duration::ZERO);
        for spending in self.spendings.iter().chain([&until_now]).filter(|spending| spending.source == source)
        {
            while spent > 0 && refilled + refill <= spending.at {
                spent -= 1;
                refilled += refill;
            }
            if spent == 0 {
                refilled = spending.at;
            }
            match spending.what {
                Spent::One => spent += 1,
                Spent::GivenBack => spent = spent.saturating_sub(1),
                Spent::Nothing => {}
            }
        }
        (spent >= self.config.limits.source_failures_max.get()).then(|| refilled + refill - self.now)
    }

    /// The count of a source that is familiar.
    fn known(&self, account: usize, source: u8) -> Option<Count> {
        let known = self.account(account).familiar.iter().find(|known| known.source == source)?;
        Some(Count::Familiar { account, source, line: known.line })
    }

    /// Whether a familiar source is blocked or has guesses under way.
    fn is_held(&self, account: usize, known: &Known) -> bool {
        let count = Count::Familiar { account, source: known.source, line: known.line };
        self.is_blocked(count).is_some() || self.under_way(count) > 0
    }

    /// A source is forgotten when its last login is too long ago, but not while it is held.
    fn forget_what_is_not_familiar(&mut self) {
        for account in 0..self.accounts.len() {
            let mut familiar = self.account(account).familiar.clone();
            familiar.retain(|known| {
                self.now - known.login < self.config.limits.familiar_for || self.is_held(account, known)
            });
            self.account_mut(account).familiar = familiar;
        }
    }

    /// Makes the source the most familiar one. If there are too many, the least familiar one that is not held is forgotten; if there
    /// is none, the new one is not taken up.
    fn log_in(&mut self, account: usize, source: u8) {
        let max = self.config.limits.familiar_sources_max;
        let mut familiar = self.account(account).familiar.clone();
        let mut line = self.guesses.len();
        if let Some(known) = familiar.iter().position(|known| known.source == source) {
            line = familiar.remove(known).line;
        } else if familiar.len() >= max {
            let free = |known: &Known| !self.is_held(account, known);
            let Some(forgotten) = familiar.iter().position(free) else { return };
            familiar.remove(forgotten);
        }
        familiar.push(Known { source, login: self.now, line });
        self.account_mut(account).familiar = familiar;
    }

    fn is_there(&self, count: Count) -> bool {
        match count {
            Count::Nobody { .. } => true,
            Count::Strangers { account } | Count::Familiar { account, .. } => !self.account(account).removed,
        }
    }

    fn account_of(&self, user: usize) -> Option<usize> {
        self.accounts.iter().position(|account| account.user == user && !account.removed)
    }

    fn account(&self, number: usize) -> &Account {
        self.accounts.get(number).expect("an account of the notebook")
    }

    fn account_mut(&mut self, number: usize) -> &mut Account {
        self.accounts.get_mut(number).expect("an account of the notebook")
    }

    fn guess(&self, number: usize) -> &Guess {
        self.guesses.get(number).expect("a line of the notebook")
    }
}
