//! What the lines of a transfer are made of.

use core::fmt;
use core::num::NonZeroU64;
use std::sync::Arc;

use data_encoding::{BASE64, HEXLOWER, HEXLOWER_PERMISSIVE};

use crate::protocol::{WordError, put};

/// One transfer of a file, as the server numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransferId(NonZeroU64);

impl TransferId {
    /// The number 1.
    pub const FIRST: Self = Self(NonZeroU64::MIN);

    /// The number `id`; `None` for 0.
    #[must_use]
    pub const fn new(id: u64) -> Option<Self> {
        match NonZeroU64::new(id) {
            Some(id) => Some(Self(id)),
            None => None,
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0.get()
    }
}

impl fmt::Display for TransferId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! digits {
    ($(#[$meta:meta])* $name:ident, $bytes:literal, $rule:literal) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// These bytes.
            #[must_use]
            pub const fn new(bytes: [u8; $bytes]) -> Self {
                Self(bytes)
            }

            /// Parses hexadecimal digits, two a byte, in either case.
            ///
            /// # Errors
            /// [`WordError`] if there are more or fewer, or something else.
            pub fn parse(raw: &str) -> Result<Self, WordError> {
                let bytes = HEXLOWER_PERMISSIVE.decode(raw.as_bytes()).ok();
                let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
                bytes.map(Self).ok_or(WordError::new($rule))
            }

            /// The bytes.
            #[must_use]
            pub const fn bytes(&self) -> &[u8; $bytes] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&HEXLOWER.encode(&self.0))
            }
        }
    };
}

digits! {
    /// The BLAKE3 hash of a file's content.
    ContentHash, 32, "a hash is 64 hexadecimal digits"
}

digits! {
    /// The SHA-256 hash of a certificate, as DER: a peer that proves to have its key is the one that was meant.
    Fingerprint, 32, "a fingerprint is 64 hexadecimal digits"
}

digits! {
    /// What the receiver of a file makes up for one transfer, so that the sender can show that it was asked to come. `Debug` does not show it.
    TransferTicket, 16, "a ticket is 32 hexadecimal digits"
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentHash({self})")
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

impl fmt::Debug for TransferTicket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TransferTicket(16 bytes)")
    }
}

/// A file's name as its sender calls it: 1 to 255 bytes, spaces too, no control character.
///
/// It comes from a stranger, and may be `..` or hold `/`: it names no file before it was made safe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileName(Box<str>);

impl FileName {
    /// The longest one, in bytes.
    pub const BYTES_MAX: usize = 255;

    /// Parses `raw`.
    ///
    /// # Errors
    /// [`WordError`] tells the rule that it breaks.
    pub fn parse(raw: &str) -> Result<Self, WordError> {
        if raw.is_empty() || raw.len() > Self::BYTES_MAX || raw.contains(char::is_control) {
            return Err(WordError::new("a file name is 1 to 255 bytes without control characters"));
        }
        Ok(Self(raw.into()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How many pieces one side lets the other send: 1 to 16.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leave(u8);

impl Leave {
    /// The most, and the most that may be open at a time: 16.
    pub const MAX: u8 = 16;

    /// Leave for `pieces`; `None` outside 1 to 16.
    #[must_use]
    pub const fn new(pieces: u8) -> Option<Self> {
        if pieces >= 1 && pieces <= Self::MAX { Some(Self(pieces)) } else { None }
    }

    /// How many pieces.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// One piece of what goes through the server: 1 to 8,192 bytes, which a line holds as base64. Clones share it; `Debug` shows its length alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Piece(Arc<[u8]>);

impl Piece {
    /// The longest one, in bytes.
    pub const BYTES_MAX: usize = 8192;

    /// These bytes; `None` if there are none, or too many.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        (1..=Self::BYTES_MAX).contains(&bytes.len()).then(|| Self(bytes.into()))
    }

    /// Reads base64 with its padding.
    pub(in crate::protocol) fn decode(word: &str) -> Option<Self> {
        Self::new(&BASE64.decode(word.as_bytes()).ok()?)
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(in crate::protocol) fn append_to(&self, out: &mut Vec<u8>) {
        out.push(b' ');
        put::str(out, &BASE64.encode(&self.0));
    }
}

impl fmt::Debug for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Piece({} bytes)", self.0.len())
    }
}
