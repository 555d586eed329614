//! The engine: accounts and sessions, and the operations on them.

use crate::digest::Canonical;
use crate::lockout::{Challenge, Lockout};
use crate::rooms::Rooms;
use crate::sessions::Sessions;
use crate::{
    ActiveUser, Audience, Config, Digest, Effect, Epoch, LoggedIn, LoginError, Mono, NoSuchAccount,
    NotLoggedIn, Now, Outcome, Password, Room, Secret, Seed, SessionEnd, SessionId, Source, Storage,
    StorageError, UserName, Verdict,
};
use clocks::Clocks;

pub(crate) mod batch;
mod clocks;
pub(crate) mod read;
mod write;

/// A chat: accounts, sessions, rooms and messages, as one deterministic state machine.
///
/// Every operation takes the time as its last argument and answers with an [`Outcome`] or an error enum of its own; after an
/// error nothing has changed. What changes the history is stored before it is answered. The engine never waits but
/// for its [`Storage`], never asks a clock or for chance, and does no I/O.
///
/// ```
/// use core::time::Duration;
/// use toom_core::*;
///
/// let mut engine = Engine::open(MemoryStorage::new(Epoch::new(1)), Config::default())?;
/// engine.put_account("obiwan".parse()?, Secret::plain("kenobi")?);
///
/// let wall = Timestamp::from_unix_micros(1_659_603_741_000_000).unwrap();
/// let now = Now { wall, mono: Mono::new(Duration::ZERO) };
/// let (me, source) = (SessionId::new(1), Source::new(127));
/// let login = engine.authenticate(&"obiwan".parse()?, &Password::new("kenobi"), source, me, now)?;
/// assert_eq!(login.reply.ordinal, 1);
///
/// let said = engine.broadcast(me, Body::parse("hello")?, None, now)?;
/// assert_eq!(said.reply.number, MessageNumber::FIRST);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Engine<S> {
    storage: S,
    config: Config,
    lockout: Lockout,
    sessions: Sessions,
    rooms: Rooms,
    clocks: Clocks,
    health: Health,
}

/// Whether the store takes writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Working,
    NeedsReopen,
}

impl<S: Storage> Engine<S> {
    /// Opens an engine on `storage`, where its records end. It has no accounts yet.
    ///
    /// # Errors
    /// [`StorageError`] if the store cannot be recovered.
    pub fn open(mut storage: S, config: Config) -> Result<Self, StorageError> {
        let recovered = storage.recover()?;
        let reserved = recovered.stamps_reserved;
        let rooms = Rooms::recover(recovered);
        let clocks = Clocks::behind(reserved.max(rooms.last_at()));
        let lockout = Lockout::new(config.seed);
        let (sessions, health) = (Sessions::default(), Health::Working);
        Ok(Self { storage, config, lockout, sessions, rooms, clocks, health })
    }

    /// Goes on with `storage`, opened anew, after a write failed. Accounts, sessions and blocks stay; the history is what
    /// the store says it is.
    ///
    /// # Errors
    /// [`StorageError`] if the store cannot be recovered; the engine then is as it was.
    pub fn reopen(&mut self, mut storage: S) -> Result<(), StorageError> {
        let recovered = storage.recover()?;
        let reserved = recovered.stamps_reserved;
        self.rooms = Rooms::recover(recovered);
        self.clocks.reopen(self.rooms.last_at(), reserved);
        self.storage = storage;
        self.health = Health::Working;
        Ok(())
    }

    /// The store, for what it offers beside the [`Storage`] trait.
    #[must_use]
    pub fn storage(&self) -> &S {
        &self.storage
    }

    /// Gives the store back. Sessions and blocks are gone.
    #[must_use]
    pub fn into_storage(self) -> S {
        self.storage
    }

    /// The store's birth mark.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.storage.epoch()
    }

    /// Puts an account in, or changes its secret and how its name is spelled. Open sessions stay, and so do the counts of
    /// wrong passwords.
    pub fn put_account(&mut self, name: UserName, secret: Secret) {
        self.lockout.put(name, secret);
    }

    /// Removes an account and ends its sessions. Its rooms and messages stay: whoever bears the name later is their member
    /// and author.
    ///
    /// # Errors
    /// [`NoSuchAccount`] if nobody bears the name.
    pub fn remove_account(&mut self, name: &UserName) -> Result<Outcome<()>, NoSuchAccount> {
        self.lockout.remove(name)?;
        let ended = self.sessions.end_all_of(name);
        let effects = ended.into_iter().map(|session| ended_by(session, SessionEnd::AccountRemoved));
        Ok(Outcome::new((), effects.collect()))
    }

    /// The names of all accounts, in order of name.
    pub fn accounts(&self) -> impl Iterator<Item = &UserName> {
        self.lockout.accounts()
    }

    /// Logs in: [`begin_login`](Self::begin_login), [`Challenge::verify`] and [`finish_login`](Self::finish_login) in one, for
    /// hosts that need not do anything else while a password is checked.
    ///
    /// # Errors
    /// [`LoginError`] says why nobody was logged in.
    pub fn authenticate(
        &mut self,
        name: &UserName,
        password: &Password,
        source: Source,
        session: SessionId,
        now: Now,
    ) -> Result<Outcome<LoggedIn>, LoginError> {
        let challenge = self.begin_login(name, source, now)?;
        let verdict = challenge.verify(password);
        self.finish_login(challenge, verdict, session, now)
    }

    /// Counts a guess as begun, and hands out what to verify. It counts as wrong until it is finished.
    ///
    /// # Errors
    /// [`LoginError::Blocked`] or [`LoginError::Throttled`]; nothing is to be verified then.
    pub fn begin_login(
        &mut self,
        name: &UserName,
        source: Source,
        now: Now,
    ) -> Result<Challenge, LoginError> {
        let mono = self.clocks.advance(now);
        self.lockout.expire(&self.config, mono);
        self.lockout.begin(name, source, &self.config, mono)
    }

    /// Takes the verdict on a challenge, and opens `session` if the password was right.
    ///
    /// A host whose peer left while the password was checked still brings the verdict, and logs the session out if there
    /// is one.
    ///
    /// # Errors
    /// [`LoginError`] says why nobody was logged in.
    #[expect(clippy::needless_pass_by_value, reason = "a challenge can be finished once")]
    pub fn finish_login(
        &mut self,
        challenge: Challenge,
        verdict: Verdict,
        session: SessionId,
        now: Now,
    ) -> Result<Outcome<LoggedIn>, LoginError> {
        let mono = self.clocks.advance(now);
        self.lockout.expire(&self.config, mono);
        let user = self.lockout.finish(&challenge, verdict, &self.config, mono)?;
        if self.sessions.contains(session) {
            return Err(LoginError::SessionInUse);
        }
        let (all, of_user) = (self.config.limits.sessions_max, self.config.limits.sessions_per_account_max);
        if self.sessions.count_of(&user) >= of_user {
            return Err(LoginError::TooManySessions { limit: of_user });
        }
        if self.sessions.len() >= all {
            return Err(LoginError::TooManySessions { limit: all });
        }
        // A failure shows in the stamp alone: who can read may do so while nothing can be stored.
        let _ = self.reserve_stamps(now);
        let at = self.clocks.stamp_login(now);
        self.sessions.open(session, user.clone(), at, self.config.policy.session_idle, mono);
        let ordinal = self.sessions.len();
        Ok(Outcome::new(LoggedIn { session, user, at, ordinal }, Vec::new()))
    }

    /// Has the store keep that stamps are used up to a little later than now, if it does not yet, so that no engine that is opened on
    /// it, by whatever clock, stamps anything earlier than a login that was told of.
    ///
    /// [`finish_login`](Self::finish_login) does it, too. A host that wants to know why it could not be done asks for it before: in the
    /// same moment it is not tried again. Logins then bear the time of the last stamp that the store does keep.
    ///
    /// # Errors
    /// [`StorageError`] if the store was asked and refused.
    pub fn reserve_stamps(&mut self, now: Now) -> Result<(), StorageError> {
        let mono = self.clocks.advance(now);
        if self.health == Health::NeedsReopen {
            return Ok(());
        }
        let Some(until) = self.clocks.reservation_due(now) else { return Ok(()) };
        let reserved = self.storage.reserve_stamps(until);
        match &reserved {
            Ok(()) => self.clocks.reserved(until),
            Err(error) => {
                self.clocks.refused(mono);
                if !error.is_harmless() {
                    self.health = Health::NeedsReopen;
                }
            }
        }
        reserved
    }

    /// Takes a challenge back that the host could not verify: the guess does not count, unless it already did because its
    /// time was over.
    #[expect(clippy::needless_pass_by_value, reason = "a challenge can be withdrawn once")]
    pub fn withdraw_login(&mut self, challenge: Challenge, now: Now) {
        let mono = self.clocks.advance(now);
        self.lockout.expire(&self.config, mono);
        self.lockout.withdraw(&challenge, &self.config, mono);
    }

    /// Ends a session.
    ///
    /// # Errors
    /// [`NotLoggedIn`] if it is not open.
    pub fn logout(&mut self, session: SessionId, now: Now) -> Result<Outcome<UserName>, NotLoggedIn> {
        let user = self.user(session, now)?;
        self.sessions.end(session);
        Ok(Outcome::new(user, vec![ended_by(session, SessionEnd::LoggedOut)]))
    }

    /// The other users who are active, in order of name.
    ///
    /// # Errors
    /// [`NotLoggedIn`] if the session is not open.
    pub fn active_users(&mut self, session: SessionId, now: Now) -> Result<Vec<ActiveUser>, NotLoggedIn> {
        let user = self.user(session, now)?;
        Ok(self.sessions.others(&user))
    }

    /// The rooms that the session's user is a member of, in order of number.
    ///
    /// # Errors
    /// [`NotLoggedIn`] if the session is not open.
    pub fn rooms(&mut self, session: SessionId, now: Now) -> Result<Vec<Room>, NotLoggedIn> {
        let user = self.user(session, now)?;
        let ids = self.rooms.of_user(&user).iter();
        Ok(ids.filter_map(|id| self.rooms.room(*id)).cloned().collect())
    }

    /// The sessions that an effect is for, in order: of id for everyone, of member and id for a room.
    #[must_use]
    pub fn audience(&self, audience: &Audience) -> Vec<SessionId> {
        self.sessions.audience(audience)
    }

    /// When [`expire`](Self::expire) may have something to do; it may also turn out to be too early.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Mono> {
        self.sessions.next_deadline().into_iter().chain(self.lockout.next_deadline()).min()
    }

    /// Ends what has lasted too long: idle sessions, and password checks that nobody finished.
    pub fn expire(&mut self, now: Now) -> Outcome<()> {
        let mono = self.clocks.advance(now);
        self.lockout.expire(&self.config, mono);
        let ended = self.sessions.expire(self.config.policy.session_idle, mono);
        let effects = ended.into_iter().map(|session| ended_by(session, SessionEnd::Idle));
        Outcome::new((), effects.collect())
    }

    /// Stands for the whole state but the store: sessions, counts and clocks too.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut canonical = Canonical::new(Seed::default());
        canonical.number(self.rooms.digest().bits());
        self.clocks.digest(&mut canonical);
        canonical.number(self.health as u8);
        self.sessions.digest(&mut canonical);
        self.lockout.digest(&mut canonical);
        canonical.digest()
    }

    /// Stands for what the store's records add up to: an engine that was recovered has the same as the one that wrote.
    #[must_use]
    pub fn history_digest(&self) -> Digest {
        self.rooms.digest()
    }

    fn user(&mut self, session: SessionId, now: Now) -> Result<UserName, NotLoggedIn> {
        let mono = self.clocks.advance(now);
        self.sessions.touch(session, self.config.policy.session_idle, mono).cloned()
    }
}

fn ended_by(session: SessionId, reason: SessionEnd) -> Effect {
    Effect::SessionEnded { session, reason }
}
