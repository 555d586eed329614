//! What `toomd` says of itself to shells and to `man`.

use std::io::{self, Write as _};

use clap::CommandFactory as _;
use clap_complete::{Shell, generate};
use clap_mangen::Man;

use crate::args::Cli;
use crate::failure::Failure;

/// Prints the completions for `shell`.
pub(crate) fn completions(shell: Shell) -> Result<(), Failure> {
    // The generator does not bear an output that fails; a buffer does not.
    let mut script = Vec::new();
    generate(shell, &mut Cli::command(), "toomd", &mut script);
    io::stdout().write_all(&script).map_err(Failure::Output)
}

/// Prints the manual page.
pub(crate) fn man() -> Result<(), Failure> {
    let mut page = Vec::new();
    Man::new(Cli::command()).render(&mut page).map_err(Failure::Output)?;
    io::stdout().write_all(&page).map_err(Failure::Output)
}
