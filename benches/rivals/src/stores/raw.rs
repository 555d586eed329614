//! The limits of a disk: as many bytes as the messages have, written, synced and read, and nothing else.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

use toom_core::{MessageNumber, Record};

use super::{Contender, Seen, StoreError};
use crate::data::query::{From, Query};
use crate::data::{MESSAGE_BYTES, messages};

/// How much of a file is written again and again, as a journal is whose space is used again.
const ZEROED_BYTES: u64 = 64 << 20;

/// Where a limit writes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Space {
    /// At the end of a file, which grows.
    Growing,
    /// Over what was written before, round and round.
    Zeroed,
}

pub(super) struct Raw {
    file: File,
    space: Space,
    at: u64,
}

impl Raw {
    pub(super) fn open(folder: &Path, space: Space) -> Result<Self, StoreError> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(folder.join("raw"))?;
        let mut at = file.metadata()?.len();
        if matches!(space, Space::Zeroed) {
            if at < ZEROED_BYTES {
                file.write_all_at(&vec![0; usize::try_from(ZEROED_BYTES)?], 0)?;
                file.sync_all()?;
            }
            at = 0;
        }
        Ok(Self { file, space, at })
    }
}

impl Contender for Raw {
    fn append_batch(&mut self, batch: &[Record]) -> Result<(), StoreError> {
        let bytes = vec![b'x'; messages(batch).count() * MESSAGE_BYTES];
        let length = bytes.len() as u64;
        if matches!(self.space, Space::Zeroed) && self.at + length > ZEROED_BYTES {
            self.at = 0;
        }
        self.file.write_all_at(&bytes, self.at)?;
        self.at += length;
        Ok(self.file.sync_data()?)
    }

    /// Reads full pages where the messages would lie if they lay in order.
    fn answer(&self, queries: &[Query]) -> Result<Option<Seen>, StoreError> {
        let mut page = Vec::new();
        for query in queries {
            page.resize(query.limit * MESSAGE_BYTES, 0);
            let whole_pages_end = self.at.saturating_sub(page.len() as u64);
            let from = match query.from {
                From::After(after) => after.map_or(0, MessageNumber::get) * MESSAGE_BYTES as u64,
                From::Since(since) => since.unix_micros().unsigned_abs() % whole_pages_end.max(1),
            };
            let read = self.file.read_at(&mut page, from.min(whole_pages_end))?;
            std::hint::black_box(page.get(..read));
        }
        Ok(None)
    }
}
