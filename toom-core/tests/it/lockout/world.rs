//! An engine with a host round it: the clocks it reads, the checks it has under way, the sessions it opened.

use core::time::Duration;
use std::collections::BTreeMap;

use toom_core::{
    Challenge, Config, Engine, Epoch, LoginError, MemoryStorage, Mono, Now, Password, Secret, SessionId,
    Source, Timestamp, UserName,
};

use super::schedule::{Length, Party, Step};

/// The names that schedules use. Which of them are accounts, each property says.
pub(crate) const NAMES: [&str; 4] = ["obiwan", "luke", "hans", "yoda"];
/// The passwords that schedules use; a guess is right when the account has the same one.
pub(crate) const PASSWORDS: [&str; 3] = ["kenobi", "skywalker", "wrong for everybody"];
/// A password that no account of any schedule has.
pub(crate) const WRONG: usize = 2;

/// An engine, and its host.
pub(crate) struct World {
    pub(crate) engine: Engine<MemoryStorage>,
    pub(crate) config: Config,
    wall: i64,
    mono: Duration,
    under_way: BTreeMap<usize, Check>,
    begun: usize,
    sessions: u64,
    /// How long the last refusal said that it would last.
    left: Duration,
}

struct Check {
    party: Party,
    challenge: Challenge,
    password: Password,
}

/// What a step was answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// There was nothing to answer.
    Nothing,
    /// A check may go on.
    Begun,
    /// This account was logged in to.
    LoggedIn(String),
    /// Nobody was logged in, or nothing may be checked.
    Refused(LoginError),
}

impl World {
    pub(crate) fn new(config: Config) -> Self {
        let engine = Engine::open(MemoryStorage::new(Epoch::new(1)), config).expect("memory can be opened");
        let (wall, mono, left) = (1_659_603_741_000_000, Duration::from_secs(7), Duration::ZERO);
        Self { engine, config, wall, mono, left, under_way: BTreeMap::new(), begun: 0, sessions: 0 }
    }

    /// A world in which the first `accounts` names are accounts, with the first password.
    pub(crate) fn with_accounts(config: Config, accounts: usize) -> Self {
        let mut world = Self::new(config);
        (0..accounts).for_each(|user| world.put(user, 0, false));
        world
    }

    pub(crate) fn now(&self) -> Now {
        let wall =
            Timestamp::from_unix_micros(self.wall).expect("the host's clock shows a year of four digits");
        Now { wall, mono: Mono::new(self.mono) }
    }

    pub(crate) fn begin(
        &mut self,
        party: Party,
        name: &UserName,
        source: u8,
        password: usize,
    ) -> Result<usize, LoginError> {
        let begun = self.engine.begin_login(name, Source::new(source.into()), self.now());
        let challenge = self.heed(begun)?;
        let number = self.begun;
        self.begun += 1;
        let password = Password::new(*PASSWORDS.get(password).expect("a password of the list"));
        self.under_way.insert(number, Check { party, challenge, password });
        Ok(number)
    }

    /// Finishes the check that was begun as number `number`.
    pub(crate) fn finish(&mut self, number: usize) -> Result<String, LoginError> {
        let Check { challenge, password, .. } = self.under_way.remove(&number).expect("it is under way");
        self.sessions += 1;
        let verdict = challenge.verify(&password);
        let finished =
            self.engine.finish_login(challenge, verdict, SessionId::new(self.sessions), self.now());
        self.heed(finished).map(|outcome| outcome.reply.user.as_str().to_owned())
    }

    pub(crate) fn withdraw(&mut self, number: usize) {
        let check = self.under_way.remove(&number).expect("it is under way");
        self.engine.withdraw_login(check.challenge, self.now());
    }

    /// The number of one of the checks that `party` has under way.
    pub(crate) fn pick(&self, party: Party, which: usize) -> Option<usize> {
        let checks = self.under_way.iter().filter(|(_, check)| check.party == party);
        let numbers: Vec<_> = checks.map(|(number, _)| *number).collect();
        numbers.get(which.checked_rem(numbers.len())?).copied()
    }

    pub(crate) fn put(&mut self, user: usize, password: usize, shouted: bool) {
        let secret = Secret::plain(PASSWORDS.get(password).expect("a password of the list"));
        self.engine.put_account(spelled(user, shouted), secret.expect("it can be a secret"));
    }

    pub(crate) fn wait(&mut self, length: Length) -> Duration {
        let length = length.of(&self.config, self.left);
        self.mono += length;
        length
    }

    /// Remembers how long a refusal lasts.
    fn heed<T>(&mut self, answer: Result<T, LoginError>) -> Result<T, LoginError> {
        if let Err(error) = &answer
            && let LoginError::Blocked { left }
            | LoginError::Throttled { left }
            | LoginError::WrongPassword { blocked: Some(left) } = error
        {
            self.left = *left;
        }
        answer
    }

    /// One step, and its answer.
    pub(crate) fn take(&mut self, party: Party, step: &Step) -> Answer {
        match *step {
            Step::Begin { user, source, password } => self
                .begin(party, &name(user), source, password)
                .map_or_else(Answer::Refused, |_| Answer::Begun),
            Step::Finish { which } => match self.pick(party, which) {
                Some(number) => self.finish(number).map_or_else(Answer::Refused, Answer::LoggedIn),
                None => Answer::Nothing,
            },
            _ => {
                self.take_silently(party, step);
                Answer::Nothing
            }
        }
    }

    fn take_silently(&mut self, party: Party, step: &Step) {
        match *step {
            Step::Begin { .. } | Step::Finish { .. } => unreachable!("these have an answer"),
            Step::Withdraw { which } => {
                if let Some(number) = self.pick(party, which) {
                    self.withdraw(number);
                }
            }
            Step::Expire => {
                let effects = self.engine.expire(self.now()).effects;
                assert!(effects.is_empty(), "sessions last, but {effects:?}");
            }
            Step::Wait(length) => {
                self.wait(length);
            }
            Step::WallClock(micros) => self.wall = micros,
            Step::HostClockBack(by) => {
                // The engine goes on from the latest time that it has seen.
                let _ = self.engine.expire(self.now());
                self.mono = self.mono.saturating_sub(by);
            }
            Step::Put { user, password, shouted } => self.put(user, password, shouted),
            Step::Remove { user } => {
                // Nobody may bear the name: then nothing is to be removed.
                let _ = self.engine.remove_account(&name(user));
            }
            Step::Logout { session } => {
                // It may be none that is open.
                let _ = self.engine.logout(SessionId::new(session), self.now());
            }
        }
    }
}

/// The name of one of [`NAMES`].
pub(crate) fn name(user: usize) -> UserName {
    spelled(user, false)
}

/// The name of one of [`NAMES`], spelled in one of two ways.
pub(crate) fn spelled(user: usize, shouted: bool) -> UserName {
    let name = NAMES.get(user).expect("a name of the list");
    let name = if shouted { name.to_uppercase() } else { (*name).to_owned() };
    UserName::parse(&name).expect("it is a name")
}
