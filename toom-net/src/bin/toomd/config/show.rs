//! `toomd config`: the settings as they hold, in the form of the configuration file.

use std::io::{self, Write};

use super::Effective;
use crate::failure::Failure;

/// How far to the right the origins stand, where the values leave them room.
const COLUMN: usize = 48;

/// Writes every setting with where it comes from; what is not set is a comment.
pub(crate) fn show(settings: &[Effective]) -> Result<(), Failure> {
    Failure::of_output(write_all(settings, &mut io::stdout().lock()))
}

pub(super) fn write_all(settings: &[Effective], out: &mut impl Write) -> io::Result<()> {
    let mut in_limits = false;
    for Effective { name, value, origin } in settings {
        let name = match name.strip_prefix("limits.") {
            Some(limit) if !in_limits => {
                in_limits = true;
                writeln!(out, "\n[limits]")?;
                limit
            }
            Some(limit) => limit,
            None => name,
        };
        let line = match value {
            Some(value) => format!("{name} = {}", toml_value(value)),
            None => format!("# {name} is not set"),
        };
        writeln!(out, "{line:COLUMN$} # {origin}")?;
    }
    Ok(())
}

/// Whole numbers and choices as they are, all else as a text.
fn toml_value(value: &str) -> String {
    if value.parse::<i64>().is_ok() || matches!(value, "true" | "false") {
        value.to_owned()
    } else {
        toml::Value::String(value.to_owned()).to_string()
    }
}
