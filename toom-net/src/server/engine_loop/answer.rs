//! Requests that are answered from the engine's state, and what a page is read by.

use core::num::NonZeroUsize;

use toom_core::{Now, ReadError, Reading, Storage};

use super::{EngineLoop, Turn};
use crate::protocol::{Code, NameWord, Row, Success, Verb};
use crate::server::Event;
use crate::server::exchange::{Offer, Read, Release, ReplyTo};

impl<S: Storage> EngineLoop<S> {
    pub(super) fn log_out(&mut self, to: ReplyTo, now: Now, turn: &mut Turn) {
        match self.engine.logout(to.connection.session(), now) {
            Ok(outcome) => {
                let user = Some(NameWord::from(&outcome.reply));
                turn.releases.push(to.ok(Vec::new(), Success::LoggedOut { user }));
                self.release(outcome.effects, turn);
            }
            // The session ended meanwhile; to leave is no error.
            Err(_) => turn.releases.push(to.ok(Vec::new(), Success::LoggedOut { user: None })),
        }
    }

    pub(super) fn active_users(&mut self, to: ReplyTo, now: Now, turn: &mut Turn) {
        let users = match self.engine.active_users(to.connection.session(), now) {
            Ok(users) => users,
            Err(error) => {
                return turn.releases.push(to.refused(Verb::Atu, Code::NotLoggedIn, error.to_string()));
            }
        };
        let mut rows = Vec::new();
        for active in &users {
            Row::append_user(&mut rows, to.tag.as_ref(), active.user.as_str(), active.since);
        }
        let user = self.users.get(&to.connection).cloned();
        turn.events.extend(user.map(|user| Event::ListedUsers { user }));
        turn.releases.push(to.ok(rows, Success::ActiveUsers { count: users.len() as u64 }));
    }

    /// Hands an offer on if its user is there.
    pub(super) fn hand_on(&self, to: ReplyTo, mut offer: Box<Offer>) -> Release {
        let Some(user) = self.users.get(&to.connection).cloned() else {
            return to.refused(Verb::Upd, Code::NotLoggedIn, "not logged in");
        };
        let Some(receiver) = self.accounts.get(&offer.user) else {
            let text = format!("there is no user {}", offer.user);
            return to.refused(Verb::Upd, Code::UnknownUser(NameWord::from(&offer.user)), text);
        };
        if !self.users.values().any(|active| active == receiver) {
            let text = format!("{receiver} is not active");
            return to.refused(Verb::Upd, Code::InactiveUser(NameWord::from(receiver)), text);
        }
        offer.user = receiver.clone();
        Release::Offer { to, user, offer }
    }

    pub(super) fn plan_read(
        &mut self,
        to: ReplyTo,
        reading: Reading,
        limit: NonZeroUsize,
        now: Now,
        turn: &mut Turn,
    ) {
        match self.engine.plan_read(to.connection.session(), reading, limit, now) {
            Ok(plan) => {
                let user = self.users.get(&to.connection).cloned();
                turn.events.extend(user.map(|user| Event::Read { user }));
                turn.reads.push(Read { to, plan });
            }
            Err(error) => {
                let code = match &error {
                    ReadError::NotLoggedIn(_) => Code::NotLoggedIn,
                    ReadError::NoSuchRoom => Code::NoRoom,
                    _ => Code::Unavailable,
                };
                turn.releases.push(to.refused(Verb::Rdm, code, error.to_string()));
            }
        }
    }
}
