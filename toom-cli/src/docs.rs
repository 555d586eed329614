//! What `toom` says of itself to shells and to `man`.

use std::io;

use clap::CommandFactory as _;
use clap_complete::{Shell, generate};
use clap_mangen::Man;

use crate::args::Args;
use crate::stop::{Stop, Verdict};

/// Prints the completions for `shell`.
///
/// # Errors
/// [`Stop::Output`].
pub fn completions(shell: Shell) -> Result<Verdict, Stop> {
    // The generator does not bear an output that fails; a buffer does not.
    let mut script = Vec::new();
    generate(shell, &mut Args::command(), "toom", &mut script);
    print(&script)
}

/// Prints the manual page.
///
/// # Errors
/// [`Stop::Output`].
pub fn man() -> Result<Verdict, Stop> {
    let mut page = Vec::new();
    Man::new(Args::command()).render(&mut page).map_err(Stop::Output)?;
    print(&page)
}

fn print(text: &[u8]) -> Result<Verdict, Stop> {
    io::Write::write_all(&mut io::stdout(), text).map_err(Stop::Output)?;
    Ok(Verdict::Done)
}
