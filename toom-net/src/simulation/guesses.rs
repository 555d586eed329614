//! How many wrong passwords strangers got to try.

use core::net::IpAddr;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use toom_core::{Mono, Policy, UserName, Verdict};

use super::common::is_strange;
use super::report::{Kept, demand};
use crate::server::stepped::Guess;

/// The wrong passwords that came from where nobody ever logs in, since the server was started or its accounts were changed.
#[derive(Debug, Default)]
pub(super) struct Guesses {
    familiar: BTreeSet<(UserName, IpAddr)>,
    /// When each of them began, account by account.
    wrong: BTreeMap<UserName, Vec<Mono>>,
    /// When the last right one began that was counted with them: what began before it is forgiven.
    right: BTreeMap<UserName, Mono>,
}

impl Guesses {
    /// A user has logged in: from there it is not counted with strangers any more.
    pub(super) fn log_in(&mut self, user: &UserName, ip: IpAddr) {
        self.familiar.insert((user.clone(), ip));
    }

    /// A password was checked.
    pub(super) fn end(&mut self, guess: &Guess, verdict: Verdict, policy: &Policy) -> Kept {
        let Guess { user, ip, at } = guess.clone();
        let wrong = self.wrong.entry(user.clone()).or_default();
        if verdict == Verdict::Right {
            if !self.familiar.contains(&(user.clone(), ip)) {
                wrong.retain(|wrong| *wrong > at);
                self.right.insert(user, at);
            }
            return Ok(());
        }
        if !is_strange(ip) || self.right.get(&user).is_some_and(|right| at <= *right) {
            return Ok(());
        }
        wrong.push(at);
        wrong.sort_unstable();
        let most = usize::from(policy.attempts.get());
        let too_many = wrong.windows(most + 1).find(|window| spans(window) < policy.block);
        demand(too_many.is_none(), || {
            format!(
                "{most} wrong passwords in a row block an account: of {user} strangers began {too_many:?}"
            )
        })
    }
}

fn spans(window: &[Mono]) -> Duration {
    window.last().zip(window.first()).map_or(Duration::MAX, |(last, first)| last.since(*first))
}
