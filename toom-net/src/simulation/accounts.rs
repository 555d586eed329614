//! Who may log in.

use toom_core::{Password, Secret, UserName};

/// The names, of which a simulation takes the first few.
const NAMES: [&str; 6] = ["obiwan", "luke", "yoda", "Hans", "leia", "Lando"];

/// One user who has an account.
#[derive(Clone, Debug)]
pub(super) struct User {
    pub(super) name: UserName,
    secret: Secret,
}

/// The hash of `pw`, the cheapest that there is: it takes microseconds.
const HASH: &str =
    "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQxMjM0NTY3OA$tHBF2Jtj79e/MihBIxNuHP6TG5vUMbfv5x6oz91zQNk";

/// The first so many users.
pub(super) fn users(count: usize) -> Vec<User> {
    let user =
        |name: &&str| Some(User { name: UserName::parse(name).ok()?, secret: Secret::parse(HASH).ok()? });
    NAMES.iter().take(count).filter_map(user).collect()
}

impl User {
    /// The password of everybody.
    pub(super) const PASSWORD: &str = "pw";

    pub(super) fn password() -> Password {
        Password::new(Self::PASSWORD)
    }

    pub(super) fn account(&self) -> (UserName, Secret) {
        (self.name.clone(), self.secret.clone())
    }
}
