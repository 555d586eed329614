//! An account's secret, and who may try it: strangers together, each familiar source by itself.

use crate::digest::Canonical;
use crate::lockout::counter::Counter;
use crate::{Config, Mono, Secret, Source, UserName};

/// An account as the host put it in, with its counts of wrong passwords.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    /// The name as the account file spells it.
    pub(crate) name: UserName,
    pub(crate) secret: Secret,
    /// Tells this account from an earlier one of the same name.
    pub(crate) incarnation: u64,
    /// Counts the changes of the secret: a verdict on an older one admits nobody.
    pub(crate) secret_version: u64,
    /// What sources that are not familiar failed, together.
    pub(crate) strangers: Counter,
    /// Sources from which the account was logged in to, the latest login last.
    familiar: Vec<Familiar>,
}

#[derive(Clone, Debug)]
struct Familiar {
    source: Source,
    last_login: Mono,
    counter: Counter,
}

impl Account {
    pub(crate) fn new(name: UserName, secret: Secret, incarnation: u64) -> Self {
        let (secret_version, strangers, familiar) = (0, Counter::default(), Vec::new());
        Self { name, secret, incarnation, secret_version, strangers, familiar }
    }

    /// The count of `source` by itself, if the account was logged in to from there not too long ago.
    pub(crate) fn familiar(&mut self, source: Source, config: &Config, now: Mono) -> Option<&mut Counter> {
        self.forget_familiar(config, now);
        self.familiar.iter_mut().find(|known| known.source == source).map(|known| &mut known.counter)
    }

    /// Forgets the sources from which nobody has logged in for too long, with their counts.
    fn forget_familiar(&mut self, config: &Config, now: Mono) {
        let remembered = |known: &Familiar| now.since(known.last_login) < config.limits.familiar_for;
        self.familiar.retain(|known| remembered(known) || known.counter.is_held(now));
    }

    /// Makes `source` the most familiar one. The least familiar one is forgotten for it, but never one that is blocked or has
    /// guesses under way: forgetting would end the block, and hand it fresh attempts.
    pub(crate) fn make_familiar(&mut self, source: Source, config: &Config, now: Mono) {
        self.forget_familiar(config, now);
        let place = self.familiar.iter().position(|known| known.source == source);
        let counter = match place {
            Some(place) => self.familiar.remove(place).counter,
            None if !self.make_room(config, now) => return,
            None => Counter::default(),
        };
        self.familiar.push(Familiar { source, last_login: now, counter });
    }

    fn make_room(&mut self, config: &Config, now: Mono) -> bool {
        if self.familiar.len() < config.limits.familiar_sources_max {
            return true;
        }
        let forgettable = self.familiar.iter().position(|known| !known.counter.is_held(now));
        forgettable.map(|place| self.familiar.remove(place)).is_some()
    }

    pub(crate) fn digest(&self, into: &mut Canonical) {
        into.user(&self.name).text(self.name.as_str()).number(self.incarnation).number(self.secret_version);
        self.strangers.digest(into);
        into.number(self.familiar.len() as u64);
        for known in &self.familiar {
            into.number(known.source.get()).number(known.last_login.elapsed().as_nanos());
            known.counter.digest(into);
        }
    }
}
