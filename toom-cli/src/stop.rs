//! How a run ends: its exit code, and what is told where it ends early.

use std::io;
use std::process::ExitCode;

#[cfg(unix)]
use tokio::signal::unix;
use toom_net::client::{ConnectError, Ended};

use crate::filter::write_line;
use crate::render;

/// How a run ended that was not cut short.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// Everything was done.
    #[default]
    Done,
    /// The login or a command was refused, and told.
    Refused,
}

/// Why a run was cut short.
#[derive(Debug)]
pub enum Stop {
    /// The user asked for something that cannot be: what, in words.
    Usage(String),
    /// There is no connection, or none any more: why.
    Connection(String),
    /// Standard output takes nothing any more.
    Output(io::Error),
    /// Nothing can be read from the terminal, or from standard input.
    Input(io::Error),
}

impl Verdict {
    /// This, and then `other`.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        if self == Self::Refused { self } else { other }
    }
}

impl Stop {
    /// The system does not give what every run needs.
    #[must_use]
    pub fn start(error: &io::Error) -> Self {
        Self::Connection(format!("cannot start: {error}"))
    }

    /// No connection came about to `host` and `port`; `advice` is what can be done about it.
    #[must_use]
    pub fn unreachable(host: &str, port: u16, error: &ConnectError, advice: Option<&str>) -> Self {
        let why = match error {
            ConnectError::Call(error) => render::call_error(error),
            error => error.to_string(),
        };
        let advice = advice.map(|advice| format!("; {advice}")).unwrap_or_default();
        Self::Connection(format!("no connection to {host} port {port}: {why}{advice}"))
    }
}

impl From<Ended> for Stop {
    fn from(ended: Ended) -> Self {
        Self::Connection(render::ended(&ended))
    }
}

/// Tells on standard error why a run was cut short, if anybody needs to know, and gives the exit code.
#[must_use]
pub fn exit(run: Result<Verdict, Stop>) -> ExitCode {
    let (told, code) = match run {
        Ok(Verdict::Done) => return ExitCode::SUCCESS,
        Ok(Verdict::Refused) => return ExitCode::from(1),
        // Whoever read the output has had enough of it.
        Err(Stop::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => return ExitCode::SUCCESS,
        Err(Stop::Output(error)) => (format!("cannot write to standard output: {error}"), 1),
        Err(Stop::Input(error)) => (format!("cannot read from standard input: {error}"), 2),
        Err(Stop::Usage(told)) => (told, 2),
        Err(Stop::Connection(told)) => (told, 3),
    };
    // Where standard error is gone as well, there is nobody left to tell.
    let _ = write_line(&mut io::stderr().lock(), &format!("toom: {told}"));
    ExitCode::from(code)
}

/// Takes the signals that end the program in order, an interrupt and SIGTERM, from now on; the future is there when one came.
///
/// # Errors
/// Where there are no signals to wait for.
pub fn interrupted() -> io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    {
        let mut interrupts = unix::signal(unix::SignalKind::interrupt())?;
        let mut ends = unix::signal(unix::SignalKind::terminate())?;
        Ok(async move {
            tokio::select! {
                _ = interrupts.recv() => {}
                _ = ends.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        // Where it fails, no interrupt comes any more.
        let _ = tokio::signal::ctrl_c().await;
    })
}
