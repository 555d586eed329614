//! All that happens, in order: its digest, and its last lines.

use core::fmt;
use core::hash::Hasher as _;
use std::collections::VecDeque;

use twox_hash::XxHash3_64;

use super::Print;

/// How many lines are kept for a failure.
const KEPT: usize = 30;

/// Takes notes of all that happens.
pub(super) struct Log {
    digest: XxHash3_64,
    last: VecDeque<String>,
    print: Print,
    pub(super) step: u64,
}

impl Log {
    pub(super) fn new(print: Print) -> Self {
        Self { digest: XxHash3_64::with_seed(0), last: VecDeque::new(), print, step: 0 }
    }

    /// Takes note of what happens in this step.
    pub(super) fn note(&mut self, what: fmt::Arguments<'_>) {
        let mut line =
            if self.last.len() < KEPT { String::new() } else { self.last.pop_front().unwrap_or_default() };
        line.clear();
        // A string takes everything.
        let _ = fmt::write(&mut line, format_args!("{:>6} {what}", self.step));
        self.digest.write(line.as_bytes());
        if self.print == Print::Steps {
            eprintln!("{line}");
        }
        self.last.push_back(line);
    }

    /// Takes note of bytes that moved.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.digest.write(bytes);
    }

    pub(super) fn digest(&self) -> u64 {
        self.digest.finish()
    }

    pub(super) fn into_last(self) -> Vec<String> {
        self.last.into()
    }
}
