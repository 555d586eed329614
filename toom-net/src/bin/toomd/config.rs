//! Settings from the command line, over variables, over a file, over defaults.
//!
//! The description of the command line is the list of all settings: what a file or a variable says becomes a default of it, so
//! that every value is read by the same parser whichever way it comes.

mod file;
mod show;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args as _, Command, CommandFactory as _, FromArgMatches as _};

use crate::args::{self, Cli, ServeArgs};
use crate::failure::Failure;
use crate::limits::{self, Setting};

pub(crate) use show::show;

/// How variables that are settings begin, and those that are bounds.
const PREFIX: &str = "TOOMD_";
const LIMIT_PREFIX: &str = "TOOMD_LIMIT_";
/// Arguments that are no settings: where the file is, and the bounds, which have names of their own.
const NO_SETTINGS: [&str; 2] = ["config", "limits"];
/// Unlike names are not suggested.
const LIKENESS: f64 = 0.75;

/// Where the value of a setting comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Default,
    File { path: PathBuf, line: usize },
    Variable { name: String },
    CommandLine,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}, line {line}", path.display()),
            Self::Variable { name } => f.write_str(name),
            Self::CommandLine => f.write_str("command line"),
        }
    }
}

/// Something that a file or a variable says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Given {
    what: What,
    value: String,
    origin: Origin,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Setting(String),
    Limit(String),
}

/// What the program was asked for, with where each setting comes from.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) cli: Cli,
    pub(crate) settings: Vec<Effective>,
}

/// One setting as it holds; a `value` of `None`: it is not set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Effective {
    pub(crate) name: String,
    pub(crate) value: Option<String>,
    pub(crate) origin: Origin,
}

/// Why there are no settings.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The command line is wrong, or asks for help.
    Usage(clap::Error),
    Settings(Failure),
}

impl From<clap::Error> for Refused {
    fn from(error: clap::Error) -> Self {
        Self::Usage(error)
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self::Settings(failure)
    }
}

/// Reads the words of the command line, the variables, and the file that they name.
pub(crate) fn read(
    words: &[OsString],
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Asked, Refused> {
    let matches = Cli::command().try_get_matches_from(words)?;
    let Some(serve) = serving(&matches) else {
        return Ok(Asked { cli: Cli::from_arg_matches(&matches)?, settings: Vec::new() });
    };
    let variables = named(variables);
    let file = serve.get_one::<PathBuf>("config").cloned();
    let file = file.or_else(|| variables.get("TOOMD_CONFIG").map(PathBuf::from));
    let mut given = file.map(|path| file::read(&path)).transpose()?.unwrap_or_default();
    given.extend(variables.iter().filter_map(of_variable));

    let mut limits = Vec::new();
    let mut command = Cli::command();
    let mut origins = BTreeMap::new();
    for Given { what, value, origin } in given {
        match what {
            What::Setting(name) => {
                let id = check(&name, &value).map_err(|problem| wrong(&origin, problem))?;
                command = with_default(command, &id, &value);
                origins.insert(id, origin);
            }
            What::Limit(name) => {
                let setting = Setting::new(&name, &value).map_err(|problem| wrong(&origin, problem))?;
                limits.push((setting, origin));
            }
        }
    }
    let matches = command.try_get_matches_from(words)?;
    let mut cli = Cli::from_arg_matches(&matches)?;
    let settings = serving(&matches).map(|serve| settings(serve, &origins)).unwrap_or_default();
    let args = args::serving_mut(&mut cli);
    limits.extend(args.limits.drain(..).map(|setting| (setting, Origin::CommandLine)));
    args.limits = limits.iter().map(|(setting, _)| setting.clone()).collect();
    Ok(Asked { settings: settings.into_iter().chain(bounds(&limits)).collect(), cli })
}

/// The part of the command line that says how to serve, if that is what is to be done or shown.
fn serving(matches: &ArgMatches) -> Option<&ArgMatches> {
    match matches.subcommand() {
        None => Some(matches),
        Some(("config", matches)) => Some(matches),
        Some(_) => None,
    }
}

fn named(variables: impl IntoIterator<Item = (OsString, OsString)>) -> BTreeMap<String, String> {
    let text =
        |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    variables.into_iter().filter_map(text).filter(|(name, _)| name.starts_with(PREFIX)).collect()
}

fn of_variable((name, value): (&String, &String)) -> Option<Given> {
    let spelled = |rest: &str| rest.to_ascii_lowercase().replace('_', "-");
    let what = match (name.strip_prefix(LIMIT_PREFIX), name.strip_prefix(PREFIX)) {
        (Some(limit), _) => What::Limit(spelled(limit)),
        (None, Some("CONFIG") | None) => return None,
        (None, Some(setting)) => What::Setting(spelled(setting)),
    };
    Some(Given { what, value: value.clone(), origin: Origin::Variable { name: name.clone() } })
}

fn wrong(origin: &Origin, problem: String) -> Failure {
    Failure::Setting { place: origin.to_string(), problem }
}

/// Every argument that is a setting.
fn arguments() -> Vec<Arg> {
    let command = ServeArgs::augment_args(Command::new("toomd"));
    command.get_arguments().filter(|arg| !NO_SETTINGS.contains(&arg.get_id().as_str())).cloned().collect()
}

pub(crate) fn name_of(arg: &Arg) -> String {
    arg.get_id().as_str().replace('_', "-")
}

/// Whether `value` is one of the setting `name`, by the parser of the command line; the id of its argument.
fn check(name: &str, value: &str) -> Result<String, String> {
    let arguments = arguments();
    let Some(arg) = arguments.iter().find(|arg| name_of(arg) == name) else {
        let names: Vec<_> = arguments.iter().map(name_of).collect();
        return Err(unknown("setting", name, names.iter().map(String::as_str)));
    };
    let word = match (arg.get_action().takes_values(), arg.get_long()) {
        (false, _) if matches!(value, "true" | "false") => return Ok(arg.get_id().to_string()),
        (false, _) => return Err(format!("{name}: true or false is expected")),
        (true, Some(long)) => format!("--{long}={value}"),
        (true, None) => value.to_owned(),
    };
    parsed(arg, &word).map_err(|problem| format!("{name}: {problem}"))?;
    Ok(arg.get_id().to_string())
}

/// Parses one word as the command line would, wherever it stands and whatever else it needs there.
fn parsed(arg: &Arg, word: &str) -> Result<(), String> {
    let words = if arg.is_positional() && arg.get_id() != "port" {
        vec!["toomd", "0", word]
    } else {
        vec!["toomd", word]
    };
    match Cli::command().try_get_matches_from(words) {
        Err(error) if matches!(error.kind(), ErrorKind::ValueValidation | ErrorKind::InvalidValue) => {
            let text = error.to_string();
            let line = text.lines().next().unwrap_or_default();
            Err(line.rsplit_once(": ").map_or(line, |(_, why)| why).to_owned())
        }
        _ => Ok(()),
    }
}

fn with_default(command: Command, id: &str, value: &str) -> Command {
    let set = |command: Command| {
        let value = value.to_owned();
        command.mut_arg(id, |arg| arg.default_value(value))
    };
    set(command).mut_subcommand("config", set)
}

/// That there is no such thing, with what may have been meant.
pub(crate) fn unknown<'a>(kind: &str, name: &str, names: impl Iterator<Item = &'a str>) -> String {
    let nearest =
        names.map(|other| (strsim::jaro(name, other), other)).max_by(|(a, _), (b, _)| a.total_cmp(b));
    match nearest {
        Some((likeness, other)) if likeness >= LIKENESS => {
            format!("there is no {kind} `{name}`; `{other}` is one")
        }
        _ => format!("there is no {kind} `{name}`; `toomd config` shows all"),
    }
}

fn settings(serve: &ArgMatches, origins: &BTreeMap<String, Origin>) -> Vec<Effective> {
    let effective = |arg: &Arg| {
        let id = arg.get_id().as_str();
        let origin = match serve.value_source(id) {
            Some(ValueSource::CommandLine) => Origin::CommandLine,
            _ => origins.get(id).cloned().unwrap_or(Origin::Default),
        };
        let value = serve.get_raw(id).and_then(|mut values| values.next());
        Effective {
            name: name_of(arg),
            value: value.map(|value| value.to_string_lossy().into_owned()),
            origin,
        }
    };
    arguments().iter().map(effective).collect()
}

/// The bounds as they hold.
fn bounds(given: &[(Setting, Origin)]) -> impl Iterator<Item = Effective> {
    let settings: Vec<_> = given.iter().map(|(setting, _)| setting.clone()).collect();
    let bounds = limits::Bounds::with(&settings);
    limits::BOUNDS.iter().map(move |bound| {
        let last = given.iter().rev().find(|(setting, _)| setting.name() == bound.name);
        Effective {
            name: format!("limits.{}", bound.name),
            value: Some((bound.show)(&bounds)),
            origin: last.map_or(Origin::Default, |(_, origin)| origin.clone()),
        }
    })
}

#[cfg(test)]
mod tests;
