//! Asking a person for name and password.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use toom_core::Password;
use zeroize::Zeroizing;

use crate::args::VisitArgs;
use crate::render;
use crate::stop::Stop;

/// Whether Ctrl-C ends the program, as it does but while a password is asked for.
static INTERRUPT_ENDS: LazyLock<Arc<AtomicBool>> = LazyLock::new(|| Arc::new(AtomicBool::new(true)));

/// Asks for a name; `None` at the end of the input.
///
/// # Errors
/// Those of the terminal.
pub fn user_name(out: &mut impl Write) -> io::Result<Option<String>> {
    out.write_all(render::USER_PROMPT.as_bytes())?;
    out.flush()?;
    let mut line = String::new();
    if io::stdin().read_line(&mut line)? == 0 {
        // Ctrl-D ends no line on the screen.
        out.write_all(b"\n")?;
        return Ok(None);
    }
    Ok(Some(line.trim().to_owned()))
}

/// Asks for a yes or a no, until one of them is typed in full; the end of the input is a no.
///
/// # Errors
/// Those of the terminal.
pub fn confirm(out: &mut impl Write) -> io::Result<bool> {
    loop {
        out.write_all(render::YES_OR_NO_PROMPT.as_bytes())?;
        out.flush()?;
        let mut line = String::new();
        if io::stdin().read_line(&mut line)? == 0 {
            out.write_all(b"\n")?;
            return Ok(false);
        }
        match line.trim() {
            "yes" => return Ok(true),
            "no" => return Ok(false),
            _ => {}
        }
    }
}

/// Asks for a password, without echo; `None` where the user leaves with Ctrl-C or Ctrl-D.
///
/// # Errors
/// Those of the terminal.
pub fn password() -> io::Result<Option<Password>> {
    // The prompt hands on a Ctrl-C as a signal before it has put the echo back. So the signal is passed over while it asks, and
    // the error that follows says what was pressed.
    #[cfg(unix)]
    pass_over_interrupts()?;
    INTERRUPT_ENDS.store(false, Ordering::Relaxed);
    let asked = rpassword::prompt_password(render::PASSWORD_PROMPT);
    INTERRUPT_ENDS.store(true, Ordering::Relaxed);
    match asked {
        Ok(password) => Ok(Some(Password::new(password))),
        Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::UnexpectedEof) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
fn pass_over_interrupts() -> io::Result<()> {
    use std::sync::OnceLock;
    static DONE: OnceLock<()> = OnceLock::new();
    if DONE.get().is_none() {
        let ends = Arc::clone(&INTERRUPT_ENDS);
        signal_hook::flag::register_conditional_default(signal_hook::consts::SIGINT, ends)?;
        let _ = DONE.set(());
    }
    Ok(())
}

/// The password that the arguments name a place of, if they do.
///
/// # Errors
/// [`Stop::Usage`], which names the place.
pub fn password_of(args: &VisitArgs) -> Result<Option<Password>, Stop> {
    #[cfg(unix)]
    if let Some(fd) = args.password_fd {
        // The system gives every open descriptor such a name. A file is read from its beginning.
        return password_of_file(Path::new(&format!("/dev/fd/{fd}"))).map(Some);
    }
    args.password_file.as_deref().map(password_of_file).transpose()
}

/// The first line of a file.
///
/// # Errors
/// [`Stop::Usage`], which names the file.
pub fn password_of_file(path: &Path) -> Result<Password, Stop> {
    let wrong = |why: &dyn std::fmt::Display| {
        Stop::Usage(format!("cannot read the password file {}: {why}", path.display()))
    };
    let file = File::open(path).map_err(|error| wrong(&error))?;
    let line = first_line(file).map_err(|error| wrong(&error))?;
    Ok(Password::new(line))
}

/// A longer line than any password may be is cut, and still too long to be right.
fn first_line(file: impl io::Read) -> io::Result<String> {
    let bytes_max = Password::BYTES_MAX + 2;
    let mut line = Zeroizing::new(Vec::with_capacity(bytes_max));
    BufReader::new(file.take(bytes_max as u64)).read_until(b'\n', &mut line)?;
    let text = line.strip_suffix(b"\n").unwrap_or(&line);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    let text =
        str::from_utf8(text).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))?;
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_the_first_line_with_its_spaces() {
        assert_eq!(first_line(&b" may the force \nbe with you"[..]).unwrap(), " may the force ");
        assert_eq!(first_line(&b"kenobi\r\n"[..]).unwrap(), "kenobi");
        assert_eq!(first_line(&b"kenobi"[..]).unwrap(), "kenobi");
        assert_eq!(first_line(&b""[..]).unwrap(), "");
    }

    #[test]
    fn a_password_that_is_too_long_does_not_become_a_right_one() {
        let long = vec![b'x'; Password::BYTES_MAX + 100];
        assert!(first_line(&long[..]).unwrap().len() > Password::BYTES_MAX);
    }

    #[test]
    fn a_file_that_is_not_there_is_wrong_usage() {
        let Err(Stop::Usage(told)) = password_of_file(Path::new("/nonexistent/password")) else { panic!() };
        assert!(told.starts_with("cannot read the password file /nonexistent/password: "), "{told}");
    }
}
