//! Stores in a folder of which one file is whatever a fuzzer made of it.
//!
//! Every byte of a store lies under a checksum with a secret seed, at which nearly all that is made up would end. So the checksums are set
//! right before the store sees the file (unless the input says otherwise): behind them, too, nothing may panic, run away, or
//! make up messages. The bytes are read here by `docs/storage.md` alone, with nothing of the store's own code.

pub(crate) mod bytes;
pub(crate) mod folder;
pub(crate) mod journal;
mod judge;
pub(crate) mod run;
