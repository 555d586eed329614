//! Benchmarks of the TOOM engine, and what they share; `docs/benchmarks.md` says how to run them and what they gave.

use std::num::NonZeroUsize;
use std::time::Duration;

use toom_core::{
    Body, Config, Engine, Epoch, Limits, MemoryStorage, Mono, Now, Password, Secret, SecretError, SessionId,
    Source, Timestamp, UserName, UserNameError,
};

pub mod load;

/// The session that everything is done in.
pub const SESSION: SessionId = SessionId::new(1);

/// 2022-08-04T09:02:21Z.
const START_MICROS: i64 = 1_659_603_741_000_000;

/// Both clocks, `seconds` after the start.
///
/// # Panics
/// Never, up to the year 9999.
#[must_use]
pub fn at(seconds: u32) -> Now {
    let wall = Timestamp::from_unix_micros(START_MICROS + i64::from(seconds) * 1_000_000);
    Now { wall: wall.expect("a few years after 2022"), mono: Mono::new(Duration::from_secs(seconds.into())) }
}

/// A name of the benchmarks' users.
///
/// # Errors
/// None: the name is well-formed.
pub fn user(number: u32) -> Result<UserName, UserNameError> {
    UserName::parse(&format!("user{number}"))
}

/// An engine in memory with one account, which is logged in as [`SESSION`].
///
/// # Panics
/// Never: the account is new and its password right.
#[must_use]
pub fn engine() -> Engine<MemoryStorage> {
    let page_bytes_max = usize::MAX;
    let page_messages_max = NonZeroUsize::MAX;
    let limits = Limits { page_bytes_max, page_messages_max, ..Limits::default() };
    let config = Config { limits, ..Config::default() };
    let mut engine = Engine::open(MemoryStorage::new(Epoch::new(1)), config).expect("memory can be read");
    let name = user(1).expect("well-formed");
    engine.put_account(name.clone(), secret().expect("well-formed"));
    let login = engine.authenticate(&name, &Password::new("a password"), Source::new(1), SESSION, at(0));
    assert!(login.is_ok(), "the password is right");
    engine
}

/// The secret of the benchmarks' users.
///
/// # Errors
/// None: the password is well-formed.
pub fn secret() -> Result<Secret, SecretError> {
    Secret::plain("a password")
}

/// A body of 100 bytes.
///
/// # Panics
/// Never: the text is a body.
#[must_use]
pub fn body() -> Body {
    Body::parse(&"0123456789".repeat(10)).expect("100 digits")
}
