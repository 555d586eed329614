//! A new password, from a person or from a pipe.

use std::io::{self, BufRead, IsTerminal as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use toom_core::{Password, Secret, UserName};
use zeroize::Zeroizing;

use crate::failure::Failure;

/// Takes a new password for `name`, and returns its hash.
pub(crate) fn new_hash(name: &UserName) -> Result<Zeroizing<String>, Failure> {
    let password = if io::stdin().is_terminal() { typed(name)? } else { first_line(io::stdin().lock())? };
    hash(password)
}

/// 16 random bytes.
pub(crate) fn salt() -> Result<[u8; 16], Failure> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(Failure::NoRandomBytes)?;
    Ok(salt)
}

fn hash(mut password: Zeroizing<String>) -> Result<Zeroizing<String>, Failure> {
    if password.contains(char::is_control) {
        return Err(Failure::ControlCharacter);
    }
    let secret = Secret::hash(&Password::new(std::mem::take(&mut *password)), salt()?)?;
    Ok(Zeroizing::new(secret.phc().expect("`hash` makes no plain secrets")))
}

/// The first line of `input`, without its end. A longer one than any password may be is cut, and still too long.
fn first_line(input: impl BufRead) -> Result<Zeroizing<String>, Failure> {
    const READ_MAX: usize = 64 * 1024;
    let mut bytes = Zeroizing::new(Vec::with_capacity(READ_MAX));
    input.take(READ_MAX as u64).read_until(b'\n', &mut bytes).map_err(Failure::NoPassword)?;
    let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let text =
        std::str::from_utf8(line).map_err(|_| Failure::NoPassword(io::ErrorKind::InvalidData.into()))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Asks twice on the terminal, without echo.
fn typed(name: &UserName) -> Result<Zeroizing<String>, Failure> {
    // The prompt hands on a Ctrl-C as a signal before it has put the echo back. So the signal is passed over while it
    // asks, and the error that follows ends the program.
    let asking = Arc::new(AtomicBool::new(false));
    #[cfg(unix)]
    signal_hook::flag::register_conditional_default(signal_hook::consts::SIGINT, Arc::clone(&asking))
        .map_err(Failure::NoPassword)?;
    let password = asked_twice(name, |prompt| rpassword::prompt_password(prompt).map(Zeroizing::new));
    asking.store(true, Ordering::Relaxed);
    password
}

fn asked_twice(
    name: &UserName,
    mut ask: impl FnMut(String) -> io::Result<Zeroizing<String>>,
) -> Result<Zeroizing<String>, Failure> {
    let mut ask = |prompt| {
        ask(prompt).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => Failure::Interrupted,
            _ => Failure::NoPassword(error),
        })
    };
    let password = ask(format!("New password for {name}: "))?;
    if *ask("Once more: ".to_owned())? == *password { Ok(password) } else { Err(Failure::PasswordsDiffer) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line_of(input: &[u8]) -> String {
        first_line(input).unwrap().to_string()
    }

    fn luke() -> UserName {
        "luke".parse().unwrap()
    }

    #[test]
    fn a_password_is_the_first_line_without_its_end_and_with_its_spaces() {
        assert_eq!(line_of(b" two words \nmore\n"), " two words ");
        assert_eq!(line_of(b"crlf\r\n"), "crlf");
        assert_eq!(line_of(b"no end"), "no end");
        assert_eq!(line_of(b""), "");
        assert!(matches!(first_line(&b"\xff\n"[..]), Err(Failure::NoPassword(_))));
    }

    #[test]
    fn an_endless_line_is_cut_and_refused() {
        let line = first_line(io::BufReader::new(io::repeat(b'x'))).unwrap();
        assert_eq!(line.len(), 64 * 1024);
        assert!(matches!(hash(line), Err(Failure::Password(_))));
    }

    #[test]
    fn what_no_client_can_send_is_refused_as_a_password() {
        let refused = |text: &str| hash(Zeroizing::new(text.to_owned())).unwrap_err();
        assert!(matches!(refused(""), Failure::Password(_)));
        assert!(matches!(refused("a\tb"), Failure::ControlCharacter));
    }

    #[test]
    fn a_typed_password_counts_when_both_times_are_the_same() {
        let mut answers = ["red five", "red five", "red five", "red six"].into_iter();
        let mut prompts = Vec::new();
        let mut ask = |prompt| {
            prompts.push(prompt);
            Ok(Zeroizing::new(answers.next().unwrap().to_owned()))
        };
        assert_eq!(*asked_twice(&luke(), &mut ask).unwrap(), "red five");
        assert!(matches!(asked_twice(&luke(), &mut ask), Err(Failure::PasswordsDiffer)));
        assert_eq!(prompts[..2], ["New password for luke: ", "Once more: "]);
    }

    #[test]
    fn a_prompt_that_is_interrupted_or_fails_gives_no_password() {
        let interrupted = asked_twice(&luke(), |_| Err(io::ErrorKind::Interrupted.into()));
        assert!(matches!(interrupted, Err(Failure::Interrupted)));
        let ended = asked_twice(&luke(), |_| Err(io::ErrorKind::UnexpectedEof.into()));
        assert!(matches!(ended, Err(Failure::NoPassword(_))));
    }
}
