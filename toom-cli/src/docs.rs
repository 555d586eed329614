//! What `toom` says of itself to shells and to `man`.

use std::io;
use std::path::Path;

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

/// Prints the manual page, or writes it to files in `folder`, with one page a subcommand.
///
/// # Errors
/// [`Stop::Output`]; [`Stop::Usage`] where there is no such folder.
pub fn man(folder: Option<&Path>) -> Result<Verdict, Stop> {
    if let Some(folder) = folder {
        let wrong = |error| Stop::Usage(format!("cannot write the pages to {}: {error}", folder.display()));
        clap_mangen::generate_to(Args::command(), folder).map_err(wrong)?;
        return Ok(Verdict::Done);
    }
    let mut page = Vec::new();
    Man::new(Args::command()).render(&mut page).map_err(Stop::Output)?;
    print(&page)
}

fn print(text: &[u8]) -> Result<Verdict, Stop> {
    io::Write::write_all(&mut io::stdout(), text).map_err(Stop::Output)?;
    Ok(Verdict::Done)
}
