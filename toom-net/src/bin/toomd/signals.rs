//! The signals of an operator, obeyed whatever else hangs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{channel, sync_channel};
use std::thread;
use std::time::Duration;

use sd_notify::NotifyState;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;
use signal_hook::iterator::Signals;
use toom_net::server::Handle;

use crate::failure::Failure;

/// How long the program waits at its end for somebody to take its last words.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Signals that are watched for.
#[derive(Debug)]
pub(crate) struct Watch {
    signals: Signals,
    /// Whether the next signal to end is obeyed at once.
    at_once: Arc<AtomicBool>,
}

impl Watch {
    /// Watches from now on. Before anything is served a signal to end does so at once, also while a long history is being read:
    /// nobody was promised anything.
    pub(crate) fn begin() -> Result<Self, Failure> {
        let at_once = Arc::new(AtomicBool::new(true));
        let watch = |at_once: &Arc<AtomicBool>| {
            let signals = Signals::new([SIGHUP, SIGTERM, SIGINT])?;
            for signal in [SIGTERM, SIGINT] {
                // In this order, and where the signal arrives: the first one makes the second end the program, though every thread hangs.
                flag::register_conditional_default(signal, Arc::clone(at_once))?;
                flag::register(signal, Arc::clone(at_once))?;
            }
            // Of a file that may not grow the store learns by an error, as of a disk without room.
            flag::register(SIGXFSZ, Arc::default())?;
            Ok(signals)
        };
        let signals = watch(&at_once).map_err(Failure::Signals)?;
        Ok(Self { signals, at_once })
    }

    /// Obeys signals until the program ends: a hangup by `reload`, the first that ends it by a shutdown, which may take as long as
    /// `slowest`, the second at once. What was answered is stored.
    pub(crate) fn obey(
        mut self,
        server: Handle,
        slowest: Duration,
        reload: impl Fn() + Send + 'static,
    ) -> Result<(), Failure> {
        self.at_once.store(false, Ordering::SeqCst);
        let (again, asked) = sync_channel(1);
        // Apart from the others: a file, or who reads standard error, may hang.
        spawn("toomd-reload", move || asked.iter().for_each(|()| reload()))?;
        spawn("toomd-signals", move || {
            for signal in self.signals.forever() {
                if signal == SIGHUP {
                    // If one waits, it will read what is there now.
                    let _ = again.try_send(());
                    continue;
                }
                server.stop();
                end_within(slowest);
                tell_systemd(NotifyState::Stopping);
            }
        })
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
    thread::Builder::new().name(name.to_owned()).spawn(run).map(drop).map_err(Failure::Thread)
}

/// Ends the program after `limit`, if it has not ended by itself: a disk or a peer that hangs must not keep it.
fn end_within(limit: Duration) {
    let end = move || {
        thread::sleep(limit);
        let (done, said) = channel::<()>();
        let say = move || {
            tracing::error!("the server did not shut down within {} s", limit.as_secs());
            drop(done);
        };
        if spawn("toomd-last-words", say).is_ok() {
            let _ = said.recv_timeout(LAST_WORDS);
        }
        std::process::exit(1);
    };
    // Without the thread, a second signal ends the program.
    let _ = spawn("toomd-watchdog", end);
}

/// Tells systemd how far the server is. Without systemd nobody is told.
pub(crate) fn tell_systemd(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!("systemd cannot be told how far the server is: {error}");
    }
}
