//! What the user likes: colours, a bell, a history of what was typed.

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::paint::{Bell, Color};
use crate::settings::folder;

/// The arguments that say what the user likes.
#[derive(Clone, Debug, Args)]
pub struct TasteArgs {
    /// Whether to colour what a person reads; auto: on a terminal, unless `NO_COLOR` is set
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: ColorWhen,
    /// Ring the bell where a message names you, or somebody offers you a file
    #[arg(long)]
    pub bell: bool,
    /// Keep no history of what you type
    #[arg(long)]
    pub no_history: bool,
}

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal that shows colours, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What the user likes, on this terminal.
#[derive(Clone, Debug)]
pub struct Taste {
    /// Whether there are colours.
    pub color: Color,
    /// Whether a message that names the user, and a file that is offered, is heard.
    pub bell: Bell,
    /// Where what is typed is kept, if it is.
    pub history: Option<PathBuf>,
    /// Where it is kept until when everything was shown.
    pub seen: Option<PathBuf>,
}

impl Taste {
    /// What the arguments say of it.
    #[must_use]
    pub fn of(args: &TasteArgs) -> Self {
        let TasteArgs { color, bell, no_history } = args;
        let color = match color {
            ColorWhen::Always => Color::With,
            ColorWhen::Auto if shows_colors() => Color::With,
            ColorWhen::Auto | ColorWhen::Never => Color::Without,
        };
        let state = folder("XDG_STATE_HOME", ".local/state");
        let history = state.as_ref().map(|state| state.join("history"));
        Self {
            color,
            bell: if *bell { Bell::Rings } else { Bell::Silent },
            history: history.filter(|_| !no_history),
            seen: state.map(|state| state.join("seen")),
        }
    }
}

/// Whether standard output is a terminal with colours, and the user has not said that they want none.
fn shows_colors() -> bool {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    io::stdout().is_terminal() && set("NO_COLOR").is_none() && set("TERM").is_none_or(|term| term != "dumb")
}
