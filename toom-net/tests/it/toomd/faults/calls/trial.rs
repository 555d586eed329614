//! A store that goes through faults, and what is known of it.

use std::os::unix::process::ExitStatusExt as _;

use super::strace::{Begun, Ended, Fault, begin, end};
use super::*;
use crate::toomd::ledger::{Ledger, Unknown, texts_of, try_ask};
use crate::toomd::operations::{expect_metric, get};

const ACCOUNTS: &str = "luke pw\nleia pw\n";
/// How many messages are posted under a fault.
const POSTS: usize = 8;

/// A store that goes through one fault after another, and what is known of it.
pub(super) struct Trial {
    folder: TempDir,
    ledger: Ledger,
    /// How many texts were asked for.
    asked: usize,
    /// Requests of which nobody knew at the end whether they were stored: key and text.
    open: Vec<(String, String)>,
}

impl Trial {
    pub(super) fn new() -> Self {
        Self { folder: folder(ACCOUNTS), ledger: Ledger::default(), asked: 0, open: Vec::new() }
    }

    /// Runs a server under the fault, then one without it: everything is as it was promised. How the first ended.
    pub(super) fn suffer(&mut self, fault: &Fault) -> Ended {
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap());
        let mut ended = match begin(folder, fault) {
            Begun::Ended(ended) => ended,
            Begun::Serves(server) => self.serve(server, fault),
        };
        let is_killed = fault.what.starts_with("signal=SIGKILL") && ended.status.signal() == Some(9);
        assert!(is_killed || ended.status.signal().is_none(), "{fault:?}: {}: {}", ended.status, ended.said);
        assert!(!ended.said.contains("panicked"), "{fault:?}: {}", ended.said);
        if ended.folder.path().join("toom-data/manifest").exists() {
            let verified = command(&ended.folder, &["verify"]).output().unwrap();
            let said = String::from_utf8(verified.stderr).unwrap();
            assert!(verified.status.success(), "{fault:?}: {said}");
        }
        self.folder = std::mem::replace(&mut ended.folder, tempfile::tempdir().unwrap());
        self.recover(fault);
        ended
    }

    /// Posts under the fault, and ends the server.
    fn serve(&mut self, server: Toomd, fault: &Fault) -> Ended {
        let mut peer = server.connect();
        for request in ["HELLO live=off", "LOGIN luke pw"] {
            if try_ask(&mut peer, request).is_none() {
                return end(server);
            }
        }
        let mut refuses = false;
        for _ in 0..POSTS {
            let Some(answer) = self.post(&mut peer) else { return end(server) };
            let is_unavailable = answer.starts_with("ERR BCM unavailable ");
            assert!(!refuses || is_unavailable, "{fault:?}: {answer}, though an append had failed");
            if is_unavailable && !answer.ends_with("; nothing was stored") && !refuses {
                refuses = true;
                self.ledger.compare(0, &texts_of(&mut peer, "b", 0), Unknown::IsNotShown);
                assert_eq!(get(&server, "/readyz"), (503, "the store refuses messages\n".to_owned()));
                assert_eq!(get(&server, "/healthz").0, 200);
                expect_metric(&server, "toomd_store_refuses 1");
            }
        }
        server.signal("TERM");
        end(server)
    }

    /// Posts the next text under a key of its own: the answer, if there is one.
    fn post(&mut self, peer: &mut Peer) -> Option<String> {
        self.asked += 1;
        let (key, text) =
            (format!("k{}", self.asked), format!("{} {}", self.asked, "x".repeat(1 + self.asked % 700)));
        let answer = try_ask(peer, &format!("!{key} BCM {text}"));
        self.ledger.note(text.clone(), answer.as_deref());
        if !self.ledger.is_certain() {
            self.open.push((key, text));
        }
        answer
    }

    /// Serves without a fault, settles what was open, and is killed, so that the next server finds a journal.
    fn recover(&mut self, fault: &Fault) {
        let server = Toomd::start_in(std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap()), &[]);
        let mut luke = server.log_in("luke");
        self.ledger.settle(0, texts_of(&mut luke, "b", 0));
        for (key, text) in std::mem::take(&mut self.open) {
            let answer = luke.ask(&format!("!{key} BCM {text}"));
            assert!(answer.starts_with("OK BCM "), "{fault:?}: {answer}");
            assert_eq!(luke.ask(&format!("!{key} BCM {text}")), answer, "{fault:?}: the same once more");
            self.ledger.note(text, Some(&answer));
        }
        let answer = self.post(&mut luke).unwrap();
        assert!(answer.starts_with("OK BCM "), "{fault:?}: {answer}");
        self.ledger.settle(0, texts_of(&mut luke, "b", 0));
        drop(luke);
        self.folder = server.stop("KILL");
    }
}
