//! Secrets of accounts, and the passwords that are checked against them.

use core::fmt;
use std::sync::Arc;

use argon2::password_hash::phc::{Output, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

mod memory;

pub use memory::CheckMemory;

/// The longest password, in bytes.
const PASSWORD_BYTES_MAX: usize = 1024;
/// The most memory that a hash may ask for, in KiB: a credentials file must not be able to take the machine.
const MEMORY_KIB_MAX: u32 = 1024 * 1024;
/// The most passes that a hash may ask for.
const PASSES_MAX: u32 = 64;

/// A password that somebody sent. It is wiped when dropped, and `Debug` does not print it.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// The longest password that can be right, in bytes; longer ones are wrong.
    pub const BYTES_MAX: usize = PASSWORD_BYTES_MAX;

    /// Takes over `text`.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text, for who has to send it on: a client to its server. Copies of it are not wiped.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// What an account's passwords are checked against: the password itself, or its Argon2id hash.
///
/// A plain password is wiped when its last clone is dropped. `Debug` tells the kind alone.
#[derive(Clone)]
pub struct Secret(Kind);

#[derive(Clone)]
enum Kind {
    Plain(Arc<Zeroizing<String>>),
    Argon2id(Arc<Hashed>),
}

struct Hashed {
    /// It has a salt and an output.
    phc: PasswordHash,
    params: Params,
}

/// What a password check costs: none for plain passwords, else the parameters of Argon2id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// Whether a password was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was.
    Right,
    /// It was not.
    Wrong,
}

impl Secret {
    /// Parses the secret of an account file: an Argon2id hash in [PHC string format], else a plain password.
    ///
    /// # Errors
    /// [`SecretError`] if it is empty, too long, or a hash that is malformed, of another kind, or too costly.
    ///
    /// [PHC string format]: https://github.com/P-H-C/phc-string-format/blob/master/phc-sf-spec.md
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        if !text.starts_with("$argon2") {
            return Self::plain(text);
        }
        let hash = PasswordHash::new(text).map_err(|_| SecretError::MalformedHash)?;
        let algorithm = Algorithm::new(hash.algorithm.as_str()).map_err(|_| SecretError::MalformedHash)?;
        if algorithm != Algorithm::Argon2id || hash.version != Some(Version::V0x13.into()) {
            return Err(SecretError::UnsupportedHash);
        }
        let (Ok(params), Some(_), Some(_)) = (Params::try_from(&hash), &hash.salt, &hash.hash) else {
            return Err(SecretError::MalformedHash);
        };
        if params.m_cost() > MEMORY_KIB_MAX || params.t_cost() > PASSES_MAX {
            return Err(SecretError::TooCostly { memory_kib: params.m_cost(), passes: params.t_cost() });
        }
        Ok(Self(Kind::Argon2id(Arc::new(Hashed { phc: hash, params }))))
    }

    /// The plain password `text`.
    ///
    /// # Errors
    /// [`SecretError`] if it is empty or too long.
    pub fn plain(text: &str) -> Result<Self, SecretError> {
        check_length(text)?;
        Ok(Self(Kind::Plain(Arc::new(Zeroizing::new(text.to_owned())))))
    }

    /// Hashes `password` with `salt`, which must be random and used once: Argon2id with 19 MiB, two passes and one
    /// lane, the first choice of the OWASP Password Storage Cheat Sheet. It takes tens of milliseconds.
    ///
    /// # Errors
    /// [`SecretError`] if the password is empty or too long.
    pub fn hash(password: &Password, salt: [u8; 16]) -> Result<Self, SecretError> {
        Self::hash_at_cost(password, salt, Cost::RECOMMENDED)
    }

    pub(crate) fn hash_at_cost(password: &Password, salt: [u8; 16], cost: Cost) -> Result<Self, SecretError> {
        check_length(&password.0)?;
        let params = cost.params().ok_or(SecretError::OutOfMemory)?;
        let phc = Argon2::from(params.clone())
            .hash_password_with_salt(password.0.as_bytes(), &salt)
            .map_err(|_| SecretError::OutOfMemory)?;
        Ok(Self(Kind::Argon2id(Arc::new(Hashed { phc, params }))))
    }

    /// The hash in PHC string format; `None` for a plain password.
    #[must_use]
    pub fn phc(&self) -> Option<String> {
        match &self.0 {
            Kind::Plain(_) => None,
            Kind::Argon2id(hashed) => Some(hashed.phc.to_string()),
        }
    }

    /// Whether the password lies here as it is, not hashed.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        matches!(self.0, Kind::Plain(_))
    }

    /// What checking it costs.
    pub(crate) fn cost(&self) -> Option<Cost> {
        match &self.0 {
            Kind::Plain(_) => None,
            Kind::Argon2id(hashed) => Some(Cost::of(&hashed.params)),
        }
    }

    /// Whether `other` is letter for letter the same secret.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Kind::Plain(one), Kind::Plain(two)) => bool::from(equal_texts(one, two)),
            (Kind::Argon2id(one), Kind::Argon2id(two)) => one.phc == two.phc,
            _ => false,
        }
    }

    /// Checks `password`; a plain secret takes as long whatever is sent.
    pub(crate) fn verify(&self, password: &Password, memory: &mut CheckMemory) -> Verdict {
        let right = match &self.0 {
            Kind::Plain(secret) => bool::from(equal_texts(secret, &password.0)),
            Kind::Argon2id(hashed) => hashed.is_of(password, memory),
        };
        if right { Verdict::Right } else { Verdict::Wrong }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_plain() { "Secret(plain)" } else { "Secret(argon2id)" })
    }
}

impl Cost {
    pub(crate) const RECOMMENDED: Self = Self { memory_kib: 19 * 1024, passes: 2, lanes: 1 };

    #[cfg(test)]
    pub(crate) const CHEAPEST: Self = Self { memory_kib: 8, passes: 1, lanes: 1 };

    fn of(params: &Params) -> Self {
        Self { memory_kib: params.m_cost(), passes: params.t_cost(), lanes: params.p_cost() }
    }

    fn params(self) -> Option<Params> {
        Params::new(self.memory_kib, self.passes, self.lanes, None).ok()
    }

    /// Does the work of a check of this cost and finds nothing.
    pub(crate) fn waste(self, password: &Password, memory: &mut CheckMemory) {
        let (salt, output) = ([0; Salt::RECOMMENDED_LENGTH], [0; Params::DEFAULT_OUTPUT_LEN]);
        let right = self.params().map(|params| hashes_to(&output, password, &salt, params, memory));
        core::hint::black_box(right);
    }
}

impl Hashed {
    fn is_of(&self, password: &Password, memory: &mut CheckMemory) -> bool {
        let (Some(salt), Some(output)) = (&self.phc.salt, &self.phc.hash) else { return false };
        hashes_to(output.as_bytes(), password, salt, self.params.clone(), memory)
    }
}

/// Whether that is what `password` is hashed to; not, where there is no memory to find out.
fn hashes_to(
    expected: &[u8],
    password: &Password,
    salt: &[u8],
    params: Params,
    memory: &mut CheckMemory,
) -> bool {
    let password = password.0.as_bytes();
    let counted = password.get(..PASSWORD_BYTES_MAX).unwrap_or(password);
    let mut output = Zeroizing::new([0; Output::MAX_LENGTH]);
    let Some(output) = output.get_mut(..expected.len()) else { return false };
    let Some(blocks) = memory.blocks(params.block_count()) else { return false };
    // `parse` takes no other kind and no other version.
    let hashed = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(counted, salt, output, blocks);
    hashed.is_ok() && bool::from(output.ct_eq(expected)) && counted.len() == password.len()
}

fn check_length(text: &str) -> Result<(), SecretError> {
    match text.len() {
        0 => Err(SecretError::Empty),
        size if size > PASSWORD_BYTES_MAX => Err(SecretError::TooLong { size, limit: PASSWORD_BYTES_MAX }),
        _ => Ok(()),
    }
}

/// Compares over the longest length there is, so that neither the length nor the place of the first difference shows.
fn equal_texts(one: &str, two: &str) -> Choice {
    let (padded_one, padded_two) = (padded(one), padded(two));
    one.len().ct_eq(&two.len()) & padded_one.as_slice().ct_eq(padded_two.as_slice())
}

fn padded(text: &str) -> Zeroizing<[u8; PASSWORD_BYTES_MAX]> {
    let mut padded = Zeroizing::new([0; PASSWORD_BYTES_MAX]);
    for (to, from) in padded.iter_mut().zip(text.as_bytes()) {
        *to = *from;
    }
    padded
}

/// Why a text cannot be an account's secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// Nothing.
    #[error("the password is empty")]
    Empty,
    /// Longer than a password may be.
    #[error("the password is {size} bytes, the limit is {limit}")]
    TooLong {
        /// Bytes of the password.
        size: usize,
        /// The most bytes it may have.
        limit: usize,
    },
    /// It begins like a hash and is none.
    #[error("the password hash is malformed: $argon2id$v=19$m=…,t=…,p=…$salt$hash is expected")]
    MalformedHash,
    /// A hash that is not Argon2id version 19.
    #[error("the password hash is of another kind: only argon2id, v=19, is taken")]
    UnsupportedHash,
    /// A hash whose check would cost too much.
    #[error("the password hash asks for {memory_kib} KiB and {passes} passes, too much for a check")]
    TooCostly {
        /// The memory it asks for, in KiB.
        memory_kib: u32,
        /// The passes it asks for.
        passes: u32,
    },
    /// There was no memory to hash with.
    #[error("there is not enough memory to hash a password")]
    OutOfMemory,
}

#[cfg(test)]
mod tests;
