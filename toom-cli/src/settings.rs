//! The arguments, over the user's configuration file.
//!
//! What the file says is put before the words of the command line, so that every value is read by the same parser whichever way it
//! comes. The file need not be there.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::{Command, CommandFactory as _, FromArgMatches as _};
use toml::Value;

use crate::args::Args;
use crate::stop::Stop;

/// What the file may say: what stands in front of all options, and the options.
const PLACES: [&str; 3] = ["host", "port", "udp_port"];
const OPTIONS: [&str; 13] = [
    "user",
    "password-file",
    "tls",
    "ca",
    "tls-fingerprint",
    "known-servers",
    "insecure",
    "color",
    "bell",
    "no-history",
    "accept-files",
    "max-file-size",
    "download-dir",
];

/// An option of the command line, and those of the file that it contradicts.
const CONTRADICTIONS: [(&str, &[&str]); 5] = [
    ("insecure", &["tls", "ca", "tls-fingerprint", "known-servers"]),
    ("tls", &["insecure"]),
    ("ca", &["tls-fingerprint"]),
    ("tls-fingerprint", &["ca"]),
    ("password-fd", &["password-file"]),
];

/// The one program but `toom` itself that the file is for.
const FULL_SCREEN: &str = "tui";

/// Unlike names are not suggested.
const LIKENESS: f64 = 0.75;

/// Why there are no arguments.
#[derive(Debug)]
pub enum Refused {
    /// The command line is wrong, or asks for help.
    Usage(clap::Error),
    /// The configuration file is.
    File(Stop),
}

impl From<clap::Error> for Refused {
    fn from(error: clap::Error) -> Self {
        Self::Usage(error)
    }
}

/// Reads the words of the command line, and the configuration file.
///
/// # Errors
/// [`Refused`].
pub fn read(words: &[OsString]) -> Result<Args, Refused> {
    let words = &joined(words)[..];
    let mut command = Args::command();
    let first = words.get(1).map(OsString::as_os_str).unwrap_or_default();
    let full_screen = first == FULL_SCREEN;
    if !full_screen && command.get_subcommands().any(|program| program.get_name() == first) {
        return Ok(Args::from_arg_matches(&command.try_get_matches_from(words)?)?);
    }
    let Some((path, text)) = file(words).map_err(Refused::File)? else {
        return Ok(Args::from_arg_matches(&command.try_get_matches_from(words)?)?);
    };
    let (program, rest) = words.split_at_checked(if full_screen { 2 } else { 1 }).unwrap_or_default();
    let mut all = program.to_vec();
    for Said { name, value } in said(&path, &text).map_err(Refused::File)? {
        let place = name.replace('-', "_");
        if PLACES.contains(&place.as_str()) {
            let leave_out = |command: Command| command.mut_arg(place, |arg| arg.default_value(value));
            command =
                if full_screen { command.mut_subcommand(FULL_SCREEN, leave_out) } else { leave_out(command) };
        } else if !is_overridden(&name, words) {
            all.extend(word(&name, &value).map(OsString::from));
        }
    }
    all.extend(rest.iter().cloned());
    Ok(Args::from_arg_matches(&command.try_get_matches_from(all)?)?)
}

/// `--accept-files from luke` in one word less: to the parser, an option has one value.
fn joined(words: &[OsString]) -> Vec<OsString> {
    let mut all: Vec<OsString> = Vec::with_capacity(words.len());
    for word in words {
        let ends = |with: &[&str]| {
            all.len() >= with.len() && all.iter().rev().zip(with).all(|(word, with)| word == with)
        };
        let goes_on = ends(&["from", "--accept-files"]) || ends(&["--accept-files=from"]);
        match all.last_mut().filter(|_| goes_on) {
            Some(from) => {
                from.push(" ");
                from.push(word);
            }
            None => all.push(word.clone()),
        }
    }
    all
}

/// The text of the file, if there is one.
fn file(words: &[OsString]) -> Result<Option<(PathBuf, String)>, Stop> {
    let named = named(words);
    let Some(path) = named.clone().or_else(of_the_user) else { return Ok(None) };
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some((path, text))),
        Err(error) if error.kind() == io::ErrorKind::NotFound && named.is_none() => Ok(None),
        Err(error) => Err(Stop::Usage(format!("cannot read {}: {error}", path.display()))),
    }
}

/// The file that `--config` names. Where that is no argument as it should be, the parser says so.
fn named(words: &[OsString]) -> Option<PathBuf> {
    let at = words.iter().position(|word| word == "--config");
    let apart = at.and_then(|at| words.get(at + 1)).map(PathBuf::from);
    let joined = || words.iter().find_map(|word| word.to_str()?.strip_prefix("--config=").map(PathBuf::from));
    apart.or_else(joined)
}

/// The folder `toom` below `variable`, or below `home` in the user's home.
#[must_use]
pub fn folder(variable: &str, home: &str) -> Option<PathBuf> {
    let set = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let below = || std::env::home_dir().filter(|home| home.is_absolute()).map(|folder| folder.join(home));
    Some(set.or_else(below)?.join("toom"))
}

fn of_the_user() -> Option<PathBuf> {
    Some(folder("XDG_CONFIG_HOME", ".config")?.join("config.toml"))
}

/// One setting of the file.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    name: String,
    value: String,
}

fn said(path: &Path, text: &str) -> Result<Vec<Said>, Stop> {
    let table: toml::Table = toml::from_str(text)
        .map_err(|error| Stop::Usage(format!("{}: {}", path.display(), error.message())))?;
    let wrong = |name: &str, problem: String| {
        let line = text.lines().position(|line| line.trim_start().trim_start_matches('"').starts_with(name));
        let place = line.map_or_else(String::new, |line| format!(", line {}", line + 1));
        Stop::Usage(format!("{}{place}: {problem}", path.display()))
    };
    let one = |(name, value): (String, Value)| {
        let value = match value {
            Value::String(text) => text,
            Value::Integer(number) => number.to_string(),
            Value::Boolean(choice) => choice.to_string(),
            _ => return Err(wrong(&name, format!("{name}: a text, a number, true or false is expected"))),
        };
        check(&name, &value).map_err(|problem| wrong(&name, problem))?;
        Ok(Said { name, value })
    };
    table.into_iter().map(one).collect()
}

/// Whether `value` is one of the setting `name`, by the parser of the command line.
fn check(name: &str, value: &str) -> Result<(), String> {
    let place = name.replace('-', "_");
    let place = PLACES.iter().position(|other| *other == place);
    let words = match place {
        Some(at) => {
            ["127.0.0.1", "2000"].into_iter().take(at).map(str::to_owned).chain([value.to_owned()]).collect()
        }
        None if OPTIONS.contains(&name) => vec![flag(name, value)?.unwrap_or_default()],
        None => return Err(unknown(name)),
    };
    let words = ["toom".to_owned()].into_iter().chain(words.into_iter().filter(|word| !word.is_empty()));
    match Args::command().try_get_matches_from(words) {
        Err(error) if matches!(error.kind(), ErrorKind::ValueValidation | ErrorKind::InvalidValue) => {
            let text = error.to_string();
            let line = text.lines().next().unwrap_or_default();
            Err(format!("{name}: {}", line.strip_prefix("error: ").unwrap_or(line)))
        }
        _ => Ok(()),
    }
}

/// The word of the command line that says the same; none for what is not wanted.
fn flag(name: &str, value: &str) -> Result<Option<String>, String> {
    let takes_value = Args::command()
        .get_arguments()
        .any(|arg| arg.get_long() == Some(name) && arg.get_action().takes_values());
    match value {
        _ if takes_value => Ok(Some(format!("--{name}={value}"))),
        "true" => Ok(Some(format!("--{name}"))),
        "false" => Ok(None),
        _ => Err(format!("{name}: true or false is expected")),
    }
}

fn word(name: &str, value: &str) -> Option<String> {
    flag(name, value).ok().flatten()
}

fn unknown(name: &str) -> String {
    if name == "password" {
        return "a password does not belong here; `password-file` names the file that has it".to_owned();
    }
    let names = PLACES.iter().chain(&OPTIONS).map(|name| name.replace('_', "-"));
    let nearest =
        names.map(|other| (strsim::jaro(name, &other), other)).max_by(|(a, _), (b, _)| a.total_cmp(b));
    match nearest {
        Some((likeness, other)) if likeness >= LIKENESS => {
            format!("there is no setting `{name}`; `{other}` is one")
        }
        _ => format!("there is no setting `{name}`"),
    }
}

/// Whether the command line says otherwise.
fn is_overridden(name: &str, words: &[OsString]) -> bool {
    let given = |name: &str| {
        words
            .iter()
            .take_while(|word| *word != "--")
            .filter_map(|word| word.to_str()?.strip_prefix("--"))
            .any(|word| word.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('=')))
    };
    given(name) || CONTRADICTIONS.iter().any(|(option, over)| over.contains(&name) && given(option))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    /// A file that says `text`, and what comes of it with `words`.
    fn with(text: &str, words: &[&str]) -> Result<Args, Refused> {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("config.toml");
        fs::write(&path, text).unwrap();
        let config = format!("--config={}", path.display());
        let all: Vec<_> =
            [&["toom", config.as_str()], words].concat().into_iter().map(OsString::from).collect();
        read(&all)
    }

    /// What is told of a wrong file, behind its name.
    fn told(text: &str) -> String {
        match with(text, &[]) {
            Err(Refused::File(Stop::Usage(told))) => told.split_once("config.toml").unwrap().1.to_owned(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_file_says_what_the_arguments_leave_out() {
        let text = "host = \"chat.example\"\nport = 2001\nuser = \"obiwan\"\ntls = true\nbell = true\ncolor = \"never\"\n";
        let args = with(text, &[]).unwrap();
        assert_eq!(
            (args.visit.host.as_str(), args.visit.port, args.visit.user.as_deref()),
            ("chat.example", 2001, Some("obiwan"))
        );
        assert!(args.visit.security.tls && args.visit.taste.bell && !args.visit.taste.no_history);
        let args = with(text, &["other.example", "--user", "luke", "--color=always"]).unwrap();
        assert_eq!(
            (args.visit.host.as_str(), args.visit.port, args.visit.user.as_deref()),
            ("other.example", 2001, Some("luke"))
        );
        assert_eq!(args.visit.taste.color, crate::taste::ColorWhen::Always);
    }

    #[test]
    fn an_argument_that_contradicts_the_file_counts() {
        let args = with("tls = true\nca = \"f\"\n", &["--insecure"]).unwrap();
        assert!(args.visit.security.insecure && !args.visit.security.tls && args.visit.security.ca.is_none());
        let fingerprint = "ab".repeat(32);
        let args = with("tls = true\nca = \"f\"\n", &["--tls-fingerprint", &fingerprint]).unwrap();
        assert!(
            args.visit.security.tls
                && args.visit.security.ca.is_none()
                && args.visit.security.tls_fingerprint.is_some()
        );
        assert!(with("insecure = true\n", &["--tls"]).unwrap().visit.security.tls);
        assert!(with("tls = true\n", &["--ca", "g"]).unwrap().visit.security.ca.is_some());
    }

    #[test]
    fn an_unknown_setting_is_an_error_with_what_may_have_been_meant() {
        assert_eq!(told("\ncolour = \"auto\"\n"), ", line 2: there is no setting `colour`; `color` is one");
        assert_eq!(told("zzz = 1\n"), ", line 1: there is no setting `zzz`");
        assert_eq!(
            told("password = \"kenobi\"\n"),
            ", line 1: a password does not belong here; `password-file` names the file that has it"
        );
        assert_eq!(told("json = true\n"), ", line 1: there is no setting `json`");
    }

    #[test]
    fn whose_files_are_taken_stands_behind_from_in_the_file_and_on_the_command_line() {
        use crate::files::Taking;

        let user = |name: &str| toom_core::UserName::parse(name).unwrap();
        let luke = Some(Taking::From(vec![user("luke")]));
        for words in
            [["--accept-files", "from", "luke", "host"], ["host", "--accept-files=from", "luke", "2001"]]
        {
            let args = with("accept-files = \"ask\"\n", &words).unwrap();
            assert_eq!((args.visit.files.accept_files, args.visit.host.as_str()), (luke.clone(), "host"));
        }
        let text = "accept-files = \"from luke, yoda\"\nmax-file-size = \"2GiB\"\ndownload-dir = \"/tmp\"\n";
        let files = with(text, &[]).unwrap().visit.files;
        assert_eq!(files.accept_files, Some(Taking::From(vec![user("luke"), user("yoda")])));
        assert_eq!((files.max_file_size.as_u64(), files.download_dir), (2 << 30, Some("/tmp".into())));
        let wrong = told("accept-files = \"always\"\n");
        assert!(wrong.starts_with(", line 1: accept-files: invalid value 'always'"), "{wrong}");
        assert!(
            told("max-file-size = \"big\"\n").starts_with(", line 1: max-file-size: invalid value 'big'")
        );
    }

    #[test]
    fn a_wrong_value_is_an_error_that_names_the_line() {
        assert!(
            told("user = \"a\"\nport = 0\n").starts_with(", line 2: port: invalid value '0'"),
            "{}",
            told("port = 0\n")
        );
        assert_eq!(told("bell = \"loud\"\n"), ", line 1: bell: true or false is expected");
        assert!(told("color = \"red\"\n").starts_with(", line 1: color: invalid value 'red'"));
        assert_eq!(told("user = [1]\n"), ", line 1: user: a text, a number, true or false is expected");
        assert!(told("user = \n").starts_with(": "));
    }

    #[test]
    fn a_file_that_is_named_has_to_be_there() {
        let words = ["toom", "--config", "/nonexistent/config.toml"].map(OsString::from);
        let Err(Refused::File(Stop::Usage(told))) = read(&words) else { panic!() };
        assert!(told.starts_with("cannot read /nonexistent/config.toml: "), "{told}");
    }

    #[test]
    fn the_file_is_for_the_full_screen_as_well() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("config.toml");
        fs::write(&path, "host = \"chat.example\"\nport = 2001\nuser = \"obiwan\"\nbell = true\n").unwrap();
        let visit = |words: &[&str]| {
            let words = [&["toom", "tui", "--config", path.to_str().unwrap()], words].concat();
            let words: Vec<_> = words.into_iter().map(OsString::from).collect();
            match read(&words).unwrap().program {
                Some(crate::args::Program::Tui(visit)) => visit,
                other => panic!("{other:?}"),
            }
        };
        let plain = visit(&[]);
        assert_eq!(
            (plain.host.as_str(), plain.port, plain.user.as_deref()),
            ("chat.example", 2001, Some("obiwan"))
        );
        assert!(plain.taste.bell);
        let other = visit(&["other.example", "2002", "--user=luke"]);
        assert_eq!(
            (other.host.as_str(), other.port, other.user.as_deref()),
            ("other.example", 2002, Some("luke"))
        );
    }

    #[test]
    fn subcommands_read_no_file() {
        let words = ["toom", "demo"].map(OsString::from);
        assert!(read(&words).unwrap().program.is_some());
    }
}
