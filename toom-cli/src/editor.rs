//! The line that the user types, and what appears above it.
//!
//! `rustyline` does the editing: it is small, falls back to plain lines on a terminal that cannot move its cursor, asks the terminal nothing,
//! and its printer puts lines above the one that is typed without a timer. Its one fault for us is that nothing ends a
//! line that is being typed but the user; so [`Terminal`] can put the terminal back from outside.

use std::borrow::Cow;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::{FileHistory, History as _};
use rustyline::validate::Validator;
use rustyline::{CompletionType, Config, Context, ExternalPrinter};
use tokio::sync::mpsc;

use crate::filter::Shown;
use crate::knowledge::Knowledge;
use crate::paint::Color;

/// How many lines the history has.
const HISTORY_LINES: usize = 1000;

/// How many lines wait to appear above the one that is typed; further ones wait in the connection.
const LINES_ABOVE: usize = 16;

type LineEditor = rustyline::Editor<Helper, FileHistory>;

/// What helps with the line: completion, and with colours a hint of what comes next.
struct Helper {
    knowledge: Knowledge,
    color: Color,
}

impl rustyline::Helper for Helper {}
impl Validator for Helper {}

impl Completer for Helper {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(self.knowledge.complete(line.get(..at).unwrap_or(line)))
    }
}

impl Hinter for Helper {
    type Hint = String;

    /// Without colours it would look like text that was typed.
    fn hint(&self, line: &str, at: usize, _: &Context<'_>) -> Option<String> {
        if self.color == Color::Without || at < line.len() { None } else { Knowledge::hint(line) }
    }
}

impl Highlighter for Helper {
    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Owned(format!("\x1b[2m{hint}\x1b[0m"))
    }
}

/// A terminal on which one line at a time is edited.
#[derive(Debug)]
pub struct Editor {
    /// What is typed.
    pub keyboard: Keyboard,
    /// What appears above it.
    pub above: Above,
}

/// Where lines come from.
#[derive(Debug)]
pub struct Keyboard {
    go: Sender<()>,
    typed: mpsc::Receiver<io::Result<Typed>>,
}

/// The part of the terminal above the line that is typed.
#[derive(Debug)]
pub struct Above(mpsc::Sender<String>);

/// What the user did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    /// A line.
    Line(String),
    /// Ctrl-D.
    End,
}

/// A place for one line there.
#[derive(Debug)]
pub struct Place<'a>(mpsc::Permit<'a, String>);

impl Editor {
    /// Takes over the terminal of standard input and output. Nothing is read before [`ask`](Keyboard::ask).
    ///
    /// # Errors
    /// Where no thread can be started, or the terminal refuses.
    ///
    /// What is typed is kept in the file `history`, which none but the user can read, and can be found again there. Lines that begin
    /// with a space are not.
    pub fn new(knowledge: Knowledge, color: Color, history: Option<PathBuf>) -> io::Result<Self> {
        let config = config().map_err(to_io)?;
        let typed = FileHistory::with_config(&config);
        let mut editor = rustyline::Editor::with_history(config, typed).map_err(to_io)?;
        editor.set_helper(Some(Helper { knowledge, color }));
        let history = history.filter(|path| load(&mut editor, path).is_ok());
        // A terminal without a cursor has no printer: lines are then printed as they come.
        let printer = editor.create_external_printer().ok();
        let (go, wait) = channel();
        let (give, typed) = mpsc::channel(1);
        let (above, to_print) = mpsc::channel(LINES_ABOVE);
        thread::Builder::new()
            .name("editor".to_owned())
            .spawn(move || edit(editor, history.as_deref(), &wait, &give))?;
        thread::Builder::new().name("screen".to_owned()).spawn(move || print(printer, to_print))?;
        Ok(Self { keyboard: Keyboard { go, typed }, above: Above(above) })
    }
}

impl Keyboard {
    /// Lets the user type the next line.
    pub fn ask(&self) {
        // Where the editing thread is gone, `typed` says so.
        let _ = self.go.send(());
    }

    /// Waits for the line. Dropping the future loses nothing.
    ///
    /// # Errors
    /// Those of the terminal.
    pub async fn typed(&mut self) -> io::Result<Typed> {
        self.typed.recv().await.unwrap_or_else(|| Err(io::ErrorKind::BrokenPipe.into()))
    }
}

impl Above {
    /// Waits until there is place for a line. Dropping the future loses nothing.
    ///
    /// # Errors
    /// Where the terminal takes nothing any more.
    pub async fn place(&self) -> io::Result<Place<'_>> {
        self.0.reserve().await.map(Place).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Place<'_> {
    /// Shows `line` there.
    pub fn show(self, line: Shown) {
        self.0.send(line.into_line());
    }
}

fn config() -> Result<Config, ReadlineError> {
    let config = Config::builder().auto_add_history(true).history_ignore_space(true);
    Ok(config.max_history_size(HISTORY_LINES)?.completion_type(CompletionType::List).build())
}

/// What was typed, kept in the same file, for those who edit lines themselves.
#[expect(missing_debug_implementations, reason = "its file has none")]
pub struct TypedLines {
    lines: FileHistory,
    path: PathBuf,
}

impl TypedLines {
    /// Those of the file `path`, which need not be there. `None` where none can be kept.
    #[must_use]
    pub fn open(path: PathBuf) -> Option<Self> {
        let mut lines = FileHistory::with_config(&config().ok()?);
        std::fs::create_dir_all(path.parent()?).ok()?;
        if path.exists() {
            lines.load(&path).ok()?;
        }
        Some(Self { lines, path })
    }

    /// All of them, the oldest first.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.lines.iter().cloned().collect()
    }

    /// Keeps one more.
    pub fn keep(&mut self, line: &str) {
        // Who cannot keep a history does without.
        let _ = self.lines.add(line).and_then(|_| self.lines.append(&self.path));
    }
}

/// Reads the history, if there is one, and sees to it that one can be kept.
fn load(editor: &mut LineEditor, path: &Path) -> Result<(), ReadlineError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    if path.exists() { editor.load_history(path) } else { editor.save_history(path) }
}

fn edit(
    mut editor: LineEditor,
    history: Option<&Path>,
    wait: &Receiver<()>,
    give: &mpsc::Sender<io::Result<Typed>>,
) {
    while wait.recv().is_ok() {
        let typed = loop {
            match editor.readline("") {
                Ok(line) => break Ok(Typed::Line(line)),
                // Ctrl-C throws away what was typed.
                Err(ReadlineError::Interrupted) => {}
                Err(ReadlineError::Eof) => break Ok(Typed::End),
                Err(error) => break Err(to_io(error)),
            }
        };
        if let Some(path) = history {
            // Who cannot keep a history does without.
            let _ = editor.append_history(path);
        }
        if give.blocking_send(typed).is_err() {
            return;
        }
    }
}

/// Runs on a thread of its own, for the printer waits where a line ended before it could print.
fn print(mut printer: Option<impl ExternalPrinter>, mut lines: mpsc::Receiver<String>) {
    while let Some(line) = lines.blocking_recv() {
        let shown = match &mut printer {
            Some(printer) => printer.print(line).is_ok(),
            None => io::stdout().write_all(line.as_bytes()).is_ok(),
        };
        if !shown {
            return;
        }
    }
}

fn to_io(error: ReadlineError) -> io::Error {
    match error {
        ReadlineError::Io(error) => error,
        error => io::Error::other(error),
    }
}

/// How the terminal was before a line was edited.
#[derive(Debug)]
pub struct Terminal {
    #[cfg(unix)]
    before: Option<nix::sys::termios::Termios>,
}

impl Terminal {
    /// As it is now.
    #[must_use]
    pub fn remember() -> Self {
        Self {
            #[cfg(unix)]
            before: nix::sys::termios::tcgetattr(io::stdin()).ok(),
        }
    }

    /// Puts it back while a line is being edited, and goes to the next line.
    pub fn put_back(&self) {
        #[cfg(unix)]
        if let Some(before) = &self.before {
            use nix::sys::termios::{SetArg, tcsetattr};
            // Where it fails, there is no terminal any more. The sequence ends the bracketing of pastes.
            let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, before);
            let _ = io::stdout().write_all(b"\x1b[?2004l\r\n").and_then(|()| io::stdout().flush());
        }
    }
}
