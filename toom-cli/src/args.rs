//! The arguments of `toom`.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use clap_complete::Shell;

use crate::files::FilesArgs;
use crate::security::SecurityArgs;
use crate::taste::TasteArgs;

/// Chats with a TOOM server.
///
/// On a terminal it asks for name and password, then takes commands; what others say appears above the line you type. Where
/// standard input or output is no terminal, it reads the name, the password and commands from standard input, a line each, and prints the same
/// without prompts.
#[derive(Debug, Parser)]
#[command(
    name = "toom",
    version,
    after_help = AFTER_HELP,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true
)]
pub struct Args {
    /// What to do instead of connecting to a server.
    #[command(subcommand)]
    pub program: Option<Program>,
    /// Where to log in, and as whom.
    #[command(flatten)]
    pub visit: VisitArgs,
    /// Carry out COMMAND and log out; may be given several times
    #[arg(short = 'c', value_name = "COMMAND")]
    pub commands: Vec<String>,
    /// Print JSON, one object a line
    #[arg(long)]
    pub json: bool,
    /// Then print what others say until interrupted; a lost connection is made again
    #[arg(long)]
    pub follow: bool,
}

/// The arguments that say where to log in, as whom, and what the user likes.
#[derive(Clone, Debug, clap::Args)]
pub struct VisitArgs {
    /// The server's name or address
    #[arg(index = 1, default_value = "127.0.0.1")]
    pub host: String,
    /// The server's port
    #[arg(index = 2, default_value = "2000", value_parser = clap::value_parser!(u16).range(1..))]
    pub port: u16,
    /// The UDP port on which files that others send you arrive; any free one when left out, and 0 takes no files
    #[arg(index = 3)]
    pub udp_port: Option<u16>,
    /// Log in as NAME
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// Log in with the password in the first line of FILE
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Log in with the password in the first line that the open file descriptor N gives
    #[cfg(unix)]
    #[arg(long, value_name = "N", conflicts_with = "password_file")]
    pub password_fd: Option<u32>,
    /// Which files are taken.
    #[command(flatten)]
    pub files: FilesArgs,
    /// What the user likes.
    #[command(flatten)]
    pub taste: TasteArgs,
    /// Read settings from FILE (TOML), in place of ~/.config/toom/config.toml
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// How the server is reached and believed.
    #[command(flatten)]
    pub security: SecurityArgs,
}

/// What `toom` can do but talk in lines.
#[derive(Debug, Subcommand)]
pub enum Program {
    /// Chats on the whole screen: conversations at the left, who is active at the right
    ///
    /// It takes the arguments of toom that say where to log in and as whom. A line that begins with a command in capitals, or with a
    /// slash, is a command; any other is posted to the conversation that is open.
    Tui(Box<VisitArgs>),
    /// Shows TOOM at work: starts a server of its own with three others who answer, and logs you in as obiwan
    ///
    /// The server is on this machine alone and forgets everything at the end. Where standard input is no terminal, it plays a
    /// short session and ends.
    Demo,
    /// Prints a script that lets SHELL complete the arguments of toom
    Completions {
        /// For which shell
        shell: Shell,
    },
    /// Prints the manual page, for `man -l -`
    Man {
        /// Write a page of each subcommand, too, to files in DIR
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
}

const AFTER_HELP: &str = "\
Exit codes: 0 done, 1 something was refused, 2 wrong usage, 3 no connection, or one that was lost.
With --follow, an interrupt (Ctrl-C) or SIGTERM is the end that was meant, and changes no exit code.
Times are in your time zone (the system's, or TZ).
Settings may stand in ~/.config/toom/config.toml, under the names of the options; arguments come before them.
A server whose name is tui, demo, completions or man is reached by `toom -- demo`.";

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn parse(args: &[&str]) -> Result<Args, clap::Error> {
        Args::try_parse_from([&["toom"], args].concat())
    }

    #[test]
    fn the_arguments_are_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn without_arguments_the_server_is_on_this_machine() {
        let args = parse(&[]).unwrap();
        assert_eq!(
            (args.visit.host.as_str(), args.visit.port, args.visit.udp_port),
            ("127.0.0.1", 2000, None)
        );
        assert!(args.program.is_none());
    }

    #[test]
    fn the_places_are_host_port_and_udp_port() {
        let args = parse(&["chat.example", "2001", "2002"]).unwrap();
        assert_eq!((args.visit.host.as_str(), args.visit.port), ("chat.example", 2001));
        assert_eq!(args.visit.udp_port, Some(2002));
        assert_eq!(parse(&["chat.example", "2001", "0"]).unwrap().visit.udp_port, Some(0));
    }

    #[test]
    fn a_port_that_is_none_is_refused() {
        for port in ["0", "65536", "x", ""] {
            assert!(parse(&["h", port]).is_err(), "{port:?}");
        }
    }

    #[test]
    fn commands_may_be_given_several_times() {
        let args =
            parse(&["--user", "obiwan", "--password-file", "p", "-c", "BCM hello", "-c", "ATU"]).unwrap();
        assert_eq!(args.commands, ["BCM hello", "ATU"]);
        assert_eq!(args.visit.user.as_deref(), Some("obiwan"));
    }

    #[test]
    fn demo_is_a_program_and_after_two_dashes_a_host() {
        assert!(matches!(parse(&["demo"]).unwrap().program, Some(Program::Demo)));
        let host = parse(&["--", "demo", "2001"]).unwrap();
        assert!(host.program.is_none());
        assert_eq!((host.visit.host.as_str(), host.visit.port), ("demo", 2001));
    }

    #[test]
    fn the_full_screen_takes_what_says_where_to_log_in_and_no_commands() {
        let args = parse(&["tui", "chat.example", "2001", "--user", "luke", "--color", "never"]).unwrap();
        let Some(Program::Tui(visit)) = args.program else { panic!("{args:?}") };
        assert_eq!(
            (visit.host.as_str(), visit.port, visit.user.as_deref()),
            ("chat.example", 2001, Some("luke"))
        );
        assert!(parse(&["tui", "-c", "ATU"]).is_err());
        assert!(parse(&["tui", "--json"]).is_err());
    }

    #[test]
    fn demo_takes_nothing_else() {
        assert!(parse(&["demo", "2000"]).is_err());
        assert!(parse(&["demo", "-c", "ATU"]).is_err());
        assert_eq!(parse(&["-c", "ATU", "demo"]).unwrap().visit.host, "demo");
    }
}
