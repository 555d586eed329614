//! The line with which a server begins.

use core::time::Duration;

use toom_core::Epoch;

use super::fields::{Fields, digits};
use super::{ClientWord, put};

/// `TOOM 1 <program> max-line=<bytes> epoch=<hex> [idle=<seconds>]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Greeting {
    /// What the server calls itself, as `toomd/0.1.0`.
    pub server: ClientWord,
    /// The longest line that it takes, in bytes, line end included.
    pub max_line: usize,
    /// The store's birth mark: numbers and cursors of another epoch mean nothing any more.
    pub epoch: Epoch,
    /// How long a session may be silent before the server ends it, in whole seconds; `None` where it does not say so.
    pub idle: Option<Duration>,
}

impl Greeting {
    /// Appends the line with its end.
    pub fn append_to(&self, out: &mut Vec<u8>) {
        put::str(out, "TOOM 1");
        put::field(out, self.server.as_str());
        put::str(out, " max-line=");
        put::number(out, self.max_line as u64);
        put::str(out, " epoch=");
        put::str(out, &self.epoch.to_string());
        if let Some(idle) = self.idle {
            put::str(out, " idle=");
            put::number(out, idle.as_secs());
        }
        put::end(out);
    }

    /// Reads what follows `TOOM 1`. Unknown words are for later versions, and ignored.
    pub(super) fn read(mut fields: Fields<'_>) -> Option<Self> {
        let server = ClientWord::parse(fields.word()?).ok()?;
        let (mut max_line, mut epoch, mut idle) = (None, None, None);
        while let Some(word) = fields.word() {
            match word.split_once('=') {
                Some(("max-line", value)) => max_line = Some(digits(value)?),
                Some(("epoch", value)) => epoch = Some(parse_epoch(value)?),
                Some(("idle", value)) => idle = Some(Duration::from_secs(digits(value)?)),
                _ => {}
            }
        }
        Some(Self { server, max_line: max_line?, epoch: epoch?, idle })
    }
}

fn parse_epoch(word: &str) -> Option<Epoch> {
    let hex = word.bytes().all(|b| b.is_ascii_hexdigit());
    if hex { u64::from_str_radix(word, 16).ok().map(Epoch::new) } else { None }
}
