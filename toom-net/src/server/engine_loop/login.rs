//! Logging in: the guess is counted here, the password is checked wherever it takes no time from others.

use core::net::IpAddr;
use core::num::NonZeroU16;
use core::time::Duration;
use std::collections::BTreeMap;

use toom_core::{CheckMemory, LoggedIn, LoginError, Now, Password, Source, Storage, UserName, Verdict, Work};

use super::{EngineLoop, Turn};
use crate::protocol::login_text::{BLOCKED, NOW_BLOCKED, WRONG_PASSWORD};
use crate::protocol::{self, Code, NameWord, Success, Verb};
use crate::server::admission::household;
use crate::server::exchange::{Check, Checked, ConnectionId, Release, ReplyTo};
use crate::server::rate::whole_seconds;
use crate::server::{Event, OpenSession};

/// The logins whose passwords are being checked.
#[derive(Debug)]
pub(super) struct Logins {
    under_way: BTreeMap<ConnectionId, UnderWay>,
    checks_max: usize,
}

#[derive(Debug)]
enum UnderWay {
    Waits(Attempt),
    /// The peer left. The verdict is awaited all the same, for the guess counts.
    Gone,
}

/// Who wants to log in, but for the name and the password.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) to: ReplyTo,
    pub(super) ip: IpAddr,
    pub(super) udp: Option<NonZeroU16>,
}

impl Logins {
    pub(super) fn new(checks_max: usize) -> Self {
        Self { under_way: BTreeMap::new(), checks_max }
    }

    pub(super) fn under_way(&self) -> usize {
        self.under_way.len()
    }

    pub(super) fn gone(&mut self, connection: ConnectionId) {
        if let Some(login) = self.under_way.get_mut(&connection) {
            *login = UnderWay::Gone;
        }
    }
}

impl<S: Storage> EngineLoop<S> {
    pub(super) fn begin_login(
        &mut self,
        attempt: Attempt,
        user: &UserName,
        password: Password,
        now: Now,
        turn: &mut Turn,
    ) {
        if self.logins.under_way() >= self.logins.checks_max {
            self.counts.logins_crowded += 1;
            turn.releases.push(throttled(attempt.to, "too many logins are under way", Duration::ZERO));
            return;
        }
        let connection = attempt.to.connection;
        let source = Source::new(household(attempt.ip));
        let challenge = match self.engine.begin_login(user, source, now) {
            Ok(challenge) => challenge,
            Err(error) => return self.refuse_login(attempt.to, &error, turn),
        };
        let work = challenge.work();
        let check = Check { connection, challenge, password };
        self.logins.under_way.insert(connection, UnderWay::Waits(attempt));
        match work {
            Work::Quick => {
                let checked = turn.check(check);
                self.finish_login(checked, now, turn);
            }
            Work::Slow => turn.checks.push(check),
        }
    }

    pub(super) fn finish_login(&mut self, checked: Checked, now: Now, turn: &mut Turn) {
        let Checked { connection, challenge, verdict } = checked;
        let session = connection.session();
        if verdict == Verdict::Right
            && let Err(error) = self.engine.reserve_stamps(now)
        {
            self.counts.refuses_writes |= !error.is_harmless();
            turn.events.push(Event::storage_failed(&error));
            turn.unreserved = Some(error);
        }
        let finished = self.engine.finish_login(challenge, verdict, session, now);
        let attempt = match self.logins.under_way.remove(&connection) {
            Some(UnderWay::Waits(attempt)) => attempt,
            Some(UnderWay::Gone) | None => {
                if finished.is_ok() {
                    // Nobody was told of the session, so nobody is told of its end.
                    let _ = self.engine.logout(session, now);
                }
                return;
            }
        };
        match finished {
            Ok(outcome) => {
                self.counts.logins += 1;
                let user = outcome.reply.user.clone();
                self.users.insert(connection, user.clone());
                turn.releases.push(Release::LoggedIn { connection, user });
                turn.events.push(Event::LoggedIn(attempt.opened(&outcome.reply)));
                turn.releases.push(attempt.succeeded(&outcome.reply));
                self.release(outcome.effects, turn);
            }
            Err(error) => self.refuse_login(attempt.to, &error, turn),
        }
    }
}

impl<S: Storage> EngineLoop<S> {
    fn refuse_login(&mut self, to: ReplyTo, error: &LoginError, turn: &mut Turn) {
        let counts = &mut self.counts;
        *match error {
            LoginError::WrongPassword { .. } => &mut counts.logins_wrong,
            LoginError::Blocked { .. } => &mut counts.logins_blocked,
            LoginError::Throttled { .. } => &mut counts.logins_throttled,
            _ => &mut counts.logins_refused,
        } += 1;
        counts.blocks += u64::from(matches!(error, LoginError::WrongPassword { blocked: Some(_) }));
        turn.releases.push(refused(to, error));
    }
}

impl Turn {
    fn check(&mut self, check: Check) -> Checked {
        let checked = match self.given.pop_front() {
            Some(verdict) => check.judged(verdict),
            None => check.run(&mut CheckMemory::new()),
        };
        self.verdicts.push(checked.verdict);
        checked
    }
}

impl Attempt {
    fn opened(&self, login: &LoggedIn) -> OpenSession {
        let LoggedIn { session, at, user, .. } = login.clone();
        OpenSession { session, at, user, ip: self.ip, udp: self.udp }
    }

    fn succeeded(self, login: &LoggedIn) -> Release {
        let success = protocol::LoggedIn {
            ordinal: login.ordinal as u64,
            at: login.at,
            user: NameWord::from(&login.user),
            ip: self.ip,
            udp: self.udp,
        };
        self.to.ok(Vec::new(), Success::LoggedIn(success))
    }
}

fn refused(to: ReplyTo, error: &LoginError) -> Release {
    let (code, text) = match error {
        LoginError::WrongPassword { blocked: None } => (Code::BadCredentials, WRONG_PASSWORD.to_owned()),
        LoginError::WrongPassword { blocked: Some(_) } => (Code::BadCredentials, NOW_BLOCKED.to_owned()),
        LoginError::Blocked { left } => {
            (Code::Blocked, format!("{BLOCKED}; seconds left: {}", whole_seconds(*left)))
        }
        LoginError::Throttled { left } => {
            return throttled(to, "too many wrong passwords came from this address", *left);
        }
        LoginError::TooManySessions { .. } => (Code::LimitReached, error.to_string()),
        other => (Code::Unavailable, other.to_string()),
    };
    to.refused(Verb::Login, code, text)
}

fn throttled(to: ReplyTo, why: &str, left: Duration) -> Release {
    to.refused(Verb::Login, Code::Throttled, format!("{why}; seconds left: {}", whole_seconds(left)))
}
