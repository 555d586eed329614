//! Files that are gone again where an export is not finished: nobody takes a part for the whole.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use super::{ExportError, create_file, failed};

/// The files that an export has made so far.
#[derive(Debug, Default)]
pub(super) struct Unfinished {
    made: Vec<PathBuf>,
}

impl Unfinished {
    /// Makes a file for its owner alone, where none is, and makes durable what `write` writes.
    pub(super) fn write<T>(
        &mut self,
        path: &Path,
        write: impl FnOnce(&mut BufWriter<File>) -> Result<T, ExportError>,
    ) -> Result<T, ExportError> {
        let mut out = BufWriter::new(create_file(path)?);
        self.made.push(path.to_owned());
        let written = write(&mut out).and_then(|written| {
            out.flush().and_then(|()| out.get_ref().sync_all()).map_err(ExportError::Write)?;
            Ok(written)
        });
        written.map_err(|error| match error {
            ExportError::Write(error) => failed(path, "write", error),
            error => error,
        })
    }

    /// The export is finished.
    pub(super) fn keep(mut self) {
        self.made.clear();
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        for path in &self.made {
            let _ = fs::remove_file(path);
        }
    }
}
