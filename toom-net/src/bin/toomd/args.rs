//! The arguments of `toomd`.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use jiff::SignedDuration;
use toom_core::{Attempts, UserName};

use crate::admin::AdminAddress;
use crate::archive::{ExportArgs, ImportArgs};
use crate::data::DataArgs;
use crate::limits::Setting;
use crate::logging::{LogFormat, LogLevel};
use crate::repair::RepairArgs;
use crate::replay::ReplayArgs;
use crate::tls::TlsArgs;
use crate::verify::VerifyArgs;

/// The chat server of TOOM. It listens on PORT and reads the accounts from a file; `toomd user` changes that file.
#[derive(Debug, Parser)]
#[command(name = "toomd", version, args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) serve: ServeArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show every setting, its value, and where that comes from.
    Config(Box<ServeArgs>),
    /// Show who is logged in to a server that runs: user, time of the login, address, UDP port
    Sessions(AdminArgs),
    /// End every session of a user of a server that runs. The user may log in again.
    Kick {
        #[command(flatten)]
        at: AdminArgs,
        /// The user's name
        name: UserName,
    },
    /// Print a script that lets SHELL complete the arguments of toomd
    Completions {
        /// For which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, for `man -l -`
    Man,
    /// Show and change the accounts. A server that runs reads them again at SIGHUP.
    User(UserArgs),
    /// Write the history as text logs or as lines of JSON
    ///
    /// The server must not be running. Files that are there are not overwritten.
    Export(ExportArgs),
    /// Fill an empty store with text logs of the old server, or with what `toomd export --format json` wrote
    ///
    /// Everything is read before anything is stored. A line that cannot be imported is told with its number, and nothing is imported then.
    Import(ImportArgs),
    /// Read all of a store, check every checksum and every law, and print what it holds
    ///
    /// The server must not be running. Nothing is written. It fails if anything is damaged.
    Verify(VerifyArgs),
    /// Make a damaged store whole of what can be read, after it is shown what will be lost
    ///
    /// The server must not be running. The damaged files are kept beside the new ones. Asks on a terminal, and elsewhere needs --yes.
    Repair(RepairArgs),
    /// Run what `toomd --record` wrote again, and say whether the same comes of it
    ///
    /// It runs in memory: no store, no accounts and no network are needed or touched. It fails at the first output, page or state that is another
    /// than the recorded one, and shows both, and at damage. A recording that breaks off, because its server was killed, is no failure.
    Replay(ReplayArgs),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ServeArgs {
    /// The TCP port; 0 picks a free one
    #[arg(index = 1, default_value_t = 2000)]
    pub(crate) port: u16,
    /// How many wrong passwords in a row block an account, 1 to 5
    #[arg(index = 2, default_value = "3", value_parser = parse_attempts)]
    pub(crate) attempts: Attempts,
    /// Read settings from this file (TOML); variables TOOMD_… and the command line come before it
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The address to listen on; 0.0.0.0 or :: for every one of this machine
    #[arg(long, value_name = "ADDR", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub(crate) listen: IpAddr,
    /// The account file
    #[arg(long, value_name = "FILE", default_value = "credentials.txt")]
    pub(crate) credentials: PathBuf,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// How long a block lasts, such as 10s, 2m or 500ms
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = parse_block)]
    pub(crate) block: Duration,
    /// Set a bound, such as posts-per-second=10; docs/operations.md lists them
    #[arg(long = "limit", value_name = "NAME=VALUE", value_parser = Setting::parse)]
    pub(crate) limits: Vec<Setting>,
    /// Show the texts of private rooms in the event lines too
    #[arg(long)]
    pub(crate) show_room_texts: bool,
    /// Keep readable copies of the sessions and of all messages in this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) text_logs: Option<PathBuf>,
    /// Write down all that the engine is given and gives, for `toomd replay`, in this new file: every message, but no password
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// Answer operators here: /metrics, /healthz, /readyz, `toomd sessions` and `toomd kick`; a loopback address with a port, or the path of a Unix socket
    #[arg(long, value_name = "ADDR")]
    pub(crate) admin: Option<AdminAddress>,
    /// How diagnostics are written on standard error
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) log_format: LogFormat,
    /// What is worth a diagnostic
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    pub(crate) log_level: LogLevel,
    /// Take plain passwords also where other machines can connect
    #[arg(long)]
    pub(crate) allow_plain_passwords: bool,
    #[command(flatten)]
    pub(crate) tls: TlsArgs,
}

/// The part that says how to serve, whether that is to be done or shown.
pub(crate) fn serving_mut(cli: &mut Cli) -> &mut ServeArgs {
    match &mut cli.command {
        Some(Command::Config(serve)) => serve,
        _ => &mut cli.serve,
    }
}

#[derive(Debug, Args)]
pub(crate) struct AdminArgs {
    /// Where the server answers operators, as its own --admin says
    #[arg(long, value_name = "ADDR", env = "TOOMD_ADMIN")]
    pub(crate) admin: AdminAddress,
}

#[derive(Debug, Args)]
pub(crate) struct UserArgs {
    #[command(subcommand)]
    pub(crate) command: UserCommand,
    /// The account file
    #[arg(long, value_name = "FILE", default_value = "credentials.txt", global = true)]
    pub(crate) credentials: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Add an account; the file is created if need be
    ///
    /// The password is asked for twice, or read from standard input, one line, when that is no terminal.
    Add {
        /// The user's name
        name: UserName,
    },
    /// Remove an account
    Remove {
        /// The user's name
        name: UserName,
    },
    /// Give an account another password
    ///
    /// The password is asked for twice, or read from standard input, one line, when that is no terminal.
    Passwd {
        /// The user's name
        name: UserName,
    },
    /// Keep a user out until `unblock`: the line of the account becomes a comment
    Block {
        /// The user's name
        name: UserName,
    },
    /// Let a user in again
    Unblock {
        /// The user's name
        name: UserName,
    },
    /// List the accounts: a name and `plain`, `argon2id` or `blocked` a line
    List,
    /// Turn every plain password into an Argon2id hash
    Hash,
}

fn parse_attempts(raw: &str) -> Result<Attempts, String> {
    let attempts = raw.parse().ok().and_then(Attempts::new);
    attempts.ok_or_else(|| format!("a number from {} to {} is expected", Attempts::MIN, Attempts::MAX))
}

/// A block of no time would be none, and one of years a mistake.
fn parse_block(raw: &str) -> Result<Duration, String> {
    const LONGEST: Duration = Duration::from_hours(24);
    let block = raw.parse::<SignedDuration>().ok().and_then(|block| Duration::try_from(block).ok());
    match block {
        None => Err("a duration is expected, such as 10s, 2m or 500ms".to_owned()),
        Some(Duration::ZERO) => Err("a block has to last some time".to_owned()),
        Some(longer) if longer > LONGEST => Err("a block lasts 24 hours at most".to_owned()),
        Some(block) => Ok(block),
    }
}

#[cfg(test)]
mod tests {
    use clap::error::ErrorKind;

    use super::*;
    use crate::archive::Format;
    use crate::data::Outlives;

    fn parse(words: &[&str]) -> Result<Cli, ErrorKind> {
        Cli::try_parse_from([&["toomd"], words].concat()).map_err(|error| error.kind())
    }

    fn serve(words: &[&str]) -> Result<ServeArgs, ErrorKind> {
        let cli = parse(words)?;
        assert!(cli.command.is_none(), "{words:?}");
        Ok(cli.serve)
    }

    fn user(words: &[&str]) -> UserArgs {
        match parse(words).unwrap().command {
            Some(Command::User(user)) => user,
            _ => panic!("{words:?} is about no user"),
        }
    }

    #[test]
    fn the_description_of_the_arguments_is_consistent() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }

    #[test]
    fn what_is_left_out_has_the_value_that_the_help_says() {
        let args = serve(&[]).unwrap();
        assert_eq!((args.port, args.attempts.get()), (2000, 3));
        assert_eq!(args.listen.to_string(), "127.0.0.1");
        assert_eq!(args.credentials, PathBuf::from("credentials.txt"));
        assert_eq!(args.block, Duration::from_secs(10));
        assert_eq!(args.text_logs, None);
        assert_eq!(args.data.dir.path, PathBuf::from("toom-data"));
        assert_eq!(args.data.durability, Outlives::Sync);
        assert_eq!((args.data.keep_for, args.data.keep_bytes), (None, None));
        assert!(!args.data.memory && !args.show_room_texts && !args.allow_plain_passwords);
        assert!(args.tls.tls_cert.is_none() && !args.tls.tls_self_signed && !args.tls.insecure);
        assert_eq!(user(&["user", "list"]).credentials, PathBuf::from("credentials.txt"));
    }

    #[test]
    fn every_serving_argument_arrives() {
        let words = "0 5 --listen :: --credentials a/b --data e/f --durability buffered --keep-for 30d --keep-bytes 4096 --block 500ms --show-room-texts --text-logs c/d --record g/h --allow-plain-passwords";
        let args = serve(&words.split(' ').collect::<Vec<_>>()).unwrap();
        assert_eq!((args.port, args.attempts.get()), (0, 5));
        assert_eq!(args.listen.to_string(), "::");
        assert_eq!(args.credentials, PathBuf::from("a/b"));
        assert_eq!(args.block, Duration::from_millis(500));
        assert_eq!(args.text_logs, Some(PathBuf::from("c/d")));
        assert_eq!(args.record, Some(PathBuf::from("g/h")));
        assert_eq!(args.data.dir.path, PathBuf::from("e/f"));
        assert_eq!(args.data.durability, Outlives::Buffered);
        assert_eq!(args.data.keep_for, Some(Duration::from_hours(30 * 24)));
        assert_eq!(args.data.keep_bytes, Some(4096));
        assert!(args.show_room_texts && args.allow_plain_passwords);
    }

    #[test]
    fn certificate_and_key_come_together() {
        let args = serve(&["--tls-key", "k", "--tls-cert", "c", "--insecure"]).unwrap().tls;
        assert_eq!((args.tls_cert, args.tls_key), (Some("c".into()), Some("k".into())));
        assert!(args.insecure);
        assert!(serve(&["--tls-self-signed"]).unwrap().tls.tls_self_signed);
    }

    #[test]
    fn values_out_of_their_range_are_usage_errors() {
        for words in [
            &["65536"][..],
            &["-1"],
            &["x"],
            &["2000", "0"],
            &["2000", "6"],
            &["2000", "x"],
            &["--listen", "localhost"],
            &["--block", "0s"],
            &["--block", "10"],
            &["--block", "10s ago"],
            &["--block", "25h"],
            &["--memory", "--data", "d"],
            &["--memory", "--durability", "sync"],
            &["--memory", "--keep-for", "30d"],
            &["--memory", "--keep-bytes", "4096"],
            &["--durability", "never"],
            &["--keep-for", "30"],
            &["--keep-bytes", "0"],
            &["2000", "3", "4"],
            &["replay"],
            &["replay", "a", "b"],
            &["export", "folder"],
            &["export", "--format", "xml"],
            &["export", "--zone", "Nowhere/Land"],
            &["import"],
            &["import", "a", "b"],
            &["import", "a", "--room", "0=luke"],
            &["--tls-cert", "c"],
            &["--tls-key", "k"],
            &["--tls-cert", "c", "--tls-key", "k", "--tls-self-signed"],
            &["2000", "user", "list"],
            &["user"],
            &["user", "add"],
            &["user", "add", "two words"],
            &["user", "list", "luke"],
        ] {
            let kind = parse(words).unwrap_err();
            assert!(!matches!(kind, ErrorKind::DisplayHelp | ErrorKind::DisplayVersion), "{words:?}: {kind}");
        }
    }

    #[test]
    fn attempts_of_1_to_5_and_blocks_up_to_a_day_are_taken() {
        for attempts in 1..=5_u8 {
            assert_eq!(serve(&["0", &attempts.to_string()]).unwrap().attempts.get(), attempts);
        }
        assert_eq!(serve(&["--block", "2m"]).unwrap().block, Duration::from_mins(2));
        assert_eq!(serve(&["--block", "24h"]).unwrap().block, Duration::from_hours(24));
    }

    #[test]
    fn messages_are_kept_in_memory_where_that_is_asked_for() {
        assert!(serve(&["--memory"]).unwrap().data.memory);
        let words = ["--memory", "--tls-self-signed"];
        assert_eq!(
            serve(&words).unwrap().data.dir.path,
            PathBuf::from("toom-data"),
            "the certificate is kept"
        );
    }

    #[test]
    fn what_is_exported_and_imported_arrives() {
        let words = "export --data d --format json --to x --zone UTC";
        let Some(Command::Export(export)) = parse(&words.split(' ').collect::<Vec<_>>()).unwrap().command
        else {
            panic!("{words}");
        };
        assert_eq!((export.data.path, export.to), (PathBuf::from("d"), Some(PathBuf::from("x"))));
        assert_eq!((export.format, export.zone), (Format::Json, Some(jiff::tz::TimeZone::UTC)));
        let words = "import old --data d --zone UTC --room 1=luke,leia --room 2=yoda";
        let Some(Command::Import(import)) = parse(&words.split(' ').collect::<Vec<_>>()).unwrap().command
        else {
            panic!("{words}");
        };
        assert_eq!((import.from, import.data.path), (PathBuf::from("old"), PathBuf::from("d")));
        assert_eq!(import.zone, Some(jiff::tz::TimeZone::UTC));
        let rooms: Vec<_> = import.rooms.iter().map(|(room, names)| (room.number(), names.len())).collect();
        assert_eq!(rooms, [(1, 2), (2, 1)]);
    }

    #[test]
    fn the_account_file_is_named_before_or_after_the_subcommand() {
        for words in [
            "user --credentials f add luke",
            "user add luke --credentials f",
            "user add --credentials f luke",
        ] {
            let args = user(&words.split(' ').collect::<Vec<_>>());
            assert_eq!(args.credentials, PathBuf::from("f"), "{words}");
            assert!(matches!(args.command, UserCommand::Add { name } if name.as_str() == "luke"), "{words}");
        }
    }
}
