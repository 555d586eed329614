//! The configuration file: TOML, one key a setting, and the bounds in the table `limits`.

use std::fs;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::{Given, Origin, What};
use crate::failure::Failure;

/// What the file says, in its order.
pub(super) fn read(path: &Path) -> Result<Vec<Given>, Failure> {
    let text =
        fs::read_to_string(path).map_err(|error| Failure::ConfigFile { path: path.to_owned(), error })?;
    given(path, &text)
}

pub(super) fn given(path: &Path, text: &str) -> Result<Vec<Given>, Failure> {
    let origin = |offset: usize| Origin::File { path: path.to_owned(), line: line_of(text, offset) };
    let table = DeTable::parse(text).map_err(|error| {
        let place = origin(error.span().map_or(0, |span| span.start));
        super::wrong(&place, error.message().to_owned())
    })?;
    let mut given = Vec::new();
    for (key, value) in table.get_ref() {
        if let ("limits", DeValue::Table(limits)) = (key.get_ref().as_ref(), value.get_ref()) {
            for (key, value) in limits {
                given.push(one(What::Limit, key, value, &origin)?);
            }
        } else {
            given.push(one(What::Setting, key, value, &origin)?);
        }
    }
    Ok(given)
}

fn one(
    what: fn(String) -> What,
    key: &Spanned<DeString<'_>>,
    value: &Spanned<DeValue<'_>>,
    origin: &impl Fn(usize) -> Origin,
) -> Result<Given, Failure> {
    let (name, origin) = (key.get_ref().as_ref().to_owned(), origin(key.span().start));
    let value = match value.get_ref() {
        DeValue::String(text) => text.as_ref().to_owned(),
        DeValue::Integer(number) if number.radix() == 10 => number.as_str().to_owned(),
        DeValue::Boolean(choice) => choice.to_string(),
        _ => {
            let problem = format!("{name}: a text, a whole number, true or false is expected");
            return Err(super::wrong(&origin, problem));
        }
    };
    Ok(Given { what: what(name), value, origin })
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}
