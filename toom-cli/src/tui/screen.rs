//! The terminal: taken over, and put back whatever happens.

use std::io::{self, Stdout, Write as _};
use std::panic;
use std::sync::Once;
use std::thread;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{self, DisableBracketedPaste, EnableBracketedPaste};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use tokio::sync::mpsc;

use super::model::Model;
use super::view;

/// How many keys wait to be taken; further ones wait in the terminal.
const KEYS_QUEUED: usize = 64;

/// The terminal as it is while the full screen is shown. Dropped, it is as it was before.
#[derive(Debug)]
pub struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    /// Takes over the terminal of standard input and output.
    ///
    /// # Errors
    /// Those of the terminal.
    pub fn take_over() -> io::Result<Self> {
        put_back_before_a_panic_is_told();
        enable_raw_mode()?;
        // From here on it is put back, also where something fails.
        let guard = PutBack;
        execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste)?;
        let terminal = Terminal::new(CrosstermBackend::new(io::stdout()))?;
        std::mem::forget(guard);
        Ok(Self { terminal })
    }

    /// Draws what changed.
    ///
    /// # Errors
    /// Those of the terminal.
    pub fn draw(&mut self, model: &Model) -> io::Result<()> {
        self.terminal.draw(|frame| {
            if let Some(cursor) = view::draw(model, frame.buffer_mut()) {
                frame.set_cursor_position(cursor);
            }
        })?;
        Ok(())
    }

    /// Forgets what is on the screen: the next time all of it is drawn.
    ///
    /// # Errors
    /// Those of the terminal.
    pub fn clear(&mut self) -> io::Result<()> {
        self.terminal.clear()
    }

    /// How large it is, in columns and rows.
    ///
    /// # Errors
    /// Those of the terminal.
    pub fn size(&self) -> io::Result<(u16, u16)> {
        let size = self.terminal.size()?;
        Ok((size.width, size.height))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        put_back();
    }
}

struct PutBack;

impl Drop for PutBack {
    fn drop(&mut self) {
        put_back();
    }
}

/// Rings the bell.
pub fn ring() {
    // Who hears nothing misses nothing that is not on the screen.
    let _ = io::stdout().write_all(b"\x07").and_then(|()| io::stdout().flush());
}

fn put_back() {
    // Where it fails, there is no terminal any more.
    let _ = execute!(io::stdout(), DisableBracketedPaste, LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
}

/// What a panic tells would be gone with the screen.
fn put_back_before_a_panic_is_told() {
    static DONE: Once = Once::new();
    DONE.call_once(|| {
        let told = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            put_back();
            told(info);
        }));
    });
}

/// Reads what the terminal says, on a thread of its own.
///
/// # Errors
/// Where no thread can be started.
pub fn listen() -> io::Result<mpsc::Receiver<io::Result<event::Event>>> {
    let (give, take) = mpsc::channel(KEYS_QUEUED);
    thread::Builder::new().name("keyboard".to_owned()).spawn(move || {
        loop {
            let read = event::read();
            let failed = read.is_err();
            if give.blocking_send(read).is_err() || failed {
                return;
            }
        }
    })?;
    Ok(take)
}
